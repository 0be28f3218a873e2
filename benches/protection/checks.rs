//! Range checks and checksums at first touch, against a library without them.

use super::common::{datasets, fill, search};
use super::{bar, cpu_time, quarter};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use vdb::kernel::{Metric, Scalar};
use vdb::{Database, Options, SearchParams};

const K: usize = 10;
const RECALL: f64 = 0.95;
/// Pairs of runs, one of each library.
const PAIRS: usize = 100;
/// Longest wait for the copy that searches are faster on; long under valgrind.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most that the checks may add.
const MOST: f64 = 1.02;

fn data() -> datasets::DataSet {
    datasets::full("wordnet-384", Metric::Cosine).unwrap_or_else(datasets::wordnet_sample)
}

pub fn cost_of_checks(place: &Path) -> bool {
    let Some(unchecked) = std::env::var_os("VDB_UNCHECKED") else {
        println!("skipped: cost of checks: VDB_UNCHECKED does not name the program without them");
        return true;
    };
    let dir = place.join("graph");
    let ef = build(&dir);
    let checked = std::env::current_exe().expect("a running program has a path").into_os_string();
    let programs = [&checked, &unchecked];
    let one = |program, rounds: &str| -> f64 {
        let out = Command::new(program).arg("--search").arg(&dir).args([&ef.to_string(), rounds]).output();
        let out = out.expect("the program can be started");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().parse().expect("it prints a number")
    };
    let pairs: Vec<[f64; 2]> = (0..PAIRS)
        .map(|i| {
            // Who goes first alternates.
            let mut pair = [0.0; 2];
            for at in [i % 2, (i + 1) % 2] {
                pair[at] = one(programs[at], "4");
            }
            pair
        })
        .collect();
    // A busy neighbour only adds time, so the quicker runs tell more than the middle ones.
    let [with, without] = [0, 1].map(|at| quarter(pairs.iter().map(|pair| pair[at]).collect()));
    println!("CPU time of a search: {:.1} us with checks, {:.1} us without", with * 1e6, without * 1e6);
    let time = bar("checks: CPU time of a search, with / without", with / without, MOST);
    let counted = programs.map(|program| instructions(program, &dir, ef));
    match counted {
        [Some(with), Some(without)] => {
            println!("instructions of a search: {with:.0} with checks, {without:.0} without");
            // Compares and well-predicted branches run beside the distances: more
            // instructions are not as much more time.
            println!("{:<60} {:>8.4}", "checks: instructions of a search, with / without", with / without);
        }
        _ => println!("skipped: instructions of a search: no valgrind"),
    }
    time
}

/// Builds the database and returns the breadth of search that finds enough.
fn build(dir: &Path) -> usize {
    let set = data();
    if !dir.join("CURRENT").exists() {
        let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(Scalar::F16);
        let db = Database::open(Some(dir), &options).expect("opens");
        fill(&db, &set.rows);
        db.close().expect("closes");
    }
    let db = Database::open(Some(dir), &Options::new()).expect("opens");
    assert_eq!(db.count().expect("counts"), set.rows.count() as u64, "{} is of other data: remove it", dir.display());
    for ef in (10..).step_by(2) {
        let answers = search(&db, &set.queries, K, &SearchParams { ef, ..SearchParams::default() });
        let found = |(answer, nearest): (&Vec<(u64, f32)>, &Vec<i32>)| {
            answer.iter().filter(|(id, _)| nearest[..K].contains(&(*id as i32))).count()
        };
        let hits: usize = answers.iter().zip(&set.nearest).map(found).sum();
        let recall = hits as f64 / (answers.len() * K) as f64;
        if recall >= RECALL {
            println!("{} rows x {}, ef {ef}, recall@{K} {recall:.3}", set.rows.count(), set.rows.dim());
            return ef;
        }
    }
    unreachable!("recall grows with ef")
}

/// The program behind it: prints the CPU seconds of a search.
pub fn searching(dir: &Path, ef: usize, rounds: usize) {
    let set = data();
    let db = Database::open(Some(dir), &Options::new()).expect("opens");
    // Every block is touched and what is walked is in memory, so that what follows is the
    // lasting cost.
    let mapped = || db.stats().expect("has statistics").bytes_mapped;
    let (opened, start) = (mapped(), Instant::now());
    searches(&db, &set, ef);
    while mapped() >= opened {
        assert!(start.elapsed() < PATIENCE, "the walked rows stay in their files");
        std::thread::sleep(Duration::from_millis(1));
    }
    let before = cpu_time();
    for _ in 0..rounds {
        counted_searches(&db, &set, ef);
    }
    println!("{}", (cpu_time() - before).as_secs_f64() / (rounds * set.queries.count()) as f64);
    db.abandon();
}

fn searches(db: &Database, set: &datasets::DataSet, ef: usize) {
    search(db, &set.queries, K, &SearchParams { ef, ..SearchParams::default() });
}

/// Known to valgrind by its name.
#[inline(never)]
fn counted_searches(db: &Database, set: &datasets::DataSet, ef: usize) {
    searches(db, set, ef);
    std::hint::black_box(db);
}

/// Instructions of a search, counted by valgrind.
fn instructions(program: &std::ffi::OsStr, dir: &Path, ef: usize) -> Option<f64> {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_searches*"])
        .arg(program)
        .arg("--search")
        .arg(dir)
        .args([&ef.to_string(), "1"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&out.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    let queries = data().queries.count();
    Some(collected.trim().parse::<f64>().ok()? / queries as f64)
}
