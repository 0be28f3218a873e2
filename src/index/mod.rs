//! Finding near rows: the HNSW graph, the exact flat scan, and the candidate
//! pool both of them fill.
//!
//! Works on dense slot numbers and on rows it is lent ([`Space`]); it knows no
//! ids, no files and no metadata, does no I/O, and holds no lock. A graph is
//! immutable: every change makes the next one beside it. What a build gives is
//! a function of its input alone, never of the number of threads.

pub mod flat;
pub mod hnsw;
mod pool;
pub mod sketched;
mod space;
#[cfg(test)]
mod testing;

pub use hnsw::{Found, Graph, Ground, MAX_SLOTS, Params, Probe, Report, Section, Stops, Walked};
pub use pool::Pool;
pub use space::Space;

use crate::arena::{AllocError, SlotBits, Visited};

/// How far a search of the graph goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// Live candidates that are kept and expanded: the usual accuracy knob.
    pub ef: usize,
    /// Further candidates that are kept for reranking but never expanded.
    pub slack: usize,
    /// An earlier end for queries whose answer is clear.
    pub adaptive: Option<Adaptive>,
}

impl Beam {
    /// A plain beam of `ef`, keeping `slack` more candidates.
    pub fn new(ef: usize, slack: usize) -> Beam {
        Beam { ef, slack, adaptive: None }
    }
}

/// Distance-adaptive stop (Al-Jazzazi et al., arXiv 2505.15636): the walk ends
/// when the nearest candidate left is farther than `stretch` times the `k`-th
/// best live one. Measured (recall@10 at equal time, ef = 100 against 1.1^2):
/// 0.9945 -> 0.998 on sentence embeddings.
///
/// For inner products the ratio refers to the distance that a row in the
/// query's own direction would have. That is sound only where all rows are of
/// about one length, as codes of unit vectors are; the caller knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// Results wanted.
    pub k: usize,
    /// Factor on distances as the kernel gives them: `(1 + g)^2` for squared
    /// distances and `1 - cos`, `1 + g` for true metrics.
    pub stretch: f32,
}

/// Asked now and then by a search whether to go on.
pub trait Control: Sync {
    /// Whether to stop here and keep what was found.
    fn stop(&self) -> bool;
}

/// What a search of the graph keeps to beside its beam.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Slots that are no results: dead, or not what the caller looks for.
    pub blocked: &'a SlotBits,
    /// How the walk gets past them.
    pub past_blocked: Past,
    /// Distances after which the walk gives up.
    pub most_distances: u64,
    /// Blocked nodes that wait to be walked through at most; further ones are left out.
    pub most_waiting: usize,
    /// Asked now and then whether to go on.
    pub control: &'a dyn Control,
}

impl<'a> Terms<'a> {
    /// Few slots are blocked, and the walk may take as long as it does.
    pub fn new(blocked: &'a SlotBits, control: &'a dyn Control) -> Terms<'a> {
        let (most_distances, most_waiting) = (u64::MAX, usize::MAX);
        Terms { blocked, past_blocked: Past::Through, most_distances, most_waiting, control }
    }
}

/// How a walk gets past slots that are no results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// They are walked like others, only not kept: best where most slots are results.
    Through,
    /// No distance to them is computed; their neighbours stand in for them (ACORN-1, Patel et al.,
    /// arXiv 2403.04871). For when that is better, see
    /// `docs/decisions/0009-filters-by-row-counts.md`; blind where few are results.
    Over,
}

/// Never stops a search.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Control for Unlimited {
    fn stop(&self) -> bool {
        false
    }
}

/// Told now and then how far a build has come.
pub trait Progress: Sync {
    /// `done` of `total` rows are handled; `false` cancels the build.
    fn advance(&self, done: u64, total: u64) -> bool;
}

/// Lets a build run to its end.
impl Progress for () {
    fn advance(&self, _done: u64, _total: u64) -> bool {
        true
    }
}

/// How a search ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The [`Control`] ended it: the candidates are those found so far.
    pub stopped_early: bool,
    /// It gave up after [`Terms::most_distances`].
    pub gave_up: bool,
    /// Nodes were left out because of [`Terms::most_waiting`].
    pub left_out: bool,
}

/// Why the next graph was not made. The present one is unaffected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// [`Progress`] said no.
    #[error("cancelled")]
    Cancelled,
    /// Out of memory.
    #[error(transparent)]
    Memory(#[from] AllocError),
    /// More slots than a graph can number.
    #[error("{slots} slots, a graph holds at most {max}", max = hnsw::MAX_SLOTS)]
    TooManySlots {
        /// The number asked for.
        slots: u32,
    },
    /// A renumbering that drops a node, is not monotone or leaves its range.
    #[error("slot {slot} has no valid new number")]
    BadNumbering {
        /// The slot in the present graph.
        slot: u32,
    },
}

/// Working memory of one search, reused so that a search allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The candidates found, nearest first.
    pub pool: Pool,
    /// Distances computed since the caller last set it to zero.
    pub distances: u64,
    /// Nodes that the last search of a graph expanded.
    pub expanded: u64,
    visited: Visited,
    visited_above: Visited,
    over: Over,
}

/// Nodes that one step of a walk over blocked ones comes by.
#[derive(Debug, Default)]
struct Over {
    /// Not blocked and new.
    found: Vec<u32>,
    /// Blocked and new.
    blocked: Vec<u32>,
}

impl Scratch {
    /// Bytes that a search of `beam` over slots `0..slots` may come to need, but
    /// for dead nodes waiting to be expanded, of which consolidation leaves few.
    pub fn bytes(beam: Beam, slots: u32) -> u64 {
        // Every second node may stand above level 0 (M = 2).
        Pool::bytes(beam, slots) + Visited::bytes(slots) + Visited::bytes(slots / 2)
    }
}
