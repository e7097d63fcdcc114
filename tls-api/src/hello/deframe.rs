//! From the bytes of one direction to its handshake messages (RFC 8446 §5.1 and §4; the same in RFC 5246).
//!
//! A record may come in any number of pieces, a message in any number of records, and a record may hold
//! many messages. Only the bodies that the observer reads are kept, and those up to a bound.

use crate::AlertDescription;

/// RFC 8446 §5.1: the longest fragment of a plaintext record.
const MAX_FRAGMENT: usize = 1 << 14;
pub(super) const MAX_CLIENT_HELLO: usize = 64 * 1024;
const MAX_SERVER_MESSAGE: usize = 16 * 1024;

/// Reads records up to the first encrypted one.
#[derive(Debug)]
pub(super) struct Deframer {
    client_hello_limit: usize,
    record_header: Header<5>,
    is_handshake: bool,
    fragment_left: usize,
    message_header: Header<4>,
    message: Option<Message>,
    finished: bool,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::with_client_hello_limit(MAX_CLIENT_HELLO)
    }
}

impl Deframer {
    /// One for which a ClientHello is too long above `client_hello_limit` bytes.
    pub(super) fn with_client_hello_limit(client_hello_limit: usize) -> Self {
        Self {
            client_hello_limit,
            record_header: Header::default(),
            is_handshake: false,
            fragment_left: 0,
            message_header: Header::default(),
            message: None,
            finished: false,
        }
    }

    /// The next event in `bytes`, which is moved behind it; `None` when more bytes are needed or wanted no more.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        while !self.finished && !bytes.is_empty() {
            let event = match self.fragment_left {
                0 => self.read_record_header(bytes),
                _ => self.read_fragment(bytes),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// Looks at no further byte.
    pub(super) fn finish(&mut self) {
        *self = Self { finished: true, ..Self::default() };
    }

    fn read_record_header(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        // RFC 8446 §5.1: legacy_record_version must be ignored.
        let [content_type, _, _, high, low] = self.record_header.fill(bytes)?;
        self.fragment_left = usize::from(u16::from_be_bytes([high, low]));
        self.is_handshake = content_type == 22;
        match content_type {
            20..=22 if self.fragment_left > MAX_FRAGMENT => {
                self.unreadable(AlertDescription::RECORD_OVERFLOW)
            }
            20 => Some(Event::ChangeCipherSpec),
            21 => Some(Event::Alert),
            // RFC 8446 §5.1: a fragment of a handshake message must not be empty.
            22 if self.fragment_left == 0 => self.unreadable(AlertDescription::UNEXPECTED_MESSAGE),
            22 => None,
            // application_data, which in a handshake is encrypted TLS 1.3, or not TLS at all.
            _ => self.unreadable(AlertDescription::UNEXPECTED_MESSAGE),
        }
    }

    fn unreadable(&mut self, alert: AlertDescription) -> Option<Event> {
        self.finish();
        Some(Event::Unreadable(alert))
    }

    fn read_fragment(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        let (fragment, _) = split_up_to(bytes, self.fragment_left);
        let mut unread = fragment;
        let event = if self.is_handshake {
            self.read_message(&mut unread)
        } else {
            unread = &[];
            None
        };
        let read = fragment.len() - unread.len();
        self.fragment_left -= read;
        (_, *bytes) = split_up_to(bytes, read);
        event
    }

    fn read_message(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        let mut message = match self.message.take() {
            Some(message) => message,
            None => Message::new(self.message_header.fill(bytes)?, self.client_hello_limit),
        };
        if message.kept.is_some_and(|most| message.left > most) {
            self.finished = true;
            return Some(Event::TooLong(message.msg_type));
        }
        message.read(bytes);
        if message.left > 0 {
            self.message = Some(message);
            return None;
        }
        Some(Event::Message(message.msg_type, message.body))
    }
}

/// What a direction said.
#[derive(Debug)]
pub(super) enum Event {
    /// A whole message. The body is empty where nobody reads it.
    Message(HandshakeType, Vec<u8>),
    /// A message whose body would be read but is longer than the bound. Nothing follows.
    TooLong(HandshakeType),
    ChangeCipherSpec,
    Alert,
    /// A record that cannot be read: it is encrypted, or it is none, for which its sender deserves this alert.
    /// Nothing follows.
    Unreadable(AlertDescription),
}

/// RFC 5246 §7.4: the messages that tell something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeType {
    ClientHello,
    ServerHello,
    NewSessionTicket,
    Certificate,
    ServerKeyExchange,
    ServerHelloDone,
    Other,
}

impl From<u8> for HandshakeType {
    fn from(code: u8) -> Self {
        match code {
            1 => Self::ClientHello,
            2 => Self::ServerHello,
            4 => Self::NewSessionTicket,
            11 => Self::Certificate,
            12 => Self::ServerKeyExchange,
            14 => Self::ServerHelloDone,
            _ => Self::Other,
        }
    }
}

/// A handshake message on its way in.
#[derive(Debug)]
struct Message {
    msg_type: HandshakeType,
    left: usize,
    /// The longest body that is kept; `None` skips a body of any length.
    kept: Option<usize>,
    body: Vec<u8>,
}

impl Message {
    /// RFC 8446 §4: one byte of type, three of length.
    fn new([msg_type, high, middle, low]: [u8; 4], client_hello_limit: usize) -> Self {
        let msg_type = HandshakeType::from(msg_type);
        let kept = match msg_type {
            HandshakeType::ClientHello => Some(client_hello_limit),
            HandshakeType::ServerHello | HandshakeType::ServerKeyExchange => Some(MAX_SERVER_MESSAGE),
            _ => None,
        };
        let left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        Self { msg_type, left, kept, body: Vec::new() }
    }

    fn read(&mut self, bytes: &mut &[u8]) {
        let (read, rest) = split_up_to(bytes, self.left);
        if self.kept.is_some() {
            self.body.extend_from_slice(read);
        }
        self.left -= read.len();
        *bytes = rest;
    }
}

/// A header of `N` bytes, which may come one by one.
#[derive(Debug)]
struct Header<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

impl<const N: usize> Default for Header<N> {
    fn default() -> Self {
        Self { bytes: [0; N], filled: 0 }
    }
}

impl<const N: usize> Header<N> {
    /// Takes what is missing from `bytes`; a full header is returned, and the next one begins.
    fn fill(&mut self, bytes: &mut &[u8]) -> Option<[u8; N]> {
        for slot in self.bytes.iter_mut().skip(self.filled) {
            (*slot, *bytes) = bytes.split_first().map(|(first, rest)| (*first, rest))?;
            self.filled += 1;
        }
        self.filled = 0;
        Some(self.bytes)
    }
}

fn split_up_to(bytes: &[u8], most: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(most).unwrap_or((bytes, &[]))
}

#[cfg(test)]
impl Deframer {
    /// Bytes of heap in use.
    pub(super) fn held(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.body.capacity())
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }
}
