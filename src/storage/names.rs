//! File names of a database directory. A file whose name is not made here is
//! foreign and is never touched.

use serde::{Deserialize, Serialize};

/// The lock file.
pub const LOCK: &str = "LOCK";
/// The file that names the live manifest.
pub const CURRENT: &str = "CURRENT";
/// CURRENT before it is renamed.
pub const CURRENT_TMP: &str = "CURRENT.tmp";
/// Where a database is made that is to appear as a whole. While it is there without a CURRENT beside it, the
/// directory holds no database, and none is made in it.
pub const UNFINISHED: &str = "unfinished";

/// What an immutable part file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
#[repr(u32)]
pub enum PartKind {
    /// Rows: vectors, ids, columns.
    Chunk = 1,
    /// Adjacency of the graph.
    Graph = 2,
    /// Ids in order with their slots.
    Ids = 3,
    /// Deleted slots.
    Tombstones = 4,
    /// Codes of the rows of one chunk, for the graph to be walked on.
    Codes = 5,
    /// Records of the rows of one chunk: keys and metadata.
    Records = 6,
    /// Numbers of keys in order with their slots.
    Keys = 7,
}

impl PartKind {
    const ALL: [PartKind; 7] = [
        PartKind::Chunk,
        PartKind::Graph,
        PartKind::Ids,
        PartKind::Tombstones,
        PartKind::Codes,
        PartKind::Records,
        PartKind::Keys,
    ];

    fn prefix(self) -> &'static str {
        match self {
            PartKind::Chunk => "chunk",
            PartKind::Graph => "graph",
            PartKind::Ids => "ids",
            PartKind::Tombstones => "tombstones",
            PartKind::Codes => "codes",
            PartKind::Records => "records",
            PartKind::Keys => "keys",
        }
    }
}

impl From<PartKind> for u32 {
    fn from(kind: PartKind) -> u32 {
        kind as u32
    }
}

impl TryFrom<u32> for PartKind {
    type Error = String;
    fn try_from(number: u32) -> Result<Self, String> {
        let known = PartKind::ALL.into_iter().find(|&kind| kind as u32 == number);
        known.ok_or_else(|| format!("unknown kind of part {number}"))
    }
}

/// The meaning of a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileName {
    /// `LOCK`
    Lock,
    /// `CURRENT`
    Current,
    /// `CURRENT.tmp`
    CurrentTmp,
    /// `MANIFEST-<generation>`
    Manifest(u64),
    /// `wal-<number>.log`
    Wal(u64),
    /// `<kind>-<number>.vdb`
    Part(PartKind, u64),
}

impl FileName {
    /// The meaning of `name`, `None` for a file that is not ours. Only the
    /// spelling we write is recognised: no leading zeros, no other case.
    pub fn parse(name: &str) -> Option<FileName> {
        let parsed = match name {
            LOCK => FileName::Lock,
            CURRENT => FileName::Current,
            CURRENT_TMP => FileName::CurrentTmp,
            _ => {
                let (prefix, rest) = name.split_once('-')?;
                let number = rest.split('.').next()?.parse().ok()?;
                match prefix {
                    "MANIFEST" => FileName::Manifest(number),
                    "wal" => FileName::Wal(number),
                    _ => FileName::Part(PartKind::ALL.into_iter().find(|k| k.prefix() == prefix)?, number),
                }
            }
        };
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FileName::Lock => f.write_str(LOCK),
            FileName::Current => f.write_str(CURRENT),
            FileName::CurrentTmp => f.write_str(CURRENT_TMP),
            FileName::Manifest(generation) => write!(f, "MANIFEST-{generation}"),
            FileName::Wal(number) => write!(f, "wal-{number}.log"),
            FileName::Part(kind, number) => write!(f, "{}-{number}.vdb", kind.prefix()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let mut all = vec![FileName::Lock, FileName::Current, FileName::CurrentTmp];
        all.extend([FileName::Manifest(0), FileName::Manifest(u64::MAX), FileName::Wal(10)]);
        all.extend(PartKind::ALL.map(|kind| FileName::Part(kind, 7)));
        for name in all {
            assert_eq!(FileName::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn foreign_names_stay_foreign() {
        for name in
            ["", "wal-1", "wal-01.log", "wal-+1.log", "wal-1.log.tmp", "Chunk-1.vdb", "chunk-1.db", "notes-1.vdb"]
        {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
        assert_eq!(FileName::parse("MANIFEST-18446744073709551616"), None);
        assert_eq!(FileName::parse("../CURRENT"), None);
    }

    #[test]
    fn kinds_are_numbers_on_disk() {
        for kind in PartKind::ALL {
            assert_eq!(PartKind::try_from(u32::from(kind)), Ok(kind));
        }
        assert!(PartKind::try_from(0).is_err() && PartKind::try_from(PartKind::ALL.len() as u32 + 1).is_err());
    }
}
