//! Copying a part to another directory. Every block is verified on the way:
//! damage ends the copy and is not passed on.

use super::PartRef;
use super::verify::read;
use crate::storage::error::{Result, StorageError};
use crate::storage::{File, ReadFile, Storage};
use crate::util::memory::with_room;

/// Bytes handed to the system at once.
const PIECE: usize = 1 << 20;

/// Makes a file of the directory `to` out of `from`, the file that `part` names. `advance` hears
/// how many bytes more were copied, and may end it. What an error leaves of the file is no part.
/// The bytes are durable on return, the name is not.
pub fn copy<E: From<StorageError>>(
    from: &dyn ReadFile,
    part: &PartRef,
    to: &dyn Storage,
    advance: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut copy = Copy { file: to.create(&part.file_name())?, pending: with_room(PIECE).map_err(StorageError::from)? };
    let footer = read(from, part, &mut |bytes, damage| {
        damage.map_or(Ok(()), Err)?;
        copy.push(bytes)?;
        advance(bytes.len() as u64)
    })?;
    copy.push(&footer)?;
    copy.flush()?;
    Ok(copy.file.sync()?)
}

struct Copy {
    file: Box<dyn File>,
    pending: Vec<u8>,
}

impl Copy {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pending.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        if bytes.len() > PIECE {
            return self.file.write_all(&[bytes]);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&[&self.pending])?;
        self.pending.clear();
        Ok(())
    }
}
