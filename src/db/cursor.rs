//! Cursors: the rows of one view, page after page, nearest first or by id.
//!
//! A cursor pins its view, so nothing that is written, deleted or compacted meanwhile changes what it returns, and
//! it keeps the core: closing the database does not end it.
//!
//! One that goes by id keeps nothing but the last id. One that goes by distance makes searches that grow by a factor
//! and returns the nearer half of what each finds, which is what a search for half as many would find. From where a
//! walk costs as much as comparing all rows, it passes over all of them, exactly: each pass finds the
//! next few that come after the last row, as many as an eighth of the rows, so memory stays small. What walks
//! have missed comes before that row; it is known by a bit for each row that was returned, and comes last.

use super::cap;
use super::core::Core;
use super::ended::EndedPage;
use super::error::{ErrorKind, Result, fail};
use super::filter::{Filter, Selection, bytes_of_bits};
use super::plan::{Covered, Plan};
use super::reader::{Limits, finish, search_one, take_query};
use super::snapshot::Snapshot;
use super::types::{ID_NONE, SearchParams, Vectors};
use super::view::View;
use crate::arena::{Lease, SlotBits};
use crate::index::flat::TopK;
use crate::index::{Control, Unlimited};
use crate::util::memory;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Rows that the first search looks for, and how many times more each time.
const FIRST: usize = 64;
const GROWTH: usize = 4;
/// Of so many rows found, one is returned: the others may have nearer ones that were missed.
const FOUND_PER_RETURNED: usize = 2;
/// Passing over all rows is cheaper than a walk for a larger part of them than this: it computes eight distances for
/// each row wanted, and one costs as much as five of a pass.
const ROWS_PER_WALKED: u64 = 40;
/// Rows that the first pass looks for, how many times more each time, and the part of all rows that is the most.
const FIRST_PASS: usize = 1024;
const PASS_GROWTH: usize = 8;
const PASS_SHARE: u64 = 8;

/// The rows of one state of a database, nearest to a query first or by id, page after page. It goes on when the
/// database is closed.
///
/// ```
/// use vdb::{Database, Options, Page, SearchParams, Vectors};
///
/// let db = Database::open(None, &Options::new().dim(1))?;
/// db.insert_batch(&[1, 2, 3], Vectors::f32(&[1., 2., 3.], 1)?, None)?;
///
/// let mut cursor = db.cursor(Vectors::f32(&[2.9], 1)?, &SearchParams::default())?;
/// db.delete_batch(&[1, 2, 3])?;
/// let mut ids = [0; 2];
/// assert_eq!((cursor.next_page(&mut ids, None)?, ids), (Page::Rows(2), [3, 2]));
/// assert_eq!((cursor.next_page(&mut ids, None)?, ids[0]), (Page::Rows(1), 1));
/// assert_eq!(cursor.next_page(&mut ids, None)?, Page::Done);
/// # Ok::<(), vdb::Error>(())
/// ```
pub struct Cursor {
    core: Arc<Core>,
    view: Arc<View>,
    way: Way,
}

/// In which order.
enum Way {
    Near(Box<Near>),
    Ids(Ids),
}

/// What [`Cursor::next_page`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// So many rows. There may be more, even where these are fewer than there are places.
    Rows(usize),
    /// There are no more rows.
    Done,
    /// So many rows, then the deadline passed or the task was cancelled. The next page goes on from there.
    Partial(usize),
}

impl Cursor {
    /// See [`super::Database::cursor`].
    pub(super) fn near(core: &Arc<Core>, query: Vectors<'_>, params: &SearchParams) -> Result<Cursor> {
        let (core, view) = (core.clone(), core.pinned_at(params.snapshot.as_ref())?);
        let way = Way::Near(Box::new(Near::new(&core, &view, query, params)?));
        Ok(Cursor { core, view, way })
    }

    /// See [`super::Database::scan_at`].
    pub(super) fn by_id(core: &Arc<Core>, snapshot: Option<&Snapshot>, filter: Option<&Filter>) -> Result<Cursor> {
        let (core, view) = (core.clone(), core.pinned_at(snapshot)?);
        let selection = filter.map(|filter| filter.select(&core, &view, &Unlimited)).transpose()?.flatten();
        Ok(Cursor { core, view, way: Way::Ids(Ids { selection, last: None }) })
    }

    /// Writes the ids of the next rows, as many as `ids` has places, and their distances (0 where rows come by id).
    /// Places left over become [`ID_NONE`] and infinity. After an error the same page comes again.
    pub fn next_page(&mut self, ids: &mut [u64], mut distances: Option<&mut [f32]>) -> Result<Page> {
        if let Some(places) = distances.as_ref().map(|distances| distances.len()).filter(|&len| len != ids.len()) {
            let message = format!("places for {} ids and {places} distances", ids.len());
            return fail(ErrorKind::InvalidArgument, message);
        }
        ids.fill(ID_NONE);
        if let Some(distances) = &mut distances {
            distances.fill(f32::INFINITY);
        }
        let start = Instant::now();
        let Cursor { core, view, way } = self;
        let page = match way {
            _ if ids.is_empty() => Page::Rows(0),
            Way::Near(near) => near.next_page(core, view, ids, distances)?,
            Way::Ids(by_id) => by_id.next_page(core, view, ids, distances)?,
        };
        let found = match page {
            Page::Rows(count) | Page::Partial(count) => count,
            Page::Done => 0,
        };
        EndedPage { view, by_id: matches!(way, Way::Ids(_)), found }.note(core, start);
        Ok(page)
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let order = if matches!(self.way, Way::Near(_)) { "distance" } else { "id" };
        write!(f, "Cursor(by {order}, LSN {})", self.view.lsn)
    }
}

/// Rows by id.
struct Ids {
    selection: Option<Arc<Selection>>,
    last: Option<u64>,
}

impl Ids {
    fn next_page(&mut self, core: &Core, view: &View, ids: &mut [u64], distances: Option<&mut [f32]>) -> Result<Page> {
        let blocked = self.selection.as_ref().map_or(&view.dead, |selection| &selection.blocked);
        let passing = |slot| (slot < view.end() && !blocked.get(slot)).then_some(slot);
        let mut next = self.last.map_or(Some(0), |last| last.checked_add(1));
        let mut count = 0;
        if let Some(from) = next {
            // In a damaged file ids may go down; here they never do, or there would be no end.
            let mut rows = view.id_map.entries_from(from, &passing);
            while count < ids.len()
                && let Some((id, _)) = rows.next()
            {
                if next.is_some_and(|next| id >= next) {
                    ids[count] = id;
                    count += 1;
                    next = id.checked_add(1);
                }
            }
        }
        core.check_faults()?;
        if count == 0 {
            return Ok(Page::Done);
        }
        self.last = Some(ids[count - 1]);
        if let Some(distances) = distances {
            distances[..count].fill(0.0);
        }
        Ok(Page::Rows(count))
    }
}

/// Rows by distance.
struct Near {
    /// As a stored row.
    query: Vec<u8>,
    params: SearchParams,
    /// What the filter lets pass, once it was asked.
    selection: Option<Option<Arc<Selection>>>,
    stage: Stage,
    /// What the last step found, and which of it is still to be returned.
    found: TopK,
    ready: Range<usize>,
    /// The last of those.
    last: Option<(f32, u64)>,
    /// Rows returned or ready, and their slots where walks may have missed others.
    count: usize,
    taken: Option<SlotBits>,
    lease: Lease,
}

/// How the next rows are found.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// By a search as any other, for so many rows.
    Search(usize),
    /// By a pass over all rows for so many that come next.
    Pass(usize),
    /// All rows were returned but for those that searches have missed.
    Passed,
    /// By a pass over these.
    Missed(usize),
    Done,
}

/// What a step has led to.
#[derive(PartialEq)]
enum Step {
    /// Perhaps to rows that are ready.
    On,
    /// To rows nearer than the last ones.
    Anew,
    Done,
    Stopped,
}

impl Near {
    fn new(core: &Core, view: &View, query: Vectors<'_>, params: &SearchParams) -> Result<Near> {
        if query.count() != 1 {
            return fail(ErrorKind::InvalidArgument, format!("{} queries for a cursor", query.count()));
        }
        core.shape.accepts(&query)?;
        params.filter.as_ref().map_or(Ok(()), Filter::check_bound)?;
        let mut scratch = core.scratch.take();
        take_query(core, &query, 0, &mut scratch)?;
        let query = memory::collected(scratch.query.iter().copied())?;
        finish(core, view, 0, 1)?;
        Ok(Near {
            query,
            // The view is pinned: the snapshot may go.
            params: SearchParams { snapshot: None, ..params.clone() },
            selection: None,
            stage: Stage::Search(FIRST),
            found: TopK::default(),
            ready: 0..0,
            last: None,
            count: 0,
            taken: None,
            lease: Lease::new(&core.search_budget),
        })
    }

    fn next_page(
        &mut self,
        core: &Core,
        view: &View,
        ids: &mut [u64],
        mut distances: Option<&mut [f32]>,
    ) -> Result<Page> {
        let params = self.params.clone();
        let limits = Limits::of(&params);
        let mut count = 0;
        while count < ids.len() {
            if let Some((distance, _, id)) = self.ready.next().and_then(|i| self.found.get(i)) {
                ids[count] = id;
                if let Some(distances) = &mut distances {
                    distances[count] = distance;
                }
                count += 1;
                continue;
            }
            match self.step(core, view, ids.len() - count, &limits) {
                Ok(Step::On) => {}
                // Within a page rows are in order.
                Ok(Step::Anew) if count > 0 => break,
                Ok(Step::Anew) => {}
                Ok(Step::Done) if count == 0 => return Ok(Page::Done),
                Ok(Step::Done) => break,
                Ok(Step::Stopped) => return Ok(Page::Partial(count)),
                Err(error) if count == 0 => return Err(error),
                // What was found must not be lost; the next page meets the error again.
                Err(_) => break,
            }
        }
        Ok(Page::Rows(count))
    }

    /// Looks for more rows, about `wanted`. After an error, or when it was stopped, the next one does the same.
    fn step(&mut self, core: &Core, view: &View, wanted: usize, limits: &Limits<'_>) -> Result<Step> {
        if self.stage == Stage::Done {
            return Ok(Step::Done);
        }
        if limits.stop() || !self.ask_filter(core, view, limits)? {
            return Ok(Step::Stopped);
        }
        match self.stage {
            Stage::Search(k) => {
                let most = self.count.saturating_add(wanted).saturating_mul(FOUND_PER_RETURNED);
                self.search(core, view, k.max(most), limits)
            }
            Stage::Pass(k) | Stage::Missed(k) => self.pass(core, view, k.max(wanted), limits),
            Stage::Passed => self.turn_to_missed(core, view),
            Stage::Done => Ok(Step::Done),
        }
    }

    /// Asks which rows pass the filter; false where that was stopped.
    fn ask_filter(&mut self, core: &Core, view: &View, limits: &Limits<'_>) -> Result<bool> {
        if self.selection.is_none() {
            let answer = self.params.filter.as_ref().map(|filter| filter.select(core, view, limits)).transpose()?;
            self.selection = match answer {
                None => Some(None),
                Some(answer) => answer.map(Some),
            };
        }
        Ok(self.selection.is_some())
    }

    fn selected(&self) -> Option<Arc<Selection>> {
        self.selection.clone().flatten()
    }

    /// Rows that pass.
    fn passing(&self, view: &View) -> u64 {
        self.selected().map_or(view.live(), |selection| selection.passing)
    }

    /// Finds `k` rows as any search does, and makes the nearer half ready, as far as it is new.
    fn search(&mut self, core: &Core, view: &View, k: usize, limits: &Limits<'_>) -> Result<Step> {
        if k > cap::most_results(core, view, self.params.max_memory) {
            self.stage = Stage::Pass(FIRST_PASS);
            return Ok(Step::On);
        }
        let mut plan = Plan::among(core, view, k, &self.params, self.selected())?;
        let may_miss = matches!(plan.covered, Covered::Walk(_)) || plan.sketched;
        if self.params.exact || !may_miss || (k as u64).saturating_mul(ROWS_PER_WALKED) >= self.passing(view) {
            self.stage = Stage::Pass(k.max(FIRST_PASS));
            return Ok(Step::On);
        }
        plan.threads = core.threads();
        let found = match self.run(core, view, &plan, limits) {
            Ok(true) => self.found.sorted().len(),
            Ok(false) => return Ok(Step::Stopped),
            // A pass does with less.
            Err(error) if error.is_over_budget() => 0,
            Err(error) => return Err(error),
        };
        if found < plan.k {
            self.stage = Stage::Pass(k.max(FIRST_PASS));
            return Ok(Step::On);
        }
        let known = self.last.map_or(0, |last| self.found.up_to(last));
        let ready = known..known.max(k / FOUND_PER_RETURNED);
        self.taken.get_or_insert_with(|| SlotBits::new(view.dead.shift()));
        self.make_ready(ready)?;
        self.stage = Stage::Search(k.saturating_mul(GROWTH));
        Ok(Step::On)
    }

    /// Compares all rows, or all that were missed, and makes ready those that come next, about `k`.
    fn pass(&mut self, core: &Core, view: &View, k: usize, limits: &Limits<'_>) -> Result<Step> {
        let max_memory = self.params.max_memory;
        let exact = SearchParams { exact: true, max_memory, ..SearchParams::default() };
        let passing = self.passing(view);
        let most = usize::try_from(passing / PASS_SHARE).unwrap_or(usize::MAX).max(FIRST_PASS);
        let mut k = k.min(most).min(cap::most_results(core, view, max_memory).max(1));
        let (complete, wanted) = loop {
            let mut plan = Plan::among(core, view, k, &exact, self.selected())?;
            (plan.after, plan.threads) = (self.last, core.threads());
            match self.run(core, view, &plan, limits) {
                // With less memory it takes more passes.
                Err(error) if error.is_over_budget() && k > FIRST => k /= 2,
                complete => break (complete?, plan.k),
            }
        };
        if !complete {
            return Ok(Step::Stopped);
        }
        let found = self.found.sorted().len();
        self.make_ready(0..found)?;
        let grown = k.saturating_mul(PASS_GROWTH);
        let all = self.count as u64 >= passing;
        self.stage = match self.stage {
            Stage::Pass(_) if found == wanted && !all => Stage::Pass(grown),
            Stage::Pass(_) if self.taken.is_some() && !all => Stage::Passed,
            Stage::Missed(_) if found == wanted && !all => Stage::Missed(grown),
            _ => Stage::Done,
        };
        Ok(Step::On)
    }

    /// Begins anew with the rows that were not returned.
    fn turn_to_missed(&mut self, core: &Core, view: &View) -> Result<Step> {
        let Some(taken) = &self.taken else { return Ok(Step::Done) };
        let selected = self.selected();
        let missed = || Selection::without(view, selected.as_deref(), taken, &core.search_budget);
        let missed = match missed() {
            Err(error) if error.is_over_budget() => {
                core.forget_searches();
                missed()
            }
            missed => missed,
        }?;
        self.selection = Some(Some(Arc::new(missed)));
        (self.stage, self.taken, self.last, self.count) = (Stage::Missed(FIRST_PASS), None, None, 0);
        Ok(Step::Anew)
    }

    /// Fills `found`; false where it was stopped.
    fn run(&mut self, core: &Core, view: &View, plan: &Plan, limits: &Limits<'_>) -> Result<bool> {
        let is_marked = self.taken.is_some() || matches!(self.stage, Stage::Search(_));
        let marks = if is_marked { bytes_of_bits(view.end()) } else { 0 };
        core.cover_search(&self.lease, TopK::bytes(plan.k) + marks + self.query.len() as u64)?;
        let mut scratch = core.scratch.take();
        scratch.cover_beside(0, core, view, plan)?;
        memory::resize(&mut scratch.query, self.query.len(), 0)?;
        scratch.query.copy_from_slice(&self.query);
        std::mem::swap(&mut scratch.best, &mut self.found);
        let complete = search_one(core, view, plan, limits, &mut scratch);
        std::mem::swap(&mut scratch.best, &mut self.found);
        // What a limit on memory has left out comes late, as what a graph misses does.
        let complete = complete? || !limits.stop();
        finish(core, view, std::mem::take(&mut scratch.walk.distances), 0)?;
        Ok(complete)
    }

    /// Has the rows `ready` of those that were found returned next.
    fn make_ready(&mut self, ready: Range<usize>) -> Result<()> {
        if let Some(taken) = &mut self.taken {
            for (_, slot, _) in ready.clone().filter_map(|i| self.found.get(i)) {
                taken.set(slot)?;
            }
        }
        if let Some((distance, _, id)) = ready.clone().next_back().and_then(|i| self.found.get(i)) {
            self.last = Some((distance, id));
        }
        self.count += ready.len();
        self.ready = ready;
        Ok(())
    }
}
