//! OCSP responses, written by hand (RFC 6960 §4.2.1).

use polytls_x509::Certificate;
use rcgen::{KeyPair, SigningKey};
use rustls_pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// An element of DER with this tag and these parts.
pub(super) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
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

/// A signature as a BIT STRING.
pub(super) fn sign(key: &KeyPair, message: &[u8]) -> Vec<u8> {
    der(3, &[&[0], &key.sign(message).unwrap()])
}

/// id-sha1 and id-sha256.
const SHA1: &[u8] = &[0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
const SHA256: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
const ECDSA_WITH_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

pub(super) const GOOD: &[u8] = &[0x80, 0];
pub(super) const UNKNOWN: &[u8] = &[0x82, 0];

/// certStatus: revoked on this day, because of keyCompromise.
pub(super) fn revoked() -> Vec<u8> {
    der(0xa1, &[&der(0x18, &[b"20260501000000Z"]), &der(0xa0, &[&[10, 1, 1]])])
}

/// A response to be written; what it is for, who signs it, and when.
pub(super) struct Response<'a> {
    pub(super) issuer: &'a Certificate<'a>,
    pub(super) serial_number: &'a [u8],
    pub(super) status: Vec<u8>,
    pub(super) this_update: &'static str,
    pub(super) next_update: Option<&'static str>,
    pub(super) produced_at: &'static str,
    pub(super) sha256: bool,
    /// Extensions of the single response, and of the whole.
    pub(super) extensions: [Vec<u8>; 2],
    /// The responder's certificate where it is not the issuer.
    pub(super) responder: Option<CertificateDer<'static>>,
    pub(super) by_key: bool,
    /// What else is said of the same certificate, before.
    pub(super) before: Vec<Vec<u8>>,
}

impl<'a> Response<'a> {
    /// Of the issuer's, made yesterday and good for this week.
    pub(super) fn good(issuer: &'a Certificate<'a>, certificate: &'a Certificate<'a>) -> Self {
        Self {
            issuer,
            serial_number: certificate.serial_number,
            status: GOOD.to_vec(),
            this_update: "20260614000000Z",
            next_update: Some("20260620000000Z"),
            produced_at: "20260614000000Z",
            sha256: false,
            extensions: [Vec::new(), Vec::new()],
            responder: None,
            by_key: false,
            before: Vec::new(),
        }
    }

    pub(super) fn signed_by(&self, key: &KeyPair) -> Vec<u8> {
        let responder = self.responder.as_ref().map(|der| Certificate::parse(der).unwrap());
        let signer = responder.as_ref().unwrap_or(self.issuer);
        let id = match self.by_key {
            true => {
                let bits = signer.subject_public_key_info.subject_public_key;
                der(0xa2, &[&der(4, &[&Sha1::digest(bits)])])
            }
            false => der(0xa1, &[signer.subject.der()]),
        };
        let produced_at = der(0x18, &[self.produced_at.as_bytes()]);
        let before: Vec<u8> = self.before.iter().flat_map(|status| self.single(status)).collect();
        let singles = der(0x30, &[&before, &self.single(&self.status)]);
        let data = der(0x30, &[&id, &produced_at, &singles, &self.extensions[1]]);
        let certs = self.responder.as_ref().map(|der_| der(0xa0, &[&der(0x30, &[der_])])).unwrap_or_default();
        let basic = der(0x30, &[&data, ECDSA_WITH_SHA256, &sign(key, &data), &certs]);
        let kind = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
        let bytes = der(0xa0, &[&der(0x30, &[&kind, &der(4, &[&basic])])]);
        der(0x30, &[&[10, 1, 0], &bytes])
    }

    fn single(&self, status: &[u8]) -> Vec<u8> {
        let digest = |octets: &[u8]| match self.sha256 {
            true => der(4, &[&Sha256::digest(octets)]),
            false => der(4, &[&Sha1::digest(octets)]),
        };
        let name = digest(self.issuer.subject.der());
        let key = digest(self.issuer.subject_public_key_info.subject_public_key);
        let algorithm = if self.sha256 { SHA256 } else { SHA1 };
        let id = der(0x30, &[algorithm, &name, &key, &der(2, &[self.serial_number])]);
        let this_update = der(0x18, &[self.this_update.as_bytes()]);
        let next = self.next_update.map(|time| der(0xa0, &[&der(0x18, &[time.as_bytes()])]));
        der(0x30, &[&id, status, &this_update, &next.unwrap_or_default(), &self.extensions[0]])
    }
}
