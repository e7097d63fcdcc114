//! `polytls tour`: for each pair of engines a handshake in six steps, then data, and what each cost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use polytls::{
    Backend, ClientAuthentication, ClientConfig, ConnectionInfo, ServerConfig, ServerName, TlsAcceptor,
    TlsConnector, TlsStream,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{chain::Authority, failure::Failure, settings};

const NAME: &str = "localhost";
const MIB: usize = 1 << 20;

/// One write, and the unit of the pattern that the other side checks.
const BLOCK: usize = 64 * 1024;

/// What to do with each pair.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How much data to send, in MiB
    #[arg(long, default_value_t = 256)]
    mib: usize,
    /// The client's engine [default: each]
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The server's engine [default: each]
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
}

type Stream = TlsStream<TcpStream>;

/// What one pair came to.
struct PairResult {
    pair: String,
    handshake: Duration,
    resumed: Option<Duration>,
    rate: f64,
}

pub(crate) async fn run(backend: Option<&str>, options: &Options) -> Result<(), Failure> {
    let clients = engines(options.client.as_deref().or(backend))?;
    let servers = engines(options.server.as_deref().or(backend))?;
    let started = Instant::now();
    let authority = Authority::new()?;
    let mut results = Vec::new();
    for client in &clients {
        for server in &servers {
            results.push(pair(client, server, &authority, options.mib).await?);
        }
    }
    summary(&results, options.mib, started.elapsed());
    Ok(())
}

fn engines(name: Option<&str>) -> Result<Vec<Arc<dyn Backend>>, Failure> {
    match name {
        Some(name) => Ok(vec![polytls::backend(name)?]),
        None => {
            settings::backend(None)?;
            Ok(polytls::backends::all())
        }
    }
}

async fn pair(
    client: &Arc<dyn Backend>,
    server: &Arc<dyn Backend>,
    authority: &Authority,
    mib: usize,
) -> Result<PairResult, Failure> {
    let pair = format!("{} -> {}", client.info().name, server.info().name);
    println!("== {pair}   ({} to {})", client.info().library, server.info().library);
    let asks = server.capabilities().server.client_authentication.contains(&ClientAuthentication::Required);
    let (connector, acceptor) = configure(client, server, authority, asks)?;
    let (mut near, mut far) = connect(&connector, &acceptor).await?;
    steps(near.info(), far.info(), asks);
    let elapsed = transfer(&mut near, &mut far, mib, &pair).await?;
    let rate = mib as f64 / elapsed.as_secs_f64();
    let handshake = near.info().timings.complete;
    println!("     {mib} MiB in {:.2} s: {rate:.0} MiB/s", elapsed.as_secs_f64());
    let bytes = rate * handshake.as_secs_f64();
    println!(
        "     asymmetric, once: {}; symmetric, for ever: in that time {bytes:.1} MiB pass under the session keys",
        millis(handshake)
    );
    close(near, far).await;
    let resumed = resume(client, &connector, &acceptor).await?;
    println!("     resumed: {}", resumed.map_or("not with this pair".into(), millis));
    println!();
    Ok(PairResult { pair, handshake, resumed, rate })
}

fn configure(
    client: &Arc<dyn Backend>,
    server: &Arc<dyn Backend>,
    authority: &Authority,
    asks: bool,
) -> Result<(TlsConnector, TlsAcceptor), Failure> {
    let mut client = ClientConfig::builder(client.clone()).roots(authority.roots()).alpn(["tour"]);
    let mut server = ServerConfig::builder(server.clone(), authority.server(&[NAME])?).alpn(["tour"]);
    if asks {
        client = client.identity(authority.client()?);
        server = server.client_authentication(ClientAuthentication::Required).client_roots(authority.roots());
    }
    Ok((TlsConnector::new(&client.build()?)?, TlsAcceptor::new(&server.build()?)?))
}

/// Both sides of one connection over loopback TCP, each on its own task.
async fn connect(connector: &TlsConnector, acceptor: &TlsAcceptor) -> Result<(Stream, Stream), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (near, accepted) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    let (near, far) = (near?, accepted?.0);
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let acceptor = acceptor.clone();
    let accepting = tokio::spawn(async move { acceptor.accept(far).await });
    let name: ServerName = NAME.parse()?;
    let near = connector.connect(&name, near).await?;
    let far = accepting.await.map_err(|error| Failure::connection(error.to_string()))??;
    Ok((near, far))
}

/// The six steps, with what was negotiated and when.
fn steps(client: &ConnectionInfo, server: &ConnectionInfo, asks: bool) {
    let unknown = || "the library does not tell".to_owned();
    let text = |value: Option<String>| value.unwrap_or_else(unknown);
    let times = client.timings;
    let step = |number: u8, what: &str, found: String| println!("  {number}  {what:<52} {found}");
    step(
        1,
        "client offers versions, suites, groups, ALPN, name",
        format!(
            "{} as SNI, after {}",
            client.server_name.as_deref().unwrap_or("nothing"),
            times.first_sent.map_or_else(unknown, millis)
        ),
    );
    step(
        2,
        "server chooses, and presents its chain",
        format!(
            "{}, {}, ALPN {}, after {}",
            text(client.version.map(|version| version.to_string())),
            text(client.cipher_suite.map(|suite| suite.to_string())),
            client.alpn_str().unwrap_or("none"),
            times.first_received.map_or_else(unknown, millis)
        ),
    );
    step(
        3,
        "client validates chain and name",
        format!(
            "valid for {NAME}; {}",
            times.verification.map_or_else(unknown, |took| format!("took {}", millis(took)))
        ),
    );
    let presented = match (asks, server.peer_chain.len()) {
        (false, _) => format!("not asked: the {} backend cannot", server.backend.name),
        (true, 0) => "asked, and presented nothing".into(),
        (true, count) => {
            let took =
                server.timings.verification.map_or_else(unknown, |took| format!("took {}", millis(took)));
            format!("{count} certificate(s), valid; {took}")
        }
    };
    step(4, "client authenticates too", presented);
    step(
        5,
        "both agree on fresh session keys",
        format!(
            "{}, complete after {}",
            text(client.named_group.map(|group| group.to_string())),
            millis(times.complete)
        ),
    );
    step(
        6,
        "records flow under symmetric keys",
        format!(
            "{} bytes sent, {} received until here",
            client.handshake_bytes_sent, client.handshake_bytes_received
        ),
    );
}

/// Sends, and checks every byte on the other side.
async fn transfer(near: &mut Stream, far: &mut Stream, mib: usize, pair: &str) -> Result<Duration, Failure> {
    let pattern: Vec<u8> = (0..BLOCK).map(|i| (i * 131 % 251) as u8).collect();
    let total = mib * MIB;
    let bar = progress(total, pair);
    let started = Instant::now();
    let sending = async {
        for _ in 0..total / BLOCK {
            near.write_all(&pattern).await?;
        }
        near.flush().await
    };
    let receiving = async {
        let mut buffer = vec![0; 4 * BLOCK];
        let mut received = 0;
        while received < total {
            let count = far.read(&mut buffer).await?;
            if count == 0 || !matches(&buffer[..count], &pattern, received) {
                return Err(std::io::Error::other("the data that arrived is not the data that was sent"));
            }
            received += count;
            bar.set_position(received as u64);
        }
        Ok(())
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent?;
    received?;
    bar.finish_and_clear();
    Ok(started.elapsed())
}

/// Whether `bytes` are what the repeated pattern holds from `position` on.
fn matches(mut bytes: &[u8], pattern: &[u8], position: usize) -> bool {
    let mut offset = position % pattern.len();
    while !bytes.is_empty() {
        let count = bytes.len().min(pattern.len() - offset);
        if bytes[..count] != pattern[offset..offset + count] {
            return false;
        }
        bytes = &bytes[count..];
        offset = 0;
    }
    true
}

/// Shown on standard error, and only if that is a terminal.
fn progress(total: usize, pair: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    if let Ok(style) =
        ProgressStyle::with_template("     {msg} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    bar.set_message(pair.to_owned());
    bar
}

async fn close(mut near: Stream, mut far: Stream) {
    // Both close; the tour goes on whether the other's close_notify arrives in time or not.
    let _ = tokio::join!(near.shutdown(), far.shutdown());
}

/// A second connection that resumes the first, where the client's engine can.
async fn resume(
    client: &Arc<dyn Backend>,
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> Result<Option<Duration>, Failure> {
    if !client.capabilities().client.role.resumption {
        return Ok(None);
    }
    // TLS 1.3 tickets come with the first data, so a connection that reads some comes in between.
    let (mut near, mut far) = connect(connector, acceptor).await?;
    far.write_all(b"x").await?;
    far.flush().await?;
    near.read_u8().await?;
    close(near, far).await;
    let (near, far) = connect(connector, acceptor).await?;
    let resumed = (near.info().resumed == Some(true)).then_some(near.info().timings.complete);
    close(near, far).await;
    Ok(resumed)
}

fn summary(results: &[PairResult], mib: usize, elapsed: Duration) {
    println!("{:<20} {:>12} {:>12} {:>10}", "client -> server", "handshake", "resumed", "MiB/s");
    for result in results {
        let resumed = result.resumed.map_or("-".into(), millis);
        println!(
            "{:<20} {:>12} {:>12} {:>10.0}",
            result.pair,
            millis(result.handshake),
            resumed,
            result.rate
        );
    }
    println!("{} pair(s), {mib} MiB each, {:.1} s", results.len(), elapsed.as_secs_f64());
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
