//! The key log (RFC 9850): both sides write the same secrets of the same connection.

use std::sync::{Arc, Mutex, PoisonError};

use polytls_api::{ConfigOption, KeyLog, ProtocolVersion};

use crate::{
    Pair,
    behaviour::{Stop, ensure, ensure_eq},
    scene::{Ends, Scene, exchange},
};

/// One line: label, client random, secret.
type Line = (String, Vec<u8>, Vec<u8>);

/// A key log in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Line>>);

impl KeyLog for Memory {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = (label.to_owned(), client_random.to_vec(), secret.to_vec());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Memory {
    fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What both sides log of one connection.
async fn logged(pair: &Pair, version: ProtocolVersion) -> Result<(Vec<Line>, Vec<Line>), Stop> {
    let scene = Scene::in_version(pair, version)?;
    let (clients, servers) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
    let needs = [ConfigOption::KeyLog];
    let connector = scene.connector(&needs, |client| client.key_log(clients.clone()))?;
    let acceptor = scene.acceptor(&needs, |server| server.key_log(servers.clone()))?;
    let (mut client, mut server) = Ends::new(connector, acceptor).connect().await?;
    exchange(&mut client, &mut server).await?;
    Ok((clients.lines(), servers.lines()))
}

fn same(clients: &[Line], servers: &[Line], labels: &[&str]) -> Result<(), Stop> {
    for label in labels {
        let of = |lines: &[Line]| lines.iter().find(|(found, ..)| found == label).cloned();
        let (client, server) = (of(clients), of(servers));
        ensure(client.is_some(), || format!("the client logs no {label}, but {:?}", names(clients)))?;
        ensure(client == server, || {
            format!("{label} is another on the server, which has {:?}", names(servers))
        })?;
        let (_, random, secret) = client.unwrap_or_default();
        ensure_eq(random.len(), 32, "the length of the client's random")?;
        ensure(secret.len() >= 32, || format!("{label} has {} bytes", secret.len()))?;
    }
    Ok(())
}

fn names(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|(label, ..)| label.as_str()).collect()
}

pub(crate) async fn both_sides_log_the_same_traffic_secrets(pair: Pair) -> Result<(), Stop> {
    let (clients, servers) = logged(&pair, ProtocolVersion::Tls13).await?;
    same(
        &clients,
        &servers,
        &[
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
        ],
    )
}

pub(crate) async fn both_sides_log_the_same_master_secret(pair: Pair) -> Result<(), Stop> {
    let (clients, servers) = logged(&pair, ProtocolVersion::Tls12).await?;
    same(&clients, &servers, &["CLIENT_RANDOM"])
}

pub(crate) async fn each_configuration_logs_its_own_connections_only(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let log = Arc::new(Memory::default());
    let logging = scene.connector(&[ConfigOption::KeyLog], |client| client.key_log(log.clone()))?;
    let quiet = scene.ends()?;
    quiet.connect().await?;
    ensure(log.lines().is_empty(), || "another configuration's connection was logged".into())?;
    Ends { connector: logging, ..quiet }.connect().await?;
    ensure(!log.lines().is_empty(), || "nothing was logged".into())
}
