//! What a repair saved and what it could not, and the same as JSON of bounded
//! length.

use crate::db::check::{Place, Problem, add_problems};
use crate::storage::StorageError;
use std::collections::BTreeSet;

/// What a repair found in the damaged directory and what is in the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Rows of the new database.
    pub rows: u64,
    /// Rows that are known to have been there, or may have been, and could not be read.
    pub rows_lost: u64,
    /// Those of them whose id is not known. An upper bound: some may have been deleted.
    pub rows_lost_without_id: u64,
    /// Rows of the new database that may have been deleted before: nothing that
    /// tells live rows from deleted ones could be read for them.
    pub rows_uncertain: u64,
    /// Rows of the new database whose key or metadata could not be read, and are lost.
    pub records_lost: u64,
    /// The lowest [`RepairReport::LOST_IDS_MAX`] ids of lost rows.
    pub lost_ids: Vec<u64>,
    /// Generation of the manifest that was used; `None` where none was whole.
    pub generation: Option<u64>,
    /// Files read.
    pub files: u64,
    /// Names of damaged and missing files.
    pub damaged_files: BTreeSet<String>,
    /// Records of the log applied.
    pub log_records: u64,
    /// Whether the log was read to its end.
    pub log_complete: bool,
    /// Whole record headers behind the place where reading the log ended.
    pub log_records_lost: u64,
    /// Bytes behind that place.
    pub log_bytes_lost: u64,
    /// Number of problems.
    pub problem_count: u64,
    /// The first [`RepairReport::PROBLEMS_MAX`] of them.
    pub problems: Vec<Problem>,
}

impl RepairReport {
    /// Problems that are kept with their text.
    pub const PROBLEMS_MAX: usize = 32;
    /// Lost ids that are kept.
    pub const LOST_IDS_MAX: usize = 100;
    /// Bytes of the longest JSON text, with a terminator.
    pub const JSON_MAX: usize = 16384;

    /// Whether every row is there that was, and no other: what was damaged, if
    /// anything, could be made again.
    pub fn is_complete(&self) -> bool {
        self.rows_lost == 0 && self.rows_uncertain == 0 && self.records_lost == 0 && self.log_complete
    }

    /// Adds a problem, unless it was told before; beyond the first few it is only counted.
    pub(super) fn add(&mut self, problem: Problem) {
        if self.problems.contains(&problem) {
            return;
        }
        self.damaged_files.extend(problem.place.as_ref().map(|place| place.file.clone()));
        self.problem_count += 1;
        if self.problems.len() < RepairReport::PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// Adds damage, followed by what it means; any other error comes back.
    pub(super) fn take(&mut self, damage: StorageError, effect: &str) -> Result<(), StorageError> {
        if !damage.is_damage() {
            return Err(damage);
        }
        let mut problem = match damage {
            StorageError::Io { ref file, .. } => {
                let place = Place { file: file.clone(), block: 0, offset: 0 };
                Problem { place: Some(place), what: damage.to_string() }
            }
            damage => Problem::from_damage(damage)?,
        };
        problem.what += effect;
        self.add(problem);
        Ok(())
    }

    /// The report as JSON, shorter than [`RepairReport::JSON_MAX`]: problems that
    /// would not fit are left out, and long texts are cut.
    pub fn to_json(&self) -> String {
        let ids: Vec<String> = self.lost_ids.iter().map(u64::to_string).collect();
        let mut json = format!(
            r#"{{"complete":{},"rows":{},"rows_lost":{},"rows_lost_without_id":{},"rows_uncertain":{},"records_lost":{},"lost_ids":[{}],"generation":{},"files":{},"files_damaged":{},"log_records":{},"log_complete":{},"log_records_lost":{},"log_bytes_lost":{},"problem_count":{},"problems":["#,
            self.is_complete(),
            self.rows,
            self.rows_lost,
            self.rows_lost_without_id,
            self.rows_uncertain,
            self.records_lost,
            ids.join(","),
            self.generation.map_or("null".into(), |generation| generation.to_string()),
            self.files,
            self.damaged_files.len(),
            self.log_records,
            self.log_complete,
            self.log_records_lost,
            self.log_bytes_lost,
            self.problem_count,
        );
        add_problems(&mut json, &self.problems, RepairReport::JSON_MAX);
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_what_the_header_documents() {
        let mut report = RepairReport { rows: 7, rows_lost: 2, lost_ids: vec![3, 4], ..RepairReport::default() };
        report.take(StorageError::corrupt("chunk-1.vdb", 65536, "differs"), "; 2 rows lost").unwrap();
        report.take(StorageError::corrupt("chunk-1.vdb", 65536, "differs"), "; 2 rows lost").unwrap();
        assert_eq!(
            report.to_json(),
            r#"{"complete":false,"rows":7,"rows_lost":2,"rows_lost_without_id":0,"rows_uncertain":0,"records_lost":0,"lost_ids":[3,4],"generation":null,"files":0,"files_damaged":1,"log_records":0,"log_complete":false,"log_records_lost":0,"log_bytes_lost":0,"problem_count":1,"problems":[{"file":"chunk-1.vdb","block":1,"offset":65536,"what":"differs; 2 rows lost"}]}"#
        );
        assert!(report.take(StorageError::Locked { pid: None }, "").is_err());
    }

    #[test]
    fn no_report_is_longer_than_promised() {
        let mut report = RepairReport { lost_ids: vec![u64::MAX; RepairReport::LOST_IDS_MAX], ..Default::default() };
        (0..1000).for_each(|i| report.add(Problem::new(format!("{i}{}", "\u{1}".repeat(5000)))));
        assert_eq!((report.problem_count, report.problems.len()), (1000, RepairReport::PROBLEMS_MAX));
        let json = report.to_json();
        assert!(json.len() < RepairReport::JSON_MAX && json.ends_with("\"}]}"), "{} bytes", json.len());
    }
}
