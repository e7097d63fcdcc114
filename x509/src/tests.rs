//! Certificates that rcgen makes, read back.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::{Certificate, GeneralName, KeyPurposeId, KeyUsage};

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
    assert_eq!(extensions.extended_key_usage.unwrap().value, [KeyPurposeId::SERVER_AUTH]);
    let names = extensions.subject_alt_name.unwrap();
    assert!(!names.critical);
    assert_eq!(names.value, [GeneralName::Dns(b"example.com"), GeneralName::Ip(&[192, 0, 2, 1])]);
    assert!(extensions.unknown_critical.is_empty());
}
