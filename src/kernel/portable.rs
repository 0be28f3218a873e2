//! Distances in plain Rust, written in fixed-size lanes so that the compiler can
//! use whatever vectors the target has at least (SSE2 on x86-64).

use super::dispatch::Arithmetic;
use super::pair::{BLOCK, FloatSums, IntSums, Pair, padded};
use super::{Metric, Scalar};

pub(super) struct Portable;

impl Arithmetic for Portable {
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
        match P::SCALAR {
            Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float::<P>(query, row),
            Scalar::I8 | Scalar::U8 => int::<P>(query, row),
            Scalar::B1 => bits::<P>(query, row),
        }
    }

    unsafe fn four<P: Pair>(query: &[u8], rows: [&[u8]; 4]) -> [f32; 4] {
        // SAFETY: plain Rust runs on every CPU.
        rows.map(|row| unsafe { Self::one::<P>(query, row) })
    }
}

const LANES: usize = 16;

#[derive(Default)]
struct Lanes {
    main: [f32; LANES],
    query_norm: [f32; LANES],
    row_norm: [f32; LANES],
}

impl Lanes {
    #[inline(always)]
    fn add<P: Pair>(&mut self, x: [f32; LANES], y: [f32; LANES]) {
        for i in 0..LANES {
            self.main[i] += match P::METRIC {
                Metric::L2sq => (x[i] - y[i]) * (x[i] - y[i]),
                Metric::L1 => (x[i] - y[i]).abs(),
                _ => x[i] * y[i],
            };
            if P::NORMS {
                self.query_norm[i] += x[i] * x[i];
                self.row_norm[i] += y[i] * y[i];
            }
        }
    }
}

fn float<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    let turn = LANES * P::BYTES;
    let mut lanes = Lanes::default();
    let (mut xs, mut ys) = (query.chunks_exact(turn), row.chunks_exact(turn));
    for (x, y) in xs.by_ref().zip(ys.by_ref()) {
        lanes.add::<P>(widen::<P>(x), widen::<P>(y));
    }
    if !xs.remainder().is_empty() {
        let (x, y) = (padded::<{ LANES * 4 }>(xs.remainder()), padded::<{ LANES * 4 }>(ys.remainder()));
        lanes.add::<P>(widen::<P>(&x), widen::<P>(&y));
    }
    let total = |lanes: [f32; LANES]| lanes.into_iter().sum();
    let sums =
        FloatSums { main: total(lanes.main), query_norm: total(lanes.query_norm), row_norm: total(lanes.row_norm) };
    sums.finish::<P>(query, row)
}

/// The first 16 components of `bytes`.
#[inline(always)]
fn widen<P: Pair>(bytes: &[u8]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    match P::SCALAR {
        Scalar::F32 => {
            for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks().0) {
                *lane = f32::from_le_bytes(*bytes);
            }
        }
        _ => {
            for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks().0) {
                let half = u16::from_le_bytes(*bytes);
                let bf16 = matches!(P::SCALAR, Scalar::Bf16);
                *lane = if bf16 { f32::from_bits((half as u32) << 16) } else { f16_to_f32(half) };
            }
        }
    }
    lanes
}

/// Exact, without a branch on denormals: the bits are moved to their place in an
/// f32, whose exponent is then too small by 112.
#[inline(always)]
fn f16_to_f32(half: u16) -> f32 {
    let bits = half as u32;
    let magnitude = (bits & 0x7fff) << 13;
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    f32::from_bits(scaled.to_bits() | special | (bits & 0x8000) << 16)
}

fn int<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    let mut sums = IntSums::default();
    let wide = |byte: &u8| if matches!(P::SCALAR, Scalar::I8) { *byte as i8 as i32 } else { *byte as i32 };
    for (xs, ys) in query.chunks(BLOCK).zip(row.chunks(BLOCK)) {
        let pairs = || xs.iter().map(wide).zip(ys.iter().map(wide));
        let main: i32 = match P::METRIC {
            Metric::L2sq => pairs().map(|(x, y)| (x - y) * (x - y)).sum(),
            Metric::L1 => pairs().map(|(x, y)| (x - y).abs()).sum(),
            _ => pairs().map(|(x, y)| x * y).sum(),
        };
        sums.main += main as i64;
        if P::NORMS {
            sums.query_norm += pairs().map(|(x, _)| x * x).sum::<i32>() as i64;
            sums.row_norm += pairs().map(|(_, y)| y * y).sum::<i32>() as i64;
        }
    }
    sums.finish::<P>()
}

/// Hamming and Jaccard.
fn bits<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    let mut sums = IntSums::default();
    let mut add = |x: u64, y: u64| {
        if matches!(P::METRIC, Metric::Hamming) {
            sums.main += (x ^ y).count_ones() as i64;
        } else {
            sums.main += (x & y).count_ones() as i64;
            sums.row_norm += (x | y).count_ones() as i64;
        }
    };
    let ((xs, x_rest), (ys, y_rest)) = (query.as_chunks(), row.as_chunks());
    for (x, y) in xs.iter().zip(ys) {
        add(u64::from_le_bytes(*x), u64::from_le_bytes(*y));
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        add(*x as u64, *y as u64);
    }
    sums.finish::<P>()
}
