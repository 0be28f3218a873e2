//! The new database, filled through its ordinary write path: there is one
//! writer of the format.
//!
//! It is closed and opened again now and then, so that rows lie in mapped
//! files and memory stays bounded, and builds no graph: that is background
//! work, which begins when the finished database is opened.

use crate::db::commit::{broken, commit};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::options::{Durability, Options, Settings};
use crate::db::records::Record;
use crate::db::records::given::{Given, Resolved};
use crate::db::writer::Batch;
use crate::db::{Database, Vectors};
use crate::storage::Staging;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows of a batch, and their bytes.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of rows after which the database is opened anew.
const SESSION_BYTES: usize = 512 << 20;

/// A row that the database does not take: only forged files have one.
pub struct Refused {
    pub id: u64,
    pub why: String,
}

/// Records that wait to be written, each as the log has them.
#[derive(Default)]
struct Waiting {
    lens: Vec<u32>,
    bytes: Vec<u8>,
}

/// The writing end of a repair.
pub struct Sink<'a> {
    staging: &'a Staging,
    settings: Settings,
    shift: u32,
    row_bytes: usize,
    /// `None` only while it is opened anew, and after an error in that.
    database: Option<Database>,
    ids: Vec<u64>,
    rows: Vec<u8>,
    /// The records of these rows; `None` where they keep what they have.
    records: Option<Waiting>,
    written: usize,
    next_id: Option<u64>,
    refused: Vec<Refused>,
    /// Rows whose key went to a later one.
    without_key: Vec<u64>,
}

impl Waiting {
    fn resolved(&self) -> Resolved<'_> {
        Resolved { lens: &self.lens, bytes: &self.bytes }
    }

    fn push(&mut self, record: &[u8]) {
        self.lens.push(record.len() as u32);
        self.bytes.extend_from_slice(record);
    }

    fn clear(&mut self) {
        self.lens.clear();
        self.bytes.clear();
    }
}

impl<'a> Sink<'a> {
    /// A new database with the schema in `settings` and chunks of `1 << shift` rows, which gives no id below
    /// `next_id`.
    pub fn new(staging: &'a Staging, settings: &Settings, shift: u32, next_id: Option<u64>) -> Result<Sink<'a>> {
        let row_bytes = crate::db::schema::shape_of(settings)?.row_bytes();
        let mut sink = Sink {
            staging,
            settings: settings.clone(),
            shift,
            row_bytes,
            database: None,
            ids: Vec::new(),
            rows: Vec::new(),
            records: None,
            written: 0,
            next_id,
            refused: Vec::new(),
            without_key: Vec::new(),
        };
        sink.open()?;
        Ok(sink)
    }

    /// Inserts or replaces one row, now or with a later call. Without a record it keeps the one that it has.
    pub fn put(&mut self, id: u64, row: &[u8], record: Option<&[u8]>) -> Result<()> {
        if self.records.is_some() != record.is_some() {
            self.flush()?;
            self.records = record.map(|_| Waiting::default());
        }
        if let (Some(waiting), Some(record)) = (&mut self.records, record) {
            waiting.push(record);
        }
        self.ids.push(id);
        self.rows.extend_from_slice(row);
        let bytes = self.rows.len() + self.records.as_ref().map_or(0, |waiting| waiting.bytes.len());
        if self.ids.len() >= BATCH_ROWS || bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Gives the rows of `ids` that there are these records.
    pub fn meta(&mut self, ids: &[u64], records: Resolved<'_>) -> Result<()> {
        self.flush()?;
        let keys: Vec<&[u8]> = records.iter().map(key_of).collect();
        self.free_keys(ids, &keys)?;
        let batch = Batch::Meta { ids: Cow::Borrowed(ids), records: Given::Resolved(records) };
        commit(&self.database()?.core, &batch).map(drop)
    }

    /// Deletes the rows of `ids` that there are.
    pub fn delete(&mut self, ids: &[u64]) -> Result<()> {
        self.flush()?;
        self.database()?.delete_batch(ids).map(drop)
    }

    /// Whether there is a row of `id`. Call [`Sink::flush`] before.
    pub fn contains(&self, id: u64) -> Result<bool> {
        Ok(self.database()?.core.view.load().slot_of(id).is_some())
    }

    /// Has the new database give no id up to `id`.
    pub fn give_none_up_to(&mut self, id: u64) -> Result<()> {
        self.next_id = self.next_id.max(Some(id.saturating_add(1)));
        self.keep_next_id()
    }

    /// Rows whose key went to a later one, which has it now.
    pub fn without_key(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.without_key)
    }

    /// Rows that were refused since the last call.
    pub fn refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }

    /// Writes the rows that wait.
    pub fn flush(&mut self) -> Result<()> {
        self.settle_keys()?;
        while !self.ids.is_empty() {
            let vectors =
                Vectors::new(&self.rows, self.settings.scalar, self.settings.dim as usize, self.ids.len(), 0)?;
            let records = match &self.records {
                Some(waiting) => Given::Resolved(waiting.resolved()),
                None => Given::Nothing,
            };
            match self.database()?.put_records(&self.ids, vectors, records, true, None) {
                Ok(_) => {
                    self.written += self.rows.len();
                    self.ids.clear();
                    self.rows.clear();
                    if let Some(waiting) = &mut self.records {
                        self.written += waiting.bytes.len();
                        waiting.clear();
                    }
                }
                Err(error) => self.drop_row(error)?,
            }
        }
        if self.written >= SESSION_BYTES { self.open() } else { Ok(()) }
    }

    /// Writes everything to files and closes; returns the number of rows.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        self.keep_next_id()?;
        let rows = self.database()?.count()?;
        self.database.take().map_or(Ok(()), Database::close)?;
        Ok(rows)
    }

    /// Takes out the row that `error` is about; any other error comes back.
    fn drop_row(&mut self, error: Error) -> Result<()> {
        let is_about_a_row =
            matches!(error.kind(), ErrorKind::NotFinite | ErrorKind::OutOfRange | ErrorKind::InvalidArgument);
        let at = error.item().map(|item| item as usize).filter(|&at| is_about_a_row && at < self.ids.len());
        let Some(at) = at else { return Err(error) };
        self.refused.push(Refused { id: self.ids.remove(at), why: error.message().into() });
        self.rows.drain(at * self.row_bytes..(at + 1) * self.row_bytes);
        if let Some(Waiting { lens, bytes }) = &mut self.records {
            let from: usize = lens[..at].iter().map(|&len| len as usize).sum();
            bytes.drain(from..from + lens.remove(at) as usize);
        }
        Ok(())
    }

    fn database(&self) -> Result<&Database> {
        match &self.database {
            Some(database) => Ok(database),
            None => fail(ErrorKind::Internal, "the new database could not be opened again"),
        }
    }

    fn open(&mut self) -> Result<()> {
        self.database.take().map_or(Ok(()), Database::close)?;
        let s = &self.settings;
        let schema =
            Options::new().dim(s.dim).metric(s.metric).scalar(s.scalar).quant(s.quant).pq_subspaces(s.pq_subspaces);
        let schema = schema
            .originals(s.originals)
            .columns(&s.columns.to_string())
            .m(s.m)
            .ef_construction(s.ef_construction)
            .seed(s.seed);
        // Nothing counts before the end, when all of it is synced.
        let options = schema.durability(Durability::None).graph_min_rows(u32::MAX.into());
        let storage = self.staging.storage()?;
        let database = Database::open_on(Some(Box::new(storage)), &options, Some(self.shift))?;
        self.database = Some(database);
        self.written = 0;
        self.keep_next_id()
    }

    /// Tells the new database which id it may give next, so that its next checkpoint has it.
    fn keep_next_id(&self) -> Result<()> {
        let Some(next_id) = self.next_id else { return Ok(()) };
        let core = &self.database()?.core;
        let mut writer = core.writer.lock().map_err(|_| broken())?;
        if writer.assigned && writer.next_id >= next_id {
            return Ok(());
        }
        (writer.next_id, writer.assigned) = (writer.next_id.max(next_id), true);
        core.publish(&mut writer)
    }

    /// Leaves each key to one row. Where rows are back that may have been deleted, several may have had one: then it
    /// is the last row's, as their slots say.
    fn settle_keys(&mut self) -> Result<()> {
        let Some(waiting) = self.records.take_if(|waiting| !waiting.lens.is_empty()) else { return Ok(()) };
        let keys: Vec<&[u8]> = waiting.resolved().iter().map(key_of).collect();
        let mut owners: HashMap<&[u8], usize> = HashMap::new();
        let mut without = HashSet::new();
        for (at, key) in keys.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
            without.extend(owners.insert(key, at).filter(|&before| self.ids[before] != self.ids[at]));
        }
        let ids = std::mem::take(&mut self.ids);
        let freed = self.free_keys(&ids, &keys);
        self.without_key.extend(without.iter().map(|&at| ids[at]));
        self.ids = ids;
        let mut settled = Waiting::default();
        match without.is_empty() {
            true => settled = waiting,
            false => waiting.resolved().iter().enumerate().try_for_each(|(at, record)| {
                if without.contains(&at) {
                    settled.push(&keyless(record)?)
                } else {
                    settled.push(record)
                }
                Ok::<_, Error>(())
            })?,
        }
        self.records = Some(settled);
        freed
    }

    /// Takes `keys`, which the rows of `ids` are to have, from the rows of other ids that have them.
    fn free_keys(&mut self, ids: &[u64], keys: &[&[u8]]) -> Result<()> {
        let view = self.database()?.core.view.load_full();
        let mut before = BTreeMap::new();
        for (id, key) in ids.iter().zip(keys).filter(|(_, key)| !key.is_empty()) {
            let slot = view.slot_of_key(key).filter(|&slot| view.id_of(slot) != *id);
            before.extend(slot.map(|slot| (view.id_of(slot), slot)));
        }
        // Rows that are replaced leave their keys anyway.
        ids.iter().for_each(|id| _ = before.remove(id));
        for (id, slot) in before {
            let record = keyless(view.records.bytes(slot))?;
            let records = Given::Resolved(Resolved { lens: &[record.len() as u32], bytes: &record });
            let row = view.stored.rows.row(slot);
            let vector = Vectors::new(row, self.settings.scalar, self.settings.dim as usize, 1, 0)?;
            self.database()?.put_records(&[id], vector, records, true, None)?;
            self.without_key.push(id);
        }
        Ok(())
    }
}

fn key_of(record: &[u8]) -> &[u8] {
    Record::read(record).unwrap_or_default().key
}

/// A record without its key.
fn keyless(record: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Record { key: b"", ..Record::read(record).unwrap_or_default() }.write(&mut bytes)?;
    Ok(bytes)
}

impl Drop for Sink<'_> {
    fn drop(&mut self) {
        // After an error: what is there will be removed.
        if let Some(database) = self.database.take() {
            database.abandon();
        }
    }
}
