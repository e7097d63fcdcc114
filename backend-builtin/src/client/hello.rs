//! The first exchange: the ClientHello goes out, and the server's choice of version comes back.

use std::ops::Deref;

use polytls_api::{Background, ConnectionInfo, EarlyDataStatus, ProtocolVersion};

use super::{early_data::EarlyData, offer::Offer};
use crate::{
    error::Fault,
    key_schedule::TranscriptBuffer,
    record::Records,
    sessions::ClientSessions,
    steps::{self, Step},
    wire::handshake::{HandshakeMessage, HandshakeType, ServerHello},
};

/// What has been sent, and what must be remembered of it.
pub(super) struct SentHello<'a> {
    pub(super) offer: Offer<'a>,
    pub(super) transcript: TranscriptBuffer,
    pub(super) early_data: EarlyData,
    pub(super) info: ConnectionInfo,
    pub(super) background: Background,
}

/// Sends the ClientHello (RFC 8446 §4.1.2), and early data right behind it.
pub(super) fn send_client_hello<'a>(
    mut offer: Offer<'a>,
    records: &mut Records<'_, '_>,
) -> Result<Box<SentHello<'a>>, Fault> {
    let mut transcript = TranscriptBuffer::new();
    let message = offer.encode(|hash, part| transcript.hash_part(hash, part));
    records.send_message(&message);
    steps::reached(Step::Offer);
    let early_data = EarlyData::send(&offer, &message, &mut transcript, records)?;
    transcript.add(&message);
    if offer.allows(ProtocolVersion::Tls13) {
        // RFC 8446 §5: from the first hello on a server may send it, and it means nothing.
        records.allow_change_cipher_spec(true);
    }
    let mut info = ConnectionInfo::new(offer.prepared.info.clone());
    info.server_name = offer.sni().and_then(|_| offer.name.to_sni());
    info.early_data = match early_data {
        EarlyData::None => EarlyDataStatus::NotOffered,
        // Until the server says otherwise.
        EarlyData::Sent => EarlyDataStatus::Rejected,
    };
    let sessions = offer.prepared.sessions.as_ref();
    let background = sessions.map_or(Background::none(), ClientSessions::background);
    // It is handed on more than once, and is large.
    Ok(Box::new(SentHello { offer, transcript, early_data, info, background }))
}

/// A ServerHello, or a HelloRetryRequest: the message, which the transcript takes, and what it says.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) message: &'a HandshakeMessage,
    pub(super) server_hello: &'a ServerHello<'a>,
}

impl<'a> Deref for Answer<'a> {
    type Target = ServerHello<'a>;

    fn deref(&self) -> &Self::Target {
        self.server_hello
    }
}

/// Reads the message that answers a ClientHello: a ServerHello, or a HelloRetryRequest in its form.
pub(super) async fn read_server_hello(records: &mut Records<'_, '_>) -> Result<HandshakeMessage, Fault> {
    let message = records.read_message().await?;
    match message.kind() {
        HandshakeType::SERVER_HELLO => Ok(message),
        _ => Err(Fault::UnexpectedMessage("a message before the ServerHello")),
    }
}

impl SentHello<'_> {
    /// The version that the server chose (RFC 8446 §4.2.1), if it was offered and nobody stood between.
    pub(super) fn negotiated_version(&self, hello: &ServerHello<'_>) -> Result<ProtocolVersion, Fault> {
        let offered = |code| ProtocolVersion::from_code(code).filter(|&version| self.offer.allows(version));
        let version = match hello.extensions.selected_version {
            Some(version) => offered(version)
                .ok_or(Fault::IllegalParameter("supported_versions with a version that was not offered")),
            // RFC 8446 §4.2.1: without supported_versions it is TLS 1.2 or older.
            None => offered(hello.legacy_version)
                .filter(|&version| version < ProtocolVersion::Tls13)
                .ok_or(Fault::ProtocolVersion("a version that was not offered")),
        }?;
        if version == ProtocolVersion::Tls12 {
            self.refuse_downgrade(hello)?;
        }
        tracing::debug!(%version, "the server chose a version");
        Ok(version)
    }

    /// RFC 8446 §4.1.3: a server that has TLS 1.3 and chose less says so where nobody can change it unseen.
    fn refuse_downgrade(&self, hello: &ServerHello<'_>) -> Result<(), Fault> {
        const TO_TLS12: &[u8] = b"DOWNGRD\x01";
        const TO_LESS: &[u8] = b"DOWNGRD\x00";
        let marked = hello.random.ends_with(TO_TLS12) || hello.random.ends_with(TO_LESS);
        if marked && self.offer.allows(ProtocolVersion::Tls13) {
            return Err(Fault::IllegalParameter(
                "a downgrade from TLS 1.3, marked in the ServerHello's random",
            ));
        }
        if matches!(self.early_data, EarlyData::Sent) {
            // RFC 8446 appendix D.3: a server that gave out the ticket has TLS 1.3.
            return Err(Fault::ProtocolVersion("TLS 1.2 in answer to early data"));
        }
        Ok(())
    }
}
