//! What a handshake goes by: chosen once, from the first ClientHello (RFC 8446 §4.1.1).
//!
//! A second ClientHello brings a key share and binders, and changes nothing else: `retry` sees to it.

use std::sync::Arc;

use polytls_api::{NamedGroup, ProtocolVersion, SignatureScheme};

use crate::{
    compression::ZLIB,
    error::Fault,
    key_schedule::Suite,
    record::RecordSizeLimits,
    server::{Server, choose, hello::Hello},
    wire::extension::psk_key_exchange_modes::PSK_DHE_KE,
};

/// RFC 8449 §4: in TLS 1.3 with the byte of the content type.
const MOST_RECORD_SIZE: u16 = (1 << 14) + 1;

/// What was negotiated, and what the client asked for.
pub(super) struct Parameters {
    pub(super) suite: &'static Suite,
    pub(super) group: NamedGroup,
    pub(super) alpn: Option<Arc<[u8]>>,
    pub(super) server_name: Option<Arc<str>>,
    pub(super) client_random: [u8; 32],
    pub(super) legacy_session_id: Vec<u8>,
    /// What the client takes in CertificateVerify; `None` where it does not say.
    pub(super) signature_algorithms: Option<Vec<SignatureScheme>>,
    /// Whether the client would resume with a fresh key exchange.
    pub(super) psk_dhe_ke: bool,
    pub(super) status_request: bool,
    /// Whether the client takes a certificate that is compressed with zlib.
    pub(super) takes_zlib: bool,
    pub(super) record_size_limits: RecordSizeLimits,
    pub(super) retried: bool,
}

impl Parameters {
    pub(super) fn choose(server: &Server<'_>, hello: &Hello<'_>) -> Result<Self, Fault> {
        let extensions = &hello.extensions;
        let modes = extensions.psk_key_exchange_modes.as_deref().unwrap_or_default();
        let psk_dhe_ke = modes.contains(&PSK_DHE_KE);
        Ok(Self {
            suite: suite(server, hello, psk_dhe_ke)?,
            group: group(&server.prepared.groups, hello)?,
            alpn: choose::application_protocol(server, hello)?,
            server_name: extensions.server_name.map(Arc::from),
            client_random: hello.random,
            legacy_session_id: hello.legacy_session_id.to_vec(),
            signature_algorithms: extensions.signature_algorithms.clone(),
            psk_dhe_ke,
            status_request: extensions.status_request,
            takes_zlib: extensions.compress_certificate.iter().flatten().any(|code| *code == ZLIB),
            record_size_limits: choose::record_size_limits(server, hello, MOST_RECORD_SIZE),
            retried: false,
        })
    }

    /// The client's share of the chosen group, if it sent one.
    pub(super) fn key_share<'a>(&self, hello: &Hello<'a>) -> Result<Option<&'a [u8]>, Fault> {
        let shares = hello.client_hello.extensions.key_share.as_deref();
        let shares = shares.ok_or(Fault::MissingExtension("a ClientHello without key_share"))?;
        let mut of_group = shares.iter().filter(|share| share.group == self.group);
        let share = of_group.next().map(|share| share.key_exchange);
        // RFC 8446 §4.2.8.
        match of_group.next() {
            Some(_) => Err(Fault::IllegalParameter("two key shares are for the same group")),
            None => Ok(share),
        }
    }
}

/// The client's first, among those with the hash of a key that both sides were given (RFC 8446 §4.2.11), if it offers
/// one.
fn suite(server: &Server<'_>, hello: &Hello<'_>, takes_psk: bool) -> Result<&'static Suite, Fault> {
    let is_tls13 = |suite: &Suite| suite.version == ProtocolVersion::Tls13;
    let offered = hello.extensions.pre_shared_key.iter().filter(|_| takes_psk);
    let mut identities = offered.flat_map(|offered| &offered.identities);
    let known = identities.find_map(|offered| server.external_psk(offered.identity));
    if let Some(psk) = known
        && let Ok(suite) =
            choose::suite(server.prepared, hello, |suite| is_tls13(suite) && suite.hash == psk.hash())
    {
        return Ok(suite);
    }
    choose::suite(server.prepared, hello, is_tls13)
}

/// The first of ours for which the client has a share; failing that, the first that the client offers at all.
fn group(own: &[NamedGroup], hello: &Hello<'_>) -> Result<NamedGroup, Fault> {
    let extensions = &hello.extensions;
    // RFC 8446 §9.2.
    let offered = extensions.supported_groups.as_deref();
    let offered = offered.ok_or(Fault::MissingExtension("a ClientHello without supported_groups"))?;
    let shares = extensions.key_share.as_deref().unwrap_or_default();
    let common = || own.iter().filter(|group| offered.contains(group));
    let with_share = common().find(|group| shares.iter().any(|share| share.group == **group));
    with_share.or_else(|| common().next()).copied().ok_or(Fault::HandshakeFailure("no group in common"))
}
