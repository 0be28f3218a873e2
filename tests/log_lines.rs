//! What happens behind the calls is in the log, once, with its numbers; slow searches are in it and counted; and
//! nothing but the log tells of them.

mod common;

use common::patience::eventually;
use common::rows::Rows;
use common::shapes::Shape;
use std::collections::BTreeMap;
use std::path::Path;
use vdb::storage::{OsStorage, sim::SimStorage};
use vdb::{Database, Durability, ErrorKind, Filter, Hits, LogLevel, Options, Outcome, Scalar, SearchParams, Vectors};

const DIM: usize = 32;

/// A line taken apart.
#[derive(Debug)]
struct Line {
    level: String,
    event: String,
    numbers: BTreeMap<String, String>,
}

impl Line {
    fn new(text: &str) -> Line {
        let mut words = text.splitn(4, ' ');
        let time = words.next().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{text}");
        let [level, event] = [(); 2].map(|()| words.next().unwrap_or_default().to_string());
        let (mut rest, mut numbers) = (words.next().unwrap_or_default(), BTreeMap::new());
        while let Some((name, value)) = rest.split_once('=') {
            let end = match value.strip_prefix('"') {
                Some(quoted) => 2 + quoted.find('"').expect("quotes come in pairs"),
                None => value.find(' ').unwrap_or(value.len()),
            };
            numbers.insert(name.trim().to_string(), value[..end].to_string());
            rest = &value[end..];
        }
        assert!(rest.is_empty(), "{text}");
        Line { level, event, numbers }
    }

    fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

fn lines(db: &Database) -> Vec<Line> {
    let (waiting, text) = (db.log_waiting(), db.read_log(usize::MAX));
    assert_eq!(waiting, text.len());
    text.lines().map(Line::new).collect()
}

#[track_caller]
fn only<'a>(lines: &'a [Line], event: &str) -> &'a Line {
    let mut found = lines.iter().filter(|line| line.event == event);
    let first = found.next().unwrap_or_else(|| panic!("no {event} in {lines:#?}"));
    assert!(found.next().is_none(), "{event} twice in {lines:#?}");
    first
}

fn options() -> Options {
    Options::new().dim(DIM as u32).graph_min_rows(500).consolidate_ratio(0.05)
}

/// In chunks of 256 rows.
fn open(dir: &Path, options: &Options) -> Database {
    Database::open_on(Some(Box::new(OsStorage::open(dir, true, true).unwrap())), options, Some(8)).unwrap()
}

fn insert(db: &Database, rows: &Rows, ids: std::ops::Range<u64>) {
    let part = rows.slice(ids.start as usize, ids.clone().count());
    db.insert_batch(&ids.collect::<Vec<_>>(), part.vectors(), None).unwrap();
}

#[test]
fn what_a_database_does_by_itself_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 3000, 1);
    let db = open(dir.path(), &options());
    let first = lines(&db);
    assert_eq!((first.len(), only(&first, "create").number("rows")), (1, 0));
    insert(&db, &rows, 0..1000);
    db.wait_indexed(None).unwrap();
    insert(&db, &rows, 1000..3000);
    db.wait_indexed(None).unwrap();
    let told = lines(&db);
    assert_eq!(only(&told, "codes_trained").number("bytes_per_row"), DIM as u64);
    let calibrated = told.iter().find(|line| line.event == "calibrated").unwrap();
    assert_eq!(calibrated.number("nodes"), 500);
    db.delete_batch(&(0..1400).collect::<Vec<_>>()).unwrap();
    db.wait_indexed(None).unwrap();
    let told = lines(&db);
    let removed: u64 = told
        .iter()
        .filter(|line| line.event == "consolidate")
        .map(|line| line.number("nodes_before") - line.number("nodes"))
        .sum();
    assert_eq!(removed, 1400);
    assert!(told.iter().any(|line| line.event == "compact" && line.number("chunks") > 0), "{told:#?}");
    db.checkpoint(None).unwrap();
    db.checkpoint(None).unwrap();
    let told = lines(&db);
    let line = only(&told, "checkpoint");
    let stats = db.stats().unwrap();
    assert_eq!(line.number("lsn"), stats.lsn);
    assert!(line.number("bytes_written") > 1600 * 4 * DIM as u64 && line.number("parts") > 5, "{line:?}");
    let age = vdb::util::clock::unix_ms() - stats.checkpoint_ms;
    assert!(age < 60_000, "{age} ms");

    insert(&db, &rows, 0..10);
    insert(&db, &rows, 10..20);
    db.abandon();
    let db = open(dir.path(), &options());
    let told = lines(&db);
    let line = only(&told, "open");
    assert_eq!((line.number("rows"), line.number("replayed_batches"), line.number("torn_bytes")), (1620, 2, 0));
    assert_eq!(db.stats().unwrap().checkpoint_ms, 0, "none since it was opened");
    assert!(told.iter().all(|line| line.level == "info"), "{told:#?}");
    db.abandon();
    std::fs::remove_file(dir.path().join("LOCK")).unwrap();

    // A reader, and news of its writer.
    let (reader, writer) = (open(dir.path(), &options().read_only(true)), open(dir.path(), &options()));
    assert_eq!(only(&lines(&reader), "open_to_read").number("replayed_batches"), 2);
    insert(&writer, &rows, 20..30);
    reader.refresh().unwrap();
    assert!(lines(&reader).is_empty(), "a batch more is no news");
    writer.checkpoint(None).unwrap();
    reader.refresh().unwrap();
    let told = lines(&reader);
    assert_eq!(only(&told, "refresh").number("lsn"), writer.stats().unwrap().lsn);
}

#[test]
fn a_record_that_was_cut_off_is_told() {
    let disk = SimStorage::new();
    let open = || Database::open_on(Some(Box::new(disk.clone())), &options().durability(Durability::Process), None);
    let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 20, 1);
    let db = open().unwrap();
    insert(&db, &rows, 0..10);
    insert(&db, &rows, 10..20);
    db.abandon();
    disk.damage("wal-1.log", |bytes| bytes.truncate(bytes.len() - 7)).unwrap();
    let told = lines(&open().unwrap());
    let line = only(&told, "open");
    assert_eq!((line.number("rows"), line.number("replayed_batches")), (10, 1));
    assert!(line.number("torn_bytes") > 1000, "{line:?}");
}

#[test]
fn damage_is_told_once_and_before_any_call_meets_it() {
    let disk = SimStorage::new();
    let open = |options: &Options| Database::open_on(Some(Box::new(disk.clone())), options, None);
    let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 1000, 1);
    let db = open(&options()).unwrap();
    insert(&db, &rows, 0..1000);
    db.wait_indexed(None).unwrap();
    db.close().unwrap();
    use vdb::storage::Storage;
    let name = disk.list().unwrap().into_iter().find(|name| name.starts_with("chunk-")).unwrap();
    disk.damage(&name, |bytes| bytes[70_000] ^= 1).unwrap();
    // The thread that verifies finds it; nobody else reads there.
    let db = open(&options().log_level(LogLevel::Error)).unwrap();
    let mut told = Vec::new();
    eventually("the damage is told", || {
        told = lines(&db);
        !told.is_empty()
    });
    let line = only(&told, "damage");
    assert!(line.level == "error" && line.numbers["what"].contains(&name), "{line:?}");
    let params = SearchParams { exact: true, ..SearchParams::default() };
    let (mut ids, mut distances) = ([0; 1], [0.0; 1]);
    for _ in 0..2 {
        let failed = db.search_range(rows.slice(0, 1).vectors(), 1.0, &params, &mut ids, &mut distances);
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert!(lines(&db).is_empty());
}

#[test]
fn slow_searches_are_counted_and_told() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 2000, 20);
    let within = |db: &Database, params: &SearchParams| {
        let (mut ids, mut distances) = ([0; 5], [0.0; 5]);
        db.search_range(queries.slice(0, 1).vectors(), f32::INFINITY, params, &mut ids, &mut distances).unwrap()
    };
    let no_limit = Database::open(None, &options()).unwrap();
    common::fill(&no_limit, &rows);
    common::search(&no_limit, &queries, 3, &SearchParams::default());
    assert_eq!(no_limit.stats().unwrap().slow_queries, 0);
    assert!(lines(&no_limit).iter().all(|line| line.event != "slow_search"));

    // No search takes less than a microsecond, and none an hour.
    let db = Database::open(None, &options().slow_query_us(1).log_level(LogLevel::Warn)).unwrap();
    common::fill(&db, &rows);
    assert!(lines(&db).is_empty());
    let filter = Filter::ids(&(0..50).collect::<Vec<_>>(), true).unwrap();
    let filtered = SearchParams { filter: Some(filter), ..SearchParams::default() };
    common::search(&db, &queries.slice(0, 1), 10, &SearchParams { ef: 70, ..SearchParams::default() });
    common::search(&db, &queries, 10, &SearchParams { exact: true, ..SearchParams::default() });
    common::search(&db, &queries.slice(0, 1), 10, &filtered);
    within(&db, &SearchParams { target_recall: 0.9, ..SearchParams::default() });
    let cancelled = vdb::Task::new();
    cancelled.cancel();
    // Many queries, or it would end within the microsecond.
    let (_, many) = Shape::Clusters.rows(Scalar::F32, DIM, 1, 500);
    let (mut ids, mut distances, mut counts) = (vec![0; 500], vec![0.0; 500], vec![0; 500]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { task: Some(cancelled), ..SearchParams::default() };
    assert_eq!(db.search(many.vectors(), 1, &params, hits).unwrap(), Outcome::Partial);
    let told = lines(&db);
    assert!(told.iter().all(|line| line.event == "slow_search" && line.level == "warn" && line.number("rows") == 2000));
    assert_eq!((told.len() as u64, db.stats().unwrap().slow_queries), (5, 5));
    let text = |line: usize, name: &str| told[line].numbers.get(name).map_or("none", |text| text).to_string();
    let shown =
        |line| ["kind", "plan", "queries", "k", "ef", "passing", "selectivity", "partial"].map(|name| text(line, name));
    assert_eq!(shown(0), ["nearest", "\"walk\"", "1", "10", "70", "none", "none", "none"]);
    assert_eq!(shown(1), ["nearest", "\"scan\"", "20", "10", "none", "none", "none", "none"]);
    assert_eq!(shown(2), ["nearest", "\"pick\"", "1", "10", "none", "50", "0.025000", "none"]);
    assert_eq!((text(3, "kind"), text(3, "k")), ("range".into(), "6".into()));
    assert_eq!(text(4, "partial"), "true");
    assert!(told.iter().all(|line| line.number("us") >= 1));

    let patient = Database::open(None, &options().slow_query_us(3_600_000_000)).unwrap();
    common::fill(&patient, &rows);
    common::search(&patient, &queries, 3, &SearchParams::default());
    assert_eq!(patient.stats().unwrap().slow_queries, 0);
}

#[test]
fn every_kind_of_slow_search_has_its_name() {
    let (rows, query) = Shape::Clusters.rows(Scalar::F32, DIM, 2000, 1);
    let db = Database::open(None, &options().slow_query_us(1).log_level(LogLevel::Warn)).unwrap();
    common::fill(&db, &rows);
    let params = SearchParams::default();
    let (mut ids, mut distances, mut counts) = ([0; 8], [0.0; 8], [0; 4]);
    db.recommend(&[1, 2], &[3], &params, &mut ids, &mut distances).unwrap();
    db.search_diverse(query.vectors(), 0, 0.5, &params, &mut ids, &mut distances).unwrap();
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search_groups(query.vectors(), "a", 2, &params, hits).unwrap();
    db.cursor(query.vectors(), &params).unwrap().next_page(&mut ids, None).unwrap();
    let told = lines(&db);
    let kinds: Vec<&str> = told.iter().map(|line| line.numbers["kind"].as_str()).collect();
    assert_eq!(kinds, ["recommend", "diverse", "groups", "page"]);
    assert_eq!((told[3].number("found"), told[3].number("rows")), (8, 2000));
}

#[test]
fn a_limit_that_is_reached_is_told() {
    let db = Database::open(None, &Options::new().dim(256).max_memory(16 << 20).graph_min_rows(1 << 30)).unwrap();
    let values = vec![1.0; 256 * 1000];
    let refused = (0..100).find_map(|batch: u64| {
        let ids: Vec<u64> = (batch * 1000..(batch + 1) * 1000).collect();
        db.insert_batch(&ids, Vectors::f32(&values, 256).unwrap(), None).err()
    });
    assert_eq!(refused.unwrap().kind(), ErrorKind::Limit);
    let told = lines(&db);
    let line = told.iter().find(|line| line.event == "memory_limit").unwrap();
    assert_eq!((line.level.as_str(), line.number("max")), ("warn", 16 << 20));
}

#[test]
fn without_room_there_is_no_log() {
    let db = Database::open(None, &options().log_bytes(0).slow_query_us(1)).unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 600, 1);
    common::fill(&db, &rows);
    common::search(&db, &queries, 3, &SearchParams::default());
    assert_eq!((db.log_waiting(), db.read_log(1 << 20).as_str()), (0, ""));
    let stats = db.stats().unwrap();
    assert_eq!((stats.slow_queries, stats.log_lines_dropped), (1, 0));
}
