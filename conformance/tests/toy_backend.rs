//! The steps of `docs/adding-a-backend.md`, taken: a third party's backend, and the lines that prove it.
//!
//! The toy lets rustls do the work, under its own name and with less to offer. A wrapper around a library is the
//! same with more between the lines.

use std::sync::Arc;

use polytls::backends::Rustls;
use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientConfig, ClientHandshake,
    ConfigError, ConfigOption, ConnectOptions, Error, Established, ServerConfig, ServerHandshake, ServerName,
    SignatureVerifier, Transport, TrustPolicy, async_trait,
    record::{RecordCipher, RecordKey},
};
use polytls_conformance::{BEHAVIOURS, Outcome, Pair, conformance};

const NAME: &str = "toy";

#[derive(Debug)]
struct Toy {
    rustls: Rustls,
    capabilities: Capabilities,
}

impl Toy {
    fn new() -> Self {
        let rustls = Rustls::new();
        let mut capabilities = rustls.capabilities().clone();
        for role in [&mut capabilities.client.role, &mut capabilities.server.role] {
            role.alpn = false;
            role.key_log = false;
        }
        capabilities.verifier_alone = false;
        capabilities.record_ciphers.clear();
        Self { rustls, capabilities }
    }

    fn unsupported<T>(option: ConfigOption) -> Result<T, ConfigError> {
        Err(ConfigError::Unsupported { backend: NAME, option })
    }
}

impl Backend for Toy {
    fn info(&self) -> BackendInfo {
        BackendInfo { name: NAME, library: "toy 1.0 over rustls 0.23".into(), crypto: "aws-lc-rs".into() }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        Ok(Arc::new(Renamed { handshake: self.rustls.client(config)?, info: self.info() }))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        Ok(Arc::new(Renamed { handshake: self.rustls.server(config)?, info: self.info() }))
    }

    fn verifier(&self, _trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        Self::unsupported(ConfigOption::VerifierAlone)
    }

    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        Self::unsupported(ConfigOption::VerifierAlone)
    }

    fn record_cipher(
        &self,
        suite: CipherSuite,
        _key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError> {
        Self::unsupported(ConfigOption::RecordCipher(suite))
    }
}

/// A handshake whose errors and facts bear the toy's name.
struct Renamed<H: ?Sized> {
    info: BackendInfo,
    handshake: Arc<H>,
}

impl<H: ?Sized> Renamed<H> {
    fn rename(&self, outcome: Result<Established, Error>) -> Result<Established, Error> {
        let mut established = outcome.map_err(|error| error.on_backend(NAME))?;
        established.info.backend = self.info.clone().into();
        Ok(established)
    }
}

#[async_trait]
impl ClientHandshake for Renamed<dyn ClientHandshake> {
    async fn connect(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error> {
        self.rename(self.handshake.connect(name, options, transport).await)
    }
}

#[async_trait]
impl ServerHandshake for Renamed<dyn ServerHandshake> {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        self.rename(self.handshake.accept(transport).await)
    }
}

conformance!(toy_to_toy: Toy::new(), Toy::new());
conformance!(toy_to_rustls: Toy::new(), Rustls::new());
conformance!(rustls_to_toy: Rustls::new(), Toy::new());

/// What the behaviours of one area come to for a pair.
fn outcomes(area: &str, pair: &Pair) -> Vec<(&'static str, Result<Outcome, String>)> {
    let of_area = BEHAVIOURS.iter().filter(|behaviour| behaviour.area == area);
    of_area
        .map(|behaviour| (behaviour.name, behaviour.run(pair).map_err(|failure| failure.to_string())))
        .collect()
}

#[test]
fn what_the_toy_lacks_is_refused_and_never_passed_over() {
    for (name, outcome) in outcomes("application_protocols", &Pair::new(Toy::new(), Rustls::new())) {
        // Where only the server offers protocols, the toy is asked for nothing that it lacks.
        let expected = if name == "no_protocol_is_chosen_where_only_the_server_offers" {
            Outcome::Passed
        } else {
            Outcome::Refused(ConfigOption::Alpn)
        };
        assert_eq!(outcome, Ok(expected), "{name}");
    }
}

/// A backend that declares more than it does.
#[derive(Debug)]
struct Boaster(Toy);

impl Boaster {
    fn new() -> Self {
        let mut toy = Toy::new();
        toy.capabilities.verifier_alone = true;
        toy.capabilities.client.role.exact_alerts = true;
        Self(toy)
    }
}

impl Backend for Boaster {
    fn info(&self) -> BackendInfo {
        self.0.info()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        // It takes any certificate, whatever the configuration says.
        let careless = ClientConfig::builder(Arc::new(Rustls::new()))
            .protocol_versions(config.protocol().versions().to_vec())
            .verifier(Arc::new(polytls_api::DangerAcceptAnyCertificate))
            .build()?;
        self.0.client(&careless)
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        self.0.server(config)
    }

    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        self.0.verifier(trust)
    }

    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        self.0.signature_verifier()
    }

    fn record_cipher(
        &self,
        suite: CipherSuite,
        key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError> {
        self.0.record_cipher(suite, key)
    }
}

#[test]
fn a_backend_that_declares_more_than_it_does_is_found_out() {
    let pair = Pair::new(Boaster::new(), Rustls::new());
    let failed = |area| {
        let outcomes = outcomes(area, &pair).into_iter();
        outcomes.filter(|(_, outcome)| outcome.is_err()).map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert!(failed("certificates").contains(&"expired_is_refused"));
    assert!(failed("names").contains(&"another_name_is_refused"));
    assert!(failed("capabilities").contains(&"a_verifier_alone_is_given_or_refused_as_declared"));
    assert!(failed("verifiers").contains(&"a_verifiers_reason_is_the_error"));
    assert!(failed("revocation").contains(&"a_revoked_server_is_refused"));
    assert!(failed("configuration").contains(&"a_client_keeps_to_its_size_of_records"));
    assert!(failed("configuration").contains(&"a_client_offers_its_groups_in_order"));
    assert!(failed("sessions").contains(&"a_clients_sessions_are_in_its_store"));
    assert!(failed("early_data").contains(&"early_data_reaches_the_server_once"));
    assert!(failed("signers").contains(&"a_client_has_a_key_of_any_kind_elsewhere"));
}
