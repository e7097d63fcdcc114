//! Responses that `openssl ocsp` has made from an index of `openssl ca` (OpenSSL 3.0.19): by a responder of the root's, and
//! by the root itself without any certificate.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_x509::RevocationReason;
use rustls_pki_types::CertificateDer;

use super::{chains::P256, hard, is_unknown};
use crate::{CertificateError, ExpectedPeer, RevocationChecker, ServerName, VerifiedChain};

const ROOT: &[u8] = include_bytes!("openssl/root.der");
const GOOD: &[u8] = include_bytes!("openssl/good.der");
const REVOKED: &[u8] = include_bytes!("openssl/revoked.der");

/// The second in which they were made.
const MADE: u64 = 1_796_036_020;

fn verdict(certificate: &'static [u8], response: &[u8], seconds: u64) -> Result<(), CertificateError> {
    let path = [certificate, ROOT].map(CertificateDer::from).to_vec();
    let name: ServerName = "server.example".parse().unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let checker = RevocationChecker::new(&hard(), Arc::new(P256)).unwrap();
    checker.check(&VerifiedChain::new(path), &ExpectedPeer::Server(&name), Some(response), now)
}

#[test]
fn responses_of_openssls_are_read() {
    let good: [&[u8]; 2] =
        [include_bytes!("openssl/good.ocsp.der"), include_bytes!("openssl/good-ca.ocsp.der")];
    let revoked: [&[u8]; 2] =
        [include_bytes!("openssl/revoked.ocsp.der"), include_bytes!("openssl/revoked-ca.ocsp.der")];
    for (good, revoked) in good.into_iter().zip(revoked) {
        assert_eq!(verdict(GOOD, good, MADE + 60), Ok(()));
        let found = verdict(REVOKED, revoked, MADE + 60);
        let Err(CertificateError::Revoked { at: Some(_), reason }) = found else { panic!("{found:?}") };
        assert_eq!(reason, Some(RevocationReason::KeyCompromise));
        assert!(is_unknown(&verdict(REVOKED, good, MADE + 60), "for another certificate"));
        assert!(is_unknown(&verdict(GOOD, good, MADE + 8 * 24 * 60 * 60), "outdated since 2026-12-07"));
    }
}
