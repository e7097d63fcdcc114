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

/// The most octets of certificates in these paths: all of them are read again, for their names and their policies. The
/// first path is validated however long it is.
const OCTETS: usize = 256 << 10;

/// The most work on name constraints, in comparisons of a name with a constraint's base.
const COMPARISONS: u32 = 100_000;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u32,
    signatures: u32,
    paths: u32,
    octets: usize,
    comparisons: u32,
}

/// A bound was reached.
#[derive(Debug)]
pub(super) struct Exhausted(pub(super) String);

impl Budget {
    pub(super) fn new() -> Self {
        Self { steps: STEPS, signatures: SIGNATURES, paths: PATHS, octets: OCTETS, comparisons: COMPARISONS }
    }

    /// One more issuer is tried.
    pub(super) fn step(&mut self) -> Result<(), Exhausted> {
        spend(&mut self.steps, 1, || format!("more than {STEPS} issuers were tried"))
    }

    /// One more signature is verified, which costs as much as so many usual ones.
    pub(super) fn signature(&mut self, weight: u32) -> Result<(), Exhausted> {
        spend(&mut self.signatures, weight, || format!("more than {SIGNATURES} signatures were verified"))
    }

    /// One more path has good signatures, and so many octets.
    pub(super) fn path(&mut self, octets: usize) -> Result<(), Exhausted> {
        let refused = "were refused for other reasons than signatures";
        spend(&mut self.paths, 1, || format!("more than {PATHS} paths {refused}"))?;
        if self.octets == 0 {
            return Err(Exhausted(format!("paths of more than {OCTETS} octets {refused}")));
        }
        self.octets = self.octets.saturating_sub(octets);
        Ok(())
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
