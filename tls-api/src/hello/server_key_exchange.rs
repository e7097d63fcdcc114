//! ServerKeyExchange of TLS 1.2 (RFC 8422 §5.4): the curve of an ECDHE exchange.

use super::reader::Reader;
use crate::{CipherSuite, NamedGroup};

/// RFC 8422 §5.4: the only ECCurveType still in use.
const NAMED_CURVE: u8 = 3;

/// The group in a ServerKeyExchange under `cipher_suite`, if that suite sends ECDHE parameters.
pub(super) fn named_group(cipher_suite: CipherSuite, body: &[u8]) -> Option<NamedGroup> {
    if !sends_ecdh_parameters(cipher_suite) {
        return None;
    }
    let mut reader = Reader::new(body);
    let curve_type = reader.u8()?;
    let named_curve = reader.u16()?;
    (curve_type == NAMED_CURVE).then(|| NamedGroup::from_code(named_curve))
}

/// The message does not say what it holds: the length of a 6144 bit DHE prime looks like a `NAMED_CURVE`.
fn sends_ecdh_parameters(cipher_suite: CipherSuite) -> bool {
    matches!(
        cipher_suite.code(),
        0xc001..=0xc019 // RFC 8422 §6
            | 0xc023..=0xc032 // RFC 5289 §3
            | 0xc0ac..=0xc0af // RFC 7251 §2
            | 0xcca8 | 0xcca9 // RFC 7905 §2
    )
}
