//! Any verifier, asked what a case asks.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use polytls_api::{
    Backend, CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, PresentedChain, Roots,
    ServerName, TrustPolicy, x509::Certificate,
};
use tokio::runtime;

use super::{Case, PeerName, Role, case::fault_name, names};

/// What a case without a name is asked for: nobody has it (RFC 6761 §6.4).
const NOBODY: &str = "nobody.invalid";

/// A kind of verifier: one is made for each case, for what the case trusts.
#[derive(Clone)]
pub struct Verifier {
    name: String,
    names_last: bool,
    make: Arc<Make>,
}

type Make = dyn Fn(&Question) -> Result<Arc<dyn CertificateVerifier>, Unmade> + Send + Sync;

impl Verifier {
    /// One of this name, made so.
    pub fn new(
        name: impl Into<String>,
        make: impl Fn(&Question) -> Result<Arc<dyn CertificateVerifier>, Unmade> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), names_last: false, make: Arc::new(make) }
    }

    /// A backend's own verifier, by the backend's name.
    pub fn of(backend: Arc<dyn Backend>) -> Self {
        Self::new(backend.info().name, move |question| {
            if question.max_chain_depth.is_some() {
                return Err(Unmade::NotRun("it has no option for the depth of chains".into()));
            }
            Ok(backend.verifier(&question.trust)?)
        })
    }

    /// It says that a name does not match only of a chain that is valid otherwise.
    #[must_use]
    pub fn names_last(mut self) -> Self {
        self.names_last = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verifier").field(&self.name).finish()
    }
}

/// What a verifier must be made for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The case's roots and revocation lists.
    pub trust: TrustPolicy,
    /// How many intermediates a path may have, those that are self-issued left out.
    pub max_chain_depth: Option<usize>,
}

/// Why there is no verifier for a case.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a case is refused or not run")]
pub enum Unmade {
    /// It cannot be asked this, for this reason.
    NotRun(String),
    /// What the case trusts is refused.
    Refused(ConfigError),
}

impl From<ConfigError> for Unmade {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unsupported { option, .. } => Self::NotRun(format!("it lacks {option}")),
            error => Self::Refused(error),
        }
    }
}

/// A verifier's answer to a case.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a chain is accepted, refused, or not asked about")]
pub enum Answer {
    /// The chain may speak for the peer.
    Accepted,
    /// It may not.
    Refused(CertificateError),
    /// It was not looked at: a root, a revocation list or the name was refused.
    Unusable(ConfigError),
    /// The verifier cannot be asked, for this reason.
    NotRun(String),
}

/// An answer without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a chain is accepted, refused, or not asked about")]
pub enum Verdict {
    /// Accepted.
    Accepted,
    /// Refused, whyever.
    Refused,
    /// Not asked.
    NotRun,
}

impl Answer {
    /// Without its reason.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Accepted => Verdict::Accepted,
            Self::Refused(_) | Self::Unusable(_) => Verdict::Refused,
            Self::NotRun(_) => Verdict::NotRun,
        }
    }

    /// With the fault's name alone: `refused: BadSignature`.
    pub fn outline(&self) -> String {
        match self {
            Self::Accepted => "accepted".into(),
            Self::Refused(fault) => format!("refused: {}", fault_name(fault)),
            Self::Unusable(_) => "refused: configuration".into(),
            Self::NotRun(_) => "not run".into(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Refused(fault) => write!(f, "refused: {}: {fault}", fault_name(fault)),
            Self::Unusable(error) => write!(f, "refused: configuration: {error}"),
            Self::NotRun(reason) => write!(f, "not run: {reason}"),
        }
    }
}

/// An answer, and how long it took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The answer.
    pub answer: Answer,
    /// The time in which the chain was verified; making the verifier is not in it.
    pub took: Duration,
}

/// Asks a verifier what the case asks.
///
/// # Panics
/// Where the operating system refuses what tokio's runtime needs.
pub fn run(case: &Case, verifier: &Verifier) -> Run {
    let at_once = |answer| Run { answer, took: Duration::ZERO };
    let peer = match peer(case, verifier) {
        Ok(peer) => peer,
        Err(answer) => return at_once(answer),
    };
    let made = (verifier.make)(&question(case));
    let own = match made {
        Ok(own) => own,
        Err(Unmade::NotRun(reason)) => return at_once(Answer::NotRun(reason)),
        Err(Unmade::Refused(error)) => return at_once(Answer::Unusable(error)),
    };
    let expected = peer.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
    let chain = PresentedChain::new(&case.end_entity, &case.intermediates);
    let now = case.time.unwrap_or_else(SystemTime::now);
    // A verifier may use its runtime's clock and sockets.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let (verdict, took) = runtime.expect("tokio's runtime starts").block_on(async {
        let started = Instant::now();
        let verdict = own.verify(&chain, &expected, now).await;
        (verdict, started.elapsed())
    });
    let nameless = case.role == Role::Server && case.peers.is_empty();
    let answer = match verdict {
        Ok(_) => by_application(case),
        Err(CertificateError::NameMismatch { .. }) if nameless => Answer::Accepted,
        Err(fault) => Answer::Refused(fault),
    };
    Run { answer, took }
}

fn question(case: &Case) -> Question {
    let roots = match case.roots.is_empty() {
        true => Roots::None,
        false => Roots::from_der(case.roots.iter().cloned()),
    };
    let trust = TrustPolicy::new(roots).with_crls(case.crls.iter().cloned());
    Question { trust, max_chain_depth: case.max_chain_depth }
}

/// The server's name; `None` for a client.
fn peer(case: &Case, verifier: &Verifier) -> Result<Option<ServerName>, Answer> {
    let text = match (case.role, case.peers.first()) {
        (Role::Client, _) => return Ok(None),
        (Role::Server, Some(PeerName::Dns(name) | PeerName::Ip(name))) => name,
        (Role::Server, None) if verifier.names_last => NOBODY,
        (Role::Server, None) => return Err(Answer::NotRun("the case has no server's name".into())),
        (Role::Server, Some(PeerName::Rfc822(_))) => {
            return Err(Answer::NotRun("a server is known by a DNS name or an address".into()));
        }
    };
    text.parse().map(Some).map_err(Answer::Unusable)
}

/// What the application says of a client whose chain is valid: it has every name that is looked for.
fn by_application(case: &Case) -> Answer {
    if case.role == Role::Server || case.peers.is_empty() {
        return Answer::Accepted;
    }
    let malformed =
        |error: polytls_api::x509::Malformed| CertificateError::Malformed { detail: error.to_string() };
    let end_entity = match Certificate::parse(&case.end_entity) {
        Ok(end_entity) => end_entity,
        Err(error) => return Answer::Refused(malformed(error)),
    };
    match case.peers.iter().find(|name| !names::has(&end_entity, name)) {
        None => Answer::Accepted,
        Some(PeerName::Dns(name) | PeerName::Ip(name) | PeerName::Rfc822(name)) => {
            Answer::Refused(CertificateError::NameMismatch { expected: name.clone(), presented: Vec::new() })
        }
    }
}
