//! How much of what authorities owe is held against a chain.

/// How strictly a [`PathVerifier`](crate::PathVerifier) reads certificates.
///
/// `docs/builtin.md` in polytls's repository has a table of what the strict one adds, with the sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// RFC 5280 §6 and what browsers hold a chain to: whatever tells whether the chain may be trusted.
    #[default]
    Interoperable,
    /// Also the duties of those who issue, by RFC 5280 §4 and the CA/Browser Forum's Baseline Requirements, where a
    /// breach makes nobody more trusted than he is: key identifiers, serial numbers, what is critical, the common name.
    /// For a PKI that can be held to them; some of the public one breaks them without harm.
    Strict,
}
