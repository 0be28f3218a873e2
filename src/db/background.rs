//! A background thread that sleeps until there is work.
//!
//! It is started by the first wake-up, so a database that needs no background
//! work has no thread. Waiters can ask for everything to be done and sleep
//! until it is. Model-checked by `tests/loom`, where no wait times out: a waiter
//! that only the poll would wake is found as a deadlock.

use super::error::{Error, ErrorKind, Result, fail};
use crate::util::sync::{Condvar, Mutex, lock, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// Does what there is to do for a `C`. `all` = also what could wait for more.
pub type Work<C> = fn(&C, all: bool) -> Result<()>;

struct State<C> {
    core: Weak<C>,
    thread: Option<thread::JoinHandle<()>>,
    wake: bool,
    stop: bool,
    /// Callers that wait for everything to be done.
    waiting: usize,
    /// Rounds finished: a waiter knows that a whole one lies behind it.
    rounds: u64,
    /// How the last round ended.
    error: Option<Error>,
}

/// One background thread, seen from the callers.
pub struct Worker<C> {
    name: &'static str,
    work: Work<C>,
    mailbox: Arc<Mailbox<C>>,
}

/// What callers and thread tell each other.
struct Mailbox<C> {
    state: Mutex<State<C>>,
    changed: Condvar,
}

/// Counts a caller that waits, until it is dropped.
struct Waiting<'a, C>(&'a Mailbox<C>);

impl<'a, C> Waiting<'a, C> {
    fn new(mailbox: &'a Mailbox<C>) -> Waiting<'a, C> {
        lock(&mailbox.state).waiting += 1;
        Waiting(mailbox)
    }
}

impl<C> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
    }
}

/// How often a waiter looks at its task.
const POLL: Duration = Duration::from_millis(10);

impl<C: Send + Sync + 'static> Worker<C> {
    /// A worker without a thread.
    pub fn new(name: &'static str, work: Work<C>) -> Worker<C> {
        let (core, thread, error) = (Weak::new(), None, None);
        let state = State { core, thread, wake: false, stop: false, waiting: 0, rounds: 0, error };
        Worker { name, work, mailbox: Arc::new(Mailbox { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Tells the worker whom it works for.
    pub fn attach(&self, core: &Arc<C>) {
        lock(&self.mailbox.state).core = Arc::downgrade(core);
    }

    /// Has the work done some time soon.
    pub fn wake(&self) {
        let mut state = lock(&self.mailbox.state);
        state.wake = true;
        self.start(&mut state);
        self.mailbox.changed.notify_all();
    }

    /// Waits until a round that began after this call is done, with all that
    /// could wait. `watch` is asked now and then; its error ends the waiting.
    pub fn finish(&self, watch: &dyn Fn() -> Result<()>) -> Result<()> {
        // Made before the guard of the state, so dropped after it.
        let _waiting = Waiting::new(&self.mailbox);
        self.until(&|| watch().map(|()| false))
    }

    /// Waits until a round that began after this call is done, or `enough` says that it
    /// need not be waited for. `enough` is asked now and then; its error ends the waiting.
    pub fn until(&self, enough: &dyn Fn() -> Result<bool>) -> Result<()> {
        let mut state = lock(&self.mailbox.state);
        self.start(&mut state);
        // The round under way may have looked before we came.
        let target = state.rounds + 2;
        loop {
            if state.stop {
                return Ok(());
            }
            if state.thread.is_none() {
                return fail(ErrorKind::NoMemory, format!("cannot start the {} thread", self.name));
            }
            if state.rounds >= target {
                return state.error.clone().map_or(Ok(()), Err);
            }
            state.wake = true;
            self.mailbox.changed.notify_all();
            // Writers wake the thread under their own lock: no caller's code runs under this one.
            drop(self.mailbox.changed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner));
            if enough()? {
                return Ok(());
            }
            state = lock(&self.mailbox.state);
        }
    }

    /// Ends the thread after the step it is in.
    pub fn stop(&self) {
        let thread = {
            let mut state = lock(&self.mailbox.state);
            state.stop = true;
            self.mailbox.changed.notify_all();
            state.thread.take()
        };
        if let Some(thread) = thread {
            // A panic of the thread was its own; there is nothing left to tell.
            let _ = thread.join();
        }
    }

    /// Whether the thread was ever needed.
    #[cfg(test)]
    pub fn is_started(&self) -> bool {
        lock(&self.mailbox.state).thread.is_some()
    }

    fn start(&self, state: &mut State<C>) {
        if state.thread.is_some() || state.stop {
            return;
        }
        let Some(core) = state.core.upgrade() else { return };
        let (mailbox, work) = (self.mailbox.clone(), self.work);
        let thread = thread::Builder::new().name(format!("vdb-{}", self.name));
        // Without a thread writes still succeed; rows stay in the tail.
        state.thread = thread.spawn(move || mailbox.run(&core, work)).ok();
    }
}

impl<C> Mailbox<C> {
    fn run(&self, core: &C, work: Work<C>) {
        loop {
            let all = {
                let mut state = lock(&self.state);
                while !state.wake && !state.stop {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.stop {
                    return;
                }
                state.wake = false;
                state.waiting > 0
            };
            // A panic must not end the thread: whoever waits for it would wait for ever.
            let result = catch_unwind(AssertUnwindSafe(|| work(core, all))).unwrap_or_else(|payload| {
                // Dropping the payload could panic again.
                std::mem::forget(payload);
                fail(ErrorKind::Internal, "background work met an internal error; reopen the database")
            });
            let mut state = lock(&self.state);
            state.error = result.err();
            state.rounds += 1;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_learns_of_an_error_and_of_a_panic() {
        let core = Arc::new(());
        let failing = Worker::new("test", |_, _| fail(ErrorKind::Corrupt, "damaged"));
        failing.attach(&core);
        assert_eq!(failing.finish(&|| Ok(())).unwrap_err().kind(), ErrorKind::Corrupt);
        let panicking = Worker::new("test", |_, all| panic!("a defect, all: {all}"));
        panicking.attach(&core);
        for _ in 0..2 {
            assert_eq!(panicking.finish(&|| Ok(())).unwrap_err().kind(), ErrorKind::Internal);
        }
        failing.stop();
        panicking.stop();
        assert_eq!(lock(&panicking.mailbox.state).waiting, 0);
    }
}
