//! A simulated disk that can lose power, for tests.
//!
//! It keeps apart what was written and what was synced, for the bytes of every
//! file and for the names in the directory, and can answer at any point: what
//! could be on the disk if the power went *now*? ([`SimStorage::crash_image`]).
//! It can fail any single call, or all calls from one on, and can be told to
//! ignore a sync, to prove that a test would notice.
//!
//! Harsher than any one file system on purpose: a synced file may lack its
//! name until the directory is synced, and un-synced operations on names
//! survive in any subset. Same seed, same image. (The idea is that of SQLite's
//! test VFS, of TigerBeetle's simulator, and of ALICE, Pillai et al., OSDI'14.)

mod image;

pub use image::CrashKind;

use super::error::{Result, StorageError};
use super::lock::LockGuard;
use super::mmap::Mapping;
use super::{File, ReadFile, Storage};
use crate::arena::Budget;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One call that reached the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `create`, `open`, `read`, `write`, `truncate`, `sync`, `rename`, `remove`, `list`,
    /// `sync directory` or `lock`.
    pub call: &'static str,
    /// The file, `.` for the directory.
    pub file: String,
}

/// A disk in memory. Clones are handles of the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimStorage {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Clone, Debug, Default)]
struct Disk {
    files: Vec<FileState>,
    /// Names as a process sees them: index into `files`.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    operations: Vec<Operation>,
    faults: Faults,
    locked: bool,
}

#[derive(Clone, Debug, Default)]
struct FileState {
    /// What a process reads.
    current: Vec<u8>,
    durable: Vec<u8>,
    /// Un-synced changes, oldest first.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link { name: String, file: usize },
    Unlink { name: String, file: usize },
    Rename { from: String, to: String, file: usize },
}

#[derive(Clone, Debug, Default)]
struct Faults {
    crash_at: Option<usize>,
    fail_at: Option<(usize, i32)>,
    ignored_sync: Option<usize>,
}

impl SimStorage {
    /// An empty disk.
    pub fn new() -> SimStorage {
        SimStorage::default()
    }

    /// Every call so far; its length is the index of the next call.
    pub fn operations(&self) -> Vec<Operation> {
        self.disk().operations.clone()
    }

    /// Lets the process die in call `index`: this one and all later ones fail
    /// without effect, but that a write leaves half of its bytes behind.
    pub fn crash_at(&self, index: usize) {
        self.disk().faults.crash_at = Some(index);
    }

    /// Lets call `index` fail with the system error `errno`. A write leaves
    /// half of its bytes behind. A sync makes the first half of the changes
    /// durable and drops the others for good, so that a repeated sync that
    /// answers OK proves nothing, as on real disks.
    pub fn fail_at(&self, index: usize, errno: i32) {
        self.disk().faults.fail_at = Some((index, errno));
    }

    /// Lets call `index`, a sync, succeed without doing anything.
    pub fn ignore_sync(&self, index: usize) {
        self.disk().faults.ignored_sync = Some(index);
    }

    /// What a new process finds after this one was killed: all that was
    /// written, synced or not (nothing becomes durable by being killed).
    pub fn after_kill(&self) -> SimStorage {
        let mut disk = self.disk().clone();
        (disk.faults, disk.locked) = (Faults::default(), false);
        disk.operations.clear();
        SimStorage { disk: Arc::new(Mutex::new(disk)) }
    }

    /// What a new process finds after the power was cut now.
    pub fn crash_image(&self, kind: CrashKind, seed: u64) -> SimStorage {
        SimStorage { disk: Arc::new(Mutex::new(image::after_power_cut(&self.disk(), kind, seed))) }
    }

    /// Changes the bytes of a file behind everyone's back.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut disk = self.disk();
        let file = disk.find(name)?;
        change(&mut disk.files[file].current);
        disk.files[file].durable = disk.files[file].current.clone();
        Ok(())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Counts a call and lets it fail where that was asked for.
    fn begin(&mut self, call: &'static str, file: &str) -> Result<()> {
        let index = self.operations.len();
        self.operations.push(Operation { call, file: file.into() });
        if self.faults.crash_at.is_some_and(|crash| index >= crash) {
            return Err(StorageError::io(call, file, io::Error::other("the simulated process is dead")));
        }
        match self.faults.fail_at {
            Some((at, errno)) if at == index => Err(StorageError::io(call, file, io::Error::from_raw_os_error(errno))),
            _ => Ok(()),
        }
    }

    /// Whether the call that just began is a sync to be ignored.
    fn ignores(&self) -> bool {
        self.faults.ignored_sync.is_some_and(|index| index + 1 == self.operations.len())
    }

    /// Whether the call that just began is the one to fail, alive.
    fn fails(&self) -> bool {
        let index = self.operations.len() - 1;
        self.faults.fail_at.is_some_and(|(at, _)| at == index) && self.faults.crash_at.is_none_or(|at| index < at)
    }

    /// Whether the process dies in the call that just began.
    fn dies(&self) -> bool {
        self.faults.crash_at.is_some_and(|at| at + 1 == self.operations.len())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.names.get(name).copied().ok_or_else(|| StorageError::NotFound { file: name.into() })
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }
}

impl FileState {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        self.pending.drain(..).for_each(|change| change.apply(&mut self.durable));
    }

    fn fail_sync(&mut self) {
        self.pending.truncate(self.pending.len().div_ceil(2));
        self.sync();
        self.current = self.durable.clone();
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::SetLen(len) => bytes.resize(*len, 0),
            Change::Write { offset, bytes: new } => {
                let end = offset + new.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(new);
            }
        }
    }
}

impl NameChange {
    /// Applies the change where it still makes sense: after a power cut the
    /// changes before it may be missing.
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Link { name, file } => {
                names.insert(name.clone(), *file);
            }
            NameChange::Unlink { name, file } => {
                if names.get(name) == Some(file) {
                    names.remove(name);
                }
            }
            NameChange::Rename { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
        }
    }
}

impl Storage for SimStorage {
    fn create(&self, name: &str) -> Result<Box<dyn File>> {
        let mut disk = self.disk();
        disk.begin("create", name)?;
        if disk.names.contains_key(name) {
            return Err(StorageError::io("create", name, io::ErrorKind::AlreadyExists.into()));
        }
        let file = disk.files.len();
        disk.files.push(FileState::default());
        disk.change_name(NameChange::Link { name: name.into(), file });
        Ok(Box::new(SimFile { disk: self.clone(), file, name: name.into() }))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn File>> {
        let mut disk = self.disk();
        disk.begin("open", name)?;
        Ok(Box::new(SimFile { disk: self.clone(), file: disk.find(name)?, name: name.into() }))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn ReadFile>> {
        let mut disk = self.disk();
        disk.begin("open", name)?;
        Ok(Box::new(SimFile { disk: self.clone(), file: disk.find(name)?, name: name.into() }))
    }

    fn map(&self, name: &str) -> Result<Arc<Mapping>> {
        Ok(Arc::new(Mapping::read(name, self.open_read(name)?.as_ref(), &Budget::default())?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut disk = self.disk();
        disk.begin("rename", from)?;
        let file = disk.find(from)?;
        disk.change_name(NameChange::Rename { from: from.into(), to: to.into(), file });
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut disk = self.disk();
        disk.begin("remove", name)?;
        let file = disk.find(name)?;
        disk.change_name(NameChange::Unlink { name: name.into(), file });
        Ok(())
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut disk = self.disk();
        disk.begin("list", ".")?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> Result<()> {
        let mut disk = self.disk();
        disk.begin("sync directory", ".")?;
        if !disk.ignores() {
            disk.pending_names.clear();
            disk.durable_names = disk.names.clone();
        }
        Ok(())
    }

    fn lock(&self) -> Result<LockGuard> {
        let mut disk = self.disk();
        disk.begin("lock", super::names::LOCK)?;
        if std::mem::replace(&mut disk.locked, true) {
            return Err(StorageError::Locked { pid: Some(std::process::id()) });
        }
        Ok(LockGuard::new(SimLock(self.clone())))
    }
}

struct SimLock(SimStorage);

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.disk().locked = false;
    }
}

/// An open file; it stays readable and writable when its name is gone.
struct SimFile {
    disk: SimStorage,
    file: usize,
    name: String,
}

impl File for SimFile {
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()> {
        let mut disk = self.disk.disk();
        let mut bytes = pieces.concat();
        let begun = disk.begin("write", &self.name);
        if begun.is_err() {
            let half = if disk.fails() || disk.dies() { bytes.len() / 2 } else { 0 };
            bytes.truncate(half);
        }
        let state = &mut disk.files[self.file];
        if !bytes.is_empty() {
            state.change(Change::Write { offset: state.current.len(), bytes });
        }
        begun
    }

    fn sync(&mut self) -> Result<()> {
        let mut disk = self.disk.disk();
        let begun = disk.begin("sync", &self.name);
        let (ignored, dropped) = (disk.ignores(), disk.fails());
        let state = &mut disk.files[self.file];
        if dropped {
            state.fail_sync();
        } else if begun.is_ok() && !ignored {
            state.sync();
        }
        begun
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        let mut disk = self.disk.disk();
        disk.begin("truncate", &self.name)?;
        disk.files[self.file].change(Change::SetLen(len as usize));
        Ok(())
    }

    fn size(&self) -> Result<u64> {
        Ok(self.disk.disk().files[self.file].current.len() as u64)
    }
}

impl ReadFile for SimFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut disk = self.disk.disk();
        disk.begin("read", &self.name)?;
        let rest = disk.files[self.file].current.get(offset as usize..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn size(&self) -> Result<u64> {
        File::size(self)
    }
}

#[cfg(test)]
mod tests;
