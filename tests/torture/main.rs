//! Torture: random workloads, crashes, kills, damage, errors and threads, against a map
//! of the rows (promises P1 - P8, P10, P12; docs/reliability.md).
//!
//! `make torture SECONDS=600 SEED=7` divides the time among nine kinds of torture, each
//! in a process of its own, and ends with one line that must be all zeros. Without
//! arguments it is a smoke test: ten seconds and the least cases of each kind. Every finding names its seed and round;
//! `--only KIND --seed S --round N` repeats it.

#[path = "../common/batches.rs"]
mod batches;
mod child;
mod damage;
#[path = "../common/exercise.rs"]
mod exercise;
#[cfg(target_os = "linux")]
mod forgetful;
#[cfg(target_os = "linux")]
mod injected;
mod kill;
mod life;
mod model;
#[cfg(target_os = "linux")]
mod mounted;
#[cfg(target_os = "linux")]
mod outage;
mod power;
mod processes;
mod readers;
#[path = "../common/refit.rs"]
mod refit;
mod tally;
#[path = "../common/texts.rs"]
mod texts;

use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use tally::{Run, Tally, Trouble};

type Torture = fn(&Run);

struct Kind {
    name: &'static str,
    run: Torture,
    /// Share of the time.
    share: u64,
    /// Cases that are tried however long they take.
    least: u64,
}

const fn kind(name: &'static str, run: Torture, share: u64, least: u64) -> Kind {
    Kind { name, run, share, least }
}

const KINDS: [Kind; 9] = [
    kind("power", power::power_cuts, 2, 1_000),
    kind("outage", on_linux::POWER_CUTS, 2, 45),
    kind("kill", kill::killed_writers, 3, 50),
    kind("damage", damage::damaged_files, 3, 1),
    kind("forged", damage::forged_files, 3, 1),
    kind("errors", power::failing_calls, 1, 1),
    kind("injected", on_linux::FAILING_CALLS, 1, 50),
    kind("readers", readers::readers_and_a_writer, 2, 1),
    kind("processes", processes::processes_read_along, 2, 1),
];

#[cfg(target_os = "linux")]
mod on_linux {
    use super::{Torture, injected, outage};
    pub const POWER_CUTS: Torture = outage::power_cuts_on_files;
    pub const FAILING_CALLS: Torture = injected::failing_system_calls;
}

#[cfg(not(target_os = "linux"))]
mod on_linux {
    use super::Torture;
    pub const POWER_CUTS: Torture = |_| println!("skipped: power cuts on real files need Linux");
    pub const FAILING_CALLS: Torture = |_| println!("skipped: failing calls in a real process need Linux");
}

/// What a kind may take beyond its share: its last round or its least cases, on a busy machine.
const GRACE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let value = |name: &str| words.iter().position(|w| *w == name).and_then(|at| words.get(at + 1)).copied();
    let count = |text: &str| text.parse::<u64>().expect("a number");
    let number = |name: &str| value(name).map(count);
    match words[..] {
        #[cfg(target_os = "linux")]
        ["--live", dir, seed, errno] => injected::living(dir, count(seed), count(errno) as i32),
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
    let kind = KINDS.iter().find(|known| known.name == kind).expect("a kind of torture");
    let deadline = Instant::now() + Duration::from_secs(seconds);
    (kind.run)(&Run { seed, deadline, least: kind.least, only });
}

/// All kinds, one after the other.
fn torture(seconds: u64, seed: u64, only: Option<&str>, round: Option<&str>) -> ExitCode {
    println!("torture: {seconds} s, seed {seed}");
    let kinds: Vec<_> = KINDS.iter().filter(|kind| only.is_none_or(|only| only == kind.name)).collect();
    let shares: u64 = kinds.iter().map(|kind| kind.share).sum();
    let mut table = Vec::new();
    for kind in kinds {
        let time = Duration::from_secs((seconds * kind.share / shares).max(1));
        table.push((kind.name, supervise(kind.name, time, seed, round)));
    }
    let mut sum = Tally::default();
    println!("\n{:<9} {:>9} {}", "kind", "cases", Trouble::ALL.map(|t| format!("{:>11}", t.name())).concat());
    for (name, tally) in &table {
        println!("{name:<9} {:>9} {}", tally.cases, tally.troubles.map(|n| format!("{n:>11}")).concat());
        sum.add(tally);
    }
    println!("{:<9} {:>9} {}\n", "all", sum.cases, sum.troubles.map(|n| format!("{n:>11}")).concat());
    let failed = table.iter().filter(|(_, tally)| !tally.is_clean() || tally.cases == 0 && !tally.skipped).count();
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
            ["skipped:", ..] => {
                println!("{line}");
                tally.skipped = true;
            }
            _ => {}
        }
    }
    tally
}
