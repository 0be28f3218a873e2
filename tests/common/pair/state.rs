//! One state of a database, the newest or that of a snapshot, held against the rows it must have.

use super::super::texts::{taken, texts};
use super::rows::{DIM, Row, Rows, key_text, meta_text, nearest, owners};
use super::{Asked, UNIVERSE};
use vdb::{Database, ErrorKind, Hits, ID_NONE, Page, Scalar, SearchParams, Snapshot, Vectors};

/// Rows that searches look for.
const K: usize = 10;

pub struct State<'a> {
    pub db: &'a Database,
    pub at: Option<&'a Snapshot>,
    pub rows: &'a Rows,
}

impl State<'_> {
    /// Every vector and record, counts, and answers with and without conditions agree with the rows.
    pub fn check(&self, asked: &[&Asked]) {
        assert_eq!(self.db.count_at(self.at, None).unwrap(), self.rows.len() as u64);
        let mut ids: Vec<u64> = (0..UNIVERSE).collect();
        ids.extend(self.rows.keys().filter(|&&id| id >= UNIVERSE));
        self.check_vectors(&ids);
        self.check_records(&ids);
        self.check_keys();
        self.check_search([3, -5, 70, 1], true, None);
        self.check_search([-90, 20, 7, 100], false, None);
        self.check_search_by_id();
        self.check_scan(None);
        for (i, asked) in asked.iter().enumerate() {
            let passing = self.rows.values().filter(|row| row.passes(&asked.condition)).count();
            assert_eq!(self.db.count_at(self.at, Some(&asked.filter)).unwrap(), passing as u64, "{}", asked.text);
            self.check_search([3, -5, 70, 1], i % 2 == 0, Some(asked));
            self.check_scan(Some(asked));
        }
    }

    fn check_vectors(&self, ids: &[u64]) {
        let (mut out, mut found) = (vec![0u8; ids.len() * DIM], vec![9u8; ids.len()]);
        self.db.get_batch_at(self.at, ids, Scalar::I8, &mut out, 0, &mut found).unwrap();
        for (i, id) in ids.iter().enumerate() {
            let row = self.rows.get(id);
            assert_eq!(found[i], row.is_some() as u8, "id {id}");
            if let Some(row) = row {
                assert_eq!(out[i * DIM..][..DIM], row.vector.map(|x| x as u8));
            }
        }
    }

    fn check_records(&self, ids: &[u64]) {
        let metas = taken(ids.len(), |out| self.db.meta_batch_at(self.at, ids, out)).unwrap();
        let keys = taken(ids.len(), |out| self.db.keys_of_ids_at(self.at, ids, out)).unwrap();
        for ((id, meta), key) in ids.iter().zip(metas).zip(keys) {
            let row = self.rows.get(id).cloned().unwrap_or_default();
            assert_eq!((meta, key), (meta_text(row.meta), key_text(row.key)), "id {id}");
        }
    }

    fn check_keys(&self) {
        let owners = owners(self.rows);
        let (keys, mut found) = ((0..=255).map(|key| key_text(Some(key))).collect::<Vec<_>>(), vec![0; 256]);
        self.db.ids_of_keys_at(self.at, &texts(&keys), &mut found).unwrap();
        for key in 0..=255u8 {
            assert_eq!(found[key as usize], owners.get(&key).copied().unwrap_or(ID_NONE), "key {key}");
        }
    }

    /// A breadth this large finds everything in a graph this small.
    fn params(&self, exact: bool, asked: Option<&Asked>) -> SearchParams {
        let (snapshot, filter) = (self.at.cloned(), asked.map(|asked| asked.filter.clone()));
        SearchParams { exact, ef: 30, filter, snapshot, ..SearchParams::default() }
    }

    fn check_search(&self, query: [i8; DIM], exact: bool, asked: Option<&Asked>) {
        let mut truth = nearest(self.rows, &query, asked.map(|asked| &asked.condition));
        truth.truncate(K);
        let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
        let bytes = query.map(|x| x as u8);
        let queries = Vectors::new(&bytes, Scalar::I8, DIM, 1, 0).unwrap();
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        self.db.search(queries, K, &self.params(exact, asked), hits).unwrap();
        assert_eq!(counts[0] as usize, truth.len());
        if exact {
            let found: Vec<(f32, u64)> = distances.into_iter().zip(ids).take(truth.len()).collect();
            assert_eq!(found, truth);
        }
        let passes = |row: &Row| asked.is_none_or(|asked| row.passes(&asked.condition));
        for i in 0..counts[0] as usize {
            let row = &self.rows[&ids[i]];
            assert_eq!((row.distance(&query), passes(row)), (distances[i], true), "a live row at its own distance");
        }
    }

    /// The rows next to a row that is named by its id or its key are those next to its vector, but for itself.
    fn check_search_by_id(&self) {
        let with_key = self.rows.iter().find(|(_, row)| row.key.is_some());
        let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
        let mut ask = |id: u64| {
            let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
            self.db.search_ids(&[id], K, &self.params(true, None), hits)?;
            Ok::<_, vdb::Error>(distances.into_iter().zip(ids).take(counts[0] as usize).collect::<Vec<_>>())
        };
        for (&id, row) in self.rows.last_key_value().into_iter().chain(with_key) {
            let mut truth = nearest(self.rows, &row.vector, None);
            truth.retain(|found| found.1 != id);
            truth.truncate(K);
            assert_eq!(ask(id).unwrap(), truth, "next to id {id}");
        }
        let error = ask(UNIVERSE - 1 + u64::from(self.rows.contains_key(&(UNIVERSE - 1))) * (1 << 40)).unwrap_err();
        assert_eq!((error.kind(), error.item()), (ErrorKind::NotFound, Some(0)), "{error}");
    }

    fn check_scan(&self, asked: Option<&Asked>) {
        let passes = |row: &Row| asked.is_none_or(|asked| row.passes(&asked.condition));
        let mut expected = self.rows.iter().filter(|(_, row)| passes(row)).map(|(&id, _)| id);
        let mut cursor = self.db.scan_at(self.at, asked.map(|asked| &asked.filter)).unwrap();
        let mut ids = [0; 100];
        while let Page::Rows(count) = cursor.next_page(&mut ids, None).unwrap() {
            assert!(ids[..count].iter().copied().eq(expected.by_ref().take(count)));
        }
        assert_eq!(expected.next(), None, "rows are missing");
    }
}
