//! OCSP responses (RFC 6960 §4.2.1), written out field by field.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::SigningKey;
use time::{Duration, OffsetDateTime, macros::format_description};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::pki::Authority;

const SHA_1: &[u8] = &[0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00];
const ECDSA_SHA_256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// id-pkix-ocsp-basic.
const BASIC: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// What a response says of a certificate.
pub(crate) enum Status {
    Good,
    /// An hour ago, since its key was compromised.
    Revoked,
}

/// The authority's own response on its certificate with this serial number, which has two octets and is positive.
pub(crate) fn response(authority: &Authority, serial: u16, status: &Status) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(authority.der()).unwrap();
    let name = certificate.subject().as_raw();
    let key = &certificate.public_key().subject_public_key.data;
    let sha_1 = |bytes: &[u8]| tlv(0x04, &[digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()]);
    let id = tlv(0x30, &[SHA_1, &sha_1(name), &sha_1(key), &tlv(0x02, &[&serial.to_be_bytes()])]);
    let status = match status {
        Status::Good => vec![0x80, 0],
        Status::Revoked => tlv(0xa1, &[&time(-1), &[0xa0, 3, 0x0a, 1, 1]]),
    };
    let single = tlv(0x30, &[&id, &status, &time(-1), &tlv(0xa0, &[&time(24)])]);
    let data = tlv(0x30, &[&tlv(0xa1, &[name]), &time(-1), &tlv(0x30, &[&single])]);
    let signature = authority.key().sign(&data).unwrap();
    let basic = tlv(0x30, &[&data, ECDSA_SHA_256, &tlv(0x03, &[&[0], &signature])]);
    let bytes = tlv(0x30, &[BASIC, &tlv(0x04, &[&basic])]);
    tlv(0x30, &[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])
}

/// GeneralizedTime, so many hours from now.
fn time(hours: i64) -> Vec<u8> {
    let time = OffsetDateTime::now_utc() + Duration::hours(hours);
    let format = format_description!("[year][month][day][hour][minute][second]Z");
    tlv(0x18, &[time.format(&format).unwrap().as_bytes()])
}

/// An element of this tag that holds all of these.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let mut element = vec![tag];
    match length {
        0..=0x7f => element.push(length as u8),
        0x80..=0xff => element.extend([0x81, length as u8]),
        _ => element.extend([[0x82].as_slice(), &length.to_be_bytes()].concat()),
    }
    element.extend(content);
    element
}
