//! Early data (RFC 8446 §2.3): what a client writes with its hello, and a server reads before the handshake is
//! complete.

use openssl::ssl::{self, SslRef, SslStream};
use polytls_api::{EarlyDataStatus, ReplayableData};
use zeroize::Zeroizing;

use crate::{config::RECORD, ffi, wire::Wire};

/// Writes a client's hello, and the data after it.
pub(crate) fn write(stream: &mut SslStream<Wire>, data: &ReplayableData) -> Result<(), ssl::Error> {
    let mut rest = data.as_bytes();
    while !rest.is_empty() {
        let count = stream.write_early_data(rest)?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// What a server reads. OpenSSL refuses what goes beyond the limit of the configuration.
#[derive(Default)]
pub(crate) struct Reading {
    data: ReplayableData,
    finished: bool,
}

impl Reading {
    /// Reads as much as has come; once all has, there is nothing more to do here.
    pub(crate) fn read(&mut self, stream: &mut SslStream<Wire>) -> Result<(), ssl::Error> {
        let mut record = Zeroizing::new([0; RECORD]);
        while !self.finished {
            let count = stream.read_early_data(&mut *record)?;
            self.data.extend(&record[..count]);
            self.finished = count == 0;
        }
        Ok(())
    }

    /// What the server accepted, if it accepted any.
    pub(crate) fn into_accepted(self, ssl: &SslRef) -> Option<ReplayableData> {
        Some(self.data).filter(|_| status(ssl) == EarlyDataStatus::Accepted)
    }
}

/// What became of early data, once the handshake is complete.
pub(crate) fn status(ssl: &SslRef) -> EarlyDataStatus {
    match ffi::early_data_status(ssl) {
        ffi::EarlyData::NotSent => EarlyDataStatus::NotOffered,
        ffi::EarlyData::Rejected => EarlyDataStatus::Rejected,
        ffi::EarlyData::Accepted => EarlyDataStatus::Accepted,
    }
}
