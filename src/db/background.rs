//! A background thread that sleeps until there is work.
//!
//! It is started by the first wake-up, so a database that needs no background
//! work has no thread. Waiters can ask for everything to be done and sleep
//! until it is.

use super::commit::lock;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Does what there is to do. `all` = also what could wait for more.
pub type Work = fn(&Core, all: bool) -> Result<()>;

#[derive(Default)]
struct State {
    core: Weak<Core>,
    thread: Option<JoinHandle<()>>,
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
pub struct Worker {
    name: &'static str,
    work: Work,
    mailbox: Arc<Mailbox>,
}

/// What callers and thread tell each other.
#[derive(Default)]
struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
}

/// Counts a caller that waits, until it is dropped.
struct Waiting<'a>(&'a Mailbox);

impl<'a> Waiting<'a> {
    fn new(mailbox: &'a Mailbox) -> Waiting<'a> {
        lock(&mailbox.state).waiting += 1;
        Waiting(mailbox)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
    }
}

/// How often a waiter looks at its task.
const POLL: Duration = Duration::from_millis(10);

impl Worker {
    /// A worker without a thread.
    pub fn new(name: &'static str, work: Work) -> Worker {
        Worker { name, work, mailbox: Arc::default() }
    }

    /// Tells the worker whom it works for.
    pub fn attach(&self, core: &Arc<Core>) {
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
            watch()?;
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

    fn start(&self, state: &mut State) {
        if state.thread.is_some() || state.stop {
            return;
        }
        let Some(core) = state.core.upgrade() else { return };
        let (mailbox, work) = (self.mailbox.clone(), self.work);
        let thread = std::thread::Builder::new().name(format!("vdb-{}", self.name));
        // Without a thread writes still succeed; rows stay in the tail.
        state.thread = thread.spawn(move || mailbox.run(&core, work)).ok();
    }
}

impl Mailbox {
    fn run(&self, core: &Core, work: Work) {
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
    use crate::db::{Database, Options};

    fn worker(core: &Arc<Core>, work: Work) -> Worker {
        let worker = Worker::new("test", work);
        worker.attach(core);
        worker
    }

    #[test]
    fn a_waiter_learns_of_an_error_and_of_a_panic() {
        let db = Database::open(None, &Options::new().dim(1)).unwrap();
        let failing = worker(&db.core, |_, _| fail(ErrorKind::Corrupt, "damaged"));
        assert_eq!(failing.finish(&|| Ok(())).unwrap_err().kind(), ErrorKind::Corrupt);
        let panicking = worker(&db.core, |_, all| panic!("a defect, all: {all}"));
        for _ in 0..2 {
            assert_eq!(panicking.finish(&|| Ok(())).unwrap_err().kind(), ErrorKind::Internal);
        }
        failing.stop();
        panicking.stop();
        assert_eq!(lock(&panicking.mailbox.state).waiting, 0);
    }
}
