//! A life of rows with keys and metadata: every call that writes them, reads them, or asks for rows by them.

use super::common::batches::{self, Batch, Row, Rows};
use super::common::texts::{self, texts};
use super::{Model, Run, Source, gone_through};
use std::collections::BTreeSet;
use vdb::util::hash::mix;
use vdb::{Database, Filter, Hits, Metric, Options, Quant, Scalar, SearchParams, TextBuffer, Vectors};

/// Callers give ids up to this: so many that what is made for each row of a batch is large.
const UNIVERSE: u64 = 1100;

impl Model for Rows {
    fn options(&self) -> Options {
        let options = Options::new().dim(batches::DIM as u32).scalar(Scalar::F32).metric(Metric::L2sq);
        options.quant(Quant::Sq8).threads(1).graph_min_rows(600).m(8).ef_construction(40)
    }

    fn verify(&self, db: &Database) {
        assert_eq!(batches::contents(db, UNIVERSE).unwrap(), *self);
    }
}

fn write(run: &mut Run<Rows>, batch: Batch) {
    let mut prepared = batch.prepare();
    run.call(|db| prepared.run(db));
    assert!(batch.apply(&mut run.model));
}

fn row(n: u64, key: u64) -> Row {
    Row {
        vector: mix(n, 5).to_le_bytes(),
        key: Some(key as u16),
        meta: (!n.is_multiple_of(6)).then_some((n % 50) as u8),
    }
}

fn records(ids: std::ops::Range<u64>, version: u64, keys: bool, meta: bool) -> Batch {
    Batch::Records { rows: ids.map(|id| (id, row(id + (version << 20), id))).collect(), keys, meta }
}

/// Searches, cursors, groups and reads.
fn ask(run: &mut Run<Rows>) {
    let below = 30;
    let query: [u8; batches::DIM] = mix(1, 1).to_le_bytes();
    let vectors = || Vectors::u8(&query, batches::DIM).unwrap();
    let filter = Filter::parse(&format!("n < {below} and pad is not null")).unwrap();
    let metas: Vec<u8> = run.model.values().filter_map(|row| row.meta).filter(|&n| n < below).collect();
    let passing = metas.len();
    assert_eq!(run.call(|db| db.count_passing(&filter)), passing as u64);
    let (mut ids, mut distances, mut counts) = (vec![0; 2000], vec![0.0; 2000], vec![0; 60]);
    for exact in [false, true] {
        let params = SearchParams { exact, filter: Some(filter.clone()), ..SearchParams::default() };
        for k in [1500, 12] {
            run.call(|db| {
                let hits = Hits { ids: &mut ids[..k], distances: &mut distances[..k], counts: &mut counts[..1] };
                db.search(vectors(), k, &params, hits)
            });
            assert_eq!(counts[0] as usize, passing.min(k));
        }
        assert_eq!(run.call(|db| gone_through(&mut db.cursor(vectors(), &params)?)), passing);
        let groups = run.call(|db| {
            let hits = Hits { ids: &mut ids[..1200], distances: &mut distances[..1200], counts: &mut counts };
            db.search_groups(vectors(), "n", 20, &params, hits)
        });
        assert_eq!(groups.1, metas.iter().collect::<BTreeSet<_>>().len());
    }
    assert_eq!(run.call(|db| gone_through(&mut db.scan(Some(&filter))?)), passing);
}

fn read(run: &mut Run<Rows>) {
    let ids: Vec<u64> = (0..UNIVERSE).collect();
    let (mut bytes, mut offsets) = (vec![0; 1 << 20], vec![0; ids.len() + 1]);
    run.call(|db| db.meta_batch(&ids, &mut TextBuffer { bytes: &mut bytes, offsets: &mut offsets }));
    run.call(|db| db.keys_of_ids(&ids, &mut TextBuffer { bytes: &mut bytes, offsets: &mut offsets }));
    let keys = texts(&(0..UNIVERSE as u16).map(texts::key).collect::<Vec<_>>());
    let mut found = vec![0; UNIVERSE as usize];
    run.call(|db| db.ids_of_keys(&keys, &mut found));
}

/// The whole life with the `n`-th request failing; whether one did.
pub fn scenario(source: Source, n: u64) -> bool {
    let mut run = Run::new(source, Rows::new(), n);
    write(&mut run, records(0..700, 0, true, true));
    run.call(|db| db.wait_indexed(None));
    write(&mut run, Batch::Keyed { rows: (600..900).map(|n| row(n, n + 250)).collect(), above: UNIVERSE });
    ask(&mut run);
    write(&mut run, records(100..650, 1, true, false));
    write(&mut run, records(50..600, 2, false, true));
    write(&mut run, Batch::Upsert((20..600).map(|id| (id, mix(id, 9).to_le_bytes())).collect()));
    write(&mut run, Batch::Meta((0..600).map(|id| (id, (id % 3 > 0).then_some((id % 40) as u8))).collect()));
    write(&mut run, Batch::MetaBelow(20, Some(25)));
    run.call(|db| db.wait_indexed(None));
    run.call(|db| db.checkpoint(None));
    write(&mut run, Batch::DeleteKeys((0..600).collect()));
    write(&mut run, records(0..550, 3, true, true));
    write(&mut run, Batch::DeleteBelow(4));
    read(&mut run);
    run.call(Database::sync);
    run.verify();
    run.end()
}
