//! The n-th allocation fails, for every n (promise P9): the call that needed
//! it says so, nothing has changed, the next try works, and nothing aborts.
//!
//! Once for what goes through Rust's allocator, from 4 KiB on: memory whose
//! size a caller or the data decides. Smaller pieces are the standard
//! library's own (names, lists with an entry per thread, file or chunk), where
//! Rust ends the process; they are not covered. And once for every request to
//! the budget, which is asked before each block of rows is made. Both with rows
//! of vectors alone and (`records`) of rows with keys and metadata.

#[path = "../common/mod.rs"]
mod common;
mod records;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use vdb::arena::Budget;
use vdb::storage::OsStorage;
use vdb::{
    CheckLevel, Cursor, Database, ErrorKind, Hits, Options, Page, Quant, Result, Scalar, SearchParams, Vectors,
    search_many,
};

/// Allocations below are not counted.
const LARGE: usize = 4096;

/// Counts down to the allocation that fails; 0 = none does.
static FAIL_IN: AtomicU64 = AtomicU64::new(0);

struct Failing;

impl Failing {
    fn fails(size: usize) -> bool {
        size >= LARGE && FAIL_IN.load(SeqCst) > 0 && FAIL_IN.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)) == Ok(1)
    }
}

// SAFETY: every call is passed on to the system allocator unchanged, or answered
// with the null pointer that stands for "no memory".
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if Failing::fails(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Failing::fails(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if Failing::fails(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// One test at a time: the allocator is the whole program's.
static ALONE: Mutex<()> = Mutex::new(());

/// How large things are: many short rows, or few long ones.
#[derive(Clone, Copy)]
struct Size {
    dim: usize,
    unit: u64,
}

const SIZES: [Size; 2] = [Size { dim: 32, unit: 100 }, Size { dim: 1100, unit: 15 }];

/// What is made to fail.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Allocator,
    Budget,
}

/// What should be in a database.
trait Model {
    fn options(&self) -> Options;
    /// Every row, and nothing else, is there.
    fn verify(&self, db: &Database);
}

/// A database on disk, what should be in it, and the failure that is to come.
struct Run<M> {
    dir: tempfile::TempDir,
    budget: Budget,
    source: Source,
    model: M,
    db: Option<Database>,
    /// Requests until the one that fails.
    left: u64,
    failed: bool,
}

/// Vectors alone: of each row the version.
struct Plain {
    size: Size,
    rows: BTreeMap<u64, u64>,
}

/// The vector of version `version` of a row.
fn vector(id: u64, version: u64, dim: usize) -> impl Iterator<Item = f32> {
    (0..dim as u64).map(move |d| (vdb::util::hash::mix((id << 20) + (version << 16) + d, 7) % 512) as f32)
}

/// Writes the rows `ids`, counted in units.
fn insert(run: &mut Run<Plain>, ids: std::ops::Range<u64>, version: u64) {
    let Size { dim, unit } = run.model.size;
    let ids: Vec<u64> = (ids.start * unit..ids.end * unit).rev().collect();
    let values: Vec<f32> = ids.iter().flat_map(|&id| vector(id, version, dim)).collect();
    run.call(|db| db.upsert_batch(&ids, Vectors::f32(&values, dim)?, None));
    run.model.rows.extend(ids.iter().map(|&id| (id, version)));
}

impl Model for Plain {
    fn options(&self) -> Options {
        let options = Options::new().dim(self.size.dim as u32).scalar(Scalar::F16).quant(Quant::Sq8).threads(1);
        options.graph_min_rows(self.size.unit).m(8).ef_construction(40)
    }

    fn verify(&self, db: &Database) {
        assert_eq!(db.count().unwrap(), self.rows.len() as u64);
        let Size { dim, unit } = self.size;
        let ids: Vec<u64> = (0..10 * unit).collect();
        let (mut rows, mut found) = (vec![0.0f32; ids.len() * dim], vec![0; ids.len()]);
        db.get_batch(&ids, Scalar::F32, bytemuck::cast_slice_mut(&mut rows), 0, &mut found).unwrap();
        for (&id, row) in ids.iter().zip(rows.chunks(dim)) {
            match self.rows.get(&id) {
                Some(&version) => assert!(found[id as usize] == 1 && row.iter().copied().eq(vector(id, version, dim))),
                None => assert_eq!(found[id as usize], 0, "row {id}"),
            }
        }
        if let Some((&id, &version)) = self.rows.first_key_value() {
            let query: Vec<f32> = vector(id, version, dim).collect();
            let mut answer = Answer::new(1);
            answer.search(db, &query, false).unwrap();
            assert_eq!((answer.ids[0], answer.counts[0]), (id, 1));
        }
    }
}

impl<M: Model> Run<M> {
    /// A database in a directory of its own whose `left`-th request fails.
    fn new(source: Source, model: M, left: u64) -> Run<M> {
        let (budget, dir) = (Budget::default(), tempfile::tempdir().unwrap());
        let mut run = Run { dir, budget, source, model, db: None, left, failed: false };
        run.open();
        run
    }

    fn open(&mut self) {
        let storage = OsStorage::open(self.dir.path(), true, true).unwrap();
        let (budget, mut storage) = (self.budget.clone(), Some(storage));
        let open = || {
            let storage = storage.take().unwrap_or_else(|| OsStorage::open(self.dir.path(), true, true).unwrap());
            Database::open_within(Some(Box::new(storage)), &self.model.options(), None, &budget)
        };
        let opened = armed(self.source, &self.budget, &mut self.left, open);
        self.db = Some(opened.unwrap_or_else(|error| {
            self.expect_failure(&error);
            Database::open_within(
                Some(Box::new(OsStorage::open(self.dir.path(), true, true).unwrap())),
                &self.model.options(),
                None,
                &budget,
            )
            .unwrap()
        }));
        self.verify();
    }

    /// Makes a call that may fail for want of memory; then all is as before, and it works.
    fn call<T>(&mut self, mut call: impl FnMut(&Database) -> Result<T>) -> T {
        let db = self.db.take().unwrap();
        let result = armed(self.source, &self.budget, &mut self.left, || call(&db));
        self.db = Some(db);
        result.unwrap_or_else(|error| {
            self.expect_failure(&error);
            self.verify();
            call(self.db.as_ref().unwrap()).unwrap()
        })
    }

    fn expect_failure(&mut self, error: &vdb::Error) {
        let kind = if self.source == Source::Allocator { ErrorKind::NoMemory } else { ErrorKind::Limit };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(self.left == 0 && !std::mem::replace(&mut self.failed, true), "one failure was asked for: {error}");
    }

    fn verify(&self) {
        self.model.verify(self.db.as_ref().unwrap());
    }

    /// Back from the log, checked, closed, which may fail, and opened again; whether the failure came.
    fn end(mut self) -> bool {
        self.db.take().unwrap().abandon();
        self.open();
        let report = self.call(|db| db.check(CheckLevel::Recall, None));
        assert!(report.is_sound(), "{}", report.to_json());
        let mut db = self.db.take();
        let closed = armed(self.source, &self.budget, &mut self.left, || db.take().unwrap().close());
        if let Err(error) = closed {
            self.expect_failure(&error);
        }
        self.open();
        // Background work may have failed unseen; then it has been made up for.
        self.db.as_ref().unwrap().wait_indexed(None).unwrap();
        assert!(self.db.as_ref().unwrap().check(CheckLevel::Structure, None).unwrap().is_sound());
        self.left == 0
    }
}

/// Runs `work` with the failure armed; `left` is what remains of the count after it.
fn armed<T>(source: Source, budget: &Budget, left: &mut u64, mut work: impl FnMut() -> T) -> T {
    match source {
        Source::Allocator => {
            FAIL_IN.store(*left, SeqCst);
            let result = work();
            *left = FAIL_IN.swap(0, SeqCst);
            result
        }
        Source::Budget => {
            budget.refuse(*left);
            let result = work();
            *left = budget.refuse(0);
            result
        }
    }
}

/// Room for the answer to one query, made before any allocation fails.
struct Answer {
    ids: Vec<u64>,
    distances: Vec<f32>,
    counts: [u32; 1],
}

impl Answer {
    fn new(k: usize) -> Answer {
        Answer { ids: vec![0; k], distances: vec![0.0; k], counts: [0] }
    }

    fn search(&mut self, db: &Database, query: &[f32], exact: bool) -> Result<()> {
        let k = self.ids.len();
        let hits = Hits { ids: &mut self.ids, distances: &mut self.distances, counts: &mut self.counts };
        let params = SearchParams { exact, ..SearchParams::default() };
        db.search(Vectors::f32(query, query.len())?, k, &params, hits).map(drop)
    }
}

/// Number of rows of a cursor.
fn gone_through(cursor: &mut Cursor) -> Result<usize> {
    let (mut ids, mut seen) = ([0; 300], 0);
    loop {
        match cursor.next_page(&mut ids, None)? {
            Page::Rows(rows) => seen += rows,
            Page::Partial(_) => panic!("nothing stops it"),
            Page::Done => return Ok(seen),
        }
    }
}

/// Asks for rows in every way that takes memory of its own.
fn ask_otherwise(run: &mut Run<Plain>, query: &[f32]) {
    let (dim, params) = (run.model.size.dim, SearchParams::default());
    let rows: Vec<u64> = run.model.rows.keys().copied().collect();
    let (mut ids, mut distances, mut counts) = (vec![0; 2000], vec![0.0; 2000], vec![0; rows.len()]);
    let mut sources = vec![0; 2000];
    let k = 2000 / rows.len();
    run.call(|db| {
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search_ids(&rows, k, &params, hits)
    });
    run.call(|db| db.recommend(&rows[..20], &rows[30..40], &params, &mut ids[..500], &mut distances[..500]));
    run.call(|db| {
        let query = Vectors::f32(query, dim)?;
        db.search_diverse(query, 1000, 0.5, &params, &mut ids[..10], &mut distances[..10])
    });
    run.call(|db| {
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        search_many(&[db, db], Vectors::f32(query, dim)?, 1500, &params, hits, &mut sources)
    });
    assert_eq!(counts[0] as usize, 1500.min(2 * rows.len()));
}

/// The whole life of a database with the `n`-th request failing; whether one did.
fn scenario(source: Source, size: Size, n: u64) -> bool {
    let mut run = Run::new(source, Plain { size, rows: BTreeMap::new() }, n);
    insert(&mut run, 0..7, 0);
    run.call(|db| db.wait_indexed(None));
    insert(&mut run, 5..9, 1);
    let Size { dim, unit } = size;
    let gone: Vec<u64> = (unit..4 * unit).collect();
    run.call(|db| db.delete_batch(&gone));
    run.model.rows.retain(|id, _| !gone.contains(id));
    run.call(|db| db.wait_indexed(None));
    let query: Vec<f32> = vector(5, 9, dim).collect();
    for (k, exact) in [(5000, false), (5000, true), (20, false), (20, true)] {
        let mut answer = Answer::new(k);
        run.call(|db| answer.search(db, &query, exact));
        assert_eq!(answer.counts[0] as usize, k.min(run.model.rows.len()));
    }
    for exact in [false, true] {
        let params = SearchParams { exact, ..SearchParams::default() };
        let seen = run.call(|db| gone_through(&mut db.cursor(Vectors::f32(&query, dim)?, &params)?));
        assert_eq!(seen, run.model.rows.len());
    }
    assert_eq!(run.call(|db| gone_through(&mut db.scan(None)?)), run.model.rows.len());
    ask_otherwise(&mut run, &query);
    let ids: Vec<u64> = (0..20 * unit).collect();
    let (mut rows, mut found) = (vec![0u8; ids.len() * dim * 4], vec![0; ids.len()]);
    run.call(|db| db.get_batch(&ids, Scalar::F32, &mut rows, 0, &mut found));
    assert_eq!(found.iter().filter(|&&found| found == 1).count(), run.model.rows.len());
    run.call(|db| db.checkpoint(None));
    insert(&mut run, 9..10, 2);
    run.call(Database::sync);
    run.verify();
    run.end()
}

/// Lets one request in `step` of a life fail, each in a life of its own, until one gets through without.
fn one_in(step: u64, what: &str, life: impl Fn(u64) -> bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut n = 1;
    while life(n) {
        n += step;
        assert!(n < 20_000, "the scenario never gets through");
    }
    println!("{} requests of {what}, one in {step} failed once", n - 1);
    assert!(n > 20, "{n} requests: the failures do not arrive");
}

#[test]
fn any_large_allocation_may_fail() {
    SIZES
        .iter()
        .for_each(|&size| one_in(1, &format!("rows of {}", size.dim), |n| scenario(Source::Allocator, size, n)));
}

#[test]
fn any_request_to_the_budget_may_fail() {
    SIZES.iter().for_each(|&size| one_in(1, &format!("rows of {}", size.dim), |n| scenario(Source::Budget, size, n)));
}

#[test]
fn large_allocations_for_records_may_fail() {
    // A life of these takes ten times as long, and most places ask several times in it.
    one_in(4, "records", |n| records::scenario(Source::Allocator, n));
}

#[test]
fn requests_for_records_to_the_budget_may_fail() {
    one_in(2, "records", |n| records::scenario(Source::Budget, n));
}
