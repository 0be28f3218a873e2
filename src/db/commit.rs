//! Group commit: writers queue, whoever holds the lock writes for all.
//!
//! A caller that finds the writer free writes from its own memory, copying
//! nothing. One that does not leaves a copy of its batch in the queue and
//! waits for the lock; by the time it gets it, an earlier holder has usually
//! written its batch with others and one sync for all of them.
//!
//! The view is published after the sync, so nobody reads a row that a power
//! cut could still take back (at durability FULL).

use super::core::Core;
use super::error::{Error, ErrorKind, Result};
use super::options::Durability;
use super::writer::{Batch, Writer};
use crate::storage::wal::WalWriter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// A batch that waits for somebody to write it.
pub struct Ticket {
    batch: Mutex<Option<Batch<'static>>>,
    reply: Mutex<Option<Result<u64>>>,
}

/// Batches that wait for the holder of the writer lock.
pub type Queue = Mutex<Vec<Arc<Ticket>>>;

/// Writes one batch; returns the number of rows it changed.
pub fn commit(core: &Core, batch: Batch<'_>) -> Result<u64> {
    match core.writer.try_lock() {
        Ok(mut writer) => write_group(core, &mut writer, Some(&batch)).expect("a reply for the own batch"),
        Err(TryLockError::Poisoned(_)) => Err(broken()),
        Err(TryLockError::WouldBlock) => {
            let ticket = Arc::new(Ticket { batch: Mutex::new(Some(batch.into_owned()?)), reply: Mutex::default() });
            lock(&core.queue).push(ticket.clone());
            let mut writer = core.writer.lock().map_err(|_| broken())?;
            if let Some(reply) = lock(&ticket.reply).take() {
                return reply;
            }
            write_group(core, &mut writer, None);
            lock(&ticket.reply).take().unwrap_or_else(|| Err(broken()))
        }
    }
}

/// Writes `own` and all that waits, makes it durable, shows it to readers.
fn write_group(core: &Core, writer: &mut Writer, own: Option<&Batch<'_>>) -> Option<Result<u64>> {
    let before = writer.lsn;
    let mark = writer.log.as_ref().map(WalWriter::mark);
    let mut own = own.map(|batch| writer.write(batch));
    let waiting = std::mem::take(&mut *lock(&core.queue));
    let mut replies: Vec<Result<u64>> = Vec::with_capacity(waiting.len());
    for ticket in &waiting {
        let batch = lock(&ticket.batch).take();
        replies.push(batch.map_or_else(|| Err(broken()), |batch| writer.write(&batch)));
    }
    if writer.lsn != before
        && let Err(error) = make_durable(core, writer).and_then(|()| core.publish(writer))
    {
        // Unknown on disk, unseen by readers: nobody may build on it.
        writer.failed = Some(error.clone());
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
    for (ticket, reply) in waiting.iter().zip(replies) {
        *lock(&ticket.reply) = Some(reply);
    }
    core.work_after_write(writer);
    own
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
        writer.failed = Some(error.clone());
    }
    Err(error)
}

/// Locks a mutex whose data no panic can leave half-changed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic while writing left the writer in an unknown state.
pub fn broken() -> Error {
    Error::new(ErrorKind::Poisoned, "a write was interrupted by an internal error; reopen the database")
}
