//! Power cuts and failing calls, on the simulated disk (promises P1, P2, P4, P5, P8).

use super::life::Life;
use super::model::{self, LEVELS, Op, Told};
use super::tally::{Dice, Run, Verdict};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Database, Durability};

const UNIVERSE: u64 = 300;

fn life_on(disk: &SimStorage, level: Durability) -> Life {
    let disk = disk.clone();
    Life::new(level, UNIVERSE, move |level| model::open(disk.clone(), level))
}

/// Cuts the power at a random call of a random life, and again during recovery.
pub fn power_cuts(run: &Run) {
    run.rounds(|dice| {
        let disk = SimStorage::new();
        let mut life = life_on(&disk, dice.pick(&LEVELS));
        disk.crash_at(dice.below(220));
        for _ in 0..30 {
            if life.step(&Op::random(dice, UNIVERSE)).is_err() {
                break;
            }
        }
        let (told, level) = (&life.told, life.level);
        let mut cases = 1;
        survives(&disk.after_kill(), told, told.written).map_err(|e| e.at(format!("{level:?}, kill")))?;
        for kind in CrashKind::ALL.into_iter().cycle().take(6) {
            let seed = dice.number();
            let image = disk.crash_image(kind, seed);
            let named = |e: super::tally::Finding| e.at(format!("{level:?}, {kind:?} image {seed:#x}"));
            cut_during_recovery(&image, told, dice).map_err(named)?;
            survives(&image, told, told.durable).map_err(named)?;
            cases += 2;
        }
        Ok(cases)
    });
}

fn cut_during_recovery(image: &SimStorage, told: &Told, dice: &mut Dice) -> Verdict {
    let second = image.after_kill();
    second.crash_at(dice.below(40));
    let _ = model::open(second.clone(), Durability::Full).and_then(Database::close);
    let kind = dice.pick(&CrashKind::ALL);
    survives(&second.crash_image(kind, dice.number()), told, told.durable)
        .map_err(|e| e.at(format!("second cut, {kind:?}")))
}

fn survives(disk: &SimStorage, told: &Told, at_least: usize) -> Verdict {
    model::survives(|| model::open(disk.clone(), Durability::Full), UNIVERSE, told, at_least).map(drop)
}

/// Lets one random call fail: the error is reported, reads go on, nothing is lost.
pub fn failing_calls(run: &Run) {
    run.rounds(|dice| {
        let disk = SimStorage::new();
        let mut life = life_on(&disk, dice.pick(&LEVELS));
        let (at, errno) = (dice.below(180), dice.pick(&[libc::EIO, libc::ENOSPC]));
        disk.fail_at(at, errno);
        life.meet_errors(dice, 30, errno)?;
        let told = &life.told;
        let named = |e: super::tally::Finding| e.at(format!("{:?}, errno {errno} at call {at}", life.level));
        survives(&disk.after_kill(), told, told.written).map_err(named)?;
        survives(&disk.crash_image(CrashKind::Strict, 0), told, told.durable).map_err(named)?;
        Ok(2)
    });
}
