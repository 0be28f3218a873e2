//! How a database was opened, for its log.

use super::core::Core;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// What is known of it while it goes on.
pub struct Opened {
    /// What it is called in the log.
    pub event: &'static str,
    /// Bytes at the end of the write-ahead log that were no whole record.
    pub torn_bytes: u64,
    start: Instant,
}

impl Opened {
    /// A database that is not there yet, as far as is known.
    pub fn begin() -> Opened {
        Opened { event: "create", torn_bytes: 0, start: Instant::now() }
    }

    /// Adds the line.
    pub fn tell(&self, core: &Core) {
        let (view, Opened { event, torn_bytes, start }) = (core.view.load(), self);
        let (rows, lsn, nodes, unindexed) = (view.live(), view.lsn, view.index.graph.nodes(), view.unindexed());
        let replayed = lsn - core.counters.checkpoint_lsn.load(Relaxed).min(lsn);
        let us = start.elapsed().as_micros();
        core.log.info(format_args!(
            "{event} rows={rows} lsn={lsn} replayed_batches={replayed} torn_bytes={torn_bytes} graph_nodes={nodes} \
             unindexed={unindexed} us={us}"
        ));
    }
}
