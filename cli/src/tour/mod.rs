//! `polytls tour`: for each pair of engines a handshake in six steps, then data, and what each cost.

mod events;
mod steps;
mod transfer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use polytls::{
    Backend, ClientAuthentication, ClientConfig, ServerConfig, ServerName, TlsAcceptor, TlsConnector,
    TlsStream,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) use self::events::{Events, TARGET};
use crate::{chain::Authority, failure::Failure, output, settings};

/// The name of the tour's server, and the protocol that it speaks.
const NAME: &str = "localhost";
const ALPN: &str = "tour";

/// What to do with each pair.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How much data to send, in MiB
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    mib: u64,
    /// The client's engine [default: each]
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The server's engine [default: each]
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
}

type Stream = TlsStream<TcpStream>;

/// Two engines, ready to connect.
struct Pair {
    client: Arc<dyn Backend>,
    name: String,
    /// Whether the server asks the client for a certificate.
    asks: bool,
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

/// What one pair came to.
struct PairResult {
    pair: String,
    handshake: Duration,
    resumed: Option<Duration>,
    rate: f64,
}

pub(crate) async fn run(backend: Option<&str>, options: &Options, events: &Events) -> Result<(), Failure> {
    let clients = settings::backends(options.client.as_deref().or(backend))?;
    let servers = settings::backends(options.server.as_deref().or(backend))?;
    let started = Instant::now();
    let authority = Authority::new()?;
    let mut results = Vec::new();
    for client in &clients {
        for server in &servers {
            let pair = Pair::new(client, server, &authority)?;
            let result = pair.tour(options.mib, events).await;
            results.push(result.map_err(|failure| failure.in_context(&pair.name))?);
        }
    }
    output::print(&summary(&results, options.mib, started.elapsed()))
}

impl Pair {
    fn new(
        client: &Arc<dyn Backend>,
        server: &Arc<dyn Backend>,
        authority: &Authority,
    ) -> Result<Self, Failure> {
        let asks =
            server.capabilities().server.client_authentication.contains(&ClientAuthentication::Required)
                && client.capabilities().client.identity;
        let mut near = ClientConfig::builder(client.clone()).roots(authority.roots()).alpn([ALPN]);
        let mut far = ServerConfig::builder(server.clone(), authority.server(&[NAME])?).alpn([ALPN]);
        if asks {
            near = near.identity(authority.client()?);
            far = far.client_authentication(ClientAuthentication::Required).client_roots(authority.roots());
        }
        Ok(Self {
            client: client.clone(),
            name: format!("{} -> {}", client.info().name, server.info().name),
            asks,
            connector: TlsConnector::new(&near.build()?)?,
            acceptor: TlsAcceptor::new(&far.build()?)?,
        })
    }

    async fn tour(&self, mib: u64, events: &Events) -> Result<PairResult, Failure> {
        events.take();
        let (near, far) = self.connect().await?;
        let libraries = format!("{} to {}", near.info().backend.library, far.info().backend.library);
        let steps = steps::text(self, &near, &far, &events.take());
        output::print(&format!("== {}   ({libraries})\n{steps}", self.name))?;
        let handshake = near.info().timings.complete();
        let (near, far, elapsed) = transfer::run(near, far, mib, &self.name).await?;
        close(near, far).await;
        let resumed = self.resume().await?;

        let rate = mib as f64 / elapsed.as_secs_f64();
        output::print(&format!(
            "     {mib} MiB in {:.2} s, every byte checked: {rate:.0} MiB/s\n     \
             asymmetric, once: the handshake took {}, as long as {:.1} MiB take under the symmetric keys\n     \
             resumed: {}\n\n",
            elapsed.as_secs_f64(),
            millis(handshake),
            rate * handshake.as_secs_f64(),
            resumed.map_or("not with this pair".into(), millis)
        ))?;
        Ok(PairResult { pair: self.name.clone(), handshake, resumed, rate })
    }

    /// Which side cannot do it.
    fn why_not_asked(&self) -> String {
        let server = self.acceptor.config().backend();
        let asks_nobody = server.capabilities().server.client_authentication.is_empty();
        let unable = if asks_nobody { server } else { &self.client };
        format!("the {} backend cannot", unable.info().name)
    }

    /// Both sides of one connection over loopback TCP, each on its own task.
    async fn connect(&self) -> Result<(Stream, Stream), Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (near, accepted) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
        let (near, far) = (near?, accepted?.0);
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let acceptor = self.acceptor.clone();
        let accepting = tokio::spawn(async move { acceptor.accept(far).await });
        let name: ServerName = NAME.parse()?;
        let near = self.connector.connect(&name, near).await?;
        let far = accepting.await.map_err(|error| Failure::connection(error.to_string()))??;
        Ok((near, far))
    }

    /// How long a connection takes that resumes an earlier one, where the client's engine can.
    async fn resume(&self) -> Result<Option<Duration>, Failure> {
        if !self.client.capabilities().client.role.resumption {
            return Ok(None);
        }
        // TLS 1.3 tickets come with the first data, so a connection that reads some comes in between.
        let (mut near, mut far) = self.connect().await?;
        far.write_all(b"x").await?;
        far.flush().await?;
        near.read_u8().await?;
        close(near, far).await;
        let (near, far) = self.connect().await?;
        let resumed = (near.info().resumed == Some(true)).then_some(near.info().timings.complete());
        close(near, far).await;
        Ok(resumed)
    }
}

async fn close(mut near: Stream, mut far: Stream) {
    // Both close; the tour goes on whether the other's close_notify arrives in time or not.
    let _ = tokio::join!(near.shutdown(), far.shutdown());
}

fn summary(results: &[PairResult], mib: u64, elapsed: Duration) -> String {
    let mut text =
        format!("{:<20} {:>12} {:>12} {:>10}\n", "client -> server", "handshake", "resumed", "MiB/s");
    for result in results {
        text += &format!(
            "{:<20} {:>12} {:>12} {:>10.0}\n",
            result.pair,
            millis(result.handshake),
            result.resumed.map_or("-".into(), millis),
            result.rate
        );
    }
    text + &format!("{} pair(s), {mib} MiB each, {:.1} s\n", results.len(), elapsed.as_secs_f64())
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
