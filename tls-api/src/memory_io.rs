//! Two buffers behind `std::io`'s traits, for libraries that want a blocking stream.
//!
//! The library reads what has come and is told `WouldBlock` when there is no more; the driver swaps the
//! connection's own buffers in for the length of a call, so that no byte is copied to get here.

use std::{io, mem};

use crate::{Buffer, HelloObserver, Transport, buffer::copy};

/// A pair of buffers that a blocking library reads from and writes to.
#[derive(Debug, Default)]
pub struct MemoryIo {
    incoming: Buffer,
    outgoing: Buffer,
    observer: Option<Box<HelloObserver>>,
}

impl MemoryIo {
    /// Empty buffers, with an observer of the hellos that pass.
    pub fn observed() -> Self {
        Self { observer: Some(Box::default()), ..Self::default() }
    }

    /// Exchanges the buffers with those of a connection; called before and after the library is.
    pub fn swap(&mut self, incoming: &mut Buffer, outgoing: &mut Buffer) {
        mem::swap(&mut self.incoming, incoming);
        mem::swap(&mut self.outgoing, outgoing);
    }

    /// Exchanges the buffers with those of a transport.
    pub fn swap_with(&mut self, transport: &mut Transport<'_>) {
        let (incoming, outgoing) = transport.buffers();
        self.swap(incoming, outgoing);
    }

    /// What has come and was not read: of the buffers that are in place.
    pub fn incoming(&self) -> &[u8] {
        self.incoming.filled()
    }

    /// What the hellos have said so far; `None` where nobody observes them.
    pub fn observer(&self) -> Option<&HelloObserver> {
        self.observer.as_deref()
    }

    /// What the hellos said; the observer is gone afterwards.
    pub fn take_observer(&mut self) -> HelloObserver {
        self.observer.take().map(|observer| *observer).unwrap_or_default()
    }
}

impl io::Read for MemoryIo {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(self.incoming.len());
        let bytes = &self.incoming.filled()[..count];
        copy(buffer, bytes);
        if let Some(observer) = &mut self.observer {
            observer.received(bytes);
        }
        self.incoming.consume(count);
        Ok(count)
    }
}

impl io::Write for MemoryIo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(observer) = &mut self.observer {
            observer.sent(bytes);
        }
        self.outgoing.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
