//! One engine's two sides, set as the user wants them, and what they negotiate.

use std::{fmt, sync::Arc};

use polytls::{
    Backend, CipherSuite, ClientAuthentication, ClientConfig, ClientConfigBuilder, ConfigError,
    ConnectionInfo, ErrorKind, NamedGroup, ProtocolVersion, ServerConfig, ServerConfigBuilder, ServerName,
    TlsAcceptor, TlsConnector, TlsStream,
};
use serde::{Serialize, Serializer};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, task::JoinHandle};

use super::{Options, identity::Parties, link::Link};
use crate::failure::Failure;

/// A connector and an acceptor of one backend that know each other.
pub(super) struct Engine {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    name: ServerName,
    resumption: bool,
    /// How many tickets a handshake brings.
    tickets: u8,
}

/// Both ends of a connection, the client's first.
pub(super) type Streams<Io> = (TlsStream<Io>, TlsStream<Io>);

/// What a connection is made of; two that agree in it do the same work.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Negotiated {
    #[serde(serialize_with = "named")]
    version: Option<ProtocolVersion>,
    #[serde(serialize_with = "named")]
    cipher_suite: Option<CipherSuite>,
    #[serde(serialize_with = "named")]
    named_group: Option<NamedGroup>,
}

impl Engine {
    /// Both sides over this backend. With `resumption` off every handshake is a full one.
    pub(super) fn new(
        backend: &Arc<dyn Backend>,
        options: &Options,
        parties: &Parties,
        resumption: bool,
    ) -> Result<Self, ConfigError> {
        let client =
            ClientConfig::builder(backend.clone()).roots(parties.roots.clone()).resumption(resumption);
        let mut server = ServerConfig::builder(backend.clone(), parties.server.clone());
        let mut client = options.set_client(client);
        // A server that cannot be told offers sessions in vain: no client of these takes one.
        if resumption || backend.capabilities().server.role.resumption_off {
            server = server.resumption(resumption);
        }
        server = options.set_server(server);
        if let Some(authenticated) = &parties.client {
            client = client.identity(authenticated.identity.clone());
            server = server
                .client_authentication(ClientAuthentication::Required)
                .client_roots(authenticated.roots.clone());
        }
        let server = server.build()?;
        Ok(Self {
            connector: TlsConnector::new(&client.build()?)?,
            acceptor: TlsAcceptor::new(&server)?,
            name: parties.name.clone(),
            resumption,
            tickets: server.tickets(),
        })
    }

    /// A new connection; where sessions are resumed, with the ticket for the next one.
    pub(super) async fn connect<L: Link>(&self, link: &L) -> Result<Streams<L::Io>, Failure> {
        let (near, far) = link.open().await?;
        let (acceptor, sends_ticket) = (self.acceptor.clone(), self.resumption);
        let accepting: JoinHandle<Result<_, Failure>> = link.server().spawn(async move {
            let mut far = acceptor.accept(far.await?).await?;
            // RFC 8446 §4.6.1: a ticket comes after the handshake; a byte says that it is there.
            if sends_ticket {
                far.write_all(&[0]).await?;
                far.flush().await?;
            }
            Ok(far)
        });
        let connecting = async {
            let mut near = self.connector.connect(&self.name, near).await?;
            if self.resumption {
                near.read_u8().await?;
            }
            Ok::<_, Failure>(near)
        };
        let near = connecting.await;
        let far = accepting.await.map_err(|error| Failure::connection(error.to_string()))?;
        match (near, far) {
            (Ok(near), Ok(far)) => Ok((near, far)),
            (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => Err(failure),
            (Err(client), Err(server)) => Err(if is_consequence(&client) { server } else { client }),
        }
    }

    /// A first connection, and where sessions are resumed more than it brought tickets for: what the last negotiated;
    /// `None` where one of these resumed no session.
    pub(super) async fn probe<L: Link>(&self, link: &L) -> Result<Option<Negotiated>, Failure> {
        let first = self.connect(link).await?;
        if !self.resumption {
            return Ok(Some(Negotiated::of(first.0.info())));
        }
        let mut last = first;
        for _ in 0..=self.tickets {
            drop(last);
            last = self.connect(link).await?;
            if last.0.info().resumed != Some(true) {
                return Ok(None);
            }
        }
        Ok(Some(Negotiated::of(last.0.info())))
    }

    /// Whether a session was resumed where it was to be, and there alone.
    pub(super) fn check(&self, info: &ConnectionInfo) -> Result<(), Failure> {
        match (self.resumption, info.resumed) {
            (true, Some(true)) | (false, Some(false) | None) => Ok(()),
            (true, _) => Err(Failure::connection("a session was not resumed")),
            (false, Some(true)) => Err(Failure::connection("a session was resumed in a full handshake")),
        }
    }
}

/// Whether the other side's failure says more: this one only saw the connection end.
fn is_consequence(failure: &Failure) -> bool {
    let kind = failure.error.as_ref().map(polytls::Error::kind);
    kind.is_none_or(|kind| {
        matches!(kind, ErrorKind::Io(_) | ErrorKind::UnexpectedEof | ErrorKind::AlertReceived(_))
    })
}

impl Options {
    fn set_client(&self, mut config: ClientConfigBuilder) -> ClientConfigBuilder {
        if !self.tls.is_empty() {
            config = config.protocol_versions(self.tls.iter().map(|&version| version.into()));
        }
        if !self.cipher_suites.is_empty() {
            config = config.cipher_suites(self.cipher_suites.iter().copied());
        }
        if !self.groups.is_empty() {
            config = config.named_groups(self.groups.iter().copied());
        }
        config
    }

    fn set_server(&self, mut config: ServerConfigBuilder) -> ServerConfigBuilder {
        if !self.tls.is_empty() {
            config = config.protocol_versions(self.tls.iter().map(|&version| version.into()));
        }
        if !self.cipher_suites.is_empty() {
            config = config.cipher_suites(self.cipher_suites.iter().copied());
        }
        if !self.groups.is_empty() {
            config = config.named_groups(self.groups.iter().copied());
        }
        config
    }
}

impl Negotiated {
    pub(super) fn of(info: &ConnectionInfo) -> Self {
        Self { version: info.version, cipher_suite: info.cipher_suite, named_group: info.named_group }
    }

    /// Whether both do the same work. A session that was resumed in TLS 1.2 had no group (RFC 5246 §7.3).
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let one_has_none = self.named_group.is_none() || other.named_group.is_none();
        let without_group = one_has_none && self.version == Some(ProtocolVersion::Tls12);
        self.version == other.version
            && self.cipher_suite == other.cipher_suite
            && (without_group || self.named_group == other.named_group)
    }
}

impl fmt::Display for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: Option<String>| value.unwrap_or_else(|| "not told".into());
        write!(
            f,
            "{}, {}, {}",
            told(self.version.map(|version| version.to_string())),
            told(self.cipher_suite.map(|suite| suite.to_string())),
            told(self.named_group.map(|group| group.to_string()))
        )
    }
}

/// The name, or null.
fn named<T: fmt::Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
