//! Replaying a log that may be damaged: every whole record up to the first
//! place where one is missing, and an account of what lies behind it.
//!
//! Nothing behind a hole is ever applied. A later batch may replace or delete
//! what a missing one wrote, and a state that leaves one batch out never
//! existed. A damaged file header alone is no hole: each record proves itself,
//! and its LSN tells whether it follows the one before.

use super::reader::{LogFile, Record, files_from};
use super::{LogId, WalPosition};
use crate::storage::Storage;
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, HEADER_LEN, Header};
use crate::storage::names::FileName;

/// Where the log begins and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct SalvageStart {
    /// The first log file.
    pub number: u64,
    /// Salt of the database.
    pub salt: u64,
    /// Records up to this LSN are in the parts; `None` where no manifest tells.
    pub lsn: Option<u64>,
    /// The log was durable up to here.
    pub durable: WalPosition,
}

/// What was read of a log.
#[derive(Debug, Default)]
pub struct Salvaged {
    /// Records applied.
    pub records: u64,
    /// What is damaged; the last is where reading ended, unless `rest` is `None`.
    pub damage: Vec<StorageError>,
    /// What lies behind the place where reading ended before the end of the log.
    pub rest: Option<Rest>,
}

/// The part of a log behind a hole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Its bytes.
    pub bytes: u64,
    /// Records in it whose header is whole.
    pub records: u64,
    /// The lowest and the highest LSN of these.
    pub lsns: Option<(u64, u64)>,
}

/// Number and salt of the first log file whose header is whole, numbered from
/// `first` on; the number is that of the first file, whole or not.
pub fn oldest(storage: &dyn Storage, first: u64) -> Result<Option<(u64, u64)>> {
    let (mut files, without_records) = files_from(storage, first)?;
    files.extend(without_records.into_iter().rev());
    for &number in &files {
        let mut header = [0; HEADER_LEN];
        let name = FileName::Wal(number).to_string();
        let got = storage.open_read(&name).and_then(|file| file.read_at(0, &mut header)).unwrap_or(0);
        if let Ok(header) = Header::decode(&name, format::WAL, &header[..got])
            && header.number == number
        {
            return Ok(files.first().map(|&first| (first, header.words[0])));
        }
    }
    Ok(None)
}

/// Hands every record after `start.lsn` to `apply`, in order, until the first
/// hole. `apply` answers whether the record made sense; one that did not counts
/// as damaged. The error is one of `apply`, or has nothing to do with damage.
pub fn salvage<E: From<StorageError>>(
    storage: &dyn Storage,
    start: &SalvageStart,
    mut apply: impl FnMut(Record<'_>) -> Result<bool, E>,
) -> Result<Salvaged, E> {
    let (files, _) = files_from(storage, start.number)?;
    let mut found = Salvaged::default();
    let mut next_lsn = None;
    for (i, expected) in (start.number..).take(files.len().max(1)).enumerate() {
        let name = FileName::Wal(expected).to_string();
        let corrupt = |at, what: &str| StorageError::corrupt(&name, at, what);
        let hole = match files.get(i) {
            Some(&number) if number == expected => {
                let mut log = match open(storage, LogId { salt: start.salt, number }, &mut found.damage)? {
                    Some(log) => log,
                    None => return ended(storage, start, found, &files[i..], HEADER_LEN as u64).map_err(E::from),
                };
                let hole = read(&mut log, start, next_lsn, &mut found, &mut apply)?;
                next_lsn = if log.first_lsn == 0 { next_lsn } else { Some(log.next_lsn) };
                let is_durable = start.durable.number == number && start.durable.offset > log.position;
                let ends_early = log.bytes_left() > 0 || is_durable || log.is_cut_short();
                let torn = ends_early.then(|| corrupt(log.position, "no whole record"));
                hole.or(torn).map(|damage| (damage, log.position))
            }
            _ => Some((corrupt(0, "this log file is missing"), 0)),
        };
        if let Some((damage, position)) = hole {
            found.damage.push(damage);
            return ended(storage, start, found, &files[i..], position).map_err(E::from);
        }
    }
    let last = files.last().copied().unwrap_or(start.number);
    if start.durable.number > last && start.durable.offset > HEADER_LEN as u64 {
        let name = FileName::Wal(start.durable.number).to_string();
        found.damage.push(StorageError::corrupt(name, 0, "this log file is missing"));
        found.rest = Some(Rest::default());
    }
    Ok(found)
}

/// Opens one file; damage to its header is noted. `None` where it cannot be read at all.
fn open(storage: &dyn Storage, id: LogId, damage: &mut Vec<StorageError>) -> Result<Option<LogFile>> {
    let start = super::WalStart {
        from: WalPosition { number: id.number, offset: HEADER_LEN as u64 },
        salt: id.salt,
        lsn: 0,
        durable: WalPosition::default(),
        tip: None,
    };
    let opened = match LogFile::open(storage, &start, id.number) {
        Err(error) if error.is_damage() => {
            damage.push(error);
            LogFile::open_damaged(storage, id)
        }
        result => result,
    };
    match opened {
        Err(error) if error.is_damage() => {
            damage.push(error);
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// Applies the records of one file; returns the hole that ended it, if one did.
fn read<E: From<StorageError>>(
    log: &mut LogFile,
    start: &SalvageStart,
    next_lsn: Option<u64>,
    found: &mut Salvaged,
    apply: &mut impl FnMut(Record<'_>) -> Result<bool, E>,
) -> Result<Option<StorageError>, E> {
    let name = log.name().to_string();
    let follows = match (next_lsn, start.lsn) {
        // A file without a readable record has nothing that could be out of order.
        _ if log.first_lsn == 0 => true,
        (Some(expected), _) => log.first_lsn == expected,
        (None, Some(lsn)) => log.first_lsn - 1 <= lsn,
        (None, None) => true,
    };
    if !follows {
        let what = format!("log begins with LSN {}, which leaves a gap", log.first_lsn);
        return Ok(Some(StorageError::corrupt(name, 0, what)));
    }
    loop {
        let at = log.position;
        match log.next() {
            Ok(None) => return Ok(None),
            Ok(Some((header, payload))) if start.lsn.is_none_or(|lsn| header.lsn > lsn) => {
                if !apply(Record { lsn: header.lsn, kind: header.kind, payload })? {
                    log.position = at;
                    return Ok(Some(StorageError::corrupt(name, at, "a record that makes no sense")));
                }
                found.records += 1;
            }
            Ok(Some(_)) => {}
            Err(damage) if damage.is_damage() => return Ok(Some(damage)),
            Err(other) => return Err(other.into()),
        }
    }
}

/// Counts what lies behind the hole at `position` of the first of `files`.
fn ended(
    storage: &dyn Storage,
    start: &SalvageStart,
    mut found: Salvaged,
    files: &[u64],
    position: u64,
) -> Result<Salvaged> {
    let mut rest = Rest::default();
    for (i, &number) in files.iter().enumerate() {
        let mut log = match LogFile::open_damaged(storage, LogId { salt: start.salt, number }) {
            Ok(log) => log,
            Err(error) if error.is_damage() => continue,
            Err(other) => return Err(other),
        };
        log.position = if i == 0 { position.max(HEADER_LEN as u64) } else { log.position };
        rest.bytes += log.bytes_left();
        let scanned = log.later_headers(|header| {
            let (low, high) = rest.lsns.unwrap_or((header.lsn, header.lsn));
            rest.lsns = Some((low.min(header.lsn), high.max(header.lsn)));
            rest.records += 1;
        });
        scanned.or_else(|error| if error.is_damage() { Ok(()) } else { Err(error) })?;
    }
    found.rest = Some(rest);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sim::SimStorage;
    use crate::storage::wal::WalWriter;

    /// Two files of four records each, in slots of 64 bytes, the first at 64.
    fn disk() -> SimStorage {
        let disk = SimStorage::new();
        let mut log = WalWriter::create(&disk, 3, 99, 10).unwrap();
        for lsn in 11..=18 {
            if lsn == 15 {
                log.rotate(&disk).unwrap();
            }
            log.append(lsn, 1, &[&[lsn as u8; 24]]).unwrap();
            log.sync().unwrap();
        }
        disk
    }

    fn change(disk: &SimStorage, name: &str, damage: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = disk.read(name, 1 << 20).unwrap();
        damage(&mut bytes);
        disk.remove(name).unwrap();
        disk.create(name).unwrap().write_all(&[&bytes]).unwrap();
    }

    fn read(disk: &SimStorage, lsn: Option<u64>) -> (Vec<u64>, Salvaged) {
        let start = SalvageStart { number: 3, salt: 99, lsn, durable: WalPosition::default() };
        let mut lsns = Vec::new();
        let found = salvage::<StorageError>(disk, &start, |record| {
            assert_eq!(record.payload, [record.lsn as u8; 24]);
            lsns.push(record.lsn);
            Ok(true)
        });
        (lsns, found.unwrap())
    }

    #[test]
    fn a_whole_log_is_read_to_its_end() {
        for (lsn, expected) in [(Some(10), 11..=18), (Some(13), 14..=18), (None, 11..=18)] {
            let (lsns, found) = read(&disk(), lsn);
            assert!(lsns.into_iter().eq(expected) && found.damage.is_empty() && found.rest.is_none());
        }
        assert_eq!(oldest(&disk(), 1).unwrap(), Some((3, 99)));
    }

    #[test]
    fn nothing_behind_a_hole_is_applied() {
        // The record with LSN 12 is damaged in its payload: all but the first are behind the hole.
        let disk = disk();
        change(&disk, "wal-3.log", |bytes| bytes[64 + 64 + 50] ^= 1);
        let (lsns, found) = read(&disk, Some(10));
        assert_eq!((lsns, found.damage.len()), (vec![11], 1));
        assert_eq!(found.rest, Some(Rest { bytes: 7 * 64, records: 7, lsns: Some((12, 18)) }));
        assert!(found.damage[0].to_string().contains("byte 128"), "{}", found.damage[0]);
    }

    #[test]
    fn a_damaged_header_is_no_hole() {
        let damaged = disk();
        for name in ["wal-3.log", "wal-4.log"] {
            change(&damaged, name, |bytes| bytes[45] ^= 1);
        }
        let (lsns, found) = read(&damaged, Some(10));
        assert!(lsns.into_iter().eq(11..=18) && found.damage.len() == 2 && found.rest.is_none());
        assert_eq!(oldest(&damaged, 1).unwrap(), None);
        change(&damaged, "wal-4.log", |bytes| bytes[45] ^= 1);
        assert_eq!(oldest(&damaged, 1).unwrap(), Some((3, 99)));
    }

    #[test]
    fn missing_files_and_cut_ends_are_holes() {
        let missing = disk();
        missing.remove("wal-3.log").unwrap();
        let (lsns, found) = read(&missing, Some(10));
        assert!(lsns.is_empty());
        assert_eq!(found.rest, Some(Rest { bytes: 4 * 64, records: 4, lsns: Some((15, 18)) }));
        missing.remove("wal-4.log").unwrap();
        let (_, found) = read(&missing, Some(10));
        assert_eq!((found.damage.len(), found.rest), (1, Some(Rest::default())));

        // Cut where a record ends: the next file does not follow.
        let cut = disk();
        change(&cut, "wal-3.log", |bytes| bytes.truncate(64 + 2 * 64));
        let (lsns, found) = read(&cut, Some(10));
        assert_eq!((lsns, found.rest.map(|rest| rest.records)), (vec![11, 12], Some(4)));
        // A gap between what the parts hold and the log.
        let (lsns, found) = read(&disk(), Some(9));
        assert_eq!((lsns, found.rest.map(|rest| rest.records)), (vec![], Some(8)));
    }

    #[test]
    fn a_torn_end_and_a_record_without_sense_are_told() {
        let torn = disk();
        change(&torn, "wal-4.log", |bytes| bytes.truncate(bytes.len() - 9));
        let (lsns, found) = read(&torn, Some(10));
        assert_eq!((lsns.last(), found.rest), (Some(&17), Some(Rest { bytes: 55, records: 1, lsns: Some((18, 18)) })));
        let start = SalvageStart { number: 3, salt: 99, lsn: Some(10), durable: WalPosition::default() };
        let found = salvage::<StorageError>(&disk(), &start, |record| Ok(record.lsn != 13)).unwrap();
        assert_eq!((found.records, found.rest.map(|rest| rest.lsns)), (2, Some(Some((13, 18)))));
        let durable = WalPosition { number: 4, offset: 1000 };
        let found = salvage::<StorageError>(&disk(), &SalvageStart { durable, ..start }, |_| Ok(true)).unwrap();
        assert_eq!((found.records, found.rest), (8, Some(Rest::default())));
    }
}
