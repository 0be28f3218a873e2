//! A shared slice whose memory may fail to be had, which `Arc<[T]>` does not
//! allow, with the one step from handle to elements that `Arc<Vec<T>>` lacks.

use crate::util::memory::{AllocError, collected};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// An immutable slice. Cloning is a reference count.
pub(super) struct SharedSlice<T> {
    at: NonNull<T>,
    len: usize,
    owner: Arc<Vec<T>>,
}

// SAFETY: it is an `Arc<Vec<T>>` with a pointer to the elements, which are only
// changed through `&mut self` of the one owner.
unsafe impl<T: Send + Sync> Send for SharedSlice<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for SharedSlice<T> {}

impl<T> From<Vec<T>> for SharedSlice<T> {
    fn from(items: Vec<T>) -> SharedSlice<T> {
        let owner = Arc::new(items);
        SharedSlice { at: NonNull::from(owner.as_slice()).cast(), len: owner.len(), owner }
    }
}

impl<T: Clone> SharedSlice<T> {
    /// The elements to be changed: of this slice where nobody shares it, of a
    /// copy that takes its place otherwise.
    pub(super) fn make_mut(&mut self) -> Result<&mut [T], AllocError> {
        if Arc::get_mut(&mut self.owner).is_none() {
            *self = collected(self.iter().cloned())?.into();
        }
        let items = Arc::get_mut(&mut self.owner).expect("not shared").as_mut_slice();
        self.at = NonNull::from(items).cast();
        // SAFETY: `owner` holds `len` elements at `at`, and nobody else has them. What is changed
        // is changed through `at`, or reading through `at` afterwards would not be allowed.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.at.as_ptr(), self.len) })
    }
}

impl<T> Clone for SharedSlice<T> {
    fn clone(&self) -> SharedSlice<T> {
        SharedSlice { at: self.at, len: self.len, owner: self.owner.clone() }
    }
}

impl<T> Deref for SharedSlice<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `owner` holds `len` elements at `at`; its vector is not touched while it is
        // shared, and otherwise only by `make_mut`, which sets `at` anew.
        unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }
}

impl<T: fmt::Debug> fmt::Debug for SharedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::SharedSlice;

    #[test]
    fn a_clone_keeps_what_it_saw() {
        let mut slice = SharedSlice::from(vec![1, 2, 3]);
        slice.make_mut().unwrap()[0] = 9;
        let old = slice.clone();
        slice.make_mut().unwrap()[1] = 8;
        assert_eq!((&*old, &*slice), (&[9, 2, 3][..], &[9, 8, 3][..]));
        drop(slice);
        assert_eq!(old.len(), 3);
        assert!(SharedSlice::<u8>::from(Vec::new()).is_empty());
    }
}
