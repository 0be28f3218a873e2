//! A database beside a map of its rows: every operation is done to both, and they must
//! agree afterwards (brute force included). Rows are vectors of four signed bytes. Snapshots and cursors stay
//! while the database moves on, with a copy of the rows of their moment.
//!
//! | file | owns |
//! |---|---|
//! | `rows` | the rows of the model |
//! | `writes` | operations that change rows |
//! | `state` | one state of the database against the rows it must have |
//! | `cursors` | cursors that stay open |

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

mod cursors;
mod rows;
mod state;
mod writes;

pub use cursors::Order;
pub use rows::{DIM, Put, Row};

use super::plain::written;
use rows::{Rows, below};
use state::State;
use std::collections::VecDeque;
use vdb::meta::filter::Expression;
use vdb::storage::Storage;
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{CheckLevel, Database, Durability, ErrorKind, Filter, Metric, Options, Quant, Scalar, Snapshot};

/// Ids are below this.
pub const UNIVERSE: u64 = 600;
/// Snapshots, cursors and conditions that are kept at a time.
const KEPT: usize = 4;

#[derive(Clone, Debug)]
pub enum Op {
    Insert(Vec<(u64, [i8; DIM])>),
    Upsert(Vec<(u64, [i8; DIM])>),
    Delete(Vec<u64>),
    /// Rows with keys, with metadata, or both; inserted, or (`true`) inserted or replaced.
    Records {
        rows: Vec<Put>,
        keys: bool,
        meta: bool,
        replace: bool,
    },
    /// Other metadata for some rows.
    Meta(Vec<(u64, Option<u8>)>),
    DeleteKeys(Vec<u8>),
    /// Deletes the rows that pass, or gives them other metadata.
    DeleteWhere(Expression),
    MetaWhere(Expression, Option<u8>),
    /// Asks for the rows that pass, now and from now on; with parameters or without.
    Ask(Expression, bool),
    /// A snapshot of now; the oldest one ends where there are many.
    Snapshot,
    /// One of them ends.
    EndSnapshot(usize),
    /// A cursor over the rows of now, or of a snapshot.
    Cursor {
        order: Order,
        condition: Option<Expression>,
        snapshot: Option<usize>,
    },
    /// Some pages of one cursor.
    Advance {
        cursor: usize,
        pages: usize,
        cap: usize,
    },
    /// A backup has the same rows.
    Backup,
    Settle,
    Checkpoint,
    Reopen,
    /// The process dies, or the power is cut: places where [`Place::crash`] does something.
    Crash(Option<CrashKind>, u64),
    Check,
}

/// Where the files are.
pub trait Place {
    fn storage(&self) -> Box<dyn Storage>;
    /// What a new process finds after this one died, or after the power was cut.
    fn crash(&mut self, kind: Option<CrashKind>, seed: u64);
}

impl Place for SimStorage {
    fn storage(&self) -> Box<dyn Storage> {
        Box::new(self.clone())
    }

    fn crash(&mut self, kind: Option<CrashKind>, seed: u64) {
        *self = kind.map_or_else(|| self.after_kill(), |kind| self.crash_image(kind, seed));
    }
}

/// A condition and the filter that was made of its text.
pub struct Asked {
    pub condition: Expression,
    pub text: String,
    pub filter: Filter,
}

impl Asked {
    pub fn new(condition: &Expression, bind: bool) -> Asked {
        let (text, values) = written(condition, bind);
        let parsed = Filter::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let filter = if bind { parsed.bind(values.as_bytes()).unwrap() } else { parsed };
        Asked { condition: condition.clone(), text, filter }
    }
}

/// How the database is made.
#[derive(Clone, Copy)]
pub struct Setup {
    /// What rows are stored as: bytes are walked as they are, floats on codes.
    pub scalar: Scalar,
    pub durability: Durability,
    /// Rows of a chunk, as a power of two: 64 make everything happen early, chunks of 1024 have columns.
    pub chunk_shift: u32,
}

pub struct Pair<P> {
    place: P,
    setup: Setup,
    db: Option<Database>,
    model: Rows,
    /// The last id that was given.
    given: u64,
    /// Asked again and again, as programs do: two that stay, and the last ones.
    standing: [Asked; 2],
    asked: VecDeque<Asked>,
    /// Each with the rows of its moment.
    snapshots: VecDeque<(Snapshot, Rows)>,
    cursors: VecDeque<cursors::Open>,
    checks: usize,
}

impl<P: Place> Pair<P> {
    pub fn new(place: P, setup: Setup) -> Pair<P> {
        let mut pair = Pair {
            place,
            setup,
            db: None,
            model: Rows::new(),
            given: 0,
            standing: [60, 200].map(|n| Asked::new(&below(n), true)),
            asked: VecDeque::new(),
            snapshots: VecDeque::new(),
            cursors: VecDeque::new(),
            checks: 0,
        };
        pair.open();
        pair
    }

    /// With a graph from 150 rows on.
    fn open_on(&self, storage: Box<dyn Storage>) -> Database {
        let options = Options::new()
            .dim(DIM as u32)
            .scalar(self.setup.scalar)
            .quant(Quant::Sq8)
            .metric(Metric::L2sq)
            .graph_min_rows(150)
            .durability(self.setup.durability);
        Database::open_on(Some(storage), &options, Some(self.setup.chunk_shift)).unwrap()
    }

    /// Snapshots were of the database that was open before.
    fn open(&mut self) {
        self.db = Some(self.open_on(self.place.storage()));
        for (snapshot, _) in self.snapshots.drain(..) {
            let error = self.db.as_ref().unwrap().count_at(Some(&snapshot), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
        }
    }

    fn db(&self) -> &Database {
        self.db.as_ref().unwrap()
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Records { rows, keys, meta, replace } => self.records(rows, *keys, *meta, *replace),
            Op::Meta(rows) => self.meta(rows),
            Op::DeleteKeys(keys) => self.delete_keys(keys),
            Op::DeleteWhere(condition) => self.delete_where(condition),
            Op::MetaWhere(condition, meta) => self.meta_where(condition, *meta),
            Op::Insert(rows) => self.put(rows, false),
            Op::Upsert(rows) => self.put(rows, true),
            Op::Delete(ids) => self.delete(ids),
            Op::Ask(condition, bind) => keep(&mut self.asked, Asked::new(condition, *bind)),
            Op::Snapshot => {
                let now = (self.db().snapshot(), self.model.clone());
                keep(&mut self.snapshots, now);
                assert_eq!(self.db().stats().unwrap().snapshots, self.snapshots.len() as u64);
            }
            Op::EndSnapshot(which) => {
                let which = which % self.snapshots.len().max(1);
                self.snapshots.remove(which);
            }
            Op::Cursor { order, condition, snapshot } => self.cursor(*order, condition.as_ref(), *snapshot),
            Op::Advance { cursor, pages, cap } => {
                let which = cursor % self.cursors.len().max(1);
                let Some(cursor) = self.cursors.get_mut(which) else { return };
                if (0..*pages).any(|_| cursor.advance(*cap)) {
                    self.cursors.remove(which);
                }
            }
            Op::Backup => self.backup(),
            Op::Settle => {
                self.db().wait_indexed(None).unwrap();
                assert_eq!(self.db().stats().unwrap().graph_unreachable, 0);
            }
            Op::Checkpoint => self.db().checkpoint(None).unwrap(),
            Op::Reopen => {
                self.db.take().unwrap().close().unwrap();
                self.open();
            }
            Op::Crash(kind, seed) => {
                self.db.take().unwrap().abandon();
                self.place.crash(*kind, *seed);
                self.open();
            }
            Op::Check => {
                let report = self.db().check(CheckLevel::Structure, None).unwrap();
                assert!(report.is_sound(), "{:?}", report.problems);
            }
        }
    }

    fn cursor(&mut self, order: Order, condition: Option<&Expression>, snapshot: Option<usize>) {
        let asked = condition.map(|condition| Asked::new(condition, false));
        let kept = snapshot.and_then(|which| self.snapshots.get(which % self.snapshots.len().max(1)));
        let (at, rows) = kept.map_or((None, &self.model), |(snapshot, rows)| (Some(snapshot), rows));
        let cursor = cursors::Open::new(self.db(), at, rows, order, asked.as_ref());
        keep(&mut self.cursors, cursor);
    }

    /// A backup opens as a database with the rows of now, and has a life of its own.
    fn backup(&self) {
        let disk = SimStorage::new();
        self.db().backup_into(&disk).unwrap();
        let restored = self.open_on(Box::new(disk));
        let asked: Vec<&Asked> = self.standing.iter().chain(&self.asked).collect();
        State { db: &restored, at: None, rows: &self.model }.check(&asked);
        if let Some((&id, _)) = self.model.first_key_value() {
            assert_eq!(restored.delete_batch(&[id]).unwrap(), 1);
        }
        let report = restored.check(CheckLevel::Structure, None).unwrap();
        assert!(report.is_sound(), "{:?}", report.problems);
        restored.close().unwrap();
    }

    /// The newest state agrees with the model, and one of the snapshots with the rows of its moment.
    pub fn check(&mut self) {
        let asked: Vec<&Asked> = self.standing.iter().chain(&self.asked).collect();
        State { db: self.db(), at: None, rows: &self.model }.check(&asked);
        self.checks += 1;
        if let Some((snapshot, rows)) = self.snapshots.get(self.checks % self.snapshots.len().max(1)) {
            State { db: self.db(), at: Some(snapshot), rows }.check(&asked);
        }
    }

    /// Whether conditions were asked by columns.
    pub fn has_columns(&self) -> bool {
        self.db().stats().unwrap().bytes_columns > 0
    }

    /// What stays open shows what it must to its end.
    pub fn finish(&mut self) {
        let asked: Vec<&Asked> = self.standing.iter().chain(&self.asked).collect();
        for (snapshot, rows) in &self.snapshots {
            State { db: self.db(), at: Some(snapshot), rows }.check(&asked);
        }
        for mut cursor in self.cursors.drain(..) {
            while !cursor.advance(97) {}
        }
    }
}

/// Puts `one` behind the others, in place of the first where they are many.
fn keep<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() == KEPT {
        all.pop_front();
    }
    all.push_back(one);
}
