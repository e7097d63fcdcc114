//! One async TLS API with interchangeable engines.
//!
//! Write TLS once, against [`TlsConnector`], [`TlsAcceptor`] and [`TlsStream`]; the application chooses the
//! engine, by Cargo feature or at run time. Every option has one meaning on every engine: it is honoured, or
//! refused with [`ConfigError::Unsupported`] before a byte is sent.
//!
//! ```no_run
//! # #[cfg(all(feature = "rustls", feature = "tokio"))]
//! # async fn client(tcp: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use polytls::{ClientConfig, TlsConnector};
//!
//! let config = ClientConfig::builder(polytls::default_backend()?).alpn(["http/1.1"]).build()?;
//! let connector = TlsConnector::new(&config)?;
//! let stream = connector.connect(&"example.com".parse()?, tcp).await.map_err(polytls::Error::from)?;
//! println!("{:?}", stream.info().cipher_suite);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! | feature | default | meaning |
//! |---|---|---|
//! | `rustls` | yes | compiles in rustls 0.23 with aws-lc-rs |
//! | `openssl` | | compiles in OpenSSL 3 |
//! | `native` | | compiles in the operating system's TLS |
//! | `builtin` | | compiles in polytls's own engine, which is young and unaudited |
//! | `openssl-vendored` | | builds OpenSSL from source instead of linking the system's |
//! | `tokio` | yes | streams implement tokio's I/O traits |
//! | `futures-io` | | streams implement futures' I/O traits |
//! | `encrypted-keys` | yes | identities under a password: PKCS#12, encrypted PKCS#8 |
//! | `reload` | | identities and roots that follow the files they come from |
//!
//! Features only add: enabling a backend never changes which one runs where a choice has been made.
//! [`default_backend`] documents the order that it follows where none has.

use std::sync::{Arc, OnceLock};

pub use polytls_api::*;
#[cfg(feature = "reload")]
pub use polytls_reload as reload;

/// The engines that are compiled in, in the order in which [`default_backend`] prefers them.
pub mod backends {
    #[cfg(feature = "builtin")]
    pub use polytls_builtin::{Builtin, BuiltinBuilder, ExternalPsk, Limits, Padding, PathVerifier, Profile};
    #[cfg(feature = "native")]
    pub use polytls_native::Native;
    #[cfg(feature = "openssl")]
    pub use polytls_openssl::OpenSsl;
    #[cfg(feature = "rustls")]
    pub use polytls_rustls::Rustls;

    use std::sync::Arc;

    use polytls_api::Backend;

    /// Every engine that is compiled in: rustls, openssl, native, builtin, in this order.
    pub fn all() -> Vec<Arc<dyn Backend>> {
        vec![
            #[cfg(feature = "rustls")]
            Arc::new(Rustls::new()),
            #[cfg(feature = "openssl")]
            Arc::new(OpenSsl::new()),
            #[cfg(feature = "native")]
            Arc::new(Native::new()),
            #[cfg(feature = "builtin")]
            Arc::new(Builtin::new()),
        ]
    }
}

/// The engine that runs only where it was asked for.
const OPT_IN: &str = "builtin";

static DEFAULT: OnceLock<Arc<dyn Backend>> = OnceLock::new();

/// The engine to run where nobody has chosen one.
///
/// That is the one given to [`set_default_backend`], else the first of rustls, openssl, native that is compiled
/// in. A library calls this, or takes a [`ClientConfig`] from its user; the application decides. `builtin` is young
/// and unaudited, and runs only where it was asked for: it is never the default, even where it is the only one.
///
/// # Errors
/// [`ConfigError::UnknownBackend`] when none is compiled in that may be the default.
pub fn default_backend() -> Result<Arc<dyn Backend>, ConfigError> {
    if let Some(chosen) = DEFAULT.get() {
        return Ok(chosen.clone());
    }
    let mut all = backends::all().into_iter();
    all.find(|backend| backend.info().name != OPT_IN).ok_or_else(|| unknown("default"))
}

/// Decides, once and for the whole process, what [`default_backend`] gives. For applications, never for libraries.
///
/// # Errors
/// Gives the backend back when the decision was made before.
pub fn set_default_backend(backend: Arc<dyn Backend>) -> Result<(), Arc<dyn Backend>> {
    DEFAULT.set(backend)
}

/// The engine of this name: `rustls`, `openssl`, `native` or `builtin`.
///
/// # Errors
/// [`ConfigError::UnknownBackend`], naming those that are compiled in.
pub fn backend(name: &str) -> Result<Arc<dyn Backend>, ConfigError> {
    backends::all().into_iter().find(|backend| backend.info().name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ConfigError {
    let names: Vec<_> = backends::all().iter().map(|backend| backend.info().name).collect();
    let available = match names[..] {
        [] => "none; enable one of polytls's features `rustls`, `openssl`, `native`, `builtin`".into(),
        [OPT_IN] => format!("{OPT_IN}, which runs only where it is named: it is young and unaudited"),
        _ => names.join(", "),
    };
    ConfigError::UnknownBackend { name: name.into(), available }
}

#[cfg(all(test, feature = "builtin"))]
mod tests {
    use super::*;

    #[test]
    fn builtin_comes_last_and_is_never_the_default() {
        let names: Vec<_> = backends::all().iter().map(|backend| backend.info().name).collect();
        assert_eq!(names.last(), Some(&OPT_IN));
        match default_backend() {
            Ok(backend) => assert_eq!(backend.info().name, names[0]),
            Err(error) => assert!(error.to_string().contains("only where it is named"), "{error}"),
        }
        assert_ne!(default_backend().ok().map(|backend| backend.info().name), Some(OPT_IN));
        assert_eq!(backend(OPT_IN).unwrap().info().name, OPT_IN);
    }
}

/// README's snippets, compiled.
#[cfg(all(doctest, feature = "rustls", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
