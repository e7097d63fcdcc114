//! tokio-openssl whose client resumes sessions.
//!
//! In safe code a client of OpenSSL's cannot be given a session, and tokio-openssl keeps none. hyper-openssl does, around the
//! same calls: its connector is the client here, tokio-openssl the server.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
};

use ::tokio_openssl::SslStream;
use hyper::Uri;
use hyper_openssl::client::legacy::{HttpsLayer, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use openssl::ssl::SslAcceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Io, Negotiated, Refusal, Stack,
    openssl_terms::negotiated,
    tokio_openssl::{TokioOpenSsl, accept, builders},
};
use crate::{Certificates, NAME, Settings};

/// tokio-openssl, with hyper-openssl's client.
pub(super) struct OpenSslResuming {
    client: HttpsLayer,
    acceptor: SslAcceptor,
    server: Uri,
}

impl Stack for OpenSslResuming {
    const NAME: &'static str = TokioOpenSsl::NAME;
    type Client<IO: Io> = TokioIo<MaybeHttpsStream<TokioIo<Given<IO>>>>;
    type Server<IO: Io> = SslStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        let made = builders(settings, certificates)
            .and_then(|(connector, acceptor)| Ok((HttpsLayer::with_connector(connector)?, acceptor.build())));
        let (client, acceptor) = made.map_err(|error| Refusal(error.to_string()))?;
        Ok(Self { client, acceptor, server: format!("https://{NAME}/").parse().expect("a URI") })
    }

    fn version() -> String {
        TokioOpenSsl::version()
    }

    async fn connect<IO: Io>(&self, io: IO) -> Self::Client<IO> {
        let mut connector = self.client.layer(Giver(Some(Given(io))));
        TokioIo::new(connector.call(self.server.clone()).await.expect("the handshake succeeds"))
    }

    async fn accept<IO: Io>(&self, io: IO) -> SslStream<IO> {
        accept(&self.acceptor, io).await
    }

    fn negotiated<IO: Io>(client: &Self::Client<IO>) -> Negotiated {
        match client.inner() {
            MaybeHttpsStream::Https(stream) => negotiated(stream.ssl()),
            MaybeHttpsStream::Http(_) => Negotiated::default(),
        }
    }

    /// OpenSSL forgets the session of a connection that ends without close_notify.
    async fn leave<IO: Io>(client: &mut Self::Client<IO>) {
        client.shutdown().await.expect("close_notify is sent");
    }

    fn client_presented<IO: Io>(server: &SslStream<IO>) -> Option<bool> {
        TokioOpenSsl::client_presented(server)
    }
}

/// A byte stream that is there already, where hyper would make one.
#[derive(Debug)]
pub(super) struct Given<IO>(IO);

struct Giver<IO>(Option<Given<IO>>);

impl<IO: Io> Service<Uri> for Giver<IO> {
    type Response = TokioIo<Given<IO>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Ok(TokioIo::new(self.0.take().expect("it is called once"))))
    }
}

impl<IO> Connection for Given<IO> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl<IO: Io> AsyncRead for Given<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<IO: Io> AsyncWrite for Given<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl fmt::Debug for OpenSslResuming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenSslResuming")
    }
}
