//! Revocation lists: what is read, and what is refused for which field.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams,
};

use crate::{
    CertificateList, GeneralName, RevocationReason,
    tests::{ecdsa_with_sha256, extension, name, no_bits, refused, sequence, tlv},
};

pub(crate) fn made_by_rcgen() -> Vec<u8> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let issuer = Issuer::new(params, KeyPair::generate().unwrap());
    let day = |day| rcgen::date_time_ymd(2024, 1, day);
    let revoked = |serial: u8, reason_code, invalidity_date| RevokedCertParams {
        serial_number: vec![serial].into(),
        revocation_time: day(serial),
        reason_code,
        invalidity_date,
    };
    let list = CertificateRevocationListParams {
        this_update: day(20),
        next_update: day(27),
        crl_number: 77.into(),
        issuing_distribution_point: Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["http://example.com/list".into()] },
            scope: Some(CrlScope::UserCertsOnly),
        }),
        revoked_certs: vec![
            revoked(3, Some(rcgen::RevocationReason::KeyCompromise), Some(day(1))),
            revoked(4, None, None),
        ],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().der().to_vec()
}

fn day_of_2024(day: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_067_200 + (day - 1) * 86_400)
}

#[test]
fn list_of_rcgen_is_read_back() {
    let der = made_by_rcgen();
    let list = CertificateList::parse(&der).unwrap();
    assert_eq!(list.version, 2);
    assert_eq!(list.issuer.to_string(), "CN=rcgen self signed cert");
    assert_eq!((list.this_update, list.next_update), (day_of_2024(20), Some(day_of_2024(27))));
    assert_eq!(list.crl_number, Some((&[77][..], false)));
    assert_eq!(list.authority_key_identifier.as_ref().unwrap().key_identifier.unwrap().len(), 20);
    let point = list.issuing_distribution_point.as_ref().unwrap();
    assert_eq!(point.full_name, [GeneralName::Uri(b"http://example.com/list")]);
    assert!(point.only_contains_user_certs && !point.only_contains_ca_certs && !point.indirect_crl);
    assert!(!list.is_delta && list.unknown_critical.is_empty());
    assert_eq!(list.tbs_signature, list.signature_algorithm);

    let entries: Vec<_> = list.revoked_certificates().collect();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].serial_number, entries[0].revocation_date), (&[3][..], day_of_2024(3)));
    assert_eq!(entries[0].reason, Some(RevocationReason::KeyCompromise));
    assert_eq!((entries[1].serial_number, entries[1].reason), (&[4][..], None));
    assert_eq!(list.find(&[4]).unwrap().revocation_date, day_of_2024(4));
    assert!(list.find(&[5]).is_none() && list.find(&[]).is_none() && list.find(&[0, 4]).is_none());
}

/// The fields of a list, each with tag and length.
struct Made {
    version: Vec<u8>,
    this_update: Vec<u8>,
    entries: Vec<u8>,
    extensions: Vec<u8>,
    signature_value: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        Self {
            version: vec![2, 1, 1],
            this_update: tlv(0x17, &[b"240101000000Z"]),
            entries: vec![],
            extensions: vec![],
            signature_value: no_bits(),
        }
    }

    fn with(extensions: &[Vec<u8>]) -> Self {
        Self { extensions: tlv(0xa0, &[&sequence(&[&extensions.concat()])]), ..Self::new() }
    }

    fn of(entries: &[Vec<u8>]) -> Self {
        Self { entries: sequence(&[&entries.concat()]), ..Self::new() }
    }

    fn der(&self) -> Vec<u8> {
        let tbs = sequence(&[
            &self.version,
            &ecdsa_with_sha256(),
            &name(&[(3, 0x0c, b"Issuer")]),
            &self.this_update,
            &self.entries,
            &self.extensions,
        ]);
        sequence(&[&tbs, &ecdsa_with_sha256(), &self.signature_value])
    }

    #[track_caller]
    fn parsed(&self, see: impl FnOnce(CertificateList<'_>)) {
        see(CertificateList::parse(&self.der()).expect("it is well formed"));
    }

    #[track_caller]
    fn refused(&self, field: &str, reason: &str) {
        refused(CertificateList::parse(&self.der()), field, reason);
    }
}

fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = match extensions {
        [] => vec![],
        extensions => sequence(&[&extensions.concat()]),
    };
    sequence(&[&tlv(2, &[serial]), &tlv(0x17, &[b"240101000000Z"]), &extensions])
}

#[test]
fn version_1_and_empty_lists_are_read() {
    Made { version: vec![], ..Made::of(&[entry(&[9], &[])]) }.parsed(|list| {
        assert_eq!((list.version, list.next_update), (1, None));
        assert!(list.find(&[9]).is_some());
    });
    for empty in [Made::new(), Made::of(&[])] {
        empty.parsed(|list| assert_eq!(list.revoked_certificates().count(), 0));
    }
}

#[test]
fn extensions_of_the_list() {
    let flags = [tlv(0x82, &[&[0xff]]), tlv(0x83, &[&[1, 6]]), tlv(0x84, &[&[0xff]]), tlv(0x85, &[&[0xff]])];
    let point = sequence(&[&tlv(0xa0, &[&tlv(0xa1, &[])]), &tlv(0x81, &[&[0]]), &flags.concat()]);
    let made = Made::with(&[
        extension("2.5.29.28", Some(0xff), &point),
        extension("2.5.29.27", Some(0xff), &[2, 1, 3]),
        extension("2.5.29.20", Some(0xff), &[2, 1, 4]),
        extension("2.5.29.46", Some(0xff), &sequence(&[&sequence(&[])])),
        extension("1.2.3", Some(0xff), b"any"),
        extension("1.2.4", None, b"thing"),
    ]);
    made.parsed(|list| {
        let point = list.issuing_distribution_point.unwrap();
        assert!(point.relative_name && !point.only_contains_user_certs && point.only_contains_ca_certs);
        assert!(point.only_some_reasons && point.indirect_crl && point.only_contains_attribute_certs);
        assert!(list.is_delta);
        assert_eq!(list.crl_number, Some((&[4][..], true)));
        assert_eq!(list.unknown_critical, [der::asn1::ObjectIdentifier::new_unwrap("1.2.3")]);
    });
    for (id, value, field) in [
        ("2.5.29.28", sequence(&[&tlv(0x81, &[&[1]])]), "issuingDistributionPoint"),
        ("2.5.29.28", sequence(&[&tlv(0x86, &[&[0xff]])]), "issuingDistributionPoint"),
        ("2.5.29.27", vec![2, 1, 0xff], "deltaCRLIndicator"),
        ("2.5.29.20", vec![2, 2, 0, 4], "cRLNumber"),
        ("2.5.29.20", vec![2, 1, 0xff], "cRLNumber"),
        ("2.5.29.35", vec![5, 0], "authorityKeyIdentifier"),
        ("2.5.29.46", sequence(&[]), "freshestCRL"),
    ] {
        Made::with(&[extension(id, None, &value)]).refused(field, "");
    }
    let number = extension("2.5.29.20", None, &[2, 1, 4]);
    Made::with(&[number.clone(), number]).refused("crlExtensions", "twice");
    Made::with(&[]).refused("crlExtensions", "missing");
}

#[test]
fn extensions_of_entries() {
    let issuer = sequence(&[&tlv(0xa4, &[&name(&[(3, 0x0c, b"Other")])])]);
    let extensions = [
        extension("2.5.29.21", None, &[10, 1, 8]),
        extension("2.5.29.24", None, &tlv(0x18, &[b"20240101000000Z"])),
        extension("2.5.29.29", Some(0xff), &issuer),
        extension("1.2.3", Some(0xff), b"any"),
    ];
    Made::of(&[entry(&[1], &[]), entry(&[2], &extensions)]).parsed(|list| {
        let entry = list.find(&[2]).unwrap();
        assert_eq!(entry.reason, Some(RevocationReason::RemoveFromCrl));
        assert!(matches!(&entry.certificate_issuer.unwrap()[..], [GeneralName::Directory(name)]
            if name.to_string() == "CN=Other"));
        assert_eq!(entry.unknown_critical, [der::asn1::ObjectIdentifier::new_unwrap("1.2.3")]);
        assert_eq!(list.revoked_certificates().count(), 2);
    });
    for (id, value, field) in [
        ("2.5.29.21", vec![10, 1, 7], "reasonCode"),
        ("2.5.29.21", vec![10, 1, 11], "reasonCode"),
        ("2.5.29.21", vec![10, 2, 0, 1], "reasonCode"),
        ("2.5.29.21", vec![2, 1, 1], "reasonCode"),
        ("2.5.29.24", tlv(0x17, &[b"240101000000Z"]), "invalidityDate"),
        ("2.5.29.29", sequence(&[]), "certificateIssuer"),
    ] {
        Made::of(&[entry(&[1], &[]), entry(&[2], &[extension(id, None, &value)])]).refused(field, "");
    }
    let reason = extension("2.5.29.21", None, &[10, 1, 1]);
    Made::of(&[entry(&[1], &[reason.clone(), reason])]).refused("crlEntryExtensions", "twice");
}

#[test]
fn each_field_is_refused_by_its_name() {
    let der = Made::new().der();
    refused(CertificateList::parse(&[&der[..], &[0]].concat()), "certificateList", "octets follow");
    for version in [vec![2, 1, 0], vec![2, 1, 2]] {
        Made { version, ..Made::new() }.refused("version", "neither 2 nor left out");
    }
    Made { this_update: vec![], ..Made::new() }.refused("thisUpdate", "missing");
    let three = tlv(0x17, &[b"240101000000Z"]).repeat(3);
    Made { this_update: three, ..Made::new() }.refused("tbsCertList", "octets follow");
    let fraction = [Made::new().this_update, tlv(0x18, &[b"20240101000000.5Z"])].concat();
    Made { this_update: fraction, ..Made::new() }.refused("nextUpdate", "the time is not");
    Made { signature_value: tlv(3, &[&[1, 0]]), ..Made::new() }.refused("signatureValue", "whole octets");

    Made::of(&[entry(&[], &[])]).refused("userCertificate", "empty");
    Made::of(&[entry(&[0, 1], &[])]).refused("userCertificate", "longer");
    Made::of(&[sequence(&[&[2, 1, 1]])]).refused("revocationDate", "missing");
    Made::of(&[vec![5, 0]]).refused("revokedCertificates", "must be 0x30");
    let unknown = extension("1.2.3", None, &[]);
    Made { version: vec![], ..Made::with(std::slice::from_ref(&unknown)) }
        .refused("crlExtensions", "only version 2");
    Made { version: vec![], ..Made::of(&[entry(&[1], &[unknown])]) }
        .refused("crlEntryExtensions", "only version 2");
}

#[test]
fn long_list_is_read_and_searched() {
    let serial = |index: u32| [&[1][..], &index.to_be_bytes()].concat();
    let reason = [extension("2.5.29.21", None, &[10, 1, 1])];
    let entries: Vec<_> = (0..50_000).map(|index| entry(&serial(index), &reason)).collect();
    Made::of(&entries).parsed(|list| {
        assert_eq!(list.revoked_certificates().count(), 50_000);
        assert_eq!(list.find(&serial(49_999)).unwrap().reason, Some(RevocationReason::KeyCompromise));
        assert!(list.find(&serial(50_000)).is_none());
    });
}
