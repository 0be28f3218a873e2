//! What calls with one query have in common: they pin a state, take working memory, search, perhaps more than once,
//! and are counted when they end.

use super::core::Core;
use super::ended::Ended;
use super::error::{ErrorKind, Result, fail};
use super::latency::Call;
use super::plan::Plan;
use super::reader::{Limits, Scratch, finish, search_one, take_query};
use super::types::{Outcome, SearchParams, Vectors};
use super::view::View;
use crate::arena;
use crate::index::Control;
use arc_swap::Guard;
use std::sync::Arc;
use std::time::Instant;

/// A call with one query that is under way.
pub struct Single<'a> {
    pub core: &'a Core,
    /// The state that it sees.
    pub view: Guard<Arc<View>>,
    pub limits: Limits<'a>,
    /// Its working memory, with the query.
    pub scratch: arena::Scratch<'a, Scratch>,
    /// When it began.
    pub start: Instant,
    params: &'a SearchParams,
    call: Call,
}

/// A call that is for one query, and has as many places for ids as for distances.
pub fn check_one(query: &Vectors<'_>, ids: &[u64], distances: &[f32]) -> Result<()> {
    if query.count() != 1 {
        return fail(ErrorKind::InvalidArgument, format!("{} queries, where one is wanted", query.count()));
    }
    check_places(ids, distances)
}

/// As many places for ids as for distances.
pub fn check_places(ids: &[u64], distances: &[f32]) -> Result<()> {
    if ids.len() == distances.len() {
        return Ok(());
    }
    let message = format!("{} places for ids, {} for distances: as many are wanted", ids.len(), distances.len());
    fail(ErrorKind::InvalidArgument, message)
}

impl<'a> Single<'a> {
    /// Begins a call for the one vector of `query`.
    pub fn of(core: &'a Core, call: Call, query: &Vectors<'_>, params: &'a SearchParams) -> Result<Single<'a>> {
        core.shape.accepts(query)?;
        let mut single = Single::new(core, call, params)?;
        take_query(core, query, 0, &mut single.scratch)?;
        Ok(single)
    }

    /// Begins a call that makes its query itself.
    pub fn new(core: &'a Core, call: Call, params: &'a SearchParams) -> Result<Single<'a>> {
        let (start, view) = (Instant::now(), core.view_at(params.snapshot.as_ref())?);
        Ok(Single { core, view, limits: Limits::of(params), scratch: core.scratch.take(), start, params, call })
    }

    /// Fills `scratch.best` with the `k` rows that are nearest to the query; false when it was stopped early or kept to its
    /// memory. And how that was done.
    pub fn search(&mut self, k: usize) -> Result<(bool, Plan)> {
        let Single { core, view, limits, scratch, params, .. } = self;
        let mut plan = Plan::new(core, view, k, params, limits)?;
        plan.threads = core.threads();
        scratch.cover(core, view, &plan)?;
        if limits.stop() {
            scratch.best.reset(0)?;
            return Ok((false, plan));
        }
        Ok((search_one(core, view, &plan, limits, scratch)?, plan))
    }

    /// Ends the call: whether it did all that it was to do, its last plan, and the distances that it computed beside its searches.
    pub fn end(mut self, complete: bool, plan: &Plan, more: u64) -> Result<Outcome> {
        let distances = more + std::mem::take(&mut self.scratch.walk.distances);
        finish(self.core, &self.view, distances, 1)?;
        let outcome = if complete { Outcome::Complete } else { Outcome::Partial };
        Ended { view: &self.view, plan, call: self.call, queries: 1, outcome }.note(self.core, self.start);
        Ok(outcome)
    }
}
