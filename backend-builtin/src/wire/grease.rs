//! GREASE (RFC 8701): values that mean nothing, sent so that nobody's parser comes to rely on the known ones.

use super::codec::Put;

/// The two-byte values of RFC 8701 §2, for cipher suites, groups, versions, signature schemes and extensions.
pub(crate) const VALUES: [u16; 16] = [
    0x0a0a, 0x1a1a, 0x2a2a, 0x3a3a, 0x4a4a, 0x5a5a, 0x6a6a, 0x7a7a, 0x8a8a, 0x9a9a, 0xaaaa, 0xbaba, 0xcaca,
    0xdada, 0xeaea, 0xfafa,
];

/// The value that a random byte chooses.
pub(crate) fn value(random: u8) -> u16 {
    let byte = (random & 0xf0) | 0x0a;
    u16::from_be_bytes([byte, byte])
}

/// The PskKeyExchangeMode that a random byte chooses: RFC 8701 §2 has eight, from 0x0b in steps of 0x1f.
pub(crate) fn psk_key_exchange_mode(random: u8) -> u8 {
    0x0b + 0x1f * (random & 7)
}

/// Whether `code` is one of [`VALUES`].
pub(crate) fn is_grease(code: u16) -> bool {
    VALUES.contains(&code)
}

/// An extension that means nothing, with `data`.
pub(super) fn put_extension(out: &mut Vec<u8>, code: u16, data: &[u8]) {
    out.put_u16(code);
    out.vec16(|out| out.put_slice(data));
}
