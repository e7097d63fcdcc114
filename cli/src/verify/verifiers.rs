//! The verifiers that are asked, each by its name.

use std::sync::Arc;

use polytls::Backend;

use crate::{failure::Failure, settings};

/// A verifier: the one of this engine, as it is configured.
pub(super) struct Verifier {
    pub(super) name: &'static str,
    pub(super) backend: Arc<dyn Backend>,
    /// Whether connections ask it unless told otherwise.
    pub(super) usual: bool,
}

/// Those of the engine of this name, else of every one.
pub(super) fn all(backend: Option<&str>) -> Result<Vec<Verifier>, Failure> {
    let mut all = Vec::new();
    for backend in settings::backends(backend)? {
        let name = backend.info().name;
        all.push(Verifier { name, backend, usual: true });
        #[cfg(feature = "builtin")]
        if name == "builtin" {
            all.push(strict()?);
        }
    }
    Ok(all)
}

#[cfg(feature = "builtin")]
fn strict() -> Result<Verifier, Failure> {
    use polytls::backends::{Builtin, Profile};
    let backend = Builtin::builder().profile(Profile::Strict).build()?;
    Ok(Verifier { name: "builtin-strict", backend: Arc::new(backend), usual: false })
}
