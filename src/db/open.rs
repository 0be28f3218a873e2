//! Opening: a new database, the files of an existing one, the replay of its
//! log. Reads headers and maps files; no work per row beyond the log.

use super::ahead::{self, NextSpace};
use super::background::Worker;
use super::cache::Cache;
use super::calibration::Calibration;
use super::checkpoint::{self, Checkpoints};
use super::column::{Column, Piece, hollow, next_serial};
use super::columns_ahead;
use super::core::{Core, Counters, Store};
use super::error::{Error, ErrorKind, Result, fail};
use super::follow::Follower;
use super::ids::{IdMap, Run};
use super::indexer::{self, IndexState};
use super::input::{Shape, Stored};
use super::latency::Latencies;
use super::log::Log;
use super::memory::{self, PutOff};
use super::opened::Opened;
use super::options::{self, Durability, OptionId, Options, Originals, Quant, Settings};
use super::record::{self, Record};
use super::records::column::RecordColumn;
use super::records::given::Given;
use super::records::{self, Heap, RecordPiece};
use super::resident::Residence;
use super::sketches::{self, Making};
use super::verify::Verifier;
use super::view::{Index, stored_kernel};
use super::writer::{Batch, MAX_SLOTS, Writer};
use crate::arena::{Budget, FaultCell, Rows, ScratchPool, SlotBits};
use crate::index::{Graph, Params};
use crate::kernel::{Metric, Scalar};
use crate::meta::Declarations;
use crate::quant::Codec;
use crate::storage::format::{COLUMNS, NO_ORIGINALS, RECORDS};
use crate::storage::wal::{self, Replayed, WalStart, WalWriter, WriteMode};
use crate::storage::{Manifest, OsStorage, Part, PartKind, PartRef, Schema, Storage, manifest};
use crate::util::memory::make_room;
use crate::util::sync::lock;
use arc_swap::ArcSwap;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// So many chunks at least make up a limit on memory.
const CHUNKS_IN_MEMORY: u64 = 16;
/// A chunk's vectors take at most this many bytes; most have 2^16 rows.
const CHUNK_BYTES: usize = 256 << 20;
/// Where they are given up, which happens chunk by chunk: those of the last one are not.
const CHUNK_BYTES_GIVEN_UP: usize = 16 << 20;

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
    let (settings, writer, checkpoints, parts) = match Manifest::load(storage.as_ref())? {
        Some(manifest) => load(storage.as_ref(), manifest, options, (&faults, budget), &mut opened)?,
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

pub fn shape_of(settings: &Settings) -> Result<Shape> {
    if settings.dim == 0 {
        return fail(ErrorKind::InvalidArgument, "a new database needs its dimension: set schema.dim (1 to 65536)");
    }
    let shape = Shape { dim: settings.dim as usize, metric: settings.metric, scalar: settings.scalar };
    stored_kernel(&shape)?;
    if settings.quant == Quant::Rabitq && shape.metric == Metric::L1 {
        return fail(ErrorKind::Unsupported, "rabitq codes estimate no L1 distances; choose another schema.quant");
    }
    if settings.pq_subspaces > 0 && settings.quant != Quant::Pq {
        return fail(ErrorKind::InvalidArgument, "schema.pq_subspaces is set, but schema.quant is not pq");
    }
    if settings.pq_subspaces > settings.dim {
        let message =
            format!("schema.pq_subspaces = {} is more than schema.dim = {}", settings.pq_subspaces, settings.dim);
        return fail(ErrorKind::OutOfRange, message);
    }
    if settings.drops_originals() {
        check_codes_suffice(settings, &shape)?;
    }
    Ok(shape)
}

/// Refuses to give up vectors where nothing could stand in for them: codes must be made of any data, and
/// must be comparable with each other, for links to be chosen by them.
fn check_codes_suffice(settings: &Settings, shape: &Shape) -> Result<()> {
    let advice = match (settings.quant, shape.scalar, shape.metric) {
        (_, Scalar::I8 | Scalar::U8 | Scalar::B1, _) => "there are no codes for such vectors: use f32, f16 or bf16",
        (Quant::Auto, ..) => "whether there will be codes is measured only later: use schema.quant = sq8 or sq4",
        (Quant::None, ..) => "there are no codes: use schema.quant = sq8 or sq4",
        (Quant::Pq, ..) => "links cannot be chosen by such codes: use schema.quant = sq8 or sq4",
        (Quant::Sq4 | Quant::Rabitq, _, Metric::Ip) => {
            "links cannot be chosen by such codes for inner products: use schema.quant = sq8"
        }
        _ => return Ok(()),
    };
    let shown = |id: OptionId| id.info().shown(&settings.get(id));
    let (quant, scalar, metric) = (shown(OptionId::Quant), shown(OptionId::Scalar), shown(OptionId::Metric));
    let message =
        format!("schema.originals = drop with {scalar} vectors, {metric} and schema.quant = {quant}: {advice}");
    fail(ErrorKind::Unsupported, message)
}

/// Rows per chunk as a power of two, for rows of so many bytes. Chunks are small
/// against a limit on memory: only full ones can be left to their files.
pub fn chunk_shift(row_bytes: usize, max_memory: u64, drops_originals: bool) -> u32 {
    let most = if drops_originals { CHUNK_BYTES_GIVEN_UP } else { CHUNK_BYTES };
    let most = if max_memory == 0 { most } else { most.min((max_memory / CHUNKS_IN_MEMORY) as usize) };
    (10..16).rev().find(|&shift| row_bytes << (shift + 1) <= most).map_or(10, |shift| shift + 1)
}

fn empty_writer(settings: &Settings, shift: Option<u32>, budget: &Budget) -> Result<Writer> {
    let shape = shape_of(settings)?;
    let shift = shift.unwrap_or_else(|| chunk_shift(shape.row_bytes(), budget.max(), settings.drops_originals()));
    Ok(Writer {
        shape,
        shift,
        budget: budget.clone(),
        vectors: Column::new(shift, shape.row_bytes(), budget)?,
        ids: Column::new(shift, 8, budget)?,
        dead: SlotBits::new(shift),
        holes: 0,
        id_map: IdMap::default(),
        records: RecordColumn::new(shift, budget),
        keys: IdMap::default(),
        key_salt: random(),
        next_id: 1,
        assigned: false,
        index: Arc::new(Index::empty(empty_graph(settings, budget))),
        sketches: None,
        lsn: 0,
        log: None,
        failed: None,
        faults: Arc::default(),
    })
}

fn empty_graph(settings: &Settings, budget: &Budget) -> Graph {
    let (m, ef_construction) = (settings.m as usize, settings.ef_construction as usize);
    Graph::empty(Params { m, ef_construction, seed: settings.seed }).within(budget)
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
    manifest.write(storage)?;
    Ok((settings, writer, Checkpoints { manifest, ..Checkpoints::default() }, OpenParts::new()))
}

/// The manifest of a new database with chunks of `1 << shift` rows.
pub fn first_manifest(settings: &Settings, shift: u32) -> Manifest {
    let schema = Schema {
        dim: settings.dim,
        metric: settings.metric as u32,
        scalar: settings.scalar as u32,
        quant: settings.quant as u32,
        m: settings.m,
        ef_construction: settings.ef_construction,
        seed: settings.seed,
        chunk_shift: shift,
    };
    let generation = manifest::FIRST_GENERATION;
    let features = settings.features();
    let extra = checkpoint::schema_extras(settings);
    Manifest { features, generation, schema, next_file: 1, wal: 1, salt: random(), extra, ..Manifest::default() }
}

/// A number that nobody can know beforehand. As the salt of a database it also keeps what an older one left in the same
/// disk blocks from passing for a record.
pub fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The blob with this tag.
pub fn blob(manifest: &Manifest, tag: u32) -> Option<&[u8]> {
    manifest.extra.iter().find(|extra| extra.tag == tag).map(|extra| &extra.bytes[..])
}

/// The next id to be given, where any was.
pub fn next_id(manifest: &Manifest) -> Option<u64> {
    let bytes = blob(manifest, checkpoint::EXTRA_NEXT_ID)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The columns that were declared when the database was created.
fn stored_columns(manifest: &Manifest) -> Result<Arc<Declarations>> {
    let text = blob(manifest, checkpoint::EXTRA_COLUMNS).map_or(Ok(""), std::str::from_utf8);
    let read = text.ok().and_then(|text| Declarations::parse(text).ok());
    let columns = read.filter(|columns| columns.is_empty() == (manifest.features & COLUMNS == 0));
    columns
        .map(Arc::new)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the manifest holds columns that cannot be read"))
}

/// The settings of an existing database: its schema, the rest as asked for.
pub fn stored_settings(manifest: &Manifest, options: &Options) -> Result<Settings> {
    let schema = &manifest.schema;
    let odd = |what: &str, value: u32| Error::new(ErrorKind::Corrupt, format!("the manifest holds {what} {value}"));
    let pq_subspaces = blob(manifest, checkpoint::EXTRA_PQ_SUBSPACES).and_then(|bytes| bytes.try_into().ok());
    let stored = Settings {
        dim: schema.dim,
        metric: options::metric_from(schema.metric.into()).ok_or_else(|| odd("metric", schema.metric))?,
        scalar: options::scalar_from(schema.scalar.into()).ok_or_else(|| odd("scalar", schema.scalar))?,
        quant: options::quant_from(schema.quant.into()).ok_or_else(|| odd("quant", schema.quant))?,
        pq_subspaces: pq_subspaces.map_or(0, u32::from_le_bytes),
        originals: if manifest.features & NO_ORIGINALS != 0 { Originals::Drop } else { Originals::Keep },
        columns: stored_columns(manifest)?,
        m: schema.m,
        ef_construction: schema.ef_construction,
        seed: schema.seed,
        ..options.settings()
    };
    for id in [
        OptionId::Dim,
        OptionId::Metric,
        OptionId::Scalar,
        OptionId::Quant,
        OptionId::PqSubspaces,
        OptionId::Originals,
        OptionId::Columns,
        OptionId::M,
        OptionId::EfConstruction,
        OptionId::Seed,
    ] {
        let (asked, has) = (options.get(id), stored.get(id));
        id.info()
            .check(has.clone())
            .map_err(|e| Error::new(ErrorKind::Corrupt, format!("in the manifest: {}", e.message())))?;
        if options.is_set(id) && asked != has && !(id == OptionId::Dim && asked.as_f64() == 0.0) {
            let info = id.info();
            let (asked, has) = (info.shown(&asked), info.shown(&has));
            let [asked, has] = [asked, has].map(|text| if text.is_empty() { "empty".into() } else { text });
            let message = format!("{} is {asked}, the database was created with {has}", info.name);
            return fail(ErrorKind::Mismatch, message);
        }
    }
    Ok(stored)
}

fn load(
    storage: &dyn Storage,
    manifest: Manifest,
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
    Ok((settings, writer, Checkpoints { manifest, chunks, index_version, ..Checkpoints::default() }, parts))
}

/// Parts by their file numbers.
pub type OpenParts = HashMap<u64, Part>;

/// Opens the parts of `manifest` but for those that are open already.
pub fn open_parts(
    storage: &dyn Storage,
    manifest: &Manifest,
    settings: &Settings,
    faults: &Arc<FaultCell>,
    present: &OpenParts,
) -> Result<OpenParts> {
    let open = |part: &PartRef| match present.get(&part.number) {
        Some(open) if open.part_ref() == part => Ok(open.clone()),
        _ => Part::open(storage, part, faults, settings.verify_on_open),
    };
    manifest.parts.iter().map(|entry| Ok((entry.part.number, open(&entry.part)?))).collect()
}

/// The state in `parts`, those of `manifest`, without a log to write to.
pub fn read_parts(
    manifest: &Manifest,
    settings: &Settings,
    parts: &OpenParts,
    budget: &Budget,
) -> Result<(Writer, ChunkParts)> {
    let shape = shape_of(settings)?;
    let shift = manifest.schema.chunk_shift;
    if !(6..=16).contains(&shift) {
        return fail(ErrorKind::Corrupt, format!("the manifest holds a chunk size of 2^{shift} rows"));
    }
    let mut chunks = ChunkParts::new();
    let parts = Parts { manifest, parts, budget };
    let mut writer = parts.rows(settings, shape, shift, &mut chunks)?;
    parts.records(&mut writer, &mut chunks)?;
    writer.index = Arc::new(parts.index(settings, &writer, shift, &mut chunks)?);
    check_codes_stand_in(&mut writer)?;
    writer.lsn = manifest.lsn;
    Ok((writer, chunks))
}

/// Refuses chunks without vectors that no codes stand in for.
fn check_codes_stand_in(writer: &mut Writer) -> Result<()> {
    let (chunks, index) = (writer.vectors.pieces(), &writer.index);
    let first = hollow(&chunks);
    let later = chunks.iter().skip(first).any(|piece| piece.rows.is_hollow());
    let coded = |(i, piece): (usize, &Piece)| {
        let end = (i << writer.shift) + piece.rows.len();
        end <= index.graph.len() as usize
            && index.codes.get(i).is_some_and(|codes| codes.rows.len() >= piece.rows.len())
    };
    let is_whole =
        !later && first < chunks.len() && index.codec.is_some() && chunks.iter().take(first).enumerate().all(coded);
    if first == 0 && !later || is_whole {
        return Ok(());
    }
    fail(ErrorKind::Corrupt, "the manifest names chunks that have neither vectors nor codes for all of their rows")
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

/// A section that must be there.
pub fn section(part: &Part, tag: u32, stride: usize) -> Result<Rows> {
    part.rows(tag, stride)?.ok_or_else(|| damaged(part, format!("section {tag} is missing")))
}

fn damaged(part: &Part, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{} is damaged: {what}", part.part_ref().file_name()))
}

/// The graph in a graph part; the next ones take their memory from `budget`.
pub fn graph_in(part: &Part, budget: &Budget) -> Result<Graph> {
    let header = section(part, checkpoint::GRAPH_HEADER, 1)?;
    let mut get = |tag, stride| part.rows(tag, stride).ok().flatten();
    let graph = Graph::from_sections(header.bytes(), &mut get).map_err(|what| damaged(part, what))?;
    Ok(graph.within(budget))
}

/// The records in a records part, under the serial number `serial`.
pub fn records_in(part: &Part, serial: u64) -> Result<RecordPiece> {
    let entries = section(part, checkpoint::ENTRIES, records::ENTRY)?;
    let base = section(part, checkpoint::HEAP, 1)?;
    Ok(RecordPiece { entries, heap: Heap { base, more: Rows::hollow(0) }, serial })
}

/// The entries in an ids part, or in one of keys.
pub fn run_in(part: &Part) -> Result<Run> {
    let (ids, slots) = (section(part, checkpoint::SORTED_IDS, 8)?, section(part, checkpoint::SLOTS, 4)?);
    Run::new(ids, slots).ok_or_else(|| damaged(part, "ids and slots do not match"))
}

/// The parts of the live generation.
struct Parts<'a> {
    manifest: &'a Manifest,
    parts: &'a OpenParts,
    budget: &'a Budget,
}

/// The part of each chunk, by content (serial, rows).
pub type ChunkParts = HashMap<(u64, usize), PartRef>;

impl Parts<'_> {
    /// The parts of one kind, by position: 0, 1, 2, ...
    fn all(&self, kind: PartKind) -> Result<Vec<&Part>> {
        let mut entries: Vec<_> = self.manifest.parts.iter().filter(|entry| entry.part.kind == kind).collect();
        entries.sort_unstable_by_key(|entry| entry.position);
        if entries.iter().enumerate().any(|(i, entry)| entry.position != i as u64) {
            return fail(ErrorKind::Corrupt, format!("the manifest does not name all {kind:?} parts"));
        }
        let closed = || Error::new(ErrorKind::Internal, "a part of the manifest was not opened");
        entries.iter().map(|entry| self.parts.get(&entry.part.number).ok_or_else(closed)).collect()
    }

    /// Rows, ids and tombstones.
    fn rows(&self, settings: &Settings, shape: Shape, shift: u32, chunks: &mut ChunkParts) -> Result<Writer> {
        let (mut vectors, mut ids) = (Vec::new(), Vec::new());
        for part in self.all(PartKind::Chunk)? {
            let row_ids = section(part, checkpoint::IDS, 8)?;
            let rows = match part.rows(checkpoint::VECTORS, shape.row_bytes())? {
                None if settings.drops_originals() => Rows::hollow(row_ids.len()),
                _ => section(part, checkpoint::VECTORS, shape.row_bytes())?,
            };
            if rows.is_empty() || rows.len() > 1 << shift || rows.len() != row_ids.len() {
                return Err(damaged(part, format!("{} vectors, {} ids", rows.len(), row_ids.len())));
            }
            let piece = Piece::new(rows);
            chunks.insert((piece.serial, piece.rows.len()), *part.part_ref());
            vectors.push(piece);
            ids.push(Piece::new(row_ids));
        }
        let end = ((vectors.len().saturating_sub(1)) << shift) + vectors.last().map_or(0, |p| p.rows.len());
        if end as u64 > MAX_SLOTS {
            return fail(ErrorKind::Corrupt, format!("the manifest names {end} slots, more than {MAX_SLOTS}"));
        }
        let holes = holes(&vectors, shift);
        let mut writer = Writer {
            holes,
            dead: self.tombstones(&vectors, shift)?,
            ..empty_writer(settings, Some(shift), self.budget)?
        };
        writer.vectors = Column::from_pieces(shift, shape.row_bytes(), vectors, self.budget)?;
        writer.ids = Column::from_pieces(shift, 8, ids, self.budget)?;
        writer.id_map = self.id_map(end)?;
        Ok(writer)
    }

    /// Records, keys, and the next id to be given.
    fn records(&self, writer: &mut Writer, chunks: &mut ChunkParts) -> Result<()> {
        let named = self.manifest.parts.iter().filter(|entry| entry.part.kind == PartKind::Records);
        let rows: Vec<usize> = writer.vectors.pieces().iter().map(|piece| piece.rows.len()).collect();
        let mut pieces: Vec<Option<RecordPiece>> = rows.iter().map(|_| None).collect();
        for entry in named {
            let closed = || Error::new(ErrorKind::Internal, "a part of the manifest was not opened");
            let part = self.parts.get(&entry.part.number).ok_or_else(closed)?;
            let piece = records_in(part, next_serial())?;
            let place = usize::try_from(entry.position).ok().and_then(|at| Some((pieces.get_mut(at)?, rows.get(at)?)));
            let Some((place, _)) = place.filter(|(place, rows)| place.is_none() && piece.entries.len() <= **rows)
            else {
                return Err(damaged(part, "it holds records of rows that there are not, or that another holds too"));
            };
            chunks.insert(checkpoint::records_key(&piece), *part.part_ref());
            *place = Some(piece);
        }
        writer.records = RecordColumn::from_pieces(writer.shift, pieces, self.budget);
        if let Some(part) = self.all(PartKind::Keys)?.pop() {
            let run = run_in(part)?;
            if run.len() > writer.vectors.end() as usize {
                return Err(damaged(part, format!("{} keys for {} slots", run.len(), writer.vectors.end())));
            }
            writer.keys = IdMap::from_run(Some(run));
        }
        writer.key_salt = self.manifest.salt;
        let kept = next_id(self.manifest);
        writer.assigned = kept.is_some();
        let above = writer.id_map.last().map_or(1, |id| id.saturating_add(1));
        writer.next_id = kept.unwrap_or(1).max(above);
        Ok(())
    }

    fn tombstones(&self, chunks: &[Piece], shift: u32) -> Result<SlotBits> {
        let mut dead = SlotBits::new(shift);
        let Some(part) = self.all(PartKind::Tombstones)?.pop() else {
            let holes = holes(chunks, shift);
            return if holes == 0 { Ok(dead) } else { fail(ErrorKind::Corrupt, "the tombstones part is missing") };
        };
        let bits = section(part, checkpoint::BITS, 1 << (shift - 3))?;
        if bits.len() != chunks.len() {
            return Err(damaged(part, format!("{} chunks of {}", bits.len(), chunks.len())));
        }
        let mut words = Vec::new();
        for (chunk, piece) in chunks.iter().enumerate() {
            words.clear();
            make_room(&mut words, 1 << (shift - 6))?;
            words.extend(bits.row(chunk).chunks_exact(8).map(super::view::read_id));
            // Past the last row nothing can be dead; in a hole before it all is.
            let last = chunk + 1 == chunks.len();
            let stray = (piece.rows.len()..1 << shift).any(|bit| (words[bit / 64] >> (bit % 64) & 1 == 1) == last);
            if stray {
                return Err(damaged(part, format!("chunk {chunk} has marks for rows it does not hold")));
            }
            dead.put_chunk(chunk, &words)?;
        }
        Ok(dead)
    }

    fn id_map(&self, end: usize) -> Result<IdMap> {
        let Some(part) = self.all(PartKind::Ids)?.pop() else { return Ok(IdMap::default()) };
        let run = run_in(part)?;
        if run.len() > end {
            return Err(damaged(part, format!("{} ids for {end} slots", run.len())));
        }
        Ok(IdMap::from_run(Some(run)))
    }

    /// Graph, codes and codec.
    fn index(&self, settings: &Settings, writer: &Writer, shift: u32, chunks: &mut ChunkParts) -> Result<Index> {
        let mut index = Index::empty(empty_graph(settings, self.budget));
        let Some(part) = self.all(PartKind::Graph)?.pop() else { return Ok(index) };
        let wanted = index.graph.params();
        index.graph = graph_in(part, self.budget)?;
        let params = index.graph.params();
        if index.graph.len() > writer.vectors.end() || params != wanted {
            return Err(damaged(part, format!("it is for {} slots with {params:?}", index.graph.len())));
        }
        let blob = |tag| blob(self.manifest, tag);
        let trained = blob(checkpoint::EXTRA_TRAINED).and_then(|bytes| bytes.try_into().ok());
        index.trained = trained.map_or(0, u32::from_le_bytes);
        index.calibration = blob(checkpoint::EXTRA_CALIBRATION).and_then(Calibration::from_bytes).map(Arc::new);
        let Some(bytes) = blob(checkpoint::EXTRA_CODEC) else { return Ok(index) };
        let codec = Codec::from_bytes(settings.dim as usize, bytes)?;
        let codec = codec.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the manifest holds no usable codec"))?;
        let error = blob(checkpoint::EXTRA_CODE_ERROR).and_then(|bytes| bytes.try_into().ok());
        index.code_error = error.map(f64::from_le_bytes).filter(|error| *error >= 0.0);
        for part in self.all(PartKind::Codes)? {
            let piece = Piece::new(section(part, checkpoint::CODES, codec.code_bytes())?);
            chunks.insert((piece.serial, piece.rows.len()), *part.part_ref());
            index.codes.push(piece);
        }
        index.codec = Some(Arc::new(codec));
        let fits = index.codes.iter().all(|piece| piece.rows.len() <= 1 << shift);
        if !fits || super::column::table(&index.codes, shift).end() < index.graph.len() {
            return fail(ErrorKind::Corrupt, "there are fewer codes than the graph has slots");
        }
        Ok(index)
    }
}

/// Slots that do not exist because a chunk before the last is partly filled.
fn holes(chunks: &[Piece], shift: u32) -> u64 {
    let before_last = &chunks[..chunks.len().saturating_sub(1)];
    before_last.iter().map(|piece| (1u64 << shift) - piece.rows.len() as u64).sum()
}
