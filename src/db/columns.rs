//! Columns of metadata: what lies at one path of the JSON of a chunk's rows, read once and kept for
//! all filters that ask about it.
//!
//! A path gets its columns when a filter first looks at it; one that was declared (`schema.columns`) before that, behind the
//! callers' backs (`columns_ahead`). They are derived from records that never change under
//! their serial number, so that they can be dropped at any time: the least recently used go when all take more than
//! `runtime.column_bytes`, or when searches need the memory. A path whose column would take more is read row by row.
//!
//! Reading the text is most of the work, so those that will be asked for next are read in the same pass.

use super::core::Core;
use super::error::{Error, ErrorKind, Result};
use super::records::RecordPiece;
use super::view::View;
use crate::arena::Lease;
use crate::meta::Lane;
use crate::meta::column::Column;
use crate::meta::filter::Columns;
use crate::util::memory::{AllocError, collected};
use crate::util::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A column takes this part of the working memory of searches at most, where that has a limit.
const SHARE: u64 = 2;
/// Columns that are read in one pass: beyond a few dozen the text is a small part of the work, and they are in memory
/// together.
const TOGETHER: usize = 64;

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

    /// The same, which is not used by that.
    fn look(&self, lane: &Lane, serial: u64) -> Option<Arc<Column>> {
        Some(lock(&self.0).lanes.get(lane)?.get(&serial)?.column.clone())
    }

    /// What filters looked at, or what was made before they do.
    pub fn lanes(&self) -> Vec<Lane> {
        lock(&self.0).lanes.keys().cloned().collect()
    }

    /// Keeps a column with its memory where there is room for it within `most` bytes; returns whether there was. Others
    /// make room: those of records that none of `views` has, then, where `may_push`, any.
    fn keep(
        &self,
        lane: &Lane,
        serial: u64,
        column: &Arc<Column>,
        views: [&View; 2],
        (most, lease, may_push): (u64, Lease, bool),
    ) -> bool {
        let bytes = column.bytes() as u64;
        if bytes > most {
            return false;
        }
        lease.shrink_to(bytes);
        let mut inner = lock(&self.0);
        let gone: Vec<u64> = inner.lanes.get(lane).map_or(Vec::new(), |kept| {
            let pieces = || views.iter().flat_map(|view| view.records.chunks().iter().flatten());
            let is_there = |serial: &u64| pieces().any(|piece| piece.serial == *serial);
            kept.keys().copied().filter(|serial| !is_there(serial)).collect()
        });
        gone.into_iter().for_each(|serial| inner.forget(lane, serial));
        let before =
            inner.lanes.get(lane).and_then(|kept| kept.get(&serial)).map_or(0, |kept| kept.column.bytes() as u64);
        if !may_push && inner.bytes - before + bytes > most {
            return false;
        }
        inner.forget(lane, serial);
        while inner.bytes + bytes > most && inner.forget_oldest() {}
        inner.clock += 1;
        let kept = Kept { column: column.clone(), used: inner.clock, _lease: lease };
        inner.bytes += bytes;
        inner.lanes.entry(lane.clone()).or_default().insert(serial, kept);
        true
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
    /// What is asked for, in this order.
    pub wanted: &'a [Lane],
}

impl ChunkColumns<'_> {
    /// Takes the memory of columns while they are read. What could not be kept is not worth its memory, nor is what
    /// leaves little of it to all others. Where there is no more, others are let go if `may_push`; what nobody
    /// asked for leaves searches half of what they have.
    fn cover(&self, memory: &Lease, bytes: u64, may_push: bool) -> std::result::Result<(), AllocError> {
        let budget = &self.core.search_budget;
        let share = if budget.max() == 0 { u64::MAX } else { budget.max() / SHARE };
        let mut max = self.core.settings.column_bytes.min(share);
        if !may_push {
            max = max.min(budget.room().saturating_add(memory.bytes()) / 2);
        }
        if bytes > max {
            return Err(AllocError::OverBudget { bytes, used: 0, max });
        }
        memory.cover(bytes).or_else(|error| {
            if !may_push {
                return Err(error);
            }
            self.core.columns.clear();
            memory.cover(bytes)
        })
    }

    /// Makes a column that is not there, or not of all rows, before anybody asks for it; false where there is no room for it
    /// that others do not use.
    pub fn make(&self, lane: &Lane) -> Result<bool> {
        let known = self.core.columns.look(lane, self.records.serial);
        if known.is_some_and(|column| column.rows() >= self.rows) {
            return Ok(true);
        }
        match self.read(lane, false) {
            Err(error) if error.is_over_budget() => Ok(false),
            read => read.map(|(_, is_kept)| is_kept),
        }
    }

    /// Reads a column, from where the one that is there ends, and with it those that are wanted next and end there too;
    /// returns whether it is kept.
    fn read(&self, lane: &Lane, may_push: bool) -> Result<(Arc<Column>, bool)> {
        let look = |lane| self.core.columns.look(lane, self.records.serial);
        let place = self.wanted.iter().position(|wanted| wanted == lane);
        let next = place.map_or(&[][..], |place| &self.wanted[place + 1..]);
        let mut together = vec![(lane, look(lane))];
        let from = rows_of(&together[0].1);
        for lane in next {
            let known = look(lane);
            if rows_of(&known) == from && together.iter().all(|(other, _)| *other != lane) {
                together.push((lane, known));
            }
            if together.len() == TOGETHER {
                break;
            }
        }
        // No other column is let go so that some are read that may not be asked for after all.
        let alone = together.len() == 1;
        match self.read_together(&together, (alone && may_push, may_push)) {
            Err(error) if error.is_over_budget() && !alone => self.read_together(&together[..1], (may_push, may_push)),
            read => read,
        }
    }

    /// Reads columns that begin with what is there of them: of as many rows for each. Returns the first, and whether it is
    /// kept. Others may be let go for the memory that they take while they are read, and for their place, or not.
    fn read_together(&self, lanes: &[Begun<'_>], (may_clear, may_push): (bool, bool)) -> Result<(Arc<Column>, bool)> {
        let memory = Lease::new(&self.core.search_budget);
        let rows = (rows_of(&lanes[0].1)..self.rows).map(|row| self.records.get(row).unwrap_or_default().meta);
        let begun = collected(lanes.iter().map(|(lane, known)| (*lane, known.as_deref())))?;
        let mut cover = |bytes: usize| self.cover(&memory, bytes as u64, may_clear);
        let columns = Column::read(&begun, rows, &mut cover)?;
        // A search of a snapshot must not let go of what those of the newest rows look at.
        let newest = self.core.view.load();
        let mut first = None;
        for ((lane, _), column) in lanes.iter().zip(columns) {
            let memory = memory.split(column.bytes() as u64);
            let column = Arc::new(column);
            let room = (self.core.settings.column_bytes, memory, may_push);
            let is_kept = self.core.columns.keep(lane, self.records.serial, &column, [self.view, &newest], room);
            first.get_or_insert((column, is_kept));
        }
        first.ok_or_else(|| Error::new(ErrorKind::Internal, "no column was read"))
    }
}

/// A lane, and the column that is there of it.
type Begun<'a> = (&'a Lane, Option<Arc<Column>>);

fn rows_of(column: &Option<Arc<Column>>) -> usize {
    column.as_ref().map_or(0, |column| column.rows())
}

impl Columns for ChunkColumns<'_> {
    type Error = Error;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column(&self, lane: &Lane) -> Result<Arc<Column>> {
        let known = self.core.columns.get(lane, self.records.serial);
        match known.filter(|column| column.rows() >= self.rows) {
            Some(column) => Ok(column),
            None => self.read(lane, true).map(|(column, _)| column),
        }
    }

    fn known(&self, lane: &Lane) -> Option<Arc<Column>> {
        let known = self.core.columns.look(lane, self.records.serial);
        known.filter(|column| column.rows() >= self.rows)
    }
}
