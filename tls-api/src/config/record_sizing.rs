//! How long the records are that are sent.

/// How long the records are that a stream sends.
///
/// A peer reads nothing of a record before all of it has come. A full record is longer than what TCP sends in its first
/// round trip, so with full records alone the peer waits for a second one before it sees the first byte of a long answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordSizing {
    /// At first and after every second without a write of more than a segment of TCP, 55,960 bytes in records of up to
    /// 1,399, each of which fits a segment; then full ones. Records that are padded are full ones from the first. The
    /// default.
    #[default]
    SmallFirst,
    /// Records as full as what is written allows: least work for both sides, where first bytes do not matter.
    Full,
}
