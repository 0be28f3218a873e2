//! Vectors that answer with an error where the standard ones end the process.
//!
//! Whatever grows with the data or with what a caller asks for is made here or
//! in `arena`. Small vectors of fixed or tiny length use the standard calls.

/// Memory could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocError {
    /// The system has no more.
    #[error("cannot allocate {bytes} bytes")]
    System {
        /// The size that was asked for.
        bytes: u64,
    },
    /// The limit of the database leaves no room.
    #[error("{bytes} bytes more than the {used} in use pass the limit of {max}")]
    OverBudget {
        /// The size that was asked for.
        bytes: u64,
        /// What was in use then.
        used: u64,
        /// The limit.
        max: u64,
    },
}

/// Makes room for `more` elements behind those there are.
pub fn make_room<T>(items: &mut Vec<T>, more: usize) -> Result<(), AllocError> {
    let bytes = (items.len() as u64).saturating_add(more as u64).saturating_mul(size_of::<T>() as u64);
    items.try_reserve(more).map_err(|_| AllocError::System { bytes })
}

/// An empty vector with room for `count` elements.
pub fn with_room<T>(count: usize) -> Result<Vec<T>, AllocError> {
    let mut items = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    items.try_reserve_exact(count).map_err(|_| AllocError::System { bytes })?;
    Ok(items)
}

/// Gives `items` the length `len`; new elements are copies of `value`.
pub fn resize<T: Clone>(items: &mut Vec<T>, len: usize, value: T) -> Result<(), AllocError> {
    make_room(items, len.saturating_sub(items.len()))?;
    items.resize(len, value);
    Ok(())
}

/// `len` copies of `value`.
pub fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>, AllocError> {
    let mut items = with_room(len)?;
    items.resize(len, value);
    Ok(items)
}

/// What `from` yields, however much that is.
pub fn collected<T>(from: impl IntoIterator<Item = T>) -> Result<Vec<T>, AllocError> {
    let from = from.into_iter();
    let mut items = with_room(from.size_hint().0)?;
    for item in from {
        if items.len() == items.capacity() {
            make_room(&mut items, 1)?;
        }
        items.push(item);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_size_is_an_error() {
        let error = Some(AllocError::System { bytes: u64::MAX });
        assert_eq!(with_room::<u64>(usize::MAX).err(), error);
        assert_eq!(make_room(&mut vec![1u32], usize::MAX).err(), error);
        assert!(filled(0u64, usize::MAX / 8).is_err() && resize(&mut vec![0u8], usize::MAX - 1, 0).is_err());
    }

    #[test]
    fn vectors_hold_what_was_asked_for() {
        assert_eq!(filled(7u8, 3).unwrap(), [7; 3]);
        assert_eq!(collected((0..100).filter(|i| i % 30 == 0)).unwrap(), [0, 30, 60, 90]);
        let mut items = vec![1];
        resize(&mut items, 3, 9).unwrap();
        assert_eq!(items, [1, 9, 9]);
        resize(&mut items, 1, 9).unwrap();
        assert_eq!(items, [1]);
    }
}
