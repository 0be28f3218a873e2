//! Batches that wait for the writer, and who writes them. Model-checked by `tests/loom`.
//!
//! A caller that finds the writer free writes from its own memory, copying
//! nothing. One that does not leaves a copy of its batch in the queue and
//! waits for the lock; by the time it gets it, an earlier holder has usually
//! written its batch with others. Each batch is written once, and no caller
//! returns before its own is.

use crate::util::sync::{Mutex, lock};
use std::sync::{Arc, TryLockError};

/// A batch that waits for somebody to write it.
struct Ticket<B, R> {
    batch: Mutex<Option<B>>,
    reply: Mutex<Option<R>>,
}

/// Batches `B` that wait for the holder of the writer lock, who replies with `R`.
pub struct Queue<B, R>(Mutex<Vec<Arc<Ticket<B, R>>>>);

impl<B, R> Default for Queue<B, R> {
    fn default() -> Self {
        Queue(Mutex::new(Vec::new()))
    }
}

/// What a holder of the lock took from the queue and owes replies to.
pub struct Group<B, R>(Vec<Arc<Ticket<B, R>>>);

impl<B, R> Queue<B, R> {
    /// Has `own` written, by this caller or by another; returns the reply. `write`
    /// writes its batch, if there is one, and all that [`Queue::take`] yields, and
    /// returns the reply for its batch. `keep` makes a copy of `own` that can wait;
    /// without one the caller waits for the lock and writes itself. `None` after a
    /// panic of whoever wrote.
    pub fn submit<W, O>(
        &self,
        writer: &Mutex<W>,
        own: &O,
        keep: impl FnOnce(&O) -> Option<B>,
        write: impl FnOnce(&mut W, Option<&O>) -> Option<R>,
    ) -> Option<R> {
        match writer.try_lock() {
            Ok(mut writer) => write(&mut writer, Some(own)),
            Err(TryLockError::Poisoned(_)) => None,
            Err(TryLockError::WouldBlock) => {
                let Some(batch) = keep(own) else { return write(&mut *writer.lock().ok()?, Some(own)) };
                let ticket = Arc::new(Ticket { batch: Mutex::new(Some(batch)), reply: Mutex::new(None) });
                lock(&self.0).push(ticket.clone());
                let mut writer = writer.lock().ok()?;
                let reply = lock(&ticket.reply).take();
                reply.or_else(|| {
                    write(&mut writer, None);
                    lock(&ticket.reply).take()
                })
            }
        }
    }

    /// All that waits now. The caller holds the writer lock and replies before it lets go.
    pub fn take(&self) -> Group<B, R> {
        Group(std::mem::take(&mut *lock(&self.0)))
    }
}

impl<B, R> Group<B, R> {
    /// The batches, in the order they came.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = Option<B>> {
        self.0.iter().map(|ticket| lock(&ticket.batch).take())
    }

    /// Tells each caller how its batch went.
    pub fn reply(self, replies: Vec<R>) {
        for (ticket, reply) in self.0.iter().zip(replies) {
            *lock(&ticket.reply) = Some(reply);
        }
    }
}
