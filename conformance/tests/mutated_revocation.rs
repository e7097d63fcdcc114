//! Revocation lists and OCSP responses with one byte changed: what says `revoked` never comes to say `good`, and where a
//! certificate must be known to be good (hard fail), no changed list or response makes it so.
//!
//! The responses are OpenSSL's, from the tests of `tls-api`.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use polytls::{
    Backend, CertificateDer, CertificateError, CertificateRevocationListDer, ConfigError, ExpectedPeer,
    PresentedChain, RevocationChecker, RevocationPolicy, Roots, ServerName, TrustPolicy, VerifiedChain,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;

/// The second after OpenSSL's responses were made.
const RESPONSES_MADE: u64 = 1_796_036_021;

#[test]
fn no_changed_list_makes_a_certificate_good() {
    let issuer = issuer();
    let end_entity = end_entity(&issuer);
    let trust = TrustPolicy::new(Roots::from_der([issuer.der().clone()]));
    for backend in polytls::backends::all() {
        let ask = |list: &[u8]| ask_list(backend.as_ref(), &trust, &end_entity, list);
        let (good, revoked) = (list(&issuer, &[9]), list(&issuer, &[7]));
        ask(&good).unwrap_or_else(|fault| panic!("{backend:?}: {fault}"));
        let fault = ask(&revoked).expect_err("it was revoked");
        assert!(matches!(fault, CertificateError::Revoked { .. }), "{backend:?}: {fault}");
        for list in [good, revoked] {
            let accepted = changes(&list).filter(|(_, changed)| ask(changed).is_ok());
            let places: Vec<String> = accepted.map(|(change, _)| change).collect();
            assert!(places.is_empty(), "{backend:?}: accepted with {places:?}");
        }
    }
}

#[test]
fn no_changed_response_makes_a_certificate_good() {
    for backend in polytls::backends::all() {
        for [certificate, response] in
            [["good", "good"], ["good", "good-ca"], ["revoked", "revoked"], ["revoked", "revoked-ca"]]
        {
            let response = fixture(&format!("{response}.ocsp.der"));
            let certificate = CertificateDer::from(fixture(&format!("{certificate}.der")));
            let ask = |response: &[u8]| ask_response(backend.as_ref(), &certificate, response);
            let accepted = changes(&response).filter(|(_, changed)| ask(changed).is_ok());
            let places: Vec<String> = accepted.map(|(change, _)| change).collect();
            assert!(places.is_empty(), "{backend:?}: accepted with {places:?}");
        }
    }
}

#[test]
fn the_responses_say_what_they_are_for_before_they_are_changed() {
    for backend in polytls::backends::all() {
        let ask = |certificate: &str, response: &str| {
            let certificate = CertificateDer::from(fixture(&format!("{certificate}.der")));
            ask_response(backend.as_ref(), &certificate, &fixture(&format!("{response}.ocsp.der")))
        };
        assert_eq!(ask("good", "good"), Ok(()));
        assert_eq!(ask("good", "good-ca"), Ok(()));
        for response in ["revoked", "revoked-ca"] {
            let fault = ask("revoked", response).expect_err("it was revoked");
            assert!(matches!(fault, CertificateError::Revoked { .. }), "{backend:?}: {fault}");
        }
    }
}

/// Each byte with its lowest bit flipped, and with all; set to 0; cut off with what follows; and one more behind the last.
fn changes(der: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let at = |at: usize| {
        let with = |byte: u8| {
            let mut changed = der.to_vec();
            changed[at] = byte;
            changed
        };
        [
            (format!("bit 0 of {at}"), with(der[at] ^ 1)),
            (format!("all of {at}"), with(!der[at])),
            (format!("0 at {at}"), with(0)),
            (format!("cut at {at}"), der[..at].to_vec()),
        ]
    };
    let longer = [0, 0x30].map(|byte| (format!("{byte} behind"), [der, &[byte]].concat()));
    (0..der.len()).flat_map(at).chain(longer).filter(move |(_, changed)| changed != der)
}

fn ask_list(
    backend: &dyn Backend,
    trust: &TrustPolicy,
    end_entity: &CertificateDer<'_>,
    list: &[u8],
) -> Result<(), CertificateError> {
    let list = CertificateRevocationListDer::from(list.to_vec());
    let verifier = match backend.verifier(&trust.clone().with_crls([list])) {
        Ok(verifier) => verifier,
        Err(error @ ConfigError::Unsupported { .. }) => panic!("{error}"),
        // A list that cannot be used is refused before any chain.
        Err(error) => return Err(CertificateError::Other { detail: error.to_string() }),
    };
    let chain = PresentedChain::new(end_entity, &[]);
    let verdict = verifier.verify(&chain, &ExpectedPeer::Client, SystemTime::now()).now_or_never();
    verdict.expect("polytls's own verifiers answer at once").map(|_| ())
}

fn ask_response(
    backend: &dyn Backend,
    certificate: &CertificateDer<'static>,
    response: &[u8],
) -> Result<(), CertificateError> {
    let signatures =
        backend.signature_verifier().expect("every backend of the project's has one on this platform");
    let checker =
        RevocationChecker::new(&RevocationPolicy::hard_fail(), signatures).expect("there are no lists");
    let path = VerifiedChain::new(vec![certificate.clone(), fixture("root.der").into()]);
    let name: ServerName = "server.example".parse().expect("a name");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(RESPONSES_MADE);
    checker.check(&path, &ExpectedPeer::Server(&name), Some(response), now)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tls-api/src/revocation/tests/openssl"));
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an issuer")
}

/// A client's certificate with the serial number 7.
fn end_entity(issuer: &CertifiedIssuer<'static, KeyPair>) -> CertificateDer<'static> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "end entity");
    params.serial_number = Some(SerialNumber::from(7));
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.signed_by(&KeyPair::generate().expect("a key"), issuer).expect("an end entity").der().clone()
}

/// The issuer's list with these serial numbers on it.
fn list(issuer: &CertifiedIssuer<'static, KeyPair>, revoked: &[u64]) -> Vec<u8> {
    let now = OffsetDateTime::now_utc();
    let revoked = revoked.iter().map(|&serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: now - time::Duration::days(1),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: now - time::Duration::days(1),
        next_update: now + time::Duration::days(1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).expect("a list").der().to_vec()
}
