//! What a graph is walked on: the rows of its slots and their distance.

use crate::arena::{Below, RowTable};
use crate::kernel::{Kernel, Metric, prefetch};

/// Rows whose loading has begun when the distances of the first four are computed.
const AHEAD: usize = 12;
/// Places for them, a multiple of four.
const RING: usize = 16;
const _: () = assert!(RING.is_multiple_of(4) && 4 <= AHEAD && AHEAD <= RING);
/// Squared lengths of unit vectors after quantisation agree within this share.
const LENGTHS_DIFFER: f32 = 0.05;

/// Rows by slot, and the kernel that compares them. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Space {
    /// The codes (or the vectors themselves) of the slots.
    pub rows: RowTable,
    /// Distances between these rows; smaller is nearer.
    pub kernel: Kernel,
}

impl Space {
    /// Bytes of the rows for a query of `query` bytes.
    #[inline]
    pub(super) fn row_bytes(&self, query: usize) -> usize {
        self.kernel.form.row_bytes(query)
    }

    /// Distance of `query` to the row of `slot`, `None` where there is no row
    /// as long as the query asks for. Rows may be padded: no bytes beyond count.
    #[inline]
    pub fn distance(&self, query: &[u8], slot: u32) -> Option<f32> {
        let row = self.rows.prefix(slot, self.row_bytes(query.len()))?;
        Some((self.kernel.distance)(query, row))
    }

    /// Distances of `query` to the rows of slots, each with what goes with the slot, in
    /// order; slots without a row are left out.
    #[inline]
    pub fn each<T: Copy + Default>(
        &self,
        query: &[u8],
        slots: impl Iterator<Item = (u32, T)>,
        found: impl FnMut(T, f32),
    ) {
        let bytes = self.row_bytes(query.len());
        let rows = slots.filter_map(|(slot, with)| Some((self.rows.prefix(slot, bytes)?, with)));
        self.stream(query, rows, found);
    }

    /// The same for nodes that a walk has just met and whose number is their slot.
    #[inline]
    pub(super) fn each_met(&self, query: &[u8], nodes: Below<'_>, found: impl FnMut(u32, f32)) {
        match self.rows.prefixes(nodes, self.row_bytes(query.len())) {
            Some(rows) => self.stream(query, rows, found),
            None => self.each(query, nodes.nodes().iter().map(|&node| (node, node)), found),
        }
    }

    /// Distances of `query` to rows as long as it asks for, in order.
    ///
    /// Rows wait in a ring between the start of their loading and the computation of their
    /// distances, four at a time where there are four.
    #[inline]
    fn stream<'r, T: Copy + Default>(
        &self,
        query: &[u8],
        rows: impl Iterator<Item = (&'r [u8], T)>,
        mut found: impl FnMut(T, f32),
    ) {
        let mut rows = rows.fuse();
        let mut ring: [(&[u8], T); RING] = [(&[], T::default()); RING];
        let (mut used, mut loaded) = (0, 0);
        loop {
            while loaded < used + AHEAD
                && let Some((row, with)) = rows.next()
            {
                prefetch(row.as_ptr(), row.len());
                ring[loaded % RING] = (row, with);
                loaded += 1;
            }
            let (four, _) = ring[used % RING..].as_chunks::<4>();
            match four.first() {
                Some(four) if loaded - used >= 4 => {
                    let distances = (self.kernel.four)(query, four.map(|(row, _)| row));
                    four.iter().zip(distances).for_each(|(&(_, with), distance)| found(with, distance));
                    used += 4;
                }
                _ if loaded > used => {
                    let (row, with) = ring[used % RING];
                    found(with, (self.kernel.distance)(query, row));
                    used += 1;
                }
                _ => return,
            }
        }
    }

    /// Scalar product of a row with itself, for inner-product kernels of rows that can be compared.
    #[inline]
    pub(super) fn squared_length(&self, row: &[u8]) -> f32 {
        1.0 - (self.kernel.distance)(row, row)
    }

    /// The distance that ratios of distances to `query` refer to: zero, but for
    /// inner products what a row as long as `like` would have in the direction
    /// of the query.
    pub(super) fn origin(&self, query: &[u8], like: u32) -> f32 {
        if self.kernel.metric != Metric::Ip || !self.kernel.form.is_symmetric() {
            return 0.0;
        }
        let Some(row) = self.rows.get(like).and_then(|row| row.get(..query.len())) else { return 0.0 };
        1.0 - (self.squared_length(query) * self.squared_length(row)).sqrt()
    }

    /// Whether `slots` may be compared by ratios of distances: not for inner
    /// products of rows whose lengths differ by more than quantisation does, or are not known, and not
    /// where distances are rough.
    pub fn has_ratios(&self, slots: impl Iterator<Item = u32>) -> bool {
        if self.kernel.form.is_rough() {
            return false;
        }
        if self.kernel.metric != Metric::Ip {
            return true;
        }
        if !self.kernel.form.is_symmetric() {
            return false;
        }
        let rows = slots.filter_map(|slot| self.rows.get(slot));
        let mut lengths: Vec<f32> = rows.map(|row| self.squared_length(row)).collect();
        lengths.sort_by(f32::total_cmp);
        let (low, high) = (lengths.len() / 20, lengths.len() * 19 / 20);
        lengths.get(high).is_some_and(|&long| long - lengths[low] <= LENGTHS_DIFFER * long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::testing::*;
    use crate::kernel::Scalar;

    #[test]
    fn a_slot_without_a_long_enough_row_has_no_distance() {
        let space = space(&clustered(3, 8, 1, 1), Metric::L2sq, Scalar::I8);
        assert!(space.distance(&[0; 8], 2).is_some() && space.distance(&[0; 5], 2).is_some());
        assert!(space.distance(&[0; 9], 2).is_none() && space.distance(&[0; 8], 3).is_none());
    }

    #[test]
    fn each_finds_what_one_by_one_finds_in_the_same_order() {
        let space = space(&clustered(60, 8, 4, 3), Metric::L2sq, Scalar::I8);
        let query = space.rows.row(7);
        for count in 0..2 * RING + 3 {
            // Some slots do not exist, at other places for each count.
            let slots = (0..count as u32).map(|i| (i * 7 + count as u32) % 67);
            let mut found = Vec::new();
            space.each(query, slots.clone().map(|slot| (slot, slot)), |slot, distance| found.push((slot, distance)));
            let expected: Vec<_> = slots.filter_map(|slot| Some((slot, space.distance(query, slot)?))).collect();
            assert_eq!(found, expected, "{count} slots");
        }
    }

    #[test]
    fn inner_products_have_ratios_when_lengths_agree() {
        let rows = clustered(200, 16, 4, 2);
        let unit: Vec<Vec<f32>> = rows.iter().map(|row| of_length(row, 10.0)).collect();
        for (rows, expected) in [(&rows, false), (&unit, true)] {
            assert_eq!(space(rows, Metric::Ip, Scalar::I8).has_ratios(0..200), expected);
            assert!(space(rows, Metric::L2sq, Scalar::I8).has_ratios(0..200));
        }
        let space = space(&unit, Metric::Ip, Scalar::F32);
        // |query| * |row| = 5 * 10.
        let query = packed(&of_length(&rows[0], 5.0), Scalar::F32);
        assert!((space.origin(&query, 7) - (1.0 - 50.0)).abs() < 0.01);
    }
}
