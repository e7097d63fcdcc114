//! Early data under a ticket of another server's: two that share a store, and take unlike amounts.

use std::sync::Arc;

use polytls_api::{
    ClientConfig, ConnectOptions, EarlyDataStatus, Identity, MemorySessionStore, ReplayableData, Roots,
    ServerConfig, TlsAcceptor, TlsConnector,
};
use polytls_builtin::Builtin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// What became of early data, and how much of it came.
async fn connect(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    length: usize,
) -> (EarlyDataStatus, usize) {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new().early_data(ReplayableData::new(vec![1; length]));
    let (client, server) = tokio::join!(connector.connect_with(&name, &options, near), acceptor.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    // The tickets come with what the server writes.
    server.write_all(b"x").await.unwrap();
    client.read_u8().await.unwrap();
    let came = server.take_early_data().map_or(0, |data| data.as_bytes().len());
    assert_eq!(client.info().early_data, server.info().early_data);
    (client.info().early_data, came)
}

#[tokio::test]
async fn a_ticket_counts_for_as_much_as_it_says_and_never_for_more_than_the_server_takes() {
    let backend = Arc::new(Builtin::new());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let root = made.cert.der().clone();
    let identity = Identity::from_der([root.clone()], made.signing_key.serialize_der()).unwrap();
    let client = ClientConfig::builder(backend.clone()).roots(Roots::from_der([root])).early_data(true);
    let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
    let store = Arc::new(MemorySessionStore::new(16));
    let server = |most| {
        let config = ServerConfig::builder(backend.clone(), identity.clone());
        let config = config.session_store(store.clone()).max_early_data(most).build().unwrap();
        TlsAcceptor::new(&config).unwrap()
    };
    let (much, little) = (server(2000), server(1000));
    assert_eq!(connect(&connector, &much, 1500).await, (EarlyDataStatus::NotOffered, 0));
    assert_eq!(connect(&connector, &much, 1500).await, (EarlyDataStatus::Accepted, 1500));
    assert_eq!(connect(&connector, &little, 1500).await, (EarlyDataStatus::Rejected, 0));
    // Its tickets are the newest now.
    assert_eq!(connect(&connector, &much, 900).await, (EarlyDataStatus::Accepted, 900));
}
