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
//! A call counts itself in one of the slot's counters while it runs (one per group
//! of threads, each in its own cache lines, so that threads do not fight over one), and
//! only then checks that the slot is open; closing marks the slot and then waits for
//! all counters to reach 0. Both sides are sequentially consistent: a call either
//! sees the mark or is seen by the close. The wait polls, since closing is rare and a
//! call that ends then has nothing to do but count down. No lock anywhere means that a
//! fork in any moment leaves a table the child can use.

use super::fork;
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::time::Duration;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a handle packs tag, kind, generation and index into 64 bits");

const TAG: u64 = 0x5A;
const INDEX_BITS: u32 = 28;
const GENERATION_BITS: u32 = 24;
const LAST_GENERATION: u64 = (1 << GENERATION_BITS) - 1;

/// Slots of the first segment; each further one has twice as many.
const FIRST_SEGMENT: usize = 8;
/// Segments needed for 2^28 slots.
const SEGMENTS: usize = (INDEX_BITS as usize) - 2;

/// Phases of a slot, in the low bits of its state; the generation is above them.
const FREE: u64 = 0;
const OPEN: u64 = 1;
const CLOSING: u64 = 2;
const RETIRED: u64 = 3;

const fn state(generation: u64, phase: u64) -> u64 {
    generation << 2 | phase
}

/// Why a token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Closed, or never a handle of this kind.
    Closed,
    /// Made by the parent process.
    Forked,
}

/// A counter alone in two cache lines (processors fetch pairs of lines).
#[repr(align(128))]
#[derive(Default)]
struct Calls(AtomicUsize);

struct Slot<T, const GROUPS: usize> {
    /// `generation << 2 | phase`.
    state: AtomicU64,
    /// Process that opened the slot; written before `state` says open.
    epoch: AtomicU32,
    /// Next slot of the free list, as index + 1.
    next_free: AtomicU32,
    calls: [Calls; GROUPS],
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `value` is written by the one thread that owns a slot which is not open (it
// took it from the free list, or won the exchange from OPEN to CLOSING and waited for
// all calls); while the slot is open, threads only share `&T`.
unsafe impl<T: Send + Sync, const GROUPS: usize> Sync for Slot<T, GROUPS> {}

impl<T, const GROUPS: usize> Slot<T, GROUPS> {
    fn new() -> Self {
        Slot {
            state: AtomicU64::new(state(1, FREE)),
            epoch: AtomicU32::new(0),
            next_free: AtomicU32::new(0),
            calls: std::array::from_fn(|_| Calls::default()),
            value: UnsafeCell::new(None),
        }
    }
}

/// All handles of one kind. `GROUPS` is the number of call counters per handle.
pub(super) struct Table<T: 'static, const GROUPS: usize> {
    kind: u64,
    segments: [AtomicPtr<Slot<T, GROUPS>>; SEGMENTS],
    /// Number of slots ever handed out.
    used: AtomicUsize,
    /// Top of the list of free slots: a count that makes each value new (against a
    /// stale exchange) above index + 1 of the slot; low half 0 is the empty list.
    free: AtomicU64,
}

/// A call in progress on an open handle: the value stays until this is dropped.
pub(super) struct Pin<T: 'static> {
    value: &'static T,
    calls: &'static AtomicUsize,
}

impl<T> std::ops::Deref for Pin<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Drop for Pin<T> {
    #[inline]
    fn drop(&mut self) {
        self.calls.fetch_sub(1, SeqCst);
    }
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
            free: AtomicU64::new(0),
        }
    }

    /// Stores `value`; gives it back when memory or indexes are used up.
    pub fn insert(&'static self, value: T) -> Result<u64, T> {
        if !fork::watch() {
            return Err(value);
        }
        let Some((index, slot)) = self.pop_free().or_else(|| self.grow()) else {
            return Err(value);
        };
        let generation = slot.state.load(Acquire) >> 2;
        // SAFETY: the slot is FREE and off the free list: nobody else writes it, and a
        // stale token that reads its state meanwhile finds it not open and leaves.
        unsafe { *slot.value.get() = Some(value) };
        slot.epoch.store(fork::epoch(), Relaxed);
        slot.state.store(state(generation, OPEN), SeqCst);
        Ok(TAG << 56 | self.kind << 52 | generation << INDEX_BITS | index as u64)
    }

    /// The value behind a token, held until the pin is dropped. Never waits.
    #[inline]
    pub fn pin(&'static self, token: u64) -> Result<Pin<T>, Gone> {
        let (slot, generation) = self.find(token).ok_or(Gone::Closed)?;
        let calls = &slot.calls[group() % GROUPS].0;
        calls.fetch_add(1, SeqCst);
        let gone = if slot.state.load(SeqCst) != state(generation, OPEN) {
            Gone::Closed
        } else if slot.epoch.load(Relaxed) != fork::epoch() {
            Gone::Forked
        } else {
            // SAFETY: the slot is open and this call is counted, so whoever closes it
            // waits for the pin to be dropped; slots never move or go away.
            if let Some(value) = unsafe { &*slot.value.get() } {
                return Ok(Pin { value, calls });
            }
            Gone::Closed
        };
        calls.fetch_sub(1, SeqCst);
        Err(gone)
    }

    /// Takes the value out once the calls in progress have ended. Of several threads
    /// that try, one gets it. A handle of the parent process is only forgotten.
    pub fn take(&'static self, token: u64) -> Result<T, Gone> {
        let (slot, generation) = self.find(token).ok_or(Gone::Closed)?;
        let closing = state(generation, CLOSING);
        if slot.state.compare_exchange(state(generation, OPEN), closing, SeqCst, SeqCst).is_err() {
            return Err(Gone::Closed);
        }
        if slot.epoch.load(Relaxed) != fork::epoch() {
            // Its threads and perhaps its locks are the parent's: leaked, never used again.
            slot.state.store(state(generation, RETIRED), SeqCst);
            return Err(Gone::Forked);
        }
        for calls in &slot.calls {
            wait_for_zero(&calls.0);
        }
        // SAFETY: the exchange made this thread the owner, and no call is left.
        let value = unsafe { (*slot.value.get()).take() };
        if generation == LAST_GENERATION {
            slot.state.store(state(generation, RETIRED), SeqCst);
        } else {
            slot.state.store(state(generation + 1, FREE), SeqCst);
            self.push_free(index_of(token), slot);
        }
        value.ok_or(Gone::Closed)
    }

    /// Drops the free list, which a call of the parent may have held slots of.
    /// Touches one atomic, as a fork handler must.
    pub fn forget_free_slots(&self) {
        self.free.store(0, SeqCst);
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
            slots.extend((0..len).map(|_| Slot::new()));
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

    fn pop_free(&'static self) -> Option<(usize, &'static Slot<T, GROUPS>)> {
        let mut top = self.free.load(Acquire);
        loop {
            let index = (top as u32).checked_sub(1)? as usize;
            let slot = self.slot(index)?;
            let rest = ((top >> 32).wrapping_add(1) << 32) | u64::from(slot.next_free.load(Relaxed));
            match self.free.compare_exchange_weak(top, rest, AcqRel, Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(now) => top = now,
            }
        }
    }

    fn push_free(&'static self, index: usize, slot: &Slot<T, GROUPS>) {
        let mut top = self.free.load(Acquire);
        loop {
            slot.next_free.store(top as u32, Relaxed);
            let fresh = ((top >> 32).wrapping_add(1) << 32) | (index as u64 + 1);
            match self.free.compare_exchange_weak(top, fresh, AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
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

/// Spins briefly for short calls, then sleeps for long ones.
fn wait_for_zero(calls: &AtomicUsize) {
    let mut tries = 0u32;
    while calls.load(SeqCst) != 0 {
        match tries {
            0..64 => std::hint::spin_loop(),
            64..128 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(100)),
        }
        tries = tries.saturating_add(1);
    }
}

/// Empties the free lists of all tables; runs in a forked child.
pub(super) fn forget_free_slots() {
    super::open::DATABASES.forget_free_slots();
    super::options::OPTION_SETS.forget_free_slots();
    super::task::TASKS.forget_free_slots();
}

#[cfg(test)]
mod tests {
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
        for _ in 0..200 {
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
                    for i in 0..2000 {
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
