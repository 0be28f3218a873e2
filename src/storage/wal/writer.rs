//! Appending to the log.
//!
//! `append` is all or nothing: after an error the file is cut back to the last
//! whole record and the writer stays usable (a full disk may have space again
//! later). A failed sync or cut is final: the kernel may have dropped the dirty
//! pages and a second fsync would answer OK for bytes that are gone (the
//! PostgreSQL "fsyncgate" of 2018, <https://lwn.net/Articles/752063/>), so the
//! writer refuses everything until the database is opened again.

use super::reader::{Replayed, WalStart};
use super::record::{ALIGN, RecordHeader};
use super::{LogId, PAYLOAD_MAX, WalPosition};
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, HEADER_LEN, Header};
use crate::storage::names::FileName;
use crate::storage::{File, Storage, checksum};
use crate::util::memory::{make_room, with_room};

/// Bytes that [`WriteMode::Buffered`] keeps back at most.
pub const BUFFER_MAX: usize = 1 << 20;

/// Records that the disk begins with before the sync: for a smaller one the call costs
/// more than it saves.
const BEGIN_FROM: u64 = 64 << 10;

/// When a record is handed to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Up to [`BUFFER_MAX`] bytes wait in memory for a `flush`; larger records
    /// are written at once. A killed process loses what waits.
    Buffered,
    /// Every `append` writes. A killed process loses nothing.
    Direct,
    /// As `Direct`, by callers who sync after a few records: the disk begins with
    /// a large one while the caller goes on.
    Synced,
}

/// A point of the log to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalMark {
    position: WalPosition,
    lsn: u64,
}

/// The one writer of the log.
pub struct WalWriter {
    file: Box<dyn File>,
    log: LogId,
    mode: WriteMode,
    /// Records not yet handed to the kernel.
    buffer: Vec<u8>,
    /// Length of the file.
    written: u64,
    /// Length that is known durable.
    synced: u64,
    last_lsn: u64,
    failed: bool,
}

impl WalWriter {
    /// Creates log file `number`, whose first record will have LSN `lsn + 1`.
    /// The empty file and its name are durable on return.
    pub fn create(storage: &dyn Storage, number: u64, salt: u64, lsn: u64) -> Result<WalWriter> {
        let mut file = storage.create(&FileName::Wal(number).to_string())?;
        let header = Header { number, words: [salt, lsn + 1], ..Header::default() };
        file.write_all(&[&header.encode(format::WAL)])?;
        file.sync()?;
        storage.sync_dir()?;
        Ok(WalWriter::at(file, LogId { salt, number }, HEADER_LEN as u64, lsn))
    }

    /// Goes on after the last record that [`replay`](super::replay) found,
    /// cutting off a torn tail. What was replayed is durable on return, also
    /// where a killed process had not synced it; after a clean close it was
    /// before, and nothing waits for the disk.
    pub fn resume(storage: &dyn Storage, start: &WalStart, found: &Replayed) -> Result<WalWriter> {
        for &number in &found.without_records {
            storage.remove(&FileName::Wal(number).to_string())?;
        }
        let WalPosition { number, offset } = found.end;
        let name = FileName::Wal(number).to_string();
        let mut file = storage.open_append(&name)?;
        let size = file.size()?;
        if size < offset {
            return Err(StorageError::corrupt(name, size, "the log became shorter after it was replayed"));
        }
        if size > offset {
            file.set_len(offset)?;
        }
        // The manifest was written after both were durable up to where it says.
        let untouched = size == offset && found.end == start.durable && found.without_records.is_empty();
        if !untouched {
            file.sync()?;
            storage.sync_dir()?;
        }
        Ok(WalWriter::at(file, LogId { salt: start.salt, number }, offset, found.last_lsn))
    }

    fn at(file: Box<dyn File>, log: LogId, len: u64, last_lsn: u64) -> WalWriter {
        let (mode, buffer) = (WriteMode::Direct, Vec::new());
        WalWriter { file, log, mode, buffer, written: len, synced: len, last_lsn, failed: false }
    }

    /// Begins the next log file. The old one is synced first, so that the log
    /// has no gap whatever the power does; after an error the old one goes on.
    pub fn rotate(&mut self, storage: &dyn Storage) -> Result<()> {
        self.sync()?;
        let number = self.log.number + 1;
        // A leftover of an earlier try: it never got a record.
        let removed = storage.remove(&FileName::Wal(number).to_string());
        removed.or_else(|e| if e.is_not_found() { Ok(()) } else { Err(e) })?;
        let next = WalWriter::create(storage, number, self.log.salt, self.last_lsn)?;
        *self = WalWriter { mode: self.mode, buffer: std::mem::take(&mut self.buffer), ..next };
        Ok(())
    }

    /// Chooses when records are handed to the kernel; `Direct` at first.
    /// What waits in memory goes out with the next write.
    pub fn set_mode(&mut self, mode: WriteMode) {
        self.mode = mode;
    }

    /// Appends the record `lsn`, which must follow the last one. `payload` is
    /// written from where it lies. On error nothing was appended.
    pub fn append(&mut self, lsn: u64, kind: u32, payload: &[&[u8]]) -> Result<()> {
        self.check_usable()?;
        if self.last_lsn.checked_add(1) != Some(lsn) {
            return Err(StorageError::Misuse { what: "LSNs of the log grow by one" });
        }
        let payload_len = payload.iter().map(|piece| piece.len() as u64).sum();
        if payload_len > PAYLOAD_MAX {
            return Err(StorageError::Limit { what: "log record size", value: payload_len, max: PAYLOAD_MAX });
        }
        let payload_crc = payload.iter().fold(0, |crc, piece| checksum::extend(crc, piece));
        let header = RecordHeader { kind, payload_len, lsn, synced_upto: self.synced, payload_crc };
        let frame_len = header.frame_len();
        let buffered = self.mode == WriteMode::Buffered && frame_len <= BUFFER_MAX as u64;
        if !buffered || self.buffer.len() as u64 + frame_len > BUFFER_MAX as u64 {
            self.flush()?;
        }
        let header = header.encode(self.log, self.len());
        let padding = &[0; ALIGN as usize][..(frame_len - header.len() as u64 - payload_len) as usize];
        if buffered {
            make_room(&mut self.buffer, frame_len as usize)?;
            self.buffer.extend_from_slice(&header);
            payload.iter().for_each(|piece| self.buffer.extend_from_slice(piece));
            self.buffer.extend_from_slice(padding);
        } else {
            let mut pieces = with_room(payload.len() + 2)?;
            pieces.push(&header[..]);
            pieces.extend_from_slice(payload);
            pieces.push(padding);
            self.file.write_all(&pieces).or_else(|e| self.undo_write(e))?;
            if self.mode == WriteMode::Synced && frame_len >= BEGIN_FROM {
                self.file.begin_sync(self.written).or_else(|e| self.give_up(e))?;
            }
            self.written += frame_len;
        }
        self.last_lsn = lsn;
        Ok(())
    }

    /// Hands what waits in memory to the kernel. On error it waits on.
    pub fn flush(&mut self) -> Result<()> {
        self.check_usable()?;
        if !self.buffer.is_empty() {
            self.file.write_all(&[&self.buffer]).or_else(|e| self.undo_write(e))?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Makes every record durable.
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        if self.synced < self.written {
            self.file.sync().inspect_err(|_| self.failed = true)?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// The present end of the log, to roll back to.
    pub fn mark(&self) -> WalMark {
        WalMark { position: self.position(), lsn: self.last_lsn }
    }

    /// Takes back the records since `mark`, for good: they do not return after
    /// a power cut.
    pub fn rollback_to(&mut self, mark: WalMark) -> Result<()> {
        self.check_usable()?;
        let WalPosition { number, offset } = mark.position;
        if number != self.log.number || offset > self.len() {
            return Err(StorageError::Misuse { what: "roll back to a mark of another log file or of the future" });
        }
        if let Some(kept) = offset.checked_sub(self.written) {
            self.buffer.truncate(kept as usize);
        } else {
            self.cut_to(offset)?;
            self.buffer.clear();
        }
        self.last_lsn = mark.lsn;
        Ok(())
    }

    /// After a failed sync: cuts off what was written since `mark`, so that
    /// processes that follow the log do not go on showing it. Promises nothing
    /// (whether the cut arrives is as unknown as all of the file): the next
    /// open finds the state at `mark` or a later one, as without it.
    pub fn withdraw_to(&mut self, mark: WalMark) {
        let WalPosition { number, offset } = mark.position;
        let is_behind = self.file.size().is_ok_and(|size| size > offset);
        if self.failed && number == self.log.number && is_behind {
            let _ = self.file.set_len(offset);
        }
    }

    /// The end of the log, records in memory included.
    pub fn position(&self) -> WalPosition {
        WalPosition { number: self.log.number, offset: self.len() }
    }

    /// The end of what was handed to the kernel: whoever reads the file now
    /// finds whole records up to here.
    pub fn written(&self) -> WalPosition {
        WalPosition { number: self.log.number, offset: self.written }
    }

    /// The end of what is known durable.
    pub fn durable(&self) -> WalPosition {
        WalPosition { number: self.log.number, offset: self.synced }
    }

    /// LSN of the last record.
    pub fn last_lsn(&self) -> u64 {
        self.last_lsn
    }

    /// Whether a failed sync or cut made the writer unusable.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Length of the log file once everything is written.
    fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn check_usable(&self) -> Result<()> {
        if self.failed {
            return Err(StorageError::Failed { file: FileName::Wal(self.log.number).to_string() });
        }
        Ok(())
    }

    /// Cuts off what a failed write may have left, and passes its error on. A
    /// cut that fails too shows in [`WalWriter::has_failed`].
    fn undo_write(&mut self, error: StorageError) -> Result<()> {
        let _ = self.cut_to(self.written);
        Err(error)
    }

    /// Passes on the error of a sync that had begun: as unknown as that of [`WalWriter::sync`].
    fn give_up(&mut self, error: StorageError) -> Result<()> {
        self.failed = true;
        let _ = self.file.set_len(self.written);
        Err(error)
    }

    /// Shortens the file durably. Without the sync a power cut could bring the
    /// taken-back records back, as the head of a log that went on without them.
    fn cut_to(&mut self, len: u64) -> Result<()> {
        let cut = self.file.set_len(len).and_then(|()| self.file.sync());
        self.failed |= cut.is_err();
        cut?;
        (self.written, self.synced) = (len, len);
        Ok(())
    }
}

impl std::fmt::Debug for WalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WalWriter({:?}, lsn {}, {} B durable)", self.position(), self.last_lsn, self.synced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sim::SimStorage;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A file that tells where a sync was begun, and fails to at the end.
    struct BegunFile {
        file: Box<dyn File>,
        begun: Arc<Mutex<Vec<u64>>>,
        fail_at: u64,
    }

    impl File for BegunFile {
        fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()> {
            self.file.write_all(pieces)
        }

        fn begin_sync(&mut self, offset: u64) -> Result<()> {
            self.begun.lock().unwrap().push(offset);
            if offset < self.fail_at {
                Ok(())
            } else {
                Err(StorageError::io("sync", "wal", io::ErrorKind::Other.into()))
            }
        }

        fn sync(&mut self) -> Result<()> {
            self.file.sync()
        }

        fn set_len(&mut self, len: u64) -> Result<()> {
            self.file.set_len(len)
        }

        fn size(&self) -> Result<u64> {
            self.file.size()
        }
    }

    #[test]
    fn the_disk_begins_with_large_records_and_an_error_of_that_is_one_of_the_sync() {
        let large = vec![7; BEGIN_FROM as usize];
        for (mode, expected) in [(WriteMode::Direct, vec![]), (WriteMode::Synced, vec![64, 64 + 40 + BEGIN_FROM + 48])]
        {
            let (disk, begun) = (SimStorage::new(), Arc::default());
            let mut log = WalWriter::create(&disk, 1, 0x5a17, 0).unwrap();
            let file = std::mem::replace(&mut log.file, disk.create("spare").unwrap());
            log.file = Box::new(BegunFile { file, begun: Arc::clone(&begun), fail_at: 1000 });
            log.set_mode(mode);
            log.append(1, 0, &[&large]).unwrap();
            log.append(2, 0, &[b"small"]).unwrap();
            let third = log.append(3, 0, &[&large]);
            assert_eq!(*begun.lock().unwrap(), expected);
            let failed = mode == WriteMode::Synced;
            assert_eq!((third.is_err(), log.has_failed(), log.sync().is_err()), (failed, failed, failed));
            let end = if failed { 64 + 40 + BEGIN_FROM + 48 } else { 64 + 2 * (40 + BEGIN_FROM) + 48 };
            assert_eq!(disk.size("wal-1.log").unwrap(), end);
        }
    }
}
