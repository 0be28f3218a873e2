//! What a check found, and the same as JSON of bounded length, so that a
//! caller can have a buffer ready before the check runs.

use crate::storage::StorageError;
use std::fmt::{self, Write};

/// How much a check looks at. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckLevel {
    /// Every byte of the live files is read from disk and verified.
    Checksums = 1,
    /// Ids, slots, tombstones and graph agree with each other.
    Structure = 2,
    /// The graph's recall is measured on stored rows.
    Recall = 3,
}

impl CheckLevel {
    /// The level of this number, if there is one.
    pub fn from_number(number: u32) -> Option<CheckLevel> {
        [CheckLevel::Checksums, CheckLevel::Structure, CheckLevel::Recall].into_iter().find(|&l| l as u32 == number)
    }

    fn name(self) -> &'static str {
        match self {
            CheckLevel::Checksums => "checksums",
            CheckLevel::Structure => "structure",
            CheckLevel::Recall => "recall",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The damaged file and the offset in it, where one is to blame.
    pub place: Option<Place>,
    /// What was expected, in words.
    pub what: String,
}

/// Where a file is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File name inside the database directory.
    pub file: String,
    /// Index of the block, which is of 64 KiB, or of 4 KiB in some parts.
    pub block: u64,
    /// Byte offset at which the damage was noticed.
    pub offset: u64,
}

impl Problem {
    /// A problem of the structure, for which no file is to blame.
    pub(in crate::db) fn new(what: impl Into<String>) -> Problem {
        Problem { place: None, what: what.into() }
    }

    /// The damage that `error` tells of; the error itself where it is not about damage.
    pub(in crate::db) fn from_damage(error: StorageError) -> Result<Problem, StorageError> {
        let place = |file, block, offset| Some(Place { file, block, offset });
        match error {
            StorageError::Corrupt { file, block, offset, what } => {
                Ok(Problem { place: place(file, block, offset), what })
            }
            StorageError::NotFound { file } => Ok(Problem { place: place(file, 0, 0), what: "missing".into() }),
            StorageError::TooNew { ref file, .. } => {
                Ok(Problem { place: place(file.clone(), 0, 0), what: error.to_string() })
            }
            other => Err(other),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => f.write_str(&self.what),
            Some(Place { file, block, offset }) => {
                write!(f, "{file} is damaged at byte {offset} (block {block}): {}", self.what)
            }
        }
    }
}

/// What a check looked at and what it found.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckReport {
    /// The level that was asked for.
    pub level: CheckLevel,
    /// The level up to which was looked: a level with a problem is the last.
    pub completed: CheckLevel,
    /// Number of problems.
    pub problem_count: u64,
    /// The first [`CheckReport::PROBLEMS_MAX`] of them.
    pub problems: Vec<Problem>,
    /// Part files read.
    pub files: u64,
    /// Bytes of the blocks in them.
    pub bytes: u64,
    /// Records of the log read.
    pub log_records: u64,
    /// The batch up to which the checked view reaches.
    pub lsn: u64,
    /// Rows of the view that a search can return.
    pub rows: u64,
    /// Nodes of its graph.
    pub graph_nodes: u64,
    /// Share of the 10 nearest rows that a walk of the graph with the default
    /// breadth finds, over stored rows as queries. `None` where there is no graph.
    pub recall: Option<f64>,
    /// Number of those queries.
    pub recall_queries: u64,
}

impl CheckReport {
    /// Problems that are kept with their text.
    pub const PROBLEMS_MAX: usize = 32;
    /// Bytes of the longest JSON text, with a terminator.
    pub const JSON_MAX: usize = 16384;

    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    /// Adds a problem; beyond the first few it is only counted.
    pub(super) fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < CheckReport::PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// The report as JSON, shorter than [`CheckReport::JSON_MAX`]: problems that
    /// would not fit are left out, and long texts are cut.
    pub fn to_json(&self) -> String {
        let recall = self.recall.map_or("null".into(), |recall| format!("{recall:.4}"));
        let mut json = format!(
            r#"{{"sound":{},"level":"{}","completed":"{}","files":{},"bytes":{},"log_records":{},"lsn":{},"rows":{},"graph_nodes":{},"recall_at_10":{recall},"recall_queries":{},"problem_count":{},"problems":["#,
            self.is_sound(),
            self.level.name(),
            self.completed.name(),
            self.files,
            self.bytes,
            self.log_records,
            self.lsn,
            self.rows,
            self.graph_nodes,
            self.recall_queries,
            self.problem_count,
        );
        add_problems(&mut json, &self.problems, CheckReport::JSON_MAX);
        json
    }
}

/// Ends a JSON object whose list of problems is open, with as many of them as
/// keep it shorter than `max`.
pub(in crate::db) fn add_problems(json: &mut String, problems: &[Problem], max: usize) {
    const END: &str = "]}";
    for (i, problem) in problems.iter().enumerate() {
        let entry = format!("{}{}", if i == 0 { "" } else { "," }, problem_json(problem));
        if json.len() + entry.len() + END.len() >= max {
            break;
        }
        *json += &entry;
    }
    *json += END;
}

fn problem_json(problem: &Problem) -> String {
    const LONGEST: usize = 400;
    let what: String = problem.what.chars().take(LONGEST).collect();
    let place = problem.place.as_ref().map(|place| {
        let Place { file, block, offset } = place;
        format!(r#""file":{},"block":{block},"offset":{offset},"#, quoted(file))
    });
    format!(r#"{{{}"what":{}}}"#, place.unwrap_or_default(), quoted(&what))
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(problems: impl IntoIterator<Item = Problem>) -> CheckReport {
        let mut report = CheckReport {
            level: CheckLevel::Recall,
            completed: CheckLevel::Structure,
            problem_count: 0,
            problems: Vec::new(),
            files: 1,
            bytes: 2,
            log_records: 3,
            lsn: 4,
            rows: 5,
            graph_nodes: 6,
            recall: Some(0.5),
            recall_queries: 7,
        };
        problems.into_iter().for_each(|problem| report.add(problem));
        report
    }

    #[test]
    fn the_json_is_what_the_header_documents() {
        let place = Place { file: "chunk-1.vdb".into(), block: 1, offset: 65536 };
        let odd = Problem { place: Some(place), what: "a \"b\"\\\n".into() };
        assert_eq!(
            report([odd, Problem::new("c")]).to_json(),
            r#"{"sound":false,"level":"recall","completed":"structure","files":1,"bytes":2,"log_records":3,"lsn":4,"rows":5,"graph_nodes":6,"recall_at_10":0.5000,"recall_queries":7,"problem_count":2,"problems":[{"file":"chunk-1.vdb","block":1,"offset":65536,"what":"a \"b\"\\\u000a"},{"what":"c"}]}"#
        );
        assert!(report([]).to_json().starts_with(r#"{"sound":true,"#));
    }

    #[test]
    fn no_report_is_longer_than_promised() {
        for what in ["x".repeat(5000), "\u{1}".repeat(5000), "\u{20ac}".repeat(5000)] {
            let report = report((0..1000).map(|_| Problem::new(what.clone())));
            assert_eq!((report.problem_count, report.problems.len()), (1000, CheckReport::PROBLEMS_MAX));
            let json = report.to_json();
            assert!(json.len() < CheckReport::JSON_MAX && json.ends_with("\"}]}"), "{} bytes", json.len());
        }
    }

    #[test]
    fn levels_have_fixed_numbers() {
        let levels: Vec<_> = (0..5).map(CheckLevel::from_number).collect();
        assert_eq!(
            levels,
            [None, Some(CheckLevel::Checksums), Some(CheckLevel::Structure), Some(CheckLevel::Recall), None]
        );
    }
}
