//! How long calls take: a histogram for each kind of call, always on.
//!
//! A call costs two looks at the clock and two atomic additions for it, some 60 ns. Calls that fail are not counted: they
//! end early, and would make what works look fast.

use super::error::Result;
use crate::util::histogram::{Histogram, Summary};
use crate::util::memory::with_room;
use std::time::{Duration, Instant};

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Call {
    /// A search for the nearest rows of one query, a vector or a stored row.
    Search = 1,
    /// The same for several queries in one call.
    SearchBatch = 2,
    /// A range search.
    SearchRange = 3,
    /// A batch of new rows.
    Insert = 4,
    /// A batch of rows, new or not.
    Upsert = 5,
    /// A batch of deletions, by id, key or filter.
    Delete = 6,
    /// Vectors or records of a batch of rows read.
    Get = 7,
    /// Rows counted.
    Count = 8,
    /// Batches made durable.
    Sync = 9,
    /// A checkpoint that had something to write, whoever asked for it.
    Checkpoint = 10,
    /// A handle that only reads looked for news.
    Refresh = 11,
    /// A batch of changes of metadata, by id or filter.
    UpdateMeta = 12,
    /// A search for rows like some rows.
    Recommend = 13,
    /// A search for rows that differ.
    Diverse = 14,
    /// A search for groups.
    Groups = 15,
    /// A page of a cursor.
    Page = 16,
}

impl Call {
    /// All of them, by number.
    pub const ALL: [Call; 16] = [
        Call::Search,
        Call::SearchBatch,
        Call::SearchRange,
        Call::Insert,
        Call::Upsert,
        Call::Delete,
        Call::Get,
        Call::Count,
        Call::Sync,
        Call::Checkpoint,
        Call::Refresh,
        Call::UpdateMeta,
        Call::Recommend,
        Call::Diverse,
        Call::Groups,
        Call::Page,
    ];

    /// The kind with this number, as in the C header.
    pub fn from_number(number: u32) -> Option<Call> {
        Call::ALL.into_iter().find(|&call| call as u32 == number)
    }
}

/// How long the calls of one kind took since the database was opened, those that failed left out. In
/// nanoseconds; percentiles are off by 3.2 % at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Number of calls.
    pub count: u64,
    /// Their mean.
    pub mean_ns: u64,
    /// Half of the calls took no longer.
    pub p50_ns: u64,
    /// 95 of 100 took no longer.
    pub p95_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// All of them together.
    pub sum_ns: u64,
}

impl From<Summary> for Latency {
    fn from(summary: Summary) -> Latency {
        let Summary { count, sum, max, percentiles: [p50_ns, p95_ns, p99_ns] } = summary;
        Latency { count, mean_ns: sum / count.max(1), p50_ns, p95_ns, p99_ns, max_ns: max, sum_ns: sum }
    }
}

/// The histograms of one database.
pub struct Latencies(Vec<Histogram>);

impl Latencies {
    /// Nothing measured yet.
    pub fn new() -> Result<Latencies> {
        let mut all = with_room(Call::ALL.len())?;
        for _ in Call::ALL {
            all.push(Histogram::new()?);
        }
        Ok(Latencies(all))
    }

    /// Counts a call that took so long.
    #[inline]
    pub fn add(&self, call: Call, took: Duration) {
        self.0[call as usize - 1].add(took.as_nanos() as u64);
    }

    /// Does `work`, and counts it unless it fails.
    pub fn of<T>(&self, call: Call, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let done = work()?;
        self.add(call, start.elapsed());
        Ok(done)
    }

    /// What was measured for one kind of call.
    pub fn get(&self, call: Call) -> Latency {
        self.0[call as usize - 1].summary().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::error::{ErrorKind, fail};

    #[test]
    fn kinds_have_the_numbers_of_their_places() {
        for (place, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!((call as usize, Call::from_number(call as u32)), (place + 1, Some(call)));
        }
        assert_eq!((Call::from_number(0), Call::from_number(Call::ALL.len() as u32 + 1)), (None, None));
    }

    #[test]
    fn what_fails_is_not_counted_and_each_kind_is_counted_for_itself() {
        let all = Latencies::new().unwrap();
        assert_eq!(all.of(Call::Get, || Ok(7)).unwrap(), 7);
        assert!(all.of(Call::Get, || fail::<()>(ErrorKind::Limit, "no")).is_err());
        [10, 20, 30].iter().for_each(|&ns| all.add(Call::Sync, Duration::from_nanos(ns)));
        let expected = Latency { count: 3, mean_ns: 20, p50_ns: 20, p95_ns: 30, p99_ns: 30, max_ns: 30, sum_ns: 60 };
        assert_eq!((all.get(Call::Get).count, all.get(Call::Sync)), (1, expected));
        assert_eq!(all.get(Call::Delete), Latency::default());
    }
}
