//! From keys to slots, by a hash of the key in an id map of their own.
//!
//! A key has two numbers that it may be found by, and takes the first unless another key has it. Of
//! a thousand million keys, not one in thirty databases has two that share a first number, so the second
//! is enough for all of them. The hash is SipHash-2-4 under the salt of the database, which is
//! random: nobody who cannot read the files can choose keys that meet.

use super::RecordTable;
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::ids::IdMap;
use crate::util::memory::collected;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// Numbers that a key may be found by.
const TRIES: u64 = 2;

/// Number `nth` of `key`.
pub fn hash(key: &[u8], salt: u64, nth: u64) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(salt, nth);
    hasher.write(key);
    hasher.finish()
}

/// Where keys are looked for.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    pub keys: &'a IdMap,
    pub records: &'a RecordTable,
    pub salt: u64,
}

impl Lookup<'_> {
    /// The slot of the row with `key`, if `is_live` says that it is there.
    pub fn find(&self, key: &[u8], is_live: &dyn Fn(u32) -> bool) -> Option<u32> {
        let numbers = (0..TRIES).map(|nth| hash(key, self.salt, nth));
        numbers
            .filter_map(|number| self.keys.find(number))
            .find(|&slot| is_live(slot) && self.records.get(slot).key == key)
    }

    /// The numbers under which the rows of `rows`, each a slot with its key, will be found, in order. `is_live`
    /// says which of the present rows stay.
    pub fn entries(&self, rows: &[(u32, &[u8])], is_live: &dyn Fn(u32) -> bool) -> Result<Vec<(u64, u32)>> {
        // A number that a row has already, which stays and is not of this key.
        let is_taken = |number: u64, key: &[u8]| {
            self.keys.find(number).is_some_and(|slot| is_live(slot) && self.records.get(slot).key != key)
        };
        let free_from = |key: &[u8], from: u64| {
            let mut numbers = (from..TRIES).map(|nth| (hash(key, self.salt, nth), nth));
            numbers.find(|&(number, _)| !is_taken(number, key))
        };
        let none = || Error::new(ErrorKind::Limit, "a key cannot be stored: others have both of its numbers");
        let mut free = collected(rows.iter().map(|&(slot, key)| (free_from(key, 0), slot, key)))?;
        // Two keys of the batch that meet: the later one moves on.
        free.sort_unstable_by_key(|&(number, slot, _)| (number, slot));
        for i in 1..free.len() {
            let (Some((before, _)), Some((same, nth))) = (free[i - 1].0, free[i].0) else { continue };
            if before == same {
                free[i].0 = free_from(free[i].2, nth + 1);
            }
        }
        let mut entries = collected(free.iter().filter_map(|&(found, slot, _)| Some((found?.0, slot))))?;
        entries.sort_unstable();
        let is_whole = entries.len() == rows.len() && entries.windows(2).all(|pair| pair[0].0 != pair[1].0);
        if is_whole { Ok(entries) } else { Err(none()) }
    }

    /// Whether `number` is one that a row with `key` is found by.
    pub fn leads_to(&self, number: u64, key: &[u8]) -> bool {
        (0..TRIES).any(|nth| hash(key, self.salt, nth) == number)
    }
}

/// The error for a key that another row has.
pub fn taken<T>(key: &[u8], id: u64, at: usize) -> Result<T> {
    let message = format!("key '{}' is the one of id {id}", String::from_utf8_lossy(key));
    fail(ErrorKind::AlreadyExists, message).map_err(|error: Error| error.at(at as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Budget;
    use crate::db::records::Record;
    use crate::db::records::column::{Change, RecordColumn};

    #[test]
    fn keys_that_meet_are_both_found() {
        let budget = Budget::default();
        let mut column = RecordColumn::new(6, &budget);
        let records: Vec<Vec<u8>> = [b"one", b"two"]
            .iter()
            .map(|key| {
                let mut bytes = Vec::new();
                Record { key: &key[..], meta: b"" }.write(&mut bytes).unwrap();
                bytes
            })
            .collect();
        let change = |(i, record): (usize, &Vec<u8>)| Change { slot: i as u32, from: i, len: record.len() };
        let changes: Vec<Change> = records.iter().enumerate().map(change).collect();
        let reserved = column.reserve(&changes, 0).unwrap();
        column.apply(&changes, |change| &records[change.from], reserved);
        let table = column.table();
        let empty = IdMap::default();
        let lookup = Lookup { keys: &empty, records: &table, salt: 7 };
        // As if the first number of "two" were that of "one".
        let entries = lookup.entries(&[(0, b"one")], &|_| true).unwrap();
        assert_eq!(entries, [(hash(b"one", 7, 0), 0)]);
        let mut forged = vec![(hash(b"two", 7, 0), 0)];
        forged.sort_unstable();
        let keys = IdMap::default().with(&forged, &|_| false, &budget).unwrap();
        let lookup = Lookup { keys: &keys, records: &table, salt: 7 };
        let moved = lookup.entries(&[(1, b"two")], &|_| true).unwrap();
        assert_eq!(moved, [(hash(b"two", 7, 1), 1)]);
        let keys = keys.with(&moved, &|_| false, &budget).unwrap();
        let lookup = Lookup { keys: &keys, records: &table, salt: 7 };
        assert_eq!(lookup.find(b"two", &|_| true), Some(1));
        assert_eq!((lookup.find(b"two", &|_| false), lookup.find(b"three", &|_| true)), (None, None));
        // A row that goes leaves its number.
        assert_eq!(lookup.entries(&[(2, b"two")], &|_| false).unwrap(), [(hash(b"two", 7, 0), 2)]);
    }
}
