//! What the rows of a batch will have: ids for those that asked for one, records with what is carried
//! over from the rows that they replace, the entries of the key map.
//!
//! Part of the planning of a batch: may fail, and changes nothing that can be seen.

use super::column::{Change, Reserved};
use super::given::{Given, Records};
use super::keys::{self, Lookup};
use super::{RECORD_MAX, Record, RecordTable};
use crate::arena::{Lease, SlotBits};
use crate::db::column::table;
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::ids::IdMap;
use crate::db::types::ID_NONE;
use crate::db::view::read_id;
use crate::db::writer::Writer;
use crate::util::memory::{AllocError, collected, filled, make_room, with_room};
use std::collections::HashMap;

/// The ids of a batch, with those that were asked for.
pub struct Assigned {
    pub ids: Vec<u64>,
    /// The next one to be given.
    pub next: u64,
}

/// The records of a batch, and the room for them.
pub struct Planned {
    /// Bytes of the record of each row of the batch.
    pub lens: Vec<u32>,
    /// The records back to back.
    pub bytes: Vec<u8>,
    pub changes: Vec<Change>,
    pub reserved: Reserved,
    _lease: Lease,
}

/// A row of a batch: its number there, the slot it will have, and the one of the row that it replaces.
#[derive(Clone, Copy)]
pub struct Row {
    pub at: usize,
    pub slot: u32,
    pub old: Option<u32>,
}

/// The slots of `changes`, whose records are in `bytes`, that get a key.
fn keys_of<'a>(changes: &'a [Change], bytes: &'a [u8]) -> impl Iterator<Item = (u32, &'a [u8])> {
    let key = |change: &Change| Record::read(&bytes[change.from..][..change.len]).unwrap_or_default().key;
    changes.iter().map(move |change| (change.slot, key(change))).filter(|(_, key)| !key.is_empty())
}

/// Appends the record of row `at` of a batch to `bytes`; its length.
fn write(record: Record<'_>, at: usize, bytes: &mut Vec<u8>) -> Result<usize> {
    let len = record.bytes();
    if len > RECORD_MAX {
        let message = format!("key and metadata of {len} bytes pass the limit of {RECORD_MAX}");
        return Err(Error::new(ErrorKind::Limit, message).at(at as u64));
    }
    record.write(bytes)?;
    Ok(len)
}

impl Writer {
    /// Ids for the rows of a batch that have none yet; `None` where all have one and no keys say more.
    pub fn assign(&mut self, ids: &[u64], given: &Given<'_>, replace: bool) -> Result<Option<Assigned>> {
        let has_keys = matches!(given, Given::Fields(Records { keys: Some(_), .. }));
        // Only such batches may ask: of all others the ids were checked, once.
        if !matches!(given, Given::Fields(_)) || (!has_keys && !ids.contains(&ID_NONE)) {
            return Ok(None);
        }
        let _working = self.budget.take(ids.len() as u64 * if has_keys { 80 } else { 8 })?;
        let records = self.records.table();
        let rows = table(&self.ids.pieces(), self.shift);
        let lookup = Lookup { keys: &self.keys, records: &records, salt: self.key_salt };
        let is_live = |slot: u32| slot < rows.end() && !self.dead.get(slot);
        // Above those that the batch brings along, or one of them might be given to another row.
        let brought = ids.iter().filter(|&&id| id != ID_NONE).max().map_or(0, |id| id + 1);
        let mut next = self.next_id.max(brought);
        let mut found = with_room(ids.len())?;
        // The ids that keys of this batch were given.
        let mut new: HashMap<&[u8], u64> = HashMap::new();
        new.try_reserve(if has_keys { ids.len() } else { 0 })
            .map_err(|_| AllocError::System { bytes: 48 * ids.len() as u64 })?;
        for (at, &id) in ids.iter().enumerate() {
            let key = given.key(at);
            let owner = key.and_then(|key| lookup.find(key, &is_live)).map(|slot| read_id(rows.row(slot)));
            let owner = owner.or_else(|| new.get(key?).copied());
            let id = match (id, owner) {
                (ID_NONE, Some(owner)) if replace => owner,
                (ID_NONE, None) if next == ID_NONE => {
                    return fail(ErrorKind::Limit, format!("there is no id above {}: give ids", ID_NONE - 1));
                }
                (ID_NONE, None) => next,
                (id, Some(owner)) if owner != id => return keys::taken(key.unwrap_or_default(), owner, at),
                (id, _) => id,
            };
            next += (id == next) as u64;
            key.and_then(|key| new.insert(key, id));
            found.push(id);
        }
        self.check_faults()?;
        Ok(Some(Assigned { ids: found, next }))
    }

    /// The records of `rows`, which ascend, out of a batch of `count`, and the key map with their keys. `None`
    /// where no row has a record. `dead` says which rows will be gone.
    pub fn resolve(
        &mut self,
        count: usize,
        rows: impl Iterator<Item = Row> + Clone,
        given: &Given<'_>,
        dead: &SlotBits,
    ) -> Result<Option<(Planned, IdMap)>> {
        let mut olds = rows.clone().filter_map(|row| row.old).peekable();
        if matches!(given, Given::Nothing) && (self.records.is_empty() || olds.peek().is_none()) {
            return Ok(None);
        }
        let present = self.records.table();
        let resolved = given.resolved()?;
        let record = |row: Row| {
            let old = row.old.map(|slot| present.get(slot)).unwrap_or_default();
            given.record(row.at, old, resolved.get(row.at).copied().unwrap_or_default())
        };
        let total: u64 = rows.clone().map(|row| record(row).bytes() as u64).sum();
        // A put without records leaves those of the rows that it replaces: where they are to go the log must say so.
        let is_silent = total == 0 && !matches!(given, Given::Resolved(_));
        if is_silent && olds.all(|slot| present.bytes(slot).is_empty()) {
            self.check_faults()?;
            return Ok(None);
        }
        let lease = self.take_logged(total + 4 * count as u64, 0)?;
        let (mut lens, mut bytes, mut changes) = (filled(0u32, count)?, with_room(total as usize)?, Vec::new());
        for row in rows {
            let (record, from) = (record(row), bytes.len());
            let len = write(record, row.at, &mut bytes)?;
            lens[row.at] = len as u32;
            if len > 0 {
                make_room(&mut changes, 1)?;
                changes.push(Change { slot: row.slot, from, len });
            }
        }
        let with_keys = collected(keys_of(&changes, &bytes))?;
        let key_map = self.keys_with(&with_keys, &present, dead)?;
        let reserved = self.records.reserve(&changes, self.vectors.end())?;
        self.check_faults()?;
        Ok(Some((Planned { lens, bytes, changes, reserved, _lease: lease }, key_map)))
    }

    /// The key map with the keys of `rows`, each a slot with its key. `dead` says which rows will be gone.
    fn keys_with(&self, rows: &[(u32, &[u8])], present: &RecordTable, dead: &SlotBits) -> Result<IdMap> {
        let lookup = Lookup { keys: &self.keys, records: present, salt: self.key_salt };
        let end = self.vectors.end();
        let entries = lookup.entries(rows, &|slot| slot < end && !dead.get(slot))?;
        self.keys.with(&entries, &|slot| dead.get(slot), &self.budget)
    }

    /// The metadata that the rows of `ids` get, with these ids by slot: unknown ones are left out, and of two
    /// that are the same the last counts. And the key map, where it changes: only in a repair are there rows that lost the
    /// keys that the log has for them.
    pub fn resolve_meta(&mut self, ids: &[u64], given: &Given<'_>) -> Result<(Vec<u64>, Planned, Option<IdMap>)> {
        let found = ids.iter().enumerate().filter_map(|(at, &id)| Some((self.find(id)?, at)));
        let mut rows = collected(found)?;
        rows.sort_unstable();
        let kept = (0..rows.len()).filter(|&i| rows.get(i + 1).is_none_or(|next| next.0 != rows[i].0));
        let rows = collected(kept.map(|i| rows[i]))?;
        let present = self.records.table();
        let resolved = given.resolved()?;
        let record =
            |slot: u32, at: usize| given.record(at, present.get(slot), resolved.get(at).copied().unwrap_or_default());
        let total: u64 = rows.iter().map(|&(slot, at)| record(slot, at).bytes() as u64).sum();
        let lease = self.take_logged(total + 4 * rows.len() as u64, 44 * rows.len() as u64)?;
        let (mut lens, mut bytes) = (with_room(rows.len())?, with_room(total as usize)?);
        let (mut changes, mut in_order) = (with_room(rows.len())?, with_room(rows.len())?);
        for &(slot, at) in &rows {
            let (record, from) = (record(slot, at), bytes.len());
            let len = write(record, at, &mut bytes)?;
            lens.push(len as u32);
            changes.push(Change { slot, from, len });
            in_order.push(ids[at]);
        }
        let has_another = |&(slot, key): &(u32, &[u8])| present.get(slot).key != key;
        let others = collected(keys_of(&changes, &bytes).filter(has_another))?;
        let keys = if others.is_empty() { None } else { Some(self.keys_with(&others, &present, &self.dead)?) };
        let reserved = self.records.reserve(&changes, u32::MAX)?;
        self.check_faults()?;
        Ok((in_order, Planned { lens, bytes, changes, reserved, _lease: lease }, keys))
    }

    /// Takes memory for `logged` bytes that go into the log and for `working` more. The next open holds the record
    /// beside what is made of it: what passes the limit then must not pass it now.
    fn take_logged(&self, logged: u64, working: u64) -> Result<Lease> {
        let record = if self.log.is_some() { logged } else { 0 };
        Ok(self.budget.take(logged + record + working)?)
    }
}
