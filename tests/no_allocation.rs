//! In the steady state a search allocates nothing: its working memory comes
//! from a pool. Counted by the allocator itself.

mod common;

use common::shapes::Shape;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use vdb::{Database, Hits, Metric, Options, Quant, Scalar, SearchParams};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system allocator, counting the calls of each thread.
struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn a_search_in_the_steady_state_allocates_nothing() {
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0, "the counter counts");
    // The last one has no graph, and sketches as soon as the thread has made them.
    let cases = [
        (Metric::Cosine, Scalar::F32, 4000, 2000, false),
        (Metric::L2sq, Scalar::U8, 4000, 2000, false),
        (Metric::Ip, Scalar::F16, 4000, 2000, false),
        (Metric::L2sq, Scalar::F32, 500, 2000, false),
        (Metric::L2sq, Scalar::F32, 4000, 2000, true),
        (Metric::L2sq, Scalar::F32, 6000, 10_000, false),
    ];
    let short = [Quant::Sq4, Quant::Pq, Quant::Rabitq];
    let cases = cases.into_iter().map(|case| (case, Quant::Auto));
    let cases = cases.chain(short.map(|quant| ((Metric::Cosine, Scalar::F32, 4000, 2000, false), quant)));
    for ((metric, scalar, count, graph_min_rows, exact), quant) in cases {
        // Few enough that no threads share them.
        let (rows, queries) = Shape::Clusters.rows(scalar, 64, count, 30);
        let options = Options::new().dim(64).metric(metric).scalar(scalar).quant(quant).graph_min_rows(graph_min_rows);
        let db = Database::open(None, &options).unwrap();
        common::fill(&db, &rows);
        let params = SearchParams { exact, ..SearchParams::default() };
        let (mut ids, mut distances, mut counts) = (vec![0; 300], vec![0.0; 300], vec![0; 30]);
        let mut search = || {
            let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
            db.search(queries.vectors(), 10, &params, hits).unwrap();
        };
        let compared = || db.stats().unwrap().distance_computations;
        loop {
            let before = compared();
            search();
            if count < 6000 || compared() - before < 30 * 3000 {
                break;
            }
        }
        search();
        let allocated = allocations(search);
        assert_eq!(allocated, 0, "{metric:?} {scalar:?} {quant:?}, {count} rows, exact {exact}");
        assert!(counts.iter().all(|&c| c == 10));
    }
}

#[test]
fn nor_does_a_search_through_the_c_interface_whose_count_nobody_wants() {
    use ::vdb::capi::*;
    use std::ptr::null_mut;
    let no_error = null_mut();
    let rows: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let ids: Vec<u64> = (0..10).collect();
    // SAFETY: R2, R3 and R9: all pointers are to memory of the sizes that are said, or NULL where that is allowed, which
    // the zeros in the parameters are.
    unsafe {
        let (mut options, mut db) = (null_mut(), null_mut());
        assert_eq!(vdb_options_new(&mut options, no_error), 0);
        assert_eq!(vdb_options_set_u64(options, vdb_option::VDB_OPT_DIM as u32, 4, no_error), 0);
        assert_eq!(vdb_open(std::ptr::null(), options, &mut db, no_error), 0);
        vdb_options_free(options);
        let f32s = vdb_scalar::VDB_SCALAR_F32 as u32;
        let rows = rows.as_ptr().cast();
        assert_eq!(vdb_insert_batch(db, ids.as_ptr(), rows, 10, 4, 0, f32s, null_mut(), no_error), 0);
        let size = size_of::<vdb_search_params_t>() as u32;
        let params = vdb_search_params_t { struct_size: size, ..std::mem::zeroed() };
        let (mut found, mut distances) = ([0; 3], [0.0; 3]);
        let mut search = |params| {
            let (ids, distances) = (found.as_mut_ptr(), distances.as_mut_ptr());
            assert_eq!(vdb_search(db, rows, 1, 4, 0, 3, params, ids, distances, null_mut(), no_error), 0);
        };
        search(std::ptr::null());
        assert_eq!(allocations(|| search(std::ptr::null())), 0);
        assert_eq!(allocations(|| search(&params)), 0);
        assert_eq!((found, distances), ([0, 1, 2], [0.0, 64.0, 256.0]));
        assert_eq!(vdb_close(db, no_error), 0);
    }
}
