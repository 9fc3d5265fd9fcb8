//! How much a client may do. Each route and each method says how much it takes.

use crate::snapshot::saved;

/// In ascending order: who may do more may do less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// To see what there is to see, and to change nothing.
    #[default]
    ReadOnly,
    /// Everything.
    Full,
}

saved! { enum Access { ReadOnly, Full } }
