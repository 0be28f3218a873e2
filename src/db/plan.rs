//! How one search goes about it: whether it walks the graph or compares rows one by one, how
//! far it goes, and how it keeps to a filter.
//!
//! Under a filter there are three ways, and which is cheapest hangs on how many rows pass, not
//! on their share: comparing the rows that pass costs as much as there are, a walk about as
//! much as without the filter times the blocked rows it meets. Estimates go by counts alone, so they
//! know nothing of where the rows lie; a walk that has cost more than comparing all of
//! them would have is given up for that.

use super::cap::Fit;
use super::core::Core;
use super::error::Result;
use super::filter::Selection;
use super::types::SearchParams;
use super::view::View;
use crate::arena::SlotBits;
use crate::index::flat::TopK;
use crate::index::{Beam, Control, Past, Space, sketched};
use std::sync::Arc;

/// The graph is walked only when the breadth is a small part of the rows: a
/// walk of breadth ef computes some 10 ef distances, each dearer than a scanned row's.
pub const ROWS_PER_EF: u64 = 10;
/// Breadth for a wanted recall while nothing was measured: in a graph that never took new rows in.
/// Below ten times as many rows that is a scan.
pub const EF_UNMEASURED: usize = 400;
/// Candidates ranked again for each result wanted where codes are rough.
const ROUGH_SHARE: usize = 10;
/// Candidates kept beyond ef for the rerank.
const RERANK_SLACK: usize = 16;
/// Distances that a walk computes at the least, and for each candidate of its breadth.
const WALK_LEAST: f64 = 120.0;
const WALK_PER_EF: f64 = 8.0;
/// What a distance on a walk costs, in distances to rows of a list that is known beforehand. This and the three
/// below are fitted to times of all three ways: `docs/decisions/0009-filters-by-row-counts.md`.
const WALK_COST: f64 = 5.0;
/// How a walk through blocked rows grows as fewer pass: by this power of all rows over those that pass.
const THROUGH_POWER: f64 = 0.75;
/// How much more a walk over blocked rows costs than one without a filter: 2.2 to 3 times where they lie at random.
/// Rather less is taken, because where those that pass lie together, through the others is far dearer.
const OVER_COST: f64 = 2.4;
/// Where fewer rows pass than this share, going over the others finds less at the same breadth; where fewer than
/// the last share do, it is of no use.
const OVER_NARROW: f64 = 0.1;
const OVER_LEAST: f64 = 0.03;
/// Rows picked by their codes where that spares so many of the exact comparisons.
const PICK_SHARE: u64 = 4;

/// Breadth and depth of one search, with the defaults filled in.
pub struct Plan {
    /// Results wanted, no more than there are.
    pub k: usize,
    /// Candidates ranked again by their vectors.
    pub rerank: usize,
    /// What is done with the rows that the graph covers.
    pub covered: Covered,
    /// Whether rows that the filter lets pass are compared by their codes first, and the best again by their vectors.
    pub by_code: bool,
    /// Whether rows that are scanned may be passed over for their sketches.
    pub sketched: bool,
    /// Threads that a long scan may be split over.
    pub threads: usize,
    /// Rows up to this distance and id are not wanted.
    pub after: Option<(f32, u64)>,
    /// Why it is this way.
    pub why: Why,
    /// How it keeps to the limit on memory of the search.
    pub fit: Fit,
    /// Parts that a scan may be split into within that, and blocked nodes that a walk may keep waiting.
    pub most_parts: usize,
    pub most_waiting: usize,
    selection: Option<Arc<Selection>>,
    /// Whether the search was to end before it was known which rows pass.
    pub stopped: bool,
}

/// What decided on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// The caller wants all rows compared.
    Exact,
    /// There is nothing to find.
    Nothing,
    /// There is no graph.
    NoGraph,
    /// A walk of this breadth would cost more than comparing all rows.
    Broad(usize),
    /// There is a graph and no filter.
    Graph,
    /// The least of these costs.
    Costs(Costs),
}

/// What each way under a filter is expected to cost, in distances to rows of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Comparing the rows that pass.
    pub pick: f64,
    /// Walking through the others.
    pub through: f64,
    /// Walking over them, where that leads anywhere.
    pub over: Option<f64>,
}

/// What is done with the rows that the graph covers. All others are scanned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Covered {
    /// They are scanned like the others.
    Scan,
    /// Those that the filter lets pass are compared.
    Pick,
    /// The graph is walked.
    Walk(Walk),
}

/// A walk of the graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// How far it goes.
    pub beam: Beam,
    /// How it gets past rows that are no results.
    pub past_blocked: Past,
    /// Distances after which comparing all rows that pass would have been cheaper.
    pub most_distances: u64,
}

/// Candidates that are ranked again where the caller does not say: enough for codes to be off by a few places, or by
/// many where they are short.
pub fn rerank_depth(coded: &Space, k: usize) -> usize {
    let share = if coded.kernel.form.is_rough() { ROUGH_SHARE } else { 2 };
    k.saturating_mul(share).max(k.saturating_add(5 * share))
}

impl Plan {
    /// For a search of `view` for `k` rows.
    pub fn new(core: &Core, view: &View, k: usize, params: &SearchParams, control: &dyn Control) -> Result<Plan> {
        let (selection, stopped) = match &params.filter {
            Some(filter) => filter.select(core, view, control)?.map_or((None, true), |found| (Some(found), false)),
            None => (None, false),
        };
        let k = if stopped { 0 } else { k };
        Ok(Plan { stopped, ..Plan::among(core, view, k, params, selection)? })
    }

    /// As [`Plan::new`] where it is known already which rows pass the filter.
    pub fn among(
        core: &Core,
        view: &View,
        k: usize,
        params: &SearchParams,
        selection: Option<Arc<Selection>>,
    ) -> Result<Plan> {
        let there = selection.as_ref().map_or(view.live(), |selection| selection.passing);
        let k = k.min(usize::try_from(there).unwrap_or(usize::MAX));
        let rerank = if params.rerank == 0 { rerank_depth(&view.coded, k) } else { params.rerank.max(k) };
        let graph = match (params.exact, k, view.index.graph.nodes()) {
            (true, ..) => Err(Why::Exact),
            (_, 0, _) => Err(Why::Nothing),
            (.., 0) => Err(Why::NoGraph),
            _ => Ok(()),
        };
        let beam = graph.and_then(|()| beam(core, view, (k, rerank), params));
        // Rough codes lose a right answer among the others of the beam: all of them are ranked again.
        let whole = beam.ok().filter(|_| params.rerank == 0 && view.coded.kernel.form.is_rough());
        let rerank = whole.map_or(rerank, |beam| rerank.max(beam.ef));
        let (covered, why) = match (beam, &selection) {
            (Err(why), _) => (Covered::Scan, why),
            (Ok(beam), None) => (Covered::Walk(Walk::new(beam)), Why::Graph),
            (Ok(beam), Some(selection)) => filtered(view, beam, selection),
        };
        let from = if covered == Covered::Scan { 0 } else { view.index.graph.len() };
        let rows = view.sketched(from..view.end()).map_or(0, |(_, slots)| slots.len() as u32);
        let sketched = !params.exact && sketched::pays(k, rows);
        // Vectors that were given up are not there to be compared; few rows, or rough codes, go without codes.
        let worth = |selection: &Arc<Selection>| {
            let many = selection.passing > PICK_SHARE.saturating_mul(rerank as u64);
            view.hollow > 0 || (many && !view.coded.kernel.form.is_rough())
        };
        let by_code = covered != Covered::Scan && view.index.codec.is_some() && selection.as_ref().is_some_and(worth);
        let (fit, most_parts, most_waiting) = (Fit::Whole, usize::MAX, usize::MAX);
        let mut plan = Plan {
            k,
            rerank,
            covered,
            by_code,
            sketched,
            threads: 1,
            why,
            fit,
            most_parts,
            most_waiting,
            after: None,
            selection,
            stopped: false,
        };
        if params.max_memory > 0 {
            plan.fit(core, view, params.max_memory)?;
        }
        Ok(plan)
    }

    /// Empties `best` for the results.
    pub fn reset(&self, best: &mut TopK) -> Result<()> {
        Ok(best.reset_after(self.k, self.after)?)
    }

    /// Walks the graph by the default breadth where it would scan.
    pub fn walking(mut self, core: &Core) -> Plan {
        if self.covered == Covered::Scan {
            self.covered = Covered::Walk(Walk::new(beam_of(core.settings.ef_search as usize, self.rerank)));
        }
        self
    }

    /// The breadth of the walk, if there is one.
    pub fn beam(&self) -> Option<Beam> {
        match self.covered {
            Covered::Walk(walk) => Some(walk.beam),
            Covered::Scan | Covered::Pick => None,
        }
    }

    /// What it is called in explanations and in the log.
    pub fn name(&self) -> &'static str {
        match self.covered {
            Covered::Scan => "scan",
            Covered::Pick => "pick",
            Covered::Walk(_) if self.selection.is_none() => "walk",
            Covered::Walk(Walk { past_blocked: Past::Through, .. }) => "walk through",
            Covered::Walk(Walk { past_blocked: Past::Over, .. }) => "walk over",
        }
    }

    /// Number of rows that pass the filter, where there is one.
    pub fn passing_count(&self) -> Option<u64> {
        self.selection.as_ref().map(|selection| selection.passing)
    }

    /// Slots of `view` that are no results.
    pub fn blocked<'a>(&'a self, view: &'a View) -> &'a SlotBits {
        self.selection.as_ref().map_or(&view.dead, |selection| &selection.blocked)
    }

    /// Whether some live rows are no results.
    pub fn is_filtered(&self) -> bool {
        self.selection.is_some()
    }

    /// The slots that pass a filter, ascending, where there is one and they are not very many.
    pub fn passing(&self) -> Option<&[u32]> {
        self.selection.as_ref()?.slots.as_deref()
    }
}

impl Walk {
    /// A walk where nearly all rows may be results.
    fn new(beam: Beam) -> Walk {
        Walk { beam, past_blocked: Past::Through, most_distances: u64::MAX }
    }
}

/// The cheapest way to the rows of `selection`.
fn filtered(view: &View, beam: Beam, selection: &Selection) -> (Covered, Why) {
    let pick = selection.passing.max(1) as f64;
    let share = pick / view.live().max(1) as f64;
    let cost = |beam: Beam| (WALK_LEAST + WALK_PER_EF * expected_ef(beam) as f64) * WALK_COST;
    let through = (cost(beam) * share.powf(-THROUGH_POWER), Past::Through, beam);
    let over = wide_enough(beam, share).map(|beam| (cost(beam) * OVER_COST, Past::Over, beam));
    let why = Why::Costs(Costs { pick, through: through.0, over: over.map(|over| over.0) });
    let (cost, past_blocked, beam) = match over {
        Some(over) if over.0 < through.0 => over,
        _ => through,
    };
    if pick <= cost {
        return (Covered::Pick, why);
    }
    (Covered::Walk(Walk { beam, past_blocked, most_distances: (pick / WALK_COST) as u64 }), why)
}

/// The beam that finds as much as `beam` does without a filter when blocked rows are gone over; `None` where none does.
fn wide_enough(beam: Beam, share: f64) -> Option<Beam> {
    match share {
        OVER_NARROW.. => Some(beam),
        OVER_LEAST.. if beam.adaptive.is_none() => {
            Some(Beam { ef: (beam.ef as f64 * (OVER_NARROW / share).sqrt()) as usize, ..beam })
        }
        _ => None,
    }
}

/// The breadth of a walk that ends as late; most of those that end by their stretch go little farther than this.
fn expected_ef(beam: Beam) -> usize {
    beam.adaptive.map_or(beam.ef, |adaptive| beam.ef.min(10 * adaptive.k.max(10)))
}

/// The recall that a search is to reach, the call's own or the database's; 0 = it goes by `ef`.
pub fn target_recall(core: &Core, params: &SearchParams) -> f32 {
    let default = if params.ef == 0 { core.settings.target_recall as f32 } else { 0.0 };
    if params.target_recall > 0.0 { params.target_recall } else { default }
}

/// By `ef` or by the recall wanted, whichever is given, the call's own first.
fn beam(
    core: &Core,
    view: &View,
    (k, rerank): (usize, usize),
    params: &SearchParams,
) -> std::result::Result<Beam, Why> {
    let target = target_recall(core, params);
    if target > 0.0
        && let Some(calibration) = &view.index.calibration
    {
        return Ok(calibration.beam(k, rerank, target));
    }
    let ef = match params.ef {
        0 if target > 0.0 => EF_UNMEASURED,
        0 => core.settings.ef_search as usize,
        ef => ef,
    };
    let ef = ef.max(k);
    if (ef as u64).saturating_mul(ROWS_PER_EF) < view.live() { Ok(beam_of(ef, rerank)) } else { Err(Why::Broad(ef)) }
}

/// A beam of `ef`. Codes rank a little differently than vectors: a few candidates beyond it cost
/// nothing to keep and are reranked with the others.
fn beam_of(ef: usize, rerank: usize) -> Beam {
    Beam::new(ef, rerank.saturating_sub(ef).max(RERANK_SLACK))
}
