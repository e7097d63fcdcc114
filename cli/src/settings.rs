//! Arguments that several commands share, and what they mean.

use std::{path::Path, sync::Arc};

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use polytls::{Backend, CipherSuite, NamedGroup, ProtocolVersion, Roots, SignatureScheme};

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

/// The engines of these names in their order, else every one.
pub(crate) fn backends_of(names: &[String]) -> Result<Vec<Arc<dyn Backend>>, Failure> {
    match names {
        [] => backends(None),
        names => names.iter().map(|name| Ok(polytls::backend(name)?)).collect(),
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

/// Names of cipher suites.
pub(crate) fn cipher_suites() -> impl TypedValueParser<Value = CipherSuite> {
    registered(CipherSuite::NAMED, CipherSuite::name)
}

/// Names of groups.
pub(crate) fn groups() -> impl TypedValueParser<Value = NamedGroup> {
    registered(NamedGroup::NAMED, NamedGroup::name)
}

/// Names of signature schemes.
pub(crate) fn schemes() -> impl TypedValueParser<Value = SignatureScheme> {
    registered(SignatureScheme::NAMED, SignatureScheme::name)
}

/// Parses the names of a registry, in whichever case.
fn registered<T: Copy + Send + Sync>(
    all: &'static [T],
    name: fn(T) -> Option<&'static str>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().filter_map(move |&value| name(value))).try_map(move |text| {
        let named = |value: &T| name(*value).is_some_and(|name| name.eq_ignore_ascii_case(&text));
        all.iter().copied().find(named).ok_or("no such name")
    })
}
