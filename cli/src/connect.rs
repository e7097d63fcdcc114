//! `polytls connect`: standard input and output over TLS.

use std::{io::IsTerminal, path::PathBuf, sync::Arc, time::Duration};

use polytls::{
    ClientConfig, ClientConfigBuilder, ConnectionInfo, DangerAcceptAnyCertificate, Error, KeyLog, KeyLogFile,
    OwnedReadHalf, OwnedWriteHalf, ProtocolVersion, ServerName, TlsConnector, TlsStream,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, stdin, stdout},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use crate::{
    failure::Failure,
    output,
    settings::{self, Version},
};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Where to, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server, such as `example.com:443` or `[::1]:8443`
    #[arg(value_name = "HOST:PORT")]
    server: String,
    /// The name to send as SNI and to find in the certificate [default: HOST]
    #[arg(long)]
    name: Option<String>,
    /// The roots to trust: os, bundled, or a PEM file
    #[arg(long, default_value = "os", conflicts_with = "danger_accept_any_certificate")]
    roots: String,
    /// Application protocols to offer, most wanted first
    #[arg(long, value_delimiter = ',')]
    alpn: Vec<String>,
    /// Protocol versions to offer
    #[arg(long, value_delimiter = ',', value_enum)]
    tls: Vec<Version>,
    /// The certificate chain to present, in PEM
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Accept any certificate: anybody may be at the other end
    #[arg(long)]
    danger_accept_any_certificate: bool,
    /// Append the session's secrets to this file, for a protocol analyser
    #[arg(long, value_name = "FILE")]
    key_log: Option<PathBuf>,
    /// Seconds until connection and handshake must be complete, each
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let (host, port) = split_address(&options.server)?;
    let name: ServerName = options.name.as_deref().unwrap_or(host).parse()?;
    let connector = connector(backend, &options)?;
    let limit = Duration::from_secs(options.time_limit);
    let tcp = match timeout(limit, TcpStream::connect((host, port))).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => return Err(unreachable(&options.server, &error.to_string())),
        Err(_) => return Err(unreachable(&options.server, "no answer within the time limit")),
    };
    tcp.set_nodelay(true)?;
    let stream = connector.connect(&name, tcp).await?;
    describe(stream.info());
    converse(stream).await
}

fn unreachable(server: &str, reason: &str) -> Failure {
    Failure::connection(format!("cannot reach {server}: {reason}"))
}

/// Host and port; the host of an IPv6 address without its brackets.
fn split_address(address: &str) -> Result<(&str, u16), Failure> {
    let wrong =
        || Failure::usage(format!("`{address}` is no HOST:PORT; write it as example.com:443 or [::1]:443"));
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (bare.is_none() && host.contains(':')) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|&port| port != 0);
    let port = port.ok_or_else(|| Failure::usage(format!("`{address}` has no port from 1 to 65535")))?;
    Ok((bare.unwrap_or(host), port))
}

fn connector(backend: Option<&str>, options: &Options) -> Result<TlsConnector, Failure> {
    let config = config(backend, options)?;
    let Some(file) = &options.key_log else { return Ok(TlsConnector::new(&config.build()?)?) };
    // The file is made only when nothing else is wrong.
    TlsConnector::new(&config.clone().key_log(Arc::new(Discard)).build()?)?;
    Ok(TlsConnector::new(&config.key_log(Arc::new(KeyLogFile::open(file)?)).build()?)?)
}

/// The key log of a configuration that is only tried.
#[derive(Debug)]
struct Discard;

impl KeyLog for Discard {
    fn log(&self, _label: &str, _client_random: &[u8], _secret: &[u8]) {}
}

fn config(backend: Option<&str>, options: &Options) -> Result<ClientConfigBuilder, Failure> {
    let mut config = ClientConfig::builder(settings::backend(backend)?)
        .alpn(options.alpn.iter().map(String::as_str))
        .handshake_time_limit(Duration::from_secs(options.time_limit));
    if options.danger_accept_any_certificate {
        config = config.verifier(Arc::new(DangerAcceptAnyCertificate));
    } else {
        config = config.roots(settings::roots(&options.roots)?);
    }
    if !options.tls.is_empty() {
        config = config.protocol_versions(options.tls.iter().map(|&version| version.into()));
    }
    if let Some(identity) = settings::identity(options.cert.as_ref(), options.key.as_ref())? {
        config = config.identity(identity);
    }
    Ok(config)
}

fn describe(info: &ConnectionInfo) {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
    output::note(&format!(
        "{}: {}, {}, {}; ALPN {}; {} certificate(s); {:.1} ms",
        info.backend.name,
        or_unknown(info.version.map(|version| version.to_string())),
        or_unknown(info.cipher_suite.map(|suite| suite.to_string())),
        or_unknown(info.named_group.map(|group| group.to_string())),
        info.alpn_str().unwrap_or("none"),
        info.peer_chain.len(),
        info.timings.complete.as_secs_f64() * 1000.0,
    ));
}

/// Until both sides have closed: the end of standard input closes this side only, and the server's end its own.
async fn converse(stream: TlsStream<TcpStream>) -> Result<(), Failure> {
    // RFC 5246 §7.2.1: in TLS 1.2 close_notify ends both directions. And nobody at a terminal means to go on.
    let ends_with_server =
        stream.info().version == Some(ProtocolVersion::Tls12) || std::io::stdin().is_terminal();
    let (mut read, mut write) = stream.into_split();
    let (server_closed, closed) = oneshot::channel();
    let sending = tokio::spawn(async move {
        let sent = tokio::select! {
            sent = send(&mut write) => sent,
            Ok(()) = closed => Ok(()),
        };
        // A server that has gone needs no close_notify, and that it has gone is the reader's to report.
        let _ = write.shutdown().await;
        sent
    });
    receive(&mut read).await?;
    if ends_with_server {
        // Nobody hears it when everything is sent already.
        let _ = server_closed.send(());
    }
    sending.await.map_err(|error| Failure::connection(error.to_string()))?
}

/// Standard input, up to its end.
async fn send(write: &mut OwnedWriteHalf<TcpStream>) -> Result<(), Failure> {
    let unsent =
        |error| Failure::connection(format!("the server did not take all of standard input: {error}"));
    let mut input = stdin();
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = input
            .read(&mut buffer)
            .await
            .map_err(|error| Failure::connection(format!("cannot read standard input: {error}")))?;
        if count == 0 {
            return Ok(());
        }
        write.write_all(&buffer[..count]).await.map_err(unsent)?;
        write.flush().await.map_err(unsent)?;
    }
}

/// What the server sends, up to its close_notify.
async fn receive(read: &mut OwnedReadHalf<TcpStream>) -> Result<(), Failure> {
    let mut output = stdout();
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = read.read(&mut buffer).await.map_err(Error::from)?;
        if count == 0 {
            return Ok(());
        }
        let bytes = &buffer[..count];
        output.write_all(bytes).await.map_err(|error| output::unwritable(&error))?;
        output.flush().await.map_err(|error| output::unwritable(&error))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_where_the_port_begins() {
        assert_eq!(split_address("example.com:443").unwrap(), ("example.com", 443));
        assert_eq!(split_address("[::1]:8443").unwrap(), ("::1", 8443));
        for wrong in ["example.com", ":443", "::1:443", "example.com:", "example.com:0", "example.com:65536"]
        {
            let failure = split_address(wrong).unwrap_err();
            assert_eq!(failure.code, crate::failure::USAGE);
            assert!(failure.message.contains(wrong), "{}", failure.message);
        }
    }
}
