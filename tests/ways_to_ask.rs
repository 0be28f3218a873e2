//! Searches by rows, recommendations, diverse and federated searches, each beside its plain definition, over every
//! kind of database.

mod common;

use common::exact;
use common::kinds::{self, DIM, Kind};
use common::rows::Rows;
use common::shapes::{Rng, Shape};
use common::{Answer, search};
use std::collections::BTreeSet;
use std::time::Duration;
use vdb::{
    Database, Error, ErrorKind, Filter, Hits, ID_NONE, Metric, Options, Outcome, Scalar, SearchParams, Task, Vectors,
    search_many,
};

const K: usize = 10;

fn exactly() -> SearchParams {
    SearchParams { exact: true, ..SearchParams::default() }
}

fn cancelled() -> SearchParams {
    let task = Task::new();
    task.cancel();
    SearchParams { task: Some(task), ..exactly() }
}

/// Answers to rows, checked for what is left over.
fn by_ids(db: &Database, row_ids: &[u64], k: usize, params: &SearchParams) -> Result<(Outcome, Vec<Answer>), Error> {
    let places = row_ids.len() * k;
    let (mut ids, mut distances, mut counts) = (vec![7; places], vec![7.0; places], vec![7; row_ids.len()]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let outcome = db.search_ids(row_ids, k, params, hits)?;
    let answer = |i: usize| {
        let (from, end) = (i * k, i * k + counts[i] as usize);
        assert!(ids[end..from + k].iter().all(|&id| id == ID_NONE));
        assert!(distances[end..from + k].iter().all(|d| *d == f32::INFINITY));
        ids[from..end].iter().copied().zip(distances[from..end].iter().copied()).collect()
    };
    Ok((outcome, (0..row_ids.len()).map(answer).collect()))
}

/// What a call with places for `k` results of one query wrote.
fn one(k: usize, call: impl FnOnce(&mut [u64], &mut [f32]) -> vdb::Result<(Outcome, usize)>) -> vdb::Result<Answer> {
    let (mut ids, mut distances) = (vec![7; k], vec![7.0; k]);
    let (outcome, count) = call(&mut ids, &mut distances)?;
    assert_eq!(outcome, Outcome::Complete);
    assert!(ids[count..].iter().all(|&id| id == ID_NONE) && distances[count..].iter().all(|d| *d == f32::INFINITY));
    Ok(ids.into_iter().zip(distances).take(count).collect())
}

/// The answer is the `k` nearest of `truth`, whichever of those that rounding cannot tell apart.
fn assert_nearest(kind: &Kind, answer: &Answer, truth: &[(f64, u64)], k: usize) {
    assert_eq!(answer.len(), truth.len().min(k), "{}", kind.name);
    assert_eq!(answer.iter().map(|hit| hit.0).collect::<BTreeSet<_>>().len(), answer.len(), "{}", kind.name);
    for (&(id, distance), &(expected, _)) in answer.iter().zip(truth) {
        let own = truth.iter().find(|row| row.1 == id).unwrap_or_else(|| panic!("{}: row {id}", kind.name)).0;
        assert!(kind.is_near(distance, own), "{}: {distance} for {own}", kind.name);
        assert!(kind.is_near(distance, expected), "{}: {distance} in the place of {expected}", kind.name);
    }
}

#[test]
fn rows_find_the_rows_around_them_but_for_themselves() {
    for kind in kinds::all() {
        let ids: Vec<u64> = kind.rows.keys().copied().collect();
        let some: Vec<u64> = ids.iter().copied().step_by(17).collect();
        let filter = Filter::ids(&ids[ids.len() / 2..], true).unwrap();
        for (filter, from) in [(None, 0), (Some(filter), ids[ids.len() / 2])] {
            let params = SearchParams { filter, ..exactly() };
            let (outcome, answers) = by_ids(&kind.db, &some, K, &params).unwrap();
            assert_eq!(outcome, Outcome::Complete);
            for (id, answer) in some.iter().zip(&answers) {
                let truth = kind.nearest(&kind.rows[id], |other| other != *id && other >= from);
                assert_nearest(&kind, answer, &truth, K);
            }
            // Walks find most of it.
            let walked = by_ids(&kind.db, &some, K, &SearchParams { exact: false, ef: 80, ..params }).unwrap().1;
            let (mut right, mut all) = (0, 0);
            for ((id, walked), answer) in some.iter().zip(&walked).zip(&answers) {
                assert!(walked.iter().all(|hit| hit.0 != *id && hit.0 >= from), "{}", kind.name);
                assert_eq!(walked.len(), answer.len(), "{}", kind.name);
                right += walked.iter().filter(|hit| hit.1 <= answer[K - 1].1).count();
                all += K;
            }
            // Without vectors and with rough codes nothing better can be had.
            assert!(right * 100 >= all * 90, "{}: {right} of {all}", kind.name);
        }
        let all = by_ids(&kind.db, &some[..1], ids.len(), &exactly()).unwrap().1;
        assert_eq!(all[0].len(), ids.len() - 1, "all others");
        assert_eq!(by_ids(&kind.db, &[], K, &exactly()).unwrap().1.len(), 0);
        let absent = by_ids(&kind.db, &[ids[0], ids[1], 1, 2], K, &exactly()).unwrap_err();
        assert_eq!((absent.kind(), absent.item()), (ErrorKind::NotFound, Some(2)), "{}", kind.name);
        let (outcome, none) = by_ids(&kind.db, &some, K, &cancelled()).unwrap();
        assert!(outcome == Outcome::Partial && none.iter().all(Vec::is_empty));
    }
}

#[test]
fn threads_share_rows_as_they_share_queries() {
    let (rows, _) = Shape::Clusters.rows(Scalar::F32, 16, 3000, 1);
    let options = Options::new().dim(16).graph_min_rows(500);
    let ids: Vec<u64> = (0..3000).collect();
    let answers = [1, 4].map(|threads| {
        let db = Database::open(None, &options.clone().threads(threads)).unwrap();
        common::fill(&db, &rows);
        by_ids(&db, &ids, K, &SearchParams::default()).unwrap().1
    });
    assert!(answers[0] == answers[1]);
    assert!(answers[0].iter().zip(0..).all(|(answer, id)| answer.len() == K && answer.iter().all(|hit| hit.0 != id)));
}

/// The point of some examples, by its definition.
fn point(kind: &Kind, positive: &[u64], negative: &[u64]) -> Rows {
    let mean = |ids: &[u64]| {
        let mut mean = vec![0.0; DIM];
        for id in ids {
            let row = &kind.rows[id];
            let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let length = if kind.metric == Metric::Cosine { length } else { 1.0 };
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) / length / ids.len() as f64);
        }
        mean
    };
    let (p, n) = (mean(positive), mean(negative));
    let mut point: Vec<f64> = match negative.is_empty() {
        true => p,
        false => p.iter().zip(n).map(|(p, n)| 2.0 * p - n).collect(),
    };
    let (low, high) = match kind.scalar {
        Scalar::I8 => (-128.0, 127.0),
        Scalar::U8 => (0.0, 255.0),
        _ => (-60_000.0, 60_000.0),
    };
    if matches!(kind.scalar, Scalar::I8 | Scalar::U8) {
        let size = |x: &f64| if low < 0.0 { x.abs() } else { *x };
        let largest = point.iter().map(size).fold(0.0, f64::max);
        let scale = if kind.metric == Metric::Cosine { high / largest } else { 1.0 };
        point.iter_mut().for_each(|x| *x = (*x * scale).round().clamp(low, high));
    }
    let above = if kind.scalar == Scalar::B1 { 0.5 } else { 0.0 };
    Rows::encode(kind.scalar, DIM, &point.iter().map(|x| (x - above) as f32).collect::<Vec<_>>())
}

#[test]
fn recommendations_are_the_rows_around_the_point_between_the_examples() {
    for kind in kinds::all() {
        let ids: Vec<u64> = kind.rows.keys().copied().collect();
        let mut rng = Rng(3);
        // Numbers of examples for which means are exact.
        for (likes, dislikes) in [(1, 0), (2, 0), (4, 0), (1, 1), (1, 4), (2, 2), (4, 8)] {
            let mut pick = |count: usize| (0..count).map(|_| ids[rng.below(ids.len())]).collect::<Vec<u64>>();
            let (positive, negative) = (pick(likes), pick(dislikes));
            let query = point(&kind, &positive, &negative);
            let is_example = |id: u64| positive.contains(&id) || negative.contains(&id);
            let odd: Vec<u64> = ids.iter().copied().filter(|id| id % 2 == 1).collect();
            for filter in [None, Some(Filter::ids(&odd, true).unwrap())] {
                let passes = |id: u64| !is_example(id) && (filter.is_none() || id % 2 == 1);
                let truth = kind.nearest(&query.values(), passes);
                let params = SearchParams { filter: filter.clone(), ..exactly() };
                let call = |ids: &mut [u64], distances: &mut [f32]| {
                    kind.db.recommend(&positive, &negative, &params, ids, distances)
                };
                let answer = one(K, call).unwrap();
                assert_nearest(&kind, &answer, &truth, K);
                assert_eq!(one(ids.len() + 5, call).unwrap().len(), truth.len(), "all but the examples");
                let walked = SearchParams { exact: false, ef: 80, ..params.clone() };
                let walked = one(K, |ids, distances| kind.db.recommend(&positive, &negative, &walked, ids, distances));
                let walked = walked.unwrap();
                assert!(walked.len() == answer.len() && walked.iter().all(|hit| passes(hit.0)), "{}", kind.name);
            }
        }
        let refused = |positive: &[u64], negative: &[u64]| {
            let error = kind.db.recommend(positive, negative, &exactly(), &mut [0; 3], &mut [0.0; 3]).unwrap_err();
            (error.kind(), error.item())
        };
        assert_eq!(refused(&[], &ids[..1]), (ErrorKind::InvalidArgument, None));
        assert_eq!(refused(&[ids[0], 1], &[2]), (ErrorKind::NotFound, Some(1)));
        assert_eq!(refused(&ids[..2], &[ids[3], 2]), (ErrorKind::NotFound, Some(3)));
        let partial = kind.db.recommend(&ids[..2], &[], &cancelled(), &mut [0; 3], &mut [0.0; 3]).unwrap();
        assert_eq!(partial, (Outcome::Partial, 0));
        assert!(one(0, |ids, distances| kind.db.recommend(&[odd_id(&kind)], &[], &exactly(), ids, distances)).is_ok());
    }
}

fn odd_id(kind: &Kind) -> u64 {
    *kind.rows.keys().find(|id| *id % 2 == 1).unwrap()
}

#[test]
fn examples_that_cancel_each_other_out_have_no_direction() {
    let db = Database::open(None, &Options::new().dim(2).metric(Metric::Cosine)).unwrap();
    let rows = [1.0, 0.0, 0.0, 3.0, -2.0, 0.0, 9.0, 9.0];
    db.insert_batch(&[1, 2, 3, 4], Vectors::f32(&rows, 2).unwrap(), None).unwrap();
    let error = db.recommend(&[1, 3], &[], &exactly(), &mut [0], &mut [0.0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    // Lengths mean nothing: as much of one direction as of the other.
    let answer = one(1, |ids, distances| db.recommend(&[1, 2], &[], &exactly(), ids, distances)).unwrap();
    assert!(answer[0].0 == 4 && answer[0].1.abs() < 1e-6);
    let far = Database::open(None, &Options::new().dim(1)).unwrap();
    far.insert_batch(&[1, 2], Vectors::f32(&[8e18, -8e18], 1).unwrap(), None).unwrap();
    let error = far.recommend(&[1], &[2], &exactly(), &mut [0], &mut [0.0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
}

/// One with twice the weight counts twice; negative examples decide where positive ones are divided.
#[test]
fn bits_are_decided_by_majority() {
    let db = Database::open(None, &Options::new().dim(8).metric(Metric::Hamming).scalar(Scalar::B1)).unwrap();
    let rows = [0b0000_1111, 0b0011_0011, 0b0000_0001, 0b0000_0011, 0b0011_1110, 0b0000_1110, 0b0011_1111];
    let ids: Vec<u64> = (1..=7).collect();
    db.insert_batch(&ids, Vectors::new(&rows, Scalar::B1, 8, 7, 0).unwrap(), None).unwrap();
    let nearest = |positive: &[u64], negative: &[u64]| {
        one(1, |ids, distances| db.recommend(positive, negative, &exactly(), ids, distances)).unwrap()[0]
    };
    assert_eq!(nearest(&[1, 2], &[]), (4, 0.0), "both have the bits 0 and 1");
    assert_eq!(nearest(&[1, 2], &[3]), (7, 0.0), "what they are divided about the negative one does not have");
    assert_eq!(nearest(&[1, 2, 1], &[]), (6, 1.0), "0b1111, two against one");
}

/// Greedy choice by the plain definition.
fn chosen(kind: &Kind, query: &[f32], candidates: usize, lambda: f64, k: usize) -> Vec<u64> {
    let near: Vec<(f64, u64)> = kind.nearest(query, |_| true).into_iter().take(candidates).collect();
    let mut chosen: Vec<u64> = Vec::new();
    while chosen.len() < k.min(near.len()) {
        let score = |distance: f64, id: u64| {
            let to = |other: &u64| exact::distance(kind.metric, &kind.rows[&id], &kind.rows[other]);
            let apart = chosen.iter().map(to).fold(f64::INFINITY, f64::min);
            if chosen.is_empty() { distance } else { lambda * distance - (1.0 - lambda) * apart }
        };
        let left = near.iter().filter(|row| !chosen.contains(&row.1));
        let best = left.map(|&(distance, id)| (score(distance, id), distance, id));
        chosen.push(best.min_by(|a, b| a.partial_cmp(b).unwrap()).unwrap().2);
    }
    chosen
}

fn diverse(kind: &Kind, query: &Rows, k: usize, candidates: usize, lambda: f32, params: &SearchParams) -> Answer {
    let call = |ids: &mut [u64], distances: &mut [f32]| {
        kind.db.search_diverse(query.vectors(), candidates, lambda, params, ids, distances)
    };
    one(k, call).unwrap()
}

#[test]
fn diverse_rows_are_chosen_as_the_definition_says() {
    for kind in kinds::all() {
        // Whole numbers: distances are exact, and so is every choice.
        let is_exact = kind.tolerance() == 1e-6 && kind.metric != Metric::Jaccard;
        for q in 0..3 {
            let query = kind.queries.slice(q, 1);
            let values = query.values();
            for (k, candidates, lambda) in [(8, 40, 0.5), (8, 40, 0.0), (8, 40, 0.75), (20, 5, 0.25), (8, 2000, 0.5)] {
                let answer = diverse(&kind, &query, k, candidates, lambda, &exactly());
                let candidates = candidates.max(k);
                let near = kind.nearest(&values, |_| true);
                let limit = near[candidates.min(near.len()) - 1].0;
                for &(id, distance) in &answer {
                    let own = exact::distance(kind.metric, &values, &kind.rows[&id]);
                    assert!(kind.is_near(distance, own), "{}", kind.name);
                    assert!(own <= limit + 1e-3 * (1.0 + limit.abs()), "{}: no candidate", kind.name);
                }
                let expected = chosen(&kind, &values, candidates, lambda.into(), k);
                if is_exact {
                    assert!(
                        answer.iter().map(|hit| hit.0).eq(expected),
                        "{}, {k} of {candidates}, {lambda}",
                        kind.name
                    );
                    continue;
                }
                // Rounding may tip a choice; each is as good as the best, given those before it.
                assert_eq!(answer.len(), expected.len(), "{}", kind.name);
                let score = |id: u64, before: &[(u64, f32)]| {
                    let distance = |a: &[f32]| exact::distance(kind.metric, &kind.rows[&id], a);
                    let apart = before.iter().map(|hit| distance(&kind.rows[&hit.0])).fold(f64::INFINITY, f64::min);
                    let lambda = f64::from(lambda);
                    if before.is_empty() {
                        distance(&values)
                    } else {
                        lambda * distance(&values) - (1.0 - lambda) * apart
                    }
                };
                let sure = near.iter().take_while(|row| row.0 < limit - 1e-3 * (1.0 + limit.abs()));
                for (i, &(id, _)) in answer.iter().enumerate() {
                    let before = &answer[..i];
                    let left = sure.clone().filter(|row| before.iter().all(|hit| hit.0 != row.1));
                    let best = left.map(|row| score(row.1, before)).fold(f64::INFINITY, f64::min);
                    let own = score(id, before);
                    assert!(own <= best + 1e-3 * (1.0 + best.abs()), "{}: {own}, best {best}", kind.name);
                }
            }
            let nearest = search(&kind.db, &query, K, &exactly()).remove(0);
            assert_eq!(diverse(&kind, &query, K, 50, 1.0, &exactly()), nearest, "{}: lambda 1", kind.name);
            assert_eq!(diverse(&kind, &query, K, 0, 1.0, &exactly()), nearest, "{}", kind.name);
            let params = SearchParams::default();
            assert_eq!(
                diverse(&kind, &query, 1, 0, 0.3, &params)[0].0,
                diverse(&kind, &query, 5, 0, 0.3, &params)[0].0
            );
            let some: Vec<u64> = kind.rows.keys().copied().take(30).collect();
            let params = SearchParams { filter: Some(Filter::ids(&some, true).unwrap()), ..params };
            let answer = diverse(&kind, &query, 40, 60, 0.5, &params);
            assert!(answer.len() == 30 && answer.iter().all(|hit| some.contains(&hit.0)), "{}", kind.name);
            assert_eq!(diverse(&kind, &query, 0, 60, 0.5, &params), []);
        }
    }
}

#[test]
fn senseless_diverse_searches_are_refused_and_limits_hold() {
    let db = Database::open(None, &Options::new().dim(1).max_memory(16 << 20)).unwrap();
    let ids: Vec<u64> = (0..70_000).collect();
    let values: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
    db.insert_batch(&ids, Vectors::f32(&values, 1).unwrap(), None).unwrap();
    let call = |vectors: &[f32], dim, candidates, lambda, params: &SearchParams| {
        let vectors = Vectors::f32(vectors, dim).unwrap();
        db.search_diverse(vectors, candidates, lambda, params, &mut [0; 100], &mut [0.0; 100])
    };
    let refused = |result: vdb::Result<(Outcome, usize)>| result.unwrap_err().kind();
    for lambda in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        assert_eq!(refused(call(&[1.0], 1, 0, lambda, &exactly())), ErrorKind::OutOfRange);
    }
    assert_eq!(refused(call(&[1.0, 2.0], 1, 0, 0.5, &exactly())), ErrorKind::InvalidArgument);
    assert_eq!(refused(call(&[1.0, 2.0], 2, 0, 0.5, &exactly())), ErrorKind::Dimension);
    assert_eq!(refused(call(&[f32::NAN], 1, 0, 0.5, &exactly())), ErrorKind::NotFinite);
    assert_eq!(refused(call(&[1.0], 1, 70_000, 0.5, &exactly())), ErrorKind::Limit, "candidates need memory");
    assert_eq!(call(&[1.0], 1, 10_000, 0.5, &exactly()).unwrap(), (Outcome::Complete, 100));
    // 9 bytes for the query, and 4 of a vector and 32 for each candidate.
    let within = |max_memory| SearchParams { max_memory, ..exactly() };
    assert_eq!(call(&[1.0], 1, 0, 0.5, &within(36 * 400 + 9)).unwrap(), (Outcome::Complete, 100));
    assert_eq!(call(&[1.0], 1, 0, 0.5, &within(36 * 400 + 8)).unwrap(), (Outcome::Partial, 100), "399 candidates");
    assert_eq!(refused(call(&[1.0], 1, 0, 0.5, &within(36 * 100 + 8))), ErrorKind::Limit);
    assert_eq!(call(&[1.0], 1, 100, 0.5, &cancelled()).unwrap(), (Outcome::Partial, 0));
    assert!(db.stats().unwrap().bytes_memory <= 16 << 20);
}

/// Federated answers: (distance, source, id).
fn of_many(databases: &[&Database], queries: &Rows, k: usize, params: &SearchParams) -> Vec<Vec<(f32, u32, u64)>> {
    let count = queries.count();
    let (mut ids, mut distances, mut counts) = (vec![7; count * k], vec![7.0; count * k], vec![7; count]);
    let mut sources = vec![7; count * k];
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let outcome = search_many(databases, queries.vectors(), k, params, hits, &mut sources).unwrap();
    assert_eq!(outcome, Outcome::Complete);
    let answer = |q: usize| {
        let (from, end) = (q * k, q * k + counts[q] as usize);
        assert!(ids[end..from + k].iter().all(|&id| id == ID_NONE));
        assert!(sources[end..from + k].iter().all(|&source| source == u32::MAX));
        assert!(distances[end..from + k].iter().all(|d| *d == f32::INFINITY));
        (from..end).map(|i| (distances[i], sources[i], ids[i])).collect()
    };
    (0..count).map(answer).collect()
}

/// What each database finds, put together and sorted.
fn merged(databases: &[&Database], queries: &Rows, k: usize, params: &SearchParams) -> Vec<Vec<(f32, u32, u64)>> {
    let answers: Vec<Vec<Answer>> = databases.iter().map(|db| search(db, queries, k, params)).collect();
    let merge = |q: usize| {
        let found = answers
            .iter()
            .zip(0..)
            .flat_map(|(answers, source)| answers[q].iter().map(move |&(id, distance)| (distance, source, id)));
        let mut all: Vec<_> = found.collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all.truncate(k);
        all
    };
    (0..queries.count()).map(merge).collect()
}

#[test]
fn many_databases_answer_as_one() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::U8, 12, 3000, 700);
    let options = |metric| Options::new().dim(12).metric(metric).scalar(Scalar::U8).graph_min_rows(300);
    for metric in [Metric::L2sq, Metric::Cosine] {
        // Of different sizes, one of them empty; 400 rows stand in two of them: ties.
        let parts = [0..1000, 600..2500, 0..0, 2500..2503, 2503..3000];
        let open = |part: &std::ops::Range<usize>| {
            let db = Database::open(None, &options(metric)).unwrap();
            let ids: Vec<u64> = (0..part.len() as u64).collect();
            if !part.is_empty() {
                db.insert_batch(&ids, rows.slice(part.start, part.len()).vectors(), None).unwrap();
            }
            db.wait_indexed(None).unwrap();
            db
        };
        let all: Vec<Database> = parts.iter().map(open).collect();
        let all: Vec<&Database> = all.iter().collect();
        let filter = Filter::ids(&(0..200).collect::<Vec<_>>(), true).unwrap();
        for params in [exactly(), SearchParams::default(), SearchParams { filter: Some(filter), ..exactly() }] {
            // The last in several pieces.
            for (queries, k) in [(queries.slice(0, 1), 5), (queries.slice(0, 50), 10), (queries.clone(), 300)] {
                for databases in [&all[..], &all[1..2], &[all[4], all[4], all[2]]] {
                    let found = of_many(databases, &queries, k, &params);
                    assert!(found == merged(databases, &queries, k, &params), "{metric:?}, k = {k}");
                }
            }
        }
        let everything = of_many(&all, &queries.slice(0, 1), 5000, &exactly());
        assert_eq!(everything[0].len(), 1000 + 1900 + 3 + 497);
        assert_eq!(of_many(&[], &queries.slice(0, 2), 3, &exactly()), [[], []]);
        assert_eq!(of_many(&all, &queries.slice(0, 2), 0, &exactly()), [[], []]);
    }
}

#[test]
fn databases_that_measure_alike_may_store_different_types() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, 8, 300, 5);
    let open = |scalar| {
        let db = Database::open(None, &Options::new().dim(8).scalar(scalar)).unwrap();
        common::fill(&db, &rows);
        db
    };
    let (fine, coarse) = (open(Scalar::F32), open(Scalar::Bf16));
    let both = [&fine, &coarse];
    assert_eq!(of_many(&both, &queries, K, &exactly()), merged(&both, &queries, K, &exactly()));
    let bytes = Database::open(None, &Options::new().dim(8).scalar(Scalar::U8)).unwrap();
    let error = many_error(&[&fine, &bytes], queries.vectors());
    assert_eq!((error.kind(), error.item()), (ErrorKind::OutOfRange, Some(0)), "bytes hold no fractions");
    assert!(error.message().starts_with("database 1: "), "{error}");
}

fn many_error(databases: &[&Database], queries: Vectors<'_>) -> Error {
    let (mut ids, mut distances, mut counts, mut sources) = ([0; 20], [0.0; 20], [0; 20], [0; 20]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    search_many(databases, queries, 2, &exactly(), hits, &mut sources).unwrap_err()
}

#[test]
fn what_several_databases_cannot_answer() {
    let open = |dim, metric| Database::open(None, &Options::new().dim(dim).metric(metric)).unwrap();
    let (two, other, three) = (open(2, Metric::L2sq), open(2, Metric::Ip), open(3, Metric::L2sq));
    let query = Vectors::f32(&[1.0, 2.0], 2).unwrap();
    for unlike in [&other, &three] {
        let error = many_error(&[&two, &two, unlike], query);
        assert!(error.kind() == ErrorKind::Mismatch && error.message().starts_with("database 2: "), "{error}");
    }
    assert_eq!(many_error(&[&two], Vectors::f32(&[1.0; 3], 3).unwrap()).kind(), ErrorKind::Dimension);
    let error = many_error(&[&two, &two], Vectors::f32(&[1.0, 2.0, 1.0, f32::NAN], 2).unwrap());
    assert_eq!((error.kind(), error.item()), (ErrorKind::NotFinite, Some(1)));
    two.insert_batch(&[1], query, None).unwrap();
    let (mut ids, mut distances, mut counts, mut sources) = ([7; 2], [7.0; 2], [7; 1], [7; 2]);
    for params in [cancelled(), SearchParams { deadline: Some(Duration::ZERO), ..exactly() }] {
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        assert_eq!(search_many(&[&two, &two], query, 2, &params, hits, &mut sources).unwrap(), Outcome::Partial);
        assert_eq!((ids, counts, sources), ([ID_NONE; 2], [0], [u32::MAX; 2]));
    }
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let error = search_many(&[&two], query, 2, &exactly(), hits, &mut sources[..1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
