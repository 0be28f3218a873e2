//! Cursors: every row once and in order, in pages of any size, over every kind of database; in the state that the
//! database had, whatever happens to it; with limits on time and memory.

mod common;

use common::datasets;
use common::kinds::{self, Kind};
use common::rows::Rows;
use common::shapes::Rng;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use vdb::{
    Cursor, Database, ErrorKind, Filter, ID_NONE, Metric, Options, Page, Records, Scalar, SearchParams, Task, Texts,
    Vectors,
};

fn exactly() -> SearchParams {
    SearchParams { exact: true, ..SearchParams::default() }
}

/// One page, checked for what holds for each: places left over, order within it.
fn page(cursor: &mut Cursor, cap: usize) -> (Page, Vec<(f32, u64)>) {
    let (mut ids, mut distances) = (vec![7; cap], vec![7.0; cap]);
    let page = cursor.next_page(&mut ids, Some(&mut distances)).unwrap();
    let count = match page {
        Page::Rows(count) | Page::Partial(count) => count,
        Page::Done => 0,
    };
    assert!(cap == 0 || page != Page::Rows(0), "a page without rows and without an end");
    assert!(ids[count..].iter().all(|&id| id == ID_NONE) && distances[count..].iter().all(|&d| d == f32::INFINITY));
    let rows: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(count).collect();
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "{rows:?}");
    (page, rows)
}

/// All rows that are left, by pages of the sizes that `caps` gives in turn.
fn drain(cursor: &mut Cursor, caps: &[usize]) -> Vec<(f32, u64)> {
    let mut rows = Vec::new();
    for &cap in caps.iter().cycle() {
        match page(cursor, cap) {
            (Page::Rows(_), more) => rows.extend(more),
            (Page::Done, _) => break,
            (Page::Partial(_), _) => panic!("nothing stops it"),
        }
    }
    assert_eq!(page(cursor, 3).0, Page::Done, "the end stays the end");
    rows
}

/// The place where rows begin that come last because they were found late.
fn late_from(rows: &[(f32, u64)]) -> usize {
    let from = rows.windows(2).position(|pair| pair[0] > pair[1]).map_or(rows.len(), |i| i + 1);
    assert!(rows[from..].windows(2).all(|pair| pair[0] < pair[1]), "in order among themselves");
    from
}

fn assert_are_rows(kind: &Kind, rows: &[(f32, u64)], truth: &[(f64, u64)], what: &str) {
    assert_eq!(rows.len(), truth.len(), "{}, {what}", kind.name);
    for (&(distance, id), &(expected, _)) in rows.iter().zip(truth) {
        let own = truth.iter().find(|row| row.1 == id).unwrap_or_else(|| panic!("{}, {what}: row {id}", kind.name)).0;
        assert!(kind.is_near(distance, own), "{}, {what}: {distance} for {own}", kind.name);
        assert!(kind.is_near(distance, expected), "{}, {what}: {distance} in the place of {expected}", kind.name);
    }
    let distinct: BTreeSet<u64> = rows.iter().map(|row| row.1).collect();
    assert_eq!(distinct.len(), rows.len(), "{}, {what}", kind.name);
}

#[test]
fn every_kind_of_database_is_gone_through_in_order() {
    for kind in kinds::all() {
        let odd: Vec<u64> = kind.rows.keys().copied().filter(|id| id % 2 == 1).collect();
        let odd = Filter::ids(&odd, true).unwrap();
        for (q, caps) in [&[1000][..], &[1, 2, 40], &[7, 300]].into_iter().enumerate() {
            let query = kind.queries.slice(q, 1);
            for (filter, what) in [(None, "all"), (Some(&odd), "odd")] {
                let truth = kind.nearest(&query.values(), |id| filter.is_none() || id % 2 == 1);
                for exact in [true, false] {
                    let params = SearchParams { exact, filter: filter.cloned(), ..SearchParams::default() };
                    let mut cursor = kind.db.cursor(query.vectors(), &params).unwrap();
                    let rows = drain(&mut cursor, caps);
                    assert_eq!(late_from(&rows), rows.len(), "{}: so few rows are compared exactly", kind.name);
                    assert_are_rows(&kind, &rows, &truth, what);
                    // Bit for bit what a search finds.
                    let found = common::search(&kind.db, &query, truth.len(), &SearchParams { exact: true, ..params });
                    assert!(found[0].iter().map(|&(id, distance)| (distance, id)).eq(rows.iter().copied()));
                }
                let mut cursor = kind.db.scan(filter).unwrap();
                let expected: Vec<_> =
                    kind.rows.keys().filter(|id| filter.is_none() || *id % 2 == 1).copied().collect();
                let rows = drain(&mut cursor, caps);
                assert!(rows.iter().all(|row| row.0 == 0.0));
                assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), expected, "{}, {what}", kind.name);
            }
        }
    }
}

/// The samples in a graph: searches first, passes later.
#[test]
fn walked_pages_are_what_searches_find_and_every_row_comes_once() {
    for set in [datasets::wordnet_sample(), datasets::sift_sample()] {
        let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
        let db = Database::open(None, &options).unwrap();
        common::fill(&db, &set.rows);
        let third: Vec<u64> = (0..set.rows.count() as u64).filter(|id| id % 3 != 0).collect();
        let third = Filter::ids(&third, true).unwrap();
        let (mut late, mut all, mut right) = (0, 0, 0);
        for (q, filter) in (0..40).map(|q| (q, (q % 2 == 1).then_some(&third))) {
            let query = set.queries.slice(q, 1);
            let params = SearchParams { filter: filter.cloned(), ..SearchParams::default() };
            let truth = &common::search(&db, &query, 5000, &SearchParams { exact: true, ..params.clone() })[0];
            let before = db.stats().unwrap().distance_computations;
            let mut cursor = db.cursor(query.vectors(), &params).unwrap();
            let mut rows = page(&mut cursor, 10).1;
            let spent = db.stats().unwrap().distance_computations - before;
            assert!(filter.is_some() || spent < 3000, "the first page walks the graph: {spent} distances");
            right += rows.iter().filter(|row| truth[..10].iter().any(|true_one| true_one.0 == row.1)).count();
            rows.extend(drain(&mut cursor, &[11, 5, 200]));
            late += rows.len() - late_from(&rows);
            all += rows.len();
            let mut distances: BTreeMap<u64, f32> = truth.iter().copied().collect();
            assert_eq!(rows.len(), truth.len());
            assert!(rows.iter().all(|(distance, id)| distances.remove(id) == Some(*distance)), "each once");
        }
        println!("{right} of 400 on the first page, {late} of {all} rows come late");
        assert!(right >= 388, "{right} of the 400 nearest on first pages");
        assert!(late * 2000 <= all, "{late} of {all} rows were missed by the first searches");
    }
}

/// A graph that leads to few of the rows near a query: what it misses comes last, in pages of its own.
#[test]
fn what_a_poor_graph_misses_comes_last() {
    let (rows, queries) = common::shapes::Shape::TightClusters.rows(Scalar::F32, 8, 12_000, 10);
    let options = Options::new().dim(8).m(2).ef_construction(8).graph_min_rows(1000);
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, &rows);
    let mut late = 0;
    for q in 0..10 {
        let query = queries.slice(q, 1);
        let truth = &common::search(&db, &query, 12_000, &exactly())[0];
        let mut cursor = db.cursor(query.vectors(), &SearchParams { ef: 1, ..SearchParams::default() }).unwrap();
        let (mut found, mut is_late, mut last) = (BTreeMap::new(), false, (f32::NEG_INFINITY, 0));
        loop {
            let (end, rows) = page(&mut cursor, 50);
            if end == Page::Done {
                break;
            }
            if rows[0] < last {
                assert!(!is_late, "only once does it begin anew");
                is_late = true;
            }
            late += if is_late { rows.len() } else { 0 };
            last = rows[rows.len() - 1];
            found.extend(rows.into_iter().map(|(distance, id)| (id, distance)));
        }
        assert!(found.into_iter().eq(truth.iter().copied().collect::<BTreeMap<_, _>>()));
    }
    println!("{late} rows came late");
    assert!(late > 0, "the graph was not poor enough to test anything");
}

#[test]
fn nothing_that_happens_to_the_database_changes_a_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = common::shapes::Shape::Clusters.rows(Scalar::F32, 16, 6000, 2);
    let options = Options::new().dim(16).graph_min_rows(500).compact_ratio(0.1);
    let db = Database::open(Some(dir.path()), &options).unwrap();
    common::fill(&db, &rows);
    let filter = Filter::ids(&(0..3000).collect::<Vec<_>>(), true).unwrap();
    let filtered = SearchParams { filter: Some(filter.clone()), ..SearchParams::default() };
    let whole = |db: &Database, params: &SearchParams| {
        common::search(db, &queries.slice(0, 1), 6000, &SearchParams { exact: true, ..params.clone() }).remove(0)
    };
    let (all, some) = (whole(&db, &SearchParams::default()), whole(&db, &filtered));
    let query = queries.slice(0, 1);
    let mut cursors = [
        db.cursor(query.vectors(), &exactly()).unwrap(),
        db.cursor(query.vectors(), &SearchParams::default()).unwrap(),
        db.cursor(query.vectors(), &filtered).unwrap(),
    ];
    let mut by_id = db.scan(Some(&filter)).unwrap();
    let mut seen: Vec<Vec<(f32, u64)>> = cursors.iter_mut().map(|cursor| page(cursor, 20).1).collect();
    let mut ids = page(&mut by_id, 20).1;
    let mut more = |seen: &mut Vec<Vec<(f32, u64)>>, ids: &mut Vec<(f32, u64)>| {
        for (cursor, seen) in cursors.iter_mut().zip(seen) {
            seen.extend(page(cursor, 500).1);
        }
        ids.extend(page(&mut by_id, 500).1);
    };
    // Replaced, deleted, consolidated, compacted; the filter is used on newer states.
    let gone: Vec<u64> = (0..6000).filter(|id| id % 3 != 0).collect();
    db.delete_batch(&gone).unwrap();
    db.upsert_batch(&[0, 3, 9999], rows.slice(10, 3).vectors(), None).unwrap();
    more(&mut seen, &mut ids);
    db.wait_indexed(None).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 1000);
    db.checkpoint(None).unwrap();
    more(&mut seen, &mut ids);
    // Closed, and written by another.
    db.close().unwrap();
    more(&mut seen, &mut ids);
    let db = Database::open(Some(dir.path()), &options).expect("the lock went with the database");
    db.delete_batch(&(0..10_000).collect::<Vec<_>>()).unwrap();
    db.checkpoint(None).unwrap();
    db.close().unwrap();
    while seen[1].len() < 6000 {
        more(&mut seen, &mut ids);
    }
    for ((seen, truth), is_exact) in seen.iter_mut().zip([&all, &all, &some]).zip([true, false, false]) {
        let mut truth: Vec<(f32, u64)> = truth.iter().map(|&(id, distance)| (distance, id)).collect();
        if !is_exact {
            seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
            truth.sort_by(|a, b| a.partial_cmp(b).unwrap());
        }
        assert!(*seen == truth);
    }
    assert!(ids.into_iter().map(|row| row.1).eq(0..3000));
}

/// What a condition says is what it said of the state of the cursor, though it is asked later.
#[test]
fn metadata_is_that_of_the_cursors_state() {
    let db = Database::open(None, &Options::new().dim(1)).unwrap();
    let mut ids: Vec<u64> = (0..100).collect();
    let values: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
    let meta: Vec<String> = ids.iter().map(|id| format!("{{\"tens\":{}}}", id / 10)).collect();
    let offsets: Vec<u64> = meta
        .iter()
        .scan(0, |end, text| {
            *end += text.len() as u64;
            Some(*end)
        })
        .collect();
    let offsets = [vec![0], offsets].concat();
    let meta = meta.concat();
    let records = Records { keys: None, meta: Some(Texts::new(meta.as_bytes(), &offsets).unwrap()) };
    db.insert_records(&mut ids, Vectors::f32(&values, 1).unwrap(), &records, None).unwrap();
    let filter = Filter::parse("tens >= 7").unwrap();
    let params = SearchParams { filter: Some(filter.clone()), ..SearchParams::default() };
    let mut near = db.cursor(Vectors::f32(&[0.0], 1).unwrap(), &params).unwrap();
    let mut by_id = db.scan(Some(&filter)).unwrap();
    db.update_meta_where(&filter, b"{\"tens\":1}", None).unwrap();
    db.delete_batch(&[75]).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 0);
    for cursor in [&mut near, &mut by_id] {
        let rows = drain(cursor, &[7]);
        assert!(rows.iter().map(|row| row.1).eq(70..100), "{rows:?}");
    }
    let unbound = Filter::parse("tens = $1").unwrap();
    assert_eq!(db.scan(Some(&unbound)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let params = SearchParams { filter: Some(unbound), ..SearchParams::default() };
    let error = db.cursor(Vectors::f32(&[0.0], 1).unwrap(), &params).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn senseless_cursors_are_refused_and_the_smallest_work() {
    let db = Database::open(None, &Options::new().dim(1)).unwrap();
    let one = Vectors::f32(&[1.0], 1).unwrap();
    let refused = |vectors: Vectors<'_>| db.cursor(vectors, &SearchParams::default()).unwrap_err().kind();
    assert_eq!(refused(Vectors::f32(&[1.0, 2.0], 1).unwrap()), ErrorKind::InvalidArgument);
    assert_eq!(refused(Vectors::f32(&[1.0, 2.0], 2).unwrap()), ErrorKind::Dimension);
    assert_eq!(refused(Vectors::f32(&[f32::NAN], 1).unwrap()), ErrorKind::NotFinite);
    let mut cursor = db.cursor(one, &SearchParams::default()).unwrap();
    let error = cursor.next_page(&mut [0; 3], Some(&mut [0.0; 2])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(page(&mut cursor, 0), (Page::Rows(0), vec![]));
    assert_eq!(drain(&mut cursor, &[5]), []);
    assert_eq!(drain(&mut db.scan(None).unwrap(), &[5]), []);
    db.insert_batch(&[4, u64::MAX - 1], Vectors::f32(&[1.0, 1.0], 1).unwrap(), None).unwrap();
    assert_eq!(drain(&mut db.cursor(one, &SearchParams::default()).unwrap(), &[1]), [(0.0, 4), (0.0, u64::MAX - 1)]);
    assert_eq!(drain(&mut db.scan(None).unwrap(), &[1]), [(0.0, 4), (0.0, u64::MAX - 1)]);
    let none = Filter::ids(&[], true).unwrap();
    let params = SearchParams { filter: Some(none.clone()), ..SearchParams::default() };
    assert_eq!(drain(&mut db.cursor(one, &params).unwrap(), &[3]), []);
    assert_eq!(drain(&mut db.scan(Some(&none)).unwrap(), &[3]), []);
    assert_eq!(format!("{:?}", db.scan(None).unwrap()), "Cursor(by id, LSN 1)");
}

#[test]
fn a_cancelled_page_loses_nothing_and_a_deadline_is_that_of_each_page() {
    let (rows, queries) = common::shapes::Shape::Clusters.rows(Scalar::F32, 16, 6000, 1);
    let db = Database::open(None, &Options::new().dim(16).graph_min_rows(500)).unwrap();
    common::fill(&db, &rows);
    let task = Task::new();
    let params = SearchParams { task: Some(task.clone()), ..exactly() };
    let truth = &common::search(&db, &queries, 6000, &exactly())[0];
    let mut cursor = db.cursor(queries.vectors(), &params).unwrap();
    let mut seen = page(&mut cursor, 100).1;
    task.cancel();
    // What was found goes out; nothing is looked for any more.
    loop {
        let (end, rows) = page(&mut cursor, 100);
        seen.extend(rows);
        if let Page::Partial(_) = end {
            break;
        }
    }
    assert_eq!(page(&mut cursor, 100), (Page::Partial(0), vec![]));
    assert!(seen.len() >= 1024 && seen.iter().map(|row| (row.1, row.0)).eq(truth[..seen.len()].iter().copied()));
    let late = SearchParams { deadline: Some(Duration::ZERO), ..SearchParams::default() };
    let filter = Some(Filter::ids(&[1, 2], true).unwrap());
    for params in [late.clone(), SearchParams { filter, ..late }] {
        let mut cursor = db.cursor(queries.vectors(), &params).unwrap();
        assert_eq!(
            (page(&mut cursor, 1), page(&mut cursor, 1)),
            ((Page::Partial(0), vec![]), (Page::Partial(0), vec![]))
        );
    }
    // Time enough for each page, if not for all.
    let params = SearchParams { deadline: Some(Duration::from_secs(20)), ..exactly() };
    assert_eq!(drain(&mut db.cursor(queries.vectors(), &params).unwrap(), &[2000]).len(), 6000);
}

/// Short of memory a pass finds fewer rows, and there are more of them; the limit holds.
#[test]
fn cursors_keep_to_the_memory_of_searches() {
    const LIMIT: u64 = 16 << 20;
    const ROWS: u64 = 200_000;
    let options = Options::new().dim(1).scalar(Scalar::U8).metric(Metric::L1).max_memory(LIMIT);
    let db = Database::open(None, &options.graph_min_rows(u64::from(u32::MAX))).unwrap();
    let mut rng = Rng(5);
    for first in (0..ROWS).step_by(20_000) {
        let bytes: Vec<u8> = (0..20_000).map(|_| rng.below(256) as u8).collect();
        let ids: Vec<u64> = (first..first + 20_000).collect();
        db.insert_batch(&ids, Vectors::u8(&bytes, 1).unwrap(), None).unwrap();
    }
    let query = Vectors::u8(&[3], 1).unwrap();
    let mut alone = db.cursor(query, &exactly()).unwrap();
    let truth = drain(&mut alone, &[10_000]);
    assert_eq!(truth.len() as u64, ROWS);
    drop(alone);
    // Each wants 25,000 hits of 16 bytes, of the two MiB there are.
    let mut cursors: Vec<Cursor> = (0..8).map(|_| db.cursor(query, &exactly()).unwrap()).collect();
    let mut seen = vec![Vec::new(); cursors.len()];
    while seen.iter().any(|seen| seen.len() < truth.len()) {
        for (cursor, seen) in cursors.iter_mut().zip(&mut seen) {
            seen.extend(page(cursor, 10_000).1);
            assert!(db.stats().unwrap().bytes_memory <= LIMIT);
        }
    }
    assert!(seen.iter().all(|seen| *seen == truth));
    // One that holds on to memory is in nobody's way once it is gone.
    drop(cursors);
    assert!(db.cursor(query, &exactly()).unwrap().next_page(&mut [0; 9], None).is_ok());
}

/// With a limit for each search walks get narrower and passes shorter, and still every row comes once.
#[test]
fn a_limit_for_each_search_is_kept_by_shorter_steps() {
    let (rows, queries) = common::shapes::Shape::Clusters.rows(Scalar::F32, 16, 9000, 1);
    let db = Database::open(None, &Options::new().dim(16).graph_min_rows(500)).unwrap();
    common::fill(&db, &rows);
    db.delete_batch(&(0..9000).step_by(5).collect::<Vec<_>>()).unwrap();
    let most: Vec<u64> = (0..9000).filter(|id| id % 3 > 0).collect();
    for filter in [None, Some(Filter::ids(&most, true).unwrap())] {
        let params = SearchParams { filter, ..SearchParams::default() };
        let all = SearchParams { exact: true, ..params.clone() };
        let truth: BTreeMap<u64, f32> = common::search(&db, &queries, 9000, &all)[0].iter().copied().collect();
        for (max_memory, exact) in
            [(300, true), (1500, false), (5000, false), (6000, false), (8000, false), (20_000, true)]
        {
            let params = SearchParams { max_memory, exact, ..params.clone() };
            let mut cursor = db.cursor(queries.vectors(), &params).unwrap();
            // The first pages alone where passes are very short.
            let mut rows = Vec::new();
            for cap in [10, 100, 700] {
                rows.extend(page(&mut cursor, cap).1);
            }
            if max_memory > 1500 {
                rows.extend(drain(&mut cursor, &[900]));
                assert_eq!(rows.len(), truth.len(), "{max_memory} bytes");
            }
            assert!(
                rows.len() >= 700 && rows.iter().all(|row| truth.get(&row.1) == Some(&row.0)),
                "{max_memory} bytes"
            );
            let distinct: BTreeSet<u64> = rows.iter().map(|row| row.1).collect();
            assert_eq!(distinct.len(), rows.len(), "{max_memory} bytes");
        }
        let params = SearchParams { max_memory: 100, ..params };
        let mut cursor = db.cursor(queries.vectors(), &params).unwrap();
        let error = cursor.next_page(&mut [0; 3], None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "not one result fits");
    }
}

#[derive(Clone, Debug)]
enum Op {
    Put(Vec<(u8, i8)>),
    Delete(Vec<u8>),
    Settle,
    Begin(Option<bool>),
    Next(u8, u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => proptest::collection::vec((any::<u8>(), any::<i8>()), 1..40).prop_map(Op::Put),
        2 => proptest::collection::vec(any::<u8>(), 1..60).prop_map(Op::Delete),
        1 => Just(Op::Settle),
        2 => any::<Option<bool>>().prop_map(Op::Begin),
        4 => (any::<u8>(), 0u8..70).prop_map(|(which, cap)| Op::Next(which, cap)),
    ]
}

fn value(v: i8) -> [u8; 4] {
    [v, v.wrapping_mul(7), v.wrapping_mul(13), 1].map(|c| c as u8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Cursors of many states at once, beside a map of each state.
    #[test]
    fn cursors_agree_with_a_map_of_their_state(
        ops in proptest::collection::vec(op(), 1..40),
        ids in proptest::collection::btree_set(any::<u8>(), 0..200),
    ) {
        let options = Options::new().dim(4).metric(Metric::L2sq).scalar(Scalar::I8).graph_min_rows(40).ef_search(16);
        let db = Database::open_on(None, &options, Some(6)).unwrap();
        let list: Vec<u64> = ids.iter().map(|&id| id.into()).collect();
        let filter = Filter::ids(&list, true).unwrap();
        let query = Rows::new(Scalar::I8, 4, value(5).to_vec());
        let distance = |v: i8| value(v).iter().zip(value(5)).map(|(a, b)| (*a as i8 as f32 - b as i8 as f32).powi(2)).sum::<f32>();
        let mut model: BTreeMap<u64, i8> = BTreeMap::new();
        let mut cursors: Vec<(Cursor, Vec<(f32, u64)>)> = Vec::new();
        for op in ops {
            match op {
                Op::Put(rows) => {
                    let ids: Vec<u64> = rows.iter().map(|r| r.0.into()).collect();
                    let bytes: Vec<u8> = rows.iter().flat_map(|r| value(r.1)).collect();
                    db.upsert_batch(&ids, Vectors::new(&bytes, Scalar::I8, 4, ids.len(), 0).unwrap(), None).unwrap();
                    model.extend(rows.iter().map(|r| (u64::from(r.0), r.1)));
                }
                Op::Delete(ids) => {
                    let ids: Vec<u64> = ids.into_iter().map(u64::from).collect();
                    db.delete_batch(&ids).unwrap();
                    model.retain(|id, _| !ids.contains(id));
                }
                Op::Settle => db.wait_indexed(None).unwrap(),
                Op::Begin(way) => {
                    let filter = (way != Some(false)).then_some(&filter);
                    let passing = model.iter().filter(|(id, _)| filter.is_none() || list.binary_search(id).is_ok());
                    let mut expected: Vec<(f32, u64)> = passing.map(|(&id, &v)| (distance(v), id)).collect();
                    let cursor = if way.is_none() {
                        expected.iter_mut().for_each(|row| row.0 = 0.0);
                        db.scan(filter).unwrap()
                    } else {
                        expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
                        db.cursor(query.vectors(), &SearchParams { filter: filter.cloned(), ..SearchParams::default() }).unwrap()
                    };
                    expected.reverse();
                    cursors.push((cursor, expected));
                }
                Op::Next(which, cap) if !cursors.is_empty() => {
                    let at = which as usize % cursors.len();
                    let (cursor, expected) = &mut cursors[at];
                    for row in page(cursor, cap.into()).1 {
                        prop_assert_eq!(expected.pop(), Some(row));
                    }
                }
                Op::Next(..) => {}
            }
        }
        drop(db);
        for (cursor, mut expected) in cursors.iter_mut().map(|(cursor, expected)| (cursor, std::mem::take(expected))) {
            expected.reverse();
            prop_assert_eq!(drain(cursor, &[3, 100]), expected);
        }
    }
}
