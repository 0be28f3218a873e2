//! A file that is written in large pieces, whatever the size of what it is given.

use super::File;
use super::error::Result;
use crate::util::memory::with_room;

/// Bytes handed to the system at once.
const PIECE: usize = 1 << 20;

/// What was appended after the last [`Gathered::sync`] may be lost with it.
pub struct Gathered {
    file: Box<dyn File>,
    pending: Vec<u8>,
}

impl Gathered {
    /// Appends to the file that `open` makes; it makes none where there is no memory.
    pub fn new(open: impl FnOnce() -> Result<Box<dyn File>>) -> Result<Gathered> {
        let pending = with_room(PIECE)?;
        Ok(Gathered { file: open()?, pending })
    }

    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pending.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        if bytes.len() > PIECE {
            return self.file.write_all(&[bytes]);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands over all that is left and makes it durable.
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.sync()
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&[&self.pending])?;
        self.pending.clear();
        Ok(())
    }
}
