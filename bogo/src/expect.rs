//! What the runner says must hold, held against what polytls tells.

use std::fmt::Debug;

use polytls::{ConnectionInfo, EarlyDataStatus, ProtocolVersion, TlsStream};

use crate::{
    connection::Connection,
    credential::certificates,
    hellos::{EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO, ServerHellos},
    link::Link,
    options::Expected,
    report::{Failure, expect},
};

/// Two values that must be the same.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> Result<(), Failure> {
    expect(found == wanted, || format!("{what}: {found:?}, wanted {wanted:?}"))
}

/// All that must hold when the handshake is complete.
pub(crate) fn handshake(connection: &Connection<'_>, stream: &TlsStream<Link>) -> Result<(), Failure> {
    let (info, expected) = (stream.info(), &connection.options.expected);
    expect(!expected.no_handshake, || "the handshake is complete".into())?;
    negotiated(info, expected, connection.options.settings.server)?;
    alpn(connection, info)?;
    resumption(connection, info)?;
    peer(connection, info)?;
    early_data(connection, info)?;
    match info.version {
        Some(ProtocolVersion::Tls13) => hello_retry(connection, stream.io()),
        _ => tls12_extensions(connection, stream.io()),
    }
}

fn negotiated(info: &ConnectionInfo, expected: &Expected, server: bool) -> Result<(), Failure> {
    if let Some(version) = expected.version {
        equal("version", &info.version.map(ProtocolVersion::code), &Some(version))?;
    }
    if let Some(suite) = expected.cipher {
        equal("cipher suite", &info.cipher_suite.map(|suite| suite.code()), &Some(suite))?;
    }
    if let Some(group) = expected.curve {
        equal("named group", &info.named_group.map(|group| group.code()), &Some(group))?;
    }
    // A resumed session has no signature.
    if expected.peer_signature_scheme.is_some() && info.resumed == Some(false) {
        let found = info.peer_signature_scheme.map(|scheme| scheme.code());
        equal("the peer's signature scheme", &found, &expected.peer_signature_scheme)?;
    }
    if expected.server_name.is_some() {
        equal("server name", &info.server_name.as_deref(), &expected.server_name.as_deref())?;
    }
    // With a resumed session no certificate passes, and no response with it.
    if !server && expected.ocsp_response.is_some() && info.resumed == Some(false) {
        equal("OCSP response", &info.ocsp_response.as_deref(), &expected.ocsp_response.as_deref())?;
    }
    Ok(())
}

/// A server's choice must be the one that it was told to make; no protocol must be chosen where none is expected.
fn alpn(connection: &Connection<'_>, info: &ConnectionInfo) -> Result<(), Failure> {
    let settings = &connection.options.settings;
    let wanted = if settings.server { &settings.select_alpn } else { &connection.options.expected.alpn };
    equal("application protocol", &info.alpn.as_deref().unwrap_or_default().to_vec(), wanted)
}

fn resumption(connection: &Connection<'_>, info: &ConnectionInfo) -> Result<(), Failure> {
    let wanted = connection.resumes && !connection.options.expected.session_miss;
    equal("resumed", &info.resumed.unwrap_or(wanted), &wanted)
}

fn peer(connection: &Connection<'_>, info: &ConnectionInfo) -> Result<(), Failure> {
    let (settings, expected) = (&connection.options.settings, &connection.options.expected);
    let wants_certificate = !settings.server || settings.require_client_certificate;
    if expected.no_peer_cert {
        expect(info.peer_chain.is_empty(), || "the peer presented a certificate".into())?;
    } else if wants_certificate {
        expect(!info.peer_chain.is_empty(), || "the peer presented no certificate".into())?;
    }
    if let Some(path) = &expected.peer_cert_file {
        equal("the peer's chain", &info.peer_chain.to_vec(), &certificates(path)?)?;
    }
    if let Some(index) = expected.selected_credential {
        let wanted = match usize::try_from(index) {
            Ok(index) => settings.credentials.get(index).unwrap_or(&settings.default_credential),
            Err(_) => &settings.default_credential,
        };
        equal("the chain presented", &info.local_chain.to_vec(), &wanted.chain()?)?;
    }
    // A verifier that was never asked has verified nothing, unless a session stands for what it said before.
    if expected.verify_result && wants_certificate && info.resumed == Some(false) {
        equal("verifications", &connection.live.verifications(), &1)?;
    }
    Ok(())
}

fn early_data(connection: &Connection<'_>, info: &ConnectionInfo) -> Result<(), Failure> {
    let expected = &connection.options.expected;
    let accepted = info.early_data == EarlyDataStatus::Accepted;
    if let Some(wanted) = expected.early_data {
        equal("early data accepted", &accepted, &wanted)?;
    }
    // BoringSSL's reasons are its own; which of them stand for data that was accepted is not.
    if let Some(reason) = &expected.early_data_reason {
        equal("early data accepted", &accepted, &(reason == "accept"))?;
    }
    if expected.no_early_data_offer {
        equal("early data", &info.early_data, &EarlyDataStatus::NotOffered)?;
    }
    Ok(())
}

fn server_hellos(connection: &Connection<'_>, link: &Link) -> ServerHellos {
    let (received, sent) = link.beginnings();
    ServerHellos::read(if connection.options.settings.server { sent } else { received })
}

fn hello_retry(connection: &Connection<'_>, link: &Link) -> Result<(), Failure> {
    let Some(wanted) = connection.options.expected.hello_retry else { return Ok(()) };
    equal("HelloRetryRequest", &server_hellos(connection, link).hello_retry_request, &wanted)
}

/// What TLS 1.3 has in itself, and TLS 1.2 by extensions (RFC 7627, RFC 5746).
fn tls12_extensions(connection: &Connection<'_>, link: &Link) -> Result<(), Failure> {
    let expected = &connection.options.expected;
    let found = server_hellos(connection, link);
    if expected.extended_master_secret {
        let has = found.extensions.contains(&EXTENDED_MASTER_SECRET);
        expect(has, || "no extended master secret".into())?;
    }
    if let Some(wanted) = expected.secure_renegotiation {
        equal("renegotiation_info", &found.extensions.contains(&RENEGOTIATION_INFO), &wanted)?;
    }
    Ok(())
}

/// Whether sessions came that can be resumed, once data has passed.
pub(crate) fn sessions(
    connection: &Connection<'_>,
    info: &ConnectionInfo,
    came: usize,
) -> Result<(), Failure> {
    let options = connection.options;
    if options.settings.server {
        return expect(!options.expected.stored_session || came > 0, || "no session was stored".into());
    }
    // Storing goes on while the connection is read, which a shim that only shuts down may not do.
    if options.settings.suspends && options.exchange.shim_shuts_down {
        return Ok(());
    }
    // A resumed TLS 1.2 session is kept again, so that what came says nothing.
    let tells = info.version == Some(ProtocolVersion::Tls13) || info.resumed == Some(false);
    if connection.prepared.sessions.is_none() || !tells {
        return Ok(());
    }
    let reads_on = info.version == Some(ProtocolVersion::Tls12) || !options.exchange.shim_shuts_down;
    let wanted = !options.expected.no_session && reads_on;
    equal("a session came", &(came > 0), &wanted)
}
