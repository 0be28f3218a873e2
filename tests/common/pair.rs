//! A database beside a map of its rows: every operation is done to both, and they must
//! agree afterwards (brute force included). Rows are vectors of four signed bytes.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use vdb::storage::Storage;
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{CheckLevel, Database, Durability, ErrorKind, Hits, Metric, Options, Quant, Scalar, SearchParams, Vectors};

pub const DIM: usize = 4;
/// Ids are below this.
pub const UNIVERSE: u64 = 600;

#[derive(Clone, Debug)]
pub enum Op {
    Insert(Vec<(u64, [i8; DIM])>),
    Upsert(Vec<(u64, [i8; DIM])>),
    Delete(Vec<u64>),
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

pub struct Pair<P> {
    place: P,
    /// What rows are stored as: bytes are walked as they are, floats on codes.
    scalar: Scalar,
    durability: Durability,
    db: Option<Database>,
    model: BTreeMap<u64, [i8; DIM]>,
}

impl<P: Place> Pair<P> {
    pub fn new(place: P, scalar: Scalar, durability: Durability) -> Pair<P> {
        let mut pair = Pair { place, scalar, durability, db: None, model: BTreeMap::new() };
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
            .durability(self.durability);
        self.db = Some(Database::open_on(Some(self.place.storage()), &options, Some(6)).unwrap());
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

    pub fn apply(&mut self, op: &Op) {
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

    /// Count, every vector, and exact answers agree with the model.
    pub fn check(&self) {
        const ROWS: usize = UNIVERSE as usize;
        assert_eq!(self.db().count().unwrap(), self.model.len() as u64);
        let ids: Vec<u64> = (0..UNIVERSE).collect();
        let (mut out, mut found) = (vec![0u8; ROWS * DIM], vec![9u8; ROWS]);
        self.db().get_batch(&ids, Scalar::I8, &mut out, 0, &mut found).unwrap();
        for id in 0..ROWS {
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
