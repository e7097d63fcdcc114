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

/// Whether `code` is one of [`VALUES`].
pub(crate) fn is_grease(code: u16) -> bool {
    VALUES.contains(&code)
}

/// An extension that means nothing, with `data`.
pub(super) fn put_extension(out: &mut Vec<u8>, code: u16, data: &[u8]) {
    out.put_u16(code);
    out.vec16(|out| out.put_slice(data));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_chooses_a_value_and_every_value_is_chosen() {
        let mut chosen: Vec<u16> = (0..=u8::MAX).map(value).collect();
        assert!(chosen.iter().all(|code| is_grease(*code)));
        chosen.sort_unstable();
        chosen.dedup();
        assert_eq!(chosen, VALUES);
    }

    #[test]
    fn what_has_a_meaning_is_no_grease() {
        assert!([0x0303, 0x0304, 0x1301, 0x001d, 0x0a1a, 0x0b0b].iter().all(|code| !is_grease(*code)));
    }
}
