//! The writer's life and what a reader must see of it.

use crate::common::shapes::Rng;
use std::collections::BTreeMap;
use std::path::Path;
use vdb::storage::{OsStorage, Storage};
use vdb::{Database, Durability, Error, Hits, Options, Scalar, SearchParams, Vectors};

pub const DIM: usize = 3;
const IDS: u64 = 400;
const K: usize = 10;
/// So narrow that a search walks the graph and does not scan, where there are rows enough.
const NARROW: usize = 12;

pub type Row = [u8; DIM];

/// Chunks of 64 rows and a graph from 100 on, so that little data has all there is.
pub fn open_on(storage: impl Storage + 'static, read_only: bool, durability: Durability) -> Result<Database, Error> {
    let options = Options::new().read_only(read_only);
    let options = if read_only { options } else { options.dim(DIM as u32).scalar(Scalar::U8) };
    let options = options.graph_min_rows(100).threads(1).durability(durability);
    Database::open_on(Some(Box::new(storage)), &options, Some(6))
}

pub fn open(directory: &Path, read_only: bool) -> Result<Database, Error> {
    open_on(OsStorage::open(directory, false, true)?, read_only, Durability::Process)
}

/// One batch of the writer's life.
enum Step {
    Upsert(BTreeMap<u64, Row>),
    Delete(Vec<u64>),
}

/// The rows after some batch.
#[derive(Default)]
pub struct Model {
    pub lsn: u64,
    pub rows: BTreeMap<u64, Row>,
    /// A life without deletes: rows are added and replaced.
    pub keeps_all: bool,
}

impl Model {
    pub fn new(keeps_all: bool) -> Model {
        Model { keeps_all, ..Model::default() }
    }

    /// Batch `lsn + 1`; it always changes something.
    fn next(&self) -> Step {
        let mut rng = Rng(self.lsn + 1);
        if self.lsn % 4 == 3 && !self.keeps_all {
            let first = rng.next() % IDS;
            let live = self.rows.range(first..).chain(self.rows.range(..first));
            return Step::Delete(live.map(|(&id, _)| id).take(1 + rng.below(20)).collect());
        }
        let row = |rng: &mut Rng| (rng.next() % IDS, [rng.next() as u8, rng.next() as u8, self.lsn as u8]);
        Step::Upsert((0..8 + rng.below(12)).map(|_| row(&mut rng)).collect())
    }

    fn advance(&mut self, step: &Step) {
        self.lsn += 1;
        match step {
            Step::Upsert(rows) => self.rows.extend(rows),
            Step::Delete(ids) => self.rows.retain(|id, _| !ids.contains(id)),
        }
    }

    fn advance_to(&mut self, lsn: u64) {
        while self.lsn < lsn {
            let step = self.next();
            self.advance(&step);
        }
    }

    /// The next batch, in the database and then here.
    pub fn write(&mut self, db: &Database) -> Result<(), Error> {
        let step = self.next();
        match &step {
            Step::Upsert(rows) => {
                let (ids, bytes): (Vec<u64>, Vec<Row>) = rows.iter().unzip();
                db.upsert_batch(&ids, Vectors::u8(bytes.as_flattened(), DIM)?, None)?;
            }
            Step::Delete(ids) => assert_eq!(db.delete_batch(ids)?, ids.len() as u64),
        }
        self.advance(&step);
        Ok(())
    }

    /// Catches up with what `db` shows, which must not be older than what was
    /// seen before nor than batch `at_least`, and checks that it shows just that.
    pub fn check(&mut self, db: &Database, at_least: u64) {
        let lsn = db.stats().unwrap().lsn;
        assert!(lsn >= self.lsn, "from LSN {} back to {lsn}", self.lsn);
        assert!(lsn >= at_least, "LSN {lsn}, though {at_least} was acknowledged before");
        self.advance_to(lsn);
        assert_eq!(db.count().unwrap(), self.rows.len() as u64, "LSN {lsn}");
        let ids: Vec<u64> = (0..IDS).collect();
        let (mut out, mut found) = (vec![0; ids.len() * DIM], vec![0; ids.len()]);
        db.get_batch(&ids, Scalar::U8, &mut out, 0, &mut found).unwrap();
        for (id, row) in ids.iter().zip(out.as_chunks::<DIM>().0) {
            let expected = self.rows.get(id);
            assert_eq!((found[*id as usize] == 1).then_some(row), expected, "id {id} at LSN {lsn}");
        }
        let mut rng = Rng(lsn);
        for _ in 0..3 {
            self.check_search(db, [rng.next() as u8, rng.next() as u8, lsn as u8]);
        }
    }

    /// An exact search, and one by graph: full, of live rows, each once, with their distances.
    fn check_search(&self, db: &Database, query: Row) {
        let exact = search(db, query, &SearchParams { exact: true, ..SearchParams::default() });
        assert_eq!(exact, self.nearest(query), "LSN {}", self.lsn);
        let walked = search(db, query, &SearchParams { ef: NARROW, ..SearchParams::default() });
        let live = |&(d, id): &(u32, u64)| self.rows.get(&id).is_some_and(|row| distance(row, query) == d);
        let in_order = walked.is_sorted_by(|a, b| a < b);
        let fine = walked.len() == exact.len() && in_order && walked.iter().all(live);
        assert!(fine, "LSN {}: found {walked:?}, nearest are {exact:?}", self.lsn);
    }

    /// The nearest rows, by brute force.
    fn nearest(&self, query: Row) -> Vec<(u32, u64)> {
        let mut all: Vec<(u32, u64)> = self.rows.iter().map(|(&id, row)| (distance(row, query), id)).collect();
        all.sort_unstable();
        all.truncate(K);
        all
    }
}

fn distance(row: &Row, query: Row) -> u32 {
    row.iter().zip(query).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

fn search(db: &Database, query: Row, params: &SearchParams) -> Vec<(u32, u64)> {
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::u8(&query, DIM).unwrap(), K, params, hits).unwrap();
    let found = distances.iter().map(|&d| d as u32).zip(ids);
    found.take(counts[0] as usize).collect()
}
