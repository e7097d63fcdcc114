//! Both ends of a connection: in memory, and over the loopback interface.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
};

use crate::{Io, Stack};

/// Room in the pipe between two ends in memory, in bytes.
pub const PIPE: usize = 256 * 1024;

/// Both ends of a new connection in memory.
pub async fn connection<S: Stack>(stack: &S) -> (S::Client<DuplexStream>, S::Server<DuplexStream>) {
    handshake(stack, duplex(PIPE)).await
}

/// The same, and a byte from the server: its ticket comes before, and the next connection resumes.
pub async fn connection_with_tickets<S: Stack>(
    stack: &S,
) -> (S::Client<DuplexStream>, S::Server<DuplexStream>) {
    handshake_with_tickets(stack, duplex(PIPE)).await
}

/// A handshake over these two ends of a byte stream.
pub(crate) async fn handshake<S: Stack, IO: Io>(
    stack: &S,
    (near, far): (IO, IO),
) -> (S::Client<IO>, S::Server<IO>) {
    tokio::join!(stack.connect(near), stack.accept(far))
}

/// The same, and a byte from the server.
pub(crate) async fn handshake_with_tickets<S: Stack, IO: Io>(
    stack: &S,
    ends: (IO, IO),
) -> (S::Client<IO>, S::Server<IO>) {
    let (mut client, mut server) = handshake(stack, ends).await;
    server.write_all(&[1]).await.expect("written");
    server.flush().await.expect("flushed");
    client.read_u8().await.expect("read");
    S::leave(&mut client).await;
    (client, server)
}

/// Two ends of a TCP connection with `TCP_NODELAY`.
pub async fn tcp_pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().expect("a listener has an address");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (near, far) = (near.expect("connected"), far.expect("accepted").0);
    for end in [&near, &far] {
        end.set_nodelay(true).expect("a TCP option");
    }
    (near, far)
}

/// A listener on a port of the loopback interface.
pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free")
}
