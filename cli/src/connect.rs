//! `polytls connect`: standard input and output over TLS.

use std::{path::PathBuf, sync::Arc, time::Duration};

use polytls::{
    ClientConfig, ConnectionInfo, DangerAcceptAnyCertificate, KeyLogFile, ServerName, TlsConnector, TlsStream,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, stdin, stdout},
    net::TcpStream,
    time::timeout,
};

use crate::{
    failure::Failure,
    settings::{self, Version},
};

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
    #[arg(long, default_value = "os")]
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
    let connector = TlsConnector::new(&config(backend, &options)?)?;
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

fn config(backend: Option<&str>, options: &Options) -> Result<ClientConfig, Failure> {
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
    if let Some(file) = &options.key_log {
        config = config.key_log(Arc::new(KeyLogFile::open(file)?));
    }
    Ok(config.build()?)
}

fn describe(info: &ConnectionInfo) {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
    eprintln!(
        "{}: {}, {}, {}; ALPN {}; {} certificate(s); {:.1} ms",
        info.backend.name,
        or_unknown(info.version.map(|version| version.to_string())),
        or_unknown(info.cipher_suite.map(|suite| suite.to_string())),
        or_unknown(info.named_group.map(|group| group.to_string())),
        info.alpn_str().unwrap_or("none"),
        info.peer_chain.len(),
        info.timings.complete.as_secs_f64() * 1000.0,
    );
}

/// Until the server closes. The end of standard input closes this direction only.
async fn converse(stream: TlsStream<TcpStream>) -> Result<(), Failure> {
    let (mut read, mut write) = stream.into_split();
    let sending = tokio::spawn(async move {
        let mut input = stdin();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = input.read(&mut buffer).await?;
            if count == 0 {
                return write.shutdown().await;
            }
            write.write_all(&buffer[..count]).await?;
            write.flush().await?;
        }
    });
    let received = receive(&mut read).await;
    // What the server still does not take is of no use once it has closed.
    sending.abort();
    Ok(received?)
}

/// Everything that comes goes out, also what came before a cut.
async fn receive(read: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut output = stdout();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = read.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..count]).await?;
        output.flush().await?;
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
