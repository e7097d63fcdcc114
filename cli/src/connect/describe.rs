//! A connection, and a chain that was refused, in words.

use std::time::Duration;

use polytls::{CertificateDer, ConnectionInfo, EarlyDataStatus};
use time::OffsetDateTime;

use super::report::early_data;
use crate::{
    certificate,
    output::{BAD, FAINT, GOOD, STRONG, printable, styled},
};

/// What was negotiated in the first line; below it the handshake, and the chain as it came.
///
/// `verified` says whether anybody looked at the server's certificate.
pub(super) fn connection(info: &ConnectionInfo, verified: bool) -> String {
    let mut text = summary(info);
    let mut line = |name: &str, value: String| {
        text += &format!("\n  {} {value}", styled(FAINT, format!("{name:<11}")));
    };
    line("library", info.backend.library.clone());
    line("server name", info.server_name.as_deref().map_or("not sent".into(), printable));
    line("handshake", handshake(info));
    line("OCSP", ocsp(info));
    if info.early_data != EarlyDataStatus::NotOffered {
        line("early data", early_data(info.early_data).into());
    }
    if !info.local_chain.is_empty() {
        line("presented", certificate::subjects(&info.local_chain));
    }
    match &info.verified_chain {
        _ if !verified => line("verified", styled(BAD, "nothing: anybody may be at the other end")),
        Some(path) => line("verified", certificate::path(path)),
        None => {}
    }
    if info.resumed != Some(true) && !info.peer_chain.is_empty() {
        text += &format!(
            "\n{}",
            certificate::describe_chain(&info.peer_chain, OffsetDateTime::now_utc()).trim_end()
        );
    }
    text
}

fn summary(info: &ConnectionInfo) -> String {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
    let session = match info.resumed {
        Some(true) => "session resumed",
        Some(false) => "session new",
        None => "session unknown",
    };
    format!(
        "{}: {}, {}, {}; ALPN {}; {} certificate(s); {session}; {:.1} ms",
        styled(STRONG, info.backend.name),
        styled(GOOD, or_unknown(info.version.map(|version| version.to_string()))),
        styled(GOOD, or_unknown(info.cipher_suite.map(|suite| suite.to_string()))),
        or_unknown(info.named_group.map(|group| group.to_string())),
        info.alpn_str().map_or("none".into(), printable),
        info.peer_chain.len(),
        info.timings.complete().as_secs_f64() * 1000.0,
    )
}

fn handshake(info: &ConnectionInfo) -> String {
    format!(
        "{} bytes sent, {} received; first sent after {}, first received after {}, verification took {}",
        info.handshake_bytes_sent,
        info.handshake_bytes_received,
        millis(info.timings.first_sent()),
        millis(info.timings.first_received()),
        millis(info.timings.verification()),
    )
}

fn ocsp(info: &ConnectionInfo) -> String {
    info.ocsp_response
        .as_ref()
        .map_or("no response seen".into(), |response| format!("response of {} bytes", response.len()))
}

/// The chain that a verifier refused. `shown` says whether the engine shows such a chain at all.
pub(super) fn refused_chain(chain: &[CertificateDer<'_>], shown: bool) -> String {
    if !shown {
        return "the backend does not show the chain that it refused; try another one with --backend".into();
    }
    let heading = format!("refused: a chain of {} certificate(s)", chain.len());
    format!("{}\n{}", styled(BAD, heading), certificate::describe_chain(chain, OffsetDateTime::now_utc()))
        .trim_end()
        .to_owned()
}

fn millis(time: Option<Duration>) -> String {
    time.map_or("unknown time".into(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
}

#[cfg(test)]
mod tests {
    use polytls::BackendInfo;

    use super::*;

    #[test]
    fn early_data_is_told_where_there_was_any() {
        let backend = BackendInfo { name: "test", library: String::new(), crypto: String::new() };
        let mut info = ConnectionInfo::new(backend);
        assert!(!connection(&info, true).contains("early data"));
        info.early_data = EarlyDataStatus::Rejected;
        assert!(connection(&info, true).contains("rejected"));
    }
}
