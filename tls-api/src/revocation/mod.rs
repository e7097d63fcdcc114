//! Revocation, one implementation over any verifier: lists (RFC 5280 §5, §6.3), stapled OCSP responses (RFC 6960) and
//! must-staple (RFC 7633).
//!
//! It is asked after the path is found valid, and of the path that was found. Nothing is fetched.

mod checker;
mod crl;
mod directory;
mod must_staple;
mod ocsp;
mod policy;
#[cfg(test)]
mod tests;
mod with_revocation;

pub use self::{
    checker::RevocationChecker,
    directory::read_crl_directory,
    policy::{RevocationMode, RevocationPolicy},
    with_revocation::with_revocation,
};
