//! Memory for rows: 64-byte-aligned arrays that are written once and then
//! shared with any number of readers, anonymous or mapped from a file.
//!
//! Owns every allocation whose size grows with the data, and counts it. Knows
//! neither what a row means nor where a mapping comes from, but for one thing:
//! rows of links are read here, since the proof that a link is in range must
//! live where rows are read without a further check. Most of the crate's
//! `unsafe` is in this module, behind safe types:
//!
//! * [`Appender`] - the one writer of an array that readers already see;
//! * [`Rows`] - a reader's fixed-length picture of such an array;
//! * [`RowsMut`] - an array with one owner, before it is frozen into [`Rows`];
//! * [`Budget`] - how much of all this a database may hold;
//! * [`SlotBits`] - a bitmap over slots that old views keep their copy of;
//! * [`RowTable`] - many chunks of rows behind one dense slot number;
//! * [`Visited`] - the nodes that a walk has met, and the proof that they are in range;
//! * [`ScratchPool`] - reusable per-call state that grows with the callers.

#![allow(unsafe_code)]

mod aligned;
mod bits;
mod bounds;
mod budget;
mod rows;
mod scratch;
mod shared;
mod system;
mod table;
mod verify;
mod visited;

pub use aligned::Backing;
pub use bits::{SlotBits, ones};
pub use bounds::within;
pub use budget::{Budget, Lease};
pub use rows::{Ahead, Appender, Rows, RowsMut};
pub use scratch::{Scratch, ScratchPool};
pub use system::{release_freed_memory, run_behind_others, system_memory};
pub use table::RowTable;
pub use verify::{Fault, FaultCell, VerifyMap};
pub use visited::{Below, LINKS_MAX, Visited};

pub use crate::util::memory::AllocError;
