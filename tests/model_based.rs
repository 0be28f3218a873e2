//! Random operations against a map and brute force: whatever the order of
//! inserts, upserts, deletes, background work, checkpoints and reopening, the
//! database holds exactly the rows of the model (promises P2 - P4, P14).

use proptest::prelude::*;
use std::collections::BTreeMap;
use vdb::storage::OsStorage;
use vdb::{Database, Durability, ErrorKind, Hits, Metric, Options, Quant, Scalar, SearchParams, Vectors};

const DIM: usize = 4;

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<(u64, [i8; DIM])>),
    Upsert(Vec<(u64, [i8; DIM])>),
    Delete(Vec<u64>),
    Settle,
    Checkpoint,
    Reopen,
}

fn rows() -> impl Strategy<Value = Vec<(u64, [i8; DIM])>> {
    proptest::collection::vec((0u64..600, any::<[i8; DIM]>()), 1..120)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => rows().prop_map(Op::Insert),
        4 => rows().prop_map(Op::Upsert),
        4 => proptest::collection::vec(0u64..600, 1..150).prop_map(Op::Delete),
        2 => Just(Op::Settle),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Reopen),
    ]
}

struct Pair {
    dir: tempfile::TempDir,
    /// What rows are stored as: bytes are walked as they are, floats on codes.
    scalar: Scalar,
    db: Option<Database>,
    model: BTreeMap<u64, [i8; DIM]>,
}

impl Pair {
    fn new(scalar: Scalar) -> Pair {
        let dir = tempfile::tempdir().unwrap();
        let mut pair = Pair { dir, scalar, db: None, model: BTreeMap::new() };
        pair.open();
        pair
    }

    /// Chunks of 64 rows and a graph from 150 on: everything happens early.
    fn open(&mut self) {
        let options = Options::new()
            .dim(DIM as u32)
            .scalar(self.scalar)
            .quant(Quant::Sq8)
            .metric(Metric::L2sq)
            .graph_min_rows(150)
            .durability(Durability::Process);
        let storage = OsStorage::open(self.dir.path().join("db"), true, true).unwrap();
        self.db = Some(Database::open_on(Some(Box::new(storage)), &options, Some(6)).unwrap());
    }

    fn db(&self) -> &Database {
        self.db.as_ref().unwrap()
    }

    fn put(&mut self, rows: &[(u64, [i8; DIM])], replace: bool) {
        let ids: Vec<u64> = rows.iter().map(|r| r.0).collect();
        let bytes: Vec<u8> = rows.iter().flat_map(|r| r.1.map(|x| x as u8)).collect();
        let vectors = Vectors::new(&bytes, Scalar::I8, DIM, rows.len(), 0).unwrap();
        if replace {
            self.db().upsert_batch(&ids, vectors, None).unwrap();
            self.model.extend(rows.iter().copied());
            return;
        }
        let unique: BTreeMap<_, _> = rows.iter().copied().collect();
        let clash = unique.len() < rows.len() || unique.keys().any(|id| self.model.contains_key(id));
        match self.db().insert_batch(&ids, vectors, None) {
            Ok(()) => {
                assert!(!clash);
                self.model.extend(unique);
            }
            Err(error) => {
                assert_eq!((error.kind(), clash), (ErrorKind::AlreadyExists, true));
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Insert(rows) => self.put(rows, false),
            Op::Upsert(rows) => self.put(rows, true),
            Op::Delete(ids) => {
                let deleted = self.db().delete_batch(ids).unwrap();
                let before = self.model.len();
                ids.iter().for_each(|id| {
                    self.model.remove(id);
                });
                assert_eq!(deleted, (before - self.model.len()) as u64);
            }
            Op::Settle => {
                self.db().wait_indexed(None).unwrap();
                assert_eq!(self.db().stats().unwrap().graph_unreachable, 0);
            }
            Op::Checkpoint => self.db().checkpoint(None).unwrap(),
            Op::Reopen => {
                self.db.take().unwrap().close().unwrap();
                self.open();
            }
        }
    }

    /// Count, every vector, and exact answers agree with the model.
    fn check(&self) {
        assert_eq!(self.db().count().unwrap(), self.model.len() as u64);
        let ids: Vec<u64> = (0..600).collect();
        let (mut out, mut found) = (vec![0u8; 600 * DIM], vec![9u8; 600]);
        self.db().get_batch(&ids, Scalar::I8, &mut out, 0, &mut found).unwrap();
        for id in 0..600 {
            let row = self.model.get(&(id as u64));
            assert_eq!(found[id], row.is_some() as u8, "id {id}");
            if let Some(row) = row {
                assert_eq!(out[id * DIM..][..DIM], row.map(|x| x as u8));
            }
        }
        self.check_search([3, -5, 70, 1], true);
        self.check_search([-90, 20, 7, 100], false);
    }

    fn check_search(&self, query: [i8; DIM], exact: bool) {
        const K: usize = 10;
        let distance =
            |row: &[i8; DIM]| row.iter().zip(&query).map(|(&a, &b)| (a as i32 - b as i32).pow(2)).sum::<i32>() as f32;
        let mut truth: Vec<(f32, u64)> = self.model.iter().map(|(&id, row)| (distance(row), id)).collect();
        truth.sort_by(|a, b| a.partial_cmp(b).unwrap());
        truth.truncate(K);
        let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
        let bytes = query.map(|x| x as u8);
        let queries = Vectors::new(&bytes, Scalar::I8, DIM, 1, 0).unwrap();
        // A breadth this large finds everything in a graph this small.
        let params = SearchParams { exact, ef: 30, ..SearchParams::default() };
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        self.db().search(queries, K, &params, hits).unwrap();
        assert_eq!(counts[0] as usize, truth.len());
        if exact {
            let found: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(truth.len()).collect();
            assert_eq!(found, truth);
        }
        for i in 0..counts[0] as usize {
            assert_eq!(distance(&self.model[&ids[i]]), distances[i], "a live row at its own distance");
        }
    }
}

fn run(ops: &[Op], scalar: Scalar) {
    let mut pair = Pair::new(scalar);
    for op in ops {
        pair.apply(op);
        pair.check();
    }
    pair.apply(&Op::Settle);
    pair.check();
    pair.apply(&Op::Reopen);
    pair.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::I8);
    }

    #[test]
    fn floats_on_codes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::F32);
    }
}
