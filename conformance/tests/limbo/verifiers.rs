//! The verifiers that are held against the suite, each with its exceptions. The example prints the table of the same.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use polytls::{
    Backend,
    backends::{Builtin, Native, OpenSsl, Rustls},
    with_revocation,
};
use polytls_builtin::{PathVerifier, Profile};
use polytls_conformance::limbo::{Exceptions, Question, ReadError, Verifier};

/// Every verifier of polytls.
fn all() -> Vec<Verifier> {
    vec![
        // webpki builds the path first, and polytls asks it for the name then.
        Verifier::of(Arc::new(Rustls::new())).names_last(),
        Verifier::of(Arc::new(OpenSsl::new())),
        Verifier::of(Arc::new(Native::new())),
        builtin("builtin", Profile::Interoperable),
        builtin("builtin-strict", Profile::Strict),
    ]
}

/// The builtin engine's, which knows a bound for the depth of chains.
fn builtin(name: &str, profile: Profile) -> Verifier {
    let make = move |question: &Question| {
        let mut path = PathVerifier::new(&question.trust, profile)?;
        if let Some(depth) = question.max_chain_depth {
            path = path.with_max_depth(depth);
        }
        let signatures = Builtin::new().signature_verifier()?;
        Ok(with_revocation(Arc::new(path), &question.trust.revocation_policy(), signatures)?)
    };
    Verifier::new(name, make).names_last()
}

/// Every verifier with its exceptions.
pub(crate) fn with_exceptions() -> Result<Vec<(Verifier, Exceptions)>, ReadError> {
    let folder = folder().join("exceptions");
    let read = |verifier: Verifier| {
        let exceptions = Exceptions::read(folder.join(verifier.name()).with_extension("json"))?;
        Ok((verifier, exceptions))
    };
    all().into_iter().map(read).collect()
}

/// The suite to ask: the project's, or another.
pub(crate) fn suite() -> PathBuf {
    another_suite().unwrap_or_else(|| folder().join("limbo.json"))
}

/// What `POLYTLS_LIMBO` names.
pub(crate) fn another_suite() -> Option<PathBuf> {
    env::var_os("POLYTLS_LIMBO").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/limbo"))
}
