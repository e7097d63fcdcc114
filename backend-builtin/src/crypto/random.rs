//! Random bytes from the library's generator, which the operating system seeds.

use crate::error::Fault;

/// Fills `out` with random bytes.
pub(crate) fn random(out: &mut [u8]) -> Result<(), Fault> {
    aws_lc_rs::rand::fill(out).map_err(|_| Fault::Internal("no random bytes can be had"))
}
