//! Making every node reachable again. Re-selection and deletes can take a
//! node's last incoming link (arXiv 2407.07871 measures how often); such an
//! orphan would never be found.
//!
//! An orphan is linked from a reachable node near it: in a free place of its
//! row, or in the place of a link `r -> x` while the orphan links to `x`. So
//! whatever was reachable stays reachable, and one pass leaves no orphan.

use super::links::{Draft, NIL, Store, places};
use super::search::{Walk, to_the_end};
use super::select::{ranked, select};
use crate::arena::{AllocError, ScratchPool, Visited};
use crate::index::pool::node_of;
use crate::index::{Beam, Scratch, Space};
use crate::util::memory::{collected, make_room, with_room};
use rayon::ThreadPool;
use rayon::prelude::*;

/// Orphans whose surroundings are searched at once.
const BATCH: usize = 256;
/// Link rows whose loading runs ahead.
const AHEAD: usize = 16;

/// Marks all that level-0 links reach from `start`, breadth first. A graph of a
/// million nodes takes a tenth of a second, because link rows are loaded ahead.
pub(super) fn reach<S: Store>(store: &S, start: u32, reached: &mut Visited) -> Result<(), AllocError> {
    let mut queue = Vec::new();
    if reached.insert(start) {
        queue.push(start);
    }
    let mut next = 0;
    while let Some(&node) = queue.get(next) {
        next += 1;
        if let Some(&later) = queue.get(next + AHEAD) {
            store.prefetch_links(later);
        }
        let new = reached.insert_all(places(store.links(0, node))).nodes();
        make_room(&mut queue, new.len())?;
        queue.extend_from_slice(new);
    }
    Ok(())
}

/// Links every node that the entry point does not reach on level 0. Only nodes
/// whose row is missing can be left over.
pub(super) fn link_orphans(draft: &mut Draft, space: &Space, pool: &ThreadPool) -> Result<(), AllocError> {
    let Some(entry) = draft.entry() else { return Ok(()) };
    let mut reached = Visited::default();
    reached.reset(draft.end(0))?;
    reach(draft, entry.slot, &mut reached)?;
    let orphans = collected(draft.present().map(|(slot, _)| slot).filter(|&slot| !reached.contains(slot)))?;
    let scratch = ScratchPool::default();
    for batch in orphans.chunks(BATCH) {
        let batch: Vec<u32> = batch.iter().copied().filter(|&slot| !reached.contains(slot)).collect();
        let frozen = &*draft;
        let mut near: Vec<Result<Vec<u64>, AllocError>> = with_room(batch.len())?;
        pool.install(|| {
            batch.par_iter().map(|&slot| reachable_near(frozen, space, slot, &scratch)).collect_into_vec(&mut near);
        });
        for (&orphan, near) in batch.iter().zip(near) {
            if !reached.contains(orphan) && adopt(draft, space, orphan, &near?)? {
                reach(draft, orphan, &mut reached)?;
            }
        }
    }
    Ok(())
}

/// Reachable candidates near `orphan`. The walk starts on level 0 at the entry
/// point: going down the upper levels could land on another orphan.
fn reachable_near(
    draft: &Draft,
    space: &Space,
    orphan: u32,
    scratch: &ScratchPool<Scratch>,
) -> Result<Vec<u64>, AllocError> {
    let (Some(query), Some(entry)) = (space.rows.get(orphan), draft.entry()) else { return Ok(Vec::new()) };
    let scratch = &mut *scratch.take();
    let beam = Beam::new(draft.params().ef_construction, 0);
    let walk = Walk::new(draft, space, query);
    walk.beam(0, entry.slot, beam, scratch, &mut to_the_end)?;
    collected(scratch.pool.candidates())
}

/// Links `orphan` from one of the reachable candidates `near`, and to several.
fn adopt(draft: &mut Draft, space: &Space, orphan: u32, near: &[u64]) -> Result<bool, AllocError> {
    let (Some(base), Some(&nearest)) = (space.rows.get(orphan), near.first()) else { return Ok(false) };
    let degree = draft.params().degree(0);
    let links = |draft: &Draft, node| draft.known_links(0, node).collect::<Vec<u32>>();
    let own = links(draft, orphan);
    let candidates = ranked(draft, space, 0, base, near.iter().map(|&c| node_of(c)).chain(own.iter().copied()))?;
    let mut unique = candidates;
    unique.dedup();
    let mut new_links: Vec<u32> =
        select(draft, space, 0, base, &unique, draft.params().m)?.into_iter().map(node_of).collect();
    let free = near.iter().map(|&c| node_of(c)).find(|&node| links(draft, node).len() < degree);
    let parent = free.unwrap_or(node_of(nearest));
    let mut parent_links = links(draft, parent);
    match free {
        Some(_) => parent_links.push(orphan),
        None => {
            // The link that the detour over the orphan lengthens least.
            let closest =
                ranked(draft, space, 0, base, parent_links.iter().copied())?.first().map_or(NIL, |&c| node_of(c));
            let Some(place) = parent_links.iter().position(|&id| id == closest) else { return Ok(false) };
            parent_links[place] = orphan;
            if !new_links.contains(&closest) {
                new_links.insert(0, closest);
            }
        }
    }
    draft.set_links(0, parent, &parent_links);
    draft.set_links(0, orphan, &new_links);
    Ok(true)
}
