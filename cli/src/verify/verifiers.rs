//! The verifiers that are asked, each by its name.

use std::sync::Arc;

use polytls::Backend;

use crate::{failure::Failure, settings};

/// A verifier: the one of this engine, as it is configured.
pub(super) struct Verifier {
    pub(super) name: &'static str,
    pub(super) backend: Arc<dyn Backend>,
}

/// Those of the engine of this name, else of every one.
pub(super) fn all(backend: Option<&str>) -> Result<Vec<Verifier>, Failure> {
    let backends = settings::backends(backend)?;
    Ok(backends.into_iter().map(|backend| Verifier { name: backend.info().name, backend }).collect())
}
