//! `polytls connect`: standard input and output over TLS, with what the connection came to on standard error.

mod advice;
mod converse;
mod describe;
mod offer;
mod recorder;
mod report;
mod target;

use std::{sync::Arc, time::Duration};

use polytls::{CertificateDer, ConnectionInfo, Error, TlsConnector, TlsStream};
use tokio::net::TcpStream;

use crate::{
    certificate,
    connect::{offer::Offer, recorder::Recorder, target::Target},
    failure::Failure,
    output,
    starttls::Protocol,
};

/// What `--help` says of `--json`, with [`certificate::JSON`] below it.
pub(crate) const JSON: &str = "\
With --json, one line of JSON on standard error for each connection, and no warnings. Its keys stay:
  event: `connected` or `failed`
  server, name: where to, and the name that the certificate must hold
  chain: the server's certificates as they came, its own first
Where connected, null where the library does not tell:
  backend, library, version, cipher_suite, named_group, peer_signature_scheme, alpn, server_name,
  resumed
  path: the certificates as they were verified, from the server's own towards the root
  local_chain: the certificates that this side presented; empty too where the library does not tell
  early_data: `not_offered`, `accepted` or `rejected`
  ocsp_response_bytes: how long the OCSP response is that the server presented; null where none was seen
  handshake: bytes_sent, bytes_received, first_sent_ms, first_received_ms, verification_ms, complete_ms
Where failed, null where there is none:
  exit_code, message, phase, kind, alert_sent, alert_received
  fault: what is wrong with the certificate";

/// Where to, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server, such as `example.com:443` or `[::1]:8443`
    #[arg(value_name = "HOST:PORT")]
    server: String,
    /// The name to send as SNI and to find in the certificate [default: HOST]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    offer: Offer,
    /// Ask for TLS in this protocol first
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    starttls: Option<Protocol>,
    /// Seconds until connection, STARTTLS and handshake must be complete, each
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
    /// Connect this many times more, each time resuming the session before, where both sides can
    #[arg(long, value_name = "TIMES", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=100))]
    reconnect: u16,
    /// Leave once the handshake is complete, and read no standard input
    #[arg(long)]
    no_stdin: bool,
    /// Write the server's chain to standard output, in PEM, before any data
    #[arg(long, visible_alias = "showcerts")]
    show_certs: bool,
    /// Describe nothing; warnings and errors are still told
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    /// Describe each connection, or its failure, in one line of JSON on standard error
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Whether what goes to standard error is for a program.
    pub(crate) fn notes_are_json(&self) -> bool {
        self.json
    }
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let limit = Duration::from_secs(options.time_limit);
    let target = Target::new(&options.server, options.name.as_deref(), options.starttls, limit)?;
    let (connector, recorder) = options.offer.connector(backend, limit)?;
    let client = Client { options: &options, target, connector, recorder };
    for _ in 0..options.reconnect {
        let stream = client.connect().await?;
        converse::leave(stream).await.map_err(|failure| client.failed(failure))?;
    }
    let stream = client.connect().await?;
    if options.show_certs {
        output::print(&certificate::pem(&stream.info().peer_chain))?;
    }
    let done = if options.no_stdin { converse::leave(stream).await } else { converse::run(stream).await };
    done.map_err(|failure| client.failed(failure))
}

/// A client that is ready to connect, as often as it is asked to.
struct Client<'a> {
    options: &'a Options,
    target: Target<'a>,
    connector: TlsConnector,
    recorder: Option<Arc<Recorder>>,
}

impl Client<'_> {
    /// Connects, and describes what it came to.
    async fn connect(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let tcp = self.target.open().await.map_err(|failure| self.failed(failure))?;
        match self.connector.connect(&self.target.name, tcp).await {
            Ok(stream) => {
                self.describe(stream.info());
                Ok(stream)
            }
            Err(failed) => self.refused(failed.into_error()),
        }
    }

    fn describe(&self, info: &ConnectionInfo) {
        if self.options.json {
            output::note(&report::connected(&self.target, info, self.options.offer.verifies()));
        } else if !self.options.quiet {
            output::note(&describe::connection(info, self.options.offer.verifies()));
        }
    }

    /// A handshake failed: shows the chain, if that is what was refused, and says what to do.
    fn refused<T>(&self, error: Error) -> Result<T, Failure> {
        let chain = self.recorder.as_ref().map(|recorder| recorder.take()).unwrap_or_default();
        let at_fault = error.certificate_error().is_some();
        if self.options.show_certs {
            output::print(&certificate::pem(&chain))?;
        }
        if at_fault && !self.options.quiet && !self.options.json {
            output::note(&describe::refused_chain(&chain, self.recorder.is_some()));
        }
        Err(self.failed_with(error.into(), &chain))
    }

    fn failed(&self, failure: Failure) -> Failure {
        self.failed_with(failure, &[])
    }

    /// The same failure, with what to do about it; told already if that was to be in JSON.
    fn failed_with(&self, mut failure: Failure, chain: &[CertificateDer<'_>]) -> Failure {
        if let Some(error) = failure.error.clone() {
            if let Some(advice) = advice::after(&error, &self.target, self.connector.config()) {
                failure = failure.with_more(&advice);
            }
            let culprit = error.certificate_error().and_then(|reason| advice::culprit(reason, chain));
            if let Some(culprit) = culprit {
                failure = failure.with_more(&culprit);
            }
            if let Some(alert) = error.alert_sent() {
                failure = failure.with_more(&format!("the server was told `{alert}`"));
            }
        }
        if !self.options.json {
            return failure;
        }
        output::note(&report::failed(&self.target, &failure, chain));
        failure.told()
    }
}
