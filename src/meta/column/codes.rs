//! Short numbers of rows, as narrow as they can be.

use crate::util::memory::{AllocError, collected, make_room};

/// A number for each row.
#[derive(Debug)]
pub(super) enum Codes {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Codes {
    pub fn new() -> Codes {
        Codes::Narrow(Vec::new())
    }

    /// A copy in memory that may be refused.
    pub fn copied(&self) -> Result<Codes, AllocError> {
        Ok(match self {
            Codes::Narrow(codes) => Codes::Narrow(collected(codes.iter().copied())?),
            Codes::Middle(codes) => Codes::Middle(collected(codes.iter().copied())?),
            Codes::Wide(codes) => Codes::Wide(collected(codes.iter().copied())?),
        })
    }

    pub fn len(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Middle(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.capacity(),
            Codes::Middle(codes) => 2 * codes.capacity(),
            Codes::Wide(codes) => 4 * codes.capacity(),
        }
    }

    pub fn get(&self, i: usize) -> u32 {
        match self {
            Codes::Narrow(codes) => codes[i].into(),
            Codes::Middle(codes) => codes[i].into(),
            Codes::Wide(codes) => codes[i],
        }
    }

    pub fn push(&mut self, code: u32) -> Result<(), AllocError> {
        *self = match std::mem::replace(self, Codes::new()) {
            Codes::Narrow(codes) if code > u8::MAX.into() => {
                Codes::Middle(collected(codes.into_iter().map(u16::from))?)
            }
            codes => codes,
        };
        *self = match std::mem::replace(self, Codes::new()) {
            Codes::Middle(codes) if code > u16::MAX.into() => Codes::Wide(collected(codes.into_iter().map(u32::from))?),
            codes => codes,
        };
        match self {
            Codes::Narrow(codes) => make_room(codes, 1).map(|()| codes.push(code as u8)),
            Codes::Middle(codes) => make_room(codes, 1).map(|()| codes.push(code as u16)),
            Codes::Wide(codes) => make_room(codes, 1).map(|()| codes.push(code)),
        }
    }

    /// How many rows have each of `of` codes.
    pub fn counts(&self, of: usize) -> Result<Vec<usize>, AllocError> {
        let mut counts = crate::util::memory::filled(0usize, of)?;
        (0..self.len()).for_each(|i| counts[self.get(i) as usize] += 1);
        Ok(counts)
    }

    /// Sets the bit of each row of `bits` whose code `holds`.
    pub fn mark(&self, holds: &[bool], bits: &mut [u64]) {
        match self {
            Codes::Narrow(codes) => mark(codes, |code| holds[code as usize], bits),
            Codes::Middle(codes) => mark(codes, |code| holds[code as usize], bits),
            Codes::Wide(codes) => mark(codes, |code| holds[code as usize], bits),
        }
    }
}

/// Sets the bit of each row of `bits` for which `holds`, as far as there are rows.
pub(super) fn mark<T: Copy>(rows: &[T], holds: impl Fn(T) -> bool, bits: &mut [u64]) {
    for (word, rows) in bits.iter_mut().zip(rows.chunks(64)) {
        for (bit, &row) in rows.iter().enumerate() {
            *word |= (holds(row) as u64) << bit;
        }
    }
}
