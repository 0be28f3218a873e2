//! What a kernel cannot be faster than: the loads of the core, measured, and its ports, counted.
//!
//! Ports are those of AMD's Zen 3, for AVX2: a cycle takes two vector loads and four
//! vector operations, of which two may multiply (also FMA and VPSADBW), two shuffle or shift (also the
//! widening of bytes and of bfloat16), and two add floats (also conversions of f16). Measured
//! there, one instruction at a time. Intel's cores since Haswell have the two loads, and three
//! vector ports: there a kernel may stay further below these limits.

use std::hint::black_box;

use vdb::kernel::{Isa, Metric, Scalar};

use super::measure::{LINE, fastest};

/// What a step, of 32 bytes of a row, takes.
#[derive(Clone, Copy)]
struct Step {
    loads: f64,
    multiplies: f64,
    shuffles: f64,
    float_adds: f64,
    /// All vector operations.
    all: f64,
}

/// The cycles of a step, and what takes them.
#[derive(Clone, Copy)]
pub struct Limit {
    pub cycles: f64,
    pub by: &'static str,
}

impl Limit {
    /// Of a kernel on AVX2 that compares a query with `rows` rows at once, 1 or 4.
    pub fn of(metric: Metric, scalar: Scalar, rows: usize) -> Limit {
        let step = match scalar {
            Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float(metric, scalar, rows),
            Scalar::I8 | Scalar::U8 => int(metric, scalar, 1.0 / rows as f64),
            Scalar::B1 => bits(metric, 1.0 / rows as f64),
        };
        let parts = [
            (step.loads / 2.0, "loads"),
            (step.multiplies / 2.0, "multiplies"),
            (step.shuffles / 2.0, "shuffles"),
            (step.float_adds / 2.0, "float adds"),
            (step.all / 4.0, "vector operations"),
        ];
        let (cycles, by) = parts.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a }).expect("five parts");
        Limit { cycles, by }
    }
}

/// Four rows are taken two at a time; for the cosine one at a time, after the norm of the query (which
/// is apart for one row of bfloat16, too).
fn float(metric: Metric, scalar: Scalar, rows: usize) -> Step {
    let norms = metric == Metric::Cosine;
    // What the query's loads, and its norm, cost a row.
    let (query_loads, query_norm) = match (rows, norms) {
        (1, true) if scalar == Scalar::Bf16 => (2.0, 1.0),
        (1, true) => (1.0, 1.0),
        (1, false) => (1.0, 0.0),
        (_, true) => (1.25, 0.25),
        (_, false) => (0.5, 0.0),
    };
    let vectors = if scalar == Scalar::F32 { 1.0 } else { 2.0 };
    let (multiplies, subtractions, others) = match metric {
        Metric::L2sq => (1.0, 1.0, 0.0),
        // The difference without its sign is added by FMA.
        Metric::L1 => (1.0, 1.0, 1.0),
        Metric::Cosine => (2.0 + query_norm, 0.0, 0.0),
        _ => (1.0, 0.0, 0.0),
    };
    let loaded = 1.0 + query_loads;
    // The f16 kernel subtracts by FMA.
    let by_fma = if scalar == Scalar::F16 { subtractions } else { 0.0 };
    let (loads, conversions, shifts, masks) = match scalar {
        Scalar::F32 => (loaded, 0.0, 0.0, 0.0),
        Scalar::F16 => (2.0 * loaded, 2.0 * loaded, 0.0, 0.0),
        _ => (loaded, 0.0, loaded, loaded),
    };
    Step {
        loads,
        multiplies: vectors * (multiplies + by_fma),
        shuffles: shifts,
        float_adds: vectors * (subtractions - by_fma) + conversions,
        all: vectors * (multiplies + subtractions + others) + conversions + shifts + masks,
    }
}

/// `share` is that of the query: what is done to it once serves all rows.
fn int(metric: Metric, scalar: Scalar, share: f64) -> Step {
    let signed = scalar == Scalar::I8;
    let loads = 1.0 + share;
    let (multiplies, shuffles, all) = match metric {
        // |x - y| or x and y side by side, widened; two products, two sums.
        Metric::L2sq if signed || share == 1.0 => (2.0, 2.0, 9.0),
        Metric::L2sq => (4.0, 2.0, 8.0),
        // Signed bytes are moved up first.
        Metric::L1 => (1.0, 0.0, 2.0 + if signed { loads } else { 0.0 }),
        // |y|, the sign of y on x, pairs of products, pairs of those, their sum; the least of x.
        Metric::Ip if signed => (2.0, 0.0, 5.0 + share),
        Metric::Ip => (2.0, loads, 2.0 * loads + 4.0),
        // Two instructions widen a vector; each of the three sums takes two products and two additions.
        _ => (4.0 + 2.0 * share, if signed { 2.0 * loads } else { loads }, 2.0 * loads + 8.0 + 4.0 * share),
    };
    let halves = if signed && metric == Metric::Cosine { 2.0 } else { 1.0 };
    Step { loads: halves * loads, multiplies, shuffles, float_adds: 0.0, all }
}

/// Of a count: XOR (or AND, or OR), a shift, two masks, two look-ups, two additions.
fn bits(metric: Metric, share: f64) -> Step {
    let counts = if metric == Metric::Jaccard { 2.0 } else { 1.0 };
    Step { loads: 1.0 + share, multiplies: 0.0, shuffles: 3.0 * counts, float_adds: 0.0, all: 8.0 * counts }
}

/// Bytes that a load of [`load_rate`] takes; cores with AVX2 make two of them in a cycle.
pub fn load_bytes() -> f64 {
    let widest = [(Isa::Avx512, 64.0), (Isa::Avx2, 32.0)];
    widest.into_iter().find(|(isa, _)| isa.available()).map_or(16.0, |(_, bytes)| bytes)
}

/// Bytes that this core loads in a nanosecond, out of its first cache, with the widest
/// vectors that the kernels use.
pub fn load_rate() -> f64 {
    const BYTES: usize = 16 << 10;
    const PASSES: usize = 64;
    let buffer = vec![1u8; BYTES + LINE];
    let buffer = &buffer[buffer.as_ptr().align_offset(LINE)..][..BYTES];
    let mut job = || {
        black_box(load(buffer, PASSES));
    };
    let [nanoseconds] = fastest([&mut job]);
    (BYTES * PASSES) as f64 / nanoseconds
}

fn load(buffer: &[u8], passes: usize) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if vdb::kernel::Isa::Avx512.available() {
            // SAFETY: the CPU has the instructions, as just asked.
            return unsafe { load_512(buffer, passes) };
        }
        if vdb::kernel::Isa::Avx2.available() {
            // SAFETY: as above.
            return unsafe { load_256(buffer, passes) };
        }
    }
    fold(buffer, passes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn load_512(buffer: &[u8], passes: usize) -> u64 {
    fold(buffer, passes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn load_256(buffer: &[u8], passes: usize) -> u64 {
    fold(buffer, passes)
}

/// One cheap operation on each load, in sums enough that none waits for another.
#[inline(always)]
fn fold(buffer: &[u8], passes: usize) -> u64 {
    let mut sums = [0u64; 32];
    for _ in 0..passes {
        for chunk in black_box(buffer).as_chunks::<256>().0 {
            for (sum, word) in sums.iter_mut().zip(chunk.as_chunks().0) {
                *sum ^= u64::from_ne_bytes(*word);
            }
        }
    }
    sums.into_iter().fold(0, |all, sum| all ^ sum)
}
