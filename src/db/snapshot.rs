//! Snapshots: one state of the database, kept for as many calls as its owner likes.
//!
//! A view never changes, so a snapshot is a reference to one: made without a copy, whatever the
//! size, and what it shows is there for as long as it is. Chunks that compaction replaced, graphs
//! and codes of before, and files that a checkpoint removed stay in memory and on the disk with it.
//!
//! Must never hold the core: closing a database waits for no snapshot, and gives up its lock and
//! its log whatever snapshots there are.

use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::view::View;
use arc_swap::Guard;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The snapshots of one open database: counts them, and tells them from those of others.
#[derive(Debug, Default)]
pub struct Snapshots(AtomicU64);

impl Snapshots {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One state of a database, see [`super::Database::snapshot`]. Clones are one snapshot; any thread may use it at
/// any time. It keeps memory and files of that state until the last clone is dropped.
#[derive(Clone)]
pub struct Snapshot(Arc<Kept>);

struct Kept {
    of: Arc<Snapshots>,
    view: Arc<View>,
}

impl Snapshot {
    /// The newest state of `core`.
    pub(super) fn of(core: &Core) -> Snapshot {
        core.snapshots.0.fetch_add(1, Relaxed);
        Snapshot(Arc::new(Kept { of: core.snapshots.clone(), view: core.view.load_full() }))
    }

    /// Number of the last batch that is part of the state.
    pub fn lsn(&self) -> u64 {
        self.0.view.lsn
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.of.0.fetch_sub(1, Relaxed);
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot(LSN {})", self.lsn())
    }
}

impl Core {
    /// As [`Core::view_at`], to be kept.
    pub fn pinned_at(&self, snapshot: Option<&Snapshot>) -> Result<Arc<View>> {
        self.view_at(snapshot).map(Guard::into_inner)
    }

    /// The state that a call is to work on: that of `snapshot`, or the newest.
    pub fn view_at(&self, snapshot: Option<&Snapshot>) -> Result<Guard<Arc<View>>> {
        match snapshot {
            None => Ok(self.view.load()),
            Some(Snapshot(kept)) if Arc::ptr_eq(&kept.of, &self.snapshots) => Ok(Guard::from_inner(kept.view.clone())),
            Some(_) => fail(
                ErrorKind::Mismatch,
                "the snapshot is of another database, or of one that was closed and opened again since",
            ),
        }
    }
}
