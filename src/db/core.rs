//! What all parts of an open database share, and the moment a new view is
//! published.

use super::ahead::NextSpace;
use super::background::Worker;
use super::cache::Cache;
use super::checkpoint::Checkpoints;
use super::columns::ColumnCache;
use super::columns_ahead::{self, GoneThrough};
use super::commit::Queue;
use super::error::{Error, ErrorKind, Result, fail};
use super::filter;
use super::follow::Follower;
use super::indexer::IndexState;
use super::input::Shape;
use super::latency::Latencies;
use super::log::Log;
use super::memory::PutOff;
use super::options::Settings;
use super::reader;
use super::resident::Residence;
use super::sketches::Making;
use super::snapshot::Snapshots;
use super::verify::Verifier;
use super::view::View;
use super::writer::Writer;
use crate::arena::{AllocError, Budget, FaultCell, Lease, ScratchPool};
use crate::storage::{LockGuard, Storage, StorageError};
use crate::util::sync::lock;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// Counts that are read without a lock.
#[derive(Default)]
pub struct Counters {
    pub searches: AtomicU64,
    pub distances: AtomicU64,
    pub compactions: AtomicU64,
    /// Checkpoints written since the database was opened.
    pub checkpoints: AtomicU64,
    /// LSN of the live generation.
    pub checkpoint_lsn: AtomicU64,
    /// When the last of them was written, in milliseconds since 1970; 0 = none was.
    pub checkpoint_ms: AtomicU64,
    /// Searches that took as long as `runtime.slow_query_us`.
    pub slow_queries: AtomicU64,
}

/// The files that a writer keeps; none of it exists in memory.
pub struct Store {
    pub storage: Box<dyn Storage>,
    pub checkpoints: Mutex<Checkpoints>,
    /// Whether the live manifest tells of records, so that the log may have some.
    pub tells_of_records: AtomicBool,
    /// Held as long as the database is open; cursors may keep the rest for longer.
    pub lock: Mutex<Option<LockGuard>>,
}

/// An open database, shared by its callers and its background threads.
pub struct Core {
    pub shape: Shape,
    pub settings: Settings,
    pub shift: u32,
    pub view: ArcSwap<View>,
    pub writer: Mutex<Writer>,
    pub queue: Queue,
    /// Graph work; one step at a time.
    pub index: Mutex<IndexState>,
    /// Held by who waits for `index`, so that the next step comes behind them.
    pub index_turn: Mutex<()>,
    pub indexer: Worker<Core>,
    pub checkpointer: Worker<Core>,
    /// Provides memory for the next batch.
    pub provider: Worker<Core>,
    pub next_space: NextSpace,
    /// Makes sketches of rows that the graph does not cover.
    pub sketcher: Worker<Core>,
    pub sketching: Making,
    /// Makes columns that were declared.
    pub column_maker: Worker<Core>,
    pub columns_ahead: GoneThrough,
    /// Verifies the files that were opened.
    pub verifier: Verifier,
    /// The writer's files; `None` in memory and where the database is only read.
    pub store: Option<Store>,
    /// What a handle that only reads has read so far.
    pub follower: Option<Follower>,
    pub faults: Arc<FaultCell>,
    /// What all memory that grows with the data is taken from, but for searches.
    pub budget: Budget,
    /// What the working memory of searches is taken from.
    pub search_budget: Budget,
    /// Graph work that found no memory.
    pub put_off: PutOff,
    /// Whether walks still are to be moved from files into memory.
    pub residence: Residence,
    pub scratch: ScratchPool<reader::Scratch>,
    /// Answers of searches, where `runtime.cache_bytes` asks for that.
    pub cache: Option<Cache>,
    pub latencies: Latencies,
    pub log: Log,
    /// Whether the log says that there is damage.
    pub damage_told: AtomicBool,
    /// What filters on metadata look at, and those that were asked lately.
    pub columns: ColumnCache,
    pub recent_filters: filter::Recent,
    /// See [`Core::threads`].
    pub cores: OnceLock<usize>,
    pub counters: Counters,
    pub snapshots: Arc<Snapshots>,
    /// Tells background steps to end.
    pub closing: AtomicBool,
}

impl Core {
    /// Shows readers what the writer has. The caller holds the writer lock.
    pub fn publish(&self, writer: &mut Writer) -> Result<()> {
        let view = writer.view()?;
        if super::sketches::is_due(self, &view) {
            self.sketcher.wake();
        }
        let columns_due = columns_ahead::is_due(self, &view);
        self.view.store(Arc::new(view));
        // Not before: the thread looks at the view that is shown.
        if columns_due {
            self.column_maker.wake();
        }
        Ok(())
    }

    /// Wakes the background threads when a write left work for them.
    pub fn work_after_write(self: &Core, writer: &Writer) {
        if writer.failed.is_some() {
            return;
        }
        if self.put_off.may_try(&self.budget) && super::indexer::next_step(self, &self.view.load(), false).is_some() {
            self.indexer.wake();
        }
        if writer.log.as_ref().is_some_and(|log| log.position().offset > self.settings.wal_limit_bytes) {
            self.checkpointer.wake();
        }
    }

    /// Threads that share the work of one call.
    pub fn threads(&self) -> usize {
        match self.settings.threads {
            // Asking the system takes longer than a search.
            0 => *self.cores.get_or_init(|| thread::available_parallelism().map_or(1, |cores| cores.get())),
            threads => threads as usize,
        }
    }

    /// An error where the database is only read.
    pub fn check_writable(&self) -> Result<()> {
        match &self.follower {
            None => Ok(()),
            Some(_) => fail(ErrorKind::ReadOnly, "the database is open for reading only (storage.read_only)"),
        }
    }

    /// An error when any block that was read so far is damaged.
    pub fn check_faults(&self) -> Result<()> {
        let Some(fault) = self.faults.get() else { return Ok(()) };
        let error = Error::from(StorageError::from(fault));
        if !self.damage_told.swap(true, Relaxed) {
            self.log.error(format_args!("damage what={:?}", error.message()));
        }
        Err(error)
    }

    /// Refuses all writes from now on, because of an error whose outcome is unknown.
    pub fn refuse_writes(&self, writer: &mut Writer, why: &Error) {
        self.tell_write_failed(why);
        writer.failed = Some(why.clone());
    }

    /// Has the log say why writes are refused from now on.
    pub fn tell_write_failed(&self, why: &Error) {
        self.log.error(format_args!("write_failed why={:?}", why.message()));
    }

    /// Lets the next writer in; nothing is written any more.
    pub fn unlock(&self) {
        if let Some(store) = &self.store {
            drop(lock(&store.lock).take());
        }
    }

    /// Makes `lease` of the budget of searches cover `bytes`, with what earlier searches left for later ones if
    /// need be.
    pub fn cover_search(&self, lease: &Lease, bytes: u64) -> std::result::Result<(), AllocError> {
        if lease.cover(bytes).is_ok() {
            return Ok(());
        }
        self.forget_searches();
        lease.cover(bytes)
    }

    /// Gives back the memory that earlier searches left for later ones.
    pub fn forget_searches(&self) {
        self.scratch.clear();
        self.columns.clear();
        self.recent_filters.clear();
    }

    /// Whether the database is about to close.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Error {
        if let StorageError::Memory(error) = error {
            return error.into();
        }
        let os_error = match &error {
            StorageError::Io { source, .. } => source.raw_os_error(),
            _ => None,
        };
        let kind = match &error {
            _ if error.is_no_space() => ErrorKind::NoSpace,
            StorageError::Io { .. } => ErrorKind::Io,
            StorageError::NotFound { .. } => ErrorKind::NotFound,
            StorageError::Corrupt { .. } => ErrorKind::Corrupt,
            StorageError::NotEmpty { .. } | StorageError::Taken { .. } => ErrorKind::AlreadyExists,
            StorageError::Unfinished => ErrorKind::NotFound,
            StorageError::TooNew { .. } => ErrorKind::FormatTooNew,
            StorageError::Locked { .. } => ErrorKind::Locked,
            StorageError::Limit { .. } => ErrorKind::Limit,
            StorageError::Failed { .. } => ErrorKind::Poisoned,
            _ => ErrorKind::Internal,
        };
        Error::new(kind, error.to_string()).with_os(os_error)
    }
}
