//! The ServerHello of TLS 1.2 (RFC 5246 §7.4.1.3): the server's choice, and whether an earlier session goes on.

use polytls_api::{EarlyDataStatus, ProtocolVersion};

use super::Flow;
use crate::{
    client::{
        hello::{Answer, SentHello},
        offer::Offer,
    },
    error::Fault,
    key_schedule::Suite,
    record::Records,
    sessions::ClientSession,
    steps::{self, Step},
    wire::{extension::ec_point_formats::UNCOMPRESSED, handshake::ServerHello},
};

impl<'a, 'r, 'b, 't> Flow<'a, 'r, 'b, 't> {
    /// Reads the ServerHello; with it comes the session, if it goes on.
    pub(super) fn read_server_hello(
        hello: Box<SentHello<'a>>,
        server_hello: &Answer<'_>,
        records: &'r mut Records<'b, 't>,
    ) -> Result<(Self, Option<ClientSession>), Fault> {
        let SentHello { mut offer, transcript: mut messages, mut info, background, .. } = *hello;
        let suite = offer.suite(server_hello.cipher_suite, ProtocolVersion::Tls12)?;
        let session = offer.resumed(server_hello, suite)?;
        let extensions = &server_hello.extensions;
        offer.refuse_unsolicited(&extensions.present)?;
        refuse_renegotiation_and_compressed_points(server_hello)?;
        steps::reached(Step::Choose);
        messages.add(server_hello.message.raw());
        info.version = Some(ProtocolVersion::Tls12);
        info.cipher_suite = Some(suite.id);
        info.resumed = Some(session.is_some());
        info.early_data = EarlyDataStatus::NotOffered;
        info.alpn = offer.chosen_protocol(extensions.alpn)?;
        offer.agree_on_record_size(extensions.record_size_limit, ProtocolVersion::Tls12, records)?;
        records.allow_change_cipher_spec(false);
        let flow = Self {
            transcript: messages.start(suite.hash),
            messages,
            offer,
            records,
            info,
            background,
            suite,
            server_random: server_hello.random,
            session_id: server_hello.legacy_session_id_echo.to_vec(),
            extended_master_secret: extensions.extended_master_secret,
            sends_ticket: extensions.session_ticket,
            sends_status: extensions.status_request,
            ahead: None,
        };
        Ok((flow, session))
    }
}

impl Offer<'_> {
    /// The session that was offered, if the server resumes it: it says our id again (RFC 5246 §7.4.1.3, RFC 5077 §3.4).
    fn resumed(&mut self, hello: &ServerHello<'_>, suite: &Suite) -> Result<Option<ClientSession>, Fault> {
        let session = self.session.take();
        let is_echo =
            !self.legacy_session_id.is_empty() && hello.legacy_session_id_echo == self.legacy_session_id;
        match session {
            _ if !is_echo => Ok(None),
            None => Err(Fault::IllegalParameter("the echo of a session id that stands for no session")),
            Some(session) if session.suite != suite.id => {
                Err(Fault::IllegalParameter("a session that is resumed with another cipher suite"))
            }
            Some(session) => {
                refuse_other_master_secret(&session, hello.extensions.extended_master_secret)?;
                Ok(Some(session))
            }
        }
    }
}

fn refuse_renegotiation_and_compressed_points(hello: &ServerHello<'_>) -> Result<(), Fault> {
    // RFC 8422 §5.2.
    if hello.extensions.ec_point_formats.is_some_and(|formats| !formats.contains(&UNCOMPRESSED)) {
        return Err(Fault::IllegalParameter("ec_point_formats without uncompressed"));
    }
    // RFC 5746 §3.4: without it, what an attacker sent before could be taken for the client's.
    match hello.extensions.renegotiation_info {
        Some([]) => Ok(()),
        Some(_) => Err(Fault::HandshakeFailure("renegotiation_info with content in a first handshake")),
        None => Err(Fault::HandshakeFailure("a server of TLS 1.2 without secure renegotiation (RFC 5746)")),
    }
}

/// RFC 7627 §5.3: a session goes on with the kind of master secret that it began with.
fn refuse_other_master_secret(session: &ClientSession, is_extended: bool) -> Result<(), Fault> {
    match (session.extended_master_secret, is_extended) {
        (true, false) => {
            Err(Fault::HandshakeFailure("a session with extended_master_secret that is resumed without"))
        }
        (false, true) => {
            Err(Fault::HandshakeFailure("a session without extended_master_secret that is resumed with it"))
        }
        (true, true) | (false, false) => Ok(()),
    }
}
