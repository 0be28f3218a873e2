//! The quick start in Rust: `cargo run --example quickstart`.

use vdb::{Database, Hits, Metric, Options, Result, SearchParams, Vectors};

fn main() -> Result<()> {
    let options = Options::new().dim(4).metric(Metric::Cosine);
    let db = Database::open(Some("quickstart.vdb".as_ref()), &options)?;

    let rows = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    db.upsert_batch(&[10, 20, 30], Vectors::f32(&rows, 4)?, None)?;

    let (mut ids, mut distances, mut counts) = ([0; 2], [0.0; 2], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::f32(&[1.0, 0.2, 0.0, 0.0], 4)?, 2, &SearchParams::default(), hits)?;
    for (id, distance) in ids.iter().zip(distances) {
        println!("row {id}, distance {distance:.3}");
    }
    db.close()
}
