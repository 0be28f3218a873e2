//! Cursors that stay open while the database moves on: what they must return is known when they are made.

use super::Asked;
use super::rows::{DIM, Rows, nearest};
use std::collections::BTreeMap;
use vdb::{Cursor, Database, Page, Scalar, SearchParams, Snapshot, Vectors};

/// How a cursor goes through the rows.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    Ids,
    /// From this vector on.
    Near {
        query: [i8; DIM],
        exact: bool,
    },
}

pub struct Open {
    cursor: Cursor,
    order: Order,
    /// The rows that are still to come.
    left: BTreeMap<u64, f32>,
    last: Option<(f32, u64)>,
    /// Whether rows come now that a walk has missed.
    late: bool,
}

impl Open {
    pub fn new(db: &Database, at: Option<&Snapshot>, rows: &Rows, order: Order, asked: Option<&Asked>) -> Open {
        let condition = asked.map(|asked| &asked.condition);
        let filter = asked.map(|asked| asked.filter.clone());
        let (cursor, truth) = match order {
            Order::Ids => {
                let truth = nearest(rows, &[0; DIM], condition).into_iter().map(|(_, id)| (id, 0.0)).collect();
                (db.scan_at(at, filter.as_ref()).unwrap(), truth)
            }
            Order::Near { query, exact } => {
                let bytes = query.map(|x| x as u8);
                let vectors = Vectors::new(&bytes, Scalar::I8, DIM, 1, 0).unwrap();
                let params = SearchParams { exact, filter, snapshot: at.cloned(), ..SearchParams::default() };
                let truth = nearest(rows, &query, condition).into_iter().map(|(distance, id)| (id, distance)).collect();
                (db.cursor(vectors, &params).unwrap(), truth)
            }
        };
        Open { cursor, order, left: truth, last: None, late: false }
    }

    /// One page of `cap` places; whether it was the last.
    pub fn advance(&mut self, cap: usize) -> bool {
        let (mut ids, mut distances) = (vec![7; cap], vec![7.0; cap]);
        match self.cursor.next_page(&mut ids, Some(&mut distances)).unwrap() {
            Page::Rows(count) => {
                assert!(count > 0, "a page without rows and without an end");
                (0..count).for_each(|i| self.check(i, distances[i], ids[i]));
                false
            }
            Page::Done => {
                assert!(self.left.is_empty(), "{:?} never came", self.left);
                assert_eq!(self.cursor.next_page(&mut ids, None).unwrap(), Page::Done, "the end stays the end");
                true
            }
            Page::Partial(_) => panic!("nothing stops it"),
        }
    }

    /// Row `place` of a page is one that was to come, at its distance, behind the last one.
    fn check(&mut self, place: usize, distance: f32, id: u64) {
        assert_eq!(self.left.remove(&id), Some(distance), "row {id} of another state, or for the second time");
        if self.last.is_some_and(|last| last >= (distance, id)) {
            let may_be_late = matches!(self.order, Order::Near { exact: false, .. }) && !self.late && place == 0;
            assert!(may_be_late, "{:?}: row {id} at {distance} after {:?}", self.order, self.last);
            self.late = true;
        }
        self.last = Some((distance, id));
        if !matches!(self.order, Order::Near { exact: false, .. }) {
            let nearer = self.left.iter().any(|(&other, &to)| (to, other) < (distance, id));
            assert!(!nearer, "{:?}: a row before {id} was left out", self.order);
        }
    }
}
