//! A connection, or its failure, as the one line of JSON that `--help` describes.

use std::time::Duration;

use polytls::{CertificateDer, ConnectionInfo, EarlyDataStatus, Error, Phase};
use serde::Serialize;

use super::target::Target;
use crate::{
    certificate::Certificate,
    failure::Failure,
    faults::{fault_name, kind_name},
    output,
};

#[derive(Serialize)]
struct Connected<'a> {
    event: &'static str,
    server: &'a str,
    name: String,
    backend: &'static str,
    library: &'a str,
    version: Option<String>,
    cipher_suite: Option<String>,
    named_group: Option<String>,
    peer_signature_scheme: Option<String>,
    alpn: Option<String>,
    server_name: Option<&'a str>,
    resumed: Option<bool>,
    path: Option<Vec<Certificate>>,
    local_chain: Vec<Certificate>,
    early_data: &'static str,
    ocsp_response_bytes: Option<usize>,
    handshake: Handshake,
    chain: Vec<Certificate>,
}

#[derive(Serialize)]
struct Handshake {
    bytes_sent: u64,
    bytes_received: u64,
    first_sent_ms: Option<f64>,
    first_received_ms: Option<f64>,
    verification_ms: Option<f64>,
    complete_ms: f64,
}

#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    server: &'a str,
    name: String,
    exit_code: u8,
    message: &'a str,
    phase: Option<&'static str>,
    kind: Option<&'static str>,
    fault: Option<&'static str>,
    alert_sent: Option<String>,
    alert_received: Option<String>,
    chain: Vec<Certificate>,
}

/// A handshake that is complete. `verified` says whether anybody looked at the server's certificate.
pub(super) fn connected(target: &Target<'_>, info: &ConnectionInfo, verified: bool) -> String {
    let path = info.verified_chain.as_ref().filter(|_| verified);
    output::json(&Connected {
        event: "connected",
        server: target.server,
        name: target.name.to_string(),
        backend: info.backend.name,
        library: &info.backend.library,
        version: info.version.map(|version| version.to_string()),
        cipher_suite: info.cipher_suite.map(|suite| suite.to_string()),
        named_group: info.named_group.map(|group| group.to_string()),
        peer_signature_scheme: info.peer_signature_scheme.map(|scheme| scheme.to_string()),
        alpn: info.alpn.as_deref().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
        server_name: info.server_name.as_deref(),
        resumed: info.resumed,
        path: path.map(|path| Certificate::read_all(path.path())),
        local_chain: Certificate::read_all(&info.local_chain),
        early_data: early_data(info.early_data),
        ocsp_response_bytes: info.ocsp_response.as_deref().map(<[u8]>::len),
        handshake: Handshake {
            bytes_sent: info.handshake_bytes_sent,
            bytes_received: info.handshake_bytes_received,
            first_sent_ms: info.timings.first_sent().map(millis),
            first_received_ms: info.timings.first_received().map(millis),
            verification_ms: info.timings.verification().map(millis),
            complete_ms: millis(info.timings.complete()),
        },
        chain: Certificate::read_all(&info.peer_chain),
    })
}

/// A connection that failed, before or after its handshake was complete.
pub(super) fn failed(target: &Target<'_>, failure: &Failure, chain: &[CertificateDer<'_>]) -> String {
    let error = failure.error.as_ref();
    output::json(&Failed {
        event: "failed",
        server: target.server,
        name: target.name.to_string(),
        exit_code: failure.code,
        message: &failure.message,
        phase: error.map(|error| match error.phase() {
            Phase::Handshake => "handshake",
            Phase::Established => "established",
        }),
        kind: error.map(|error| kind_name(error.kind())),
        fault: error.and_then(Error::certificate_error).map(fault_name),
        alert_sent: error.and_then(Error::alert_sent).map(|alert| alert.to_string()),
        alert_received: error.and_then(Error::alert_received).map(|alert| alert.to_string()),
        chain: Certificate::read_all(chain),
    })
}

/// What became of early data, for programs and for people.
pub(super) fn early_data(status: EarlyDataStatus) -> &'static str {
    match status {
        EarlyDataStatus::NotOffered => "not_offered",
        EarlyDataStatus::Accepted => "accepted",
        EarlyDataStatus::Rejected => "rejected",
        _ => "unknown",
    }
}

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
