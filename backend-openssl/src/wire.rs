//! The connection's buffers behind `std::io`'s traits, as OpenSSL reads and writes them.
//!
//! OpenSSL reads ahead, and one read gives it one record, when all of that has come: so it asks once for a record, and
//! holds no part of one between calls. What follows a handshake is untouched, and the record layer's.

use std::io;

use polytls_api::{Buffer, HelloObserver, MemoryIo, Transport};

use crate::keys::tls12::ExplicitNonce;

/// The length of a record's header (RFC 8446 §5.1), and the most that follows one (RFC 5246 §6.2.3).
const HEADER: usize = 5;
const MOST_CONTENT: usize = (1 << 14) + 2048;

/// The header of a Finished of TLS 1.2 under AES-GCM (RFC 5246 §7.4.9, RFC 5288 §3), and how long the record is: after the
/// header an explicit nonce, four bytes of a message's header, twelve of verify_data, and a tag.
const FINISHED_HEADER: [u8; HEADER] = [22, 3, 3, 0, 8 + 4 + 12 + 16];
const FINISHED: usize = HEADER + 8 + 4 + 12 + 16;

/// The buffers, in place for the length of a call.
#[derive(Debug)]
pub(crate) struct Wire {
    io: MemoryIo,
    /// How much OpenSSL has still to read of what it has begun to.
    unread: usize,
    /// The end of all that it has written.
    written: [u8; FINISHED],
}

impl Wire {
    /// Empty buffers, with an observer of the hellos that pass.
    pub(crate) fn observed() -> Self {
        Self { io: MemoryIo::observed(), unread: 0, written: [0; FINISHED] }
    }

    /// As [`MemoryIo::swap`].
    pub(crate) fn swap(&mut self, incoming: &mut Buffer, outgoing: &mut Buffer) {
        self.io.swap(incoming, outgoing);
    }

    /// As [`MemoryIo::swap_with`].
    pub(crate) fn swap_with(&mut self, transport: &mut Transport<'_>) {
        self.io.swap_with(transport);
    }

    /// As [`MemoryIo::observer`].
    pub(crate) fn observer(&self) -> Option<&HelloObserver> {
        self.io.observer()
    }

    /// As [`MemoryIo::take_observer`].
    pub(crate) fn take_observer(&mut self) -> HelloObserver {
        self.io.take_observer()
    }

    /// The explicit nonce of the Finished of TLS 1.2 that this end has sent (RFC 5288 §3): nothing follows it in a
    /// handshake. `None` where it was something else that was written last.
    pub(crate) fn explicit_nonce_of_finished(&self) -> Option<ExplicitNonce> {
        let (header, nonce) = self.written.split_first_chunk()?;
        (header == &FINISHED_HEADER).then(|| nonce.first_chunk().copied())?
    }
}

impl io::Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread == 0 {
            self.unread = next_record(self.io.incoming()).unwrap_or(0);
        }
        let most = buffer.len().min(self.unread);
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.io.read(&mut buffer[..most])?;
        self.unread -= count;
        Ok(count)
    }
}

impl io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.io.write(bytes)?;
        let last = &bytes[count.saturating_sub(FINISHED)..count];
        self.written.rotate_left(last.len());
        self.written[FINISHED - last.len()..].copy_from_slice(last);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }
}

/// The length of the record at the front, if it has come whole; without end, if OpenSSL will find that it is none.
fn next_record(bytes: &[u8]) -> Option<usize> {
    let (&[content_type, major, _, high, low], content) = bytes.split_first_chunk::<HEADER>()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(20..=23).contains(&content_type) || major != 3 || length > MOST_CONTENT {
        return Some(usize::MAX);
    }
    (content.len() >= length).then_some(HEADER + length)
}

/// The length of the records that have come whole; of everything, if OpenSSL will find that it is none.
pub(crate) fn whole_records(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(length) = next_record(rest) {
        let Some(after) = rest.get(length..) else { return bytes.len() };
        rest = after;
    }
    bytes.len() - rest.len()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// A ClientHello without content.
    pub(crate) const HELLO: [u8; 9] = [22, 3, 1, 0, 4, 1, 0, 0, 0];

    fn receive(wire: &mut Wire, bytes: &[u8]) {
        let (mut incoming, mut outgoing) = (Buffer::new(), Buffer::new());
        wire.swap(&mut incoming, &mut outgoing);
        incoming.extend(bytes);
        wire.swap(&mut incoming, &mut outgoing);
    }

    #[test]
    fn records_are_told_from_the_beginning_of_one_and_from_what_is_none() {
        let (one, two) = (HELLO.len(), HELLO.repeat(2));
        for cut in 0..one {
            assert_eq!(whole_records(&HELLO[..cut]), 0, "{cut}");
            assert_eq!(whole_records(&two[..one + cut]), one, "{cut}");
        }
        assert_eq!(whole_records(&two), 2 * one);
        for none in [*b"GET / HTT", [22, 2, 1, 0, 40, 1, 0, 0, 0], [22, 3, 1, 0x48, 1, 1, 0, 0, 0]] {
            assert_eq!(whole_records(&none), none.len(), "{none:?}");
            assert_eq!(whole_records(&[HELLO, none].concat()), 2 * one, "{none:?}");
        }
    }

    #[test]
    fn the_finished_is_known_in_however_many_pieces_it_is_written() {
        let nonce = *b"explicit";
        let finished = [&FINISHED_HEADER[..], &nonce, &[9; 4 + 12 + 16]].concat();
        let written = [&[22, 3, 3, 0, 3, 1, 2, 3], &finished[..]].concat();
        for size in [1, 7, FINISHED - 1, FINISHED, FINISHED + 1, written.len()] {
            let mut wire = Wire::observed();
            assert_eq!(wire.explicit_nonce_of_finished(), None);
            for piece in written.chunks(size) {
                assert_eq!(wire.write(piece).unwrap(), piece.len());
            }
            assert_eq!(wire.explicit_nonce_of_finished(), Some(nonce), "{size}");
            wire.write_all(&[0]).unwrap();
            assert_eq!(wire.explicit_nonce_of_finished(), None, "something else is last");
        }
    }

    #[test]
    fn a_read_gives_one_record_when_all_of_it_has_come() {
        let two = HELLO.repeat(2);
        for size in [5, 9, 100] {
            let mut wire = Wire::observed();
            let mut buffer = vec![0; size];
            for (place, byte) in two.iter().enumerate() {
                let is_whole = place == HELLO.len();
                let mut read = Vec::new();
                while let Ok(count) = wire.read(&mut buffer) {
                    read.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(read, if is_whole { &HELLO[..] } else { &[] });
                receive(&mut wire, &[*byte]);
            }
            receive(&mut wire, &HELLO);
            let mut next = |count: usize| wire.read(&mut buffer).is_ok_and(|read| read == count);
            if size > 5 {
                assert!(next(HELLO.len()) && next(HELLO.len()) && !next(HELLO.len()));
            } else {
                assert!(next(5) && next(4) && next(5) && next(4));
            }
        }
    }

    #[test]
    fn what_is_no_record_is_given_as_it_comes() {
        let mut wire = Wire::observed();
        let mut buffer = [0; 16];
        receive(&mut wire, b"GET / HTTP");
        assert_eq!(wire.read(&mut buffer).unwrap(), 10);
        assert!(wire.read(&mut buffer).is_err());
        receive(&mut wire, b"/");
        assert_eq!(wire.read(&mut buffer).unwrap(), 1);
    }
}
