//! ServerHello and EncryptedExtensions (RFC 8446 §4.1.3, §4.3.1), and the keys that begin between the two.

use polytls_api::ProtocolVersion;

use super::{Handshake, early_data::EarlyData, psk::Authentication, retry::LEGACY_VERSION};
use crate::{
    crypto::{self, SharedSecret},
    error::Fault,
    key_schedule::{HandshakeSecret, TrafficSecret},
    server::hello::Hello,
    steps::Step,
    wire::handshake::{EncryptedExtensions, KeyShareEntry, ServerHello, ServerHelloExtensions},
};

/// An (EC)DHE exchange that both sides have their part of.
pub(super) struct KeyExchange {
    own_share: Vec<u8>,
    shared: SharedSecret,
}

/// What protects the rest of the handshake.
pub(super) struct HandshakeSecrets {
    pub(super) secret: HandshakeSecret,
    pub(super) client: TrafficSecret,
    pub(super) server: TrafficSecret,
}

impl Handshake<'_, '_, '_> {
    /// Takes the ClientHello that decides, and answers its key share.
    pub(super) fn take_client_hello(
        &mut self,
        client_hello: &Hello<'_>,
        share: &[u8],
    ) -> Result<KeyExchange, Fault> {
        self.transcript.add(client_hello.message.raw());
        let (own_share, shared) =
            Step::Agree.span().in_scope(|| crypto::respond(self.parameters.group, share))?;
        Ok(KeyExchange { own_share, shared })
    }

    pub(super) fn send_server_hello(
        &mut self,
        exchange: KeyExchange,
        authentication: &Authentication,
        early_data: &EarlyData,
    ) -> Result<HandshakeSecrets, Fault> {
        let parameters = &self.parameters;
        let server_hello = ServerHello {
            legacy_version: LEGACY_VERSION,
            random: self.server.random()?,
            legacy_session_id_echo: &parameters.legacy_session_id,
            cipher_suite: parameters.suite.id,
            legacy_compression_method: 0,
            extensions: ServerHelloExtensions {
                selected_version: Some(ProtocolVersion::Tls13.code()),
                key_share: Some(KeyShareEntry { group: parameters.group, key_exchange: &exchange.own_share }),
                selected_identity: authentication.psk().map(|psk| psk.index),
                ..ServerHelloExtensions::default()
            },
        }
        .encode();
        self.send(&server_hello);
        let secrets = self.handshake_secrets(authentication, &exchange.shared);
        // First, while nothing is sent: it fails where the client's hello does not end its flight (RFC 8446 §5.1).
        self.receive_under_handshake_keys(early_data, &secrets)?;
        if !self.parameters.retried {
            self.send_compatibility_change_cipher_spec()?;
        }
        self.records.set_record_size_limits(self.parameters.record_size_limits);
        self.records.set_sending_keys(secrets.server.keys(self.parameters.suite)?)?;
        Ok(secrets)
    }

    fn handshake_secrets(&self, authentication: &Authentication, shared: &SharedSecret) -> HandshakeSecrets {
        let secret = match authentication.psk() {
            Some(psk) => psk.early_secret.handshake(shared),
            None => HandshakeSecret::without_psk(self.parameters.suite.hash, shared),
        };
        let hash = self.transcript.hash();
        let (client, server) = (secret.client_traffic(&hash), secret.server_traffic(&hash));
        self.log("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client.as_bytes());
        self.log("SERVER_HANDSHAKE_TRAFFIC_SECRET", server.as_bytes());
        HandshakeSecrets { secret, client, server }
    }

    /// RFC 8446 appendix D.4: once, after the server's first message, for what is on the way and looks for it.
    pub(super) fn send_compatibility_change_cipher_spec(&mut self) -> Result<(), Fault> {
        // A client that sends a session id asks for it, and must be given it.
        let asked = !self.parameters.legacy_session_id.is_empty();
        if asked || self.server.prepared.options.middlebox_compatibility {
            self.records.send_change_cipher_spec()?;
        }
        Ok(())
    }

    pub(super) fn send_encrypted_extensions(
        &mut self,
        early_data: &EarlyData,
        authentication: &Authentication,
    ) {
        let parameters = &self.parameters;
        let message = EncryptedExtensions {
            alpn: parameters.alpn.as_deref(),
            early_data: matches!(early_data, EarlyData::Accepted(..)),
            // RFC 6066 §3: a resumed session has its name already.
            server_name_ack: parameters.server_name.is_some() && authentication.psk().is_none(),
            record_size_limit: parameters.record_size_limits.own,
            ..EncryptedExtensions::default()
        }
        .encode();
        self.send(&message);
    }
}
