//! Everything that may go on beside writers, at the same time on one database: cursors, snapshots, backups, exports,
//! searches under conditions and through the cache, reports, and a second database that reads along. Each looks at whole
//! states only (promises P3, P10, P17). What races between two of them shows here, under ThreadSanitizer above all.

#[path = "common/texts.rs"]
mod texts;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use texts::texts;
use vdb::{
    Call, CheckLevel, Database, Filter, Hits, Metric, Options, Page, Records, Scalar, SearchParams, Snapshot, Texts,
    Vectors,
};

const DIM: usize = 4;
/// All rows get the same version in one batch.
const ROWS: u64 = 150;
const VERSIONS: u64 = 40;

fn options() -> Options {
    Options::new().dim(DIM as u32).scalar(Scalar::U8).metric(Metric::L2sq).graph_min_rows(100).threads(2)
}

/// Chunks of 64 rows, so that compaction has something to do.
fn open(path: &Path, options: &Options) -> Database {
    let storage = vdb::storage::OsStorage::open(path, true, !options.settings().read_only).unwrap();
    Database::open_on(Some(Box::new(storage)), options, Some(6)).unwrap()
}

fn vector(id: u64, version: u64) -> [u8; DIM] {
    [id as u8, version as u8, 0, 0]
}

fn metas(version: u64, changed: bool) -> Texts<'static> {
    let meta = |id| format!(r#"{{"v":{version},"row":{id},"tag":"t{}","changed":{changed}}}"#, id % 5);
    texts(&(0..ROWS).map(meta).collect::<Vec<_>>())
}

fn parsed(filter: &str) -> Filter {
    Filter::parse(filter).unwrap()
}

fn params(filter: Option<&Filter>, snapshot: Option<&Snapshot>) -> SearchParams {
    SearchParams { filter: filter.cloned(), snapshot: snapshot.cloned(), ..SearchParams::default() }
}

/// How far those are that go on beside the writer.
#[derive(Default)]
struct Pace {
    rounds: [AtomicU64; 8],
    over: AtomicBool,
}

impl Pace {
    /// Runs `round` until the writer is done.
    fn go(&self, who: usize, mut round: impl FnMut(u64)) {
        while !self.over.load(SeqCst) {
            round(self.rounds[who].fetch_add(1, SeqCst));
        }
    }

    /// Waits until everybody went round `n` times, for a minute in all.
    fn keep(&self, n: u64, started: Instant) {
        let behind = |rounds: &AtomicU64| rounds.load(SeqCst) < n;
        while self.rounds.iter().any(behind) && started.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
    }
}

fn write(db: &Database, pace: &Pace) {
    let started = Instant::now();
    let keys = || texts(&(0..ROWS).map(|id| texts::key(id as u16)).collect::<Vec<_>>());
    for version in 1..=VERSIONS {
        pace.keep(version / 8, started);
        let mut ids: Vec<u64> = (0..ROWS).collect();
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| vector(id, version)).collect();
        let records = Records { keys: Some(keys()), meta: Some(metas(version, false)) };
        db.upsert_records(&mut ids, Vectors::u8(&bytes, DIM).unwrap(), &records, None).unwrap();
        assert_eq!(db.update_meta_batch(&ids, &metas(version, true)).unwrap(), ROWS);
        match version % 8 {
            2 => assert_eq!(db.delete_where(&parsed("v > 0"), None).unwrap(), ROWS),
            4 => db.checkpoint(None).unwrap(),
            6 => assert_eq!(db.delete_keys(&keys()).unwrap(), ROWS),
            _ => {}
        }
    }
}

/// The one version that all of these rows have in the state of `snapshot`; `None` where there are no rows.
#[track_caller]
fn version(db: &Database, snapshot: Option<&Snapshot>, ids: &[u64]) -> Option<u64> {
    let metas = texts::taken(ids.len(), |out| db.meta_batch_at(snapshot, ids, out)).unwrap();
    let field = |meta: &str, name: &str| {
        let from = meta.find(name).unwrap_or_else(|| panic!("no {name} in {meta:?}")) + name.len();
        meta[from..].split([',', '}']).next().unwrap().parse::<u64>().unwrap()
    };
    let first = field(metas.first()?, "\"v\":");
    for (meta, &id) in metas.iter().zip(ids) {
        assert_eq!((field(meta, "\"v\":"), field(meta, "\"row\":")), (first, id));
    }
    Some(first)
}

/// All rows or none, by a cursor through the ids and one through the distances, of one version.
fn by_cursors(db: &Database, round: u64) {
    let snapshot = db.snapshot();
    let filter = parsed("v > 0 and tag in ('t0', 't1', 't2', 't3', 't4')");
    let query = vector(0, 0);
    let cursors = [
        db.scan_at(Some(&snapshot), Some(&filter)).unwrap(),
        db.cursor(Vectors::u8(&query, DIM).unwrap(), &params(Some(&filter), Some(&snapshot))).unwrap(),
    ];
    for mut cursor in cursors {
        let (mut seen, mut ids, mut distances) = (Vec::new(), [0; 37], [0.0; 37]);
        while let Page::Rows(count) = cursor.next_page(&mut ids, Some(&mut distances)).unwrap() {
            seen.extend_from_slice(&ids[..count]);
        }
        seen.sort_unstable();
        version(db, Some(&snapshot), &seen);
        assert!(seen.is_empty() || seen.into_iter().eq(0..ROWS), "round {round}: some rows are missing");
    }
}

/// One question again and again: answers never go back to an older state.
fn by_the_cache(db: &Database, filter: &Filter, newest: &AtomicU64) {
    let before = newest.load(SeqCst);
    let (mut ids, mut distances, mut counts) = ([0; 8], [0.0; 8], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::u8(&[0; DIM], DIM).unwrap(), 8, &params(Some(filter), None), hits).unwrap();
    if counts[0] > 0 {
        let version = (distances[0] - (ids[0] * ids[0]) as f32).sqrt() as u64;
        assert!(version >= before, "version {version} after {before}");
        let all = ids.iter().zip(&distances).all(|(&id, &d)| d == (id * id + version * version) as f32);
        assert!(all, "{ids:?} {distances:?}, not all of version {version}");
        newest.fetch_max(version, SeqCst);
    }
}

fn by_conditions(db: &Database, filters: &[(Filter, u64)]) {
    for (filter, expected) in filters {
        let count = db.count_passing(filter).unwrap();
        assert!(count == 0 || count == *expected, "{filter:?}: {count} of {expected}");
    }
}

/// Backups, each with those files that the one before has; each holds one version.
fn by_backups(db: &Database, place: &Path, round: u64) {
    let at = |round: u64| place.join(format!("backup-{round}"));
    let previous = round.checked_sub(1).map(at).filter(|path| path.exists());
    db.backup(&at(round), previous.as_deref(), None).unwrap();
    let copy = open(&at(round), &options().read_only(true));
    let ids: Vec<u64> = (0..ROWS).collect();
    match copy.count().unwrap() {
        0 => {}
        count => assert!(count == ROWS && version(&copy, None, &ids).is_some()),
    }
    copy.close().unwrap();
    if let Some(previous) = previous {
        std::fs::remove_dir_all(previous).unwrap();
    }
}

/// Rows go out and come into another database.
fn by_export(db: &Database, place: &Path, round: u64) {
    let path = place.join(format!("rows-{round}.jsonl"));
    let written = db.export(&path, None, Some(&parsed("row >= 20")), None).unwrap();
    assert!(written == 0 || written == ROWS - 20, "{written} rows");
    let copy = Database::open(None, &options()).unwrap();
    assert_eq!(copy.import(&path, None, None).unwrap(), written);
    version(&copy, None, &(20..20 + written).collect::<Vec<_>>());
    std::fs::remove_file(path).unwrap();
}

/// What looks at all of the inside.
fn by_reports(db: &Database, round: u64) {
    db.columns().unwrap();
    db.explain(Vectors::u8(&[0; DIM], DIM).unwrap(), 5, &params(Some(&parsed("tag = 't1'")), None)).unwrap();
    let stats = db.stats().unwrap();
    assert!([0, ROWS].contains(&stats.live) && stats.bytes_cache <= 1 << 16);
    let latencies = Call::ALL.map(|call| db.latency(call));
    assert!(latencies.iter().all(|latency| latency.p50_ns <= latency.p99_ns));
    db.read_log(4096);
    match round % 4 {
        0 => db.clear_cache(),
        1 => assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound()),
        2 => db.wait_columns().unwrap(),
        _ => db.wait_indexed(None).unwrap(),
    }
}

/// A second database on the same directory, which reads along.
fn by_reading_along(reader: &Database, newest: &mut u64) {
    reader.refresh().unwrap();
    let snapshot = reader.snapshot();
    let ids: Vec<u64> = (0..ROWS).collect();
    if reader.count_at(Some(&snapshot), None).unwrap() > 0 {
        let version = version(reader, Some(&snapshot), &ids).unwrap();
        assert!(version >= *newest, "version {version} after {newest}");
        *newest = version;
        let filter = parsed(&format!("v = {version} and row < 10"));
        assert_eq!(reader.count_at(Some(&snapshot), Some(&filter)).unwrap(), 10);
    }
}

#[test]
fn everything_at_once_sees_whole_states() {
    let (dir, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let declared = options().columns("v i64, row i64, tag string").cache_bytes(1 << 16);
    let db = open(dir.path(), &declared);
    let reader = open(dir.path(), &options().read_only(true));
    let (pace, newest) = (Pace::default(), AtomicU64::new(0));
    let filter = parsed("row < 50");
    let filters = [("tag = 't1'", ROWS / 5), ("row < 50 and changed = true", 50), ("v > 0", ROWS)]
        .map(|(filter, expected)| (parsed(filter), expected));
    std::thread::scope(|scope| {
        let (db, pace, newest, filter, filters, place) = (&db, &pace, &newest, &filter, &filters, place.path());
        let reader = &reader;
        scope.spawn(move || pace.go(0, |round| by_cursors(db, round)));
        scope.spawn(move || pace.go(1, |_| by_the_cache(db, filter, newest)));
        scope.spawn(move || pace.go(2, |_| by_the_cache(db, filter, newest)));
        scope.spawn(move || pace.go(3, |_| by_conditions(db, filters)));
        scope.spawn(move || pace.go(4, |round| by_backups(db, place, round)));
        scope.spawn(move || pace.go(5, |round| by_export(db, place, round)));
        scope.spawn(move || pace.go(6, |round| by_reports(db, round)));
        scope.spawn(move || {
            let mut newest = 0;
            pace.go(7, |_| by_reading_along(reader, &mut newest));
        });
        let writing = scope.spawn(move || write(db, pace));
        let written = writing.join();
        pace.over.store(true, SeqCst);
        written.unwrap();
    });
    for (who, rounds) in pace.rounds.iter().enumerate() {
        assert!(rounds.load(SeqCst) >= VERSIONS / 8, "number {who} went round {rounds:?} times");
    }
    assert_eq!(db.stats().unwrap().snapshots, 0);
}
