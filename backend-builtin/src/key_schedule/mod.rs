//! Secrets and keys out of a key exchange and a transcript (RFC 8446 §7, RFC 5246 §8).
//!
//! Each stage of TLS 1.3's schedule is a type, and the next consumes it: nothing is derived out of order. That a
//! Finished, or a binder, is good is a value, [`FinishedVerified`], that only the check makes.

mod finished;
mod kept;
mod suite;
#[cfg(test)]
mod tests;
mod tls12;
mod tls13;
mod transcript;

pub(crate) use self::{
    finished::FinishedVerified,
    kept::Kept,
    suite::Suite,
    tls12::{MASTER_SECRET_LEN, MasterSecret12, Tls12Keys},
    tls13::{
        EarlySecret, ExporterSecret, HandshakeSecret, MasterSecret, PskKind, ResumptionSecret, TrafficSecret,
    },
    transcript::{Transcript, TranscriptBuffer},
};

use polytls_api::ConfigError;

use crate::{crypto::HashAlgorithm, error::Fault};

/// RFC 5869 §2.3 bounds what is exported; RFC 5705 sets no bound of its own, and nobody needs more.
fn check_exported_len(hash: HashAlgorithm, len: usize) -> Result<(), Fault> {
    if len == 0 || len > 255 * hash.output_len() {
        return Err(invalid_export("a byte at least is exported, and 255 times the suite's hash at most"));
    }
    Ok(())
}

fn invalid_export(reason: &str) -> Fault {
    Fault::Config(ConfigError::Invalid { option: "export_keying_material", reason: reason.into() })
}
