//! What a handshake goes by: chosen once, from the ClientHello (RFC 5246 §7.4.1).

use std::sync::Arc;

use polytls_api::{NamedGroup, ProtocolVersion, SignatureScheme};

use crate::{
    error::Fault,
    key_schedule::Suite,
    record::RecordSizeLimits,
    server::{Server, choose, hello::Hello},
    wire::signaling::TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
};

/// RFC 8422 §5.1.2: the one point format that is left.
pub(super) const UNCOMPRESSED: u8 = 0;

/// RFC 8449 §4.
const MOST_RECORD_SIZE: u16 = 1 << 14;

/// RFC 8446 §4.1.3: the end of the random of a server that could do better.
const DOWNGRADE_TO_TLS12: [u8; 8] = *b"DOWNGRD\x01";

/// What was negotiated, and what the client asked for.
pub(super) struct Parameters {
    pub(super) suite: &'static Suite,
    pub(super) group: NamedGroup,
    pub(super) scheme: SignatureScheme,
    pub(super) alpn: Option<Arc<[u8]>>,
    pub(super) server_name: Option<Arc<str>>,
    pub(super) client_random: [u8; 32],
    pub(super) server_random: [u8; 32],
    pub(super) legacy_session_id: Vec<u8>,
    pub(super) extended_master_secret: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) ec_point_formats: bool,
    pub(super) status_request: bool,
    pub(super) session_ticket: bool,
    pub(super) record_size_limits: RecordSizeLimits,
}

impl Parameters {
    pub(super) fn choose(server: &Server<'_>, hello: &Hello<'_>) -> Result<Self, Fault> {
        let extensions = &hello.extensions;
        let secure_renegotiation = secure_renegotiation(hello)?;
        check_point_formats(extensions.ec_point_formats)?;
        let kind = server.identity.key_kind();
        let groups = extensions.supported_groups.as_deref().unwrap_or_default();
        let accepted = extensions.signature_algorithms.as_deref().unwrap_or_default();
        let suite = choose::suite(server.prepared, hello, |suite| {
            suite.version == ProtocolVersion::Tls12
                && suite.authentication == Some(kind.authentication())
                && choose::is_on_offered_curve(kind, groups)
        })?;
        Ok(Self {
            suite,
            group: group(&server.prepared.groups, groups)?,
            scheme: choose::signature_scheme(&server.identity, ProtocolVersion::Tls12, accepted)?,
            alpn: choose::application_protocol(server, hello)?,
            server_name: extensions.server_name.map(Arc::from),
            client_random: hello.random,
            server_random: random(server)?,
            legacy_session_id: hello.legacy_session_id.to_vec(),
            extended_master_secret: extensions.extended_master_secret,
            secure_renegotiation,
            ec_point_formats: extensions.ec_point_formats.is_some(),
            status_request: extensions.status_request,
            session_ticket: extensions.session_ticket.is_some(),
            record_size_limits: choose::record_size_limits(server, hello, MOST_RECORD_SIZE),
        })
    }
}

/// The first of ours that the client offers. A hybrid group's share is longer than RFC 8422 §5.4 has room for.
fn group(own: &[NamedGroup], offered: &[NamedGroup]) -> Result<NamedGroup, Fault> {
    let usable = |group: &&NamedGroup| **group != NamedGroup::X25519MLKEM768 && offered.contains(group);
    own.iter().find(usable).copied().ok_or(Fault::HandshakeFailure("no group in common"))
}

/// RFC 5746 §3.6: whether the client knows of secure renegotiation; on a new connection there is nothing to renew.
fn secure_renegotiation(hello: &Hello<'_>) -> Result<bool, Fault> {
    match hello.extensions.renegotiation_info {
        Some([]) => Ok(true),
        Some(_) => Err(Fault::HandshakeFailure("a ClientHello that renegotiates what has not begun")),
        None => Ok(hello.cipher_suites.contains(&TLS_EMPTY_RENEGOTIATION_INFO_SCSV)),
    }
}

/// RFC 8422 §5.1.2.
fn check_point_formats(formats: Option<&[u8]>) -> Result<(), Fault> {
    match formats {
        Some(formats) if !formats.contains(&UNCOMPRESSED) => {
            Err(Fault::IllegalParameter("point formats without the uncompressed one"))
        }
        _ => Ok(()),
    }
}

/// The server's random, which tells a client of TLS 1.3 that this is not what it should have got.
fn random(server: &Server<'_>) -> Result<[u8; 32], Fault> {
    let mut random = server.random()?;
    if server.prepared.config.protocol().highest_version() > ProtocolVersion::Tls12 {
        random[24..].copy_from_slice(&DOWNGRADE_TO_TLS12);
    }
    Ok(random)
}
