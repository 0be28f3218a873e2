//! Every order of two processes' calls that matters, without processes: before
//! each call that the one side makes to the simulated disk, the other side acts.

use crate::common::watched::{Act, Watched};
use crate::model::{Model, open_on};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use vdb::storage::sim::SimStorage;
use vdb::{Database, Durability, ErrorKind};

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
