//! Early data (RFC 8446 §2.3, §4.2.10, §8): off unless asked for, taken once, and never mixed with the rest.

use polytls_api::{
    ConfigError, ConfigOption, ConnectOptions, EarlyDataStatus, ErrorKind, HandshakeError, ProtocolVersion,
    ReplayableData,
};
use tokio::io::AsyncReadExt;

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pipe::{Wire, pipe},
    quiet::Quiet,
    resumption::visit,
    scene::{Ends, Scene, Stream, exchange},
    wire::Hello,
};

const EARLY: &[u8] = b"GET /early HTTP/1.1\r\n\r\n";

/// How much the servers here take.
const MOST: u32 = 2_000;

fn scene(pair: &Pair) -> Result<Scene, Stop> {
    Scene::in_version(pair, ProtocolVersion::Tls13)
}

/// Both sides allow it.
fn allowing(scene: &Scene) -> Result<Ends, Stop> {
    let needs = [ConfigOption::EarlyData];
    let connector = scene.connector(&needs, |client| client.early_data(true))?;
    Ok(Ends::new(connector, scene.acceptor(&needs, |server| server.max_early_data(MOST))?))
}

async fn connect_with(ends: &Ends, data: &[u8]) -> Result<(Stream, Stream), Stop> {
    let options = ConnectOptions::new().early_data(ReplayableData::new(data));
    ends.connect_with(&options, Wire::recorded(), Wire::recorded()).await
}

/// Goes on if this became of the early data, and no other data was touched by it.
async fn ensure_became(
    (mut client, mut server): (Stream, Stream),
    status: EarlyDataStatus,
    delivered: Option<&[u8]>,
) -> Result<(), Stop> {
    ensure_eq(client.info().early_data, status, "what the client says of its early data")?;
    if status != EarlyDataStatus::NotOffered {
        ensure_eq(server.info().early_data, status, "what the server says of the early data")?;
    }
    let taken = server.take_early_data();
    ensure_eq(taken.as_ref().map(ReplayableData::as_bytes), delivered, "the early data that was delivered")?;
    ensure_eq(server.take_early_data(), None, "early data that is taken again")?;
    ensure_eq(client.take_early_data(), None, "early data at the client")?;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn early_data_reaches_the_server_once(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    for place in ["second connection", "third connection"] {
        let connection = connect_with(&ends, EARLY).await.at(place)?;
        ensure_eq(connection.0.info().resumed, Some(true), "whether the client resumed")?;
        ensure_became(connection, EarlyDataStatus::Accepted, Some(EARLY)).await.at(place)?;
    }
    Ok(())
}

pub(crate) async fn as_much_is_taken_as_the_server_allows(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    let most = crate::random::Random::new(21).bytes(MOST as usize);
    let connection = connect_with(&ends, &most).await?;
    ensure_became(connection, EarlyDataStatus::Accepted, Some(&most)).await
}

pub(crate) async fn more_than_the_server_allows_is_not_offered(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    let connection = connect_with(&ends, &[7; MOST as usize + 1]).await?;
    ensure_became(connection, EarlyDataStatus::NotOffered, None).await
}

pub(crate) async fn it_is_not_offered_without_a_session(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    let connection = connect_with(&ends, EARLY).await?;
    ensure_became(connection, EarlyDataStatus::NotOffered, None).await
}

pub(crate) async fn it_is_not_offered_to_a_server_that_takes_none(pair: Pair) -> Result<(), Stop> {
    let scene = scene(&pair)?;
    let connector = scene.connector(&[ConfigOption::EarlyData], |client| client.early_data(true))?;
    let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
    visit(&ends).await?;
    let connection = connect_with(&ends, EARLY).await?;
    ensure_became(connection, EarlyDataStatus::NotOffered, None).await
}

pub(crate) async fn it_is_not_offered_in_tls12(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&Scene::in_version(&pair, ProtocolVersion::Tls12)?)?;
    visit(&ends).await?;
    let connection = connect_with(&ends, EARLY).await?;
    ensure_became(connection, EarlyDataStatus::NotOffered, None).await
}

pub(crate) async fn without_being_given_none_is_sent(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    let connection = ends.connect().await?;
    ensure_became(connection, EarlyDataStatus::NotOffered, None).await
}

pub(crate) async fn a_client_must_allow_it_before_it_is_given(pair: Pair) -> Result<(), Stop> {
    let ends = Scene::new(&pair)?.ends()?;
    let (near, _far) = pipe(Wire::default(), Wire::default());
    let options = ConnectOptions::new().early_data(ReplayableData::new(EARLY));
    let outcome = ends.connector.connect_with(&ends.name, &options, near).await;
    match outcome.map_err(HandshakeError::into_error) {
        Ok(_) => failed("a handshake with nobody succeeded"),
        Err(error) => match error.kind() {
            ErrorKind::Config(ConfigError::Invalid { option: "early_data", .. }) => Ok(()),
            _ => failed(format!("the error must name the option, and is {error:?}")),
        },
    }
}

pub(crate) async fn a_server_that_cannot_resume_passes_over_it(pair: Pair) -> Result<(), Stop> {
    let scene = scene(&pair)?;
    let ends = allowing(&scene)?;
    // One that takes early data with other sessions, and one that never takes any.
    for acceptor in [allowing(&scene)?.acceptor, scene.acceptor(&[], |server| server)?] {
        visit(&ends).await?;
        let other = Ends { acceptor, ..ends.clone() };
        let connection = connect_with(&other, EARLY).await?;
        ensure_eq(connection.0.info().resumed, Some(false), "whether the client resumed")?;
        let rejected = EarlyDataStatus::Rejected;
        ensure_eq(connection.0.info().early_data, rejected, "what the client says of its early data")?;
        let (mut client, mut server) = connection;
        ensure_eq(server.take_early_data(), None, "early data that was not accepted")?;
        // It is the client's to send again.
        crate::scene::pass(&mut client, &mut server, EARLY).await?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn a_replay_is_not_accepted(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    let (client, mut server) = connect_with(&ends, EARLY).await?;
    ensure_eq(client.info().early_data, EarlyDataStatus::Accepted, "what became of the early data")?;
    ensure(server.take_early_data().is_some(), || "the early data was not delivered".into())?;
    let (first_flight, answer) =
        (client.io().writing().take_recorded(), server.io().writing().take_recorded());
    ensure(Hello::of_client(&first_flight)?.has_session(), || "the client offered no session".into())?;
    ensure(Hello::of_server(&answer)?.has_session(), || "the server took no session".into())?;
    // The same bytes again, to the same server.
    let (engine, hand) = pipe(Wire::default(), Wire::recorded());
    let answered = engine.writing();
    hand.writing().inject(&first_flight);
    let mut accepted = None;
    let mut tasks = Quiet::new();
    tasks.add(async { accepted = Some(ends.acceptor.accept(engine).await.is_ok()) });
    tasks.run();
    let answer = answered.take_waiting();
    drop(tasks);
    ensure(accepted != Some(true), || "a replayed handshake is established".into())?;
    ensure(!Hello::of_server(&answer)?.has_session(), || "the server took a replayed session".into())
}

pub(crate) async fn reads_never_see_it(pair: Pair) -> Result<(), Stop> {
    let ends = allowing(&scene(&pair)?)?;
    visit(&ends).await?;
    let (mut client, mut server) = connect_with(&ends, EARLY).await?;
    ensure_eq(client.info().early_data, EarlyDataStatus::Accepted, "what became of the early data")?;
    crate::scene::pass(&mut client, &mut server, b"what follows").await?;
    tokio::io::AsyncWriteExt::shutdown(&mut client).await?;
    ensure_eq(server.read(&mut [0; 64]).await?, 0, "bytes after what was written")
}
