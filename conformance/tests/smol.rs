//! The streams on another runtime: futures' traits, smol's sockets and timers, every ordered pair of backends.

use std::{io, net::Shutdown, sync::Arc, time::Duration};

use polytls::{
    Backend, ClientConfig, Error, ErrorKind, Identity, Roots, ServerConfig, TlsAcceptor, TlsConnector,
    TlsStream,
};
use smol::{
    future::zip,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const NAME: &str = "localhost";

/// A client and a server of two backends that know each other.
struct Ends {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl Ends {
    fn new(client: Arc<dyn Backend>, server: Arc<dyn Backend>) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).unwrap();
        let client = ClientConfig::builder(client).roots(Roots::from_der([certificate])).build().unwrap();
        let limit = Duration::from_millis(200);
        let server = ServerConfig::builder(server, identity).handshake_time_limit(limit).build().unwrap();
        Self { connector: TlsConnector::new(&client).unwrap(), acceptor: TlsAcceptor::new(&server).unwrap() }
    }

    async fn connect(&self) -> (TlsStream<TcpStream>, TlsStream<TcpStream>) {
        let (near, far) = tcp().await;
        let name = NAME.parse().unwrap();
        let (client, server) =
            zip(self.connector.connect_futures(&name, near), self.acceptor.accept_futures(far)).await;
        (client.unwrap(), server.unwrap())
    }
}

/// Two ends of one connection over the loopback interface.
async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = zip(TcpStream::connect(address), listener.accept()).await;
    (near.unwrap(), far.unwrap().0)
}

fn every_pair(test: impl AsyncFn(Ends)) {
    let backends = polytls::backends::all();
    assert_eq!(backends.len(), 4, "every backend is compiled in");
    for client in &backends {
        for server in &backends {
            smol::block_on(test(Ends::new(client.clone(), server.clone())));
        }
    }
}

#[test]
fn data_passes_both_ways_and_close_notify_is_the_end() {
    every_pair(async |ends| {
        let (mut client, mut server) = ends.connect().await;
        let sent = vec![7; 300_000];
        let echo = async {
            while let Some(mut bytes) = server.read_bytes_futures().await.unwrap() {
                server.write_bytes_futures(&mut bytes).await.unwrap();
                server.flush().await.unwrap();
            }
            server.close().await.unwrap();
        };
        let talk = async {
            let (mut read, mut write) = smol::io::split(&mut client);
            let send = async {
                write.write_all(&sent).await.unwrap();
                write.close().await.unwrap();
            };
            let mut received = Vec::new();
            // In TLS 1.2 close_notify ends both directions (RFC 5246 §7.2.1), so what comes is counted, not its end.
            let receive = async {
                let mut buffer = [0; 4096];
                while received.len() < sent.len() {
                    let count = read.read(&mut buffer).await.unwrap();
                    assert_ne!(count, 0, "the end came after {} bytes", received.len());
                    received.extend_from_slice(&buffer[..count]);
                }
            };
            zip(send, receive).await;
            assert_eq!(received, sent);
        };
        zip(echo, talk).await;
    });
}

#[test]
fn a_cut_is_an_error() {
    every_pair(async |ends| {
        let (client, mut server) = ends.connect().await;
        // The end of the client's direction; a socket that is dropped with something unread sends a reset instead.
        client.io().shutdown(Shutdown::Write).unwrap();
        let error = server.read(&mut [0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_silent_client_runs_into_the_time_limit() {
    every_pair(async |ends| {
        let (_silent, far) = tcp().await;
        let error = Error::from(ends.acceptor.accept_futures(far).await.unwrap_err());
        assert_eq!(error.kind(), &ErrorKind::TimedOut);
    });
}
