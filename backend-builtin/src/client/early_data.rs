//! 0-RTT (RFC 8446 §2.3, §4.2.10): what goes out behind the hello, under keys of the session to resume.

use polytls_api::ReplayableData;

use super::offer::Offer;
use crate::{
    error::Fault,
    key_schedule::{Suite, TranscriptBuffer},
    record::Records,
    sessions::ClientSession,
};

/// Whether early data is under way.
pub(super) enum EarlyData {
    /// None was sent.
    None,
    /// Sent, and what protects it is still in force for sending.
    Sent,
}

impl EarlyData {
    /// Sends what was offered.
    pub(super) fn send(
        offer: &Offer<'_>,
        client_hello: &[u8],
        transcript: &mut TranscriptBuffer,
        records: &mut Records<'_, '_>,
    ) -> Result<Self, Fault> {
        let Some((data, psk, session)) = offer.early_data() else { return Ok(Self::None) };
        let suite = Suite::of(session.suite).ok_or(Fault::Internal("a session of an unknown suite"))?;
        if offer.prepared.options.middlebox_compatibility {
            records.send_change_cipher_spec()?;
        }
        let hash = transcript.hash_part(suite.hash, client_hello);
        let traffic = psk.early_secret.client_early_traffic(&hash);
        offer.log("CLIENT_EARLY_TRAFFIC_SECRET", traffic.as_bytes());
        records.set_early_data_keys(traffic.keys(suite)?)?;
        records.send_application_data(data.as_bytes())?;
        Ok(Self::Sent)
    }
}

/// Whether this session lets so much be sent (RFC 8446 §4.2.10).
pub(super) fn is_allowed(data: &ReplayableData, session: &ClientSession, alpn: &[Vec<u8>]) -> bool {
    let len = data.as_bytes().len();
    let fits = u32::try_from(len).is_ok_and(|len| len <= session.max_early_data);
    // The server must choose the session's protocol again, which it can only of what is offered.
    let protocol =
        session.alpn.as_ref().is_none_or(|protocol| alpn.iter().any(|offered| offered[..] == **protocol));
    len > 0 && fits && protocol
}
