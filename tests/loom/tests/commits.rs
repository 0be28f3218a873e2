//! Group commit and the view it publishes (promises P2, P3; test T12).
//!
//! `db/queue` is the library's; around it stands the smallest writer that has a log, a
//! sync and a view, in the order of `db/commit`. The swap of the view itself
//! is arc-swap's, and here one atomic store.

use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;
use std::sync::Arc;
use vdb_loom::all_interleavings;
use vdb_loom::db::queue::Queue;
use vdb_loom::util::sync::Mutex;

/// Batches are bits; the log is the list of them.
#[derive(Default)]
struct Writer {
    log: Vec<usize>,
    synced: usize,
    syncs: usize,
}

struct Database {
    writer: Mutex<Writer>,
    queue: Queue<usize, usize>,
    /// Union of the batches that readers see.
    view: AtomicUsize,
}

impl Database {
    fn new() -> Arc<Database> {
        Arc::new(Database { writer: Mutex::default(), queue: Queue::default(), view: AtomicUsize::new(0) })
    }

    /// Writes one batch; the reply is the batch, so that a swapped one is noticed.
    fn commit(&self, batch: usize) {
        // Batch 4 finds no memory for a copy.
        let keep = |&batch: &usize| (batch != 4).then_some(batch);
        let reply = self.queue.submit(&self.writer, &batch, keep, |writer, own| self.write_group(writer, own));
        assert_eq!(reply, Some(batch), "another caller's reply, or none");
        assert_ne!(self.view.load(Acquire) & batch, 0, "acknowledged and not to be seen");
    }

    fn write_group(&self, writer: &mut Writer, own: Option<&usize>) -> Option<usize> {
        writer.log.extend(own);
        let waiting = self.queue.take();
        let batches: Vec<usize> = waiting.batches().map(|batch| batch.expect("a batch is written once")).collect();
        writer.log.extend(&batches);
        if writer.synced < writer.log.len() {
            writer.synced = writer.log.len();
            writer.syncs += 1;
            self.view.store(writer.log.iter().sum(), Release);
        }
        waiting.reply(batches);
        own.copied()
    }

    /// Each batch written once, by no more syncs than batches.
    fn check(&self, batches: usize) {
        let writer = self.writer.lock().unwrap();
        let mut log = writer.log.clone();
        log.sort_unstable();
        assert_eq!(log, (0..batches).map(|bit| 1 << bit).collect::<Vec<_>>());
        assert!(writer.synced == batches && writer.syncs <= batches);
        assert_eq!(self.view.load(Acquire), (1 << batches) - 1);
    }
}

#[test]
fn each_of_three_writers_is_written_once_and_answered() {
    all_interleavings(None, || {
        let database = Database::new();
        let others = [2, 4].map(|batch| {
            let database = database.clone();
            thread::spawn(move || database.commit(batch))
        });
        database.commit(1);
        others.into_iter().for_each(|other| other.join().unwrap());
        database.check(3);
    });
}

#[test]
fn a_writer_that_comes_again_finds_nothing_of_its_first_batch() {
    all_interleavings(None, || {
        let database = Database::new();
        let other = {
            let database = database.clone();
            thread::spawn(move || [2, 4].iter().for_each(|&batch| database.commit(batch)))
        };
        database.commit(1);
        other.join().unwrap();
        database.check(3);
    });
}

/// A reader's views only grow, and never show what is not synced.
#[test]
fn a_reader_sees_states_in_order_and_only_durable_ones() {
    all_interleavings(None, || {
        let database = Database::new();
        let other = {
            let database = database.clone();
            thread::spawn(move || database.commit(2))
        };
        let reader = {
            let database = database.clone();
            thread::spawn(move || {
                let (first, second) = (database.view.load(Acquire), database.view.load(Acquire));
                assert_eq!(first & !second, 0, "a batch went away again");
                let writer = database.writer.lock().unwrap();
                let synced: usize = writer.log[..writer.synced].iter().sum();
                assert_eq!(second & !synced, 0, "seen before it was durable");
            })
        };
        database.commit(1);
        other.join().unwrap();
        reader.join().unwrap();
        database.check(2);
    });
}
