//! First-touch verification of mapped blocks: a byte of state per block, one
//! branch on the way of every read, the checksum itself only once.
//!
//! A bad block does not stop the read (its bytes are still memory we may
//! read); it trips the [`FaultCell`], which every call looks at before it
//! answers. So the hot loops carry no `Result`, and no answer that touched a
//! damaged block is ever given out.

use crate::util::memory::{AllocError, collected};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
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
    /// How many of them are good.
    good: AtomicUsize,
    check: BlockCheck,
    faults: Arc<FaultCell>,
}

/// The state of the blocks of one mapped file, as far as one array in it reaches.
pub struct VerifyMap {
    shared: Arc<Shared>,
    shift: u32,
    /// Offset of the array in the file.
    base: usize,
    /// One past the last block of the array.
    end: usize,
    /// The blocks of the array below this one are good.
    good_below: AtomicUsize,
    /// Whether all of them are: then a read costs one load and one branch.
    all_good: AtomicBool,
}

impl VerifyMap {
    /// A map of `blocks` blocks of `1 << shift` bytes, none verified yet.
    pub fn new(
        file: String,
        blocks: usize,
        shift: u32,
        faults: Arc<FaultCell>,
        check: BlockCheck,
    ) -> Result<VerifyMap, AllocError> {
        let state = collected((0..blocks).map(|_| AtomicU8::new(UNKNOWN)))?.into();
        Ok(VerifyMap::over(
            Arc::new(Shared { file, state, good: AtomicUsize::new(0), check, faults }),
            shift,
            0,
            blocks,
        ))
    }

    fn over(shared: Arc<Shared>, shift: u32, base: usize, end: usize) -> VerifyMap {
        let good_below = AtomicUsize::new(base >> shift);
        VerifyMap { shared, shift, base, end, good_below, all_good: AtomicBool::new(false) }
    }

    /// The same state for an array of `len` bytes that begins `base` bytes further on.
    pub(super) fn of_array(&self, base: usize, len: usize) -> VerifyMap {
        let base = self.base + base;
        VerifyMap::over(self.shared.clone(), self.shift, base, (base + len).div_ceil(1 << self.shift))
    }

    /// Verifies the blocks of `len` bytes at `offset`, once each.
    #[inline]
    pub fn touch(&self, offset: usize, len: usize) {
        if cfg!(vdb_unchecked) || self.all_good.load(Relaxed) {
            return;
        }
        self.touch_blocks(offset, len);
    }

    /// Out of line: once all is verified, walks have no use for it.
    #[inline(never)]
    fn touch_blocks(&self, offset: usize, len: usize) {
        if self.is_whole() {
            // Others verified it, as an array of their own.
            return self.all_good.store(true, Relaxed);
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
        self.is_whole()
    }

    /// Whether all blocks of the file are good.
    fn is_whole(&self) -> bool {
        self.shared.good.load(Relaxed) == self.shared.state.len()
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
        // Two threads may have verified the same one.
        if state.swap(GOOD, Relaxed) != GOOD {
            self.shared.good.fetch_add(1, Relaxed);
        }
        self.advance();
    }

    /// Moves past the blocks that are good by now. Each is passed once, so all of this
    /// costs no more than one look at each block. Threads that get here together may
    /// leave the mark too low, never too high.
    fn advance(&self) {
        let from = self.good_below.load(Relaxed);
        let rest = self.shared.state.get(from..self.end).unwrap_or_default();
        let good = rest.iter().take_while(|state| state.load(Relaxed) == GOOD).count();
        self.good_below.fetch_max(from + good, Relaxed);
        if from + good == self.end {
            self.all_good.store(true, Relaxed);
        }
    }

    fn trip(&self, block: usize) {
        let offset = (block as u64) << self.shift;
        self.shared.faults.trip(Fault { file: self.shared.file.clone(), block: block as u64, offset });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_checked_once_and_a_bad_one_trips() {
        let calls = Arc::new(AtomicUsize::new(0));
        let (faults, counter) = (Arc::new(FaultCell::default()), calls.clone());
        let check = move |block| {
            counter.fetch_add(1, Relaxed);
            block != 3
        };
        let map = VerifyMap::new("part".into(), 5, 4, faults.clone(), Box::new(check)).unwrap();
        map.touch(0, 48);
        map.touch(17, 1);
        assert_eq!((calls.load(Relaxed), faults.get()), (3, None));
        map.of_array(32, 32).touch(16, 1);
        assert_eq!(faults.get(), Some(Fault { file: "part".into(), block: 3, offset: 48 }));
        assert!(!map.verify_all());
        assert_eq!(calls.load(Relaxed), 5);
    }

    /// A map of 8 blocks of 16 bytes of which block 6 is bad, and an array in it.
    fn array(base: usize, len: usize) -> (VerifyMap, Arc<FaultCell>) {
        let faults = Arc::new(FaultCell::default());
        let whole = VerifyMap::new("part".into(), 8, 4, faults.clone(), Box::new(|block| block != 6)).unwrap();
        (whole.of_array(base, len), faults)
    }

    #[test]
    fn an_array_is_done_with_when_its_own_blocks_are_good() {
        // Blocks 1 to 4, both ends in the middle of one; in any order.
        let (map, faults) = array(20, 50);
        for offset in [45, 0, 30] {
            map.touch(offset, 1);
            assert!(!map.all_good.load(Relaxed), "block of {offset} was not the last");
        }
        map.touch(15, 1);
        assert!(map.all_good.load(Relaxed) && faults.get().is_none());
    }

    #[test]
    fn an_array_is_done_with_when_others_verified_the_file() {
        let whole = VerifyMap::new("part".into(), 8, 4, Arc::default(), Box::new(|_| true)).unwrap();
        let array = whole.of_array(20, 50);
        whole.touch(0, 7 * 16);
        array.touch(0, 50);
        assert!(!array.all_good.load(Relaxed), "a block is missing");
        assert!(whole.verify_all());
        array.touch(0, 1);
        assert!(array.all_good.load(Relaxed));
    }

    #[test]
    fn an_array_with_a_bad_block_is_never_done_with() {
        let (map, faults) = array(64, 64);
        map.touch(0, 64);
        assert!(!map.all_good.load(Relaxed) && faults.get().is_some());
        assert!(!map.verify_all());
        assert!(!map.all_good.load(Relaxed));
    }
}
