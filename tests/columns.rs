//! Declared columns: values of other types are refused wherever rows come in, the declaration stays with the database, columns
//! are there before a filter asks for them, and what is told of them is so. Answers are the same with and without.

#[path = "common/patience.rs"]
mod patience;

use patience::eventually;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use vdb::storage::Manifest;
use vdb::storage::format::COLUMNS;
use vdb::storage::sim::SimStorage;
use vdb::{
    CheckLevel, Database, Error, ErrorKind, Filter, Options, Records, Result, Scalar, SearchParams, Texts, Vectors,
};

const DECLARED: &str =
    "year i64, genre string, tags string[], place geo, price f64, live bool, at timestamp, author.name string";

fn options() -> Options {
    Options::new().dim(1).scalar(Scalar::U8).graph_min_rows(1 << 20).threads(1)
}

/// Chunks of `1 << shift` rows.
fn open_with(disk: Option<&SimStorage>, options: &Options, shift: u32) -> Result<Database> {
    Database::open_on(disk.map(|disk| Box::new(disk.clone()) as _), options, Some(shift))
}

fn joined(texts: &[String]) -> (Vec<u8>, Vec<u64>) {
    let ends = texts.iter().scan(0, |end, text| {
        *end += text.len() as u64;
        Some(*end)
    });
    (texts.concat().into_bytes(), [0].into_iter().chain(ends).collect())
}

/// Writes rows from `first` on with this metadata.
fn put(db: &Database, first: u64, meta: &[String], replace: bool) -> Result<()> {
    let mut ids: Vec<u64> = (first..).take(meta.len()).collect();
    let vectors: Vec<u8> = ids.iter().map(|&id| id as u8).collect();
    let (bytes, offsets) = joined(meta);
    let records = Records { keys: None, meta: Some(Texts::new(&bytes, &offsets)?) };
    let vectors = Vectors::u8(&vectors, 1)?;
    match replace {
        true => db.upsert_records(&mut ids, vectors, &records, None),
        false => db.insert_records(&mut ids, vectors, &records, None),
    }
}

fn update(db: &Database, ids: &[u64], meta: &[&str]) -> Result<u64> {
    let (bytes, offsets) = joined(&meta.iter().map(|meta| meta.to_string()).collect::<Vec<_>>());
    db.update_meta_batch(ids, &Texts::new(&bytes, &offsets)?)
}

fn count(db: &Database, filter: &str) -> u64 {
    db.count_passing(&Filter::parse(filter).unwrap()).unwrap()
}

fn told(db: &Database) -> Value {
    serde_json::from_str(&db.columns().unwrap()).unwrap()
}

/// What is told of one column.
fn column(db: &Database, name: &str, kind: &str) -> Value {
    let told = told(db);
    let mut columns = told["columns"].as_array().unwrap().iter();
    let found = columns.find(|column| column["name"] == name && column["type"] == kind);
    found.cloned().unwrap_or_else(|| panic!("no {name} {kind} in {told:#}"))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, row: Option<u64>, parts: &[&str]) -> Error {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.item()), (ErrorKind::InvalidArgument, row), "{error}");
    assert!(parts.iter().all(|part| error.message().contains(part)), "{error}");
    error
}

#[test]
fn values_of_another_type_are_refused_on_every_way_in() {
    let dir = tempfile::tempdir().unwrap();
    let db = open_with(None, &options().columns(DECLARED), 6).unwrap();
    let good = json!({"year": 1999, "genre": "jazz", "tags": ["a"], "place": {"lat": 52.5, "lon": 13.4}, "price": 1,
        "live": true, "at": 1700000000000u64, "author": {"name": "x"}, "other": [1]});
    put(&db, 0, &[good.to_string(), "{}".into(), String::new(), "{\"year\": null}".into()], false).unwrap();
    let bad = ["{}".to_string(), "{\"author\": {\"name\": 5}}".into()];
    let parts = ["author.name is 5, but declared string", "schema.columns"];
    refused(put(&db, 10, &bad, false), Some(1), &parts);
    refused(put(&db, 0, &bad, true), Some(1), &parts);
    refused(update(&db, &[1, 2], &["{\"year\": 2000}", "{\"year\": \"2000\"}"]), Some(1), &["year is \"2000\"", "i64"]);
    let all = Filter::parse("year is null or year > 0").unwrap();
    refused(db.update_meta_where(&all, b"{\"live\": 1}", None), None, &["live is 1, but declared bool"]);
    let path = dir.path().join("rows.jsonl");
    let line = |id: u64, meta: &str| format!("{{\"id\": {id}, \"vector\": [1], \"meta\": {meta}}}\n");
    std::fs::write(&path, line(20, "{}") + &line(21, "{\"tags\": [1]}")).unwrap();
    let error = db.import(&path, None, None).unwrap_err();
    assert!(
        error.kind() == ErrorKind::InvalidArgument && error.message().contains("tags is an array with 1 in it"),
        "{error}"
    );
    // Nothing of any of them is there.
    assert_eq!((db.count().unwrap(), count(&db, "year = 1999"), count(&db, "year is null")), (4, 1, 3));
    // What keeps to the types is taken on the same ways.
    put(&db, 10, &["{\"author\": {\"name\": \"y\"}}".into()], true).unwrap();
    update(&db, &[1], &["{\"year\": 2000.0}"]).unwrap();
    std::fs::write(&path, line(20, "{\"tags\": []}")).unwrap();
    db.import(&path, None, None).unwrap();
    db.update_meta_where(&Filter::parse("year = 2000").unwrap(), b"{\"live\": true}", None).unwrap();
    assert_eq!((db.count().unwrap(), count(&db, "live"), count(&db, "author.name = 'y'")), (6, 2, 1));
    assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound());
}

/// The bit that keeps older libraries away stands in the first manifest, and in none of a database without columns.
#[test]
fn the_declaration_stays_with_the_database() {
    let disk = SimStorage::new();
    let declared = options().columns("b string[], `a b` i64");
    let refuses = |db: &Database| refused(put(db, 90, &["{\"a b\": 1.5}".into()], false), Some(0), &["`a b` is 1.5"]);
    let db = open_with(Some(&disk), &declared, 6).unwrap();
    assert_eq!(Manifest::load(&disk).unwrap().unwrap().features, COLUMNS);
    put(&db, 0, &["{\"a b\": 7}".into()], false).unwrap();
    db.close().unwrap();
    let manifest = Manifest::load(&disk).unwrap().unwrap();
    assert_eq!(manifest.features & COLUMNS, COLUMNS);
    assert!(manifest.extra.iter().any(|extra| extra.bytes == b"`a b` i64, b string[]"));
    // Without a word, in another order, and as a reader.
    for options in [options(), options().columns("`a b` i64,b string[]")] {
        let db = open_with(Some(&disk), &options, 6).unwrap();
        assert_eq!(db.settings().columns.to_string(), "`a b` i64, b string[]");
        refuses(&db);
        let reader = open_with(Some(&disk), &Options::new().read_only(true), 6).unwrap();
        assert_eq!((count(&reader, "`a b` = 7"), &reader.settings().columns), (1, &db.settings().columns));
        db.close().unwrap();
    }
    for other in ["`a b` i64", "`a b` f64, b string[]", "`a b` i64, b string[], c bool", ""] {
        let error = open_with(Some(&disk), &options().columns(other), 6).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{other}");
        assert!(error.message().contains("was created with `a b` i64, b string[]"), "{error}");
    }
    // A backup has it too, of files and of memory.
    let memory = open_with(None, &declared, 6).unwrap();
    put(&memory, 0, &["{\"a b\": 7}".into()], false).unwrap();
    for db in [open_with(Some(&disk), &options(), 6).unwrap(), memory] {
        let copy = SimStorage::new();
        db.backup_into(&copy).unwrap();
        let copy = open_with(Some(&copy), &options(), 6).unwrap();
        refuses(&copy);
        assert_eq!(count(&copy, "`a b` = 7"), 1);
    }
    // What there was without columns gets none.
    let plain = SimStorage::new();
    open_with(Some(&plain), &options(), 6).unwrap().close().unwrap();
    assert_eq!(Manifest::load(&plain).unwrap().unwrap().features & COLUMNS, 0);
    let error = open_with(Some(&plain), &declared, 6).unwrap_err();
    assert!(error.kind() == ErrorKind::Mismatch && error.message().ends_with("created with empty"), "{error}");
}

#[test]
fn a_repaired_database_keeps_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let (damaged, repaired) = (dir.path().join("a"), dir.path().join("b"));
    let db = Database::open(Some(&damaged), &options().columns("year i64")).unwrap();
    put(&db, 0, &["{\"year\": 7}".into()], false).unwrap();
    db.close().unwrap();
    std::fs::remove_file(damaged.join("CURRENT")).unwrap();
    assert_eq!(vdb::repair(&damaged, &repaired, &Options::new(), None).unwrap().rows, 1);
    let db = Database::open(Some(&repaired), &Options::new()).unwrap();
    refused(put(&db, 1, &["{\"year\": \"8\"}".into()], false), Some(0), &["declared i64"]);
    assert_eq!(count(&db, "year = 7"), 1);
}

/// A manifest whose bit and blob do not fit together was written by nobody.
#[test]
fn a_declaration_that_cannot_be_read_is_damage() {
    let disk = SimStorage::new();
    open_with(Some(&disk), &options().columns("year i64"), 6).unwrap().close().unwrap();
    let good = Manifest::load(&disk).unwrap().unwrap();
    let mut generation = good.generation;
    let mut write = |change: &dyn Fn(&mut Manifest)| {
        generation += 1;
        let mut manifest = Manifest { generation, ..good.clone() };
        change(&mut manifest);
        manifest.write(&disk).unwrap();
        open_with(Some(&disk), &options(), 6).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(write(&|manifest| manifest.features &= !COLUMNS), Err(ErrorKind::Corrupt));
    assert_eq!(write(&|manifest| manifest.extra.clear()), Err(ErrorKind::Corrupt));
    assert_eq!(
        write(&|manifest| manifest.extra.iter_mut().for_each(|e| e.bytes = b"year".to_vec())),
        Err(ErrorKind::Corrupt)
    );
    assert_eq!(
        write(&|manifest| manifest.extra.iter_mut().for_each(|e| e.bytes = vec![0xff])),
        Err(ErrorKind::Corrupt)
    );
    assert_eq!(write(&|_| ()), Ok(()));
}

fn rows(count: usize) -> Vec<String> {
    let row = |i: usize| json!({"year": 1900 + i % 120, "n": i as u64 * 1_000_003, "tags": [format!("t{}", i % 7)], "other": i % 5});
    (0..count).map(|i| row(i).to_string()).collect()
}

#[test]
fn declared_columns_are_there_before_a_filter_asks() {
    let disk = SimStorage::new();
    let declared = options().columns("year i64, n i64, tags string[], gone.lat f64");
    let db = open_with(Some(&disk), &declared, 10).unwrap();
    let made = |db: &Database, name: &str, kind: &str| column(db, name, kind)["rows"].as_u64().unwrap();
    // As rows come: enough of them wake the thread by themselves.
    put(&db, 0, &rows(6000), false).unwrap();
    eventually("the thread makes columns without being asked", || {
        ["year", "n"].map(|name| made(&db, name, "i64")) == [6000; 2]
    });
    db.wait_columns().unwrap();
    assert_eq!((made(&db, "tags", "string[]"), made(&db, "gone.lat", "f64")), (6000, 6000));
    // Records that changed get new ones, and so do all after an open.
    update(&db, &[5000], &["{\"year\": 7}"]).unwrap();
    db.wait_columns().unwrap();
    assert_eq!((made(&db, "year", "i64"), &column(&db, "year", "i64")["min"]), (6000, &json!(7)));
    db.close().unwrap();
    for options in [options(), options().read_only(true)] {
        let db = open_with(Some(&disk), &options, 10).unwrap();
        eventually("the thread makes columns after an open", || made(&db, "year", "i64") == 6000);
        db.wait_columns().unwrap();
        let bytes = db.stats().unwrap().bytes_columns;
        assert_eq!((count(&db, "year = 1950 and tags contains 't1'"), count(&db, "year = 7")), (6000 / 840 + 1, 1));
        assert_eq!(db.stats().unwrap().bytes_columns, bytes, "the filters found all that they look at");
        // Of others the first filter makes one.
        assert_eq!(count(&db, "other = 3"), 1200);
        assert!(db.stats().unwrap().bytes_columns > bytes);
        assert_eq!(column(&db, "other", "number")["declared"], false);
    }
}

#[test]
fn columns_that_have_no_room_push_none_out() {
    let (declared, meta) = (options().columns("year i64, n i64, tags string[]"), rows(4000));
    let mut sizes = Vec::new();
    for most in [0, 20_000, 40_000, 1 << 30] {
        let db = open_with(None, &declared.clone().column_bytes(most), 10).unwrap();
        // Too few rows to wake the thread by themselves.
        put(&db, 0, &meta, false).unwrap();
        assert_eq!(count(&db, "other = 3"), 800);
        let own = db.stats().unwrap().bytes_columns;
        db.wait_columns().unwrap();
        let bytes = told(&db)["bytes"].as_u64().unwrap();
        assert!(bytes == db.stats().unwrap().bytes_columns && (own..=most).contains(&bytes), "{own} {bytes} {most}");
        if most > 0 {
            assert_eq!(column(&db, "other", "number")["rows"], 4000, "{most}: it was there before");
        }
        let counts = ["year = 1950", "n < 1000003000", "tags contains 't1'"].map(|filter| count(&db, filter));
        assert_eq!(counts, [33, 1000, 572], "{most}");
        sizes.push(bytes);
    }
    assert!(sizes.is_sorted() && sizes[2] < sizes[3], "{sizes:?}");
}

/// 70,000 numbers in chunks of 65,536 rows: side by side they take their own bytes, not those of a dictionary.
#[test]
fn numbers_that_all_differ_take_no_dictionary() {
    let db = open_with(None, &options().columns("dense i64, wide i64, real f64, few i64, text string"), 16).unwrap();
    let mix = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let row = |i: u64| {
        json!({"dense": 1_700_000_000_000 + 1000 * i, "wide": (mix(i) >> 1) as i64, "real": mix(i) as f64 / 1e19,
            "few": i % 100, "text": format!("row {i}")})
    };
    let all: Vec<String> = (0..70_000).map(|i| row(i).to_string()).collect();
    put(&db, 0, &all, false).unwrap();
    db.wait_columns().unwrap();
    let per_row = |name: &str, kind: &str| column(&db, name, kind)["bytes_per_row"].as_f64().unwrap();
    let found = [per_row("dense", "i64"), per_row("wide", "i64"), per_row("real", "f64"), per_row("few", "i64")];
    println!("bytes a row: {found:?}, of strings {}", per_row("text", "string"));
    let most = [4.2, 8.3, 8.3, 1.5];
    assert!(found.iter().zip(most).all(|(found, most)| *found <= most), "{found:?}");
    let distinct = ["dense", "wide"].map(|name| column(&db, name, "i64")["distinct"].as_f64().unwrap());
    assert!(distinct.iter().all(|count| (count / 70_000.0 - 1.0).abs() < 0.02), "{distinct:?}");
    assert_eq!(column(&db, "few", "i64")["distinct"], 100);
    let between = format!("dense between {} and {}", 1_700_000_000_000u64 + 5_000, 1_700_000_000_000u64 + 69_000_000);
    assert_eq!((count(&db, &between), count(&db, "wide < 0"), count(&db, "real is null")), (68_996, 0, 0));
    assert_eq!(count(&db, &format!("wide = {}", mix(777) >> 1)), 1);
    assert_eq!(count(&db, &format!("real >= {}", mix(777) as f64 / 1e19)), {
        (0..70_000).filter(|&i| mix(i) as f64 / 1e19 >= mix(777) as f64 / 1e19).count() as u64
    });
}

#[test]
fn statistics_decide_chunks_and_tell_what_to_expect() {
    let db = open_with(None, &options().columns("year i64, tags string[], place geo, name string"), 10).unwrap();
    let row = |i: usize| {
        json!({"year": 2000 + i / 1024, "tags": [format!("c{}", i / 1024), "all"], "place": {"lat": (i / 1024) as f64 * 10.0, "lon": 0.5},
            "name": format!("{} {}", ["ab", "abc", "b", "c"][i / 1024], i)})
    };
    put(&db, 0, &(0..4096).map(|i| row(i).to_string()).collect::<Vec<_>>(), false).unwrap();
    db.wait_columns().unwrap();
    for (filter, skipped, passing) in [
        ("year = 2001", 4, 1024),
        ("year > 2001", 4, 2048),
        ("year >= 2000", 4, 4096),
        ("year != 2001", 4, 3072),
        ("not year in (2001, 2003)", 2, 2048),
        ("year is null", 4, 0),
        ("year is not null", 4, 4096),
        ("year = 'x' or year = true", 4, 0),
        ("tags contains 'c2'", 2, 1024),
        ("tags contains 'x'", 4, 0),
        ("place within 10 0.5 1000", 3, 1024),
        ("name starts with 'ab'", 4, 2048),
        ("name starts with 'b'", 4, 1024),
        ("name > 'b'", 4, 2048),
        ("year = 2001 and tags contains 'all'", 3, 1024),
        ("year = 2001 or tags contains 'all'", 1, 4096),
    ] {
        let params = SearchParams { filter: Some(Filter::parse(filter).unwrap()), ..SearchParams::default() };
        let told = db.explain(Vectors::u8(&[1], 1).unwrap(), 10, &params).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (&told["filter"]["chunks_skipped"], &told["rows"]["passing"]),
            (&json!(skipped), &json!(passing)),
            "{filter}"
        );
        let expected = told["filter"]["expected_selectivity"].as_f64().unwrap_or_else(|| panic!("{filter}: {told:#}"));
        let share = passing as f64 / 4096.0;
        assert!(
            (expected - share).abs() < 0.26 && (skipped < 4 || expected == share),
            "{filter}: {expected} for {share}"
        );
    }
    // A path gets its statistics when it is looked at.
    let params = SearchParams { filter: Some(Filter::parse("year > 0 and x = 1").unwrap()), ..SearchParams::default() };
    let told: Value = serde_json::from_str(&db.explain(Vectors::u8(&[1], 1).unwrap(), 10, &params).unwrap()).unwrap();
    assert_eq!(
        (&told["filter"]["chunks_skipped"], &told["rows"]["passing"]),
        (&json!(4), &json!(0)),
        "it was looked at by now"
    );
}

/// A chunk that is not decided by its columns is not read for other paths once nothing is left of it.
#[test]
fn what_statistics_rule_out_reads_no_other_path() {
    let db = open_with(None, &options().columns("year i64"), 10).unwrap();
    put(&db, 0, &rows(4096), false).unwrap();
    db.wait_columns().unwrap();
    assert_eq!(count(&db, "year = 1 and other = 3"), 0);
    assert_eq!(told(&db)["columns"].as_array().unwrap().len(), 1, "`other` was not read");
    assert_eq!(count(&db, "year = 1950 and other = 0"), 34);
    assert_eq!(column(&db, "other", "number")["rows"], 4096);
}

/// A value that has the type, or nothing.
fn value(kind: &'static str) -> BoxedStrategy<Value> {
    let some = match kind {
        "string" => "[ab]{0,3}".prop_map(Value::from).boxed(),
        "i64" => prop_oneof![3 => (-4i64..5).prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from), 1 => (-4i64..5).prop_map(|n| Value::from(n as f64))].boxed(),
        "f64" => prop_oneof![(-4i64..5).prop_map(|n| Value::from(n as f64 / 2.0)), any::<u64>().prop_map(Value::from), (-1e9f64..1e9).prop_map(Value::from)].boxed(),
        "bool" => any::<bool>().prop_map(Value::from).boxed(),
        "timestamp" => (1_700_000_000_000i64..1_700_000_100_000).prop_map(Value::from).boxed(),
        "string[]" => proptest::collection::vec("[ab]{0,2}", 0..4).prop_map(Value::from).boxed(),
        _ => (-900i64..901, -1800i64..1801).prop_map(|(lat, lon)| json!({"lat": lat as f64 / 10.0, "lon": lon as f64 / 10.0})).boxed(),
    };
    prop_oneof![8 => some.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)]
        .prop_map(|v| v.unwrap_or(json!("none")))
        .boxed()
}

const KINDS: [&str; 7] = ["string", "i64", "f64", "bool", "timestamp", "string[]", "geo"];

/// A schema, rows that keep to it, as many as there are to be by repeating them, and filters.
#[derive(Debug, Clone)]
struct Case {
    kinds: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
    filters: Vec<(usize, u8, usize, usize)>,
}

fn case() -> impl Strategy<Value = Case> {
    let kinds = proptest::collection::vec(prop::sample::select(KINDS.to_vec()), 1..4);
    kinds.prop_flat_map(|kinds| {
        let row = kinds.iter().map(|&kind| value(kind)).collect::<Vec<_>>();
        let filters = proptest::collection::vec((0..kinds.len(), 0u8..8, 0usize..1000, 0usize..1000), 6);
        (Just(kinds), proptest::collection::vec(row, 1..400), filters).prop_map(|(kinds, rows, filters)| Case {
            kinds,
            rows,
            filters,
        })
    })
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A filter on column `name`, and whether it holds for a value there.
type Plain = (String, Box<dyn Fn(&Value) -> bool>);

fn filter(kind: &str, name: &str, op: u8, a: Value, b: Value) -> Plain {
    let is =
        |wanted: &'static [Ordering], a: Value| move |v: &Value| compare(v, &a).is_some_and(|o| wanted.contains(&o));
    match (kind, op) {
        (_, 0) => (format!("{name} is null"), Box::new(Value::is_null)),
        ("string[]", _) => {
            let literal = a.get(0).cloned().unwrap_or(json!("b"));
            let text = format!("{name} contains {literal}");
            (text, Box::new(move |v| v.as_array().is_some_and(|all| all.contains(&literal))))
        }
        ("geo", _) => {
            // Everywhere or one hemisphere by latitude, which a plain reader can tell.
            (format!("{name} within 90 0 10007557.3"), Box::new(|v| v["lat"].as_f64().is_some_and(|lat| lat >= 0.0)))
        }
        (_, 1) if kind != "bool" => (format!("{name} < {a}"), Box::new(is(&[Ordering::Less], a))),
        (_, 2) if kind != "bool" => (format!("{name} >= {a}"), Box::new(is(&[Ordering::Greater, Ordering::Equal], a))),
        (_, 3) => (format!("{name} in ({a}, {b})"), {
            let (first, second) = (is(&[Ordering::Equal], a), is(&[Ordering::Equal], b));
            Box::new(move |v| first(v) || second(v))
        }),
        (_, 4) => (format!("not {name} = {a}"), {
            let equal = is(&[Ordering::Equal], a);
            Box::new(move |v| !equal(v))
        }),
        ("string", 5) => (format!("{name} starts with {a}"), {
            let prefix = a.as_str().unwrap_or_default().to_owned();
            Box::new(move |v| v.as_str().is_some_and(|text| text.starts_with(&prefix)))
        }),
        _ => (format!("{name} = {a}"), Box::new(is(&[Ordering::Equal], a))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Filters by columns made ahead, made by themselves, and by none, against a plain reading; statistics against a
    /// plain count.
    #[test]
    fn filters_and_statistics_agree_with_a_plain_reading(case in case()) {
        let names: Vec<String> = (0..case.kinds.len()).map(|i| if i == 0 { "m.c0".into() } else { format!("c{i}") }).collect();
        let declared: Vec<String> = names.iter().zip(&case.kinds).map(|(name, kind)| format!("{name} {kind}")).collect();
        // Several chunks of 1,024 rows, the last one not full; those of before are asked by columns.
        let rows: Vec<&Vec<Value>> = case.rows.iter().cycle().take(2700).collect();
        let there = |row: &[Value], i: usize| if row[i] == "none" { Value::Null } else { row[i].clone() };
        let texts: Vec<String> = rows.iter().map(|row| {
            let mut object = serde_json::Map::new();
            for (i, value) in row.iter().enumerate().filter(|(_, value)| **value != "none") {
                if i == 0 { object.insert("m".into(), json!({"c0": value})) } else { object.insert(names[i].clone(), value.clone()) };
            }
            Value::Object(object).to_string()
        }).collect();
        let options = options().columns(&declared.join(", "));
        let databases = [options.clone(), options.clone(), options.column_bytes(0)].map(|options| {
            let db = open_with(None, &options, 10).unwrap();
            put(&db, 0, &texts[..1500], false).unwrap();
            db
        });
        databases[0].wait_columns().unwrap();
        for db in &databases {
            put(db, 1500, &texts[1500..], false).unwrap();
        }
        databases[0].wait_columns().unwrap();
        for &(at, op, a, b) in &case.filters {
                let nothing = if case.kinds[at].starts_with("string") { json!("") } else { json!(0) };
            let literal = |i: usize| {
                let row = &case.rows[i % case.rows.len()];
                match there(row, at) { Value::Null | Value::Object(_) => nothing.clone(), value => value }
            };
            let (text, holds) = filter(case.kinds[at], &names[at], op, literal(a), literal(b));
            let expected = rows.iter().filter(|row| holds(&there(row, at))).count() as u64;
            for (i, db) in databases.iter().enumerate() {
                prop_assert_eq!(count(db, &text), expected, "{} in database {}", text, i);
            }
        }
        for (i, (name, kind)) in names.iter().zip(&case.kinds).enumerate() {
            let told = column(&databases[0], name, kind);
            let values: Vec<Value> = rows.iter().map(|row| there(row, i)).collect();
            let is_nothing = |value: &&Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            prop_assert_eq!((&told["rows"], &told["declared"]), (&json!(2700), &json!(true)));
            prop_assert_eq!(&told["nulls"], &json!(values.iter().filter(is_nothing).count()), "{}", told);
            let scalars: Vec<Value> = values.iter().filter(|value| !value.is_null()).flat_map(|value| match value {
                Value::Array(all) => all.clone(),
                Value::Object(point) => vec![point["lat"].clone()],
                value => vec![value.clone()],
            }).collect();
            let order = |a: &&Value, b: &&Value| compare(a, b).unwrap();
            let (min, max) = (scalars.iter().min_by(order), scalars.iter().max_by(order));
            for (told, plain) in [(&told["min"], min), (&told["max"], max)] {
                let told = if *kind == "geo" && !told.is_null() { &told["lat"] } else { told };
                let same = plain.map_or(told.is_null(), |plain| compare(told, plain) == Some(Ordering::Equal));
                prop_assert!(same, "{} of {}: {:?}", told, name, plain);
            }
            if *kind != "geo" {
                let mut distinct: Vec<&Value> = scalars.iter().collect();
                distinct.sort_by(order);
                distinct.dedup_by(|a, b| compare(a, b) == Some(Ordering::Equal));
                prop_assert_eq!(&told["distinct"], &json!(distinct.len()));
            }
        }
    }
}

/// All numbers of 64 bits, or all but one at an end: there is no distance left for what is behind the last.
#[test]
fn numbers_from_one_end_of_64_bits_to_the_other_are_found() {
    for (least, largest) in
        [(i64::MIN, i64::MAX), (-i64::MAX, i64::MAX), (i64::MIN, i64::MAX - 1), (2 - i64::MAX, i64::MAX)]
    {
        let db = open_with(None, &options().columns("n i64"), 10).unwrap();
        let number = |i: i64| [least, largest].get(i as usize).copied().unwrap_or(i);
        put(&db, 0, &(0..1000).map(|i| format!("{{\"n\": {}}}", number(i))).collect::<Vec<_>>(), false).unwrap();
        db.wait_columns().unwrap();
        let ends = [format!("n = {least}"), format!("n >= {largest}")];
        let filters = ["n > 500", "n < 500", "n = 500", "n is null", &ends[0], &ends[1]];
        assert_eq!(filters.map(|filter| count(&db, filter)), [500, 499, 1, 0, 1, 1], "{least} to {largest}");
    }
}

/// Its plain form, which the database keeps, has a space behind each comma.
#[test]
fn a_declaration_that_is_taken_can_be_kept() {
    let declared = |spaces: usize| {
        let columns: Vec<String> = (0..200).map(|i| format!("n{i:03}{} i64", "x".repeat(318))).collect();
        columns.join(",") + &" ".repeat(spaces)
    };
    let text = declared((1 << 16) - declared(0).len());
    let mut options = options();
    let Err(error) = options.set_text("schema.columns", &text) else {
        panic!("opened: {:?}", open_with(None, &options, 6).map(|db| db.settings().columns.columns().len()));
    };
    assert!(error.kind() == ErrorKind::InvalidArgument && error.message().contains("65536"), "{error}");
}

/// A search of a snapshot needs columns of its own where records changed since.
#[test]
fn searches_of_a_snapshot_leave_the_columns_of_the_newest_rows() {
    let db = open_with(None, &options().columns("year i64"), 10).unwrap();
    put(&db, 0, &rows(4096), false).unwrap();
    let snapshot = db.snapshot();
    update(&db, &[5, 1500, 2500, 3500], &["{}"; 4]).unwrap();
    db.wait_columns().unwrap();
    for year in [1950, 1960] {
        let filter = Filter::parse(&format!("year = {year} and other = 0")).unwrap();
        assert!(db.count_at(Some(&snapshot), Some(&filter)).unwrap() > 0);
        assert_eq!(column(&db, "year", "i64")["rows"], 4096, "{year}");
    }
}

/// The text of a row is read once for all paths of a condition, where there is room for their columns.
#[test]
fn columns_of_one_condition_are_read_together() {
    let row = |i: u64| format!("{{\"a\": {}, \"b\": \"{i}{}\"}}", i % 3, "x".repeat(1000));
    let rows: Vec<String> = (0..1000).map(row).collect();
    let all_else = (0..200).map(|i| format!(" or n{i} = 1")).collect::<String>();
    for (bytes, has_room) in [(64 << 20, true), (100_000, false)] {
        let db = open_with(None, &options().column_bytes(bytes), 10).unwrap();
        put(&db, 0, &rows, false).unwrap();
        assert_eq!(count(&db, "a = 7 and b starts with '1'"), 0);
        let names = |db: &Database| {
            let told = told(db);
            let names =
                told["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap().into());
            names.collect::<Vec<String>>()
        };
        // No row has such an `a`: nobody has asked for `b`.
        assert_eq!(names(&db), if has_room { vec!["a", "b"] } else { vec!["a"] });
        assert_eq!(count(&db, &format!("a = 1 or b starts with '11'{all_else}")), 333 + 8);
        assert_eq!(names(&db).len(), if has_room { 202 } else { 1 });
    }
}
