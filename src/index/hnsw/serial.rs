//! A graph as parts of a file, and back. Opening reads the header and one
//! row: the arrays are used where they lie. Nothing here trusts the bytes:
//! shapes are checked against each other now, links where walks read them.

use super::links::{Entry, NIL, Store, TALL_STRIDE};
use super::{Graph, MAX_EF_CONSTRUCTION, MAX_LEVEL, MAX_M, MAX_SLOTS, Params};
use crate::arena::{Budget, Rows};

/// One array of a graph, as a file holds it.
#[derive(Clone, Debug)]
pub struct Section {
    /// Which array: a number that never changes its meaning.
    pub tag: u32,
    /// The array; `rows.stride()` bytes a row.
    pub rows: Rows,
}

const LEVELS: u32 = 1;
const BASE: u32 = 2;
const TALL: u32 = 3;
const UPPER: u32 = 4;

/// Version of header and arrays together.
const VERSION: u32 = 1;
/// Bytes of the header: eleven little-endian u32 (see `header`).
const HEADER_LEN: usize = 44;

impl Graph {
    /// The arrays, in the order of their tags. Empty ones are included.
    pub fn sections(&self) -> Vec<Section> {
        [(LEVELS, &self.levels), (BASE, &self.base), (TALL, &self.tall), (UPPER, &self.upper)]
            .map(|(tag, rows)| Section { tag, rows: rows.clone() })
            .into()
    }

    /// What the arrays do not say. Little-endian u32: version, M,
    /// ef_construction, seed (low, high), slots, nodes, entry slot or
    /// 2^32 - 1, top level, ordinals, upper rows.
    pub fn header(&self) -> Vec<u8> {
        let Params { m, ef_construction, seed } = self.params;
        let (slot, level) = self.entry.map_or((NIL, 0), |e| (e.slot, e.level));
        let counts = [self.tall.len() as u32, self.upper.len() as u32];
        let fixed = [VERSION, m as u32, ef_construction as u32, seed as u32, (seed >> 32) as u32];
        let shape = [self.len(), self.nodes, slot, level as u32];
        fixed.iter().chain(&shape).chain(&counts).flat_map(|v| v.to_le_bytes()).collect()
    }

    /// A graph from [`Graph::header`] and its arrays, which `get` finds by
    /// (tag, stride). The error says in words what does not fit.
    pub fn from_sections(header: &[u8], get: &mut dyn FnMut(u32, usize) -> Option<Rows>) -> Result<Graph, String> {
        let header: &[u8; HEADER_LEN] =
            header.try_into().map_err(|_| format!("graph header of {} bytes, not {HEADER_LEN}", header.len()))?;
        let mut fields = header.chunks_exact(4).map(|f| u32::from_le_bytes([f[0], f[1], f[2], f[3]]));
        let mut field = || fields.next().unwrap_or_default();
        let version = field();
        if version != VERSION {
            return Err(format!("graph version {version}, this build reads {VERSION}"));
        }
        let (m, ef_construction) = (field() as usize, field() as usize);
        let seed = field() as u64 | (field() as u64) << 32;
        let (len, nodes, entry, top) = (field(), field(), field(), field() as usize);
        let (ordinals, upper_rows) = (field(), field());
        if !(2..=MAX_M).contains(&m) || !(1..=MAX_EF_CONSTRUCTION).contains(&ef_construction) {
            return Err(format!("graph with M = {m}, ef_construction = {ef_construction}"));
        }
        if len > MAX_SLOTS || nodes > len || ordinals > nodes || (nodes == 0) != (entry == NIL) {
            return Err(format!("graph of {len} slots, {nodes} nodes, {ordinals} ordinals, entry point {entry}"));
        }
        let mut rows = |tag, stride, len: u32| match get(tag, stride) {
            Some(rows) if rows.len() == len as usize && rows.stride() == stride => Ok(rows),
            Some(rows) => Err(format!("graph section {tag} is {rows:?}, not {len} x {stride} B")),
            None => Err(format!("graph section {tag} is missing")),
        };
        let params = Params { m, ef_construction, seed };
        let mut graph = Graph {
            params,
            memory: Budget::default(),
            nodes,
            entry: None,
            levels: rows(LEVELS, 1, len)?,
            base: rows(BASE, params.degree(0) * 4, len)?,
            tall: rows(TALL, TALL_STRIDE, ordinals)?,
            upper: rows(UPPER, params.degree(1) * 4, upper_rows)?,
        };
        if entry != NIL {
            graph.entry = Some(graph.entry_at(entry, top)?);
        }
        Ok(graph)
    }

    /// The entry point at `slot`, if that is a node of level `top`.
    fn entry_at(&self, slot: u32, top: usize) -> Result<Entry, String> {
        let error = || format!("graph entry point {slot} is no node of level {top}");
        if top > MAX_LEVEL || self.level(slot) != Some(top) {
            return Err(error());
        }
        let ordinal = if top > 0 { self.ordinal(slot).ok_or_else(error)? } else { 0 };
        debug_assert!(self.slot(top.min(1), if top > 0 { ordinal } else { slot }) == Some(slot));
        Ok(Entry { slot, level: top, ordinal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::RowsMut;
    use crate::index::Space;
    use crate::index::testing::*;
    use crate::kernel::{Metric, Scalar};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static BUILT: LazyLock<(Space, Graph)> = LazyLock::new(|| {
        // Rows beyond the graph, to extend it by.
        let space = space(&clustered(450, 8, 4, 1), Metric::L2sq, Scalar::I8);
        let graph = extended(&Graph::empty(PARAMS), &space, 400, &dead((0..400).step_by(7)));
        (space, graph)
    });

    /// The parts of a graph as a file would give them back.
    fn parts(graph: &Graph) -> Vec<(u32, usize, Vec<u8>)> {
        graph.sections().iter().map(|s| (s.tag, s.rows.stride(), s.rows.bytes().to_vec())).collect()
    }

    fn reopen(header: &[u8], parts: &[(u32, usize, Vec<u8>)]) -> Result<Graph, String> {
        Graph::from_sections(header, &mut |tag, stride| {
            let (_, _, bytes) = parts.iter().find(|p| (p.0, p.1) == (tag, stride))?;
            let mut rows = RowsMut::zeroed(bytes.len() / stride, stride, &Budget::default()).ok()?;
            rows.bytes_mut().copy_from_slice(&bytes[..bytes.len() / stride * stride]);
            Some(rows.freeze())
        })
    }

    #[test]
    fn a_graph_survives_the_way_through_a_file() {
        let (space, graph) = &*BUILT;
        for graph in [graph, &Graph::empty(PARAMS)] {
            let back = reopen(&graph.header(), &parts(graph)).unwrap();
            assert_eq!((back.header(), parts(&back)), (graph.header(), parts(graph)));
            assert_eq!((back.entry, back.check().unwrap()), (graph.entry, graph.check().unwrap()));
            let query = space.rows.row(5);
            assert_eq!(found(&back, space, query, 9, &dead([])), found(graph, space, query, 9, &dead([])));
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let (_, graph) = &*BUILT;
        let (header, whole) = (graph.header(), parts(graph));
        assert!(reopen(&header[1..], &whole).is_err());
        // Every field of the header but the free ones: seed and ef_construction.
        for field in (0..11).filter(|f| !(2..=4).contains(f)) {
            let mut bad = header.clone();
            bad[field * 4] ^= 0x15;
            bad[field * 4 + 3] ^= 0x80;
            assert!(reopen(&bad, &whole).is_err(), "header field {field}");
        }
        for i in 0..whole.len() {
            let mut missing = whole.clone();
            missing.remove(i);
            assert!(reopen(&header, &missing).unwrap_err().contains("missing"));
            let mut short = whole.clone();
            let keep = short[i].2.len() - short[i].1;
            short[i].2.truncate(keep);
            assert!(reopen(&header, &short).is_err(), "section {i} short of a row");
        }
    }

    #[test]
    fn rows_with_links_to_nowhere_are_mended_when_they_are_written() {
        let (space, graph) = &*BUILT;
        for place in [0, 3] {
            let mut parts = parts(graph);
            let base = parts.iter_mut().find(|part| part.1 == PARAMS.degree(0) * 4).unwrap();
            for row in base.2.chunks_exact_mut(base.1).step_by(3) {
                row[4 * place..][..4].copy_from_slice(&9_999_999u32.to_le_bytes());
            }
            let damaged = reopen(&graph.header(), &parts).unwrap();
            assert!(damaged.check().unwrap().unreachable > 0, "link {place}");
            let mended = extended(&damaged, space, 450, &dead([]));
            assert_eq!(mended.check().unwrap().unreachable, 0, "link {place}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn hostile_arrays_neither_panic_nor_hang(
            damage in proptest::collection::vec((0usize..4, any::<usize>(), any::<u32>(), any::<bool>()), 1..400),
        ) {
            let (space, graph) = &*BUILT;
            let mut parts = parts(graph);
            for (section, at, value, in_range) in damage {
                let bytes = &mut parts[section].2;
                let value = if in_range { value % 400 } else { value };
                let at = at % (bytes.len() / 4) * 4;
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            // The entry point may be gone, which opening notices.
            if let Ok(hostile) = reopen(&graph.header(), &parts) {
                for slot in [1, 50, 399] {
                    let hits = found(&hostile, space, space.rows.row(slot), 30, &dead([3, 4]));
                    prop_assert!(hits.windows(2).all(|pair| pair[0] < pair[1]));
                    prop_assert!(hits.iter().all(|&(_, slot)| slot < 400 && slot != 3 && slot != 4));
                }
                hostile.check().unwrap();
                let pool = threads(1);
                let gone = dead((0..400).step_by(5));
                hostile.consolidate(space, &gone, &pool, &()).unwrap();
                hostile.extend(space, &u64::from, 450, &gone, &pool, &()).unwrap();
                let _ = hostile.renumber(400, &Some);
            }
        }
    }
}
