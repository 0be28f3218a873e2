//! Backups: the state of a moment as a directory of its own, made beside writers.
//!
//! A backup is what a checkpoint of the pinned view would be, written elsewhere: parts that the
//! database has in files are linked or copied, those that it has not are written, and a manifest
//! and an empty log complete them. Nothing is written in the database's own directory. It is
//! made in a subdirectory and appears when it is whole (`storage::Staging`).
//!
//! A file is shared where that is possible, for parts never change: with the database itself
//! (no more than its footer is read), else with an earlier backup (every byte of which is read and verified first),
//! else it is copied, verified on the way. Checkpoints go on meanwhile and remove no part that is
//! still read here.

use super::checkpoint::{Checkpoints, EXTRA_BACKUP, Work};
use super::core::{Core, Store};
use super::error::{Error, ErrorKind, Result, fail};
use super::parts::OpenParts;
use super::repair::lies_within;
use super::schema::{blob, first_manifest, random};
use super::task::Task;
use super::view::View;
use crate::storage::wal::WalWriter;
use crate::storage::{Extra, LockGuard, Manifest, OsStorage, PartRef, Staging, Storage, part};
use crate::util::sync::lock;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Bits of the number of a backup's log file. It is drawn at random: the salt is that of the database, by which keys are
/// hashed, and what the logs of either left in the same disk blocks must not pass for a record of the other.
const LOG_BITS: u32 = 48;
/// Parts that are not there once for each chunk: graph, ids, keys, tombstones.
const OTHER_PARTS: u64 = 4;
const CANCELLED: &str = "the backup was cancelled; nothing is left of it";

/// See [`super::Database::backup`].
pub fn backup(core: &Core, path: &Path, previous: Option<&Path>, task: Option<&Task>) -> Result<()> {
    core.check_faults()?;
    check_apart(core, path, previous)?;
    let previous = previous.map(|path| Previous::open(core, path)).transpose()?;
    let staging = Staging::new(path)?;
    write(core, &staging.storage()?, previous.as_ref(), task)?;
    staging.finish()?;
    // Too late to cancel: the backup is there.
    if let Some(task) = task {
        task.finished(task.progress().1);
    }
    Ok(())
}

/// Refuses a directory inside that of the database or of the earlier backup, which would be changed by it.
fn check_apart(core: &Core, path: &Path, previous: Option<&Path>) -> Result<()> {
    let own = core.directory().and_then(|storage| storage.directory());
    let outer = [own, previous].into_iter().flatten().find(|outer| lies_within(path, outer));
    match outer {
        Some(outer) => {
            let message = format!("a backup cannot be made inside {}: name another directory", outer.display());
            fail(ErrorKind::InvalidArgument, message)
        }
        None => Ok(()),
    }
}

/// Makes the backup in the empty directory `to`.
pub fn write(core: &Core, to: &dyn Storage, previous: Option<&Previous>, task: Option<&Task>) -> Result<()> {
    let Basis { view, mut known, files } = Basis::of(core)?;
    let (first_new, salt) = (known.manifest.next_file, known.manifest.salt);
    let mut work = Work::new(core, to, &mut known, &view, (task, CANCELLED));
    work.write_parts()?;
    for entry in work.parts().iter().filter(|entry| entry.part.number < first_new) {
        provide(&entry.part, &files, to, previous, &mut |bytes| work.advance(bytes))?;
    }
    core.check_faults()?;
    let log = WalWriter::create(to, (random() >> (64 - LOG_BITS)).max(1), salt, view.lsn)?;
    let (mut manifest, _) = work.finish(log.durable())?;
    manifest.extra.push(Extra { tag: EXTRA_BACKUP, bytes: Vec::new() });
    Ok(manifest.write(to)?)
}

/// Puts the file of `part` into the directory `to`, in the cheapest way there is.
fn provide(
    part: &PartRef,
    files: &Files<'_>,
    to: &dyn Storage,
    previous: Option<&Previous>,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let name = part.file_name();
    if files.directory().is_some_and(|from| to.link_from(from, &name)) {
        // The name may lead to another file by now than the one that was opened, which is then still there to be copied.
        match part::check_footer(to, part) {
            Ok(()) => return advance(part.len),
            Err(_) => to.remove(&name)?,
        }
    }
    if let Some(previous) = previous.filter(|previous| previous.has(part))
        && to.link_from(&previous.storage, &name)
    {
        // Damage there would be damage here, and in all backups to come.
        let verified = part::verify::<Error>(to, part, &mut |bytes, damage| {
            damage.map_or(Ok(()), Err)?;
            advance(bytes.len() as u64)
        });
        match verified {
            Err(error) if error.kind() != ErrorKind::Cancelled => to.remove(&name)?,
            verified => return verified,
        }
    }
    files.copy(part, to, advance)
}

/// What a backup is made of.
struct Basis<'a> {
    view: Arc<View>,
    /// What of it is in files.
    known: Checkpoints,
    files: Files<'a>,
}

/// The files of a database, which stay readable while this is there.
enum Files<'a> {
    /// It is in memory.
    None,
    /// Its own.
    Own(Reading<'a>),
    /// Those of a writer, open.
    Followed(&'a dyn Storage, OpenParts),
}

/// Keeps checkpoints from removing some parts.
struct Reading<'a> {
    store: &'a Store,
    numbers: Vec<u64>,
}

impl<'a> Basis<'a> {
    fn of(core: &'a Core) -> Result<Basis<'a>> {
        if let Some(follower) = &core.follower {
            let (view, known, parts) = follower.holding(core);
            return Ok(Basis { view, known, files: Files::Followed(follower.storage(), parts) });
        }
        let Some(store) = &core.store else {
            let view = core.view.load_full();
            let manifest = Manifest { salt: view.key_salt, ..first_manifest(&core.settings, core.shift) };
            // No index has this version: nothing is in files.
            let known = Checkpoints { manifest, index_version: u64::MAX, ..Checkpoints::default() };
            return Ok(Basis { view, known, files: Files::None });
        };
        let mut done = lock(&store.checkpoints);
        // Not before: a checkpoint in between could have removed what the view came from.
        let view = core.view.load_full();
        let parts = done.manifest.parts.iter().map(|entry| entry.part.number);
        let numbers: Vec<u64> = parts.chain(done.chunks.values().map(|part| part.number)).collect();
        numbers.iter().for_each(|&number| *done.read_by.entry(number).or_default() += 1);
        let known = done.clone();
        // What is written for the backup is the database's no more than its own next parts are the backup's.
        let pieces = view.chunks.vectors.len() + view.index.codes.len() + view.records.chunks().len();
        done.manifest.next_file += pieces as u64 + OTHER_PARTS;
        Ok(Basis { view, known, files: Files::Own(Reading { store, numbers }) })
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut done = lock(&self.store.checkpoints);
        for number in &self.numbers {
            if let Some(readers) = done.read_by.get_mut(number) {
                *readers -= 1;
            }
        }
        // The next checkpoint removes what is obsolete by then.
        done.read_by.retain(|_, readers| *readers > 0);
    }
}

impl Files<'_> {
    fn directory(&self) -> Option<&dyn Storage> {
        match self {
            Files::None => None,
            Files::Own(reading) => Some(reading.store.storage.as_ref()),
            Files::Followed(storage, _) => Some(*storage),
        }
    }

    fn copy(&self, part: &PartRef, to: &dyn Storage, advance: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        let closed = || Error::new(ErrorKind::Internal, format!("{} is not open", part.file_name()));
        match self {
            Files::None => Err(closed()),
            Files::Own(reading) => {
                part::copy(reading.store.storage.open_read(&part.file_name())?.as_ref(), part, to, advance)
            }
            Files::Followed(_, open) => {
                part::copy(open.get(&part.number).ok_or_else(closed)?.file(), part, to, advance)
            }
        }
    }
}

/// An earlier backup of the same database.
pub struct Previous {
    storage: OsStorage,
    parts: HashMap<u64, PartRef>,
    _no_writer: Option<LockGuard>,
}

impl Previous {
    /// The backup in the directory `path`, which no writer may have open.
    pub fn open(core: &Core, path: &Path) -> Result<Previous> {
        let told = |error: Error| {
            let message = format!("the earlier backup: {}", error.message());
            Error::new(error.kind(), message).with_os(error.os_error())
        };
        Previous::read(core, path).map_err(told)
    }

    fn read(core: &Core, path: &Path) -> Result<Previous> {
        let own = match (&core.store, &core.follower) {
            (Some(store), _) => lock(&store.checkpoints).manifest.clone(),
            (None, Some(follower)) => follower.manifest(),
            (None, None) => {
                let message = "a database in memory has no files to share with it: make a full backup";
                return fail(ErrorKind::InvalidArgument, message);
            }
        };
        let storage = OsStorage::open(path, false, false)?;
        let no_writer = storage.keep_writers_out()?;
        let Some(manifest) = Manifest::load(&storage)? else {
            return fail(ErrorKind::NotFound, "there is no database in the directory");
        };
        let is_backup = blob(&manifest, EXTRA_BACKUP).is_some();
        if !is_backup || (&manifest.schema, manifest.salt) != (&own.schema, own.salt) {
            let message = "it is not one of this database, or it was opened and written since";
            return fail(ErrorKind::Mismatch, message);
        }
        let parts = manifest.parts.iter().map(|entry| (entry.part.number, entry.part)).collect();
        Ok(Previous { storage, parts, _no_writer: no_writer })
    }

    /// Whether it has this very file.
    fn has(&self, part: &PartRef) -> bool {
        self.parts.get(&part.number) == Some(part)
    }
}

impl Core {
    /// The directory of the database, where it has one.
    fn directory(&self) -> Option<&dyn Storage> {
        let own = self.store.as_ref().map(|store| store.storage.as_ref());
        own.or(self.follower.as_ref().map(|follower| follower.storage()))
    }
}
