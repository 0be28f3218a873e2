//! Small helpers without a home of their own: hashing, vectors that can fail
//! to grow, the seam to loom. Owns no policy, does no I/O, knows no other part.

pub mod hash;
pub mod memory;
pub mod sync;
