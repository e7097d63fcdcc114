//! Lines in both directions, bounded.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{broken, injected};
use crate::failure::Failure;

/// The longest line that is waited for. RFC 5321 §4.5.3.1.5 grants a reply 512 bytes; capabilities of IMAP take more.
const LINE: usize = 8 * 1024;

/// How much is read in the whole conversation.
const TOTAL: usize = 64 * 1024;

/// How much of a reply an error quotes.
const QUOTED: usize = 200;

/// A stream of lines, with what has been received beyond the last of them.
pub(super) struct Lines<'a, IO> {
    io: &'a mut IO,
    received: Vec<u8>,
    left: usize,
}

impl<'a, IO: AsyncRead + AsyncWrite + Unpin> Lines<'a, IO> {
    pub(super) fn new(io: &'a mut IO) -> Self {
        Self { io, received: Vec::new(), left: TOTAL }
    }

    /// The next line, without its end.
    pub(super) async fn read(&mut self) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                return Ok(String::from_utf8_lossy(line).into_owned());
            }
            if self.received.len() >= LINE || self.left == 0 {
                return Err(Failure::connection("the server sends more than a reply may hold"));
            }
            let mut chunk = [0; 1024];
            let room = chunk.len().min(self.left);
            let count = self.io.read(&mut chunk[..room]).await.map_err(|error| broken(&error))?;
            if count == 0 {
                return Err(broken(&io::ErrorKind::UnexpectedEof.into()));
            }
            self.left -= count;
            self.received.extend_from_slice(&chunk[..count]);
        }
    }

    /// Sends a line.
    pub(super) async fn send(&mut self, line: &str) -> Result<(), Failure> {
        let bytes = format!("{line}\r\n").into_bytes();
        self.io.write_all(&bytes).await.map_err(|error| broken(&error))?;
        self.io.flush().await.map_err(|error| broken(&error))
    }

    /// The end of plaintext: nothing may have come after the server's consent.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.received.is_empty() { Ok(()) } else { Err(injected()) }
    }
}

/// What the server said, for an error.
pub(super) fn quoted(line: &str) -> String {
    if line.chars().count() <= QUOTED {
        return format!("`{line}`");
    }
    format!("`{}...`", line.chars().take(QUOTED).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_without_end_is_bounded() {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        far.write_all(&vec![b'x'; 2 * LINE]).await.unwrap();
        let failure = Lines::new(&mut near).read().await.unwrap_err();
        assert!(failure.message.contains("more than a reply may hold"), "{}", failure.message);
    }

    #[tokio::test]
    async fn lines_without_number_are_bounded() {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        far.write_all(&b"220-again\r\n".repeat(TOTAL / 8)).await.unwrap();
        let mut lines = Lines::new(&mut near);
        let failure = loop {
            if let Err(failure) = lines.read().await {
                break failure;
            }
        };
        assert!(failure.message.contains("more than a reply may hold"), "{}", failure.message);
    }

    #[test]
    fn a_quotation_is_cut() {
        assert_eq!(quoted("550 no"), "`550 no`");
        assert_eq!(quoted(&"ü".repeat(QUOTED + 1)).chars().count(), QUOTED + 5);
    }
}
