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
    pub call: Call,
    pub queries: usize,
    pub outcome: Outcome,
}

impl Ended<'_> {
    /// Counts it and what it took since `start`.
    #[inline]
    pub fn note(&self, core: &Core, start: Instant) {
        note(core, self.call, start, self);
    }
}

/// Counts a call that has ended without an error and what it took since `start`; where it was slow `what` is told.
#[inline]
fn note(core: &Core, call: Call, start: Instant, what: &dyn Display) {
    let took = start.elapsed();
    core.latencies.add(call, took);
    let slow = core.settings.slow_query_us;
    if slow > 0 && took >= Duration::from_micros(slow) {
        tell(core, took, what);
    }
}

#[cold]
fn tell(core: &Core, took: Duration, what: &dyn Display) {
    core.counters.slow_queries.fetch_add(1, Relaxed);
    core.log.warn(format_args!("slow_search us={} {what}", took.as_micros()));
}

/// A page of a cursor that has ended without an error.
pub struct EndedPage<'a> {
    pub view: &'a View,
    /// Whether rows come by id.
    pub by_id: bool,
    /// Number of rows.
    pub found: usize,
}

impl EndedPage<'_> {
    /// Counts it and what it took since `start`.
    pub fn note(&self, core: &Core, start: Instant) {
        note(core, Call::Page, start, self);
    }
}

impl Display for EndedPage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndedPage { view, by_id, found } = self;
        let kind = if *by_id { "page_by_id" } else { "page" };
        write!(f, "kind={kind} found={found} rows={} unindexed={}", view.live(), view.unindexed())
    }
}

impl Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended { view, plan, call, queries, outcome } = self;
        let kind = match call {
            Call::SearchRange => "range",
            Call::Recommend => "recommend",
            Call::Diverse => "diverse",
            Call::Groups => "groups",
            _ => "nearest",
        };
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
