//! The calls that write: rows, records, deletions. Each is one batch, whole or not at all.
//!
//! Here a batch is checked, prepared and timed; what becomes of it is for `commit` and `writer`.

use super::error::{ErrorKind, Result, fail};
use super::records::given::Given;
use super::types::Vectors;
use super::writer::Batch;
use super::{Call, Database, Filter, Records, Task, Texts, commit, input, memory, pace};
use crate::index::Control;
use std::borrow::Cow;

impl Database {
    /// Inserts `vectors` under `ids`, all or none. An id that exists, in the
    /// database or twice in the batch, is an error. The rows can be found and
    /// are as durable as the database promises when this returns.
    pub fn insert_batch(&self, ids: &[u64], vectors: Vectors<'_>, task: Option<&Task>) -> Result<()> {
        self.core.latencies.of(Call::Insert, || self.put(ids, vectors, false, task))
    }

    /// Inserts or replaces, all or none. Where an id stands twice in the batch
    /// the last row wins.
    pub fn upsert_batch(&self, ids: &[u64], vectors: Vectors<'_>, task: Option<&Task>) -> Result<()> {
        self.core.latencies.of(Call::Upsert, || self.put(ids, vectors, true, task))
    }

    fn put(&self, ids: &[u64], vectors: Vectors<'_>, replace: bool, task: Option<&Task>) -> Result<()> {
        self.put_records(ids, vectors, Given::Nothing, replace, task).map(drop)
    }

    /// Inserts rows with their records, all or none. [`ID_NONE`](super::ID_NONE) among `ids` asks for an id: the reply is in its
    /// place. Errors as [`Database::insert_batch`]; a key that a row has already is [`ErrorKind::AlreadyExists`].
    pub fn insert_records(
        &self,
        ids: &mut [u64],
        vectors: Vectors<'_>,
        records: &Records<'_>,
        task: Option<&Task>,
    ) -> Result<()> {
        self.core.latencies.of(Call::Insert, || self.put_and_tell(ids, vectors, records, false, task))
    }

    /// Inserts or replaces rows with their records, all or none. [`ID_NONE`](super::ID_NONE) among `ids` asks for the id of the row
    /// with this key, or for a new one where there is none: the reply is in its place. Where `records` has no
    /// keys, or no metadata, replaced rows keep what they have. A key that a row of another id has is
    /// [`ErrorKind::AlreadyExists`].
    pub fn upsert_records(
        &self,
        ids: &mut [u64],
        vectors: Vectors<'_>,
        records: &Records<'_>,
        task: Option<&Task>,
    ) -> Result<()> {
        self.core.latencies.of(Call::Upsert, || self.put_and_tell(ids, vectors, records, true, task))
    }

    fn put_and_tell(
        &self,
        ids: &mut [u64],
        vectors: Vectors<'_>,
        records: &Records<'_>,
        replace: bool,
        task: Option<&Task>,
    ) -> Result<()> {
        let given = Given::Fields(records.borrowed());
        if let Some(found) = self.put_records(ids, vectors, given, replace, task)? {
            ids.copy_from_slice(&found);
        }
        Ok(())
    }

    /// Returns the ids, where some were asked for.
    pub(super) fn put_records(
        &self,
        ids: &[u64],
        vectors: Vectors<'_>,
        records: Given<'_>,
        replace: bool,
        task: Option<&Task>,
    ) -> Result<Option<Vec<u64>>> {
        self.core.check_writable()?;
        let total = ids.len() as u64;
        let rows = self.prepared(ids, vectors, &records)?;
        if task.is_some_and(|task| !task.step(0, total)) {
            return fail(ErrorKind::Cancelled, "cancelled before anything was written");
        }
        let mut found = None;
        if total > 0 {
            pace::hold(&self.core, &|| task.is_none_or(|task| task.step(0, total)))?;
            let batch = Batch::Put { ids: Cow::Borrowed(ids), rows, replace, records };
            found = commit::commit(&self.core, &batch)?.ids;
        }
        // Too late to cancel: the batch is there.
        if let Some(task) = task {
            task.finished(total);
        }
        Ok(found)
    }

    /// Writes a batch, however far the graph is behind.
    pub(super) fn write_rows(
        &self,
        ids: &[u64],
        vectors: Vectors<'_>,
        records: Given<'_>,
        replace: bool,
    ) -> Result<()> {
        let rows = self.prepared(ids, vectors, &records)?;
        commit::commit(&self.core, &Batch::Put { ids: Cow::Borrowed(ids), rows, replace, records }).map(drop)
    }

    /// The rows as they will be stored; where the limit on memory leaves no room for
    /// that, memory is given back first.
    pub(super) fn prepared<'a>(
        &self,
        ids: &[u64],
        vectors: Vectors<'a>,
        records: &Given<'_>,
    ) -> Result<input::Stored<'a>> {
        let rules = self.core.settings.meta_rules();
        let prepare = || input::prepare(&self.core.shape, ids, vectors, records, rules, &self.core.budget);
        match prepare() {
            Err(error) if error.is_over_budget() => {
                memory::relieve(&self.core)?;
                prepare()
            }
            prepared => prepared,
        }
    }

    /// Deletes rows, all in one batch; returns how many there were. Unknown
    /// ids are passed over.
    pub fn delete_batch(&self, ids: &[u64]) -> Result<u64> {
        self.core.check_writable()?;
        if ids.is_empty() {
            return Ok(0);
        }
        let batch = Batch::Delete { ids: Cow::Borrowed(ids) };
        Ok(self.core.latencies.of(Call::Delete, || commit::commit(&self.core, &batch))?.changed)
    }

    /// Deletes the rows that have one of `keys`, all in one batch; returns how many there were.
    pub fn delete_keys(&self, keys: &Texts<'_>) -> Result<u64> {
        self.core.check_writable()?;
        if keys.count() == 0 {
            return Ok(0);
        }
        let batch = Batch::DeleteKeys { keys: keys.borrowed() };
        Ok(self.core.latencies.of(Call::Delete, || commit::commit(&self.core, &batch))?.changed)
    }

    /// Deletes the rows that a filter lets pass at this moment, all in one batch; returns how many there were.
    pub fn delete_where(&self, filter: &Filter, task: Option<&Task>) -> Result<u64> {
        self.core.check_writable()?;
        self.core.latencies.of(Call::Delete, || self.change_where(filter, None, task))
    }

    /// Gives the rows of `ids` other metadata, all in one batch; vectors, keys and the graph stay. Empty
    /// metadata is none. Returns how many rows there were; of an id that stands twice the last one counts.
    pub fn update_meta_batch(&self, ids: &[u64], meta: &Texts<'_>) -> Result<u64> {
        self.core.check_writable()?;
        let records = Records { keys: None, meta: Some(meta.borrowed()) };
        input::check_size(ids.len() as u64, records.total(), 8)?;
        records.check(ids.len(), self.core.settings.meta_rules())?;
        if ids.is_empty() {
            return Ok(0);
        }
        let batch = Batch::Meta { ids: Cow::Borrowed(ids), records: Given::Fields(records) };
        Ok(self.core.latencies.of(Call::UpdateMeta, || commit::commit(&self.core, &batch))?.changed)
    }

    /// Gives the rows that a filter lets pass at this moment the metadata `meta` (empty = none), all in one
    /// batch; returns how many there were.
    pub fn update_meta_where(&self, filter: &Filter, meta: &[u8], task: Option<&Task>) -> Result<u64> {
        self.core.check_writable()?;
        self.core.settings.meta_rules().checker().check(meta)?;
        self.core.latencies.of(Call::UpdateMeta, || self.change_where(filter, Some(meta), task))
    }

    fn change_where(&self, filter: &Filter, meta: Option<&[u8]>, task: Option<&Task>) -> Result<u64> {
        // What is asked here need not be asked again while other writers wait.
        let control = Cancel(task);
        if filter.select(&self.core, &self.core.view.load(), &control)?.is_none() || control.stop() {
            return fail(ErrorKind::Cancelled, "cancelled before anything was written");
        }
        let batch = Batch::Where { filter: filter.clone(), meta: meta.map(Cow::Borrowed) };
        let changed = commit::commit(&self.core, &batch)?.changed;
        if let Some(task) = task {
            task.finished(changed);
        }
        Ok(changed)
    }
}

/// Stops when a task is cancelled.
struct Cancel<'a>(Option<&'a Task>);

impl Control for Cancel<'_> {
    fn stop(&self) -> bool {
        self.0.is_some_and(Task::is_cancelled)
    }
}
