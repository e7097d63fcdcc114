//! The six steps of a handshake, with what was negotiated and when, on both sides.

use std::{fmt::Display, time::Duration};

use polytls::ConnectionInfo;

use super::{ALPN, NAME, Pair, Stream, events::Times, millis};

/// One line a step, and where an engine tells when it took the step, that too.
pub(super) fn text(pair: &Pair, client: &Stream, server: &Stream, times: &Times) -> String {
    let (near, far) = (client.info(), server.info());
    let offered = &pair.client.capabilities().client.role;
    let versions: Vec<_> = offered.versions.iter().map(ToString::to_string).collect();
    let found = [
        format!(
            "{}; {} suites; {} groups; ALPN {ALPN}; SNI {}; sent after {}, received after {}",
            versions.join(", "),
            offered.cipher_suites.len(),
            offered.named_groups.len(),
            near.server_name.as_deref().unwrap_or("off"),
            time(near.timings.first_sent()),
            time(far.timings.first_received()),
        ),
        format!(
            "{}, {}, ALPN {}; {} certificate(s); sent after {}, received after {}",
            told(near.version),
            told(near.cipher_suite),
            near.alpn_str().unwrap_or("none"),
            near.peer_chain.len(),
            time(far.timings.first_sent()),
            time(near.timings.first_received()),
        ),
        format!("valid for {NAME}; time: {}", time(near.timings.verification())),
        authentication(pair, far),
        format!(
            "{}; complete after {} at the client, {} at the server",
            told(near.named_group),
            millis(near.timings.complete()),
            millis(far.timings.complete()),
        ),
        format!(
            "the handshake took {} bytes to the server, {} to the client",
            near.handshake_bytes_sent, near.handshake_bytes_received
        ),
    ];
    let steps = STEPS.iter().zip(found).enumerate();
    steps
        .map(|(index, (what, found))| format!("  {}  {what:<52} {found}{}\n", index + 1, began(times, index)))
        .collect()
}

/// The engine's own word on when a step began.
fn began(times: &Times, step: usize) -> String {
    let sides = times.of(step);
    let sides =
        sides.into_iter().filter_map(|(side, after)| Some(format!("{side} after {}", millis(after?))));
    let sides: Vec<_> = sides.collect();
    if sides.is_empty() { String::new() } else { format!("; begun by the {}", sides.join(", the ")) }
}

const STEPS: [&str; 6] = [
    "client offers versions, suites, groups, ALPN, name",
    "server chooses, and presents its certificate chain",
    "client validates the chain and the name",
    "client authenticates too, where asked",
    "both agree on fresh session keys",
    "records flow under symmetric keys",
];

fn authentication(pair: &Pair, server: &ConnectionInfo) -> String {
    if !pair.asks {
        return format!("not asked: {}", pair.why_not_asked());
    }
    let took = time(server.timings.verification());
    format!("{} certificate(s), valid; time: {took}", server.peer_chain.len())
}

fn told(value: Option<impl Display>) -> String {
    value.map_or("the library does not tell".into(), |value| value.to_string())
}

fn time(value: Option<Duration>) -> String {
    told(value.map(millis))
}
