//! What the examples need beside the thing they show: certificates, and a server to talk to.

#![allow(dead_code, reason = "each example uses a part")]

use std::net::SocketAddr;

use polytls::{CertificateDer, Identity, Roots, ServerConfig, TlsAcceptor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A self-signed identity for these names, and the roots that trust it.
pub(crate) fn identity(names: &[&str]) -> Result<(Identity, Roots), Box<dyn std::error::Error>> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der())?;
    Ok((identity, Roots::from_der([certificate])))
}

/// An HTTPS server that says hello.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) roots: Roots,
}

impl Server {
    /// Starts it on a free port of this machine.
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let (identity, roots) = identity(&["localhost"])?;
        let config =
            ServerConfig::builder(polytls::default_backend()?, identity).alpn(["http/1.1"]).build()?;
        let acceptor = TlsAcceptor::new(&config)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(tcp).await {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello over TLS\n")
                        .await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        Ok(Self { address, roots })
    }
}
