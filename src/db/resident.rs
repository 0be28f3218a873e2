//! Residence: what searches walk is copied from mapped files into memory.
//!
//! Opening a database maps its files and copies nothing. Walks then jump about
//! in pages of 4 KiB, whose tables miss the caches, and look at a mark of each
//! block before they read it. So once searches have computed as many
//! distances as there are nodes - have read about as many bytes as a copy would -
//! the graph's background thread copies codes and links into huge pages, all
//! checksums looked at on the way. Vectors that are only reranked stay in their files.
//!
//! Must never change content: rows keep their serial numbers, the index its version.

use super::column::{Piece, mapped};
use super::commit::broken;
use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::indexer::IndexState;
use super::view::{Index, View};
use crate::arena::{Rows, RowsMut, system_memory};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// The part of the machine's memory that copies may take.
const SYSTEM_SHARE: u64 = 4;
/// The part of what the limit on memory leaves.
const ROOM_SHARE: u64 = 2;
/// Bytes copied between two looks at whether the database closes.
const PIECE: usize = 8 << 20;

/// Whether walks of one database stay on what they walk now.
#[derive(Default)]
pub struct Residence {
    settled: AtomicBool,
}

impl Residence {
    /// No copy from now on: there was one, or memory is short.
    pub fn settle(&self) {
        self.settled.store(true, Relaxed);
    }
}

/// Counts the distances of a search, and has the copy made when they are enough.
pub fn count(core: &Core, view: &View, distances: u64) {
    let before = core.counters.distances.fetch_add(distances, Relaxed);
    let enough = view.index.graph.nodes() as u64;
    if before < enough && before + distances >= enough && is_due(core, view) {
        core.indexer.wake();
    }
}

/// Whether searches have paid for a copy that there is memory for.
pub fn is_due(core: &Core, view: &View) -> bool {
    let nodes = view.index.graph.nodes() as u64;
    if !core.settings.resident || core.residence.settled.load(Relaxed) || core.store.is_none() || nodes == 0 {
        return false;
    }
    let bytes = mapped_bytes(view);
    let limit = (system_memory() / SYSTEM_SHARE).min(core.budget.room() / ROOM_SHARE);
    bytes > 0 && bytes <= limit && core.counters.distances.load(Relaxed) >= nodes
}

/// The rows the graph is walked on.
fn walked(view: &View) -> &[Piece] {
    if view.index.codec.is_some() { &view.index.codes } else { &view.chunks.vectors }
}

/// Bytes that walks read and that lie in files.
fn mapped_bytes(view: &View) -> u64 {
    mapped(walked(view)) + if view.index.graph.is_mapped() { view.index.graph.bytes() as u64 } else { 0 }
}

/// Copies what walks read into memory and shows it to searches. Tried once: where
/// memory is short, walks go on in the files.
pub fn load(core: &Core, state: &mut IndexState, view: &View) -> Result<()> {
    core.residence.settle();
    match copy(core, state, view) {
        Err(error) if error.is_over_budget() || error.kind() == ErrorKind::NoMemory => {
            core.log.info(format_args!("not_resident why={:?}", error.message()));
            Ok(())
        }
        done => done,
    }
}

fn copy(core: &Core, state: &mut IndexState, view: &View) -> Result<()> {
    let (start, bytes) = (Instant::now(), mapped_bytes(view));
    let graph = view.index.graph.with_rows(&|rows| in_memory(core, rows))?;
    let mut pieces = Vec::new();
    for piece in walked(view) {
        pieces.push(Piece { rows: in_memory(core, &piece.rows)?, serial: piece.serial });
    }
    core.check_faults()?;
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    // No graph work goes on beside this, but writers do: rows they added stay.
    let mut index = Index { graph, ..Index::clone(&writer.index) };
    if index.codec.is_some() {
        index.codes = pieces;
        state.codes = None;
    } else {
        for piece in &pieces {
            writer.vectors.swap(piece);
        }
    }
    writer.index = Arc::new(index);
    core.publish(&mut writer)?;
    drop(writer);
    core.log.info(format_args!("resident bytes={bytes} us={}", start.elapsed().as_micros()));
    Ok(())
}

/// The same rows in memory; themselves where they are there already.
fn in_memory(core: &Core, rows: &Rows) -> Result<Rows> {
    if !rows.is_mapped() {
        return Ok(rows.clone());
    }
    let mut copy = RowsMut::zeroed(rows.len(), rows.stride(), &core.budget)?;
    let step = (PIECE / rows.stride().max(1)).max(1);
    for (piece, room) in copy.bytes_mut().chunks_mut(step * rows.stride().max(1)).enumerate() {
        if core.is_closing() {
            return fail(ErrorKind::Cancelled, "the database is about to close");
        }
        let from = piece * step;
        room.copy_from_slice(rows.slice(from..rows.len().min(from + step)));
    }
    Ok(copy.freeze())
}
