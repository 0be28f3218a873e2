//! What the kernel benchmarks share: rows in the first cache and jobs that take turns.
//! `benches/peers` compiles this file too.

use std::hint::black_box;
use std::time::{Duration, Instant};

use vdb::kernel::{Kernel, Metric, Scalar};

pub const METRICS: [Metric; 6] =
    [Metric::L2sq, Metric::Ip, Metric::Cosine, Metric::L1, Metric::Hamming, Metric::Jaccard];
pub const SCALARS: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::U8, Scalar::B1];
pub const DIMS: [usize; 3] = [128, 384, 1536];

/// A third of the first cache of a 64-bit core, which something else may use too.
const CACHED_BYTES: usize = 12 << 10;
/// Bytes of a cache line.
pub const LINE: usize = 64;
const ROUNDS: u32 = 25;
const ROUND: Duration = Duration::from_micros(200);

/// A query and the rows it is compared with, packed, both from the start of a cache line.
pub struct Rows {
    buffer: Vec<u8>,
    query: usize,
    first: usize,
    pub bytes: usize,
    count: usize,
}

impl Rows {
    /// Floats from 0.5 to 0.99; signed bytes without -128, like the
    /// codes of the graph walk; any other bytes.
    pub fn new(scalar: Scalar, dim: usize) -> Rows {
        let bytes = scalar.row_bytes(dim);
        let count = CACHED_BYTES / bytes;
        let mut buffer = vec![0; 2 * LINE + bytes + count * bytes];
        let query = buffer.as_ptr().align_offset(LINE);
        let first = query + bytes.next_multiple_of(LINE);
        let values = values(scalar, (count + 1) * bytes);
        buffer[query..query + bytes].copy_from_slice(&values[..bytes]);
        buffer[first..first + count * bytes].copy_from_slice(&values[bytes..]);
        Rows { buffer, query, first, bytes, count }
    }

    pub fn query(&self) -> &[u8] {
        &self.buffer[self.query..][..self.bytes]
    }

    /// The rows, a multiple of four: where fewer fit, some again.
    pub fn rows(&self) -> Vec<&[u8]> {
        let rows = self.buffer[self.first..][..self.count * self.bytes].chunks(self.bytes);
        rows.cycle().take(self.count.next_multiple_of(4)).collect()
    }
}

/// Compares the query with each row, one at a time.
pub fn one(kernel: &Kernel, query: &[u8], rows: &[&[u8]]) {
    for row in rows {
        black_box((kernel.distance)(query, row));
    }
}

/// The same, four rows at a time.
pub fn four(kernel: &Kernel, query: &[u8], rows: &[&[u8]]) {
    for rows in rows.as_chunks::<4>().0 {
        black_box((kernel.four)(query, *rows));
    }
}

fn values(scalar: Scalar, bytes: usize) -> Vec<u8> {
    let component = |i: usize| i.wrapping_mul(0x9e37_79b9) >> 8;
    let float = |i: usize| 0.5 + (component(i) % 1000) as f32 / 2048.0;
    match scalar {
        Scalar::F32 => (0..bytes / 4).flat_map(|i| float(i).to_le_bytes()).collect(),
        Scalar::F16 => (0..bytes / 2).flat_map(|i| half::f16::from_f32(float(i)).to_le_bytes()).collect(),
        Scalar::Bf16 => (0..bytes / 2).flat_map(|i| half::bf16::from_f32(float(i)).to_le_bytes()).collect(),
        Scalar::I8 => (0..bytes).map(|i| ((component(i) % 255) as u8).wrapping_sub(127)).collect(),
        Scalar::U8 | Scalar::B1 => (0..bytes).map(|i| component(i) as u8).collect(),
    }
}

/// Nanoseconds of one call of each job. They take turns, round by round, and the best round
/// of each counts, as other work on the machine only ever slows one down.
pub fn fastest<const N: usize>(mut jobs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let calls = jobs.each_mut().map(|job| {
        job();
        (ROUND.as_nanos() as f64 / round(job, 1).max(1.0)) as u32 + 1
    });
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for ((best, job), calls) in best.iter_mut().zip(&mut jobs).zip(calls) {
            *best = best.min(round(job, calls));
        }
    }
    best
}

/// Nanoseconds of a call, on average over some.
fn round(job: &mut dyn FnMut(), calls: u32) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| job());
    start.elapsed().as_nanos() as f64 / calls as f64
}
