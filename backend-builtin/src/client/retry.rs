//! HelloRetryRequest (RFC 8446 §4.1.4): the server wants another hello, and says what must be different.

use polytls_api::ProtocolVersion;

use super::{
    early_data::EarlyData,
    hello::{Answer, SentHello},
};
use crate::{
    error::Fault,
    key_schedule::{Suite, Transcript},
    record::Records,
    wire::{extension::ExtensionType, handshake::ServerHello},
};

/// What a HelloRetryRequest leaves behind: its suite is final, and the transcript begins anew.
pub(super) struct Retried {
    pub(super) suite: &'static Suite,
    pub(super) transcript: Transcript,
}

impl SentHello<'_> {
    /// Reads a HelloRetryRequest and changes the offer as it asks.
    pub(super) fn read_hello_retry_request(&mut self, request: &Answer<'_>) -> Result<Retried, Fault> {
        let suite = self.offer.suite_of(request)?;
        let extensions = &request.extensions;
        // RFC 8446 §4.1.4: cookie is the one extension that comes without having been offered.
        let known = [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE, ExtensionType::COOKIE];
        if extensions.present.iter().any(|extension| !known.contains(extension)) {
            return Err(Fault::UnsupportedExtension("an extension that is not for HelloRetryRequest"));
        }
        if extensions.cookie.is_none() && extensions.selected_group.is_none() {
            return Err(Fault::IllegalParameter("a HelloRetryRequest that changes nothing"));
        }
        if let Some(group) = extensions.selected_group {
            if !self.offer.groups().any(|offered| offered == group) {
                return Err(Fault::IllegalParameter("a HelloRetryRequest for a group that was not offered"));
            }
            if self.offer.has_key_share(group) {
                return Err(Fault::IllegalParameter("a HelloRetryRequest for a group whose share was sent"));
            }
            self.offer.change_key_share(group)?;
        }
        self.offer.cookie = extensions.cookie.map(<[u8]>::to_vec);
        // RFC 8446 §4.1.4: only keys that go with the suite are offered again.
        self.offer.psks.retain(|psk| psk.hash() == suite.hash);
        self.offer.retried = true;
        let mut transcript = self.transcript.start(suite.hash).hello_retry();
        transcript.add(request.message.raw());
        tracing::debug!(suite = %suite.id, group = ?extensions.selected_group, "the server asks for another hello");
        Ok(Retried { suite, transcript })
    }

    /// Sends the hello once more, as it was but for what was asked (RFC 8446 §4.1.2).
    pub(super) fn send_second_client_hello(
        &mut self,
        retried: &mut Retried,
        records: &mut Records<'_, '_>,
    ) -> Result<(), Fault> {
        match self.early_data {
            // RFC 8446 §4.2.10: a retry rejects early data, and the second hello is in the clear as the first was.
            EarlyData::Sent => {
                records.clear_sending_keys()?;
                self.offer.drop_early_data();
                self.early_data = EarlyData::None;
            }
            EarlyData::None if self.offer.prepared.options.middlebox_compatibility => {
                records.send_change_cipher_spec()?;
            }
            EarlyData::None => {}
        }
        let message = self.offer.encode(|_, part| retried.transcript.hash_part(part));
        retried.transcript.add(&message);
        records.send_message(&message);
        Ok(())
    }
}

impl super::offer::Offer<'_> {
    /// What a HelloRetryRequest and a ServerHello of TLS 1.3 have in common (RFC 8446 §4.1.3).
    pub(super) fn suite_of(&self, hello: &ServerHello<'_>) -> Result<&'static Suite, Fault> {
        if hello.legacy_session_id_echo != self.legacy_session_id {
            return Err(Fault::IllegalParameter("a legacy_session_id_echo that is not the hello's"));
        }
        if hello.extensions.selected_version != Some(ProtocolVersion::Tls13.code()) {
            return Err(Fault::IllegalParameter("a version other than the one that was selected"));
        }
        self.suite(hello.cipher_suite, ProtocolVersion::Tls13)
    }
}
