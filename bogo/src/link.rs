//! The byte stream to the runner: a TCP connection that remembers how it began, and can be made hard to use.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

use crate::options::Runner;

/// How much of each direction is remembered: more than any hello has.
const REMEMBERED: usize = 64 * 1024;

/// A connection to the runner.
pub(crate) struct Link {
    tcp: TcpStream,
    /// One byte a call, and every other call has to wait.
    drips: bool,
    may_read: bool,
    may_write: bool,
    /// Nothing is written until it is let go.
    holds_writes: bool,
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl Link {
    /// Connects, and says whose connection it is.
    pub(crate) async fn connect(runner: &Runner, drips: bool) -> io::Result<Self> {
        let host = if runner.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let mut tcp = TcpStream::connect(SocketAddr::new(host, runner.port)).await?;
        tcp.set_nodelay(true)?;
        tcp.write_all(&runner.shim_id.to_le_bytes()).await?;
        Ok(Self {
            tcp,
            drips,
            may_read: false,
            may_write: false,
            holds_writes: false,
            received: Vec::new(),
            sent: Vec::new(),
        })
    }

    /// The first bytes that came, and the first that went.
    pub(crate) fn beginnings(&self) -> (&[u8], &[u8]) {
        (&self.received, &self.sent)
    }

    /// Whether what is written has to wait.
    pub(crate) fn hold_writes(&mut self, holds: bool) {
        self.holds_writes = holds;
    }

    /// Ends this side's direction and takes what is still to come, so that the runner reads what was sent to it.
    pub(crate) async fn drain(mut self) {
        let _ = self.tcp.shutdown().await;
        let mut buffer = [0; 4096];
        while let Ok(1..) = self.tcp.read(&mut buffer).await {}
    }
}

/// Whether a call goes ahead; where not, the next one will.
fn go_ahead(drips: bool, may: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    if !drips || std::mem::take(may) {
        return Poll::Ready(());
    }
    *may = true;
    cx.waker().wake_by_ref();
    Poll::Pending
}

fn remember(memory: &mut Vec<u8>, bytes: &[u8]) {
    let room = REMEMBERED.saturating_sub(memory.len());
    memory.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(go_ahead(this.drips, &mut this.may_read, cx));
        let most = if this.drips { buffer.remaining().min(1) } else { buffer.remaining() };
        let mut limited = buffer.take(most);
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut limited))?;
        remember(&mut this.received, limited.filled());
        let count = limited.filled().len();
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.holds_writes {
            return Poll::Pending;
        }
        ready!(go_ahead(this.drips, &mut this.may_write, cx));
        let most = if this.drips { bytes.len().min(1) } else { bytes.len() };
        let count = ready!(Pin::new(&mut this.tcp).poll_write(cx, &bytes[..most]))?;
        remember(&mut this.sent, &bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
