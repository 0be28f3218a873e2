//! Distances to codes on AVX2. Codes are widened in registers to what the query holds and then
//! summed like any other bytes.

use std::arch::x86_64::*;

use super::avx2::int::{signed_products, squares, totals};
use super::avx2::{Avx2, load_bytes, load_first};
use crate::kernel::codes::{self, Arithmetic, HALF_ROW, HALVES, NIBBLES, SIGN_WORDS, TABLES};
use crate::kernel::pair::{BLOCK, IntSums, Pair, finish_all};
use crate::kernel::{Metric, Scalar};

/// Bytes in a vector.
const WIDTH: usize = 32;

impl Arithmetic for Avx2 {
    unsafe fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { nibbles::<P, R>(query, rows) }
    }

    unsafe fn signs(planes: &[[u8; SIGN_WORDS]], words: &[[u8; 8]]) -> i32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { signs(planes, words) }
    }

    unsafe fn lookups<const R: usize>(tables: &[[u8; TABLES]], rows: [&[[u8; HALVES]]; R]) -> [u32; R] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { lookups(tables, rows) }
    }

    unsafe fn nibble_pair<const METRIC: u32>(one: &[[u8; HALF_ROW]], other: &[[u8; HALF_ROW]]) -> u64 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { nibble_pair::<METRIC>(one, other) }
    }

    unsafe fn sign_pair(one: &[[u8; 8]], other: &[[u8; 8]]) -> u32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { sign_pair(one, other) }
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
        let mut lanes = [_mm256_setzero_si256(); R];
        for (i, x) in whole.iter().enumerate() {
            let (low, high) = (load_first(x), load_first(&x[WIDTH..]));
            for r in 0..R {
                let (y_low, y_high) = widened::<P>(load_bytes(&halves[r][i]));
                let both = _mm256_add_epi32(terms::<P, R>(y_low, low), terms::<P, R>(y_high, high));
                lanes[r] = _mm256_add_epi32(lanes[r], both);
            }
        }
        let main = totals(lanes);
        for r in 0..R {
            sums[r].main += main[r] as i64;
        }
    }
    finish_all::<P, R>(sums)
}

/// What 32 bytes of a row and of the query add to the distance.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn terms<P: Pair, const R: usize>(row: __m256i, query: __m256i) -> __m256i {
    match P::METRIC {
        Metric::L2sq => squares::<P, R>(row, query),
        Metric::L1 => _mm256_sad_epu8(row, query),
        // The row comes first: it is never -128, which the short product cannot take there.
        _ => signed_products(row, query),
    }
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

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn nibble_pair<const METRIC: u32>(one: &[[u8; HALF_ROW]], other: &[[u8; HALF_ROW]]) -> u64 {
    let (low, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let mut lanes = _mm256_setzero_si256();
    for (x, y) in one.iter().zip(other) {
        let (x, y) = (load_bytes(x), load_bytes(y));
        let (x_high, y_high) = (_mm256_srli_epi16::<4>(x), _mm256_srli_epi16::<4>(y));
        for (x, y) in [(x, y), (x_high, y_high)] {
            let (x, y) = (_mm256_and_si256(x, low), _mm256_and_si256(y, low));
            let sums = if METRIC == Metric::L1 as u32 {
                _mm256_sad_epu8(x, y)
            } else {
                let difference = _mm256_abs_epi8(_mm256_sub_epi8(x, y));
                _mm256_madd_epi16(_mm256_maddubs_epi16(difference, difference), ones)
            };
            lanes = _mm256_add_epi32(lanes, sums);
        }
    }
    totals([lanes])[0] as u64
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn sign_pair(one: &[[u8; 8]], other: &[[u8; 8]]) -> u32 {
    codes::sign_pair(one, other)
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn signs(planes: &[[u8; SIGN_WORDS]], words: &[[u8; 8]]) -> i32 {
    codes::signs(planes, words)
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn lookups<const R: usize>(tables: &[[u8; TABLES]], rows: [&[[u8; HALVES]]; R]) -> [u32; R] {
    let mut lanes = [_mm256_setzero_si256(); R];
    for (i, table) in tables.iter().enumerate() {
        for r in 0..R {
            let found = looked_up(table, &rows[r][i]);
            lanes[r] = _mm256_add_epi64(lanes[r], _mm256_sad_epu8(found, _mm256_setzero_si256()));
        }
    }
    let sums = totals(lanes);
    let mut unsigned = [0; R];
    for r in 0..R {
        unsigned[r] = sums[r] as u32;
    }
    unsigned
}

/// What 32 half bytes look up: of sixteen vectors one is chosen, place by place, by a tree of blends, from
/// the lowest bit of the half bytes to the highest.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn looked_up(table: &[u8; TABLES], halves: &[u8; HALVES]) -> __m256i {
    // SAFETY: the array has the 16 bytes that are read; no alignment is needed.
    let halves = unsafe { _mm_loadu_si128(halves.as_ptr().cast()) };
    // Bit 3 of each half byte is at the top of its byte; shifts bring the others there, and what they bring
    // over from the byte below stays under the top.
    let bit_3 = _mm256_set_m128i(halves, _mm_slli_epi16::<4>(halves));
    let (bit_2, bit_1, bit_0) =
        (_mm256_slli_epi16::<1>(bit_3), _mm256_slli_epi16::<2>(bit_3), _mm256_slli_epi16::<3>(bit_3));
    let values = table.as_chunks::<WIDTH>().0;
    let mut eight = [_mm256_setzero_si256(); 8];
    for i in 0..8 {
        eight[i] = _mm256_blendv_epi8(load_bytes(&values[2 * i]), load_bytes(&values[2 * i + 1]), bit_0);
    }
    let mut four = [_mm256_setzero_si256(); 4];
    for i in 0..4 {
        four[i] = _mm256_blendv_epi8(eight[2 * i], eight[2 * i + 1], bit_1);
    }
    let (low, high) = (_mm256_blendv_epi8(four[0], four[1], bit_2), _mm256_blendv_epi8(four[2], four[3], bit_2));
    _mm256_blendv_epi8(low, high, bit_3)
}
