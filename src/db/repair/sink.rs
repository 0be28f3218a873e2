//! The new database, filled through its ordinary write path: there is one
//! writer of the format.
//!
//! It is closed and opened again now and then, so that rows lie in mapped
//! files and memory stays bounded, and builds no graph: that is background
//! work, which begins when the finished database is opened.

use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::options::{Durability, Options, Settings};
use crate::db::{Database, Vectors};
use crate::storage::Staging;

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
    written: usize,
    refused: Vec<Refused>,
}

impl<'a> Sink<'a> {
    /// A new database with the schema in `settings` and chunks of `1 << shift` rows.
    pub fn new(staging: &'a Staging, settings: &Settings, shift: u32) -> Result<Sink<'a>> {
        let row_bytes = crate::db::open::shape_of(settings)?.row_bytes();
        let mut sink = Sink {
            staging,
            settings: settings.clone(),
            shift,
            row_bytes,
            database: None,
            ids: Vec::new(),
            rows: Vec::new(),
            written: 0,
            refused: Vec::new(),
        };
        sink.open()?;
        Ok(sink)
    }

    /// Inserts or replaces one row, now or with a later call.
    pub fn put(&mut self, id: u64, row: &[u8]) -> Result<()> {
        self.ids.push(id);
        self.rows.extend_from_slice(row);
        if self.ids.len() >= BATCH_ROWS || self.rows.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
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

    /// Rows that were refused since the last call.
    pub fn refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }

    /// Writes the rows that wait.
    pub fn flush(&mut self) -> Result<()> {
        while !self.ids.is_empty() {
            let vectors =
                Vectors::new(&self.rows, self.settings.scalar, self.settings.dim as usize, self.ids.len(), 0)?;
            match self.database()?.upsert_batch(&self.ids, vectors, None) {
                Ok(()) => {
                    self.written += self.rows.len();
                    self.ids.clear();
                    self.rows.clear();
                }
                Err(error) => self.drop_row(error)?,
            }
        }
        if self.written >= SESSION_BYTES { self.open() } else { Ok(()) }
    }

    /// Writes everything to files and closes; returns the number of rows.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
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
        let schema = schema.originals(s.originals).m(s.m).ef_construction(s.ef_construction).seed(s.seed);
        // Nothing counts before the end, when all of it is synced.
        let options = schema.durability(Durability::None).graph_min_rows(u32::MAX.into());
        let storage = self.staging.storage()?;
        self.database = Some(Database::open_on(Some(Box::new(storage)), &options, Some(self.shift))?);
        self.written = 0;
        Ok(())
    }
}

impl Drop for Sink<'_> {
    fn drop(&mut self) {
        // After an error: what is there will be removed.
        if let Some(database) = self.database.take() {
            database.abandon();
        }
    }
}
