//! Once connected: standard input and output over TLS, or nothing but a farewell.

use std::{io::IsTerminal, time::Duration};

use polytls::{Error, ErrorKind, OwnedReadHalf, OwnedWriteHalf, ProtocolVersion, TlsStream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, stdin, stdout},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use crate::{failure::Failure, output};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// How long, and for how many bytes, a server is listened to that nothing was asked.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

/// Until both sides have closed: the end of standard input closes this side only, and the server's end its own.
pub(super) async fn run(stream: TlsStream<TcpStream>) -> Result<(), Failure> {
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

/// Closes, and hears for a moment what the server has still to say.
///
/// In TLS 1.3 that is whether it takes the client's certificate, and the tickets with which to resume. Its data, and
/// how it ends, do not matter: nothing was asked of it.
pub(super) async fn leave(mut stream: TlsStream<TcpStream>) -> Result<(), Failure> {
    let hearing = async {
        stream.shutdown().await?;
        let mut rest = stream.take(FAREWELL_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    let Ok(Err(error)) = timeout(FAREWELL, hearing).await else { return Ok(()) };
    let error = Error::from(error);
    match error.kind() {
        ErrorKind::Io(_) | ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(error.into()),
    }
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
