//! ServerHelloDone (RFC 5246 §7.4.5).

use super::{HandshakeType, encode_handshake};
use crate::{error::Fault, wire::codec::Reader};

/// A TLS 1.2 server's first flight ends. It says no more than its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerHelloDone;

impl ServerHelloDone {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        Reader::new(body).finish()?;
        Ok(Self)
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        encode_handshake(HandshakeType::SERVER_HELLO_DONE, |_| ())
    }
}
