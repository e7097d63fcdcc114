//! What passed on the wire, as far as anybody who listens can read it: records, and the two hellos.

use crate::behaviour::{Stop, failed};

const HANDSHAKE: u8 = 22;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const PRE_SHARED_KEY: u16 = 41;
const KEY_SHARE: u16 = 51;

/// A record (RFC 8446 §5.1), perhaps under encryption.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) content_type: u8,
    pub(crate) fragment: &'a [u8],
}

/// The records in what was recorded.
pub(crate) fn records(mut bytes: &[u8]) -> Result<Vec<Record<'_>>, Stop> {
    let mut records = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some((fragment, rest)) = rest.split_at_checked(length) else {
            return failed(format!("a record of {length} bytes is cut after {}", rest.len()));
        };
        records.push(Record { content_type: header[0], fragment });
        bytes = rest;
    }
    if bytes.is_empty() { Ok(records) } else { failed("a record's header is cut") }
}

/// The first message of a side (RFC 8446 §4.1), down to its extensions.
#[derive(Debug)]
pub(crate) struct Hello {
    extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    /// The ClientHello that a client began with.
    pub(crate) fn of_client(bytes: &[u8]) -> Result<Self, Stop> {
        // legacy_cipher_suites and legacy_compression_methods are lists.
        Self::parse(bytes, |body| body.skip_list::<2>().and_then(|()| body.skip_list::<1>()))
    }

    /// The ServerHello that a server began with.
    pub(crate) fn of_server(bytes: &[u8]) -> Result<Self, Stop> {
        Self::parse(bytes, |body| body.take(3).map(drop))
    }

    fn parse(bytes: &[u8], choices: impl FnOnce(&mut Reader<'_>) -> Option<()>) -> Result<Self, Stop> {
        let records = records(bytes)?;
        let handshake = records.iter().take_while(|record| record.content_type == HANDSHAKE);
        let messages: Vec<u8> = handshake.flat_map(|record| record.fragment).copied().collect();
        match extensions(&messages, choices) {
            Some(extensions) => Ok(Self { extensions }),
            None => failed("what was sent first is no hello"),
        }
    }

    fn extension(&self, wanted: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(kind, _)| *kind == wanted).map(|(_, body)| body.as_slice())
    }

    /// The groups that a client offers, most wanted first.
    pub(crate) fn groups(&self) -> Vec<u16> {
        self.extension(SUPPORTED_GROUPS).map(codes).unwrap_or_default()
    }

    /// The signature schemes that a client accepts, most wanted first.
    pub(crate) fn schemes(&self) -> Vec<u16> {
        self.extension(SIGNATURE_ALGORITHMS).map(codes).unwrap_or_default()
    }

    /// The group of a client's first key share.
    pub(crate) fn first_share(&self) -> Option<u16> {
        let mut shares = Reader(Reader(self.extension(KEY_SHARE)?).list::<2>()?);
        loop {
            let group = u16::from_be_bytes(shares.take(2)?.try_into().ok()?);
            shares.skip_list::<2>()?;
            if !is_reserved(group) {
                return Some(group);
            }
        }
    }

    /// Whether a client offers a session of TLS 1.3, or a server takes one.
    pub(crate) fn has_session(&self) -> bool {
        self.extension(PRE_SHARED_KEY).is_some()
    }
}

fn extensions(
    messages: &[u8],
    choices: impl FnOnce(&mut Reader<'_>) -> Option<()>,
) -> Option<Vec<(u16, Vec<u8>)>> {
    let length = u32::from_be_bytes([0, *messages.get(1)?, *messages.get(2)?, *messages.get(3)?]);
    let mut body = Reader(messages.get(4..4 + usize::try_from(length).ok()?)?);
    // legacy_version and random.
    body.take(2 + 32)?;
    body.skip_list::<1>()?;
    choices(&mut body)?;
    let mut list = Reader(body.list::<2>()?);
    let mut extensions = Vec::new();
    while !list.0.is_empty() {
        let kind = list.take(2)?;
        extensions.push((u16::from_be_bytes([kind[0], kind[1]]), list.list::<2>()?.to_vec()));
    }
    Some(extensions)
}

/// A list of two-byte codes behind its length.
fn codes(list: &[u8]) -> Vec<u16> {
    list.get(2..)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|code| u16::from_be_bytes([code[0], code[1]]))
        .filter(|&code| !is_reserved(code))
        .collect()
}

/// RFC 8701 §2: values that mean nothing, which a client may offer among those that it means.
pub(crate) fn is_reserved(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// What stands behind a length of `N` bytes.
    fn list<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.take(N)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        self.take(length)
    }

    fn skip_list<const N: usize>(&mut self) -> Option<()> {
        self.list::<N>().map(drop)
    }
}
