//! s2n-tls-tokio over s2n-tls with aws-lc.
//!
//! s2n-tls takes suites and groups from policies of its own, by name: what is asked for is the first of all that the
//! policy has, on both sides.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aws_lc_rs::rand;
use s2n_tls::{
    callbacks::{SessionTicket, SessionTicketCallback, VerifyHostNameCallback},
    config::{self, Config},
    connection::{Builder, Connection},
    enums::{ClientAuthType, Mode, Version as S2nVersion},
    error::Error,
    security::Policy,
};
use s2n_tls_tokio::{TlsAcceptor, TlsConnector, TlsStream};

use super::{Io, Negotiated, Refusal, Stack};
use crate::{
    CertificateKind, Certificates, Credentials, Group, NAME, Settings, Suite, Version, versions::locked,
};

/// s2n-tls-tokio.
pub struct S2n {
    connector: TlsConnector<Connections>,
    acceptor: TlsAcceptor<Connections>,
}

impl S2n {
    fn build(policy: &str, settings: &Settings, certificates: &Certificates) -> Result<Self, Error> {
        let policy = Policy::from_version(policy)?;
        let tickets = Tickets::default();
        let client = client(&policy, settings, certificates, &tickets)?;
        let server = server(&policy, settings, certificates)?;
        Ok(Self {
            connector: TlsConnector::new(Connections { config: client, tickets }),
            acceptor: TlsAcceptor::new(Connections { config: server, tickets: Tickets::default() }),
        })
    }
}

impl Stack for S2n {
    const NAME: &'static str = "s2n-tls-tokio";
    type Client<IO: Io> = TlsStream<IO>;
    type Server<IO: Io> = TlsStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        let policy = policy(settings)?;
        Self::build(policy, settings, certificates).map_err(|error| Refusal(error.to_string()))
    }

    fn version() -> String {
        format!(
            "s2n-tls-tokio {}, s2n-tls {}, aws-lc-rs {}",
            locked("s2n-tls-tokio"),
            locked("s2n-tls"),
            locked("aws-lc-rs")
        )
    }

    async fn connect<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.connector.connect(NAME, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    fn negotiated<IO: Io>(client: &TlsStream<IO>) -> Negotiated {
        let connection = client.as_ref();
        Negotiated {
            version: connection.actual_protocol_version().ok().map(|version| match version {
                S2nVersion::TLS13 => Version::Tls13,
                _ => Version::Tls12,
            }),
            cipher_suite: connection.cipher_suite().ok().map(str::to_owned),
            group: connection.selected_key_exchange_group().map(str::to_owned),
            resumed: Some(connection.resumed()),
        }
    }

    fn client_presented<IO: Io>(server: &TlsStream<IO>) -> Option<bool> {
        Some(server.as_ref().client_cert_used())
    }
}

/// The policy whose first suite and first group are these.
fn policy(settings: &Settings) -> Result<&'static str, Refusal> {
    if settings.certificate == CertificateKind::Ed25519 {
        return Err(Refusal::new("s2n-tls has no Ed25519"));
    }
    match (settings.version, settings.suite, settings.group) {
        (Version::Tls13, Suite::Aes128Gcm, Group::X25519) => Ok("CloudFront-TLS-1-3-2025-no-pq"),
        (Version::Tls13, Suite::Aes128Gcm, Group::X25519MlKem768) => Ok("CloudFront-TLS-1-3-2025"),
        _ => Err(Refusal::new("s2n-tls has no policy that begins with this suite and this group")),
    }
}

fn client(
    policy: &Policy,
    settings: &Settings,
    certificates: &Certificates,
    tickets: &Tickets,
) -> Result<Config, Error> {
    let mut client = trusting(policy, certificates)?;
    if settings.mutual {
        present(&mut client, &certificates.client)?;
    }
    if settings.resumption {
        client.enable_session_tickets(true)?.set_session_ticket_callback(tickets.clone())?;
    }
    client.build()
}

fn server(policy: &Policy, settings: &Settings, certificates: &Certificates) -> Result<Config, Error> {
    let mut server = trusting(policy, certificates)?;
    present(&mut server, &certificates.server)?;
    if settings.mutual {
        server.set_client_auth_type(ClientAuthType::Required)?.set_verify_host_callback(AnyName)?;
    }
    if settings.resumption {
        let mut key = [0; 32];
        rand::fill(&mut key).expect("random bytes");
        // This time stands for now.
        server.add_session_ticket_key(b"key", &key, SystemTime::UNIX_EPOCH)?;
    }
    server.build()
}

fn trusting(policy: &Policy, certificates: &Certificates) -> Result<config::Builder, Error> {
    let mut config = Config::builder();
    config
        .set_security_policy(policy)?
        .with_system_certs(false)?
        .trust_pem(certificates.root_pem.as_bytes())?;
    Ok(config)
}

fn present(config: &mut config::Builder, credentials: &Credentials) -> Result<(), Error> {
    config.load_pem(credentials.certificate_pem.as_bytes(), credentials.key_pem.as_bytes())?;
    Ok(())
}

/// s2n-tls would hold a client's certificate against a name; it is the root that vouches for clients here.
struct AnyName;

impl VerifyHostNameCallback for AnyName {
    fn verify_host_name(&self, _: &str) -> bool {
        true
    }
}

/// The last ticket that the client was given: one connection resumes with it.
#[derive(Clone, Default)]
struct Tickets(Arc<Mutex<Option<Vec<u8>>>>);

impl Tickets {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl SessionTicketCallback for Tickets {
    fn on_session_ticket(&self, _: &mut Connection, ticket: &SessionTicket) {
        let mut data = vec![0; ticket.len().expect("a ticket has a length")];
        ticket.data(&mut data).expect("a ticket of this length");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(data);
    }
}

/// Makes connections of a configuration, the client's with the ticket that there is.
#[derive(Clone)]
struct Connections {
    config: Config,
    tickets: Tickets,
}

impl Builder for Connections {
    type Output = Connection;

    fn build_connection(&self, mode: Mode) -> Result<Connection, Error> {
        let mut connection = self.config.build_connection(mode)?;
        if let Some(ticket) = self.tickets.take() {
            connection.set_session_ticket(&ticket)?;
        }
        Ok(connection)
    }
}

impl fmt::Debug for S2n {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S2n")
    }
}
