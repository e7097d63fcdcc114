//! The six steps of a handshake, as spans for whoever subscribes to `polytls::step`.
//!
//! Where nobody does, a step costs the reading of one flag.

use polytls_api::record::Role;
use tracing::{Level, Span, span};

/// What a handshake does, in the order in which TLS 1.3 has it begin.
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
    /// The step as a span, to be entered or to instrument a future with; never to be held across an await.
    pub(crate) fn span(self, role: Role) -> Span {
        macro_rules! step {
            ($name:literal) => {
                span!(target: "polytls::step", Level::INFO, $name, role = role_name(role))
            };
        }
        match self {
            Self::Offer => step!("offer"),
            Self::Choose => step!("choose"),
            Self::Agree => step!("agree"),
            Self::Validate => step!("validate"),
            Self::Authenticate => step!("authenticate"),
            Self::Protect => step!("protect"),
        }
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}
