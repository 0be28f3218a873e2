//! The table of options: numbers, names, limits, defaults, and the checks that
//! follow from them.
//!
//! The C header, the bindings and the command line read it, so an option exists
//! exactly when the engine honours it. The shape (number, name, type, limits,
//! iterable) follows curl's option table
//! (<https://curl.se/libcurl/c/curl_easy_option_next.html>) and zstd's parameter
//! bounds (<https://facebook.github.io/zstd/zstd_manual.html>).

use super::{Durability, LogLevel, Originals, Profile, Quant, WhenBehind};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::records::given::META_MAX;
use crate::kernel::{Metric, Scalar};
use crate::meta::Declarations;
use crate::meta::filter::TEXT_MAX;
use std::borrow::Cow;
use std::fmt;

/// Defines an enum of option numbers together with its inverse.
macro_rules! option_ids {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The number of an option. Hundreds: 1 schema, 2 graph, 3 storage, 4 runtime.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum OptionId { $($(#[$doc])* $name = $number,)* }

        impl OptionId {
            /// The option with this number, if there is one.
            pub fn from_number(number: u32) -> Option<OptionId> {
                match number { $($number => Some(OptionId::$name),)* _ => None }
            }
        }
    };
}

option_ids! {
    /// Components of a vector.
    Dim = 101,
    /// What "near" means.
    Metric = 102,
    /// How a component is stored.
    Scalar = 103,
    /// Codes the graph is walked on.
    Quant = 104,
    /// Subspaces of the product quantiser.
    PqSubspaces = 105,
    /// Whether vectors are kept beside their codes.
    Originals = 106,
    /// Columns of metadata with their types.
    Columns = 107,
    /// Links of a node on upper levels.
    M = 201,
    /// Breadth of the search that finds the links of a new node.
    EfConstruction = 202,
    /// Breadth of a search that does not give its own.
    EfSearch = 203,
    /// Seed of the level of each row.
    Seed = 204,
    /// Rows from which on a graph is built.
    GraphMinRows = 205,
    /// Share of dead nodes at which the graph is consolidated.
    ConsolidateRatio = 206,
    /// Recall of a search that gives neither `ef` nor a recall of its own.
    TargetRecall = 207,
    /// What M and the breadth of a build are when they are not set.
    Profile = 208,
    /// Whether open may create the database.
    Create = 301,
    /// Whether the database is only read, beside the process that writes it.
    ReadOnly = 302,
    /// Whether files are mapped.
    Mmap = 303,
    /// When a batch counts as written.
    Durability = 304,
    /// Size of the log that starts a checkpoint.
    WalLimitBytes = 305,
    /// Whether open reads and checks every byte.
    VerifyOnOpen = 307,
    /// Share of dead rows at which a chunk is rewritten.
    CompactRatio = 308,
    /// Longest metadata of a row.
    MaxMetaBytes = 309,
    /// Rows that may wait for the graph when more are written.
    MaxUnindexed = 310,
    /// What a write does when more wait.
    WhenBehind = 311,
    /// Threads that build the graph and share the queries of a batch.
    Threads = 401,
    /// Memory that the database may take.
    MaxMemory = 405,
    /// Whether what searches walk is copied from files into memory.
    Resident = 406,
    /// Bytes of answers kept for later searches.
    CacheBytes = 407,
    /// Time from which on a search is slow.
    SlowQueryUs = 408,
    /// Bytes of log lines that wait to be read.
    LogBytes = 409,
    /// How much a line matters at least to be in the log.
    LogLevel = 410,
    /// Memory for columns of metadata.
    ColumnBytes = 420,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// A whole number, also the number of an enum value.
    U64(u64),
    /// A fraction.
    F64(f64),
    /// A text.
    Text(Cow<'static, str>),
}

impl Value {
    /// The value as a floating-point number, rounded above 2^53; of a text its length.
    pub fn as_f64(&self) -> f64 {
        match self {
            Value::U64(v) => *v as f64,
            Value::F64(v) => *v,
            Value::Text(text) => text.len() as f64,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::U64(v) => write!(f, "{v}"),
            Value::F64(v) => write!(f, "{v}"),
            Value::Text(text) => write!(f, "{text}"),
        }
    }
}

/// Which values an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptionType {
    /// Whole numbers between the limits.
    U64,
    /// Fractions between the limits.
    F64,
    /// One of these names, or its number.
    Enum(&'static [(&'static str, u64)]),
    /// Texts, whose length is between the limits.
    Text,
}

/// One line of the table of options.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionInfo {
    /// Its number.
    pub id: OptionId,
    /// Its name, e.g. "hnsw.m".
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// Which values it takes.
    pub kind: OptionType,
    /// The value when nobody sets it.
    pub default: Value,
    /// The smallest value.
    pub min: Value,
    /// The largest value.
    pub max: Value,
    /// Whether it is fixed when the database is created.
    pub schema: bool,
}

const METRICS: &[(&str, u64)] = &[("l2sq", 1), ("ip", 2), ("cosine", 3), ("l1", 4), ("hamming", 5), ("jaccard", 6)];
const SCALARS: &[(&str, u64)] = &[("f32", 1), ("f16", 2), ("bf16", 3), ("i8", 4), ("b1", 5), ("u8", 6)];
const QUANTS: &[(&str, u64)] = &[("auto", 0), ("none", 1), ("sq8", 2), ("sq4", 3), ("pq", 4), ("rabitq", 5)];
const ORIGINALS: &[(&str, u64)] = &[("keep", 1), ("drop", 2)];
const PROFILES: &[(&str, u64)] = &[("default", 0), ("fast", 1), ("quality", 2)];
const DURABILITIES: &[(&str, u64)] = &[("none", 1), ("process", 2), ("full", 3)];
const WHEN_BEHIND: &[(&str, u64)] = &[("block", 1), ("busy", 2)];
const LOG_LEVELS: &[(&str, u64)] = &[("error", 1), ("warn", 2), ("info", 3)];
const SWITCH: &[(&str, u64)] = &[("off", 0), ("on", 1), ("false", 0), ("true", 1)];

const fn whole(id: OptionId, name: &'static str, default: u64, min: u64, max: u64, help: &'static str) -> OptionInfo {
    let (default, min, max) = (Value::U64(default), Value::U64(min), Value::U64(max));
    OptionInfo { id, name, help, kind: OptionType::U64, default, min, max, schema: false }
}

const fn fraction(
    id: OptionId,
    name: &'static str,
    default: f64,
    min: f64,
    max: f64,
    help: &'static str,
) -> OptionInfo {
    let (default, min, max) = (Value::F64(default), Value::F64(min), Value::F64(max));
    OptionInfo { id, name, help, kind: OptionType::F64, default, min, max, schema: false }
}

const fn text(id: OptionId, name: &'static str, most: usize, help: &'static str) -> OptionInfo {
    let (default, min, max) = (Value::Text(Cow::Borrowed("")), Value::U64(0), Value::U64(most as u64));
    OptionInfo { id, name, help, kind: OptionType::Text, default, min, max, schema: false }
}

type Names = &'static [(&'static str, u64)];

const fn choice(id: OptionId, name: &'static str, default: u64, names: Names, help: &'static str) -> OptionInfo {
    let (mut min, mut max, mut i) = (names[0].1, names[0].1, 1);
    while i < names.len() {
        min = if names[i].1 < min { names[i].1 } else { min };
        max = if names[i].1 > max { names[i].1 } else { max };
        i += 1;
    }
    let (default, min, max) = (Value::U64(default), Value::U64(min), Value::U64(max));
    OptionInfo { id, name, help, kind: OptionType::Enum(names), default, min, max, schema: false }
}

/// Marks an option as fixed when the database is created.
const fn schema(mut info: OptionInfo) -> OptionInfo {
    info.schema = true;
    info
}

/// M and ef_construction when nothing says otherwise.
const DEFAULT: (u32, u32) = Profile::Default.numbers();

/// Largest recall that can be asked for; all of it takes an exact search.
pub const TARGET_RECALL_MAX: f64 = 0.9999;

/// What is 0 for "none" or else at least so much: a limit on memory that an empty database and a few hundred rows fit
/// in, a cache of some answers, a log that a line or two fit in.
const LEAST: &[(OptionId, u64)] =
    &[(OptionId::MaxMemory, 16 << 20), (OptionId::CacheBytes, 64 << 10), (OptionId::LogBytes, 1 << 10)];

/// Every option, by number.
#[rustfmt::skip]
pub const OPTIONS: &[OptionInfo] = &[
    schema(whole(OptionId::Dim, "schema.dim", 0, 1, 65536,
        "Components of a vector. Needed to create a database; there is no default.")),
    schema(choice(OptionId::Metric, "schema.metric", Metric::L2sq as u64, METRICS,
        "What near means; the smaller distance is always the nearer.")),
    schema(choice(OptionId::Scalar, "schema.scalar", Scalar::F32 as u64, SCALARS,
        "How a component is stored; vectors of other types are converted on the way in.")),
    schema(choice(OptionId::Quant, "schema.quant", Quant::Auto as u64, QUANTS,
        "Codes the graph is walked on; distances returned are exact, unless schema.originals is drop.")),
    schema(whole(OptionId::PqSubspaces, "schema.pq_subspaces", 0, 0, 65536,
        "Subspaces of schema.quant = pq, at most one for each component; 0 means one for each four.")),
    schema(choice(OptionId::Originals, "schema.originals", Originals::Keep as u64, ORIGINALS,
        "Whether vectors are kept beside their codes; drop saves their space, and answers are as good as the codes.")),
    schema(text(OptionId::Columns, "schema.columns", TEXT_MAX,
        "Columns of metadata with their types, as in 'year i64, tags string[]': other values are refused, filters find them ready.")),
    schema(whole(OptionId::M, "hnsw.m", DEFAULT.0 as u64, 2, 256,
        "Links of a node on upper levels; twice as many on level 0.")),
    schema(whole(OptionId::EfConstruction, "hnsw.ef_construction", DEFAULT.1 as u64, 8, 4096,
        "Breadth of the search that finds the links of a new node.")),
    whole(OptionId::EfSearch, "hnsw.ef_search", 64, 1, 100_000,
        "Breadth of a search that gives no ef of its own."),
    schema(whole(OptionId::Seed, "hnsw.seed", 42, 0, u64::MAX,
        "Seed of the level of each row: same rows, same seed, same graph.")),
    whole(OptionId::GraphMinRows, "index.graph_min_rows", 2000, 0, u32::MAX as u64,
        "Rows from which on a graph is built; below, every search scans."),
    fraction(OptionId::ConsolidateRatio, "index.consolidate_ratio", 0.1, 0.01, 1.0,
        "Share of dead nodes at which the graph is consolidated in the background."),
    fraction(OptionId::TargetRecall, "search.target_recall", 0.0, 0.0, TARGET_RECALL_MAX,
        "Share of the true neighbours that a search finds on average, instead of ef; 0 means by ef."),
    schema(choice(OptionId::Profile, "hnsw.profile", Profile::Default as u64, PROFILES,
        "What hnsw.m and hnsw.ef_construction are when they are not set: quick to build, or good to search.")),
    choice(OptionId::Create, "storage.create", 1, SWITCH,
        "Whether open creates a database that is not there."),
    choice(OptionId::ReadOnly, "storage.read_only", 0, SWITCH,
        "Whether open only reads, beside the one process that writes; creates and changes nothing."),
    choice(OptionId::Mmap, "storage.mmap", 1, SWITCH,
        "Whether files are mapped; off reads them into memory, for files you do not trust."),
    choice(OptionId::Durability, "storage.durability", Durability::Full as u64, DURABILITIES,
        "When a write call returns: in memory, with the operating system, or on the disk."),
    whole(OptionId::WalLimitBytes, "storage.wal_limit_bytes", 256 << 20, 1 << 20, 1 << 46,
        "Size of the write-ahead log that starts a checkpoint."),
    choice(OptionId::VerifyOnOpen, "storage.verify_on_open", 0, SWITCH,
        "Whether open checks every byte before it returns; else each part at first use, and all in the background."),
    fraction(OptionId::CompactRatio, "storage.compact_ratio", 0.3, 0.05, 1.0,
        "Share of dead rows at which a chunk is rewritten to give its space back."),
    whole(OptionId::MaxMetaBytes, "storage.max_meta_bytes", 1 << 20, 0, META_MAX as u64,
        "Longest metadata of a row in bytes; longer ones are refused."),
    whole(OptionId::MaxUnindexed, "storage.max_unindexed", 0, 0, u32::MAX as u64,
        "Rows that may wait for the graph when more are inserted or replaced; 0 means any number."),
    choice(OptionId::WhenBehind, "storage.when_behind", WhenBehind::Block as u64, WHEN_BEHIND,
        "What an insert does while more wait than storage.max_unindexed: wait for the graph, or fail as busy."),
    whole(OptionId::Threads, "runtime.threads", 0, 0, 1024,
        "Threads that build the graph and share large batches of queries; 0 means one for each core."),
    whole(OptionId::MaxMemory, "runtime.max_memory", 0, 0, 1 << 46,
        "Bytes of memory the database may take, mapped files apart; 0 means no limit, else 16 MiB or more."),
    choice(OptionId::Resident, "runtime.resident", 1, SWITCH,
        "Whether codes and links are copied from files into memory once searches have read as much; faster."),
    whole(OptionId::CacheBytes, "runtime.cache_bytes", 0, 0, 1 << 46,
        "Bytes of answers kept for searches that ask the same again before anything changes; 0 means none, else 64 KiB or more."),
    whole(OptionId::SlowQueryUs, "runtime.slow_query_us", 0, 0, 1 << 40,
        "Microseconds from which on a search is counted as slow and has a line in the log; 0 means never."),
    whole(OptionId::LogBytes, "runtime.log_bytes", 64 << 10, 0, 1 << 30,
        "Bytes of log lines that wait to be read, the oldest go first; 0 means no log, else 1 KiB or more."),
    choice(OptionId::LogLevel, "runtime.log_level", LogLevel::Info as u64, LOG_LEVELS,
        "How much a line matters at least to be in the log: what is lost, what works worse, or all that happens."),
    whole(OptionId::ColumnBytes, "runtime.column_bytes", 256 << 20, 0, 1 << 46,
        "Bytes of columns that are kept of metadata which filters look at; 0 keeps none."),
];

impl OptionId {
    /// Its number, as in the C header.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Its line of the table.
    pub const fn info(self) -> &'static OptionInfo {
        &OPTIONS[self.position()]
    }

    pub(super) const fn position(self) -> usize {
        let mut at = 0;
        // The table has a line for each number; tested.
        while OPTIONS[at].id as u32 != self as u32 {
            at += 1;
        }
        at
    }
}

impl OptionInfo {
    /// The option with this number.
    pub fn by_number(number: u32) -> Result<&'static OptionInfo> {
        match OptionId::from_number(number) {
            Some(id) => Ok(id.info()),
            None => fail(ErrorKind::UnknownOption, format!("no option has the number {number}")),
        }
    }

    /// The option with this name.
    pub fn by_name(name: &str) -> Result<&'static OptionInfo> {
        OPTIONS.iter().find(|o| o.name == name).ok_or_else(|| {
            let near = closest(name, OPTIONS.iter().map(|o| o.name));
            Error::new(
                ErrorKind::UnknownOption,
                format!("no option is named '{}'; did you mean {near}?", shortened(name)),
            )
        })
    }

    pub(crate) fn check(&self, value: Value) -> Result<Value> {
        match (self.kind, &value) {
            (OptionType::U64, Value::U64(_)) | (OptionType::F64, Value::F64(_)) => {
                let least = LEAST.iter().find(|least| least.0 == self.id).map_or(0, |least| least.1);
                if Value::U64(1) <= value && value < Value::U64(least) {
                    let message = format!("{} = {value} is below {least}; 0 means none", self.name);
                    return fail(ErrorKind::OutOfRange, message);
                }
                // Written so that NaN is outside.
                if self.min <= value && value <= self.max {
                    return Ok(value);
                }
                let (min, max) = (&self.min, &self.max);
                fail(ErrorKind::OutOfRange, format!("{} = {value} is outside {min}..{max}", self.name))
            }
            (OptionType::Enum(names), Value::U64(v)) => match names.iter().any(|n| n.1 == *v) {
                true => Ok(value),
                false => fail(
                    ErrorKind::OutOfRange,
                    format!("{} = {v} has no meaning; known are {}", self.name, list(names)),
                ),
            },
            (OptionType::Text, Value::Text(text)) => {
                let columns = Declarations::parse(text).map_err(|odd| {
                    let message = format!("{}: {}", self.name, odd.message);
                    Error::new(ErrorKind::InvalidArgument, message).at_byte(odd.at)
                })?;
                Ok(Value::Text(columns.to_string().into()))
            }
            (OptionType::Text, _) => fail(
                ErrorKind::InvalidArgument,
                format!("{} is a text, and a number was given (vdb_options_set_text sets it)", self.name),
            ),
            (OptionType::F64, Value::U64(_)) => {
                let message =
                    format!("{} is a fraction, and a whole number was given (vdb_options_set_f64 sets it)", self.name);
                fail(ErrorKind::InvalidArgument, message)
            }
            (_, Value::F64(_) | Value::Text(_)) => fail(
                ErrorKind::InvalidArgument,
                format!("{} is a whole number, and another kind was given (vdb_options_set_u64 sets it)", self.name),
            ),
        }
    }

    /// `value` as a message says it: by name where it has one.
    pub(crate) fn shown(&self, value: &Value) -> String {
        match self.kind {
            OptionType::Enum(names) => names.iter().find(|n| Value::U64(n.1) == *value).map(|n| n.0.to_string()),
            _ => None,
        }
        .unwrap_or_else(|| value.to_string())
    }

    pub(super) fn parse(&self, text: &str) -> Result<Value> {
        let named = match self.kind {
            OptionType::F64 => text.parse().ok().map(Value::F64),
            OptionType::U64 => text.parse().ok().map(Value::U64),
            OptionType::Text => Some(Value::Text(Cow::Owned(text.into()))),
            OptionType::Enum(names) => match names.iter().find(|n| n.0 == text) {
                Some(&(_, v)) => Some(Value::U64(v)),
                None => text.parse().ok().map(Value::U64),
            },
        };
        named.ok_or_else(|| {
            let wanted = match self.kind {
                OptionType::F64 => "a number".to_string(),
                OptionType::U64 => "a whole number".to_string(),
                OptionType::Text => "a text".to_string(),
                OptionType::Enum(names) => format!("one of {}", list(names)),
            };
            Error::new(ErrorKind::InvalidArgument, format!("{} = '{}' is not {wanted}", self.name, shortened(text)))
        })
    }
}

fn list(names: &[(&str, u64)]) -> String {
    names.iter().map(|(name, v)| format!("{name} ({v})")).collect::<Vec<_>>().join(", ")
}

/// The beginning of a caller's text, which may be of any length.
fn shortened(text: &str) -> &str {
    text.char_indices().nth(48).map_or(text, |(end, _)| &text[..end])
}

/// The three names with the smallest edit distance to `name`, as text: by what stands behind
/// the dot, which is what a group that was guessed or left out leaves, then as a whole.
fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    fn last(name: &str) -> &str {
        name.rsplit('.').next().unwrap_or(name)
    }
    let name = shortened(name);
    let mut all: Vec<_> = names.map(|n| (edit_distance(last(name), last(n)), edit_distance(name, n), n)).collect();
    all.sort();
    all.iter().take(3).map(|&(.., n)| format!("'{n}'")).collect::<Vec<_>>().join(", ")
}

/// Levenshtein distance over bytes.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{OPTIONS, closest, edit_distance};

    #[test]
    fn the_name_that_was_meant_comes_first() {
        let cases = [
            ("index.dim", "schema.dim"),
            ("dim", "schema.dim"),
            ("durabilty", "storage.durability"),
            ("graph.m", "hnsw.m"),
            ("hnsw.efsearch", "hnsw.ef_search"),
            ("hnsw.ef_serch", "hnsw.ef_search"),
        ];
        for (name, meant) in cases {
            let near = closest(name, OPTIONS.iter().map(|o| o.name));
            assert!(near.starts_with(&format!("'{meant}',")), "{name}: {near}");
        }
    }

    #[test]
    fn edit_distance_of_known_pairs() {
        for (a, b, d) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 2)] {
            assert_eq!(edit_distance(a, b), d, "{a} {b}");
        }
    }
}
