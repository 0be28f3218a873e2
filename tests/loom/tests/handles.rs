//! Closing a handle while others use it (promise P10; test T12).

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use loom::thread;
use std::sync::Arc;
use vdb_loom::all_interleavings;
use vdb_loom::capi::slot::{FreeList, Gone, LAST_GENERATION, Slot};

const EPOCH: u32 = 1;

/// A value that is read by calls and destroyed by the close: loom reports an overlap.
struct Value(UnsafeCell<u32>);

// SAFETY: what the models are about.
unsafe impl Sync for Value {}

impl Value {
    fn new(number: u32) -> Value {
        Value(UnsafeCell::new(number))
    }

    fn read(&self) -> u32 {
        // SAFETY: loom has checked that nobody writes meanwhile.
        self.0.with(|cell| unsafe { *cell })
    }

    fn destroy(self) -> u32 {
        // SAFETY: loom has checked that nobody else looks.
        self.0.with_mut(|cell| unsafe { std::mem::replace(&mut *cell, 0) })
    }
}

fn opened<const GROUPS: usize>(number: u32) -> (Arc<Slot<Value, GROUPS>>, u64) {
    let slot = Arc::new(Slot::new(1));
    // SAFETY: just made.
    let generation = unsafe { slot.open(Value::new(number), EPOCH) };
    (slot, generation)
}

/// What a call through the handle reads.
fn call<const GROUPS: usize>(slot: &Slot<Value, GROUPS>, generation: u64, group: usize) -> Result<u32, Gone> {
    slot.pin(generation, EPOCH, group).map(|value| value.read())
}

#[test]
fn a_close_waits_for_calls_and_later_calls_are_refused() {
    all_interleavings(None, || {
        let (slot, generation) = opened::<2>(7);
        let callers = [0, 1].map(|group| {
            let slot = slot.clone();
            thread::spawn(move || call(&slot, generation, group))
        });
        assert_eq!(slot.take(generation, EPOCH).map(|taken| taken.value.destroy()).ok(), Some(7));
        assert_eq!(call(&slot, generation, 0), Err(Gone::Closed));
        for caller in callers {
            assert!(matches!(caller.join().unwrap(), Ok(7) | Err(Gone::Closed)));
        }
    });
}

#[test]
fn calls_that_share_a_counter_are_waited_for_too() {
    all_interleavings(None, || {
        let (slot, generation) = opened::<1>(7);
        let callers = [(); 2].map(|()| {
            let slot = slot.clone();
            thread::spawn(move || call(&slot, generation, 0))
        });
        assert_eq!(slot.take(generation, EPOCH).map(|taken| taken.value.destroy()).ok(), Some(7));
        for caller in callers {
            assert!(matches!(caller.join().unwrap(), Ok(7) | Err(Gone::Closed)));
        }
    });
}

#[test]
fn one_of_two_closers_wins_beside_a_call() {
    all_interleavings(None, || {
        let (slot, generation) = opened::<1>(7);
        let close = |slot: &Slot<Value, 1>| slot.take(generation, EPOCH).map(|taken| taken.value.destroy()).ok();
        let other = {
            let slot = slot.clone();
            thread::spawn(move || slot.take(generation, EPOCH).map(|taken| taken.value.destroy()).ok())
        };
        let caller = {
            let slot = slot.clone();
            thread::spawn(move || call(&slot, generation, 0))
        };
        let mut won = [close(&slot), other.join().unwrap()];
        won.sort();
        assert_eq!(won, [None, Some(7)]);
        assert!(matches!(caller.join().unwrap(), Ok(7) | Err(Gone::Closed)));
    });
}

/// The slot is used again at once; a caller with the old handle never sees the new value.
#[test]
fn an_old_handle_never_reaches_the_next_value() {
    all_interleavings(None, || {
        let (slot, old) = opened::<1>(7);
        let caller = {
            let slot = slot.clone();
            thread::spawn(move || [(); 2].map(|()| call(&slot, old, 0)))
        };
        let taken = slot.take(old, EPOCH).ok().unwrap();
        assert_eq!((taken.value.destroy(), taken.free), (7, true));
        // SAFETY: taken by this thread and not given to the free list.
        let new = unsafe { slot.open(Value::new(8), EPOCH) };
        assert_ne!(old, new);
        assert_eq!(call(&slot, new, 0), Ok(8));
        let seen = caller.join().unwrap();
        assert!(matches!(seen, [Ok(7) | Err(Gone::Closed), Ok(7) | Err(Gone::Closed)]), "{seen:?}");
        assert!(seen[0].is_ok() || seen[1].is_err(), "closed, then open again: {seen:?}");
        assert!(slot.take(old, EPOCH).is_err());
        assert_eq!(slot.take(new, EPOCH).map(|taken| taken.value.destroy()).ok(), Some(8));
    });
}

#[test]
fn the_last_generation_is_not_used_again() {
    all_interleavings(None, || {
        let slot = Arc::new(Slot::<Value, 1>::new(LAST_GENERATION));
        // SAFETY: just made.
        let generation = unsafe { slot.open(Value::new(7), EPOCH) };
        let caller = {
            let slot = slot.clone();
            thread::spawn(move || call(&slot, generation, 0))
        };
        assert!(!slot.take(generation, EPOCH).ok().unwrap().free);
        assert!(matches!(caller.join().unwrap(), Ok(7) | Err(Gone::Closed)));
        assert_eq!(call(&slot, generation, 0), Err(Gone::Closed));
    });
}

/// Slots and their list, as the table has them.
struct Slots {
    slots: [Slot<Value, 1>; 2],
    free: FreeList,
    /// Slots that nobody has any more: each must be there once.
    held: [AtomicUsize; 2],
}

impl Slots {
    fn new() -> Slots {
        let slots = Slots {
            slots: [Slot::new(1), Slot::new(1)],
            free: FreeList { top: AtomicU64::new(0) },
            held: [AtomicUsize::new(0), AtomicUsize::new(0)],
        };
        (0..2).for_each(|index| slots.free.push(index, &slots.slots[index]));
        slots
    }

    /// Takes a slot for itself. `None` when there is none.
    fn pop(&self) -> Option<usize> {
        let (index, slot) = self.free.pop(|index| self.slots.get(index))?;
        assert_eq!(self.held[index].fetch_add(1, SeqCst), 0, "slot {index} has two owners");
        // SAFETY: from the free list.
        let generation = unsafe { slot.open(Value::new(7), EPOCH) };
        assert!(slot.take(generation, EPOCH).is_ok_and(|taken| taken.value.destroy() == 7));
        Some(index)
    }

    fn push(&self, index: usize) {
        self.held[index].fetch_sub(1, SeqCst);
        self.free.push(index, &self.slots[index]);
    }
}

/// What a list without the count gets wrong: one thread has read A and its follower B when
/// the other takes A and B and gives A back; then B would be first in the list, and is taken.
#[test]
fn the_free_list_gives_each_slot_to_one_thread() {
    all_interleavings(None, || {
        let slots = Arc::new(Slots::new());
        let other = {
            let slots = slots.clone();
            thread::spawn(move || {
                let taken = [slots.pop(), slots.pop()];
                taken.into_iter().flatten().for_each(|index| slots.push(index));
            })
        };
        let taken = [slots.pop(), slots.pop()];
        taken.into_iter().flatten().for_each(|index| slots.push(index));
        other.join().unwrap();
        assert!([slots.pop(), slots.pop()].iter().all(Option::is_some), "slots were lost");
        assert!(slots.pop().is_none(), "a slot is there twice");
    });
}
