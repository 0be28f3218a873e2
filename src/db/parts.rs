//! The state of a database out of its parts, those that a manifest names; without any, that of an empty one. Reads headers and
//! maps files; no work per row.

use super::calibration::Calibration;
use super::checkpoint;
use super::column::{Column, Piece, hollow, next_serial};
use super::error::{Error, ErrorKind, Result, fail};
use super::ids::{IdMap, Run};
use super::input::Shape;
use super::options::Settings;
use super::records::column::RecordColumn;
use super::records::{self, Heap, RecordPiece};
use super::schema::{blob, chunk_shift, next_id, random, shape_of};
use super::view::Index;
use super::writer::{MAX_SLOTS, Writer};
use crate::arena::{Budget, FaultCell, Rows, SlotBits};
use crate::index::{Graph, Params};
use crate::quant::Codec;
use crate::storage::{Manifest, Part, PartKind, PartRef, Storage};
use crate::util::memory::make_room;
use std::collections::HashMap;
use std::sync::Arc;

/// The state of a database without rows, in chunks of `1 << shift`.
pub fn empty_writer(settings: &Settings, shift: Option<u32>, budget: &Budget) -> Result<Writer> {
    let shape = shape_of(settings)?;
    let shift = shift.unwrap_or_else(|| chunk_shift(shape.row_bytes(), budget.max(), settings.drops_originals()));
    Ok(Writer {
        shape,
        shift,
        budget: budget.clone(),
        vectors: Column::new(shift, shape.row_bytes(), budget)?,
        ids: Column::new(shift, 8, budget)?,
        dead: SlotBits::new(shift),
        holes: 0,
        id_map: IdMap::default(),
        records: RecordColumn::new(shift, budget),
        keys: IdMap::default(),
        key_salt: random(),
        next_id: 1,
        assigned: false,
        index: Arc::new(Index::empty(empty_graph(settings, budget))),
        sketches: None,
        lsn: 0,
        log: None,
        failed: None,
        faults: Arc::default(),
    })
}

fn empty_graph(settings: &Settings, budget: &Budget) -> Graph {
    let (m, ef_construction) = (settings.m as usize, settings.ef_construction as usize);
    Graph::empty(Params { m, ef_construction, seed: settings.seed }).within(budget)
}

/// Parts by their file numbers.
pub type OpenParts = HashMap<u64, Part>;

/// Opens the parts of `manifest` but for those that are open already.
pub fn open_parts(
    storage: &dyn Storage,
    manifest: &Manifest,
    settings: &Settings,
    faults: &Arc<FaultCell>,
    present: &OpenParts,
) -> Result<OpenParts> {
    let open = |part: &PartRef| match present.get(&part.number) {
        Some(open) if open.part_ref() == part => Ok(open.clone()),
        _ => Part::open(storage, part, faults, settings.verify_on_open),
    };
    manifest.parts.iter().map(|entry| Ok((entry.part.number, open(&entry.part)?))).collect()
}

/// The state in `parts`, those of `manifest`, without a log to write to.
pub fn read_parts(
    manifest: &Manifest,
    settings: &Settings,
    parts: &OpenParts,
    budget: &Budget,
) -> Result<(Writer, ChunkParts)> {
    let shape = shape_of(settings)?;
    let shift = manifest.schema.chunk_shift;
    if !(6..=16).contains(&shift) {
        return fail(ErrorKind::Corrupt, format!("the manifest holds a chunk size of 2^{shift} rows"));
    }
    let mut chunks = ChunkParts::new();
    let parts = Parts { manifest, parts, budget };
    let mut writer = parts.rows(settings, shape, shift, &mut chunks)?;
    parts.records(&mut writer, &mut chunks)?;
    writer.index = Arc::new(parts.index(settings, &writer, shift, &mut chunks)?);
    check_codes_stand_in(&mut writer)?;
    writer.lsn = manifest.lsn;
    Ok((writer, chunks))
}

/// Refuses chunks without vectors that no codes stand in for.
fn check_codes_stand_in(writer: &mut Writer) -> Result<()> {
    let (chunks, index) = (writer.vectors.pieces(), &writer.index);
    let first = hollow(&chunks);
    let later = chunks.iter().skip(first).any(|piece| piece.rows.is_hollow());
    let coded = |(i, piece): (usize, &Piece)| {
        let end = (i << writer.shift) + piece.rows.len();
        end <= index.graph.len() as usize
            && index.codes.get(i).is_some_and(|codes| codes.rows.len() >= piece.rows.len())
    };
    let is_whole =
        !later && first < chunks.len() && index.codec.is_some() && chunks.iter().take(first).enumerate().all(coded);
    if first == 0 && !later || is_whole {
        return Ok(());
    }
    fail(ErrorKind::Corrupt, "the manifest names chunks that have neither vectors nor codes for all of their rows")
}

/// A section that must be there.
pub fn section(part: &Part, tag: u32, stride: usize) -> Result<Rows> {
    part.rows(tag, stride)?.ok_or_else(|| damaged(part, format!("section {tag} is missing")))
}

fn damaged(part: &Part, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{} is damaged: {what}", part.part_ref().file_name()))
}

/// The graph in a graph part; the next ones take their memory from `budget`.
pub fn graph_in(part: &Part, budget: &Budget) -> Result<Graph> {
    let header = section(part, checkpoint::GRAPH_HEADER, 1)?;
    let mut get = |tag, stride| part.rows(tag, stride).ok().flatten();
    let graph = Graph::from_sections(header.bytes(), &mut get).map_err(|what| damaged(part, what))?;
    Ok(graph.within(budget))
}

/// The records in a records part, under the serial number `serial`.
pub fn records_in(part: &Part, serial: u64) -> Result<RecordPiece> {
    let entries = section(part, checkpoint::ENTRIES, records::ENTRY)?;
    let base = section(part, checkpoint::HEAP, 1)?;
    Ok(RecordPiece { entries, heap: Heap { base, more: Rows::hollow(0) }, serial })
}

/// The entries in an ids part, or in one of keys.
pub fn run_in(part: &Part) -> Result<Run> {
    let (ids, slots) = (section(part, checkpoint::SORTED_IDS, 8)?, section(part, checkpoint::SLOTS, 4)?);
    Run::new(ids, slots).ok_or_else(|| damaged(part, "ids and slots do not match"))
}

/// The parts of the live generation.
struct Parts<'a> {
    manifest: &'a Manifest,
    parts: &'a OpenParts,
    budget: &'a Budget,
}

/// The part of each chunk, by content (serial, rows).
pub type ChunkParts = HashMap<(u64, usize), PartRef>;

impl Parts<'_> {
    /// The parts of one kind, by position: 0, 1, 2, ...
    fn all(&self, kind: PartKind) -> Result<Vec<&Part>> {
        let mut entries: Vec<_> = self.manifest.parts.iter().filter(|entry| entry.part.kind == kind).collect();
        entries.sort_unstable_by_key(|entry| entry.position);
        if entries.iter().enumerate().any(|(i, entry)| entry.position != i as u64) {
            return fail(ErrorKind::Corrupt, format!("the manifest does not name all {kind:?} parts"));
        }
        let closed = || Error::new(ErrorKind::Internal, "a part of the manifest was not opened");
        entries.iter().map(|entry| self.parts.get(&entry.part.number).ok_or_else(closed)).collect()
    }

    /// Rows, ids and tombstones.
    fn rows(&self, settings: &Settings, shape: Shape, shift: u32, chunks: &mut ChunkParts) -> Result<Writer> {
        let (mut vectors, mut ids) = (Vec::new(), Vec::new());
        for part in self.all(PartKind::Chunk)? {
            let row_ids = section(part, checkpoint::IDS, 8)?;
            let rows = match part.rows(checkpoint::VECTORS, shape.row_bytes())? {
                None if settings.drops_originals() => Rows::hollow(row_ids.len()),
                _ => section(part, checkpoint::VECTORS, shape.row_bytes())?,
            };
            if rows.is_empty() || rows.len() > 1 << shift || rows.len() != row_ids.len() {
                return Err(damaged(part, format!("{} vectors, {} ids", rows.len(), row_ids.len())));
            }
            let piece = Piece::new(rows);
            chunks.insert((piece.serial, piece.rows.len()), *part.part_ref());
            vectors.push(piece);
            ids.push(Piece::new(row_ids));
        }
        let end = ((vectors.len().saturating_sub(1)) << shift) + vectors.last().map_or(0, |p| p.rows.len());
        if end as u64 > MAX_SLOTS {
            return fail(ErrorKind::Corrupt, format!("the manifest names {end} slots, more than {MAX_SLOTS}"));
        }
        let holes = holes(&vectors, shift);
        let mut writer = Writer {
            holes,
            dead: self.tombstones(&vectors, shift)?,
            ..empty_writer(settings, Some(shift), self.budget)?
        };
        writer.vectors = Column::from_pieces(shift, shape.row_bytes(), vectors, self.budget)?;
        writer.ids = Column::from_pieces(shift, 8, ids, self.budget)?;
        writer.id_map = self.id_map(end)?;
        Ok(writer)
    }

    /// Records, keys, and the next id to be given.
    fn records(&self, writer: &mut Writer, chunks: &mut ChunkParts) -> Result<()> {
        let named = self.manifest.parts.iter().filter(|entry| entry.part.kind == PartKind::Records);
        let rows: Vec<usize> = writer.vectors.pieces().iter().map(|piece| piece.rows.len()).collect();
        let mut pieces: Vec<Option<RecordPiece>> = rows.iter().map(|_| None).collect();
        for entry in named {
            let closed = || Error::new(ErrorKind::Internal, "a part of the manifest was not opened");
            let part = self.parts.get(&entry.part.number).ok_or_else(closed)?;
            let piece = records_in(part, next_serial())?;
            let place = usize::try_from(entry.position).ok().and_then(|at| Some((pieces.get_mut(at)?, rows.get(at)?)));
            let Some((place, _)) = place.filter(|(place, rows)| place.is_none() && piece.entries.len() <= **rows)
            else {
                return Err(damaged(part, "it holds records of rows that there are not, or that another holds too"));
            };
            chunks.insert(checkpoint::records_key(&piece), *part.part_ref());
            *place = Some(piece);
        }
        writer.records = RecordColumn::from_pieces(writer.shift, pieces, self.budget);
        if let Some(part) = self.all(PartKind::Keys)?.pop() {
            let run = run_in(part)?;
            if run.len() > writer.vectors.end() as usize {
                return Err(damaged(part, format!("{} keys for {} slots", run.len(), writer.vectors.end())));
            }
            writer.keys = IdMap::from_run(Some(run));
        }
        writer.key_salt = self.manifest.salt;
        let kept = next_id(self.manifest);
        writer.assigned = kept.is_some();
        let above = writer.id_map.last().map_or(1, |id| id.saturating_add(1));
        writer.next_id = kept.unwrap_or(1).max(above);
        Ok(())
    }

    fn tombstones(&self, chunks: &[Piece], shift: u32) -> Result<SlotBits> {
        let mut dead = SlotBits::new(shift);
        let Some(part) = self.all(PartKind::Tombstones)?.pop() else {
            let holes = holes(chunks, shift);
            return if holes == 0 { Ok(dead) } else { fail(ErrorKind::Corrupt, "the tombstones part is missing") };
        };
        let bits = section(part, checkpoint::BITS, 1 << (shift - 3))?;
        if bits.len() != chunks.len() {
            return Err(damaged(part, format!("{} chunks of {}", bits.len(), chunks.len())));
        }
        let mut words = Vec::new();
        for (chunk, piece) in chunks.iter().enumerate() {
            words.clear();
            make_room(&mut words, 1 << (shift - 6))?;
            words.extend(bits.row(chunk).chunks_exact(8).map(super::view::read_id));
            // Past the last row nothing can be dead; in a hole before it all is.
            let last = chunk + 1 == chunks.len();
            let stray = (piece.rows.len()..1 << shift).any(|bit| (words[bit / 64] >> (bit % 64) & 1 == 1) == last);
            if stray {
                return Err(damaged(part, format!("chunk {chunk} has marks for rows it does not hold")));
            }
            dead.put_chunk(chunk, &words)?;
        }
        Ok(dead)
    }

    fn id_map(&self, end: usize) -> Result<IdMap> {
        let Some(part) = self.all(PartKind::Ids)?.pop() else { return Ok(IdMap::default()) };
        let run = run_in(part)?;
        if run.len() > end {
            return Err(damaged(part, format!("{} ids for {end} slots", run.len())));
        }
        Ok(IdMap::from_run(Some(run)))
    }

    /// Graph, codes and codec.
    fn index(&self, settings: &Settings, writer: &Writer, shift: u32, chunks: &mut ChunkParts) -> Result<Index> {
        let mut index = Index::empty(empty_graph(settings, self.budget));
        let Some(part) = self.all(PartKind::Graph)?.pop() else { return Ok(index) };
        let wanted = index.graph.params();
        index.graph = graph_in(part, self.budget)?;
        let params = index.graph.params();
        if index.graph.len() > writer.vectors.end() || params != wanted {
            return Err(damaged(part, format!("it is for {} slots with {params:?}", index.graph.len())));
        }
        let blob = |tag| blob(self.manifest, tag);
        let trained = blob(checkpoint::EXTRA_TRAINED).and_then(|bytes| bytes.try_into().ok());
        index.trained = trained.map_or(0, u32::from_le_bytes);
        index.calibration = blob(checkpoint::EXTRA_CALIBRATION).and_then(Calibration::from_bytes).map(Arc::new);
        let Some(bytes) = blob(checkpoint::EXTRA_CODEC) else { return Ok(index) };
        let codec = Codec::from_bytes(settings.dim as usize, bytes)?;
        let codec = codec.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the manifest holds no usable codec"))?;
        let error = blob(checkpoint::EXTRA_CODE_ERROR).and_then(|bytes| bytes.try_into().ok());
        index.code_error = error.map(f64::from_le_bytes).filter(|error| *error >= 0.0);
        for part in self.all(PartKind::Codes)? {
            let piece = Piece::new(section(part, checkpoint::CODES, codec.code_bytes())?);
            chunks.insert((piece.serial, piece.rows.len()), *part.part_ref());
            index.codes.push(piece);
        }
        index.codec = Some(Arc::new(codec));
        let fits = index.codes.iter().all(|piece| piece.rows.len() <= 1 << shift);
        if !fits || super::column::table(&index.codes, shift).end() < index.graph.len() {
            return fail(ErrorKind::Corrupt, "there are fewer codes than the graph has slots");
        }
        Ok(index)
    }
}

/// Slots that do not exist because a chunk before the last is partly filled.
fn holes(chunks: &[Piece], shift: u32) -> u64 {
    let before_last = &chunks[..chunks.len().saturating_sub(1)];
    before_last.iter().map(|piece| (1u64 << shift) - piece.rows.len() as u64).sum()
}
