//! The link arrays: how they are read (by walks, of a finished graph or of
//! one being built) and how a graph being built writes them.
//!
//! A link row is a list of little-endian u32, ended by [`NIL`] when it is not
//! full; there is no count. On level 0 nodes are named by slot, above by
//! ordinal (see [`Graph`]); "node" means whichever the level uses.

use super::{AllocError, Graph, MAX_LEVEL, Params};
use crate::arena::{Budget, Rows, RowsMut, within};
use crate::kernel::prefetch;

/// Ends a link row.
pub(super) const NIL: u32 = u32::MAX;
/// The level of a slot without a node.
pub(super) const ABSENT: u8 = u8::MAX;
/// Bytes of an entry of the ordinal table: slot, first upper row.
pub(super) const TALL_STRIDE: usize = 8;

/// Where every search begins: a node of the highest level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) slot: u32,
    pub(super) level: usize,
    /// Number above level 0; 0 (and unused) when `level` is 0.
    pub(super) ordinal: u32,
}

/// The ids of a link row.
#[inline]
pub(super) fn ids(row: &[u8]) -> impl Iterator<Item = u32> + Clone + '_ {
    places(row).iter().map(|id| u32::from_le_bytes(*id)).take_while(|&id| id != NIL)
}

/// All places of a link row: the ids, and [`NIL`] in those left over.
#[inline]
pub(super) fn places(row: &[u8]) -> &[[u8; 4]] {
    row.as_chunks().0
}

/// (slot, level) of each node, ascending.
pub(super) fn present(levels: &[u8]) -> impl Iterator<Item = (u32, usize)> + '_ {
    let nodes = levels.iter().enumerate().filter(|&(_, &level)| level != ABSENT);
    nodes.map(|(slot, &level)| (slot as u32, (level as usize).min(MAX_LEVEL)))
}

/// The pair at `ordinal` of an ordinal table.
#[inline]
fn tall_entry(row: &[u8]) -> Option<(u32, u32)> {
    let (slot, first) = (row.get(..4)?, row.get(4..8)?);
    Some((u32::from_le_bytes(slot.try_into().ok()?), u32::from_le_bytes(first.try_into().ok()?)))
}

/// Reading access to the links of a graph. Nothing panics, whatever the
/// arrays hold: what does not exist reads as no links.
pub(super) trait Store: Sync {
    /// The entry point, `None` when there is no node.
    fn entry(&self) -> Option<Entry>;
    /// Numbers of nodes on `level` are below this.
    fn end(&self, level: usize) -> u32;
    /// The slot of a node of `level`.
    fn slot(&self, level: usize, node: u32) -> Option<u32>;
    /// The links of `node` on `level`.
    fn links(&self, level: usize, node: u32) -> &[u8];
    /// Starts loading the level-0 links of `slot`.
    fn prefetch_links(&self, slot: u32);
}

impl Graph {
    /// Level of the node of `slot`.
    pub(super) fn level(&self, slot: u32) -> Option<usize> {
        let slot = slot as usize;
        let level = if slot < self.levels.len() { self.levels.row(slot)[0] } else { ABSENT };
        (level != ABSENT).then_some((level as usize).min(MAX_LEVEL))
    }

    /// (slot, first upper row) of an ordinal.
    pub(super) fn tall_entry(&self, ordinal: u32) -> Option<(u32, u32)> {
        let ordinal = ordinal as usize;
        if ordinal < self.tall.len() { tall_entry(self.tall.row(ordinal)) } else { None }
    }

    /// The ordinal of `slot`: a binary search.
    pub(super) fn ordinal(&self, slot: u32) -> Option<u32> {
        let (mut low, mut high) = (0, self.tall.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.tall_entry(middle)?.0 < slot { low = middle + 1 } else { high = middle }
        }
        (self.tall_entry(low)?.0 == slot).then_some(low)
    }
}

impl Store for Graph {
    fn entry(&self) -> Option<Entry> {
        self.entry
    }

    fn end(&self, level: usize) -> u32 {
        if level == 0 { self.base.len() as u32 } else { self.tall.len() as u32 }
    }

    #[inline]
    fn slot(&self, level: usize, node: u32) -> Option<u32> {
        if level == 0 { Some(node) } else { self.tall_entry(node).map(|(slot, _)| slot) }
    }

    #[inline]
    fn links(&self, level: usize, node: u32) -> &[u8] {
        if level == 0 {
            return row_or_empty(&self.base, node as usize);
        }
        match self.tall_entry(node) {
            Some((_, first)) => row_or_empty(&self.upper, first as usize + level - 1),
            None => &[],
        }
    }

    #[inline]
    fn prefetch_links(&self, slot: u32) {
        if let Some(row) = self.base.peek(slot as usize) {
            prefetch(row, self.base.stride());
        }
    }
}

#[inline]
fn row_or_empty(rows: &Rows, i: usize) -> &[u8] {
    if within(i, rows.len()) { rows.row(i) } else { &[] }
}

/// A graph being built. All of its nodes have their level and ordinal from
/// the start; a node is met by walks once something links to it.
pub(super) struct Draft {
    params: Params,
    memory: Budget,
    entry: Option<Entry>,
    nodes: u32,
    levels: RowsMut,
    base: RowsMut,
    tall: RowsMut,
    upper: RowsMut,
}

impl Draft {
    /// A draft without links, whose nodes have the given levels ([`ABSENT`] = no node).
    /// Its arrays are taken from `memory`, as those of all graphs made from it will be.
    pub(super) fn new(params: Params, levels: &[u8], memory: &Budget) -> Result<Draft, AllocError> {
        let tall_nodes = || present(levels).filter(|&(_, level)| level > 0);
        let upper_rows = tall_nodes().map(|(_, level)| level).sum();
        let mut draft = Draft {
            params,
            memory: memory.clone(),
            entry: None,
            nodes: present(levels).count() as u32,
            levels: RowsMut::zeroed(levels.len(), 1, memory)?,
            base: RowsMut::zeroed(levels.len(), params.degree(0) * 4, memory)?,
            tall: RowsMut::zeroed(tall_nodes().count(), TALL_STRIDE, memory)?,
            upper: RowsMut::zeroed(upper_rows, params.degree(1) * 4, memory)?,
        };
        draft.levels.bytes_mut().copy_from_slice(levels);
        draft.base.bytes_mut().fill(0xff);
        draft.upper.bytes_mut().fill(0xff);
        let mut first = 0u32;
        for (ordinal, (slot, level)) in tall_nodes().enumerate() {
            let row = draft.tall.row_mut(ordinal);
            row[..4].copy_from_slice(&slot.to_le_bytes());
            row[4..].copy_from_slice(&first.to_le_bytes());
            first += level as u32;
        }
        Ok(draft)
    }

    /// A draft with the links of `graph` and room for further nodes: `levels`
    /// begins with the levels that `graph` has.
    pub(super) fn extending(graph: &Graph, levels: &[u8]) -> Result<Draft, AllocError> {
        let mut draft = Draft::new(graph.params, levels, &graph.memory)?;
        draft.base.bytes_mut()[..graph.base.bytes().len()].copy_from_slice(graph.base.bytes());
        for (ordinal, (_, level)) in graph.present().filter(|&(_, level)| level > 0).enumerate() {
            let ordinal = ordinal as u32;
            (1..=level).for_each(|l| draft.copy_links(l, ordinal, graph.links(l, ordinal)));
        }
        draft.entry = graph.entry;
        Ok(draft)
    }

    /// What its arrays are taken from.
    pub(super) fn memory(&self) -> &Budget {
        &self.memory
    }

    /// Parameters of the graph.
    pub(super) fn params(&self) -> Params {
        self.params
    }

    /// Number of nodes, linked or not.
    pub(super) fn nodes(&self) -> u32 {
        self.nodes
    }

    /// (slot, level) of each node, ascending.
    pub(super) fn present(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        present(self.levels.bytes())
    }

    /// The ordinal table entry of `ordinal`.
    fn tall_entry(&self, ordinal: u32) -> Option<(u32, u32)> {
        let ordinal = ordinal as usize;
        if ordinal < self.tall.len() { tall_entry(self.tall.row(ordinal)) } else { None }
    }

    /// Replaces the links of `node` on `level`; those past the degree are dropped.
    pub(super) fn set_links(&mut self, level: usize, node: u32, links: &[u32]) {
        let Some(row) = self.links_mut(level, node) else { return };
        write_ids(row, links.iter().copied());
    }

    /// The links of `node` on `level` that name a node: rows that came from a file may have
    /// others, behind which no walk sees a link.
    pub(super) fn known_links(&self, level: usize, node: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.end(level);
        ids(self.links(level, node)).filter(move |&id| id < end)
    }

    /// Sets the links of `node` on `level` to those of a row of the same degree.
    pub(super) fn copy_links(&mut self, level: usize, node: u32, links: &[u8]) {
        let Some(row) = self.links_mut(level, node) else { return };
        write_ids(row, ids(links));
    }

    fn links_mut(&mut self, level: usize, node: u32) -> Option<&mut [u8]> {
        if level == 0 {
            return ((node as usize) < self.base.len()).then(|| self.base.row_mut(node as usize));
        }
        let row = self.tall_entry(node)?.1 as usize + level - 1;
        (row < self.upper.len()).then(|| self.upper.row_mut(row))
    }

    /// All rows of level 0 back to back, for writers that own disjoint ranges.
    pub(super) fn base_mut(&mut self) -> &mut RowsMut {
        &mut self.base
    }

    /// Makes `slot` the entry point if it stands higher than the present one.
    /// Slots are offered in ascending order, so the smallest wins a tie.
    pub(super) fn offer_entry(&mut self, entry: Entry) {
        if self.entry.is_none_or(|present| entry.level > present.level) {
            self.entry = Some(entry);
        }
    }

    /// Chooses the entry point among all nodes.
    pub(super) fn elect_entry(&mut self) {
        self.entry = None;
        let mut ordinal = 0;
        let mut best: Option<Entry> = None;
        for (slot, level) in self.present() {
            if best.is_none_or(|b| level > b.level) {
                best = Some(Entry { slot, level, ordinal: if level > 0 { ordinal } else { 0 } });
            }
            ordinal += (level > 0) as u32;
        }
        self.entry = best;
    }

    /// The finished graph.
    pub(super) fn freeze(self) -> Graph {
        debug_assert!(self.entry.is_none_or(|e| e.level <= MAX_LEVEL));
        Graph {
            params: self.params,
            memory: self.memory,
            nodes: self.nodes,
            entry: self.entry,
            levels: self.levels.freeze(),
            base: self.base.freeze(),
            tall: self.tall.freeze(),
            upper: self.upper.freeze(),
        }
    }
}

/// Writes `ids` into a link row and ends it; those that do not fit are dropped.
pub(super) fn write_ids(row: &mut [u8], ids: impl Iterator<Item = u32>) {
    let padded = ids.chain(std::iter::repeat(NIL));
    for (place, id) in row.chunks_exact_mut(4).zip(padded) {
        place.copy_from_slice(&id.to_le_bytes());
    }
}

impl Store for Draft {
    fn entry(&self) -> Option<Entry> {
        self.entry
    }

    fn end(&self, level: usize) -> u32 {
        if level == 0 { self.base.len() as u32 } else { self.tall.len() as u32 }
    }

    #[inline]
    fn slot(&self, level: usize, node: u32) -> Option<u32> {
        if level == 0 { Some(node) } else { self.tall_entry(node).map(|(slot, _)| slot) }
    }

    #[inline]
    fn links(&self, level: usize, node: u32) -> &[u8] {
        if level == 0 {
            return if (node as usize) < self.base.len() { self.base.row(node as usize) } else { &[] };
        }
        let row = self.tall_entry(node).map(|(_, first)| first as usize + level - 1);
        row.filter(|&row| row < self.upper.len()).map_or(&[], |row| self.upper.row(row))
    }

    #[inline]
    fn prefetch_links(&self, slot: u32) {
        if (slot as usize) < self.base.len() {
            prefetch(self.base.row(slot as usize).as_ptr(), self.base.stride());
        }
    }
}
