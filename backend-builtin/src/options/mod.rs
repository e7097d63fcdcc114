//! What this engine lets an application choose beyond what every backend has.
//!
//! Bounds on what a peer may send are in `limits`, keys that both sides were given beforehand in `external_psk`;
//! the builder of the face fills in the rest.

mod external_psk;
mod limits;

use std::collections::HashSet;

use polytls_api::ConfigError;

pub use self::{external_psk::ExternalPsk, limits::Limits};
use crate::path::Profile;

/// RFC 8449 §4: no smaller limit may be told, and none larger than a record of TLS 1.3 with its content type.
const RECORD_SIZE_LIMIT: std::ops::RangeInclusive<u16> = 64..=(1 << 14) + 1;

/// Each key costs every handshake of a client a binder.
const MOST_EXTERNAL_PSKS: usize = 16;

/// How records of TLS 1.3 are padded (RFC 8446 §5.4), so that their lengths tell less of what is in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// Not at all.
    #[default]
    None,
    /// With zeros up to a multiple of this many bytes, 2 to 16384, as far as the record has room.
    Multiple(u16),
}

/// What the engine goes by, of all that is not in polytls's own configuration.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) grease: bool,
    pub(crate) certificate_compression: bool,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) padding: Padding,
    pub(crate) middlebox_compatibility: bool,
    pub(crate) external_psks: Vec<ExternalPsk>,
    pub(crate) profile: Profile,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            grease: true,
            certificate_compression: true,
            record_size_limit: None,
            padding: Padding::None,
            middlebox_compatibility: true,
            external_psks: Vec::new(),
            profile: Profile::default(),
        }
    }
}

impl Options {
    /// Refuses what is outside its range.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.limits.check()?;
        if self.record_size_limit.is_some_and(|limit| !RECORD_SIZE_LIMIT.contains(&limit)) {
            return invalid("record_size_limit", "it is 64 to 16385 bytes (RFC 8449 §4)");
        }
        if let Padding::Multiple(0 | 1 | 16385..) = self.padding {
            return invalid("padding", "a multiple is 2 to 16384 bytes");
        }
        if self.external_psks.len() > MOST_EXTERNAL_PSKS {
            return invalid("external_psk", "each is offered in every hello; 16 at most");
        }
        let names: HashSet<_> = self.external_psks.iter().map(ExternalPsk::identity).collect();
        if names.len() < self.external_psks.len() {
            return invalid("external_psk", "two keys have one name; give each its own");
        }
        Ok(())
    }
}

fn invalid<T>(option: &'static str, reason: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Invalid { option, reason: reason.into() })
}
