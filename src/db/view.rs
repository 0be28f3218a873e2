//! A view: one immutable picture of the database. A search pins one and works
//! on nothing else, so it needs no lock and sees a batch whole or not at all.
//! Whatever a view refers to lives until the last holder lets go.

use super::calibration::Calibration;
use super::column::{Piece, hollow, next_serial, table};
use super::error::Result;
use super::ids::IdMap;
use super::input::Shape;
use super::records::RecordTable;
use super::records::keys::Lookup;
use super::sketches::Sketches;
use crate::arena::{AllocError, RowTable, SlotBits};
use crate::index::{Graph, Space, sketched};
use crate::kernel::{self, Kernel, kernel};
use crate::quant::Codec;
use crate::util::memory;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The rows, in chunks. The two columns always have the same lengths.
#[derive(Clone, Debug)]
pub struct Chunks {
    /// Vectors as stored.
    pub vectors: Vec<Piece>,
    /// Ids, 8 bytes each.
    pub ids: Vec<Piece>,
}

/// The graph with the codes it is walked on. Covers slots `0..graph.len()`.
#[derive(Clone)]
pub struct Index {
    /// The graph; empty until there are rows enough for one.
    pub graph: Graph,
    /// How codes are made; `None` when the graph walks on the vectors themselves.
    pub codec: Option<Arc<Codec>>,
    /// Largest error of a code row made with it (`Codec::error`), where all of them are known.
    pub code_error: Option<f64>,
    /// The codes, at least of the slots the graph covers.
    pub codes: Vec<Piece>,
    /// Slots that existed when the codec was last trained.
    pub trained: u32,
    /// How far walks must go for a wanted recall, once that was measured.
    pub calibration: Option<Arc<Calibration>>,
    /// Rows linked since then, or since the database was opened.
    pub linked: u64,
    /// Changes with every step, so that a checkpoint knows what is new.
    pub version: u64,
    /// Nodes the walk cannot reach, once the graph was audited.
    pub unreachable: OnceLock<u64>,
}

impl Index {
    /// An index over no rows.
    pub fn empty(graph: Graph) -> Index {
        Index {
            graph,
            codec: None,
            code_error: None,
            codes: Vec::new(),
            trained: 0,
            calibration: None,
            linked: 0,
            version: 0,
            unreachable: OnceLock::new(),
        }
    }

    /// What the graph is walked with for the stored row `query`: its code, made in
    /// `out`, or the row itself. `wide` is scratch space.
    pub fn query_code<'q>(
        &self,
        shape: &Shape,
        query: &'q [u8],
        wide: &mut Vec<f32>,
        out: &'q mut Vec<u8>,
    ) -> Result<&'q [u8]> {
        let Some(codec) = &self.codec else { return Ok(query) };
        encode_query(codec, shape, query, wide, out)?;
        Ok(out)
    }

    /// Whether the code that [`Index::query_code`] made stands for the query, whose components it left in `wide`.
    pub fn code_reaches(&self, wide: &[f32]) -> bool {
        self.codec.as_ref().is_none_or(|codec| codec.reaches(wide))
    }

    /// The query of a stored row for a build, in `out`; false where there is no row.
    pub fn slot_code(
        &self,
        shape: &Shape,
        row: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> std::result::Result<bool, AllocError> {
        let (Some(codec), Some(row)) = (&self.codec, row) else { return Ok(false) };
        encode_query(codec, shape, row, &mut Vec::new(), out)?;
        Ok(true)
    }

    /// One past the last slot that has a code.
    pub fn coded_end(&self, shift: u32) -> u32 {
        table(&self.codes, shift).end()
    }

    /// Refuses an index whose graph covers slots without codes: written to a
    /// checkpoint it would make a database that cannot be opened.
    pub fn check_whole(&self, shift: u32) -> Result<()> {
        let (covered, coded) = (self.graph.len(), self.coded_end(shift));
        if self.codec.is_some() && coded < covered {
            let message = format!("the next graph covers {covered} slots, only {coded} have codes; it is not used");
            return super::error::fail(super::error::ErrorKind::Internal, message);
        }
        Ok(())
    }

    /// What links are chosen by: what the graph is walked on where such rows can be compared with
    /// each other, else the vectors as `stored`; where these may be missing, the codes in any case.
    pub fn link_space(&self, stored: &Space, shift: u32, by_codes: bool) -> Space {
        let coded = self.space(stored, shift);
        match self.codec.as_ref().filter(|_| by_codes).and_then(|codec| codec.pairs()) {
            Some(kernel) => Space { kernel, ..coded },
            None if coded.kernel.form.is_symmetric() => coded,
            None => stored.clone(),
        }
    }

    /// What the graph is walked on: the codes, or the vectors as `stored`.
    pub fn space(&self, stored: &Space, shift: u32) -> Space {
        match &self.codec {
            Some(codec) => Space { rows: table(&self.codes, shift), kernel: codec.kernel() },
            None => stored.clone(),
        }
    }
}

/// What `codec` makes of a stored row that is asked for. `wide` is scratch space.
fn encode_query(
    codec: &Codec,
    shape: &Shape,
    row: &[u8],
    wide: &mut Vec<f32>,
    out: &mut Vec<u8>,
) -> std::result::Result<(), AllocError> {
    memory::resize(wide, shape.dim, 0.0)?;
    kernel::widen(shape.scalar, row, wide);
    memory::resize(out, codec.query_bytes(), 0)?;
    codec.encode_query(wide, out);
    Ok(())
}

/// One picture of the database.
pub struct View {
    /// Vectors by slot, compared exactly.
    pub stored: Space,
    /// What the graph is walked on: codes, or the vectors themselves.
    pub coded: Space,
    /// Ids by slot.
    pub ids: RowTable,
    /// The same rows as chunks with their serial numbers.
    pub chunks: Chunks,
    /// Dead slots, and slots that do not exist (holes).
    pub dead: SlotBits,
    /// Slots below it have no vectors: what their codes stand for is the row. A multiple of the
    /// rows per chunk.
    pub hollow: u32,
    /// Bits in `dead` that never were rows: ends of chunks that compaction left partly filled.
    pub holes: u64,
    /// Ids to slots.
    pub id_map: IdMap,
    /// What rows have beside vector and id.
    pub records: RecordTable,
    /// Numbers of keys to slots, and what keys are hashed with.
    pub keys: IdMap,
    pub key_salt: u64,
    /// The next id to be given, once any was.
    pub next_id: Option<u64>,
    /// Graph and codes.
    pub index: Arc<Index>,
    /// Sketches of rows behind the graph, where there are many.
    pub sketches: Option<Arc<Sketches>>,
    /// Last batch that is part of the picture.
    pub lsn: u64,
    /// Unique in this process; later pictures have larger ones.
    pub serial: u64,
}

impl View {
    /// Puts a picture together.
    pub fn new(shape: &Shape, parts: ViewParts) -> Result<View> {
        let ViewParts { chunks, dead, holes, id_map, records, keys, key_salt, next_id, index, sketches, lsn, shift } =
            parts;
        let stored = Space { rows: table(&chunks.vectors, shift), kernel: stored_kernel(shape)? };
        let ids = table(&chunks.ids, shift);
        let coded = index.space(&stored, shift);
        let hollow = (hollow(&chunks.vectors) as u32) << shift;
        let serial = next_serial();
        Ok(View {
            stored,
            coded,
            ids,
            chunks,
            dead,
            hollow,
            holes,
            id_map,
            records,
            keys,
            key_salt,
            next_id,
            index,
            sketches,
            lsn,
            serial,
        })
    }

    /// The vector of `slot` as it is stored, or as its code stands for it: the one place that knows which. `None`
    /// where there is no row.
    pub fn vector<'a>(
        &'a self,
        shape: &Shape,
        slot: u32,
        out: &'a mut Decoded,
    ) -> std::result::Result<Option<&'a [u8]>, AllocError> {
        if slot >= self.hollow {
            return Ok(self.stored.rows.get(slot));
        }
        let (Some(codec), Some(code)) = (&self.index.codec, self.coded.rows.get(slot)) else { return Ok(None) };
        if self.stored.rows.contains(slot) { out.decode(codec, shape, code).map(Some) } else { Ok(None) }
    }

    /// Exact distances of the stored row `query` to the rows of `slots`, with what stands in for those
    /// whose vectors were given up.
    pub fn each_exact(
        &self,
        shape: &Shape,
        query: &[u8],
        slots: impl Iterator<Item = u32> + Clone,
        out: &mut Decoded,
        mut found: impl FnMut(u32, f32),
    ) -> std::result::Result<(), AllocError> {
        let kept = slots.clone().filter(|&slot| slot >= self.hollow);
        self.stored.each(query, kept.map(|slot| (slot, slot)), &mut found);
        for slot in slots.filter(|&slot| slot < self.hollow) {
            if let Some(row) = self.vector(shape, slot, out)? {
                found(slot, (self.stored.kernel.distance)(query, row));
            }
        }
        Ok(())
    }

    /// One past the last slot.
    pub fn end(&self) -> u32 {
        self.stored.rows.end()
    }

    /// The sketches of some of `slots`, and which slots those are.
    pub fn sketched(&self, slots: Range<u32>) -> Option<(sketched::Sketches<'_>, Range<u32>)> {
        let sketches = self.sketches.as_ref()?;
        let all = sketches.slots();
        // What was given up has no vector that the sketch could lead to.
        let slots = all.start.max(slots.start).max(self.hollow)..all.end.min(slots.end);
        (!slots.is_empty()).then(|| (sketches.as_searched(), slots))
    }

    /// Rows a search can return.
    pub fn live(&self) -> u64 {
        self.end() as u64 - self.dead.count()
    }

    /// The slot of a live row.
    pub fn slot_of(&self, id: u64) -> Option<u32> {
        self.id_map.find(id).filter(|&slot| slot < self.end() && !self.dead.get(slot))
    }

    /// The slot of the live row with `key`.
    pub fn slot_of_key(&self, key: &[u8]) -> Option<u32> {
        let lookup = Lookup { keys: &self.keys, records: &self.records, salt: self.key_salt };
        lookup.find(key, &|slot| slot < self.end() && !self.dead.get(slot))
    }

    /// The id of a slot that exists.
    pub fn id_of(&self, slot: u32) -> u64 {
        read_id(self.ids.row(slot))
    }

    /// Dead slots among those below `end`, holes included.
    pub fn dead_below(&self, end: u32) -> u64 {
        let shift = self.dead.shift();
        let whole = (end >> shift) as usize;
        let mut count: u64 = (0..whole).map(|chunk| self.dead.count_chunk(chunk)).sum();
        if let Some(words) = self.dead.chunk(whole) {
            let rest = end & ((1 << shift) - 1);
            count += words[..(rest / 64) as usize].iter().map(|w| w.count_ones() as u64).sum::<u64>();
            if !rest.is_multiple_of(64) {
                count += (words[(rest / 64) as usize] & ((1 << (rest % 64)) - 1)).count_ones() as u64;
            }
        }
        count
    }

    /// Nodes of the graph that are dead: tombstones that still route.
    pub fn dead_nodes(&self) -> u64 {
        let covered = self.index.graph.len();
        let absent = covered as u64 - self.index.graph.nodes() as u64;
        self.dead_below(covered).saturating_sub(absent)
    }

    /// Live rows that the graph does not cover yet.
    pub fn unindexed(&self) -> u64 {
        let covered = self.index.graph.len();
        (self.end() - covered) as u64 - (self.dead.count() - self.dead_below(covered))
    }
}

/// Room for a vector made out of its code.
#[derive(Default)]
pub struct Decoded {
    wide: Vec<f32>,
    row: Vec<u8>,
}

impl Decoded {
    /// Bytes that it comes to take.
    pub fn bytes(dim: usize) -> u64 {
        8 * dim as u64
    }

    /// The vector that `code` stands for, as a stored row.
    pub fn decode(&mut self, codec: &Codec, shape: &Shape, code: &[u8]) -> std::result::Result<&[u8], AllocError> {
        memory::resize(&mut self.wide, shape.dim, 0.0)?;
        memory::resize(&mut self.row, shape.row_bytes(), 0)?;
        codec.decode(code, &mut self.wide);
        // Beside the largest number there is an error of the code may lead beyond it.
        let most = shape.scalar.largest();
        self.wide.iter_mut().for_each(|x| *x = if x.is_nan() { 0.0 } else { x.clamp(-most, most) });
        let narrowed = kernel::narrow(shape.scalar, &self.wide, &mut self.row);
        debug_assert!(narrowed.is_ok(), "within the limits of the type");
        Ok(&self.row)
    }
}

/// What a [`View`] is made of.
pub struct ViewParts {
    pub chunks: Chunks,
    pub dead: SlotBits,
    pub holes: u64,
    pub id_map: IdMap,
    pub records: RecordTable,
    pub keys: IdMap,
    pub key_salt: u64,
    pub next_id: Option<u64>,
    pub index: Arc<Index>,
    pub sketches: Option<Arc<Sketches>>,
    pub lsn: u64,
    pub shift: u32,
}

/// Exact distances between stored rows.
pub fn stored_kernel(shape: &Shape) -> Result<Kernel> {
    kernel(shape.metric, shape.scalar).ok_or_else(|| {
        super::error::Error::new(
            super::error::ErrorKind::Unsupported,
            format!("{:?} distance is not defined for {:?} vectors", shape.metric, shape.scalar),
        )
    })
}

/// An id as it lies in an id column.
pub fn read_id(row: &[u8]) -> u64 {
    u64::from_le_bytes(row.try_into().expect("id rows are 8 bytes"))
}
