//! Columns of metadata: what lies at one path of the JSON of a chunk's rows, read once and kept for
//! all filters that ask about it.
//!
//! A path gets its columns when a filter first looks at it. They are derived from records that never change under
//! their serial number, so that they can be dropped at any time: the least recently used go when all take more than
//! `runtime.column_bytes`, or when searches need the memory. A path whose column would take more is read row by row.

use super::core::Core;
use super::error::{Error, Result};
use super::records::RecordPiece;
use super::view::View;
use crate::arena::Lease;
use crate::meta::column::{Column, Lane};
use crate::meta::filter::Columns;
use crate::util::memory::AllocError;
use crate::util::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A column takes this part of the working memory of searches at most, where that has a limit.
const SHARE: u64 = 2;

/// A column that is kept, and what its memory was taken from.
struct Kept {
    column: Arc<Column>,
    /// When it was used last, by the clock of the cache.
    used: u64,
    _lease: Lease,
}

#[derive(Default)]
struct Inner {
    /// By what is looked at, and by the serial number of the records.
    lanes: HashMap<Lane, HashMap<u64, Kept>>,
    bytes: u64,
    clock: u64,
}

/// The columns of a database.
#[derive(Default)]
pub struct ColumnCache(Mutex<Inner>);

impl ColumnCache {
    /// The column of `lane` over records with this serial number.
    fn get(&self, lane: &Lane, serial: u64) -> Option<Arc<Column>> {
        let mut inner = lock(&self.0);
        inner.clock += 1;
        let now = inner.clock;
        let kept = inner.lanes.get_mut(lane)?.get_mut(&serial)?;
        kept.used = now;
        Some(kept.column.clone())
    }

    /// Keeps a column with its memory where there is room for it within `most` bytes. Others make room: first those of
    /// records that `view` does not have any more.
    fn keep(&self, lane: &Lane, serial: u64, column: &Arc<Column>, view: &View, (most, lease): (u64, Lease)) {
        let bytes = column.bytes() as u64;
        if bytes > most {
            return;
        }
        lease.shrink_to(bytes);
        let mut inner = lock(&self.0);
        inner.forget(lane, serial);
        let gone: Vec<u64> = inner.lanes.get(lane).map_or(Vec::new(), |kept| {
            let is_there = |serial: &u64| view.records.chunks().iter().flatten().any(|piece| piece.serial == *serial);
            kept.keys().copied().filter(|serial| !is_there(serial)).collect()
        });
        gone.into_iter().for_each(|serial| inner.forget(lane, serial));
        while inner.bytes + bytes > most && inner.forget_oldest() {}
        inner.clock += 1;
        let kept = Kept { column: column.clone(), used: inner.clock, _lease: lease };
        inner.bytes += bytes;
        inner.lanes.entry(lane.clone()).or_default().insert(serial, kept);
    }

    /// Lets go of all columns.
    pub fn clear(&self) {
        *lock(&self.0) = Inner::default();
    }

    /// Bytes that all columns take.
    pub fn bytes(&self) -> u64 {
        lock(&self.0).bytes
    }
}

impl Inner {
    fn forget(&mut self, lane: &Lane, serial: u64) {
        let Some(kept) = self.lanes.get_mut(lane) else { return };
        if let Some(gone) = kept.remove(&serial) {
            self.bytes -= gone.column.bytes() as u64;
        }
        if kept.is_empty() {
            self.lanes.remove(lane);
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let all = self
            .lanes
            .iter()
            .flat_map(|(lane, kept)| kept.iter().map(move |(serial, kept)| (kept.used, lane, *serial)));
        let Some((lane, serial)) = all.min_by_key(|&(used, ..)| used).map(|(_, lane, serial)| (lane.clone(), serial))
        else {
            return false;
        };
        self.forget(&lane, serial);
        true
    }
}

/// The first rows of a chunk, by columns.
pub struct ChunkColumns<'a> {
    pub core: &'a Core,
    pub view: &'a View,
    pub records: &'a RecordPiece,
    pub rows: usize,
}

impl ChunkColumns<'_> {
    /// Takes the memory of a column while it is read, that of others where there is no more. One that could not be kept is
    /// not worth its memory, nor is one that leaves little of it to all others.
    fn cover(&self, memory: &Lease, bytes: u64) -> std::result::Result<(), AllocError> {
        let limit = self.core.search_budget.max();
        let share = if limit == 0 { u64::MAX } else { limit / SHARE };
        let max = self.core.settings.column_bytes.min(share);
        if bytes > max {
            return Err(AllocError::OverBudget { bytes, used: 0, max });
        }
        memory.cover(bytes).or_else(|_| {
            self.core.columns.clear();
            memory.cover(bytes)
        })
    }
}

impl Columns for ChunkColumns<'_> {
    type Error = Error;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column(&self, lane: &Lane) -> Result<Arc<Column>> {
        let cache = &self.core.columns;
        let known = cache.get(lane, self.records.serial);
        if let Some(column) = known.as_ref().filter(|column| column.rows() >= self.rows) {
            return Ok(column.clone());
        }
        let from = known.as_ref().map_or(0, |column| column.rows());
        let rows = (from..self.rows).map(|row| self.records.get(row).unwrap_or_default().meta);
        let (most, memory) = (self.core.settings.column_bytes, Lease::new(&self.core.search_budget));
        let column = Column::read(lane, known.as_deref(), rows, &mut |bytes| self.cover(&memory, bytes as u64))?;
        let column = Arc::new(column);
        cache.keep(lane, self.records.serial, &column, self.view, (most, memory));
        Ok(column)
    }
}
