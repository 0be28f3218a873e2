//! The database object: orders the parts, owns locks and threads.
//!
//! [`Database`] is the public face. Behind it:
//!
//! | file | owns |
//! |---|---|
//! | `core` | what all parts share; publishing a view |
//! | `view` | the immutable picture a search runs on |
//! | `write`, `writer`, `commit`, `queue`, `record`, `input` | batches: the calls, check, plan, log, apply, group commit |
//! | `ahead` | memory for the batch that comes next |
//! | `column`, `ids` | rows in chunks; ids to slots |
//! | `records` | keys and metadata of rows |
//! | `reader`, `scan` | searches and point reads |
//! | `single` | what calls with one query have in common |
//! | `groups` | the best rows of the best groups |
//! | `range` | all rows within a distance |
//! | `cursor` | rows of one view, page after page |
//! | `recommend`, `diverse` | rows like some and unlike others; rows unlike each other |
//! | `federate` | the nearest rows of several databases |
//! | `cache` | answers of earlier searches |
//! | `explain`, `trace` | what a search does, and why |
//! | `plan`, `cap` | which way a search takes, and how it keeps to its limit on memory |
//! | `filter`, `columns`, `columns_ahead` | which rows a search may return |
//! | `columns_report` | what is known of the columns of metadata |
//! | `snapshot` | one state, kept for many calls |
//! | `pace` | what writers do while the graph is behind |
//! | `recall` | what searches find, measured |
//! | `background`, `indexer`, `compact` | graph work and compaction behind the writers' backs |
//! | `sketches` | short stand-ins for rows that no graph covers yet |
//! | `calibration` | how far searches go for a wanted recall |
//! | `memory` | what is done when the limit on memory is reached |
//! | `resident` | what searches walk, copied from files into memory |
//! | `latency`, `log`, `stats` | how long calls take, what is worth a line of text, and numbers |
//! | `ended`, `opened` | such lines about slow searches and about the open |
//! | `checkpoint`, `open` | files from views, and back; replay of the log |
//! | `verify` | checksums of what was opened |
//! | `backup` | the state of a moment as a directory of its own |
//! | `check` | whether files, ids and graph are whole |
//! | `exchange` | rows as files of other programs, out and in |
//! | `repair` | a new database out of what is left of a damaged one |
//! | `follow` | databases that are only read, beside their writer |
//! | `options`, `types`, `task`, `error` | what goes into calls and comes out |
//!
//! Must never touch bytes on disk or compute distances itself: `storage` and
//! `index` do, and this is the only place that knows both.

mod ahead;
mod background;
mod backup;
mod cache;
mod calibration;
mod cap;
mod check;
mod checkpoint;
mod column;
mod columns;
mod columns_ahead;
mod columns_report;
mod commit;
mod compact;
mod core;
mod cursor;
mod diverse;
mod ended;
mod error;
mod exchange;
mod explain;
mod federate;
mod filter;
mod follow;
mod groups;
mod ids;
mod indexer;
mod input;
mod latency;
mod log;
mod memory;
mod open;
mod opened;
mod options;
mod pace;
mod parts;
mod plan;
mod queue;
mod range;
mod reader;
mod recall;
mod recommend;
mod record;
mod records;
mod repair;
mod resident;
mod scan;
mod schema;
mod single;
mod sketches;
mod snapshot;
mod stats;
mod task;
mod trace;
mod types;
mod verify;
mod view;
mod write;
mod writer;

pub use check::{CheckLevel, CheckReport, Place, Problem};
pub use cursor::{Cursor, Page};
pub use error::{Error, ErrorKind, Result};
pub(crate) use federate::first_unlike;
pub use federate::search_many;
pub use filter::Filter;
pub use latency::{Call, Latency};
pub use log::LogLevel;
pub use options::*;
pub use recall::Recall;
pub use records::access::TextBuffer;
pub use records::given::{KEY_MAX, META_MAX, Records, Texts};
pub use repair::{RepairReport, repair};
pub use snapshot::Snapshot;
pub use task::{KeepGoing, Task};
pub use types::{Hits, ID_NONE, Outcome, SearchParams, Stats, Vectors};

use crate::arena::Budget;
use crate::index::Unlimited;
use crate::kernel::Scalar;
use crate::storage::{ReadFile, Storage};
use core::Core;
use error::fail;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// An open database: one directory, or memory.
///
/// Every method may be called from any thread at any time. Writers queue;
/// searches work on the newest published view and never wait for a writer.
/// Dropping it closes it; [`Database::close`] also tells whether that went well.
///
/// ```
/// use vdb::{Database, Hits, Metric, Options, SearchParams, Vectors};
///
/// let options = Options::new().dim(3).metric(Metric::Cosine);
/// let db = Database::open(None, &options)?;
/// db.insert_batch(&[10, 20], Vectors::f32(&[1., 0., 0., 0., 1., 0.], 3)?, None)?;
///
/// let (mut ids, mut distances, mut counts) = ([0; 1], [0.; 1], [0; 1]);
/// let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
/// db.search(Vectors::f32(&[0.9, 0.1, 0.], 3)?, 1, &SearchParams::default(), hits)?;
/// assert_eq!((ids, counts), ([10], [1]));
/// # Ok::<(), vdb::Error>(())
/// ```
pub struct Database {
    core: Arc<Core>,
    closed: bool,
}

impl Database {
    /// Bytes of the longest explanation.
    pub const EXPLAIN_MAX: usize = explain::JSON_MAX;
    /// Bytes of the longest line of the log.
    pub const LOG_LINE_MAX: usize = log::LINE_MAX;

    /// Opens the database in the directory `path` and becomes its one writer;
    /// creates it if `storage.create` allows. `None` = in memory, gone on close.
    /// With `storage.read_only` it only reads, beside the writer: [`Database::refresh`].
    pub fn open(path: Option<&Path>, options: &Options) -> Result<Database> {
        Ok(Database { core: open::open(path, options).map_err(Error::advise_repair)?, closed: false })
    }

    /// Opens the database on a [`Storage`] of the caller's (`None` = in memory)
    /// with chunks of `1 << chunk_shift` rows (6 to 16), for tests: the
    /// simulated disk, and many chunks of few rows.
    #[doc(hidden)]
    pub fn open_on(storage: Option<Box<dyn Storage>>, options: &Options, chunk_shift: Option<u32>) -> Result<Database> {
        Database::open_within(storage, options, chunk_shift, &memory::data_budget(options.settings().max_memory))
    }

    /// As [`Database::open_on`], with memory from a budget of the caller's, which
    /// tests make refuse it.
    #[doc(hidden)]
    pub fn open_within(
        storage: Option<Box<dyn Storage>>,
        options: &Options,
        chunk_shift: Option<u32>,
        budget: &Budget,
    ) -> Result<Database> {
        let core = open::open_within(storage, options, chunk_shift, budget).map_err(Error::advise_repair)?;
        Ok(Database { core, closed: false })
    }

    /// Ends background work at its next step, writes a checkpoint if there is
    /// anything new, and gives up the lock. Every acknowledged batch was safe
    /// before; an error here says that the checkpoint failed.
    pub fn close(mut self) -> Result<()> {
        self.shut()
    }

    /// Closes without a checkpoint, for when the state in memory is not to be
    /// trusted: after a panic. The next open replays the log, which has every
    /// acknowledged batch.
    pub fn abandon(mut self) {
        self.closed = true;
        self.stop_workers();
    }

    fn shut(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.stop_workers();
        checkpoint::checkpoint(&self.core, None)
    }

    fn stop_workers(&self) {
        self.core.closing.store(true, Relaxed);
        self.core.indexer.stop();
        self.core.checkpointer.stop();
        self.core.provider.stop();
        self.core.sketcher.stop();
        self.core.column_maker.stop();
        self.core.verifier.stop();
    }

    /// The effective settings.
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// The metadata of the rows of `ids` in `out`, text by text; empty for a row without any and for an
    /// unknown id. All of one moment.
    pub fn meta_batch(&self, ids: &[u64], out: &mut TextBuffer<'_>) -> Result<()> {
        self.meta_batch_at(None, ids, out)
    }

    /// As [`Database::meta_batch`], now or in a snapshot.
    pub fn meta_batch_at(&self, snapshot: Option<&Snapshot>, ids: &[u64], out: &mut TextBuffer<'_>) -> Result<()> {
        let view = self.core.view_at(snapshot)?;
        let read = || records::access::texts(&self.core, &view, ids, out, |record| record.meta);
        self.core.latencies.of(Call::Get, read)
    }

    /// The keys of the rows of `ids` in `out`; empty for a row without one and for an unknown id.
    pub fn keys_of_ids(&self, ids: &[u64], out: &mut TextBuffer<'_>) -> Result<()> {
        self.keys_of_ids_at(None, ids, out)
    }

    /// As [`Database::keys_of_ids`], now or in a snapshot.
    pub fn keys_of_ids_at(&self, snapshot: Option<&Snapshot>, ids: &[u64], out: &mut TextBuffer<'_>) -> Result<()> {
        let view = self.core.view_at(snapshot)?;
        let read = || records::access::texts(&self.core, &view, ids, out, |record| record.key);
        self.core.latencies.of(Call::Get, read)
    }

    /// The ids of the rows that have `keys`, [`ID_NONE`] where no row has one.
    pub fn ids_of_keys(&self, keys: &Texts<'_>, ids: &mut [u64]) -> Result<()> {
        self.ids_of_keys_at(None, keys, ids)
    }

    /// As [`Database::ids_of_keys`], now or in a snapshot.
    pub fn ids_of_keys_at(&self, snapshot: Option<&Snapshot>, keys: &Texts<'_>, ids: &mut [u64]) -> Result<()> {
        let view = self.core.view_at(snapshot)?;
        self.core.latencies.of(Call::Get, || records::access::ids_of_keys(&self.core, &view, keys, ids))
    }

    /// Copies the vectors of `ids`, converted to `scalar`, to rows of `out`
    /// that are `stride` bytes apart (0 = packed). `found[i]` becomes 1, or 0
    /// for an unknown id, whose row is left alone. On error rows may have been written.
    pub fn get_batch(
        &self,
        ids: &[u64],
        scalar: Scalar,
        out: &mut [u8],
        stride: usize,
        found: &mut [u8],
    ) -> Result<()> {
        self.get_batch_at(None, ids, scalar, out, stride, found)
    }

    /// As [`Database::get_batch`], now or in a snapshot.
    pub fn get_batch_at(
        &self,
        snapshot: Option<&Snapshot>,
        ids: &[u64],
        scalar: Scalar,
        out: &mut [u8],
        stride: usize,
        found: &mut [u8],
    ) -> Result<()> {
        let view = self.core.view_at(snapshot)?;
        self.core.latencies.of(Call::Get, || reader::get_batch(&self.core, &view, ids, scalar, out, stride, found))
    }

    /// Number of rows.
    pub fn count(&self) -> Result<u64> {
        self.count_at(None, None)
    }

    /// Number of rows that a filter lets pass.
    pub fn count_passing(&self, filter: &Filter) -> Result<u64> {
        self.count_at(None, Some(filter))
    }

    /// Number of rows, or of those that a filter lets pass, now or in a snapshot.
    pub fn count_at(&self, snapshot: Option<&Snapshot>, filter: Option<&Filter>) -> Result<u64> {
        let view = self.core.view_at(snapshot)?;
        self.core.latencies.of(Call::Count, || {
            let Some(filter) = filter else { return Ok(view.live()) };
            let selected = filter.select(&self.core, &view, &Unlimited)?;
            Ok(selected.map_or(0, |selection| selection.passing))
        })
    }

    /// The present state, for searches ([`SearchParams::snapshot`]) and reads that are to see it whatever is written
    /// meanwhile: the same question gets the same answer for as long as it is kept. Takes no time, whatever
    /// the size of the database; what it keeps of memory and disk grows as the database moves on. After
    /// the database was closed it is of no more use.
    ///
    /// ```
    /// # use vdb::{Database, Options, Vectors};
    /// let db = Database::open(None, &Options::new().dim(2))?;
    /// db.insert_batch(&[1], Vectors::f32(&[0., 1.], 2)?, None)?;
    /// let before = db.snapshot();
    /// db.delete_batch(&[1])?;
    /// assert_eq!((db.count()?, db.count_at(Some(&before), None)?), (0, 1));
    /// # Ok::<(), vdb::Error>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.core)
    }

    /// Finds the `k` nearest rows of each query, nearest first, ties by id.
    /// All queries see one state. Query i fills `hits.ids[i*k..]`.
    pub fn search(&self, queries: Vectors<'_>, k: usize, params: &SearchParams, hits: Hits<'_>) -> Result<Outcome> {
        reader::search(&self.core, queries, k, params, hits)
    }

    /// Finds the rows whose distance to the one vector of `query` is at most `max_distance`, nearest
    /// first, ties by id, as many as there are places in `ids` and `distances`. Returns their number, one more
    /// than there are places where more were found.
    pub fn search_range(
        &self,
        query: Vectors<'_>,
        max_distance: f32,
        params: &SearchParams,
        ids: &mut [u64],
        distances: &mut [f32],
    ) -> Result<(Outcome, usize)> {
        range::search(&self.core, query, max_distance, params, ids, distances)
    }

    /// Finds the `k` rows nearest to each of the rows `ids`, which is left out itself. `item` of the error names the
    /// first that is not there.
    pub fn search_ids(&self, ids: &[u64], k: usize, params: &SearchParams, hits: Hits<'_>) -> Result<Outcome> {
        reader::search_ids(&self.core, ids, k, params, hits)
    }

    /// Finds rows near the rows `positive` and away from the rows `negative`, none of which is a result, as many as
    /// there are places in `ids` and `distances`; returns their number.
    ///
    /// They are those nearest to one point: the mean of the positive examples, moved away from the mean of the
    /// negative ones by as much as it is apart from that (`2 p - n`). Distances are to this point. Under cosine
    /// examples count by their directions alone. Bytes are rounded; a bit is set where `2 p - n` of the shares is above a half.
    pub fn recommend(
        &self,
        positive: &[u64],
        negative: &[u64],
        params: &SearchParams,
        ids: &mut [u64],
        distances: &mut [f32],
    ) -> Result<(Outcome, usize)> {
        recommend::search(&self.core, (positive, negative), params, ids, distances)
    }

    /// Chooses rows near the one vector of `query` that are not too near to each other, as many as there are places,
    /// one after the other from the nearest `candidates`: always the one with the least
    /// `lambda * (distance to the query) - (1 - lambda) * (distance to the nearest one chosen)`, the nearest first
    /// (maximal marginal relevance). Returns their number; distances are to the query. 0 candidates are four times the places.
    pub fn search_diverse(
        &self,
        query: Vectors<'_>,
        candidates: usize,
        lambda: f32,
        params: &SearchParams,
        ids: &mut [u64],
        distances: &mut [f32],
    ) -> Result<(Outcome, usize)> {
        diverse::search(&self.core, query, (candidates, lambda), params, ids, distances)
    }

    /// Finds the best groups and their best rows: rows with the same scalar at `path` of their metadata are one. There are as
    /// many groups as places in `hits.counts`, each with `per_group` places of the others. Group i has the i-th value
    /// that is met when all rows are gone through nearest first; its rows are nearest first. Rows without such a value
    /// are in no group. Returns the number of groups.
    pub fn search_groups(
        &self,
        query: Vectors<'_>,
        path: &str,
        per_group: usize,
        params: &SearchParams,
        hits: Hits<'_>,
    ) -> Result<(Outcome, usize)> {
        groups::search(&self.core, query, (path, per_group), params, hits)
    }

    /// Goes through all rows in the order of their distance to the one vector of `query`, ties by id, page
    /// by page, in the state that the database has now. The deadline is that of each page.
    ///
    /// Where a graph is walked, rows may be found only after farther ones were returned. They come last, after all
    /// others, in order among themselves. With `exact` there are none.
    pub fn cursor(&self, query: Vectors<'_>, params: &SearchParams) -> Result<Cursor> {
        Cursor::near(&self.core, query, params)
    }

    /// Goes through the rows that a filter lets pass, or all, in the order of their ids, page by page, in the state that the
    /// database has now.
    pub fn scan(&self, filter: Option<&Filter>) -> Result<Cursor> {
        self.scan_at(None, filter)
    }

    /// As [`Database::scan`], now or in a snapshot. The cursor has the state, not the snapshot, which may go before it.
    pub fn scan_at(&self, snapshot: Option<&Snapshot>, filter: Option<&Filter>) -> Result<Cursor> {
        Cursor::by_id(&self.core, snapshot, filter)
    }

    /// Searches for the one vector of `query` as [`Database::search`] would, and tells as JSON how: the plan and why it was
    /// chosen, what was read, what each stage took, and what would help. The members are listed in `include/vdb.h`,
    /// at `vdb_explain`; no more than [`Database::EXPLAIN_MAX`] bytes. It is in no statistics, and takes nothing from the cache of results.
    pub fn explain(&self, query: Vectors<'_>, k: usize, params: &SearchParams) -> Result<String> {
        explain::explain(&self.core, query, k, params)
    }

    /// Makes every batch so far survive power loss, whatever the durability level.
    pub fn sync(&self) -> Result<()> {
        self.core.check_writable()?;
        self.core.latencies.of(Call::Sync, || commit::sync(&self.core))
    }

    /// Writes the present state as immutable files, so that the next open has
    /// no log to replay. Runs beside searches and writes. In memory: does nothing.
    pub fn checkpoint(&self, task: Option<&Task>) -> Result<()> {
        self.core.check_writable()?;
        checkpoint::checkpoint(&self.core, task)?;
        if let Some(task) = task {
            task.finished(task.progress().1);
        }
        Ok(())
    }

    /// Makes a backup in the directory `path`, which must be empty or not there (its parent must be): the newest
    /// state, whole, which opens like any database. Runs beside searches, writes, checkpoints and compaction. Files that
    /// never change are hard links where `path` is on the file system of the database, else of those that
    /// `previous`, an earlier backup of the same database, has too (these are read and verified first), else
    /// copies. Everything is durable on return; an error leaves nothing behind. Progress counts bytes.
    ///
    /// ```
    /// # use vdb::{Database, Options, Vectors};
    /// # let dir = tempfile::tempdir()?;
    /// let db = Database::open(None, &Options::new().dim(2))?;
    /// db.insert_batch(&[1], Vectors::f32(&[0., 1.], 2)?, None)?;
    /// db.backup(&dir.path().join("monday"), None, None)?;
    /// assert_eq!(Database::open(Some(&dir.path().join("monday")), &Options::new())?.count()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup(&self, path: &Path, previous: Option<&Path>, task: Option<&Task>) -> Result<()> {
        backup::backup(&self.core, path, previous, task)
    }

    /// The same in an empty directory of the caller's, without the steps that let it appear as a whole: for tests
    /// on the simulated disk.
    #[doc(hidden)]
    pub fn backup_into(&self, to: &dyn Storage) -> Result<()> {
        backup::write(&self.core, to, None, None)
    }

    /// Writes the rows of the newest state, or those that `filter` lets pass, by id, as the new file `path`; returns
    /// how many. `format` is `npy`, `fvecs`, `ivecs`, `bvecs`, `fbin`, `u8bin`, `i8bin` or `jsonl`; `None` = what the name of the file
    /// ends in. All but `jsonl` have no place for keys and metadata, nor for ids: these go to a second file, `name.ids.npy` (for
    /// `name.npy`) or `name.fbin.ids.npy`. No file is ever overwritten; both appear when they are whole and
    /// durable, and after an error neither does. Progress counts rows.
    ///
    /// ```
    /// # use vdb::{Database, Options, Vectors};
    /// # let dir = tempfile::tempdir()?;
    /// let db = Database::open(None, &Options::new().dim(2))?;
    /// db.insert_batch(&[5], Vectors::f32(&[0., 1.], 2)?, None)?;
    /// let path = dir.path().join("rows.jsonl");
    /// db.export(&path, None, None, None)?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "{\"id\":5,\"vector\":[0.0,1.0]}\n");
    /// db.delete_batch(&[5])?;
    /// assert_eq!((db.import(&path, None, None)?, db.count()?), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn export(
        &self,
        path: &Path,
        format: Option<&str>,
        filter: Option<&Filter>,
        task: Option<&Task>,
    ) -> Result<u64> {
        exchange::export(&self.core, path, format, filter, task)
    }

    /// Reads the file `path` in one of the formats of [`Database::export`] and writes its rows; returns how many.
    /// Rows with an id are inserted or replace the row of that id. Rows of an array without ids are numbered on above all ids
    /// there are: 0, 1, ... in a database that never had a row. A line without an id is the row with its key, or
    /// a new one, and all of its row: no key there, none here. The file is checked as a whole before the
    /// first row is written. Where writing then fails or is cancelled, the batches before stay, and
    /// [`Error::item`] is the number of rows that are in. Progress counts bytes, twice.
    pub fn import(&self, path: &Path, format: Option<&str>, task: Option<&Task>) -> Result<u64> {
        exchange::import(self, path, format, task)
    }

    /// The same with a file and its ids that are open, for tests.
    #[doc(hidden)]
    pub fn import_from(&self, format: &str, file: &dyn ReadFile, ids: Option<&dyn ReadFile>) -> Result<u64> {
        let format = exchange::Format::of(Some(format), Path::new(""))?;
        let ids = ids.map(|ids| ("ids", ids));
        exchange::rows(self, &exchange::Opened { format, name: "file", file, ids }, None)
    }

    /// Waits until every row there is now is in the graph (where there are rows
    /// enough for one) and the upkeep after deletes is done. Progress counts rows.
    /// Where the database is only read, nothing is under way: returns at once.
    pub fn wait_indexed(&self, task: Option<&Task>) -> Result<()> {
        let watch = || {
            let view = self.core.view.load();
            let (done, total) = (view.live() - view.unindexed().min(view.live()), view.live());
            match task {
                Some(task) if !task.step(done, total) => fail(ErrorKind::Cancelled, "waiting was cancelled"),
                _ => Ok(()),
            }
        };
        if self.core.follower.is_some() {
            return watch();
        }
        self.core.indexer.finish(&watch)?;
        if let Some(task) = task {
            task.finished(task.progress().1);
        }
        Ok(())
    }

    /// Where the database is only read: moves on to the newest state that the
    /// writer has committed, or stays where it is when there is none. Searches
    /// under way keep the state they began with; a batch is seen whole or not
    /// at all, and never goes again. It may be seen before the writer's own
    /// call has returned, and so before it is durable. After an error the
    /// state of before stands. Everywhere else: does nothing.
    pub fn refresh(&self) -> Result<()> {
        self.core.latencies.of(Call::Refresh, || follow::refresh(&self.core))
    }

    /// Checks the database up to `level`, beside searches and writes; only
    /// checkpoints (and [`Database::stats`]) wait while files are read. What is
    /// wrong is in the report; an error says that the check could not be made.
    /// Works also after damage was met, when other calls fail.
    pub fn check(&self, level: CheckLevel, task: Option<&Task>) -> Result<CheckReport> {
        check::check(&self.core, level, task)
    }

    /// Measures which share of the true `k` nearest rows searches with `params` find for `queries`,
    /// by comparing with an exact search of each.
    pub fn measure_recall(
        &self,
        queries: Vectors<'_>,
        k: usize,
        params: &SearchParams,
        task: Option<&Task>,
    ) -> Result<Recall> {
        recall::of_queries(&self.core, queries, k, params, task)
    }

    /// As [`Database::measure_recall`] for some `count` stored rows, each apart from itself. They are
    /// found a little more easily than queries that are no rows.
    pub fn measure_recall_of_rows(
        &self,
        count: usize,
        k: usize,
        params: &SearchParams,
        task: Option<&Task>,
    ) -> Result<Recall> {
        recall::of_stored_rows(&self.core, count, k, params, task)
    }

    /// Forgets the answers that are kept for later searches (`runtime.cache_bytes`) and gives their memory back. None of
    /// them is ever out of date; this is for measurements and for memory.
    pub fn clear_cache(&self) {
        if let Some(cache) = &self.core.cache {
            cache.clear();
        }
    }

    /// How long the calls of one kind took since the database was opened.
    pub fn latency(&self, call: Call) -> Latency {
        self.core.latencies.get(call)
    }

    /// Takes the oldest lines out of the log, as many as there are in `most` bytes ([`Database::LOG_LINE_MAX`]
    /// are enough for any one), each with its end: a time, a level, what happened and its numbers. Where lines went
    /// unread because the log was full (`runtime.log_bytes`), the first says how many. Empty when nothing waits.
    pub fn read_log(&self, most: usize) -> String {
        // What no call has met yet, a thread that verifies may have.
        let _ = self.core.check_faults();
        self.core.log.read(most)
    }

    /// Bytes of lines that wait in the log.
    pub fn log_waiting(&self) -> usize {
        let _ = self.core.check_faults();
        self.core.log.waiting()
    }

    /// A picture of the database in numbers.
    pub fn stats(&self) -> Result<Stats> {
        stats::collect(&self.core)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nobody is left to tell: what was acknowledged is in the log.
        let _ = self.shut();
        self.core.unlock();
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({} rows, LSN {})", self.core.view.load().live(), self.core.view.load().lsn)
    }
}
