//! Identities, roots and revocation lists that follow the files they come from, while connectors, acceptors and sessions
//! live on.
//!
//! A [`ReloadableIdentity`] is a server's `CertificateResolver`, [`ReloadableRoots`] are a `CertificateVerifier`,
//! [`ReloadableCrls`] make one of any other. Each watches its files. When they change, the new content is loaded and
//! checked whole, and takes the place of the old at once for every handshake that begins from then on; on any fault the
//! old stays, and the log (target `polytls::reload`) says why. `ConnectionInfo` says which generation of an identity and
//! of roots a connection met.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use polytls_api::{Backend, ServerConfig, TlsAcceptor};
//! use polytls_reload::{IdentityFiles, ReloadableIdentity};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let backend: Arc<dyn Backend> = Arc::new(polytls_rustls::Rustls::new());
//! let files = IdentityFiles::new("fullchain.pem", "privkey.pem");
//! let identity = ReloadableIdentity::builder(backend.clone(), files).require_names(["example.com"]).build()?;
//! identity.on_reload(|outcome| println!("{outcome}"));
//! let config = ServerConfig::builder_with_resolver(backend, Arc::new(identity)).build()?;
//! let acceptor = TlsAcceptor::new(&config)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is watched
//! The directories of the files, and of every link on the way to them: what is renamed into place is seen, and so are
//! links that are swapped, as those of Kubernetes (`..data`) and certbot (`live/`). Events that come together are one
//! change: it is looked at 200 ms after the last of them. For file systems that tell of no changes, all is read again
//! every minute ([`Watching`]).
//!
//! Each value has a thread of its own for this, beside the one of the `notify` crate, until its last clone is dropped.

mod crls;
mod error;
mod files;
mod identity;
mod line;
mod places;
mod roots;
mod watch;

pub use self::{
    crls::ReloadableCrls,
    error::ReloadError,
    files::IdentityFiles,
    identity::{ReloadableIdentity, ReloadableIdentityBuilder},
    line::Outcome,
    roots::{ReloadableRoots, ReloadableRootsBuilder, RootFiles},
    watch::Watching,
};
