//! How often numbers of each size came, in a few kilobytes that any number of threads may add to.
//!
//! Buckets are a sixteenth of their number wide (as in HdrHistogram, <https://hdrhistogram.org>): 16 for each
//! doubling. So what is read back is off by 3.2 % at most, whatever the size. Adding takes no lock and two atomic additions.

use super::memory::{AllocError, collected};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A doubling has `1 << SPLIT` buckets.
const SPLIT: u32 = 4;
/// Numbers of more bits than this share the last bucket: in nanoseconds, more than an hour.
const BITS: u32 = 42;
const BUCKETS: usize = ((BITS - SPLIT + 1) << SPLIT) as usize;

/// The counts.
#[derive(Debug)]
pub struct Histogram {
    buckets: Vec<AtomicU64>,
    sum: AtomicU64,
    max: AtomicU64,
}

/// What was counted so far. Beside threads that go on counting, its fields may differ by what these just add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Numbers counted.
    pub count: u64,
    /// All of them added up.
    pub sum: u64,
    /// The largest.
    pub max: u64,
    /// The least that 50, 95 and 99 of 100 numbers do not pass, within 3.2 %.
    pub percentiles: [u64; 3],
}

/// The percentiles of a [`Summary`].
const PERCENTILES: [u64; 3] = [50, 95, 99];

impl Histogram {
    /// Nothing counted yet.
    pub fn new() -> Result<Histogram, AllocError> {
        let buckets = collected((0..BUCKETS).map(|_| AtomicU64::new(0)))?;
        Ok(Histogram { buckets, sum: AtomicU64::new(0), max: AtomicU64::new(0) })
    }

    /// Counts a number.
    #[inline]
    pub fn add(&self, number: u64) {
        self.buckets[bucket_of(number)].fetch_add(1, Relaxed);
        self.sum.fetch_add(number, Relaxed);
        // Most numbers are not the largest so far, and a load is shared by all threads.
        if number > self.max.load(Relaxed) {
            self.max.fetch_max(number, Relaxed);
        }
    }

    /// What was counted so far.
    pub fn summary(&self) -> Summary {
        let counts = || self.buckets.iter().map(|bucket| bucket.load(Relaxed));
        let (count, max) = (counts().sum::<u64>(), self.max.load(Relaxed));
        let nearest_rank = |percent: u64| {
            let rank = (u128::from(count) * u128::from(percent)).div_ceil(100) as u64;
            let mut below = 0;
            let reaches = |count: u64| {
                below += count;
                below >= rank
            };
            counts().position(reaches).map_or(max, |bucket| middle_of(bucket).min(max))
        };
        let percentiles = if count == 0 { [0; 3] } else { PERCENTILES.map(nearest_rank) };
        Summary { count, sum: self.sum.load(Relaxed), max, percentiles }
    }
}

/// The bucket of a number.
#[inline]
fn bucket_of(number: u64) -> usize {
    let number = number.min((1 << BITS) - 1);
    // Numbers below the first whole doubling have a bucket each.
    let doubling = (number | 1 << SPLIT).ilog2() - SPLIT;
    ((doubling << SPLIT) as u64 + (number >> doubling)) as usize
}

/// What stands for the numbers of a bucket. The last one has no end: the largest number stands for it.
fn middle_of(bucket: usize) -> u64 {
    if bucket + 1 == BUCKETS {
        return u64::MAX;
    }
    let doubling = (bucket as u32 >> SPLIT).saturating_sub(1);
    let first = (bucket as u64 - u64::from(doubling << SPLIT)) << doubling;
    first + (1 << doubling) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut last = 0;
        for number in (0..5000).chain((13..BITS).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1])) {
            let bucket = bucket_of(number);
            assert!(bucket == last || bucket == last + 1 || number > 5000, "{number}");
            assert!(bucket >= last && bucket < BUCKETS);
            last = bucket;
        }
        assert_eq!((bucket_of((1 << BITS) - 1), bucket_of(u64::MAX)), (BUCKETS - 1, BUCKETS - 1));
        const { assert!(BUCKETS * 8 < 5200, "a few kilobytes") };
    }

    #[test]
    fn nothing_and_the_largest_number() {
        let histogram = Histogram::new().unwrap();
        assert_eq!(histogram.summary(), Summary::default());
        histogram.add(u64::MAX / 2);
        assert_eq!(
            histogram.summary(),
            Summary { count: 1, sum: u64::MAX / 2, max: u64::MAX / 2, percentiles: [u64::MAX / 2; 3] }
        );
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_a_sorted_list_within_their_error(
            mut numbers in proptest::collection::vec((0u64..1 << 40, 0u32..40).prop_map(|(n, shift)| n >> shift), 1..400),
        ) {
            let histogram = Histogram::new().unwrap();
            numbers.iter().for_each(|&number| histogram.add(number));
            numbers.sort_unstable();
            let found = histogram.summary();
            prop_assert_eq!((found.count, found.sum), (numbers.len() as u64, numbers.iter().sum::<u64>()));
            prop_assert_eq!(Some(&found.max), numbers.last());
            for (percent, found) in PERCENTILES.into_iter().zip(found.percentiles) {
                let rank = (numbers.len() as u64 * percent).div_ceil(100) as usize;
                let exact = numbers[rank - 1];
                prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 / 32.0, "{}: {} for {}", percent, found, exact);
            }
        }
    }

    #[test]
    fn no_number_is_lost_between_threads() {
        let histogram = Histogram::new().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let histogram = &histogram;
                scope.spawn(move || (0..5000).for_each(|i| histogram.add(thread * 5000 + i)));
            }
        });
        let found = histogram.summary();
        assert_eq!((found.count, found.sum, found.max), (20_000, 20_000 * 19_999 / 2, 19_999));
    }
}
