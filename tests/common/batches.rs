//! Batches of rows with vectors, keys and metadata, done to a database and to a map of what it should hold.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use super::texts;
use std::collections::{BTreeMap, HashMap};
use vdb::util::hash::mix;
use vdb::{Database, Error, ErrorKind, Filter, Hits, ID_NONE, Records, Result, Scalar, SearchParams, Vectors};

pub const DIM: usize = 8;
/// Small whole numbers: their distances are exact in f32, in any order of adding.
pub type Vector = [u8; DIM];

/// A row as it should be. Its key is [`texts::key`], its metadata [`texts::meta`] of these numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub vector: Vector,
    pub key: Option<u16>,
    pub meta: Option<u8>,
}

/// Rows by name: the id that the caller gave; [`GIVEN`] and the key for a row whose id the database gave.
pub type Rows = BTreeMap<u64, Row>;

/// Names from here on are those of rows whose ids the database gave. Which ones these are does not matter to what
/// the rows hold.
pub const GIVEN: u64 = 1 << 62;

/// Keys that there are beyond as many as there are ids for callers to give.
pub const MORE_KEYS: u16 = 50;

/// One batch.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Vectors alone: rows that are there keep their keys and metadata.
    Upsert(Vec<(u64, Vector)>),
    Delete(Vec<u64>),
    /// Rows with keys, with metadata, or both.
    Records {
        rows: Vec<(u64, Row)>,
        keys: bool,
        meta: bool,
    },
    /// Rows by their keys. New ones are given ids, above one that is a row of the batch too.
    Keyed {
        rows: Vec<Row>,
        above: u64,
    },
    /// Other metadata for some rows.
    Meta(Vec<(u64, Option<u8>)>),
    DeleteKeys(Vec<u16>),
    /// Deletes the rows with `n` below this.
    DeleteBelow(u8),
    /// Gives the rows with `n` below this other metadata.
    MetaBelow(u8, Option<u8>),
}

/// Which row has each key.
fn owners(rows: &Rows) -> HashMap<u16, u64> {
    rows.iter().filter_map(|(&name, row)| Some((row.key?, name))).collect()
}

fn is_below(n: u8) -> impl Fn(&Row) -> bool {
    move |row| row.meta.is_some_and(|meta| meta < n)
}

fn below(n: u8) -> Filter {
    Filter::parse(&format!("n < {n}")).expect("a filter")
}

fn key_text(key: Option<u16>) -> String {
    key.map(texts::key).unwrap_or_default()
}

fn meta_text(meta: Option<u8>) -> String {
    meta.map(texts::meta).unwrap_or_default()
}

impl Batch {
    /// Does it to the map; whether it changes anything. A key that another row has lets a batch be refused.
    pub fn apply(&self, rows: &mut Rows) -> bool {
        let before = rows.len();
        match self {
            Batch::Upsert(batch) => {
                batch.iter().for_each(|&(id, vector)| rows.entry(id).or_default().vector = vector);
                return !batch.is_empty();
            }
            Batch::Delete(ids) => rows.retain(|name, _| !ids.contains(name)),
            Batch::DeleteKeys(keys) => rows.retain(|_, row| row.key.is_none_or(|key| !keys.contains(&key))),
            Batch::DeleteBelow(n) => rows.retain(|_, row| !is_below(*n)(row)),
            Batch::Records { rows: batch, keys, meta } => {
                let owners = if *keys { owners(rows) } else { HashMap::new() };
                let is_taken =
                    |(id, row): &(u64, Row)| row.key.and_then(|key| owners.get(&key)).is_some_and(|owner| owner != id);
                if batch.iter().any(is_taken) {
                    return false;
                }
                for (id, new) in batch {
                    let row = rows.entry(*id).or_default();
                    let key = if *keys { new.key } else { row.key };
                    *row = Row { vector: new.vector, key, meta: if *meta { new.meta } else { row.meta } };
                }
                return !batch.is_empty();
            }
            Batch::Keyed { rows: batch, above } => {
                let owners = owners(rows);
                rows.insert(*above, Row::default());
                for row in batch {
                    let key = row.key.expect("such rows have keys");
                    rows.insert(owners.get(&key).copied().unwrap_or(GIVEN + u64::from(key)), *row);
                }
                return true;
            }
            Batch::Meta(batch) => {
                let there = batch.iter().filter(|(id, _)| rows.contains_key(id)).count();
                batch.iter().for_each(|&(id, meta)| _ = rows.entry(id).and_modify(|row| row.meta = meta));
                return there > 0;
            }
            Batch::MetaBelow(n, meta) => {
                let passing = rows.values_mut().filter(|row| is_below(*n)(row));
                return passing.map(|row| row.meta = *meta).count() > 0;
            }
        }
        rows.len() < before
    }

    /// Does it to the database; the ids of the rows, where some were asked for. One that is refused because
    /// another row has a key leaves all as it was, as it does in the map.
    pub fn run(&self, db: &Database) -> Result<Vec<u64>> {
        let mut prepared = self.prepare();
        prepared.run(db)?;
        Ok(prepared.given().to_vec())
    }

    /// The batch as the library takes it.
    pub fn prepare(&self) -> Prepared<'_> {
        let vectors = |batch: &[(u64, Vector)]| batch.iter().flat_map(|entry| entry.1).collect();
        let prepared = |ids: Vec<u64>| Prepared {
            batch: self,
            ids,
            bytes: Vec::new(),
            records: Records::default(),
            filter: Filter::parse("n is null").expect("a filter"),
            meta: String::new(),
        };
        match self {
            Batch::Upsert(batch) => {
                Prepared { bytes: vectors(batch), ..prepared(batch.iter().map(|entry| entry.0).collect()) }
            }
            Batch::Delete(ids) => prepared(ids.clone()),
            Batch::DeleteKeys(keys) => {
                let keys = keys.iter().map(|&key| texts::key(key)).collect::<Vec<_>>();
                Prepared { records: Records { keys: Some(texts::texts(&keys)), meta: None }, ..prepared(Vec::new()) }
            }
            Batch::Records { rows, keys, meta } => prepared(Vec::new()).with(rows, *keys, *meta),
            Batch::Keyed { rows, above } => {
                let rows = rows.iter().map(|row| (ID_NONE, *row));
                let rows: Vec<(u64, Row)> = std::iter::once((*above, Row::default())).chain(rows).collect();
                prepared(Vec::new()).with(&rows, true, true)
            }
            Batch::Meta(batch) => {
                let metas: Vec<String> = batch.iter().map(|entry| meta_text(entry.1)).collect();
                let records = Records { keys: None, meta: Some(texts::texts(&metas)) };
                Prepared { records, ..prepared(batch.iter().map(|entry| entry.0).collect()) }
            }
            Batch::DeleteBelow(n) => Prepared { filter: below(*n), ..prepared(Vec::new()) },
            Batch::MetaBelow(n, meta) => Prepared { filter: below(*n), meta: meta_text(*meta), ..prepared(Vec::new()) },
        }
    }
}

/// A batch with all that its call takes.
pub struct Prepared<'b> {
    batch: &'b Batch,
    ids: Vec<u64>,
    bytes: Vec<u8>,
    records: Records<'static>,
    filter: Filter,
    meta: String,
}

impl Prepared<'_> {
    fn with(self, rows: &[(u64, Row)], keys: bool, meta: bool) -> Self {
        let texts =
            |of: &dyn Fn(&Row) -> String| texts::texts(&rows.iter().map(|entry| of(&entry.1)).collect::<Vec<_>>());
        let records = Records {
            keys: keys.then(|| texts(&|row| key_text(row.key))),
            meta: meta.then(|| texts(&|row| meta_text(row.meta))),
        };
        let bytes = rows.iter().flat_map(|entry| entry.1.vector).collect();
        Prepared { ids: rows.iter().map(|entry| entry.0).collect(), bytes, records, ..self }
    }

    /// The ids that were asked for, once it was run.
    pub fn given(&self) -> &[u64] {
        if matches!(self.batch, Batch::Keyed { .. }) { &self.ids[1..] } else { &[] }
    }

    /// Makes the call, and nothing that takes memory beside it.
    pub fn run(&mut self, db: &Database) -> Result<()> {
        let (keys, meta) = (&self.records.keys, &self.records.meta);
        match self.batch {
            Batch::Upsert(_) => db.upsert_batch(&self.ids, Vectors::u8(&self.bytes, DIM)?, None),
            Batch::Delete(_) => db.delete_batch(&self.ids).map(drop),
            Batch::DeleteKeys(_) => db.delete_keys(keys.as_ref().expect("it has keys")).map(drop),
            Batch::DeleteBelow(_) => db.delete_where(&self.filter, None).map(drop),
            Batch::Meta(_) => db.update_meta_batch(&self.ids, meta.as_ref().expect("it has metadata")).map(drop),
            Batch::MetaBelow(..) => db.update_meta_where(&self.filter, self.meta.as_bytes(), None).map(drop),
            Batch::Records { .. } | Batch::Keyed { .. } => {
                let done = db.upsert_records(&mut self.ids, Vectors::u8(&self.bytes, DIM)?, &self.records, None);
                done.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
            }
        }
    }
}

/// A number that tells sets of rows apart.
pub fn digest(rows: &Rows) -> u64 {
    rows.iter().fold(0, |hash, (&name, row)| {
        let key = row.key.map_or(0, |key| 1 + u64::from(key));
        let meta = row.meta.map_or(0, |meta| 1 + u64::from(meta));
        mix(mix(mix(name, hash), u64::from_le_bytes(row.vector)), key << 16 | meta)
    })
}

/// Why a database is not read, or is not believed.
#[derive(Debug)]
pub enum Odd {
    Failed(Error),
    Wrong(String),
}

impl From<Error> for Odd {
    fn from(error: Error) -> Odd {
        Odd::Failed(error)
    }
}

fn wrong<T>(what: String) -> std::result::Result<T, Odd> {
    Err(Odd::Wrong(what))
}

/// All rows of a database whose callers give ids up to `universe` and keys below [`MORE_KEYS`] more, by reads of
/// ids and keys; count, filters and searches must agree.
pub fn contents(db: &Database, universe: u64) -> std::result::Result<Rows, Odd> {
    let keys: Vec<u16> = (0..universe as u16 + MORE_KEYS).collect();
    let leads_to = texts::ids_of(db, &keys.iter().map(|&key| texts::key(key)).collect::<Vec<_>>())?;
    let mut names: BTreeMap<u64, u64> = (0..=universe).map(|id| (id, id)).collect();
    for (&key, &id) in keys.iter().zip(&leads_to).filter(|(_, id)| **id != ID_NONE && **id > universe) {
        if names.insert(id, GIVEN + u64::from(key)).is_some() {
            return wrong(format!("two keys lead to row {id}"));
        }
    }
    let by_id = read(db, &names.keys().copied().collect::<Vec<_>>())?;
    let owners = owners(&by_id);
    for (&key, &id) in keys.iter().zip(&leads_to) {
        let owner = owners.get(&key).copied().unwrap_or(ID_NONE);
        if owner != id {
            return wrong(format!("key {key} leads to row {id}, row {owner} has it"));
        }
    }
    let count = db.count()?;
    if count != by_id.len() as u64 {
        return wrong(format!("{count} rows counted, {} read", by_id.len()));
    }
    let query = |nth: u64| mix(count, nth).to_le_bytes();
    check_search(db, &by_id, &query(1), true, None)?;
    check_search(db, &by_id, &query(2), false, None)?;
    if by_id.values().any(|row| row.meta.is_some()) {
        check_search(db, &by_id, &query(3), true, Some(60))?;
        check_search(db, &by_id, &query(4), false, Some(200))?;
    }
    Ok(by_id.into_iter().map(|(id, row)| (names[&id], row)).collect())
}

/// The rows with these ids, by id.
fn read(db: &Database, ids: &[u64]) -> std::result::Result<Rows, Odd> {
    let (mut found, mut values) = (vec![0; ids.len()], vec![0; ids.len() * DIM * 4]);
    db.get_batch(ids, Scalar::F32, &mut values, 0, &mut found)?;
    let (keys, metas) = (texts::keys_of(db, ids)?, texts::metas_of(db, ids)?);
    let mut rows = Rows::new();
    for (i, &id) in ids.iter().enumerate() {
        let (key, meta) = (texts::number_of_key(&keys[i]), texts::number_of_meta(&metas[i]));
        if (key_text(key), meta_text(meta)) != (keys[i].clone(), metas[i].clone()) {
            return wrong(format!("row {id} has key {:?} and metadata {:?}, which nobody wrote", keys[i], metas[i]));
        }
        if found[i] == 0 {
            if key.is_some() || meta.is_some() {
                return wrong(format!("row {id} is not there, but has key {key:?} and metadata {meta:?}"));
            }
            continue;
        }
        let mut vector = Vector::default();
        for (place, bytes) in vector.iter_mut().zip(values[i * DIM * 4..].chunks(4)) {
            let value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if f32::from(value as u8) != value {
                return wrong(format!("row {id} holds {value}, which nobody wrote"));
            }
            *place = value as u8;
        }
        rows.insert(id, Row { vector, key, meta });
    }
    Ok(rows)
}

fn distance(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum::<i32>() as f32
}

/// The exact search gives exactly the nearest rows that pass; the search by graph as many, live and at their own
/// distances. `by_id` are the rows of the database by their ids.
fn check_search(
    db: &Database,
    by_id: &Rows,
    query: &Vector,
    exact: bool,
    n: Option<u8>,
) -> std::result::Result<(), Odd> {
    const K: usize = 10;
    let passes = |row: &Row| n.is_none_or(|n| is_below(n)(row));
    let filter = n.map(below);
    let mut truth: Vec<(f32, u64)> =
        by_id.iter().filter(|(_, row)| passes(row)).map(|(&id, row)| (distance(&row.vector, query), id)).collect();
    if let Some(filter) = &filter {
        let count = db.count_passing(filter)?;
        if count != truth.len() as u64 {
            return wrong(format!("{count} rows pass n < {n:?} instead of {}", truth.len()));
        }
    }
    truth.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    truth.truncate(K);
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { exact, filter, ..SearchParams::default() };
    db.search(Vectors::u8(query, DIM)?, K, &params, hits)?;
    let found: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(counts[0] as usize).collect();
    let is_own =
        |&(d, id): &(f32, u64)| by_id.get(&id).is_some_and(|row| passes(row) && distance(&row.vector, query) == d);
    let plausible = found.len() == truth.len() && found.is_sorted_by(|a, b| a < b) && found.iter().all(is_own);
    if !plausible || exact && found != truth {
        return wrong(format!("search (exact: {exact}, n < {n:?}) found {found:?}, nearest are {truth:?}"));
    }
    Ok(())
}
