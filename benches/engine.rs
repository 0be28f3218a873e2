//! Build, search, ingest and recovery, on the bundled sample: one line per figure.
//!
//! `cargo bench --bench engine [-- WORD..]` runs the jobs whose name contains a WORD. CPU time is
//! that of all threads, so it is more than the time of day where the library works beside the
//! caller. Of repeated jobs the quickest counts, as other work only ever slows one down.
//! Files go to `VDB_BENCH_DIR`, or the system's directory for temporary ones; what a sync costs is the disk's.

mod clock;
#[path = "../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clock::cpu_time;
use common::datasets::{DataSet, sift_sample, wordnet_sample};
use common::exact::Truth;
use common::shapes::Rng;
use common::{fill, recall};
use vdb::{Database, Hits, Options, Scalar, SearchParams, Vectors};

const K: usize = 10;
/// Passes over the rows of the sample that are written: 20,000 rows.
const PASSES: usize = 4;
const REPEATS: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wants = |job: &str| wanted.is_empty() || wanted.iter().any(|word| job.contains(word));
    for (name, set) in [("wordnet", wordnet_sample()), ("sift", sift_sample())] {
        println!("{name}: {} rows x {}", set.rows.count(), set.rows.dim());
        if wants("build search") {
            build_and_search(&set);
        }
        if wants("tail") {
            search_of_tails(&set);
        }
        if wants("ingest recovery") {
            ingest_and_recover(&set);
        }
    }
}

/// What some work took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

impl Took {
    /// Prints a figure: the whole, and the share of each of `count` things.
    fn print(self, what: &str, count: usize, thing: &str) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        let [wall, cpu] = [self.wall, self.cpu].map(|time| time.as_secs_f64() * 1e3);
        println!(
            "  {what:<56} wall {wall:>9.2} ms  CPU {cpu:>9.2} ms  {:>9.2} us, CPU {:>9.2} us a {thing}",
            each(self.wall),
            each(self.cpu)
        );
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Took, T) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    let result = work();
    (Took { wall: wall.elapsed(), cpu: cpu_time() - cpu }, result)
}

/// The quickest of some runs of the work, by CPU time, and what the last one made.
fn quickest<T>(mut work: impl FnMut() -> (Took, T)) -> (Took, T) {
    let (mut best, mut result) = work();
    for _ in 1..REPEATS {
        let (took, next) = work();
        result = next;
        if took.cpu < best.cpu {
            best = took;
        }
    }
    (best, result)
}

fn options(set: &DataSet) -> Options {
    Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar())
}

fn build_and_search(set: &DataSet) {
    let rows = set.rows.count();
    for threads in [1, 0] {
        let built = quickest(|| {
            let db = Database::open(None, &options(set).threads(threads).graph_min_rows(1)).expect("opens");
            let (took, ()) = timed(|| fill(&db, &set.rows));
            (took, db)
        });
        let who = if threads == 1 { "one thread" } else { "all threads" };
        built.0.print(&format!("build, in memory, {who}"), rows, "row");
        if threads == 1 {
            searches(&built.1, set);
        }
    }
}

/// One query per call, at some breadths, then exactly.
fn searches(db: &Database, set: &DataSet) {
    let truth = Truth::compute(set.metric, &set.rows, &set.queries, K);
    for ef in [16, 64, 256] {
        let recall = recall(db, &set.queries, &truth, ef);
        let params = SearchParams { ef, ..SearchParams::default() };
        search_each(db, set, &format!("search, ef {ef}, recall@{K} {recall:.3}"), &params);
    }
    search_each(db, set, "search, exact", &SearchParams { exact: true, ..SearchParams::default() });
}

fn search_each(db: &Database, set: &DataSet, what: &str, params: &SearchParams) {
    let queries: Vec<_> = (0..set.queries.count()).map(|i| set.queries.slice(i, 1)).collect();
    let (took, ()) = quickest(|| {
        timed(|| {
            for query in &queries {
                let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0]);
                let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
                db.search(query.vectors(), K, params, hits).expect("searches");
            }
        })
    });
    took.print(what, queries.len(), "query");
}

/// Rows that no graph covers: all of them compared, or by their sketches. The sample as f32, over and
/// over with a little noise, up to 40,000 rows.
fn search_of_tails(set: &DataSet) {
    let dim = set.rows.dim();
    let options = Options::new().dim(dim as u32).metric(set.metric).graph_min_rows(u32::MAX.into()).threads(1);
    let mut values = set.rows.values();
    let mut rng = Rng(3);
    let spread = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt() / 4.0;
    for copies in [1, 8] {
        let rows = copies * set.rows.count();
        values = (0..rows * dim).map(|i| values[i % (set.rows.count() * dim)] + spread * rng.normal()).collect();
        let db = Database::open(None, &options).expect("opens");
        let ids: Vec<u64> = (0..rows as u64).collect();
        db.insert_batch(&ids, Vectors::f32(&values, dim).expect("whole rows"), None).expect("inserts");
        let exactly = SearchParams { exact: true, ..SearchParams::default() };
        let query = set.queries.converted(Scalar::F32);
        let tail = DataSet { metric: set.metric, rows: set.rows.slice(0, 0), queries: query, nearest: Vec::new() };
        // Sketches are made in the background: they are there when searches compare few rows.
        let compares_few = || {
            let spent = || db.stats().expect("stats").distance_computations;
            let before = spent();
            common::search(&db, &tail.queries.slice(0, 1), K, &SearchParams::default());
            spent() - before < rows as u64 / 2
        };
        let start = Instant::now();
        while !compares_few() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (found, truth) = (search_all(&db, &tail, &SearchParams::default()), search_all(&db, &tail, &exactly));
        let right: usize = found.iter().zip(&truth).map(|(f, t)| f.iter().filter(|hit| t.contains(hit)).count()).sum();
        let recall = right as f64 / (K * truth.len()) as f64;
        search_each(&db, &tail, &format!("search, tail of {rows}, exact"), &exactly);
        let what = format!("search, tail of {rows}, sketches, recall {recall:.4}");
        search_each(&db, &tail, &what, &SearchParams::default());
    }
}

fn search_all(db: &Database, set: &DataSet, params: &SearchParams) -> Vec<common::Answer> {
    common::search(db, &set.queries, K, params)
}

/// Rows that are written and not linked, durable at each return; then a start after a
/// crash, with all of them in the log, and one after a close.
fn ingest_and_recover(set: &DataSet) {
    let place = std::env::var_os("VDB_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(&place).expect("a directory for the benchmark can be made");
    let dir = place.join(format!("vdb-engine-{}", std::process::id()));
    let options = options(set).graph_min_rows(u32::MAX.into()).wal_limit_bytes(1 << 40);
    let open = || Database::open(Some(&dir), &options).expect("opens");
    for (batch, passes) in [(1, 1), (100, PASSES), (1000, PASSES)] {
        let count = if batch == 1 { 500 } else { set.rows.count() };
        let (took, ()) = quickest(|| {
            remove(&dir);
            let db = open();
            let took = timed(|| write(&db, set, batch, count, passes));
            db.abandon();
            took
        });
        took.print(&format!("ingest, durable, batches of {batch}"), count * passes, "row");
    }
    let rows = set.rows.count() * PASSES;
    let opened = || {
        let (took, db) = timed(open);
        assert_eq!(db.count().expect("counts"), rows as u64);
        (took, db)
    };
    let (took, ()) = quickest(|| {
        let (took, db) = opened();
        db.abandon();
        (took, ())
    });
    took.print("recovery, all rows in the log", rows, "row");
    opened().1.close().expect("closes");
    let (took, ()) = quickest(|| {
        let (took, db) = opened();
        db.abandon();
        (took, ())
    });
    took.print("open after a close", rows, "row");
    remove(&dir);
}

/// The first `count` rows of the set, `passes` times, under new ids.
fn write(db: &Database, set: &DataSet, batch: usize, count: usize, passes: usize) {
    for pass in 0..passes {
        for first in (0..count).step_by(batch) {
            let rows = set.rows.slice(first, batch.min(count - first));
            let ids: Vec<u64> = (0..rows.count()).map(|i| (pass * count + first + i) as u64).collect();
            db.insert_batch(&ids, rows.vectors(), None).expect("inserts");
        }
    }
}

fn remove(dir: &Path) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).expect("an old database can be removed");
    }
}
