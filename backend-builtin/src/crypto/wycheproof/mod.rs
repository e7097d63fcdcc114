//! Project Wycheproof's vectors for everything that is called of aws-lc-rs, through this engine's own door.
//!
//! A valid vector must be taken and an invalid one refused. What is valid elsewhere and not in TLS (compressed points,
//! other lengths of salts and nonces) must be refused as well; nothing is passed over but what has no way in here.
//! Each test says how many vectors it ran, so that none falls silent.

mod key_exchange;
mod records;
mod secrets;
mod signatures;

/// How many of a test's vectors were taken and how many were refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    taken: usize,
    refused: usize,
}

impl Tally {
    fn count(&mut self, is_taken: bool) {
        match is_taken {
            true => self.taken += 1,
            false => self.refused += 1,
        }
    }
}
