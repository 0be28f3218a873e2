//! Instructions that the released library executes for a few fixed jobs, counted by callgrind,
//! against a committed baseline: a measure of speed that a busy machine does not blur. They
//! repeat to 0.01 %; more than [`TOLERANCE`] per cent above the baseline is an error.
//!
//! `VDB_BLESS=1 cargo test --test instructions` writes the baseline anew; say in the commit
//! why it went up. It holds for one compiler and for AVX2: elsewhere the test is skipped.

#[path = "common/release.rs"]
mod release;

use release::{compiler, root};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TOLERANCE: u64 = 3;
/// Rows that are linked, searches among them, rows that are written and recovered: fewer than have
/// sketches, whose thread may or may not get to them before the program ends.
const LINKED: &str = "2000";
const SEARCHES: &str = "1000";
const WRITTEN: &str = "4000";
/// Searches of a few rows.
const FEW_SEARCHES: &str = "10000";

fn baseline_file() -> PathBuf {
    root().join("benches/instructions/baseline.txt")
}

/// Runs a command whose failure is a failure of the test; returns its stdout and stderr.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Builds the library as it is released, and the program with the jobs.
fn build(dir: &Path) -> PathBuf {
    run(&mut release::make_build());
    let (program, lib) = (dir.join("work"), root().join("build/lib"));
    let mut cc = Command::new(compiler(false).expect("looked for before"));
    cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Iinclude", "benches/instructions/work.c", "-o"]);
    cc.arg(&program).arg("-L").arg(&lib).args(["-lvdb", "-lm"]).arg(format!("-Wl,-rpath,{}", lib.display()));
    run(cc.current_dir(root()));
    program
}

/// Instructions of one job.
fn count(program: &Path, job: &[&str]) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args(job);
    let said = run(&mut valgrind);
    let line = said.lines().find_map(|line| line.split_once("Collected :"));
    line.and_then(|(_, number)| number.trim().parse().ok()).unwrap_or_else(|| panic!("no count in {said}"))
}

/// What the baseline was counted with: another compiler makes other instructions.
fn rust() -> String {
    run(Command::new("rustc").arg("--version")).trim().into()
}

fn baseline() -> (String, BTreeMap<String, u64>) {
    let text = std::fs::read_to_string(baseline_file()).expect("the baseline is part of the repository");
    let mut lines = text.lines();
    let compiler = lines.next().unwrap_or_default().into();
    let entry = |line: &str| line.split_once(' ').map(|(job, count)| (job.into(), count.parse().expect("a number")));
    (compiler, lines.filter_map(entry).collect())
}

/// The count beside the baseline in words, and whether it is within the tolerance.
fn verdict(job: &str, count: u64, before: u64) -> (String, bool) {
    let change = count as f64 / before as f64 - 1.0;
    (format!("{job:<8} {count:>13} instructions, {:+.2} %", change * 100.0), count * 100 <= before * (100 + TOLERANCE))
}

fn missing() -> Option<&'static str> {
    let there = |program| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    let avx2 = is_x86_feature_detected!("avx2");
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    let avx2 = false;
    let looks = [
        (avx2, "the baseline is of Linux on x86_64 with AVX2"),
        (there("valgrind"), "valgrind not installed"),
        (there("make"), "make not installed"),
        (compiler(false).is_some(), "no C compiler"),
        (std::env::var_os("VDB_LIB_DIR").is_none(), "VDB_LIB_DIR names another library"),
    ];
    looks.into_iter().find(|(fine, _)| !fine).map(|(_, why)| why)
}

#[test]
fn jobs_execute_no_more_instructions_than_before() {
    let bless = std::env::var_os("VDB_BLESS").is_some();
    if let Some(why) = missing() {
        return println!("skipped: instruction counts: {why}");
    }
    let (counted_with, before) = if bless { Default::default() } else { baseline() };
    if !bless && counted_with != rust() {
        return println!("skipped: instruction counts: the baseline is of {counted_with}");
    }
    let dir = tempfile::tempdir().unwrap();
    let program = build(dir.path());
    let (rows, stored) = (root().join("data/wordnet/base.npy"), dir.path().join("db"));
    let (rows, stored) = (rows.to_str().unwrap(), stored.to_str().unwrap());
    let linked = count(&program, &["build", rows, LINKED]);
    let counts = [
        ("build", linked),
        ("search", count(&program, &["search", rows, LINKED, SEARCHES]) - linked),
        ("ingest", count(&program, &["ingest", rows, WRITTEN, stored])),
        ("recover", count(&program, &["recover", stored])),
        ("few", count(&program, &["few", FEW_SEARCHES]) - count(&program, &["few", "0"])),
    ];
    if bless {
        let lines: String = counts.iter().map(|(job, count)| format!("{job} {count}\n")).collect();
        std::fs::write(baseline_file(), format!("{}\n{lines}", rust())).unwrap();
        return;
    }
    let verdicts = counts.map(|(job, count)| verdict(job, count, before[job]));
    verdicts.iter().for_each(|(words, _)| println!("{words}"));
    assert!(verdicts.iter().all(|(_, kept)| *kept), "more than {TOLERANCE} % above the baseline: {verdicts:#?}");
}

#[test]
fn three_per_cent_are_let_pass_and_no_more() {
    assert!(verdict("x", 1030, 1000).1 && verdict("x", 10, 1000).1);
    assert!(!verdict("x", 1031, 1000).1);
}
