//! tokio-openssl over the same OpenSSL as polytls's backend.

use std::{fmt, pin::Pin};

use ::tokio_openssl::SslStream;
use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslAcceptor, SslAcceptorBuilder, SslConnector, SslConnectorBuilder, SslMethod},
};

use super::{
    Io, Negotiated, Refusal, Stack,
    openssl_resuming::OpenSslResuming,
    openssl_terms::{negotiated, present, require, restrict},
};
use crate::{Certificates, NAME, Settings, scenarios::prepare, versions::locked, worker::Entry};

/// tokio-openssl.
pub struct TokioOpenSsl {
    connector: SslConnector,
    acceptor: SslAcceptor,
}

/// Both sides' contexts with these settings.
pub(super) fn builders(
    settings: &Settings,
    certificates: &Certificates,
) -> Result<(SslConnectorBuilder, SslAcceptorBuilder), ErrorStack> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    require(&mut connector, certificates)?;
    restrict(&mut connector, settings)?;
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    present(&mut acceptor, &certificates.server)?;
    restrict(&mut acceptor, settings)?;
    if settings.mutual {
        present(&mut connector, &certificates.client)?;
        require(&mut acceptor, certificates)?;
    }
    Ok((connector, acceptor))
}

/// The server's handshake.
pub(super) async fn accept<IO: Io>(acceptor: &SslAcceptor, io: IO) -> SslStream<IO> {
    let ssl = Ssl::new(acceptor.context()).expect("OpenSSL has memory");
    let mut stream = SslStream::new(ssl, io).expect("OpenSSL has memory");
    Pin::new(&mut stream).accept().await.expect("the handshake succeeds");
    stream
}

/// A client that is to resume is another stack's.
pub(super) fn entry() -> Entry {
    Entry {
        prepare: |scenario, settings| match settings.resumption {
            true => prepare::<OpenSslResuming>(scenario, settings),
            false => prepare::<TokioOpenSsl>(scenario, settings),
        },
        ..Entry::of::<TokioOpenSsl>()
    }
}

impl Stack for TokioOpenSsl {
    const NAME: &'static str = "tokio-openssl";
    type Client<IO: Io> = SslStream<IO>;
    type Server<IO: Io> = SslStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        if settings.resumption {
            return Err(Refusal::new("tokio-openssl keeps no sessions"));
        }
        let (connector, acceptor) =
            builders(settings, certificates).map_err(|error| Refusal(error.to_string()))?;
        Ok(Self { connector: connector.build(), acceptor: acceptor.build() })
    }

    fn version() -> String {
        format!(
            "tokio-openssl {} (clients that resume: hyper-openssl {}), {}",
            locked("tokio-openssl"),
            locked("hyper-openssl"),
            openssl::version::version()
        )
    }

    async fn connect<IO: Io>(&self, io: IO) -> SslStream<IO> {
        let ssl =
            self.connector.configure().and_then(|config| config.into_ssl(NAME)).expect("OpenSSL has memory");
        let mut stream = SslStream::new(ssl, io).expect("OpenSSL has memory");
        Pin::new(&mut stream).connect().await.expect("the handshake succeeds");
        stream
    }

    async fn accept<IO: Io>(&self, io: IO) -> SslStream<IO> {
        accept(&self.acceptor, io).await
    }

    fn negotiated<IO: Io>(client: &SslStream<IO>) -> Negotiated {
        negotiated(client.ssl())
    }

    fn client_presented<IO: Io>(server: &SslStream<IO>) -> Option<bool> {
        Some(server.ssl().peer_certificate().is_some())
    }
}

impl fmt::Debug for TokioOpenSsl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioOpenSsl")
    }
}
