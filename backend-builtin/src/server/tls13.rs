//! TLS 1.3 on a server (RFC 8446 §2, appendix A.2).
//!
//! [`accept`] is the message flow; each message has its function in the file of its part: `hellos`, `retry`, `psk`,
//! `early_data`, `certificate`, `finished`, `tickets`.

mod certificate;
mod early_data;
mod finished;
mod hellos;
mod parameters;
mod psk;
mod retry;
mod tickets;

use polytls_api::ProtocolVersion;

use self::{parameters::Parameters, psk::Authentication};
use super::{Connected, Server, hello::Hello};
use crate::{error::Fault, key_schedule::Transcript, record::Records, steps::Step};

/// Runs the handshake from the ClientHello on, message by message.
pub(super) async fn accept(
    server: &Server<'_>,
    records: &mut Records<'_, '_>,
    client_hello: &Hello<'_>,
) -> Result<Connected, Fault> {
    // <- ClientHello, which the caller read
    let mut handshake = Handshake::begin(server, records, client_hello)?;
    let mut authentication = handshake.choose_authentication(client_hello).await?;
    let early_data = handshake.choose_early_data(client_hello, &authentication)?;
    let exchange = match handshake.parameters.key_share(client_hello)? {
        Some(share) => handshake.take_client_hello(client_hello, share)?,
        None => {
            // -> HelloRetryRequest
            handshake.send_hello_retry_request(client_hello)?;
            // <- ClientHello
            handshake.read_second_client_hello(client_hello, &mut authentication).await?
        }
    };
    // -> ServerHello
    let secrets = handshake.send_server_hello(exchange, &authentication, &early_data)?;
    // -> {EncryptedExtensions}
    handshake.send_encrypted_extensions(&early_data, &authentication);
    // -> {CertificateRequest}, {Certificate}, {CertificateVerify}
    if let Authentication::Certificate(scheme) = authentication {
        handshake.send_certificate_request();
        handshake.send_certificate();
        handshake.send_certificate_verify(scheme).await?;
    }
    // -> {Finished}
    let secrets = handshake.send_finished(secrets)?;
    // <- (Application Data), (EndOfEarlyData)
    let early_data = handshake.read_early_data(early_data, &secrets).await?;
    // <- {Certificate}, {CertificateVerify}
    let chain = handshake.read_certificate(&authentication).await?;
    let client = handshake.read_certificate_verify(chain, &authentication).await?;
    // <- {Finished}
    let verified = handshake.read_finished(&secrets).await?;
    let complete = handshake.complete(secrets, &verified)?;
    // -> [NewSessionTicket]
    handshake.send_new_session_tickets(&complete, &client, &authentication).await?;
    Ok(handshake.connected(complete, client, &authentication, early_data))
}

/// A handshake on its way.
struct Handshake<'h, 'a, 't> {
    server: &'h Server<'h>,
    records: &'h mut Records<'a, 't>,
    parameters: Parameters,
    transcript: Transcript,
}

impl<'h, 'a, 't> Handshake<'h, 'a, 't> {
    fn begin(
        server: &'h Server<'h>,
        records: &'h mut Records<'a, 't>,
        client_hello: &Hello<'_>,
    ) -> Result<Self, Fault> {
        records.set_version(ProtocolVersion::Tls13);
        // RFC 8446 §5: from the first ClientHello until the client's Finished.
        records.allow_change_cipher_spec(true);
        let parameters = Step::Choose.span().in_scope(|| Parameters::choose(server, client_hello))?;
        let transcript = Transcript::new(parameters.suite.hash);
        Ok(Self { server, records, parameters, transcript })
    }

    /// Sends a message, and has the transcript take it.
    fn send(&mut self, message: &[u8]) {
        self.transcript.add(message);
        self.records.send_message(message);
    }

    fn log(&self, label: &str, secret: &[u8]) {
        self.server.log(label, &self.parameters.client_random, secret);
    }
}
