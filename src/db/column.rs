//! One column of rows (vectors, ids or codes) in chunks of `1 << shift` slots:
//! written at the end by one owner, read through [`RowTable`] pictures.
//!
//! A full chunk never changes again. The last one is *open*: an [`Appender`]
//! whose capacity doubles at first and then is a whole chunk, or *frozen* rows (from a
//! file, or handed over by compaction) that are copied into an appender by
//! the first append, so that opening a database copies nothing.

use super::error::Result;
use crate::arena::{Ahead, Appender, Budget, RowTable, Rows};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Room a new open chunk starts with: small enough for tiny databases, and a
/// mapping (whose untouched pages cost nothing) for most row sizes.
const FIRST_BYTES: usize = 1 << 20;
/// Rows that outgrow this get a whole chunk at once, if a chunk is no more than
/// `WHOLE_MOST`, instead of being copied at each doubling.
const WHOLE_FROM: usize = 4 << 20;
const WHOLE_MOST: usize = 256 << 20;

/// A chunk with the serial number that names its content for ever: rows are
/// only ever appended, so (serial, length) is one exact sequence of bytes.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The rows.
    pub rows: Rows,
    /// Unique in this process.
    pub serial: u64,
}

/// Serial numbers are unique over all columns and views of the process, and ascend.
pub fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

impl Piece {
    /// Rows under a new serial number.
    pub fn new(rows: Rows) -> Piece {
        Piece { rows, serial: next_serial() }
    }
}

/// The last chunk of a column.
enum Last {
    Frozen(Piece),
    Open { rows: Appender, serial: u64 },
}

impl Last {
    fn len(&self) -> usize {
        match self {
            Last::Frozen(piece) => piece.rows.len(),
            Last::Open { rows, .. } => rows.len(),
        }
    }
}

/// The writing end of a column.
pub struct Column {
    shift: u32,
    stride: usize,
    budget: Budget,
    full: Vec<Piece>,
    last: Last,
    /// Chunks allocated by [`Column::reserve`] that rows have not reached yet.
    spare: Vec<Appender>,
}

impl Column {
    /// An empty column of rows of `stride` bytes, whose memory is taken from `budget`.
    pub fn new(shift: u32, stride: usize, budget: &Budget) -> Result<Column> {
        let first = Appender::new(Self::first_capacity(shift, stride), stride, budget)?;
        Ok(Column {
            shift,
            stride,
            budget: budget.clone(),
            full: Vec::new(),
            last: Last::Open { rows: first, serial: next_serial() },
            spare: Vec::new(),
        })
    }

    /// A column that continues `pieces`. All but the last may be partly filled
    /// (compaction leaves such chunks): their missing slots stay holes.
    pub fn from_pieces(shift: u32, stride: usize, mut pieces: Vec<Piece>, budget: &Budget) -> Result<Column> {
        match pieces.pop() {
            None => Column::new(shift, stride, budget),
            Some(last) => {
                let (last, budget) = (Last::Frozen(last), budget.clone());
                Ok(Column { shift, stride, budget, full: pieces, last, spare: Vec::new() })
            }
        }
    }

    fn first_capacity(shift: u32, stride: usize) -> usize {
        (FIRST_BYTES / stride.max(1)).clamp(16, 1 << shift)
    }

    /// Bytes per row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// One past the last slot.
    pub fn end(&self) -> u32 {
        ((self.full.len() << self.shift) + self.last.len()) as u32
    }

    /// Makes room for `count` more rows, so that appending them cannot fail.
    pub fn reserve(&mut self, count: usize) -> Result<()> {
        let chunk = 1usize << self.shift;
        let in_last = count.min(chunk - self.last.len());
        self.grow_last(self.last.len() + in_last)?;
        if let Last::Open { rows, .. } = &mut self.last {
            rows.reserve(in_last)?;
        }
        let mut more = count - in_last;
        for at in 0..more.div_ceil(chunk) {
            if at == self.spare.len() {
                // Whole chunks from the second on: what is not touched costs nothing.
                self.spare.push(Appender::new(chunk, self.stride, &self.budget)?);
            }
            self.spare[at].reserve(more)?;
            more -= more.min(chunk);
        }
        Ok(())
    }

    /// Gives back the memory of rows that were reserved and not appended.
    pub fn give_back(&mut self) {
        self.spare.clear();
        if let Last::Open { rows, .. } = &mut self.last {
            rows.give_back();
        }
    }

    /// Makes the open chunk hold `needed` rows, by doubling its capacity.
    fn grow_last(&mut self, needed: usize) -> Result<()> {
        let (old, serial, capacity) = match &mut self.last {
            Last::Open { rows, .. } if rows.capacity() >= needed => return Ok(()),
            Last::Frozen(piece) if piece.rows.len() >= needed => return Ok(()),
            Last::Open { rows, serial } => (rows.rows(), *serial, rows.capacity() * 2),
            Last::Frozen(piece) => (piece.rows.clone(), piece.serial, piece.rows.len() * 2),
        };
        let chunk = 1usize << self.shift;
        let floor = if self.full.is_empty() { Self::first_capacity(self.shift, self.stride) } else { chunk };
        // Untouched memory costs address space only, copying what was written costs time.
        let whole = needed * self.stride > WHOLE_FROM && chunk * self.stride <= WHOLE_MOST;
        let capacity = if whole { chunk } else { capacity.max(needed).max(floor).min(chunk) };
        let mut rows = Appender::new(capacity, self.stride, &self.budget)?;
        rows.reserve(needed)?;
        rows.append(old.len(), |room| room.copy_from_slice(old.bytes()));
        self.last = Last::Open { rows, serial };
        Ok(())
    }

    /// Appends `count` rows after [`Column::reserve`] made room. `fill(from, room)`
    /// writes rows `from..` of the batch; it is called once per chunk reached.
    ///
    /// # Panics
    /// When there was no room reserved.
    pub fn append(&mut self, count: usize, mut fill: impl FnMut(usize, &mut [u8])) {
        let mut done = 0;
        while done < count {
            let room = (1usize << self.shift) - self.last.len();
            if room == 0 {
                self.seal_last();
                continue;
            }
            let part = room.min(count - done);
            let Last::Open { rows, .. } = &mut self.last else { unreachable!("reserve opened the last chunk") };
            rows.append(part, |bytes| fill(done, bytes)).expect("reserve made room");
            done += part;
        }
    }

    /// The space that the next `count` rows will take in the chunk that is open, if one is.
    pub fn ahead(&self, count: usize) -> Option<Ahead> {
        match &self.last {
            Last::Open { rows, .. } => Some(rows.ahead(count)),
            Last::Frozen(_) => None,
        }
    }

    /// Moves the last chunk to the full ones and opens the next.
    fn seal_last(&mut self) {
        let next = Last::Open { rows: self.spare.remove(0), serial: next_serial() };
        let piece = match std::mem::replace(&mut self.last, next) {
            Last::Frozen(piece) => piece,
            Last::Open { mut rows, serial } => Piece { rows: rows.rows(), serial },
        };
        self.full.push(piece);
    }

    /// All chunks as they are now; the last one may be empty.
    pub fn pieces(&mut self) -> Vec<Piece> {
        let last = match &mut self.last {
            Last::Frozen(piece) => piece.clone(),
            Last::Open { rows, serial } => Piece { rows: rows.rows(), serial: *serial },
        };
        let mut pieces = self.full.clone();
        pieces.push(last);
        pieces
    }

    /// Lets go of the bytes of all chunks that end before slot `end`, but for the last chunk. The
    /// slots stay, under new serial numbers.
    pub fn hollow_out(&mut self, end: u32) {
        let ended = (end.saturating_sub(1) >> self.shift) as usize;
        for piece in self.full.iter_mut().take(ended).filter(|piece| !piece.rows.is_hollow()) {
            *piece = Piece::new(Rows::hollow(piece.rows.len()));
        }
    }

    /// Puts a twin with the same rows in the place of a chunk that no row can be appended to
    /// in place (a mapped file for the memory it was written from, or the other way round).
    /// Ignored when the chunk is no longer there, which the result tells.
    pub fn swap(&mut self, twin: &Piece) -> bool {
        let last = match &mut self.last {
            Last::Frozen(piece) => Some(piece),
            Last::Open { .. } => None,
        };
        let same = |piece: &&mut Piece| piece.serial == twin.serial && piece.rows.len() == twin.rows.len();
        let found = self.full.iter_mut().chain(last).find(same);
        found.map(|piece| piece.rows = twin.rows.clone()).is_some()
    }
}

/// Bytes of those of `pieces` that lie in files.
pub fn mapped(pieces: &[Piece]) -> u64 {
    pieces.iter().filter(|p| p.rows.is_mapped()).map(|p| (p.rows.len() * p.rows.stride()) as u64).sum()
}

/// Chunks at the beginning that have no bytes.
pub fn hollow(pieces: &[Piece]) -> usize {
    pieces.iter().take_while(|piece| piece.rows.is_hollow()).count()
}

/// The rows of `pieces` by slot.
pub fn table(pieces: &[Piece], shift: u32) -> RowTable {
    RowTable::new(pieces.iter().map(|p| p.rows.clone()).collect(), shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(column: &mut Column, from: u8, count: usize) {
        column.reserve(count).unwrap();
        column.append(count, |at, room| {
            for (i, row) in room.chunks_exact_mut(2).enumerate() {
                row.fill(from + (at + i) as u8);
            }
        });
    }

    #[test]
    fn rows_keep_their_slots_over_chunks_growth_and_reopening() {
        let mut column = Column::new(6, 2, &Budget::default()).unwrap();
        fill(&mut column, 0, 10);
        let early = table(&column.pieces(), 6);
        fill(&mut column, 10, 150);
        assert_eq!(column.end(), 160);
        let mut reopened = Column::from_pieces(6, 2, column.pieces(), &Budget::default()).unwrap();
        fill(&mut reopened, 160, 90);
        let rows = table(&reopened.pieces(), 6);
        assert_eq!((early.end(), rows.end(), rows.chunks().len()), (10, 250, 4));
        assert!((0..250).all(|slot| rows.row(slot) == [slot as u8; 2]));
    }

    #[test]
    fn a_serial_and_a_length_name_the_content() {
        let mut column = Column::new(6, 2, &Budget::default()).unwrap();
        fill(&mut column, 0, 20);
        let before = column.pieces();
        fill(&mut column, 20, 60);
        let after = column.pieces();
        assert_eq!(before[0].serial, after[0].serial);
        assert_ne!(after[0].serial, after[1].serial);
        assert_eq!(before[0].rows.bytes(), &after[0].rows.bytes()[..40]);
    }

    #[test]
    fn hollow_chunks_keep_their_slots_and_the_last_chunk_its_rows() {
        let mut column = Column::new(6, 2, &Budget::default()).unwrap();
        fill(&mut column, 0, 192);
        let before = column.pieces();
        column.hollow_out(64);
        assert_eq!(hollow(&column.pieces()), 0, "a chunk that ends with the slot");
        column.hollow_out(65);
        column.hollow_out(1000);
        let pieces = column.pieces();
        assert_eq!((hollow(&pieces), column.end()), (2, 192));
        assert_ne!(pieces[0].serial, before[0].serial);
        let mut reopened = Column::from_pieces(6, 2, pieces, &Budget::default()).unwrap();
        fill(&mut reopened, 192, 10);
        let rows = table(&reopened.pieces(), 6);
        assert_eq!(
            (rows.end(), rows.row(127), rows.row(128), rows.row(201)),
            (202, &[][..], &[128; 2][..], &[201; 2][..])
        );
    }

    #[test]
    fn a_full_frozen_chunk_is_left_alone() {
        let mut column = Column::new(6, 2, &Budget::default()).unwrap();
        fill(&mut column, 0, 64);
        let mut reopened = Column::from_pieces(6, 2, column.pieces(), &Budget::default()).unwrap();
        fill(&mut reopened, 64, 1);
        let pieces = reopened.pieces();
        assert_eq!((pieces[0].serial, pieces[1].rows.len()), (column.pieces()[0].serial, 1));
    }
}
