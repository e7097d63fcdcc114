//! The one byte queue of the crate: bytes enter at the end and leave at the front.
//!
//! Storage is always initialised, so that a reader can be handed a plain `&mut [u8]` without `unsafe`;
//! it grows on demand, and while a connection is idle it goes back to a few that each thread keeps for
//! the next. It never shrinks or moves what is in it except to make room, so an offset from the front
//! stays true until something is consumed.

use std::{cell::RefCell, fmt};

/// How many queues a thread keeps, and how large the storage of each may be: twice what a stream reads at once (four records), for
/// a record of which the end is still to come.
const KEPT: usize = 4;
const KEPT_SIZE: usize = 132 * 1024;

thread_local! {
    #[allow(clippy::vec_box, reason = "a buffer holds a box, and gets it from here and gives it back whole")]
    static QUEUES: RefCell<Vec<Box<Queue>>> = const { RefCell::new(Vec::new()) };
}

/// A queue that was given back on this thread, else one without storage.
fn take_queue() -> Box<Queue> {
    QUEUES.try_with(|queues| queues.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// Keeps an empty queue for the next buffer of this thread, if there is room for it.
fn give_back(queue: Box<Queue>) {
    if queue.storage.is_empty() || queue.storage.len() > KEPT_SIZE {
        return;
    }
    // A thread that is ending keeps nothing.
    let _ = QUEUES.try_with(|queues| {
        let mut queues = queues.borrow_mut();
        if queues.len() < KEPT {
            queues.push(queue);
        }
    });
}

/// The longest copy in one piece. Above some length between 2 KiB and 8 KiB the C library's memcpy turns to `rep movsb`,
/// which on several processors runs at a tenth of the speed when source and target lie in some ways to each other
/// within their pages; records lie in every way.
const COPY_PIECE: usize = 2 * 1024;

/// Copies all of `source` to the start of `target`, which is at least as long.
pub(crate) fn copy(target: &mut [u8], source: &[u8]) {
    let target = &mut target[..source.len()];
    for (target, source) in target.chunks_mut(COPY_PIECE).zip(source.chunks(COPY_PIECE)) {
        target.copy_from_slice(source);
    }
}

/// A growable queue of bytes. One that holds none costs a pointer: many connections are idle.
#[derive(Default)]
pub struct Buffer(Option<Box<Queue>>);

#[derive(Default)]
struct Queue {
    storage: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer without storage.
    pub const fn new() -> Self {
        Self(None)
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.end - queue.start)
    }

    /// Whether no byte waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that wait, oldest first.
    pub fn filled(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |queue| &queue.storage[queue.start..queue.end])
    }

    /// The bytes that wait, for decryption in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        self.0.as_mut().map_or(&mut [], |queue| &mut queue.storage[queue.start..queue.end])
    }

    /// Removes up to `count` bytes from the front.
    pub fn consume(&mut self, count: usize) {
        let Some(queue) = &mut self.0 else { return };
        queue.start += count.min(queue.end - queue.start);
        if queue.start == queue.end {
            queue.start = 0;
            queue.end = 0;
        }
    }

    /// At least `room` writable bytes after the last; [`Buffer::commit`] makes written ones wait.
    pub fn spare(&mut self, room: usize) -> &mut [u8] {
        let queue = self.0.get_or_insert_with(take_queue);
        if queue.storage.len() - queue.end < room {
            queue.make_room(room);
        }
        &mut queue.storage[queue.end..]
    }

    /// Adds the first `count` bytes of [`Buffer::spare`] to the queue.
    pub fn commit(&mut self, count: usize) {
        if let Some(queue) = &mut self.0 {
            queue.end = queue.end.saturating_add(count).min(queue.storage.len());
        }
    }

    /// Appends a copy of `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        copy(self.spare(bytes.len()), bytes);
        self.commit(bytes.len());
    }

    /// Forgets every byte, and keeps the storage.
    pub fn clear(&mut self) {
        if let Some(queue) = &mut self.0 {
            queue.start = 0;
            queue.end = 0;
        }
    }

    /// Gives the storage back if nothing waits in it.
    pub fn release_if_empty(&mut self) {
        if self.is_empty()
            && let Some(queue) = self.0.take()
        {
            give_back(queue);
        }
    }

    /// How many bytes of storage are held.
    pub fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.storage.len())
    }
}

impl Queue {
    fn make_room(&mut self, room: usize) {
        self.storage.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let needed = self.end + room;
        if self.storage.len() < needed {
            // Doubling keeps the copies of a long queue linear in its length.
            self.storage.resize(needed.max(self.storage.len() * 2), 0);
        }
    }
}

/// What lives for a handshake or for a short connection leaves its storage to the next one.
impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
        self.release_if_empty();
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be plaintext: never print them.
        f.debug_struct("Buffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_they_came() {
        let mut buffer = Buffer::new();
        let mut expected = std::collections::VecDeque::new();
        for round in 0..200_usize {
            let chunk: Vec<u8> = (0..round % 37).map(|i| (round * 7 + i) as u8).collect();
            buffer.extend(&chunk);
            expected.extend(&chunk);
            let leave = (round * 13) % 29;
            let left: Vec<u8> = buffer.filled().iter().take(leave).copied().collect();
            assert_eq!(left, expected.drain(..left.len()).collect::<Vec<_>>());
            buffer.consume(leave);
            assert_eq!(buffer.len(), expected.len());
        }
    }

    #[test]
    fn a_copy_of_any_length_is_whole() {
        for length in [0, 1, COPY_PIECE - 1, COPY_PIECE, COPY_PIECE + 1, 3 * COPY_PIECE + 7] {
            let source: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut target = vec![0xff; length + 1];
            copy(&mut target, &source);
            assert_eq!(target[..length], source, "{length}");
            assert_eq!(target[length], 0xff, "{length}");
        }
    }

    #[test]
    fn storage_goes_from_one_buffer_to_the_next_without_its_bytes() {
        let mut first = Buffer::new();
        first.extend(&[7; 10_000]);
        first.consume(10_000);
        first.release_if_empty();
        let mut second = Buffer::new();
        second.extend(b"x");
        assert!(second.capacity() >= 10_000, "the storage was not kept");
        assert_eq!(second.filled(), b"x");
    }

    #[test]
    fn a_buffer_that_goes_leaves_its_storage_to_the_next() {
        let mut first = Buffer::new();
        first.extend(&[7; 10_000]);
        drop(first);
        let mut second = Buffer::new();
        second.extend(b"x");
        assert!(second.capacity() >= 10_000, "the storage was not kept");
        assert_eq!(second.filled(), b"x");
    }

    #[test]
    fn storage_is_given_back_only_when_empty() {
        let mut buffer = Buffer::new();
        buffer.extend(b"x");
        buffer.release_if_empty();
        assert_eq!(buffer.filled(), b"x");
        buffer.consume(1);
        buffer.release_if_empty();
        assert_eq!(buffer.capacity(), 0);
    }
}
