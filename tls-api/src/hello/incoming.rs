//! The first ClientHello of a connection, found in bytes that nobody consumes.
//!
//! Stricter than the observer: nothing but handshake records may come before a server has spoken.

use super::{
    client_hello::{ClientHello, Malformed},
    deframe::{Deframer, Event, HandshakeType, MAX_CLIENT_HELLO},
};
use crate::{AlertDescription, Buffer, Error, ErrorKind};

const HANDSHAKE_RECORD: u8 = 22;
const RECORD_HEADER: usize = 5;
const CLIENT_HELLO: u8 = 1;

/// A ClientHello on its way in, or what came of it.
#[derive(Debug)]
pub(crate) struct IncomingHello {
    deframer: Deframer,
    /// How many bytes from the front have been read.
    read: usize,
    outcome: Option<Result<ClientHello, Error>>,
}

impl Default for IncomingHello {
    fn default() -> Self {
        Self::with_limit(MAX_CLIENT_HELLO)
    }
}

impl IncomingHello {
    /// One that takes hellos of up to `limit` bytes, and never more than 64 KiB.
    pub(crate) fn with_limit(limit: usize) -> Self {
        let deframer = Deframer::with_client_hello_limit(limit.min(MAX_CLIENT_HELLO));
        Self { deframer, read: 0, outcome: None }
    }

    /// Reads on in `incoming`, which begins with the first byte of the connection until there is an outcome;
    /// `None` when more must come. The alert for a client that is refused goes to `outgoing`, once.
    pub(crate) fn read(
        &mut self,
        incoming: &[u8],
        outgoing: &mut Buffer,
    ) -> Option<Result<ClientHello, Error>> {
        if self.outcome.is_none() {
            let outcome = self.find(incoming)?.map_err(|refusal| refusal.send(outgoing));
            self.deframer.finish();
            self.outcome = Some(outcome);
        }
        self.outcome.clone()
    }

    /// Refuses a client that has sent as much as it may, and still no whole hello.
    pub(crate) fn give_up(&mut self, outgoing: &mut Buffer) {
        self.outcome.get_or_insert_with(|| Err(Refusal::too_long().send(outgoing)));
    }

    fn find(&mut self, incoming: &[u8]) -> Option<Result<ClientHello, Refusal>> {
        let header = incoming.get(..RECORD_HEADER).unwrap_or(incoming);
        if header.first().is_some_and(|content_type| *content_type != HANDSHAKE_RECORD) {
            return Some(Err(Refusal::unexpected()));
        }
        // Byte by byte, so to speak: of several faults the first is told, whatever came together.
        if let Some(event) = self.advance(header) {
            return Some(outcome(event));
        }
        if incoming.get(RECORD_HEADER).is_some_and(|msg_type| *msg_type != CLIENT_HELLO) {
            return Some(Err(Refusal::unexpected()));
        }
        self.advance(incoming).map(outcome)
    }

    /// Reads what was not read before.
    fn advance(&mut self, incoming: &[u8]) -> Option<Event> {
        let mut unread = incoming.get(self.read..).unwrap_or_default();
        let length = unread.len();
        let event = self.deframer.next(&mut unread);
        self.read += length - unread.len();
        event
    }
}

fn outcome(event: Event) -> Result<ClientHello, Refusal> {
    match event {
        Event::Message(HandshakeType::ClientHello, body) => {
            ClientHello::parse_or_alert(&body).map_err(Refusal::from)
        }
        Event::TooLong(_) => Err(Refusal::too_long()),
        Event::Unreadable(alert) => Err(Refusal { alert, ..Refusal::unexpected() }),
        Event::Message(..) | Event::ChangeCipherSpec | Event::Alert => Err(Refusal::unexpected()),
    }
}

/// Why there is no ClientHello, and what the client is told.
struct Refusal {
    kind: ErrorKind,
    alert: AlertDescription,
    reason: &'static str,
}

impl Refusal {
    fn unexpected() -> Self {
        Self {
            kind: ErrorKind::InvalidMessage,
            // RFC 8446 §5 and §4.
            alert: AlertDescription::UNEXPECTED_MESSAGE,
            reason: "a connection must begin with a ClientHello",
        }
    }

    fn too_long() -> Self {
        Self {
            kind: ErrorKind::LimitExceeded,
            alert: AlertDescription::ILLEGAL_PARAMETER,
            reason: "the ClientHello is longer than the limit",
        }
    }

    fn send(self, outgoing: &mut Buffer) -> Error {
        outgoing.extend(&self.alert.plaintext_record());
        Error::new(self.kind).with_alert_sent(self.alert).with_source(self.reason)
    }
}

impl From<Malformed> for Refusal {
    fn from(Malformed { alert, rule }: Malformed) -> Self {
        Self { kind: ErrorKind::InvalidMessage, alert, reason: rule }
    }
}

#[cfg(test)]
impl IncomingHello {
    /// Bytes of heap in use, but for the outcome.
    pub(super) fn held(&self) -> usize {
        self.deframer.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::tests::{
        ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, SERVER_HELLO, client_hello, message, record,
        records,
    };

    /// What comes of bytes that arrive `piece` by `piece`, with the alert and with how many bytes that took.
    fn read(
        bytes: &[u8],
        piece: usize,
        limit: usize,
    ) -> Option<(Result<ClientHello, Error>, Vec<u8>, usize)> {
        let mut hello = IncomingHello::with_limit(limit);
        let mut outgoing = Buffer::new();
        for came in (0..=bytes.len()).step_by(piece).chain([bytes.len()]) {
            if let Some(outcome) = hello.read(&bytes[..came], &mut outgoing) {
                let again = hello.read(&bytes[..came], &mut outgoing).unwrap();
                assert_eq!(again.is_ok(), outcome.is_ok(), "the second answer is the first");
                return Some((outcome, outgoing.filled().to_vec(), came));
            }
        }
        None
    }

    fn refused(bytes: &[u8]) -> (ErrorKind, AlertDescription, usize) {
        let (outcome, alert, came) = read(bytes, 1, MAX_CLIENT_HELLO).unwrap();
        let error = outcome.unwrap_err();
        let told = error.alert_sent().unwrap();
        assert_eq!(alert, told.plaintext_record(), "the alert goes out once");
        (error.kind().clone(), told, came)
    }

    #[test]
    fn a_hello_is_the_same_however_it_comes() {
        let message = client_hello();
        let expected = ClientHello::parse(&message[4..]).unwrap();
        for size in [1, 2, 3, 5, 50, 16_384] {
            let bytes = records(&message, size);
            for piece in [1, 2, 7, bytes.len()] {
                let (outcome, alert, came) = read(&bytes, piece, MAX_CLIENT_HELLO).unwrap();
                assert_eq!(outcome.unwrap(), expected);
                assert!(alert.is_empty() && came <= bytes.len());
            }
            assert!(
                read(&bytes[..bytes.len() - 1], 1, MAX_CLIENT_HELLO).is_none(),
                "the last byte is missing"
            );
        }
    }

    #[test]
    fn what_is_no_hello_is_refused_at_its_first_sign() {
        use AlertDescription as Alert;
        let unexpected = |came| (ErrorKind::InvalidMessage, Alert::UNEXPECTED_MESSAGE, came);
        assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), unexpected(1));
        for content_type in [ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA, 24, 0x80] {
            assert_eq!(refused(&record(content_type, &[1, 0])), unexpected(1));
        }
        assert_eq!(refused(&record(HANDSHAKE, &message(SERVER_HELLO, &[0; 50]))), unexpected(6));
        assert_eq!(refused(&record(HANDSHAKE, &[])), unexpected(5));
        let overflow = (ErrorKind::InvalidMessage, Alert::RECORD_OVERFLOW, 5);
        assert_eq!(refused(&[HANDSHAKE, 3, 1, 0x40, 1]), overflow);
    }

    #[test]
    fn another_record_in_the_middle_of_a_hello_is_refused() {
        let mut bytes = records(&client_hello(), 30);
        for content_type in [ALERT, CHANGE_CIPHER_SPEC] {
            bytes.splice(35.., record(content_type, &[1, 0]));
            let expected = (ErrorKind::InvalidMessage, AlertDescription::UNEXPECTED_MESSAGE, 40);
            assert_eq!(refused(&bytes), expected);
        }
    }

    #[test]
    fn a_hello_above_the_limit_is_refused_when_its_length_is_known() {
        let bytes = records(&message(CLIENT_HELLO, &[0; MAX_CLIENT_HELLO + 1]), 1000);
        assert_eq!(refused(&bytes), (ErrorKind::LimitExceeded, AlertDescription::ILLEGAL_PARAMETER, 9));
        let bytes = record(HANDSHAKE, &client_hello());
        let length = bytes.len() - 9;
        assert!(read(&bytes, 1, length).unwrap().0.is_ok());
        assert!(read(&bytes, 1, length - 1).unwrap().0.is_err());
        assert_eq!(IncomingHello::with_limit(usize::MAX).deframer.held(), 0);
    }

    #[test]
    fn a_malformed_hello_is_refused_with_the_alert_of_its_fault() {
        let bytes = record(HANDSHAKE, &message(CLIENT_HELLO, &[3, 3, 0]));
        let length = bytes.len();
        assert_eq!(refused(&bytes), (ErrorKind::InvalidMessage, AlertDescription::DECODE_ERROR, length));
    }
}
