//! Statistics

use super::args::{Sized32, write_struct};
use super::boundary::{Access, on_database};
use super::error::vdb_error_t;
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use crate::db::{Database, Stats};

/// A picture of a database. Grows at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vdb_stats_t {
    /// Set by the caller to sizeof(vdb_stats_t).
    pub struct_size: u32,
    /// Components of a vector.
    pub dim: u32,
    /// Rows that a search can return.
    pub live: u64,
    /// Deleted and replaced rows whose space is not reclaimed yet.
    pub deleted: u64,
    /// Live rows that are not in the graph yet and are scanned.
    pub unindexed: u64,
    /// Nodes of the graph, deleted ones that are still linked included.
    pub graph_nodes: u64,
    /// Nodes that a walk through the whole graph did not reach, 0 if all is well; UINT64_MAX
    /// while there is work on the graph and nothing was walked yet.
    pub graph_unreachable: u64,
    /// Bytes of vectors.
    pub bytes_vectors: u64,
    /// Bytes of codes.
    pub bytes_codes: u64,
    /// Bytes of links.
    pub bytes_graph: u64,
    /// Bytes of ids.
    pub bytes_ids: u64,
    /// Bytes of the write-ahead log.
    pub bytes_wal: u64,
    /// Bytes mapped from files; they are not counted against the process until touched.
    pub bytes_mapped: u64,
    /// Queries since the database was opened.
    pub searches: u64,
    /// Distances computed by them.
    pub distance_computations: u64,
    /// Number of the last batch that was acknowledged.
    pub lsn: u64,
    /// Number of the last batch that is in checkpoint files.
    pub checkpoint_lsn: u64,
    /// Checkpoints written since the database was opened.
    pub checkpoints: u64,
    /// Chunks rewritten since then to reclaim the space of deleted rows.
    pub compactions: u64,
    /// Chunks the rows are stored in.
    pub chunks: u64,
    /// Bytes of memory in use, as VDB_OPT_MAX_MEMORY counts them.
    pub bytes_memory: u64,
    /// The limit on them, VDB_OPT_MAX_MEMORY; 0 = none.
    pub bytes_memory_max: u64,
    /// VDB_OPT_ORIGINALS, one of `enum vdb_originals`.
    pub originals: u64,
    /// Rows that a search can return and whose vectors were given up: what their codes stand for is
    /// returned and compared.
    pub decoded: u64,
    /// Bytes of keys and metadata, what was replaced and is not reclaimed yet included.
    pub bytes_records: u64,
    /// Bytes of columns of metadata that filters look at (VDB_OPT_COLUMN_BYTES).
    pub bytes_columns: u64,
    /// Snapshots that are not freed.
    pub snapshots: u64,
}

// SAFETY: `repr(C)`, 2 x 4 + 25 x 8 bytes without padding, integers.
unsafe impl Sized32 for vdb_stats_t {
    const NAME: &'static str = "vdb_stats_t";
}

impl From<Stats> for vdb_stats_t {
    fn from(s: Stats) -> vdb_stats_t {
        vdb_stats_t {
            struct_size: 0,
            dim: s.dim,
            live: s.live,
            deleted: s.deleted,
            unindexed: s.unindexed,
            graph_nodes: s.graph_nodes,
            graph_unreachable: s.graph_unreachable,
            bytes_vectors: s.bytes_vectors,
            bytes_codes: s.bytes_codes,
            bytes_graph: s.bytes_graph,
            bytes_ids: s.bytes_ids,
            bytes_wal: s.bytes_wal,
            bytes_mapped: s.bytes_mapped,
            searches: s.searches,
            distance_computations: s.distance_computations,
            lsn: s.lsn,
            checkpoint_lsn: s.checkpoint_lsn,
            checkpoints: s.checkpoints,
            compactions: s.compactions,
            chunks: s.chunks,
            bytes_memory: s.bytes_memory,
            bytes_memory_max: s.bytes_memory_max,
            originals: s.originals as u64,
            decoded: s.decoded,
            bytes_records: s.bytes_records,
            bytes_columns: s.bytes_columns,
            snapshots: s.snapshots,
        }
    }
}

/// Statistics at this moment.
///
/// Errors: CLOSED, FORKED, NULL_ARGUMENT, INVALID_ARGUMENT (struct_size). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_stats_get(
    db: *const vdb,
    stats: *mut vdb_stats_t,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let filled = database.stats()?.into();
        // SAFETY: R9.
        unsafe { write_struct(stats, &filled) }?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
