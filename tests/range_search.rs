//! Range search against a plain scan: all rows within the distance and no other, nearest first,
//! through every way a search may take.

mod common;

use common::datasets;
use common::exact;
use common::rows::Rows;
use std::time::Duration;
use vdb::{Database, ErrorKind, Filter, ID_NONE, Metric, Options, Outcome, Scalar, SearchParams, Vectors};

fn exactly() -> SearchParams {
    SearchParams { exact: true, ..SearchParams::default() }
}

/// The rows found, and their number as the call has it.
fn ranged(db: &Database, query: &Rows, radius: f32, cap: usize, params: &SearchParams) -> (Vec<(u64, f32)>, usize) {
    let (mut ids, mut distances) = (vec![7; cap], vec![7.0; cap]);
    let (outcome, count) = db.search_range(query.vectors(), radius, params, &mut ids, &mut distances).unwrap();
    assert_eq!(outcome, Outcome::Complete);
    let found = count.min(cap);
    assert!(distances[..found].is_sorted() && distances[..found].iter().all(|d| *d <= radius));
    assert!(ids[found..].iter().all(|&id| id == ID_NONE) && distances[found..].iter().all(|d| *d == f32::INFINITY));
    (ids.into_iter().zip(distances).take(found).collect(), count)
}

#[test]
fn all_rows_within_a_distance_are_found() {
    for set in [datasets::wordnet_sample(), datasets::sift_sample()] {
        let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
        let db = Database::open(None, &options).unwrap();
        common::fill(&db, &set.rows);
        let (dim, values, queries) = (set.rows.dim(), set.rows.values(), set.queries.values());
        let odd: Vec<u64> = (0..set.rows.count() as u64).filter(|id| id % 2 == 1).collect();
        let filter = Some(Filter::ids(&odd, true).unwrap());
        let (mut right, mut wanted) = (0, 0);
        for (q, query) in queries.chunks(dim).enumerate().take(40) {
            let mut all: Vec<f64> = values.chunks(dim).map(|row| exact::distance(set.metric, query, row)).collect();
            let by_id = all.clone();
            all.sort_by(f64::total_cmp);
            for within in [0, 1, 10, 63, 64, 65, 300, 2000, 5000] {
                let radius = match within {
                    0 => all[0] - 0.01,
                    _ if within == all.len() => 1e9,
                    _ => (all[within - 1] + all[within]) / 2.0,
                } as f32;
                // Rounding may decide about rows that lie on the edge.
                let edge = 1e-5 * f64::from(radius.abs().max(1e-2));
                let at_most = |limit: f64| all.iter().filter(|d| **d <= limit).count();
                let (least, within) = (at_most(f64::from(radius) - edge), at_most(f64::from(radius) + edge));
                let query = set.queries.slice(q, 1);
                let (found, count) = ranged(&db, &query, radius, within + 10, &exactly());
                assert_eq!(found.len(), count);
                assert!((least..=within).contains(&count), "query {q}: {count} of {least} to {within}");
                assert!(found.iter().all(|&(id, _)| by_id[id as usize] <= f64::from(radius) + edge));
                right += ranged(&db, &query, radius, within + 10, &SearchParams::default()).1;
                wanted += count;
                let params = SearchParams { filter: filter.clone(), ..exactly() };
                let passing = found.iter().filter(|(id, _)| id % 2 == 1).count();
                let (found, count) = ranged(&db, &query, radius, within, &params);
                assert_eq!((found.len(), count), (passing, passing));
                assert!(found.iter().all(|(id, _)| id % 2 == 1));
            }
        }
        let recall = right as f64 / wanted as f64;
        assert!(recall >= 0.97, "{recall} of the rows within a distance");
    }
}

/// Ten rows at 0, 1, 2, ... on a line.
fn line() -> (Database, Rows) {
    let db = Database::open(None, &Options::new().dim(1).metric(Metric::L1)).unwrap();
    let values: Vec<f32> = (0..10).map(|i| i as f32).collect();
    db.insert_batch(&(0..10).collect::<Vec<u64>>(), Vectors::f32(&values, 1).unwrap(), None).unwrap();
    (db, Rows::encode(Scalar::F32, 1, &[0.0]))
}

#[test]
fn too_few_places_hold_the_nearest_and_the_count_says_so() {
    let (db, query) = line();
    assert_eq!(ranged(&db, &query, 4.0, 5, &exactly()).1, 5, "the edge belongs to it");
    assert_eq!(ranged(&db, &query, 4.0, 3, &exactly()), (vec![(0, 0.0), (1, 1.0), (2, 2.0)], 4));
    assert_eq!(ranged(&db, &query, 4.0, 0, &exactly()), (vec![], 1));
    assert_eq!(ranged(&db, &query, -1.0, 4, &exactly()), (vec![], 0));
    assert_eq!(ranged(&db, &query, f32::INFINITY, 100, &exactly()).1, 10);
    let empty = Database::open(None, &Options::new().dim(1)).unwrap();
    assert_eq!(ranged(&empty, &query, 4.0, 3, &SearchParams::default()), (vec![], 0));
}

#[test]
fn senseless_calls_are_refused_and_deadlines_hold() {
    let (db, query) = line();
    let (mut ids, mut distances) = ([0; 4], [0.0; 4]);
    let mut call = |vectors: Vectors<'_>, radius, params: &SearchParams| {
        db.search_range(vectors, radius, params, &mut ids, &mut distances)
    };
    let plain = SearchParams::default();
    assert_eq!(call(query.vectors(), f32::NAN, &plain).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let two = Vectors::f32(&[1.0, 2.0], 1).unwrap();
    assert_eq!(call(two, 1.0, &plain).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let wide = Vectors::f32(&[1.0, 2.0], 2).unwrap();
    assert_eq!(call(wide, 1.0, &plain).unwrap_err().kind(), ErrorKind::Dimension);
    let at_once = SearchParams { deadline: Some(Duration::ZERO), ..exactly() };
    assert_eq!(call(query.vectors(), 5.0, &at_once).unwrap().0, Outcome::Partial);
}
