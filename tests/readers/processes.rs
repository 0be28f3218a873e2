//! Real processes on real files: a writer that is killed again and again, and
//! three readers that check whatever there is to see.
//!
//! The processes are this program, told by name to run one of the ignored tests.

use crate::common::patience::eventually;
use crate::model::{DIM, Model, open};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use vdb::{Database, ErrorKind, Hits, SearchParams, Vectors};

/// Tells a process of the test where the database and the files beside it are.
const PLACE: &str = "VDB_TEST_PLACE";
/// Tells it that rows are never deleted.
const KEEPS_ALL: &str = "VDB_TEST_KEEPS_ALL";

/// What the processes of one test share.
struct Place(PathBuf);

impl Place {
    fn database(&self) -> PathBuf {
        self.0.join("db")
    }

    /// Made when the readers may end.
    fn over(&self) -> PathBuf {
        self.0.join("over")
    }

    /// The LSN that was acknowledged last, as the writer notes it: twice, so that
    /// half a note can be told.
    fn acknowledged(&self) -> u64 {
        let mut lsn = None;
        eventually("the writer's note is whole", || {
            lsn = match std::fs::read(self.0.join("acknowledged")).unwrap().as_chunks::<8>().0 {
                [first, second] if first == second => Some(u64::from_le_bytes(*first)),
                _ => None,
            };
            lsn.is_some()
        });
        lsn.unwrap()
    }

    fn wait_for(&self, lsn: u64) {
        eventually("the writer comes so far", || self.acknowledged() >= lsn);
    }
}

/// Of a process: its place, and the model of what the writer does.
fn told() -> (Place, Model) {
    let place = std::env::var_os(PLACE).expect("set by the test that starts this one");
    (Place(place.into()), Model::new(std::env::var_os(KEEPS_ALL).is_some()))
}

/// Writes until it is killed: batches, checkpoints, graph work, compaction.
#[test]
#[ignore = "the writing process of a test"]
fn writer_process() {
    let (place, mut model) = told();
    let db = open(&place.database(), false).unwrap();
    let notes = std::fs::OpenOptions::new().write(true).open(place.0.join("acknowledged")).unwrap();
    model.check(&db, place.acknowledged());
    loop {
        model.write(&db).unwrap();
        notes.write_all_at(model.lsn.to_le_bytes().repeat(2).as_slice(), 0).unwrap();
        if model.lsn.is_multiple_of(7) {
            db.checkpoint(None).unwrap();
        }
        if model.lsn.is_multiple_of(30) {
            db.wait_indexed(None).unwrap();
        }
    }
}

/// Follows until it is told that all is over.
#[test]
#[ignore = "a reading process of a test"]
fn reader_process() {
    let (place, mut model) = told();
    let db = open(&place.database(), true).unwrap();
    let (mut states, mut generations) = (0, 0);
    let mut over = false;
    // Once more after the end, so that the last state is seen.
    while !over {
        over = place.over().exists();
        let (before, checkpoint) = (model.lsn, db.stats().unwrap().checkpoint_lsn);
        let acknowledged = place.acknowledged();
        db.refresh().unwrap();
        model.check(&db, acknowledged);
        states += u32::from(model.lsn != before);
        generations += u32::from(db.stats().unwrap().checkpoint_lsn != checkpoint);
    }
    assert!(states >= 5 && generations >= 2, "{states} states, {generations} generations");
    db.close().unwrap();
}

/// Opens and looks once, as whoever runs it.
#[test]
#[ignore = "a process of a test"]
fn looking_process() {
    let (place, mut model) = told();
    let db = open(&place.database(), true).unwrap();
    model.check(&db, place.acknowledged());
    db.refresh().unwrap();
    assert!(std::fs::write(place.database().join("trace"), "").is_err(), "the directory was to be read-only");
}

/// A process of the test; killed when it is let go.
struct Process(Child);

impl Process {
    fn start(role: &str, place: &Place, keeps_all: bool) -> Process {
        Process(command(role, place, keeps_all).spawn().unwrap())
    }

    fn wait(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(role: &str, place: &Place, keeps_all: bool) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", &format!("processes::{role}")]).env(PLACE, &place.0);
    if keeps_all {
        command.env(KEEPS_ALL, "1");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn new_place() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place(directory.path().to_path_buf());
    std::fs::create_dir(place.database()).unwrap();
    std::fs::write(place.0.join("acknowledged"), [0; 16]).unwrap();
    (directory, place)
}

/// Three lives of the writer, each ended by a kill, under the same three readers.
fn writers_die_under_three_readers(keeps_all: bool) {
    let (_directory, place) = new_place();
    let mut writer = Process::start("writer_process", &place, keeps_all);
    place.wait_for(1);
    let readers = [(); 3].map(|()| Process::start("reader_process", &place, keeps_all));
    for life in 1..=3 {
        place.wait_for(life * 60);
        let locked = open(&place.database(), false).unwrap_err();
        assert_eq!(locked.kind(), ErrorKind::Locked, "readers hold no lock, writers do");
        assert!(locked.message().contains(&writer.0.id().to_string()), "{locked}");
        // Killed before the next one may begin.
        drop(writer);
        writer = Process::start("writer_process", &place, keeps_all);
    }
    place.wait_for(240);
    drop(writer);
    std::fs::write(place.over(), "").unwrap();
    for reader in readers {
        assert!(reader.wait().success());
    }
}

#[test]
fn three_processes_read_what_killed_writers_wrote() {
    writers_die_under_three_readers(false);
}

#[test]
fn three_processes_read_what_killed_writers_added() {
    writers_die_under_three_readers(true);
}

/// The files that a reader has mapped are removed under it, all of them.
#[test]
fn a_handle_stays_where_it_is_until_it_is_told_to_move() {
    let (_directory, place) = new_place();
    let mut model = Model::default();
    let writer = open(&place.database(), false).unwrap();
    (0..100).for_each(|_| model.write(&writer).unwrap());
    writer.wait_indexed(None).unwrap();
    writer.close().unwrap();
    let db = open(&place.database(), true).unwrap();
    let writer = open(&place.database(), false).unwrap();
    for _ in 0..30 {
        model.write(&writer).unwrap();
        writer.checkpoint(None).unwrap();
    }
    writer.close().unwrap();
    let mut seen = Model::default();
    seen.check(&db, 100);
    assert_eq!(seen.lsn, 100);
    db.refresh().unwrap();
    seen.check(&db, 130);
}

/// Whoever may read the files can read the database, and leaves no trace in it.
#[test]
fn a_directory_without_rights_to_write_can_be_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let (directory, place) = new_place();
    let mut model = Model::default();
    let writer = open(&place.database(), false).unwrap();
    (0..30).for_each(|_| model.write(&writer).unwrap());
    writer.abandon();
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(place.database()).unwrap() {
        allow(&entry.unwrap().path(), 0o444);
    }
    allow(&place.database(), 0o555);
    allow(directory.path(), 0o755);
    let mut look = command("looking_process", &place, false);
    // To root all is permitted: there somebody else has to look.
    if directory.path().metadata().unwrap().uid() == 0 {
        look.uid(65534);
    }
    match look.status() {
        Ok(status) => assert!(status.success()),
        Err(why) => println!("skipped: this program cannot be started as another user: {why}"),
    }
    allow(&place.database(), 0o755);
}

#[test]
fn a_search_sees_one_state_while_the_handle_moves() {
    let (_directory, place) = new_place();
    let ids: Vec<u64> = (0..10).collect();
    let put = |db: &Database, version: u8| {
        let bytes = [version, 0, 0].repeat(ids.len());
        db.upsert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap();
    };
    let versions = |db: &Database| {
        let (mut ids, mut distances, mut counts) = ([0; 20], [0.0; 20], [0]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search(Vectors::u8(&[0; DIM], DIM).unwrap(), 20, &SearchParams::default(), hits).unwrap();
        distances[..counts[0] as usize].iter().map(|d| d.sqrt() as u32).collect::<Vec<_>>()
    };
    let writer = open(&place.database(), false).unwrap();
    put(&writer, 0);
    let db = open(&place.database(), true).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut newest = 0;
                while !done.load(Relaxed) {
                    let found = versions(&db);
                    assert!(found == vec![found[0]; ids.len()] && found[0] >= newest, "{found:?} after {newest}");
                    newest = found[0];
                }
            });
        }
        // Two threads that refresh: one may find that the other was faster.
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    db.refresh().unwrap();
                }
            });
        }
        for version in 1..=250 {
            put(&writer, version);
            if version % 10 == 0 {
                writer.checkpoint(None).unwrap();
            }
        }
        done.store(true, Relaxed);
    });
    db.refresh().unwrap();
    assert_eq!(versions(&db), vec![250; ids.len()]);
}
