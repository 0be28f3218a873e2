//! Memory for the batch that comes next, while the present one goes to disk.
//!
//! The system zeroes a page when it is first written to, which takes longer than the
//! rows that go there. A caller who inserts large batches one after the other waits for
//! the disk in between, so a background thread has the pages for one more such batch
//! provided meanwhile. Must never change content, and never take memory that a limit
//! on it would not have been asked for.

use super::core::Core;
use super::error::Result;
use super::writer::Writer;
use crate::arena::Ahead;
use crate::util::sync::{Mutex, lock};

/// Batches from this size on are worth waking a thread for.
const FROM: usize = 256 << 10;
/// Most that is provided at once.
const MOST: usize = 32 << 20;

/// The space that the background thread is to provide.
#[derive(Default)]
pub struct NextSpace(Mutex<Option<Ahead>>);

/// Asks for the space of as many rows as were just written.
pub fn ask(core: &Core, writer: &Writer, rows: u32) {
    let stride = writer.vectors.stride().max(1);
    let count = (rows as usize).min(MOST / stride);
    if count.saturating_mul(stride) < FROM || core.budget.max() > 0 {
        return;
    }
    let Some(ahead) = writer.vectors.ahead(count).filter(|ahead| ahead.bytes() >= FROM) else { return };
    *lock(&core.next_space.0) = Some(ahead);
    core.provider.wake();
}

/// The background thread's work.
pub fn work(core: &Core, _: bool) -> Result<()> {
    let ahead = lock(&core.next_space.0).take();
    if let Some(ahead) = ahead {
        ahead.populate();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::db::{Database, Options, Vectors};

    const DIM: usize = 64;

    fn put(db: &Database, ids: std::ops::Range<u64>) {
        let values: Vec<f32> = ids.clone().flat_map(|id| (0..DIM).map(move |d| (id * 7 + d as u64) as f32)).collect();
        db.insert_batch(&ids.collect::<Vec<_>>(), Vectors::f32(&values, DIM).unwrap(), None).unwrap();
    }

    #[test]
    fn memory_for_the_next_batch_is_provided_where_it_is_large_and_there_is_no_limit() {
        for (limit, expected) in [(1 << 30, false), (0, true)] {
            let options = Options::new().dim(DIM as u32).graph_min_rows(1 << 30).max_memory(limit);
            let db = Database::open_on(None, &options, Some(13)).unwrap();
            put(&db, 0..512);
            assert!(!db.core.provider.is_started(), "a batch of 128 KiB is not worth it");
            // Through the ends of chunks of 8,192 rows.
            (1..6).for_each(|batch| put(&db, batch * 4096..(batch + 1) * 4096));
            assert_eq!(db.core.provider.is_started(), expected, "limit {limit}");
            assert_eq!(db.count().unwrap(), 512 + 5 * 4096);
            let (mut row, mut found) = ([0f32; DIM], [0]);
            let out = bytemuck::cast_slice_mut(&mut row);
            db.get_batch(&[4096 * 6 - 1], crate::Scalar::F32, out, 0, &mut found).unwrap();
            assert_eq!((found, row[3]), ([1], (7 * (4096 * 6 - 1) + 3) as f32));
            db.close().unwrap();
        }
    }
}
