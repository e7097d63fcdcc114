//! Time: a handshake ends within its limit. The clock is tokio's, paused, so that no test waits.

use std::{future::Future, time::Duration};

use polytls_api::{ClientConfig, Error, ErrorKind, HandshakeError, ServerConfig, TlsAcceptor, TlsConnector};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    pipe::{FuturesEnd, PipeEnd, Wire, pipe},
    scene::{Ends, Scene, Stream, exchange},
};

const LIMIT: Duration = Duration::from_secs(7);

fn limited(pair: &Pair) -> Result<Ends, Stop> {
    let scene = Scene::new(pair)?;
    let connector = scene.connector(&[], |client| client.handshake_time_limit(LIMIT))?;
    Ok(Ends::new(connector, scene.acceptor(&[], |server| server.handshake_time_limit(LIMIT))?))
}

/// Goes on if the handshake ends at the limit, neither sooner nor later.
async fn ends_at(
    pair: &Pair,
    side: Side,
    limit: Duration,
    handshake: impl Future<Output = Result<Stream, HandshakeError<PipeEnd>>>,
) -> Result<(), Stop> {
    let started = Instant::now();
    let Err(error) = handshake.await else { return failed("a handshake with nobody succeeded") };
    let took = started.elapsed();
    let error: Error = error.into_error();
    ensure_eq(error.kind(), &ErrorKind::TimedOut, "the kind of the error")?;
    ensure_eq(error.backend(), Some(pair.backend(side).info().name), "the backend that it names")?;
    ensure(took >= limit && took < limit + Duration::from_millis(100), || format!("it ended after {took:?}"))
}

pub(crate) async fn a_silent_server_is_left_at_the_time_limit(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let ends = limited(&pair)?;
    let (near, _far) = pipe(Wire::default(), Wire::default());
    ends_at(&pair, Side::Client, LIMIT, ends.connector.connect(&ends.name, near)).await
}

pub(crate) async fn a_silent_client_is_left_at_the_time_limit(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let ends = limited(&pair)?;
    let (_near, far) = pipe(Wire::default(), Wire::default());
    ends_at(&pair, Side::Server, LIMIT, ends.acceptor.accept(far)).await
}

pub(crate) async fn a_peer_that_drips_gains_no_time(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let ends = limited(&pair)?;
    let (near, mut far) = pipe(Wire::default(), Wire::default());
    let handshake = ends_at(&pair, Side::Client, LIMIT, ends.connector.connect(&ends.name, near));
    tokio::select! {
        ended = handshake => ended.at("client"),
        () = drip(&mut far) => failed("the client listens for ever"),
    }?;
    let (mut near, far) = pipe(Wire::default(), Wire::default());
    let handshake = ends_at(&pair, Side::Server, LIMIT, ends.acceptor.accept(far));
    tokio::select! {
        ended = handshake => ended.at("server"),
        () = drip(&mut near) => failed("the server listens for ever"),
    }
}

/// A handshake record, one byte a second.
async fn drip(peer: &mut PipeEnd) {
    for byte in [22, 3, 3, 2, 0, 1, 0, 1, 252, 3, 3].into_iter().chain([0; 100]) {
        sleep(Duration::from_secs(1)).await;
        if peer.write_all(&[byte]).await.is_err() {
            return;
        }
    }
}

pub(crate) async fn ten_seconds_are_the_limit_unless_set(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let scene = Scene::new(&pair)?;
    let versions = scene.versions.clone();
    let limit = Duration::from_secs(10);
    let server = ServerConfig::builder(pair.server.clone(), scene.identity.clone());
    let acceptor = TlsAcceptor::new(&server.protocol_versions(versions.clone()).build()?)?;
    let (_near, far) = pipe(Wire::default(), Wire::default());
    ends_at(&pair, Side::Server, limit, acceptor.accept(far)).await?;
    // That the rest of this client is honoured, other behaviours show.
    let ends = scene.ends()?;
    let client = ClientConfig::builder(pair.client.clone()).roots(scene.root.roots());
    let connector = TlsConnector::new(&client.protocol_versions(versions).build()?)?;
    let (near, _far) = pipe(Wire::default(), Wire::default());
    ends_at(&pair, Side::Client, limit, connector.connect(&ends.name, near)).await
}

pub(crate) async fn the_limit_ends_with_the_handshake(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let (mut client, mut server) = limited(&pair)?.connect().await?;
    sleep(LIMIT * 100).await;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn without_a_limit_a_handshake_waits(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let ends = Scene::new(&pair)?.ends()?;
    let (near, far) = pipe(Wire::default(), Wire::default());
    let late = async {
        sleep(Duration::from_secs(3_600)).await;
        ends.acceptor.accept(far).await.map_err(HandshakeError::into_error)
    };
    let client = async { ends.connector.connect(&ends.name, near).await.map_err(HandshakeError::into_error) };
    tokio::try_join!(client, late)?;
    Ok(())
}

pub(crate) async fn futures_streams_have_the_limit_too(pair: Pair) -> Result<(), Stop> {
    // futures' timer has no clock to pause; a twentieth of a second is real.
    let limit = Duration::from_millis(50);
    let scene = Scene::new(&pair)?;
    let connector = scene.connector(&[], |client| client.handshake_time_limit(limit))?;
    let (near, _far) = pipe(Wire::default(), Wire::default());
    let name = crate::pki::SERVER_NAME.parse()?;
    match connector.connect_futures(&name, FuturesEnd(near)).await {
        Ok(_) => failed("a handshake with nobody succeeded"),
        Err(error) => ensure_eq(error.error().kind(), &ErrorKind::TimedOut, "the kind of the error"),
    }
}
