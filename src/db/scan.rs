//! Comparing a query with rows that no graph leads to: those behind the graph, or all of them
//! where a search wants exact answers or there is no graph.
//!
//! Rows are compared exactly or, where there are sketches and the search does not mind, the few
//! that their sketches point to. A long scan is split over threads.

use super::core::Core;
use super::error::Result;
use super::plan::Plan;
use super::reader::{Limits, Scratch};
use super::view::View;
use crate::index::flat;
use crate::index::sketched::{Ask, Sketches};
use crate::index::{Control, Outcome};
use crate::kernel;
use crate::util::memory;
use std::ops::Range;
use std::thread;

/// Bytes read that are worth a thread: some 0.4 ms of work, ten times what starting one takes.
const THREAD_BYTES: u64 = 4 << 20;
/// The part of a vector of f32 that its sketch costs, generously: it is a twenty-seventh of its bytes, but more work for each.
const SKETCH_SHARE: u64 = 16;
/// Parts begin at a multiple of so many slots.
const BLOCK: usize = 256;

/// Offers the rows of `slots` to `scratch.best`. Which threads share the work changes no result, but for rows whose sketches mislead.
pub fn scan(
    core: &Core,
    view: &View,
    plan: &Plan,
    slots: Range<u32>,
    limits: &Limits<'_>,
    scratch: &mut Scratch,
) -> Result<Outcome> {
    let scan = Scan { core, view, plan, limits };
    let parts = parts(core, view, plan, &slots);
    if parts < 2 {
        return scan.part(slots, scratch);
    }
    let length = slots.len().div_ceil(parts).next_multiple_of(BLOCK);
    let mut parts = slots.clone().step_by(length).map(|first| first..slots.end.min(first + length as u32));
    let own = parts.next().unwrap_or(slots.clone());
    let query = scratch.query.clone();
    thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|part| {
                let (query, slots) = (&query, part.clone());
                let work = move || scan.helped(slots, query);
                (part, thread::Builder::new().name("vdb-search".into()).spawn_scoped(scope, work))
            })
            .collect();
        let mut outcome = scan.part(own, scratch)?;
        for (part, thread) in others {
            let theirs = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
                Err(_) => None,
            };
            // What had no thread or no memory of its own is done here.
            outcome.stopped_early |= match theirs {
                Some((mut other, outcome)) => {
                    other.best.sorted().for_each(|(distance, slot, key)| scratch.best.offer(distance, slot, &|_| key));
                    scratch.walk.distances += std::mem::take(&mut other.walk.distances);
                    outcome.stopped_early
                }
                None => scan.part(part, scratch)?.stopped_early,
            };
        }
        Ok(outcome)
    })
}

/// Threads that a scan of `slots` is split over, the caller's among them.
pub fn parts(core: &Core, view: &View, plan: &Plan, slots: &Range<u32>) -> usize {
    let worth = (bytes(core, view, plan, slots) / THREAD_BYTES).min(plan.threads as u64) as usize;
    worth.clamp(1, plan.most_parts)
}

/// Bytes that comparing with `slots` reads, about.
fn bytes(core: &Core, view: &View, plan: &Plan, slots: &Range<u32>) -> u64 {
    let sketched = sketched(view, plan, slots).map_or(0, |(_, slots)| slots.len() as u64);
    let row = core.shape.row_bytes() as u64;
    (slots.len() as u64 - sketched) * row + sketched * row.div_ceil(SKETCH_SHARE)
}

/// The sketches that stand in for some of `slots`, and which those are.
pub fn sketched<'a>(view: &'a View, plan: &Plan, slots: &Range<u32>) -> Option<(Sketches<'a>, Range<u32>)> {
    view.sketched(slots.clone()).filter(|_| plan.sketched)
}

/// What all parts of a scan have in common.
#[derive(Clone, Copy)]
struct Scan<'a> {
    core: &'a Core,
    view: &'a View,
    plan: &'a Plan,
    limits: &'a Limits<'a>,
}

impl<'a> Scan<'a> {
    /// One part, in working memory of its own; `None` where there is none.
    fn helped(
        &self,
        slots: Range<u32>,
        query: &[u8],
    ) -> Result<Option<(impl std::ops::DerefMut<Target = Scratch> + use<'a>, Outcome)>> {
        let mut scratch = self.core.scratch.take();
        if scratch.cover(self.core, self.view, self.plan).is_err() {
            return Ok(None);
        }
        memory::resize(&mut scratch.query, query.len(), 0)?;
        scratch.query.copy_from_slice(query);
        self.plan.reset(&mut scratch.best)?;
        let outcome = self.part(slots, &mut scratch)?;
        Ok(Some((scratch, outcome)))
    }

    /// Rows without a sketch first: their distances spare some of the others.
    fn part(&self, slots: Range<u32>, scratch: &mut Scratch) -> Result<Outcome> {
        let Scan { core, view, plan, limits } = *self;
        let (key, dead) = (|slot| view.id_of(slot), plan.blocked(view));
        let Scratch { walk, best, estimates, query, wide, decoded, .. } = scratch;
        let sketched = sketched(view, plan, &slots);
        let with = sketched.as_ref().map_or(slots.end..slots.end, |(_, with)| with.clone());
        let mut stopped_early = false;
        for exact in [slots.start..with.start, with.end..slots.end] {
            walk.distances += exact.len() as u64;
            let kept = exact.start.max(view.hollow)..exact.end;
            stopped_early |= flat::scan(&view.stored, query, kept, dead, &key, best, limits).stopped_early;
            for block in (exact.start..exact.end.min(view.hollow)).step_by(BLOCK) {
                stopped_early = stopped_early || limits.stop();
                if stopped_early {
                    break;
                }
                let block = block..exact.end.min(view.hollow).min(block + BLOCK as u32);
                let live = block.filter(|&slot| !dead.get(slot));
                view.each_exact(&core.shape, query, live, decoded, |slot, distance| best.offer(distance, slot, &key))?;
            }
        }
        if let Some((sketches, slots)) = sketched {
            memory::resize(wide, core.shape.dim, 0.0)?;
            kernel::widen(core.shape.scalar, query, wide);
            let space = &view.stored;
            let ask = Ask { space, query, wide, slots, dead, k: plan.k, key: &key, control: limits };
            stopped_early |= sketches.search(&ask, estimates, best)?.stopped_early;
            walk.distances += std::mem::take(&mut estimates.compared);
        }
        Ok(Outcome { stopped_early, ..Outcome::default() })
    }
}
