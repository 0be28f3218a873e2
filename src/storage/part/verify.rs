//! Verifying a part as it lies on disk, whatever of it is mapped or was
//! verified before. Read through calls and one buffer: a mapping would end
//! the process where the file was cut short.

use super::PartRef;
use super::footer::{Footer, check_header, check_len, missing};
use crate::arena::Fault;
use crate::storage::error::{Result, StorageError};
use crate::storage::format::BLOCK;
use crate::storage::{ReadFile, Storage, resize};

/// Called with the bytes of each block, and what is wrong with them.
pub type OnBlock<'a, E> = dyn FnMut(&[u8], Option<StorageError>) -> Result<(), E> + 'a;

/// The last bytes of a file that hold its trailer.
const END: u64 = 64;

/// Reads and verifies the file that `part` names. `on_block` gets the bytes of
/// each block and the damage, if it has any, and may end the reading. The
/// result is damage outside the blocks, or what `on_block` ended it with.
pub fn verify<E: From<StorageError>>(
    storage: &dyn Storage,
    part: &PartRef,
    on_block: &mut OnBlock<'_, E>,
) -> Result<(), E> {
    let file = storage.open_read(&part.file_name()).map_err(missing)?;
    read(file.as_ref(), part, on_block).map(drop)
}

/// Checks that the file at the name of `part` is the one that is meant, by its length and its footer. Blocks are not read.
pub fn check_footer(storage: &dyn Storage, part: &PartRef) -> Result<()> {
    let file = storage.open_read(&part.file_name()).map_err(missing)?;
    read_footer(file.as_ref(), part).map(drop)
}

/// The same as [`verify`] with a file that is open. Returns the bytes behind the blocks.
pub(super) fn read<E: From<StorageError>>(
    file: &dyn ReadFile,
    part: &PartRef,
    on_block: &mut OnBlock<'_, E>,
) -> Result<Vec<u8>, E> {
    let (places, footer) = read_footer(file, part)?;
    let mut bytes = Vec::new();
    // Short blocks are read several at once.
    for first in (0..places.data_len).step_by(BLOCK) {
        read_exactly(file, part, first as u64, BLOCK.min(places.data_len - first) as u64, &mut bytes)?;
        for (block, bytes) in (first >> places.blocks.shift()..).zip(bytes.chunks(places.blocks.bytes())) {
            let damaged = !places.is_intact(part, block, bytes, &footer);
            let offset = places.range(block).start as u64;
            let fault = damaged.then(|| Fault { file: part.file_name(), block: block as u64, offset }.into());
            on_block(bytes, fault)?;
            if block == 0 && !damaged {
                places.check_features(part, &check_header(part, bytes)?)?;
            }
        }
    }
    Ok(footer)
}

/// Where everything is in an open file, and the bytes behind the blocks.
fn read_footer(file: &dyn ReadFile, part: &PartRef) -> Result<(Footer, Vec<u8>)> {
    check_len(part, file.size()?)?;
    let (mut end, mut footer) = (Vec::new(), Vec::new());
    read_exactly(file, part, part.len - END.min(part.len), END.min(part.len), &mut end)?;
    let places = Footer::locate(part, &end)?;
    let data_len = places.data_len as u64;
    read_exactly(file, part, data_len, part.len - data_len, &mut footer)?;
    places.check(part, &footer)?;
    Ok((places, footer))
}

fn read_exactly(file: &dyn ReadFile, part: &PartRef, from: u64, len: u64, into: &mut Vec<u8>) -> Result<()> {
    resize(into, len)?;
    let got = file.read_at(from, into)? as u64;
    if got < len {
        return Err(StorageError::corrupt(part.file_name(), from + got, "the file shrank while it was read"));
    }
    Ok(())
}
