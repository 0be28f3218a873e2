//! Distances to codes on AVX2. Codes are widened in registers to what the query holds and then
//! summed like any other bytes.

use std::arch::x86_64::*;

use super::avx2::{Avx2, IntLanes, add_row, load_bytes, load_first, totals};
use crate::kernel::Scalar;
use crate::kernel::codes::{Arithmetic, NIBBLES};
use crate::kernel::pair::{BLOCK, IntSums, Pair, finish_all};

/// Bytes in a vector.
const WIDTH: usize = 32;

impl Arithmetic for Avx2 {
    unsafe fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { nibbles::<P, R>(query, rows) }
    }
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let mut sums = [IntSums::default(); R];
    for (block, query) in query.chunks(BLOCK).enumerate() {
        let (whole, _) = query.as_chunks::<NIBBLES>();
        let mut halves: [&[[u8; WIDTH]]; R] = [&[]; R];
        for r in 0..R {
            halves[r] = &rows[r][block * BLOCK / 2..].as_chunks().0[..whole.len()];
        }
        let mut lanes = [IntLanes::zero(); R];
        for (i, x) in whole.iter().enumerate() {
            let (low, high) = (load_first(x), load_first(&x[WIDTH..]));
            for r in 0..R {
                let (y_low, y_high) = widened::<P>(load_bytes(&halves[r][i]));
                // The row comes first: it is never -128, which the short product cannot take there.
                add_row::<P, true>(&mut lanes[r], y_low, low);
                add_row::<P, true>(&mut lanes[r], y_high, high);
            }
        }
        let mut main = [_mm256_setzero_si256(); R];
        for r in 0..R {
            main[r] = lanes[r].main;
        }
        let main = totals(main);
        for r in 0..R {
            sums[r].main += main[r] as i64;
        }
    }
    finish_all::<P, R>(sums)
}

/// The lower and the upper halves of bytes, as bytes like the query's.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn widened<P: Pair>(halves: __m256i) -> (__m256i, __m256i) {
    let upper = _mm256_set1_epi8(0xf0u8 as i8);
    // Of a signed byte the top bit is the other one.
    let middle = _mm256_set1_epi8(if matches!(P::SCALAR, Scalar::I8) { 0x88u8 as i8 } else { 8 });
    let low = _mm256_and_si256(_mm256_slli_epi16::<4>(halves), upper);
    (_mm256_xor_si256(low, middle), _mm256_xor_si256(_mm256_and_si256(halves, upper), middle))
}
