//! Any bytes as whatever X.509 has: nothing panics, and what is told twice is told alike.

#![no_main]

use libfuzzer_sys::fuzz_target;
use polytls_x509::{Certificate, CertificateList, Name, OcspResponse};

fn compare(name: &Name<'_>, other: &Name<'_>) {
    assert_eq!(name.matches(other), name.folded() == other.folded());
    assert_eq!(name.is_within(other), name.folded().is_within(&other.folded()));
    assert!(!name.to_string().chars().any(char::is_control));
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = Certificate::parse(bytes) {
        assert_eq!(certificate.der, bytes);
        compare(&certificate.subject, &certificate.issuer);
    }
    if let Ok(list) = CertificateList::parse(bytes) {
        assert!(list.revoked_certificates().all(|entry| list.find(entry.serial_number).is_some()));
    }
    let _ = OcspResponse::parse(bytes);
    if let Ok(name) = Name::parse(bytes) {
        compare(&name, &name);
    }
});
