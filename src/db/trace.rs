//! What a search tells of its stages to whoever explains it. Searches that nobody explains are compiled with a listener that does
//! nothing, and pay nothing.

use crate::index;

/// A stage of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Rows that no graph leads to were compared.
    Scan,
    /// The graph was walked.
    Walk,
    /// Rows that pass a filter were compared.
    Pick,
    /// The best candidates were ranked again by their vectors.
    Rerank,
}

/// Told of each stage when it has ended.
pub trait Trace {
    /// `stage` has ended; `distances` is how many the search has computed by now.
    #[inline(always)]
    fn ended(&mut self, _stage: Stage, _distances: u64) {}

    /// How the walk ended, and whether it led to fewer rows than were wanted.
    #[inline(always)]
    fn walked(&mut self, _outcome: index::Outcome, _short: bool) {}
}

/// Nobody listens.
impl Trace for () {}
