//! Conditions on the metadata of real rows: which rows pass is what a plain look at the JSON says, an exact search
//! finds the nearest of them, and a walk nearly all, however many they are and however they lie (`VDB_SHARED_DATA`).

mod common;

use common::datasets::{self, DataSet};
use common::exact::distance;
use common::texts::texts;
use serde_json::Value;
use std::process::Command;
use vdb::{Database, Filter, Options, SearchParams};

const K: usize = 10;
const QUERIES: usize = 50;
/// Of all rows, the first ones: the set is in no order.
const ROWS: usize = 20_000;
/// Recall of a search at the default `ef` under any one condition.
const FLOOR: f64 = 0.96;

type Passes = fn(&Value) -> bool;

fn whole(row: &Value, name: &str) -> i64 {
    row[name].as_i64().expect("a whole number")
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().expect("a string")
}

fn has_lemma(row: &Value, lemma: &str) -> bool {
    row["lemmas"].as_array().expect("an array").iter().any(|one| one == lemma)
}

/// Conditions of many and few rows, of rows that lie together and of rows that lie anywhere.
const CONDITIONS: [(&str, Passes); 16] = [
    ("pos = 'verb'", |r| text(r, "pos") == "verb"),
    ("lexname = 'noun.animal'", |r| text(r, "lexname") == "noun.animal"),
    ("lemma_count >= 6", |r| whole(r, "lemma_count") >= 6),
    ("not pos in ('noun', 'verb')", |r| !["noun", "verb"].contains(&text(r, "pos"))),
    ("lexname starts with 'noun.' and lemma_count > 2", |r| {
        text(r, "lexname").starts_with("noun.") && whole(r, "lemma_count") > 2
    }),
    ("lemmas contains 'run'", |r| has_lemma(r, "run")),
    ("lemmas[1] is not null and pos != 'noun'", |r| r["lemmas"].get(1).is_some() && text(r, "pos") != "noun"),
    ("offset between 2000000 and 2100000", |r| (2_000_000..=2_100_000).contains(&whole(r, "offset"))),
    ("gloss starts with 'the '", |r| text(r, "gloss").starts_with("the ")),
    ("lemmas[0] < 'b' or lemmas[0] >= 'y'", |r| !("b".."y").contains(&r["lemmas"][0].as_str().unwrap_or("b"))),
    ("lexname in ('noun.plant', 'noun.food') and not gloss starts with 'a'", |r| {
        ["noun.plant", "noun.food"].contains(&text(r, "lexname")) && !text(r, "gloss").starts_with('a')
    }),
    ("id = '02084071-n'", |r| text(r, "id") == "02084071-n"),
    ("lemma_count < 1.5", |r| whole(r, "lemma_count") == 1),
    ("nothing is null", |_| true),
    ("pos = 1 or pos", |_| false),
    ("not (pos = 'noun' or lemma_count = 1)", |r| text(r, "pos") != "noun" && whole(r, "lemma_count") != 1),
];

/// The lines of metadata that came with the set.
fn lines(set: &str) -> Option<Vec<String>> {
    let file = datasets::shared(set).join("base_meta.jsonl.gz");
    let output = Command::new("gzip").arg("-dc").arg(file).output().ok().filter(|output| output.status.success());
    let Some(output) = output else {
        println!("skipped: conditions on the metadata of {set}: no gzip, or a damaged file");
        return None;
    };
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    Some(lines.lines().take(ROWS).map(String::from).collect())
}

fn filled(set: &DataSet, lines: &[String]) -> Database {
    let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
    let db = Database::open(None, &options).unwrap();
    for (first, lines) in (0..).step_by(1000).zip(lines.chunks(1000)) {
        let mut ids: Vec<u64> = (first..first + lines.len() as u64).collect();
        let rows = set.rows.slice(first as usize, lines.len());
        let records = vdb::Records { keys: None, meta: Some(texts(lines)) };
        db.insert_records(&mut ids, rows.vectors(), &records, None).unwrap();
    }
    db.wait_indexed(None).unwrap();
    db
}

#[test]
fn conditions_on_real_metadata_find_what_a_plain_look_finds() {
    let Some(set) = datasets::full("wordnet-384", vdb::kernel::Metric::Cosine) else { return };
    let Some(lines) = lines("wordnet-384") else { return };
    let rows: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (dim, values) = (set.rows.dim(), set.rows.slice(0, ROWS).values());
    let queries = set.queries.slice(0, QUERIES);
    let of_query = |q: &[f32]| -> Vec<f64> { values.chunks(dim).map(|row| distance(set.metric, q, row)).collect() };
    let distances: Vec<Vec<f64>> = queries.values().chunks(dim).map(of_query).collect();
    let db = filled(&set, &lines);
    for (condition, passes) in CONDITIONS {
        let passing: Vec<usize> = (0..rows.len()).filter(|&row| passes(&rows[row])).collect();
        let params = SearchParams { filter: Some(Filter::parse(condition).unwrap()), ..SearchParams::default() };
        let count = db.count_passing(params.filter.as_ref().unwrap()).unwrap();
        assert_eq!(count, passing.len() as u64, "{condition}");
        let k = K.min(passing.len());
        for (exact, floor) in [(true, 1.0), (false, FLOOR)] {
            let answers = common::search(&db, &queries, K, &SearchParams { exact, ..params.clone() });
            let mut right = 0;
            for (answer, distances) in answers.iter().zip(&distances) {
                assert_eq!(answer.len(), k, "{condition}: fewer than there are");
                let mut right_ones: Vec<f64> = passing.iter().map(|&row| distances[row]).collect();
                let kth = if k > 0 { *right_ones.select_nth_unstable_by(k - 1, f64::total_cmp).1 } else { 0.0 };
                for &(id, _) in answer {
                    assert!(passing.binary_search(&(id as usize)).is_ok(), "{condition}: row {id} does not pass");
                    right += usize::from(distances[id as usize] <= kth + 1e-6);
                }
            }
            let recall = right as f64 / (k * QUERIES).max(1) as f64;
            assert!(k == 0 || recall >= floor, "{condition}: recall {recall}, exact: {exact}");
        }
    }
}
