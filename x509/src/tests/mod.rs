//! DER made by hand, and what must hold of all that is read.

mod any_bytes;

use crate::{Certificate, Malformed};

/// An element with this tag, of these parts.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    let mut element = vec![tag];
    if content.len() > 0x7f {
        element.push(0x80 | length.len() as u8);
    }
    match length {
        [] => element.push(0),
        length => element.extend_from_slice(length),
    }
    element.extend(content);
    element
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, &[der::asn1::ObjectIdentifier::new_unwrap(dotted).as_bytes()])
}

/// An attribute: the last arc of its kind under 2.5.4, its value's tag, its value's content.
pub(crate) type MadeAttribute<'a> = (u8, u8, &'a [u8]);

/// A Name whose RDNs have one attribute each.
pub(crate) fn name(attributes: &[MadeAttribute<'_>]) -> Vec<u8> {
    let rdns: Vec<_> =
        attributes.iter().map(|attribute| tlv(0x31, &[&self::attribute(*attribute)])).collect();
    sequence(&[&rdns.concat()])
}

pub(crate) fn attribute((kind, tag, content): MadeAttribute<'_>) -> Vec<u8> {
    sequence(&[&tlv(0x06, &[&[0x55, 0x04, kind]]), &tlv(tag, &[content])])
}

/// An Extension; `critical` is the BOOLEAN's content, where there is one.
pub(crate) fn extension(id: &str, critical: Option<u8>, value: &[u8]) -> Vec<u8> {
    let critical = critical.map_or(Vec::new(), |critical| tlv(0x01, &[&[critical]]));
    sequence(&[&oid(id), &critical, &tlv(0x04, &[value])])
}

pub(crate) fn ecdsa_with_sha256() -> Vec<u8> {
    sequence(&[&oid("1.2.840.10045.4.3.2")])
}

pub(crate) fn no_bits() -> Vec<u8> {
    tlv(0x03, &[&[0]])
}

/// The fields of a certificate, each with tag and length, to be changed one by one.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) version: Vec<u8>,
    pub(crate) serial_number: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: Vec<u8>,
    pub(crate) not_after: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) subject_public_key_info: Vec<u8>,
    /// What follows the key: unique identifiers and extensions.
    pub(crate) rest: Vec<u8>,
    pub(crate) signature_algorithm: Vec<u8>,
    pub(crate) signature_value: Vec<u8>,
}

impl Made {
    pub(crate) fn new() -> Self {
        Self {
            version: tlv(0xa0, &[&[0x02, 0x01, 0x02]]),
            serial_number: tlv(0x02, &[&[5]]),
            signature: ecdsa_with_sha256(),
            issuer: name(&[(3, 0x0c, b"Issuer")]),
            not_before: tlv(0x17, &[b"240101000000Z"]),
            not_after: tlv(0x18, &[b"20500101000000Z"]),
            subject: name(&[(3, 0x0c, b"Subject")]),
            subject_public_key_info: sequence(&[
                &sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]),
                &tlv(0x03, &[&[0, 4, 1, 2]]),
            ]),
            rest: Vec::new(),
            signature_algorithm: ecdsa_with_sha256(),
            signature_value: no_bits(),
        }
    }

    /// With these extensions alone.
    pub(crate) fn with(extensions: &[Vec<u8>]) -> Self {
        Self { rest: tlv(0xa3, &[&sequence(&[&extensions.concat()])]), ..Self::new() }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let tbs = sequence(&[
            &self.version,
            &self.serial_number,
            &self.signature,
            &self.issuer,
            &sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &self.subject_public_key_info,
            &self.rest,
        ]);
        sequence(&[&tbs, &self.signature_algorithm, &self.signature_value])
    }

    /// Parses it and shows it to `see`.
    #[track_caller]
    pub(crate) fn parsed(&self, see: impl FnOnce(Certificate<'_>)) {
        see(Certificate::parse(&self.der()).expect("it is well formed"));
    }

    #[track_caller]
    pub(crate) fn refused(&self, field: &str, reason: &str) {
        refused(Certificate::parse(&self.der()), field, reason);
    }
}

/// It is malformed in this field, and the reason has these words.
#[track_caller]
pub(crate) fn refused<T>(parsed: Result<T, Malformed>, field: &str, reason: &str) {
    match parsed {
        Ok(_) => panic!("{field}: nothing was found, and {reason:?} was hoped for"),
        Err(malformed) => {
            assert_eq!(malformed.field, field, "{malformed}");
            assert!(malformed.reason.contains(reason), "{malformed}, and {reason:?} was hoped for");
        }
    }
}
