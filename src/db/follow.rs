//! Following: a database that is only read, while another process writes it.
//!
//! The files are made for it. Parts never change, CURRENT is replaced as a
//! whole, the log only grows, and what a checkpoint makes superfluous goes
//! only after CURRENT names the next generation. So a reader needs no lock and
//! leaves no trace: it reads the newest manifest, maps the parts and replays
//! the log as far as it is whole (LevelDB's secondary instances,
//! <https://github.com/facebook/rocksdb/wiki/Read-only-and-Secondary-instances>).
//! Whatever vanishes in between shows as an error, after which the next
//! manifest is read. What is mapped stays readable without its name.
//!
//! Must never write, lock or remove a file, and never starts graph work: rows
//! that the writer's graph does not cover yet are scanned.

use super::checkpoint::Checkpoints;
use super::commit::broken;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::open::replay;
use super::options::{Options, Settings};
use super::parts::{ChunkParts, OpenParts, open_parts, read_parts};
use super::schema::stored_settings;
use super::view::View;
use super::writer::Writer;
use crate::arena::{Budget, FaultCell};
use crate::storage::format::HEADER_LEN;
use crate::storage::wal::WalStart;
use crate::storage::{FileName, Live, Manifest, Storage};
use crate::util::sync::lock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// How often the files are read again while the writer replaces them.
const TRIES: usize = 100;
/// How often where no new generation explains the error. The log may have
/// changed under a listing of the directory; damage looks the same each time.
const TRIES_ALIKE: usize = 4;

/// The reading end of a directory that another process writes.
pub struct Follower {
    storage: Box<dyn Storage>,
    place: Mutex<Place>,
    /// Bytes of the present log file that were read.
    pub log_bytes: AtomicU64,
}

/// How far the files were read.
struct Place {
    live: Live,
    manifest: Manifest,
    /// The parts of the manifest: the next one shares most of them.
    parts: OpenParts,
    /// The part of each chunk of the view.
    chunks: ChunkParts,
    /// Where the log goes on; `None` once following it failed halfway, when
    /// only reading everything again gives a known state.
    log: Option<WalStart>,
}

impl Follower {
    /// Reads the newest state of the database in `storage`.
    pub fn open(
        storage: Box<dyn Storage>,
        options: &Options,
        faults: &Arc<FaultCell>,
        budget: &Budget,
    ) -> Result<(Settings, Writer, Follower)> {
        let (live, manifest) = newest(storage.as_ref())?;
        let settings = stored_settings(&manifest, options)?;
        let nothing = Place { live, manifest, parts: OpenParts::new(), chunks: ChunkParts::new(), log: None };
        let (writer, place) = load(storage.as_ref(), &settings, (faults, budget), &nothing)?;
        let log_bytes = AtomicU64::new(place.log_bytes());
        Ok((settings, writer, Follower { storage, place: Mutex::new(place), log_bytes }))
    }

    /// The directory.
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// The present view of `core`, what is in which of the files that it came from, and these, open: they
    /// stay readable when the writer removes them.
    pub fn holding(&self, core: &Core) -> (Arc<View>, Checkpoints, OpenParts) {
        let place = lock(&self.place);
        let view = core.view.load_full();
        // Nothing here makes another index of it.
        let index_version = view.index.version;
        let (manifest, chunks) = (place.manifest.clone(), place.chunks.clone());
        (view, Checkpoints { manifest, chunks, index_version, ..Checkpoints::default() }, place.parts.clone())
    }

    /// The generation that was read last.
    pub fn manifest(&self) -> Manifest {
        lock(&self.place).manifest.clone()
    }
}

impl Place {
    fn log_bytes(&self) -> u64 {
        self.log.map_or(0, |log| log.from.offset)
    }
}

/// Moves to the newest state of the directory, if it is not the present one.
///
/// That is a later one, but where a writer took back a batch whose sync failed:
/// then it is the one before that batch, or what another writer made of it.
pub fn refresh(core: &Core) -> Result<()> {
    let Some(follower) = &core.follower else { return Ok(()) };
    core.check_faults()?;
    let storage = follower.storage.as_ref();
    let mut place = lock(&follower.place);
    let same = Manifest::live(storage)? == Some(place.live);
    // An error while following: there may have been a new generation a moment after we looked.
    if !same || follow_log(core, storage, &mut place).is_err() {
        let (writer, next) = load(storage, &core.settings, (&core.faults, &core.budget), &place)?;
        let mut present = core.writer.lock().map_err(|_| broken())?;
        *present = writer;
        core.publish(&mut present)?;
        *place = next;
        let (generation, lsn) = (place.manifest.generation, present.lsn);
        core.log.info(format_args!("refresh generation={generation} lsn={lsn}"));
    }
    follower.log_bytes.store(place.log_bytes(), Relaxed);
    core.counters.checkpoint_lsn.store(place.manifest.lsn, Relaxed);
    Ok(())
}

/// Whether the writer has written what this handle has not read; `false` too where that cannot be told now.
pub fn is_behind(core: &Core) -> bool {
    let Some(follower) = &core.follower else { return false };
    let storage = follower.storage.as_ref();
    // While it is read, it is about to be.
    let Ok(place) = follower.place.try_lock() else { return false };
    let Ok(live) = Manifest::live(storage) else { return false };
    let Some(log) = place.log.filter(|_| live == Some(place.live)) else { return true };
    let goes_on = |number, from| storage.size(&FileName::Wal(number).to_string()).is_ok_and(|size| size > from);
    goes_on(log.from.number, log.from.offset) || goes_on(log.from.number + 1, HEADER_LEN as u64)
}

/// Applies what the log holds beyond the place that was reached.
fn follow_log(core: &Core, storage: &dyn Storage, place: &mut Place) -> Result<()> {
    let Some(start) = place.log.take() else { return fail(ErrorKind::Internal, "the place in the log is not known") };
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    let found = replay(storage, &start, &mut writer)?;
    if found.records > 0 {
        core.publish(&mut writer)?;
    }
    place.log = Some(start.after(&found));
    Ok(())
}

/// Where damage is noted, and what memory is taken from.
type Means<'a> = (&'a Arc<FaultCell>, &'a Budget);

/// Reads parts and log of the newest generation of the database that `was` is
/// an earlier place in. Tries again when the writer replaces files on the way.
fn load(storage: &dyn Storage, settings: &Settings, with: Means<'_>, was: &Place) -> Result<(Writer, Place)> {
    let mut alike = 0;
    let mut last = None;
    for _ in 0..TRIES {
        let (live, manifest) = newest(storage)?;
        check_same(&was.manifest, &manifest)?;
        alike = if last == Some(live) { alike + 1 } else { 0 };
        last = Some(live);
        match load_generation(storage, (live, manifest), settings, with, &was.parts) {
            Err(error) if alike + 1 >= TRIES_ALIKE || !may_pass(&error) => return Err(error),
            Err(_) => {}
            loaded => return loaded,
        }
    }
    fail(ErrorKind::Io, "the files change faster than they can be read; try again")
}

/// Whether a file that the writer replaces or removes can be the reason.
fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Io | ErrorKind::Corrupt)
}

fn load_generation(
    storage: &dyn Storage,
    (live, manifest): (Live, Manifest),
    settings: &Settings,
    (faults, budget): Means<'_>,
    present: &OpenParts,
) -> Result<(Writer, Place)> {
    let parts = open_parts(storage, &manifest, settings, faults, present)?;
    let (mut writer, chunks) = read_parts(&manifest, settings, &parts, budget)?;
    writer.faults = faults.clone();
    let start = manifest.wal_start();
    let found = replay(storage, &start, &mut writer)?;
    Ok((writer, Place { live, manifest, parts, chunks, log: Some(start.after(&found)) }))
}

fn newest(storage: &dyn Storage) -> Result<(Live, Manifest)> {
    let none = || Error::new(ErrorKind::NotFound, "there is no database in the directory to read");
    Manifest::load_live(storage)?.ok_or_else(none)
}

/// An error when the directory holds another database than before.
fn check_same(was: &Manifest, found: &Manifest) -> Result<()> {
    if (&found.schema, found.salt) != (&was.schema, was.salt) {
        return fail(ErrorKind::Mismatch, "the directory holds another database than before; open it again");
    }
    Ok(())
}
