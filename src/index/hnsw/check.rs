//! The structure audit behind `verify`: what must hold of every graph that
//! was built here, checked on one that may come from a damaged file.

use super::links::{ABSENT, Store, ids};
use super::repair::reach;
use super::{Graph, MAX_LEVEL};
use crate::arena::{AllocError, Visited};

/// What an audit found. All zero but `nodes` and `max_degree` in a sound graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes present.
    pub nodes: u64,
    /// Nodes that level-0 links do not reach from the entry point.
    pub unreachable: u64,
    /// Links that lead out of range or to a slot without a node on that level.
    pub dangling: u64,
    /// Links from a node to itself.
    pub self_links: u64,
    /// Links that a row holds more than once.
    pub duplicate_links: u64,
    /// Faults of the arrays themselves: levels, ordinals, entry point, counts.
    pub malformed: u64,
    /// Most links of a node on level 0.
    pub max_degree: usize,
    /// The first fault, in words.
    pub problem: Option<String>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problem.is_none()
    }

    fn note(&mut self, count: fn(&mut Report) -> &mut u64, what: impl FnOnce() -> String) {
        *count(self) += 1;
        self.problem.get_or_insert_with(what);
    }
}

impl Graph {
    /// Audits the whole graph: O(links), reads everything. An error says that
    /// there was no memory to do it.
    pub fn check(&self) -> Result<Report, AllocError> {
        let _working = self.memory.take(4 * self.len() as u64 + Visited::bytes(self.len()))?;
        let mut report = Report::default();
        self.check_nodes(&mut report);
        self.check_entry(&mut report);
        let mut reached = Visited::default();
        reached.reset(self.len())?;
        if let Some(entry) = self.entry {
            reach(self, entry.slot, &mut reached)?;
        }
        for (slot, _) in self.present().filter(|&(slot, _)| !reached.contains(slot)) {
            report.note(|r| &mut r.unreachable, || format!("slot {slot} is not reachable from the entry point"));
        }
        Ok(report)
    }

    fn check_nodes(&self, report: &mut Report) {
        let (mut ordinal, mut first) = (0, 0);
        for (slot, &level) in self.levels.bytes().iter().enumerate().filter(|&(_, &level)| level != ABSENT) {
            let (slot, level) = (slot as u32, level as usize);
            report.nodes += 1;
            if level > MAX_LEVEL {
                report.note(|r| &mut r.malformed, || format!("slot {slot} is on level {level}"));
                continue;
            }
            report.max_degree = report.max_degree.max(ids(self.links(0, slot)).count());
            self.check_links(0, slot, report);
            if level == 0 {
                continue;
            }
            if self.tall_entry(ordinal) != Some((slot, first)) {
                report.note(|r| &mut r.malformed, || format!("ordinal {ordinal} is not slot {slot}, row {first}"));
            }
            (1..=level).for_each(|l| self.check_links(l, ordinal, report));
            ordinal += 1;
            first += level as u32;
        }
        for (what, found, expected) in [
            ("nodes", report.nodes, self.nodes as u64),
            ("ordinals", self.tall.len() as u64, ordinal as u64),
            ("upper rows", self.upper.len() as u64, first as u64),
        ] {
            if found != expected {
                report.note(|r| &mut r.malformed, || format!("{found} {what} where {expected} belong"));
            }
        }
    }

    fn check_links(&self, level: usize, node: u32, report: &mut Report) {
        let links: Vec<u32> = ids(self.links(level, node)).collect();
        for (i, &id) in links.iter().enumerate() {
            let at = || format!("link {i} of node {node} on level {level}");
            let exists = id < self.end(level)
                && self.slot(level, id).and_then(|slot| self.level(slot)).is_some_and(|l| l >= level);
            if !exists {
                report.note(|r| &mut r.dangling, || format!("{} leads to {id}, which does not exist", at()));
            }
            if id == node {
                report.note(|r| &mut r.self_links, || format!("{} leads to itself", at()));
            }
            if links[..i].contains(&id) {
                report.note(|r| &mut r.duplicate_links, || format!("{} repeats {id}", at()));
            }
        }
    }

    fn check_entry(&self, report: &mut Report) {
        let top = self.present().map(|(_, level)| level).max();
        match self.entry {
            Some(entry) if self.level(entry.slot) != Some(entry.level) || Some(entry.level) != top => {
                report.note(|r| &mut r.malformed, || format!("slot {} is no entry point", entry.slot));
            }
            None if top.is_some() => report.note(|r| &mut r.malformed, || "no entry point".into()),
            _ => {}
        }
    }
}
