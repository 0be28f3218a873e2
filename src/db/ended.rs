//! What is noted of a search when it has ended: its time, and where it was slow a line in the log.

use super::core::Core;
use super::latency::Call;
use super::plan::Plan;
use super::types::Outcome;
use super::view::View;
use std::fmt::{self, Display};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A search that has ended without an error.
pub struct Ended<'a> {
    pub view: &'a View,
    /// What it did last.
    pub plan: &'a Plan,
    pub queries: usize,
    /// Whether it was for all rows within a distance.
    pub within: bool,
    pub outcome: Outcome,
}

impl Ended<'_> {
    /// Counts it and what it took since `start`.
    #[inline]
    pub fn note(&self, core: &Core, start: Instant) {
        let took = start.elapsed();
        let call = match (self.within, self.queries) {
            (true, _) => Call::SearchRange,
            (false, 1) => Call::Search,
            (false, _) => Call::SearchBatch,
        };
        core.latencies.add(call, took);
        let slow = core.settings.slow_query_us;
        if slow > 0 && took >= Duration::from_micros(slow) {
            self.tell(core, took);
        }
    }

    #[cold]
    fn tell(&self, core: &Core, took: Duration) {
        core.counters.slow_queries.fetch_add(1, Relaxed);
        core.log.warn(format_args!("slow_search us={} {self}", took.as_micros()));
    }
}

impl Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended { view, plan, queries, within, outcome } = self;
        let kind = if *within { "range" } else { "nearest" };
        write!(f, "kind={kind} queries={queries} plan={:?} k={}", plan.name(), plan.k)?;
        if let Some(beam) = plan.beam() {
            write!(f, " ef={}", beam.ef)?;
            beam.adaptive.map_or(Ok(()), |adaptive| write!(f, " stretch={:.3}", adaptive.stretch))?;
        }
        let (live, unindexed) = (view.live(), view.unindexed());
        write!(f, " rows={live} unindexed={unindexed}")?;
        if let Some(passing) = plan.passing_count() {
            write!(f, " passing={passing} selectivity={:.6}", passing as f64 / live.max(1) as f64)?;
        }
        if *outcome == Outcome::Partial { f.write_str(" partial=true") } else { Ok(()) }
    }
}
