//! Filters: which rows a search may return.
//!
//! A filter is asked about each row once. What it said is kept as bits by slot, for the chunks
//! of the database it was used with last: rows never change under their slot, and records not under their serial
//! number, so later views only ask about rows that came or changed since. A search gets a [`Selection`], which is the
//! answer for one view, dead rows taken out. Conditions on metadata are asked of many rows at once, by columns, and a
//! database knows those that it was asked last, whoever made them: programs make the same filter again and again.
//!
//! Here is what answers are kept for. How rows are asked about is in `ask`, the answer for a view in `selection`.
//!
//! Must never hold a view: a filter may live as long as its caller likes.

mod ask;
mod selection;

pub use selection::{Selection, bytes_of_bits};

use super::column::next_serial;
use super::columns::ChunkColumns;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::input::check_ids;
use super::view::View;
use crate::index::Control;
use crate::meta::filter::{Expression, Parsed, SyntaxError};
use crate::util::memory::collected;
use crate::util::sync::lock;
use arc_swap::ArcSwapOption;
use ask::{Ask, Bound, Condition, Known, Test};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Conditions that a database knows.
const RECENT_MAX: usize = 64;

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

/// Conditions that a database was asked lately, the last one first.
#[derive(Default)]
pub struct Recent(Mutex<VecDeque<Arc<Shared>>>);

impl Recent {
    /// The one that says the same as `filter`, which it is from now on where there was none.
    fn same(&self, filter: &Arc<Shared>) -> Arc<Shared> {
        let Some(name) = filter.test.name() else { return filter.clone() };
        let mut recent = lock(&self.0);
        let at = recent.iter().position(|known| known.test.name() == Some(name));
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
        let bound = if parsed.parameters() == 0 { Some(Bound::new(parsed.bind(None).map_err(syntax)?)) } else { None };
        Ok(Filter::of(Test::Meta(Condition { parsed: Arc::new(parsed), bound })))
    }

    /// The same condition with the elements of the JSON array `values` as its parameters: `$1` is the first.
    pub fn bind(&self, values: &[u8]) -> Result<Filter> {
        let Test::Meta(Condition { parsed, .. }) = &self.0.test else {
            return fail(ErrorKind::InvalidArgument, "a filter made of ids has no parameters");
        };
        let bound = parsed.bind(Some(values)).map_err(|odd| Error::new(ErrorKind::InvalidArgument, odd.message))?;
        Ok(Filter::of(Test::Meta(Condition { parsed: parsed.clone(), bound: Some(Bound::new(bound)) })))
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
            Test::Meta(Condition { bound: Some(bound), .. }) => Expected::of(core, view, &bound.expression),
            Test::Meta(Condition { bound: None, .. }) => Expected { share: None, decided: None },
        }
    }

    /// Tells it from all filters of the process that let other rows pass, those that are gone included.
    pub(super) fn identity(&self) -> u128 {
        self.0.test.name().unwrap_or(self.0.serial.into())
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
                    let columns = ChunkColumns { core, view, records, rows: count, wanted: &[] };
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

/// The error for a text that is no filter; its item is the byte.
fn syntax(odd: SyntaxError) -> Error {
    Error::new(ErrorKind::FilterSyntax, odd.message).at_byte(odd.at)
}
