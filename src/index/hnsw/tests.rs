//! What the graph promises, over small data: recall, determinism, upkeep.

use super::*;
use crate::index::testing::*;
use crate::index::{Adaptive, Beam, Control, Outcome, Past, Progress, Scratch, Terms, Unlimited};
use crate::kernel::{Metric, Scalar};

fn queries(scalar: Scalar, dim: usize) -> Vec<Vec<u8>> {
    clustered(50, dim, 12, 77).iter().map(|q| packed(q, scalar)).collect()
}

#[test]
fn recall_holds_for_every_metric() {
    let rows = clustered(1500, 24, 12, 1);
    for (metric, scalar, floor) in [
        (Metric::L2sq, Scalar::F32, 0.97),
        (Metric::Cosine, Scalar::F32, 0.97),
        (Metric::Cosine, Scalar::I8, 0.97),
        (Metric::Ip, Scalar::F32, 0.9),
        (Metric::L1, Scalar::I8, 0.97),
        (Metric::Jaccard, Scalar::B1, 0.97),
        (Metric::Hamming, Scalar::B1, 0.97),
    ] {
        let space = space(&rows, metric, scalar);
        let graph = extended(&Graph::empty(PARAMS), &space, 1500, &dead([]));
        let report = graph.check().unwrap();
        assert!(report.is_clean(), "{metric:?} {report:?}");
        let recall = recall(&graph, &space, &queries(scalar, 24), 50, &dead([]));
        assert!(recall >= floor, "{metric:?} {scalar:?}: recall {recall}");
    }
}

/// All arrays and the header.
fn bytes(graph: &Graph) -> Vec<u8> {
    let sections = graph.sections();
    sections.iter().flat_map(|s| s.rows.bytes()).copied().chain(graph.header()).collect()
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let space = space(&clustered(900, 12, 6, 2), Metric::L2sq, Scalar::I8);
    let gone = dead((0..900).filter(|s| s % 3 == 0));
    let build = |count| {
        let pool = threads(count);
        let graph = Graph::empty(PARAMS).extend(&space, &u64::from, 900, &dead([]), &pool, &()).unwrap();
        let healed = graph.consolidate(&space, &gone, &pool, &()).unwrap();
        (bytes(&graph), bytes(&healed))
    };
    let one = build(1);
    assert_eq!(one, build(2));
    assert_eq!(one, build(3));
}

#[test]
fn walks_on_codes_find_what_links_are_chosen_from() {
    let rows = clustered(1500, 24, 12, 1);
    let (stored, coded) = (space(&rows, Metric::L2sq, Scalar::F32), space(&rows, Metric::L2sq, Scalar::I8));
    let query = |slot, out: &mut Vec<u8>| {
        out.clear();
        out.extend_from_slice(coded.rows.row(slot));
        Ok(true)
    };
    let walked = Walked { space: &coded, query: &query };
    let build = |walked, count| {
        let pool = threads(count);
        Graph::empty(PARAMS)
            .extend(Ground { linked: &stored, walked }, &u64::from, 1500, &dead([]), &pool, &())
            .unwrap()
    };
    let (graph, plain) = (build(Some(walked), 2), build(None, 2));
    assert!(graph.check().unwrap().is_clean());
    assert_eq!(bytes(&graph), bytes(&build(Some(walked), 1)), "on any number of threads");
    let of = |graph: &Graph| recall(graph, &stored, &queries(Scalar::F32, 24), 50, &dead([]));
    assert!(of(&graph) >= of(&plain) - 0.01, "{} {}", of(&graph), of(&plain));
}

#[test]
fn growing_in_steps_is_as_good_as_at_once() {
    let space = space(&clustered(1500, 16, 12, 3), Metric::L2sq, Scalar::I8);
    let queries = queries(Scalar::I8, 16);
    let none = dead([]);
    let at_once = extended(&Graph::empty(PARAMS), &space, 1500, &none);
    let in_steps = [1, 2, 100, 101, 700, 1500]
        .iter()
        .fold(Graph::empty(PARAMS), |graph, &upto| extended(&graph, &space, upto, &none));
    assert!(in_steps.check().unwrap().is_clean(), "{:?}", in_steps.check().unwrap());
    let (one, many) = (recall(&at_once, &space, &queries, 30, &none), recall(&in_steps, &space, &queries, 30, &none));
    assert!(many >= one - 0.01, "at once {one}, in steps {many}");
}

#[test]
fn slots_dead_before_they_are_linked_stay_without_a_node() {
    let space = space(&clustered(300, 8, 3, 4), Metric::L2sq, Scalar::I8);
    let gone = dead((0..300).filter(|s| s % 4 == 1));
    let graph = extended(&Graph::empty(PARAMS), &space, 400, &gone);
    assert_eq!((graph.len(), graph.nodes()), (400, 225), "slots without a row are covered too");
    assert!(graph.check().unwrap().is_clean());
    assert!((0..400).all(|slot| graph.contains(slot) == (slot < 300 && !gone.get(slot))));
    assert_eq!(extended(&graph, &space, 350, &gone).len(), 400, "a graph never covers less");
}

#[test]
fn the_dead_lead_the_way_but_are_no_results() {
    let space = space(&clustered(1000, 16, 8, 5), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 1000, &dead([]));
    let queries = queries(Scalar::I8, 16);
    let gone = dead((0..1000).filter(|s| s % 10 != 7));
    for query in &queries {
        let hits = found(&graph, &space, query, 30, &gone);
        assert_eq!(hits.len(), 30, "a pool is filled with the living");
        assert!(hits.iter().all(|&(_, slot)| !gone.get(slot)));
        assert!(hits.windows(2).all(|pair| pair[0] < pair[1]));
    }
    let recall = recall(&graph, &space, &queries, 30, &gone);
    assert!(recall > 0.97, "{recall}");
}

#[test]
fn churn_keeps_recall_and_structure() {
    let (live, round) = (800u32, 160u32);
    let rows = clustered((live + 5 * round) as usize, 16, 10, 6);
    let space = space(&rows, Metric::L2sq, Scalar::I8);
    let mut gone = dead([]);
    let mut graph = extended(&Graph::empty(Params { m: 16, ..PARAMS }), &space, live, &gone);
    let mut random = Random(11);
    for end in (1..=5).map(|i| live + i * round) {
        let mut removed = 0;
        while removed < round {
            removed += gone.set(random.below((end - round) as usize) as u32).unwrap() as u32;
        }
        graph = extended(&graph, &space, end, &gone);
        graph = graph.consolidate(&space, &gone, &threads(2), &()).unwrap();
        let report = graph.check().unwrap();
        assert!(report.is_clean() && report.nodes == live as u64, "{report:?}");
    }
    let fresh = extended(&Graph::empty(Params { m: 16, ..PARAMS }), &space, live + 5 * round, &gone);
    let queries = queries(Scalar::I8, 16);
    let (worn, new) = (recall(&graph, &space, &queries, 60, &gone), recall(&fresh, &space, &queries, 60, &gone));
    assert!(worn >= new - 0.01, "worn {worn}, fresh {new}");
}

#[test]
fn many_deletes_at_once_leave_a_sound_graph() {
    let space = space(&clustered(1200, 16, 10, 8), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 1200, &dead([]));
    let queries = queries(Scalar::I8, 16);
    // Scattered halves, a whole region, and nearly everything.
    let near_first = exact(&space, &queries[0], 1200, &dead([]), 500);
    for gone in [dead((0..1200).filter(|s| s % 2 == 0)), dead(near_first), dead(0..1195)] {
        let healed = graph.consolidate(&space, &gone, &threads(2), &()).unwrap();
        let report = healed.check().unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.nodes, 1200 - gone.count());
        let recall = recall(&healed, &space, &queries, 40, &gone);
        assert!(recall > 0.97, "{recall} after {} deletes", gone.count());
    }
}

/// Links that lead to each node of level 0, fewest first.
fn incoming(graph: &Graph) -> Vec<u32> {
    let mut counts = vec![0; graph.len() as usize];
    for (slot, _) in graph.present() {
        links::ids(graph.links(0, slot)).for_each(|target| counts[target as usize] += 1);
    }
    let mut counts: Vec<u32> = graph.present().map(|(slot, _)| counts[slot as usize]).collect();
    counts.sort_unstable();
    counts
}

#[test]
fn healing_neglects_nobody() {
    // Far more dimensions than a neighbourhood needs: here some nodes are near to all others.
    let space = space(&clustered(4000, 64, 4, 12), Metric::L2sq, Scalar::I8);
    let params = Params { m: 16, ..PARAMS };
    let gone = |upto: u32| dead((0..4000).filter(move |s| s % 10 < upto));
    let mut healed = extended(&Graph::empty(params), &space, 4000, &dead([]));
    for tenths in 1..=5 {
        healed = healed.consolidate(&space, &gone(tenths), &threads(2), &()).unwrap();
    }
    let fresh = extended(&Graph::empty(params), &space, 4000, &gone(5));
    // Links to the tenth of the nodes that has fewest: four fifths of a fresh graph's, half without
    // the links that healing offers back.
    let least = |graph: &Graph| incoming(graph)[..graph.nodes() as usize / 10].iter().sum::<u32>();
    assert!(least(&healed) * 10 >= least(&fresh) * 7, "{} and fresh {}", least(&healed), least(&fresh));
}

#[test]
fn everything_deleted_and_a_new_start() {
    let space = space(&clustered(200, 8, 3, 9), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 150, &dead([]));
    let gone = dead(0..150);
    let query = packed(&clustered(1, 8, 3, 10)[0], Scalar::I8);
    assert!(found(&graph, &space, &query, 10, &gone).is_empty());
    let empty = graph.consolidate(&space, &gone, &threads(1), &()).unwrap();
    assert_eq!((empty.nodes(), empty.len()), (0, 150));
    assert!(empty.check().unwrap().is_clean());
    assert!(found(&empty, &space, &query, 10, &dead([])).is_empty());
    let again = extended(&empty, &space, 200, &gone);
    assert_eq!(found(&again, &space, &query, 60, &gone).len(), 50);
    assert!(again.check().unwrap().is_clean());
}

#[test]
fn one_node_and_none() {
    let space = space(&clustered(1, 8, 1, 1), Metric::Cosine, Scalar::F32);
    let none = Graph::empty(PARAMS);
    assert!(none.is_empty() && none.check().unwrap().is_clean());
    assert!(found(&none, &space, space.rows.row(0), 5, &dead([])).is_empty());
    let one = extended(&none, &space, 1, &dead([]));
    assert_eq!(found(&one, &space, space.rows.row(0), 5, &dead([]))[0].1, 0);
    assert!(one.check().unwrap().is_clean());
}

#[test]
fn copies_of_one_row_are_all_reachable_and_found() {
    let mut rows = clustered(400, 8, 4, 12);
    let copies: Vec<u32> = (100..300).chain(400..1000).collect();
    rows.resize(1000, rows[100].clone());
    copies.iter().for_each(|&slot| rows[slot as usize] = rows[100].clone());
    let space = space(&rows, Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 1000, &dead([]));
    assert!(graph.check().unwrap().is_clean(), "{:?}", graph.check().unwrap());
    let hits = found(&graph, &space, space.rows.row(100), 1000, &dead([]));
    assert_eq!(hits.len(), 1000);
    // And they do not keep a walk from the rest.
    let others: Vec<Vec<u8>> = (0..100).map(|slot| space.rows.row(slot).to_vec()).collect();
    let recall = recall(&graph, &space, &others, 50, &dead([]));
    assert!(recall > 0.95, "{recall}");
}

#[test]
fn renumbering_keeps_the_answers() {
    let rows = clustered(600, 16, 6, 13);
    let gone = dead((0..600).filter(|s| s % 3 == 1));
    let old = space(&rows, Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &old, 600, &dead([]));
    let graph = graph.consolidate(&old, &gone, &threads(2), &()).unwrap();
    let kept: Vec<u32> = (0..600).filter(|&slot| !gone.get(slot)).collect();
    let new_of = |slot: u32| kept.binary_search(&slot).ok().map(|new| new as u32);
    let compact: Vec<Vec<f32>> = kept.iter().map(|&slot| rows[slot as usize].clone()).collect();
    let new = space(&compact, Metric::L2sq, Scalar::I8);
    let moved = graph.renumber(400, &new_of).unwrap();
    assert!(moved.check().unwrap().is_clean(), "{:?}", moved.check().unwrap());
    for query in queries(Scalar::I8, 16) {
        let before = found(&graph, &old, &query, 20, &dead([]));
        let before: Vec<_> = before.into_iter().map(|(d, slot)| (d, new_of(slot).unwrap())).collect();
        assert_eq!(found(&moved, &new, &query, 20, &dead([])), before);
    }
    let refuses = |new_len, new_of: &(dyn Fn(u32) -> Option<u32> + Sync)| {
        matches!(graph.renumber(new_len, new_of), Err(BuildError::BadNumbering { .. }))
    };
    assert!(refuses(399, &new_of) && refuses(600, &|slot| Some(600 - slot)) && refuses(600, &|_| None));
}

/// Cancels at its third question.
struct Impatient(std::sync::atomic::AtomicU32);

impl Progress for Impatient {
    fn advance(&self, done: u64, total: u64) -> bool {
        assert!(done <= total);
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2
    }
}

#[test]
fn a_build_can_be_cancelled() {
    let space = space(&clustered(400, 8, 3, 14), Metric::L2sq, Scalar::I8);
    let impatient = Impatient(Default::default());
    let result = Graph::empty(PARAMS).extend(&space, &u64::from, 400, &dead([]), &threads(1), &impatient);
    assert_eq!(result.err(), Some(BuildError::Cancelled));
    let too_many = Graph::empty(PARAMS).extend(&space, &u64::from, MAX_SLOTS + 1, &dead([]), &threads(1), &());
    assert_eq!(too_many.err(), Some(BuildError::TooManySlots { slots: MAX_SLOTS + 1 }));
}

struct Stop;

impl Control for Stop {
    fn stop(&self) -> bool {
        true
    }
}

#[test]
fn a_search_can_be_stopped() {
    let space = space(&clustered(900, 8, 3, 15), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 900, &dead([]));
    let mut scratch = Scratch::default();
    let query = space.rows.row(3);
    let outcome = graph.search(&space, query, Beam::new(500, 0), &Terms::new(&dead([]), &Stop), &mut scratch).unwrap();
    assert!(outcome.stopped_early && scratch.pool.len() > 10);
}

/// Both ways past blocked nodes return none of them and find what a scan of the others finds;
/// going over them computes no distance to any.
#[test]
fn blocked_nodes_are_passed_in_both_ways() {
    let space = space(&clustered(4000, 16, 30, 21), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 4000, &dead([]));
    let mut scratch = Scratch::default();
    for (every, over_floor) in [(2, 0.97), (4, 0.95), (12, 0.85)] {
        let blocked = dead((0..4000).filter(|slot| slot % every != 0));
        let mut spent = Vec::new();
        for (past_blocked, floor) in [(Past::Through, 0.97), (Past::Over, over_floor)] {
            let terms = Terms { past_blocked, ..Terms::new(&blocked, &Unlimited) };
            let (mut right, mut distances) = (0, 0);
            for query in queries(Scalar::I8, 16) {
                scratch.distances = 0;
                let outcome = graph.search(&space, &query, Beam::new(60, 0), &terms, &mut scratch).unwrap();
                assert_eq!(outcome, Outcome::default());
                assert!(scratch.pool.iter().all(|(_, slot)| slot % every == 0));
                let last = exact(&space, &query, 4000, &blocked, 10)[9];
                let limit = space.distance(&query, last).unwrap();
                right += scratch.pool.iter().take(10).filter(|&(distance, _)| distance <= limit).count();
                distances += scratch.distances;
            }
            let recall = right as f64 / (10 * queries(Scalar::I8, 16).len()) as f64;
            assert!(recall >= floor, "{past_blocked:?}, one of {every}: {recall}");
            spent.push(distances);
        }
        assert!(spent[1] < spent[0], "one of {every}: {spent:?} distances");
    }
}

/// Blocked nodes beyond the limit are left out and that is told; with room for all the walk is as without a limit.
#[test]
fn so_many_blocked_nodes_wait_and_no_more() {
    let space = space(&clustered(3000, 16, 30, 24), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 3000, &dead([]));
    let blocked = dead((0..3000).filter(|slot| slot % 4 != 0));
    let run = |most_waiting| {
        let mut scratch = Scratch::default();
        let terms = Terms { most_waiting, ..Terms::new(&blocked, &Unlimited) };
        let outcome = graph.search(&space, space.rows.row(5), Beam::new(50, 0), &terms, &mut scratch).unwrap();
        (outcome.left_out, scratch.distances, scratch.pool.iter().collect::<Vec<_>>())
    };
    let (free, none) = (run(usize::MAX), run(0));
    assert!(!free.0 && none.0 && none.1 < free.1, "{} and {} distances", none.1, free.1);
    let limited: Vec<_> = (0..200).map(run).collect();
    assert!(limited.iter().filter(|found| !found.0).count() > 50);
    assert!(limited.iter().all(|found| found.0 || *found == free));
}

#[test]
fn a_walk_gives_up_when_it_costs_too_much() {
    let space = space(&clustered(3000, 16, 30, 22), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 3000, &dead([]));
    let (blocked, mut scratch) = (dead(0..2990), Scratch::default());
    for past_blocked in [Past::Through, Past::Over] {
        scratch.distances = 1000;
        let terms = Terms { past_blocked, most_distances: 200, ..Terms::new(&blocked, &Unlimited) };
        let outcome = graph.search(&space, space.rows.row(3), Beam::new(50, 0), &terms, &mut scratch).unwrap();
        // One step more than allowed at the most.
        let longest = 2 * PARAMS.degree(0) as u64;
        assert!(scratch.distances <= 1200 + longest, "{past_blocked:?}: {}", scratch.distances);
        assert_eq!(outcome.gave_up, past_blocked == Past::Through, "{past_blocked:?}");
    }
}

#[test]
fn slack_keeps_more_and_the_adaptive_stop_computes_less() {
    let space = space(&clustered(1500, 16, 12, 16), Metric::L2sq, Scalar::I8);
    let graph = extended(&Graph::empty(PARAMS), &space, 1500, &dead([]));
    let mut scratch = Scratch::default();
    let mut run = |beam, query: &[u8]| {
        scratch.distances = 0;
        graph.search(&space, query, beam, &Terms::new(&dead([]), &Unlimited), &mut scratch).unwrap();
        (scratch.distances, scratch.pool.iter().collect::<Vec<_>>())
    };
    let (mut all, mut early) = (0, 0);
    for query in queries(Scalar::I8, 16) {
        let (plain, kept) = run(Beam::new(20, 0), &query);
        let (with_slack, more) = run(Beam::new(20, 15), &query);
        assert_eq!((plain, &kept[..]), (with_slack, &more[..20]), "slack changes neither walk nor results");
        assert!(more.len() == 35);
        let (wide, _) = run(Beam::new(200, 0), &query);
        let adaptive = Some(Adaptive { k: 10, stretch: 1.2 });
        let (stopped, wanted) = run(Beam { ef: 200, slack: 10, adaptive }, &query);
        assert!(wanted.len() >= 20 && stopped <= wide);
        (all, early) = (all + wide, early + stopped);
    }
    assert!(early < all * 3 / 4, "{early} of {all}");
}

#[test]
fn the_adaptive_stop_treats_equal_lengths_as_distances() {
    let rows: Vec<Vec<f32>> = clustered(1500, 24, 12, 17).iter().map(|row| of_length(row, 20.0)).collect();
    let queries: Vec<Vec<f32>> = clustered(40, 24, 12, 78).iter().map(|row| of_length(row, 20.0)).collect();
    let beam = Beam { ef: 200, slack: 10, adaptive: Some(Adaptive { k: 10, stretch: 1.3 }) };
    // |a - b|^2 = 2 (|a|^2 - a b), so both walks take the same steps.
    let (mut nearest, mut distances, none) = (Vec::new(), Vec::new(), dead([]));
    for metric in [Metric::L2sq, Metric::Ip] {
        let space = space(&rows, metric, Scalar::F32);
        let graph = extended(&Graph::empty(PARAMS), &space, 1500, &dead([]));
        let mut scratch = Scratch::default();
        for query in &queries {
            let terms = Terms::new(&none, &Unlimited);
            graph.search(&space, &packed(query, Scalar::F32), beam, &terms, &mut scratch).unwrap();
            nearest.push(scratch.pool.iter().next().unwrap().1);
        }
        distances.push(scratch.distances as f64);
    }
    assert_eq!(nearest[..40], nearest[40..]);
    assert!((0.9..1.1).contains(&(distances[0] / distances[1])), "{distances:?}");
    assert!(distances[0] < 40.0 * 900.0, "no early stop: {distances:?}");
}

#[test]
fn members_of_one_batch_find_each_other() {
    let space = space(&clustered(60, 16, 5, 18), Metric::L2sq, Scalar::F32);
    let graph = extended(&Graph::empty(PARAMS), &space, 60, &dead([]));
    for slot in 0..60 {
        // The heuristic always keeps the nearest candidate.
        let nearest = exact(&space, space.rows.row(slot), 60, &dead([slot]), 1)[0];
        assert!(links::ids(graph.links(0, slot)).any(|id| id == nearest), "slot {slot} misses {nearest}");
    }
}
