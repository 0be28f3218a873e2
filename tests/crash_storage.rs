//! Power cuts, kills and I/O errors at every single call of a storage workload.
//!
//! The workload is a database reduced to its bytes: batches are numbers, a
//! checkpoint writes them into a part, the log holds the rest. Whatever
//! happens, the next open must find exactly the first so many batches, at
//! least those that were acknowledged, each of them whole. The order of writes
//! that makes it so is the table at the end of `docs/file-format.md`.

use std::collections::BTreeMap;
use std::sync::Arc;
use vdb::arena::FaultCell;
use vdb::storage::sim::{CrashKind, Operation, SimStorage};
use vdb::storage::wal::{WalWriter, WriteMode, replay};
use vdb::storage::{
    Blocks, LockGuard, Manifest, Part, PartEntry, PartKind, PartWriter, Schema, Storage, StorageError, manifest,
};
use vdb::util::hash::mix;

const SALT: u64 = 77;
const BATCHES: u32 = 1;

/// The bytes of batch `id`, of many lengths.
fn payload(id: u64) -> Vec<u8> {
    let len = mix(id, 1) % if id.is_multiple_of(4) { 5000 } else { 60 };
    id.to_le_bytes().into_iter().chain((0..len).map(|i| (i * 7 + id) as u8)).collect()
}

/// A database without vectors.
struct Store {
    disk: SimStorage,
    manifest: Manifest,
    log: WalWriter,
    batches: Vec<u64>,
    _lock: LockGuard,
}

impl Store {
    fn open(disk: &SimStorage) -> Result<Store, StorageError> {
        let lock = disk.lock()?;
        let Some(manifest) = Manifest::load(disk)? else {
            manifest::prepare_new(disk)?;
            let log = WalWriter::create(disk, 1, SALT, 0)?;
            let schema = Schema { dim: 8, ..Schema::default() };
            let manifest = Manifest { generation: 1, schema, next_file: 1, wal: 1, salt: SALT, ..Manifest::default() };
            manifest.write(disk)?;
            return Ok(Store { disk: disk.clone(), manifest, log, batches: Vec::new(), _lock: lock });
        };
        let mut batches = Vec::new();
        for entry in &manifest.parts {
            let part = Part::open(disk, &entry.part, &Arc::new(FaultCell::default()), true)?;
            let rows = part.rows(BATCHES, 8)?.expect("every part of this workload has the section");
            batches.extend((0..rows.len()).map(|i| u64::from_le_bytes(rows.row(i).try_into().unwrap())));
        }
        let start = manifest.wal_start();
        let found = replay(disk, &start, |record| {
            let id = u64::from_le_bytes(record.payload[..8].try_into().unwrap());
            batches.push(id);
            if record.payload != payload(id) || record.lsn != batches.len() as u64 {
                return Err(StorageError::Misuse { what: "a batch is damaged or missing" });
            }
            Ok(())
        })?;
        let log = WalWriter::resume(disk, &start, &found)?;
        manifest.remove_obsolete(disk)?;
        Ok(Store { disk: disk.clone(), manifest, log, batches, _lock: lock })
    }

    fn append(&mut self, id: u64, mode: WriteMode) -> Result<(), StorageError> {
        self.log.set_mode(mode);
        let bytes = payload(id);
        let (a, b) = bytes.split_at(bytes.len() / 2);
        self.log.append(self.batches.len() as u64 + 1, 0, &[a, b])?;
        self.batches.push(id);
        Ok(())
    }

    /// A batch that is durable when this returns.
    fn commit(&mut self, told: &mut Told, id: u64) -> Result<(), StorageError> {
        told.in_flight = Some(id);
        self.append(id, WriteMode::Direct)?;
        told.done(id);
        told.written = told.batches.len();
        self.log.sync()?;
        told.all_durable();
        Ok(())
    }

    fn append_and_roll_back(&mut self, id: u64) -> Result<(), StorageError> {
        let mark = self.log.mark();
        self.append(id, WriteMode::Direct)?;
        self.batches.pop();
        self.log.rollback_to(mark)
    }

    /// All batches go into one new part (and the old parts), then the log starts anew.
    /// `meanwhile` is committed between the two.
    fn checkpoint(&mut self, told: &mut Told, meanwhile: u64) -> Result<(), StorageError> {
        self.log.rotate(&self.disk)?;
        told.all_durable();
        let lsn = self.batches.len();
        self.commit(told, meanwhile)?;
        let mut next = self.manifest.clone();
        next.generation += 1;
        next.next_file += 1;
        let number = self.manifest.next_file;
        let mut writer = PartWriter::create(&self.disk, PartKind::Chunk, next.generation, number, Blocks::Short)?;
        let new = &self.batches[self.manifest.lsn as usize..lsn];
        writer.section(BATCHES, 8, new.iter().map(|id| id.to_le_bytes()))?;
        next.parts.push(PartEntry { position: next.parts.len() as u64, part: writer.finish()? });
        next.lsn = lsn as u64;
        next.wal = self.log.position().number;
        next.write(&self.disk)?;
        self.manifest = next;
        self.manifest.remove_obsolete(&self.disk).map(|_| ())
    }

    fn close(mut self) -> Result<(), StorageError> {
        self.log.sync()?;
        self.manifest.generation += 1;
        self.manifest.wal_durable = self.log.durable();
        self.manifest.write(&self.disk)
    }
}

/// What the outside world was told.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Batches whose append returned OK and was not taken back.
    batches: Vec<u64>,
    /// How many of them were acknowledged to survive a kill.
    written: usize,
    /// How many of them were acknowledged to survive a power cut.
    durable: usize,
    /// A batch whose fate is open.
    in_flight: Option<u64>,
}

impl Told {
    /// Whether a store that holds `found` keeps the first `at_least` batches.
    fn check(&self, found: &[u64], at_least: usize) -> Result<(), String> {
        let all: Vec<u64> = self.batches.iter().copied().chain(self.in_flight).collect();
        if found.len() >= at_least && all.starts_with(found) {
            return Ok(());
        }
        Err(format!("found {found:?}, told {self:?}, promised {at_least}"))
    }

    fn done(&mut self, id: u64) {
        self.batches.push(id);
        self.in_flight = None;
    }

    fn all_durable(&mut self) {
        (self.written, self.durable) = (self.batches.len(), self.batches.len());
    }
}

/// A process that works on a disk, and what it told.
struct Process {
    disk: SimStorage,
    store: Option<Store>,
    told: Told,
}

impl Process {
    fn on(disk: &SimStorage) -> Process {
        Process { disk: disk.clone(), store: None, told: Told::default() }
    }

    /// Opens the store if it is not open. What is found then counts.
    fn store(&mut self) -> Result<&mut Store, StorageError> {
        if self.store.is_none() {
            let store = Store::open(&self.disk)?;
            self.told.check(&store.batches, self.told.written).unwrap();
            self.told = Told { batches: store.batches.clone(), ..Told::default() };
            self.told.all_durable();
            self.store = Some(store);
        }
        Ok(self.store.as_mut().expect("just opened"))
    }

    /// The process fails and another one follows, on the same running machine.
    fn give_up(&mut self) {
        self.store = None;
        // What was written but not synced may be gone after a failed sync.
        self.told.written = self.told.durable;
    }

    /// Step `step` of script `seed`.
    fn step(&mut self, seed: u64, step: u64) -> Result<(), StorageError> {
        self.store()?;
        let (Some(store), told) = (self.store.as_mut(), &mut self.told) else { unreachable!() };
        let id = step + 1;
        match mix(step, seed) % 11 {
            0..=2 => store.commit(told, id)?,
            3..=4 => {
                told.in_flight = Some(id);
                store.append(id, WriteMode::Direct)?;
                told.done(id);
                told.written = told.batches.len();
            }
            5 => {
                told.in_flight = Some(id);
                store.append(id, WriteMode::Buffered)?;
                told.done(id);
            }
            6 => {
                store.log.sync()?;
                told.all_durable();
            }
            7 => store.checkpoint(told, id)?,
            8 => {
                told.in_flight = Some(id);
                store.append_and_roll_back(id)?;
                told.in_flight = None;
            }
            9 => self.store = None,
            _ => {
                self.store.take().map_or(Ok(()), Store::close)?;
                told.all_durable();
            }
        }
        Ok(())
    }

    fn run(&mut self, seed: u64) -> Result<(), StorageError> {
        (0..STEPS).try_for_each(|step| self.step(seed, step))
    }
}

const STEPS: u64 = 25;

/// Number of scripts to crash at every call; more of them in a nightly run.
fn scripts() -> u64 {
    std::env::var("VDB_CRASH_SCRIPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

/// Calls that script `seed` makes when nothing goes wrong.
fn operations(seed: u64) -> Vec<Operation> {
    let disk = SimStorage::new();
    Process::on(&disk).run(seed).unwrap();
    disk.operations()
}

/// Runs script `seed` up to call `at`, where the process dies.
fn crash(disk: &SimStorage, seed: u64, at: usize) -> Told {
    disk.crash_at(at);
    let mut process = Process::on(disk);
    let result = process.run(seed);
    assert!(result.is_err() || at >= disk.operations().len());
    process.told
}

/// Opens what is on `disk`, which must fit what was told, and goes on with it:
/// what was found must be durable and stay so.
fn survives(disk: &SimStorage, told: &Told, at_least: usize) -> Result<(), String> {
    let text = |e: StorageError| e.to_string();
    let mut store = Store::open(disk).map_err(text)?;
    told.check(&store.batches, at_least)?;
    store.append(1000, WriteMode::Direct).and_then(|()| store.log.sync()).map_err(text)?;
    let expected = std::mem::take(&mut store.batches);
    drop(store);
    let later = Store::open(&disk.crash_image(CrashKind::Strict, 0)).map_err(text)?;
    if later.batches == expected { Ok(()) } else { Err(format!("{expected:?} became {:?}", later.batches)) }
}

/// Lets recovery itself be interrupted, by another power cut.
fn survives_twice(disk: &SimStorage, told: &Told, kind: CrashKind, seed: u64) -> Result<(), String> {
    let second = disk.after_kill();
    second.crash_at(mix(seed, 3) as usize % 40);
    let _ = Store::open(&second);
    survives(&second.crash_image(kind, seed), told, told.durable)
}

/// All the ways the crash of `disk` could have gone.
fn survives_all(disk: &SimStorage, told: &Told, seeds: std::ops::Range<u64>) -> Result<(), String> {
    survives(&disk.after_kill(), told, told.written).map_err(|e| format!("kill: {e}"))?;
    for (kind, seed) in CrashKind::ALL.into_iter().flat_map(|kind| seeds.clone().map(move |seed| (kind, seed))) {
        let named = |e| format!("{kind:?}, seed {seed}: {e}");
        let image = disk.crash_image(kind, seed);
        survives_twice(&image, told, kind, seed).map_err(named)?;
        survives_twice(&disk.after_kill(), told, kind, seed).map_err(named)?;
        survives(&image, told, told.durable).map_err(named)?;
    }
    Ok(())
}

#[test]
fn no_acknowledged_batch_is_lost_and_no_half_batch_found_whenever_the_power_goes() {
    let mut cuts = 0;
    for seed in 0..scripts() {
        for at in 0..=operations(seed).len() {
            let disk = SimStorage::new();
            let told = crash(&disk, seed, at);
            survives_all(&disk, &told, 0..2).unwrap_or_else(|e| panic!("script {seed}, call {at}: {e}"));
            cuts += 1;
        }
    }
    // Two of each kind, and as many again with a second cut, before and after the first.
    println!("{} images of {cuts} power cuts", cuts * CrashKind::ALL.len() * 2 * 3);
}

/// Removes each sync in turn, in the workload and in recovery: some power cut
/// must notice. One is spare: `remove_obsolete` syncs the directory for callers
/// that did not resume the log first, as this workload does.
#[test]
fn the_crash_test_notices_every_missing_sync() {
    const SPARE: &str = "sync directory after read CURRENT";
    let mut sites = BTreeMap::<String, bool>::new();
    for seed in 0..3 {
        let operations = operations(seed);
        for (ignored, site) in syncs(&operations) {
            let noticed = sites.entry(site).or_default();
            let window = ignored + 1..operations.len().min(ignored + 30);
            *noticed = *noticed
                || window.into_iter().any(|at| {
                    let disk = SimStorage::new();
                    disk.ignore_sync(ignored);
                    let told = crash(&disk, seed, at);
                    loses_something(&disk, &told)
                });
        }
    }
    let missed: Vec<_> = sites.iter().filter(|(_, noticed)| !**noticed).map(|(site, _)| site.as_str()).collect();
    assert_eq!((missed, sites.len()), (vec![SPARE], 10), "{sites:?}");
}

/// Indexes and names of the syncs: what is synced, and after which call.
fn syncs(operations: &[Operation]) -> Vec<(usize, String)> {
    let name = |op: &Operation| {
        let file = op.file.split('-').next().unwrap_or_default();
        if file == "." { op.call.to_string() } else { format!("{} {file}", op.call) }
    };
    let pairs = operations.windows(2).enumerate().filter(|(_, pair)| pair[1].call.starts_with("sync"));
    pairs.map(|(i, pair)| (i + 1, format!("{} after {}", name(&pair[1]), name(&pair[0])))).collect()
}

/// Whether one of many power cuts at this point breaks a promise.
fn loses_something(disk: &SimStorage, told: &Told) -> bool {
    let mut cuts = CrashKind::ALL.into_iter().flat_map(|kind| (0..24).map(move |seed| (kind, seed)));
    cuts.any(|(kind, seed)| survives(&disk.crash_image(kind, seed), told, told.durable).is_err())
}

#[test]
fn one_failed_call_never_costs_an_acknowledged_batch() {
    for (seed, errno) in [(0, libc::EIO), (1, libc::ENOSPC), (2, libc::EIO), (3, libc::ENOSPC)] {
        for (at, operation) in operations(seed).iter().enumerate() {
            let disk = SimStorage::new();
            disk.fail_at(at, errno);
            let mut process = Process::on(&disk);
            for step in 0..STEPS {
                let Err(error) = process.step(seed, step) else { continue };
                let clean = process.store.as_ref().is_some_and(|store| !store.log.has_failed());
                if clean
                    && operation.call == "write"
                    && operation.file.starts_with("wal")
                    && process.told.in_flight.is_some()
                {
                    // The batch was rolled back; the same store goes on.
                    assert_eq!(error.is_no_space(), errno == libc::ENOSPC);
                    process.told.in_flight = None;
                } else {
                    process.give_up();
                }
            }
            let store = process.store().unwrap();
            store.log.sync().unwrap();
            process.told.all_durable();
            survives_all(&disk, &process.told, 0..1)
                .unwrap_or_else(|e| panic!("script {seed}, call {at} {operation:?}: {e}"));
        }
    }
}
