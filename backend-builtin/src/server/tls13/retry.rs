//! HelloRetryRequest (RFC 8446 §4.1.4): the client is asked for a share of a group that the server may take.

use polytls_api::ProtocolVersion;

use super::{Handshake, early_data::most_skipped, hellos::KeyExchange, psk::Authentication};
use crate::{
    error::Fault,
    record::Skip,
    server::hello::{self, Hello},
    wire::handshake::{ClientExtensions, ClientHello, ServerHello, ServerHelloExtensions},
};

/// RFC 8446 §4.1.2: a hello of TLS 1.3 has the version of the one before.
pub(super) const LEGACY_VERSION: u16 = 0x0303;

impl Handshake<'_, '_, '_> {
    pub(super) fn send_hello_retry_request(&mut self, client_hello: &Hello<'_>) -> Result<(), Fault> {
        self.parameters.retried = true;
        self.transcript.add(client_hello.message.raw());
        self.transcript = self.transcript.clone().hello_retry();
        let request = ServerHello {
            legacy_version: LEGACY_VERSION,
            random: ServerHello::HELLO_RETRY_REQUEST_RANDOM,
            legacy_session_id_echo: &self.parameters.legacy_session_id,
            cipher_suite: self.parameters.suite.id,
            legacy_compression_method: 0,
            extensions: ServerHelloExtensions {
                selected_version: Some(ProtocolVersion::Tls13.code()),
                selected_group: Some(self.parameters.group),
                ..ServerHelloExtensions::default()
            },
        }
        .encode();
        self.send(&request);
        self.send_compatibility_change_cipher_spec()?;
        if client_hello.extensions.early_data {
            // RFC 8446 §4.2.10: what comes before the second ClientHello is passed over.
            self.records.skip_early_data(Skip::Unencrypted, most_skipped(self.server));
        }
        Ok(())
    }

    /// Reads the hello that the client was asked for: the first with the share, and the same PSK if one was chosen.
    pub(super) async fn read_second_client_hello(
        &mut self,
        first: &Hello<'_>,
        authentication: &mut Authentication,
    ) -> Result<KeyExchange, Fault> {
        let message = hello::read_client_hello(self.records).await?;
        let client_hello = ClientHello::parse(message.body())?;
        let second = Hello { message: &message, client_hello: &client_hello };
        if let Authentication::Psk(psk) = authentication {
            self.verify_binder_again(psk, &second)?;
        }
        let share = self.parameters.key_share(&second)?;
        let share = share.ok_or(Fault::IllegalParameter("no key share of the group that was asked for"))?;
        if !is_the_same(first.client_hello, &client_hello) {
            return Err(Fault::IllegalParameter("a second ClientHello that is not the first"));
        }
        self.take_client_hello(&second, share)
    }
}

/// RFC 8446 §4.1.2: whether nothing changed but what a HelloRetryRequest changes.
fn is_the_same(first: &ClientHello<'_>, second: &ClientHello<'_>) -> bool {
    let allowed = ClientExtensions {
        key_share: second.extensions.key_share.clone(),
        early_data: second.extensions.early_data,
        cookie: second.extensions.cookie,
        pre_shared_key: second.extensions.pre_shared_key.clone(),
        ..first.extensions.clone()
    };
    *second == ClientHello { extensions: allowed, ..first.clone() }
}
