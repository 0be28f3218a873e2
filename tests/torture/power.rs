//! Power cuts and failing calls, on the simulated disk (promises P1, P2, P4, P5, P8).

use super::model::{self, LEVELS, Op, Told};
use super::tally::{Dice, Run, Trouble, Verdict};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Database, Durability, Error, ErrorKind};

const UNIVERSE: u64 = 300;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A database at work on a simulated disk.
struct Life {
    disk: SimStorage,
    level: Durability,
    db: Option<Database>,
    told: Told,
}

impl Life {
    fn new(level: Durability) -> Life {
        Life { disk: SimStorage::new(), level, db: None, told: Told::from(model::Rows::new()) }
    }

    fn step(&mut self, op: &Op) -> Result<(), Error> {
        let before = self.told.in_flight.clone();
        let done = self.try_step(op);
        if done.as_ref().is_err_and(|e| e.kind() == ErrorKind::Poisoned) {
            // Refused: the fate of an earlier batch is what is open.
            self.told.in_flight = before;
        }
        done
    }

    fn try_step(&mut self, op: &Op) -> Result<(), Error> {
        self.told.begin(op);
        match self.db.take() {
            None => {
                self.told.in_flight = None;
                self.db = Some(model::open(self.disk.clone(), self.level)?);
                return Ok(());
            }
            Some(db) if matches!(op, Op::Reopen) => db.close()?,
            Some(db) => op.run(self.db.insert(db))?,
        }
        self.told.acknowledge(op, self.level);
        Ok(())
    }
}

/// Cuts the power at a random call of a random life, and again during recovery.
pub fn power_cuts(run: &Run) {
    run.rounds(|dice| {
        let mut life = Life::new(dice.pick(&LEVELS));
        life.disk.crash_at(dice.below(220));
        for _ in 0..30 {
            if life.step(&Op::random(dice, UNIVERSE)).is_err() {
                break;
            }
        }
        let (told, level) = (&life.told, life.level);
        let mut cases = 1;
        survives(&life.disk.after_kill(), told, told.written).map_err(|e| e.at(format!("{level:?}, kill")))?;
        for kind in CrashKind::ALL.into_iter().cycle().take(6) {
            let seed = dice.number();
            let image = life.disk.crash_image(kind, seed);
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

/// What is on `disk` opens, stands after a whole batch, and is a database like any other.
fn survives(disk: &SimStorage, told: &Told, at_least: usize) -> Verdict {
    let open = || {
        model::open(disk.clone(), Durability::Full)
            .map_err(|e| Trouble::Unreadable.because(format!("cannot open: {e}")))
    };
    let db = open()?;
    let mut rows = model::contents(&db, UNIVERSE)?;
    told.place(model::digest(&rows), at_least)?;
    let op = Op::Upsert(vec![(7, model::row(7))]);
    op.apply(&mut rows);
    op.run(&db).and_then(|()| db.close()).map_err(|e| Trouble::Unreadable.because(format!("cannot go on: {e}")))?;
    match model::contents(&open()?, UNIVERSE)? == rows {
        true => Ok(()),
        false => Err(Trouble::Lost.because("a batch written after recovery is gone")),
    }
}

/// Lets one random call fail: the error is reported, reads go on, nothing is lost.
pub fn failing_calls(run: &Run) {
    run.rounds(|dice| {
        let mut life = Life::new(dice.pick(&LEVELS));
        let (at, errno) = (dice.below(180), dice.pick(&[EIO, ENOSPC]));
        life.disk.fail_at(at, errno);
        let mut met = false;
        for _ in 0..30 {
            let op = Op::random(dice, UNIVERSE);
            if let Err(error) = life.step(&op) {
                check_error(&error, errno, met)?;
                met = true;
                // What was not durable may have gone with the failed call.
                life.told.written = life.told.durable;
                after_error(&mut life, &error)?;
            }
        }
        let told = &life.told;
        let named = |e: super::tally::Finding| e.at(format!("{:?}, errno {errno} at call {at}", life.level));
        survives(&life.disk.after_kill(), told, told.written).map_err(named)?;
        survives(&life.disk.crash_image(CrashKind::Strict, 0), told, told.durable).map_err(named)?;
        Ok(2)
    });
}

fn check_error(error: &Error, errno: i32, met: bool) -> Verdict {
    let first = if errno == EIO { ErrorKind::Io } else { ErrorKind::NoSpace };
    let expected = if met {
        error.kind() == ErrorKind::Poisoned
    } else {
        (error.kind(), error.os_error()) == (first, Some(errno))
    };
    match expected {
        true => Ok(()),
        false => Err(Trouble::Wrong.because(format!("errno {errno} was reported as {:?}: {error}", error.kind()))),
    }
}

/// Reads still work; a poisoned database is opened again and goes on from what is there.
fn after_error(life: &mut Life, error: &Error) -> Verdict {
    if let Some(db) = &life.db {
        let rows = model::contents(db, UNIVERSE).map_err(|e| e.at("reading after an error"))?;
        if rows != *life.told.now() {
            return Err(Trouble::Wrong.because("after an error readers see something else than was acknowledged"));
        }
        if error.kind() != ErrorKind::Poisoned {
            return Ok(());
        }
    }
    if let Some(db) = life.db.take() {
        db.abandon();
    }
    let reopened = model::open(life.disk.clone(), life.level);
    let db = reopened.map_err(|e| Trouble::Unreadable.because(format!("cannot reopen after {error}: {e}")))?;
    let rows = model::contents(&db, UNIVERSE)?;
    life.told.place(model::digest(&rows), life.told.written).map_err(|e| e.at(format!("reopened after {error}")))?;
    life.told = Told::from(rows);
    life.db = Some(db);
    Ok(())
}
