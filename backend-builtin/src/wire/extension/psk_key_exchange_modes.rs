//! psk_key_exchange_modes (RFC 8446 §4.2.9): with a PSK, is there a key exchange as well?

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The PSK alone: no forward secrecy, never chosen here.
pub(crate) const PSK_KE: u8 = 0;
/// The PSK and (EC)DHE.
pub(crate) const PSK_DHE_KE: u8 = 1;

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    Ok(not_empty(data.vec8()?, "a list of PSK key exchange modes that is empty")?.to_vec())
}

pub(crate) fn encode(modes: &[u8], out: &mut Vec<u8>) {
    out.vec8(|out| out.put_slice(modes));
}
