//! One writer and several readers on one database (promises P3, P10).
//!
//! Rows come in groups. All rows of a group are equal and are written or deleted in one
//! batch, so a search next to a group must find one version of all of it, or none of
//! it; and a version that was current at some time during the search.

use super::model;
use super::tally::{Dice, Finding, Run, Trouble, Verdict};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vdb::storage::OsStorage;
use vdb::util::hash::mix;
use vdb::{Database, Durability, Error, Hits, SearchParams, Vectors};

const GROUPS: usize = 16;
const GROUP: usize = 20;
const VERSIONS: u64 = 15;

/// Batches of each group: how many were begun, how many ended.
#[derive(Default)]
struct Progress {
    begun: [AtomicU64; GROUPS],
    done: [AtomicU64; GROUPS],
    over: AtomicBool,
}

/// The version after batch `sequence` of a group; `None` when it is not there.
fn version(group: usize, sequence: u64) -> Option<u8> {
    let deleted = sequence == 0 || mix(sequence, group as u64).is_multiple_of(4);
    (!deleted).then_some((sequence % VERSIONS + 1) as u8)
}

/// Groups are 16 apart and versions at most 15 away from their group's place.
fn vector(group: usize, version: u8) -> [f32; model::DIM] {
    let mut vector = [0.0; model::DIM];
    (vector[0], vector[1]) = ((group * 16) as f32, f32::from(version));
    vector
}

fn ids(group: usize) -> Vec<u64> {
    (0..GROUP as u64).map(|i| (group * GROUP) as u64 + i).collect()
}

pub fn readers_and_a_writer(run: &Run) {
    run.rounds(|dice| {
        let place = tempfile::tempdir().map_err(|e| Trouble::Unreadable.because(e))?;
        let broken = |e: Error| Trouble::Unreadable.because(format!("{:?}: {e}", e.kind()));
        let disk = || OsStorage::open(place.path(), true, true).map_err(|e| Trouble::Unreadable.because(e));
        let db = model::open(disk()?, Durability::Process).map_err(broken)?;
        let progress = &Progress::default();
        let until = run.deadline.min(Instant::now() + Duration::from_secs(2));
        let shared = &db;
        let searches = std::thread::scope(|scope| {
            let seeds: Vec<u64> = (0..3).map(|_| dice.number()).collect();
            let readers: Vec<_> =
                seeds.into_iter().map(|seed| scope.spawn(move || read(shared, progress, seed))).collect();
            let written = write(shared, progress, dice, until).map_err(broken);
            progress.over.store(true, SeqCst);
            let panicked = || Trouble::Crash.because("a reader panicked");
            let read: Verdict<u64> = readers.into_iter().map(|r| r.join().map_err(|_| panicked())?).sum();
            written.and(read)
        })?;
        db.close().map_err(broken)?;
        let db = model::open(disk()?, Durability::Process).map_err(broken)?;
        for group in 0..GROUPS {
            check_group(&db, progress, group).map_err(|e| e.at("after reopening"))?;
        }
        Ok(searches)
    });
}

fn write(db: &Database, progress: &Progress, dice: &mut Dice, until: Instant) -> Result<(), Error> {
    while Instant::now() < until {
        let group = dice.below(GROUPS);
        let sequence = progress.begun[group].fetch_add(1, SeqCst) + 1;
        match version(group, sequence) {
            None => drop(db.delete_batch(&ids(group))?),
            Some(version) => {
                let rows = vector(group, version).repeat(GROUP);
                db.upsert_batch(&ids(group), Vectors::f32(&rows, model::DIM)?, None)?;
            }
        }
        progress.done[group].store(sequence, SeqCst);
        if dice.one_in(300) {
            db.checkpoint(None)?;
        }
    }
    Ok(())
}

fn read(db: &Database, progress: &Progress, seed: u64) -> Verdict<u64> {
    let (mut dice, mut searches) = (Dice::new(seed), 0);
    while !progress.over.load(SeqCst) {
        check_group(db, progress, dice.below(GROUPS))?;
        searches += 1;
    }
    Ok(searches)
}

/// One exact search and one by graph, next to `group`.
fn check_group(db: &Database, progress: &Progress, group: usize) -> Verdict {
    for exact in [true, false] {
        let oldest = progress.done[group].load(SeqCst);
        let found = search(db, group, exact)?;
        let newest = progress.begun[group].load(SeqCst);
        let possible = || (oldest..=newest).map(|sequence| version(group, sequence));
        let own: Vec<(u64, f32)> = found.into_iter().filter(|hit| hit.1 < 256.0).collect();
        let wrong = |trouble: Trouble| -> Finding {
            let versions: Vec<_> = possible().collect();
            trouble.because(format!("group {group}, exact {exact}: found {own:?}, possible are versions {versions:?}"))
        };
        let current = |d: f32| possible().flatten().any(|v| f32::from(v).powi(2) == d);
        if !own.iter().all(|hit| ids(group).contains(&hit.0) && current(hit.1)) {
            return Err(wrong(Trouble::Wrong));
        }
        let same = own.iter().all(|hit| hit.1 == own[0].1);
        if !same || exact && own.len() != GROUP && !own.is_empty() {
            return Err(wrong(Trouble::Half));
        }
        if exact && own.is_empty() && possible().all(|version| version.is_some()) {
            return Err(wrong(Trouble::Lost));
        }
    }
    Ok(())
}

fn search(db: &Database, group: usize, exact: bool) -> Verdict<Vec<(u64, f32)>> {
    let (mut ids, mut distances, mut counts) = ([0; GROUP], [0.0; GROUP], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let query = vector(group, 0);
    let params = SearchParams { exact, ..SearchParams::default() };
    let searched = Vectors::f32(&query, model::DIM).and_then(|query| db.search(query, GROUP, &params, hits));
    searched.map_err(|e| Trouble::Unreadable.because(e))?;
    let found: Vec<(u64, f32)> = ids.into_iter().zip(distances).take(counts[0] as usize).collect();
    let mut distinct: Vec<u64> = found.iter().map(|hit| hit.0).collect();
    distinct.sort_unstable();
    distinct.dedup();
    match distinct.len() == found.len() && found.is_sorted_by(|a, b| (a.1, a.0) < (b.1, b.0)) {
        true => Ok(found),
        false => Err(Trouble::Wrong.because(format!("repeated or out of order: {found:?}"))),
    }
}
