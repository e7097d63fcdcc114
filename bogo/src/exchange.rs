//! Application data as the runner expects it: what is read goes back with every bit turned over.

use std::io;

use polytls::{EarlyDataStatus, Error, ErrorKind, ProtocolVersion, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    connection::Connection,
    link::Link,
    options::Exchange,
    report::{Failure, expect},
};

/// Sizes on both sides of where records end.
const RECORD_SIZES: [usize; 10] = [1, 255, 256, 257, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769];

/// How the peer ended its direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    CloseNotify,
    /// The byte stream ended without it. BoringSSL's shim takes that for an end, unless it is to look.
    Cut,
}

/// What passes from the end of the handshake until one side ends; `None` where it is the shim that does.
pub(crate) async fn run(
    connection: &Connection<'_>,
    stream: &mut TlsStream<Link>,
) -> Result<Option<End>, Failure> {
    let exchange = &connection.options.exchange;
    export(connection, stream).await?;
    if exchange.different_record_sizes {
        for size in RECORD_SIZES {
            write(stream, &vec![0x42; size]).await?;
        }
    }
    write_first(connection, stream).await?;
    if let Some(early_data) = stream.take_early_data() {
        answer(stream, early_data.as_bytes().to_vec()).await?;
    }
    if exchange.shim_shuts_down || exchange.different_record_sizes {
        return Ok(None);
    }
    echo(exchange, stream).await.map(Some)
}

/// Ends this side's direction, and awaits the end of the other, where a test is about that.
pub(crate) async fn shut_down(
    exchange: &Exchange,
    stream: &mut TlsStream<Link>,
    end: Option<End>,
) -> Result<(), Failure> {
    if !exchange.check_close_notify {
        return Ok(());
    }
    stream.shutdown().await?;
    match end {
        Some(End::CloseNotify) => return Ok(()),
        Some(End::Cut) => return expect(false, || "the peer sent no close_notify".into()),
        None => {}
    }
    match stream.read(&mut [0; 1]).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(Failure::Named(":APPLICATION_DATA_ON_SHUTDOWN:")),
        Err(error) => Err(error.into()),
    }
}

async fn export(connection: &Connection<'_>, stream: &mut TlsStream<Link>) -> Result<(), Failure> {
    let exchange = &connection.options.exchange;
    if exchange.export.length > 0 {
        let mut output = vec![0; exchange.export.length];
        let context = exchange.export.with_context.then_some(&*exchange.export.context);
        stream.export_keying_material(&mut output, &exchange.export.label, context)?;
        write(stream, &output).await?;
    }
    if exchange.export_traffic_secrets {
        let labels = ["SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0"];
        let server = connection.options.settings.server;
        let [read, written] = if server { [labels[1], labels[0]] } else { labels };
        let secret = |label| {
            connection
                .live
                .secret(label)
                .ok_or_else(|| Failure::Expectation(format!("no {label} in the key log")))
        };
        let (read, written) = (secret(read)?, secret(written)?);
        let length = u16::try_from(read.len()).unwrap_or(0).to_le_bytes();
        write(stream, &[&length[..], &read, &written].concat()).await?;
    }
    Ok(())
}

/// What the shim writes before it reads, unless it went out as early data.
async fn write_first(connection: &Connection<'_>, stream: &mut TlsStream<Link>) -> Result<(), Failure> {
    let exchange = &connection.options.exchange;
    if stream.info().early_data == EarlyDataStatus::Accepted {
        return Ok(());
    }
    if exchange.unfinished_write {
        stream.io_mut().hold_writes(true);
        stream.write_all(&exchange.initial_write).await?;
    } else if exchange.shim_writes_first {
        for _ in 0..exchange.initial_writes {
            write(stream, &exchange.initial_write).await?;
        }
    }
    Ok(())
}

/// Reads until the peer ends, and answers.
async fn echo(exchange: &Exchange, stream: &mut TlsStream<Link>) -> Result<End, Failure> {
    loop {
        if exchange.key_update_before_read {
            update_keys(stream)?;
            stream.flush().await?;
        }
        let mut buffer = vec![0; exchange.read_size];
        let read = stream.read(&mut buffer).await;
        if exchange.export_between_reads {
            stream.export_keying_material(&mut [0], b"", None)?;
        }
        match read {
            Ok(0) => return Ok(End::CloseNotify),
            Ok(count) => buffer.truncate(count),
            Err(error) if is_cut(&error) => return Ok(End::Cut),
            Err(error) => return Err(error.into()),
        }
        if exchange.unfinished_write {
            stream.io_mut().hold_writes(false);
        }
        if exchange.key_update {
            update_keys(stream)?;
        }
        answer(stream, buffer).await?;
    }
}

async fn answer(stream: &mut TlsStream<Link>, mut data: Vec<u8>) -> Result<(), Failure> {
    data.iter_mut().for_each(|byte| *byte ^= 0xff);
    write(stream, &data).await
}

/// New keys for what is sent, where the version has that.
fn update_keys(stream: &mut TlsStream<Link>) -> Result<(), Failure> {
    if stream.info().version != Some(ProtocolVersion::Tls13) {
        return Err(Failure::Unimplemented("a key update in TLS 1.2".into()));
    }
    Ok(stream.update_keys(false)?)
}

async fn write(stream: &mut TlsStream<Link>, data: &[u8]) -> Result<(), Failure> {
    stream.write_all(data).await?;
    stream.flush().await?;
    Ok(())
}

fn is_cut(error: &io::Error) -> bool {
    match Error::from_io(error) {
        Some(error) => *error.kind() == ErrorKind::UnexpectedEof,
        None => error.kind() == io::ErrorKind::UnexpectedEof,
    }
}
