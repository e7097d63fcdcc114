//! A byte stream in memory with one fault in it, and an executor that knows when nothing will ever move again.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What happens to the byte at one offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Flip {
        bit: u8,
    },
    Duplicate,
    Drop,
    /// Neither this byte nor any after it comes; then the stream ends.
    Truncate,
}

impl Change {
    pub(crate) const ALL: [Self; 11] = [
        Self::Flip { bit: 0 },
        Self::Flip { bit: 1 },
        Self::Flip { bit: 2 },
        Self::Flip { bit: 3 },
        Self::Flip { bit: 4 },
        Self::Flip { bit: 5 },
        Self::Flip { bit: 6 },
        Self::Flip { bit: 7 },
        Self::Duplicate,
        Self::Drop,
        Self::Truncate,
    ];
}

/// A change at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) change: Change,
}

/// How much one read brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    OneByte,
}

/// One direction.
#[derive(Debug)]
struct Channel {
    /// What is still to be read.
    bytes: VecDeque<u8>,
    /// All that was written, and all of it that came through.
    written: Vec<u8>,
    passed: Vec<u8>,
    fault: Option<Fault>,
    delivery: Delivery,
    ended: bool,
    /// Reads and writes that moved something.
    moves: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Direction(Arc<Mutex<Channel>>);

impl Direction {
    fn new(fault: Option<Fault>, delivery: Delivery) -> Self {
        Self(Arc::new(Mutex::new(Channel {
            bytes: VecDeque::new(),
            written: Vec::new(),
            passed: Vec::new(),
            fault,
            delivery,
            ended: false,
            moves: 0,
        })))
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.0.lock().unwrap()
    }

    /// How many bytes were written, before the fault had its way with them.
    pub(crate) fn written(&self) -> usize {
        self.channel().written.len()
    }

    /// Up to where what came through is what was written. A byte that is lost between its equals is not missed there.
    pub(crate) fn intact_until(&self) -> usize {
        let channel = self.channel();
        let differs = |(one, other)| one != other;
        let common = channel.written.len().min(channel.passed.len());
        channel.written.iter().zip(&channel.passed).position(differs).unwrap_or(common)
    }
}

impl Channel {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let change =
                self.fault.filter(|fault| fault.offset == self.written.len()).map(|fault| fault.change);
            self.written.push(byte);
            match change {
                None => self.pass(&[byte]),
                Some(Change::Flip { bit }) => self.pass(&[byte ^ (1 << bit)]),
                Some(Change::Duplicate) => self.pass(&[byte, byte]),
                Some(Change::Drop) => {}
                Some(Change::Truncate) => self.ended = true,
            }
        }
        self.moves += 1;
    }

    fn pass(&mut self, bytes: &[u8]) {
        if !self.ended {
            self.bytes.extend(bytes);
            self.passed.extend(bytes);
        }
    }
}

/// One side's end.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) reads: Direction,
    pub(crate) writes: Direction,
}

/// The client's end and the server's, with faults in what each of them writes.
pub(crate) fn wire(from_client: Option<Fault>, from_server: Option<Fault>, delivery: Delivery) -> (End, End) {
    let (up, down) = (Direction::new(from_client, delivery), Direction::new(from_server, delivery));
    (End { reads: down.clone(), writes: up.clone() }, End { reads: up, writes: down })
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut channel = self.reads.channel();
        if channel.bytes.is_empty() {
            return if channel.ended { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let most = if channel.delivery == Delivery::OneByte { 1 } else { buffer.remaining() };
        let count = most.min(channel.bytes.len());
        channel.bytes.drain(..count).for_each(|byte| buffer.put_slice(&[byte]));
        channel.moves += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.channel().write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.channel().ended = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.writes.channel().ended = true;
    }
}

/// Polls both sides until both are done. Where nothing moves any more, the streams end; whoever waits even then hangs.
pub(crate) fn run<A, B>(
    directions: [Direction; 2],
    client: impl Future<Output = A>,
    server: impl Future<Output = B>,
) -> Option<(A, B)> {
    let (mut client, mut server) = (pin!(client), pin!(server));
    let (mut of_client, mut of_server) = (None, None);
    let mut context = Context::from_waker(Waker::noop());
    let mut idle_rounds = 0;
    loop {
        let moves = || directions.iter().map(|direction| direction.channel().moves).sum::<usize>();
        let before = (moves(), of_client.is_some(), of_server.is_some());
        if of_client.is_none()
            && let Poll::Ready(output) = client.as_mut().poll(&mut context)
        {
            of_client = Some(output);
        }
        if of_server.is_none()
            && let Poll::Ready(output) = server.as_mut().poll(&mut context)
        {
            of_server = Some(output);
        }
        if of_client.is_some() && of_server.is_some() {
            return of_client.zip(of_server);
        }
        idle_rounds =
            if before == (moves(), of_client.is_some(), of_server.is_some()) { idle_rounds + 1 } else { 0 };
        match idle_rounds {
            // A task may have to be polled again to see what another did in the same round.
            0 | 1 => {}
            2 => directions.iter().for_each(|direction| direction.channel().ended = true),
            3..8 => {}
            _ => return None,
        }
    }
}
