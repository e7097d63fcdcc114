//! Many subtrees of names at once.

use super::{FoldedName, Name};

/// Subtrees of names, such as the directoryName constraints of one list (RFC 5280 §4.2.1.10), which tell quickly
/// whether a name is in any of them, however many there are.
#[derive(Clone, Debug, Default)]
pub struct NameSubtrees {
    /// Sorted, and none within another: so what a name could be within is next before it.
    bases: Vec<FoldedName>,
}

impl NameSubtrees {
    /// Of these bases, in any order.
    pub fn new<'n, 'a: 'n>(bases: impl IntoIterator<Item = &'n Name<'a>>) -> Self {
        let mut bases: Vec<_> = bases.into_iter().map(Name::folded).collect();
        bases.sort_unstable();
        bases.dedup_by(|narrower, wider| narrower.is_within(wider));
        Self { bases }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Whether the name is within one of them: [`Name::is_within`] for each, but in the time of a few comparisons.
    pub fn contain(&self, name: &Name<'_>) -> bool {
        self.contain_folded(&name.folded())
    }

    /// The same for a name that was folded before.
    pub fn contain_folded(&self, name: &FoldedName) -> bool {
        let after = self.bases.partition_point(|base| base <= name);
        let before = after.checked_sub(1).and_then(|index| self.bases.get(index));
        before.is_some_and(|base| name.is_within(base))
    }
}
