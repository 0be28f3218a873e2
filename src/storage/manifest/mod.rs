//! The manifest: one file that names all parts of a generation, and CURRENT,
//! the file that names the live manifest.
//!
//! A generation is switched by one rename of CURRENT. Everything the new
//! manifest names is durable before that rename, and nothing the old one names
//! is removed before the rename itself is durable, so a crash at any point
//! leaves one of the two generations whole. Nothing is ever overwritten.
//! (LevelDB's CURRENT and MANIFEST, with a checksum from CURRENT over the
//! manifest and from the manifest over each part.)
//!
//! A directory without CURRENT is new only when nothing in it can be data that
//! was ever acknowledged. Where CURRENT was lost, the answer is an error and
//! never an empty database.

use super::codec::{self, CodecError};
use super::error::{Result, StorageError};
use super::format::{self, FormatVersion, HEADER_LEN, Header};
use super::names::{CURRENT, CURRENT_TMP, FileName, UNFINISHED};
use super::part::PartRef;
use super::wal::{WalPosition, WalStart};
use super::{Storage, checksum};
use crate::util::memory::with_room;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Largest manifest, encoded: room for 800,000 parts.
pub const MANIFEST_MAX: u64 = 32 << 20;
/// The generation a database starts with, before it has any part.
pub const FIRST_GENERATION: u64 = 1;

/// What is counted stays below this, so that a writer can always count on.
const COUNT_MAX: u64 = 1 << 63;
/// More than any CURRENT has, so that a longer one of a newer format is read
/// as far as its version.
const CURRENT_MAX: u64 = 4096;

/// How often a reader tries again when the writer removes the generation that
/// it was just about to open.
const LOAD_TRIES: usize = 100;

/// What was fixed when the database was created, as plain numbers whose
/// meaning belongs to `db`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Dimensions of a vector.
    pub dim: u32,
    /// Distance.
    pub metric: u32,
    /// Type of a component.
    pub scalar: u32,
    /// Kind of code.
    pub quant: u32,
    /// M of the graph.
    pub m: u32,
    /// ef while building.
    pub ef_construction: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Rows per chunk as a power of two.
    pub chunk_shift: u32,
}

/// A part and its place in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// Index among the parts of its kind (chunk number, shard, ...).
    pub position: u64,
    /// The file.
    pub part: PartRef,
}

/// A small blob whose meaning belongs to `db`. A reader skips unknown tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// What it is.
    pub tag: u32,
    /// Its bytes.
    #[serde(deserialize_with = "codec::vec")]
    pub bytes: Vec<u8>,
}

/// One generation of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format the manifest was read in; always written in the newest one.
    #[serde(skip)]
    pub format: FormatVersion,
    /// What a reader must understand ([`format::SHORT_CODES`], [`format::NO_ORIGINALS`]).
    #[serde(skip)]
    pub features: u32,
    /// Grows by at least one with every manifest; the first is [`FIRST_GENERATION`].
    pub generation: u64,
    /// Fixed properties.
    pub schema: Schema,
    /// Every batch up to this LSN is in the parts.
    pub lsn: u64,
    /// Number for the next part file.
    pub next_file: u64,
    /// The first log file to replay.
    pub wal: u64,
    /// The log is known to be intact up to here (0 bytes where nothing is
    /// known). Written at a clean close, it turns a cut-off log from "the
    /// machine crashed" into corruption.
    pub wal_durable: WalPosition,
    /// Random number of this database, mixed into its log checksums.
    pub salt: u64,
    /// The parts.
    #[serde(deserialize_with = "codec::vec")]
    pub parts: Vec<PartEntry>,
    /// Small blobs.
    #[serde(deserialize_with = "codec::vec")]
    pub extra: Vec<Extra>,
}

/// The manifest that CURRENT names, told by generation, length and checksum: a copy of the database that was written
/// to and then took its place has one of the same generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    generation: u64,
    words: [u64; 2],
}

impl From<Header> for Live {
    fn from(current: Header) -> Live {
        Live { generation: current.generation, words: current.words }
    }
}

impl Live {
    /// Refuses to write where CURRENT is none of `ours`: who put the files of another state in the place of these, an
    /// earlier backup for one, would lose them. Nothing is asked where nothing is known.
    pub fn check(storage: &dyn Storage, ours: &[Live]) -> Result<()> {
        let replaced =
            read_current(storage)?.is_some_and(|current| !ours.is_empty() && !ours.contains(&current.into()));
        if replaced {
            let what = "it is another one than was written here; close the database, and open it again";
            return Err(StorageError::io("replace", CURRENT, std::io::Error::other(what)));
        }
        Ok(())
    }
}

impl Manifest {
    /// Makes this the live generation. All parts it names are finished, its
    /// log exists. The steps, each durable before the next: the manifest under
    /// its own name and all names so far; CURRENT by rename.
    ///
    /// After an error the old generation is live, or, if the very last steps
    /// failed, either of them; the caller keeps the files of both until it
    /// reopened the database.
    pub fn write(&self, storage: &dyn Storage) -> Result<()> {
        self.write_after(storage, &mut Vec::new())
    }

    /// The same for who has made other generations live: `ours` is what CURRENT may say before, and what it may say
    /// afterwards.
    pub fn write_after(&self, storage: &dyn Storage, ours: &mut Vec<Live>) -> Result<()> {
        self.check_writable(storage)?;
        Live::check(storage, ours)?;
        let (name, bytes) = (FileName::Manifest(self.generation).to_string(), self.encode()?);
        // Leftovers of an earlier try; CURRENT names an older generation.
        for leftover in [&name, CURRENT_TMP] {
            storage.remove(leftover).or_else(|e| if e.is_not_found() { Ok(()) } else { Err(e) })?;
        }
        write_file(storage, &name, &bytes)?;
        let words = [bytes.len() as u64, checksum::crc(&bytes).into()];
        let current = Header { generation: self.generation, words, ..Header::default() };
        write_file(storage, CURRENT_TMP, &current.encode(format::CURRENT))?;
        storage.sync_dir()?;
        let live = read_current(storage)?.map(Live::from);
        ours.retain(|known| Some(*known) == live);
        ours.push(current.into());
        storage.rename(CURRENT_TMP, CURRENT)?;
        storage.sync_dir()?;
        ours.retain(|known| *known == Live::from(current));
        Ok(())
    }

    /// The live manifest, or `None` when the directory holds no database yet
    /// (then [`prepare_new`] makes room for one).
    pub fn load(storage: &dyn Storage) -> Result<Option<Manifest>> {
        Ok(Manifest::load_live(storage)?.map(|(_, manifest)| manifest))
    }

    /// The same, with what CURRENT says of it.
    pub fn load_live(storage: &dyn Storage) -> Result<Option<(Live, Manifest)>> {
        for _ in 0..LOAD_TRIES {
            let Some(current) = read_current(storage)? else {
                // A writer may have created it after all since we looked.
                match interrupted_creation(storage) {
                    Err(_) if storage.size(CURRENT).is_ok() => continue,
                    result => return result.map(|_| None),
                }
            };
            match load_generation(storage, &current) {
                Err(e) if e.is_not_found() && read_current(storage)?.as_ref() != Some(&current) => {}
                Err(e) if e.is_not_found() => return Err(StorageError::corrupt(CURRENT, 0, e.to_string())),
                result => return result.map(|manifest| Some((current.into(), manifest))),
            }
        }
        Err(StorageError::Misuse { what: "the manifest changes faster than it can be read" })
    }

    /// The manifest of generation `generation`, live or not: for repair, where
    /// CURRENT or the manifest it names is damaged.
    pub fn read(storage: &dyn Storage, generation: u64) -> Result<Manifest> {
        let name = FileName::Manifest(generation).to_string();
        let manifest = Manifest::decode(&name, &storage.read(&name, MANIFEST_MAX)?)?;
        if manifest.generation != generation {
            return Err(StorageError::corrupt(name, 0, "another generation than its name says"));
        }
        Ok(manifest)
    }

    /// Number of the live generation, `None` where there is no database.
    pub fn live_generation(storage: &dyn Storage) -> Result<Option<u64>> {
        Ok(read_current(storage)?.map(|current| current.generation))
    }

    /// What CURRENT says, `None` where there is no database: tells a reader for the price of one small file whether
    /// there is another manifest than before.
    pub fn live(storage: &dyn Storage) -> Result<Option<Live>> {
        Ok(read_current(storage)?.map(Live::from))
    }

    /// Where replay of the log begins.
    pub fn wal_start(&self) -> WalStart {
        let from = WalPosition { number: self.wal, offset: HEADER_LEN as u64 };
        WalStart { from, salt: self.salt, lsn: self.lsn, durable: self.wal_durable, tip: None }
    }

    /// Names of our files in the directory that this generation does not need:
    /// other manifests, parts it does not name, logs it does not replay.
    /// Foreign files are never among them.
    pub fn obsolete_files(&self, storage: &dyn Storage) -> Result<Vec<String>> {
        let named: HashSet<_> = self.parts.iter().map(|p| (p.part.kind, p.part.number)).collect();
        let obsolete = |name: &String| match FileName::parse(name) {
            Some(FileName::CurrentTmp) => true,
            Some(FileName::Manifest(generation)) => generation != self.generation,
            Some(FileName::Wal(number)) => number < self.wal,
            Some(FileName::Part(kind, number)) => !named.contains(&(kind, number)),
            Some(FileName::Lock | FileName::Current) | None => false,
        };
        Ok(storage.list()?.into_iter().filter(obsolete).collect())
    }

    /// Removes [`obsolete_files`](Manifest::obsolete_files) of the live
    /// generation, for the writer only. The rename that made this generation
    /// live may be the work of a process that was killed before it synced the
    /// directory, so it is synced here before anything goes.
    pub fn remove_obsolete(&self, storage: &dyn Storage) -> Result<usize> {
        self.remove_obsolete_but(storage, &|_| false)
    }

    /// The same, but for parts whose number is `kept`: somebody still reads them.
    pub fn remove_obsolete_but(&self, storage: &dyn Storage, kept: &dyn Fn(u64) -> bool) -> Result<usize> {
        let is_kept = |name: &str| matches!(FileName::parse(name), Some(FileName::Part(_, number)) if kept(number));
        let mut obsolete = self.obsolete_files(storage)?;
        obsolete.retain(|name| !is_kept(name));
        if obsolete.is_empty() {
            return Ok(0);
        }
        if read_current(storage)?.is_none_or(|current| current.generation != self.generation) {
            return Err(StorageError::Misuse { what: "files of a generation that is not live are never obsolete" });
        }
        storage.sync_dir()?;
        obsolete.iter().try_for_each(|name| storage.remove(name))?;
        Ok(obsolete.len())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let too_large = StorageError::Limit { what: "manifest size", value: MANIFEST_MAX + 1, max: MANIFEST_MAX };
        let payload = codec::encode(self, MANIFEST_MAX - HEADER_LEN as u64).map_err(|error| match error {
            CodecError::Memory(error) => error.into(),
            CodecError::Odd(_) => too_large,
        })?;
        let words = [payload.len() as u64, checksum::crc(&payload).into()];
        let header = Header { features: self.features, generation: self.generation, words, ..Header::default() };
        let mut bytes = with_room(HEADER_LEN + payload.len())?;
        bytes.extend_from_slice(&header.encode(format::MANIFEST));
        bytes.extend_from_slice(&payload);
        Ok(bytes)
    }

    fn decode(name: &str, bytes: &[u8]) -> Result<Manifest> {
        let header = Header::decode(name, format::MANIFEST, bytes)?;
        let bad = |what: String| StorageError::corrupt(name, HEADER_LEN as u64, what);
        let payload = &bytes[HEADER_LEN..];
        if header.words != [payload.len() as u64, checksum::crc(payload).into()] {
            return Err(bad("checksum or length of the manifest differs".into()));
        }
        let decoded = codec::decode::<Manifest>(payload, MANIFEST_MAX).map_err(|error| match error {
            CodecError::Memory(error) => error.into(),
            CodecError::Odd(what) => bad(what),
        })?;
        let manifest = Manifest { format: header.version, features: header.features, ..decoded };
        if manifest.generation != header.generation {
            return Err(bad("two generations in one manifest".into()));
        }
        manifest.broken_rule().map_or(Ok(manifest), |rule| Err(bad(rule.into())))
    }

    /// The rule this manifest breaks, if any.
    fn broken_rule(&self) -> Option<&'static str> {
        let mut numbers = HashSet::new();
        let part_is_bad = |entry: &PartEntry| {
            let part = &entry.part;
            part.number >= self.next_file || part.generation > self.generation || !numbers.insert(part.number)
        };
        if self.generation < FIRST_GENERATION {
            Some("generation 0")
        } else if [self.generation, self.lsn, self.next_file, self.wal].iter().any(|&count| count >= COUNT_MAX) {
            Some("a generation, LSN or file number beyond 2^63")
        } else if self.generation == FIRST_GENERATION && !(self.parts.is_empty() && self.lsn == 0) {
            Some("the first generation of a database has parts")
        } else if self.parts.iter().any(part_is_bad) {
            Some("a part whose number or generation is not below the manifest's")
        } else {
            None
        }
    }

    fn check_writable(&self, storage: &dyn Storage) -> Result<()> {
        if let Some(what) = self.broken_rule() {
            return Err(StorageError::Misuse { what });
        }
        let live = read_current(storage)?.map_or(FIRST_GENERATION - 1, |current| current.generation);
        if self.generation <= live {
            return Err(StorageError::Misuse { what: "a manifest must have a larger generation than the live one" });
        }
        Ok(())
    }
}

/// Removes what an interrupted first creation left behind, for the writer that
/// creates a database where [`Manifest::load`] found none. Fails, removing
/// nothing, where there may be data.
pub fn prepare_new(storage: &dyn Storage) -> Result<()> {
    if read_current(storage)?.is_some() {
        return Err(StorageError::Misuse { what: "there is a database already" });
    }
    let leftovers = interrupted_creation(storage)?;
    leftovers.iter().try_for_each(|name| storage.remove(name))
}

/// The files of a creation that never reached its CURRENT. A creation writes
/// the first, empty log and the first manifest, which names no part, and
/// nothing is acknowledged before CURRENT is durable. So records in a log, a
/// part or a later manifest prove that CURRENT existed and was lost.
fn interrupted_creation(storage: &dyn Storage) -> Result<Vec<String>> {
    let (names, mut leftovers) = (storage.list()?, Vec::new());
    if names.iter().any(|name| name == UNFINISHED) {
        return Err(StorageError::Unfinished);
    }
    for name in names {
        let proof = match FileName::parse(&name) {
            Some(FileName::Manifest(generation)) => generation != FIRST_GENERATION,
            Some(FileName::Wal(_)) => storage.size(&name)? > HEADER_LEN as u64,
            Some(FileName::Part(..)) => true,
            Some(FileName::CurrentTmp) => false,
            Some(FileName::Lock | FileName::Current) | None => continue,
        };
        if proof {
            let what = format!("missing, but there is {name}: this was a database");
            return Err(StorageError::corrupt(CURRENT, 0, what));
        }
        leftovers.push(name);
    }
    Ok(leftovers)
}

/// The header that CURRENT consists of.
fn read_current(storage: &dyn Storage) -> Result<Option<Header>> {
    let bytes = match storage.read(CURRENT, CURRENT_MAX) {
        Ok(bytes) => bytes,
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(e),
    };
    let header = Header::decode(CURRENT, format::CURRENT, &bytes)?;
    if bytes.len() > HEADER_LEN {
        return Err(StorageError::corrupt(CURRENT, HEADER_LEN as u64, "bytes after its end"));
    }
    Ok(Some(header))
}

fn load_generation(storage: &dyn Storage, current: &Header) -> Result<Manifest> {
    let name = FileName::Manifest(current.generation).to_string();
    let bytes = storage.read(&name, MANIFEST_MAX)?;
    if current.words != [bytes.len() as u64, checksum::crc(&bytes).into()] {
        return Err(StorageError::corrupt(name, 0, "not the manifest that CURRENT names (length or checksum)"));
    }
    let manifest = Manifest::decode(&name, &bytes)?;
    if manifest.generation != current.generation {
        return Err(StorageError::corrupt(name, 0, "another generation than CURRENT names"));
    }
    Ok(manifest)
}

fn write_file(storage: &dyn Storage, name: &str, bytes: &[u8]) -> Result<()> {
    let mut file = storage.create(name)?;
    file.write_all(&[bytes])?;
    file.sync()
}

#[cfg(test)]
mod tests;
