//! What a ServerHello says that `ConnectionInfo` does not tell: read from the first bytes of a connection.

/// RFC 8446 §4.1.3: the random of a ServerHello that is a HelloRetryRequest.
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// RFC 7627 §5.1 and RFC 5746 §3.2.
pub(crate) const EXTENDED_MASTER_SECRET: u16 = 23;
pub(crate) const RENEGOTIATION_INFO: u16 = 0xff01;

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// What a server answered in the clear.
#[derive(Debug, Default)]
pub(crate) struct ServerHellos {
    pub(crate) hello_retry_request: bool,
    /// The types of the extensions of the last ServerHello.
    pub(crate) extensions: Vec<u16>,
}

impl ServerHellos {
    /// Reads the server's first bytes, as far as they can be read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let _ = found.read_messages(&handshake_bytes(bytes));
        found
    }

    fn read_messages(&mut self, mut bytes: &[u8]) -> Option<()> {
        loop {
            let header = take(&mut bytes, 4)?;
            let length =
                usize::from(header[1]) << 16 | usize::from(u16::from_be_bytes([header[2], header[3]]));
            let body = take(&mut bytes, length)?;
            if header[0] == SERVER_HELLO {
                self.read_hello(body)?;
            }
        }
    }

    fn read_hello(&mut self, mut body: &[u8]) -> Option<()> {
        take(&mut body, 2)?;
        self.hello_retry_request |= take(&mut body, 32)? == HELLO_RETRY_REQUEST;
        let session_id = take(&mut body, 1)?[0];
        take(&mut body, usize::from(session_id))?;
        take(&mut body, 3)?;
        self.extensions.clear();
        let length = number(&mut body)?;
        let mut extensions = take(&mut body, length)?;
        while !extensions.is_empty() {
            self.extensions.push(u16::try_from(number(&mut extensions)?).ok()?);
            let length = number(&mut extensions)?;
            take(&mut extensions, length)?;
        }
        Some(())
    }
}

/// What the records of handshake messages carry, up to the first record that begins what is encrypted.
fn handshake_bytes(mut bytes: &[u8]) -> Vec<u8> {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let mut messages = Vec::new();
    while let Some(header) = take(&mut bytes, 5) {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some(fragment) = take(&mut bytes, length) else { break };
        match header[0] {
            HANDSHAKE => messages.extend_from_slice(fragment),
            CHANGE_CIPHER_SPEC => {}
            _ => break,
        }
    }
    messages
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let taken = take(bytes, 2)?;
    Some(usize::from(u16::from_be_bytes([taken[0], taken[1]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(random: [u8; 32], extension: u16) -> Vec<u8> {
        let [high, low] = extension.to_be_bytes();
        let body = [&[3, 3][..], &random, &[0, 0x13, 1, 0, 0, 4, high, low, 0, 0]].concat();
        let message = [&[SERVER_HELLO, 0, 0, body.len() as u8][..], &body].concat();
        [&[HANDSHAKE, 3, 3, 0, message.len() as u8][..], &message].concat()
    }

    #[test]
    fn a_retry_and_the_extensions_of_the_last_hello_are_found() {
        let retried = [hello(HELLO_RETRY_REQUEST, 51), hello([7; 32], EXTENDED_MASTER_SECRET)].concat();
        let found = ServerHellos::read(&retried);
        assert!(found.hello_retry_request);
        assert_eq!(found.extensions, [EXTENDED_MASTER_SECRET]);
        assert!(!ServerHellos::read(&hello([7; 32], 51)).hello_retry_request);
    }

    #[test]
    fn what_is_cut_is_read_as_far_as_it_goes() {
        let whole = hello([7; 32], 51);
        for cut in 0..whole.len() {
            assert!(ServerHellos::read(&whole[..cut]).extensions.is_empty());
        }
    }
}
