//! A database at work on a disk where calls fail: what it reports, what its reader sees,
//! and what is there when it is opened again.

use super::batches::{self, Rows};
use super::model::{self, Op, Told};
use super::tally::{Dice, Trouble, Verdict};
use vdb::{Database, Durability, Error, ErrorKind};

type Open = Box<dyn Fn(Durability) -> Result<Database, Error>>;

pub struct Life {
    pub level: Durability,
    pub told: Told,
    universe: u64,
    open: Open,
    db: Option<Database>,
    /// Whether the error was reported.
    met: bool,
}

impl Life {
    /// A life on the disk that `open` opens.
    pub fn new(
        level: Durability,
        universe: u64,
        open: impl Fn(Durability) -> Result<Database, Error> + 'static,
    ) -> Life {
        Life { level, told: Told::from(Rows::new()), universe, open: Box::new(open), db: None, met: false }
    }

    pub fn step(&mut self, op: &Op) -> Result<(), Error> {
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
                self.db = Some((self.open)(self.level)?);
                return Ok(());
            }
            Some(db) if matches!(op, Op::Reopen) => db.close()?,
            Some(db) => op.run(self.db.insert(db))?,
        }
        self.told.acknowledge(op, self.level);
        Ok(())
    }

    /// Lives for `steps` steps while one call fails with `errno`: the error is reported,
    /// once, reads go on, and nothing is lost.
    pub fn meet_errors(&mut self, dice: &mut Dice, steps: usize, errno: i32) -> Verdict {
        for _ in 0..steps {
            if let Err(error) = self.step(&Op::random(dice, self.universe)) {
                self.hear(&error, errno)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, error: &Error, errno: i32) -> Verdict {
        check_error(error, errno, self.met)?;
        self.met = true;
        // What was not durable may have gone with the failed call.
        self.told.written = self.told.durable;
        self.after_error(error)
    }

    /// Closes the database, which may meet the error yet.
    pub fn end(&mut self, errno: i32) -> Verdict {
        while self.db.is_some() {
            if let Err(error) = self.step(&Op::Reopen) {
                self.hear(&error, errno)?;
            }
        }
        Ok(())
    }

    /// Reads still work; a poisoned database is opened again and goes on from what is there.
    fn after_error(&mut self, error: &Error) -> Verdict {
        if let Some(db) = &self.db {
            let rows = model::contents(db, self.universe).map_err(|e| e.at("reading after an error"))?;
            if rows != *self.told.now() {
                return Err(Trouble::Wrong.because("after an error readers see something else than was acknowledged"));
            }
            if error.kind() != ErrorKind::Poisoned {
                return Ok(());
            }
        }
        if let Some(db) = self.db.take() {
            db.abandon();
        }
        let reopened = (self.open)(self.level);
        let db = reopened.map_err(|e| Trouble::Unreadable.because(format!("cannot reopen after {error}: {e}")))?;
        let rows = model::contents(&db, self.universe)?;
        self.told
            .place(batches::digest(&rows), self.told.written)
            .map_err(|e| e.at(format!("reopened after {error}")))?;
        self.told = Told::from(rows);
        self.db = Some(db);
        Ok(())
    }
}

/// The first error is the call's own; all that follow it say that the database must be
/// opened again. A call that was interrupted is made again, and nobody hears of it.
fn check_error(error: &Error, errno: i32, met: bool) -> Verdict {
    let first = match errno {
        libc::ENOSPC => ErrorKind::NoSpace,
        _ => ErrorKind::Io,
    };
    let expected = if met {
        error.kind() == ErrorKind::Poisoned
    } else {
        (error.kind(), error.os_error()) == (first, Some(errno)) && errno != libc::EINTR
    };
    match expected {
        true => Ok(()),
        false => Err(Trouble::Wrong.because(format!("errno {errno} was reported as {:?}: {error}", error.kind()))),
    }
}
