//! How an application has a [`Builtin`] that departs from its defaults.

use std::sync::Arc;

use polytls_api::ConfigError;

use crate::{
    Builtin,
    options::{ExternalPsk, Limits, Options, Padding},
    path::Profile,
};

/// Builds a [`Builtin`] that departs from its defaults.
///
/// ```
/// use polytls_builtin::{Builtin, Padding};
///
/// let backend = Builtin::builder().padding(Padding::Multiple(256)).record_size_limit(4096).build()?;
/// # Ok::<(), polytls_api::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BuiltinBuilder {
    options: Options,
}

impl BuiltinBuilder {
    /// Bounds on what a peer may make a handshake hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Whether a client puts values that mean nothing into its hello, and a server into its tickets, so that peers
    /// stay used to what they do not know (RFC 8701). Default: yes.
    pub fn grease(mut self, on: bool) -> Self {
        self.options.grease = on;
        self
    }

    /// Whether certificates are compressed with zlib for peers that can read that, and asked for so (RFC 8879).
    /// Default: yes. TLS 1.3 only, and only where it saves 128 bytes or more; [`Limits::certificate`] bounds the message
    /// as it is before compression.
    pub fn certificate_compression(mut self, on: bool) -> Self {
        self.options.certificate_compression = on;
        self
    }

    /// The most plaintext that the peer may put into a record, in bytes (RFC 8449): 64 to 16385, in TLS 1.3 with the
    /// byte of its content type. Default: none is told, 16384 hold. A peer that was told and sends more gets
    /// `record_overflow`; one that does not know the extension, or as a client has no limit of its own to tell, goes on
    /// as before.
    pub fn record_size_limit(mut self, bytes: u16) -> Self {
        self.options.record_size_limit = Some(bytes);
        self
    }

    /// How records of TLS 1.3 are padded. Default: [`Padding::None`].
    pub fn padding(mut self, padding: Padding) -> Self {
        self.options.padding = padding;
        self
    }

    /// Whether handshakes of TLS 1.3 look like those of TLS 1.2 to what is on the way (RFC 8446 appendix D.4).
    /// Default: yes. A client asks for it with a session id, and a server that is asked does it whatever is set here.
    pub fn middlebox_compatibility(mut self, on: bool) -> Self {
        self.options.middlebox_compatibility = on;
        self
    }

    /// A key that the peer has as well, by which the two know one another without certificates: up to 16, each under
    /// a name of its own. Default: none. A server that is offered one takes a suite with its hash.
    pub fn external_psk(mut self, psk: ExternalPsk) -> Self {
        self.options.external_psks.push(psk);
        self
    }

    /// How strictly the certificates of peers are read, where no verifier of the application's decides. Default:
    /// [`Profile::Interoperable`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.options.profile = profile;
        self
    }

    /// The backend.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for a value outside its range.
    pub fn build(self) -> Result<Builtin, ConfigError> {
        self.options.check()?;
        Ok(Builtin::with_options(Arc::new(self.options)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_their_range_are_refused_with_their_name() {
        let psk = |name: u8| ExternalPsk::new([name], [7; 32]).unwrap();
        let many = (0..17).fold(Builtin::builder(), |builder, name| builder.external_psk(psk(name)));
        let limits = Limits { client_hello: 1, ..Limits::default() };
        for (builder, name) in [
            (Builtin::builder().record_size_limit(63), "record_size_limit"),
            (Builtin::builder().record_size_limit(16386), "record_size_limit"),
            (Builtin::builder().padding(Padding::Multiple(1)), "padding"),
            (Builtin::builder().padding(Padding::Multiple(16385)), "padding"),
            (Builtin::builder().limits(limits), "limits"),
            (many, "external_psk"),
            (Builtin::builder().external_psk(psk(1)).external_psk(psk(1).with_sha384()), "external_psk"),
        ] {
            let error = builder.build().unwrap_err();
            assert!(matches!(error, ConfigError::Invalid { option, .. } if option == name), "{error}");
        }
        let fine = Builtin::builder().record_size_limit(64).padding(Padding::Multiple(16384));
        fine.external_psk(psk(1)).external_psk(psk(2)).build().unwrap();
    }
}
