//! No TLS at all: what the byte stream itself costs.

use super::{Io, Negotiated, Refusal, Stack};
use crate::{
    Certificates, Scenario, Settings,
    scenarios::{Over, prepare},
    worker::Entry,
};

/// The byte stream as it is.
#[derive(Debug)]
pub struct Plain(());

/// In memory there is nothing in making a connection.
pub(super) fn entry() -> Entry {
    Entry {
        prepare: |scenario, settings| match scenario {
            Scenario::Handshakes { over: Over::Memory } => Err(Refusal::new("there is no handshake")),
            _ => prepare::<Plain>(scenario, settings),
        },
        ..Entry::of::<Plain>()
    }
}

impl Stack for Plain {
    const NAME: &'static str = "plain";
    type Client<IO: Io> = IO;
    type Server<IO: Io> = IO;

    fn new(_: &Settings, _: &Certificates) -> Result<Self, Refusal> {
        Ok(Self(()))
    }

    fn version() -> String {
        "no TLS".into()
    }

    async fn connect<IO: Io>(&self, io: IO) -> IO {
        io
    }

    async fn accept<IO: Io>(&self, io: IO) -> IO {
        io
    }

    fn negotiated<IO: Io>(_: &IO) -> Negotiated {
        Negotiated::default()
    }

    fn client_presented<IO: Io>(_: &IO) -> Option<bool> {
        None
    }
}
