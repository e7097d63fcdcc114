//! A stream in halves: both directions at once on two threads, and what the halves have to tell each other.

use std::{future::Future, io, thread};

use polytls_api::{
    AlertDescription, ConfigOption, ErrorKind, HandshakeError, OwnedReadHalf, OwnedWriteHalf,
    ProtocolVersion, Split,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    certificates::ensure_told,
    pair::Side,
    pipe::{Change, Mutation},
    random::Random,
    scene::{Ends, Scene, Stream, as_config_error, ensure_kind, exchange, tls_error},
};

/// How much each direction carries.
const SIZE: usize = 16 << 20;

/// The piece of one write, and how many of them there are between two updates of keys.
const PIECE: usize = 64 * 1024;
const PIECES_PER_KEY: usize = 5;

/// Runs it on a runtime of two threads.
fn on_threads<F>(future: F) -> Result<(), Stop>
where
    F: Future<Output = Result<(), Stop>> + Send + 'static,
{
    let run = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(future)
    };
    match thread::spawn(run).join() {
        Ok(outcome) => outcome,
        Err(_) => failed("a task panicked"),
    }
}

/// Each side writes so much and reads as much, each half as a task of its own.
async fn both_ways(ends: Ends, renewing: bool) -> Result<(), Stop> {
    let Ends { connector, acceptor, name } = ends;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    let (far, _) = listener.accept().await?;
    let client = async { connector.connect(&name, near).await.map_err(HandshakeError::into_error) };
    let server = async { acceptor.accept(far).await.map_err(HandshakeError::into_error) };
    let (client, server) = tokio::try_join!(client, server)?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let tasks = [
        tokio::spawn(write(client_write, renewing)),
        tokio::spawn(write(server_write, renewing)),
        tokio::spawn(read(client_read)),
        tokio::spawn(read(server_read)),
    ];
    for (task, what) in
        tasks.into_iter().zip(["client writes", "server writes", "client reads", "server reads"])
    {
        match task.await {
            Ok(outcome) => outcome.at(what)?,
            Err(_) => return failed(format!("{what}: a panic")),
        }
    }
    Ok(())
}

async fn write<IO: Split>(mut half: OwnedWriteHalf<IO>, renewing: bool) -> Result<(), Stop> {
    let bytes = Random::new(21).bytes(SIZE);
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        if renewing && number % PIECES_PER_KEY == 0 {
            half.update_keys(number % 2 == 0)?;
        }
        half.write_all(piece).await?;
    }
    half.shutdown().await?;
    Ok(())
}

async fn read<IO: Split>(mut half: OwnedReadHalf<IO>) -> Result<(), Stop> {
    let mut read = Vec::with_capacity(SIZE);
    half.read_to_end(&mut read).await?;
    ensure_eq(read.len(), SIZE, "bytes read")?;
    ensure(read == Random::new(21).bytes(SIZE), || "other bytes were read than written".into())
}

pub(crate) async fn both_directions_flow_at_once_on_threads(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        on_threads(both_ways(scene.ends()?, false)).at(scene.versions[0])?;
    }
    Ok(())
}

pub(crate) async fn keys_are_renewed_while_both_directions_flow(pair: Pair) -> Result<(), Stop> {
    let ends = Scene::in_version(&pair, ProtocolVersion::Tls13)?.ends()?;
    // Whether they can at all, before four tasks depend on it.
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await?;
    for (side, stream) in [(Side::Client, client), (Side::Server, server)] {
        let (_read, mut write) = stream.into_split();
        let updated = as_config_error(write.update_keys(true))?;
        pair.expect_supported_or_refused(side, &[ConfigOption::KeyUpdate], updated)?;
    }
    on_threads(both_ways(ends, true))
}

/// A connection on which everything from the handshake has been read: this side's stream, and its peer's.
async fn established(ends: &Ends, side: Side) -> Result<(Stream, Stream), Stop> {
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await?;
    Ok(match side {
        Side::Client => (client, server),
        Side::Server => (server, client),
    })
}

/// Has a byte of the peer's next record changed on the way.
async fn send_corrupt(peer: &mut Stream) -> Result<(), Stop> {
    peer.io().writing().mutate(Mutation { offset: 20, change: Change::Flip });
    peer.write_all(b"what is changed on the way").await?;
    peer.flush().await?;
    Ok(())
}

/// Goes on if this is the failure of a connection on which a record was corrupt.
fn ensure_bad_record(what: &str, outcome: io::Result<impl Sized>) -> Result<(), Stop> {
    match outcome {
        Ok(_) => failed(format!("{what} a connection that has failed")),
        Err(error) => {
            let error = tls_error(&error)?;
            ensure_kind(what, &error, |kind| *kind == ErrorKind::BadRecord, "BadRecord")
        }
    }
}

/// Reads until it is told of a failure.
async fn ensure_peer_is_told(pair: &Pair, by: Side, peer: &mut Stream) -> Result<(), Stop> {
    let error = loop {
        match peer.read(&mut [0; PIECE]).await {
            Ok(0) => return failed("the peer sees a clean end"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let told = tls_error(&error)?.alert_received();
    ensure_told(pair, by, told, AlertDescription::BAD_RECORD_MAC)
}

pub(crate) async fn a_reading_half_tells_of_a_corrupt_record(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let (stream, mut peer) = established(&ends, side).await?;
            let (mut read, mut write) = stream.into_split();
            send_corrupt(&mut peer).await?;
            ensure_bad_record("reads from", read.read(&mut [0; 64]).await)?;
            ensure_peer_is_told(&pair, side, &mut peer).await?;
            let written = write.write_all(&[0; 64]).await;
            ensure_bad_record("writes to", written)?;
            ensure_bad_record("reads once more from", read.read(&mut [0; 64]).await)?;
        }
    }
    Ok(())
}

pub(crate) async fn a_corrupt_record_is_told_while_the_other_half_writes(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for side in [Side::Client, Side::Server] {
            let (ends, pair) = (scene.ends()?, pair.clone());
            on_threads(async move {
                let (stream, mut peer) = established(&ends, side).await?;
                let (mut read, mut write) = stream.into_split();
                let writing = tokio::spawn(async move {
                    let bytes = vec![7; PIECE];
                    let outcome = loop {
                        if let Err(error) = write.write_all(&bytes).await {
                            break Err::<(), _>(error);
                        }
                    };
                    // Whatever was sealed before goes out, and the alert behind it.
                    let _ = write.flush().await;
                    (outcome, write)
                });
                let reading = tokio::spawn(async move { (read.read(&mut [0; 64]).await, read) });
                send_corrupt(&mut peer).await?;
                ensure_peer_is_told(&pair, side, &mut peer).await?;
                let (Ok((written, _write)), Ok((read, _read))) = tokio::join!(writing, reading) else {
                    return failed("a task panicked");
                };
                ensure_bad_record("writes to", written)?;
                ensure_bad_record("reads from", read)
            })
            .at(scene.versions[0])?;
        }
    }
    Ok(())
}

pub(crate) async fn a_half_goes_on_when_the_other_is_dropped(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let (stream, mut peer) = established(&ends, side).await?;
            let (mut read, write) = stream.into_split();
            let before = peer.io().reading().written();
            drop(write);
            peer.write_all(b"to the reading half").await?;
            peer.flush().await?;
            let mut bytes = [0; 19];
            read.read_exact(&mut bytes).await.at("reading alone")?;
            ensure_eq(&bytes[..], b"to the reading half", "what was read")?;
            ensure_eq(peer.io().reading().written(), before, "bytes sent by who only reads")?;

            let (stream, mut peer) = established(&ends, side).await?;
            let (read, mut write) = stream.into_split();
            drop(read);
            write.write_all(b"from the writing half").await.at("writing alone")?;
            write.shutdown().await.at("closing alone")?;
            let mut text = String::new();
            peer.read_to_string(&mut text).await.at("reading of who only writes")?;
            ensure_eq(text.as_str(), "from the writing half", "what was read")?;
        }
    }
    Ok(())
}

pub(crate) async fn halves_that_have_carried_data_become_a_stream_again(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let (stream, mut peer) = established(&ends, side).await?;
            let (mut read, mut write) = stream.into_split();
            peer.write_all(b"half a record, and the other half").await?;
            peer.flush().await?;
            let mut first = [0; 13];
            read.read_exact(&mut first).await?;
            write.write_all(b"written by a half").await?;
            let Ok(mut stream) = read.unsplit(write) else {
                return failed("two halves of one stream do not fit together");
            };
            let mut rest = [0; 20];
            stream.read_exact(&mut rest).await?;
            ensure_eq(
                [&first[..], &rest].concat().as_slice(),
                b"half a record, and the other half",
                "the record",
            )?;
            stream.flush().await?;
            let mut written = [0; 17];
            peer.read_exact(&mut written).await?;
            ensure_eq(&written[..], b"written by a half", "what was written before")?;
            exchange(&mut stream, &mut peer).await.at("whole again")?;
        }
    }
    Ok(())
}
