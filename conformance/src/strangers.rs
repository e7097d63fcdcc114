//! Peers that do not speak TLS, or stop speaking: an error that says so, and soon.

use std::future::Future;

use polytls_api::{Error, ErrorKind, HandshakeError};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    pipe::{PipeEnd, Wire, pipe},
    quiet::{Quiet, Rest},
    random::Random,
    scene::{Ends, Scene, Stream, ensure_kind},
};

/// The error of a handshake with a peer that said these bytes, and keeps its end open.
///
/// `None` where the handshake waits for more.
fn error_after(ends: &Ends, side: Side, bytes: &[u8], then_end: bool) -> Result<Option<Error>, Stop> {
    let (engine, hand) = pipe(Wire::default(), Wire::default());
    hand.writing().inject(bytes);
    if then_end {
        hand.writing().end();
    }
    match side {
        Side::Client => outcome(ends.connector.connect(&ends.name, engine)),
        Side::Server => outcome(ends.acceptor.accept(engine)),
    }
}

fn outcome(
    handshake: impl Future<Output = Result<Stream, HandshakeError<PipeEnd>>>,
) -> Result<Option<Error>, Stop> {
    let mut found = None;
    let mut tasks = Quiet::new();
    tasks.add(async { found = Some(handshake.await.map_err(HandshakeError::into_error)) });
    let rest = tasks.run();
    drop(tasks);
    match (rest, found) {
        (_, Some(Ok(_))) => failed("a handshake with a stranger succeeded"),
        (_, Some(Err(error))) => Ok(Some(error)),
        (Rest::Spinning, None) => failed("the handshake spins"),
        (_, None) => Ok(None),
    }
}

fn is_no_tls(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidMessage | ErrorKind::PeerMisbehaved)
}

async fn refused_at_once(pair: &Pair, side: Side, said: &[&[u8]]) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let ends = scene.ends()?;
        for bytes in said {
            let text = String::from_utf8_lossy(bytes);
            let Some(error) = error_after(&ends, side, bytes, false)? else {
                return failed(format!("the {side:?} waits for more after {text:?}"));
            };
            ensure_kind(&format!("{side:?}"), &error, is_no_tls, "InvalidMessage").at(text)?;
            ensure_eq(error.backend(), Some(pair.backend(side).info().name), "the backend that it names")?;
        }
    }
    Ok(())
}

pub(crate) async fn plaintext_http_at_a_server(pair: Pair) -> Result<(), Stop> {
    let requests: [&[u8]; 3] = [
        b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n",
        b"POST /x HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ];
    refused_at_once(&pair, Side::Server, &requests).await
}

pub(crate) async fn a_plaintext_answer_at_a_client(pair: Pair) -> Result<(), Stop> {
    let answers: [&[u8]; 3] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.example ESMTP ready\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
    ];
    refused_at_once(&pair, Side::Client, &answers).await
}

async fn garbage(pair: &Pair, side: Side) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let ends = scene.ends()?;
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let length = 1 + random.below(2_000);
            let mut bytes = random.bytes(length);
            if seed % 2 == 0 {
                // As far as the header it is a handshake record; the rest is still garbage.
                let header = [22, 3, 3, 0, 200];
                bytes.iter_mut().zip(header).for_each(|(byte, header)| *byte = header);
            }
            let error = error_after(&ends, side, &bytes, true).at(format!("seed {seed}"))?;
            ensure(error.is_some(), || format!("seed {seed}: the {side:?} waits after the end"))?;
        }
    }
    Ok(())
}

pub(crate) async fn garbage_at_a_server(pair: Pair) -> Result<(), Stop> {
    garbage(&pair, Side::Server).await
}

pub(crate) async fn garbage_at_a_client(pair: Pair) -> Result<(), Stop> {
    garbage(&pair, Side::Client).await
}

pub(crate) async fn silence_is_waited_for_without_spinning(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let error = error_after(&ends, side, b"", false)?;
            ensure(error.is_none(), || format!("the {side:?} gave up on a silent peer: {error:?}"))?;
        }
    }
    Ok(())
}

pub(crate) async fn an_endless_handshake_message_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        // A handshake message that claims 16 MiB, in full records.
        let mut flood = Vec::new();
        for record in 0..64 {
            flood.extend([22, 3, 3, 0x40, 0]);
            let start = flood.len();
            flood.resize(start + 0x4000, 0);
            if record == 0 {
                flood[start..start + 4].copy_from_slice(&[1, 0xff, 0xff, 0xff]);
            }
        }
        for side in [Side::Client, Side::Server] {
            let Some(error) = error_after(&ends, side, &flood, false)? else {
                return failed(format!("the {side:?} takes a megabyte for a hello and wants more"));
            };
            let refused = |kind: &ErrorKind| is_no_tls(kind) || *kind == ErrorKind::LimitExceeded;
            ensure_kind(&format!("{side:?}"), &error, refused, "LimitExceeded")?;
        }
    }
    Ok(())
}

pub(crate) async fn a_byte_stream_that_fails_is_an_io_error(pair: Pair) -> Result<(), Stop> {
    let broken = |kind: &ErrorKind| *kind == ErrorKind::Io(std::io::ErrorKind::BrokenPipe);
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for offset in [0, 1, 60] {
            let failures = ends.failure_over(Wire::fails_at(offset), Wire::default())?;
            ensure_kind("client", &failures.client, broken, "Io(BrokenPipe)").at(offset)?;
            let failures = ends.failure_over(Wire::default(), Wire::fails_at(offset))?;
            ensure_kind("server", &failures.server, broken, "Io(BrokenPipe)").at(offset)?;
        }
    }
    Ok(())
}

pub(crate) async fn an_alert_instead_of_a_hello_is_reported(pair: Pair) -> Result<(), Stop> {
    // A fatal alert in plaintext: handshake_failure.
    let alert = [21, 3, 3, 0, 2, 2, 40];
    let ends = Scene::new(&pair)?.ends()?;
    for side in [Side::Client, Side::Server] {
        let error = error_after(&ends, side, &alert, false)?;
        let told = error.as_ref().and_then(Error::alert_received).map(|alert| alert.code());
        let misplaced = error.as_ref().is_some_and(|error| is_no_tls(error.kind()));
        // A server that has seen no hello may as well say that an alert has no place there.
        ensure(told == Some(40) || (side == Side::Server && misplaced), || format!("{side:?}: {error:?}"))?;
    }
    Ok(())
}
