//! Words for log lines: whom a verdict is about. What a peer chose is shortened, and cannot break a line.

use std::fmt::{self, Write};

use super::{ExpectedPeer, PresentedChain};
use crate::x509::Certificate;

/// The most characters of what a peer chose that one field of a log line shows.
const MOST_CHARACTERS: usize = 500;

/// The subject of the end entity's certificate.
pub(super) fn subject(chain: &PresentedChain<'_>) -> String {
    match Certificate::parse(chain.end_entity) {
        Ok(certificate) => shortened(&certificate.subject),
        Err(malformed) => shortened(&format_args!("malformed: {malformed}")),
    }
}

/// Who was asked for.
pub(super) fn expected(peer: &ExpectedPeer<'_>) -> String {
    match peer {
        ExpectedPeer::Server(name) => shortened(name),
        ExpectedPeer::Client => "a client".into(),
    }
}

/// The text with its control characters escaped, and at most [`MOST_CHARACTERS`] of it.
pub(super) fn shortened(text: &dyn fmt::Display) -> String {
    let mut line = Line { text: String::new(), left: MOST_CHARACTERS };
    if write!(line, "{text}").is_err() {
        line.text.push('…');
    }
    line.text
}

struct Line {
    text: String,
    left: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            match character.is_control() {
                true => self.text.extend(character.escape_default()),
                false => self.text.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_chose_stays_in_its_line() {
        assert_eq!(shortened(&"a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(shortened(&"ä".repeat(MOST_CHARACTERS)), "ä".repeat(MOST_CHARACTERS));
        let long = shortened(&"ä".repeat(100_000));
        assert_eq!(long.chars().count(), MOST_CHARACTERS + 1);
        assert!(long.ends_with('…'));
    }
}
