//! A pool of reusable per-call state. It grows to the number of calls that
//! ever ran at once, so there is no slot to run out of, whatever the number
//! of threads; after that no call allocates.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Idle values of `T`, handed out one to a caller.
#[derive(Debug, Default)]
pub struct ScratchPool<T> {
    idle: Mutex<Vec<Box<T>>>,
}

impl<T: Default> ScratchPool<T> {
    /// Takes an idle value, or makes one. It returns to the pool on drop.
    pub fn take(&self) -> Scratch<'_, T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Scratch { value: Some(idle.unwrap_or_default()), pool: self }
    }

    /// Drops the idle values, and with them the memory they keep.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }

    /// Number of idle values.
    pub fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A value on loan from a [`ScratchPool`].
pub struct Scratch<'a, T> {
    /// `None` only while dropping.
    value: Option<Box<T>>,
    pool: &'a ScratchPool<T>,
}

impl<T> Deref for Scratch<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("present until drop")
    }
}

impl<T> DerefMut for Scratch<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("present until drop")
    }
}

impl<T> Drop for Scratch<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ScratchPool;

    #[test]
    fn grows_with_the_callers_and_then_reuses() {
        let pool = ScratchPool::<Vec<u8>>::default();
        {
            let (mut a, b) = (pool.take(), pool.take());
            a.push(1);
            assert!(b.is_empty());
        }
        assert_eq!(pool.idle(), 2);
        let both = (pool.take(), pool.take());
        assert_eq!(pool.idle(), 0);
        drop(both);
        pool.clear();
        assert_eq!(pool.idle(), 0);
    }
}
