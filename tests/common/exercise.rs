//! What a program does with a database that may hold anything: everything. Nothing may
//! panic, read elsewhere or go on for ever; errors are as good as answers.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use super::texts::{self, texts};
use vdb::storage::sim::SimStorage;
use vdb::{
    CheckLevel, Cursor, Database, Error, ErrorKind, Filter, Hits, ID_NONE, Options, Page, Records, SearchParams,
    TextBuffer, Vectors,
};

/// A failure that bytes from outside may cause. The others are failures of the library
/// itself: a panic in the background, caught and told, among them.
pub fn allowed<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    assert!(![ErrorKind::Internal, ErrorKind::NoMemory].contains(&error.kind()), "{:?} {error}", error.kind());
    None
}

/// Opens the database on `disk` and does everything with it; tells whether it could be opened.
pub fn live(disk: &SimStorage, options: &Options, level: CheckLevel, abandon: bool) -> bool {
    let opened = allowed(Database::open_on(Some(Box::new(disk.clone())), options, None));
    opened.map(|db| everything(db, level, abandon)).is_some()
}

/// Reads, writes, checks a database up to `level`, and closes or abandons it.
pub fn everything(db: Database, level: CheckLevel, abandon: bool) {
    look(&db);
    if allowed(write(&db)).is_some() {
        look(&db);
    }
    allowed(db.check(level, None));
    if abandon {
        db.abandon();
    } else {
        allowed(db.close());
    }
}

/// Reads everything in every way.
fn look(db: &Database) {
    const K: usize = 12;
    let settings = db.settings();
    let (scalar, dim) = (settings.scalar, settings.dim as usize);
    let query = vec![0x41; scalar.row_bytes(dim)];
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
    for (exact, ef) in [(true, 0), (false, 0), (false, 300)] {
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        let query = Vectors::new(&query, scalar, dim, 1, 0).expect("one row of the right length");
        let params = SearchParams { exact, ef, ..SearchParams::default() };
        if allowed(db.search(query, K, &params, hits)).is_some() {
            assert!(counts[0] as usize <= K);
        }
    }
    let query = Vectors::new(&query, scalar, dim, 1, 0).expect("one row of the right length");
    for params in [false, true].map(|exact| SearchParams { exact, ..SearchParams::default() }) {
        allowed(db.cursor(query, &params).and_then(go_through));
        let hits = Hits { ids: &mut [0; 2 * K], distances: &mut [0.0; 2 * K], counts: &mut [0; K] };
        allowed(db.search_ids(&ids, 2, &params, hits));
        allowed(db.search_diverse(query, 40, 0.5, &params, &mut ids, &mut distances));
        allowed(db.recommend(&ids[..3], &ids[4..6], &params, &mut [0; K], &mut [0.0; K]));
    }
    allowed(db.scan(None).and_then(go_through));
    look_at_records(db, query, &ids);
    allowed(db.get_batch(&ids, scalar, &mut vec![0; query.row_bytes() * K], 0, &mut [0; K]));
    allowed(db.count());
    allowed(db.stats());
    allowed(db.refresh());
}

/// Reads keys and metadata, and asks for rows by them.
fn look_at_records(db: &Database, query: Vectors<'_>, ids: &[u64; 12]) {
    let all: Vec<u64> = (0..300).chain(*ids).collect();
    let (mut bytes, mut offsets) = (vec![0; 1 << 17], vec![0; all.len() + 1]);
    let mut out = TextBuffer { bytes: &mut bytes, offsets: &mut offsets };
    allowed(db.meta_batch(&all, &mut out));
    allowed(db.keys_of_ids(&all, &mut out));
    let keys: Vec<String> = (0..250).map(texts::key).collect();
    allowed(texts::ids_of(db, &keys));
    for text in ["n < 100", "n = 7 or even = true", "pad starts with 'x' and n not in (1, 2, 3)"] {
        let filter = Filter::parse(text).expect("a filter");
        allowed(db.count_passing(&filter));
        allowed(db.scan(Some(&filter)).and_then(go_through));
        for exact in [false, true] {
            let params = SearchParams { exact, filter: Some(filter.clone()), ..SearchParams::default() };
            let hits = Hits { ids: &mut [0; 12], distances: &mut [0.0; 12], counts: &mut [0; 1] };
            allowed(db.search(query, 12, &params, hits));
            allowed(db.cursor(query, &params).and_then(go_through));
        }
    }
    let hits = Hits { ids: &mut [0; 12], distances: &mut [0.0; 12], counts: &mut [0; 4] };
    allowed(db.search_groups(query, "n", 3, &SearchParams::default(), hits));
}

/// To the end, which comes.
fn go_through(mut cursor: Cursor) -> vdb::Result<()> {
    while cursor.next_page(&mut [0; 50], None)? != Page::Done {}
    Ok(())
}

fn write(db: &Database) -> vdb::Result<()> {
    let settings = db.settings();
    let (scalar, dim) = (settings.scalar, settings.dim as usize);
    let rows = vec![0x40; scalar.row_bytes(dim) * 3];
    db.upsert_batch(&[3, 10, 1 << 40], Vectors::new(&rows, scalar, dim, 3, 0)?, None)?;
    let records = Records { keys: Some(texts(&[texts::key(5), texts::key(9), texts::key(200)])), meta: None };
    allowed(db.upsert_records(&mut [ID_NONE; 3], Vectors::new(&rows, scalar, dim, 3, 0)?, &records, None));
    allowed(db.update_meta_batch(&[1, 3, 8, 77], &texts(&[&texts::meta(3)[..], "", "{\"n\": [1]}", "{}"])));
    allowed(db.update_meta_where(&Filter::parse("n < 20")?, texts::meta(33).as_bytes(), None));
    allowed(db.delete_keys(&texts(&[texts::key(5), texts::key(11)])));
    allowed(db.delete_where(&Filter::parse("n > 120 and n < 130")?, None));
    db.delete_batch(&(0..60).map(|i| i * 7 + 3).collect::<Vec<_>>())?;
    db.wait_indexed(None)?;
    db.checkpoint(None)
}
