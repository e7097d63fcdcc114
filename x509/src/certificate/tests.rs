//! Certificates: what is read, and what is refused for which field.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::{
    Certificate, CertifiedKey, GeneralName, KeyPurposeId, KeyUsage, SubjectPublicKeyInfo,
    tests::{Made, extension, name, oid, refused, sequence, tlv},
};

#[test]
fn certificate_of_rcgen_is_read_back() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["example.com".to_owned(), "192.0.2.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Someone");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = rcgen::date_time_ymd(1955, 3, 1);
    params.not_after = rcgen::date_time_ymd(2051, 1, 2);
    params.serial_number = Some(vec![0x80, 1].into());
    let made = params.self_signed(&key).unwrap();
    let certificate = Certificate::parse(made.der()).unwrap();

    assert_eq!(certificate.version, 3);
    assert_eq!(certificate.serial_number, [0, 0x80, 1]);
    assert_eq!(certificate.der, &made.der()[..]);
    assert_eq!(certificate.tbs_signature, certificate.signature_algorithm);
    assert_eq!(certificate.subject_public_key_info.der, rcgen::PublicKeyData::subject_public_key_info(&key));
    let key_alone = SubjectPublicKeyInfo::of_certificate(made.der()).unwrap();
    assert_eq!(key_alone.der, certificate.subject_public_key_info.der);
    assert_eq!(SubjectPublicKeyInfo::of_certificate(&made.der()[..200]).unwrap_err().field, "certificate");
    assert_eq!(SubjectPublicKeyInfo::parse(key_alone.der).unwrap().der, key_alone.der);
    assert!(SubjectPublicKeyInfo::parse(&[key_alone.der, &[0]].concat()).is_err());
    let certified = CertifiedKey::of_certificate(made.der()).unwrap();
    assert_eq!(certified.subject_public_key_info.der, key_alone.der);
    assert!(CertifiedKey::of_certificate(&made.der()[..made.der().len() - 1]).is_err());
    assert!(certificate.is_self_issued());
    assert_eq!(certificate.subject.to_string(), "CN=Someone");
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    assert_eq!(certificate.validity.not_before, SystemTime::UNIX_EPOCH - days(5420));
    assert_eq!(certificate.validity.not_after, SystemTime::UNIX_EPOCH + days(29586));

    let extensions = certificate.extensions;
    let constraints = extensions.basic_constraints.unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(3));
    let usage = extensions.key_usage.unwrap().value;
    assert!(usage.contains(KeyUsage::KEY_CERT_SIGN) && usage.contains(KeyUsage::CRL_SIGN));
    assert!(!usage.contains(KeyUsage::DIGITAL_SIGNATURE));
    assert_eq!(certified.key_usage, Some(usage));
    assert_eq!(extensions.extended_key_usage.unwrap().value, [KeyPurposeId::SERVER_AUTH]);
    let names = extensions.subject_alt_name.unwrap();
    assert!(!names.critical);
    assert_eq!(names.value, [GeneralName::Dns(b"example.com"), GeneralName::Ip(&[192, 0, 2, 1])]);
    assert!(extensions.unknown_critical.is_empty());
}

#[test]
fn what_is_signed_is_given_as_it_stands() {
    let made = Made::new();
    let der = made.der();
    let certificate = Certificate::parse(&der).unwrap();
    let tbs_and_algorithm = [certificate.tbs_certificate, certificate.signature_algorithm.der].concat();
    assert_eq!(sequence(&[&tbs_and_algorithm, &made.signature_value]), der);
    assert_eq!(certificate.subject_public_key_info.der, made.subject_public_key_info);
    assert_eq!(certificate.subject_public_key_info.subject_public_key, [4, 1, 2]);
    let algorithm = certificate.subject_public_key_info.algorithm;
    assert_eq!(algorithm.parameters, Some(&oid("1.2.840.10045.3.1.7")[..]));
    assert_eq!(certificate.signature_algorithm.parameters, None);
    assert_eq!(certificate.issuer.der(), made.issuer);
}

#[test]
fn versions_1_and_2_are_read() {
    Made { version: vec![], ..Made::new() }.parsed(|certificate| assert_eq!(certificate.version, 1));
    let identifiers = [tlv(0x81, &[&[0, 1]]), tlv(0x82, &[&[0, 1]])].concat();
    let version = tlv(0xa0, &[&[2, 1, 1]]);
    Made { version, rest: identifiers, ..Made::new() }
        .parsed(|certificate| assert_eq!(certificate.version, 2));
}

#[test]
fn what_a_version_has_not_is_refused() {
    let extensions = Made::with(&[extension("1.2.3", None, &[])]).rest;
    for version in [vec![], tlv(0xa0, &[&[2, 1, 1]])] {
        Made { version, rest: extensions.clone(), ..Made::new() }.refused("extensions", "only version 3");
    }
    let identifier = tlv(0x81, &[&[0, 1]]);
    Made { version: vec![], rest: identifier, ..Made::new() }.refused("issuerUniqueID", "version 1 has none");
}

#[test]
fn der_is_strict() {
    let der = Made::new().der();
    refused(Certificate::parse(&[&der[..], &[0]].concat()), "certificate", "1 octets follow");
    refused(Certificate::parse(&[]), "certificate", "missing");
}

#[test]
fn lengths_are_minimal_and_definite() {
    let long_form = |length: &[u8]| [&[0xa0], length, &[2, 1, 2]].concat();
    Made { version: long_form(&[0x03]), ..Made::new() }.parsed(|_| ());
    for length in [&[0x81, 0x03][..], &[0x82, 0, 3], &[0x84, 0, 0, 0, 3], &[0x85, 0, 0, 0, 0, 3]] {
        Made { version: long_form(length), ..Made::new() }.refused("version", "shortest form");
    }
    let indefinite = vec![0xa0, 0x80, 2, 1, 2, 0, 0];
    Made { version: indefinite, ..Made::new() }.refused("version", "indefinite");
    // Beyond what there is, and beyond what can be counted.
    for length in [&[0x7f][..], &[0x84, 0xff, 0xff, 0xff, 0xff]] {
        Made { version: long_form(length), ..Made::new() }.refused("version", "cut off");
    }
}

#[test]
fn each_field_is_refused_by_its_name() {
    let made = Made::new;
    for (version, reason) in
        [([2, 1, 0], "neither 2 nor 3"), ([2, 1, 3], "neither 2 nor 3"), ([1, 1, 0], "tag")]
    {
        Made { version: tlv(0xa0, &[&version]), ..made() }.refused("version", reason);
    }
    Made { version: tlv(0xa0, &[&[2, 1, 2, 5, 0]]), ..made() }.refused("version", "2 octets follow");

    for (serial, reason) in [(&[][..], "empty"), (&[0, 5], "longer"), (&[0xff, 0x80], "longer")] {
        Made { serial_number: tlv(2, &[serial]), ..made() }.refused("serialNumber", reason);
    }
    Made { serial_number: tlv(0x0a, &[&[1]]), ..made() }.refused("serialNumber", "0x0a and must be 0x02");

    Made { signature: sequence(&[]), ..made() }.refused("signature", "missing");
    let twice = sequence(&[&oid("1.2.3"), &[5, 0], &[5, 0]]);
    Made { signature: twice.clone(), ..made() }.refused("signature", "2 octets follow");
    Made { signature_algorithm: twice, ..made() }.refused("signatureAlgorithm", "2 octets follow");
    for octets in [&[][..], &[0x2a, 0x80, 0x01], &[0x2a, 0x83]] {
        let signature = sequence(&[&tlv(6, &[octets])]);
        Made { signature, ..made() }.refused("signature", "shortest form");
    }

    Made { issuer: sequence(&[&tlv(0x31, &[])]), ..made() }.refused("issuer", "no attribute");
    Made { subject: tlv(0x31, &[]), ..made() }.refused("subject", "must be 0x30");
    Made { not_after: vec![], ..made() }.refused("notAfter", "missing");
    Made { not_after: [made().not_after, vec![5, 0]].concat(), ..made() }
        .refused("validity", "2 octets follow");

    Made { signature_value: tlv(3, &[&[4, 0xf0]]), ..made() }.refused("signatureValue", "whole octets");
    Made { signature_value: [made().signature_value, vec![5, 0]].concat(), ..made() }
        .refused("certificate", "2 octets follow");
    Made { rest: vec![5, 0], ..made() }.refused("tbsCertificate", "2 octets follow");
    Made { rest: tlv(0xa1, &[&[0, 1]]), ..made() }.refused("tbsCertificate", "octets follow");
}

#[test]
fn keys_are_of_whole_octets() {
    let made = Made::new;
    let key = |bits: &[u8]| sequence(&[&sequence(&[&oid("1.2.3")]), &tlv(3, &[bits])]);
    Made { subject_public_key_info: key(&[1, 2]), ..made() }.refused("subjectPublicKey", "whole octets");
    Made { subject_public_key_info: key(&[]), ..made() }.refused("subjectPublicKey", "how many");
    Made { subject_public_key_info: key(&[8, 0]), ..made() }.refused("subjectPublicKey", "how many");
    Made { subject_public_key_info: key(&[1]), ..made() }.refused("subjectPublicKey", "there are none");
    Made { subject_public_key_info: sequence(&[&[5, 0]]), ..made() }.refused("subjectPublicKeyInfo", "0x05");
}

#[test]
fn tags_that_are_not_of_der_are_refused() {
    // A constructed UTF8String, a number over 30, the end of an indefinite length, and a primitive SEQUENCE.
    for tag in [0x2c, 0x1f, 0x9f, 0x00, 0x10] {
        let issuer = name(&[(3, tag, &[])]);
        Made { issuer, ..Made::new() }.refused("issuer", "is not of DER");
    }
    // UniversalString, a SEQUENCE, and types that no name should have.
    for tag in [0x1c, 0x30, 0x04, 0x80, 0xa0] {
        Made { issuer: name(&[(3, tag, &[])]), ..Made::new() }.parsed(|_| ());
    }
}

#[test]
fn self_issued_is_what_the_names_say() {
    let subject = name(&[(3, 0x13, b" ISSUER")]);
    Made { subject, ..Made::new() }.parsed(|certificate| assert!(certificate.is_self_issued()));
    Made::new().parsed(|certificate| assert!(!certificate.is_self_issued()));
}
