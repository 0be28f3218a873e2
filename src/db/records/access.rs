//! Records by id and by key.

use super::Record;
use super::given::Texts;
use crate::db::core::Core;
use crate::db::error::{ErrorKind, Result, fail};
use crate::db::types::ID_NONE;
use crate::db::view::View;

/// Where texts go: text i into `bytes[offsets[i]..offsets[i + 1]]`, as far as there is room.
#[derive(Debug)]
pub struct TextBuffer<'a> {
    /// Room for the texts.
    pub bytes: &'a mut [u8],
    /// One more than there are texts; ascending from 0. All are written, whether the texts fit or not.
    pub offsets: &'a mut [u64],
}

/// What `part` takes of the record that each row of `ids` has in `view`. The texts are written where all of them fit; the
/// last offset says how much room that takes.
pub fn texts(
    core: &Core,
    view: &View,
    ids: &[u64],
    out: &mut TextBuffer<'_>,
    part: impl for<'r> Fn(Record<'r>) -> &'r [u8],
) -> Result<()> {
    let TextBuffer { bytes, offsets } = out;
    if offsets.len() != ids.len() + 1 {
        return fail(ErrorKind::InvalidArgument, format!("{} offsets for {} ids", offsets.len(), ids.len()));
    }
    let text = |id: u64| view.slot_of(id).map_or(&[][..], |slot| part(view.records.get(slot)));
    offsets[0] = 0;
    for (i, &id) in ids.iter().enumerate() {
        offsets[i + 1] = offsets[i] + text(id).len() as u64;
    }
    core.check_faults()?;
    let Some(room) = bytes.get_mut(..offsets[ids.len()] as usize) else { return Ok(()) };
    for (&id, ends) in ids.iter().zip(offsets.windows(2)) {
        // Another process may write to a file that is mapped: no length is taken on trust twice.
        let (text, room) = (text(id), &mut room[ends[0] as usize..ends[1] as usize]);
        let len = text.len().min(room.len());
        room[..len].copy_from_slice(&text[..len]);
    }
    core.check_faults()
}

/// The ids of the rows with `keys` in `view`.
pub fn ids_of_keys(core: &Core, view: &View, keys: &Texts<'_>, ids: &mut [u64]) -> Result<()> {
    if ids.len() != keys.count() {
        return fail(ErrorKind::InvalidArgument, format!("{} places for the ids of {} keys", ids.len(), keys.count()));
    }
    for (i, place) in ids.iter_mut().enumerate() {
        *place = view.slot_of_key(keys.get(i)).map_or(ID_NONE, |slot| view.id_of(slot));
    }
    core.check_faults()
}
