//! First-touch verification of mapped blocks: a byte of state per block, one
//! branch on the way of every read, the checksum itself only once.
//!
//! A bad block does not stop the read (its bytes are still memory we may
//! read); it trips the [`FaultCell`], which every call looks at before it
//! answers. So the hot loops carry no `Result`, and no answer that touched a
//! damaged block is ever given out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Mutex, PoisonError};

/// Where a file is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File name inside the database directory.
    pub file: String,
    /// Index of the block.
    pub block: u64,
    /// Byte offset of the block in the file.
    pub offset: u64,
}

/// The first fault met in any part of a database.
#[derive(Debug, Default)]
pub struct FaultCell {
    tripped: AtomicBool,
    first: Mutex<Option<Fault>>,
}

impl FaultCell {
    /// The first fault, if there was one.
    #[inline]
    pub fn get(&self) -> Option<Fault> {
        if !self.tripped.load(Acquire) {
            return None;
        }
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records `fault` unless one is there already.
    pub fn trip(&self, fault: Fault) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.tripped.store(true, Release);
    }
}

const UNKNOWN: u8 = 0;
const GOOD: u8 = 1;
const BAD: u8 = 2;

/// Computes whether block `i` is intact.
pub type BlockCheck = Box<dyn Fn(usize) -> bool + Send + Sync>;

struct Shared {
    file: String,
    state: Box<[AtomicU8]>,
    check: BlockCheck,
    faults: Arc<FaultCell>,
}

/// The state of the blocks of one mapped file.
pub struct VerifyMap {
    shared: Arc<Shared>,
    shift: u32,
    base: usize,
}

impl VerifyMap {
    /// A map of `blocks` blocks of `1 << shift` bytes, none verified yet.
    pub fn new(file: String, blocks: usize, shift: u32, faults: Arc<FaultCell>, check: BlockCheck) -> VerifyMap {
        let state = (0..blocks).map(|_| AtomicU8::new(UNKNOWN)).collect();
        VerifyMap { shared: Arc::new(Shared { file, state, check, faults }), shift, base: 0 }
    }

    /// The same state for offsets that count from `base` bytes further on.
    pub(super) fn shifted(&self, base: usize) -> VerifyMap {
        VerifyMap { shared: self.shared.clone(), shift: self.shift, base: self.base + base }
    }

    /// Verifies the blocks of `len` bytes at `offset`, once each.
    #[inline]
    pub fn touch(&self, offset: usize, len: usize) {
        if cfg!(vdb_unchecked) {
            return;
        }
        let first = (self.base + offset) >> self.shift;
        let last = (self.base + offset + len.max(1) - 1) >> self.shift;
        for block in first..=last {
            match self.shared.state.get(block) {
                Some(state) if state.load(Relaxed) == GOOD => {}
                _ => self.verify(block),
            }
        }
    }

    /// Verifies every block; whether all are intact.
    pub fn verify_all(&self) -> bool {
        (0..self.shared.state.len()).for_each(|block| {
            if self.shared.state[block].load(Relaxed) != GOOD {
                self.verify(block);
            }
        });
        self.shared.state.iter().all(|s| s.load(Relaxed) == GOOD)
    }

    /// A bad block trips the cell again each time, so that a cell shared by a
    /// later open of the same parts still learns of it.
    #[cold]
    fn verify(&self, block: usize) {
        let Some(state) = self.shared.state.get(block) else {
            // Rows are cut inside the file, so only a wrong block count leads here.
            return self.trip(block);
        };
        if state.load(Relaxed) == BAD || !(self.shared.check)(block) {
            state.store(BAD, Relaxed);
            return self.trip(block);
        }
        state.store(GOOD, Relaxed);
    }

    fn trip(&self, block: usize) {
        let offset = (block as u64) << self.shift;
        self.shared.faults.trip(Fault { file: self.shared.file.clone(), block: block as u64, offset });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn each_block_is_checked_once_and_a_bad_one_trips() {
        let calls = Arc::new(AtomicUsize::new(0));
        let (faults, counter) = (Arc::new(FaultCell::default()), calls.clone());
        let check = move |block| {
            counter.fetch_add(1, Relaxed);
            block != 3
        };
        let map = VerifyMap::new("part".into(), 5, 4, faults.clone(), Box::new(check));
        map.touch(0, 48);
        map.touch(17, 1);
        assert_eq!((calls.load(Relaxed), faults.get()), (3, None));
        map.shifted(32).touch(16, 1);
        assert_eq!(faults.get(), Some(Fault { file: "part".into(), block: 3, offset: 48 }));
        assert!(!map.verify_all());
        assert_eq!(calls.load(Relaxed), 5);
    }
}
