//! Keys that are renewed on request (RFC 8446 §4.6.3), while data flows.

use polytls_api::{ConfigError, ConfigOption, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    pipe::Wire,
    random::Random,
    scene::{Scene, Stream, as_config_error, exchange, pass},
    wire::records,
};

fn update(pair: &Pair, side: Side, stream: &mut Stream, ask_peer: bool) -> Result<(), Stop> {
    let updated = as_config_error(stream.update_keys(ask_peer))?;
    pair.expect_supported_or_refused(side, &[ConfigOption::KeyUpdate], updated)
}

/// A connection of TLS 1.3 on which everything from the handshake has been read.
async fn connected(pair: &Pair) -> Result<(Stream, Stream), Stop> {
    let ends = Scene::in_version(pair, ProtocolVersion::Tls13)?.ends()?;
    let (mut client, mut server) = ends.connect_over(Wire::recorded(), Wire::recorded()).await?;
    exchange(&mut client, &mut server).await?;
    Ok((client, server))
}

pub(crate) async fn a_client_renews_its_keys(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    for ask_peer in [false, true, true, false] {
        update(&pair, Side::Client, &mut client, ask_peer)?;
        exchange(&mut client, &mut server).await.at(format!("asking: {ask_peer}"))?;
    }
    Ok(())
}

pub(crate) async fn a_server_renews_its_keys(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    for ask_peer in [false, true, true, false] {
        update(&pair, Side::Server, &mut server, ask_peer)?;
        exchange(&mut client, &mut server).await.at(format!("asking: {ask_peer}"))?;
    }
    Ok(())
}

pub(crate) async fn both_may_renew_their_keys_at_once(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    for _ in 0..10 {
        update(&pair, Side::Client, &mut client, true)?;
        update(&pair, Side::Server, &mut server, true)?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

/// How many records this side has sent since the last call.
fn sent(stream: &Stream) -> Result<usize, Stop> {
    Ok(records(&stream.io().writing().take_recorded())?.len())
}

pub(crate) async fn the_peer_renews_its_keys_where_it_is_asked_to(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    for (ask_peer, answers) in [(false, 0), (true, 1), (false, 0), (true, 1)] {
        sent(&client)?;
        sent(&server)?;
        update(&pair, Side::Client, &mut client, ask_peer)?;
        pass(&mut client, &mut server, b"asked").await?;
        pass(&mut server, &mut client, b"answered").await?;
        ensure_eq(sent(&client)?, 2, "records of the client: its update, its data")?;
        ensure_eq(sent(&server)?, answers + 1, "records of the server: its update if asked, its data")?;
        update(&pair, Side::Server, &mut server, ask_peer)?;
        pass(&mut server, &mut client, b"asked").await?;
        pass(&mut client, &mut server, b"answered").await?;
        ensure_eq(sent(&server)?, 2, "records of the server: its update, its data")?;
        ensure_eq(sent(&client)?, answers + 1, "records of the client: its update if asked, its data")?;
    }
    Ok(())
}

pub(crate) async fn an_update_goes_out_with_a_flush(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    sent(&client)?;
    update(&pair, Side::Client, &mut client, false)?;
    client.flush().await?;
    ensure_eq(sent(&client)?, 1, "records of the client")?;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn keys_are_renewed_in_the_midst_of_data(pair: Pair) -> Result<(), Stop> {
    let (mut client, mut server) = connected(&pair).await?;
    // Whether they can at all, before two tasks depend on it.
    update(&pair, Side::Client, &mut client, true)?;
    update(&pair, Side::Server, &mut server, true)?;
    let bytes = Random::new(31).bytes(300_000);
    let client = renewing(&pair, Side::Client, &mut client, &bytes);
    let server = renewing(&pair, Side::Server, &mut server, &bytes);
    let (client, server) = tokio::join!(client, server);
    client.at("client").and(server.at("server"))
}

/// Writes in pieces, with new keys after each, and reads as much as it writes.
async fn renewing(pair: &Pair, side: Side, stream: &mut Stream, bytes: &[u8]) -> Result<(), Stop> {
    let mut read = vec![0; bytes.len()];
    for (number, (piece, place)) in bytes.chunks(20_000).zip(read.chunks_mut(20_000)).enumerate() {
        update(pair, side, stream, number % 2 == 0)?;
        stream.write_all(piece).await?;
        stream.flush().await?;
        stream.read_exact(place).await?;
    }
    ensure(read == bytes, || "other bytes were read than written".into())
}

pub(crate) async fn tls12_has_no_key_update(pair: Pair) -> Result<(), Stop> {
    let ends = Scene::in_version(&pair, ProtocolVersion::Tls12)?.ends()?;
    let (mut client, mut server) = ends.connect().await?;
    for (side, stream) in [(Side::Client, &mut client), (Side::Server, &mut server)] {
        match as_config_error(stream.update_keys(true))? {
            Err(ConfigError::Invalid { .. }) if pair.declares(side, &ConfigOption::KeyUpdate) => {}
            outcome => {
                pair.expect_supported_or_refused(side, &[ConfigOption::KeyUpdate], outcome)?;
                return failed(format!("the {side:?} renews keys in TLS 1.2"));
            }
        }
    }
    exchange(&mut client, &mut server).await
}
