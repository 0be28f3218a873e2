//! Opening: a new database, the files of an existing one (`parts`), the replay of its
//! log. No work per row beyond the log.

use super::ahead::{self, NextSpace};
use super::background::Worker;
use super::cache::Cache;
use super::checkpoint::{self, Checkpoints};
use super::columns_ahead;
use super::core::{Core, Counters, Store};
use super::error::{ErrorKind, Result, fail};
use super::follow::Follower;
use super::indexer::{self, IndexState};
use super::input::Stored;
use super::latency::Latencies;
use super::log::Log;
use super::memory::{self, PutOff};
use super::opened::Opened;
use super::options::{Durability, Options, Settings};
use super::parts::{OpenParts, empty_writer, open_parts, read_parts};
use super::record::{self, Record};
use super::records::given::Given;
use super::resident::Residence;
use super::schema::{first_manifest, shape_of, stored_settings};
use super::sketches::{self, Making};
use super::verify::Verifier;
use super::writer::{Batch, Writer};
use crate::arena::{Budget, FaultCell, ScratchPool};
use crate::storage::format::RECORDS;
use crate::storage::wal::{self, Replayed, WalStart, WalWriter, WriteMode};
use crate::storage::{Live, Manifest, OsStorage, Storage, manifest};
use crate::util::sync::lock;
use arc_swap::ArcSwap;
use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// Opens the database in the directory `path`, or one in memory.
pub fn open(path: Option<&Path>, options: &Options) -> Result<Arc<Core>> {
    options.validate()?;
    let settings = options.settings();
    let Settings { create, read_only, mmap, .. } = settings;
    let create = create && !read_only;
    if create && path.is_some_and(|path| !path.exists()) {
        // Options no database can have leave no directory behind.
        shape_of(&settings)?;
    }
    let budget = memory::data_budget(settings.max_memory);
    let storage = path.map(|path| OsStorage::open(path, create, mmap)).transpose()?;
    let storage = storage.map(|storage| Box::new(storage.within(&budget)) as _);
    open_within(storage, options, None, &budget)
}

/// Opens the database that `storage` holds, or creates one there; without
/// storage, one in memory. A new database gets chunks of `1 << shift` rows.
/// All memory is taken from `budget`.
pub fn open_within(
    storage: Option<Box<dyn Storage>>,
    options: &Options,
    shift: Option<u32>,
    budget: &Budget,
) -> Result<Arc<Core>> {
    options.validate()?;
    let mut opened = Opened::begin();
    let faults = Arc::<FaultCell>::default();
    let Some(storage) = storage else {
        let settings = options.settings();
        if settings.read_only {
            return fail(
                ErrorKind::InvalidArgument,
                "there is nothing to read in memory; storage.read_only needs a path",
            );
        }
        let writer = empty_writer(&settings, shift, budget)?;
        return finish(settings, writer, Files::None, faults, &opened);
    };
    if options.settings().read_only {
        let (settings, writer, follower) = Follower::open(storage, options, &faults, budget)?;
        opened.event = "open_to_read";
        return finish(settings, writer, Files::Read(follower), faults, &opened);
    }
    let held = storage.lock()?;
    let (settings, writer, checkpoints, parts) = match Manifest::load_live(storage.as_ref())? {
        Some(found) => load(storage.as_ref(), found, options, (&faults, budget), &mut opened)?,
        None if !options.settings().create => {
            return fail(ErrorKind::NotFound, "there is no database in the directory; set storage.create to make one");
        }
        None => create(storage.as_ref(), options, shift, budget)?,
    };
    let tells_of_records = (checkpoints.manifest.features & RECORDS != 0).into();
    let lock = Mutex::new(Some(held));
    let store = Store { storage, checkpoints: Mutex::new(checkpoints), tells_of_records, lock };
    finish(settings, writer, Files::Written(store, parts), faults, &opened)
}

/// What is behind a database.
enum Files {
    /// Nothing: it is in memory.
    None,
    /// A directory of its own, and what was opened in it.
    Written(Store, OpenParts),
    /// The directory of a writer.
    Read(Follower),
}

fn finish(
    settings: Settings,
    mut writer: Writer,
    files: Files,
    faults: Arc<FaultCell>,
    opened: &Opened,
) -> Result<Arc<Core>> {
    let (store, parts, follower) = match files {
        Files::None => (None, OpenParts::new(), None),
        Files::Written(store, parts) => (Some(store), parts, None),
        Files::Read(follower) => (None, OpenParts::new(), Some(follower)),
    };
    if let Some(log) = writer.log.as_mut() {
        log.set_mode(match settings.durability {
            Durability::Full => WriteMode::Synced,
            Durability::Process => WriteMode::Direct,
            Durability::None => WriteMode::Buffered,
        });
    }
    writer.faults = faults.clone();
    let view = writer.view()?;
    let (budget, search_budget) = (writer.budget.clone(), memory::search_budget(settings.max_memory));
    let verifier = match settings.verify_on_open {
        true => Verifier::idle(),
        false => Verifier::start(parts, settings.threads, budget.room()),
    };
    let counters = Counters::default();
    let written = store.as_ref().map(|store| lock(&store.checkpoints).manifest.lsn);
    let checkpoint_lsn = written.or(follower.as_ref().map(|follower| follower.manifest().lsn));
    counters.checkpoint_lsn.store(checkpoint_lsn.unwrap_or(0), Relaxed);
    let log = Log::new(settings.log_level, settings.log_bytes);
    let cache = Cache::new(settings.cache_bytes, writer.shape.row_bytes(), &budget)?;
    let core = Arc::new(Core {
        shape: writer.shape,
        shift: writer.shift,
        settings,
        view: ArcSwap::from_pointee(view),
        writer: Mutex::new(writer),
        queue: Default::default(),
        index: Mutex::new(IndexState::default()),
        index_turn: Mutex::new(()),
        indexer: Worker::new("indexer", indexer::work),
        checkpointer: Worker::new("checkpoint", checkpoint::work),
        provider: Worker::new("memory", ahead::work),
        sketcher: Worker::new("sketch", sketches::work),
        sketching: Making::default(),
        column_maker: Worker::new("columns", columns_ahead::work),
        columns_ahead: Default::default(),
        verifier,
        next_space: NextSpace::default(),
        store,
        follower,
        faults,
        budget,
        search_budget,
        put_off: PutOff::default(),
        residence: Residence::default(),
        scratch: ScratchPool::default(),
        cache,
        latencies: Latencies::new()?,
        log,
        damage_told: AtomicBool::new(false),
        columns: Default::default(),
        recent_filters: Default::default(),
        cores: OnceLock::new(),
        counters,
        snapshots: Arc::default(),
        closing: AtomicBool::new(false),
    });
    opened.tell(&core);
    core.indexer.attach(&core);
    core.checkpointer.attach(&core);
    core.provider.attach(&core);
    core.sketcher.attach(&core);
    core.column_maker.attach(&core);
    if core.follower.is_none() && indexer::next_step(&core, &core.view.load(), false).is_some() {
        core.indexer.wake();
    }
    if sketches::is_due(&core, &core.view.load()) {
        core.sketcher.wake();
    }
    if columns_ahead::is_due_at_open(&core, &core.view.load()) {
        core.column_maker.wake();
    }
    Ok(core)
}

fn create(
    storage: &dyn Storage,
    options: &Options,
    shift: Option<u32>,
    budget: &Budget,
) -> Result<(Settings, Writer, Checkpoints, OpenParts)> {
    let settings = options.settings();
    let mut writer = empty_writer(&settings, shift, budget)?;
    manifest::prepare_new(storage)?;
    let manifest = first_manifest(&settings, writer.shift);
    writer.key_salt = manifest.salt;
    writer.log = Some(WalWriter::create(storage, manifest.wal, manifest.salt, 0)?);
    let mut live = Vec::new();
    manifest.write_after(storage, &mut live)?;
    Ok((settings, writer, Checkpoints { manifest, live, ..Checkpoints::default() }, OpenParts::new()))
}

fn load(
    storage: &dyn Storage,
    (live, manifest): (Live, Manifest),
    options: &Options,
    (faults, budget): (&Arc<FaultCell>, &Budget),
    opened: &mut Opened,
) -> Result<(Settings, Writer, Checkpoints, OpenParts)> {
    let settings = stored_settings(&manifest, options)?;
    let parts = open_parts(storage, &manifest, &settings, faults, &OpenParts::new())?;
    let (mut writer, chunks) = read_parts(&manifest, &settings, &parts, budget)?;
    writer.faults = faults.clone();
    let start = manifest.wal_start();
    let replayed = replay(storage, &start, &mut writer)?;
    (opened.event, opened.torn_bytes) = ("open", replayed.torn_bytes);
    writer.log = Some(WalWriter::resume(storage, &start, &replayed)?);
    manifest.remove_obsolete(storage)?;
    let index_version = writer.index.version;
    let checkpoints = Checkpoints { manifest, live: vec![live], chunks, index_version, ..Checkpoints::default() };
    Ok((settings, writer, checkpoints, parts))
}

/// Applies the batches that the log holds from `start` on.
pub fn replay(storage: &dyn Storage, start: &WalStart, writer: &mut Writer) -> Result<Replayed> {
    let shape = writer.shape;
    wal::replay(storage, start, |found| {
        let _record = writer.budget.take(found.payload.len() as u64)?;
        let record = record::decode(found.kind, found.payload, shape.row_bytes())?;
        let batch = match &record {
            Record::Delete { ids } => Batch::Delete { ids: Cow::Borrowed(ids) },
            Record::Meta { ids, records } => {
                Batch::Meta { ids: Cow::Borrowed(ids), records: Given::Resolved(records.resolved()) }
            }
            Record::Put { ids, rows, records } => {
                let rows = Stored::packed_rows(rows, &shape, ids.len())?;
                let given = records.as_ref().map_or(Given::Nothing, |records| Given::Resolved(records.resolved()));
                // Such records are written from the first id on that we gave.
                writer.assigned |= records.is_some();
                Batch::Put { ids: Cow::Borrowed(ids), rows, replace: true, records: given }
            }
        };
        writer.replay(found.lsn, &batch)
    })
}
