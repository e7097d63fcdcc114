//! Key material for the application (RFC 8446 §7.5, RFC 5705), long after OpenSSL's handshake is over.

use polytls_api::{ConfigError, Error, Phase};

use crate::{
    NAME,
    keys::{tls12::MasterSecret, tls13::ExporterSecret},
};

/// RFC 5246's own labels, which RFC 5705 §4 keeps from being used to export.
const RESERVED: [&[u8]; 5] =
    [b"client finished", b"server finished", b"master secret", b"extended master secret", b"key expansion"];

/// What one connection's key material is exported from.
pub(crate) enum Exporter {
    Tls13(ExporterSecret),
    Tls12(MasterSecret),
}

impl Exporter {
    /// Fills `output`, or says what there is none of.
    pub(crate) fn export(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        if output.is_empty() {
            return Err(invalid("the output is empty"));
        }
        let exported = match self {
            Self::Tls13(_) if label.len() > ExporterSecret::MAX_LABEL => {
                return Err(invalid("the label has 249 bytes at most (RFC 8446 §7.1)"));
            }
            Self::Tls13(secret) if output.len() > secret.max_output() => {
                return Err(invalid("there are 255 times the hash at most (RFC 5869 §2.3)"));
            }
            Self::Tls13(secret) => secret.export(output, label, context.unwrap_or_default()),
            Self::Tls12(_) if RESERVED.contains(&label) => {
                return Err(invalid("TLS itself uses this label (RFC 5705 §4)"));
            }
            Self::Tls12(_) if context.is_some_and(|context| context.len() > usize::from(u16::MAX)) => {
                return Err(invalid("the context is longer than 65535 bytes (RFC 5705 §4)"));
            }
            // A pseudorandom function has no end; a caller who mistakes the length has one.
            Self::Tls12(_) if output.len() > usize::from(u16::MAX) => {
                return Err(invalid("the output has more than 65535 bytes"));
            }
            Self::Tls12(secret) => secret.export(output, label, context),
        };
        exported.map_err(|error| invalid(&format!("OpenSSL refuses: {error}")))
    }
}

fn invalid(reason: &str) -> Error {
    let error = ConfigError::Invalid { option: "export_keying_material", reason: reason.into() };
    Error::from(error).in_phase(Phase::Established).on_backend(NAME)
}
