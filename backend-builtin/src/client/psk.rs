//! Pre-shared keys in the hello (RFC 8446 §4.2.11): of a session to resume, or agreed upon elsewhere.

use std::time::SystemTime;

use polytls_api::CertificateChain;

use crate::{
    crypto::{Digest, HashAlgorithm, Secret},
    error::Fault,
    key_schedule::{EarlySecret, PskKind, Suite},
    options::ExternalPsk,
    sessions::ClientSession,
    wire::handshake::PskIdentity,
};

/// One key that the hello offers.
pub(super) struct Psk {
    key: Key,
    /// The secret from which everything else follows, if the server takes this key.
    pub(super) early_secret: EarlySecret,
}

enum Key {
    /// An earlier session's, by its ticket.
    Session(Box<ClientSession>, HashAlgorithm),
    /// One that both sides were given.
    External(ExternalPsk),
}

impl Psk {
    /// The key of this session; `None` where its suite has no hash that this engine knows.
    pub(super) fn of_session(session: ClientSession) -> Option<Self> {
        let suite = Suite::of(session.suite)?;
        let early_secret = EarlySecret::new(suite.hash, &session.secret);
        Some(Self { key: Key::Session(Box::new(session), suite.hash), early_secret })
    }

    /// A key that both sides were given.
    pub(super) fn external(psk: ExternalPsk) -> Self {
        Self { early_secret: EarlySecret::new(psk.hash(), psk.key()), key: Key::External(psk) }
    }

    /// The session, where it is one's.
    pub(super) fn session(&self) -> Option<&ClientSession> {
        match &self.key {
            Key::Session(session, _) => Some(session),
            Key::External(_) => None,
        }
    }

    /// What the server presented when the session began.
    pub(super) fn peer_chain(&self) -> CertificateChain {
        self.session().map(|session| session.peer_chain.clone()).unwrap_or_default()
    }

    /// RFC 8446 §4.2.11: each key goes with one hash, and only suites with that hash.
    pub(super) fn hash(&self) -> HashAlgorithm {
        match &self.key {
            Key::Session(_, hash) => *hash,
            Key::External(psk) => psk.hash(),
        }
    }

    /// The identity under which it is offered.
    pub(super) fn identity(&self, now: SystemTime) -> PskIdentity<'_> {
        match &self.key {
            Key::Session(session, _) => PskIdentity {
                identity: &session.ticket,
                obfuscated_ticket_age: session.obfuscated_ticket_age(now),
            },
            // RFC 8446 §4.2.11: zero for what is no ticket.
            Key::External(psk) => PskIdentity { identity: psk.identity(), obfuscated_ticket_age: 0 },
        }
    }

    /// Proof of the key over the hello up to the binders (RFC 8446 §4.2.11.2).
    pub(super) fn binder(&self, partial_transcript_hash: &Digest) -> Secret {
        self.early_secret.binder_key(self.kind()).verify_data(partial_transcript_hash)
    }

    fn kind(&self) -> PskKind {
        match self.key {
            Key::Session(..) => PskKind::Resumption,
            Key::External(_) => PskKind::External,
        }
    }
}

/// The key that the server chose.
pub(super) struct SelectedPsk {
    pub(super) key: Psk,
    /// Its place in the offer.
    pub(super) index: u16,
}

/// The server's choice among what was offered, if it made one.
pub(super) fn select(
    offered: Vec<Psk>,
    selected_identity: Option<u16>,
    suite: &Suite,
) -> Result<Option<SelectedPsk>, Fault> {
    let Some(index) = selected_identity else { return Ok(None) };
    let Some(key) = offered.into_iter().nth(index.into()) else {
        return Err(Fault::IllegalParameter("a selected_identity that was not offered"));
    };
    if key.hash() != suite.hash {
        return Err(Fault::IllegalParameter("a pre-shared key with a cipher suite of another hash"));
    }
    Ok(Some(SelectedPsk { key, index }))
}
