//! Memory for the batch that comes next, while the present one goes to disk.
//!
//! The system zeroes a page when it is first written to, which takes longer than the
//! rows that go there. A caller who inserts large batches one after the other waits for
//! the disk in between, so a background thread has the pages for one more such batch
//! provided meanwhile (docs/decisions/0005). Must never change content, and does nothing where
//! memory is limited: pages that no row needs yet are not counted.

use super::core::Core;
use super::error::Result;
use super::options::Durability;
use super::writer::Writer;
use crate::arena::Ahead;
use crate::util::sync::{Mutex, lock};

/// Batches from this size on take longer than waking a thread does, by far.
const FROM: usize = 256 << 10;
/// Most that is provided at once: what a database may hold for a batch that never comes.
const MOST: usize = 32 << 20;

/// What the background thread is to provide.
#[derive(Default)]
pub struct NextSpace(Mutex<Next>);

#[derive(Default)]
struct Next {
    space: Option<Ahead>,
    /// Rows of the batch before: one batch alone has none that follows.
    rows: usize,
}

/// Asks for the space of one more batch of `rows`, when the one before was as large.
pub fn ask(core: &Core, writer: &Writer, rows: u32) {
    let waits = writer.log.is_some() && core.settings.durability == Durability::Full;
    if !waits || core.budget.max() > 0 {
        return;
    }
    let mut next = lock(&core.next_space.0);
    let stride = writer.vectors.stride().max(1);
    let count = (rows as usize).min(next.rows).min(MOST / stride);
    next.rows = rows as usize;
    if count * stride >= FROM
        && let Some(ahead) = writer.vectors.ahead(count).filter(|ahead| ahead.bytes() >= FROM)
    {
        next.space = Some(ahead);
        drop(next);
        core.provider.wake();
    }
}

/// The background thread's work.
pub fn work(core: &Core, _: bool) -> Result<()> {
    let space = lock(&core.next_space.0).space.take();
    if let Some(space) = space {
        space.populate();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::db::{Database, Durability, Options, Vectors};
    use crate::storage::sim::SimStorage;

    const DIM: usize = 64;

    fn put(db: &Database, ids: std::ops::Range<u64>) {
        let values: Vec<f32> = ids.clone().flat_map(|id| (0..DIM).map(move |d| (id * 7 + d as u64) as f32)).collect();
        db.insert_batch(&ids.collect::<Vec<_>>(), Vectors::f32(&values, DIM).unwrap(), None).unwrap();
    }

    #[test]
    fn memory_is_provided_for_the_second_large_batch_and_where_the_writer_waits_for_the_disk() {
        let cases = [(true, Durability::Full, 0), (true, Durability::Full, 1 << 30), (true, Durability::Process, 0)];
        for (on_disk, durability, limit) in cases.into_iter().chain([(false, Durability::Full, 0)]) {
            let options = Options::new().dim(DIM as u32).graph_min_rows(1 << 30).durability(durability);
            let storage = on_disk.then(|| Box::new(SimStorage::new()) as Box<_>);
            let db = Database::open_on(storage, &options.max_memory(limit), Some(13)).unwrap();
            (0..2).for_each(|batch| put(&db, batch * 512..(batch + 1) * 512));
            assert!(!db.core.provider.is_started(), "batches of 128 KiB are not worth it");
            put(&db, 4096..2 * 4096);
            assert!(!db.core.provider.is_started(), "one alone");
            // Through the ends of chunks of 8,192 rows.
            (2..6).for_each(|batch| put(&db, batch * 4096..(batch + 1) * 4096));
            assert_eq!(
                db.core.provider.is_started(),
                (on_disk, durability, limit) == cases[0],
                "{durability:?} {limit}"
            );
            assert_eq!(db.count().unwrap(), 1024 + 5 * 4096);
            let (mut row, mut found) = ([0f32; DIM], [0]);
            let out = bytemuck::cast_slice_mut(&mut row);
            db.get_batch(&[4096 * 6 - 1], crate::kernel::Scalar::F32, out, 0, &mut found).unwrap();
            assert_eq!((found, row[3]), ([1], (7 * (4096 * 6 - 1) + 3) as f32));
            db.close().unwrap();
        }
    }
}
