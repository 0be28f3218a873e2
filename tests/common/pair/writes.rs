//! Operations that change rows, done to the database and to the model.

use super::super::texts::texts;
use super::rows::{DIM, Put, Row, key_text, meta_text, owners};
use super::{Asked, Pair, Place};
use std::collections::{BTreeMap, BTreeSet};
use vdb::meta::filter::Expression;
use vdb::{ErrorKind, ID_NONE, Records, Scalar, Vectors};

/// Stand for ids that are not known before they are given.
const NEW: u64 = 1 << 62;

impl<P: Place> Pair<P> {
    pub(super) fn put(&mut self, rows: &[(u64, [i8; DIM])], replace: bool) {
        let ids: Vec<u64> = rows.iter().map(|r| r.0).collect();
        let bytes: Vec<u8> = rows.iter().flat_map(|r| r.1.map(|x| x as u8)).collect();
        let vectors = Vectors::new(&bytes, Scalar::I8, DIM, rows.len(), 0).unwrap();
        if replace {
            self.db().upsert_batch(&ids, vectors, None).unwrap();
            rows.iter().for_each(|&(id, vector)| self.model.entry(id).or_default().vector = vector);
            return;
        }
        let unique: BTreeMap<_, _> = rows.iter().copied().collect();
        let clash = unique.len() < rows.len() || unique.keys().any(|id| self.model.contains_key(id));
        match self.db().insert_batch(&ids, vectors, None) {
            Ok(()) => {
                assert!(!clash);
                self.model.extend(unique.into_iter().map(|(id, vector)| (id, Row { vector, ..Row::default() })));
            }
            Err(error) => {
                assert_eq!((error.kind(), clash), (ErrorKind::AlreadyExists, true));
            }
        }
    }

    /// The ids that rows will have, new ones from [`NEW`] on; `None` where the batch must be refused.
    fn expected_ids(&self, rows: &[Put], keys: bool, replace: bool) -> Option<Vec<u64>> {
        let mut owners = owners(&self.model);
        let mut ids = Vec::new();
        for (at, put) in rows.iter().enumerate() {
            let key = put.row.key.filter(|_| keys);
            let owner = key.and_then(|key| owners.get(&key).copied());
            let id = match (put.id, owner) {
                (None, None) => NEW + at as u64,
                (None, Some(owner)) if replace => owner,
                (Some(id), owner) if owner.is_none_or(|owner| owner == id) => id,
                _ => return None,
            };
            if !replace && (self.model.contains_key(&id) || ids.contains(&id)) {
                return None;
            }
            key.map(|key| owners.insert(key, id));
            ids.push(id);
        }
        Some(ids)
    }

    pub(super) fn records(&mut self, rows: &[Put], keys: bool, meta: bool, replace: bool) {
        let expected = self.expected_ids(rows, keys, replace);
        let mut ids: Vec<u64> = rows.iter().map(|put| put.id.unwrap_or(ID_NONE)).collect();
        let bytes: Vec<u8> = rows.iter().flat_map(|put| put.row.vector.map(|x| x as u8)).collect();
        let vectors = Vectors::new(&bytes, Scalar::I8, DIM, rows.len(), 0).unwrap();
        let key_texts: Vec<String> = rows.iter().map(|put| key_text(put.row.key)).collect();
        let meta_texts: Vec<String> = rows.iter().map(|put| meta_text(put.row.meta)).collect();
        let records = Records { keys: keys.then(|| texts(&key_texts)), meta: meta.then(|| texts(&meta_texts)) };
        let done = match replace {
            true => self.db().upsert_records(&mut ids, vectors, &records, None),
            false => self.db().insert_records(&mut ids, vectors, &records, None),
        };
        if let Err(error) = done {
            assert_eq!((error.kind(), expected), (ErrorKind::AlreadyExists, None), "{error}");
            return;
        }
        let expected = expected.expect("was to be refused");
        let before = self.model.clone();
        for ((&id, wanted), put) in ids.iter().zip(expected.iter().copied()).zip(rows) {
            if wanted >= NEW {
                // A key that stands twice in the batch leads to one row.
                let is_first = !self.model.contains_key(&id) || before.contains_key(&id);
                assert!(!is_first || (id > self.given && before.keys().all(|&old| old < id)), "id {id}");
                self.given = id.max(self.given);
            } else {
                assert_eq!(id, wanted);
            }
            let old = before.get(&id).cloned().unwrap_or_default();
            let row = Row {
                vector: put.row.vector,
                key: if keys { put.row.key } else { old.key },
                meta: if meta { put.row.meta } else { old.meta },
            };
            self.model.insert(id, row);
        }
    }

    pub(super) fn meta(&mut self, rows: &[(u64, Option<u8>)]) {
        let ids: Vec<u64> = rows.iter().map(|row| row.0).collect();
        let metas: Vec<String> = rows.iter().map(|row| meta_text(row.1)).collect();
        let updated = self.db().update_meta_batch(&ids, &texts(&metas)).unwrap();
        let there: BTreeSet<_> = ids.iter().filter(|id| self.model.contains_key(id)).collect();
        assert_eq!(updated, there.len() as u64);
        for &(id, meta) in rows {
            self.model.entry(id).and_modify(|row| row.meta = meta);
        }
    }

    /// Takes the rows out of the model for which `is_gone`; as many as `deleted`.
    fn forget(&mut self, deleted: u64, is_gone: impl Fn(u64, &Row) -> bool) {
        let before = self.model.len();
        self.model.retain(|&id, row| !is_gone(id, row));
        assert_eq!(deleted, (before - self.model.len()) as u64);
    }

    pub(super) fn delete(&mut self, ids: &[u64]) {
        let deleted = self.db().delete_batch(ids).unwrap();
        self.forget(deleted, |id, _| ids.contains(&id));
    }

    pub(super) fn delete_keys(&mut self, keys: &[u8]) {
        let key_texts: Vec<String> = keys.iter().map(|&key| key_text(Some(key))).collect();
        let deleted = self.db().delete_keys(&texts(&key_texts)).unwrap();
        self.forget(deleted, |_, row| row.key.is_some_and(|key| keys.contains(&key)));
    }

    pub(super) fn delete_where(&mut self, condition: &Expression) {
        let deleted = self.db().delete_where(&Asked::new(condition, false).filter, None).unwrap();
        self.forget(deleted, |_, row| row.passes(condition));
    }

    pub(super) fn meta_where(&mut self, condition: &Expression, meta: Option<u8>) {
        let filter = Asked::new(condition, true).filter;
        let updated = self.db().update_meta_where(&filter, meta_text(meta).as_bytes(), None).unwrap();
        let mut count = 0;
        for row in self.model.values_mut().filter(|row| row.passes(condition)) {
            (row.meta, count) = (meta, count + 1);
        }
        assert_eq!(updated, count);
    }
}
