//! What is known of the columns of metadata, as JSON. Names are the interface: `vdb_columns_get` in `include/vdb.h` lists
//! them.

use super::Database;
use super::columns::ChunkColumns;
use super::core::Core;
use super::error::{Error, ErrorKind, Result};
use super::view::View;
use crate::meta::column::{Column, Stats};
use crate::meta::declared::{Declared, Kind};
use crate::meta::filter::{Columns, Literal, path_text};
use crate::meta::{Lane, Number, Scalar};
use crate::util::memory::make_room;
use serde::Serialize;
use serde_json::{Value, json};
use siphasher::sip::SipHasher24;
use std::collections::HashSet;
use std::hash::Hasher;

/// Distinct values up to which they are counted one by one.
const DISTINCT_EXACT: usize = 1 << 16;
/// Characters of a string that are shown.
const SHOWN: usize = 64;

#[derive(Serialize)]
struct Report {
    rows: u64,
    bytes: u64,
    columns: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    declared: bool,
    rows: usize,
    nulls: usize,
    distinct: Option<u64>,
    min: Value,
    max: Value,
    bytes: usize,
    bytes_per_row: f64,
}

impl Database {
    /// Tells as JSON about the columns of metadata, those that were declared (`schema.columns`) and those that filters looked
    /// at: how many rows they have been made of, what is in them, and what they take. The members are listed in
    /// `include/vdb.h`, at `vdb_columns_get`.
    pub fn columns(&self) -> Result<String> {
        report(&self.core)
    }

    /// Waits until declared columns are made of all rows that there are now, as far as there is room, for tests.
    #[doc(hidden)]
    pub fn wait_columns(&self) -> Result<()> {
        self.core.column_maker.finish(&|| Ok(()))
    }
}

fn report(core: &Core) -> Result<String> {
    let view = core.view.load_full();
    let declared = core.settings.columns.columns();
    let mut columns = Vec::new();
    for column in declared {
        let lanes: Vec<Lane> = column.lanes().collect();
        columns.push(Lanes::of(core, &view, &lanes)?.told(column));
    }
    let known: HashSet<Lane> = declared.iter().flat_map(Declared::lanes).collect();
    for lane in core.columns.lanes().into_iter().filter(|lane| !known.contains(lane)) {
        columns.push(Lanes::of(core, &view, std::slice::from_ref(&lane))?.inferred(&lane));
    }
    columns.sort_by(|a, b| (&a.name, &a.kind).cmp(&(&b.name, &b.kind)));
    core.check_faults()?;
    let rows = view.chunks.ids.iter().map(|piece| piece.rows.len() as u64).sum();
    let report = Report { rows, bytes: core.columns.bytes(), columns };
    serde_json::to_string(&report).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("what is known of the columns cannot be told: {error}"))
    })
}

/// The chunks of one lane, or of the two of a point, together.
struct Lanes {
    /// Of each lane.
    stats: Vec<Stats>,
    distinct: Distinct,
    bytes: usize,
}

impl Lanes {
    fn of(core: &Core, view: &View, lanes: &[Lane]) -> Result<Lanes> {
        let stats = vec![Stats::default(); lanes.len()];
        let mut all = Lanes { stats, distinct: Distinct::default(), bytes: 0 };
        for (chunk, piece) in view.chunks.ids.iter().enumerate() {
            let rows = piece.rows.len();
            let Some(records) = view.records.chunk(chunk) else {
                // Nothing is anywhere in them, and that is known.
                let nothing = Stats { rows, nulls: rows, ..Stats::default() };
                all.stats.iter_mut().try_for_each(|stats| stats.add(&nothing))?;
                continue;
            };
            // As far as they have been made.
            let columns = ChunkColumns { core, view, records, rows: 0, wanted: &[] };
            for (stats, lane) in all.stats.iter_mut().zip(lanes) {
                let Some(column) = columns.known(lane) else { continue };
                stats.add(column.stats())?;
                all.bytes += column.bytes();
                if lanes.len() == 1 {
                    all.distinct.add(&column)?;
                }
            }
        }
        Ok(all)
    }

    fn told(self, column: &Declared) -> Told {
        let kind = column.kind;
        let [min, max] = [true, false].map(|least| match &self.stats[..] {
            [latitude, longitude] => match (end(latitude, least), end(longitude, least)) {
                (Value::Null, _) | (_, Value::Null) => Value::Null,
                (latitude, longitude) => json!({ "lat": latitude, "lon": longitude }),
            },
            all => all.first().map_or(Value::Null, |stats| end(stats, least)),
        });
        let distinct = (kind != Kind::Point).then(|| self.distinct.count());
        self.row(path_text(&column.path), kind.name().into(), true, distinct, [min, max])
    }

    fn inferred(self, lane: &Lane) -> Told {
        let stats = &self.stats[0];
        let [min, max] = [true, false].map(|least| end(stats, least));
        let elements = if lane.elements { "[]" } else { "" };
        let distinct = Some(self.distinct.count());
        self.row(path_text(&lane.path), format!("{}{elements}", kind_of(stats)), false, distinct, [min, max])
    }

    fn row(&self, name: String, kind: String, declared: bool, distinct: Option<u64>, [min, max]: [Value; 2]) -> Told {
        let rows = self.stats.iter().map(|stats| stats.rows).min().unwrap_or(0);
        let nulls = self.stats.iter().map(|stats| stats.nulls).max().unwrap_or(0);
        let per_row = (self.bytes as f64 / rows.max(1) as f64 * 100.0).round() / 100.0;
        Told { name, kind, declared, rows, nulls, distinct, min, max, bytes: self.bytes, bytes_per_row: per_row }
    }
}

/// What kind of values there are.
fn kind_of(stats: &Stats) -> &'static str {
    let [bools, numbers, texts] = &stats.kinds;
    match (bools.count, numbers.count, texts.count, stats.compounds) {
        (0, 0, 0, 0) => "none",
        (1.., 0, 0, 0) => "bool",
        (0, 0, 1.., 0) => "string",
        (0, 1.., 0, 0) => "number",
        _ => "mixed",
    }
}

/// The least or the largest value, where all are of one kind.
fn end(stats: &Stats, least: bool) -> Value {
    let mut ranges = stats.kinds.iter().filter_map(|values| values.range.as_ref());
    let (Some((min, max)), None) = (ranges.next(), ranges.next()) else { return Value::Null };
    match if least { min } else { max } {
        Literal::Bool(value) => Value::from(*value),
        Literal::Number(Number::Real(real)) => Value::from(*real),
        Literal::Number(Number::Whole(whole)) => {
            i64::try_from(*whole).map(Value::from).unwrap_or_else(|_| Value::from(*whole as u64))
        }
        Literal::Text(text) => match text.char_indices().nth(SHOWN) {
            Some((at, _)) => Value::from(format!("{}...", &text[..at])),
            None => Value::from(text.as_str()),
        },
    }
}

/// Counts distinct values by the least of their hashes: as many as there are, or by how close together they lie.
#[derive(Default)]
struct Distinct {
    hashes: Vec<u64>,
    /// Hashes above it are not looked at any more.
    limit: Option<u64>,
}

impl Distinct {
    fn add(&mut self, column: &Column) -> Result<()> {
        let mut failed = Ok(());
        column.each_value(&mut |value| {
            let hash = hash_of(value);
            if failed.is_ok() && self.limit.is_none_or(|limit| hash <= limit) {
                if self.hashes.len() == 4 * DISTINCT_EXACT {
                    self.settle();
                }
                failed = make_room(&mut self.hashes, 1).map(|()| self.hashes.push(hash));
            }
        });
        self.settle();
        Ok(failed?)
    }

    /// Leaves the least ones, each once.
    fn settle(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        if self.hashes.len() > DISTINCT_EXACT {
            self.hashes.truncate(DISTINCT_EXACT);
            self.limit = self.hashes.last().copied();
        }
    }

    fn count(&self) -> u64 {
        match self.limit {
            None => self.hashes.len() as u64,
            Some(limit) => ((self.hashes.len() - 1) as f64 / (limit as f64 / u64::MAX as f64)) as u64,
        }
    }
}

/// Equal values have the same, whatever their notation.
fn hash_of(value: Scalar<'_>) -> u64 {
    let mut hasher = SipHasher24::new();
    match value {
        Scalar::Null | Scalar::Array | Scalar::Object => {}
        Scalar::Bool(value) => hasher.write(&[0, value as u8]),
        Scalar::Number(number) => match number.whole() {
            Some(whole) => hasher.write(&whole.to_le_bytes()),
            None => hasher.write(&number.as_f64().to_bits().to_le_bytes()),
        },
        Scalar::Text(text) => {
            hasher.write(&[1]);
            hasher.write(text.as_bytes());
        }
    }
    hasher.finish()
}
