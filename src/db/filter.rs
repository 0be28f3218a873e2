//! Filters: which rows a search may return.
//!
//! A filter is asked about each row once. What it said is kept as bits by slot, for the chunks
//! of the database it was used with last: rows never change under their slot, and records not under their serial
//! number, so later views only ask about rows that came or changed since. A search gets a [`Selection`], which is the
//! answer for one view, dead rows taken out. Conditions on metadata are asked of many rows at once, by columns, and a
//! database knows those that it was asked last, whoever made them: programs make the same filter again and again.
//!
//! Must never hold a view: a filter may live as long as its caller likes.

use super::column::{Piece, next_serial};
use super::columns::ChunkColumns;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::input::check_ids;
use super::records::RecordPiece;
use super::view::{View, read_id};
use crate::arena::{Budget, Lease, Rows, SlotBits, ones};
use crate::index::Control;
use crate::meta::filter::{Expression, Parsed, SyntaxError};
use crate::util::memory::{collected, filled, resize};
use crate::util::sync::lock;
use arc_swap::ArcSwapOption;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::collections::VecDeque;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

/// Selections of so many rows at most have a list of them: four bytes each, and what a search
/// compares them by without looking at the bits of all others.
const LIST_MAX: u64 = 1 << 16;
/// A list of ids is looked up id by id where so many times more rows are to be asked about.
const BY_ROW_SHARE: u64 = 4;
/// Rows of a chunk that are asked about by columns; fewer are asked one by one.
const BY_COLUMN: usize = 512;
/// Conditions that a database knows.
const RECENT_MAX: usize = 64;
/// Rows asked about, or ids looked up, between two questions to the control of a search.
const BETWEEN_CHECKS: usize = 1 << 12;

/// Which rows a search may return. Clones are one filter; any thread may use it at any time,
/// with one database after the other.
///
/// ```
/// use vdb::{Database, Filter, Hits, Options, SearchParams, Vectors};
///
/// let db = Database::open(None, &Options::new().dim(2))?;
/// db.insert_batch(&[1, 2, 3], Vectors::f32(&[0., 0., 1., 0., 2., 0.], 2)?, None)?;
///
/// let params = SearchParams { filter: Some(Filter::ids(&[2, 3, 9], true)?), ..SearchParams::default() };
/// let (mut ids, mut distances, mut counts) = ([0; 2], [0.; 2], [0; 1]);
/// let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
/// db.search(Vectors::f32(&[0., 0.], 2)?, 2, &params, hits)?;
/// assert_eq!((ids, counts), ([2, 3], [2]));
/// # Ok::<(), vdb::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Filter(Arc<Shared>);

#[derive(Debug)]
pub struct Shared {
    test: Test,
    /// Unique in this process.
    serial: u64,
    /// The answer for the newest view so far.
    current: ArcSwapOption<Selection>,
    /// The last one for an older view: searches of a snapshot ask for it again and again.
    older: ArcSwapOption<Selection>,
    known: Mutex<Known>,
}

/// What is asked about a row.
#[derive(Debug)]
enum Test {
    /// Whether its id is one of `ids`, ascending and each once; the answer is `allow`.
    Ids { ids: Vec<u64>, allow: bool },
    /// Whether a condition on its metadata holds.
    Meta(Condition),
}

/// A condition, with values for its parameters or without.
#[derive(Debug)]
struct Condition {
    parsed: Arc<Parsed>,
    /// With a number that tells it from all others; `None` where parameters have no values yet.
    bound: Option<(Expression, u128)>,
}

/// Conditions that a database was asked lately, the last one first.
#[derive(Default)]
pub struct Recent(Mutex<VecDeque<Arc<Shared>>>);

impl Recent {
    /// The one that says the same as `filter`, which it is from now on where there was none.
    fn same(&self, filter: &Arc<Shared>) -> Arc<Shared> {
        let Some(name) = filter.test.name_of() else { return filter.clone() };
        let mut recent = lock(&self.0);
        let at = recent.iter().position(|known| known.test.name_of() == Some(name));
        let found = at.and_then(|at| recent.remove(at)).unwrap_or_else(|| filter.clone());
        recent.truncate(RECENT_MAX - 1);
        recent.push_front(found.clone());
        found
    }

    /// Forgets them all.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// The rows of one view that a filter lets pass.
#[derive(Debug)]
pub struct Selection {
    /// Slots that are no results: dead, missing, or not what the filter looks for.
    pub blocked: SlotBits,
    /// The others.
    pub passing: u64,
    /// These, ascending, unless they are very many.
    pub slots: Option<Vec<u32>>,
    /// Serial number of the view, and one past its last slot.
    view: u64,
    end: u32,
    _lease: Lease,
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
struct Known {
    /// What each chunk was asked about.
    asked: Vec<Asked>,
    /// Bits of the slots that the test names, but for rows that were dead when it was asked.
    named: SlotBits,
    /// Serial number of the newest view, and the address of the database. (One that comes to lie where another was
    /// has later views.)
    view: u64,
    database: usize,
    lease: Option<Lease>,
}

impl Filter {
    /// Rows whose id is one of `ids` (`allow`), or all others.
    pub fn ids(ids: &[u64], allow: bool) -> Result<Filter> {
        check_ids(ids)?;
        let mut ids = collected(ids.iter().copied())?;
        ids.sort_unstable();
        ids.dedup();
        Ok(Filter::of(Test::Ids { ids, allow }))
    }

    /// Rows whose metadata the condition `text` holds for: a text of the filter language (`docs/filters.md`).
    /// Where it has parameters it must be [bound](Filter::bind) before it is used.
    pub fn parse(text: &str) -> Result<Filter> {
        let parsed = Parsed::new(text).map_err(syntax)?;
        let bound = if parsed.parameters() == 0 { Some(named(parsed.bind(None).map_err(syntax)?)) } else { None };
        Ok(Filter::of(Test::Meta(Condition { parsed: Arc::new(parsed), bound })))
    }

    /// The same condition with the elements of the JSON array `values` as its parameters: `$1` is the first.
    pub fn bind(&self, values: &[u8]) -> Result<Filter> {
        let Test::Meta(Condition { parsed, .. }) = &self.0.test else {
            return fail(ErrorKind::InvalidArgument, "a filter made of ids has no parameters");
        };
        let bound = parsed.bind(Some(values)).map_err(|odd| Error::new(ErrorKind::InvalidArgument, odd.message))?;
        Ok(Filter::of(Test::Meta(Condition { parsed: parsed.clone(), bound: Some(named(bound)) })))
    }

    fn of(test: Test) -> Filter {
        let (current, older) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        Filter(Arc::new(Shared { test, serial: next_serial(), current, older, known: Mutex::default() }))
    }

    /// The share of live rows that can be expected to pass by what is known without asking any, as far as that lets
    /// expect something.
    pub(super) fn expected(&self, core: &Core, view: &View) -> Expected {
        match &self.0.test {
            Test::Ids { ids, allow } => {
                let named = (ids.len() as f64 / view.live().max(1) as f64).min(1.0);
                Expected { share: Some(if *allow { named } else { 1.0 - named }), decided: None }
            }
            Test::Meta(Condition { bound: Some((condition, _)), .. }) => Expected::of(core, view, condition),
            Test::Meta(Condition { bound: None, .. }) => Expected { share: None, decided: None },
        }
    }

    /// Tells it from all filters of the process that let other rows pass, those that are gone included.
    pub(super) fn identity(&self) -> u128 {
        self.0.test.name_of().unwrap_or(self.0.serial.into())
    }

    /// An error where it cannot be asked, for want of values for its parameters.
    pub(super) fn check_bound(&self) -> Result<()> {
        let Test::Meta(Condition { bound: None, parsed }) = &self.0.test else { return Ok(()) };
        let message = format!("the filter has {} parameters without values: bind them", parsed.parameters());
        fail(ErrorKind::InvalidArgument, message)
    }

    /// The rows of `view` that pass; `None` where `control` ended it. One search at a time asks about new rows, others
    /// that need the answer wait for it.
    pub(super) fn select(&self, core: &Core, view: &View, control: &dyn Control) -> Result<Option<Arc<Selection>>> {
        match self.selected(core, view, control) {
            Err(error) if error.is_over_budget() => {
                core.forget_searches();
                self.selected(core, view, control)
            }
            selected => selected,
        }
    }

    fn selected(&self, core: &Core, view: &View, control: &dyn Control) -> Result<Option<Arc<Selection>>> {
        self.check_bound()?;
        if let Some(selection) = self.0.present(view) {
            return Ok(Some(selection));
        }
        let same = core.recent_filters.same(&self.0);
        let selection = same.asked(core, view, control)?;
        if !Arc::ptr_eq(&same, &self.0) && selection.is_some() {
            self.0.current.store(selection.clone());
        }
        Ok(selection)
    }
}

/// What statistics say of a filter.
pub(super) struct Expected {
    /// The share of rows that pass.
    pub share: Option<f64>,
    /// Chunks that the statistics of their columns decide, so that none of their rows is looked at.
    pub decided: Option<usize>,
}

impl Expected {
    fn of(core: &Core, view: &View, condition: &Expression) -> Expected {
        let (mut rows, mut passing, mut decided) = (0, Some(0.0), 0);
        for (chunk, piece) in view.chunks.ids.iter().enumerate() {
            let count = piece.rows.len();
            let share = match view.records.chunk(chunk) {
                None => Some(condition.holds(&[]) as u8 as f64),
                Some(records) => {
                    let columns = ChunkColumns { core, view, records, rows: count };
                    decided += condition.decided(&columns).is_some() as usize;
                    condition.share(&columns)
                }
            };
            rows += count;
            passing = passing.zip(share).map(|(passing, share)| passing + share * count as f64);
        }
        Expected { share: passing.map(|passing| passing / rows.max(1) as f64), decided: Some(decided) }
    }
}

impl Shared {
    /// The answer for `view`, where it is one of those that are kept.
    fn present(&self, view: &View) -> Option<Arc<Selection>> {
        let fits = |selection: &Arc<Selection>| selection.view == view.serial;
        self.current.load_full().filter(fits).or_else(|| self.older.load_full().filter(fits))
    }

    fn asked(&self, core: &Core, view: &View, control: &dyn Control) -> Result<Option<Arc<Selection>>> {
        let Shared { test, current, older, known, .. } = self;
        let mut shared = lock(known);
        if let Some(selection) = self.present(view) {
            return Ok(Some(selection));
        }
        let ask = Ask { core, test, view, budget: &core.search_budget, control };
        if shared.database == core as *const Core as usize && view.serial < shared.view {
            // A search of a snapshot, or one that began before the last: what is known may lack rows that died since.
            drop(shared);
            let selection = Known::default().answer(&ask)?.map(Arc::new);
            older.store(selection.clone());
            return Ok(selection);
        }
        shared.database = core as *const Core as usize;
        let Some(selection) = shared.answer(&ask)?.map(Arc::new) else { return Ok(None) };
        current.store(Some(selection.clone()));
        Ok(Some(selection))
    }
}

/// An expression with the hash of all that it says, which is long enough and keyed, so that no two share it.
fn named(expression: Expression) -> (Expression, u128) {
    static KEYS: OnceLock<[u64; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [0, 1].map(|nth| RandomState::new().hash_one(nth)));
    let mut name = Name(SipHasher24::new_with_keys(keys[0], keys[1]));
    // Numbers and texts show all of themselves.
    let _ = write!(name, "{expression:?}");
    (expression, name.0.finish128().as_u128())
}

/// Hashes what is written to it.
struct Name(SipHasher24);

impl std::fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// The error for a text that is no filter; its item is the byte.
fn syntax(odd: SyntaxError) -> Error {
    Error::new(ErrorKind::FilterSyntax, odd.message).at_byte(odd.at)
}

/// One question of a search.
struct Ask<'a> {
    core: &'a Core,
    test: &'a Test,
    view: &'a View,
    budget: &'a Budget,
    control: &'a dyn Control,
}

impl Test {
    /// Whether rows that are not named pass.
    fn passes_unnamed(&self) -> bool {
        match self {
            Test::Ids { allow, .. } => !allow,
            Test::Meta(_) => false,
        }
    }

    /// What tells a condition on metadata from all others.
    fn name_of(&self) -> Option<u128> {
        match self {
            Test::Meta(Condition { bound: Some((_, name)), .. }) => Some(*name),
            _ => None,
        }
    }

    /// What a chunk is to be asked about.
    fn asks(&self, view: &View, chunk: usize, piece: &Piece) -> Asked {
        let records = match self {
            Test::Ids { .. } => 0,
            Test::Meta(_) => view.records.chunk(chunk).map_or(0, |records| records.serial),
        };
        Asked { ids: piece.serial, records, rows: piece.rows.len() }
    }

    /// Whether looking `rows` up by what the test names is cheaper than asking about each.
    fn is_short_for(&self, rows: u64) -> bool {
        match self {
            Test::Ids { ids, .. } => (ids.len() as u64).saturating_mul(BY_ROW_SHARE) < rows,
            Test::Meta(_) => false,
        }
    }

    /// Calls `found` with the slots of all live rows that are named; false where `control` ended it.
    fn look_up(&self, view: &View, control: &dyn Control, mut found: impl FnMut(u32) -> Result<()>) -> Result<bool> {
        match self {
            Test::Ids { ids, .. } => {
                for part in ids.chunks(BETWEEN_CHECKS) {
                    if control.stop() {
                        return Ok(false);
                    }
                    part.iter().filter_map(|&id| view.slot_of(id)).try_for_each(&mut found)?;
                }
                Ok(true)
            }
            Test::Meta(_) => Ok(true),
        }
    }

    /// Calls `found` with those of some rows of a chunk that are named, by their number in it.
    fn name(&self, chunk: &Chunk<'_>, rows: Range<usize>, mut found: impl FnMut(usize) -> Result<()>) -> Result<()> {
        match self {
            Test::Ids { ids, .. } => {
                rows.filter(|&row| ids.binary_search(&read_id(chunk.ids.row(row))).is_ok()).try_for_each(&mut found)
            }
            Test::Meta(Condition { bound: Some((condition, _)), .. }) => {
                let meta = |row| chunk.records.and_then(|records| records.get(row)).unwrap_or_default().meta;
                rows.filter(|&row| condition.holds(meta(row))).try_for_each(&mut found)
            }
            Test::Meta(Condition { bound: None, .. }) => Ok(()),
        }
    }
}

/// What a test may look at of the rows of a chunk.
struct Chunk<'a> {
    ids: &'a Rows,
    records: Option<&'a RecordPiece>,
}

impl Known {
    /// The rows of the view that pass; `None` where the search is to end.
    fn answer(&mut self, ask: &Ask<'_>) -> Result<Option<Selection>> {
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
    fn ask(&mut self, &Ask { core, test, view, budget, control }: &Ask<'_>) -> Result<bool> {
        let chunks = &view.chunks.ids;
        // A chunk whose content another has taken the place of is asked about anew, and all others.
        let is_same = |(asked, piece): &(&Asked, &Piece)| asked.ids == piece.serial && asked.rows <= piece.rows.len();
        let same = self.asked.iter().zip(chunks).take_while(is_same).count();
        let shift = view.dead.shift();
        if same < self.asked.len() || self.named.shift() != shift {
            *self = Known { named: SlotBits::new(shift), database: self.database, ..Known::default() };
        }
        self.view = view.serial;
        self.lease.get_or_insert_with(|| Lease::new(budget)).cover(bytes_of_bits(view.end()))?;
        let wanted = collected(chunks.iter().enumerate().map(|(i, piece)| test.asks(view, i, piece)))?;
        let named = &mut self.named;
        // Where only the records changed, the chunk alone.
        for (i, (asked, wanted)) in self.asked.iter_mut().zip(&wanted).enumerate() {
            if asked.records != wanted.records {
                named.put_chunk(i, &filled(0u64, 1 << (shift - 6))?)?;
                asked.rows = 0;
            }
        }
        let asked = |i: usize| self.asked.get(i).map_or(0, |asked| asked.rows);
        let fresh: u64 = chunks.iter().enumerate().map(|(i, piece)| (piece.rows.len() - asked(i)) as u64).sum();
        if test.is_short_for(fresh) {
            if !test.look_up(view, control, |slot| Ok(named.set(slot).map(drop)?))? {
                return Ok(false);
            }
        } else {
            for (i, piece) in chunks.iter().enumerate() {
                let first = (i as u32) << shift;
                let chunk = Chunk { ids: &piece.rows, records: view.records.chunk(i) };
                let fresh = piece.rows.len() - asked(i);
                if let (Test::Meta(Condition { bound: Some((condition, _)), .. }), Some(records)) =
                    (test, chunk.records)
                    && fresh >= BY_COLUMN
                {
                    if control.stop() {
                        return Ok(false);
                    }
                    match condition.mark(&ChunkColumns { core, view, records, rows: piece.rows.len() }) {
                        Ok(mut words) => {
                            resize(&mut words, 1 << (shift - 6), 0)?;
                            named.put_chunk(i, &words)?;
                            continue;
                        }
                        // Row by row it takes no memory.
                        Err(error) if error.is_over_budget() => {}
                        Err(error) => return Err(error),
                    }
                }
                for from in (asked(i)..piece.rows.len()).step_by(BETWEEN_CHECKS) {
                    if control.stop() {
                        return Ok(false);
                    }
                    let rows = from..piece.rows.len().min(from + BETWEEN_CHECKS);
                    test.name(&chunk, rows, |row| Ok(named.set(first + row as u32).map(drop)?))?;
                }
            }
        }
        self.asked = wanted;
        Ok(true)
    }

    /// The answer for `view`, about whose rows all is known.
    fn select(&self, &Ask { test, view, budget, .. }: &Ask<'_>) -> Result<Selection> {
        let flip = if test.passes_unnamed() { 0 } else { u64::MAX };
        let blocked = |chunk, i| (word(&self.named, chunk, i) ^ flip) | word(&view.dead, chunk, i);
        Selection::of(view, budget, blocked)
    }
}

impl Selection {
    /// The slots of `view` but for those whose bits are set in word `i` of a chunk.
    fn of(view: &View, budget: &Budget, blocked_word: impl Fn(usize, usize) -> u64) -> Result<Selection> {
        let (end, shift) = (view.end(), view.dead.shift());
        let lease = budget.take(bytes_of_bits(end))?;
        let mut blocked = SlotBits::new(shift);
        let mut words = filled(0u64, 1 << (shift - 6))?;
        let mut passing = 0;
        for chunk in 0..end.div_ceil(1 << shift) as usize {
            let first = (chunk as u64) << shift;
            for (i, place) in words.iter_mut().enumerate() {
                // Slots past the end are blocked.
                let left = (end as u64).saturating_sub(first + 64 * i as u64).min(64);
                let missing = if left == 64 { 0 } else { u64::MAX << left };
                *place = blocked_word(chunk, i) | missing;
                passing += place.count_zeros() as u64;
            }
            blocked.put_chunk(chunk, &words)?;
        }
        let mut slots = None;
        if passing <= LIST_MAX {
            lease.cover(bytes_of_bits(end) + 4 * passing)?;
            slots = Some(collected(clear_bits(&blocked, end))?);
        }
        Ok(Selection { blocked, passing, slots, view: view.serial, end, _lease: lease })
    }

    /// The slots that pass, ascending.
    pub fn passing_slots(&self) -> impl Iterator<Item = u32> + '_ {
        clear_bits(&self.blocked, self.end)
    }

    /// The rows of `view` that pass (`None`: all of them), but for those of the slots `taken`.
    pub fn without(view: &View, selection: Option<&Selection>, taken: &SlotBits, budget: &Budget) -> Result<Selection> {
        let blocked = selection.map_or(&view.dead, |selection| &selection.blocked);
        Selection::of(view, budget, |chunk, i| word(blocked, chunk, i) | word(taken, chunk, i))
    }
}

/// Word `i` of a chunk.
fn word(bits: &SlotBits, chunk: usize, i: usize) -> u64 {
    bits.chunk(chunk).map_or(0, |words| words[i])
}

/// Bytes of a bit for each slot.
pub fn bytes_of_bits(end: u32) -> u64 {
    end as u64 / 8
}

/// The slots below `end` whose bit is not set.
fn clear_bits(bits: &SlotBits, end: u32) -> impl Iterator<Item = u32> + '_ {
    let shift = bits.shift();
    (0..end.div_ceil(1 << shift) as usize).flat_map(move |chunk| {
        let words = bits.chunk(chunk).unwrap_or_default();
        words.iter().enumerate().flat_map(move |(i, &word)| {
            let first = ((chunk as u32) << shift) + 64 * i as u32;
            ones(!word).map(move |bit| first + bit)
        })
    })
}
