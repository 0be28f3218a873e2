//! Explaining a search: it is made, stage by stage under a clock, and told as JSON with what it did, why, and what to do about it.
//!
//! The search is the one that would be made without: same view, same plan, same code, with a listener
//! (`db/trace`). It looks into the cache of results but takes nothing from there, and is in no statistics.

mod advice;
mod report;

use super::cache::{Asking, Wanted};
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::plan::Plan;
use super::reader::{Limits, search_traced, take_query};
use super::trace::{Stage, Trace};
use super::types::{SearchParams, Vectors};
use super::view::View;
use crate::index::{self, Control};
use std::time::{Duration, Instant};

/// Bytes of the longest text.
pub const JSON_MAX: usize = 8191;

/// A search that has been made, with all that can be told of it.
struct Explained<'a> {
    core: &'a Core,
    view: &'a View,
    params: &'a SearchParams,
    plan: &'a Plan,
    /// Results that the caller asked for.
    asked: usize,
    found: usize,
    complete: bool,
    /// Whether the cache has an answer; `None` where it is not looked for.
    known: Option<bool>,
    profile: Profile,
}

/// See [`super::Database::explain`].
pub fn explain(core: &Core, query: Vectors<'_>, k: usize, params: &SearchParams) -> Result<String> {
    if query.count() != 1 {
        let message = format!("{} queries, one can be explained at a time", query.count());
        return fail(ErrorKind::InvalidArgument, message);
    }
    core.shape.accepts(&query)?;
    let view = core.pinned_at(params.snapshot.as_ref())?;
    let limits = Limits::of(params);
    let mut scratch = core.scratch.take();
    take_query(core, &query, 0, &mut scratch)?;
    (scratch.walk.distances, scratch.walk.expanded) = (0, 0);
    scratch.best.reset(0)?;
    let mut profile = Profile::new();
    let mut plan = Plan::new(core, &view, k, params, &limits)?;
    plan.threads = core.threads();
    profile.planned();
    scratch.cover(core, &view, &plan)?;
    let wanted = Wanted::Nearest { k: plan.k, threads: if plan.sketched { plan.threads } else { 0 } };
    let known = Asking::new(core, &view, params, wanted).map(|asking| asking.knows(&scratch.query));
    profile.begin();
    let complete = !limits.stop() && search_traced(core, &view, &plan, &limits, &mut scratch, &mut profile)?;
    profile.expanded = std::mem::take(&mut scratch.walk.expanded);
    scratch.walk.distances = 0;
    core.check_faults()?;
    let found = scratch.best.len();
    let explained = Explained { core, view: &view, params, plan: &plan, asked: k, found, complete, known, profile };
    explained.to_json()
}

/// What one stage took.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    took: Duration,
    distances: u64,
}

/// What the stages of a search took.
struct Profile {
    last: Instant,
    distances: u64,
    /// From the plan to the last stage.
    total: Duration,
    filter: Duration,
    stages: [Spent; 4],
    /// How the walk ended, and whether it led to too few rows.
    walk: Option<(index::Outcome, bool)>,
    expanded: u64,
}

impl Profile {
    fn new() -> Profile {
        let (none, stages) = (Duration::ZERO, Default::default());
        Profile { last: Instant::now(), distances: 0, total: none, filter: none, stages, walk: None, expanded: 0 }
    }

    /// What was done since the last stage.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut self.last, now);
        self.total += took;
        took
    }

    /// The plan is made: nearly all of that is asking the filter.
    fn planned(&mut self) {
        self.filter = self.lap();
    }

    /// The search begins.
    fn begin(&mut self) {
        self.last = Instant::now();
    }

    fn stage(&self, stage: Stage) -> Spent {
        self.stages[stage as usize]
    }
}

impl Trace for Profile {
    fn ended(&mut self, stage: Stage, distances: u64) {
        let took = self.lap();
        let computed = distances - std::mem::replace(&mut self.distances, distances);
        let spent = &mut self.stages[stage as usize];
        *spent = Spent { took: spent.took + took, distances: spent.distances + computed };
    }

    fn walked(&mut self, outcome: index::Outcome, short: bool) {
        self.walk = Some((outcome, short));
    }
}

/// A value that cannot be shown as JSON would be a defect of this module.
fn not_json(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the explanation cannot be told: {error}"))
}
