//! What a database is made with, and keeps: the shape of its rows, how it builds its graph, what metadata promises.
//! Checked when it is created, written into its manifest, read from there when it is opened.

use super::checkpoint;
use super::error::{Error, ErrorKind, Result, fail};
use super::input::Shape;
use super::options::{self, OptionId, Options, Originals, Quant, Settings};
use super::view::stored_kernel;
use crate::kernel::{Metric, Scalar};
use crate::meta::Declarations;
use crate::storage::format::{COLUMNS, NO_ORIGINALS};
use crate::storage::{Manifest, Schema, manifest};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// So many chunks at least make up a limit on memory.
const CHUNKS_IN_MEMORY: u64 = 16;
/// A chunk's vectors take at most this many bytes; most have 2^16 rows.
const CHUNK_BYTES: usize = 256 << 20;
/// Where they are given up, which happens chunk by chunk: those of the last one are not.
const CHUNK_BYTES_GIVEN_UP: usize = 16 << 20;

/// The shape of the rows of a new database.
pub fn shape_of(settings: &Settings) -> Result<Shape> {
    if settings.dim == 0 {
        return fail(ErrorKind::InvalidArgument, "a new database needs its dimension: set schema.dim (1 to 65536)");
    }
    let shape = Shape { dim: settings.dim as usize, metric: settings.metric, scalar: settings.scalar };
    stored_kernel(&shape)?;
    if settings.quant == Quant::Rabitq && shape.metric == Metric::L1 {
        return fail(ErrorKind::Unsupported, "rabitq codes estimate no L1 distances; choose another schema.quant");
    }
    if settings.pq_subspaces > 0 && settings.quant != Quant::Pq {
        return fail(ErrorKind::InvalidArgument, "schema.pq_subspaces is set, but schema.quant is not pq");
    }
    if settings.pq_subspaces > settings.dim {
        let message =
            format!("schema.pq_subspaces = {} is more than schema.dim = {}", settings.pq_subspaces, settings.dim);
        return fail(ErrorKind::OutOfRange, message);
    }
    if settings.drops_originals() {
        check_codes_suffice(settings, &shape)?;
    }
    Ok(shape)
}

/// Refuses to give up vectors where nothing could stand in for them: codes must be made of any data, and
/// must be comparable with each other, for links to be chosen by them.
fn check_codes_suffice(settings: &Settings, shape: &Shape) -> Result<()> {
    let advice = match (settings.quant, shape.scalar, shape.metric) {
        (_, Scalar::I8 | Scalar::U8 | Scalar::B1, _) => "there are no codes for such vectors: use f32, f16 or bf16",
        (Quant::Auto, ..) => "whether there will be codes is measured only later: use schema.quant = sq8 or sq4",
        (Quant::None, ..) => "there are no codes: use schema.quant = sq8 or sq4",
        (Quant::Pq, ..) => "links cannot be chosen by such codes: use schema.quant = sq8 or sq4",
        (Quant::Sq4 | Quant::Rabitq, _, Metric::Ip) => {
            "links cannot be chosen by such codes for inner products: use schema.quant = sq8"
        }
        _ => return Ok(()),
    };
    let shown = |id: OptionId| id.info().shown(&settings.get(id));
    let (quant, scalar, metric) = (shown(OptionId::Quant), shown(OptionId::Scalar), shown(OptionId::Metric));
    let message =
        format!("schema.originals = drop with {scalar} vectors, {metric} and schema.quant = {quant}: {advice}");
    fail(ErrorKind::Unsupported, message)
}

/// Rows per chunk as a power of two, for rows of so many bytes. Chunks are small
/// against a limit on memory: only full ones can be left to their files.
pub fn chunk_shift(row_bytes: usize, max_memory: u64, drops_originals: bool) -> u32 {
    let most = if drops_originals { CHUNK_BYTES_GIVEN_UP } else { CHUNK_BYTES };
    let most = if max_memory == 0 { most } else { most.min((max_memory / CHUNKS_IN_MEMORY) as usize) };
    (10..16).rev().find(|&shift| row_bytes << (shift + 1) <= most).map_or(10, |shift| shift + 1)
}

/// The manifest of a new database with chunks of `1 << shift` rows.
pub fn first_manifest(settings: &Settings, shift: u32) -> Manifest {
    let schema = Schema {
        dim: settings.dim,
        metric: settings.metric as u32,
        scalar: settings.scalar as u32,
        quant: settings.quant as u32,
        m: settings.m,
        ef_construction: settings.ef_construction,
        seed: settings.seed,
        chunk_shift: shift,
    };
    let generation = manifest::FIRST_GENERATION;
    let features = settings.features();
    let extra = checkpoint::schema_extras(settings);
    Manifest { features, generation, schema, next_file: 1, wal: 1, salt: random(), extra, ..Manifest::default() }
}

/// A number that nobody can know beforehand. As the salt of a database it also keeps what an older one left in the same
/// disk blocks from passing for a record.
pub fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The blob with this tag.
pub fn blob(manifest: &Manifest, tag: u32) -> Option<&[u8]> {
    manifest.extra.iter().find(|extra| extra.tag == tag).map(|extra| &extra.bytes[..])
}

/// The next id to be given, where any was.
pub fn next_id(manifest: &Manifest) -> Option<u64> {
    let bytes = blob(manifest, checkpoint::EXTRA_NEXT_ID)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The columns that were declared when the database was created.
fn stored_columns(manifest: &Manifest) -> Result<Arc<Declarations>> {
    let text = blob(manifest, checkpoint::EXTRA_COLUMNS).map_or(Ok(""), std::str::from_utf8);
    let read = text.ok().and_then(|text| Declarations::parse(text).ok());
    let columns = read.filter(|columns| columns.is_empty() == (manifest.features & COLUMNS == 0));
    columns
        .map(Arc::new)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the manifest holds columns that cannot be read"))
}

/// The settings of an existing database: its schema, the rest as asked for.
pub fn stored_settings(manifest: &Manifest, options: &Options) -> Result<Settings> {
    let schema = &manifest.schema;
    let odd = |what: &str, value: u32| Error::new(ErrorKind::Corrupt, format!("the manifest holds {what} {value}"));
    let pq_subspaces = blob(manifest, checkpoint::EXTRA_PQ_SUBSPACES).and_then(|bytes| bytes.try_into().ok());
    let stored = Settings {
        dim: schema.dim,
        metric: options::metric_from(schema.metric.into()).ok_or_else(|| odd("metric", schema.metric))?,
        scalar: options::scalar_from(schema.scalar.into()).ok_or_else(|| odd("scalar", schema.scalar))?,
        quant: options::quant_from(schema.quant.into()).ok_or_else(|| odd("quant", schema.quant))?,
        pq_subspaces: pq_subspaces.map_or(0, u32::from_le_bytes),
        originals: if manifest.features & NO_ORIGINALS != 0 { Originals::Drop } else { Originals::Keep },
        columns: stored_columns(manifest)?,
        m: schema.m,
        ef_construction: schema.ef_construction,
        seed: schema.seed,
        ..options.settings()
    };
    for id in [
        OptionId::Dim,
        OptionId::Metric,
        OptionId::Scalar,
        OptionId::Quant,
        OptionId::PqSubspaces,
        OptionId::Originals,
        OptionId::Columns,
        OptionId::M,
        OptionId::EfConstruction,
        OptionId::Seed,
    ] {
        let (asked, has) = (options.get(id), stored.get(id));
        id.info()
            .check(has.clone())
            .map_err(|e| Error::new(ErrorKind::Corrupt, format!("in the manifest: {}", e.message())))?;
        if options.is_set(id) && asked != has && !(id == OptionId::Dim && asked.as_f64() == 0.0) {
            let info = id.info();
            let (asked, has) = (info.shown(&asked), info.shown(&has));
            let [asked, has] = [asked, has].map(|text| if text.is_empty() { "empty".into() } else { text });
            let message = format!("{} is {asked}, the database was created with {has}", info.name);
            return fail(ErrorKind::Mismatch, message);
        }
    }
    Ok(stored)
}
