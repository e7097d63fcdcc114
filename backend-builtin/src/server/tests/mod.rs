//! The server against a client that breaks one rule at a time: each ends with the alert that the RFCs name.
//!
//! [`client13`] and [`client12`] are clients that keep all rules but those that a test has them break.

mod client12;
mod client13;
mod early_data;
mod external_psks;
mod flight13;
mod resumption12;
mod resumption13;
mod retry;
mod tls12;
mod tls13;

use std::{sync::Arc, time::SystemTime};

use polytls_api::{
    AlertDescription as Alert, Backend, CipherSuite, ClientAuthentication, DangerAcceptAnyCertificate, Error,
    Established, Identity, ProtocolVersion, ServerConfig, ServerConfigBuilder,
};

use super::accept;
use crate::{
    Builtin,
    config::PreparedServer,
    crypto::Secret,
    identity::{PreparedIdentity, tests::identity},
    options::Options,
    sessions::ServerSession,
    tests::{assert_refused, run_against},
    wire::handshake::ClientHello,
};

/// Changes a hello before it is encoded.
type EditHello<'e> = &'e (dyn for<'a> Fn(&mut ClientHello<'a>) + Sync);

/// What the scripted clients ask for, and always send.
const SERVER_NAME: &str = "localhost";
const CLIENT_RANDOM: [u8; 32] = [5; 32];

/// A server, and what it presents.
struct TestServer {
    prepared: PreparedServer,
    identity: PreparedIdentity,
}

impl TestServer {
    fn new() -> Self {
        Self::with(|config| config, Options::default())
    }

    fn with(config: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder, options: Options) -> Self {
        Self::presenting(&identity(), config, options)
    }

    fn presenting(
        identity: &Identity,
        config: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
        options: Options,
    ) -> Self {
        let backend = Arc::new(Builtin::new());
        let config = config(ServerConfig::builder(backend.clone(), identity.clone())).build().unwrap();
        let prepared = PreparedServer::new(backend.info().into(), &config, Arc::new(options)).unwrap();
        Self { prepared, identity: PreparedIdentity::new(identity).unwrap() }
    }

    /// A server that asks its clients for a certificate, and takes any.
    fn asking(mode: ClientAuthentication) -> Self {
        let verifier = Arc::new(DangerAcceptAnyCertificate);
        Self::with(|config| config.client_authentication(mode).client_verifier(verifier), Options::default())
    }

    /// A server that gives early data out for the asking.
    fn taking_early_data(most: u32) -> Self {
        Self::with(|config| config.max_early_data(most).alpn(["h2"]), Options::default())
    }

    /// Accepts a client that answers each flight so, and begins when it is asked for the first time.
    fn run(&self, answer: impl FnMut(&[u8]) -> Vec<u8> + Send) -> Result<Established, Error> {
        run_against(answer, async |transport| accept(&self.prepared, transport).await)
    }

    /// A ticket for this session.
    fn ticket(&self, session: &ServerSession) -> Vec<u8> {
        let sessions = self.prepared.sessions.as_ref().unwrap();
        crate::tests::now(sessions.seal(session, &self.identity)).unwrap().unwrap()
    }
}

/// A session that began now, and resumes with the clients as they are.
fn session(version: ProtocolVersion) -> ServerSession {
    let (suite, secret) = match version {
        ProtocolVersion::Tls13 => (CipherSuite::TLS_AES_128_GCM_SHA256, Secret::of(&[3; 32])),
        _ => (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Secret::of(&[3; 48])),
    };
    ServerSession {
        version,
        suite,
        secret,
        created: SystemTime::now(),
        lifetime: std::time::Duration::from_secs(600),
        age_add: 77,
        max_early_data: 0,
        alpn: None,
        server_name: Some(SERVER_NAME.into()),
        peer_chain: Default::default(),
        extended_master_secret: true,
    }
}
