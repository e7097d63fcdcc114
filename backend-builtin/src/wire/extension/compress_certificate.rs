//! compress_certificate (RFC 8879 §3): the algorithms that a certificate may be compressed with.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// RFC 1950, with the DEFLATE of RFC 1951.
pub(crate) const ZLIB: u16 = 1;

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u16>, Fault> {
    let algorithms = Reader::new(data.vec8()?).codes(|algorithm| algorithm)?;
    let mut sorted = algorithms.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != algorithms.len() {
        return Err(Fault::IllegalParameter("a certificate compression algorithm that is listed twice"));
    }
    Ok(algorithms)
}

pub(crate) fn encode(algorithms: &[u16], out: &mut Vec<u8>) {
    out.vec8(|out| algorithms.iter().for_each(|algorithm| out.put_u16(*algorithm)));
}
