//! Replaying the log: all records, in order, over all its files.
//!
//! The log may be live: another process may be appending while we read. So it
//! is read through calls and not through a mapping (whose pages a cut-off
//! would take away), and what cannot be parsed is read a second time before
//! it is judged.

use super::record::{ALIGN, RECORD_HEADER_LEN, RecordHeader};
use super::{LogId, WalPosition};
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, HEADER_LEN, Header};
use crate::storage::names::FileName;
use crate::storage::{ReadFile, Storage, resize};

/// Where replay begins and what it can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalStart {
    /// The first log file, and the record to begin with: offset 64, or the end
    /// of an earlier replay that had reached `lsn`.
    pub from: WalPosition,
    /// Salt of the database.
    pub salt: u64,
    /// Records up to this LSN are skipped.
    pub lsn: u64,
    /// The log was durable up to here (offset 0: nothing is known).
    pub durable: WalPosition,
    /// What ended at `from`, where an earlier replay found a record there.
    pub tip: Option<Tip>,
}

impl WalStart {
    /// Where a reader goes on that has applied what `found` tells.
    pub fn after(&self, found: &Replayed) -> WalStart {
        WalStart { from: found.end, lsn: found.last_lsn, tip: found.tip.or(self.tip), ..*self }
    }
}

/// The last record of a replay, to be recognised: where a writer took records
/// back and another one wrote others in their place, whoever goes on from
/// there must not take these for the sequel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    at: u64,
    header: RecordHeader,
}

/// One record, as it was given to `append`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its log sequence number.
    pub lsn: u64,
    /// Its kind.
    pub kind: u32,
    /// Its payload.
    pub payload: &'a [u8],
}

/// What replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The end of the last whole record.
    pub end: WalPosition,
    /// Its LSN, or where there is none the LSN that replay started from.
    pub last_lsn: u64,
    /// Records handed out.
    pub records: u64,
    /// The last record that replay read, skipped ones included.
    pub tip: Option<Tip>,
    /// Bytes after the end, left by writes that never completed.
    pub torn_bytes: u64,
    /// Log files after the end that never got a record; `resume` removes them.
    pub without_records: Vec<u64>,
}

/// Hands every whole record after `start.lsn` to `apply`, in order.
///
/// Fails with [`StorageError::Corrupt`] where bytes that were durable are
/// missing or damaged, and with the first error of `apply`. Nothing is
/// changed: call [`WalWriter::resume`](super::WalWriter::resume) to go on.
/// Memory is bounded by the largest record.
pub fn replay<E: From<StorageError>>(
    storage: &dyn Storage,
    start: &WalStart,
    mut apply: impl FnMut(Record<'_>) -> Result<(), E>,
) -> Result<Replayed, E> {
    let (files, without_records) = log_files(storage, start)?;
    let mut found = Replayed { without_records, ..Replayed::default() };
    let mut next_lsn = None;
    for (i, &number) in files.iter().enumerate() {
        let mut log = LogFile::open(storage, start, number)?;
        log.check_first_lsn(next_lsn, start.lsn)?;
        while let Some((header, payload)) = log.next()? {
            if header.lsn > start.lsn {
                apply(Record { lsn: header.lsn, kind: header.kind, payload })?;
                found.records += 1;
            }
        }
        found.torn_bytes = log.check_end(&start.durable, i + 1 == files.len())?;
        found.end = WalPosition { number, offset: log.position };
        found.tip = log.tip.or(found.tip);
        next_lsn = Some(log.next_lsn);
    }
    // `log_files` returned at least one file, so there is a next LSN.
    found.last_lsn = next_lsn.map_or(start.lsn, |next| next - 1);
    let lost = |what| StorageError::corrupt(FileName::Wal(found.end.number).to_string(), found.end.offset, what);
    if found.last_lsn < start.lsn {
        return Err(lost("the log ends before the LSN of the manifest").into());
    }
    if start.durable.number > found.end.number && start.durable.offset > HEADER_LEN as u64 {
        return Err(lost("log files that were durable are missing").into());
    }
    Ok(found)
}

/// Numbers of the log files from `start` on, and of those at the end that have
/// no record.
fn log_files(storage: &dyn Storage, start: &WalStart) -> Result<(Vec<u64>, Vec<u64>)> {
    let (files, without_records) = files_from(storage, start.from.number)?;
    match (start.from.number..).zip(&files).find(|(expected, found)| expected != *found) {
        None if !files.is_empty() => Ok((files, without_records)),
        gap => {
            let missing = FileName::Wal(gap.map_or(start.from.number, |(expected, _)| expected));
            Err(StorageError::corrupt(missing.to_string(), 0, "this log file is missing"))
        }
    }
}

/// Numbers of the log files from `first` on, in order, gaps or not, and of those
/// behind them that have no record.
pub(super) fn files_from(storage: &dyn Storage, first: u64) -> Result<(Vec<u64>, Vec<u64>)> {
    let mut files: Vec<u64> = Vec::new();
    for name in storage.list()? {
        if let Some(FileName::Wal(number)) = FileName::parse(&name) {
            files.extend((number >= first).then_some(number));
        }
    }
    files.sort_unstable();
    let mut without_records = Vec::new();
    while let Some(&last) = files.last() {
        let has_records = storage.size(&FileName::Wal(last).to_string())? > HEADER_LEN as u64;
        if has_records || last == first {
            break;
        }
        files.pop();
        without_records.push(last);
    }
    Ok((files, without_records))
}

/// One log file, read record by record.
pub(super) struct LogFile {
    name: String,
    id: LogId,
    window: Window,
    pub(super) first_lsn: u64,
    /// LSN that the record at `position` must have.
    pub(super) next_lsn: u64,
    /// End of the last valid record.
    pub(super) position: u64,
    /// That record, once one was read.
    tip: Option<Tip>,
}

impl LogFile {
    pub(super) fn open(storage: &dyn Storage, start: &WalStart, number: u64) -> Result<LogFile> {
        let name = FileName::Wal(number).to_string();
        let file = storage.open_read(&name)?;
        let mut header = [0; HEADER_LEN];
        let got = file.read_at(0, &mut header)?;
        let header = Header::decode(&name, format::WAL, &header[..got])?;
        let [salt, first_lsn] = header.words;
        if (header.number, salt) != (number, start.salt) || first_lsn == 0 {
            return Err(StorageError::corrupt(name, 0, "log file of another number or another database"));
        }
        let (mut position, mut next_lsn) = (HEADER_LEN as u64, first_lsn);
        if start.from.number == number && start.from.offset > position {
            (position, next_lsn) = (start.from.offset, start.lsn.saturating_add(1));
        }
        let id = LogId { salt, number };
        let mut window = Window { size: file.size()?, file, start: 0, bytes: Vec::new() };
        if position > window.size {
            return Err(StorageError::corrupt(name, window.size, "the log became shorter after it was replayed"));
        }
        if let Some(tip) = start.tip.filter(|_| start.from.number == number)
            && window.header(id, tip.at)? != Some(tip.header)
        {
            return Err(StorageError::corrupt(name, tip.at, "the last record that was replayed has been replaced"));
        }
        Ok(LogFile { name, id, window, first_lsn, next_lsn, position, tip: None })
    }

    /// Opens a file whose header may be damaged: the first record tells its own LSN.
    pub(super) fn open_damaged(storage: &dyn Storage, id: LogId) -> Result<LogFile> {
        let name = FileName::Wal(id.number).to_string();
        let file = storage.open_read(&name)?;
        let position = HEADER_LEN as u64;
        let mut window = Window { size: file.size()?, file, start: 0, bytes: Vec::new() };
        let first_lsn = window.header(id, position)?.map_or(0, |header| header.lsn);
        Ok(LogFile { name, id, window, first_lsn, next_lsn: first_lsn, position, tip: None })
    }

    /// Name of the file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file ends inside its header.
    pub(super) fn is_cut_short(&self) -> bool {
        self.window.size < HEADER_LEN as u64
    }

    /// Bytes from `position` to the end of the file.
    pub(super) fn bytes_left(&self) -> u64 {
        self.window.size.saturating_sub(self.position)
    }

    /// The file must go on where the one before it ended, or not after `lsn`.
    fn check_first_lsn(&self, expected: Option<u64>, lsn: u64) -> Result<()> {
        let follows = expected.map_or(self.first_lsn - 1 <= lsn, |expected| self.first_lsn == expected);
        if follows {
            return Ok(());
        }
        let what = format!("log begins with LSN {}, which leaves a gap", self.first_lsn);
        Err(StorageError::corrupt(&self.name, 0, what))
    }

    /// The next valid record, `None` where there is none.
    pub(super) fn next(&mut self) -> Result<Option<(RecordHeader, &[u8])>> {
        let mut header = self.window.record(self.id, self.position)?;
        if header.is_none() {
            // A live file may have been cut and appended to since it was read.
            self.window.bytes.clear();
            header = self.window.record(self.id, self.position)?;
        }
        let Some(header) = header else { return Ok(None) };
        if header.lsn != self.next_lsn {
            let what = format!("record {} where {} is due", header.lsn, self.next_lsn);
            return Err(StorageError::corrupt(&self.name, self.position, what));
        }
        let frame = self.window.get(self.position, header.frame_len())?.unwrap_or_default();
        self.tip = Some(Tip { at: self.position, header });
        (self.position, self.next_lsn) = (self.position + header.frame_len(), self.next_lsn.saturating_add(1));
        Ok(Some((header, &frame[RECORD_HEADER_LEN..][..header.payload_len as usize])))
    }

    /// Number of bytes after the last valid record, if losing them is what a
    /// crash can do.
    fn check_end(&mut self, durable: &WalPosition, is_last: bool) -> Result<u64> {
        let known = if durable.number == self.id.number { durable.offset } else { 0 };
        let torn = self.window.size - self.position.min(self.window.size);
        if known > self.position || torn > 0 && self.synced_upto()? > self.position {
            return Err(StorageError::corrupt(
                &self.name,
                self.position,
                "damaged record in the durable part of the log",
            ));
        }
        if torn > 0 && !is_last {
            return Err(StorageError::corrupt(&self.name, self.position, "damaged record in a finished log file"));
        }
        Ok(torn)
    }

    /// The largest `synced_upto` of the record headers after `position`.
    fn synced_upto(&mut self) -> Result<u64> {
        let mut highest = 0;
        self.later_headers(|header| highest = header.synced_upto.max(highest))?;
        Ok(highest)
    }

    /// Hands the record headers at and after `position` to `each`, whatever lies between them.
    pub(super) fn later_headers(&mut self, mut each: impl FnMut(&RecordHeader)) -> Result<()> {
        let mut at = self.position;
        while let Some(bytes) = self.window.get(at, PIECE.min(self.window.size.saturating_sub(at)))? {
            let candidates = bytes.windows(RECORD_HEADER_LEN).step_by(ALIGN as usize);
            let headers = candidates.zip((at..).step_by(ALIGN as usize));
            headers.filter_map(|(bytes, at)| RecordHeader::decode(bytes, self.id, at)).for_each(|header| each(&header));
            let scanned = (bytes.len() + 1).saturating_sub(RECORD_HEADER_LEN) as u64;
            if scanned == 0 {
                break;
            }
            at += scanned.next_multiple_of(ALIGN);
        }
        Ok(())
    }
}

/// Bytes read in one call, and scanned at a time.
const PIECE: u64 = 256 << 10;

/// The part of a file that is in memory.
struct Window {
    file: Box<dyn ReadFile>,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `len` bytes at `offset`, `None` when the file ends before.
    fn get(&mut self, offset: u64, len: u64) -> Result<Option<&[u8]>> {
        if self.size.checked_sub(offset).is_none_or(|rest| len > rest) {
            return Ok(None);
        }
        let held = offset >= self.start && offset + len <= self.start + self.bytes.len() as u64;
        if !held {
            let want = len.max(PIECE).min(self.size - offset);
            resize(&mut self.bytes, want)?;
            let mut got = self.file.read_at(offset, &mut self.bytes);
            if got.is_err() && want > len {
                // What was wanted beyond the call may lie in a sector that cannot be read.
                self.bytes.truncate(len as usize);
                got = self.file.read_at(offset, &mut self.bytes);
            }
            let got = got?;
            self.bytes.truncate(got);
            self.start = offset;
            if (got as u64) < len {
                self.size = offset + got as u64;
                return Ok(None);
            }
        }
        let from = (offset - self.start) as usize;
        Ok(Some(&self.bytes[from..from + len as usize]))
    }

    /// The header at `position`, if it is one.
    fn header(&mut self, id: LogId, position: u64) -> Result<Option<RecordHeader>> {
        let bytes = self.get(position, RECORD_HEADER_LEN as u64)?;
        Ok(bytes.and_then(|bytes| RecordHeader::decode(bytes, id, position)))
    }

    /// The header of the record at `position`, if the whole record is valid.
    fn record(&mut self, id: LogId, position: u64) -> Result<Option<RecordHeader>> {
        let Some(header) = self.header(id, position)? else { return Ok(None) };
        let Some(frame) = self.get(position, header.frame_len())? else { return Ok(None) };
        Ok(header.payload(frame).map(|_| header))
    }
}
