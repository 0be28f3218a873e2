//! Arrays of rows with a fixed stride.
//!
//! The rule that makes sharing safe: bytes below the largest length ever
//! handed out as [`Rows`] are never written again. [`Appender`] writes only
//! above that mark, `Rows` reads only below its own length, so a reader and
//! the writer never touch the same byte.

use super::aligned::{Backing, Block};
use super::bounds::within;
use super::budget::Budget;
use super::verify::VerifyMap;
use crate::util::memory::AllocError;
use std::any::Any;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// An immutable picture of the first `len` rows of an array. Cloning is cheap.
#[derive(Clone)]
pub struct Rows {
    ptr: NonNull<u8>,
    len: usize,
    stride: usize,
    /// Whether the memory belongs to a [`Backing`].
    mapped: bool,
    verify: Option<Arc<VerifyMap>>,
    /// Keeps the memory behind `ptr` alive.
    _memory: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the bytes below `len * stride` are never written while a Rows exists
// (module rule), so sharing and sending the pointer is like sharing `&[u8]`.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Rows {
    /// Rows cut from `backing[offset..]`. `None` when they do not fit in it.
    /// `verify` is consulted (by byte offset in `backing`) on every access.
    pub fn from_backing<B: Backing>(
        backing: &Arc<B>,
        offset: usize,
        len: usize,
        stride: usize,
        verify: Option<Arc<VerifyMap>>,
    ) -> Option<Rows> {
        let bytes = backing.bytes();
        let end = len.checked_mul(stride)?.checked_add(offset)?;
        let part = bytes.get(offset..end)?;
        let verify = verify.map(|v| Arc::new(v.of_array(offset, end - offset)));
        Some(Rows { ptr: NonNull::from(part).cast(), len, stride, mapped: true, verify, _memory: backing.clone() })
    }

    /// `len` rows without a byte, in the place of rows whose content is known from elsewhere.
    pub fn hollow(len: usize) -> Rows {
        Rows { ptr: NonNull::dangling(), len, stride: 0, mapped: false, verify: None, _memory: Arc::new(()) }
    }

    /// Whether the rows have no bytes.
    pub fn is_hollow(&self) -> bool {
        self.stride == 0
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes per row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Whether the rows lie in a [`Backing`], as mapped files do.
    pub fn is_mapped(&self) -> bool {
        self.mapped
    }

    /// Row `i`.
    ///
    /// # Panics
    /// When `i` is not below [`Rows::len`].
    #[inline]
    pub fn row(&self, i: usize) -> &[u8] {
        assert!(within(i, self.len), "row {i} of {}", self.len);
        if let Some(verify) = &self.verify {
            verify.touch(i * self.stride, self.stride);
        }
        // SAFETY: i < len, so the row lies below `len * stride`, which is
        // allocated, initialised and never written again (module rule).
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr().add(i * self.stride), self.stride) }
    }

    /// The first `bytes` bytes of row `i`.
    ///
    /// # Safety
    /// `i` is below [`Rows::len`], the stride is `stride` and at least `bytes`, and the rows
    /// are not mapped: nothing is verified.
    #[inline(always)]
    pub(super) unsafe fn prefix_unchecked(&self, i: usize, stride: usize, bytes: usize) -> &[u8] {
        debug_assert!(i < self.len && stride == self.stride && bytes <= stride && self.verify.is_none());
        // SAFETY: the caller's promise; see `row`. The hint is true of every slice: with it,
        // callers need no look at the `Option` that they wrap this one in.
        unsafe {
            let at = self.ptr.as_ptr().add(i * stride);
            std::hint::assert_unchecked(!at.is_null());
            std::slice::from_raw_parts(at, bytes)
        }
    }

    /// The address of row `i` for prefetching, without the check of a mapped
    /// block: nothing is read. `None` past the end.
    #[inline]
    pub fn peek(&self, i: usize) -> Option<*const u8> {
        // SAFETY: i < len, so the address is inside the array.
        within(i, self.len).then(|| unsafe { self.ptr.as_ptr().add(i * self.stride).cast_const() })
    }

    /// Rows `range` back to back.
    ///
    /// # Panics
    /// When the range is not inside the rows.
    pub fn slice(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.len, "rows {range:?} of {}", self.len);
        let bytes = (range.end - range.start) * self.stride;
        if let Some(verify) = &self.verify {
            verify.touch(range.start * self.stride, bytes);
        }
        // SAFETY: the range was checked against len; see `row`.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr().add(range.start * self.stride), bytes) }
    }

    /// All rows back to back.
    pub fn bytes(&self) -> &[u8] {
        self.slice(0..self.len)
    }

    /// The first `len` rows only.
    pub fn truncated(&self, len: usize) -> Rows {
        Rows { len: len.min(self.len), ..self.clone() }
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} x {} B)", self.len, self.stride)
    }
}

/// The one writer of an array whose first rows readers already hold.
pub struct Appender {
    block: Arc<Block>,
    stride: usize,
    capacity: usize,
    len: usize,
    /// Rows that the budget counts and that may be written.
    ready: usize,
    /// Largest length ever handed out: rows below it are frozen.
    shared: usize,
}

impl Appender {
    /// Space for `capacity` rows of `stride` bytes, zeroed. Large ones take no
    /// memory until [`Appender::reserve`] takes it from the budget.
    pub fn new(capacity: usize, stride: usize, budget: &Budget) -> Result<Appender, AllocError> {
        let bytes = capacity.checked_mul(stride).ok_or(AllocError::System { bytes: u64::MAX })?;
        Ok(Appender { block: Arc::new(Block::reserved(bytes, budget)?), stride, capacity, len: 0, ready: 0, shared: 0 })
    }

    /// Takes the memory for `count` more rows, or for as many as there is space for.
    pub fn reserve(&mut self, count: usize) -> Result<(), AllocError> {
        let rows = self.len.saturating_add(count).min(self.capacity);
        self.block.cover(rows * self.stride)?;
        self.ready = self.ready.max(rows);
        Ok(())
    }

    /// Gives back the memory of rows that were reserved and not appended.
    pub fn give_back(&mut self) {
        self.block.uncover(self.len * self.stride);
        self.ready = self.len;
    }

    /// Rows written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Rows that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Appends `count` rows, which `fill` writes (the bytes may hold leftovers
    /// of a truncated append). Nothing is appended when so many were not reserved.
    pub fn append<R>(&mut self, count: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        if count > self.ready - self.len {
            return None;
        }
        let (start, bytes) = (self.len * self.stride, count * self.stride);
        // SAFETY: the range lies inside the block (`ready` is at most the capacity) and at or
        // above `shared`, where no Rows can read; `&mut self` excludes a second writer.
        let room = unsafe { std::slice::from_raw_parts_mut(self.block.ptr().as_ptr().add(start), bytes) };
        let result = fill(room);
        self.len += count;
        Some(result)
    }

    /// The space of the `count` rows that come next, or of as many as there is space for.
    pub fn ahead(&self, count: usize) -> Ahead {
        let end = self.len.saturating_add(count).min(self.capacity);
        Ahead { block: self.block.clone(), bytes: self.len * self.stride..end * self.stride }
    }

    /// Forgets rows from `len` on.
    ///
    /// # Panics
    /// When some of them were handed out by [`Appender::rows`] already.
    pub fn truncate(&mut self, len: usize) {
        assert!(len >= self.shared, "rows below {} are shared", self.shared);
        self.len = self.len.min(len);
    }

    /// The rows written so far, frozen from now on.
    pub fn rows(&mut self) -> Rows {
        self.shared = self.shared.max(self.len);
        Rows {
            ptr: self.block.ptr(),
            len: self.len,
            stride: self.stride,
            mapped: false,
            verify: None,
            _memory: self.block.clone(),
        }
    }
}

/// Space that an [`Appender`] has not reached yet.
pub struct Ahead {
    block: Arc<Block>,
    bytes: Range<usize>,
}

impl Ahead {
    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Has the system provide the pages, from any thread, also while rows are appended.
    /// Changes no byte.
    pub fn populate(&self) {
        self.block.populate(self.bytes.clone());
    }
}

/// Rows with one owner, all of them writable until they are frozen.
pub struct RowsMut {
    block: Block,
    stride: usize,
    len: usize,
}

impl RowsMut {
    /// `len` zeroed rows of `stride` bytes.
    pub fn zeroed(len: usize, stride: usize, budget: &Budget) -> Result<RowsMut, AllocError> {
        let bytes = len.checked_mul(stride).ok_or(AllocError::System { bytes: u64::MAX })?;
        Ok(RowsMut { block: Block::zeroed(bytes, budget)?, stride, len })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes per row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All rows back to back.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block holds len * stride initialised bytes, ours alone.
        unsafe { std::slice::from_raw_parts(self.block.ptr().as_ptr(), self.len * self.stride) }
    }

    /// All rows back to back, writable.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` makes the slice unique.
        unsafe { std::slice::from_raw_parts_mut(self.block.ptr().as_ptr(), self.len * self.stride) }
    }

    /// Row `i`; panics past the end.
    #[inline]
    pub fn row(&self, i: usize) -> &[u8] {
        &self.bytes()[i * self.stride..][..self.stride]
    }

    /// Row `i`, writable; panics past the end.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [u8] {
        let stride = self.stride;
        &mut self.bytes_mut()[i * stride..][..stride]
    }

    /// Gives up write access.
    pub fn freeze(self) -> Rows {
        debug_assert!(self.len * self.stride <= self.block.len());
        Rows {
            ptr: self.block.ptr(),
            len: self.len,
            stride: self.stride,
            mapped: false,
            verify: None,
            _memory: Arc::new(self.block),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_keep_their_length_while_the_writer_goes_on() {
        let mut writer = Appender::new(4, 8, &Budget::default()).unwrap();
        writer.reserve(4).unwrap();
        writer.append(1, |row| row.fill(1)).unwrap();
        let first = writer.rows();
        writer.append(2, |rows| rows.fill(2)).unwrap();
        assert!(writer.append(2, |_| ()).is_none());
        let second = writer.rows();
        assert_eq!((first.len(), second.len()), (1, 3));
        assert_eq!((first.row(0), second.row(2)), (&[1u8; 8][..], &[2u8; 8][..]));
        drop(writer);
        assert_eq!(second.bytes().len(), 24);
    }

    #[test]
    fn only_reserved_rows_can_be_appended() {
        let mut writer = Appender::new(4, 8, &Budget::default()).unwrap();
        assert!(writer.append(1, |_| ()).is_none());
        writer.reserve(2).unwrap();
        assert!(writer.append(3, |_| ()).is_none() && writer.append(1, |_| ()).is_some());
        writer.give_back();
        assert!(writer.append(1, |_| ()).is_none());
        writer.reserve(100).unwrap();
        assert!(writer.append(4, |_| ()).is_none() && writer.append(3, |_| ()).is_some());
    }

    #[test]
    fn unshared_rows_can_be_taken_back() {
        let mut writer = Appender::new(4, 1, &Budget::default()).unwrap();
        writer.reserve(4).unwrap();
        writer.append(3, |rows| rows.fill(9)).unwrap();
        writer.truncate(1);
        writer.append(1, |rows| rows.fill(5)).unwrap();
        assert_eq!(writer.rows().bytes(), &[9, 5]);
    }

    #[test]
    #[should_panic(expected = "shared")]
    fn shared_rows_cannot_be_taken_back() {
        let mut writer = Appender::new(4, 1, &Budget::default()).unwrap();
        writer.reserve(4).unwrap();
        writer.append(3, |rows| rows.fill(9)).unwrap();
        writer.rows();
        writer.truncate(1);
    }

    #[test]
    #[should_panic(expected = "row 3 of 3")]
    fn reading_past_the_end_panics() {
        RowsMut::zeroed(3, 64, &Budget::default()).unwrap().freeze().row(3);
    }

    #[test]
    fn frozen_rows_hold_what_was_written() {
        let mut rows = RowsMut::zeroed(3, 4, &Budget::default()).unwrap();
        rows.row_mut(1).copy_from_slice(b"abcd");
        let rows = rows.freeze();
        assert_eq!(rows.bytes(), b"\0\0\0\0abcd\0\0\0\0");
        assert_eq!(rows.truncated(2).len(), 2);
        assert!(rows.peek(2).is_some() && rows.peek(3).is_none());
    }

    #[test]
    fn hollow_rows_exist_and_are_empty() {
        let rows = Rows::hollow(3);
        assert_eq!((rows.len(), rows.row(2), rows.bytes()), (3, &[][..], &[][..]));
        assert!(rows.is_hollow() && !rows.is_mapped() && rows.peek(3).is_none());
    }

    #[test]
    fn space_can_be_provided_ahead_without_changing_a_byte() {
        for capacity in [10, 300_000] {
            let mut writer = Appender::new(capacity, 7, &Budget::default()).unwrap();
            writer.reserve(9).unwrap();
            writer.append(9, |rows| rows.fill(3)).unwrap();
            let ahead = [writer.ahead(0), writer.ahead(1), writer.ahead(usize::MAX)];
            assert_eq!(ahead.each_ref().map(Ahead::bytes), [0, 7, (capacity - 9) * 7]);
            ahead.iter().for_each(Ahead::populate);
            writer.reserve(1).unwrap();
            writer.append(1, |row| assert_eq!(row, [0; 7])).unwrap();
            assert_eq!(writer.rows().slice(0..9), [3; 63]);
        }
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
    #[test]
    fn provided_space_is_in_memory_and_the_rest_is_not() {
        let huge = 2 << 20;
        let writer = Appender::new(8 * huge, 1, &Budget::default()).unwrap();
        let resident = |from: usize| {
            let mut pages = vec![0u8; huge / 4096];
            // SAFETY: the range lies inside the mapping of the block, and there is a byte for each page.
            let done = unsafe { libc::mincore(writer.block.ptr().as_ptr().add(from).cast(), huge, pages.as_mut_ptr()) };
            assert_eq!(done, 0);
            pages.iter().filter(|&&page| page & 1 == 1).count()
        };
        assert_eq!(resident(0), 0);
        writer.ahead(3 * huge - 5).populate();
        if resident(0) == 0 {
            return println!("skipped: provided space: no MADV_POPULATE_WRITE before Linux 5.14");
        }
        assert_eq!([0, huge, 2 * huge, 4 * huge].map(resident), [512, 512, 512, 0]);
    }

    struct Fixed(Vec<u8>);
    // SAFETY: the Vec is never changed after construction, and its heap buffer does not move.
    unsafe impl Backing for Fixed {
        fn bytes(&self) -> &[u8] {
            &self.0
        }
    }

    #[test]
    fn a_backing_is_cut_only_where_rows_fit() {
        let backing = Arc::new(Fixed((0..100).collect()));
        let rows = Rows::from_backing(&backing, 10, 9, 10, None).unwrap();
        assert_eq!(rows.row(8)[9], 99);
        assert!(Rows::from_backing(&backing, 11, 9, 10, None).is_none());
        assert!(Rows::from_backing(&backing, 1, usize::MAX, 2, None).is_none());
    }
}
