//! The range check of the graph walk, in one place so that its cost can be measured.
//!
//! Numbers of rows and nodes come from files, which anybody may have written: a checksum
//! proves what was stored, not that it makes sense. So each is compared before it is used.
//! `make bench-protection` builds a second library with `--cfg vdb_unchecked`, in which
//! these comparisons and the checksums at first touch are left out, and compares the two.
//! That library must never be shipped.

/// Whether row or node `i` of `len` exists.
#[inline(always)]
pub fn within(i: usize, len: usize) -> bool {
    if cfg!(vdb_unchecked) {
        // SAFETY: none; the benchmark that builds this walks only files it wrote itself.
        unsafe { std::hint::assert_unchecked(i < len) };
    }
    i < len
}

/// Whether a list of numbers that `u32::MAX` ends is over at `number`: a number whose place
/// `i` is not one of `len` ends it too, which makes one comparison of two. `u32::MAX` itself
/// must have no place.
#[inline(always)]
pub(super) fn ends_list(number: u32, i: usize, len: usize) -> bool {
    if cfg!(vdb_unchecked) { number == u32::MAX || !within(i, len) } else { i >= len }
}
