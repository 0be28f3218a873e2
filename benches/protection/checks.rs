//! Range checks and checksums at first touch, against a library without them.

use super::bar;
use super::clock::cpu_time;
use super::common::{datasets, fill, search};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use vdb::kernel::{Metric, Scalar};
use vdb::{Database, Options, SearchParams};

const K: usize = 10;
const RECALL: f64 = 0.95;
/// Pairs of processes, one of each library. Which pages a process gets makes it faster or slower.
const PAIRS: usize = 9;
/// Rounds in turn, of all queries, that a pair is compared by.
const ROUNDS: usize = 40;
/// What a process prints when all that comes before searches is done.
const READY: &str = "ready";
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
    let dirs = [place.join("graph"), place.join("graph-unchecked")];
    let ef = build(&dirs[0]);
    copy(&dirs[0], &dirs[1]);
    let checked = std::env::current_exe().expect("a running program has a path").into_os_string();
    let programs = [&checked, &unchecked];
    let mut ratios: Vec<f64> = Vec::new();
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..PAIRS {
        // Who starts first, and which copy is whose, alternates too.
        let start = |i: usize| Searcher::start(programs[i], &dirs[(i + number) % 2], ef);
        let mut pair = if number % 4 < 2 {
            let first = start(0);
            [first, start(1)]
        } else {
            let second = start(1);
            [start(0), second]
        };
        let rounds: Vec<f64> = (0..ROUNDS)
            .map(|round| {
                // Who goes first alternates.
                let mut took = [0.0; 2];
                for i in [round % 2, (round + 1) % 2] {
                    took[i] = pair[i].round();
                    times[i].push(took[i]);
                }
                took[0] / took[1]
            })
            .collect();
        ratios.push(median(rounds));
    }
    let [with, without] = times.map(median);
    println!("CPU time of a search: {:.1} us with checks, {:.1} us without", with * 1e6, without * 1e6);
    ratios.sort_by(f64::total_cmp);
    println!("with / without in {PAIRS} pairs of processes: {ratios:.3?}");
    let time = bar("checks: CPU time of a search, with / without", median(ratios), MOST);
    let dir = &dirs[0];
    let counted = programs.map(|program| instructions(program, dir, ef));
    match counted {
        [Some(with), Some(without)] => {
            println!("instructions of a search: {with:.0} with checks, {without:.0} without");
            // Compares and well-predicted branches run beside the distances, so more instructions
            // are not as much more time; but their number is not a matter of chance.
            bar("checks: instructions of a search, with / without", with / without, MOST) && time
        }
        _ => {
            println!("skipped: instructions of a search: no valgrind");
            time
        }
    }
}

/// A process that searches when it is told to.
struct Searcher {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Searcher {
    fn start(program: &OsStr, dir: &Path, ef: usize) -> Searcher {
        let mut command = Command::new(program);
        command.arg("--search").arg(dir).arg(ef.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the program can be started");
        let answers = BufReader::new(process.stdout.take().expect("it has an output"));
        let mut searcher = Searcher { process, answers };
        assert_eq!(searcher.answer(), READY);
        searcher
    }

    /// The CPU seconds of a search, on average over all queries.
    fn round(&mut self) -> f64 {
        let input = self.process.stdin.as_mut().expect("it has an input");
        input.write_all(b"\n").expect("it waits for a line");
        self.answer().parse().expect("it prints a number")
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        answer.trim().into()
    }
}

impl Drop for Searcher {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The same database once more: each of two processes writes to its own.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).expect("a directory can be made");
    for file in std::fs::read_dir(from).expect("the database is there") {
        let file = file.expect("it can be listed");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
    }
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

/// The program behind it: prints [`READY`], and for each line that it reads the CPU seconds of a search.
pub fn searching(dir: &Path, ef: usize) {
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
    // The look at the graph that follows is none of a search.
    db.wait_indexed(None).expect("background work ends");
    searches(&db, &set, ef);
    println!("{READY}");
    for line in std::io::stdin().lines() {
        line.expect("can be read");
        let before = cpu_time();
        counted_searches(&db, &set, ef);
        println!("{}", (cpu_time() - before).as_secs_f64() / set.queries.count() as f64);
    }
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
fn instructions(program: &OsStr, dir: &Path, ef: usize) -> Option<f64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_searches*"])
        .arg(program)
        .arg("--search")
        .arg(dir)
        .arg(ef.to_string());
    let process = valgrind.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut process = process.ok()?;
    process.stdin.take()?.write_all(b"\n").ok()?;
    let text = String::from_utf8_lossy(&process.wait_with_output().ok()?.stderr).into_owned();
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    let queries = data().queries.count();
    Some(collected.trim().parse::<f64>().ok()? / queries as f64)
}
