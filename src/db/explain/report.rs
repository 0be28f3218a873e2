//! The text of an explanation. Names are the interface: `vdb_explain` in `include/vdb.h` lists them.

use super::{Explained, JSON_MAX, Stage, not_json};
use crate::db::cap::Fit;
use crate::db::error::Result;
use crate::db::plan::{Costs, Covered, Why, target_recall};
use crate::db::scan;
use crate::index::Past;
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Report {
    plan: &'static str,
    why: String,
    complete: bool,
    k: usize,
    found: usize,
    rows: Rows,
    filter: Option<Filter>,
    costs: Option<CostsOf>,
    scan: Scan,
    walk: Option<Walk>,
    read: Read,
    time_us: Times,
    recall: Recall,
    memory: Memory,
    cache: &'static str,
    lsn: u64,
    advice: Vec<String>,
}

#[derive(Serialize)]
struct Rows {
    live: u64,
    passing: u64,
    in_graph: u64,
    unindexed: u64,
    chunks: usize,
}

#[derive(Serialize)]
struct Filter {
    selectivity: f64,
    expected_selectivity: Option<f64>,
    chunks_skipped: Option<usize>,
}

#[derive(Serialize)]
struct CostsOf {
    pick: u64,
    walk_through: u64,
    walk_over: Option<u64>,
}

#[derive(Serialize)]
struct Scan {
    rows: u32,
    sketches: u32,
    vectors: u64,
    threads: usize,
}

#[derive(Serialize)]
struct Walk {
    ef: usize,
    spare: usize,
    stretch: Option<f32>,
    past_blocked: Option<&'static str>,
    most_distances: Option<u64>,
    nodes: u64,
    gave_up: bool,
    short: bool,
    left_out: bool,
}

#[derive(Serialize)]
struct Read {
    codes: u64,
    vectors: u64,
    rerank: usize,
    reranked: u64,
}

#[derive(Serialize)]
struct Times {
    filter: f64,
    scan: f64,
    walk: f64,
    pick: f64,
    rerank: f64,
    total: f64,
}

#[derive(Serialize)]
struct Recall {
    target: Option<f32>,
    calibrated_nodes: Option<u32>,
    best_measured: Option<f32>,
}

#[derive(Serialize)]
struct Memory {
    bytes: u64,
    limit: Option<u64>,
    fit: &'static str,
}

fn us(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1000.0
}

impl Explained<'_> {
    /// The explanation as JSON of no more than [`JSON_MAX`] bytes.
    pub(super) fn to_json(&self) -> Result<String> {
        let mut report = self.report();
        loop {
            let json = serde_json::to_string(&report).map_err(not_json)?;
            if json.len() <= JSON_MAX || report.advice.pop().is_none() {
                return Ok(json);
            }
        }
    }

    fn report(&self) -> Report {
        let Explained { core, view, params, plan, found, complete, known, .. } = *self;
        let costs = match plan.why {
            Why::Costs(Costs { pick, through, over }) => {
                let walk_over = over.map(|over| over as u64);
                Some(CostsOf { pick: pick as u64, walk_through: through as u64, walk_over })
            }
            _ => None,
        };
        let calibration = view.index.calibration.as_ref();
        let target = Some(target_recall(core, params)).filter(|&target| target > 0.0);
        let cache = match known {
            _ if core.cache.is_none() => "off",
            None => "skipped",
            Some(true) => "hit",
            Some(false) => "miss",
        };
        Report {
            plan: plan.name(),
            why: self.why(),
            complete,
            k: plan.k,
            found,
            rows: self.rows(),
            filter: self.filter(),
            costs,
            scan: self.scan(),
            walk: self.walk(),
            read: self.read(),
            time_us: self.times(),
            recall: Recall {
                target,
                calibrated_nodes: calibration.map(|calibration| calibration.nodes),
                best_measured: calibration.map(|calibration| calibration.best_recall(plan.k.max(1))),
            },
            memory: self.memory(),
            cache,
            lsn: view.lsn,
            advice: self.advice(),
        }
    }

    fn rows(&self) -> Rows {
        let (view, live) = (self.view, self.view.live());
        Rows {
            live,
            passing: self.plan.passing_count().unwrap_or(live),
            in_graph: live - view.unindexed(),
            unindexed: view.unindexed(),
            chunks: view.chunks.vectors.len(),
        }
    }

    fn filter(&self) -> Option<Filter> {
        let live = self.view.live();
        let selectivity = self.plan.passing_count()? as f64 / live.max(1) as f64;
        let expected = self.params.filter.as_ref()?.expected(self.core, self.view);
        Some(Filter { selectivity, expected_selectivity: expected.share, chunks_skipped: expected.decided })
    }

    fn scan(&self) -> Scan {
        let (view, plan) = (self.view, self.plan);
        let from = if plan.covered == Covered::Scan { 0 } else { view.index.graph.len() };
        let slots = if plan.k > 0 { from..view.end() } else { 0..0 };
        let sketches = scan::sketched(view, plan, &slots).map_or(0, |(_, slots)| slots.len() as u32);
        let threads = scan::parts(self.core, view, plan, &slots);
        Scan { rows: slots.len() as u32, sketches, vectors: self.profile.stage(Stage::Scan).distances, threads }
    }

    fn walk(&self) -> Option<Walk> {
        let Covered::Walk(walk) = self.plan.covered else { return None };
        let (outcome, short) = self.profile.walk.unwrap_or_default();
        let past = match walk.past_blocked {
            Past::Through => "through",
            Past::Over => "over",
        };
        Some(Walk {
            ef: walk.beam.ef,
            spare: walk.beam.slack,
            stretch: walk.beam.adaptive.map(|adaptive| adaptive.stretch),
            past_blocked: self.plan.is_filtered().then_some(past),
            most_distances: Some(walk.most_distances).filter(|&most| most < u64::MAX),
            nodes: self.profile.expanded,
            gave_up: outcome.gave_up,
            short,
            left_out: outcome.left_out,
        })
    }

    fn read(&self) -> Read {
        let distances = |stage| self.profile.stage(stage).distances;
        let (scan, walk, pick, reranked) =
            (distances(Stage::Scan), distances(Stage::Walk), distances(Stage::Pick), distances(Stage::Rerank));
        let coded = |walked: u64, is_coded: bool| if is_coded { (walked, 0) } else { (0, walked) };
        let (walk_codes, walk_vectors) = coded(walk, self.view.index.codec.is_some());
        let (pick_codes, pick_vectors) = coded(pick, self.plan.by_code);
        let vectors = scan + walk_vectors + pick_vectors + reranked;
        Read { codes: walk_codes + pick_codes, vectors, rerank: self.plan.rerank, reranked }
    }

    fn times(&self) -> Times {
        let took = |stage| us(self.profile.stage(stage).took);
        Times {
            filter: us(self.profile.filter),
            scan: took(Stage::Scan),
            walk: took(Stage::Walk),
            pick: took(Stage::Pick),
            rerank: took(Stage::Rerank),
            total: us(self.profile.total),
        }
    }

    fn memory(&self) -> Memory {
        let fit = match self.plan.fit {
            Fit::Whole => "whole",
            Fit::Slower => "slower",
            Fit::Narrower => "narrower",
        };
        let limit = Some(self.params.max_memory).filter(|&limit| limit > 0);
        Memory { bytes: self.plan.bytes(self.core, self.view), limit, fit }
    }

    /// What decided on the way, in words.
    fn why(&self) -> String {
        let (plan, live, settings) = (self.plan, self.view.live(), &self.core.settings);
        if plan.stopped {
            return "the search was to end before it was known which rows pass the filter".into();
        }
        let why = match plan.why {
            Why::Exact => "an exact search compares all rows that may be results".into(),
            Why::Nothing => "there is nothing to find".into(),
            Why::NoGraph if live < settings.graph_min_rows => {
                format!("there is no graph below index.graph_min_rows = {} rows", settings.graph_min_rows)
            }
            Why::NoGraph => "the graph is not built yet".into(),
            Why::Broad(ef) => {
                format!("ef = {ef} is not below a tenth of the {live} rows: walking would cost more than comparing all")
            }
            Why::Graph => "there is no filter, and the graph leads to the rows near the query".into(),
            Why::Costs(Costs { pick, through, over }) => {
                let over = over.map_or("leads nowhere".into(), |over| format!("costs as much as {over:.0}"));
                format!(
                    "comparing the rows that pass takes {pick:.0} distances, walking through the others costs as much \
                     as {through:.0}, walking over them {over}: the least is taken"
                )
            }
        };
        match plan.fit {
            Fit::Whole => why,
            Fit::Slower => format!("{why}; max_memory leaves no room for the quickest way"),
            Fit::Narrower => format!("{why}; max_memory makes it narrower than it should be"),
        }
    }
}
