//! How much plaintext the records hold that a stream sends: it decides when the peer's application sees the first of it.

use std::{
    io::IoSlice,
    time::{Duration, Instant},
};

/// What fits one segment of TCP: an Ethernet frame of 1500 bytes less the headers of IPv6 (40) and of TCP with
/// timestamps (32), and what the longest record adds (29: header, explicit nonce and tag of RFC 5288 §3).
const SEGMENT: usize = 1500 - 40 - 32 - 29;

/// How much is sent in small records: what a sender in slow start (RFC 6928) has under way in its first two rounds
/// and a half.
const SMALL_RECORDS: usize = 40 * SEGMENT;

/// After this long without a write the path may have changed, and TCP begins slowly again (RFC 5681 §4.1).
const IDLE: Duration = Duration::from_secs(1);

/// How long the records are that a stream sends.
///
/// A peer reads nothing of a record before all of it has come. A full record is longer than what TCP sends in its first
/// round trip, so with full records alone the peer waits for a second one before it sees the first byte of a long answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordSizing {
    /// At first and after every second without a write, 40 records of 1,399 bytes, each of which fits a segment of TCP;
    /// then full ones. The default.
    #[default]
    SmallFirst,
    /// Records as full as what is written allows: least work for both sides, where first bytes do not matter.
    Full,
}

/// Where a stream stands in its [`RecordSizing`].
#[derive(Debug)]
pub(super) struct RecordSizes {
    /// How many bytes are still to be sent in small records.
    small: usize,
    /// When something was written last; `None` before the first time, and where every record is a full one.
    written: Option<Instant>,
    sizing: RecordSizing,
}

impl RecordSizes {
    pub(super) fn new(sizing: RecordSizing) -> Self {
        let small = match sizing {
            RecordSizing::SmallFirst => SMALL_RECORDS,
            RecordSizing::Full => 0,
        };
        Self { small, written: None, sizing }
    }

    /// Notes that something is about to be written now.
    pub(super) fn write_at(&mut self, now: impl FnOnce() -> Instant) {
        if self.sizing == RecordSizing::Full {
            return;
        }
        let now = now();
        if self.written.is_some_and(|before| now.saturating_duration_since(before) >= IDLE) {
            self.small = SMALL_RECORDS;
        }
        self.written = Some(now);
    }

    /// The most plaintext that the next record may hold; `None` for as much as a record takes.
    pub(super) fn most(&self) -> Option<usize> {
        (self.small > 0).then_some(SEGMENT)
    }

    /// Notes that this much plaintext was taken.
    pub(super) fn taken(&mut self, count: usize) {
        self.small = self.small.saturating_sub(count);
    }
}

/// How many slices one small record is made of at most.
pub(super) const SLICES: usize = 16;

/// What of `plaintext` comes after its first `skip` bytes, up to `most` bytes and as many slices as there is room for.
pub(super) fn piece<'a, 'b>(
    plaintext: &'a [IoSlice<'_>],
    mut skip: usize,
    mut most: usize,
    slices: &'b mut [IoSlice<'a>; SLICES],
) -> &'b [IoSlice<'a>] {
    let mut count = 0;
    for slice in plaintext {
        let rest = &slice[skip.min(slice.len())..];
        skip = skip.saturating_sub(slice.len());
        let rest = &rest[..most.min(rest.len())];
        if rest.is_empty() {
            continue;
        }
        slices[count] = IoSlice::new(rest);
        most -= rest.len();
        count += 1;
        if most == 0 || count == SLICES {
            break;
        }
    }
    &slices[..count]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_records_come_first_and_after_a_pause() {
        let mut sizes = RecordSizes::new(RecordSizing::SmallFirst);
        let start = Instant::now();
        sizes.write_at(|| start);
        for _ in 0..40 {
            assert_eq!(sizes.most(), Some(SEGMENT));
            sizes.taken(SEGMENT);
        }
        assert_eq!(sizes.most(), None);
        sizes.write_at(|| start + IDLE / 2);
        assert_eq!(sizes.most(), None, "no pause");
        sizes.write_at(|| start + IDLE);
        assert_eq!(sizes.most(), None, "the pause is counted from the last write");
        sizes.write_at(|| start + 2 * IDLE);
        assert_eq!(sizes.most(), Some(SEGMENT));
    }

    #[test]
    fn full_records_ask_no_clock() {
        let mut sizes = RecordSizes::new(RecordSizing::Full);
        sizes.write_at(|| panic!("the clock is asked"));
        assert_eq!(sizes.most(), None);
    }

    #[test]
    fn the_last_small_record_may_be_of_any_length() {
        let mut sizes = RecordSizes::new(RecordSizing::SmallFirst);
        sizes.taken(SMALL_RECORDS - 1);
        assert_eq!(sizes.most(), Some(SEGMENT));
        sizes.taken(SEGMENT);
        assert_eq!(sizes.most(), None);
    }

    #[test]
    fn pieces_of_slices_come_to_all_of_them() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let plaintext: Vec<IoSlice<'_>> = [0, 1, 1, 0, 300, 5, 693, 0]
            .iter()
            .scan(0, |start, &length| {
                *start += length;
                Some(IoSlice::new(&bytes[*start - length..*start]))
            })
            .collect();
        for most in [1, 2, 7, 299, 1000, 2000] {
            let mut taken = Vec::new();
            loop {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let piece = piece(&plaintext, taken.len(), most, &mut slices);
                let length: usize = piece.iter().map(|slice| slice.len()).sum();
                assert!(length <= most, "{most}");
                if length == 0 {
                    break;
                }
                assert!(length == most || taken.len() + length == bytes.len(), "{most}");
                piece.iter().for_each(|slice| taken.extend_from_slice(slice));
            }
            assert_eq!(taken, bytes, "{most}");
        }
    }

    #[test]
    fn more_slices_than_a_record_is_made_of_are_left_for_the_next() {
        let plaintext = [IoSlice::new(b"x"); SLICES + 3];
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(piece(&plaintext, 0, 100, &mut slices).len(), SLICES);
        assert_eq!(piece(&plaintext, SLICES, 100, &mut slices).len(), 3);
    }
}
