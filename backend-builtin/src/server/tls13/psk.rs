//! Pre-shared keys (RFC 8446 §4.2.11): sessions behind tickets, and keys that both sides were given.

use std::time::SystemTime;

use polytls_api::{ProtocolVersion, SignatureScheme};

use super::Handshake;
use crate::{
    error::Fault,
    key_schedule::{EarlySecret, PskKind},
    server::{choose, hello::Hello},
    sessions::ServerSession,
    wire::handshake::{OfferedPsks, PskIdentity},
};

/// How many tickets are looked into: each costs a decryption, or a question to a store.
const MOST_TRIED: usize = 4;

/// How the server shows who it is.
pub(super) enum Authentication {
    /// With its certificate, and a signature of this scheme.
    Certificate(SignatureScheme),
    /// With a key that only it and the client have.
    Psk(Box<Psk>),
}

impl Authentication {
    pub(super) fn psk(&self) -> Option<&Psk> {
        match self {
            Self::Certificate(_) => None,
            Self::Psk(psk) => Some(psk),
        }
    }

    /// The session that goes on.
    pub(super) fn session(&self) -> Option<&ServerSession> {
        self.psk()?.session.as_ref()
    }
}

/// A PSK that the client offered and has: its binder was verified.
pub(super) struct Psk {
    /// Where the client has it in its list.
    pub(super) index: u16,
    identity: Vec<u8>,
    kind: PskKind,
    /// What all secrets of the handshake follow from.
    pub(super) early_secret: EarlySecret,
    /// The session that it is from; `None` for a key that was given beforehand.
    pub(super) session: Option<ServerSession>,
    /// Whether early data under it is no replay, as far as this server can know (RFC 8446 §8).
    pub(super) is_fresh: bool,
}

impl Handshake<'_, '_, '_> {
    /// A PSK of the client's if one is usable, the certificate if not.
    pub(super) async fn choose_authentication(
        &mut self,
        client_hello: &Hello<'_>,
    ) -> Result<Authentication, Fault> {
        if let Some(psk) = self.choose_psk(client_hello).await? {
            return Ok(Authentication::Psk(Box::new(psk)));
        }
        // RFC 8446 §4.2.3.
        let accepted = self.parameters.signature_algorithms.as_deref();
        let accepted =
            accepted.ok_or(Fault::MissingExtension("a ClientHello without signature_algorithms"))?;
        choose::signature_scheme(&self.server.identity, ProtocolVersion::Tls13, accepted)
            .map(Authentication::Certificate)
    }

    async fn choose_psk(&mut self, client_hello: &Hello<'_>) -> Result<Option<Psk>, Fault> {
        let extensions = &client_hello.client_hello.extensions;
        let Some(offered) = &extensions.pre_shared_key else { return Ok(None) };
        if extensions.psk_key_exchange_modes.is_none() {
            return Err(Fault::MissingExtension("pre_shared_key comes without psk_key_exchange_modes"));
        }
        if !self.parameters.psk_dhe_ke {
            return Ok(None);
        }
        let mut tickets = 0..MOST_TRIED;
        for (index, identity) in (0..).zip(&offered.identities) {
            let found = match self.given_beforehand(index, identity) {
                Some(psk) => Some(psk),
                None if tickets.next().is_some() => self.of_session(index, identity).await,
                None => None,
            };
            if let Some(psk) = found {
                self.verify_binder(&psk, offered, client_hello)?;
                return Ok(Some(psk).filter(|psk| !self.is_replay(psk, client_hello)));
            }
        }
        Ok(None)
    }

    /// The key of this name that the application gave.
    fn given_beforehand(&self, index: u16, offered: &PskIdentity<'_>) -> Option<Psk> {
        let psk = self.server.external_psk(offered.identity)?;
        if psk.hash() != self.parameters.suite.hash {
            return None;
        }
        Some(Psk {
            index,
            identity: offered.identity.to_vec(),
            kind: PskKind::External,
            early_secret: EarlySecret::new(psk.hash(), psk.key()),
            session: None,
            is_fresh: false,
        })
    }

    /// The session behind this ticket, if it may go on here and now.
    async fn of_session(&mut self, index: u16, offered: &PskIdentity<'_>) -> Option<Psk> {
        let sessions = self.server.prepared.sessions.as_ref()?;
        let session = sessions.open(offered.identity, &self.server.identity).await?;
        let goes_on = session.version == ProtocolVersion::Tls13
            // RFC 8446 §4.2.11 wants the same hash; with the same suite, early data has its own as well.
            && session.suite == self.parameters.suite.id
            && session.server_name == self.parameters.server_name;
        goes_on.then(|| Psk {
            index,
            identity: offered.identity.to_vec(),
            kind: PskKind::Resumption,
            early_secret: EarlySecret::new(self.parameters.suite.hash, &session.secret),
            is_fresh: session.is_as_old_as(offered.obfuscated_ticket_age, SystemTime::now()),
            session: Some(session),
        })
    }

    /// RFC 8446 §4.2.11.2: the binder shows that the client has the key, and that nobody changed its hello.
    fn verify_binder(
        &mut self,
        psk: &Psk,
        offered: &OfferedPsks<'_>,
        client_hello: &Hello<'_>,
    ) -> Result<(), Fault> {
        let missing = || Fault::IllegalParameter("not every PSK has its binder");
        let binder = offered.binders.get(usize::from(psk.index)).ok_or_else(missing)?;
        let raw = client_hello.message.raw();
        let covered = raw.len().checked_sub(offered.binders_len()).and_then(|end| raw.get(..end));
        let hash = self.transcript.hash_part(covered.ok_or_else(missing)?);
        psk.early_secret.binder_key(psk.kind).verify(&hash, binder).map(drop)
    }

    /// Whether the ticket brought early data before. A replayed hello then gets a full handshake, which nobody but the
    /// client that made it could complete (RFC 8446 §8.1).
    fn is_replay(&self, psk: &Psk, client_hello: &Hello<'_>) -> bool {
        let prepared = self.server.prepared;
        let takes_early_data = client_hello.extensions.early_data && prepared.config.max_early_data() > 0;
        takes_early_data
            && psk.is_fresh
            && prepared
                .sessions
                .as_ref()
                .is_some_and(|sessions| !sessions.is_new(&psk.identity, SystemTime::now()))
    }

    /// RFC 8446 §4.1.2: after a HelloRetryRequest the client computes its binders anew, and may drop PSKs before the
    /// chosen one.
    pub(super) fn verify_binder_again(&mut self, psk: &mut Psk, second: &Hello<'_>) -> Result<(), Fault> {
        let offered = second.client_hello.extensions.pre_shared_key.as_ref();
        let offered =
            offered.ok_or(Fault::MissingExtension("the second ClientHello has no pre_shared_key"))?;
        let same = (0..).zip(&offered.identities).find(|(_, offered)| offered.identity == psk.identity);
        let (index, _) =
            same.ok_or(Fault::IllegalParameter("the second ClientHello lacks the chosen PSK"))?;
        psk.index = index;
        self.verify_binder(psk, offered, second)
    }
}
