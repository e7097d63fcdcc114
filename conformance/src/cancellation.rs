//! Cancellation at every await point: nothing is lost, nothing is doubled, and nobody is left waiting.

use std::io::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pipe::{Pieces, Wire, pipe},
    quiet::cancelled_after,
    random::Random,
    scene::{Ends, Scene, Stream, both_to_the_end},
};

/// Small enough that every operation has to wait.
fn narrow() -> Wire {
    Wire { capacity: 97, pieces: Pieces::UpTo(61), ..Wire::default() }
}

/// What is cancelled again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    Writes,
    Flushes,
    Reads,
    Everything,
}

impl Cancelled {
    /// How often the operation may be pending before it is dropped, in this round.
    fn budget(self, operation: Self, round: usize) -> usize {
        if self == operation || self == Self::Everything { 1 + round % 3 } else { usize::MAX }
    }
}

/// Runs an operation until it succeeds, dropping it again and again.
async fn insist<T>(
    what: Cancelled,
    kind: Cancelled,
    mut operation: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut round = 0;
    loop {
        if let Some(done) = cancelled_after(what.budget(kind, round), operation()).await {
            return done;
        }
        round += 1;
        tokio::task::yield_now().await;
    }
}

async fn write(stream: &mut Stream, bytes: &[u8], what: Cancelled) -> Result<(), Error> {
    let mut written = 0;
    while written < bytes.len() {
        let end = bytes.len().min(written + 1_500);
        let piece = &bytes[written..end];
        written += insist(what, Cancelled::Writes, async || stream.write(piece).await).await?;
        if written % 2 == 0 {
            insist(what, Cancelled::Flushes, async || stream.flush().await).await?;
        }
    }
    insist(what, Cancelled::Flushes, async || stream.flush().await).await?;
    insist(what, Cancelled::Writes, async || stream.shutdown().await).await
}

async fn read(stream: &mut Stream, what: Cancelled) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 700];
    loop {
        match insist(what, Cancelled::Reads, async || stream.read(&mut buffer).await).await? {
            0 => return Ok(bytes),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

async fn survives(pair: &Pair, what: Cancelled) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let (mut client, mut server) = scene.ends()?.connect_over(narrow(), narrow()).await?;
        let bytes = Random::new(8).bytes(20_000);
        for to_server in [true, false] {
            let (from, to) = if to_server { (&mut client, &mut server) } else { (&mut server, &mut client) };
            let (written, read) = tokio::join!(write(from, &bytes, what), read(to, what));
            written.at("writing")?;
            let read = read.at("reading")?;
            ensure_eq(read.len(), bytes.len(), "bytes read")?;
            ensure(read == bytes, || "other bytes were read than written".into())?;
        }
    }
    Ok(())
}

pub(crate) async fn a_cancelled_write_doubles_nothing(pair: Pair) -> Result<(), Stop> {
    survives(&pair, Cancelled::Writes).await
}

pub(crate) async fn a_cancelled_flush_loses_nothing(pair: Pair) -> Result<(), Stop> {
    survives(&pair, Cancelled::Flushes).await
}

pub(crate) async fn a_cancelled_read_loses_nothing(pair: Pair) -> Result<(), Stop> {
    survives(&pair, Cancelled::Reads).await
}

pub(crate) async fn everything_cancelled_again_and_again_still_arrives(pair: Pair) -> Result<(), Stop> {
    survives(&pair, Cancelled::Everything).await
}

pub(crate) async fn a_client_cancelled_at_any_await_ends_the_server(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        cancelled_at_each_await(|budget| {
            let (near, far, directions) = wires();
            let (client, server) = both_to_the_end(
                &directions,
                cancelled_after(budget, ends.connector.connect(&ends.name, near)),
                to_its_end(&ends, far),
            )?;
            ended(client.map(|connected| connected.is_ok()), server)
        })?;
    }
    Ok(())
}

pub(crate) async fn a_server_cancelled_at_any_await_ends_the_client(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        cancelled_at_each_await(|budget| {
            let (near, far, directions) = wires();
            let client = async {
                match ends.connector.connect(&ends.name, near).await {
                    Err(_) => true,
                    Ok(mut stream) => stream.read(&mut [0; 1]).await.is_err(),
                }
            };
            let (client, server) =
                both_to_the_end(&directions, client, cancelled_after(budget, ends.acceptor.accept(far)))?;
            ended(server.map(|accepted| accepted.is_ok()), client)
        })?;
    }
    Ok(())
}

fn wires() -> (crate::pipe::PipeEnd, crate::pipe::PipeEnd, [crate::pipe::Direction; 2]) {
    let (near, far) = pipe(narrow(), narrow());
    let directions = [near.reading(), near.writing()];
    (near, far, directions)
}

/// Whether the server saw the end, in the handshake or after it.
async fn to_its_end(ends: &Ends, far: crate::pipe::PipeEnd) -> bool {
    match ends.acceptor.accept(far).await {
        Err(_) => true,
        Ok(mut stream) => stream.read(&mut [0; 1]).await.is_err(),
    }
}

/// Whether the handshake was no longer cancelled; fails if the peer took the cut for an end.
fn ended(completed: Option<bool>, peer_saw_error: bool) -> Result<bool, Stop> {
    match completed {
        Some(false) => failed("the handshake failed instead of being cancelled"),
        Some(true) => Ok(true),
        None => ensure(peer_saw_error, || "the peer saw no error".into()).map(|()| false),
    }
}

/// Runs with a budget of one await, then two, until the handshake gets through.
fn cancelled_at_each_await(attempt: impl Fn(usize) -> Result<bool, Stop>) -> Result<(), Stop> {
    for budget in 1..10_000 {
        if attempt(budget).at(format!("cancelled at await {budget}"))? {
            return ensure(budget > 3, || format!("only {budget} awaits: nothing was tried"));
        }
    }
    failed("the handshake never ends")
}
