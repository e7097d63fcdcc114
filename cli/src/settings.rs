//! Arguments that `connect` and `serve` share, and what they mean.

use std::{path::Path, sync::Arc};

use clap::ValueEnum;
use polytls::{Backend, ProtocolVersion, Roots};

use crate::failure::Failure;

/// A protocol version, as the user writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    /// TLS 1.2
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3
    #[value(name = "1.3")]
    Tls13,
}

impl From<Version> for ProtocolVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::Tls12 => Self::Tls12,
            Version::Tls13 => Self::Tls13,
        }
    }
}

/// The engine of this name, else the default one.
pub(crate) fn backend(name: Option<&str>) -> Result<Arc<dyn Backend>, Failure> {
    Ok(match name {
        Some(name) => polytls::backend(name)?,
        None => polytls::default_backend()?,
    })
}

/// The engine of this name, else every one.
pub(crate) fn backends(name: Option<&str>) -> Result<Vec<Arc<dyn Backend>>, Failure> {
    match name {
        Some(name) => Ok(vec![polytls::backend(name)?]),
        None => {
            let all = polytls::backends::all();
            if all.is_empty() {
                // The error says how to have one.
                polytls::default_backend()?;
            }
            Ok(all)
        }
    }
}

/// `os`, `bundled`, `none`, or the name of a PEM file or of a directory of them.
pub(crate) fn roots(text: &str) -> Result<Roots, Failure> {
    Ok(match text {
        "os" => Roots::Os,
        "bundled" => Roots::Bundled,
        "none" => Roots::None,
        directory if Path::new(directory).is_dir() => Roots::from_directory(directory),
        file => Roots::from_pem_file(file)?,
    })
}
