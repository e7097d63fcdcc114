//! Channel bindings (RFC 5056): what an authentication inside the connection binds itself to, so that nobody relays it.

use super::TlsStream;
use crate::{ConfigError, Error, ErrorKind, ProtocolVersion, end_point::tls_server_end_point, record::Role};

/// RFC 9266 §2.
const TLS_EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

impl<IO> TlsStream<IO> {
    /// The channel binding `tls-exporter` (RFC 9266): the same on both sides of this connection and of no other.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] within the error in TLS 1.2, where it is safe only with an extension that not every
    /// library tells of (RFC 9266 §3): use [`tls_server_end_point`](Self::tls_server_end_point) there.
    /// [`ConfigError::Unsupported`] where the backend cannot export.
    pub fn tls_exporter(&self) -> Result<[u8; 32], Error> {
        if self.info.version != Some(ProtocolVersion::Tls13) {
            let reason = "it needs TLS 1.3; bind to tls-server-end-point, or allow TLS 1.3 only".into();
            return Err(ConfigError::Invalid { option: "tls-exporter", reason }.into());
        }
        let mut binding = [0; 32];
        self.export_keying_material(&mut binding, TLS_EXPORTER_LABEL, Some(&[]))?;
        Ok(binding)
    }

    /// The channel binding `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate.
    ///
    /// The hash function is that of the certificate's signature, and SHA-256 in place of MD5 and SHA-1.
    ///
    /// # Errors
    /// [`ErrorKind::NoIdentity`] where the server's certificate is not known, as of a session that was resumed with
    /// a library that forgets it; [`ConfigError::Invalid`] within the error where the certificate's signature has no
    /// single hash function, as Ed25519, and the binding is undefined.
    pub fn tls_server_end_point(&self) -> Result<Vec<u8>, Error> {
        let chain = match self.role {
            Role::Client => &self.info.peer_chain,
            Role::Server => &self.info.local_chain,
        };
        let certificate = chain.first().ok_or_else(|| Error::new(ErrorKind::NoIdentity))?;
        tls_server_end_point(certificate).ok_or_else(|| {
            let reason = "the certificate's signature has no single hash function (RFC 5929 §4.1)".into();
            ConfigError::Invalid { option: "tls-server-end-point", reason }.into()
        })
    }
}
