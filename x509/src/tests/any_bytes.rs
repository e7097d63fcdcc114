//! Any bytes, and valid ones with one changed, or cut off: nothing panics, whatever is asked of what was read.

use std::hint::black_box;

use proptest::prelude::*;

use super::{Made, MadeAttribute, extension, name, oid, sequence, tlv};
use crate::{
    Certificate, CertificateList, GeneralName, Name, OcspResponse, ResponderId, crl::tests::made_by_rcgen,
    ocsp::tests::made_by_openssl,
};

/// Everything that can be asked.
fn read_all(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::parse(bytes) {
        black_box(certificate.is_self_issued());
        ask_name(&certificate.subject, &certificate.issuer);
        let names = certificate.extensions.subject_alt_name.iter().flat_map(|names| &names.value);
        for name in names {
            if let GeneralName::Directory(name) = name {
                ask_name(name, &certificate.issuer);
            }
        }
        black_box(format!("{certificate:?}"));
    }
    if let Ok(list) = CertificateList::parse(bytes) {
        let entries: Vec<_> = list.revoked_certificates().collect();
        for entry in &entries {
            assert!(list.find(entry.serial_number).is_some());
        }
        black_box(list.find(&[]));
        black_box(format!("{list:?} {entries:?}"));
    }
    if let Ok(response) = OcspResponse::parse(bytes) {
        black_box(format!("{response:?}"));
        if let OcspResponse::Basic(response) = response
            && let ResponderId::ByName(name) = response.responder_id
        {
            ask_name(&name, &name);
        }
    }
    if let Ok(name) = Name::parse(bytes) {
        ask_name(&name, &name);
    }
}

fn ask_name(name: &Name<'_>, other: &Name<'_>) {
    assert!(name.matches(name) && name.is_within(name));
    assert_eq!(name.matches(other), name.folded() == other.folded());
    assert_eq!(name.is_within(other), name.folded().is_within(&other.folded()));
    black_box(name.to_string());
    black_box(name.rdns().flatten().filter_map(|attribute| attribute.text()).count());
}

/// A certificate that has every extension.
fn rich_certificate() -> Vec<u8> {
    let dns = tlv(0x82, &[b"example.com"]);
    let directory = tlv(0xa4, &[&name(&[(10, 0x13, b"Acme"), (3, 0x1e, b"\0a\0b")])]);
    let other = tlv(0xa0, &[&oid("1.2.3"), &tlv(0xa0, &[&tlv(0x0c, &[b"x"])])]);
    let names =
        sequence(&[&dns, &directory, &other, &tlv(0x87, &[&[192, 0, 2, 1]]), &tlv(0x88, &[&[0x2a, 3]])]);
    let subtree = sequence(&[&dns, &tlv(0x80, &[&[0]]), &tlv(0x81, &[&[1]])]);
    let qualifier = sequence(&[&oid("1.3.6.1.5.5.7.2.1"), &tlv(0x16, &[b"http://example.com"])]);
    let point = tlv(0xa0, &[&tlv(0xa0, &[&tlv(0x86, &[b"http://example.com/list"])])]);
    let point = sequence(&[&point, &tlv(0x81, &[&[1, 6]]), &tlv(0xa2, &[&directory])]);
    Made::with(&[
        extension(
            "2.5.29.35",
            None,
            &sequence(&[&tlv(0x80, &[&[1]]), &tlv(0xa1, &[&dns]), &tlv(0x82, &[&[1]])]),
        ),
        extension("2.5.29.14", Some(0), &tlv(0x04, &[&[1, 2]])),
        extension("2.5.29.15", Some(0xff), &tlv(0x03, &[&[7, 6, 0x80]])),
        extension("2.5.29.32", None, &sequence(&[&sequence(&[&oid("1.2.3"), &sequence(&[&qualifier])])])),
        extension("2.5.29.33", None, &sequence(&[&sequence(&[&oid("1.2.3"), &oid("1.2.4")])])),
        extension("2.5.29.17", None, &names),
        extension("2.5.29.19", Some(0xff), &sequence(&[&tlv(0x01, &[&[0xff]]), &tlv(0x02, &[&[3]])])),
        extension("2.5.29.30", None, &sequence(&[&tlv(0xa0, &[&subtree]), &tlv(0xa1, &[&subtree])])),
        extension("2.5.29.36", None, &sequence(&[&tlv(0x80, &[&[1]]), &tlv(0x81, &[&[2]])])),
        extension("2.5.29.37", None, &sequence(&[&oid("1.3.6.1.5.5.7.3.1")])),
        extension("2.5.29.31", None, &sequence(&[&point])),
        extension("2.5.29.54", None, &tlv(0x02, &[&[1]])),
        extension("1.3.6.1.5.5.7.1.24", None, &sequence(&[&tlv(0x02, &[&[5]])])),
        extension("1.3.6.1.5.5.7.1.1", None, &sequence(&[&sequence(&[&oid("1.3.6.1.5.5.7.48.1"), &dns])])),
        extension("1.3.6.1.5.5.7.48.1.5", None, &[5, 0]),
        extension("1.2.3.4", Some(0xff), &[]),
    ])
    .der()
}

fn valid() -> [Vec<u8>; 4] {
    let three_strings: [MadeAttribute<'_>; 3] =
        [(10, 0x14, b"\xe4"), (11, 0x1c, b"\0\0\0a"), (3, 0x0c, b" a  b ")];
    [rich_certificate(), made_by_rcgen(), made_by_openssl(), name(&three_strings)]
}

#[test]
fn valid_bytes_with_one_changed_are_no_panic() {
    assert!(Certificate::parse(&rich_certificate()).is_ok());
    for mut bytes in valid() {
        for index in 0..bytes.len() {
            let octet = bytes[index];
            // Each bit, and the values that mean something in a tag or a length.
            let flips = (0..8).map(|bit| octet ^ (1 << bit));
            for changed in flips.chain([0x00, 0x01, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff]) {
                bytes[index] = changed;
                read_all(&bytes);
            }
            bytes[index] = octet;
        }
    }
}

#[test]
fn valid_bytes_that_are_cut_off_are_refused() {
    for bytes in valid() {
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            assert!(Certificate::parse(cut).is_err());
            assert!(CertificateList::parse(cut).is_err());
            assert!(OcspResponse::parse(cut).is_err());
            assert!(Name::parse(cut).is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    /// Elements within elements, with lengths that fit: these come further than any bytes do.
    #[test]
    fn any_elements_are_no_panic(bytes in elements()) {
        read_all(&bytes);
    }

    /// Some octets of a valid one are another's.
    #[test]
    fn spliced_bytes_are_no_panic(
        one in 0_usize..4, other in 0_usize..4, from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(), count in 0_usize..40,
    ) {
        let valid = valid();
        let (mut bytes, other) = (valid[one].clone(), &valid[other]);
        let (from, to) = (from.index(other.len()), to.index(bytes.len()));
        let count = count.min(other.len() - from).min(bytes.len() - to);
        bytes[to..to + count].copy_from_slice(&other[from..from + count]);
        read_all(&bytes);
    }
}

fn elements() -> impl Strategy<Value = Vec<u8>> {
    const TAGS: &[u8] = &[
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x80, 0x81, 0x82, 0x87,
        0x88,
    ];
    const CONSTRUCTED: &[u8] = &[0x30, 0x30, 0x30, 0x31, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4];
    let leaf = (prop::sample::select(TAGS), proptest::collection::vec(any::<u8>(), 0..6))
        .prop_map(|(tag, content)| tlv(tag, &[&content]));
    leaf.prop_recursive(6, 60, 6, |inner| {
        (prop::sample::select(CONSTRUCTED), proptest::collection::vec(inner, 0..6)).prop_map(
            |(tag, parts)| {
                let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
                tlv(tag, &parts)
            },
        )
    })
}
