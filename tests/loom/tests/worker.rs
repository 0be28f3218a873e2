//! The mailbox of a background thread (promises P8, P10; test T12). A wait of the
//! model never times out, so a wake-up that is lost is a deadlock, which loom reports.

use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;
use vdb_loom::all_interleavings;
use vdb_loom::db::background::Worker;

/// Work that was asked for and work that was done.
#[derive(Default)]
struct Core {
    asked: AtomicUsize,
    done: Mutex<usize>,
    more_done: Condvar,
}

impl Core {
    fn done(&self) -> usize {
        *self.done.lock().unwrap()
    }

    /// Waits without asking for anything.
    fn wait_for(&self, amount: usize) {
        let mut done = self.done.lock().unwrap();
        while *done < amount {
            done = self.more_done.wait(done).unwrap();
        }
    }
}

/// Does all that was asked for before it looked.
fn work(core: &Core, _all: bool) -> vdb_loom::db::error::Result<()> {
    let asked = core.asked.load(SeqCst);
    *core.done.lock().unwrap() = asked;
    core.more_done.notify_all();
    Ok(())
}

fn worker() -> (Arc<Core>, Arc<Worker<Core>>) {
    let core = Arc::new(Core::default());
    let worker = Arc::new(Worker::new("model", work));
    worker.attach(&core);
    (core, worker)
}

/// Who waits finds done whatever was asked for before, also when a round is under way
/// that did not see it.
#[test]
fn a_wait_ends_when_all_is_done() {
    all_interleavings(None, || {
        let (core, worker) = worker();
        core.asked.store(1, SeqCst);
        worker.wake();
        core.asked.store(2, SeqCst);
        worker.finish(&|| Ok(())).unwrap();
        assert_eq!(core.done(), 2);
        worker.stop();
    });
}

/// Who waits only for as long as it needs to ends with a round too, and asks again after each.
#[test]
fn a_wait_for_enough_ends_when_there_is() {
    all_interleavings(None, || {
        let (core, worker) = worker();
        core.asked.store(1, SeqCst);
        worker.until(&|| Ok(core.done() == 1)).unwrap();
        assert_eq!(core.done(), 1);
        worker.stop();
    });
}

#[test]
fn a_wake_up_during_a_round_is_not_lost() {
    all_interleavings(Some(3), || {
        let (core, worker) = worker();
        let other = {
            let (core, worker) = (core.clone(), worker.clone());
            thread::spawn(move || {
                core.asked.fetch_add(1, SeqCst);
                worker.wake();
            })
        };
        core.asked.fetch_add(1, SeqCst);
        worker.wake();
        core.wait_for(2);
        other.join().unwrap();
        worker.stop();
    });
}

/// Closing while another thread waits for the work, which may not even have begun:
/// the wait ends, and so does the thread.
#[test]
fn a_stop_ends_the_thread_and_every_wait() {
    all_interleavings(None, || {
        let (_core, worker) = worker();
        let waiter = {
            let worker = worker.clone();
            thread::spawn(move || worker.finish(&|| Ok(())).unwrap())
        };
        worker.stop();
        waiter.join().unwrap();
        // Nothing starts a thread again.
        worker.wake();
        worker.finish(&|| Ok(())).unwrap();
    });
}
