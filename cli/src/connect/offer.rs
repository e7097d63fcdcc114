//! What the client trusts and offers: from options to a connector.

use std::{path::PathBuf, sync::Arc, time::Duration};

use polytls::{
    Backend, Capabilities, CertificateVerifier, CipherSuite, ClientConfig, ClientConfigBuilder,
    DangerAcceptAnyCertificate, Hook, KeyLog, KeyLogFile, NamedGroup, SignatureScheme, TlsConnector,
};

use super::recorder::Recorder;
use crate::{
    failure::Failure,
    identity::IdentityFiles,
    settings::{self, Version, cipher_suites, groups, schemes},
    trust::{Trust, TrustOptions},
};

/// What to trust, and what to offer.
#[derive(clap::Args)]
pub(super) struct Offer {
    #[command(flatten)]
    trust: TrustOptions,
    /// Accept any certificate: anybody may be at the other end
    #[arg(long, conflicts_with_all = TrustOptions::NAMES)]
    danger_accept_any_certificate: bool,
    /// The certificate chain to present where the server asks for one: PEM, or PKCS#12 with the key
    #[arg(long, visible_alias = "cert", value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// Its private key, in PEM [default: the one in the file of the certificate]
    #[arg(long, visible_alias = "key", value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// A file with the password of the key or of the PKCS#12 file, and nothing else
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
    /// Application protocols to offer, most wanted first
    #[arg(long, value_delimiter = ',')]
    alpn: Vec<String>,
    /// Protocol versions to offer
    #[arg(long, value_delimiter = ',', value_enum)]
    tls: Vec<Version>,
    /// Cipher suites to offer, most wanted first; one at least for each version
    #[arg(long, value_delimiter = ',', value_name = "SUITES", ignore_case = true, hide_possible_values = true, value_parser = cipher_suites())]
    cipher_suites: Vec<CipherSuite>,
    /// Groups for the key exchange to offer, most wanted first
    #[arg(long, value_delimiter = ',', value_name = "GROUPS", ignore_case = true, value_parser = groups())]
    groups: Vec<NamedGroup>,
    /// Signature schemes to accept from the server, most wanted first
    #[arg(long, value_delimiter = ',', value_name = "SCHEMES", ignore_case = true, value_parser = schemes())]
    sigalgs: Vec<SignatureScheme>,
    /// Send no server name; the certificate must hold it all the same
    #[arg(long)]
    no_sni: bool,
    /// Keep no session, and resume none
    #[arg(long, conflicts_with = "reconnect")]
    no_resumption: bool,
    /// Append the session's secrets to this file, for a protocol analyser
    #[arg(long, value_name = "FILE")]
    key_log: Option<PathBuf>,
}

impl Offer {
    /// Whether the server's certificate is looked at at all.
    pub(super) fn verifies(&self) -> bool {
        !self.danger_accept_any_certificate
    }

    /// The connector, and what remembers the chain that a server presents, where the engine shows it.
    pub(super) fn connector(
        &self,
        backend: Option<&str>,
        limit: Duration,
    ) -> Result<(TlsConnector, Option<Arc<Recorder>>), Failure> {
        let backend = settings::backend(backend)?;
        let trust = self.trust.read()?;
        let recorder = self.verifier(&*backend, &trust)?.map(|verifier| Arc::new(Recorder::new(verifier)));
        let config = self.config(backend)?.handshake_time_limit(limit);
        let config = match &recorder {
            Some(recorder) => config.verifier(recorder.clone()),
            None => trust.configure(config)?,
        };
        let Some(file) = &self.key_log else { return Ok((TlsConnector::new(&config.build()?)?, recorder)) };
        // The file is made only when nothing else is wrong.
        TlsConnector::new(&config.clone().key_log(Arc::new(Discard)).build()?)?;
        let config = config.key_log(Arc::new(KeyLogFile::open(file)?)).build()?;
        Ok((TlsConnector::new(&config)?, recorder))
    }

    /// Who decides on the server's chain, as far as the application may ask; `None` leaves it to the engine.
    fn verifier(
        &self,
        backend: &dyn Backend,
        trust: &Trust,
    ) -> Result<Option<Arc<dyn CertificateVerifier>>, Failure> {
        if !self.verifies() {
            return Ok(Some(Arc::new(DangerAcceptAnyCertificate)));
        }
        let Capabilities { client, verifier_alone, .. } = backend.capabilities();
        if client.role.verifier == Hook::Unsupported || !verifier_alone {
            return Ok(None);
        }
        Ok(Some(trust.verifier(backend)?))
    }

    fn config(&self, backend: Arc<dyn Backend>) -> Result<ClientConfigBuilder, Failure> {
        let mut config =
            ClientConfig::builder(backend).alpn(self.alpn.iter().map(String::as_str)).sni(!self.no_sni);
        if !self.tls.is_empty() {
            config = config.protocol_versions(self.tls.iter().map(|&version| version.into()));
        }
        if !self.cipher_suites.is_empty() {
            config = config.cipher_suites(self.cipher_suites.iter().copied());
        }
        if !self.groups.is_empty() {
            config = config.named_groups(self.groups.iter().copied());
        }
        if !self.sigalgs.is_empty() {
            config = config.signature_schemes(self.sigalgs.iter().copied());
        }
        if self.no_resumption {
            config = config.resumption(false);
        }
        let files = IdentityFiles {
            cert: ("--client-cert", self.client_cert.as_ref()),
            key: ("--client-key", self.client_key.as_ref()),
            password: self.key_password_file.as_ref(),
        };
        if let Some(identity) = files.read()? {
            config = config.identity(identity);
        }
        Ok(config)
    }
}

/// The key log of a configuration that is only tried.
#[derive(Debug)]
struct Discard;

impl KeyLog for Discard {
    fn log(&self, _label: &str, _client_random: &[u8], _secret: &[u8]) {}
}
