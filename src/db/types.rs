//! What goes in and out of calls: borrowed vectors, search parameters, hits,
//! statistics.

use super::error::{ErrorKind, Result, fail};
use super::filter::Filter;
use super::options::Originals;
use super::snapshot::Snapshot;
use super::task::Task;
use crate::kernel::Scalar;
use std::ops::Range;
use std::time::Duration;

/// The one id that cannot be stored; marks unused places in results.
pub const ID_NONE: u64 = u64::MAX;

/// `count` vectors of one scalar type in caller memory, `stride` bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    bytes: &'a [u8],
    scalar: Scalar,
    dim: usize,
    count: usize,
    stride: usize,
    row_bytes: usize,
}

impl<'a> Vectors<'a> {
    /// `count` vectors of `dim` components; `stride` 0 means packed.
    /// Fails when `bytes` is too short for them or the stride for a row.
    pub fn new(bytes: &'a [u8], scalar: Scalar, dim: usize, count: usize, stride: usize) -> Result<Vectors<'a>> {
        let row_bytes = scalar.row_bytes(dim);
        let stride = if stride == 0 { row_bytes } else { stride };
        if stride < row_bytes {
            return fail(
                ErrorKind::InvalidArgument,
                format!("stride {stride} is smaller than a row of {row_bytes} bytes"),
            );
        }
        let needed = match count.checked_sub(1) {
            None => Some(0),
            Some(last) => last.checked_mul(stride).and_then(|b| b.checked_add(row_bytes)),
        };
        match needed {
            Some(needed) if needed <= bytes.len() => Ok(Vectors { bytes, scalar, dim, count, stride, row_bytes }),
            _ => fail(
                ErrorKind::InvalidArgument,
                format!("{count} rows at stride {stride} do not fit in {} bytes", bytes.len()),
            ),
        }
    }

    /// Packed f32 vectors of `dim` components; fails unless `values` is a whole number of rows.
    pub fn f32(values: &'a [f32], dim: usize) -> Result<Vectors<'a>> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            return fail(ErrorKind::Dimension, format!("{} values are not rows of {dim}", values.len()));
        }
        Vectors::new(bytemuck::cast_slice(values), Scalar::F32, dim, values.len() / dim, 0)
    }

    /// Packed u8 vectors of `dim` components; fails unless `values` is a whole number of rows.
    pub fn u8(values: &'a [u8], dim: usize) -> Result<Vectors<'a>> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            return fail(ErrorKind::Dimension, format!("{} values are not rows of {dim}", values.len()));
        }
        Vectors::new(values, Scalar::U8, dim, values.len() / dim, 0)
    }

    /// Number of vectors.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The vectors of `range`, which must not go past the end.
    pub(crate) fn part(&self, range: Range<usize>) -> Vectors<'a> {
        assert!(range.start <= range.end && range.end <= self.count, "vectors {range:?} of {}", self.count);
        let from = (range.start * self.stride).min(self.bytes.len());
        Vectors { bytes: &self.bytes[from..], count: range.len(), ..*self }
    }

    /// Components of one vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All vectors back to back, if they lie so.
    pub fn packed(&self) -> Option<&'a [u8]> {
        (self.stride == self.row_bytes).then(|| &self.bytes[..self.count * self.row_bytes])
    }

    /// Type of a component.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }

    /// Bytes of one vector.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Vector `i`; panics past the end.
    #[inline]
    pub fn row(&self, i: usize) -> &'a [u8] {
        assert!(i < self.count, "row {i} of {}", self.count);
        &self.bytes[i * self.stride..][..self.row_bytes]
    }
}

/// How one search runs. `Default` = the database's own settings.
#[derive(Clone, Debug, Default)]
pub struct SearchParams {
    /// Breadth of the graph search; 0 = the database's `ef_search`. At least k is used.
    pub ef: usize,
    /// Share of the true neighbours to be found on average, instead of `ef`: how far the walk must
    /// go was measured on the data. 0 = the database's `target_recall`, unless `ef` is given.
    pub target_recall: f32,
    /// Candidates whose exact distance is computed; 0 = max(2k, k + 10), where codes are rough (`pq`, `rabitq`)
    /// max(10k, k + 50, ef). At least k are.
    pub rerank: usize,
    /// Scan every row exactly instead of walking the graph.
    pub exact: bool,
    /// Neither take the answer from the cache of results nor leave it there.
    pub no_cache: bool,
    /// Rows that may be results; `None` = all.
    pub filter: Option<Filter>,
    /// State to search; `None` = the newest.
    pub snapshot: Option<Snapshot>,
    /// Bytes of working memory for each query, 0 = no limit but that of the database. A search that would need more
    /// goes another way or less far ([`Outcome::Partial`]); where not even the results fit, it is refused.
    pub max_memory: u64,
    /// Stop after this time with what was found so far.
    pub deadline: Option<Duration>,
    /// Stop when the task is cancelled, with what was found so far.
    pub task: Option<Task>,
}

/// Where a search writes: row i fills `ids[i*k..]` and `distances[i*k..]`,
/// `counts[i] <= k` of them; the rest is [`ID_NONE`] and infinity.
#[derive(Debug)]
pub struct Hits<'a> {
    /// `query_count * k` ids.
    pub ids: &'a mut [u64],
    /// `query_count * k` distances, nearest first.
    pub distances: &'a mut [f32],
    /// `query_count` numbers of results.
    pub counts: &'a mut [u32],
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Complete,
    /// Deadline, cancel or the search's limit on memory: the results so far are valid.
    Partial,
}

impl Stats {
    /// Stands in `graph_unreachable` until the graph was audited.
    pub const NOT_AUDITED: u64 = u64::MAX;
}

/// A picture of the database. Bytes are of the current view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Components of a vector.
    pub dim: u32,
    /// Rows that a search can return.
    pub live: u64,
    /// Dead rows whose space is not reclaimed yet.
    pub deleted: u64,
    /// Live rows not in the graph yet: scanned flat.
    pub unindexed: u64,
    /// Nodes of the graph.
    pub graph_nodes: u64,
    /// Nodes the walk cannot reach; [`Stats::NOT_AUDITED`] while graph work goes on.
    pub graph_unreachable: u64,
    /// Stored vectors, dead ones included.
    pub bytes_vectors: u64,
    /// Codes the graph is walked on.
    pub bytes_codes: u64,
    /// Links of the graph.
    pub bytes_graph: u64,
    /// Ids by row, and rows by id.
    pub bytes_ids: u64,
    /// Keys and metadata, rows by key; what changed or was deleted included until its space is reclaimed.
    pub bytes_records: u64,
    /// Columns of metadata that filters look at.
    pub bytes_columns: u64,
    /// Present file of the write-ahead log.
    pub bytes_wal: u64,
    /// Part of the above that lies in mapped files.
    pub bytes_mapped: u64,
    /// Queries answered since open.
    pub searches: u64,
    /// Distances computed for them.
    pub distance_computations: u64,
    /// LSN of the last committed batch.
    pub lsn: u64,
    /// LSN up to which the checkpoint files reach.
    pub checkpoint_lsn: u64,
    /// Checkpoints written since open.
    pub checkpoints: u64,
    /// Groups of chunks rewritten since open.
    pub compactions: u64,
    /// Row chunks.
    pub chunks: u64,
    /// Memory in use, as the limit counts it.
    pub bytes_memory: u64,
    /// The limit on it; 0 = none.
    pub bytes_memory_max: u64,
    /// What becomes of the vectors of rows that have codes.
    pub originals: Originals,
    /// Live rows whose vectors were given up: what their codes stand for is returned and compared.
    pub decoded: u64,
    /// Snapshots that are kept.
    pub snapshots: u64,
    /// When the last checkpoint since open was written, in milliseconds since 1970; 0 = none was.
    pub checkpoint_ms: u64,
    /// Searches that took as long as `runtime.slow_query_us` or longer.
    pub slow_queries: u64,
    /// Lines of the log that nobody read before the log was full.
    pub log_lines_dropped: u64,
    /// Queries answered from the cache of results.
    pub cache_hits: u64,
    /// Queries that might have been, and were not.
    pub cache_misses: u64,
    /// Bytes of the cache.
    pub bytes_cache: u64,
}
