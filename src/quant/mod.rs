//! Short codes that the graph is walked on instead of the stored vectors.
//!
//! Distances between codes order rows almost like the real ones at a quarter of the
//! memory traffic or less; the few best rows of a walk are then ranked again on the stored
//! vectors. Whether codes are good enough for the data at hand is measured when
//! they are trained, and if not there are none: the walk falls back to the vectors.
//!
//! This module knows vectors and codes; where either is kept is the business of
//! its callers.

mod codec;
mod frame;
mod pq;
mod rabitq;
mod rotation;
mod sketch;
mod sq4;
mod sq8;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
mod train;

pub use codec::{Codec, Kind};
pub use pq::Pq;
pub use rabitq::Rabitq;
pub use rotation::Rotation;
pub use sketch::{SketchedQuery, Sketcher};
pub use sq4::Sq4;
pub use sq8::Sq8;
use train::some_rows;

/// Whether codes have to prove themselves on the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Codes that would not rank the sample well are refused.
    Measured,
    /// The caller knows better: any codes that can be made.
    Open,
}
