//! The log: what a batch at FULL costs beside the bare system calls, and how long
//! recovery takes.

use super::clock::cpu_time;
use super::{bar, quarter};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use vdb::{Database, Durability, Options, Scalar, Vectors};

const DIM: usize = 384;
const ROW: usize = DIM * 4;
/// Bytes of rows in the log that is recovered.
const LOG: usize = 100_000_000;
/// Most seconds that 100 MB of log may take.
const RECOVERY: f64 = 2.0;
/// Most that a batch may take, as a multiple of the bare calls: 70 % of their speed.
const WRITING: f64 = 1.0 / 0.7;

/// No graph and no checkpoint: this is about the log.
fn open(dir: &Path, durability: Durability) -> Database {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::F32).wal_limit_bytes(1 << 40);
    Database::open(Some(dir), &options.graph_min_rows(1 << 30).durability(durability)).expect("opens")
}

fn values(rows: usize) -> Vec<f32> {
    (0..rows * DIM).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 8) as u16 as f32 / 65536.0).collect()
}

fn remove(dir: &Path) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).expect("an old database can be removed");
    }
}

/// Opens a database that was not closed.
pub fn recovery(place: &Path) -> bool {
    let dir = place.join("recovery");
    let all = [10_000, 100, 1].map(|batch| {
        remove(&dir);
        let db = open(&dir, Durability::None);
        let (values, rows) = (values(batch), LOG / ROW);
        for first in (0..rows).step_by(batch) {
            let ids: Vec<u64> = (first as u64..(first + batch).min(rows) as u64).collect();
            insert(&db, &ids, &values[..ids.len() * DIM]);
        }
        db.sync().expect("syncs");
        db.abandon();
        let (cpu, wall) = (cpu_time(), Instant::now());
        let db = open(&dir, Durability::Full);
        let (cpu, wall) = (cpu_time() - cpu, wall.elapsed());
        assert_eq!(db.count().expect("counts"), rows as u64);
        db.abandon();
        println!(
            "recovery of 100 MB in batches of {batch}: {:.2} s, CPU {:.2} s",
            wall.as_secs_f64(),
            cpu.as_secs_f64()
        );
        bar(&format!("recovery: CPU seconds of 100 MB, batches of {batch}"), cpu.as_secs_f64(), RECOVERY)
    });
    remove(&dir);
    all.iter().all(|kept| *kept)
}

fn insert(db: &Database, ids: &[u64], values: &[f32]) {
    db.insert_batch(ids, Vectors::f32(values, DIM).expect("whole rows"), None).expect("inserts");
}

/// Batches at FULL and the same bytes by `write` and `fdatasync`, in turn, on one disk.
pub fn durable_writes(place: &Path) -> bool {
    let (dir, plain) = (place.join("writing"), place.join("plain"));
    let all = [(10_000, 16), (1_000, 60), (100, 120), (1, 200)].map(|(batch, count)| {
        remove(&dir);
        let db = open(&dir, Durability::Full);
        let mut file = File::create(&plain).expect("a file can be created");
        let values = values(batch);
        let (mut ours, mut bare, mut cpu) = (Vec::new(), Vec::new(), [Duration::ZERO; 2]);
        for i in 0..count {
            let ids: Vec<u64> = (0..batch as u64).map(|id| (i * batch) as u64 + id).collect();
            let bytes: Vec<u8> =
                ids.iter().flat_map(|id| id.to_le_bytes()).chain(values.iter().flat_map(|v| v.to_le_bytes())).collect();
            let mut both: [(&mut Vec<f64>, &mut dyn FnMut()); 2] = [
                (&mut ours, &mut || insert(&db, &ids, &values)),
                (&mut bare, &mut || file.write_all(&bytes).and_then(|()| file.sync_data()).expect("writes")),
            ];
            both.rotate_left(i % 2);
            for (at, (times, act)) in both.into_iter().enumerate() {
                let before = cpu_time();
                times.push(timed(act).as_secs_f64());
                cpu[(at + i) % 2] += cpu_time() - before;
            }
        }
        db.abandon();
        let (ours, bare) = (quarter(ours), quarter(bare));
        let [our_cpu, bare_cpu] = cpu.map(|time| time.as_secs_f64() * 1e3 / count as f64);
        println!(
            "batch of {batch}: {:.3} ms (CPU {our_cpu:.3}), bare write + fdatasync {:.3} ms (CPU {bare_cpu:.3})",
            ours * 1e3,
            bare * 1e3
        );
        bar(&format!("writing at FULL: time / write + fdatasync, batches of {batch}"), ours / bare, WRITING)
    });
    remove(&dir);
    let _ = std::fs::remove_file(&plain);
    all.iter().all(|kept| *kept)
}

fn timed(act: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    act();
    begun.elapsed()
}
