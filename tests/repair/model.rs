//! What is written to the database that is damaged, and which rows there are after it.

use super::DIM;
use crate::common::shapes::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use vdb::{Database, Vectors};

pub type Model = BTreeMap<u64, Vec<f32>>;

/// Every version of every row is different.
pub fn vector(id: u64, version: u64) -> Vec<f32> {
    let mut rng = Rng(id * 1000 + version);
    (0..DIM).map(|_| rng.unit()).collect()
}

/// One batch: rows to put, or ids to delete.
#[derive(Clone)]
pub enum Batch {
    Put(Range<u64>, u64),
    Delete(Range<u64>),
}

impl Batch {
    pub fn write(&self, db: &Database) {
        match self {
            Batch::Put(ids, version) => {
                let values: Vec<f32> = ids.clone().flat_map(|id| vector(id, *version)).collect();
                let ids: Vec<u64> = ids.clone().collect();
                db.upsert_batch(&ids, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
            }
            Batch::Delete(ids) => {
                db.delete_batch(&ids.clone().collect::<Vec<_>>()).unwrap();
            }
        }
    }

    pub fn apply(&self, model: &mut Model) {
        match self {
            Batch::Put(ids, version) => model.extend(ids.clone().map(|id| (id, vector(id, *version)))),
            Batch::Delete(ids) => model.retain(|id, _| !ids.contains(id)),
        }
    }
}

/// What is in the parts: 5 chunks, some rows replaced, some deleted.
pub fn checkpointed() -> Vec<Batch> {
    let mut batches: Vec<Batch> = (0..4).map(|i| Batch::Put(i * 250..(i + 1) * 250, 0)).collect();
    batches.extend([
        Batch::Delete(100..160),
        Batch::Put(300..400, 1),
        Batch::Delete(380..390),
        Batch::Put(2000..2050, 0),
    ]);
    batches
}

/// What is in the log.
pub fn logged() -> Vec<Batch> {
    vec![
        Batch::Put(3000..3020, 0),
        Batch::Put(500..510, 1),
        Batch::Delete(700..720),
        Batch::Put(110..115, 2),
        Batch::Delete(3000..3005),
    ]
}

/// The rows when `lost` ids of the parts are lost and `batches` of the log are applied.
pub fn expected(lost: &BTreeSet<u64>, batches: usize) -> Model {
    let mut model = Model::new();
    checkpointed().iter().for_each(|batch| batch.apply(&mut model));
    model.retain(|id, _| !lost.contains(id));
    logged()[..batches].iter().for_each(|batch| batch.apply(&mut model));
    model
}

/// Every row that ever was in the parts, each in its last version; then the log.
pub fn with_deleted_rows() -> Model {
    let mut model = Model::new();
    checkpointed().iter().filter(|batch| matches!(batch, Batch::Put(..))).for_each(|batch| batch.apply(&mut model));
    logged().iter().for_each(|batch| batch.apply(&mut model));
    model
}
