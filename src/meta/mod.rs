//! What rows say about themselves: JSON objects, and filters over them.
//!
//! Knows texts and values only: neither where the objects are stored nor what a row is. Nothing
//! here does I/O, and nothing panics, whatever the bytes.

pub mod column;
pub mod declared;
pub mod filter;
pub mod json;
pub mod read;

pub use declared::{Declarations, Declared};
pub use filter::{Expression, Parsed, SyntaxError};
pub use json::{Number, Scalar, Step};
pub use read::{Lane, Lanes, Reader};
