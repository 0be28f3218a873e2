//! Databases of every kind: each metric and scalar type, in memory and on a disk, opened again, read beside a writer,
//! and without the vectors they were given.

use super::exact;
use super::rows::Rows;
use super::shapes::Shape;
use std::collections::BTreeMap;
use vdb::storage::sim::SimStorage;
use vdb::{Database, Metric, Options, Originals, Quant, Scalar};

const ROWS: usize = 900;
pub const DIM: usize = 24;

/// A database, and its rows as it returns them, which is what it compares.
pub struct Kind {
    pub name: String,
    pub db: Database,
    pub metric: Metric,
    pub scalar: Scalar,
    pub rows: BTreeMap<u64, Vec<f32>>,
    /// Vectors like these, as rows are stored.
    pub queries: Rows,
    /// What it reads beside.
    _writer: Option<Database>,
}

impl Kind {
    fn new(name: &str, db: Database, queries: Rows, writer: Option<Database>) -> Kind {
        let (metric, scalar) = (db.settings().metric, db.settings().scalar);
        let ids: Vec<u64> = (0..ROWS).map(id).collect();
        let row = scalar.row_bytes(DIM);
        let (mut bytes, mut found) = (vec![0; row * ROWS], vec![0; ROWS]);
        db.get_batch(&ids, scalar, &mut bytes, 0, &mut found).unwrap();
        let values = |i: usize| Rows::new(scalar, DIM, bytes[i * row..][..row].to_vec()).values();
        let rows = (0..ROWS).filter(|&i| found[i] == 1).map(|i| (ids[i], values(i))).collect();
        let name = format!("{name}, {metric:?} {scalar:?}");
        Kind { name, db, metric, scalar, rows, queries, _writer: writer }
    }

    /// All rows that pass with their distances by the plain definition, nearest first, ties by id.
    pub fn nearest(&self, query: &[f32], passes: impl Fn(u64) -> bool) -> Vec<(f64, u64)> {
        let rows = self.rows.iter().filter(|(id, _)| passes(**id));
        let mut all: Vec<_> = rows.map(|(&id, row)| (exact::distance(self.metric, query, row), id)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all
    }

    /// How far a distance may be off by rounding.
    pub fn tolerance(&self) -> f64 {
        match self.scalar {
            Scalar::B1 => 1e-6,
            Scalar::I8 | Scalar::U8 if matches!(self.metric, Metric::L2sq | Metric::L1) => 1e-6,
            _ => 1e-4,
        }
    }

    pub fn is_near(&self, found: f32, truth: f64) -> bool {
        (f64::from(found) - truth).abs() <= self.tolerance() * (1.0 + truth.abs())
    }
}

/// Ids that neither ascend nor lie close.
pub fn id(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 3
}

/// Rows some of which are equal, written in batches, replaced and deleted, in the graph and behind it.
fn fill(db: &Database, rows: &Rows) {
    let ids: Vec<u64> = (0..ROWS).map(id).collect();
    db.insert_batch(&ids[..500], rows.slice(0, 500).vectors(), None).unwrap();
    db.wait_indexed(None).unwrap();
    db.upsert_batch(&ids[400..], rows.slice(400, ROWS - 400).vectors(), None).unwrap();
    // The same vectors again: ties.
    db.upsert_batch(&ids[700..750], rows.slice(0, 50).vectors(), None).unwrap();
    db.delete_batch(&ids.iter().copied().step_by(7).collect::<Vec<_>>()).unwrap();
}

fn options(metric: Metric, scalar: Scalar) -> Options {
    let options = Options::new().dim(DIM as u32).metric(metric).scalar(scalar);
    options.graph_min_rows(150).ef_search(20).m(8)
}

fn data(scalar: Scalar) -> (Rows, Rows) {
    Shape::Clusters.rows(scalar, DIM, ROWS, 40)
}

/// One database of each kind.
pub fn all() -> Vec<Kind> {
    use Metric::*;
    use Scalar::*;
    let mut kinds = Vec::new();
    for metric in [L2sq, Ip, Cosine, L1, Hamming, Jaccard] {
        let is_bits = matches!(metric, Hamming | Jaccard);
        for scalar in if is_bits { &[B1][..] } else { &[F32, F16, Bf16, I8, U8] } {
            let (rows, queries) = data(*scalar);
            let db = Database::open_on(None, &options(metric, *scalar), Some(8)).unwrap();
            fill(&db, &rows);
            kinds.push(Kind::new("in memory", db, queries, None));
        }
    }
    for (metric, scalar) in [(Cosine, F32), (L2sq, U8)] {
        let (rows, queries) = data(scalar);
        let (disk, options) = (SimStorage::new(), options(metric, scalar));
        let open = |options: &Options| Database::open_on(Some(Box::new(disk.clone())), options, Some(8)).unwrap();
        let db = open(&options);
        fill(&db, &rows);
        db.close().unwrap();
        let writer = open(&options);
        writer.upsert_batch(&[id(ROWS - 1)], rows.slice(1, 1).vectors(), None).unwrap();
        let reader = open(&options.clone().read_only(true));
        kinds.push(Kind::new("read beside a writer", reader, queries.clone(), Some(writer)));
        kinds.push(Kind::new("opened again", copied(&disk, &options), queries, None));
    }
    for (metric, scalar, quant) in [(Cosine, F32, Quant::Sq8), (L2sq, F16, Quant::Rabitq), (L1, Bf16, Quant::Sq4)] {
        let (rows, queries) = data(scalar);
        let options = options(metric, scalar).quant(quant).originals(Originals::Drop);
        let db = Database::open_on(Some(Box::new(SimStorage::new())), &options, Some(6)).unwrap();
        fill(&db, &rows);
        db.wait_indexed(None).unwrap();
        assert!(db.stats().unwrap().decoded > 300);
        kinds.push(Kind::new(&format!("{quant:?} without vectors"), db, queries, None));
    }
    kinds
}

/// A database on what another process would find of a disk.
fn copied(disk: &SimStorage, options: &Options) -> Database {
    Database::open_on(Some(Box::new(disk.after_kill())), options, Some(8)).unwrap()
}
