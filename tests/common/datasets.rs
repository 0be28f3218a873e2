//! The bundled sample (`data/`) and, where they are, the full sets it was cut from.

use super::npy::Npy;
use super::rows::Rows;
use std::path::{Path, PathBuf};
use vdb::kernel::Metric;

/// Rows, queries and what "near" means for them.
pub struct DataSet {
    pub metric: Metric,
    pub rows: Rows,
    pub queries: Rows,
    /// Ids of the exact 10 nearest rows of every query.
    pub nearest: Vec<Vec<i32>>,
}

impl DataSet {
    fn read(folder: &Path, metric: Metric, truth: &str) -> DataSet {
        let rows = |name: &str| Npy::read(&folder.join(name)).into_rows();
        let truth = Npy::read(&folder.join(truth));
        let width = truth.cols;
        let nearest = truth.into_i32().chunks(width).map(|ids| ids[..10].to_vec()).collect();
        DataSet { metric, rows: rows("base.npy"), queries: rows("queries.npy"), nearest }
    }
}

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// 5,000 sentence embeddings, 384 x f16, cosine; 100 queries.
pub fn wordnet_sample() -> DataSet {
    DataSet::read(&bundled("wordnet"), Metric::Cosine, "gt_top10_ids.npy")
}

/// 5,000 image descriptors, 128 x u8, squared L2; 100 queries.
pub fn sift_sample() -> DataSet {
    DataSet::read(&bundled("sift"), Metric::L2sq, "gt_top10_ids.npy")
}

/// A full set (`wordnet-384` or `sift-128`) from `VDB_SHARED_DATA` or `../shared/data`;
/// prints a line and returns `None` where it is missing.
pub fn full(name: &str, metric: Metric) -> Option<DataSet> {
    let folder = shared(name);
    if !folder.is_dir() {
        println!("skipped: recall on all of {name}: set VDB_SHARED_DATA to the folder that holds it");
        return None;
    }
    Some(DataSet::read(&folder, metric, "gt_top100_ids.npy"))
}

/// Where a full set lies, if it is there.
pub fn shared(name: &str) -> PathBuf {
    let shared = std::env::var_os("VDB_SHARED_DATA").map(PathBuf::from);
    shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")).join(name)
}
