//! What a kernel cannot be faster than: the loads of the core, measured, its ports, counted, and how long an
//! accumulator waits for its last addition.
//!
//! Ports are those of AMD's Zen 3, for AVX2, found by measuring instructions in pairs. Of its four vector ports,
//! 0 and 1 multiply floats (also FMA, VPABSB, VPSIGNB), 0 and 3 multiply integers (also VPSADBW), 1 and 2 shuffle or
//! shift (also the widening of bytes), 2 and 3 add floats (also conversions of f16); all four do the rest. Intel's
//! cores since Haswell have three vector ports: there a kernel may stay further below these limits.
//!
//! No call comes near them: one that does nothing, of the same shape, is measured beside them ([`empty_calls`]).

use std::hint::black_box;

use vdb::kernel::{FourFn, Isa, Metric, Scalar};

use super::measure::{LINE, Rows, fastest};

/// What this core does at best.
#[derive(Clone, Copy)]
pub struct Core {
    /// Cycles in a nanosecond.
    pub clock: f64,
    /// Bytes that it loads in a nanosecond.
    pub loads: f64,
    /// Nanoseconds a row of a call that does nothing, for one row and for four.
    pub calls: [f64; 2],
}

impl Core {
    pub fn measured() -> Core {
        let loads = load_rate();
        Core { clock: clock().unwrap_or(loads / (2.0 * load_bytes())), loads, calls: empty_calls() }
    }
}

/// Bytes of a row in a step.
const STEP: f64 = 32.0;

/// What a step takes; of the operations, those that only two ports do, and all.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Of 32 bytes.
    loads: f64,
    /// Ports 0 and 1.
    float_products: f64,
    /// Ports 0 and 3.
    int_products: f64,
    /// Ports 1 and 2.
    shuffles: f64,
    /// Ports 2 and 3.
    float_adds: f64,
    all: f64,
    /// Cycles for which an accumulator waits, within one call.
    chain: f64,
}

/// The nanoseconds of a row, and what takes them.
#[derive(Clone, Copy)]
pub struct Limit {
    pub time: f64,
    pub by: &'static str,
}

impl Limit {
    /// Of a kernel on AVX2 that compares a query with `rows` rows at once, 1 or 4, of `bytes` bytes.
    pub fn of(metric: Metric, scalar: Scalar, rows: usize, bytes: f64, core: Core) -> Limit {
        let step = match scalar {
            Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float(metric, scalar, rows),
            Scalar::I8 | Scalar::U8 => int(metric, scalar, 1.0 / rows as f64),
            Scalar::B1 if bytes < 2.0 * STEP => words(metric, rows),
            Scalar::B1 => bits(metric, 1.0 / rows as f64),
        };
        let cycle = 1.0 / core.clock;
        let Step { loads, float_products, int_products, shuffles, float_adds, all, chain } = step;
        let parts = [
            (loads * STEP / core.loads, "loads"),
            (float_products / 2.0 * cycle, "products"),
            (int_products / 2.0 * cycle, "products"),
            (shuffles / 2.0 * cycle, "shuffles"),
            (float_adds / 2.0 * cycle, "float adds"),
            // Two kinds that share a port have three.
            ((float_products + int_products) / 3.0 * cycle, "products"),
            ((float_products + shuffles) / 3.0 * cycle, "products, shuffles"),
            ((shuffles + float_adds) / 3.0 * cycle, "shuffles, adds"),
            ((int_products + float_adds) / 3.0 * cycle, "products, adds"),
            (all / 4.0 * cycle, "operations"),
            (chain * cycle, "waiting sums"),
        ];
        let (time, by) = parts.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a }).expect("some parts");
        Limit { time: time * bytes / STEP, by }
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
    let (products, subtractions, others) = match metric {
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
        // Of 16 bytes, which take as long.
        Scalar::F16 => (2.0 * loaded, 2.0 * loaded, 0.0, 0.0),
        _ => (loaded, 0.0, loaded, loaded),
    };
    // An FMA takes four cycles, and there are four sums at a time: those of two rows, or of the norm of
    // the query, which bfloat16 makes apart.
    let at_a_time = match (rows, norms) {
        (4, false) => 2.0,
        (4, true) => 0.8,
        _ if norms && scalar == Scalar::Bf16 => 0.5,
        _ => 1.0,
    };
    Step {
        loads,
        float_products: vectors * (products + by_fma),
        shuffles: shifts,
        float_adds: vectors * (subtractions - by_fma) + conversions,
        all: vectors * (products + subtractions + others) + conversions + shifts + masks,
        chain: vectors / at_a_time,
        ..Step::default()
    }
}

/// `share` is that of the query: what is done to it once serves all rows.
fn int(metric: Metric, scalar: Scalar, share: f64) -> Step {
    let signed = scalar == Scalar::I8;
    let loads = 1.0 + share;
    let (float_products, int_products, shuffles, all, additions) = match metric {
        // |x - y| or x and y side by side, widened; two products, two sums.
        Metric::L2sq if signed || share == 1.0 => (0.0, 2.0, 2.0, 9.0, 2.0),
        Metric::L2sq => (0.0, 4.0, 2.0, 8.0, 2.0),
        // Signed bytes are moved up first.
        Metric::L1 => (0.0, 1.0, 0.0, 2.0 + if signed { loads } else { 0.0 }, 1.0),
        // |y|, the sign of y on x, pairs of products, pairs of those, their sum; the least of x.
        Metric::Ip if signed => (2.0, 2.0, 0.0, 5.0 + share, 1.0),
        Metric::Ip => (0.0, 2.0, loads, 2.0 * loads + 4.0, 2.0),
        // Two instructions widen a vector; each of the three sums takes two products and two additions.
        _ => {
            let widened = if signed { 2.0 * loads } else { loads };
            (0.0, 4.0 + 2.0 * share, widened, 2.0 * loads + 8.0 + 4.0 * share, 2.0)
        }
    };
    let halves = if signed && metric == Metric::Cosine { 2.0 } else { 1.0 };
    let chain = additions * share;
    Step { loads: halves * loads, float_products, int_products, shuffles, all, chain, ..Step::default() }
}

/// Of a count: XOR (or AND, or OR), a shift, two masks, two look-ups, two additions.
fn bits(metric: Metric, share: f64) -> Step {
    let counts = if metric == Metric::Jaccard { 2.0 } else { 1.0 };
    Step { loads: 1.0 + share, shuffles: 3.0 * counts, all: 8.0 * counts, ..Step::default() }
}

/// Of four words: XOR (or AND, or OR), POPCNT and an addition for each count, on four ports of their own. Two
/// rows at a time.
fn words(metric: Metric, rows: usize) -> Step {
    let counts = if metric == Metric::Jaccard { 2.0 } else { 1.0 };
    Step { loads: 4.0 * if rows == 1 { 2.0 } else { 1.5 }, all: 4.0 * 3.0 * counts, ..Step::default() }
}

/// Nanoseconds a row of a call that only looks at the lengths, for one row and for four.
fn empty_calls() -> [f64; 2] {
    let (one, four) = (black_box(nothing as fn(&[u8], &[u8]) -> f32), black_box(nothing_four as FourFn));
    let rows = Rows::new(Scalar::U8, 128);
    let (query, row) = (rows.query(), rows.rows());
    let mut ones = || {
        for row in &row {
            black_box(one(query, row));
        }
    };
    let mut fours = || {
        for rows in row.as_chunks::<4>().0 {
            black_box(four(query, *rows));
        }
    };
    fastest([&mut ones, &mut fours]).map(|time| time / row.len() as f64)
}

#[inline(never)]
fn nothing(query: &[u8], row: &[u8]) -> f32 {
    assert_eq!(query.len(), row.len());
    0.0
}

#[inline(never)]
fn nothing_four(query: &[u8], rows: [&[u8]; 4]) -> [f32; 4] {
    assert!(rows.iter().all(|row| row.len() == query.len()));
    [0.0; 4]
}

/// Cycles in a nanosecond, of which an addition to the last one's result takes one.
fn clock() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    {
        const ADDITIONS: usize = 8000;
        let mut job = || {
            let mut sum = 0u64;
            for _ in 0..ADDITIONS / 8 {
                // SAFETY: a register and the flags, nothing else.
                unsafe {
                    std::arch::asm!(
                        "add {0}, 1", "add {0}, 1", "add {0}, 1", "add {0}, 1",
                        "add {0}, 1", "add {0}, 1", "add {0}, 1", "add {0}, 1",
                        inout(reg) sum, options(nomem, nostack)
                    )
                };
            }
            black_box(sum);
        };
        let [nanoseconds] = fastest([&mut job]);
        Some(ADDITIONS as f64 / nanoseconds)
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Bytes that a load of [`load_rate`] takes; cores with AVX2 make two of them in a cycle.
fn load_bytes() -> f64 {
    let widest = [(Isa::Avx512, 64.0), (Isa::Avx2, 32.0)];
    widest.into_iter().find(|(isa, _)| isa.available()).map_or(16.0, |(_, bytes)| bytes)
}

/// Bytes that this core loads in a nanosecond, out of its first cache, with the widest
/// vectors that the kernels use.
fn load_rate() -> f64 {
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
