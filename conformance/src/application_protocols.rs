//! ALPN (RFC 7301): the server's order decides, and no overlap is an error.

use polytls_api::{AlertDescription, ConfigOption, ErrorKind};

use crate::{
    Pair,
    behaviour::{Stop, ensure_eq},
    scene::{Ends, Scene, ensure_kind},
};

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

pub(crate) async fn a_common_protocol_is_chosen(pair: Pair) -> Result<(), Stop> {
    chooses(&pair, &[HTTP2, HTTP1], &[HTTP1], Some(HTTP1)).await?;
    chooses(&pair, &[HTTP2], &[HTTP2], Some(HTTP2)).await
}

pub(crate) async fn the_servers_order_decides(pair: Pair) -> Result<(), Stop> {
    chooses(&pair, &[HTTP2, HTTP1], &[HTTP1, HTTP2], Some(HTTP1)).await?;
    chooses(&pair, &[HTTP1, HTTP2], &[HTTP2, HTTP1], Some(HTTP2)).await
}

pub(crate) async fn no_protocol_is_chosen_where_only_the_client_offers(pair: Pair) -> Result<(), Stop> {
    chooses(&pair, &[HTTP2], &[], None).await
}

pub(crate) async fn no_protocol_is_chosen_where_only_the_server_offers(pair: Pair) -> Result<(), Stop> {
    chooses(&pair, &[], &[HTTP2], None).await
}

pub(crate) async fn a_protocol_may_have_255_bytes(pair: Pair) -> Result<(), Stop> {
    let longest = [b'x'; 255];
    chooses(&pair, &[&longest], &[HTTP2, &longest], Some(&longest)).await
}

async fn chooses(
    pair: &Pair,
    clients: &[&[u8]],
    servers: &[&[u8]],
    expected: Option<&[u8]>,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let (client, server) = offering(&scene, clients, servers)?.connect().await?;
        ensure_eq(client.info().alpn.as_deref(), expected, "the client's protocol")?;
        ensure_eq(server.info().alpn.as_deref(), expected, "the server's protocol")?;
    }
    Ok(())
}

fn offering(scene: &Scene, clients: &[&[u8]], servers: &[&[u8]]) -> Result<Ends, Stop> {
    let needs = |offered: &[&[u8]]| if offered.is_empty() { vec![] } else { vec![ConfigOption::Alpn] };
    let connector = scene.connector(&needs(clients), |client| client.alpn(clients.to_vec()))?;
    let acceptor = scene.acceptor(&needs(servers), |server| server.alpn(servers.to_vec()))?;
    Ok(Ends::new(connector, acceptor))
}

pub(crate) async fn no_common_protocol_is_an_error_on_both_sides(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let failures = offering(&scene, &[HTTP2], &[HTTP1])?.failure()?;
        let none = |kind: &ErrorKind| *kind == ErrorKind::NoApplicationProtocol;
        ensure_kind("server", &failures.server, none, "NoApplicationProtocol")?;
        let told = failures.client.alert_received();
        ensure_eq(told, Some(AlertDescription::NO_APPLICATION_PROTOCOL), "the alert that the client sees")?;
    }
    Ok(())
}
