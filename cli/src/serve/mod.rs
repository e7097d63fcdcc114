//! `polytls serve`: a folder over HTTPS, for h2 and http/1.1.

mod files;
mod linger;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use polytls::{ClientAuthentication, Identity, ServerConfig, TlsAcceptor};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{
    chain::Authority,
    failure::Failure,
    serve::{files::Folder, linger::Lingering},
    settings::{self, Version},
};

/// How many connections are served at once; more wait in the listener's queue.
const CONNECTIONS: usize = 1024;

/// How long a client may take for a request's header.
const HEADER_TIME_LIMIT: Duration = Duration::from_secs(30);

/// What to serve, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The certificate chain, in PEM [default: one made for localhost]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write the root of the certificate that is made to this file, for clients to trust
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    write_root: Option<PathBuf>,
    /// Whether to ask clients for a certificate
    #[arg(long, value_enum, default_value = "none")]
    client_auth: Mode,
    /// The roots that a client's chain must lead to: os, bundled, or a PEM file
    #[arg(long, value_name = "ROOTS")]
    client_roots: Option<String>,
    /// Protocol versions to accept
    #[arg(long, value_delimiter = ',', value_enum)]
    tls: Vec<Version>,
}

/// Whether to ask clients for a certificate.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    None,
    Optional,
    Required,
}

impl From<Mode> for ClientAuthentication {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::None => Self::None,
            Mode::Optional => Self::Optional,
            Mode::Required => Self::Required,
        }
    }
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let folder = Arc::new(Folder::open(&options.folder)?);
    let config = config(backend, &options)?;
    let acceptor = TlsAcceptor::new(&config)?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| Failure::usage(format!("cannot listen on {}: {error}", options.listen)))?;
    println!("listening on https://{} (backend {})", listener.local_addr()?, config.backend().info().name);
    tokio::select! {
        () = accept(listener, acceptor, folder) => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

fn config(backend: Option<&str>, options: &Options) -> Result<ServerConfig, Failure> {
    let backend = settings::backend(backend)?;
    let identity = match settings::identity(options.cert.as_ref(), options.key.as_ref())? {
        Some(identity) => identity,
        None => made(options)?,
    };
    let mut config = ServerConfig::builder(backend, identity)
        .alpn(["h2", "http/1.1"])
        .client_authentication(options.client_auth.into());
    if let Some(roots) = &options.client_roots {
        config = config.client_roots(settings::roots(roots)?);
    }
    if !options.tls.is_empty() {
        config = config.protocol_versions(options.tls.iter().map(|&version| version.into()));
    }
    Ok(config.build()?)
}

/// A certificate for this machine, by an authority that is gone when the server ends.
fn made(options: &Options) -> Result<Identity, Failure> {
    let authority = Authority::new()?;
    if let Some(file) = &options.write_root {
        std::fs::write(file, authority.pem())
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
    }
    authority.server(&["localhost", "127.0.0.1", "::1"])
}

/// Accepts for ever. What goes wrong with one connection is that connection's end alone.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, folder: Arc<Folder>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let (acceptor, folder) = (acceptor.clone(), folder.clone());
                tokio::spawn(async move {
                    if let Err(error) = serve(tcp, acceptor, folder, place).await {
                        tracing::info!(%peer, error, "connection ended");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: connections that end give some back.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    folder: Arc<Folder>,
    _place: OwnedSemaphorePermit,
) -> Result<(), String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    tcp.set_nodelay(true).map_err(|error| text(&error))?;
    let stream = acceptor.accept(tcp).await.map_err(|failed| text(failed.error()))?;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A client may close its direction once it has asked, and still wait for the answer.
    builder.http1().half_close(true).timer(TokioTimer::new()).header_read_timeout(HEADER_TIME_LIMIT);
    builder.http2().timer(TokioTimer::new());
    let service = hyper::service::service_fn(move |request| {
        let folder = folder.clone();
        async move { Ok::<_, std::convert::Infallible>(folder.answer(&request).await) }
    });
    builder
        .serve_connection(TokioIo::new(Lingering::new(stream)), service)
        .await
        .map_err(|error| error.to_string())
}
