//! Application data: every byte, once, in order, whatever the byte stream underneath does.

use std::io::IoSlice;

use polytls_api::{HandshakeError, TlsStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    pipe::{FuturesEnd, Pieces, Wire, pipe},
    quiet::cancelled_after,
    random::Random,
    scene::{Ends, Scene, Stream, exchange, pass},
};

const RECORD: usize = 16 * 1024;

/// In each version, so many bytes from the client to the server and as many back, over such wires.
async fn carries(pair: &Pair, wire: impl Fn() -> Wire, size: usize) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let (mut client, mut server) = scene.ends()?.connect_over(wire(), wire()).await?;
        let bytes = Random::new(size as u64).bytes(size);
        one_way(&mut client, &mut server, &bytes).await.at("client to server")?;
        one_way(&mut server, &mut client, &bytes).await.at("server to client")?;
    }
    Ok(())
}

/// Writes and closes at one end, and reads to the end at the other.
async fn one_way(
    from: &mut (impl AsyncWrite + Unpin),
    to: &mut (impl AsyncRead + Unpin),
    bytes: &[u8],
) -> Result<(), Stop> {
    let writing = async {
        from.write_all(bytes).await.at("writing")?;
        from.shutdown().await.at("closing")
    };
    let reading = async {
        let mut read = Vec::new();
        // No more than one byte too many is asked for: a stream that repeats itself would never end.
        to.take(bytes.len() as u64 + 1).read_to_end(&mut read).await.at("reading")?;
        Ok::<_, Stop>(read)
    };
    let (written, read) = tokio::join!(writing, reading);
    written?;
    let read = read?;
    ensure_eq(read.len(), bytes.len(), "bytes read")?;
    ensure(read == bytes, || "other bytes were read than written".into())
}

pub(crate) async fn nothing_at_all(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::default, 0).await
}

pub(crate) async fn one_byte(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::default, 1).await
}

pub(crate) async fn a_full_record(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::default, RECORD).await
}

pub(crate) async fn one_byte_more_than_a_record(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::default, RECORD + 1).await
}

pub(crate) async fn seventeen_megabytes(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::default, 17 << 20).await
}

pub(crate) async fn one_byte_at_a_time(pair: Pair) -> Result<(), Stop> {
    carries(&pair, || Wire::pieces(Pieces::UpTo(1)), 20_000).await
}

pub(crate) async fn random_fragments(pair: Pair) -> Result<(), Stop> {
    for seed in 0..8 {
        carries(&pair, || Wire::pieces(Pieces::Random(seed)), 50_000).await.at(format!("seed {seed}"))?;
    }
    Ok(())
}

pub(crate) async fn wake_ups_for_nothing(pair: Pair) -> Result<(), Stop> {
    carries(&pair, Wire::spurious, 100_000).await
}

pub(crate) async fn a_pipe_that_holds_one_byte(pair: Pair) -> Result<(), Stop> {
    carries(&pair, || Wire::capacity(1), 5_000).await
}

pub(crate) async fn both_directions_at_once_on_two_tasks(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server) =
            scene.ends()?.connect_over(Wire::capacity(5_000), Wire::capacity(5_000)).await?;
        let bytes = Random::new(1).bytes(300_000);
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        tokio::try_join!(
            tokio::spawn(write_all(client_write, bytes.clone())),
            tokio::spawn(write_all(server_write, bytes.clone())),
            tokio::spawn(read_all(client_read, bytes.clone())),
            tokio::spawn(read_all(server_read, bytes)),
        )
        .map(|_| ())?;
    }
    Ok(())
}

async fn write_all(mut to: impl AsyncWrite + Unpin, bytes: Vec<u8>) {
    to.write_all(&bytes).await.expect("writing goes on");
    to.shutdown().await.expect("closing succeeds");
}

async fn read_all(mut from: impl AsyncRead + Unpin, expected: Vec<u8>) {
    let mut read = Vec::new();
    from.read_to_end(&mut read).await.expect("reading goes on");
    assert!(read == expected, "{} bytes were read of {}, or others", read.len(), expected.len());
}

pub(crate) async fn both_directions_at_once_through_tokios_split(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server) =
            scene.ends()?.connect_over(Wire::capacity(3_000), Wire::capacity(3_000)).await?;
        let bytes = Random::new(2).bytes(200_000);
        let (mut client_read, mut client_write) = tokio::io::split(client);
        let (mut server_read, mut server_write) = tokio::io::split(server);
        let there = one_way(&mut client_write, &mut server_read, &bytes);
        let back = one_way(&mut server_write, &mut client_read, &bytes);
        let (there, back) = tokio::join!(there, back);
        there.and(back)?;
    }
    Ok(())
}

pub(crate) async fn halves_become_a_stream_again(pair: Pair) -> Result<(), Stop> {
    let (client, mut server) = Scene::new(&pair)?.ends()?.connect().await?;
    let (read, write) = client.into_split();
    let Ok(mut client) = read.unsplit(write) else {
        return crate::behaviour::failed("two halves of one stream do not fit together");
    };
    exchange(&mut client, &mut server).await
}

pub(crate) async fn vectored_writes(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        let bytes = Random::new(3).bytes(40_000);
        // Empty slices, short ones, and one that is longer than a record.
        let cuts = [0, 0, 1, 10, 10, 1_000, 20_000, 39_999, 40_000, 40_000];
        let mut written = 0;
        while written < bytes.len() {
            let slices: Vec<_> = cuts
                .windows(2)
                .map(|cut| IoSlice::new(&bytes[cut[0].max(written)..cut[1].max(written)]))
                .collect();
            let count = client.write_vectored(&slices).await?;
            ensure(count > 0, || "a write of some bytes took none".into())?;
            written += count;
        }
        client.flush().await?;
        let mut read = vec![0; bytes.len()];
        server.read_exact(&mut read).await?;
        ensure(read == bytes, || "other bytes were read than written".into())?;
    }
    Ok(())
}

pub(crate) async fn an_empty_write_sends_nothing(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = Scene::new(&pair)?.ends()?.connect().await?;
    exchange(&mut client, &mut server).await?;
    let before = client.io().writing().written();
    ensure_eq(client.write(b"").await?, 0, "bytes taken of none")?;
    client.flush().await?;
    ensure_eq(client.io().writing().written(), before, "bytes on the wire")?;
    ensure_eq(client.read(&mut []).await?, 0, "bytes read into no room")?;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn many_small_writes_and_reads(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        for round in 0..=255_u8 {
            pass(&mut client, &mut server, &[round]).await?;
            pass(&mut server, &mut client, &[round, round]).await?;
        }
        let bytes = Random::new(4).bytes(3_000);
        client.write_all(&bytes).await?;
        client.flush().await?;
        for byte in bytes {
            ensure_eq(server.read_u8().await?, byte, "a byte of a record that is read byte by byte")?;
        }
    }
    Ok(())
}

pub(crate) async fn back_pressure_reaches_the_writer(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) =
            scene.ends()?.connect_over(Wire::capacity(4_000), Wire::capacity(4_000)).await?;
        let bytes = Random::new(5).bytes(2 << 20);
        let mut taken = 0;
        // Nobody reads: the writer must come to wait, having taken no more than some buffers hold.
        while let Some(count) = cancelled_after(1, client.write(&bytes[taken..])).await {
            taken += count?;
            ensure(taken <= 256 * 1024, || format!("{taken} bytes were taken while nobody reads"))?;
        }
        let rest = async {
            client.write_all(&bytes[taken..]).await?;
            client.shutdown().await
        };
        let mut read = Vec::new();
        let (written, count) = tokio::join!(rest, server.read_to_end(&mut read));
        written.at("writing")?;
        ensure_eq(count.at("reading")?, bytes.len(), "bytes read")?;
        ensure(read == bytes, || "other bytes were read than written".into())?;
    }
    Ok(())
}

pub(crate) async fn data_may_follow_the_handshake_at_once(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, far) = pipe(Wire::default(), Wire::default());
        let client = async {
            let mut stream = ends.connector.connect(&ends.name, near).await.map_err(Stop::from)?;
            write_then_read(&mut stream, b"at once from the client", b"at once from the server").await
        };
        let server = async {
            let mut stream = ends.acceptor.accept(far).await.map_err(Stop::from)?;
            write_then_read(&mut stream, b"at once from the server", b"at once from the client").await
        };
        let (client, server) = tokio::join!(client, server);
        client.at("client").and(server.at("server"))?;
    }
    Ok(())
}

async fn write_then_read(stream: &mut Stream, write: &[u8], read: &[u8]) -> Result<(), Stop> {
    stream.write_all(write).await?;
    stream.flush().await?;
    let mut found = vec![0; read.len()];
    stream.read_exact(&mut found).await?;
    ensure_eq(found.as_slice(), read, "what was read")
}

pub(crate) async fn futures_streams_carry_it_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, far) = pipe(Wire::default(), Wire::default());
        let (client, server) = tokio::join!(
            ends.connector.connect_futures(&ends.name, FuturesEnd(near)),
            ends.acceptor.accept_futures(FuturesEnd(far)),
        );
        let (client, server) = (client.map_err(Stop::from)?, server.map_err(Stop::from)?);
        let bytes = Random::new(6).bytes(100_000);
        futures_way(client, server, &bytes).await?;
    }
    Ok(())
}

async fn futures_way(
    mut from: TlsStream<FuturesEnd>,
    mut to: TlsStream<FuturesEnd>,
    bytes: &[u8],
) -> Result<(), Stop> {
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};
    let writing = async {
        AsyncWriteExt::write_all(&mut from, bytes).await?;
        AsyncWriteExt::close(&mut from).await
    };
    let mut read = Vec::new();
    let (written, count) = tokio::join!(writing, AsyncReadExt::read_to_end(&mut to, &mut read));
    written.at("writing")?;
    ensure_eq(count.at("reading")?, bytes.len(), "bytes read")?;
    ensure(read == bytes, || "other bytes were read than written".into())
}

pub(crate) async fn sockets_carry_it_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let Ends { connector, acceptor, name } = scene.ends()?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let near = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
        let (far, _) = listener.accept().await?;
        let client = async { connector.connect(&name, near).await.map_err(HandshakeError::into_error) };
        let server = async { acceptor.accept(far).await.map_err(HandshakeError::into_error) };
        let (mut client, mut server) = tokio::try_join!(client, server)?;
        let bytes = Random::new(7).bytes(1 << 20);
        one_way(&mut client, &mut server, &bytes).await.at("client to server")?;
        one_way(&mut server, &mut client, &bytes).await.at("server to client")?;
    }
    Ok(())
}
