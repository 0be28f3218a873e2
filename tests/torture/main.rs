//! Torture: random workloads, crashes, kills, damage, errors and threads, against a map
//! of the rows (promises P1 - P8, P10, P12; docs/reliability.md).
//!
//! `make torture SECONDS=600 SEED=7` divides the time among seven kinds of torture, each
//! in a process of its own, and ends with one line that must be all zeros. Without
//! arguments it is a smoke test of ten seconds. Every finding names its seed and round;
//! `--only KIND --seed S --round N` repeats it.

mod child;
mod damage;
mod kill;
mod model;
mod power;
mod processes;
mod readers;
#[path = "../common/refit.rs"]
mod refit;
mod tally;

use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use tally::{Run, Tally, Trouble};

type Torture = fn(&Run);

/// Name, what is done, share of the time.
const KINDS: [(&str, Torture, u32); 7] = [
    ("power", power::power_cuts, 2),
    ("kill", kill::killed_writers, 3),
    ("damage", damage::damaged_files, 3),
    ("forged", damage::forged_files, 3),
    ("errors", power::failing_calls, 1),
    ("readers", readers::readers_and_a_writer, 2),
    ("processes", processes::processes_read_along, 2),
];

/// What a kind may take beyond its share: its last round, on a busy machine.
const GRACE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let value = |name: &str| words.iter().position(|w| *w == name).and_then(|at| words.get(at + 1)).copied();
    let count = |text: &str| text.parse::<u64>().expect("a number");
    let number = |name: &str| value(name).map(count);
    match words[..] {
        ["--follow", dir, seed] => processes::following(dir, count(seed)),
        ["--read", dir, universe, then] => child::reading(dir, count(universe), then),
        ["--write", dir, seed, level, universe] => child::writing(dir, count(seed), count(level), count(universe)),
        _ if words.contains(&"--list") => println!("torture: test"),
        // `cargo test SOMETHING_ELSE` asks every test program.
        [filter, ..] if !filter.starts_with('-') && !"torture".contains(filter) => {}
        _ => {
            let seconds = number("--seconds").unwrap_or(10);
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let seed = number("--seed").unwrap_or(now.as_micros() as u64 % 1_000_000);
            match value("--kind") {
                Some(kind) => run_kind(kind, seconds, seed, number("--round")),
                None => return torture(seconds, seed, value("--only"), value("--round")),
            }
        }
    }
    ExitCode::SUCCESS
}

/// One kind, in this process.
fn run_kind(kind: &str, seconds: u64, seed: u64, only: Option<u64>) {
    let (_, run, _) = KINDS.iter().find(|(name, ..)| *name == kind).expect("a kind of torture");
    run(&Run { seed, deadline: Instant::now() + Duration::from_secs(seconds), only });
}

/// All kinds, one after the other.
fn torture(seconds: u64, seed: u64, only: Option<&str>, round: Option<&str>) -> ExitCode {
    println!("torture: {seconds} s, seed {seed}");
    let kinds: Vec<_> = KINDS.iter().filter(|(name, ..)| only.is_none_or(|only| only == *name)).collect();
    let shares: u32 = kinds.iter().map(|kind| kind.2).sum();
    let mut table = Vec::new();
    for (name, _, share) in kinds {
        let time =
            Duration::from_secs(seconds * u64::from(*share) / u64::from(shares).max(1)).max(Duration::from_secs(1));
        table.push((*name, supervise(name, time, seed, round)));
    }
    let mut sum = Tally::default();
    println!("\n{:<9} {:>9} {}", "kind", "cases", Trouble::ALL.map(|t| format!("{:>11}", t.name())).concat());
    for (name, tally) in &table {
        println!("{name:<9} {:>9} {}", tally.cases, tally.troubles.map(|n| format!("{n:>11}")).concat());
        sum.add(tally);
    }
    println!("{:<9} {:>9} {}\n", "all", sum.cases, sum.troubles.map(|n| format!("{n:>11}")).concat());
    let failed = table.iter().filter(|(_, tally)| !tally.is_clean() || tally.cases == 0).count();
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {} passed; {failed} failed; 0 ignored", table.len() - failed);
    println!("{}", Trouble::ALL.map(|t| format!("{} {}", t.name(), sum.troubles[t as usize])).join(" "));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a kind in a child, which may crash or hang, and counts what it tells.
fn supervise(kind: &str, time: Duration, seed: u64, round: Option<&str>) -> Tally {
    let (seconds, seed) = (time.as_secs().to_string(), seed.to_string());
    let mut arguments = vec!["--kind", kind, "--seconds", &seconds, "--seed", &seed];
    arguments.extend(round.iter().flat_map(|round| ["--round", round]));
    let mut running = child::start(&arguments);
    let (out, err) = (running.stdout.take().expect("a pipe"), running.stderr.take().expect("a pipe"));
    let errors = std::thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).collect::<Vec<_>>());
    let lines = std::thread::spawn(move || count(BufReader::new(out)));
    let ended = child::finish(&mut running, time + GRACE);
    let mut tally = lines.join().expect("counting does not fail");
    let stderr = errors.join().unwrap_or_default();
    let trouble = match &ended {
        Ok(status) if status.success() => None,
        Ok(status) => Some(Trouble::Crash.because(status)),
        Err(hang) => Some(Trouble::Hang.because(&hang.what)),
    };
    if let Some(finding) = trouble {
        println!("{kind}: {} {}", finding.trouble.name(), finding.what);
        tally.troubles[finding.trouble as usize] += 1;
    }
    if !tally.is_clean() {
        stderr.iter().take(40).for_each(|line| println!("  | {line}"));
        println!("  repeat: --only {kind} --seed {seed} --round <the round above>");
    }
    tally
}

fn count(lines: impl BufRead) -> Tally {
    let mut tally = Tally::default();
    for line in lines.lines().map_while(Result::ok) {
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["cases", n] => tally.cases += n.parse::<u64>().unwrap_or(0),
            ["finding", name, what] => {
                println!("{name}: {what}");
                let trouble = Trouble::named(name).unwrap_or(Trouble::Crash);
                tally.troubles[trouble as usize] += 1;
            }
            _ => {}
        }
    }
    tally
}
