//! Verification: the files that were opened are looked at before anybody asks for them.
//!
//! A block is verified when it is first touched. The searches after an open pay for that, and
//! damage where nobody reads would never be noticed. So threads of low priority touch
//! every block once, and what they find is what a search would have found: the next call fails.
//!
//! Reading a database that is larger than memory would drive from the system's cache what
//! searches need. So parts are read in the order in which walks need them, and no more of them
//! than leaves memory alone; the rest waits for its first touch, or for `vdb_check`.
//!
//! Must never change content, nor outlive a close: it waits for one piece, and a thread that hardly ever got a
//! core would hold a close up for as long.

use super::parts::OpenParts;
use crate::arena::{run_behind_others, system_memory};
use crate::storage::{Part, PartKind};
use crate::util::sync::lock;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};

/// The part of the machine's memory that the parts read may be as large as.
const SYSTEM_SHARE: u64 = 4;
/// Bytes verified between two looks at whether to go on.
const PIECE: usize = 256 << 10;
/// A thread has so many bytes to itself at least: some milliseconds of work.
const THREAD_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 32 << 20 };
/// More threads than this would keep searches from memory itself.
const THREADS_MAX: u64 = 4;

/// Threads that verify what was opened.
pub struct Verifier {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Verifier {
    /// Has `parts` verified by up to `threads` threads (0 = one for each core), as many of them
    /// as are no larger than `room` and leave memory alone.
    pub fn start(parts: OpenParts, threads: u32, room: u64) -> Verifier {
        if parts.is_empty() {
            return Verifier::idle();
        }
        let stop = Arc::<AtomicBool>::default();
        let work = {
            let stop = stop.clone();
            move || verify(parts, threads, room, stop)
        };
        // Without a thread, blocks wait for their first touch.
        Verifier { stop, thread: Mutex::new(named(0).spawn(work).ok()) }
    }

    /// Nothing to verify.
    pub fn idle() -> Verifier {
        Verifier { stop: Arc::default(), thread: Mutex::default() }
    }

    /// Ends the verification, and waits until it has.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
        let Some(thread) = lock(&self.thread).take() else { return };
        // A panic of the thread was its own; there is nothing left to tell.
        let _ = thread.join();
    }

    /// Waits until all is verified.
    #[cfg(test)]
    fn finish(&self) {
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

fn named(number: u64) -> Builder {
    Builder::new().name(format!("vdb-verify-{number}"))
}

/// The work of the first thread.
fn verify(parts: OpenParts, threads: u32, room: u64, stop: Arc<AtomicBool>) {
    run_behind_others();
    let (parts, bytes) = chosen(parts, room.min(system_memory() / SYSTEM_SHARE));
    let threads = match threads {
        0 => thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        threads => threads.into(),
    };
    let pieces = Pieces { parts, next: Mutex::new((0, 0)), stop };
    thread::scope(|scope| {
        for number in 1..threads.min(THREADS_MAX).min(bytes / THREAD_BYTES) {
            // With fewer threads it takes longer.
            let _ = named(number).spawn_scoped(scope, || pieces.verify());
        }
        pieces.verify();
    });
}

/// The parts in the order in which they are wanted, without those that are too much for `limit`,
/// and their bytes.
fn chosen(parts: OpenParts, limit: u64) -> (Vec<Part>, u64) {
    let wanted = |kind| match kind {
        PartKind::Graph => 0,
        PartKind::Codes => 1,
        PartKind::Ids | PartKind::Keys => 2,
        PartKind::Tombstones => 3,
        PartKind::Records => 4,
        PartKind::Chunk => 5,
    };
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_unstable_by_key(|part| (wanted(part.part_ref().kind), part.part_ref().number));
    let mut bytes = 0;
    parts.retain(|part| {
        let fits = bytes + part.bytes() as u64 <= limit;
        bytes += if fits { part.bytes() as u64 } else { 0 };
        fits
    });
    (parts, bytes)
}

/// Parts, piece by piece, for several threads.
struct Pieces {
    parts: Vec<Part>,
    /// Part and offset of the next piece.
    next: Mutex<(usize, usize)>,
    stop: Arc<AtomicBool>,
}

impl Pieces {
    fn verify(&self) {
        while let Some((part, piece)) = self.next().filter(|_| !self.stop.load(Relaxed)) {
            part.verify(piece);
        }
    }

    fn next(&self) -> Option<(&Part, Range<usize>)> {
        let mut next = lock(&self.next);
        let (at, from) = *next;
        let part = self.parts.get(at)?;
        let end = part.bytes().min(from + PIECE);
        *next = if end < part.bytes() { (at, end) } else { (at + 1, 0) };
        Some((part, from..end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::FaultCell;
    use crate::storage::sim::SimStorage;
    use crate::storage::{Blocks, PartRef, PartWriter, Storage};

    const ROWS: usize = 9000;

    /// A graph part and two chunks of several pieces each, the last byte of the second damaged.
    fn parts(faults: &Arc<FaultCell>) -> OpenParts {
        let disk = SimStorage::new();
        let part = |kind, number| {
            let mut writer = PartWriter::create(&disk, kind, 1, number, Blocks::Short).unwrap();
            writer.section(1, 64, [vec![7; 64 * ROWS]]).unwrap();
            writer.finish().unwrap()
        };
        let written: [PartRef; 3] = [part(PartKind::Chunk, 1), part(PartKind::Chunk, 2), part(PartKind::Graph, 3)];
        disk.damage("chunk-2.vdb", |bytes| bytes[4096 + 64 * ROWS - 1] ^= 1).unwrap();
        let open = |part: &PartRef| (part.number, Part::open(&disk as &dyn Storage, part, faults, false).unwrap());
        written.iter().map(open).collect()
    }

    #[test]
    fn damage_that_nobody_touches_is_found() {
        for threads in [1, 2, 8] {
            let faults = Arc::<FaultCell>::default();
            let verifier = Verifier::start(parts(&faults), threads, u64::MAX);
            verifier.finish();
            let fault = faults.get().expect("the last block of a part");
            assert_eq!((fault.file.as_str(), fault.block), ("chunk-2.vdb", (4096 + 64 * ROWS as u64 - 1) >> 12));
        }
    }

    #[test]
    fn what_walks_read_comes_first_and_what_does_not_fit_is_left() {
        let faults = Arc::<FaultCell>::default();
        let one = parts(&faults).values().next().unwrap().bytes() as u64;
        for (room, numbers) in [(0, &[][..]), (one, &[3]), (3 * one - 1, &[3, 1]), (3 * one, &[3, 1, 2])] {
            let (chosen, bytes) = chosen(parts(&faults), room);
            let found: Vec<u64> = chosen.iter().map(|part| part.part_ref().number).collect();
            assert_eq!((found.as_slice(), bytes), (numbers, numbers.len() as u64 * one));
            Verifier::start(parts(&faults), 2, room).finish();
            assert_eq!(faults.get().is_some(), numbers.len() == 3);
        }
    }

    #[test]
    fn stopping_ends_it_wherever_it_is() {
        let faults = Arc::<FaultCell>::default();
        let verifier = Verifier::start(parts(&faults), 2, u64::MAX);
        verifier.stop();
        verifier.stop();
        Verifier::idle().stop();
        let stopped = Pieces { parts: Vec::new(), next: Mutex::default(), stop: Arc::new(true.into()) };
        let untouched = Arc::<FaultCell>::default();
        let pieces = Pieces { parts: chosen(parts(&untouched), u64::MAX).0, ..stopped };
        pieces.verify();
        assert_eq!(untouched.get(), None);
    }
}
