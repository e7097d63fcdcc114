//! What no stack can pass: the cryptography of a scenario and nothing else, as its library does it.

mod aws_lc;
mod handshake;
#[cfg(feature = "openssl")]
mod openssl_evp;

use std::time::Duration;

use super::{Over, Prepared, Sample, Scenario, timed};
use crate::{Refusal, versions::locked, worker::Entry};

/// The name of the limit that stacks are held against.
pub const AWS_LC: &str = "aws-lc-rs";
/// The name of OpenSSL's AEAD.
pub const OPENSSL_EVP: &str = "openssl-evp";

/// The limits, as a worker runs them.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: AWS_LC,
            version: || format!("aws-lc-rs {}", locked("aws-lc-rs")),
            prepare: |scenario, settings| match *scenario {
                Scenario::Handshakes { over: Over::Memory } => {
                    Ok(prepared(None, handshake::rounds(handshake::Work::of(settings))))
                }
                _ => records(scenario, |size| Ok(aws_lc::Aead::faster(settings.suite, size))),
            },
        },
        #[cfg(feature = "openssl")]
        Entry {
            name: OPENSSL_EVP,
            version: || openssl::version::version().to_owned(),
            prepare: |scenario, settings| {
                records(scenario, |size| openssl_evp::Evp::new(settings.suite, size))
            },
        },
    ]
}

/// An AEAD that seals records and opens them.
trait Records: 'static {
    /// One record there and back.
    fn seal_and_open(&mut self);

    /// Which of several ways it goes, where it has a choice. Default: it has none.
    fn how(&self) -> Option<&'static str> {
        None
    }
}

/// The most plaintext that a record carries (RFC 8446 §5.1).
const MAX_RECORD: usize = 16 << 10;
/// Bytes in a batch.
const BATCH: usize = 256 << 10;
/// What is authenticated beside a record.
const HEADER: [u8; 5] = [23, 3, 3, 0, 0];
const TAG: usize = 16;
const NONCE: usize = 12;

fn records<R: Records>(
    scenario: &Scenario,
    make: impl Fn(usize) -> Result<R, Refusal>,
) -> Result<Prepared, Refusal> {
    let size = match *scenario {
        Scenario::Bulk { over: Over::Memory, write, .. } => write.min(MAX_RECORD),
        Scenario::RecordCipher { size } => size,
        _ => return Err(Refusal::new("there is no such limit")),
    };
    let mut records = make(size)?;
    Ok(prepared(records.how(), move |at_least| {
        timed(at_least, || {
            let count = (BATCH / size).max(1);
            for _ in 0..count {
                records.seal_and_open();
            }
            count * size
        })
    }))
}

fn prepared(how: Option<&'static str>, round: impl FnMut(Duration) -> Sample + 'static) -> Prepared {
    Prepared { round: Box::new(round), untold: Vec::new(), how }
}

/// The nonce of a record (RFC 8446 §5.3), under a key that is used for nothing else.
fn nonce(sequence: u64) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[4..].copy_from_slice(&sequence.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CertificateKind, Group, Settings, Suite, scenarios::Directions};

    #[test]
    fn every_limit_runs() {
        let bulk = |write| Scenario::Bulk { over: Over::Memory, write, directions: Directions::One };
        for suite in [Suite::Aes128Gcm, Suite::Aes256Gcm, Suite::ChaCha20Poly1305] {
            for entry in entries() {
                for (write, counted) in [(1 << 10, 256 << 10), (1 << 20, 256 << 10)] {
                    let settings = Settings { suite, ..Settings::default() };
                    let mut prepared = (entry.prepare)(&bulk(write), &settings).expect(entry.name);
                    assert_eq!((prepared.round)(Duration::ZERO).count, f64::from(counted), "{}", entry.name);
                }
            }
        }
        for certificate in [CertificateKind::P256, CertificateKind::Rsa2048, CertificateKind::Ed25519] {
            for group in [Group::X25519, Group::X25519MlKem768] {
                for (resumption, mutual) in [(false, false), (true, false), (false, true)] {
                    let settings = Settings { certificate, group, resumption, mutual, ..Settings::default() };
                    let scenario = Scenario::Handshakes { over: Over::Memory };
                    let mut prepared = (entries()[0].prepare)(&scenario, &settings).expect("aws-lc-rs");
                    assert_eq!((prepared.round)(Duration::ZERO).count, 1.0);
                }
            }
        }
    }
}
