//! Rows of the model: what they hold, as the database is given it, and what questions about them are answered.

use super::super::plain::{Json, holds};
use super::super::texts;
use std::collections::{BTreeMap, HashMap};
use vdb::meta::filter::{Check, Expression, Literal};
use vdb::meta::{Number, Step};

pub const DIM: usize = 4;

/// A row with what it has beside its vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub vector: [i8; DIM],
    pub key: Option<u8>,
    pub meta: Option<u8>,
}

impl Row {
    pub fn distance(&self, query: &[i8; DIM]) -> f32 {
        self.vector.iter().zip(query).map(|(&a, &b)| (a as i32 - b as i32).pow(2)).sum::<i32>() as f32
    }

    pub fn passes(&self, condition: &Expression) -> bool {
        holds(condition, &meta_of(self.meta))
    }
}

/// A row to be put: `id` `None` asks for one.
#[derive(Clone, Debug)]
pub struct Put {
    pub id: Option<u64>,
    pub row: Row,
}

pub type Rows = BTreeMap<u64, Row>;

/// Which id has a key.
pub fn owners(rows: &Rows) -> HashMap<u8, u64> {
    rows.iter().filter_map(|(&id, row)| Some((row.key?, id))).collect()
}

/// All rows that pass, nearest first, ties by id.
pub fn nearest(rows: &Rows, query: &[i8; DIM], condition: Option<&Expression>) -> Vec<(f32, u64)> {
    let passes = |row: &Row| condition.is_none_or(|condition| row.passes(condition));
    let mut truth: Vec<(f32, u64)> =
        rows.iter().filter(|(_, row)| passes(row)).map(|(&id, row)| (row.distance(query), id)).collect();
    truth.sort_by(|a, b| a.partial_cmp(b).unwrap());
    truth
}

pub fn key_text(key: Option<u8>) -> String {
    key.map(|key| texts::key(key.into())).unwrap_or_default()
}

pub fn meta_text(meta: Option<u8>) -> String {
    meta.map_or_else(String::new, |n| meta_of(Some(n)).text())
}

/// The metadata that a number stands for: every kind of value, members that some rows lack, and a long one before others.
pub fn meta_of(meta: Option<u8>) -> Json {
    let Some(n) = meta else { return Json::Object(Vec::new()) };
    let text = |text: &str| Json::Text(text.into());
    let mut members = vec![
        ("n", Json::Whole(n.into())),
        ("even", Json::Bool(n.is_multiple_of(2))),
        ("pad", Json::Text("x".repeat(n.into()))),
        ("name", text(["", "a", "ab", "b\"\\\n", "é"][n as usize % 5])),
    ];
    match n % 4 {
        0 => members.push(("x", Json::Null)),
        1 => {}
        _ => members.push(("x", Json::Real(f64::from(n) / 4.0 - 20.0))),
    }
    let tag = |i: u8| {
        if (n / 3 + i).is_multiple_of(3) { Json::Whole((n % 7).into()) } else { text(["a", "b"][(i % 2) as usize]) }
    };
    members.push(("tags", Json::Array((0..n % 4).map(tag).collect())));
    if n.is_multiple_of(3) {
        let degrees = |value: f64| Json::Real(value);
        let at = [("lat", degrees(f64::from(n) / 3.0)), ("lon", degrees(f64::from(n) - 128.0))];
        members.push(("at", Json::Object(at.map(|(name, value)| (name.into(), value)).into())));
    }
    Json::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// `n < below`.
pub fn below(below: u8) -> Expression {
    let than = Literal::Number(Number::Whole(below.into()));
    Expression::Condition { path: vec![Step::Member("n".into())], check: Check::Less { than, or_equal: false } }
}
