//! A stream in two halves, which two tasks use on two cores at once.
//!
//! Each half has its half of the session, its part of the driver and its direction of the byte stream. The reader
//! needs the writer's when it has to tell the peer something, an alert for example, and takes its turn ([`Turns`]).

mod apart;
mod read;
#[cfg(test)]
mod tests;
mod turns;
mod write;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, Join, join};

use self::turns::Turns;
pub use self::{apart::Split, read::OwnedReadHalf, write::OwnedWriteHalf};
use super::{
    TlsStream,
    core::{ByteSink, Side, WakerSlot, Writing},
};
use crate::{ConnectionInfo, ReplayableData, SendingHalf, SessionHalves, record::Role};

/// What both halves hold.
struct Shared<IO: Split> {
    sender: Turns<Sender<IO::Writer>>,
    /// The writer has left bytes behind that the byte stream did not take, and may not come back for them.
    left_behind: AtomicBool,
    /// The reader, while it waits and nothing but the writer would have it send.
    waiting_reader: WakerSlot,
    facts: Facts,
}

/// What it takes to send.
struct Sender<W> {
    half: Box<dyn SendingHalf>,
    writing: Writing,
    io: W,
}

/// What a stream knows beside its core.
struct Facts {
    info: Arc<ConnectionInfo>,
    role: Role,
    early_data: Option<Box<ReplayableData>>,
}

impl<IO: Split> TlsStream<IO> {
    /// Splits the stream into halves that two tasks use at once, on two cores if there are two.
    ///
    /// Where the record layer is polytls's own (rustls, OpenSSL and builtin) the halves share no lock while data flows.
    /// Where the library has one object for both directions (native) they share one that each holds while it
    /// encrypts or decrypts, and never while it waits.
    ///
    /// Dropping a half sends nothing. A read that waits sends what a write has left behind, also one that was given up.
    pub fn into_split(self) -> (OwnedReadHalf<IO>, OwnedWriteHalf<IO>) {
        let Self { io, core, info, early_data, role } = self;
        let (session, reading, writing) = core.into_parts();
        let SessionHalves { sending, receiving } = session.split();
        let (reader, writer) = io.split();
        let sender = Sender { half: sending, writing, io: writer };
        let shared = Arc::new(Shared::new(sender, Facts { info, role, early_data }));
        (OwnedReadHalf::new(receiving, reading, reader, shared.clone()), OwnedWriteHalf { shared })
    }
}

impl<IO> TlsStream<IO> {
    /// [`TlsStream::into_split`] for a byte stream that is split by `split`, such as [`tokio::io::split`].
    ///
    /// What `split` makes decides whether both directions of the byte stream are used at once: tokio's shares a lock.
    #[allow(clippy::type_complexity, reason = "a name for the pair would be one more to learn")]
    pub fn into_split_by<R, W>(
        self,
        split: impl FnOnce(IO) -> (R, W),
    ) -> (OwnedReadHalf<Join<R, W>>, OwnedWriteHalf<Join<R, W>>)
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let Self { io, core, info, early_data, role } = self;
        let (reader, writer) = split(io);
        TlsStream { io: join(reader, writer), core, info, early_data, role }.into_split()
    }
}

impl<IO: Split> Shared<IO> {
    fn new(sender: Sender<IO::Writer>, facts: Facts) -> Self {
        let waiting_reader = WakerSlot::default();
        // What was accepted before and has not gone is the reader's to see to as well.
        let left_behind = AtomicBool::new(!sender.writing.is_sent());
        Self { sender: Turns::new(sender), left_behind, waiting_reader, facts }
    }

    /// Notes whether the reader has to see to what is still to be sent.
    fn leave_behind(&self, left_behind: bool) {
        if self.left_behind.load(Ordering::Relaxed) != left_behind {
            self.left_behind.store(left_behind, Ordering::Relaxed);
        }
    }

    /// Has a reader that waits see to what is left behind. The lock of its waker orders this after what is noted.
    fn wake_reader_if_left_behind(&self) {
        if self.left_behind.load(Ordering::Relaxed) {
            self.waiting_reader.wake();
        }
    }

    /// Sends what the reader has asked for, and what is left; says whether all of it went.
    fn send(&self, sender: &mut Sender<IO::Writer>, cx: &mut Context<'_>, side: Side) -> bool {
        let Sender { half, writing, io } = sender;
        half.answer(&mut writing.outgoing);
        let mut sink = TokioSink(io);
        // A failure to send is the writer's to report, when it next writes.
        let _ = match side {
            Side::Reader => writing.poll_send(cx, &mut sink, side),
            Side::Writer => writing.poll_flush(cx, &mut sink),
        };
        writing.outgoing.release_if_empty();
        let sent = writing.is_sent();
        self.leave_behind(!sent);
        sent
    }
}

/// tokio's writing half of a byte stream.
struct TokioSink<'a, W>(&'a mut W);

impl<W: AsyncWrite + Unpin> ByteSink for TokioSink<'_, W> {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
