//! `Bytes` in and out: the same bytes as through slices, in whatever order the two are used.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use polytls_api::{ErrorKind, HandshakeError, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pipe::{FuturesEnd, Pieces, Wire, pipe},
    random::Random,
    scene::{Scene, Stream, ensure_kind, exchange, tls_error},
};

/// Pieces of every length, none and more than a record among them.
const LENGTHS: [usize; 8] = [1, 0, 100, 16_384, 16_385, 3, 70_000, 1_000];

/// The bytes as one buffer of several pieces.
fn in_pieces(bytes: &[u8]) -> impl Buf + Send + use<> {
    let mut rest = Bytes::copy_from_slice(bytes);
    let pieces = LENGTHS.map(|length| rest.split_to(length.min(rest.len())));
    pieces.into_iter().chain([rest]).fold(Pieced::default(), Pieced::with)
}

/// A buffer of several pieces, as they come from an application that never joins them.
#[derive(Default)]
struct Pieced(VecDeque<Bytes>);

impl Pieced {
    fn with(mut self, piece: Bytes) -> Self {
        self.0.push_back(piece);
        self
    }
}

impl Buf for Pieced {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.iter().find(|piece| !piece.is_empty()).map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let pieces = self.0.iter().filter(|piece| !piece.is_empty());
        slices.iter_mut().zip(pieces).map(|(slice, piece)| *slice = std::io::IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(piece) = self.0.front_mut() {
            let here = count.min(piece.len());
            piece.advance(here);
            count -= here;
            if piece.is_empty() {
                self.0.pop_front();
            } else {
                return;
            }
        }
    }
}

async fn read_to_the_end(stream: &mut Stream) -> Result<Vec<u8>, Stop> {
    let mut read = Vec::new();
    while let Some(bytes) = stream.read_bytes().await.at("reading")? {
        ensure(!bytes.is_empty(), || "a read of no bytes is no end".into())?;
        read.extend_from_slice(&bytes);
    }
    ensure(stream.read_bytes().await?.is_none(), || "the end is not the end".into())?;
    Ok(read)
}

pub(crate) async fn pieces_go_in_and_come_out(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for wire in
            [Wire::default(), Wire::capacity(3_000), Wire::pieces(Pieces::Random(8)), Wire::spurious()]
        {
            let (mut client, mut server) = scene.ends()?.connect_over(wire.clone(), wire.clone()).await?;
            let bytes = Random::new(11).bytes(200_000);
            let mut buffer = in_pieces(&bytes);
            let writing = async {
                client.write_bytes(&mut buffer).await.at("writing")?;
                ensure_eq(buffer.remaining(), 0, "bytes that were not taken")?;
                client.shutdown().await.at("closing")
            };
            let (written, read) = tokio::join!(writing, read_to_the_end(&mut server));
            written?;
            ensure(read? == bytes, || format!("other bytes were read than written, over {wire:?}"))?;
        }
    }
    Ok(())
}

pub(crate) async fn what_was_read_stays_as_it_was(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        let mut kept = Vec::new();
        for round in 0..100_u8 {
            client.write_bytes(&mut Bytes::from(vec![round; 700])).await?;
            client.flush().await?;
            match server.read_bytes().await? {
                Some(bytes) => kept.push((round, bytes)),
                None => return failed("the end came while the peer is there"),
            }
        }
        let changed = kept.iter().find(|(round, bytes)| **bytes != *vec![*round; 700]);
        ensure(changed.is_none(), || format!("bytes that were read have changed: {changed:?}"))?;
    }
    Ok(())
}

pub(crate) async fn bytes_and_slices_take_turns(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        let bytes = Random::new(12).bytes(5_000);
        for chunk in bytes.chunks(500) {
            client.write_all(&chunk[..200]).await?;
            client.write_bytes(&mut &chunk[200..]).await?;
        }
        client.shutdown().await?;
        let mut read = Vec::new();
        loop {
            // A slice that takes part of a record, and whatever comes next.
            let mut part = [0; 33];
            let count = server.read(&mut part).await?;
            read.extend_from_slice(&part[..count]);
            match server.read_bytes().await? {
                Some(bytes) => read.extend_from_slice(&bytes),
                None => break,
            }
        }
        ensure(read == bytes, || "other bytes were read than written".into())?;
    }
    Ok(())
}

pub(crate) async fn futures_traits_have_bytes_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, far) = pipe(Wire::capacity(3_000), Wire::default());
        let client = async {
            let stream = ends.connector.connect_futures(&ends.name, FuturesEnd(near)).await;
            stream.map_err(HandshakeError::into_error)
        };
        let server = async {
            let stream = ends.acceptor.accept_futures(FuturesEnd(far)).await;
            stream.map_err(HandshakeError::into_error)
        };
        let (client, server) = tokio::try_join!(client, server)?;
        futures_way(client, server, &Random::new(13).bytes(100_000)).await?;
    }
    Ok(())
}

async fn futures_way(
    mut from: TlsStream<FuturesEnd>,
    mut to: TlsStream<FuturesEnd>,
    bytes: &[u8],
) -> Result<(), Stop> {
    let mut buffer = in_pieces(bytes);
    let writing = async {
        from.write_bytes_futures(&mut buffer).await?;
        futures_util::AsyncWriteExt::close(&mut from).await
    };
    let reading = async {
        let mut read = Vec::new();
        while let Some(bytes) = to.read_bytes_futures().await? {
            read.extend_from_slice(&bytes);
        }
        Ok::<_, std::io::Error>(read)
    };
    let (written, read) = tokio::join!(writing, reading);
    written.at("writing")?;
    ensure(read.at("reading")? == bytes, || "other bytes were read than written".into())
}

pub(crate) async fn a_cut_is_an_error_here_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (mut client, mut server) = scene.ends()?.connect().await?;
        exchange(&mut client, &mut server).await?;
        client.write_bytes(&mut &b"before the cut"[..]).await?;
        client.flush().await?;
        drop(client);
        let read = server.read_bytes().await?;
        ensure_eq(read.as_deref(), Some(b"before the cut".as_slice()), "what came before the cut")?;
        match server.read_bytes().await {
            Ok(read) => return failed(format!("a cut is no end, and {read:?} was read")),
            Err(error) => {
                let eof = |kind: &ErrorKind| *kind == ErrorKind::UnexpectedEof;
                ensure_kind("server", &tls_error(&error)?, eof, "UnexpectedEof")?;
            }
        }
    }
    Ok(())
}
