//! Killed processes, on real files (promises P1, P2, P4).

use super::batches::Rows;
use super::child;
use super::model::{LEVELS, Told};
use super::tally::{Dice, Run, Trouble, Verdict};
use std::path::Path;
use std::time::Duration;

const UNIVERSE: u64 = 500;
/// Lives of one database: each is killed, recovered and goes on.
const LIVES: usize = 4;

/// A writer is killed; other processes find the state after an acknowledged batch or
/// the one under way, write it to files, and find it again.
pub fn killed_writers(run: &Run) {
    run.rounds(|dice| {
        let place = tempfile::tempdir().map_err(|e| Trouble::Unreadable.because(e))?;
        let dir = place.path().join("db");
        let mut rows = Rows::new();
        for _ in 0..LIVES {
            rows = one_life(dice, &dir, rows)?;
        }
        Ok(LIVES as u64)
    });
}

fn one_life(dice: &mut Dice, dir: &Path, before: Rows) -> Verdict<Rows> {
    let (seed, level) = (dice.number(), dice.pick(&LEVELS));
    let pause = Duration::from_micros(dice.below(4000) as u64);
    let writer = child::start_writer(dir, seed, level, UNIVERSE);
    let (begun, done) = child::kill_after(writer, 1 + dice.below(40), pause, || ())?;
    let mut told = Told::from(before);
    told.tell(seed, (begun, done), level, UNIVERSE);
    let named = |e: super::tally::Finding| e.at(format!("{level:?}, killed after {done} of {begun} operations"));
    if dice.one_in(2) {
        kill_recovery(dice, dir);
    }
    // Recovery writes a checkpoint, and another process reads that.
    let mut found = None;
    for then in ["checkpoint", "look"] {
        let digest = child::read(dir, UNIVERSE, then).map_err(named)?;
        let digest = digest.map_err(|(kind, text)| named(Trouble::Unreadable.because(format!("{kind:?}: {text}"))))?;
        if found.is_some_and(|first| first != digest) {
            return Err(named(Trouble::Lost.because("opened twice, with other rows the second time")));
        }
        found = Some(digest);
    }
    Ok(told.place(found.unwrap_or_default(), told.written).map_err(named)?.clone())
}

fn kill_recovery(dice: &mut Dice, dir: &Path) {
    let dir = dir.to_str().expect("paths of temporary directories are text");
    let mut reader = child::start(&["--read", dir, &UNIVERSE.to_string(), "checkpoint"]);
    std::thread::sleep(Duration::from_micros(dice.below(15_000) as u64));
    let _ = reader.kill();
    let _ = reader.wait();
}
