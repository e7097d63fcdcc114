//! One case: a chain, a question, and what must be said.

use std::{fmt, time::SystemTime};

use polytls_api::{CertificateDer, CertificateError, CertificateRevocationListDer};
use serde::Deserialize;

/// A chain, what is trusted, and what must be said of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// What the suite calls it; with `#client` behind it where it was derived ([`Suite::as_clients`](super::Suite::as_clients)).
    pub id: String,
    /// What it is about, in a few sentences.
    pub description: String,
    /// How much it matters, to the suite's authors.
    pub importance: Importance,
    /// The suite's tags, such as `pedantic-serial-number`.
    pub features: Vec<String>,
    /// For whom the chain is to speak.
    pub role: Role,
    /// A server's name, one at most; or the names of a client that the application looks for.
    pub peers: Vec<PeerName>,
    /// When; `None` is now.
    pub time: Option<SystemTime>,
    /// The peer's own certificate.
    pub end_entity: CertificateDer<'static>,
    /// The others that came with it.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// What is trusted.
    pub roots: Vec<CertificateDer<'static>>,
    /// Revocation lists.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
    /// How many intermediates a path may have, those that are self-issued left out.
    pub max_chain_depth: Option<usize>,
    /// What must be said.
    pub expected: Expected,
}

impl Case {
    /// Which kind of case it is: its name without the last part.
    pub fn category(&self) -> &str {
        self.id.rsplit_once("::").map_or("", |(category, _)| category)
    }

    /// Whether the suite has the tag on it.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|has| has == feature)
    }
}

/// For whom a chain is to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "TLS has two roles")]
pub enum Role {
    /// A server.
    Server,
    /// A client.
    Client,
}

/// How much a case matters, as the suite's authors see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the suite's schema fixes them")]
#[allow(missing_docs, reason = "the suite's words, and it says no more")]
pub enum Importance {
    #[default]
    Undetermined,
    Low,
    Medium,
    High,
    Critical,
}

/// A name that the peer must have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value")]
#[allow(clippy::exhaustive_enums, reason = "the suite's schema fixes them")]
pub enum PeerName {
    /// A DNS name.
    #[serde(rename = "DNS")]
    Dns(String),
    /// An IP address, as text.
    #[serde(rename = "IP")]
    Ip(String),
    /// An e-mail address.
    #[serde(rename = "RFC822")]
    Rfc822(String),
}

/// What must be said of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a chain is accepted or refused")]
pub enum Expected {
    /// The chain may speak for the peer.
    Accepted,
    /// It may not.
    Refused,
    /// It may not, and for this fault. The values in it do not matter.
    RefusedFor(CertificateError),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Refused => f.write_str("refused"),
            Self::RefusedFor(fault) => write!(f, "refused: {}", fault_name(fault)),
        }
    }
}

/// The name of the fault's variant.
pub(crate) fn fault_name(fault: &CertificateError) -> String {
    let text = format!("{fault:?}");
    text.chars().take_while(|char| char.is_ascii_alphanumeric()).collect()
}
