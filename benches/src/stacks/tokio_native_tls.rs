//! tokio-native-tls, which is over OpenSSL here: what native-tls negotiates by itself.

use std::fmt;

use ::tokio_native_tls::{
    TlsAcceptor, TlsConnector, TlsStream,
    native_tls::{self, Identity, Protocol},
};

use super::{Io, Negotiated, Refusal, Stack, openssl_terms::refuse_native};
use crate::{Certificates, NAME, Settings, versions::locked};

/// tokio-native-tls.
pub struct TokioNativeTls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl TokioNativeTls {
    fn build(certificates: &Certificates) -> Result<Self, native_tls::Error> {
        let connector = native_tls::TlsConnector::builder()
            .min_protocol_version(Some(Protocol::Tlsv12))
            .max_protocol_version(Some(Protocol::Tlsv12))
            .disable_built_in_roots(true)
            .add_root_certificate(native_tls::Certificate::from_der(&certificates.root)?)
            .build()?;
        let server = &certificates.server;
        let identity = Identity::from_pkcs8(server.certificate_pem.as_bytes(), server.key_pem.as_bytes())?;
        let acceptor = native_tls::TlsAcceptor::builder(identity)
            .min_protocol_version(Some(Protocol::Tlsv12))
            .max_protocol_version(Some(Protocol::Tlsv12))
            .build()?;
        Ok(Self { connector: connector.into(), acceptor: acceptor.into() })
    }
}

impl Stack for TokioNativeTls {
    const NAME: &'static str = "tokio-native-tls";
    type Client<IO: Io> = TlsStream<IO>;
    type Server<IO: Io> = TlsStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        match refuse_native(settings) {
            Some(refusal) => Err(refusal),
            None => Self::build(certificates).map_err(|error| Refusal(error.to_string())),
        }
    }

    fn version() -> String {
        format!(
            "tokio-native-tls {}, native-tls {}, {}",
            locked("tokio-native-tls"),
            locked("native-tls"),
            openssl::version::version()
        )
    }

    async fn connect<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.connector.connect(NAME, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    /// native-tls tells nothing of it.
    fn negotiated<IO: Io>(_: &TlsStream<IO>) -> Negotiated {
        Negotiated::default()
    }

    fn client_presented<IO: Io>(server: &TlsStream<IO>) -> Option<bool> {
        server.get_ref().peer_certificate().ok().map(|certificate| certificate.is_some())
    }
}

impl fmt::Debug for TokioNativeTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioNativeTls")
    }
}
