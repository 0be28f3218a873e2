//! One slot of the handle table, and the list of free slots: the protocol that lets
//! a handle be closed while other threads use it. Model-checked by `tests/loom`.
//!
//! A call counts itself in one of the slot's counters while it runs (one per group
//! of threads, each in its own cache lines, so that threads do not fight over one), and
//! only then checks that the slot is open; closing marks the slot and then waits for
//! all counters to reach 0, each read by a read-modify-write. Two such operations on one
//! counter have an order: a call that comes second sees the mark, one that comes first
//! is seen by the close. The wait polls, since closing is rare and a
//! call that ends then has nothing to do but count down. No lock anywhere means that a
//! fork in any moment leaves a table the child can use.

use crate::util::sync::{AtomicU32, AtomicU64, AtomicUsize, UnsafeCell, hint, thread};
use std::sync::atomic::Ordering::*;
use std::time::Duration;

const GENERATION_BITS: u32 = 24;
pub const LAST_GENERATION: u64 = (1 << GENERATION_BITS) - 1;

/// Phases of a slot, in the low bits of its state; the generation is above them.
pub(super) const FREE: u64 = 0;
const OPEN: u64 = 1;
const CLOSING: u64 = 2;
const RETIRED: u64 = 3;

pub(super) const fn state(generation: u64, phase: u64) -> u64 {
    generation << 2 | phase
}

/// Why a handle cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Closed, or never a handle of this kind.
    Closed,
    /// Made by the parent process.
    Forked,
}

/// What a slot held, and whether it can be used again.
pub struct Taken<T> {
    pub value: T,
    pub free: bool,
}

/// A counter alone in two cache lines (processors fetch pairs of lines).
#[repr(align(128))]
struct Calls(AtomicUsize);

/// Room for one value. A slot is used again under the next generation once its value
/// was taken, and retired after the last one. Begins free, owned by its maker.
pub struct Slot<T, const GROUPS: usize> {
    /// `generation << 2 | phase`.
    pub(super) state: AtomicU64,
    /// Process that opened the slot; written before `state` says open.
    pub(super) epoch: AtomicU32,
    /// Next slot of the free list, as index + 1.
    next_free: AtomicU32,
    calls: [Calls; GROUPS],
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `value` is written by the one thread that owns a slot which is not open (it
// took it from the free list, or won the exchange from OPEN to CLOSING and waited for
// all calls); while the slot is open, threads only share `&T`.
unsafe impl<T: Send + Sync, const GROUPS: usize> Sync for Slot<T, GROUPS> {}

/// A call in progress on an open slot: the value stays until this is dropped.
pub struct Pin<'a, T> {
    value: &'a T,
    calls: &'a AtomicUsize,
}

impl<T> std::ops::Deref for Pin<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Drop for Pin<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.calls.fetch_sub(1, SeqCst);
    }
}

impl<T: Send + Sync, const GROUPS: usize> Slot<T, GROUPS> {
    pub fn new(generation: u64) -> Self {
        Slot {
            state: AtomicU64::new(state(generation, FREE)),
            epoch: AtomicU32::new(0),
            next_free: AtomicU32::new(0),
            calls: std::array::from_fn(|_| Calls(AtomicUsize::new(0))),
            value: UnsafeCell::new(None),
        }
    }

    /// Stores `value` and opens the slot; returns its generation.
    ///
    /// # Safety
    /// The caller owns the slot: it was just made, or came from the free list.
    pub unsafe fn open(&self, value: T, epoch: u32) -> u64 {
        let generation = self.state.load(Acquire) >> 2;
        // SAFETY: the slot is FREE and the caller's: nobody else writes it, and a
        // stale handle that reads its state meanwhile finds it not open and leaves.
        self.value.with_mut(|cell| unsafe { *cell = Some(value) });
        self.epoch.store(epoch, Relaxed);
        self.state.store(state(generation, OPEN), SeqCst);
        generation
    }

    /// The value of that generation, held until the pin is dropped; `group` says which
    /// counter counts the call. Never waits.
    #[inline]
    pub fn pin(&self, generation: u64, epoch: u32, group: usize) -> Result<Pin<'_, T>, Gone> {
        let calls = &self.calls[group % GROUPS].0;
        calls.fetch_add(1, SeqCst);
        let gone = if self.state.load(SeqCst) != state(generation, OPEN) {
            Gone::Closed
        } else if self.epoch.load(Relaxed) != epoch {
            Gone::Forked
        } else {
            // SAFETY: the slot is open and this call is counted, so whoever closes it
            // waits for the pin to be dropped before it touches the value.
            if let Some(value) = self.value.with(|cell| unsafe { &*cell }) {
                return Ok(Pin { value, calls });
            }
            Gone::Closed
        };
        calls.fetch_sub(1, SeqCst);
        Err(gone)
    }

    /// Takes the value out once the calls in progress have ended. Of several threads
    /// that try, one gets it. A slot of the parent process is only forgotten.
    pub fn take(&self, generation: u64, epoch: u32) -> Result<Taken<T>, Gone> {
        let closing = state(generation, CLOSING);
        if self.state.compare_exchange(state(generation, OPEN), closing, SeqCst, SeqCst).is_err() {
            return Err(Gone::Closed);
        }
        if self.epoch.load(Relaxed) != epoch {
            // Its threads and perhaps its locks are the parent's: leaked, never used again.
            self.state.store(state(generation, RETIRED), SeqCst);
            return Err(Gone::Forked);
        }
        for calls in &self.calls {
            wait_for_zero(&calls.0);
        }
        // SAFETY: the exchange made this thread the owner, and no call is left.
        let value = self.value.with_mut(|cell| unsafe { (*cell).take() });
        let free = generation < LAST_GENERATION;
        let next = if free { state(generation + 1, FREE) } else { state(generation, RETIRED) };
        self.state.store(next, SeqCst);
        value.map(|value| Taken { value, free }).ok_or(Gone::Closed)
    }
}

/// Spins briefly for short calls, then sleeps for long ones.
fn wait_for_zero(calls: &AtomicUsize) {
    let mut tries = 0u32;
    // A plain load could be served before the mark is seen by a call that counts itself.
    while calls.fetch_add(0, SeqCst) != 0 {
        match tries {
            0..64 => hint::spin_loop(),
            64..128 => thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(100)),
        }
        tries = tries.saturating_add(1);
    }
}

/// A list of free slots that threads take from and give to without a lock.
pub struct FreeList {
    /// A count that makes each value new (against a stale exchange) above index + 1 of
    /// the first slot; low half 0 is the empty list.
    pub top: AtomicU64,
}

impl FreeList {
    /// Takes a slot; `find` maps an index to its slot.
    pub fn pop<'a, T: 'a, const GROUPS: usize>(
        &self,
        find: impl Fn(usize) -> Option<&'a Slot<T, GROUPS>>,
    ) -> Option<(usize, &'a Slot<T, GROUPS>)> {
        let mut top = self.top.load(Acquire);
        loop {
            let index = (top as u32).checked_sub(1)? as usize;
            let slot = find(index)?;
            let rest = fresh(top, slot.next_free.load(Relaxed));
            match self.top.compare_exchange_weak(top, rest, AcqRel, Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(now) => top = now,
            }
        }
    }

    /// Gives the slot `index` back; its value was taken.
    pub fn push<T, const GROUPS: usize>(&self, index: usize, slot: &Slot<T, GROUPS>) {
        let mut top = self.top.load(Acquire);
        loop {
            slot.next_free.store(top as u32, Relaxed);
            match self.top.compare_exchange_weak(top, fresh(top, index as u32 + 1), AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Makes the list empty. Touches one atomic, as a fork handler must.
    pub fn forget(&self) {
        self.top.store(0, SeqCst);
    }
}

/// The value that follows `top`, with another first slot.
fn fresh(top: u64, first: u32) -> u64 {
    ((top >> 32).wrapping_add(1) << 32) | u64::from(first)
}
