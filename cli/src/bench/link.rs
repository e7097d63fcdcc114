//! Byte streams between a client and a server in this process.

use std::{future::ready, io, net::SocketAddr, pin::Pin, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle, Runtime},
};

/// Room in a pipe in memory, each way: a write of 64 KiB with its records, and then some.
const PIPE: usize = 256 << 10;

/// The server's end of a connection, once it has it.
pub(super) type Accepting<Io> = Pin<Box<dyn Future<Output = io::Result<Io>> + Send>>;

/// Where both ends meet.
pub(super) trait Link {
    /// An end.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The client's end of a new connection, and how the server comes to its own.
    async fn open(&self) -> io::Result<(Self::Io, Accepting<Self::Io>)>;

    /// Where the server's side runs.
    fn server(&self) -> &Handle;
}

/// A pipe in memory; both sides run on the client's thread.
pub(super) struct Memory(Handle);

impl Memory {
    /// For the runtime that is running.
    pub(super) fn new() -> Self {
        Self(Handle::current())
    }
}

impl Link for Memory {
    type Io = DuplexStream;

    async fn open(&self) -> io::Result<(DuplexStream, Accepting<DuplexStream>)> {
        let (near, far) = duplex(PIPE);
        Ok((near, Box::pin(ready(Ok(far)))))
    }

    fn server(&self) -> &Handle {
        &self.0
    }
}

/// TCP over the loopback interface; the server has a thread of its own.
pub(super) struct Tcp {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    runtime: Runtime,
}

impl Tcp {
    /// Listens on a free port.
    pub(super) async fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listening = runtime.spawn(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listening.await.map_err(io::Error::other)??;
        Ok(Self { address: listener.local_addr()?, listener: Arc::new(listener), runtime })
    }

    /// Stops the server's thread, which a runtime must not be waited for in another.
    pub(super) fn stop(self) {
        self.runtime.shutdown_background();
    }
}

impl Link for Tcp {
    type Io = TcpStream;

    async fn open(&self) -> io::Result<(TcpStream, Accepting<TcpStream>)> {
        let near = TcpStream::connect(self.address).await?;
        near.set_nodelay(true)?;
        // Thousands of closed connections a second that linger would use up the ports.
        near.set_zero_linger()?;
        let (listener, client) = (self.listener.clone(), near.local_addr()?);
        let accepting = async move {
            loop {
                let (far, from) = listener.accept().await?;
                // Anybody on this machine may connect.
                if from == client {
                    far.set_nodelay(true)?;
                    return Ok(far);
                }
            }
        };
        Ok((near, Box::pin(accepting)))
    }

    fn server(&self) -> &Handle {
        self.runtime.handle()
    }
}
