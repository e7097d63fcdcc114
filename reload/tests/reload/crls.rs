//! Revocation lists that follow their directory, under the signatures of every engine.

use std::{sync::Arc, time::SystemTime};

use polytls_api::{
    CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, PresentedChain, RevocationMode,
    RevocationPolicy, ServerName, TrustPolicy,
};
use polytls_reload::{ReloadError, ReloadableCrls, Watching};
use rcgen::SerialNumber;

use crate::support::{Authority, Folder, Issued, NAME, backends, logged};

const SERIAL: u64 = 77;

fn issued(authority: &Authority) -> Issued {
    authority.issue_with(&[NAME], |params| params.serial_number = Some(SerialNumber::from(SERIAL)))
}

async fn verdict(verifier: &dyn CertificateVerifier, issued: &Issued) -> Result<(), CertificateError> {
    let name: ServerName = NAME.parse().unwrap();
    let chain = PresentedChain::new(&issued.certificate, &[]);
    verifier.verify(&chain, &ExpectedPeer::Server(&name), SystemTime::now()).await.map(|_| ())
}

#[tokio::test]
async fn what_a_new_list_revokes_is_refused_and_a_bad_list_leaves_the_old_in_force() {
    for backend in backends() {
        let name = backend.info().name;
        let authority = Authority::new("authority");
        let issued = issued(&authority);
        let folder = Folder::new();
        folder.write("list.pem", authority.crl(1, &[]));
        let mut trust = TrustPolicy::new(authority.roots());
        trust.revocation = Some(RevocationPolicy::off());
        let directory = folder.path("list.pem").parent().unwrap().to_owned();
        let crls = ReloadableCrls::watched(&*backend, &directory, RevocationMode::HardFail, Watching::off())
            .unwrap();
        let verifier = crls.over(backend.verifier(&trust).unwrap());
        assert_eq!(verifier.revision(), None, "{name}: nobody may keep its verdicts");
        assert_eq!(verdict(&*verifier, &issued).await, Ok(()), "{name}");

        folder.write("list.pem", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n");
        let (refused, log) = logged(|| crls.reload_now());
        assert!(refused.unwrap_err().to_string().contains("list.pem"), "{name}");
        assert!(log.contains("new revocation lists refused"), "{name}: {log}");
        assert_eq!((crls.generation(), verdict(&*verifier, &issued).await), (1, Ok(())), "{name}");

        folder.rename_into_place("list.pem", authority.crl(2, &[SERIAL]));
        assert_eq!(crls.reload_now().unwrap(), 2, "{name}");
        let revoked = verdict(&*verifier, &issued).await.unwrap_err();
        assert!(matches!(revoked, CertificateError::Revoked { at: Some(_), .. }), "{name}: {revoked}");
    }
}

#[test]
fn there_is_a_list_and_a_reason_to_look_at_it() {
    let folder = Folder::new();
    let directory = folder.path("none").parent().unwrap().to_owned();
    for backend in backends() {
        let make = |mode| ReloadableCrls::watched(&*backend, &directory, mode, Watching::off()).map(Arc::new);
        let of_none = make(RevocationMode::SoftFail).unwrap_err();
        assert!(matches!(of_none, ReloadError::Config(ConfigError::Certificates { .. })), "{of_none}");
        let off = make(RevocationMode::Off).unwrap_err();
        assert!(matches!(off, ReloadError::Config(ConfigError::Invalid { .. })), "{off}");
    }
}
