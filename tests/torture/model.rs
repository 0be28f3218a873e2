//! What the database should hold: a map, random batches that change it, and the list
//! of states that a crash may leave.

use super::tally::{Dice, Trouble, Verdict};
use std::collections::BTreeMap;
use vdb::storage::Storage;
use vdb::util::hash::mix;
use vdb::{Database, Durability, Error, Hits, Metric, Options, Quant, Scalar, SearchParams, Vectors};

pub const DIM: usize = 8;
/// Small whole numbers: their distances are exact in f32, in any order of adding.
pub type Row = [u8; DIM];
pub type Rows = BTreeMap<u64, Row>;

pub const LEVELS: [Durability; 3] = [Durability::Full, Durability::Process, Durability::None];

/// A graph from 100 rows on, on codes: every kind of file comes to be early.
pub fn options(durability: Durability) -> Options {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::F32).metric(Metric::L2sq);
    options.quant(Quant::Sq8).graph_min_rows(100).threads(1).durability(durability)
}

/// Opens or creates a database in chunks of 64 rows.
pub fn open(storage: impl Storage + 'static, durability: Durability) -> Result<Database, Error> {
    Database::open_on(Some(Box::new(storage)), &options(durability), Some(6))
}

/// One thing to do with a database.
#[derive(Clone, Debug)]
pub enum Op {
    Upsert(Vec<(u64, Row)>),
    Delete(Vec<u64>),
    Sync,
    Checkpoint,
    Settle,
    Reopen,
}

impl Op {
    pub fn random(dice: &mut Dice, universe: u64) -> Op {
        let count = 1 + dice.below(70);
        let mut id = || dice.number() % universe;
        let ids: Vec<u64> = (0..count).map(|_| id()).collect();
        match dice.below(14) {
            0..=6 => Op::Upsert(ids.into_iter().map(|id| (id, row(dice.number()))).collect()),
            7..=9 => Op::Delete(ids),
            10 => Op::Sync,
            11 => Op::Checkpoint,
            12 => Op::Settle,
            _ => Op::Reopen,
        }
    }

    /// Does the same to the model.
    pub fn apply(&self, rows: &mut Rows) {
        match self {
            Op::Upsert(batch) => rows.extend(batch.iter().copied()),
            Op::Delete(ids) => rows.retain(|id, _| !ids.contains(id)),
            Op::Sync | Op::Checkpoint | Op::Settle | Op::Reopen => {}
        }
    }

    pub fn is_batch(&self) -> bool {
        matches!(self, Op::Upsert(_) | Op::Delete(_))
    }

    /// Whether everything before it is durable once it returned.
    pub fn makes_durable(&self) -> bool {
        matches!(self, Op::Sync | Op::Checkpoint | Op::Reopen)
    }

    /// Does it, but for `Reopen`, which is the business of who opened.
    pub fn run(&self, db: &Database) -> Result<(), Error> {
        match self {
            Op::Upsert(batch) => {
                let ids: Vec<u64> = batch.iter().map(|entry| entry.0).collect();
                let values: Vec<f32> = batch.iter().flat_map(|entry| floats(&entry.1)).collect();
                db.upsert_batch(&ids, Vectors::f32(&values, DIM)?, None)
            }
            Op::Delete(ids) => db.delete_batch(ids).map(drop),
            Op::Sync => db.sync(),
            Op::Checkpoint => db.checkpoint(None),
            Op::Settle => db.wait_indexed(None),
            Op::Reopen => Ok(()),
        }
    }
}

/// A row of random bytes.
pub fn row(number: u64) -> Row {
    number.to_le_bytes()
}

pub fn floats(row: &Row) -> [f32; DIM] {
    row.map(f32::from)
}

fn distance(a: &Row, b: &Row) -> f32 {
    a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum::<i32>() as f32
}

/// A number that tells sets of rows apart.
pub fn digest(rows: &Rows) -> u64 {
    rows.iter().fold(0, |hash, (&id, row)| mix(mix(id, hash), u64::from_le_bytes(*row)))
}

/// All rows with ids below `universe`, by point reads; count and searches must agree.
pub fn contents(db: &Database, universe: u64) -> Verdict<Rows> {
    let unreadable = |e: Error| Trouble::Unreadable.because(format!("{:?}: {e}", e.kind()));
    let ids: Vec<u64> = (0..universe).collect();
    let (mut found, mut values) = (vec![0; ids.len()], vec![0; ids.len() * DIM * 4]);
    db.get_batch(&ids, Scalar::F32, &mut values, 0, &mut found).map_err(unreadable)?;
    let mut rows = Rows::new();
    for (id, bytes) in ids.iter().zip(values.chunks(DIM * 4)).filter(|(id, _)| found[**id as usize] == 1) {
        let mut row = Row::default();
        for (place, bytes) in row.iter_mut().zip(bytes.chunks(4)) {
            let value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if f32::from(value as u8) != value {
                return Err(Trouble::Wrong.because(format!("row {id} holds {value}, which nobody wrote")));
            }
            *place = value as u8;
        }
        rows.insert(*id, row);
    }
    let count = db.count().map_err(unreadable)?;
    if count != rows.len() as u64 {
        return Err(Trouble::Wrong.because(format!("{count} rows counted, {} read", rows.len())));
    }
    for (query, exact) in [(row(mix(count, 1)), true), (row(mix(count, 2)), false)] {
        check_search(db, &rows, &query, exact)?;
    }
    Ok(rows)
}

/// The exact search gives exactly the nearest rows; the search by graph as many, live
/// and at their own distances.
fn check_search(db: &Database, rows: &Rows, query: &Row, exact: bool) -> Verdict {
    const K: usize = 10;
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { exact, ..SearchParams::default() };
    let values = floats(query);
    let queries = Vectors::f32(&values, DIM).expect("one row of the right length");
    let searched = db.search(queries, K, &params, hits);
    searched.map_err(|e| Trouble::Unreadable.because(format!("search: {:?}: {e}", e.kind())))?;
    let count = counts[0] as usize;
    let found: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(count).collect();
    let mut truth: Vec<(f32, u64)> = rows.iter().map(|(&id, row)| (distance(row, query), id)).collect();
    truth.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    truth.truncate(K);
    let plausible = found.len() == truth.len()
        && found.is_sorted_by(|a, b| a < b)
        && found.iter().all(|(d, id)| rows.get(id).is_some_and(|row| distance(row, query) == *d));
    if !plausible || exact && found != truth {
        return Err(Trouble::Wrong.because(format!("search (exact: {exact}) found {found:?}, nearest are {truth:?}")));
    }
    Ok(())
}

/// What `open` finds stands after a whole batch, at least the `at_least`-th, and is a
/// database like any other: it is written, closed and opened again. Returns what was found.
pub fn survives(
    open: impl Fn() -> Result<Database, Error>,
    universe: u64,
    told: &Told,
    at_least: usize,
) -> Verdict<Rows> {
    let open = || open().map_err(|e| Trouble::Unreadable.because(format!("cannot open: {e}")));
    let db = open()?;
    let found = contents(&db, universe)?;
    told.place(digest(&found), at_least)?;
    let (op, mut rows) = (Op::Upsert(vec![(7, row(7))]), found.clone());
    op.apply(&mut rows);
    op.run(&db).and_then(|()| db.close()).map_err(|e| Trouble::Unreadable.because(format!("cannot go on: {e}")))?;
    match contents(&open()?, universe)? == rows {
        true => Ok(found),
        false => Err(Trouble::Lost.because("a batch written after recovery is gone")),
    }
}

/// What the caller was told, and what it may therefore expect.
#[derive(Clone, Default)]
pub struct Told {
    /// Rows after each acknowledged batch, from the state at open on.
    pub states: Vec<Rows>,
    /// Rows after a batch whose fate is open.
    pub in_flight: Option<Rows>,
    /// Index of the last state that a kill must leave.
    pub written: usize,
    /// Index of the last state that a power cut must leave.
    pub durable: usize,
}

impl Told {
    /// From a database that was found to hold `rows`.
    pub fn from(rows: Rows) -> Told {
        Told { states: vec![rows], ..Told::default() }
    }

    pub fn now(&self) -> &Rows {
        self.states.last().expect("there is a first state")
    }

    /// `op` begins.
    pub fn begin(&mut self, op: &Op) {
        if op.is_batch() {
            let mut rows = self.now().clone();
            op.apply(&mut rows);
            self.in_flight = Some(rows);
        }
    }

    /// The operation that began last was acknowledged, at `level`.
    pub fn acknowledge(&mut self, op: &Op, level: Durability) {
        if op.is_batch() {
            self.states.extend(self.in_flight.take());
        }
        let last = self.states.len() - 1;
        if level == Durability::Full || op.makes_durable() {
            self.durable = last;
        }
        if level != Durability::None || op.makes_durable() {
            self.written = last;
        }
    }

    /// What a process was told that drew its operations from `seed`, began and ended so
    /// many of them, and died.
    pub fn tell(&mut self, seed: u64, (begun, done): (usize, usize), level: Durability, universe: u64) {
        let mut dice = Dice::new(seed);
        for number in 0..begun {
            let op = Op::random(&mut dice, universe);
            self.begin(&op);
            if number < done {
                self.acknowledge(&op, level);
            }
        }
    }

    /// The state that has `digest`; it must not be older than `at_least`.
    pub fn place(&self, found: u64, at_least: usize) -> Verdict<&Rows> {
        let states: Vec<&Rows> = self.states.iter().chain(&self.in_flight).collect();
        match states.iter().rposition(|rows| digest(rows) == found) {
            None => Err(Trouble::Half.because("holds the rows after no whole batch")),
            Some(at) if at < at_least => {
                Err(Trouble::Lost.because(format!("stands after batch {at}, {at_least} was acknowledged")))
            }
            Some(at) => Ok(states[at]),
        }
    }
}
