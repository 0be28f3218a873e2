//! One writer and several readers on one database (promises P3, P10).
//!
//! Rows come in groups. All rows of a group are equal and are written or deleted in one
//! batch, so a search next to a group must find one version of all of it, or none of
//! it; and a version that was current at some time during the search. Every second
//! group has keys and metadata too, and a filter on its version must find those rows
//! that have the vector of that version.

use super::batches::DIM;
use super::model;
use super::tally::{Dice, Finding, Run, Trouble, Verdict};
use super::texts;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vdb::storage::OsStorage;
use vdb::util::hash::mix;
use vdb::{Database, Durability, Error, Filter, Hits, Records, SearchParams, Texts, Vectors};

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
fn vector(group: usize, version: u8) -> [f32; DIM] {
    let mut vector = [0.0; DIM];
    (vector[0], vector[1]) = ((group * 16) as f32, f32::from(version));
    vector
}

fn ids(group: usize) -> Vec<u64> {
    (0..GROUP as u64).map(|i| (group * GROUP) as u64 + i).collect()
}

/// Whether the rows of a group have keys and metadata.
fn has_records(group: usize) -> bool {
    group.is_multiple_of(2)
}

fn keys(group: usize) -> Texts<'static> {
    texts::texts(&ids(group).into_iter().map(|id| texts::key(id as u16)).collect::<Vec<_>>())
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
            None if has_records(group) && sequence % 2 == 1 => drop(db.delete_keys(&keys(group))?),
            None => drop(db.delete_batch(&ids(group))?),
            Some(version) => put(db, group, version)?,
        }
        progress.done[group].store(sequence, SeqCst);
        if dice.one_in(300) {
            db.checkpoint(None)?;
        }
    }
    Ok(())
}

fn put(db: &Database, group: usize, version: u8) -> Result<(), Error> {
    let rows = vector(group, version).repeat(GROUP);
    let rows = Vectors::f32(&rows, DIM)?;
    if !has_records(group) {
        return db.upsert_batch(&ids(group), rows, None);
    }
    let meta = texts::texts(&vec![texts::meta(version); GROUP]);
    db.upsert_records(&mut ids(group), rows, &Records { keys: Some(keys(group)), meta: Some(meta) }, None)
}

fn read(db: &Database, progress: &Progress, seed: u64) -> Verdict<u64> {
    let (mut dice, mut searches) = (Dice::new(seed), 0);
    while !progress.over.load(SeqCst) {
        check_group(db, progress, dice.below(GROUPS))?;
        searches += 1;
    }
    Ok(searches)
}

/// Exact searches and some by graph, next to `group`; where it has metadata, also for one version of it.
fn check_group(db: &Database, progress: &Progress, group: usize) -> Verdict {
    for exact in [true, false] {
        check_search(db, progress, group, exact, None)?;
        let sequence = progress.begun[group].load(SeqCst);
        if let Some(version) = version(group, sequence).filter(|_| has_records(group)) {
            check_search(db, progress, group, exact, Some(version))?;
        }
    }
    Ok(())
}

fn check_search(db: &Database, progress: &Progress, group: usize, exact: bool, wanted: Option<u8>) -> Verdict {
    let oldest = progress.done[group].load(SeqCst);
    let found = search(db, group, exact, wanted)?;
    let newest = progress.begun[group].load(SeqCst);
    let passes = |version: &u8| wanted.is_none_or(|wanted| wanted == *version);
    let possible = || (oldest..=newest).map(|sequence| version(group, sequence).filter(passes));
    let own: Vec<(u64, f32)> = found.into_iter().filter(|hit| hit.1 < 256.0).collect();
    let wrong = |trouble: Trouble| -> Finding {
        let versions: Vec<_> = possible().collect();
        let asked = format!("group {group}, exact {exact}, version {wanted:?}");
        trouble.because(format!("{asked}: found {own:?}, possible are versions {versions:?}"))
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
    Ok(())
}

/// The rows next to a group, of all versions or of one.
fn search(db: &Database, group: usize, exact: bool, wanted: Option<u8>) -> Verdict<Vec<(u64, f32)>> {
    let (mut ids, mut distances, mut counts) = ([0; GROUP], [0.0; GROUP], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let query = vector(group, 0);
    let filter = wanted.map(|version| Filter::parse(&format!("n = {version}")).expect("a filter"));
    let params = SearchParams { exact, filter, ..SearchParams::default() };
    let searched = Vectors::f32(&query, DIM).and_then(|query| db.search(query, GROUP, &params, hits));
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
