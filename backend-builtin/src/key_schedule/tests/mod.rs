//! The key schedules against published traces and vectors.

mod rfc8448;
mod tls12;

use super::{Kept, MASTER_SECRET_LEN, MasterSecret12, TrafficSecret};

#[test]
fn what_a_connection_keeps_of_a_secret_is_its_bytes() {
    let sizes = [size_of::<Kept<TrafficSecret, 32>>(), size_of::<Kept<MasterSecret12, MASTER_SECRET_LEN>>()];
    assert_eq!(sizes, [32, 48]);
}

/// The bytes that these digits are, whatever white space is between them.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
