//! Processes of this same program that do what may go wrong, under limits of time and
//! memory, and tell what they saw on their standard output.

use super::batches;
use super::exercise;
use super::model::{self, Op};
use super::tally::{Dice, Finding, Trouble, Verdict};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use vdb::storage::OsStorage;
use vdb::{CheckLevel, Database, Durability, Error, ErrorKind, Options};

/// Address space of a child: hundreds of times the files it opens.
const MEMORY: u64 = 1 << 30;
/// Patience with a child that opens and searches a few thousand rows.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What `read` found, or why it found nothing.
pub type Answer = Result<u64, (ErrorKind, String)>;

pub fn start(arguments: &[&str]) -> Child {
    start_with(arguments, Stdio::null())
}

pub fn start_with(arguments: &[&str], stdin: Stdio) -> Child {
    let program = std::env::current_exe().expect("a running program has a path");
    spawn(Command::new(program).args(arguments).stdin(stdin))
}

/// Starts a program whose output is listened to.
pub fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program that is there can be started")
}

/// Waits for the child to end; kills it when it takes longer than `patience`.
pub fn finish(child: &mut Child, patience: Duration) -> Verdict<ExitStatus> {
    let end = Instant::now() + patience;
    loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => return Ok(status),
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(1)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Trouble::Hang.because(format!("no end after {patience:?}")));
            }
        }
    }
}

/// Lets a child read the database in `dir` and tells what it found: the digest of all
/// rows, or the error.
pub fn read(dir: &Path, universe: u64, then: &str) -> Verdict<Answer> {
    let dir = dir.to_str().expect("paths of temporary directories are text");
    told(start(&["--read", dir, &universe.to_string(), then]))
}

/// What a child says at its end, with [`tell`] or [`reading`].
pub fn told(mut child: Child) -> Verdict<Answer> {
    let status = finish(&mut child, PATIENCE)?;
    let (mut out, mut err) = (String::new(), String::new());
    let _ = child.stdout.take().map(|mut pipe| pipe.read_to_string(&mut out));
    let _ = child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut err));
    let words: Vec<&str> = out.trim().splitn(3, ' ').collect();
    match words[..] {
        ["rows", digest] if status.success() => Ok(Ok(digest.parse().expect("a digest is a number"))),
        ["error", kind, text] if status.success() => Ok(Err((kind_named(kind), text.into()))),
        ["finding", name, text] if status.success() => {
            Err(Trouble::named(name).expect("findings are named").because(text))
        }
        _ => Err(Trouble::Crash.because(format!("{status}: {out}{err}"))),
    }
}

fn kind_named(name: &str) -> ErrorKind {
    use ErrorKind::*;
    let kinds = [Corrupt, FormatTooNew, NotFound, NoMemory, Mismatch, Limit, Io, Unsupported, Locked];
    kinds.into_iter().find(|kind| format!("{kind:?}") == name).unwrap_or(Internal)
}

/// The child behind [`read`]. `then` is `look`, `checkpoint`, or `use`: then the rows do
/// not matter, but everything is tried.
pub fn reading(dir: &str, universe: u64, then: &str) {
    limit_memory();
    let answer = if then == "use" { try_everything(Path::new(dir)) } else { look(Path::new(dir), universe, then) };
    match answer {
        Ok(verdict) => tell(verdict),
        Err(error) => println!("error {:?} {}", error.kind(), error.to_string().replace('\n', " ")),
    }
}

/// Tells the parent, which hears it with [`told`].
pub fn tell(verdict: Verdict<u64>) {
    match verdict {
        Ok(digest) => println!("rows {digest}"),
        Err(finding) => println!("finding {} {}", finding.trouble.name(), finding.what.replace('\n', " ")),
    }
}

fn look(dir: &Path, universe: u64, then: &str) -> Result<Verdict<u64>, Error> {
    let db = Database::open(Some(dir), &Options::new().create(false))?;
    let rows = model::contents(&db, universe);
    // Damage is reported by every later call, so an error here is the database's own.
    db.stats()?;
    if let Err(Finding { trouble: Trouble::Unreadable, what }) = rows {
        return Err(Error::new(ErrorKind::Corrupt, what));
    }
    if then == "checkpoint" {
        db.wait_indexed(None)?;
        db.checkpoint(None)?;
        db.close()?;
    } else {
        db.abandon();
    }
    Ok(rows.map(|rows| batches::digest(&rows)))
}

/// Does everything with a database of whatever shape. Errors of the calls after opening are as good as answers.
fn try_everything(dir: &Path) -> Result<Verdict<u64>, Error> {
    let db = Database::open(Some(dir), &Options::new().create(false))?;
    exercise::everything(db, CheckLevel::Structure, false);
    Ok(Ok(0))
}

#[cfg(unix)]
pub fn limit_memory() {
    let limit = libc::rlimit { rlim_cur: MEMORY, rlim_max: MEMORY };
    // SAFETY: the pointer is to a live, initialised struct of the type the call takes.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[cfg(not(unix))]
pub fn limit_memory() {}

/// Starts a child that does random operations to the database in `dir`.
pub fn start_writer(dir: &Path, seed: u64, level: Durability, universe: u64) -> Child {
    let dir = dir.to_str().expect("paths of temporary directories are text");
    start(&["--write", dir, &seed.to_string(), &(level as u32).to_string(), &universe.to_string()])
}

/// The child behind [`start_writer`]: says `b` before each operation and `d` after it,
/// until it is killed.
pub fn writing(dir: &str, seed: u64, level: u64, universe: u64) {
    let level = vdb::db::durability_from(level).expect("the parent names a level");
    let open = || model::open(OsStorage::open(dir, true, true)?, level);
    let mut out = std::io::stdout();
    let mut say = |word: &str| out.write_all(word.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
    let (mut dice, mut db) = (Dice::new(seed), open().expect("opens"));
    loop {
        let op = Op::random(&mut dice, universe);
        say("b\n");
        if matches!(op, Op::Reopen) {
            db.close().expect("closes");
            db = open().expect("opens again");
        } else {
            op.run(&db).expect("nothing fails here");
        }
        say("d\n");
    }
}

/// What a writer told while it lived, and how it ended.
pub struct Lived {
    /// Numbers of operations that it began and that it ended.
    pub operations: (usize, usize),
    pub status: ExitStatus,
    pub errors: String,
}

/// Listens to a writer to its end. After each operation `on_done` hears how many there
/// were; when it returns a pause, the writer is killed after it.
pub fn listen(mut child: Child, mut on_done: impl FnMut(usize) -> Option<Duration>) -> Lived {
    let mut told = BufReader::new(child.stdout.take().expect("the output is a pipe"));
    let (mut begun, mut done, mut line) = (0, 0, String::new());
    loop {
        line.clear();
        // The end of the pipe is the end of the child: what it said is all here.
        if !told.read_line(&mut line).is_ok_and(|read| read > 0) {
            break;
        }
        begun += (line == "b\n") as usize;
        if line == "d\n" {
            done += 1;
            if let Some(pause) = on_done(done) {
                std::thread::sleep(pause);
                let _ = child.kill();
            }
        }
    }
    let mut errors = String::new();
    let _ = child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut errors));
    let status = child.wait().expect("a child can be waited for");
    Lived { operations: (begun, done), status, errors }
}

/// Kills the writer some time after its `operations`-th operation; returns the numbers
/// of operations that it began and that it ended. `on_done` hears of each end.
pub fn kill_after(
    child: Child,
    operations: usize,
    pause: Duration,
    mut on_done: impl FnMut(),
) -> Verdict<(usize, usize)> {
    let lived = listen(child, |done| {
        on_done();
        (done == operations).then_some(pause)
    });
    match lived.status.code() {
        None if killed(lived.status) => Ok(lived.operations),
        _ => Err(Trouble::Crash.because(format!("the writer ended by itself, {}: {}", lived.status, lived.errors))),
    }
}

#[cfg(unix)]
fn killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(libc::SIGKILL)
}

#[cfg(not(unix))]
fn killed(_: ExitStatus) -> bool {
    true
}
