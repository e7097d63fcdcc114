//! The six steps of a handshake, told to whoever subscribes to the target `polytls::step`.
//!
//! A step that takes time is a [`Span`]; one that is a moment is [`reached`]. Both stand within the span `handshake`,
//! which says the role. Where nobody subscribes, a step costs the reading of one flag.

use polytls_api::record::Role;
use tracing::{Span, info, info_span};

/// What a handshake does. TLS 1.3 begins the steps in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client offers versions, suites, groups, protocols and the server's name.
    Offer,
    /// The server chooses.
    Choose,
    /// Both agree on fresh keys.
    Agree,
    /// The client validates the server's chain.
    Validate,
    /// The client authenticates, and the server validates it.
    Authenticate,
    /// Records flow under the session's keys.
    Protect,
}

impl Step {
    /// The step as a span: for `Span::in_scope`, or to instrument a future with.
    pub(crate) fn span(self) -> Span {
        match self {
            Self::Offer => info_span!(target: "polytls::step", "offer"),
            Self::Choose => info_span!(target: "polytls::step", "choose"),
            Self::Agree => info_span!(target: "polytls::step", "agree"),
            Self::Validate => info_span!(target: "polytls::step", "validate"),
            Self::Authenticate => info_span!(target: "polytls::step", "authenticate"),
            Self::Protect => info_span!(target: "polytls::step", "protect"),
        }
    }
}

/// Tells that a step is done that needs no time of its own.
pub(crate) fn reached(step: Step) {
    step.span().in_scope(|| info!(target: "polytls::step", "reached"));
}

/// The span of a whole handshake, in which its steps are.
pub(crate) fn handshake(role: Role) -> Span {
    match role {
        Role::Client => info_span!(target: "polytls::step", "handshake", role = "client"),
        Role::Server => info_span!(target: "polytls::step", "handshake", role = "server"),
    }
}
