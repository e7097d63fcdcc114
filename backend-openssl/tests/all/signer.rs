//! Identities whose private key is elsewhere, on servers and on clients.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use openssl::{
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::{self, RsaPssSaltlen},
};
use polytls_api::{
    AlertDescription, Backend, CertificateDer, CertificateError, CertificateVerifier, ClientAuthentication,
    ClientConfig, ConfigError, Error, ErrorKind, ExpectedPeer, HandshakeError, HookError, Identity,
    NamedGroup, PresentedChain, ProtocolVersion, Roots, ServerConfig, SignatureScheme, Signer, TlsAcceptor,
    TlsConnector, TlsStream, VerifiedChain, async_trait,
};
use polytls_openssl::OpenSsl;
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Barrier, oneshot},
};

use SignatureScheme as Scheme;

type End = Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>;

const RSA_PSS: [Scheme; 3] =
    [Scheme::RSA_PSS_RSAE_SHA256, Scheme::RSA_PSS_RSAE_SHA384, Scheme::RSA_PSS_RSAE_SHA512];
const RSA_PKCS1: [Scheme; 3] = [Scheme::RSA_PKCS1_SHA256, Scheme::RSA_PKCS1_SHA384, Scheme::RSA_PKCS1_SHA512];

/// A key and its certificate.
struct Pair {
    key: PKey<Private>,
    certificate: CertificateDer<'static>,
}

impl Pair {
    fn new(key: PKey<Private>) -> Self {
        Self::named("localhost", key)
    }

    fn named(name: &str, key: PKey<Private>) -> Self {
        let pair = KeyPair::try_from(key.private_key_to_pkcs8().unwrap()).unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap().der().clone();
        Self { key, certificate }
    }

    fn rsa() -> Self {
        Self::new(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
    }

    fn ec(curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        Self::new(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    fn here(&self) -> Identity {
        Identity::from_der([self.certificate.clone()], self.key.private_key_to_pkcs8().unwrap()).unwrap()
    }

    fn with(&self, signer: impl Signer + 'static) -> Identity {
        Identity::from_signer([self.certificate.clone()], Arc::new(signer)).unwrap()
    }

    fn roots(&self) -> Roots {
        Roots::from_der([self.certificate.clone()])
    }

    /// Its key, to sign with these schemes.
    fn signer(&self, schemes: &[Scheme]) -> KeyService {
        KeyService { key: self.key.clone(), schemes: schemes.to_vec(), asked: Arc::default() }
    }
}

/// Signs with a key after the runtime has had its turn, and notes what it is asked for.
struct KeyService {
    key: PKey<Private>,
    schemes: Vec<Scheme>,
    asked: Arc<Mutex<Vec<Scheme>>>,
}

impl KeyService {
    fn sign_now(&self, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        let name = scheme.name().unwrap();
        let mut signer = match name {
            "ed25519" => sign::Signer::new_without_digest(&self.key),
            name if name.ends_with("256") => sign::Signer::new(MessageDigest::sha256(), &self.key),
            name if name.ends_with("384") => sign::Signer::new(MessageDigest::sha384(), &self.key),
            _ => sign::Signer::new(MessageDigest::sha512(), &self.key),
        }
        .unwrap();
        if name.starts_with("rsa_pss") {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        signer.sign_oneshot_to_vec(message).unwrap()
    }
}

impl fmt::Debug for KeyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyService")
    }
}

#[async_trait]
impl Signer for KeyService {
    fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    async fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        // A timer needs the runtime of the task.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.asked.lock().unwrap().push(scheme);
        Ok(self.sign_now(scheme, message))
    }
}

/// A client and a server, and what they present.
struct Scene<'a> {
    version: ProtocolVersion,
    server: Identity,
    server_roots: Roots,
    client: Option<(Identity, Roots)>,
    verifier: Option<Arc<dyn CertificateVerifier>>,
    verifier_of_clients: Option<Arc<dyn CertificateVerifier>>,
    schemes_of_servers: Option<&'a [Scheme]>,
}

impl Scene<'_> {
    /// A server that presents `identity`, which is of `pair`.
    fn server(version: ProtocolVersion, pair: &Pair, identity: Identity) -> Self {
        let server_roots = pair.roots();
        Self {
            version,
            server: identity,
            server_roots,
            client: None,
            verifier: None,
            verifier_of_clients: None,
            schemes_of_servers: None,
        }
    }

    /// A client that presents `identity`, which is of `pair`, to an ordinary server.
    fn client(version: ProtocolVersion, pair: &Pair, identity: Identity) -> Self {
        let ordinary = Pair::ec(Nid::X9_62_PRIME256V1);
        let mut scene = Self::server(version, &ordinary, ordinary.here());
        scene.client = Some((identity, pair.roots()));
        scene
    }

    fn ends(&self) -> (TlsConnector, TlsAcceptor) {
        let backend: Arc<dyn Backend> = Arc::new(OpenSsl::new());
        let groups =
            [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1, NamedGroup::SECP521R1];
        let mut client = ClientConfig::builder(backend.clone())
            .protocol_versions([self.version])
            .named_groups(groups)
            .roots(self.server_roots.clone());
        let mut server = ServerConfig::builder(backend, self.server.clone())
            .protocol_versions([self.version])
            .named_groups(groups);
        if let Some(schemes) = self.schemes_of_servers {
            client = client.signature_schemes(schemes.to_vec());
        }
        if let Some(verifier) = &self.verifier {
            client = client.verifier(verifier.clone());
        }
        if let Some((identity, roots)) = &self.client {
            client = client.identity(identity.clone());
            server = server.client_authentication(ClientAuthentication::Required);
            server = match &self.verifier_of_clients {
                Some(verifier) => server.client_verifier(verifier.clone()),
                None => server.client_roots(roots.clone()),
            };
        }
        let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
        (connector, TlsAcceptor::new(&server.build().unwrap()).unwrap())
    }

    async fn run(&self) -> (End, End) {
        let (connector, acceptor) = self.ends();
        handshake(&connector, &acceptor).await
    }
}

async fn handshake(connector: &TlsConnector, acceptor: &TlsAcceptor) -> (End, End) {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    tokio::join!(connector.connect(&name, near), acceptor.accept(far))
}

async fn talk((client, server): (End, End)) -> TlsStream<DuplexStream> {
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    client.write_all(b"question").await.unwrap();
    let mut got = [0; 8];
    server.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"question");
    server
}

/// Why an end failed: in the handshake, or with the first bytes after it.
async fn failure(end: End) -> Error {
    match end {
        Err(failed) => failed.into_error(),
        Ok(mut stream) => {
            let error = stream.read_u8().await.unwrap_err();
            Error::from_io(&error).unwrap_or_else(|| panic!("{error:?}")).clone()
        }
    }
}

#[tokio::test]
async fn every_kind_of_key_signs_for_servers_and_for_clients() {
    let (rsa, versions) = (Pair::rsa(), ProtocolVersion::ALL);
    let tls12 = [ProtocolVersion::Tls12];
    let cases: [(&Pair, &[Scheme], &[ProtocolVersion]); 7] = [
        (&rsa, &RSA_PSS, &versions),
        (&rsa, &RSA_PKCS1, &tls12),
        (&rsa, &[Scheme::RSA_PSS_RSAE_SHA384], &versions),
        (&Pair::ec(Nid::X9_62_PRIME256V1), &[Scheme::ECDSA_SECP256R1_SHA256], &versions),
        (&Pair::ec(Nid::SECP384R1), &[Scheme::ECDSA_SECP384R1_SHA384], &versions),
        (&Pair::ec(Nid::SECP521R1), &[Scheme::ECDSA_SECP521R1_SHA512], &versions),
        (&Pair::new(PKey::generate_ed25519().unwrap()), &[Scheme::ED25519], &versions),
    ];
    for (pair, schemes, versions) in cases {
        for &version in versions {
            for is_client in [false, true] {
                let signer = pair.signer(schemes);
                let asked = signer.asked.clone();
                let identity = pair.with(signer);
                let scene = if is_client {
                    Scene::client(version, pair, identity)
                } else {
                    Scene::server(version, pair, identity)
                };
                let server = talk(scene.run().await).await;
                let presented = if is_client { &server.info().peer_chain[..] } else { &[] };
                assert!(!is_client || presented == [pair.certificate.clone()]);
                let asked = asked.lock().unwrap().clone();
                assert!(asked.len() == 1 && schemes.contains(&asked[0]), "{schemes:?}: {asked:?}");
            }
        }
    }
}

#[tokio::test]
async fn both_ends_may_sign_elsewhere() {
    let (server, client) = (Pair::rsa(), Pair::new(PKey::generate_ed25519().unwrap()));
    for version in ProtocolVersion::ALL {
        let mut scene = Scene::server(version, &server, server.with(server.signer(&RSA_PSS)));
        scene.client = Some((client.with(client.signer(&[Scheme::ED25519])), client.roots()));
        talk(scene.run().await).await;
    }
}

/// What one identity of a server signs with, and where, is nothing to the others.
#[tokio::test]
async fn identities_of_one_server_have_their_keys_here_and_elsewhere() {
    let here = Pair::new(PKey::generate_ed25519().unwrap());
    let elsewhere = Pair::named("elsewhere.test", PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());
    let backend: Arc<dyn Backend> = Arc::new(OpenSsl::new());
    for by_default in [false, true] {
        let signer = elsewhere.signer(&RSA_PSS[1..2]);
        let asked = signer.asked.clone();
        let remote = elsewhere.with(signer);
        let server = if by_default {
            ServerConfig::builder(backend.clone(), remote).sni_identity("localhost", here.here())
        } else {
            ServerConfig::builder(backend.clone(), here.here()).sni_identity("elsewhere.test", remote)
        };
        let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
        for (name, pair, signatures) in [("localhost", &here, 0), ("elsewhere.test", &elsewhere, 1)] {
            let client = ClientConfig::builder(backend.clone()).roots(pair.roots()).build().unwrap();
            let (near, far) = duplex(1 << 20);
            let (connector, name) = (TlsConnector::new(&client).unwrap(), name.parse().unwrap());
            talk(tokio::join!(connector.connect(&name, near), acceptor.accept(far))).await;
            assert_eq!(asked.lock().unwrap().len(), signatures, "{name}");
        }
    }
}

#[tokio::test]
async fn a_signer_is_asked_for_its_own_schemes_alone() {
    let pair = Pair::rsa();
    for (version, schemes, accepted) in [
        (ProtocolVersion::Tls12, &RSA_PKCS1[..], &RSA_PSS[..]),
        (ProtocolVersion::Tls12, &RSA_PSS[..1], &RSA_PSS[1..]),
        (ProtocolVersion::Tls13, &RSA_PSS[..1], &RSA_PSS[1..]),
        // RFC 8446 §4.2.3: no signature of the handshake's.
        (ProtocolVersion::Tls13, &RSA_PKCS1[..], &RSA_PSS[..]),
    ] {
        let signer = pair.signer(schemes);
        let asked = signer.asked.clone();
        let mut scene = Scene::server(version, &pair, pair.with(signer));
        scene.schemes_of_servers = Some(accepted);
        let (client, server) = scene.run().await;
        let refused = failure(server).await;
        assert_eq!(refused.kind(), &ErrorKind::PeerIncompatible, "{version:?} {schemes:?}: {refused:?}");
        let told = ErrorKind::AlertReceived(AlertDescription::HANDSHAKE_FAILURE);
        assert_eq!(failure(client).await.kind(), &told);
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[test]
fn a_signer_of_another_kind_of_key_is_refused_beforehand() {
    let pair = Pair::rsa();
    let identity = pair.with(pair.signer(&[Scheme::ED25519, Scheme::ECDSA_SECP256R1_SHA256]));
    let backend: Arc<dyn Backend> = Arc::new(OpenSsl::new());
    let config = ServerConfig::builder(backend, identity).build().unwrap();
    assert!(matches!(TlsAcceptor::new(&config).unwrap_err(), ConfigError::KeyMismatch));
}

/// Does not sign as it should.
#[derive(Debug)]
struct Faulty {
    service: KeyService,
    /// The signature, or why there is none.
    answer: Result<fn(&mut Vec<u8>), &'static str>,
}

#[async_trait]
impl Signer for Faulty {
    fn schemes(&self) -> &[Scheme] {
        &self.service.schemes
    }

    async fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        let change = self.answer.map_err(HookError::new)?;
        let mut signature = self.service.sign(scheme, message).await?;
        change(&mut signature);
        Ok(signature)
    }
}

/// Both ends of a handshake in which one signs as this signer does: the signing end first.
async fn with_faulty(
    version: ProtocolVersion,
    is_client: bool,
    answer: Result<fn(&mut Vec<u8>), &'static str>,
) -> (Error, Error) {
    let pair = Pair::rsa();
    let identity = pair.with(Faulty { service: pair.signer(&RSA_PSS), answer });
    if is_client {
        let (client, server) = Scene::client(version, &pair, identity).run().await;
        tokio::join!(failure(client), failure(server))
    } else {
        let (client, server) = Scene::server(version, &pair, identity).run().await;
        tokio::join!(failure(server), failure(client))
    }
}

#[tokio::test]
async fn a_signer_that_fails_ends_the_handshake_with_its_reason() {
    for version in ProtocolVersion::ALL {
        for is_client in [false, true] {
            let (own, peers) = with_faulty(version, is_client, Err("the HSM is on fire")).await;
            assert_eq!(own.kind(), &ErrorKind::Hook);
            assert_eq!(own.alert_sent(), Some(AlertDescription::INTERNAL_ERROR));
            assert_eq!(own.backend(), Some("openssl"));
            let source = std::error::Error::source(&own).unwrap();
            assert!(source.is::<HookError>());
            assert_eq!(source.to_string(), "the HSM is on fire");
            assert_eq!(peers.kind(), &ErrorKind::AlertReceived(AlertDescription::INTERNAL_ERROR));
        }
    }
}

#[tokio::test]
async fn a_signature_that_cannot_be_one_does_not_leave() {
    let too_long: fn(&mut Vec<u8>) = |signature| signature.push(0);
    let (own, peers) = with_faulty(ProtocolVersion::Tls13, false, Ok(too_long)).await;
    assert_eq!(own.kind(), &ErrorKind::Hook);
    assert_eq!(peers.kind(), &ErrorKind::AlertReceived(AlertDescription::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_wrong_signature_is_the_peers_to_refuse() {
    for version in ProtocolVersion::ALL {
        for is_client in [false, true] {
            let wrong: fn(&mut Vec<u8>) = |signature| signature[100] ^= 1;
            let (own, peers) = with_faulty(version, is_client, Ok(wrong)).await;
            assert_eq!(own.kind(), &ErrorKind::AlertReceived(AlertDescription::DECRYPT_ERROR), "{peers:?}");
            assert_eq!(peers.kind(), &ErrorKind::PeerMisbehaved);
        }
    }
}

/// Signs once as many wait for it as there are handshakes.
#[derive(Debug)]
struct Together(KeyService, Barrier);

#[async_trait]
impl Signer for Together {
    fn schemes(&self) -> &[Scheme] {
        &self.0.schemes
    }

    async fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        self.1.wait().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(self.0.sign_now(scheme, message))
    }
}

/// One after the other they would never end, and a runtime whose only thread waited neither.
#[tokio::test]
async fn handshakes_wait_for_their_signers_side_by_side_and_block_nobody() {
    const HANDSHAKES: usize = 200;
    let pair = Pair::ec(Nid::X9_62_PRIME256V1);
    let signer = Together(pair.signer(&[Scheme::ECDSA_SECP256R1_SHA256]), Barrier::new(HANDSHAKES));
    let (connector, acceptor) = Scene::server(ProtocolVersion::Tls13, &pair, pair.with(signer)).ends();
    let mut handshakes = tokio::task::JoinSet::new();
    for _ in 0..HANDSHAKES {
        let (connector, acceptor) = (connector.clone(), acceptor.clone());
        handshakes.spawn(async move { talk(handshake(&connector, &acceptor).await).await });
    }
    assert_eq!(handshakes.join_all().await.len(), HANDSHAKES);
}

/// Accepts once as many wait for it as there are handshakes.
#[derive(Debug)]
struct AcceptsTogether(Barrier);

#[async_trait]
impl CertificateVerifier for AcceptsTogether {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.0.wait().await;
        Ok(VerifiedChain::new(vec![chain.end_entity.clone().into_owned()]))
    }
}

/// There are more of them than threads for signatures: what comes after the signature needs none.
#[tokio::test]
async fn a_verifier_that_takes_its_time_after_the_signature_has_no_thread() {
    const HANDSHAKES: usize = 257;
    let (pair, client) = (Pair::ec(Nid::X9_62_PRIME256V1), Pair::ec(Nid::X9_62_PRIME256V1));
    for version in ProtocolVersion::ALL {
        let signer = pair.signer(&[Scheme::ECDSA_SECP256R1_SHA256]);
        let mut scene = Scene::server(version, &pair, pair.with(signer));
        scene.client = Some((client.here(), client.roots()));
        scene.verifier_of_clients = Some(Arc::new(AcceptsTogether(Barrier::new(HANDSHAKES))));
        let (connector, acceptor) = scene.ends();
        let mut handshakes = tokio::task::JoinSet::new();
        for _ in 0..HANDSHAKES {
            let (connector, acceptor) = (connector.clone(), acceptor.clone());
            handshakes.spawn(async move { talk(handshake(&connector, &acceptor).await).await });
        }
        assert_eq!(handshakes.join_all().await.len(), HANDSHAKES);
    }
}

/// Never signs; says when it is asked, and when nobody holds it any more.
#[derive(Debug)]
struct Silent(KeyService, Mutex<Option<oneshot::Sender<()>>>, Option<oneshot::Sender<()>>);

#[async_trait]
impl Signer for Silent {
    fn schemes(&self) -> &[Scheme] {
        &self.0.schemes
    }

    async fn sign(&self, _scheme: Scheme, _message: &[u8]) -> Result<Vec<u8>, HookError> {
        self.1.lock().unwrap().take().unwrap().send(()).unwrap();
        std::future::pending().await
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.2.take().unwrap().send(()).unwrap();
    }
}

/// The thread holds what it works for: once the signer is gone, so is the thread.
#[tokio::test]
async fn a_handshake_that_is_given_up_leaves_no_thread_behind() {
    let pair = Pair::rsa();
    let ((asked, is_asked), (gone, is_gone)) = (oneshot::channel(), oneshot::channel());
    let signer = Silent(pair.signer(&RSA_PSS), Mutex::new(Some(asked)), Some(gone));
    let scene = Scene::server(ProtocolVersion::Tls13, &pair, pair.with(signer));
    let (connector, acceptor) = scene.ends();
    drop(scene);
    let running = tokio::spawn(async move { handshake(&connector, &acceptor).await });
    is_asked.await.unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    tokio::time::timeout(Duration::from_secs(20), is_gone).await.unwrap().unwrap();
}

/// Refuses, after the runtime has had its turn.
#[derive(Debug)]
struct Refusing;

#[async_trait]
impl CertificateVerifier for Refusing {
    async fn verify(
        &self,
        _chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Err(CertificateError::REVOKED)
    }
}

#[tokio::test]
async fn a_verifier_runs_in_the_task_and_is_heard_before_anything_is_signed() {
    let pair = Pair::rsa();
    for version in ProtocolVersion::ALL {
        let signer = pair.signer(&RSA_PSS);
        let asked = signer.asked.clone();
        let mut scene = Scene::client(version, &pair, pair.with(signer));
        scene.verifier = Some(Arc::new(Refusing));
        let (client, server) = scene.run().await;
        assert_eq!(failure(client).await.kind(), &ErrorKind::Certificate(CertificateError::REVOKED));
        let told = ErrorKind::AlertReceived(AlertDescription::CERTIFICATE_REVOKED);
        assert_eq!(failure(server).await.kind(), &told);
        assert!(asked.lock().unwrap().is_empty());
    }
}
