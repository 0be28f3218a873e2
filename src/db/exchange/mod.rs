//! Export and import: rows as files that other programs read and write.
//!
//! | file | owns |
//! |---|---|
//! | `format` | which formats there are, and how each lays out its rows |
//! | `npy` | the header of NumPy's arrays |
//! | `lines` | JSON lines |
//! | `arrays` | reading of all formats but these |
//! | `export`, `import` | the way of the rows out and in |
//!
//! Binary formats have no place for ids: a second file beside the first has them, one that
//! `numpy.load` reads, whatever the format. Files that come in may hold anything: every length is
//! compared with the real size before a row is read, and nothing is allocated by a number in a file.

mod arrays;
mod export;
mod format;
mod import;
mod lines;
mod npy;

pub use export::export;
pub use format::Format;
pub use import::{Opened, import, rows};

use super::error::{Error, Result};
use super::input::Shape;
use super::records::given::{Given, Records, Texts};
use crate::kernel::Scalar;
use crate::util::memory::make_room;

/// Rows and bytes of a batch, at most, unless one row is more.
const BATCH_ROWS: usize = 16 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Rows on their way in.
#[derive(Default)]
struct Batch {
    /// The ids, [`crate::ID_NONE`] for rows of lines without one; empty for arrays without ids.
    ids: Vec<u64>,
    count: usize,
    /// Keys and metadata of rows of lines.
    keys: OwnTexts,
    meta: OwnTexts,
    /// Vectors of `scalar`, packed.
    rows: Vec<u8>,
    scalar: Option<Scalar>,
    /// Number of the first row in the file, from 0 on.
    first: u64,
    place: Place,
}

/// A text for each row, back to back.
#[derive(Default)]
struct OwnTexts {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl OwnTexts {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, text: &[u8]) -> Result<()> {
        make_room(&mut self.bytes, text.len())?;
        self.bytes.extend_from_slice(text);
        make_room(&mut self.ends, 2)?;
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.ends.push(self.bytes.len() as u64);
        Ok(())
    }

    fn texts(&self) -> Result<Texts<'_>> {
        Texts::new(&self.bytes, &self.ends)
    }
}

/// Where rows stand in their file.
enum Place {
    /// Each after the other, from `offset` on.
    Bytes { offset: u64, stride: u64 },
    /// In lines of these numbers.
    Lines(Vec<u64>),
}

impl Default for Place {
    fn default() -> Place {
        Place::Lines(Vec::new())
    }
}

impl Batch {
    /// Empties it for the rows from number `first` on.
    fn reset(&mut self, first: u64, place: Place) {
        let Batch { mut ids, mut rows, mut keys, mut meta, .. } = std::mem::take(self);
        ids.clear();
        rows.clear();
        keys.clear();
        meta.clear();
        *self = Batch { ids, rows, keys, meta, first, place, ..Batch::default() };
    }

    fn is_full(&self) -> bool {
        let bytes = self.rows.len() + self.keys.bytes.len() + self.meta.bytes.len();
        self.count >= BATCH_ROWS || bytes >= BATCH_BYTES
    }

    /// What the rows have beside their vectors. A line is all of a row, an array says nothing about it.
    fn records(&self) -> Result<Given<'_>> {
        match self.place {
            Place::Bytes { .. } => Ok(Given::Nothing),
            Place::Lines(_) => {
                Ok(Given::Fields(Records { keys: Some(self.keys.texts()?), meta: Some(self.meta.texts()?) }))
            }
        }
    }

    /// Appends a row of `scalar`, which is that of all.
    fn push(&mut self, scalar: Scalar, row: &[u8]) -> Result<()> {
        make_room(&mut self.rows, row.len())?;
        self.rows.extend_from_slice(row);
        (self.scalar, self.count) = (Some(scalar), self.count + 1);
        Ok(())
    }

    /// An error about one of the rows (its item), as one about the file `name`.
    fn blame(&self, name: &str, error: Error) -> Error {
        let Some(row) = error.item() else { return error };
        let number = self.first + row;
        let place = match &self.place {
            Place::Bytes { offset, stride } => format!("row {number} (byte {})", offset + number * stride),
            Place::Lines(lines) => format!("line {}", lines.get(row as usize).copied().unwrap_or_default()),
        };
        Error::new(error.kind(), format!("{name}, {place}: {}", error.message())).at(number)
    }
}

/// The type in which rows of `shape` are written as numbers that every program knows.
fn plain(shape: &Shape) -> Scalar {
    if shape.scalar == Scalar::Bf16 { Scalar::F32 } else { shape.scalar }
}
