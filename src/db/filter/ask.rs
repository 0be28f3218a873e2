//! What a filter asks about rows, and what it was answered so far.
//!
//! Ids are looked up, or those of the rows looked for among them, whichever are fewer. A condition is asked about the rows of a
//! chunk by columns, where they are many and there is memory for that, or else row by row, which takes none.

use super::selection::{Selection, bytes_of_bits, word};
use crate::arena::{Budget, Lease, SlotBits};
use crate::db::column::Piece;
use crate::db::columns::ChunkColumns;
use crate::db::core::Core;
use crate::db::error::Result;
use crate::db::records::RecordPiece;
use crate::db::view::{View, read_id};
use crate::index::Control;
use crate::meta::filter::{ByRow, Expression, Parsed};
use crate::meta::{Lane, Lanes};
use crate::util::memory::{collected, filled, resize};
use siphasher::sip128::{Hasher128, SipHasher24};
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A list of ids is looked up id by id where so many times more rows are to be asked about.
const BY_ROW_SHARE: u64 = 4;
/// Rows of a chunk that are asked about by columns; fewer are asked one by one.
const BY_COLUMN: usize = 512;
/// Rows asked about, or ids looked up, between two questions to the control of a search.
const BETWEEN_CHECKS: usize = 1 << 12;

/// What is asked about a row.
#[derive(Debug)]
pub enum Test {
    /// Whether its id is one of `ids`, ascending and each once; the answer is `allow`.
    Ids { ids: Vec<u64>, allow: bool },
    /// Whether a condition on its metadata holds.
    Meta(Condition),
}

/// A condition, with values for its parameters or, where they have none yet, without.
#[derive(Debug)]
pub struct Condition {
    pub parsed: Arc<Parsed>,
    pub bound: Option<Bound>,
}

/// A condition that can be asked.
#[derive(Debug)]
pub struct Bound {
    pub expression: Expression,
    /// Tells it from all others.
    name: u128,
    /// What it looks at.
    pub lanes: Vec<Lane>,
    tree: Lanes,
}

impl Bound {
    pub fn new(expression: Expression) -> Bound {
        let lanes = expression.lanes();
        Bound { name: name_of(&expression), tree: Lanes::new(&lanes), lanes, expression }
    }
}

/// The hash of all that an expression says, which is long enough and keyed, so that no two share it.
fn name_of(expression: &Expression) -> u128 {
    static KEYS: OnceLock<[u64; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [0, 1].map(|nth| RandomState::new().hash_one(nth)));
    let mut name = Name(SipHasher24::new_with_keys(keys[0], keys[1]));
    // Numbers and texts show all of themselves.
    let _ = write!(name, "{expression:?}");
    name.0.finish128().as_u128()
}

/// Hashes what is written to it.
struct Name(SipHasher24);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl Test {
    /// What tells a condition on metadata from all others.
    pub fn name(&self) -> Option<u128> {
        match self {
            Test::Meta(Condition { bound, .. }) => bound.as_ref().map(|bound| bound.name),
            Test::Ids { .. } => None,
        }
    }

    /// Whether rows that are not named pass.
    fn passes_unnamed(&self) -> bool {
        matches!(self, Test::Ids { allow: false, .. })
    }

    /// What a chunk is to be asked about.
    fn asks(&self, view: &View, chunk: usize, piece: &Piece) -> Asked {
        let records = match self {
            Test::Ids { .. } => 0,
            Test::Meta(_) => view.records.chunk(chunk).map_or(0, |records| records.serial),
        };
        Asked { ids: piece.serial, records, rows: piece.rows.len() }
    }
}

/// One question of a search.
pub struct Ask<'a> {
    pub core: &'a Core,
    pub test: &'a Test,
    pub view: &'a View,
    pub budget: &'a Budget,
    pub control: &'a dyn Control,
}

/// What was asked about a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Serial number of the content, and of the records where the filter looks at them (0 = there are none).
    ids: u64,
    records: u64,
    /// How many rows.
    rows: usize,
}

/// What a filter was asked so far.
#[derive(Debug, Default)]
pub struct Known {
    /// What each chunk was asked about.
    asked: Vec<Asked>,
    /// Bits of the slots that the test names, but for rows that were dead when it was asked.
    named: SlotBits,
    /// Serial number of the newest view, and the address of the database. (One that comes to lie where another was
    /// has later views.)
    pub view: u64,
    pub database: usize,
    lease: Option<Lease>,
}

impl Known {
    /// The rows of the view that pass; `None` where the search is to end.
    pub fn answer(&mut self, ask: &Ask<'_>) -> Result<Option<Selection>> {
        match self.ask(ask) {
            Ok(true) => self.select(ask).map(Some),
            // Half of what was asked must not be taken for all.
            unfinished => {
                *self = Known::default();
                unfinished.map(|_| None)
            }
        }
    }

    /// Asks about the rows of the view that are new; false where the search is to end.
    fn ask(&mut self, ask: &Ask<'_>) -> Result<bool> {
        let Ask { test, view, .. } = *ask;
        let chunks = &view.chunks.ids;
        let wanted = collected(chunks.iter().enumerate().map(|(i, piece)| test.asks(view, i, piece)))?;
        self.forget_changed(ask, &wanted)?;
        let fresh = |known: &Known, i: usize| known.asked.get(i).map_or(0, |asked| asked.rows)..wanted[i].rows;
        let rows: u64 = (0..wanted.len()).map(|i| fresh(self, i).len() as u64).sum();
        match test {
            Test::Ids { ids, .. } if (ids.len() as u64).saturating_mul(BY_ROW_SHARE) < rows => {
                if !self.look_up(ask, ids)? {
                    return Ok(false);
                }
            }
            _ => {
                for (i, piece) in chunks.iter().enumerate() {
                    if !self.ask_chunk(ask, (i, piece), fresh(self, i))? {
                        return Ok(false);
                    }
                }
            }
        }
        self.asked = wanted;
        Ok(true)
    }

    /// Forgets answers about rows that are no longer there, or no longer what they were.
    fn forget_changed(&mut self, &Ask { view, budget, .. }: &Ask<'_>, wanted: &[Asked]) -> Result<()> {
        // A chunk whose content another has taken the place of is asked about anew, and all others.
        let is_same = |(asked, wanted): &(&Asked, &Asked)| asked.ids == wanted.ids && asked.rows <= wanted.rows;
        let same = self.asked.iter().zip(wanted).take_while(is_same).count();
        let shift = view.dead.shift();
        if same < self.asked.len() || self.named.shift() != shift {
            *self = Known { named: SlotBits::new(shift), database: self.database, ..Known::default() };
        }
        self.view = view.serial;
        self.lease.get_or_insert_with(|| Lease::new(budget)).cover(bytes_of_bits(view.end()))?;
        // Where only the records changed, the chunk alone.
        for (i, (asked, wanted)) in self.asked.iter_mut().zip(wanted).enumerate() {
            if asked.records != wanted.records {
                self.named.put_chunk(i, &filled(0u64, 1 << (shift - 6))?)?;
                asked.rows = 0;
            }
        }
        Ok(())
    }

    /// Looks up ids.
    fn look_up(&mut self, &Ask { view, control, .. }: &Ask<'_>, ids: &[u64]) -> Result<bool> {
        for part in ids.chunks(BETWEEN_CHECKS) {
            if control.stop() {
                return Ok(false);
            }
            for slot in part.iter().filter_map(|&id| view.slot_of(id)) {
                self.named.set(slot)?;
            }
        }
        Ok(true)
    }

    /// Asks about `rows` of a chunk, its last ones.
    fn ask_chunk(&mut self, ask: &Ask<'_>, (chunk, piece): (usize, &Piece), rows: Range<usize>) -> Result<bool> {
        match ask.test {
            Test::Ids { ids, .. } => {
                let is_named = |row| ids.binary_search(&read_id(piece.rows.row(row))).is_ok();
                self.ask_rows(ask, chunk, rows, is_named)
            }
            Test::Meta(Condition { bound: Some(bound), .. }) => {
                let records = ask.view.records.chunk(chunk);
                if let Some(records) = records.filter(|_| rows.len() >= BY_COLUMN) {
                    if ask.control.stop() {
                        return Ok(false);
                    }
                    if self.ask_columns(ask, bound, (chunk, records), rows.end)? {
                        return Ok(true);
                    }
                }
                let mut condition = ByRow::new(&bound.expression, &bound.tree);
                let meta = |row| records.and_then(|records| records.get(row)).unwrap_or_default().meta;
                self.ask_rows(ask, chunk, rows, |row| condition.holds(meta(row)))
            }
            Test::Meta(Condition { bound: None, .. }) => Ok(true),
        }
    }

    /// Asks about all `rows` rows of a chunk by columns; false where there is no memory for that.
    fn ask_columns(
        &mut self,
        &Ask { core, view, .. }: &Ask<'_>,
        bound: &Bound,
        (chunk, records): (usize, &RecordPiece),
        rows: usize,
    ) -> Result<bool> {
        let columns = ChunkColumns { core, view, records, rows, wanted: &bound.lanes };
        match bound.expression.mark(&columns) {
            Ok(mut words) => {
                resize(&mut words, 1 << (view.dead.shift() - 6), 0)?;
                self.named.put_chunk(chunk, &words)?;
                Ok(true)
            }
            Err(error) if error.is_over_budget() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks about rows of a chunk one by one.
    fn ask_rows(
        &mut self,
        &Ask { view, control, .. }: &Ask<'_>,
        chunk: usize,
        rows: Range<usize>,
        mut is_named: impl FnMut(usize) -> bool,
    ) -> Result<bool> {
        let first = (chunk as u32) << view.dead.shift();
        for from in rows.clone().step_by(BETWEEN_CHECKS) {
            if control.stop() {
                return Ok(false);
            }
            for row in (from..rows.end.min(from + BETWEEN_CHECKS)).filter(|&row| is_named(row)) {
                self.named.set(first + row as u32)?;
            }
        }
        Ok(true)
    }

    /// The answer for `view`, about whose rows all is known.
    fn select(&self, &Ask { test, view, budget, .. }: &Ask<'_>) -> Result<Selection> {
        let flip = if test.passes_unnamed() { 0 } else { u64::MAX };
        let blocked = |chunk, i| (word(&self.named, chunk, i) ^ flip) | word(&view.dead, chunk, i);
        Selection::of(view, budget, blocked)
    }
}
