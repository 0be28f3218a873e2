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
