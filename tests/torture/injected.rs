//! System calls that fail in a real process: `strace` lets the n-th call of each kind
//! fail, for n = 1, 2, 3.. until a whole life passes (promises P2, P8; test T6).

use super::batches;
use super::child;
use super::life::Life;
use super::model::{self, LEVELS};
use super::tally::{Dice, Run, Trouble, Verdict};
use std::path::{Path, PathBuf};
use std::process::Command;
use vdb::storage::OsStorage;

const UNIVERSE: u64 = 300;
const STEPS: usize = 14;
/// Of each kind of call one in so many is let fail in a round; which ones is random.
const STRIDE: usize = 8;

/// Calls that a life makes on its files, and the errors that they meet.
const CALLS: [(&str, &[&str]); 14] = [
    ("write", &["EIO", "ENOSPC", "EINTR"]),
    ("writev", &["EIO", "ENOSPC", "EINTR"]),
    ("fdatasync", &["EIO", "ENOSPC", "EINTR"]),
    ("fsync", &["EIO", "EINTR"]),
    ("ftruncate", &["EIO", "EINTR"]),
    ("openat", &["EIO", "ENOSPC", "EINTR"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("unlink", &["EIO"]),
    ("mmap", &["EIO", "ENOMEM"]),
    ("pread64", &["EIO", "EINTR"]),
    ("statx", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("flock", &["EIO"]),
    ("mkdir", &["EIO", "ENOSPC"]),
];

pub fn failing_system_calls(run: &Run) {
    if let Some(why) = unusable() {
        return println!("skipped: failing calls in a real process: {why}");
    }
    run.rounds(|dice| {
        let mut cases = 0;
        for (call, errors) in CALLS {
            let (error, seed, first) = (dice.pick(errors), dice.number(), 1 + dice.below(STRIDE));
            for n in (first..).step_by(STRIDE) {
                let met = one_failure(call, error, n, seed)
                    .map_err(|e| e.at(format!("{error} at {call} number {n}, life {seed:#x}")))?;
                if !met {
                    break;
                }
                cases += 1;
            }
        }
        Ok(cases)
    });
}

fn unusable() -> Option<String> {
    let tried = Command::new("strace").args(["-f", "-e", "trace=none", "true"]).output();
    match tried {
        Err(e) => Some(format!("cannot run strace: {e}")),
        Ok(out) if !out.status.success() => Some(format!("strace: {}", String::from_utf8_lossy(&out.stderr).trim())),
        Ok(_) => None,
    }
}

/// One life whose `n`-th `call` fails; whether it made so many.
fn one_failure(call: &str, error: &str, n: usize, seed: u64) -> Verdict<bool> {
    let io = |e: std::io::Error| Trouble::Unreadable.because(e);
    let place = tempfile::tempdir().map_err(io)?;
    let (dir, log) = (place.path().join("db"), place.path().join("calls"));
    let mut strace = Command::new("strace");
    strace.arg("-f").arg("-o").arg(&log);
    strace.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:error={error}:when={n}")]);
    for path in files(&dir) {
        strace.arg("-P").arg(path);
    }
    let program = std::env::current_exe().map_err(io)?;
    strace.arg(program).arg("--live").arg(&dir).args([seed.to_string(), errno(error).to_string()]);
    let told = child::told(child::spawn(&mut strace))?;
    let met = std::fs::read_to_string(&log).map_err(io)?.contains("(INJECTED)");
    let found = child::read(&dir, UNIVERSE, "look")?;
    match (told, found) {
        (Ok(told), Ok(found)) if told == found => Ok(met),
        (Ok(told), found) => Err(Trouble::Lost.because(format!("left rows {told}, another process found {found:?}"))),
        (Err((kind, text)), _) => Err(Trouble::Crash.because(format!("{kind:?}: {text}"))),
    }
}

/// Every file that a short life may come to have: strace is told to leave all others alone.
fn files(dir: &Path) -> Vec<PathBuf> {
    let numbered = (0..60).flat_map(|n| {
        let parts =
            ["chunk", "graph", "ids", "tombstones", "codes", "records", "keys"].map(|kind| format!("{kind}-{n}.vdb"));
        parts.into_iter().chain([format!("wal-{n}.log"), format!("MANIFEST-{n}")])
    });
    let names = ["", "LOCK", "CURRENT", "CURRENT.tmp"].map(String::from).into_iter().chain(numbered);
    names.map(|name| if name.is_empty() { dir.to_path_buf() } else { dir.join(name) }).collect()
}

fn errno(name: &str) -> i32 {
    match name {
        "ENOSPC" => libc::ENOSPC,
        "ENOMEM" => libc::ENOMEM,
        "EINTR" => libc::EINTR,
        _ => libc::EIO,
    }
}

/// The child behind it: lives, meets the error, and tells the rows it leaves.
pub fn living(dir: &str, seed: u64, errno: i32) {
    let mut dice = Dice::new(seed);
    let path = PathBuf::from(dir);
    let open = move |level| model::open(OsStorage::open(&path, true, true)?, level);
    let mut life = Life::new(dice.pick(&LEVELS), UNIVERSE, open);
    let lived = life.meet_errors(&mut dice, STEPS, errno).and_then(|()| life.end(errno));
    child::tell(lived.map(|()| batches::digest(life.told.now())));
}
