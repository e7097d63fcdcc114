//! supported_versions (RFC 8446 §4.2.1): the client's versions, most wanted first, and the server's choice.
//!
//! Versions are codes here: a client names older ones and GREASE, too.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u16>, Fault> {
    Reader::new(data.vec8()?).codes(|version| version)
}

pub(crate) fn encode(versions: &[u16], out: &mut Vec<u8>) {
    out.vec8(|out| versions.iter().for_each(|version| out.put_u16(*version)));
}

/// The server's choice.
pub(crate) fn parse_selected(data: &mut Reader<'_>) -> Result<u16, Fault> {
    data.u16()
}

pub(crate) fn encode_selected(selected_version: u16, out: &mut Vec<u8>) {
    out.put_u16(selected_version);
}
