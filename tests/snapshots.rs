//! Snapshots: the same question gets the same answer whatever is written, deleted, linked,
//! checkpointed and compacted meanwhile (promise P17).

use std::collections::BTreeMap;
use std::path::Path;
use vdb::{Database, ErrorKind, Filter, Hits, Options, Records, Scalar, SearchParams, Snapshot, Texts, Vectors};

const DIM: usize = 8;

fn options() -> Options {
    Options::new().dim(DIM as u32).graph_min_rows(500).threads(2)
}

/// Chunks of 64 rows, so that compaction has something to do.
fn open(path: Option<&Path>, options: &Options) -> Database {
    let storage = path.map(|path| Box::new(vdb::storage::OsStorage::open(path, true, true).unwrap()) as _);
    Database::open_on(storage, options, Some(6)).unwrap()
}

fn row(id: u64, version: u64) -> Vec<f32> {
    (0..DIM as u64).map(|i| (vdb::util::hash::mix(id * 31 + version, i) % 1000) as f32).collect()
}

fn put(db: &Database, ids: std::ops::Range<u64>, version: u64) {
    let ids: Vec<u64> = ids.collect();
    let values: Vec<f32> = ids.iter().flat_map(|&id| row(id, version)).collect();
    db.upsert_batch(&ids, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
}

fn params(snapshot: Option<&Snapshot>) -> SearchParams {
    SearchParams { snapshot: snapshot.cloned(), ..SearchParams::default() }
}

/// Ids and distances of the nearest 20 of some queries, by what `params` say.
fn answers(db: &Database, params: &SearchParams) -> Vec<(Vec<u64>, Vec<f32>)> {
    let ask = |q: u64| {
        let (mut ids, mut distances, mut counts) = (vec![0; 20], vec![0.0; 20], [0]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search(Vectors::f32(&row(q, 99), DIM).unwrap(), 20, params, hits).unwrap();
        (ids, distances)
    };
    (0..10).map(ask).collect()
}

/// All rows of a state, by point reads.
fn contents(db: &Database, snapshot: Option<&Snapshot>) -> BTreeMap<u64, Vec<u8>> {
    let ids: Vec<u64> = (0..4000).collect();
    let (mut out, mut found) = (vec![0; ids.len() * DIM * 4], vec![0; ids.len()]);
    db.get_batch_at(snapshot, &ids, Scalar::F32, &mut out, 0, &mut found).unwrap();
    let rows = ids.iter().zip(out.chunks(DIM * 4)).filter(|(id, _)| found[**id as usize] == 1);
    rows.map(|(&id, bytes)| (id, bytes.to_vec())).collect()
}

fn stays_the_same(path: Option<&Path>) {
    let db = open(path, &options());
    put(&db, 0..1500, 0);
    db.wait_indexed(None).unwrap();
    put(&db, 1500..1600, 0);
    let snapshot = db.snapshot();
    let exact = SearchParams { exact: true, ..params(Some(&snapshot)) };
    let some = Filter::ids(&(0..1600).step_by(3).collect::<Vec<_>>(), true).unwrap();
    let filtered = SearchParams { filter: Some(some.clone()), ..params(Some(&snapshot)) };
    let look = || {
        (
            answers(&db, &params(Some(&snapshot))),
            answers(&db, &exact),
            answers(&db, &filtered),
            contents(&db, Some(&snapshot)),
            (db.count_at(Some(&snapshot), None).unwrap(), db.count_at(Some(&snapshot), Some(&some)).unwrap()),
        )
    };
    let before = look();
    assert_eq!((before.3.len(), before.4), (1600, (1600, 534)));
    assert_eq!(before.0, answers(&db, &params(None)), "the newest state, still");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..6 {
                put(&db, round * 200..round * 200 + 800, round);
                db.delete_batch(&(round * 150..round * 150 + 300).collect::<Vec<_>>()).unwrap();
                db.checkpoint(None).unwrap();
                db.wait_indexed(None).unwrap();
            }
        });
        while !writer.is_finished() {
            assert!(look() == before, "a snapshot changed beside a writer");
        }
        writer.join().unwrap();
    });
    assert!(look() == before, "a snapshot changed");
    let stats = db.stats().unwrap();
    assert!(stats.compactions > 0 && (path.is_none() || stats.checkpoints > 3), "{stats:?}");
    assert_ne!(contents(&db, None), before.3);
    // With one filter the newest state and the snapshot take turns.
    let newest = SearchParams { filter: Some(some), ..params(None) };
    let now = answers(&db, &newest);
    for _ in 0..3 {
        assert!(answers(&db, &newest) == now && answers(&db, &filtered) == before.2);
    }
}

#[test]
fn a_snapshot_stays_the_same_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    stays_the_same(Some(dir.path()));
}

#[test]
fn a_snapshot_stays_the_same_in_memory() {
    stays_the_same(None);
}

#[test]
fn range_searches_and_recall_look_at_the_snapshot() {
    let db = open(None, &options());
    put(&db, 0..100, 0);
    let snapshot = db.snapshot();
    put(&db, 0..100, 1);
    let (mut ids, mut distances) = ([0; 1], [0.0; 1]);
    let query = row(7, 0);
    let mut nearest = |params: &SearchParams| {
        db.search_range(Vectors::f32(&query, DIM).unwrap(), 0.0, params, &mut ids, &mut distances).unwrap().1
    };
    assert_eq!((nearest(&params(Some(&snapshot))), nearest(&params(None))), (1, 0));
    let measured = db.measure_recall_of_rows(10, 5, &params(Some(&snapshot)), None).unwrap();
    assert_eq!(measured.recall, 1.0);
    let queries = Vectors::f32(&query, DIM).unwrap();
    assert_eq!(db.measure_recall(queries, 5, &params(Some(&snapshot)), None).unwrap().queries, 1);
}

/// Every way to ask that takes parameters.
#[test]
fn cursors_and_all_other_searches_look_at_the_snapshot() {
    let db = open(None, &options());
    put(&db, 0..800, 0);
    db.wait_indexed(None).unwrap();
    let snapshot = db.snapshot();
    let at = params(Some(&snapshot));
    let query = row(5, 3);
    let ask = |params: &SearchParams| {
        let query = Vectors::f32(&query, DIM).unwrap();
        let mut found: Vec<(u64, f32)> = Vec::new();
        let mut cursor = db.cursor(query, params).unwrap();
        let (mut ids, mut distances) = ([0; 7], [0.0; 7]);
        while let vdb::Page::Rows(count) = cursor.next_page(&mut ids, Some(&mut distances)).unwrap() {
            found.extend(ids.into_iter().zip(distances).take(count));
        }
        let mut note =
            |ids: &[u64], distances: &[f32]| found.extend(ids.iter().copied().zip(distances.iter().copied()));
        let (mut ids, mut distances, mut counts) = ([0; 10], [0.0; 10], [0; 2]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search_ids(&[3, 700], 5, params, hits).unwrap();
        note(&ids, &distances);
        db.recommend(&[3, 4], &[9], params, &mut ids, &mut distances).unwrap();
        note(&ids, &distances);
        db.search_diverse(query, 50, 0.5, params, &mut ids, &mut distances).unwrap();
        note(&ids, &distances);
        let mut sources = [0; 10];
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        vdb::search_many(&[&db], query, 10, params, hits, &mut sources).unwrap();
        note(&ids, &distances);
        found
    };
    let before = ask(&at);
    assert!(before == ask(&params(None)) && before.len() == 800 + 40);
    put(&db, 0..800, 7);
    put(&db, 800..900, 0);
    assert!(ask(&at) == before && ask(&params(None)) != before);
    let explained = |params: &SearchParams| db.explain(Vectors::f32(&query, DIM).unwrap(), 3, params).unwrap();
    assert!(explained(&at).contains("\"lsn\":1,") && explained(&params(None)).contains("\"lsn\":3,"));
    db.delete_batch(&(0..850).collect::<Vec<_>>()).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(ask(&at) == before);
    // One snapshot is that of one database.
    let other = open(None, &options());
    let (mut ids, mut distances, mut counts) = ([0; 1], [0.0; 1], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let query = Vectors::f32(&query, DIM).unwrap();
    let error = vdb::search_many(&[&db, &other], query, 1, &at, hits, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(error.message().contains("database 1"), "{error}");
    assert_eq!(other.cursor(query, &at).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(other.explain(query, 1, &at).unwrap_err().kind(), ErrorKind::Mismatch);
    // A cursor has the state, not the snapshot.
    let mut cursor = db.cursor(query, &at).unwrap();
    drop((snapshot, at));
    assert_eq!(db.stats().unwrap().snapshots, 0);
    assert_eq!(cursor.next_page(&mut [0; 800], None).unwrap(), vdb::Page::Rows(800));
}

#[test]
fn keys_and_metadata_stay_in_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(Some(dir.path()), &options());
    let put = |version: u64| {
        let (mut keys, mut meta, mut ends) = (String::new(), String::new(), (vec![0], vec![0]));
        for id in 0..300 {
            keys += &format!("key{id}-{version}");
            meta += &format!("{{\"v\":{version},\"id\":{id}}}");
            ends.0.push(keys.len() as u64);
            ends.1.push(meta.len() as u64);
        }
        let keys = Some(Texts::new(keys.as_bytes(), &ends.0).unwrap());
        let meta = Some(Texts::new(meta.as_bytes(), &ends.1).unwrap());
        let values: Vec<f32> = (0..300).flat_map(|id| row(id, version)).collect();
        let records = Records { keys, meta };
        let mut ids: Vec<u64> = (0..300).collect();
        db.upsert_records(&mut ids, Vectors::f32(&values, DIM).unwrap(), &records, None).unwrap();
    };
    put(1);
    let snapshot = db.snapshot();
    let old = Filter::parse("v = 1 and id < 100").unwrap();
    let look = |snapshot: Option<&Snapshot>| {
        let (mut bytes, mut offsets) = (vec![0; 40], [0; 2]);
        let mut text = |keys: bool| {
            let out = &mut vdb::TextBuffer { bytes: &mut bytes, offsets: &mut offsets };
            if keys { db.keys_of_ids_at(snapshot, &[7], out) } else { db.meta_batch_at(snapshot, &[7], out) }.unwrap();
            String::from_utf8(bytes[..offsets[1] as usize].to_vec()).unwrap()
        };
        let texts = (text(true), text(false));
        let mut ids = [0; 2];
        db.ids_of_keys_at(snapshot, &Texts::new(b"key9-1key9-2", &[0, 6, 12]).unwrap(), &mut ids).unwrap();
        (texts, ids, db.count_at(snapshot, Some(&old)).unwrap())
    };
    let before = look(Some(&snapshot));
    assert_eq!(before, (("key7-1".into(), "{\"v\":1,\"id\":7}".into()), [9, vdb::ID_NONE], 100));
    for version in 2..5 {
        put(version);
        db.checkpoint(None).unwrap();
        db.delete_batch(&(0..150).collect::<Vec<_>>()).unwrap();
        db.wait_indexed(None).unwrap();
        assert_eq!(look(Some(&snapshot)), before);
        assert_eq!(look(None).2, 0);
    }
    let other = open(None, &options());
    let refused = other.ids_of_keys_at(Some(&snapshot), &Texts::new(b"a", &[0, 1]).unwrap(), &mut [0]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Mismatch);
}

#[test]
fn a_snapshot_serves_the_handle_it_was_made_from() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(Some(dir.path()), &options());
    put(&db, 0..10, 0);
    let snapshot = db.snapshot();
    assert_eq!((snapshot.lsn(), db.stats().unwrap().snapshots), (1, 1));
    let other = open(None, &options());
    let refused = |db: &Database| {
        let query = row(0, 0);
        let (mut ids, mut distances, mut counts) = ([0; 1], [0.0; 1], [0]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        let query = Vectors::f32(&query, DIM).unwrap();
        let search = db.search(query, 1, &params(Some(&snapshot)), hits).unwrap_err();
        let count = db.count_at(Some(&snapshot), None).unwrap_err();
        let get = db.get_batch_at(Some(&snapshot), &[1], Scalar::F32, &mut [0; DIM * 4], 0, &mut [0]).unwrap_err();
        let recall = db.measure_recall_of_rows(1, 1, &params(Some(&snapshot)), None).unwrap_err();
        [search, count, get, recall].iter().all(|e| e.kind() == ErrorKind::Mismatch)
    };
    assert!(refused(&other));
    // Closing waits for no snapshot, and gives the directory up.
    db.close().unwrap();
    let db = open(Some(dir.path()), &options());
    assert!(refused(&db), "of the handle of before");
    assert_eq!(db.stats().unwrap().snapshots, 0);
    drop(snapshot);
    assert_eq!(db.count().unwrap(), 10);
}

#[test]
fn what_a_snapshot_keeps_shows_and_goes_with_it() {
    let db = open(None, &options());
    put(&db, 0..2000, 0);
    db.wait_indexed(None).unwrap();
    let (snapshot, copy) = (db.snapshot(), db.snapshot());
    db.delete_batch(&(0..1990).collect::<Vec<_>>()).unwrap();
    db.wait_indexed(None).unwrap();
    let kept = db.stats().unwrap();
    assert_eq!(kept.snapshots, 2);
    drop(copy);
    drop(snapshot);
    let left = db.stats().unwrap();
    assert_eq!(left.snapshots, 0);
    assert!(left.bytes_memory < kept.bytes_memory, "{} of {} bytes", left.bytes_memory, kept.bytes_memory);
}

#[test]
fn a_reader_keeps_a_state_beside_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(Some(dir.path()), &options());
    put(&writer, 0..600, 0);
    writer.checkpoint(None).unwrap();
    let reader = open(Some(dir.path()), &Options::new().read_only(true));
    let snapshot = reader.snapshot();
    let before = (answers(&reader, &params(Some(&snapshot))), contents(&reader, Some(&snapshot)));
    for version in 1..4 {
        put(&writer, 0..600, version);
        writer.wait_indexed(None).unwrap();
        writer.checkpoint(None).unwrap();
        reader.refresh().unwrap();
        assert_ne!(contents(&reader, None), before.1);
        assert!((answers(&reader, &params(Some(&snapshot))), contents(&reader, Some(&snapshot))) == before);
    }
}

#[test]
fn vectors_given_up_stay_in_a_snapshot_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let drop_them = options().quant(vdb::Quant::Sq8).originals(vdb::Originals::Drop);
    let db = open(Some(dir.path()), &drop_them);
    put(&db, 0..1000, 0);
    let snapshot = db.snapshot();
    let before = (contents(&db, Some(&snapshot)), answers(&db, &params(Some(&snapshot))));
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    assert!(db.stats().unwrap().decoded > 0);
    assert_ne!(contents(&db, None), before.0);
    assert!((contents(&db, Some(&snapshot)), answers(&db, &params(Some(&snapshot)))) == before);
}
