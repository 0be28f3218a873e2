//! Group commit: writers queue, whoever holds the lock writes for all, with one
//! sync for all of them.
//!
//! The view is published after the sync, so nobody reads a row that a power
//! cut could still take back (at durability FULL).

use super::ahead;
use super::checkpoint;
use super::core::Core;
use super::error::{Error, ErrorKind, Result};
use super::memory;
use super::options::Durability;
use super::queue;
use super::records::given::Given;
use super::writer::{Batch, Reply, Writer};
use crate::arena::Lease;
use crate::index::Unlimited;
use crate::storage::wal::WalWriter;
use crate::util::memory::collected;
use std::borrow::Cow;

/// Batches that wait for the holder of the writer lock, with what their memory was taken from.
pub type Queue = queue::Queue<(Batch<'static>, Lease), Result<Reply>>;

/// How often a batch is tried again: other writers may take what came back.
const TRIES: usize = 4;

/// Writes one batch. Where the limit on memory is in the way, it is tried again for as long as memory
/// comes back, and at least once: graph work may have let go of its own while this waited for it.
pub fn commit(core: &Core, batch: &Batch<'_>) -> Result<Reply> {
    if batch.brings_records() {
        checkpoint::tell_of_records(core)?;
    }
    let mut reply = attempt(core, batch);
    for _ in 0..TRIES {
        if !reply.as_ref().err().is_some_and(Error::is_over_budget) {
            break;
        }
        let came_back = memory::relieve(core)?;
        reply = attempt(core, batch);
        if !came_back {
            break;
        }
    }
    reply
}

fn attempt(core: &Core, batch: &Batch<'_>) -> Result<Reply> {
    let keep = |batch: &Batch<'_>| batch.to_owned(&core.shape, &core.budget).ok();
    let write = |writer: &mut Writer, own: Option<&Batch<'_>>| write_group(core, writer, own);
    core.queue.submit(&core.writer, batch, keep, write).unwrap_or_else(|| Err(broken()))
}

/// Writes `own` and all that waits, makes it durable, shows it to readers.
fn write_group(core: &Core, writer: &mut Writer, own: Option<&Batch<'_>>) -> Option<Result<Reply>> {
    let (before, slots) = (writer.lsn, writer.vectors.end());
    let mark = writer.log.as_ref().map(WalWriter::mark);
    let was_usable = writer.failed.is_none();
    let mut own = own.map(|batch| write(core, writer, batch));
    let waiting = core.queue.take();
    let write_kept =
        |kept: Option<(Batch<'_>, Lease)>| kept.map_or_else(|| Err(broken()), |(batch, _)| write(core, writer, &batch));
    let mut replies: Vec<Result<Reply>> = waiting.batches().map(write_kept).collect();
    ahead::ask(core, writer, writer.vectors.end() - slots);
    if let (true, Some(why)) = (was_usable, &writer.failed) {
        core.tell_write_failed(why);
    }
    if writer.lsn != before
        && let Err(error) = make_durable(core, writer).and_then(|()| core.publish(writer))
    {
        // Unknown on disk, unseen by readers: nobody may build on it.
        core.refuse_writes(writer, &error);
        // Other processes would read it, though the callers hear that it failed.
        if let (Durability::Full, Some(log), Some(mark)) = (core.settings.durability, writer.log.as_mut(), mark) {
            log.withdraw_to(mark);
        }
        for reply in own.iter_mut().chain(&mut replies) {
            if reply.is_ok() {
                *reply = Err(error.clone());
            }
        }
    }
    waiting.reply(replies);
    core.work_after_write(writer);
    own
}

/// Writes one batch. One that a filter chooses the rows of is asked for these now, when no other can
/// come between.
fn write(core: &Core, writer: &mut Writer, batch: &Batch<'_>) -> Result<Reply> {
    let Batch::Where { filter, meta } = batch else { return writer.write(batch) };
    writer.check_usable()?;
    let view = writer.view()?;
    let Some(selected) = filter.select(core, &view, &Unlimited)? else { return Ok(Reply::default()) };
    let _lease = core.budget.take(8 * selected.passing)?;
    let ids = Cow::Owned(collected(selected.passing_slots().map(|slot| view.id_of(slot)))?);
    match meta {
        None => writer.write(&Batch::Delete { ids }),
        Some(meta) => writer.write(&Batch::Meta { ids, records: Given::Same(Cow::Borrowed(meta)) }),
    }
}

/// Does for the log what the durability level promises at commit.
fn make_durable(core: &Core, writer: &mut Writer) -> Result<()> {
    let Some(log) = writer.log.as_mut() else { return Ok(()) };
    match core.settings.durability {
        Durability::Full => Ok(log.sync()?),
        Durability::Process => Ok(log.flush()?),
        Durability::None => Ok(()),
    }
}

/// Makes every commit so far survive power loss.
pub fn sync(core: &Core) -> Result<()> {
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    let Some(log) = writer.log.as_mut() else { return Ok(()) };
    let Err(error) = log.sync() else { return Ok(()) };
    let error = Error::from(error);
    // What waits in memory waits on while the disk is full; a failed sync is final.
    if log.has_failed() {
        core.refuse_writes(&mut writer, &error);
    }
    Err(error)
}

/// A panic while writing left the writer in an unknown state.
pub fn broken() -> Error {
    Error::new(ErrorKind::Poisoned, "a write was interrupted by an internal error; reopen the database")
}
