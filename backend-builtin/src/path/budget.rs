//! What one verification may cost: a peer chooses the certificates, and we do the work.

use polytls_api::CertificateError;

/// The most certificates that are looked at beside the end entity's.
pub(super) const CERTIFICATES: usize = 256;

/// The most issuers that are tried in the search for a path.
const STEPS: u32 = 20_000;

/// The most signatures that are verified; a path of the usual length has two or three.
const SIGNATURES: u32 = 100;

/// The most paths with good signatures that are validated further; only authorities that are trusted can make many.
const PATHS: u32 = 50;

/// The most work on name constraints, in comparisons of a name with a constraint's base.
const COMPARISONS: u32 = 100_000;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u32,
    signatures: u32,
    paths: u32,
    comparisons: u32,
}

/// A bound was reached.
#[derive(Debug)]
pub(super) struct Exhausted(pub(super) String);

impl Budget {
    pub(super) fn new() -> Self {
        Self { steps: STEPS, signatures: SIGNATURES, paths: PATHS, comparisons: COMPARISONS }
    }

    /// One more issuer is tried.
    pub(super) fn step(&mut self) -> Result<(), Exhausted> {
        spend(&mut self.steps, 1, || format!("more than {STEPS} issuers were tried"))
    }

    /// One more signature is verified.
    pub(super) fn signature(&mut self) -> Result<(), Exhausted> {
        spend(&mut self.signatures, 1, || format!("more than {SIGNATURES} signatures were verified"))
    }

    /// One more path has good signatures.
    pub(super) fn path(&mut self) -> Result<(), Exhausted> {
        spend(&mut self.paths, 1, || {
            format!("more than {PATHS} paths were refused for other reasons than signatures")
        })
    }

    /// A name is compared with a constraint, which costs as much as so many short ones.
    pub(super) fn comparisons(&mut self, weight: usize) -> Result<(), Exhausted> {
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let detail = || format!("name constraints ask for more than {COMPARISONS} comparisons of names");
        spend(&mut self.comparisons, weight, detail)
    }
}

fn spend(left: &mut u32, amount: u32, detail: impl FnOnce() -> String) -> Result<(), Exhausted> {
    *left = left.checked_sub(amount).ok_or_else(|| Exhausted(detail()))?;
    Ok(())
}

impl From<Exhausted> for CertificateError {
    fn from(Exhausted(detail): Exhausted) -> Self {
        Self::PathTooLong { detail }
    }
}
