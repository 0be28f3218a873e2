//! Options: what a caller sets, and the settings that follow.
//!
//! Everything is derived from one table, [`OPTIONS`]. A value is checked when it is
//! set, not when the database is opened; nothing is accepted and ignored. What
//! contradicts an existing database is found by `open`, with [`Options::is_set`].

mod table;

pub use table::{OPTIONS, OptionId, OptionInfo, OptionType, Value};

use super::error::Result;
use super::log::LogLevel;
use super::records::given::MetaRules;
use crate::kernel::{Metric, Scalar};
use crate::meta::Declarations;
use crate::quant::Kind;
use crate::storage::format::{COLUMNS, NO_ORIGINALS, SHORT_CODES};
use std::sync::Arc;

/// What a power cut or a kill can take back of an acknowledged batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Durability {
    /// A kill may lose batches since the last checkpoint; whole batches only.
    None = 1,
    /// A kill loses nothing; a power cut may lose the last batches.
    Process = 2,
    /// Neither loses anything: each batch is on the disk before the call returns.
    Full = 3,
}

/// The codes the graph is walked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Quant {
    /// One byte for each component where a measurement on the data finds that
    /// codes rank it well, else none.
    Auto = 0,
    /// No codes: the graph is walked on the vectors themselves.
    None = 1,
    /// One byte for each component, without the measurement. Vectors of bytes
    /// and bits are walked as they are.
    Sq8 = 2,
    /// Half a byte for each component. Links are chosen by the vectors; bytes and
    /// bits are walked as they are.
    Sq4 = 3,
    /// Half a byte for each of some subspaces, see [`Options::pq_subspaces`]; else as `Sq4`.
    Pq = 4,
    /// A bit for each component and eight bytes (RaBitQ), not for L1; else as `Sq4`.
    Rabitq = 5,
}

/// What becomes of the vector of a row that has a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Originals {
    /// It is kept: distances are exact, and codes can be made anew.
    #[default]
    Keep = 1,
    /// It is given up, in memory and on the disk: from then on the row is what its code stands for.
    Drop = 2,
}

/// What a write does while more rows wait for the graph than [`Options::max_unindexed`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum WhenBehind {
    /// It waits until there are fewer.
    #[default]
    Block = 1,
    /// It fails with [`super::ErrorKind::Busy`] and changes nothing.
    Busy = 2,
}

/// How much work goes into a graph: what [`OptionId::M`] and [`OptionId::EfConstruction`] are
/// when they are not set. Measured in docs/decisions/0007.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Profile {
    /// M = 16, ef_construction = 200.
    Default = 0,
    /// M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go farther.
    Fast = 1,
    /// M = 24, ef_construction = 400: the reverse, with half as much memory again for links.
    Quality = 2,
}

impl Profile {
    const ALL: [Profile; 3] = [Profile::Default, Profile::Fast, Profile::Quality];

    /// M and ef_construction.
    const fn numbers(self) -> (u32, u32) {
        match self {
            Profile::Default => (16, 200),
            Profile::Fast => (16, 64),
            Profile::Quality => (24, 400),
        }
    }

    /// The profile with these numbers; the default where there is none.
    fn of(m: u32, ef_construction: u32) -> Profile {
        Profile::ALL.into_iter().find(|p| p.numbers() == (m, ef_construction)).unwrap_or(Profile::Default)
    }
}

/// What the caller set; the rest keeps its default.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    values: [Option<Value>; OPTIONS.len()],
}

impl Default for Options {
    fn default() -> Options {
        Options { values: [const { None }; OPTIONS.len()] }
    }
}

impl Options {
    /// Nothing set.
    pub fn new() -> Options {
        Options::default()
    }

    /// Sets a whole number or the number of an enum value.
    pub fn set_u64(&mut self, number: u32, value: u64) -> Result<()> {
        self.put(OptionInfo::by_number(number)?, Value::U64(value))
    }

    /// Sets a fraction.
    pub fn set_f64(&mut self, number: u32, value: f64) -> Result<()> {
        self.put(OptionInfo::by_number(number)?, Value::F64(value))
    }

    /// Sets by name; `value` is a number or, for enums, a name: `("schema.metric", "cosine")`.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<()> {
        let info = OptionInfo::by_name(name)?;
        self.put(info, info.parse(value)?)
    }

    fn put(&mut self, info: &OptionInfo, value: Value) -> Result<()> {
        self.values[info.id.position()] = Some(info.check(value)?);
        Ok(())
    }

    /// Checks every value that was set against its limits.
    pub fn validate(&self) -> Result<()> {
        for (info, value) in OPTIONS.iter().zip(&self.values) {
            if let Some(value) = value {
                info.check(value.clone())?;
            }
        }
        Ok(())
    }

    /// Whether the caller set it, by itself or with a profile.
    pub fn is_set(&self, id: OptionId) -> bool {
        self.values[id.position()].is_some() || self.by_profile(id).is_some()
    }

    /// Its value: what the caller set, what the profile says, or the default.
    pub fn get(&self, id: OptionId) -> Value {
        let set = self.values[id.position()].clone().or_else(|| self.by_profile(id));
        set.unwrap_or_else(|| id.info().default.clone())
    }

    /// What the profile that the caller set says about an option.
    fn by_profile(&self, id: OptionId) -> Option<Value> {
        let Some(Value::U64(number)) = self.values[OptionId::Profile.position()] else { return None };
        let (m, ef_construction) = profile_from(number)?.numbers();
        match id {
            OptionId::M => Some(Value::U64(m.into())),
            OptionId::EfConstruction => Some(Value::U64(ef_construction.into())),
            _ => None,
        }
    }

    /// All values, defaults filled in.
    pub fn settings(&self) -> Settings {
        // A switch or enum value in `self` is one of the table's names.
        let known = "a stored value passed OptionInfo::check";
        Settings {
            dim: self.whole(OptionId::Dim) as u32,
            metric: metric_from(self.whole(OptionId::Metric)).expect(known),
            scalar: scalar_from(self.whole(OptionId::Scalar)).expect(known),
            quant: quant_from(self.whole(OptionId::Quant)).expect(known),
            pq_subspaces: self.whole(OptionId::PqSubspaces) as u32,
            originals: originals_from(self.whole(OptionId::Originals)).expect(known),
            columns: self.columns_set(),
            m: self.whole(OptionId::M) as u32,
            ef_construction: self.whole(OptionId::EfConstruction) as u32,
            ef_search: self.whole(OptionId::EfSearch) as u32,
            seed: self.whole(OptionId::Seed),
            graph_min_rows: self.whole(OptionId::GraphMinRows),
            consolidate_ratio: self.get(OptionId::ConsolidateRatio).as_f64(),
            target_recall: self.get(OptionId::TargetRecall).as_f64(),
            create: self.whole(OptionId::Create) != 0,
            read_only: self.whole(OptionId::ReadOnly) != 0,
            mmap: self.whole(OptionId::Mmap) != 0,
            verify_on_open: self.whole(OptionId::VerifyOnOpen) != 0,
            durability: durability_from(self.whole(OptionId::Durability)).expect(known),
            wal_limit_bytes: self.whole(OptionId::WalLimitBytes),
            compact_ratio: self.get(OptionId::CompactRatio).as_f64(),
            max_meta_bytes: self.whole(OptionId::MaxMetaBytes) as u32,
            max_unindexed: self.whole(OptionId::MaxUnindexed),
            when_behind: when_behind_from(self.whole(OptionId::WhenBehind)).expect(known),
            threads: self.whole(OptionId::Threads) as u32,
            max_memory: self.whole(OptionId::MaxMemory),
            resident: self.whole(OptionId::Resident) != 0,
            cache_bytes: self.whole(OptionId::CacheBytes),
            slow_query_us: self.whole(OptionId::SlowQueryUs),
            log_bytes: self.whole(OptionId::LogBytes),
            log_level: log_level_from(self.whole(OptionId::LogLevel)).expect(known),
            column_bytes: self.whole(OptionId::ColumnBytes),
        }
    }

    fn whole(&self, id: OptionId) -> u64 {
        match self.get(id) {
            Value::U64(v) => v,
            other => other.as_f64() as u64,
        }
    }

    /// The declared columns; none where [`Options::validate`] finds fault with them.
    fn columns_set(&self) -> Arc<Declarations> {
        match self.get(OptionId::Columns) {
            Value::Text(text) => Declarations::parse(&text).unwrap_or_default().into(),
            _ => Arc::default(),
        }
    }

    /// Columns of metadata and their types, `year i64, tags string[]`: values of others are refused, and filters
    /// that look at them find them ready (`docs/filters.md`).
    pub fn columns(mut self, columns: &str) -> Options {
        let (info, text) = (OptionId::Columns.info(), Value::Text(columns.to_owned().into()));
        self.values[info.id.position()] = Some(info.check(text.clone()).unwrap_or(text));
        self
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty) = $id:ident($converted:expr);)*) => {
        /// Setters to chain. They take any number; [`Options::validate`], which
        /// opening a database calls first, refuses one outside the limits.
        impl Options {
            $($(#[$doc])*
            pub fn $name(mut self, $value: $type) -> Options {
                self.values[OptionId::$id.position()] = Some($converted);
                self
            })*
        }
    };
}

setters! {
    /// Components of a vector, 1 to 65536.
    dim(dim: u32) = Dim(Value::U64(dim.into()));
    /// What "near" means.
    metric(metric: Metric) = Metric(Value::U64(metric as u64));
    /// How a component is stored.
    scalar(scalar: Scalar) = Scalar(Value::U64(scalar as u64));
    /// The codes the graph is walked on.
    quant(quant: Quant) = Quant(Value::U64(quant as u64));
    /// Subspaces of `Quant::Pq`, at most one for each component; 0 for one for each four.
    pq_subspaces(subspaces: u32) = PqSubspaces(Value::U64(subspaces.into()));
    /// What becomes of the vector of a row that has a code.
    originals(originals: Originals) = Originals(Value::U64(originals as u64));
    /// Links of a node on upper levels, 2 to 256.
    m(m: u32) = M(Value::U64(m.into()));
    /// Breadth of the search that finds the links of a new node, 8 to 4096.
    ef_construction(ef: u32) = EfConstruction(Value::U64(ef.into()));
    /// Breadth of a search that gives none of its own, 1 to 100,000.
    ef_search(ef: u32) = EfSearch(Value::U64(ef.into()));
    /// Seed of the level of each row.
    seed(seed: u64) = Seed(Value::U64(seed));
    /// Rows from which on a graph is built.
    graph_min_rows(rows: u64) = GraphMinRows(Value::U64(rows));
    /// Share of dead nodes at which the graph is consolidated, 0.01 to 1.
    consolidate_ratio(ratio: f64) = ConsolidateRatio(Value::F64(ratio));
    /// Recall of a search that gives neither `ef` nor a recall of its own, up to 0.9999; 0 = by `ef`.
    target_recall(recall: f64) = TargetRecall(Value::F64(recall));
    /// What M and the breadth of a build are when they are not set.
    profile(profile: Profile) = Profile(Value::U64(profile as u64));
    /// Whether open creates a database that is not there.
    create(create: bool) = Create(Value::U64(create.into()));
    /// Whether the database is only read, beside the process that writes it.
    read_only(read_only: bool) = ReadOnly(Value::U64(read_only.into()));
    /// Whether files are mapped instead of read into memory.
    mmap(mmap: bool) = Mmap(Value::U64(mmap.into()));
    /// Whether open reads and checks every byte.
    verify_on_open(verify: bool) = VerifyOnOpen(Value::U64(verify.into()));
    /// When a batch counts as written.
    durability(durability: Durability) = Durability(Value::U64(durability as u64));
    /// Size of the log that starts a checkpoint, from 1 MiB.
    wal_limit_bytes(bytes: u64) = WalLimitBytes(Value::U64(bytes));
    /// Share of dead rows at which a chunk is rewritten, 0.05 to 1.
    compact_ratio(ratio: f64) = CompactRatio(Value::F64(ratio));
    /// Longest metadata of a row in bytes, up to 16 MiB.
    max_meta_bytes(bytes: u32) = MaxMetaBytes(Value::U64(bytes.into()));
    /// Rows that may wait for the graph when more are inserted or replaced, 0 for any number.
    max_unindexed(rows: u64) = MaxUnindexed(Value::U64(rows));
    /// What a write does while more wait.
    when_behind(when_behind: WhenBehind) = WhenBehind(Value::U64(when_behind as u64));
    /// Threads that build the graph and share large batches of queries, 0 for one per core, at most 1024.
    threads(threads: u32) = Threads(Value::U64(threads.into()));
    /// Bytes of memory the database may take, 0 for no limit, else from 16 MiB.
    max_memory(bytes: u64) = MaxMemory(Value::U64(bytes));
    /// Whether codes and links are copied from files into memory once they are in use.
    resident(resident: bool) = Resident(Value::U64(resident.into()));
    /// Bytes of answers kept for later searches, 0 for none, else from 64 KiB.
    cache_bytes(bytes: u64) = CacheBytes(Value::U64(bytes));
    /// Microseconds from which on a search is slow, 0 for never.
    slow_query_us(us: u64) = SlowQueryUs(Value::U64(us));
    /// Bytes of log lines that wait to be read, 0 for no log, else from 1 KiB.
    log_bytes(bytes: u64) = LogBytes(Value::U64(bytes));
    /// How much a line matters at least to be in the log.
    log_level(level: LogLevel) = LogLevel(Value::U64(level as u64));
    /// Bytes of columns that are kept of metadata which filters look at.
    column_bytes(bytes: u64) = ColumnBytes(Value::U64(bytes));
}

/// Every effective value of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Components of a vector; 0 = not given.
    pub dim: u32,
    /// What "near" means.
    pub metric: Metric,
    /// How a component is stored.
    pub scalar: Scalar,
    /// The codes the graph is walked on.
    pub quant: Quant,
    /// Subspaces of `Quant::Pq`; 0 = one for each four components.
    pub pq_subspaces: u32,
    /// What becomes of the vector of a row that has a code.
    pub originals: Originals,
    /// Columns of metadata with their types.
    pub columns: Arc<Declarations>,
    /// Links of a node on upper levels; twice as many on level 0.
    pub m: u32,
    /// Breadth of the search that finds the links of a new node.
    pub ef_construction: u32,
    /// Breadth of a search that gives none of its own.
    pub ef_search: u32,
    /// Seed of the level of each row.
    pub seed: u64,
    /// Rows from which on a graph is built.
    pub graph_min_rows: u64,
    /// Share of dead nodes at which the graph is consolidated.
    pub consolidate_ratio: f64,
    /// Recall of a search that gives neither `ef` nor a recall of its own; 0 = by `ef`.
    pub target_recall: f64,
    /// Whether open creates a database that is not there.
    pub create: bool,
    /// Whether the database is only read, beside the process that writes it.
    pub read_only: bool,
    /// Whether files are mapped instead of read into memory.
    pub mmap: bool,
    /// Whether open reads and checks every byte.
    pub verify_on_open: bool,
    /// When a batch counts as written.
    pub durability: Durability,
    /// Size of the log that starts a checkpoint, in bytes.
    pub wal_limit_bytes: u64,
    /// Share of dead rows at which a chunk is rewritten.
    pub compact_ratio: f64,
    /// Longest metadata of a row in bytes.
    pub max_meta_bytes: u32,
    /// Rows that may wait for the graph when more are inserted or replaced; 0 = any number.
    pub max_unindexed: u64,
    /// What a write does while more wait.
    pub when_behind: WhenBehind,
    /// Threads that build the graph and share large batches of queries; 0 = one per core.
    pub threads: u32,
    /// Bytes of memory the database may take; 0 = no limit.
    pub max_memory: u64,
    /// Whether codes and links are copied from files into memory once they are in use.
    pub resident: bool,
    /// Bytes of answers kept for later searches; 0 = none.
    pub cache_bytes: u64,
    /// Microseconds from which on a search is slow; 0 = never.
    pub slow_query_us: u64,
    /// Bytes of log lines that wait to be read; 0 = no log.
    pub log_bytes: u64,
    /// How much a line matters at least to be in the log.
    pub log_level: LogLevel,
    /// Bytes of columns that are kept of metadata which filters look at.
    pub column_bytes: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Options::new().settings()
    }
}

impl Settings {
    /// The codes to train; `None` where the graph is walked on the vectors.
    pub(crate) fn code_kind(&self) -> Option<Kind> {
        match self.quant {
            Quant::None => None,
            Quant::Auto | Quant::Sq8 => Some(Kind::Sq8),
            Quant::Sq4 => Some(Kind::Sq4),
            Quant::Pq => Some(Kind::Pq { subspaces: self.pq_subspaces as usize }),
            Quant::Rabitq => Some(Kind::Rabitq),
        }
    }

    /// Whether no codes can stand in for the vectors on walks of the graph.
    pub(crate) fn walks_vectors(&self) -> bool {
        // Bytes and bits are their own codes.
        self.quant == Quant::None || matches!(self.scalar, Scalar::B1 | Scalar::U8 | Scalar::I8)
    }

    /// Whether vectors are given up once there is a code for them.
    pub(crate) fn drops_originals(&self) -> bool {
        self.originals == Originals::Drop
    }

    /// What a reader of the files must understand.
    pub(crate) fn features(&self) -> u32 {
        let codes = match self.quant {
            Quant::Auto | Quant::None | Quant::Sq8 => 0,
            Quant::Sq4 | Quant::Pq | Quant::Rabitq => SHORT_CODES,
        };
        let originals = if self.drops_originals() { NO_ORIGINALS } else { 0 };
        codes | originals | if self.columns.is_empty() { 0 } else { COLUMNS }
    }

    /// What metadata must keep to.
    pub(crate) fn meta_rules(&self) -> MetaRules<'_> {
        MetaRules { most: self.max_meta_bytes as usize, columns: &self.columns }
    }

    /// The value of one option.
    pub fn get(&self, id: OptionId) -> Value {
        match id {
            OptionId::Dim => Value::U64(self.dim.into()),
            OptionId::Metric => Value::U64(self.metric as u64),
            OptionId::Scalar => Value::U64(self.scalar as u64),
            OptionId::Quant => Value::U64(self.quant as u64),
            OptionId::PqSubspaces => Value::U64(self.pq_subspaces.into()),
            OptionId::Originals => Value::U64(self.originals as u64),
            OptionId::Columns => Value::Text(self.columns.to_string().into()),
            OptionId::M => Value::U64(self.m.into()),
            OptionId::EfConstruction => Value::U64(self.ef_construction.into()),
            OptionId::EfSearch => Value::U64(self.ef_search.into()),
            OptionId::Seed => Value::U64(self.seed),
            OptionId::GraphMinRows => Value::U64(self.graph_min_rows),
            OptionId::ConsolidateRatio => Value::F64(self.consolidate_ratio),
            OptionId::TargetRecall => Value::F64(self.target_recall),
            OptionId::Profile => Value::U64(Profile::of(self.m, self.ef_construction) as u64),
            OptionId::Create => Value::U64(self.create.into()),
            OptionId::ReadOnly => Value::U64(self.read_only.into()),
            OptionId::Mmap => Value::U64(self.mmap.into()),
            OptionId::Durability => Value::U64(self.durability as u64),
            OptionId::WalLimitBytes => Value::U64(self.wal_limit_bytes),
            OptionId::VerifyOnOpen => Value::U64(self.verify_on_open.into()),
            OptionId::CompactRatio => Value::F64(self.compact_ratio),
            OptionId::MaxMetaBytes => Value::U64(self.max_meta_bytes.into()),
            OptionId::MaxUnindexed => Value::U64(self.max_unindexed),
            OptionId::WhenBehind => Value::U64(self.when_behind as u64),
            OptionId::Threads => Value::U64(self.threads.into()),
            OptionId::MaxMemory => Value::U64(self.max_memory),
            OptionId::Resident => Value::U64(self.resident.into()),
            OptionId::CacheBytes => Value::U64(self.cache_bytes),
            OptionId::SlowQueryUs => Value::U64(self.slow_query_us),
            OptionId::LogBytes => Value::U64(self.log_bytes),
            OptionId::LogLevel => Value::U64(self.log_level as u64),
            OptionId::ColumnBytes => Value::U64(self.column_bytes),
        }
    }
}

/// Defines `fn(u64) -> Option<Enum>` for an enum whose numbers are its discriminants.
macro_rules! from_number {
    ($(#[$doc:meta])* $name:ident -> $enum:ident { $($variant:ident)* }) => {
        $(#[$doc])*
        pub fn $name(number: u64) -> Option<$enum> {
            [$($enum::$variant),*].into_iter().find(|&v| v as u64 == number)
        }
    };
}

from_number! {
    /// The metric with this number, as in files and the C header.
    metric_from -> Metric { L2sq Ip Cosine L1 Hamming Jaccard }
}
from_number! {
    /// The scalar type with this number, as in files and the C header.
    scalar_from -> Scalar { F32 F16 Bf16 I8 B1 U8 }
}
from_number! {
    /// The codes with this number, as in files and the C header.
    quant_from -> Quant { Auto None Sq8 Sq4 Pq Rabitq }
}
from_number! {
    /// What becomes of vectors, with this number, as in the C header.
    originals_from -> Originals { Keep Drop }
}
from_number! {
    /// The profile with this number, as in the C header.
    profile_from -> Profile { Default Fast Quality }
}
from_number! {
    /// The level with this number, as in the C header.
    log_level_from -> LogLevel { Error Warn Info }
}
from_number! {
    /// The durability with this number, as in files and the C header.
    durability_from -> Durability { None Process Full }
}

from_number! {
    /// What a write does while the graph is behind, with this number, as in the C header.
    when_behind_from -> WhenBehind { Block Busy }
}

#[cfg(test)]
mod tests;
