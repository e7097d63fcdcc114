//! The key schedules against published traces and vectors.

mod rfc8448;
mod tls12;

use super::{ExporterSecret, MasterSecret12, ResumptionSecret, TrafficSecret};

#[test]
fn what_a_connection_keeps_is_little_more_than_its_secrets() {
    let sizes = [
        size_of::<TrafficSecret>(),
        size_of::<ExporterSecret>(),
        size_of::<ResumptionSecret>(),
        size_of::<MasterSecret12>(),
    ];
    assert!(sizes.into_iter().all(|size| size <= 80), "{sizes:?}");
}

/// The bytes that these digits are, whatever white space is between them.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
