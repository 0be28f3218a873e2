//! The primitives that the model-checked protocols are built of: `capi/slot`,
//! `db/queue`, `db/background`.
//!
//! Those files take locks, atomics, cells and threads from here and from nowhere
//! else. `tests/loom` compiles the same files with loom's twins of this module
//! and runs all interleavings of two or three threads.

pub use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
pub use std::sync::{Condvar, Mutex, MutexGuard};
pub use std::{hint, thread};

use std::sync::PoisonError;

/// Locks a mutex whose data no panic can leave half-changed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `std::cell::UnsafeCell`, told when an access begins and ends, so that its twin
/// can find two that overlap.
#[derive(Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell with a value.
    pub fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// An access beside which there may be others like it.
    #[inline]
    pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
        access(self.0.get())
    }

    /// An access beside which there is no other.
    #[inline]
    pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}
