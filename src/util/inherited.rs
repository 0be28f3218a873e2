//! Descriptors that a forked child must not keep: a lock belongs to the open file, so it would last as long as the
//! last child that has a copy of it, whatever became of the process that took it.
//!
//! The child's handler closes them between `fork` and whatever comes next, where only atomics may be touched: hence a
//! table of fixed size. Where it is full, children keep what they inherit.

use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// Two for each database that a process has open to write.
const MOST: usize = 4096;

/// Descriptors plus one, 0 for none.
static NOTED: [AtomicI32; MOST] = [const { AtomicI32::new(0) }; MOST];

/// A descriptor that children give up; dropped before the descriptor is closed.
#[derive(Debug)]
pub struct Noted(&'static AtomicI32);

/// Lets children give up `descriptor`. `None` where there is no room.
pub fn note(descriptor: i32) -> Option<Noted> {
    let free = |place: &&AtomicI32| place.compare_exchange(0, descriptor + 1, SeqCst, SeqCst).is_ok();
    NOTED.iter().find(free).map(Noted)
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.store(0, SeqCst);
    }
}

/// For a child: the descriptors that it is to close, each once.
pub fn give_up() -> impl Iterator<Item = i32> {
    NOTED.iter().map(|place| place.swap(0, SeqCst)).filter(|&noted| noted > 0).map(|noted| noted - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_stays_until_it_is_dropped() {
        // Numbers far above those that the tests beside this one have open.
        let is_noted = |descriptor: i32| NOTED.iter().any(|place| place.load(SeqCst) == descriptor + 1);
        let [one, two] = [1_000_000, 1_000_001].map(|descriptor| note(descriptor).unwrap());
        assert!(is_noted(1_000_000) && is_noted(1_000_001));
        drop(one);
        assert!(!is_noted(1_000_000) && is_noted(1_000_001));
        drop(two);
        assert!(!is_noted(1_000_001));
    }
}
