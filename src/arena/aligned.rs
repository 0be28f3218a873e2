//! Zeroed, aligned memory. Large blocks are anonymous mappings on huge-page
//! boundaries: 4 KiB pages cost 17-20 % of search speed (page-table misses),
//! and untouched pages of a mapping cost no memory, so a chunk may be sized
//! for the rows it will hold rather than for those it has.

use super::budget::{Budget, Lease};
use crate::util::memory::AllocError;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Row arrays start on a cache line, so that a 64-byte row never straddles two.
pub(super) const LINE: usize = 64;
const HUGE_PAGE: usize = 2 << 20;
/// Miri knows only the heap.
const MAP_FROM: usize = if cfg!(miri) { usize::MAX } else { 256 << 10 };
const HUGE_BYTES: u64 = HUGE_PAGE as u64;
const PAGE: u64 = 4096;

/// Memory that outlives the rows cut from it: a file mapping or a buffer.
///
/// # Safety
/// `bytes` must return the same address and length for the whole life of the
/// value (moving the value included), and nobody may write to those bytes.
pub unsafe trait Backing: Send + Sync + 'static {
    /// The memory.
    fn bytes(&self) -> &[u8];
}

/// One zeroed block, aligned to [`LINE`], to a huge page when it is large.
pub(super) struct Block {
    ptr: NonNull<u8>,
    len: usize,
    /// `Some` for a mapping, which frees itself; `None` for heap memory.
    map: Option<memmap2::MmapRaw>,
    /// What was taken from the budget for it.
    lease: Lease,
}

// SAFETY: a Block is plain memory; who may touch which byte is decided by the
// types that own it (`Appender`, `Rows`, `RowsMut`).
unsafe impl Send for Block {}
// SAFETY: as above; Block itself never reads or writes its memory.
unsafe impl Sync for Block {}

impl Block {
    /// A block all of which will be written.
    pub(super) fn zeroed(len: usize, budget: &Budget) -> Result<Block, AllocError> {
        // Counted first: what does not fit is never asked of the system.
        let lease = budget.take(counted(len, len))?;
        Block::with_lease(len, lease)
    }

    /// A block that may be written as far as [`Block::cover`] counted it.
    pub(super) fn reserved(len: usize, budget: &Budget) -> Result<Block, AllocError> {
        let lease = budget.take(if len < MAP_FROM { counted(len, len) } else { 0 })?;
        Block::with_lease(len, lease)
    }

    fn with_lease(len: usize, lease: Lease) -> Result<Block, AllocError> {
        let error = AllocError::System { bytes: len as u64 };
        if len < MAP_FROM {
            let layout = Layout::from_size_align(len.max(LINE), LINE).map_err(|_| error)?;
            // SAFETY: the layout has a non-zero size.
            let ptr = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(error)?;
            return Ok(Block { ptr, len, map: None, lease });
        }
        let slack = if len >= HUGE_PAGE { HUGE_PAGE } else { 0 };
        let size = len.checked_add(slack).ok_or(error)?;
        let map = memmap2::MmapOptions::new().len(size).no_reserve_swap().map_anon().map_err(|_| error)?;
        #[cfg(target_os = "linux")]
        if slack > 0 {
            // Refused where huge pages are switched off: slower, never wrong.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        let map = memmap2::MmapRaw::from(map);
        let start = map.as_mut_ptr();
        let skip = if slack > 0 { start.align_offset(HUGE_PAGE) } else { 0 };
        // SAFETY: skip < HUGE_PAGE = slack, so start + skip + len lies inside the mapping.
        let ptr = unsafe { NonNull::new_unchecked(start.add(skip)) };
        Ok(Block { ptr, len, map: Some(map), lease })
    }

    /// Counts the first `bytes` of the block as memory in use. One caller at a time.
    pub(super) fn cover(&self, bytes: usize) -> Result<(), AllocError> {
        self.lease.cover(counted(self.len, bytes))
    }

    /// Counts no more than the first `bytes`: the rest was never written, though perhaps provided.
    pub(super) fn uncover(&self, bytes: usize) {
        self.lease.shrink_to(counted(self.len, bytes));
    }

    /// Has the system put zeroed pages behind bytes `range` now rather than at the first write to
    /// each: they cost as much as the writing. A hint; what is written there already stays.
    pub(super) fn populate(&self, range: std::ops::Range<usize>) {
        #[cfg(target_os = "linux")]
        if let Some(map) = self.map.as_ref().filter(|_| range.end <= self.len) {
            let skip = self.ptr.as_ptr() as usize - map.as_mut_ptr() as usize;
            // In steps, so that nobody waits long for the table of pages. Unknown to kernels before
            // 5.14: the first write does it then.
            for start in range.clone().step_by(HUGE_PAGE) {
                let len = HUGE_PAGE.min(range.end - start);
                let _ = map.advise_range(memmap2::Advice::PopulateWrite, skip + start, len);
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }

    pub(super) fn ptr(&self) -> NonNull<u8> {
        self.ptr
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.map.is_none()
            && let Ok(layout) = Layout::from_size_align(self.len.max(LINE), LINE)
        {
            // SAFETY: allocated in `zeroed` with this very layout.
            unsafe { dealloc(self.ptr.as_ptr(), layout) }
        }
    }
}

/// Memory that the first `bytes` of a block of `len` take: whole pages, huge
/// ones where the block has such; a heap block takes all of its memory at once.
fn counted(len: usize, bytes: usize) -> u64 {
    if len < MAP_FROM {
        return len.max(LINE) as u64;
    }
    let page = if len < HUGE_PAGE { PAGE } else { HUGE_BYTES };
    // Sizes near the end of the address space stay what they are: the system refuses them.
    (bytes as u64).checked_next_multiple_of(page).unwrap_or(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_zero() {
        for len in [0, 1, 63, 64, (256 << 10) - 1, 256 << 10, HUGE_PAGE, HUGE_PAGE + 12345] {
            let block = Block::zeroed(len, &Budget::default()).unwrap();
            assert_eq!(block.ptr().as_ptr() as usize % LINE, 0);
            if len >= HUGE_PAGE.max(MAP_FROM) {
                assert_eq!(block.ptr().as_ptr() as usize % HUGE_PAGE, 0);
            }
            // SAFETY: the block is ours alone and `len` bytes long.
            let bytes = unsafe { std::slice::from_raw_parts(block.ptr().as_ptr(), len) };
            assert!(bytes.iter().all(|&b| b == 0));
        }
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        let budget = Budget::default();
        let error = AllocError::System { bytes: usize::MAX as u64 - 10 };
        assert_eq!(Block::zeroed(usize::MAX - 10, &budget).err(), Some(error));
        // Miri would try.
        assert!(cfg!(miri) || Block::zeroed(1 << 60, &budget).is_err());
        assert_eq!(budget.used(), 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no mappings to count")]
    fn the_budget_counts_pages_that_can_be_written() {
        let budget = Budget::new(5 * HUGE_BYTES);
        let heap = Block::reserved(100, &budget).unwrap();
        assert_eq!(budget.used(), 100);
        let small = Block::reserved(MAP_FROM, &budget).unwrap();
        small.cover(5000).unwrap();
        assert_eq!(budget.used(), 100 + 2 * PAGE);
        drop((heap, small));
        let large = Block::reserved(1 << 30, &budget).unwrap();
        large.cover(HUGE_PAGE + 1).unwrap();
        assert_eq!(budget.used(), 2 * HUGE_BYTES);
        assert!(large.cover(6 * HUGE_PAGE).is_err() && Block::zeroed(4 * HUGE_PAGE, &budget).is_err());
        large.uncover(HUGE_PAGE);
        assert_eq!(budget.used(), HUGE_BYTES);
        drop(large);
        assert_eq!(budget.used(), 0);
    }
}
