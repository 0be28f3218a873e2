//! What protection costs: checks in the graph walk, recovery, and writing at durability FULL.
//!
//! `make bench-protection` builds this program twice, with and without the checks, and
//! leaves a record in `benches/record`. Everything is a ratio of two things that took turns
//! on the same machine, or CPU time: other work on the machine changes neither much.

mod checks;
#[path = "../clock.rs"]
mod clock;
#[path = "../../tests/common/mod.rs"]
mod common;
mod log;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["--search", dir, ef] = words[..] {
        checks::searching(Path::new(dir), number(ef));
        return ExitCode::SUCCESS;
    }
    let place = std::env::var_os("VDB_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into).join("vdb-protection");
    std::fs::create_dir_all(&place).expect("a directory for the benchmark can be made");
    let bars = [checks::cost_of_checks(&place), log::recovery(&place), log::durable_writes(&place)];
    if bars.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// Prints a figure beside the bar it must not pass; returns whether it does not.
fn bar(name: &str, value: f64, most: f64) -> bool {
    let kept = value <= most;
    println!("{name:<60} {value:>8.4}   at most {most:<6} {}", if kept { "ok" } else { "MISSED" });
    kept
}

/// What a quarter of the values do not exceed.
fn quarter(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 4]
}
