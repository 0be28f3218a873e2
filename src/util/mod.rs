//! Small helpers without a home of their own: bitmaps, hashing, checked
//! little-endian reads, the seam to loom. Owns no policy, does no I/O, knows no other part.

pub mod bits;
pub mod hash;
pub mod sync;
