//! Any bytes as texts of filters, as values of parameters and as metadata. What is a condition holds for the rows that
//! a plain evaluator says, row by row and by columns, and says the same when it is written out and read again.

use super::input::Input;
use super::made::{condition, object};
use super::plain::{self, Json};
use std::sync::Arc;
use vdb::ErrorKind;
use vdb::meta::column::Column;
use vdb::meta::filter::{Columns, DEPTH_MAX, Expression, Parsed, path};
use vdb::meta::{Lane, Lanes, Reader};
use vdb::util::memory::AllocError;

/// Objects and arrays inside one another that metadata may have.
const JSON_DEPTH: usize = 100;

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => text(&mut input),
        1 => values(&mut input),
        2 => metadata(&mut input),
        _ => {
            let condition = condition(&mut input, 4);
            check(&condition, &rows(&mut input));
        }
    }
}

fn rows(input: &mut Input) -> Vec<Json> {
    let mut rows = vec![object(input, 3)];
    for _ in 0..input.below(70) {
        if !input.is_empty() {
            rows.push(object(input, 3));
        }
    }
    rows
}

fn text(input: &mut Input) {
    let rows: Vec<Json> = (0..input.below(6)).map(|_| object(input, 2)).collect();
    let text = String::from_utf8_lossy(input.rest()).into_owned();
    if let Err(error) = path(&text) {
        assert!(error.at <= text.len() && !error.message.is_empty());
    }
    let parsed = match Parsed::new(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(text.is_char_boundary(error.at) && !error.message.is_empty(), "{error:?}");
            let told = vdb::Filter::parse(&text).expect_err("no filter");
            assert_eq!((told.kind(), told.item()), (ErrorKind::FilterSyntax, Some(error.at as u64)));
            return;
        }
    };
    if parsed.parameters() == 0 {
        check(&parsed.bind(None).expect("nothing is open"), &rows);
    }
    for value in ["7", "\"a\"", "true", "[7, \"a\", 0.5]"] {
        let values = format!("[{}]", vec![value; parsed.parameters()].join(","));
        if let Ok(condition) = parsed.bind(Some(values.as_bytes())) {
            check(&condition, &rows);
        }
    }
}

/// A filter with parameters, and any bytes as their values.
fn values(input: &mut Input) {
    let condition = condition(input, 2);
    let rows: Vec<Json> = (0..input.below(4)).map(|_| object(input, 2)).collect();
    let parsed = Parsed::new(&plain::written(&condition, true).0).expect("a filter");
    match parsed.bind(Some(input.rest())) {
        Ok(bound) => check(&bound, &rows),
        Err(error) => assert!(!error.message.is_empty()),
    }
}

/// An object that is or is not one, and a condition on it.
fn metadata(input: &mut Input) {
    let condition = condition(input, 2);
    let mut bytes = if input.flag() { object(input, 3).text().into_bytes() } else { Vec::new() };
    // Some of it written over.
    for _ in 0..input.below(4) {
        let at = input.below(256) % bytes.len().max(1);
        bytes.get_mut(at).into_iter().for_each(|byte| *byte = input.byte());
    }
    bytes.extend_from_slice(input.rest());
    let read = std::str::from_utf8(&bytes).ok().and_then(|text| Json::parse(text, JSON_DEPTH));
    let row = read.filter(|json| matches!(json, Json::Object(_)));
    let checked = Reader::new(&Lanes::default()).check(&bytes, &mut |_, _| {});
    assert_eq!(checked.is_ok(), row.is_some(), "{checked:?}: {}", String::from_utf8_lossy(&bytes));
    match row {
        Some(row) => {
            assert_eq!(condition.holds(&bytes), plain::holds(&condition, &row), "{condition:?}");
            check(&condition, &[row]);
        }
        // Read all the same where files are forged.
        None => drop(condition.holds(&bytes)),
    }
}

/// Columns of rows: in one go, and then there before they are asked for, or in two.
struct Table<'a> {
    rows: &'a [String],
    first: usize,
}

impl Columns for Table<'_> {
    type Error = AllocError;

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn column(&self, lane: &Lane) -> Result<Arc<Column>, AllocError> {
        let (first, rest) = self.rows.split_at(self.first);
        let bytes = |rows: &'_ [String]| rows.iter().map(|row| row.clone().into_bytes()).collect::<Vec<_>>();
        let (first, rest) = (bytes(first), bytes(rest));
        let read = |before: Option<&Column>, rows: &[Vec<u8>]| {
            Ok(Column::read(&[(lane, before)], rows.iter().map(Vec::as_slice), &mut |_| Ok(()))?.remove(0))
        };
        Ok(Arc::new(read(Some(&read(None, &first)?), &rest)?))
    }

    fn known(&self, lane: &Lane) -> Option<Arc<Column>> {
        if self.first == 0 { self.column(lane).ok() } else { None }
    }
}

fn check(condition: &Expression, rows: &[Json]) {
    let texts: Vec<String> = rows.iter().map(Json::text).collect();
    let expected: Vec<bool> = rows.iter().map(|row| plain::holds(condition, row)).collect();
    for (text, &expected) in texts.iter().zip(&expected) {
        assert_eq!(condition.holds(text.as_bytes()), expected, "{condition:?} of {text}");
    }
    let nothing = Json::Object(Vec::new());
    assert_eq!(condition.holds(b""), plain::holds(condition, &nothing), "{condition:?} of a row without metadata");
    for first in [0, rows.len() / 2] {
        let bits = condition.mark(&Table { rows: &texts, first }).expect("memory");
        let marked: Vec<bool> = (0..rows.len()).map(|row| bits[row / 64] >> (row % 64) & 1 == 1).collect();
        assert_eq!(marked, expected, "{condition:?} by columns");
        let set: u32 = bits.iter().map(|word| word.count_ones()).sum();
        assert_eq!(set as usize, expected.iter().filter(|holds| **holds).count(), "bits behind the last row");
    }
    read_again(condition);
}

/// A condition that is written out and read again is the same, unless its brackets are too deep then.
fn read_again(condition: &Expression) {
    for bind in [false, true] {
        let (text, values) = plain::written(condition, bind);
        let parsed = match Parsed::new(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                assert!(depth(condition) * 2 > DEPTH_MAX, "{error}: {text}");
                return;
            }
        };
        let read = parsed.bind(bind.then_some(values.as_bytes())).expect("its own values");
        assert_eq!(&read, condition, "{text} with {values}");
    }
}

fn depth(condition: &Expression) -> usize {
    match condition {
        Expression::All(parts) | Expression::Any(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        Expression::Not(part) => 1 + depth(part),
        Expression::Condition { .. } => 1,
    }
}
