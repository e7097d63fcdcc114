//! OCSP responses for the behaviours (RFC 6960 §4.2.1): made on the spot, each with the one fault that a behaviour is about.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use polytls_api::{CertificateDer, Identity, x509::Certificate};
use time::{Duration, OffsetDateTime};

use crate::{
    behaviour::{Stop, failed},
    pki::{Authority, Leaf},
};

/// A response for a server's certificate, and what is particular about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Good,
    Revoked,
    /// It ended yesterday.
    Outdated,
    /// It is for a certificate with another serial number.
    OfAnother,
    BadlySigned,
    /// By one whom the authority made a responder.
    ByResponder,
    /// By an end entity of the authority's that is no responder.
    ByNoResponder,
}

impl Response {
    /// Of this authority, for the certificate that it issued to this identity.
    pub(crate) fn of(self, authority: &Authority, identity: &Identity) -> Result<Vec<u8>, Stop> {
        let own = authority.certificate();
        let issuer = parse(&own)?;
        let Some(subject) = identity.chain().first() else {
            return failed("an identity without a certificate");
        };
        let subject = parse(subject)?;
        let responder = match self {
            Self::ByResponder => Some(authority.responder(Leaf::ocsp_responder())),
            Self::ByNoResponder => Some(authority.responder(Leaf::server())),
            _ => None,
        };
        let data = match &responder {
            Some((certificate, _)) => self.data(&issuer, &subject, &parse(certificate)?),
            None => self.data(&issuer, &subject, &issuer),
        };
        let mut signature = match &responder {
            Some((_, key)) => key.signature(&data),
            None => authority.signature(&data),
        };
        if let Some(last) = signature.last_mut().filter(|_| self == Self::BadlySigned) {
            *last ^= 1;
        }
        let certificates = responder.map(|(certificate, _)| der(0xa0, &[&der(0x30, &[&certificate])]));
        let signature = der(3, &[&[0], &signature]);
        let basic = der(0x30, &[&data, ECDSA_WITH_SHA256, &signature, &certificates.unwrap_or_default()]);
        let bytes = der(0xa0, &[&der(0x30, &[ID_PKIX_OCSP_BASIC, &der(4, &[&basic])])]);
        Ok(der(0x30, &[&[10, 1, 0], &bytes]))
    }

    /// ResponseData: what is signed.
    fn data(
        self,
        issuer: &Certificate<'_>,
        subject: &Certificate<'_>,
        responder: &Certificate<'_>,
    ) -> Vec<u8> {
        let now = OffsetDateTime::now_utc();
        let made = now - Duration::days(3);
        let next = if self == Self::Outdated { now - Duration::days(1) } else { now + Duration::days(3) };
        let digest_of = |octets: &[u8]| der(4, &[digest(&SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref()]);
        let key = issuer.subject_public_key_info.subject_public_key;
        let serial: &[u8] = if self == Self::OfAnother { &[0x7f] } else { subject.serial_number };
        let cert_id = [SHA1, &digest_of(issuer.subject.der()), &digest_of(key), &der(2, &[serial])];
        let status = match self {
            Self::Revoked => der(0xa1, &[&generalized_time(made)]),
            _ => der(0x80, &[]),
        };
        let next = der(0xa0, &[&generalized_time(next)]);
        let single = der(0x30, &[&der(0x30, &cert_id), &status, &generalized_time(made), &next]);
        let responder = der(0xa1, &[responder.subject.der()]);
        der(0x30, &[&responder, &generalized_time(made), &der(0x30, &[&single])])
    }
}

const SHA1: &[u8] = &[0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
const ECDSA_WITH_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ID_PKIX_OCSP_BASIC: &[u8] = &[6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Stop> {
    Certificate::parse(certificate).or_else(|error| failed(error.to_string()))
}

/// An element with this tag and these parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    match content.len() {
        short @ 0..0x80 => element.push(short as u8),
        long @ 0x80..0x100 => element.extend([0x81, long as u8]),
        long => {
            element.push(0x82);
            element.extend((long as u16).to_be_bytes());
        }
    }
    element.extend(content);
    element
}

fn generalized_time(time: OffsetDateTime) -> Vec<u8> {
    let (date, clock) = (time.date(), time.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second) = clock.as_hms();
    der(0x18, &[format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z").as_bytes()])
}
