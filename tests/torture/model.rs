//! What the database should hold: a map, random batches that change it, and the list
//! of states that a crash may leave.

use super::batches::{self, Batch, DIM, MORE_KEYS, Odd, Row, Rows, digest};
use super::tally::{Dice, Trouble, Verdict};
use vdb::storage::Storage;
use vdb::{Database, Durability, Error, Metric, Options, Quant, Scalar};

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
    Write(Batch),
    Sync,
    Checkpoint,
    Settle,
    Reopen,
}

impl Op {
    /// Callers give ids below `universe`, and the row `universe` to keep those that the database gives above them.
    pub fn random(dice: &mut Dice, universe: u64) -> Op {
        let count = 1 + dice.below(70);
        let mut id = || dice.number() % universe;
        let ids: Vec<u64> = (0..count).map(|_| id()).collect();
        match dice.below(22) {
            0..=4 => Op::Write(Batch::Upsert(ids.into_iter().map(|id| (id, dice.number().to_le_bytes())).collect())),
            5..=6 => Op::Write(Batch::Delete(ids)),
            7..=17 => Op::Write(records(dice, ids, universe)),
            18 => Op::Sync,
            19 => Op::Checkpoint,
            20 => Op::Settle,
            _ => Op::Reopen,
        }
    }

    pub fn is_batch(&self) -> bool {
        matches!(self, Op::Write(_))
    }

    /// Whether everything before it is durable once it returned.
    pub fn makes_durable(&self) -> bool {
        matches!(self, Op::Sync | Op::Checkpoint | Op::Reopen)
    }

    /// Does the same to the model; whether it is a batch that changes anything.
    pub fn apply(&self, rows: &mut Rows) -> bool {
        match self {
            Op::Write(batch) => batch.apply(rows),
            Op::Sync | Op::Checkpoint | Op::Settle | Op::Reopen => false,
        }
    }

    /// Does it, but for `Reopen`, which is the business of who opened.
    pub fn run(&self, db: &Database) -> Result<(), Error> {
        match self {
            Op::Write(batch) => batch.run(db).map(drop),
            Op::Sync => db.sync(),
            Op::Checkpoint => db.checkpoint(None),
            Op::Settle => db.wait_indexed(None),
            Op::Reopen => Ok(()),
        }
    }
}

/// A batch that is about keys or metadata.
fn records(dice: &mut Dice, ids: Vec<u64>, universe: u64) -> Batch {
    let meta = |dice: &mut Dice| (!dice.one_in(4)).then(|| dice.number() as u8);
    let few = ids.len().div_ceil(3);
    match dice.below(11) {
        // The key of a row has its number, so that such batches seldom clash.
        0..=2 => {
            let (keys, metas) = dice.pick(&[(true, true), (true, false), (false, true)]);
            let row = |id: u64| (id, self::row(dice, Some(id as u16)));
            Batch::Records { rows: ids.into_iter().take(few).map(row).collect(), keys, meta: metas }
        }
        // Keys that rows have to which callers gave ids are now and then among them.
        3..=5 => {
            let keys: Vec<u16> = (0..few).map(|_| given_key(dice, universe)).collect();
            let rows = keys.into_iter().map(|key| Row { key: Some(key), ..row(dice, None) });
            Batch::Keyed { rows: rows.collect(), above: universe }
        }
        6..=7 => Batch::Meta(ids.into_iter().map(|id| (id, meta(dice))).collect()),
        8 => Batch::DeleteKeys(
            ids.iter().map(|&id| if dice.one_in(2) { given_key(dice, universe) } else { id as u16 }).collect(),
        ),
        9 => Batch::DeleteBelow(dice.below(60) as u8),
        _ => Batch::MetaBelow(dice.number() as u8, meta(dice)),
    }
}

fn given_key(dice: &mut Dice, universe: u64) -> u16 {
    let among_others = dice.one_in(20);
    if among_others {
        dice.below(universe as usize) as u16
    } else {
        universe as u16 + dice.below(MORE_KEYS.into()) as u16
    }
}

/// A row of random bytes, now and then without its key, or without metadata.
pub fn row(dice: &mut Dice, key: Option<u16>) -> Row {
    let vector = dice.number().to_le_bytes();
    Row { vector, key: key.filter(|_| !dice.one_in(5)), meta: (!dice.one_in(4)).then(|| dice.number() as u8) }
}

/// All rows of a database, by reads of ids and keys; counts, filters and searches must agree.
pub fn contents(db: &Database, universe: u64) -> Verdict<Rows> {
    batches::contents(db, universe).map_err(|odd| match odd {
        Odd::Failed(e) => Trouble::Unreadable.because(format!("{:?}: {e}", e.kind())),
        Odd::Wrong(what) => Trouble::Wrong.because(what),
    })
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
    let new = Row { vector: [7; DIM], key: Some(universe as u16 + 3), meta: Some(7) };
    let batches = [Batch::Upsert(vec![(7, [7; DIM])]), Batch::Keyed { rows: vec![new], above: universe }];
    let mut rows = found.clone();
    batches.iter().for_each(|batch| _ = batch.apply(&mut rows));
    let written = batches.iter().try_for_each(|batch| batch.run(&db).map(drop));
    written.and_then(|()| db.close()).map_err(|e| Trouble::Unreadable.because(format!("cannot go on: {e}")))?;
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
