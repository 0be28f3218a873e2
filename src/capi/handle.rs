//! The handle table: what a caller holds is a number, not an address.
//!
//! A `vdb *` is a token, `0x5A | kind | generation | index`, that is never
//! dereferenced: with its top byte no processor accepts it as an address, so a caller
//! that does dereference it stops at once. Using a handle after closing it, closing it twice, or passing
//! garbage is found by comparing the generation: a status, never undefined
//! behaviour. (A magic word behind a real pointer, the usual check, reads freed memory.)
//!
//! A slot lives for ever once it exists; a closed slot is used again under the next
//! generation, and retired after the last one. Slots lie in segments of doubling size
//! that never move, so a lookup takes no lock, and the table grows with its callers.
//!
//! How a handle is closed while other threads use it is the protocol of `slot`.

use super::fork;
use super::slot::{self, FreeList, LAST_GENERATION, Slot};
use crate::util::sync::AtomicU64;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

pub(super) use super::slot::Gone;
/// A call in progress on an open handle.
pub(super) type Pin<T> = slot::Pin<'static, T>;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a handle packs tag, kind, generation and index into 64 bits");

const TAG: u64 = 0x5A;
const INDEX_BITS: u32 = 28;

/// Slots of the first segment; each further one has twice as many.
const FIRST_SEGMENT: usize = 8;
/// Segments needed for 2^28 slots.
const SEGMENTS: usize = (INDEX_BITS as usize) - 2;

/// All handles of one kind. `GROUPS` is the number of call counters per handle.
pub(super) struct Table<T: 'static, const GROUPS: usize> {
    kind: u64,
    segments: [AtomicPtr<Slot<T, GROUPS>>; SEGMENTS],
    /// Number of slots ever handed out.
    used: AtomicUsize,
    free: FreeList,
}

/// The group of the calling thread: threads take turns in order of their first call.
#[inline]
fn group() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static GROUP: usize = THREADS.fetch_add(1, Relaxed);
    }
    GROUP.with(|g| *g)
}

impl<T: Send + Sync, const GROUPS: usize> Table<T, GROUPS> {
    /// An empty table; `kind` (1-15) tells its tokens from those of other tables.
    pub const fn new(kind: u64) -> Self {
        assert!(kind >= 1 && kind < 16);
        Table {
            kind,
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS],
            used: AtomicUsize::new(0),
            free: FreeList { top: AtomicU64::new(0) },
        }
    }

    /// Stores `value`; gives it back when memory or indexes are used up.
    pub fn insert(&'static self, value: T) -> Result<u64, T> {
        if !fork::watch() {
            return Err(value);
        }
        let Some((index, slot)) = self.free.pop(|index| self.slot(index)).or_else(|| self.grow()) else {
            return Err(value);
        };
        // SAFETY: the slot is from the free list, or handed out for the first time.
        let generation = unsafe { slot.open(value, fork::epoch()) };
        Ok(TAG << 56 | self.kind << 52 | generation << INDEX_BITS | index as u64)
    }

    /// The value behind a token, held until the pin is dropped. Never waits.
    #[inline]
    pub fn pin(&'static self, token: u64) -> Result<Pin<T>, Gone> {
        let (slot, generation) = self.find(token).ok_or(Gone::Closed)?;
        slot.pin(generation, fork::epoch(), group())
    }

    /// Takes the value out once the calls in progress have ended. Of several threads
    /// that try, one gets it. A handle of the parent process is only forgotten.
    pub fn take(&'static self, token: u64) -> Result<T, Gone> {
        let (slot, generation) = self.find(token).ok_or(Gone::Closed)?;
        let taken = slot.take(generation, fork::epoch())?;
        if taken.free {
            self.free.push(index_of(token), slot);
        }
        Ok(taken.value)
    }

    /// Drops the free list, which a call of the parent may have held slots of.
    /// Touches one atomic, as a fork handler must.
    pub fn forget_free_slots(&self) {
        self.free.forget();
    }

    /// The slot and the generation a token names, if it can be one of this table.
    #[inline]
    fn find(&'static self, token: u64) -> Option<(&'static Slot<T, GROUPS>, u64)> {
        if token >> 52 != TAG << 4 | self.kind {
            return None;
        }
        let slot = self.slot(index_of(token))?;
        Some((slot, token >> INDEX_BITS & LAST_GENERATION))
    }

    #[inline]
    fn slot(&'static self, index: usize) -> Option<&'static Slot<T, GROUPS>> {
        let (segment, offset) = place(index);
        let slots = self.segments.get(segment)?.load(Acquire);
        if slots.is_null() {
            return None;
        }
        // SAFETY: a segment has `FIRST_SEGMENT << segment` slots, `place` stays below
        // that, and it is never freed once its pointer is stored.
        Some(unsafe { &*slots.add(offset) })
    }

    /// A slot that nobody used yet; `None` when memory or indexes are used up.
    fn grow(&'static self) -> Option<(usize, &'static Slot<T, GROUPS>)> {
        let next = |used: usize| (used < 1 << INDEX_BITS).then_some(used + 1);
        let index = self.used.fetch_update(Relaxed, Relaxed, next).ok()?;
        let (segment, _) = place(index);
        if self.segments[segment].load(Acquire).is_null() {
            let len = FIRST_SEGMENT << segment;
            let mut slots: Vec<Slot<T, GROUPS>> = Vec::new();
            slots.try_reserve_exact(len).ok()?;
            slots.extend((0..len).map(|_| Slot::new(1)));
            let fresh = Box::into_raw(slots.into_boxed_slice());
            let first = fresh.cast::<Slot<T, GROUPS>>();
            if self.segments[segment].compare_exchange(ptr::null_mut(), first, AcqRel, Acquire).is_err() {
                // SAFETY: another thread was faster; ours came from `into_raw` above
                // and nobody else has seen it.
                drop(unsafe { Box::from_raw(fresh) });
            }
        }
        Some((index, self.slot(index)?))
    }
}

/// The slot a token names.
#[inline]
fn index_of(token: u64) -> usize {
    (token & ((1 << INDEX_BITS) - 1)) as usize
}

/// Segment and offset of a slot: segment s begins at `FIRST_SEGMENT * (2^s - 1)`.
#[inline]
fn place(index: usize) -> (usize, usize) {
    let from_start = index + FIRST_SEGMENT;
    let segment = (from_start.ilog2() - FIRST_SEGMENT.ilog2()) as usize;
    (segment, from_start - (FIRST_SEGMENT << segment))
}

/// Empties the free lists of all tables; runs in a forked child.
pub(super) fn forget_free_slots() {
    super::open::DATABASES.forget_free_slots();
    super::options::OPTION_SETS.forget_free_slots();
    super::task::TASKS.forget_free_slots();
    super::filter::FILTERS.forget_free_slots();
    super::cursor::CURSORS.forget_free_slots();
    super::snapshot::SNAPSHOTS.forget_free_slots();
}

#[cfg(test)]
mod tests {
    use super::super::slot::{FREE, state};
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn table<T: Send + Sync, const GROUPS: usize>() -> &'static Table<T, GROUPS> {
        Box::leak(Box::new(Table::new(15)))
    }

    fn pinned(t: &'static Table<u32, 2>, token: u64) -> Result<u32, Gone> {
        t.pin(token).map(|p| *p)
    }

    #[test]
    fn slots_fill_every_segment_without_a_gap() {
        let mut expected = (0, 0);
        for index in 0..100_000 {
            assert_eq!(place(index), expected, "{index}");
            expected.1 += 1;
            if expected.1 == FIRST_SEGMENT << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(place((1 << INDEX_BITS) - 1).0 < SEGMENTS);
    }

    #[test]
    fn a_token_is_no_address_and_dies_with_its_handle() {
        let t = table::<u32, 2>();
        let a = t.insert(1).unwrap();
        assert_eq!(a >> 56, 0x5A, "neither 48- nor 57-bit addresses look like this");
        assert_eq!(pinned(t, a), Ok(1));
        assert_eq!(t.take(a), Ok(1));
        assert_eq!((pinned(t, a), t.take(a)), (Err(Gone::Closed), Err(Gone::Closed)));
        let b = t.insert(2).unwrap();
        assert_eq!(index_of(a), index_of(b), "the slot is used again");
        assert_eq!((pinned(t, a), pinned(t, b)), (Err(Gone::Closed), Ok(2)));
    }

    #[test]
    fn a_slot_retires_after_its_last_generation() {
        let t = table::<u32, 2>();
        let token = t.insert(1).unwrap();
        let slot = t.slot(0).unwrap();
        t.take(token).unwrap();
        slot.state.store(state(LAST_GENERATION, FREE), SeqCst);
        let last = t.insert(2).unwrap();
        assert_eq!((index_of(last), t.take(last)), (index_of(token), Ok(2)));
        let other = t.insert(3).unwrap();
        assert_ne!(index_of(other), index_of(last));
        assert_eq!((pinned(t, last), pinned(t, other)), (Err(Gone::Closed), Ok(3)));
    }

    #[test]
    fn a_handle_of_another_process_is_forgotten_not_dropped() {
        struct Loud(Arc<AtomicBool>);
        impl Drop for Loud {
            fn drop(&mut self) {
                self.0.store(true, SeqCst);
            }
        }
        let dropped = Arc::new(AtomicBool::new(false));
        let t = table::<Loud, 1>();
        let token = t.insert(Loud(dropped.clone())).ok().unwrap();
        t.slot(0).unwrap().epoch.store(0, SeqCst);
        assert_eq!(t.pin(token).err(), Some(Gone::Forked));
        assert_eq!(t.take(token).err(), Some(Gone::Forked));
        assert_eq!(t.take(token).err(), Some(Gone::Closed));
        assert!(!dropped.load(SeqCst));
        let other = t.insert(Loud(dropped)).ok().unwrap();
        assert_ne!(index_of(other), index_of(token), "its slot is not used again");
    }

    #[test]
    fn close_waits_for_calls_and_one_closer_wins() {
        let t = table::<AtomicBool, 4>();
        for _ in 0..if cfg!(miri) { 5 } else { 200 } {
            let token = t.insert(AtomicBool::new(true)).ok().unwrap();
            let wins = AtomicUsize::new(0);
            std::thread::scope(|s| {
                for _ in 0..3 {
                    s.spawn(|| {
                        while let Ok(open) = t.pin(token) {
                            assert!(open.load(SeqCst), "used after it was taken");
                        }
                    });
                }
                for _ in 0..2 {
                    s.spawn(|| {
                        if let Ok(value) = t.take(token) {
                            value.store(false, SeqCst);
                            wins.fetch_add(1, SeqCst);
                        }
                    });
                }
            });
            assert_eq!(wins.into_inner(), 1);
        }
    }

    #[test]
    fn threads_that_open_and_close_never_share_a_slot() {
        let t = table::<usize, 2>();
        std::thread::scope(|s| {
            for thread in 0..4 {
                s.spawn(move || {
                    for i in 0..if cfg!(miri) { 20 } else { 2000 } {
                        let value = thread * 10_000 + i;
                        let token = t.insert(value).unwrap();
                        assert_eq!(*t.pin(token).ok().unwrap(), value);
                        assert_eq!(t.take(token), Ok(value));
                    }
                });
            }
        });
        assert!(t.used.load(SeqCst) <= 8, "slots are used again");
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(ops in proptest::collection::vec((any::<bool>(), 0usize..40), 1..200)) {
            let t = table::<u32, 2>();
            let mut model = HashMap::new();
            let mut all = Vec::new();
            for (n, (insert, pick)) in ops.into_iter().enumerate() {
                if insert || all.is_empty() {
                    let token = t.insert(n as u32).unwrap();
                    prop_assert_eq!(model.insert(token, n as u32), None);
                    all.push(token);
                } else {
                    let token = all[pick % all.len()];
                    prop_assert_eq!(t.take(token).ok(), model.remove(&token));
                }
                for token in &all {
                    prop_assert_eq!(pinned(t, *token).ok(), model.get(token).copied());
                }
            }
        }

        #[test]
        fn garbage_is_closed(token in any::<u64>()) {
            let t = table::<u32, 2>();
            let mine = t.insert(9).unwrap();
            if token != mine {
                prop_assert_eq!(pinned(t, token), Err(Gone::Closed));
                prop_assert_eq!(t.take(token), Err(Gone::Closed));
                prop_assert_eq!(pinned(t, mine ^ (1 << (token % 64))), Err(Gone::Closed));
            }
        }
    }
}
