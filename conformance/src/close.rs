//! The end of a connection (RFC 8446 §6.1): close_notify is a clean end, and everything else is a cut.

use std::io;

use polytls_api::{Error, ErrorKind, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    scene::{Scene, Stream, exchange, pass, tls_error},
};

/// In each version, an established connection on which data has passed.
async fn established(pair: &Pair) -> Result<Vec<(Stream, Stream)>, Stop> {
    let mut connections = Vec::new();
    for scene in Scene::in_each_version(pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        exchange(&mut client, &mut server).await?;
        connections.push((client, server));
    }
    Ok(connections)
}

async fn closes_then(first: &mut Stream, second: &mut Stream) -> Result<(), Stop> {
    first.shutdown().await.at("the first close")?;
    ensure_eq(second.read(&mut [0; 16]).await.at("after the first close")?, 0, "bytes after close_notify")?;
    second.shutdown().await.at("the second close")?;
    ensure_eq(first.read(&mut [0; 16]).await.at("after the second close")?, 0, "bytes after close_notify")
}

pub(crate) async fn the_client_closes_first(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        closes_then(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn the_server_closes_first(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        closes_then(&mut server, &mut client).await?;
    }
    Ok(())
}

pub(crate) async fn both_close_at_once(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.shutdown().await?;
        server.shutdown().await?;
        ensure_eq(client.read(&mut [0; 16]).await.at("client")?, 0, "bytes after close_notify")?;
        ensure_eq(server.read(&mut [0; 16]).await.at("server")?, 0, "bytes after close_notify")?;
    }
    Ok(())
}

pub(crate) async fn what_was_written_before_closing_arrives(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.write_all(b"the last words").await?;
        client.shutdown().await?;
        let mut read = String::new();
        server.read_to_string(&mut read).await?;
        ensure_eq(read.as_str(), "the last words", "what came before close_notify")?;
    }
    Ok(())
}

pub(crate) async fn closing_ends_one_direction_only(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.shutdown().await?;
        ensure_eq(server.read(&mut [0; 16]).await?, 0, "bytes after close_notify")?;
        for word in ["half-closed ", "is not ", "closed"] {
            pass(&mut server, &mut client, word.as_bytes()).await?;
        }
        closes_then(&mut server, &mut client).await?;
    }
    for (mut client, mut server) in established(&pair).await? {
        server.shutdown().await?;
        ensure_eq(client.read(&mut [0; 16]).await?, 0, "bytes after close_notify")?;
        pass(&mut client, &mut server, b"the other way round too").await?;
    }
    Ok(())
}

pub(crate) async fn writing_after_closing_is_an_error(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        for stream in [&mut client, &mut server] {
            stream.shutdown().await?;
            let kind = stream.write(b"too late").await.map_err(|error| error.kind());
            ensure_eq(kind, Err(io::ErrorKind::BrokenPipe), "a write after closing")?;
        }
    }
    Ok(())
}

pub(crate) async fn closing_twice_sends_one_close_notify(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.shutdown().await?;
        let written = client.io().writing().written();
        client.shutdown().await.at("the second time")?;
        ensure_eq(client.io().writing().written(), written, "bytes on the wire")?;
        closes_then(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn the_end_stays_the_end(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.shutdown().await?;
        for _ in 0..3 {
            ensure_eq(server.read(&mut [0; 16]).await?, 0, "bytes after close_notify")?;
        }
    }
    Ok(())
}

/// Goes on if a read says that the data was cut off.
async fn is_cut(pair: &Pair, side: Side, stream: &mut Stream) -> Result<(), Stop> {
    match stream.read(&mut [0; 16]).await {
        Ok(count) => failed(format!("{side:?}: a cut must be an error, and {count} bytes were read")),
        Err(error) => {
            ensure_eq(error.kind(), io::ErrorKind::UnexpectedEof, "the kind of the I/O error")?;
            let error: Error = tls_error(&error)?;
            ensure_eq(error.kind(), &ErrorKind::UnexpectedEof, "the kind of the error")?;
            ensure_eq(error.phase(), Phase::Established, "the phase of the error")?;
            ensure_eq(error.backend(), Some(pair.backend(side).info().name), "the backend that it names")
        }
    }
}

pub(crate) async fn a_cut_between_records_is_an_error(pair: Pair) -> Result<(), Stop> {
    for (client, mut server) in established(&pair).await? {
        drop(client);
        is_cut(&pair, Side::Server, &mut server).await?;
    }
    for (mut client, server) in established(&pair).await? {
        drop(server);
        is_cut(&pair, Side::Client, &mut client).await?;
    }
    Ok(())
}

pub(crate) async fn a_cut_within_a_record_is_an_error(pair: Pair) -> Result<(), Stop> {
    for let_through in [1, 4, 5, 6, 20] {
        for (mut client, mut server) in established(&pair).await? {
            client.io().writing().cut_after(let_through);
            client.write_all(b"cut short").await?;
            client.flush().await?;
            is_cut(&pair, Side::Server, &mut server).await.at(let_through)?;
        }
        for (mut client, mut server) in established(&pair).await? {
            server.io().writing().cut_after(let_through);
            server.write_all(b"cut short").await?;
            server.flush().await?;
            is_cut(&pair, Side::Client, &mut client).await.at(let_through)?;
        }
    }
    Ok(())
}

pub(crate) async fn data_before_a_cut_is_delivered(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        client.write_all(b"whole").await?;
        client.flush().await?;
        drop(client);
        let mut read = [0; 5];
        server.read_exact(&mut read).await?;
        ensure_eq(&read, b"whole", "what came before the cut")?;
        is_cut(&pair, Side::Server, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn an_answer_is_read_though_the_request_cannot_be_finished(pair: Pair) -> Result<(), Stop> {
    for (mut client, mut server) in established(&pair).await? {
        server.write_all(b"enough of that").await?;
        server.shutdown().await?;
        drop(server);
        // The peer reads no more: writing fails, and what it said can be read all the same.
        while client.write_all(b"a long request").await.is_ok() && client.flush().await.is_ok() {}
        let mut read = String::new();
        client.read_to_string(&mut read).await?;
        ensure_eq(read.as_str(), "enough of that", "the answer")?;
    }
    Ok(())
}

pub(crate) async fn a_handshake_that_is_cut_is_an_error_on_both_sides(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (client, _server) = ends.connect().await?;
        let (there, back) = (client.info().handshake_bytes_sent, client.info().handshake_bytes_received);
        for offset in [0, 1, 5, 50, there / 2, there - 1] {
            let failures =
                ends.failure_over(crate::pipe::Wire::cut_at(offset), crate::pipe::Wire::default())?;
            let eof = *failures.server.kind() == ErrorKind::UnexpectedEof;
            ensure(eof, || format!("the server at {offset} of {there}: {:?}", failures.server))?;
        }
        for offset in [0, 1, 5, 50, back / 2] {
            let failures =
                ends.failure_over(crate::pipe::Wire::default(), crate::pipe::Wire::cut_at(offset))?;
            let eof = *failures.client.kind() == ErrorKind::UnexpectedEof;
            ensure(eof, || format!("the client at {offset} of {back}: {:?}", failures.client))?;
        }
    }
    Ok(())
}

pub(crate) async fn a_failed_handshake_gives_the_byte_stream_back(pair: Pair) -> Result<(), Stop> {
    let ends = Scene::new(&pair)?.ends()?;
    let (near, far) = crate::pipe::pipe(Default::default(), Default::default());
    let watched = far.reading();
    far.writing().end();
    let Err(error) = ends.connector.connect(&ends.name, near).await else {
        return failed("a handshake with nobody succeeded");
    };
    let (error, mut io) = error.into_parts();
    ensure_eq(error.kind(), &ErrorKind::UnexpectedEof, "the kind of the error")?;
    let sent = watched.written();
    io.write_all(b"still usable").await.at("the byte stream that was given back")?;
    ensure_eq(watched.written() - sent, 12, "bytes written by hand")
}
