//! A chunked copy-on-write bitmap over slots. Cloning is a reference count;
//! changing one bit copies one chunk (8 KiB at 2^16 slots), so an old view
//! keeps the answer it had.

use super::shared::SharedSlice;
use crate::util::memory::{AllocError, collected, filled};
use std::sync::Arc;

/// Bits over slots `0..capacity`, in chunks of `1 << shift` bits.
/// Bits that were never set, or lie past the last chunk, read as false.
#[derive(Clone, Debug, Default)]
pub struct SlotBits {
    chunks: Arc<Vec<Option<Chunk>>>,
    shift: u32,
    ones: u64,
}

#[derive(Clone, Debug)]
struct Chunk {
    words: SharedSlice<u64>,
    ones: u64,
}

impl SlotBits {
    /// An empty set whose chunks hold `1 << shift` slots (`shift >= 6`).
    pub fn new(shift: u32) -> Self {
        assert!((6..=24).contains(&shift), "chunk shift {shift} outside 6..=24");
        SlotBits { chunks: Arc::new(Vec::new()), shift, ones: 0 }
    }

    /// Whether `slot` is set.
    #[inline]
    pub fn get(&self, slot: u32) -> bool {
        match self.chunks.get((slot >> self.shift) as usize) {
            Some(Some(chunk)) => {
                let bit = slot & ((1 << self.shift) - 1);
                chunk.words[(bit >> 6) as usize] >> (bit & 63) & 1 != 0
            }
            _ => false,
        }
    }

    /// Sets `slot`; returns whether it was clear before. After an error nothing has changed.
    pub fn set(&mut self, slot: u32) -> Result<bool, AllocError> {
        if self.get(slot) {
            return Ok(false);
        }
        let (shift, words) = (self.shift, 1usize << (self.shift - 6));
        let entry = self.entry((slot >> shift) as usize)?;
        if entry.is_none() {
            *entry = Some(Chunk { words: filled(0, words)?.into(), ones: 0 });
        }
        let chunk = entry.as_mut().expect("just made");
        let bit = slot & ((1 << shift) - 1);
        chunk.words.make_mut()?[(bit >> 6) as usize] |= 1 << (bit & 63);
        chunk.ones += 1;
        self.ones += 1;
        Ok(true)
    }

    /// Number of set bits.
    pub fn count(&self) -> u64 {
        self.ones
    }

    /// Whether no bit is set.
    pub fn is_empty(&self) -> bool {
        self.ones == 0
    }

    /// Slots per chunk as a power of two.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The words of one chunk, or `None` when no bit of it is set.
    pub fn chunk(&self, chunk: usize) -> Option<&[u64]> {
        Some(&self.chunks.get(chunk)?.as_ref()?.words)
    }

    /// Replaces the words of one chunk; missing words count as zero.
    pub fn put_chunk(&mut self, chunk: usize, words: &[u64]) -> Result<(), AllocError> {
        let len = 1usize << (self.shift - 6);
        assert!(words.len() <= len, "{} words in a chunk of {len}", words.len());
        let mut fresh = filled(0u64, len)?;
        fresh[..words.len()].copy_from_slice(words);
        let (before, ones) = (self.count_chunk(chunk), fresh.iter().map(|w| w.count_ones() as u64).sum());
        *self.entry(chunk)? = Some(Chunk { words: fresh.into(), ones });
        self.ones = self.ones - before + ones;
        Ok(())
    }

    /// Number of set bits in one chunk.
    pub fn count_chunk(&self, chunk: usize) -> u64 {
        self.chunks.get(chunk).and_then(Option::as_ref).map_or(0, |chunk| chunk.ones)
    }

    /// The place of `chunk` in a table that nobody else holds.
    fn entry(&mut self, chunk: usize) -> Result<&mut Option<Chunk>, AllocError> {
        let len = self.chunks.len().max(chunk + 1);
        if len > self.chunks.len() || Arc::get_mut(&mut self.chunks).is_none() {
            let padded = self.chunks.iter().cloned().chain(std::iter::repeat(None)).take(len);
            self.chunks = Arc::new(collected(padded)?);
        }
        Ok(&mut Arc::get_mut(&mut self.chunks).expect("not shared")[chunk])
    }
}

/// The bits set in `word`, lowest first.
pub fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::SlotBits;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_clone_keeps_its_answer() {
        let mut bits = SlotBits::new(6);
        assert!(bits.set(70).unwrap());
        let old = bits.clone();
        assert!(bits.set(71).unwrap());
        assert!(!bits.set(71).unwrap());
        assert!(old.get(70) && !old.get(71));
        assert_eq!((old.count(), bits.count()), (1, 2));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(slots in proptest::collection::vec(0u32..5000, 0..300)) {
            let mut bits = SlotBits::new(8);
            let mut model = BTreeSet::new();
            for &s in &slots {
                prop_assert_eq!(bits.set(s).unwrap(), model.insert(s));
            }
            prop_assert_eq!(bits.count(), model.len() as u64);
            for s in 0..6000 {
                prop_assert_eq!(bits.get(s), model.contains(&s));
            }
            let mut copy = SlotBits::new(8);
            for chunk in 0..20 {
                if let Some(words) = bits.chunk(chunk) { copy.put_chunk(chunk, words).unwrap(); }
            }
            prop_assert_eq!(copy.count(), bits.count());
            prop_assert!((0..6000).all(|s| copy.get(s) == bits.get(s)));
        }
    }
}
