//! The HNSW graph (Malkov and Yashunin, arXiv 1603.09320), as an immutable
//! value over dense slots.
//!
//! Where it departs from the paper:
//! * A graph is never changed. [`Graph::extend`], [`Graph::consolidate`] and
//!   [`Graph::renumber`] copy the link arrays (4 * 2M bytes a slot, one memcpy)
//!   and make the next graph, so searches need neither locks nor atomics.
//! * Rows are inserted in batches against a frozen graph, with reverse edges
//!   grouped by target (ParlayANN, PPoPP'24): the same graph on any number of
//!   threads.
//! * Nodes above level 0 have numbers of their own ("ordinals"), and upper
//!   links name ordinals, so that a hop up there is one array access and the
//!   whole hierarchy costs about 4.5 bytes a row at M = 16.
//! * Deletes are repaired by the FreshDiskANN rule (arXiv 2105.09613), and
//!   nodes that lost their last incoming link are linked again.
//!
//! Link rows may come mapped from a file and are never trusted: to a walk a link
//! out of range ends its row, and every walk visits a node once.

mod build;
mod calibrate;
mod check;
mod consolidate;
mod links;
mod repair;
mod search;
mod select;
mod serial;
#[cfg(test)]
mod tests;

pub use build::{Ground, Walked};
pub use calibrate::{Found, Probe, Stops};
pub use check::Report;
pub use serial::Section;

use super::BuildError;
use crate::arena::{AllocError, Budget, LINKS_MAX, Rows};
use crate::util::memory::{collected, filled};
use links::{Draft, Entry, Store};

/// Slots a graph can number: candidates keep one bit of 32 for a flag.
pub const MAX_SLOTS: u32 = 1 << 31;
/// Highest level of a node.
const MAX_LEVEL: usize = 15;
/// Largest accepted M.
pub const MAX_M: usize = 256;
const _: () = assert!(2 * MAX_M <= LINKS_MAX);
/// Largest accepted ef_construction.
pub const MAX_EF_CONSTRUCTION: usize = 1 << 16;

/// What shapes a graph. Fixed for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Links of a node on each level from 1 up; level 0 has twice as many.
    pub m: usize,
    /// Beam of the searches that find a new node's neighbours.
    pub ef_construction: usize,
    /// Changes the levels that keys are given.
    pub seed: u64,
}

impl Params {
    /// Links of a node on `level`.
    pub(super) fn degree(&self, level: usize) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }
}

/// An immutable graph over slots `0..len()`. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Graph {
    params: Params,
    /// What the arrays of the next graph are taken from.
    memory: Budget,
    nodes: u32,
    entry: Option<Entry>,
    /// Level of each slot, [`links::ABSENT`] where there is no node.
    levels: Rows,
    /// Level-0 links of each slot: 2M slots, ended by [`links::NIL`].
    base: Rows,
    /// (slot, first row in `upper`) of each ordinal, ascending.
    tall: Rows,
    /// Rows of M ordinals: levels 1, 2, .. of ordinal 0, then of ordinal 1, ..
    upper: Rows,
}

impl Graph {
    /// The graph over no slots. `m` is brought into `2..=MAX_M` and
    /// `ef_construction` into `1..=MAX_EF_CONSTRUCTION`.
    pub fn empty(params: Params) -> Graph {
        let params = Params {
            m: params.m.clamp(2, MAX_M),
            ef_construction: params.ef_construction.clamp(1, MAX_EF_CONSTRUCTION),
            ..params
        };
        Draft::new(params, &[], &Budget::default()).expect("arrays without rows need no memory").freeze()
    }

    /// The same graph, from which on all next ones take their memory from `memory`.
    pub fn within(self, memory: &Budget) -> Graph {
        Graph { memory: memory.clone(), ..self }
    }

    /// Whether the links lie in mapped files.
    pub fn is_mapped(&self) -> bool {
        self.base.is_mapped()
    }

    /// The same graph in twins of its arrays, which `twin` gives.
    pub fn with_rows<E>(&self, twin: &dyn Fn(&Rows) -> Result<Rows, E>) -> Result<Graph, E> {
        Ok(Graph {
            levels: twin(&self.levels)?,
            base: twin(&self.base)?,
            tall: twin(&self.tall)?,
            upper: twin(&self.upper)?,
            ..self.clone()
        })
    }

    /// The parameters, as brought into range.
    pub fn params(&self) -> Params {
        self.params
    }

    /// Slots covered, with or without a node. Slots from here on are the tail.
    pub fn len(&self) -> u32 {
        self.levels.len() as u32
    }

    /// Whether no slot is covered.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Nodes present, tombstoned ones included.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// Whether `slot` has a node.
    pub fn contains(&self, slot: u32) -> bool {
        self.level(slot).is_some()
    }

    /// Bytes of the link arrays.
    pub fn bytes(&self) -> usize {
        [&self.levels, &self.base, &self.tall, &self.upper].iter().map(|r| r.len() * r.stride()).sum()
    }

    /// The same graph under new slot numbers: `new_of(old)` must rise with
    /// `old`, stay below `new_len`, and be `None` only for slots without a node.
    pub fn renumber(&self, new_len: u32, new_of: &(dyn Fn(u32) -> Option<u32> + Sync)) -> Result<Graph, BuildError> {
        let target = |slot| new_of(slot).filter(|&new| new < new_len).ok_or(BuildError::BadNumbering { slot });
        let mut levels = filled(links::ABSENT, new_len as usize)?;
        let mut previous = None;
        for (slot, level) in self.present() {
            let new = target(slot)?;
            if previous.is_some_and(|p| new <= p) {
                return Err(BuildError::BadNumbering { slot });
            }
            previous = Some(new);
            levels[new as usize] = level as u8;
        }
        let mut next = Draft::new(self.params, &levels, &self.memory)?;
        let mut ordinal = 0;
        for (slot, level) in self.present() {
            let links = collected(links::ids(self.links(0, slot)).filter_map(new_of))?;
            next.set_links(0, target(slot)?, &links);
            // Ordinals follow slot order, which the new numbers keep.
            (1..=level).for_each(|l| next.copy_links(l, ordinal, self.links(l, ordinal)));
            ordinal += (level > 0) as u32;
        }
        next.elect_entry();
        Ok(next.freeze())
    }

    /// (slot, level) of each node, ascending.
    fn present(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        links::present(self.levels.bytes())
    }
}
