//! What each kind of codes takes and gives: bytes a row, recall, speed and build time against the default.
//!
//! `cargo bench --bench codes [-- full] [-- WORD..]` prints a table for each data set: the bundled sample, or
//! with `full` the sets it was cut from where they are (`tests/common/datasets.rs`). All vectors are stored
//! as f32. Per kind: bytes of a code row; build time; recall@10 at the default ef; and for each wanted
//! recall the least ef that reaches it, and queries per second as a ratio to `sq8`'s. Rounds of all kinds take
//! turns, and the best of each counts, so that other work on the machine does.

#[path = "../tests/common/mod.rs"]
mod common;

use common::datasets::{self, DataSet};
use common::exact::distance;
use common::fill;
use common::rows::Rows;
use std::time::Instant;
use vdb::Quant;
use vdb::db::{Database, Hits, Options, SearchParams};
use vdb::kernel::{Metric, Scalar};

const KINDS: [(&str, Quant); 5] =
    [("none", Quant::None), ("sq8", Quant::Sq8), ("sq4", Quant::Sq4), ("pq", Quant::Pq), ("rabitq", Quant::Rabitq)];
const RECALLS: [f64; 3] = [0.95, 0.99, 0.999];
const EF_MAX: usize = 2000;
const ROUNDS: usize = 7;
const QUERIES: usize = 1000;
const K: usize = 10;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let full = words.iter().any(|word| word == "full");
    let sets = [("wordnet-384", Metric::Cosine), ("sift-128", Metric::L2sq)];
    for (name, metric) in sets {
        let set = match (full, metric) {
            (true, _) => datasets::full(name, metric),
            (false, Metric::Cosine) => Some(datasets::wordnet_sample()),
            (false, _) => Some(datasets::sift_sample()),
        };
        let wanted = |kind: &str| {
            words.iter().filter(|word| *word != "full").all(|word| format!("{name} {kind}").contains(word))
        };
        let kinds: Vec<_> = KINDS.into_iter().filter(|(kind, _)| *kind == "sq8" || wanted(kind)).collect();
        if let Some(set) = set.filter(|_| kinds.iter().any(|(kind, _)| wanted(kind))) {
            report(name, &set, &kinds);
        }
    }
}

/// Queries and what is right for each: a row not farther than the tenth.
struct Task {
    queries: Rows,
    limits: Vec<f64>,
}

impl Task {
    fn new(set: &DataSet) -> Task {
        let (dim, rows, queries) =
            (set.rows.dim(), set.rows.values(), set.queries.slice(0, set.queries.count().min(QUERIES)));
        let limit = |(query, nearest): (&[f32], &Vec<i32>)| {
            let last = nearest[K - 1] as usize;
            let limit = distance(set.metric, query, &rows[last * dim..][..dim]);
            limit + 1e-6 + 1e-5 * limit.abs()
        };
        let limits = queries.values().chunks(dim).zip(&set.nearest).map(limit).collect();
        Task { queries, limits }
    }

    /// Recall and seconds of all queries.
    fn run(&self, db: &Database, ef: usize) -> (f64, f64) {
        let count = self.queries.count();
        let (mut ids, mut distances, mut counts) = (vec![0; count * K], vec![0.0; count * K], vec![0; count]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        let params = SearchParams { ef, ..SearchParams::default() };
        let start = Instant::now();
        db.search(self.queries.vectors(), K, &params, hits).expect("search");
        let seconds = start.elapsed().as_secs_f64();
        let near = |(found, limit): (&[f32], &f64)| found.iter().filter(|d| f64::from(**d) <= *limit).count();
        let right: usize = distances.chunks(K).zip(&self.limits).map(near).sum();
        (right as f64 / (K * count) as f64, seconds)
    }

    /// The least ef, in steps of a tenth, that reaches a recall.
    fn least_ef(&self, db: &Database, due: f64) -> Option<usize> {
        let steps = std::iter::successors(Some(K), |ef| Some(ef + ef.div_ceil(10)));
        steps.take_while(|ef| *ef <= EF_MAX).find(|&ef| self.run(db, ef).0 >= due)
    }

    /// Seconds of each database at its ef; infinite where it has none. Rounds take turns, the best of each counts.
    fn times(&self, built: &[Built], recall: usize) -> Vec<f64> {
        let mut best = vec![f64::INFINITY; built.len()];
        for _ in 0..ROUNDS {
            for (built, best) in built.iter().zip(&mut best) {
                if let Some(ef) = built.ef[recall] {
                    *best = best.min(self.run(&built.db, ef).1);
                }
            }
        }
        best
    }
}

struct Built {
    name: &'static str,
    db: Database,
    seconds: f64,
    /// The least ef for each of [`RECALLS`].
    ef: Vec<Option<usize>>,
}

fn report(name: &str, set: &DataSet, kinds: &[(&'static str, Quant)]) {
    let (rows, task) = (set.rows.converted(Scalar::F32), Task::new(set));
    let build = |&(name, quant): &(&'static str, Quant)| {
        let options = Options::new().dim(rows.dim() as u32).metric(set.metric).quant(quant).threads(1);
        let db = Database::open(None, &options).expect("open");
        let start = Instant::now();
        fill(&db, &rows);
        let seconds = start.elapsed().as_secs_f64();
        let ef = RECALLS.iter().map(|&due| task.least_ef(&db, due)).collect();
        Built { name, db, seconds, ef }
    };
    let built: Vec<Built> = kinds.iter().map(build).collect();
    let reference = built.iter().position(|built| built.name == "sq8").expect("always built");
    let times: Vec<Vec<f64>> = (0..RECALLS.len()).map(|recall| task.times(&built, recall)).collect();
    println!("{name}: {} rows x {}, {} queries", rows.count(), rows.dim(), task.queries.count());
    print!("codes   bytes/row  build  recall@10, ef 64");
    RECALLS.iter().for_each(|due| print!("{due:>9}: ef  speed"));
    println!();
    for (kind, one) in built.iter().enumerate() {
        let bytes = one.db.stats().expect("stats").bytes_codes as f64 / rows.count() as f64;
        let (build, at_default) = (one.seconds / built[reference].seconds, task.run(&one.db, 64).0);
        print!("{:<8}{bytes:>9.1} {build:>5.2}x {at_default:>16.4}", one.name);
        for (recall, times) in times.iter().enumerate() {
            match one.ef[recall] {
                Some(ef) => print!("{ef:>13} {:>5.2}x", times[reference] / times[kind]),
                None => print!("{:>20}", "not reached"),
            }
        }
        println!();
    }
}
