//! The C ABI: the only place with `extern "C"`. One file per section of
//! `include/vdb.h`, which is generated from these files by `make header`.
//!
//! Every function is written by hand (a header generator cannot see what a macro
//! declares) and has the same body: `boundary::boundary` catches panics and fills
//! the caller's error record, `args` turns raw pointers into slices after checking
//! them, and the rest is one call into [`crate::db`]. Nothing here knows about
//! vectors, graphs or files; nothing of the crate imports this module.
//!
//! The rules callers rely on (R1-R10) are in `docs/api-conventions.md` and at the top
//! of the header. What other C interfaces got wrong, and what we do instead, is noted
//! where it matters.

#![allow(unsafe_code)]
// The names are C names, and the documentation of each function is the header's:
// what a caller must guarantee is said there once, in R1-R10.
#![allow(non_camel_case_types, clippy::missing_safety_doc, clippy::too_many_arguments)]

mod args;
mod ask;
mod backup;
mod boundary;
mod check;
mod cursor;
mod error;
mod exchange;
mod filter;
mod fork;
mod handle;
mod library;
mod maintain;
mod observe;
mod open;
mod options;
mod read;
mod records;
mod repair;
mod search;
mod slot;
mod snapshot;
mod status;
mod task;
mod types;
mod write;

pub use ask::*;
pub use backup::*;
pub use check::*;
pub use cursor::*;
pub use error::vdb_error_t;
pub use exchange::*;
pub use filter::*;
pub use library::*;
pub use maintain::*;
pub use observe::*;
pub use open::*;
pub use options::*;
pub use read::*;
pub use records::*;
pub use repair::*;
pub use search::*;
pub use snapshot::*;
pub use status::*;
pub use task::*;
pub use types::*;
pub use write::*;
