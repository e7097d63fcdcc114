//! early_data (RFC 8446 §4.2.10): no data where it offers or accepts, and a size where a ticket allows it.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// In ClientHello and EncryptedExtensions.
pub(crate) fn parse(data: &mut Reader<'_>) -> Result<bool, Fault> {
    data.finish()?;
    Ok(true)
}

/// In NewSessionTicket: `max_early_data_size`, in bytes.
pub(crate) fn parse_max_size(data: &mut Reader<'_>) -> Result<u32, Fault> {
    data.u32()
}

pub(crate) fn encode_max_size(max_early_data_size: u32, out: &mut Vec<u8>) {
    out.put_u32(max_early_data_size);
}
