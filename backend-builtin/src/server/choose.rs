//! What the server chooses of a client's offer: version, suite, group, signature scheme, application protocol.
//!
//! The rules are those of polytls's configuration: the client's order decides on the suite, the server's on the rest.

use std::sync::Arc;

use polytls_api::{NamedGroup, ProtocolVersion, SignatureScheme};

use super::Server;
use crate::{
    config::PreparedServer,
    crypto::KeyKind,
    error::Fault,
    identity::PreparedIdentity,
    key_schedule::Suite,
    record::RecordSizeLimits,
    wire::{handshake::ClientHello, signaling::TLS_FALLBACK_SCSV},
};

/// The highest version that both sides have.
pub(super) fn version(prepared: &PreparedServer, hello: &ClientHello<'_>) -> Result<ProtocolVersion, Fault> {
    let offered = |version: &ProtocolVersion| match &hello.extensions.supported_versions {
        Some(listed) => listed.contains(&version.code()),
        // RFC 8446 §4.2.1: without the extension there is TLS 1.2 at best, whatever legacy_version says.
        None => *version == ProtocolVersion::Tls12 && hello.legacy_version >= version.code(),
    };
    let protocol = prepared.config.protocol();
    let version = protocol.versions().iter().copied().filter(offered).max();
    let version =
        version.ok_or(Fault::ProtocolVersion("the client offers no version that is allowed here"))?;
    // RFC 7507 §3.
    if hello.cipher_suites.contains(&TLS_FALLBACK_SCSV) && version < protocol.highest_version() {
        return Err(Fault::InappropriateFallback);
    }
    Ok(version)
}

/// The first of the client's suites that the server may take.
pub(super) fn suite(
    prepared: &PreparedServer,
    hello: &ClientHello<'_>,
    fits: impl Fn(&Suite) -> bool,
) -> Result<&'static Suite, Fault> {
    let allowed = hello.cipher_suites.iter().filter(|suite| prepared.suites.contains(suite));
    let mut known = allowed.filter_map(|suite| Suite::of(*suite));
    known.find(|suite| fits(suite)).ok_or(Fault::HandshakeFailure("no cipher suite in common"))
}

/// RFC 8422 §5.1.1: in TLS 1.2 the client's groups also say which curves a certificate may have.
pub(super) fn is_on_offered_curve(kind: KeyKind, groups: &[NamedGroup]) -> bool {
    match kind {
        KeyKind::EcdsaP256 => groups.contains(&NamedGroup::SECP256R1),
        KeyKind::EcdsaP384 => groups.contains(&NamedGroup::SECP384R1),
        KeyKind::EcdsaP521 => groups.contains(&NamedGroup::SECP521R1),
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => true,
    }
}

/// The scheme that the presented key signs with: its own first of those that the client takes.
pub(super) fn signature_scheme(
    identity: &PreparedIdentity,
    version: ProtocolVersion,
    accepted: &[SignatureScheme],
) -> Result<SignatureScheme, Fault> {
    let kind = identity.key_kind();
    let mut own = identity.schemes().iter().copied().filter(|scheme| kind.may_sign(*scheme, version));
    own.find(|scheme| accepted.contains(scheme))
        .ok_or(Fault::HandshakeFailure("the client takes no signature that the presented key can make"))
}

/// RFC 8449 §4: a limit is told to who knows the extension, and a client's holds from there on.
pub(super) fn record_size_limits(
    server: &Server<'_>,
    hello: &ClientHello<'_>,
    most: u16,
) -> RecordSizeLimits {
    let peers = hello.extensions.record_size_limit;
    let own = server.prepared.options.record_size_limit.map_or(most, |limit| limit.min(most));
    RecordSizeLimits { own: peers.map(|_| own), peers }
}

/// The first of the server's application protocols that the client offers; none where either names none.
pub(super) fn application_protocol(
    server: &Server<'_>,
    hello: &ClientHello<'_>,
) -> Result<Option<Arc<[u8]>>, Fault> {
    let own = &server.prepared.protocols;
    let Some(offered) = hello.extensions.alpn.as_ref().filter(|_| !own.is_empty()) else { return Ok(None) };
    let common = own.iter().find(|protocol| offered.contains(&&***protocol));
    // RFC 7301 §3.2.
    common.cloned().map(Some).ok_or(Fault::NoApplicationProtocol)
}
