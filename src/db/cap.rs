//! The limit on the working memory of one search (`SearchParams::max_memory`): a plan is made to fit.
//!
//! First goes what only saves time: sketches, threads, comparing by codes. Then the walk gets narrower, which finds less and
//! is told. Where no walk fits at all, rows are compared one by one, which takes next to no memory. Only where the
//! results themselves do not fit, the search is refused.
//!
//! Counted is what [`Plan::bytes`] says, by the sizes of things alone: what an earlier search left in the pool of
//! working memory changes no answer.

use super::core::Core;
use super::error::{Error, ErrorKind, Result};
use super::plan::{Covered, Plan, Walk};
use super::view::{Decoded, View};
use crate::index::flat::TopK;
use crate::index::sketched::Estimates;
use crate::index::{self, Beam};

/// A blocked node that waits to be expanded; the list of them doubles.
const WAITING_BYTES: u64 = 16;
/// The part of the room for candidates that is left to blocked ones, where there are any. A plan that leaves less does
/// not fit.
const WAITING_SHARE: u64 = 4;
/// A candidate of a walk.
const CANDIDATE_BYTES: u64 = 8;

/// How a plan fits the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Whole,
    /// Another way, slower, to the same answer.
    Slower,
    /// With fewer candidates: it may find less.
    Narrower,
}

/// Most results that fit into `max_memory` bytes (0 = no limit).
pub fn most_results(core: &Core, view: &View, max_memory: u64) -> usize {
    most_of(core, view, max_memory, TopK::bytes(1))
}

/// The same where each takes `bytes`.
pub fn most_of(core: &Core, view: &View, max_memory: u64, bytes: u64) -> usize {
    let room = max_memory.saturating_sub(row_bytes(core, view)) / bytes;
    if max_memory == 0 { usize::MAX } else { usize::try_from(room).unwrap_or(usize::MAX) }
}

/// The query, as it is stored, as floats and as a code, and a vector made out of a code.
fn row_bytes(core: &Core, view: &View) -> u64 {
    let code = view.index.codec.as_ref().map_or(0, |codec| codec.query_bytes());
    let decoded = if view.hollow > 0 { Decoded::bytes(core.shape.dim) } else { 0 };
    (9 * core.shape.dim + code) as u64 + decoded
}

impl Plan {
    /// Bytes of working memory that each of its threads takes.
    pub fn bytes(&self, core: &Core, view: &View) -> u64 {
        self.bytes_beside(TopK::bytes(self.k), core, view)
    }

    /// The same where results take `best` bytes.
    pub fn bytes_beside(&self, best: u64, core: &Core, view: &View) -> u64 {
        let walk = self.beam().map_or(0, |beam| index::Scratch::bytes(beam, view.index.graph.len()));
        let picked = if self.by_code { TopK::bytes(self.rerank) } else { 0 };
        let estimates = if self.sketched { Estimates::bytes(self.k, core.shape.dim) } else { 0 };
        let parts = [best, picked, walk, row_bytes(core, view), estimates];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// Makes it take `most` bytes at most.
    pub fn fit(&mut self, core: &Core, view: &View, most: u64) -> Result<()> {
        if self.k == 0 {
            return Ok(());
        }
        let least = TopK::bytes(self.k).saturating_add(row_bytes(core, view));
        let Some(room) = most.checked_sub(least) else {
            let (k, dim) = (self.k, core.shape.dim);
            let message = format!(
                "{k} results of {dim} components take {least} bytes, max_memory of the search is {most}: ask for fewer, \
                 or allow more"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        };
        let needed = |plan: &Plan| plan.bytes(core, view).saturating_add(plan.waiting_bytes(view));
        if needed(self) > most {
            (self.fit, self.sketched) = (Fit::Slower, false);
        }
        if needed(self) > most {
            match self.covered {
                Covered::Walk(walk) => self.narrow(view, walk, room),
                Covered::Pick | Covered::Scan => self.pick_within(view, room),
            }
        }
        let bytes = self.bytes(core, view);
        debug_assert!(bytes <= most, "{bytes} bytes where {most} are allowed");
        self.most_parts = (most / bytes.max(1)).max(1) as usize;
        self.most_waiting = (most.saturating_sub(bytes) / WAITING_BYTES) as usize;
        Ok(())
    }

    /// What blocked nodes that wait may take at the least.
    fn waiting_bytes(&self, view: &View) -> u64 {
        let beam = self.beam().filter(|_| !self.blocked(view).is_empty());
        let places = beam.map_or(0, |beam| beam.ef.saturating_add(beam.slack).min(view.index.graph.len() as usize));
        places as u64 * CANDIDATE_BYTES / (WAITING_SHARE - 1)
    }

    /// Walks as far as `room` bytes let it, or not at all.
    fn narrow(&mut self, view: &View, walk: Walk, room: u64) {
        let marks = index::Scratch::bytes(Beam::new(1, 0), view.index.graph.len());
        let mut room = room.saturating_sub(marks);
        if self.by_code && view.hollow == 0 {
            self.by_code = false;
        } else if self.by_code {
            // Vectors that were given up can only be compared by their codes.
            self.rerank_at_most(room / 2);
            room = room.saturating_sub(TopK::bytes(self.rerank));
        }
        if !self.blocked(view).is_empty() {
            room -= room / WAITING_SHARE;
        }
        let places = usize::try_from(room / CANDIDATE_BYTES).unwrap_or(usize::MAX);
        if places < self.k {
            self.by_code = false;
            self.covered = if self.is_filtered() && view.hollow == 0 { Covered::Pick } else { Covered::Scan };
            self.fit = Fit::Slower;
            return;
        }
        let ef = walk.beam.ef.min(places);
        let beam = Beam { ef, slack: walk.beam.slack.min(places - ef), ..walk.beam };
        if beam != walk.beam {
            self.fit = Fit::Narrower;
        }
        self.covered = Covered::Walk(Walk { beam, ..walk });
    }

    /// Compares rows by their vectors, or where these were given up ranks as few again as `room` bytes hold.
    fn pick_within(&mut self, view: &View, room: u64) {
        if view.hollow > 0 && room >= TopK::bytes(self.k) {
            return self.rerank_at_most(room);
        }
        self.by_code = false;
        if view.hollow > 0 {
            self.covered = Covered::Scan;
        }
    }

    /// Ranks as many again as `room` bytes hold, but for the results.
    fn rerank_at_most(&mut self, room: u64) {
        let most = usize::try_from(room / TopK::bytes(1)).unwrap_or(usize::MAX).max(self.k);
        if most < self.rerank {
            (self.rerank, self.fit) = (most, Fit::Narrower);
        }
    }
}
