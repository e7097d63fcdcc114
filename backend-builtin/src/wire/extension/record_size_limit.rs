//! record_size_limit (RFC 8449 §4): the largest plaintext of a record that the sender takes.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// RFC 8449 §4: no less may be asked for.
pub(crate) const LEAST: u16 = 64;

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<u16, Fault> {
    let limit = data.u16()?;
    if limit < LEAST { Err(Fault::IllegalParameter("a record_size_limit below 64")) } else { Ok(limit) }
}

pub(crate) fn encode(limit: u16, out: &mut Vec<u8>) {
    out.put_u16(limit);
}
