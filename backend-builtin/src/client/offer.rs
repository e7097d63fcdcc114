//! What the ClientHello offers (RFC 8446 §4.1.2), kept to hold every answer against it.

use std::time::SystemTime;

use polytls_api::{
    CipherSuite, ConnectOptions, NamedGroup, ProtocolVersion, ReplayableData, ServerName, SignatureScheme,
};

use super::{early_data, psk::Psk};
use crate::{
    compression,
    config::PreparedClient,
    crypto::{Digest, HashAlgorithm, KeyShare, SharedSecret, random},
    error::Fault,
    key_schedule::Suite,
    sessions::ClientSession,
    wire::{
        codec::Put,
        extension::{ExtensionType, ec_point_formats::UNCOMPRESSED, psk_key_exchange_modes::PSK_DHE_KE},
        grease,
        handshake::{ClientExtensions, ClientHello, KeyShareEntry, OfferedPsks},
    },
};

/// Stands where a binder will be.
const NO_BINDER: [u8; 48] = [0; 48];

/// What one hello offers, and the private parts of it.
pub(super) struct Offer<'a> {
    pub(super) prepared: &'a PreparedClient,
    pub(super) name: &'a ServerName,
    pub(super) random: [u8; 32],
    pub(super) legacy_session_id: Vec<u8>,
    /// The key whose share is sent, in TLS 1.3, and whether a HelloRetryRequest asked for it.
    key_share: Option<KeyShare>,
    share_asked_for: bool,
    /// A TLS 1.2 session.
    pub(super) session: Option<ClientSession>,
    pub(super) psks: Vec<Psk>,
    /// Whether a HelloRetryRequest was answered, and its cookie.
    pub(super) retried: bool,
    pub(super) cookie: Option<Vec<u8>>,
    early_data: Option<&'a ReplayableData>,
    grease: Option<Grease>,
    /// What the last hello held.
    extensions: Vec<ExtensionType>,
}

/// Values that mean nothing, so that servers get used to them (RFC 8701).
struct Grease {
    cipher_suite: CipherSuite,
    named_group: NamedGroup,
    signature_scheme: SignatureScheme,
    version: u16,
    extensions: [u16; 2],
}

impl<'a> Offer<'a> {
    /// Chooses what to offer, with a stored session if there is one.
    pub(super) async fn new(
        prepared: &'a PreparedClient,
        name: &'a ServerName,
        options: &'a ConnectOptions,
    ) -> Result<Self, Fault> {
        let mut offer = Self {
            prepared,
            name,
            random: [0; 32],
            legacy_session_id: Vec::new(),
            key_share: None,
            share_asked_for: false,
            session: None,
            psks: Vec::new(),
            retried: false,
            cookie: None,
            early_data: None,
            grease: Grease::if_wanted(prepared)?,
            extensions: Vec::new(),
        };
        // At once: the generator takes as long for all as for each.
        let mut fresh = [0; 64];
        random(&mut fresh)?;
        let (random, session_id) = fresh.split_at(offer.random.len());
        offer.random.copy_from_slice(random);
        offer.take_session(options).await;
        offer.choose_session_id(session_id);
        if offer.allows(ProtocolVersion::Tls13) {
            let group = *prepared.groups.first().ok_or(Fault::Internal("no group to offer"))?;
            offer.key_share = Some(KeyShare::generate(group)?);
        }
        Ok(offer)
    }

    async fn take_session(&mut self, options: &'a ConnectOptions) {
        let session = match &self.prepared.sessions {
            Some(sessions) => sessions.take(self.name).await,
            None => None,
        };
        match session {
            Some(session) if !self.allows(session.version) || !self.allows_hash_of(session.suite) => {}
            Some(session) if session.version == ProtocolVersion::Tls12 => self.session = Some(session),
            Some(session) => self.psks.extend(Psk::of_session(session)),
            None => {}
        }
        if self.allows(ProtocolVersion::Tls13) {
            self.psks.extend(self.prepared.options.external_psks.iter().cloned().map(Psk::external));
        }
        let alpn = self.prepared.config.protocol().alpn();
        let session = self.psks.first().and_then(Psk::session);
        self.early_data = options.early_data.as_ref().filter(|data| {
            self.prepared.config.early_data()
                && session.is_some_and(|session| {
                    self.suites().any(|suite| suite == session.suite)
                        && early_data::is_allowed(data, session, alpn)
                })
        });
    }

    /// TLS 1.3 needs a suite with the session's hash, TLS 1.2 the very suite.
    fn allows_hash_of(&self, suite: CipherSuite) -> bool {
        let hash = Suite::of(suite).map(|suite| suite.hash);
        self.suites().any(|offered| {
            offered == suite
                || (suite.version() == Some(ProtocolVersion::Tls13)
                    && offered.version() == Some(ProtocolVersion::Tls13)
                    && Suite::of(offered).map(|suite| suite.hash) == hash)
        })
    }

    /// RFC 8446 appendix D.4: an id makes TLS 1.3 look like a resumption to boxes in between. RFC 5077 §3.4: with a
    /// ticket of TLS 1.2, its echo says that the session goes on.
    fn choose_session_id(&mut self, fresh: &[u8]) {
        if let Some(session) = self.session.as_ref().filter(|session| !session.session_id.is_empty()) {
            self.legacy_session_id.clone_from(&session.session_id);
            return;
        }
        let compatible = self.allows(ProtocolVersion::Tls13) && self.prepared.options.middlebox_compatibility;
        if compatible || self.session.is_some() {
            self.legacy_session_id = fresh.to_vec();
        }
    }

    /// Whether this version may be negotiated.
    pub(super) fn allows(&self, version: ProtocolVersion) -> bool {
        self.prepared.config.protocol().versions().contains(&version)
    }

    /// The suites on offer, most wanted first.
    pub(super) fn suites(&self) -> impl Iterator<Item = CipherSuite> {
        let suites = self.prepared.suites.iter().copied();
        suites.filter(|suite| suite.version().is_some_and(|version| self.allows(version)))
    }

    /// The suite that the server chose, if it was offered for this version.
    pub(super) fn suite(
        &self,
        chosen: CipherSuite,
        version: ProtocolVersion,
    ) -> Result<&'static Suite, Fault> {
        let offered = chosen.version() == Some(version) && self.suites().any(|suite| suite == chosen);
        let suite = Suite::of(chosen).filter(|_| offered);
        suite.ok_or(Fault::IllegalParameter("a cipher suite that was not offered"))
    }

    /// The groups on offer.
    pub(super) fn groups(&self) -> impl Iterator<Item = NamedGroup> {
        let tls13 = self.allows(ProtocolVersion::Tls13);
        let groups = self.prepared.groups.iter().copied();
        groups.filter(move |&group| tls13 || is_for_tls12(group))
    }

    /// The DNS name to send (RFC 6066 §3).
    pub(super) fn sni(&self) -> Option<&str> {
        self.name.sni().filter(|_| self.prepared.config.sni())
    }

    /// The early data on offer, and the key that lets it be sent, which is a session's.
    pub(super) fn early_data(&self) -> Option<(&'a ReplayableData, &Psk, &ClientSession)> {
        let psk = self.psks.first()?;
        Some((self.early_data?, psk, psk.session()?))
    }

    /// Takes early data out of the next hello (RFC 8446 §4.1.2).
    pub(super) fn drop_early_data(&mut self) {
        self.early_data = None;
    }

    /// What both sides share, of a share that answers one of ours.
    pub(super) fn agree(&mut self, server: &KeyShareEntry<'_>) -> Result<SharedSecret, Fault> {
        let is_answer = self.has_key_share(server.group);
        let own = self.key_share.take().filter(|_| is_answer);
        let own = own.ok_or(Fault::IllegalParameter("a key_share of a group that none was sent for"))?;
        if own.group() == server.group {
            own.agree(server.key_exchange)
        } else {
            own.agree_classical(server.key_exchange)
        }
    }

    /// Whether a share of this group was sent.
    pub(super) fn has_key_share(&self, group: NamedGroup) -> bool {
        self.key_shares().any(|share| share.group == group)
    }

    /// Sends a share of this group instead.
    pub(super) fn change_key_share(&mut self, group: NamedGroup) -> Result<(), Fault> {
        self.key_share = Some(KeyShare::generate(group)?);
        self.share_asked_for = true;
        Ok(())
    }

    /// The first group's share. A hybrid one has a classical group's in it, which costs nothing to offer beside it, and
    /// saves a HelloRetryRequest with servers that have no other.
    fn key_shares(&self) -> impl Iterator<Item = KeyShareEntry<'_>> {
        self.key_share.iter().flat_map(|share| {
            let whole = KeyShareEntry { group: share.group(), key_exchange: share.public_key() };
            let part = share.classical_part();
            let part = part.map(|(group, key_exchange)| KeyShareEntry { group, key_exchange });
            let part =
                part.filter(|part| !self.share_asked_for && self.groups().any(|group| group == part.group));
            [whole].into_iter().chain(part)
        })
    }

    /// Hands a secret to the key log, if there is one.
    pub(super) fn log(&self, label: &str, secret: &[u8]) {
        if let Some(key_log) = self.prepared.config.protocol().key_log() {
            key_log.log(label, &self.random, secret);
        }
    }

    /// RFC 8446 §4.2: an answer holds no extension that was not asked for.
    pub(super) fn refuse_unsolicited(&self, present: &[ExtensionType]) -> Result<(), Fault> {
        if present.iter().all(|extension| self.extensions.contains(extension)) {
            return Ok(());
        }
        Err(Fault::UnsupportedExtension("an extension that was not asked for"))
    }

    /// The hello as a message. `hash_part` gives the hash up to this part of it.
    pub(super) fn encode(&mut self, hash_part: impl FnMut(HashAlgorithm, &[u8]) -> Digest) -> Vec<u8> {
        let hello = self.client_hello();
        let mut message = hello.encode();
        let binders_len = hello.binders_len();
        self.extensions = answerable(&hello.extensions);
        if binders_len > 0 {
            let at = message.len().saturating_sub(binders_len);
            message.truncate(at);
            self.put_binders(&mut message, hash_part);
        }
        message
    }

    /// RFC 8446 §4.2.11.2: each binder covers all that comes before the first.
    fn put_binders(&self, message: &mut Vec<u8>, mut hash_part: impl FnMut(HashAlgorithm, &[u8]) -> Digest) {
        let binders: Vec<_> =
            self.psks.iter().map(|psk| psk.binder(&hash_part(psk.hash(), message))).collect();
        message.vec16(|out| {
            for binder in &binders {
                out.vec8(|out| out.put_slice(binder.as_bytes()));
            }
        });
    }

    fn client_hello(&self) -> ClientHello<'_> {
        let grease = self.grease.as_ref();
        ClientHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: self.random,
            legacy_session_id: &self.legacy_session_id,
            cipher_suites: grease
                .map(|grease| grease.cipher_suite)
                .into_iter()
                .chain(self.suites())
                .collect(),
            legacy_compression_methods: &[0],
            extensions: self.client_extensions(),
        }
    }

    fn client_extensions(&self) -> ClientExtensions<'_> {
        let prepared = self.prepared;
        let grease = self.grease.as_ref();
        let alpn = prepared.config.protocol().alpn();
        let groups = grease.map(|grease| grease.named_group).into_iter().chain(self.groups());
        let schemes =
            grease.map(|grease| grease.signature_scheme).into_iter().chain(prepared.schemes.iter().copied());
        let mut extensions = ClientExtensions {
            server_name: self.sni(),
            supported_groups: Some(groups.collect()),
            signature_algorithms: Some(schemes.collect()),
            alpn: (!alpn.is_empty()).then(|| alpn.iter().map(Vec::as_slice).collect()),
            status_request: true,
            record_size_limit: prepared.options.record_size_limit,
            grease: grease.map(|grease| grease.extensions.to_vec()).unwrap_or_default(),
            ..ClientExtensions::default()
        };
        if self.allows(ProtocolVersion::Tls12) {
            self.add_tls12(&mut extensions);
        }
        if self.allows(ProtocolVersion::Tls13) {
            self.add_tls13(&mut extensions);
        }
        extensions
    }

    fn add_tls12<'s>(&'s self, extensions: &mut ClientExtensions<'s>) {
        extensions.extended_master_secret = true;
        extensions.renegotiation_info = Some(&[]);
        extensions.ec_point_formats = Some(&[UNCOMPRESSED]);
        if self.prepared.sessions.is_some() {
            let ticket = self.session.as_ref().map(|session| session.ticket.as_slice());
            extensions.session_ticket = Some(ticket.unwrap_or_default());
        }
    }

    fn add_tls13<'s>(&'s self, extensions: &mut ClientExtensions<'s>) {
        let grease = self.grease.as_ref();
        let versions = [ProtocolVersion::Tls13, ProtocolVersion::Tls12];
        let versions =
            versions.into_iter().filter(|&version| self.allows(version)).map(ProtocolVersion::code);
        extensions.supported_versions =
            Some(grease.map(|grease| grease.version).into_iter().chain(versions).collect());
        // RFC 8446 §4.1.2: the share that a HelloRetryRequest asks for stands alone; without one the shares stay.
        let meaningless = grease.filter(|_| !self.share_asked_for);
        let shares =
            meaningless.map(|grease| KeyShareEntry { group: grease.named_group, key_exchange: &[0] });
        extensions.key_share = Some(shares.into_iter().chain(self.key_shares()).collect());
        extensions.cookie = self.cookie.as_deref();
        extensions.early_data = self.early_data.is_some();
        if self.prepared.options.certificate_compression {
            extensions.compress_certificate = Some(vec![compression::ZLIB]);
        }
        if self.prepared.sessions.is_some() || !self.psks.is_empty() {
            extensions.psk_key_exchange_modes = Some(vec![PSK_DHE_KE]);
        }
        if !self.psks.is_empty() {
            let now = SystemTime::now();
            extensions.pre_shared_key = Some(OfferedPsks {
                identities: self.psks.iter().map(|psk| psk.identity(now)).collect(),
                binders: self.psks.iter().map(|psk| no_binder(psk.hash())).collect(),
            });
        }
    }
}

fn no_binder(hash: HashAlgorithm) -> &'static [u8] {
    NO_BINDER.get(..hash.output_len()).unwrap_or(&NO_BINDER)
}

/// Whether TLS 1.2 has this group: the hybrid ones are TLS 1.3's alone.
pub(super) fn is_for_tls12(group: NamedGroup) -> bool {
    group != NamedGroup::X25519MLKEM768
}

/// The types of those extensions that a server may answer.
fn answerable(offered: &ClientExtensions<'_>) -> Vec<ExtensionType> {
    use ExtensionType as Ext;
    let types = [
        (Ext::SERVER_NAME, offered.server_name.is_some()),
        (Ext::STATUS_REQUEST, offered.status_request),
        (Ext::SUPPORTED_GROUPS, offered.supported_groups.is_some()),
        (Ext::EC_POINT_FORMATS, offered.ec_point_formats.is_some()),
        (Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, offered.alpn.is_some()),
        (Ext::EXTENDED_MASTER_SECRET, offered.extended_master_secret),
        (Ext::RECORD_SIZE_LIMIT, offered.record_size_limit.is_some()),
        (Ext::SESSION_TICKET, offered.session_ticket.is_some()),
        (Ext::PRE_SHARED_KEY, offered.pre_shared_key.is_some()),
        (Ext::EARLY_DATA, offered.early_data),
        (Ext::SUPPORTED_VERSIONS, offered.supported_versions.is_some()),
        (Ext::KEY_SHARE, offered.key_share.is_some()),
        (Ext::RENEGOTIATION_INFO, offered.renegotiation_info.is_some()),
    ];
    types.into_iter().filter(|(_, is_offered)| *is_offered).map(|(kind, _)| kind).collect()
}

impl Grease {
    fn if_wanted(prepared: &PreparedClient) -> Result<Option<Self>, Fault> {
        if !prepared.options.grease {
            return Ok(None);
        }
        let mut seed = [0; 6];
        random(&mut seed)?;
        let [suite, group, scheme, version, first, last] = seed.map(grease::value);
        // RFC 8446 §4.2: no two extensions of one type.
        let last = if last == first { last ^ 0x1010 } else { last };
        Ok(Some(Self {
            cipher_suite: CipherSuite::from_code(suite),
            named_group: NamedGroup::from_code(group),
            signature_scheme: SignatureScheme::from_code(scheme),
            version,
            extensions: [first, last],
        }))
    }
}
