//! Adding rows, in batches, with the same outcome on any number of threads.
//!
//! A batch is planned in parallel against the frozen draft: each member walks
//! the graph for its neighbours and is also compared with every other member,
//! which makes up for not finding them in the graph. Then the members' own
//! links are written, the reverse edges are sorted by target, each target's new
//! row is computed by one owner, again in parallel and reading only what is
//! frozen, and the rows are written. ParlayANN (Manohar et al., PPoPP'24) is
//! the source of both steps, but for the comparison inside the batch: without
//! it, searches of 30,000 sentence embeddings need 1038 instead of 606
//! distances for a recall@10 of 0.95. With it the batch size hardly matters:
//! 616 at most 64 rows, 621 at 128, 606 at 512, 604 at 2048.

use super::links::{ABSENT, Draft, Entry, Store};
use super::search::{Walk, to_the_end};
use super::select::{ranked, select};
use super::{Graph, MAX_LEVEL, MAX_SLOTS, Params, repair};
use crate::arena::{AllocError, Lease, ScratchPool, SlotBits};
use crate::index::pool::{candidate, node_of};
use crate::index::{Adaptive, Beam, BuildError, Pool, Progress, Scratch, Space};
use crate::util::hash::mix;
use crate::util::memory::{collected, make_room, with_room};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::ops::RangeInclusive;

/// Rows in a batch: all-pairs comparison costs `batch` distances a row, so it stays small.
const BATCH: RangeInclusive<usize> = 64..=512;
/// A batch is at most this share of the nodes already linked.
const BATCH_SHARE: usize = 50;
/// Of the `ef_construction` nearest that a member's walk keeps, it expands this share: the links
/// are chosen from all of them, but the last ones lead to few that are nearer. Saves 15 % of the
/// distances of a build on 60,000 sentence embeddings, and between 7 and 13 % on 200,000 SIFT
/// descriptors; recall at equal ef from 24 to 512 differs by at most 0.0006, at 16 by 0.0023.
const EXPANDED: f64 = 0.8;
/// A member's walk ends once nothing nearer than this times the 4M-th best is
/// left. Against the plain beam (M = 16, ef_construction = 200) that saves 15 %
/// of the build on 200,000 SIFT descriptors and 5 % on 60,000 sentence
/// embeddings; recall at equal ef differs by at most 0.001.
const STRETCH: f32 = 1.12;
/// Rows whose lengths are compared before that rule is used on inner products.
const SAMPLE: usize = 256;

/// Makes the query of a slot, on any thread; false where it has no row.
pub type QueryOf<'a> = dyn Fn(u32, &mut Vec<u8>) -> Result<bool, AllocError> + Sync + 'a;

/// What the walks of a build compare instead of the rows that links are chosen by, where these are long and
/// codes are too short to choose by: the candidates of a walk are then compared again.
#[derive(Clone, Copy)]
pub struct Walked<'a> {
    /// The codes.
    pub space: &'a Space,
    /// Their queries.
    pub query: &'a QueryOf<'a>,
}

/// What a build compares.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The rows that links are chosen by.
    pub linked: &'a Space,
    /// What walks compare instead.
    pub walked: Option<Walked<'a>>,
}

impl<'a> From<&'a Space> for Ground<'a> {
    fn from(linked: &'a Space) -> Ground<'a> {
        Ground { linked, walked: None }
    }
}

impl Graph {
    /// The next graph: this one and the slots from `len()` to `upto`. Of these,
    /// slots in `dead` or without a row stay without a node. `level_key` gives
    /// each slot the key its level is drawn from; the id of the row, so that
    /// levels survive renumbering. Nodes that lose their last incoming link
    /// are linked again, so every node is reachable afterwards.
    pub fn extend<'a>(
        &self,
        ground: impl Into<Ground<'a>>,
        level_key: &(dyn Fn(u32) -> u64 + Sync),
        upto: u32,
        dead: &SlotBits,
        pool: &ThreadPool,
        progress: &dyn Progress,
    ) -> Result<Graph, BuildError> {
        let ground = ground.into();
        if upto > MAX_SLOTS {
            return Err(BuildError::TooManySlots { slots: upto });
        }
        if upto <= self.len() {
            return Ok(self.clone());
        }
        let mut levels = with_room(upto as usize)?;
        levels.extend_from_slice(self.levels.bytes());
        levels.extend((self.len()..upto).map(|slot| match dead.get(slot) || !ground.linked.rows.contains(slot) {
            true => ABSENT,
            false => draw_level(mix(level_key(slot), self.params.seed), self.params.m as u64),
        }));
        let draft = Draft::extending(self, &levels)?;
        insert(draft, self.len(), ground, pool, progress)
    }
}

/// A level with P(level >= l) = M^-l, as in the HNSW paper, in integers, so
/// that every platform draws the same.
fn draw_level(mut random: u64, m: u64) -> u8 {
    let mut level = 0;
    while random <= u64::MAX / m && level < MAX_LEVEL as u8 {
        random = random.saturating_mul(m);
        level += 1;
    }
    level
}

/// Links the nodes of `draft` from slot `from` on, then finishes it.
pub(super) fn insert(
    draft: Draft,
    from: u32,
    Ground { linked: space, walked }: Ground<'_>,
    pool: &ThreadPool,
    progress: &dyn Progress,
) -> Result<Graph, BuildError> {
    let members = members(&draft, from)?;
    let present = draft.nodes() as usize - members.len();
    let beam = beam(draft.params(), walked.map_or(space, |walked| walked.space), &members);
    let _working = working_memory(&draft, beam, members.len(), pool)?;
    let mut builder = Builder { draft, space, walked, pool, beam, scratch: ScratchPool::default() };
    builder.insert(&members, present, progress)?;
    repair::link_orphans(&mut builder.draft, space, pool)?;
    Ok(builder.draft.freeze())
}

/// Counts what an insertion needs beside the draft: levels and members, the
/// scratch of each thread, the queue of the search for orphans.
fn working_memory(draft: &Draft, beam: Beam, members: usize, pool: &ThreadPool) -> Result<Lease, AllocError> {
    let slots = draft.end(0);
    let scratch = (pool.current_num_threads() as u64 + 1) * Scratch::bytes(beam, slots);
    let lists = slots as u64 * 5 + members as u64 * size_of::<Member>() as u64;
    draft.memory().take(scratch + lists)
}

fn beam(params: Params, space: &Space, members: &[Member]) -> Beam {
    let sample = members.iter().step_by(members.len().div_ceil(SAMPLE).max(1)).map(|m| m.slot);
    let ef = (params.ef_construction as f64 * EXPANDED).ceil() as usize;
    let adaptive = Adaptive { k: (4 * params.m).min(ef), stretch: STRETCH };
    Beam { ef, slack: params.ef_construction - ef, adaptive: space.has_ratios(sample).then_some(adaptive) }
}

/// A node to be linked.
#[derive(Clone, Copy)]
struct Member {
    slot: u32,
    level: usize,
    ordinal: u32,
}

impl Member {
    fn node(&self, level: usize) -> u32 {
        if level == 0 { self.slot } else { self.ordinal }
    }
}

/// The nodes of `draft` from slot `from` on.
fn members(draft: &Draft, from: u32) -> Result<Vec<Member>, AllocError> {
    let mut ordinals = 0;
    let member = |(slot, level)| {
        let ordinal = ordinals;
        ordinals += (level > 0) as u32;
        Member { slot, level, ordinal }
    };
    collected(draft.present().map(member).filter(|m| m.slot >= from))
}

/// A link seen from its target. Sorts by target, nearest source first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) level: usize,
    pub(super) target: u32,
    pub(super) source: u64,
}

struct Builder<'a> {
    draft: Draft,
    space: &'a Space,
    walked: Option<Walked<'a>>,
    pool: &'a ThreadPool,
    /// How far the walk of a member goes.
    beam: Beam,
    scratch: ScratchPool<Scratch>,
}

impl Builder<'_> {
    /// Links `members` beside the `present` nodes, batch by batch.
    fn insert(&mut self, members: &[Member], present: usize, progress: &dyn Progress) -> Result<(), BuildError> {
        let mut done = 0;
        while done < members.len() {
            if !progress.advance(done as u64, members.len() as u64) {
                return Err(BuildError::Cancelled);
            }
            let size = ((present + done) / BATCH_SHARE).clamp(*BATCH.start(), *BATCH.end());
            let end = members.len().min(done + size);
            self.insert_batch(&members[done..end])?;
            done = end;
        }
        Ok(())
    }

    fn insert_batch(&mut self, batch: &[Member]) -> Result<(), AllocError> {
        let this = &*self;
        let mut plans: Vec<Result<Vec<Vec<u64>>, AllocError>> = with_room(batch.len())?;
        self.pool.install(|| {
            (0..batch.len()).into_par_iter().map(|i| this.plan(batch, i)).collect_into_vec(&mut plans);
        });
        let mut edges = Vec::new();
        for (member, plan) in batch.iter().zip(plans) {
            for (level, chosen) in plan?.iter().enumerate() {
                let node = member.node(level);
                let links = collected(chosen.iter().map(|&c| node_of(c)))?;
                self.draft.set_links(level, node, &links);
                // The distance is the same from either end.
                let edge = |&c: &u64| Edge { level, target: node_of(c), source: c >> 32 << 32 | (node as u64) << 1 };
                make_room(&mut edges, chosen.len())?;
                edges.extend(chosen.iter().map(edge));
            }
        }
        add_edges(&mut self.draft, self.space, self.pool, edges)?;
        for m in batch {
            self.draft.offer_entry(Entry { slot: m.slot, level: m.level, ordinal: m.ordinal });
        }
        Ok(())
    }

    /// The neighbours of member `i`, by level from 0 up.
    fn plan(&self, batch: &[Member], i: usize) -> Result<Vec<Vec<u64>>, AllocError> {
        let me = batch[i];
        let Some(query) = self.space.rows.get(me.slot) else { return Ok(Vec::new()) };
        let params = self.draft.params();
        let mut code = Vec::new();
        let walk = match self.walked {
            None => Walk::new(&self.draft, self.space, query),
            Some(walked) if (walked.query)(me.slot, &mut code)? => Walk::new(&self.draft, walked.space, &code),
            Some(_) => return Ok(Vec::new()),
        };
        let scratch = &mut *self.scratch.take();
        let entry = self.draft.entry();
        let mut start = entry.map(|e| walk.descend(e, me.level.min(e.level), scratch)).transpose()?;
        let mut plan = vec![Vec::new(); me.level + 1];
        for level in (0..=me.level).rev() {
            scratch.pool.reset(self.beam, 0.0, self.draft.end(level) as usize)?;
            if let Some(start) = start.as_mut().filter(|_| entry.is_some_and(|e| level <= e.level)) {
                walk.beam(level, *start, self.beam, scratch, &mut to_the_end)?;
                let nearest = scratch.pool.candidates().next().map_or(*start, node_of);
                *start = if level == 1 { self.draft.slot(1, nearest).unwrap_or(nearest) } else { nearest };
                if self.walked.is_some() {
                    self.compare_again(level, query, &mut scratch.pool)?;
                }
            }
            let others = batch.iter().filter(|o| o.slot != me.slot && o.level >= level);
            self.space.each(query, others.map(|o| (o.slot, o.node(level))), |node, distance| {
                scratch.pool.insert(candidate(distance, node));
            });
            let candidates = collected(scratch.pool.candidates())?;
            plan[level] = select(&self.draft, self.space, level, query, &candidates, params.m)?;
        }
        Ok(plan)
    }
}

impl Builder<'_> {
    /// Puts the distances that links are chosen by in the place of those of a walk on codes.
    fn compare_again(&self, level: usize, query: &[u8], pool: &mut Pool) -> Result<(), AllocError> {
        let nodes = pool.candidates().map(node_of).filter_map(|node| Some((self.draft.slot(level, node)?, node)));
        let nodes = collected(nodes)?;
        pool.reset(self.beam, 0.0, self.draft.end(level) as usize)?;
        self.space.each(query, nodes.into_iter(), |node, distance| {
            pool.insert(candidate(distance, node));
        });
        Ok(())
    }
}

/// Adds each edge to the row of its target, which must have a row in `space`.
pub(super) fn add_edges(
    draft: &mut Draft,
    space: &Space,
    pool: &ThreadPool,
    mut edges: Vec<Edge>,
) -> Result<(), AllocError> {
    edges.sort_unstable();
    let by_target = collected(edges.chunk_by(|a, b| (a.level, a.target) == (b.level, b.target)))?;
    let frozen = &*draft;
    let mut rows: Vec<Result<Vec<u32>, AllocError>> = with_room(by_target.len())?;
    pool.install(|| by_target.par_iter().map(|group| merged(frozen, space, group)).collect_into_vec(&mut rows));
    for (group, row) in by_target.iter().zip(rows) {
        draft.set_links(group[0].level, group[0].target, &row?);
    }
    Ok(())
}

/// The links of the target of `group` with the new sources among them.
fn merged(draft: &Draft, space: &Space, group: &[Edge]) -> Result<Vec<u32>, AllocError> {
    let Edge { level, target, .. } = group[0];
    let mut links = collected(draft.known_links(level, target))?;
    make_room(&mut links, group.len())?;
    for source in group.iter().map(|e| node_of(e.source)) {
        if !links.contains(&source) {
            links.push(source);
        }
    }
    let degree = draft.params().degree(level);
    if links.len() <= degree {
        return Ok(links);
    }
    let row = draft.slot(level, target).and_then(|slot| space.rows.get(slot));
    let base = row.expect("a target was found by its row");
    let candidates = ranked(draft, space, level, base, links.into_iter())?;
    let chosen = select(draft, space, level, base, &candidates, degree)?;
    collected(chosen.into_iter().map(node_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_thin_out_by_m() {
        let mut counts = [0u32; MAX_LEVEL + 1];
        (0..160_000).for_each(|key| counts[draw_level(mix(key, 3), 16) as usize] += 1);
        let from = |level: usize| counts[level..].iter().sum::<u32>();
        assert!((9_500..10_500).contains(&from(1)) && (560..690).contains(&from(2)), "{counts:?}");
        assert_eq!((draw_level(0, 16), draw_level(u64::MAX, 16)), (MAX_LEVEL as u8, 0));
    }
}
