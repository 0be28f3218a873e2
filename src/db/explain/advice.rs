//! What a caller can do about a search that is slower, or finds less, than it could: one sentence each, with the
//! numbers that it follows from and the call or option that helps.

use super::{Explained, Stage};
use crate::db::cap::Fit;
use crate::db::follow;
use crate::db::plan::{EF_UNMEASURED, Plan, ROWS_PER_EF, Why, target_recall};
use crate::db::types::SearchParams;
use crate::index::Unlimited;
use std::time::Duration;

/// Rows behind the graph that are worth a word: so many, and such a part of all.
const UNINDEXED_LEAST: u64 = 500;
const UNINDEXED_SHARE: u64 = 10;
/// Time with a filter that is worth a word where it is most of all time.
const FILTER_LEAST: Duration = Duration::from_millis(1);

impl Explained<'_> {
    /// What to do, most important first.
    pub(super) fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        advice.extend(self.ended_early());
        advice.extend(self.behind());
        advice.extend(self.unindexed());
        advice.extend(self.few_rows());
        advice.extend(self.small_numbers());
        advice.extend(self.breadth());
        advice.extend(self.recall());
        advice.extend(self.memory_limit());
        advice.extend(self.filter_time());
        advice
    }

    fn ended_early(&self) -> Option<String> {
        let narrow = self.plan.fit == Fit::Narrower || self.profile.walk.is_some_and(|(outcome, _)| outcome.left_out);
        let stopped = !self.complete && !narrow;
        stopped.then(|| "the deadline or the task ended the search: later rows were not looked at".into())
    }

    fn behind(&self) -> Option<String> {
        follow::is_behind(self.core).then(|| "the writer has written more since: vdb_refresh shows it".into())
    }

    fn unindexed(&self) -> Option<String> {
        let (core, live, rows) = (self.core, self.view.live(), self.view.unindexed());
        let many = rows >= UNINDEXED_LEAST && rows > live / UNINDEXED_SHARE;
        if !many || live < core.settings.graph_min_rows || self.params.exact {
            return None;
        }
        let what = format!("{rows} of {live} rows are not in the graph yet and are scanned");
        Some(match (&core.follower, core.put_off.is_set()) {
            (Some(_), _) => format!(
                "{what}: they are in it once the writer has put them there, made a checkpoint and vdb_refresh was called"
            ),
            (None, true) => format!("{what}: graph work does not fit into runtime.max_memory; raise it"),
            (None, false) => format!("{what}: vdb_wait_indexed waits until they are in it"),
        })
    }

    fn few_rows(&self) -> Option<String> {
        let (k, live) = (self.asked as u64, self.view.live());
        match self.plan.passing_count() {
            Some(0) => Some("no row passes the filter".into()),
            Some(passing) if passing < k => Some(format!("only {passing} rows pass the filter, fewer than k = {k}")),
            None if live < k && !self.plan.stopped => Some(format!("there are {live} rows, fewer than k = {k}")),
            _ => None,
        }
    }

    fn small_numbers(&self) -> Vec<String> {
        let (SearchParams { ef, rerank, .. }, k) = (self.params, self.plan.k);
        let low = [("ef", *ef), ("rerank", *rerank)].into_iter().filter(|&(_, given)| 0 < given && given < k);
        low.map(|(name, given)| format!("{name} = {given} is below k = {k}: {k} was used")).collect()
    }

    fn breadth(&self) -> Option<String> {
        let live = self.view.live();
        match self.plan.why {
            Why::Broad(ef) => {
                let most = live.div_ceil(ROWS_PER_EF).saturating_sub(1);
                Some(format!("ef = {ef} has all rows compared; with ef and k of at most {most} the graph is walked"))
            }
            Why::Exact if self.view.index.graph.nodes() > 0 => {
                Some("the search is exact and compares all rows; otherwise the graph would be walked".into())
            }
            _ => None,
        }
    }

    fn recall(&self) -> Option<String> {
        let target = target_recall(self.core, self.params);
        let graph = self.view.index.graph.nodes();
        if target == 0.0 || graph == 0 || self.params.exact {
            return None;
        }
        let Some(calibration) = &self.view.index.calibration else {
            return Some(format!(
                "target_recall = {target} was not measured on these rows yet: ef = {EF_UNMEASURED} is used until the \
                 graph takes more rows in"
            ));
        };
        let best = calibration.best_recall(self.plan.k.max(1));
        (best < target).then(|| {
            format!(
                "target_recall = {target} is more than the widest walk that was measured found, {best:.4}: it is used; an \
                 exact search finds all"
            )
        })
    }

    fn memory_limit(&self) -> Option<String> {
        if self.plan.fit == Fit::Whole {
            return None;
        }
        let unlimited = SearchParams { max_memory: 0, ..self.params.clone() };
        let plan = Plan::new(self.core, self.view, self.asked, &unlimited, &Unlimited).ok()?;
        let (limit, bytes) = (self.params.max_memory, plan.bytes(self.core, self.view));
        let less = if self.plan.fit == Fit::Narrower { "finds less" } else { "takes longer" };
        Some(format!("max_memory = {limit}, so it {less}: without a limit it would take {bytes} bytes"))
    }

    fn filter_time(&self) -> Option<String> {
        let (filter, total) = (self.profile.filter, self.profile.total);
        let most = self.plan.is_filtered() && filter >= FILTER_LEAST && filter > total / 2;
        let searched = self.profile.stage(Stage::Walk).took + self.profile.stage(Stage::Pick).took;
        (most && filter > searched).then(|| {
            "most of the time went into asking the filter about rows it did not know: use one filter again rather than \
             making another for each search"
                .into()
        })
    }
}
