//! vdb: the vector database you link.
//!
//! One directory (or memory) holds rows of id and vector, with or without a key and
//! metadata; [`Database`] inserts, replaces, deletes and finds the nearest of them. This crate is the engine;
//! C, and through it other languages, use it by `include/vdb.h`, which the
//! `capi` module implements as a thin layer.
//!
//! ```
//! use vdb::{Database, Hits, Metric, Options, SearchParams, Vectors};
//!
//! let dir = tempfile::tempdir()?;
//! let options = Options::new().dim(2).metric(Metric::L2sq);
//! let db = Database::open(Some(dir.path()), &options)?;
//! db.insert_batch(&[1, 2, 3], Vectors::f32(&[0., 0., 5., 5., 9., 0.], 2)?, None)?;
//! db.delete_batch(&[2])?;
//!
//! let (mut ids, mut distances, mut counts) = ([0; 2], [0.; 2], [0; 1]);
//! let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
//! db.search(Vectors::f32(&[8., 0.], 2)?, 2, &SearchParams::default(), hits)?;
//! assert_eq!((ids, distances), ([3, 1], [1., 64.]));
//! db.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layers
//!
//! `capi -> db -> { index, storage, meta } -> { quant, arena, kernel } -> util`, never
//! upwards; `index` and `storage` never meet. A test holds the code to it.
//! `docs/design.md` tells how a row and a query travel through them. Only the
//! items re-exported here are the stable interface of the crate.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(panic = "abort")]
compile_error!("the C boundary catches panics: build with panic = \"unwind\"");

#[cfg(target_endian = "big")]
compile_error!("rows, files and the log share one little-endian layout: big-endian targets are not supported");

#[doc(hidden)]
pub mod arena;
pub mod capi;
pub mod db;
#[doc(hidden)]
pub mod index;
#[doc(hidden)]
pub mod kernel;
#[doc(hidden)]
pub mod meta;
#[doc(hidden)]
pub mod quant;
#[doc(hidden)]
pub mod storage;
#[doc(hidden)]
pub mod util;

pub use db::{
    Call, CheckLevel, CheckReport, Cursor, Database, Durability, Error, ErrorKind, Filter, Hits, ID_NONE, Latency,
    LogLevel, OptionId, OptionInfo, Options, Originals, Outcome, Page, Place, Problem, Profile, Quant, Records,
    RepairReport, Result, SearchParams, Settings, Snapshot, Stats, Task, TextBuffer, Texts, Vectors, WhenBehind,
    repair, search_many,
};
pub use kernel::{Metric, Scalar};
