//! How much plaintext the records hold that a stream sends: it decides when the peer's application sees the first of it.

use std::{io::IoSlice, sync::LazyLock, time::Instant};

use crate::RecordSizing;

/// What fits one segment of TCP: an Ethernet frame of 1500 bytes less the headers of IPv6 (40) and of TCP with
/// timestamps (32), and what the longest record adds (29: header, explicit nonce and tag of RFC 5288 §3).
const SEGMENT: usize = 1500 - 40 - 32 - 29;

/// How much is sent in small records: what a sender in slow start (RFC 6928) has under way in its first two rounds
/// and a half.
const SMALL_RECORDS: u16 = 40 * SEGMENT as u16;

/// After so many milliseconds without a write of more than a segment the path may have changed, and TCP begins slowly
/// again (RFC 5681 §4.1): less than that has not shown it what the path carries (RFC 7661 §1.1).
const IDLE: u32 = 1000;

/// Where a stream stands in its [`RecordSizing`], in as few bytes as many idle streams want it to take.
#[derive(Debug)]
pub(super) struct RecordSizes {
    /// When more than a segment was written last, by [`milliseconds`].
    written: u32,
    /// How many bytes are still to be sent in small records.
    small: u16,
    sizing: RecordSizing,
}

/// A clock that only differences are read from, and that comes round in 49 days.
pub(super) fn milliseconds() -> u32 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u32
}

impl RecordSizes {
    pub(super) fn new(sizing: RecordSizing) -> Self {
        let small = match sizing {
            RecordSizing::SmallFirst => SMALL_RECORDS,
            RecordSizing::Full => 0,
        };
        Self { written: 0, small, sizing }
    }

    /// Notes that so many bytes are about to be written now, in [`milliseconds`]. The clock is asked where it matters: it
    /// takes a good part of the time that a short record does.
    pub(super) fn write_at(&mut self, length: usize, now: impl FnOnce() -> u32) {
        if self.sizing == RecordSizing::Full || length <= SEGMENT {
            return;
        }
        let now = now();
        if now.wrapping_sub(self.written) >= IDLE {
            self.small = SMALL_RECORDS;
        }
        self.written = now;
    }

    /// The most plaintext that the next record may hold; `None` for as much as a record takes.
    pub(super) fn most(&self) -> Option<usize> {
        (self.small > 0).then_some(SEGMENT)
    }

    /// Notes that this much plaintext was taken.
    pub(super) fn taken(&mut self, count: usize) {
        self.small = self.small.saturating_sub(count.try_into().unwrap_or(u16::MAX));
    }
}

/// From how many slices one small record is sealed where they are.
pub(super) const SLICES: usize = 16;

/// What of `plaintext` comes after its first `skip` bytes, up to `most` bytes; `None` if it has more slices than there is
/// room for.
pub(super) fn piece<'a, 'b>(
    plaintext: &'a [IoSlice<'_>],
    skip: usize,
    most: usize,
    slices: &'b mut [IoSlice<'a>; SLICES],
) -> Option<&'b [IoSlice<'a>]> {
    let mut count = 0;
    for rest in rests(plaintext, skip, most) {
        *slices.get_mut(count)? = IoSlice::new(rest);
        count += 1;
    }
    Some(&slices[..count])
}

/// As [`piece`], in one slice, for as long as a call. `most` is what [`RecordSizes::most`] says.
pub(super) fn gather<T>(
    plaintext: &[IoSlice<'_>],
    skip: usize,
    most: usize,
    call: impl FnOnce(&[u8]) -> T,
) -> T {
    let mut gathered = [0; SEGMENT];
    let mut length = 0;
    for rest in rests(plaintext, skip, most.min(SEGMENT)) {
        gathered[length..length + rest.len()].copy_from_slice(rest);
        length += rest.len();
    }
    call(&gathered[..length])
}

/// The slices of what comes after the first `skip` bytes, up to `most` bytes; none is empty.
fn rests<'a>(
    plaintext: &'a [IoSlice<'_>],
    mut skip: usize,
    mut most: usize,
) -> impl Iterator<Item = &'a [u8]> {
    let rests = plaintext.iter().map_while(move |slice| {
        if most == 0 {
            return None;
        }
        let rest = &slice[skip.min(slice.len())..];
        skip = skip.saturating_sub(slice.len());
        let rest = &rest[..most.min(rest.len())];
        most -= rest.len();
        Some(rest)
    });
    rests.filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_records_come_first_and_after_a_pause() {
        let mut sizes = RecordSizes::new(RecordSizing::SmallFirst);
        let start = u32::MAX - 100;
        let long = SEGMENT + 1;
        sizes.write_at(long, || start);
        for _ in 0..40 {
            assert_eq!(sizes.most(), Some(SEGMENT));
            sizes.taken(SEGMENT);
        }
        assert_eq!(sizes.most(), None);
        sizes.write_at(long, || start.wrapping_add(IDLE / 2));
        assert_eq!(sizes.most(), None, "no pause");
        sizes.write_at(long, || start.wrapping_add(IDLE));
        assert_eq!(sizes.most(), None, "the pause is counted from the last write");
        sizes.write_at(long, || start.wrapping_add(2 * IDLE));
        assert_eq!(sizes.most(), Some(SEGMENT));
    }

    #[test]
    fn full_records_and_what_fits_a_small_one_ask_no_clock() {
        for (sizing, length) in [(RecordSizing::Full, usize::MAX), (RecordSizing::SmallFirst, SEGMENT)] {
            let mut sizes = RecordSizes::new(sizing);
            sizes.taken(usize::from(SMALL_RECORDS));
            sizes.write_at(length, || panic!("the clock is asked"));
            assert_eq!(sizes.most(), None);
        }
    }

    #[test]
    fn the_last_small_record_may_be_of_any_length() {
        let mut sizes = RecordSizes::new(RecordSizing::SmallFirst);
        sizes.taken(usize::from(SMALL_RECORDS) - 1);
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
                let piece = piece(&plaintext, taken.len(), most, &mut slices).unwrap();
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
    fn more_slices_than_there_is_room_for_are_gathered() {
        let plaintext = [IoSlice::new(b"one"); 1000];
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(piece(&plaintext, 0, 3 * SLICES, &mut slices).unwrap().len(), SLICES);
        assert!(piece(&plaintext, 0, 3 * SLICES + 1, &mut slices).is_none());
        assert!(piece(&plaintext, 1, 3 * SLICES, &mut slices).is_none());
        gather(&plaintext, 1, SEGMENT, |bytes| assert_eq!(bytes, &b"one".repeat(1000)[1..=SEGMENT]));
        gather(&plaintext, 2998, SEGMENT, |bytes| assert_eq!(bytes, b"ne"));
        gather(&plaintext, 3000, SEGMENT, |bytes| assert_eq!(bytes, b""));
    }
}
