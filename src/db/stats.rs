//! Statistics: read from the newest view and from counters, so that collecting
//! them waits for nothing but a commit under way (for the length of the log).

use super::cache::Cache;
use super::column::{Piece, mapped};
use super::core::Core;
use super::error::Result;
use super::types::Stats;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

pub fn collect(core: &Core) -> Result<Stats> {
    let view = core.view.load_full();
    let index = &view.index;
    let bytes = |pieces: &[Piece]| pieces.iter().map(|p| (p.rows.len() * p.rows.stride()) as u64).sum::<u64>();
    let mut stats = Stats {
        dim: core.shape.dim as u32,
        live: view.live(),
        deleted: view.dead.count() - view.holes,
        unindexed: view.unindexed(),
        graph_nodes: index.graph.nodes() as u64,
        graph_unreachable: index.unreachable.get().copied().unwrap_or(Stats::NOT_AUDITED),
        bytes_vectors: bytes(&view.chunks.vectors),
        bytes_codes: bytes(&index.codes),
        bytes_graph: index.graph.bytes() as u64,
        bytes_ids: bytes(&view.chunks.ids) + view.id_map.bytes(),
        bytes_columns: core.columns.bytes(),
        bytes_records: view.records.size() + view.keys.bytes(),
        bytes_wal: 0,
        bytes_mapped: mapped(&view.chunks.vectors)
            + mapped(&view.chunks.ids)
            + mapped(&index.codes)
            + if index.graph.is_mapped() { index.graph.bytes() as u64 } else { 0 },
        searches: core.counters.searches.load(Relaxed),
        distance_computations: core.counters.distances.load(Relaxed),
        lsn: view.lsn,
        checkpoint_lsn: core.counters.checkpoint_lsn.load(Relaxed),
        checkpoints: core.counters.checkpoints.load(Relaxed),
        checkpoint_ms: core.counters.checkpoint_ms.load(Relaxed),
        slow_queries: core.counters.slow_queries.load(Relaxed),
        log_lines_dropped: core.log.dropped(),
        cache_hits: core.cache.as_ref().map_or(0, |cache| cache.hits.load(Relaxed)),
        cache_misses: core.cache.as_ref().map_or(0, |cache| cache.misses.load(Relaxed)),
        bytes_cache: core.cache.as_ref().map_or(0, Cache::bytes),
        compactions: core.counters.compactions.load(Relaxed),
        chunks: view.chunks.vectors.len() as u64,
        bytes_memory: core.budget.used() + core.search_budget.used(),
        bytes_memory_max: core.settings.max_memory,
        originals: core.settings.originals,
        decoded: view.hollow as u64 - view.dead_below(view.hollow),
        snapshots: core.snapshots.count(),
    };
    if let Some(follower) = &core.follower {
        stats.bytes_wal = follower.log_bytes.load(Relaxed);
    }
    if core.store.is_some() {
        let writer = core.writer.lock().unwrap_or_else(PoisonError::into_inner);
        stats.bytes_wal = writer.log.as_ref().map_or(0, |log| log.position().offset);
    }
    Ok(stats)
}
