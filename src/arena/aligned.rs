//! Zeroed, aligned memory. Large blocks are anonymous mappings on huge-page
//! boundaries: 4 KiB pages cost 17-20 % of search speed (page-table misses),
//! and untouched pages of a mapping cost no memory, so a chunk may be sized
//! for the rows it will hold rather than for those it has.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Row arrays start on a cache line, so that a 64-byte row never straddles two.
pub(super) const LINE: usize = 64;
const HUGE_PAGE: usize = 2 << 20;
/// Miri knows only the heap.
const MAP_FROM: usize = if cfg!(miri) { usize::MAX } else { 256 << 10 };

/// Memory for a row array could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot allocate {bytes} bytes")]
pub struct AllocError {
    /// The size that was asked for.
    pub bytes: u64,
}

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
}

// SAFETY: a Block is plain memory; who may touch which byte is decided by the
// types that own it (`Appender`, `Rows`, `RowsMut`).
unsafe impl Send for Block {}
// SAFETY: as above; Block itself never reads or writes its memory.
unsafe impl Sync for Block {}

impl Block {
    pub(super) fn zeroed(len: usize) -> Result<Block, AllocError> {
        let error = AllocError { bytes: len as u64 };
        if len < MAP_FROM {
            let layout = Layout::from_size_align(len.max(LINE), LINE).map_err(|_| error)?;
            // SAFETY: the layout has a non-zero size.
            let ptr = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(error)?;
            return Ok(Block { ptr, len, map: None });
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
        Ok(Block { ptr, len, map: Some(map) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_zero() {
        for len in [0, 1, 63, 64, (256 << 10) - 1, 256 << 10, HUGE_PAGE, HUGE_PAGE + 12345] {
            let block = Block::zeroed(len).unwrap();
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
        assert_eq!(Block::zeroed(usize::MAX - 10).err(), Some(AllocError { bytes: usize::MAX as u64 - 10 }));
        // Miri would try.
        assert!(cfg!(miri) || Block::zeroed(1 << 60).is_err());
    }
}
