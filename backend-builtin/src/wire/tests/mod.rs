//! What the tests of wire files share; `deal` makes values of any bytes, `properties` has what holds for all of them,
//! `refusals` the alerts of single faults, `recorded` the hellos of real clients.

mod deal;
mod properties;
mod recorded;
mod refusals;

use polytls_api::AlertDescription;

use super::codec::Reader;
use crate::error::Fault;

/// What `parse` makes of `data`, all of it.
pub(super) fn whole<'a, T>(
    data: &'a [u8],
    parse: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, AlertDescription> {
    let mut reader = Reader::new(data);
    let value = parse(&mut reader).map_err(alert)?;
    reader.finish().map_err(alert)?;
    Ok(value)
}

pub(super) fn written(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

pub(super) fn alert(fault: Fault) -> AlertDescription {
    fault.alert().expect("what is wrong with a message is told")
}

/// The body of a whole message.
pub(super) fn body(message: &[u8]) -> &[u8] {
    &message[super::handshake::HEADER_LEN..]
}
