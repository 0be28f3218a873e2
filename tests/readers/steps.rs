//! Every order of two processes' calls that matters, without processes: before
//! each call that the one side makes to the simulated disk, the other side acts.

use crate::model::{Model, open_on};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use vdb::storage::sim::SimStorage;
use vdb::storage::{File, LockGuard, Mapping, ReadFile, Result, Storage};
use vdb::{Database, Durability, ErrorKind};

type Act = Arc<dyn Fn() + Send + Sync>;

/// The disk as one side sees it: `before` runs before each of its calls.
struct Watched {
    disk: SimStorage,
    before: Act,
}

impl Watched {
    fn file<T: ?Sized>(&self, file: Result<Box<T>>) -> Result<WatchedFile<T>> {
        file.map(|file| WatchedFile { file, before: self.before.clone() })
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Storage for Watched {
    fn create(&self, name: &str) -> Result<Box<dyn File>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.create(name))?))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn File>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.open_append(name))?))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn ReadFile>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.open_read(name))?))
    }

    fn map(&self, name: &str) -> Result<Arc<Mapping>> {
        (self.before)();
        self.disk.map(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        (self.before)();
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        (self.before)();
        self.disk.remove(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        (self.before)();
        self.disk.list()
    }

    fn sync_dir(&self) -> Result<()> {
        (self.before)();
        self.disk.sync_dir()
    }

    fn lock(&self) -> Result<LockGuard> {
        (self.before)();
        self.disk.lock()
    }
}

struct WatchedFile<T: ?Sized> {
    file: Box<T>,
    before: Act,
}

impl File for WatchedFile<dyn File> {
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()> {
        // Two calls, as if the system had written the first half only.
        let bytes = pieces.concat();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        (self.before)();
        self.file.write_all(&[first])?;
        (self.before)();
        self.file.write_all(&[second])
    }

    fn sync(&mut self) -> Result<()> {
        (self.before)();
        self.file.sync()
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        (self.before)();
        self.file.set_len(len)
    }

    fn size(&self) -> Result<u64> {
        self.file.size()
    }
}

impl ReadFile for WatchedFile<dyn ReadFile> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        (self.before)();
        self.file.read_at(offset, buffer)
    }

    fn size(&self) -> Result<u64> {
        (self.before)();
        self.file.size()
    }
}

/// A reader that looks whenever it is told to.
#[derive(Default)]
struct Looker {
    db: Option<Database>,
    model: Model,
    looks: u64,
    states: u64,
    generations: u64,
}

impl Looker {
    fn look(&mut self, disk: &SimStorage, acknowledged: u64) {
        if self.db.is_none() {
            self.db = match open_on(disk.clone(), true, Durability::Full) {
                Ok(db) => Some(db),
                // Before the first CURRENT there is nothing to acknowledge either.
                Err(e) => return assert!(e.kind() == ErrorKind::NotFound && acknowledged == 0, "{e}"),
            };
        }
        let Some(db) = &self.db else { return };
        let (lsn, checkpoint) = (self.model.lsn, db.stats().unwrap().checkpoint_lsn);
        db.refresh().unwrap();
        self.model.check(db, acknowledged);
        // Whoever opens now must find the same, and what was refreshed nothing else.
        let fresh = open_on(disk.clone(), true, Durability::Full).unwrap();
        assert_eq!(fresh.stats().unwrap().lsn, self.model.lsn);
        self.looks += 1;
        self.states += u64::from(self.model.lsn > lsn);
        self.generations += u64::from(db.stats().unwrap().checkpoint_lsn > checkpoint);
    }
}

#[test]
fn a_reader_may_look_between_any_two_calls_of_the_writer() {
    let disk = SimStorage::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let looker = Arc::new(Mutex::new(Looker::default()));
    let before: Act = {
        let (disk, acknowledged, looker) = (disk.clone(), acknowledged.clone(), looker.clone());
        // Background threads come here too: what was acknowledged is asked under the lock.
        Arc::new(move || {
            let mut looker = looker.lock().unwrap();
            looker.look(&disk, acknowledged.load(SeqCst));
        })
    };
    let mut model = Model::default();
    for life in 0..3 {
        let storage = Watched { disk: disk.clone(), before: before.clone() };
        let db = open_on(storage, false, Durability::Full).unwrap();
        assert_eq!(db.stats().unwrap().lsn, model.lsn, "life {life}");
        for _ in 0..60 {
            model.write(&db).unwrap();
            acknowledged.store(model.lsn, SeqCst);
            match model.lsn % 20 {
                6 | 17 => db.checkpoint(None).unwrap(),
                9 => db.wait_indexed(None).unwrap(),
                _ => {}
            }
        }
        if life == 1 { db.abandon() } else { db.close().unwrap() }
    }
    let Looker { looks, states, generations, .. } = *looker.lock().unwrap();
    assert_eq!(states, 180, "each batch was looked at before the next");
    assert!(generations >= 18 && looks > 1000, "{generations} generations, {looks} looks");
}

/// A writer that acts once, before a chosen call of the reader.
struct Mover {
    db: Database,
    model: Model,
    countdown: Option<usize>,
}

impl Mover {
    /// A batch, and a checkpoint that removes files of the present generation.
    fn act(&mut self) {
        self.model.write(&self.db).unwrap();
        if self.model.lsn.is_multiple_of(5) {
            self.db.wait_indexed(None).unwrap();
        }
        self.db.checkpoint(None).unwrap();
        self.model.write(&self.db).unwrap();
    }

    fn count_down(&mut self) {
        match self.countdown {
            Some(0) => {
                self.countdown = None;
                self.act();
            }
            Some(more) => self.countdown = Some(more - 1),
            None => {}
        }
    }
}

#[test]
fn the_writer_may_move_on_between_any_two_calls_of_a_reader() {
    let disk = SimStorage::new();
    let db = open_on(disk.clone(), false, Durability::Full).unwrap();
    let mover = Arc::new(Mutex::new(Mover { db, model: Model::default(), countdown: None }));
    let calls = Arc::new(AtomicUsize::new(0));
    let before: Act = {
        let (mover, calls) = (mover.clone(), calls.clone());
        Arc::new(move || {
            calls.fetch_add(1, SeqCst);
            mover.lock().unwrap().count_down();
        })
    };
    (0..80).for_each(|_| {
        let mut mover = mover.lock().unwrap();
        let Mover { db, model, .. } = &mut *mover;
        model.write(db).unwrap();
    });
    let open = || open_on(Watched { disk: disk.clone(), before: before.clone() }, true, Durability::Full).unwrap();
    let (reader, mut seen) = (open(), Model::default());
    // What the reader does: open; follow the log; move to the next generation. It makes at least
    // so many calls; how many more depends on the parts that are new in a generation.
    for (name, moved_before, least) in [("open", true, 10), ("follow", false, 4), ("switch", true, 10)] {
        for at in 0.. {
            let acknowledged = {
                let mut mover = mover.lock().unwrap();
                if moved_before {
                    mover.act();
                }
                mover.countdown = Some(at);
                mover.model.lsn
            };
            calls.store(0, SeqCst);
            if name == "open" {
                Model::default().check(&open(), acknowledged);
            } else {
                reader.refresh().unwrap();
                seen.check(&reader, acknowledged);
            }
            if mover.lock().unwrap().countdown.take().is_some() {
                assert!(at >= least && calls.load(SeqCst) <= at, "{name}: {at} calls");
                break;
            }
        }
    }
}
