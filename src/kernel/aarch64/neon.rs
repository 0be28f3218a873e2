//! Distances on NEON: 16 bytes a step. The end of a row is copied into a zero-padded
//! block.
//!
//! Only the base instructions are used: half floats widen by integer shifts, bytes by
//! the long multiplies, which are exact for every input.
//!
//! As on x86-64, loops over rows are written out.

use std::arch::aarch64::*;
use std::ops::Range;

use crate::kernel::dispatch::Arithmetic;
use crate::kernel::pair::{BLOCK, FloatSums, IntSums, Pair, finish_all, padded};
use crate::kernel::{Metric, Scalar};

/// Exists on CPUs where [`super::has_neon`] holds.
pub(in crate::kernel) struct Neon;

impl Arithmetic for Neon {
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { rows::<P, 1>(query, [row])[0] }
    }

    unsafe fn four<P: Pair>(query: &[u8], [a, b, c, d]: [&[u8]; 4]) -> [f32; 4] {
        // SAFETY: the caller vouches for the CPU.
        let ([a, b], [c, d]) = unsafe { (rows::<P, 2>(query, [a, b]), rows::<P, 2>(query, [c, d])) };
        [a, b, c, d]
    }
}

#[target_feature(enable = "neon")]
fn rows<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    // The compiler drops the bounds checks of the loops behind this.
    assert!(rows.iter().all(|row| row.len() == query.len()));
    match P::SCALAR {
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float::<P, R>(query, rows),
        Scalar::I8 | Scalar::U8 | Scalar::B1 => int::<P, R>(query, rows),
    }
}

/// f32 components in a vector.
const LANES: usize = 4;

/// Accumulators of a float sum.
const UNROLL: usize = 4;

#[derive(Clone, Copy)]
struct FloatLanes {
    main: [float32x4_t; UNROLL],
    norm: [float32x4_t; UNROLL],
}

#[inline]
#[target_feature(enable = "neon")]
fn float<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let zero = [vdupq_n_f32(0.0); UNROLL];
    let mut lanes = [FloatLanes { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    let width = LANES * P::BYTES;
    let mut at = 0;
    while at + UNROLL * width <= query.len() {
        for k in 0..UNROLL {
            let x = load::<P>(&query[at..]);
            add_own::<P>(&mut query_norm, k, x);
            for r in 0..R {
                add_term::<P>(&mut lanes[r], k, x, load::<P>(&rows[r][at..]));
            }
            at += width;
        }
    }
    while at < query.len() {
        let x = load_until_end::<P>(&query[at..]);
        add_own::<P>(&mut query_norm, 0, x);
        for r in 0..R {
            add_term::<P>(&mut lanes[r], 0, x, load_until_end::<P>(&rows[r][at..]));
        }
        at += width;
    }
    let query_norm = if P::NORMS { total(query_norm) } else { 0.0 };
    let mut distances = [0.0; R];
    for r in 0..R {
        let row_norm = if P::NORMS { total(lanes[r].norm) } else { 0.0 };
        distances[r] = FloatSums { main: total(lanes[r].main), query_norm, row_norm }.finish::<P>(query, rows[r]);
    }
    distances
}

#[inline]
#[target_feature(enable = "neon")]
fn add_term<P: Pair>(lanes: &mut FloatLanes, k: usize, x: float32x4_t, y: float32x4_t) {
    let main = lanes.main[k];
    lanes.main[k] = match P::METRIC {
        Metric::L2sq => {
            let difference = vsubq_f32(x, y);
            vfmaq_f32(main, difference, difference)
        }
        Metric::L1 => vaddq_f32(main, vabdq_f32(x, y)),
        _ => vfmaq_f32(main, x, y),
    };
    add_own::<P>(&mut lanes.norm, k, y);
}

/// Adds to the squared length of a row.
#[inline]
#[target_feature(enable = "neon")]
fn add_own<P: Pair>(norm: &mut [float32x4_t; UNROLL], k: usize, x: float32x4_t) {
    if P::NORMS {
        norm[k] = vfmaq_f32(norm[k], x, x);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn total(lanes: [float32x4_t; UNROLL]) -> f32 {
    vaddvq_f32(vaddq_f32(vaddq_f32(lanes[0], lanes[1]), vaddq_f32(lanes[2], lanes[3])))
}

/// 4 components.
#[inline]
#[target_feature(enable = "neon")]
fn load<P: Pair>(bytes: &[u8]) -> float32x4_t {
    assert!(bytes.len() >= LANES * P::BYTES);
    // SAFETY: the assertion covers the 16 (f32) or 8 bytes that are read; byte loads need no alignment.
    unsafe {
        match P::SCALAR {
            Scalar::F32 => vreinterpretq_f32_u8(vld1q_u8(bytes.as_ptr())),
            _ => widen::<P>(vmovl_u16(vreinterpret_u16_u8(vld1_u8(bytes.as_ptr())))),
        }
    }
}

/// The components left, 4 at most, zeros in place of those missing.
#[inline]
#[target_feature(enable = "neon")]
fn load_until_end<P: Pair>(rest: &[u8]) -> float32x4_t {
    if rest.len() >= LANES * P::BYTES { load::<P>(rest) } else { load::<P>(&padded::<16>(rest)) }
}

/// The bits of 4 half floats to f32. For binary16 they are moved to their place in an
/// f32, whose exponent is then too small by 112; denormals come out right as well.
#[inline]
#[target_feature(enable = "neon")]
fn widen<P: Pair>(halves: uint32x4_t) -> float32x4_t {
    if matches!(P::SCALAR, Scalar::Bf16) {
        return vreinterpretq_f32_u32(vshlq_n_u32::<16>(halves));
    }
    let magnitude = vshlq_n_u32::<13>(vandq_u32(halves, vdupq_n_u32(0x7fff)));
    let sign = vshlq_n_u32::<16>(vandq_u32(halves, vdupq_n_u32(0x8000)));
    let exponent = vandq_u32(halves, vdupq_n_u32(0x7c00));
    // Infinities and NaN keep an exponent of ones.
    let special = vandq_u32(vceqq_u32(exponent, vdupq_n_u32(0x7c00)), vdupq_n_u32(0x7f80_0000));
    let shift = vdupq_n_f32(f32::from_bits((127 + 112) << 23));
    let scaled = vreinterpretq_u32_f32(vmulq_f32(vreinterpretq_f32_u32(magnitude), shift));
    vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(scaled, special), sign))
}

/// Bytes in a vector.
const WIDTH: usize = 16;

/// Running sums of one row, in 32-bit lanes. Sums of one [`BLOCK`] stay below 2^31.
#[derive(Clone, Copy)]
struct IntLanes {
    main: uint32x4_t,
    norm: uint32x4_t,
}

/// Integers and bits.
#[inline]
#[target_feature(enable = "neon")]
fn int<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let mut sums = [IntSums::default(); R];
    let mut start = 0;
    while start < query.len() {
        let end = query.len().min(start + BLOCK);
        int_block::<P, R>(query, rows, start..end, &mut sums);
        start = end;
    }
    finish_all::<P, R>(sums)
}

/// Adds a range of at most [`BLOCK`] bytes.
#[inline]
#[target_feature(enable = "neon")]
fn int_block<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R], range: Range<usize>, sums: &mut [IntSums; R]) {
    let zero = vdupq_n_u32(0);
    let mut lanes = [IntLanes { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    let mut at = range.start;
    while at < range.end {
        let x = load_until(query, at, range.end);
        if P::NORMS {
            query_norm = add_product::<P>(query_norm, x, x);
        }
        for r in 0..R {
            add_row::<P>(&mut lanes[r], x, load_until(rows[r], at, range.end));
        }
        at += WIDTH;
    }
    for r in 0..R {
        sums[r].main += total_int(lanes[r].main);
        sums[r].query_norm += total_int(query_norm);
        sums[r].row_norm += total_int(lanes[r].norm);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn add_row<P: Pair>(lanes: &mut IntLanes, x: uint8x16_t, y: uint8x16_t) {
    let main = lanes.main;
    lanes.main = match P::METRIC {
        Metric::L2sq => {
            let difference = absolute_difference::<P>(x, y);
            add_unsigned_product(main, difference, difference)
        }
        Metric::L1 => vpadalq_u16(main, vpaddlq_u8(absolute_difference::<P>(x, y))),
        Metric::Hamming => add_ones(main, veorq_u8(x, y)),
        Metric::Jaccard => add_ones(main, vandq_u8(x, y)),
        Metric::Ip | Metric::Cosine => add_product::<P>(main, x, y),
    };
    match P::METRIC {
        Metric::Cosine => lanes.norm = add_product::<P>(lanes.norm, y, y),
        Metric::Jaccard => lanes.norm = add_ones(lanes.norm, vorrq_u8(x, y)),
        _ => {}
    }
}

/// `sum + x * y`, exact for all bytes.
#[inline]
#[target_feature(enable = "neon")]
fn add_product<P: Pair>(sum: uint32x4_t, x: uint8x16_t, y: uint8x16_t) -> uint32x4_t {
    if !matches!(P::SCALAR, Scalar::I8) {
        return add_unsigned_product(sum, x, y);
    }
    let (x, y) = (vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y));
    let low = vmull_s8(vget_low_s8(x), vget_low_s8(y));
    let sum = vpadalq_s16(vreinterpretq_s32_u32(sum), low);
    vreinterpretq_u32_s32(vpadalq_s16(sum, vmull_high_s8(x, y)))
}

#[inline]
#[target_feature(enable = "neon")]
fn add_unsigned_product(sum: uint32x4_t, x: uint8x16_t, y: uint8x16_t) -> uint32x4_t {
    let low = vmull_u8(vget_low_u8(x), vget_low_u8(y));
    vpadalq_u16(vpadalq_u16(sum, low), vmull_high_u8(x, y))
}

/// |x - y|, 0 to 255.
#[inline]
#[target_feature(enable = "neon")]
fn absolute_difference<P: Pair>(x: uint8x16_t, y: uint8x16_t) -> uint8x16_t {
    if matches!(P::SCALAR, Scalar::I8) {
        vreinterpretq_u8_s8(vabdq_s8(vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y)))
    } else {
        vabdq_u8(x, y)
    }
}

/// Adds the number of set bits.
#[inline]
#[target_feature(enable = "neon")]
fn add_ones(sum: uint32x4_t, bytes: uint8x16_t) -> uint32x4_t {
    vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(bytes)))
}

/// Sum of the lanes, which are signed for products.
#[inline]
#[target_feature(enable = "neon")]
fn total_int(lanes: uint32x4_t) -> i64 {
    vaddlvq_s32(vreinterpretq_s32_u32(lanes))
}

/// The bytes from `at` to `end`, 16 at most, zeros in place of those missing.
#[inline]
#[target_feature(enable = "neon")]
fn load_until(row: &[u8], at: usize, end: usize) -> uint8x16_t {
    let load = |bytes: &[u8; WIDTH]| {
        // SAFETY: the reference covers the 16 bytes that are read; byte loads need no alignment.
        unsafe { vld1q_u8(bytes.as_ptr()) }
    };
    match row[at..end].first_chunk() {
        Some(whole) => load(whole),
        None => load(&padded(&row[at..end])),
    }
}
