//! What a damaged directory still says of itself: schema, parts, log.
//!
//! The manifest says it all: the live one, or where that cannot be had the
//! newest that is whole. An older one serves as well, because a generation is
//! removed manifest first: while it is there, so are its parts and the log
//! that leads on from it. Where that is not so, or no manifest is whole, the
//! chunks are found by their names, and the id map says where in the database
//! each belongs; the schema then comes from the old manifest or the caller.

use super::report::RepairReport;
use crate::db::checkpoint::{BITS, CODES, ENTRIES, EXTRA_CODEC, HEAP, IDS, OWNERS, SLOTS, SORTED_IDS, VECTORS};
use crate::db::error::{ErrorKind, Result, fail};
use crate::db::options::{OptionId, Options, Settings};
use crate::db::schema::{blob, chunk_shift, next_id, shape_of, stored_settings};
use crate::db::writer::MAX_SLOTS;
use crate::quant::Codec;
use crate::storage::part::{self, Columns, Identity};
use crate::storage::wal::{self, SalvageStart, WalPosition};
use crate::storage::{FileName, Manifest, PartKind, PartRef, Storage};

/// A part of which there is one at most.
#[derive(Clone, Copy, Debug)]
pub enum Single {
    /// The manifest names none: there was nothing to say.
    Nothing,
    /// This one.
    Part(PartRef),
    /// There may have been one.
    Lost,
}

/// A chunk and the slot of its first row, where that is known.
#[derive(Clone, Copy, Debug)]
pub struct ChunkPart {
    pub part: PartRef,
    pub first: Option<u32>,
    /// The codes of its rows, which stand in for vectors that were given up.
    pub codes: Option<PartRef>,
    /// The records of its rows.
    pub records: Option<PartRef>,
}

/// Everything that rows can be read from.
pub struct Source {
    pub settings: Settings,
    /// What codes are read with, where they may stand in for vectors.
    pub codec: Option<Codec>,
    /// Rows per chunk as a power of two.
    pub shift: u32,
    pub chunks: Vec<ChunkPart>,
    pub ids: Single,
    pub tombstones: Single,
    /// Parts that are made again from rows.
    pub derived: Vec<PartRef>,
    /// Records of some chunk, where no manifest says of which.
    pub loose_records: Vec<PartRef>,
    /// Whether there are more of these, of which nothing can be read.
    pub records_unreadable: bool,
    /// Above every id that was given.
    pub next_id: Option<u64>,
    pub log: Option<SalvageStart>,
}

/// Sections of a chunk.
pub fn chunk_columns(row_bytes: usize) -> [(u32, u32); 2] {
    [(VECTORS, row_bytes as u32), (IDS, 8)]
}

/// Section of a codes part.
pub fn code_columns(codec: &Codec) -> [(u32, u32); 1] {
    [(CODES, codec.code_bytes() as u32)]
}

/// Sections of a records part: those with a row for each row of the chunk, and the records.
pub const RECORD_COLUMNS: Columns<'static> = &[(ENTRIES, 8), (OWNERS, 8)];
pub const HEAP_COLUMN: Columns<'static> = &[(HEAP, 1)];

/// Sections of the id map.
pub const ID_COLUMNS: Columns<'static> = &[(SORTED_IDS, 8), (SLOTS, 4)];

/// Sections of the tombstones.
pub fn tombstone_columns(shift: u32) -> [(u32, u32); 1] {
    [(BITS, 1 << (shift - 3))]
}

impl Source {
    /// Looks around in `storage`. What is damaged goes into the report.
    pub fn find(storage: &dyn Storage, options: &Options, report: &mut RepairReport) -> Result<Source> {
        let (manifest, is_live) = match Manifest::load(storage) {
            Ok(Some(manifest)) => (Some(manifest), true),
            Ok(None) => return fail(ErrorKind::NotFound, "there is no database in the directory"),
            Err(damage) => {
                report.take(damage, "")?;
                (None, false)
            }
        };
        let manifest = match manifest {
            Some(manifest) => Some((stored_settings(&manifest, options)?, manifest)),
            None => newest_manifest(storage, options, report)?,
        };
        let Some((settings, manifest)) = manifest else {
            let settings = settings_of_caller(options)?;
            return listed(storage, settings, None, report);
        };
        report.generation = Some(manifest.generation);
        if !is_live && is_outdated(storage, &manifest)? {
            return listed(storage, settings, Some(&manifest), report);
        }
        named(settings, &manifest)
    }
}

/// The newest manifest that is whole, whatever CURRENT says.
fn newest_manifest(
    storage: &dyn Storage,
    options: &Options,
    report: &mut RepairReport,
) -> Result<Option<(Settings, Manifest)>> {
    let names = storage.list()?;
    let mut generations: Vec<u64> = names
        .iter()
        .filter_map(|name| match FileName::parse(name) {
            Some(FileName::Manifest(generation)) => Some(generation),
            _ => None,
        })
        .collect();
    generations.sort_unstable();
    for &generation in generations.iter().rev() {
        match Manifest::read(storage, generation) {
            Ok(manifest) => return Ok(Some((stored_settings(&manifest, options)?, manifest))),
            Err(damage) => report.take(damage, "")?,
        }
    }
    Ok(None)
}

/// The schema, where only the caller knows it. Defaults would be guesses that
/// give wrong distances.
fn settings_of_caller(options: &Options) -> Result<Settings> {
    if [OptionId::Dim, OptionId::Metric, OptionId::Scalar].iter().all(|&id| options.is_set(id)) {
        return Ok(options.settings());
    }
    fail(
        ErrorKind::InvalidArgument,
        "no manifest is whole, so the schema is not known: set schema.dim, schema.metric and schema.scalar to what \
         the database was created with",
    )
}

/// Whether a newer generation took this one's files away.
fn is_outdated(storage: &dyn Storage, manifest: &Manifest) -> Result<bool> {
    let names = storage.list()?;
    let is_there = |name: FileName| names.contains(&name.to_string());
    let parts = manifest.parts.iter().map(|entry| FileName::Part(entry.part.kind, entry.part.number));
    if parts.chain([FileName::Wal(manifest.wal)]).all(is_there) {
        return Ok(false);
    }
    let is_newer = |name: &String| match FileName::parse(name) {
        Some(FileName::Manifest(generation)) => generation > manifest.generation,
        Some(FileName::Part(kind, number)) => {
            part::identify(storage, kind, number).is_ok_and(|found| found.part.generation > manifest.generation)
        }
        _ => false,
    };
    let live = Manifest::live_generation(storage).ok().flatten();
    Ok(live.is_some_and(|live| live > manifest.generation) || names.iter().any(is_newer))
}

/// What a manifest names.
fn named(settings: Settings, manifest: &Manifest) -> Result<Source> {
    let shift = manifest.schema.chunk_shift;
    if !(6..=16).contains(&shift) {
        return fail(ErrorKind::Corrupt, format!("the manifest holds a chunk size of 2^{shift} rows"));
    }
    let mut entries = manifest.parts.clone();
    entries.sort_unstable_by_key(|entry| (entry.part.kind, entry.position));
    let of = |kind| entries.iter().filter(move |entry| entry.part.kind == kind);
    let single = |kind| of(kind).next_back().map_or(Single::Nothing, |entry| Single::Part(entry.part));
    let mut chunks = Vec::new();
    for entry in of(PartKind::Chunk) {
        let Some(first) = entry.position.checked_mul(1 << shift).filter(|&slot| slot < MAX_SLOTS) else {
            return fail(ErrorKind::Corrupt, format!("the manifest names a chunk at position {}", entry.position));
        };
        let codes = of(PartKind::Codes).find(|codes| codes.position == entry.position).map(|codes| codes.part);
        let records = of(PartKind::Records).find(|records| records.position == entry.position).map(|entry| entry.part);
        chunks.push(ChunkPart { part: entry.part, first: Some(first as u32), codes, records });
    }
    let codec = blob(manifest, EXTRA_CODEC).filter(|_| settings.drops_originals());
    let codec = codec.map(|bytes| Codec::from_bytes(settings.dim as usize, bytes)).transpose()?.flatten();
    Ok(Source {
        settings,
        codec,
        shift,
        chunks,
        ids: single(PartKind::Ids),
        tombstones: single(PartKind::Tombstones),
        derived: of(PartKind::Graph)
            .chain(of(PartKind::Codes))
            .chain(of(PartKind::Keys))
            .map(|entry| entry.part)
            .collect(),
        loose_records: Vec::new(),
        records_unreadable: false,
        next_id: next_id(manifest),
        log: Some(SalvageStart {
            number: manifest.wal,
            salt: manifest.salt,
            lsn: Some(manifest.lsn),
            durable: manifest.wal_durable,
        }),
    })
}

/// What the names of the files tell. The newest id map says which generation
/// was complete: its chunks were written before it.
fn listed(
    storage: &dyn Storage,
    settings: Settings,
    schema_of: Option<&Manifest>,
    report: &mut RepairReport,
) -> Result<Source> {
    let (row_bytes, drops_originals) = (shape_of(&settings)?.row_bytes(), settings.drops_originals());
    let mut chunks = parts_of(storage, PartKind::Chunk, report)?;
    check_row_bytes(&chunks, row_bytes, drops_originals)?;
    let newest = |found: &mut Vec<Identity>| {
        found.sort_unstable_by_key(|found| (found.part.generation, found.part.number));
        found.pop()
    };
    let ids = newest(&mut parts_of(storage, PartKind::Ids, report)?);
    let generation = ids.as_ref().map(|ids| ids.part.generation);
    let tombstones = newest(&mut parts_of(storage, PartKind::Tombstones, report)?)
        .filter(|found| generation.is_none_or(|generation| generation == found.part.generation));
    chunks.retain(|found| generation.is_none_or(|generation| found.part.generation <= generation));
    chunks.sort_unstable_by_key(|found| found.part.number);
    let mut records = parts_of(storage, PartKind::Records, report)?;
    let is_records = |name: &String| matches!(FileName::parse(name), Some(FileName::Part(PartKind::Records, _)));
    let records_unreadable = storage.list()?.iter().filter(|name| is_records(name)).count() > records.len();
    records.retain(|found| generation.is_none_or(|generation| found.part.generation <= generation));
    // The newest first.
    records.sort_unstable_by_key(|found| std::cmp::Reverse(found.part.number));
    let told =
        tombstones.as_ref().and_then(|found| found.stride).map(|stride| (u64::from(stride) * 8).trailing_zeros());
    let shift = told.filter(|shift| (6..=16).contains(shift)).or(schema_of.map(|m| m.schema.chunk_shift));
    let single = |found: Option<Identity>| found.map_or(Single::Lost, |found| Single::Part(found.part));
    let log = wal::oldest(storage, 0)?;
    let source = Source {
        settings,
        codec: None,
        shift: shift.unwrap_or_else(|| chunk_shift(row_bytes, 0, drops_originals)),
        chunks: chunks
            .iter()
            .map(|found| ChunkPart { part: found.part, first: None, codes: None, records: None })
            .collect(),
        ids: single(ids),
        tombstones: single(tombstones),
        derived: Vec::new(),
        loose_records: records.iter().map(|found| found.part).collect(),
        records_unreadable,
        next_id: None,
        log: log.map(|(number, salt)| SalvageStart { number, salt, lsn: None, durable: WalPosition::default() }),
    };
    if source.chunks.is_empty() && source.log.is_none() {
        return fail(ErrorKind::NotFound, "there is neither a chunk nor a log to read in the directory");
    }
    Ok(source)
}

/// An error for a chunk whose rows are of another length; without their vectors they are ids of 8 bytes.
fn check_row_bytes(chunks: &[Identity], row_bytes: usize, drops_originals: bool) -> Result<()> {
    let is_odd = |stride: u32| stride as usize != row_bytes && !(drops_originals && stride == 8);
    let Some(odd) = chunks.iter().find(|found| found.stride.is_some_and(is_odd)) else { return Ok(()) };
    let (name, has) = (odd.part.file_name(), odd.stride.unwrap_or(0));
    fail(
        ErrorKind::Mismatch,
        format!("rows of {name} have {has} bytes, of the given schema {row_bytes}: correct the options"),
    )
}

/// All parts of one kind that the directory has.
fn parts_of(storage: &dyn Storage, kind: PartKind, report: &mut RepairReport) -> Result<Vec<Identity>> {
    let mut found = Vec::new();
    for name in storage.list()? {
        let Some(FileName::Part(of, number)) = FileName::parse(&name) else { continue };
        if of != kind {
            continue;
        }
        match part::identify(storage, kind, number) {
            Ok(identity) => found.push(identity),
            Err(damage) => {
                report.files += 1;
                report.take(damage, "; without a manifest nothing of it can be read")?;
            }
        }
    }
    Ok(found)
}
