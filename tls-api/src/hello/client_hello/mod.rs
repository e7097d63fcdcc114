//! ClientHello (RFC 8446 §4.1.2): what a client offers and asks for, before any engine has looked at it.
//!
//! `read` turns bytes into fields and takes in what it can; `check` holds the fields against the rules of
//! RFC 8446 §4.1.2 and §4.2, RFC 6066 §3 and RFC 7301 §3.1. [`ClientHello::parse`] wants both to find nothing
//! wrong; the observer, behind which a library does the refusing, makes do with what was read.

mod check;
mod ja4;
mod read;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

pub(super) use self::read::Malformed;
use super::reader::Reader;
use crate::{CipherSuite, Error, NamedGroup, ProtocolVersion, SignatureScheme};

/// RFC 8446 §4.2: the extensions that are read.
mod extension_type {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const SUPPORTED_GROUPS: u16 = 10;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const APPLICATION_LAYER_PROTOCOL_NEGOTIATION: u16 = 16;
    /// RFC 5077 §3.2.
    pub(super) const SESSION_TICKET: u16 = 35;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    pub(super) const KEY_SHARE: u16 = 51;
}

/// RFC 6066 §3: the only NameType there is.
const HOST_NAME: u8 = 0;
/// RFC 1035 §2.3.4: no DNS name is longer.
const MAX_HOST_NAME: usize = 255;

/// The first message of a client (RFC 8446 §4.1.2), checked and owned. Cheap to clone.
///
/// Lists are in the client's order, which is its order of preference, and hold what the client sent: values that
/// nobody has named, and the GREASE values (RFC 8701) that some clients mix in. Of an Encrypted ClientHello
/// (RFC 9849) this is the outer one. Nothing in it is authenticated: anyone may claim any name. It takes little
/// more memory than the message, which is at most 64 KiB long where polytls reads it from a connection.
///
/// ```
/// # fn choose(hello: &polytls_api::ClientHello) -> &'static str {
/// match hello.server_name() {
///     Some("legacy.example.com") => "the old configuration",
///     _ if hello.offers_protocol(b"h2") => "the one for HTTP/2",
///     _ => "the one for HTTP/1.1",
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientHello(Arc<Fields>);

/// The fields of a ClientHello, perhaps against the rules. Lists of byte strings stay as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    legacy_version: u16,
    random: [u8; 32],
    legacy_session_id: Vec<u8>,
    cipher_suites: Vec<CipherSuite>,
    legacy_compression_methods: Vec<u8>,
    extension_types: Vec<u16>,
    server_name_list: Vec<u8>,
    protocol_name_list: Vec<u8>,
    supported_versions: Vec<u16>,
    named_groups: Vec<NamedGroup>,
    signature_schemes: Vec<SignatureScheme>,
    key_shares: Vec<NamedGroup>,
    session_ticket: Vec<u8>,
    psk_identities: Vec<u8>,
    psk_binders: usize,
}

impl ClientHello {
    /// Parses the body of a ClientHello: what follows the four bytes of message type and length (RFC 8446 §4).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`](crate::ErrorKind::InvalidMessage), with the rule that it breaks as the source.
    pub fn parse(handshake_body: &[u8]) -> Result<Self, Error> {
        Ok(Self::parse_or_alert(handshake_body)?)
    }

    pub(super) fn parse_or_alert(handshake_body: &[u8]) -> Result<Self, Malformed> {
        let (fields, read) = Fields::read(handshake_body);
        read?;
        fields.check()?;
        Ok(Self(Arc::new(fields)))
    }

    /// The version field of old: `0x0303` in a client of TLS 1.2 or later (RFC 8446 §4.1.2).
    pub fn legacy_version(&self) -> u16 {
        self.0.legacy_version
    }

    /// The client's random bytes.
    pub fn random(&self) -> &[u8; 32] {
        &self.0.random
    }

    /// The session that a client of TLS 1.2 would resume; arbitrary bytes in TLS 1.3. At most 32 bytes.
    pub fn legacy_session_id(&self) -> &[u8] {
        &self.0.legacy_session_id
    }

    /// The cipher suites on offer, signalling values such as TLS_EMPTY_RENEGOTIATION_INFO_SCSV included.
    pub fn cipher_suites(&self) -> &[CipherSuite] {
        &self.0.cipher_suites
    }

    /// The types of all extensions, in the order in which they stand.
    pub fn extension_types(&self) -> &[u16] {
        &self.0.extension_types
    }

    /// The host name in SNI (RFC 6066 §3) as the client wrote it: printable ASCII, 1 to 255 bytes, any case.
    ///
    /// What has no place there but is sent by some clients is handed over as it is: a dot at the end, which is no part
    /// of the name, and an IP address.
    pub fn server_name(&self) -> Option<&str> {
        self.0.server_name()
    }

    /// The application protocols on offer (RFC 7301), none of them empty.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.0.alpn()
    }

    /// Whether this application protocol is on offer.
    pub fn offers_protocol(&self, name: &[u8]) -> bool {
        self.alpn().any(|offered| offered == name)
    }

    /// The versions in supported_versions (RFC 8446 §4.2.1) as sent; empty where the extension is absent.
    pub fn supported_versions(&self) -> &[u16] {
        &self.0.supported_versions
    }

    /// The versions on offer that polytls speaks. Without supported_versions, `legacy_version` says whether
    /// that is TLS 1.2.
    pub fn protocol_versions(&self) -> impl Iterator<Item = ProtocolVersion> {
        let listed = self.0.supported_versions.iter().copied();
        // RFC 8446 §4.2.1: without the extension there is TLS 1.2 at best, whatever legacy_version says.
        let unlisted =
            !self.has_extension(extension_type::SUPPORTED_VERSIONS) && self.0.legacy_version >= 0x0303;
        listed.chain(unlisted.then_some(0x0303)).filter_map(ProtocolVersion::from_code)
    }

    /// Whether this version is on offer.
    pub fn offers_version(&self, version: ProtocolVersion) -> bool {
        self.protocol_versions().any(|offered| offered == version)
    }

    /// The groups on offer for key exchange (RFC 8446 §4.2.7).
    pub fn named_groups(&self) -> &[NamedGroup] {
        &self.0.named_groups
    }

    /// The signature schemes that the client accepts (RFC 8446 §4.2.3).
    pub fn signature_schemes(&self) -> &[SignatureScheme] {
        &self.0.signature_schemes
    }

    /// The groups for which the client sent a key share (RFC 8446 §4.2.8): choosing one of them saves a round trip.
    pub fn key_share_groups(&self) -> &[NamedGroup] {
        &self.0.key_shares
    }

    /// The sessions that a client of TLS 1.3 would resume (RFC 8446 §4.2.11).
    pub fn psk_identities(&self) -> impl Iterator<Item = PskIdentity<'_>> {
        self.0.psk_identities()
    }

    /// The ticket of TLS 1.2 (RFC 5077 §3.2): empty from a client that has none and would take one, `None` from one
    /// that takes none.
    pub fn session_ticket(&self) -> Option<&[u8]> {
        self.has_extension(extension_type::SESSION_TICKET).then_some(&self.0.session_ticket)
    }

    /// Whether early data follows (RFC 8446 §4.2.10).
    pub fn offers_early_data(&self) -> bool {
        self.has_extension(extension_type::EARLY_DATA)
    }

    /// Whether the client mixes reserved values in, so that servers stay used to unknown ones (RFC 8701).
    pub fn has_grease(&self) -> bool {
        let Fields { cipher_suites, extension_types, supported_versions, named_groups, .. } = &*self.0;
        let codes = cipher_suites.iter().map(|suite| suite.code());
        let codes = codes.chain(extension_types.iter().chain(supported_versions).copied());
        codes.chain(named_groups.iter().map(|group| group.code())).any(is_grease)
    }

    /// Whether there is an extension of this type.
    pub fn has_extension(&self, extension_type: u16) -> bool {
        self.0.has(extension_type)
    }

    /// The JA4 fingerprint, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`: clients of the same make have the same,
    /// whatever they connect to and in whatever order they list their extensions.
    ///
    /// It is made after [FoxIO's description](https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md)
    /// for TLS over a byte stream. A client may imitate another's: it is a hint, not a proof of who connects.
    pub fn ja4(&self) -> String {
        ja4::fingerprint(self)
    }
}

impl Fields {
    fn has(&self, extension_type: u16) -> bool {
        self.extension_types.contains(&extension_type)
    }

    pub(super) fn server_name(&self) -> Option<&str> {
        let (_, name) = self.server_names().find(|(name_type, _)| *name_type == HOST_NAME)?;
        std::str::from_utf8(name).ok().filter(|name| is_host_name(name.as_bytes()))
    }

    /// The ServerNameList (RFC 6066 §3): the data of every future NameType begins with 16 bits of length too.
    fn server_names(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut names = Reader::new(&self.server_name_list);
        std::iter::from_fn(move || Some((names.u8()?, names.vector16()?.rest())))
    }

    pub(super) fn alpn(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut names = Reader::new(&self.protocol_name_list);
        std::iter::from_fn(move || names.vector8().map(Reader::rest))
    }

    pub(super) fn psk_identities(&self) -> impl Iterator<Item = PskIdentity<'_>> {
        let mut identities = Reader::new(&self.psk_identities);
        std::iter::from_fn(move || {
            let identity = identities.vector16()?.rest();
            Some(PskIdentity { identity, obfuscated_ticket_age: identities.u32()? })
        })
    }
}

/// Logs show this name: only what prints is let through.
fn is_host_name(name: &[u8]) -> bool {
    (1..=MAX_HOST_NAME).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

/// RFC 8701 §2: 0x0a0a, 0x1a1a, ... 0xfafa.
fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// A session of TLS 1.3 that a client would resume (RFC 8446 §4.2.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PskIdentity<'a> {
    /// The ticket, or the label of a key that both sides know.
    pub identity: &'a [u8],
    /// How long ago the client got the ticket: milliseconds, plus the ticket_age_add that came with it.
    pub obfuscated_ticket_age: u32,
}

impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHello")
            .field("server_name", &self.server_name())
            .field("alpn", &self.alpn().map(String::from_utf8_lossy).collect::<Vec<_>>())
            .field("supported_versions", &self.supported_versions())
            .field("cipher_suites", &self.cipher_suites())
            .field("named_groups", &self.named_groups())
            .field("signature_schemes", &self.signature_schemes())
            .finish_non_exhaustive()
    }
}
