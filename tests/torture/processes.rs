//! Processes that read along with a writer until it is killed, and on when another one
//! takes over (promises P2, P3, P12).
//!
//! What the writer does follows from its seed. So a reader knows the rows of each LSN by
//! itself; only what was acknowledged before it is asked to look comes from outside.

use super::batches::Rows;
use super::child;
use super::model::{self, LEVELS, Op};
use super::tally::{Dice, Finding, Run, Trouble, Verdict};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vdb::storage::OsStorage;
use vdb::{Database, Durability, Error, ErrorKind, Options};

const UNIVERSE: u64 = 500;
const READERS: usize = 3;

/// What the writer does, operation by operation.
struct Life {
    dice: Dice,
    rows: Rows,
    lsn: u64,
}

impl Life {
    fn new(seed: u64) -> Life {
        Life { dice: Dice::new(seed), rows: Rows::new(), lsn: 0 }
    }

    fn next(&mut self) -> Op {
        let op = Op::random(&mut self.dice, UNIVERSE);
        // What changes nothing is no batch.
        self.lsn += u64::from(op.apply(&mut self.rows));
        op
    }

    fn advance_to(&mut self, lsn: u64) {
        while self.lsn < lsn {
            self.next();
        }
    }
}

/// A reading process, seen from the one that asks it.
struct Reader {
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    fn start(dir: &str, seed: u64) -> Reader {
        let mut child = child::start_with(&["--follow", dir, &seed.to_string()], Stdio::piped());
        let answers = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        Reader { asks: child.stdin.take(), answers, child }
    }

    /// Asks it to look. Batch `acknowledged` is there already.
    fn ask(&mut self, acknowledged: u64) {
        // A reader that is gone shows when the answer is due.
        let _ = self.asks.as_mut().map(|asks| writeln!(asks, "{acknowledged}"));
    }

    /// The LSN it found.
    fn answer(&mut self) -> Verdict<u64> {
        let mut line = String::new();
        let _ = self.answers.read_line(&mut line);
        match line.trim_end().splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["lsn", lsn] => lsn.parse().map_err(|e| Trouble::Crash.because(e)),
            ["finding", name, what] => Err(Trouble::named(name).unwrap_or(Trouble::Crash).because(what)),
            _ => Err(Trouble::Crash.because(format!("a reader ended: {:?}", self.child.wait()))),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The end of the questions is its end; one that found something has gone.
        self.asks = None;
        let _ = child::finish(&mut self.child, child::PATIENCE);
    }
}

pub fn processes_read_along(run: &Run) {
    run.rounds(|dice| {
        let place = tempfile::tempdir().map_err(|e| Trouble::Unreadable.because(e))?;
        let (seed, level) = (dice.number(), dice.pick(&LEVELS));
        let named = |finding: Finding| finding.at(format!("{level:?}"));
        one_life(dice, &place.path().join("db"), seed, level).map_err(named)
    });
}

fn one_life(dice: &mut Dice, dir: &Path, seed: u64, level: Durability) -> Verdict<u64> {
    let pause = Duration::from_micros(dice.below(4000) as u64);
    let operations = 30 + dice.below(90);
    let writer = child::start_writer(dir, seed, level, UNIVERSE);
    let path = dir.to_str().expect("paths of temporary directories are text");
    let mut readers: Vec<Reader> = (0..READERS).map(|_| Reader::start(path, seed)).collect();
    let written = AtomicU64::new(0);
    let mut life = Life::new(seed);
    let note = || {
        let op = life.next();
        if level != Durability::None || op.makes_durable() {
            written.store(life.lsn, SeqCst);
        }
    };
    let mut answers = 0;
    std::thread::scope(|scope| {
        let dying = scope.spawn(|| child::kill_after(writer, operations, pause, note));
        let mut over = false;
        // Once more after the end.
        while !over {
            over = dying.is_finished();
            answers += look(&mut readers, written.load(SeqCst))?.len() as u64;
        }
        dying.join().unwrap_or_else(|_| Err(Trouble::Crash.because("the watch over the writer panicked")))
    })?;
    let last = take_over(dir, level).map_err(|e| Trouble::Unreadable.because(format!("{:?}: {e}", e.kind())))?;
    let found = look(&mut readers, last)?;
    if found.iter().any(|&lsn| lsn != last) {
        return Err(Trouble::Wrong.because(format!("readers are at {found:?}, the database at {last}")));
    }
    Ok(answers + found.len() as u64)
}

/// Lets all readers look at once; returns where they are.
fn look(readers: &mut [Reader], acknowledged: u64) -> Verdict<Vec<u64>> {
    readers.iter_mut().for_each(|reader| reader.ask(acknowledged));
    readers.iter_mut().map(Reader::answer).collect()
}

/// Recovers the database and removes the files that the readers have mapped; returns its LSN.
fn take_over(dir: &Path, level: Durability) -> Result<u64, Error> {
    let db = model::open(OsStorage::open(dir, false, true)?, level)?;
    let lsn = db.stats()?.lsn;
    db.wait_indexed(None)?;
    db.checkpoint(None)?;
    db.close()?;
    Ok(lsn)
}

/// The child behind [`Reader`]: looks each time that it is asked.
pub fn following(dir: &str, seed: u64) {
    child::limit_memory();
    let mut life = Life::new(seed);
    let unreadable = |e: Error| Trouble::Unreadable.because(format!("{:?}: {e}", e.kind()));
    let mut db = None;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let acknowledged = line.parse().expect("the parent asks with a number");
        let answer = match &db {
            Some(db) => Database::refresh(db).map_err(unreadable),
            None => open(Path::new(dir)).map(|opened| db = Some(opened)).map_err(unreadable),
        };
        let found = answer.and_then(|()| compare(db.as_ref().expect("opened above"), &mut life, acknowledged));
        match found {
            Ok(lsn) => println!("lsn {lsn}"),
            Err(Finding { trouble, what }) => {
                return println!("finding {} {}", trouble.name(), what.replace('\n', " "));
            }
        }
    }
}

/// Opens the database as soon as there is one.
fn open(dir: &Path) -> Result<Database, Error> {
    let start = Instant::now();
    loop {
        match Database::open(Some(dir), &Options::new().read_only(true)) {
            Err(e) if e.kind() == ErrorKind::NotFound && start.elapsed() < child::PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened,
        }
    }
}

/// What `db` shows must be the rows of its LSN, and that one not older than what was
/// seen or acknowledged before.
fn compare(db: &Database, life: &mut Life, acknowledged: u64) -> Verdict<u64> {
    let lsn = db.stats().map_err(|e| Trouble::Unreadable.because(e))?.lsn;
    if lsn < life.lsn.max(acknowledged) {
        let (seen, what) = (life.lsn, "was acknowledged");
        return Err(Trouble::Lost.because(format!("at LSN {lsn}; {seen} was seen and {acknowledged} {what} before")));
    }
    life.advance_to(lsn);
    let rows = model::contents(db, UNIVERSE)?;
    if rows != life.rows {
        return Err(Trouble::Half.because(format!("LSN {lsn}: {} rows instead of {}", rows.len(), life.rows.len())));
    }
    Ok(lsn)
}
