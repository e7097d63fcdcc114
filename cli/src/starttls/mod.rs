//! From plaintext to the point where TLS may begin, in the protocols that ask for it first.
//!
//! One file has one protocol's conversation. All of it passes unprotected: replies are bounded, nothing of them is
//! kept, and a byte that a server sends after its consent and before TLS ends the connection, because whoever
//! sits in between could have put it there for the protected session to obey (CVE-2011-0411, CVE-2021-23222).

mod imap;
mod lines;
mod postgres;
mod smtp;

use std::net::SocketAddr;

use clap::ValueEnum;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// A protocol in which a client asks for TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Mail submission and transfer (RFC 3207)
    Smtp,
    /// Mailboxes (RFC 9051 §6.2.1)
    Imap,
    /// PostgreSQL's SSLRequest
    Postgres,
}

impl Protocol {
    /// Asks for TLS, and returns when it may begin. The caller sets the time.
    pub(crate) async fn ask(self, tcp: &mut TcpStream) -> Result<(), Failure> {
        let asked = match self {
            Self::Smtp => {
                let own = address_literal(tcp.local_addr()?);
                smtp::ask(tcp, &own).await
            }
            Self::Imap => imap::ask(tcp).await,
            Self::Postgres => postgres::ask(tcp).await,
        };
        asked.map_err(|failure| failure.in_context(&format!("no TLS over {self}")))
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Smtp => "SMTP",
            Self::Imap => "IMAP",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// RFC 5321 §4.1.3: how a client without a name of its own names itself.
fn address_literal(own: SocketAddr) -> String {
    match own.ip() {
        std::net::IpAddr::V4(ip) => format!("[{ip}]"),
        std::net::IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

/// What is sent in plaintext although TLS should begin.
fn injected() -> Failure {
    Failure::connection(
        "the server's consent is followed by more plaintext, as if somebody in between had put it there; the \
         connection is not to be trusted",
    )
}

/// The byte stream's end or failure while both sides still speak plaintext.
fn broken(error: &std::io::Error) -> Failure {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the server closed the connection before TLS began".into(),
        _ => format!("the connection failed before TLS began: {error}"),
    };
    Failure::connection(reason)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// Lets a client meet a server that says all of this and then ends: the outcome, and what the client said.
    pub(super) async fn conversation(
        server: &str,
        client: impl AsyncFnOnce(&mut DuplexStream) -> Result<(), Failure>,
    ) -> (Result<(), String>, Vec<u8>) {
        let (mut near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(server.as_bytes()).await.unwrap();
        far.shutdown().await.unwrap();
        let outcome = client(&mut near).await.map_err(|failure| failure.message);
        drop(near);
        let mut said = Vec::new();
        far.read_to_end(&mut said).await.unwrap();
        (outcome, said)
    }

    #[test]
    fn a_client_names_itself_by_its_address() {
        assert_eq!(address_literal("127.0.0.1:1".parse().unwrap()), "[127.0.0.1]");
        assert_eq!(address_literal("[::1]:1".parse().unwrap()), "[IPv6:::1]");
    }
}
