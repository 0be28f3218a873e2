//! A database beside a map of its rows: every operation is done to both, and they must
//! agree afterwards (brute force included). Rows are vectors of four signed bytes.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use super::texts::{self, texts};
use std::collections::{BTreeMap, HashMap};
use vdb::storage::Storage;
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{
    CheckLevel, Database, Durability, ErrorKind, Filter, Hits, ID_NONE, Metric, Options, Quant, Records, Scalar,
    SearchParams, Vectors,
};

pub const DIM: usize = 4;
/// Ids are below this.
pub const UNIVERSE: u64 = 600;
/// Stand for ids that are not known before they are given.
const NEW: u64 = 1 << 62;

/// A row with what it has beside its vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub vector: [i8; DIM],
    pub key: Option<u8>,
    pub meta: Option<u8>,
}

/// A row to be put: `id` `None` asks for one.
#[derive(Clone, Debug)]
pub struct Put {
    pub id: Option<u64>,
    pub row: Row,
}

fn key_text(key: Option<u8>) -> String {
    key.map(|key| texts::key(key.into())).unwrap_or_default()
}

fn meta_text(meta: Option<u8>) -> String {
    meta.map(texts::meta).unwrap_or_default()
}

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
    /// Deletes the rows with `n` below this, or gives them other metadata.
    DeleteBelow(u8),
    MetaBelow(u8, Option<u8>),
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
    model: BTreeMap<u64, Row>,
    /// The last id that was given.
    given: u64,
    /// Asked again and again, as programs do.
    below: HashMap<u8, Filter>,
}

impl<P: Place> Pair<P> {
    pub fn new(place: P, scalar: Scalar, durability: Durability) -> Pair<P> {
        let mut pair =
            Pair { place, scalar, durability, db: None, model: BTreeMap::new(), given: 0, below: HashMap::new() };
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
            rows.iter().for_each(|&(id, vector)| self.model.entry(id).or_default().vector = vector);
            return;
        }
        let unique: BTreeMap<_, _> = rows.iter().copied().collect();
        let clash = unique.len() < rows.len() || unique.keys().any(|id| self.model.contains_key(id));
        match self.db().insert_batch(&ids, vectors, None) {
            Ok(()) => {
                assert!(!clash);
                self.model.extend(unique.into_iter().map(|(id, vector)| (id, Row { vector, ..Row::default() })));
            }
            Err(error) => {
                assert_eq!((error.kind(), clash), (ErrorKind::AlreadyExists, true));
            }
        }
    }

    /// The ids that rows will have, new ones from [`NEW`] on; `None` where the batch must be refused.
    fn expected_ids(&self, rows: &[Put], keys: bool, replace: bool) -> Option<Vec<u64>> {
        let mut owners: HashMap<u8, u64> = self.model.iter().filter_map(|(&id, row)| Some((row.key?, id))).collect();
        let mut ids = Vec::new();
        for (at, put) in rows.iter().enumerate() {
            let key = put.row.key.filter(|_| keys);
            let owner = key.and_then(|key| owners.get(&key).copied());
            let id = match (put.id, owner) {
                (None, None) => NEW + at as u64,
                (None, Some(owner)) if replace => owner,
                (Some(id), owner) if owner.is_none_or(|owner| owner == id) => id,
                _ => return None,
            };
            if !replace && (self.model.contains_key(&id) || ids.contains(&id)) {
                return None;
            }
            key.map(|key| owners.insert(key, id));
            ids.push(id);
        }
        Some(ids)
    }

    fn records(&mut self, rows: &[Put], keys: bool, meta: bool, replace: bool) {
        let expected = self.expected_ids(rows, keys, replace);
        let mut ids: Vec<u64> = rows.iter().map(|put| put.id.unwrap_or(ID_NONE)).collect();
        let bytes: Vec<u8> = rows.iter().flat_map(|put| put.row.vector.map(|x| x as u8)).collect();
        let vectors = Vectors::new(&bytes, Scalar::I8, DIM, rows.len(), 0).unwrap();
        let key_texts: Vec<String> = rows.iter().map(|put| key_text(put.row.key)).collect();
        let meta_texts: Vec<String> = rows.iter().map(|put| meta_text(put.row.meta)).collect();
        let records = Records { keys: keys.then(|| texts(&key_texts)), meta: meta.then(|| texts(&meta_texts)) };
        let done = match replace {
            true => self.db().upsert_records(&mut ids, vectors, &records, None),
            false => self.db().insert_records(&mut ids, vectors, &records, None),
        };
        if let Err(error) = done {
            assert_eq!((error.kind(), expected), (ErrorKind::AlreadyExists, None), "{error}");
            return;
        }
        let expected = expected.expect("was to be refused");
        let before = self.model.clone();
        for ((&id, wanted), put) in ids.iter().zip(expected.iter().copied()).zip(rows) {
            if wanted >= NEW {
                // A key that stands twice in the batch leads to one row.
                let is_first = !self.model.contains_key(&id) || before.contains_key(&id);
                assert!(!is_first || (id > self.given && before.keys().all(|&old| old < id)), "id {id}");
                self.given = id.max(self.given);
            } else {
                assert_eq!(id, wanted);
            }
            let old = before.get(&id).cloned().unwrap_or_default();
            let row = Row {
                vector: put.row.vector,
                key: if keys { put.row.key } else { old.key },
                meta: if meta { put.row.meta } else { old.meta },
            };
            self.model.insert(id, row);
        }
    }

    fn below(&mut self, n: u8) -> Filter {
        self.below
            .entry(n)
            .or_insert_with(|| Filter::parse("n < $1").unwrap().bind(format!("[{n}]").as_bytes()).unwrap())
            .clone()
    }

    fn is_below(n: u8) -> impl Fn(&Row) -> bool {
        move |row| row.meta.is_some_and(|meta| meta < n)
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Records { rows, keys, meta, replace } => self.records(rows, *keys, *meta, *replace),
            Op::Meta(rows) => {
                let ids: Vec<u64> = rows.iter().map(|row| row.0).collect();
                let metas: Vec<String> = rows.iter().map(|row| meta_text(row.1)).collect();
                let updated = self.db().update_meta_batch(&ids, &texts(&metas)).unwrap();
                let there: std::collections::BTreeSet<_> =
                    ids.iter().filter(|id| self.model.contains_key(id)).collect();
                assert_eq!(updated, there.len() as u64);
                for &(id, meta) in rows {
                    self.model.entry(id).and_modify(|row| row.meta = meta);
                }
            }
            Op::DeleteKeys(keys) => {
                let key_texts: Vec<String> = keys.iter().map(|&key| key_text(Some(key))).collect();
                let deleted = self.db().delete_keys(&texts(&key_texts)).unwrap();
                let before = self.model.len();
                self.model.retain(|_, row| row.key.is_none_or(|key| !keys.contains(&key)));
                assert_eq!(deleted, (before - self.model.len()) as u64);
            }
            Op::DeleteBelow(n) => {
                let filter = self.below(*n);
                let deleted = self.db().delete_where(&filter, None).unwrap();
                let (before, gone) = (self.model.len(), Self::is_below(*n));
                self.model.retain(|_, row| !gone(row));
                assert_eq!(deleted, (before - self.model.len()) as u64);
            }
            Op::MetaBelow(n, meta) => {
                let filter = self.below(*n);
                let updated = self.db().update_meta_where(&filter, meta_text(*meta).as_bytes(), None).unwrap();
                let mut count = 0;
                for row in self.model.values_mut().filter(|row| Self::is_below(*n)(row)) {
                    (row.meta, count) = (*meta, count + 1);
                }
                assert_eq!(updated, count);
            }
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

    /// Count, every vector and record, and exact answers agree with the model.
    pub fn check(&mut self) {
        assert_eq!(self.db().count().unwrap(), self.model.len() as u64);
        let mut ids: Vec<u64> = (0..UNIVERSE).collect();
        ids.extend(self.model.keys().filter(|&&id| id >= UNIVERSE));
        let (mut out, mut found) = (vec![0u8; ids.len() * DIM], vec![9u8; ids.len()]);
        self.db().get_batch(&ids, Scalar::I8, &mut out, 0, &mut found).unwrap();
        for (i, id) in ids.iter().enumerate() {
            let row = self.model.get(id);
            assert_eq!(found[i], row.is_some() as u8, "id {id}");
            if let Some(row) = row {
                assert_eq!(out[i * DIM..][..DIM], row.vector.map(|x| x as u8));
            }
        }
        self.check_records(&ids);
        self.check_search([3, -5, 70, 1], true, None);
        self.check_search([-90, 20, 7, 100], false, None);
        for n in [60, 200] {
            let filter = self.below(n);
            let passing = self.model.values().filter(|row| Self::is_below(n)(row)).count();
            assert_eq!(self.db().count_passing(&filter).unwrap(), passing as u64);
            self.check_search([3, -5, 70, 1], n == 60, Some(n));
        }
    }

    fn check_records(&self, ids: &[u64]) {
        let metas = texts::metas_of(self.db(), ids).unwrap();
        let keys = texts::keys_of(self.db(), ids).unwrap();
        for ((id, meta), key) in ids.iter().zip(metas).zip(keys) {
            let row = self.model.get(id).cloned().unwrap_or_default();
            assert_eq!((meta, key), (meta_text(row.meta), key_text(row.key)), "id {id}");
        }
        let owners: HashMap<u8, u64> = self.model.iter().filter_map(|(&id, row)| Some((row.key?, id))).collect();
        let found = texts::ids_of(self.db(), &(0..=255).map(texts::key).collect::<Vec<_>>()).unwrap();
        for key in 0..=255u8 {
            assert_eq!(found[key as usize], owners.get(&key).copied().unwrap_or(ID_NONE), "key {key}");
        }
    }

    fn check_search(&mut self, query: [i8; DIM], exact: bool, below: Option<u8>) {
        const K: usize = 10;
        let distance =
            |row: &Row| row.vector.iter().zip(&query).map(|(&a, &b)| (a as i32 - b as i32).pow(2)).sum::<i32>() as f32;
        let filter = below.map(|n| self.below(n));
        let passes = |row: &Row| below.is_none_or(|n| Self::is_below(n)(row));
        let mut truth: Vec<(f32, u64)> =
            self.model.iter().filter(|(_, row)| passes(row)).map(|(&id, row)| (distance(row), id)).collect();
        truth.sort_by(|a, b| a.partial_cmp(b).unwrap());
        truth.truncate(K);
        let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
        let bytes = query.map(|x| x as u8);
        let queries = Vectors::new(&bytes, Scalar::I8, DIM, 1, 0).unwrap();
        // A breadth this large finds everything in a graph this small.
        let params = SearchParams { exact, ef: 30, filter, ..SearchParams::default() };
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        self.db().search(queries, K, &params, hits).unwrap();
        assert_eq!(counts[0] as usize, truth.len());
        if exact {
            let found: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(truth.len()).collect();
            assert_eq!(found, truth);
        }
        for i in 0..counts[0] as usize {
            let row = &self.model[&ids[i]];
            assert_eq!((distance(row), passes(row)), (distances[i], true), "a live row at its own distance");
        }
    }
}
