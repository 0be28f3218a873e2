//! Small helpers without a home of their own: hashing, counting, the time of day, vectors that can fail
//! to grow, the seam to loom. Owns no policy, does no I/O, knows no other part.

pub mod clock;
pub mod hash;
pub mod histogram;
#[cfg(unix)]
pub mod inherited;
pub mod memory;
pub mod sync;
