//! Distances on AVX2 with FMA and F16C: 32 bytes a step. The end of a row is read
//! as its last 32 bytes, less those already counted; a row shorter than that is copied first,
//! with zeros behind it, so that nothing else has to ask.
//!
//! What bounds each loop on a Zen 3 is listed, and measured, in `benches/kernel`.
//!
//! As on AVX-512, loops over rows are written out.

mod bits;
mod float;
pub(super) mod int;

use std::arch::x86_64::*;

use crate::kernel::Scalar;
use crate::kernel::dispatch::Arithmetic;
use crate::kernel::pair::{Pair, padded};

/// Exists on CPUs where [`super::has_avx2`] holds.
pub(in crate::kernel) struct Avx2;

impl Arithmetic for Avx2 {
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { one::<P>(query, row) }
    }

    unsafe fn four<P: Pair>(query: &[u8], four: [&[u8]; 4]) -> [f32; 4] {
        // SAFETY: as above.
        unsafe { four_rows::<P>(query, four) }
    }
}

/// Apart from the trait, so that both rows and the distance travel in registers. Never inlined (into `short`), so that
/// `long` has one caller, and is.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    if query.len() >= shortest::<P>() { long::<P, 1>(query, [row])[0] } else { short::<P>(query, row) }
}

/// Never inlined (into `short_four`), for the same reason.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn four_rows<P: Pair>(query: &[u8], rows: [&[u8]; 4]) -> [f32; 4] {
    if query.len() >= shortest::<P>() { long::<P, 4>(query, rows) } else { short_four::<P>(query, rows) }
}

/// Bytes that a row of the vector loops has at least; those of bits take any.
const fn shortest<P: Pair>() -> usize {
    if matches!(P::SCALAR, Scalar::B1) { 0 } else { WIDTH }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn long<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    // One length for all: the compiler keeps it in one register and drops the checks of the loops behind this.
    let mut equal = [query; R];
    for r in 0..R {
        debug_assert_eq!(rows[r].len(), query.len());
        // SAFETY: [`Arithmetic`] says that they are of equal length.
        equal[r] = unsafe { std::slice::from_raw_parts(rows[r].as_ptr(), query.len()) };
    }
    let rows = equal;
    match P::SCALAR {
        Scalar::F32 => float::distances::<P, R, { 4 * WIDTH }>(query, rows),
        Scalar::F16 | Scalar::Bf16 => float::distances::<P, R, { 2 * WIDTH }>(query, rows),
        Scalar::I8 | Scalar::U8 => int::distances::<P, R>(query, rows),
        Scalar::B1 => bits::distances::<P, R>(query, rows),
    }
}

/// Never inlined: the others need no stack.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn short<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    one::<P>(&padded::<WIDTH>(query), &padded::<WIDTH>(row))
}

/// As [`short`].
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn short_four<P: Pair>(query: &[u8], [a, b, c, d]: [&[u8]; 4]) -> [f32; 4] {
    let (a, b, c, d) = (padded::<WIDTH>(a), padded::<WIDTH>(b), padded::<WIDTH>(c), padded::<WIDTH>(d));
    four_rows::<P>(&padded::<WIDTH>(query), [&a, &b, &c, &d])
}

/// Bytes in a vector.
const WIDTH: usize = 32;

/// A mask of the last `count` bytes of a vector, 32 at most.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn last_bytes(count: usize) -> __m256i {
    const MASKS: [u8; 2 * WIDTH] = {
        let mut masks = [0; 2 * WIDTH];
        let mut i = WIDTH;
        while i < 2 * WIDTH {
            masks[i] = 0xff;
            i += 1;
        }
        masks
    };
    load_first(&MASKS[count..])
}

/// 32 bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(in crate::kernel::x86_64) fn load_bytes(bytes: &[u8; WIDTH]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; no alignment is needed.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The first 32 bytes of a longer slice.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(in crate::kernel::x86_64) fn load_first(bytes: &[u8]) -> __m256i {
    load_bytes(bytes.first_chunk().expect("32 bytes or more"))
}

/// The bytes from `at` to `end`, less than 32 with at least that many in `row[..end]`; zeros in place of those
/// before them.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load_last(row: &[u8], at: usize, end: usize) -> __m256i {
    _mm256_and_si256(last_bytes(end - at), load_first(&row[end - WIDTH..]))
}
