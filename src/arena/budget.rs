//! How much memory a database may hold, and how much it does: one counter
//! that every large allocation takes from before it is made and gives back to
//! when it is dropped.
//!
//! What counts is memory that cannot be given back by dropping a page: blocks
//! of rows as far as they are written, and working memory of a size that grows
//! with the data. Mapped files do not count. A search in the steady state
//! never comes here: its working memory keeps what it once took.

use crate::util::memory::AllocError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
struct Meter {
    /// 0 = no limit.
    max: u64,
    used: AtomicU64,
    /// Counts down to the one request that is refused; 0 = none is.
    refuse_in: AtomicU64,
    /// Whether all after that one are refused, too.
    refuse_on: AtomicBool,
}

/// The memory of one database. Clones share the counter; the default has no limit.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    meter: Arc<Meter>,
}

impl Budget {
    /// A budget of `max` bytes, 0 = no limit.
    pub fn new(max: u64) -> Budget {
        Budget { meter: Arc::new(Meter { max, ..Meter::default() }) }
    }

    /// The limit, 0 = none.
    pub fn max(&self) -> u64 {
        self.meter.max
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.meter.used.load(Relaxed)
    }

    /// Bytes that are left.
    pub fn room(&self) -> u64 {
        if self.max() == 0 { u64::MAX } else { self.max().saturating_sub(self.used()) }
    }

    /// Takes `bytes` until the lease is dropped.
    pub fn take(&self, bytes: u64) -> Result<Lease, AllocError> {
        let lease = Lease::new(self);
        lease.cover(bytes)?;
        Ok(lease)
    }

    fn add(&self, bytes: u64) -> Result<(), AllocError> {
        let Meter { max, used, .. } = &*self.meter;
        if self.meter.refuse_in.load(Relaxed) > 0 && self.is_refused() {
            return Err(AllocError::OverBudget { bytes, used: self.used(), max: *max });
        }
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| *max == 0 || sum <= *max);
        let over = |used| AllocError::OverBudget { bytes, used, max: *max };
        used.fetch_update(Relaxed, Relaxed, fits).map(drop).map_err(over)
    }

    #[cold]
    fn is_refused(&self) -> bool {
        let on = self.meter.refuse_on.load(Relaxed);
        let next = |n: u64| if n == 1 && on { Some(1) } else { n.checked_sub(1) };
        self.meter.refuse_in.fetch_update(Relaxed, Relaxed, next) == Ok(1)
    }

    fn give_back(&self, bytes: u64) {
        self.meter.used.fetch_sub(bytes, Relaxed);
    }

    /// For tests of what happens then: refuses the `n`-th request from now on
    /// (0 = none), whatever the room. Returns what was left of the count before.
    pub fn refuse(&self, n: u64) -> u64 {
        self.meter.refuse_on.store(false, Relaxed);
        self.meter.refuse_in.swap(n, Relaxed)
    }

    /// As [`Budget::refuse`], but the requests after it are refused, too, until that is called.
    pub fn refuse_from(&self, n: u64) {
        self.meter.refuse_on.store(true, Relaxed);
        self.meter.refuse_in.store(n, Relaxed);
    }
}

/// Bytes taken from a [`Budget`].
#[derive(Debug)]
pub struct Lease {
    budget: Budget,
    bytes: AtomicU64,
}

impl Lease {
    /// A lease of nothing yet.
    pub fn new(budget: &Budget) -> Lease {
        Lease { budget: budget.clone(), bytes: AtomicU64::new(0) }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Makes it `bytes` at least. One caller at a time.
    #[inline]
    pub fn cover(&self, bytes: u64) -> Result<(), AllocError> {
        let held = self.bytes();
        if bytes <= held {
            return Ok(());
        }
        self.budget.add(bytes - held)?;
        self.bytes.store(bytes, Relaxed);
        Ok(())
    }

    /// Moves `bytes` of it, or all there are, to a lease of its own. One caller at a time.
    pub fn split(&self, bytes: u64) -> Lease {
        let held = self.bytes();
        let bytes = bytes.min(held);
        self.bytes.store(held - bytes, Relaxed);
        Lease { budget: self.budget.clone(), bytes: AtomicU64::new(bytes) }
    }

    /// Makes it `bytes` at most. One caller at a time.
    pub fn shrink_to(&self, bytes: u64) {
        let held = self.bytes();
        if bytes < held {
            self.bytes.store(bytes, Relaxed);
            self.budget.give_back(held - bytes);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_and_the_limit_holds() {
        let budget = Budget::new(100);
        let first = budget.take(60).unwrap();
        assert_eq!(budget.take(41).err(), Some(AllocError::OverBudget { bytes: 41, used: 60, max: 100 }));
        let second = budget.take(40).unwrap();
        assert_eq!((budget.used(), budget.room()), (100, 0));
        assert!(first.cover(61).is_err());
        second.shrink_to(5);
        first.cover(80).unwrap();
        assert_eq!((budget.used(), first.bytes(), second.bytes()), (85, 80, 5));
        let part = first.split(30);
        assert_eq!((budget.used(), first.bytes(), part.bytes(), second.split(9).bytes()), (85, 50, 30, 5));
        assert_eq!((budget.used(), second.bytes()), (80, 0));
        drop((first, second));
        assert_eq!(budget.used(), 30);
        drop(part);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn without_a_limit_it_only_counts() {
        let budget = Budget::default();
        let lease = budget.take(1 << 50).unwrap();
        assert_eq!((budget.used(), budget.room()), (1 << 50, u64::MAX));
        assert!(lease.cover(u64::MAX).is_ok() && budget.take(1).is_err(), "the counter itself does not overflow");
    }

    #[test]
    fn a_test_can_have_one_request_refused() {
        let budget = Budget::default();
        budget.refuse(2);
        assert!(budget.take(1).is_ok() && budget.take(1).is_err() && budget.take(1).is_ok());
        assert_eq!(budget.refuse(0), 0);
        budget.refuse_from(2);
        assert!(budget.take(1).is_ok() && budget.take(1).is_err() && budget.take(1).is_err());
        budget.refuse(0);
        assert!(budget.take(1).is_ok());
    }
}
