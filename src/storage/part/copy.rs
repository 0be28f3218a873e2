//! Copying a part to another directory. Every block is verified on the way:
//! damage ends the copy and is not passed on.

use super::PartRef;
use super::verify::read;
use crate::storage::error::{Result, StorageError};
use crate::storage::gathered::Gathered;
use crate::storage::{ReadFile, Storage};

/// Makes a file of the directory `to` out of `from`, the file that `part` names. `advance` hears
/// how many bytes more were copied, and may end it. What an error leaves of the file is no part.
/// The bytes are durable on return, the name is not.
pub fn copy<E: From<StorageError>>(
    from: &dyn ReadFile,
    part: &PartRef,
    to: &dyn Storage,
    advance: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut copy = Gathered::new(|| to.create(&part.file_name()))?;
    let footer = read(from, part, &mut |bytes, damage| {
        damage.map_or(Ok(()), Err)?;
        copy.push(bytes)?;
        advance(bytes.len() as u64)
    })?;
    copy.push(&footer)?;
    Ok(copy.sync()?)
}
