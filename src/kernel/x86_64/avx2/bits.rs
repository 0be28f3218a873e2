//! Bits, of rows of any length. Short ones are counted by POPCNT; longer ones by looking up each half of a byte in a
//! table of 16 counts; the counts of some vectors stay in bytes. (Adding vectors bit by bit first, after Harley and
//! Seal, saves a sixth of the instructions from rows of 16 vectors on, 4,096 bits, and costs shorter ones more.)

use super::{WIDTH, load_bytes, load_last};
use crate::kernel::Metric;
use crate::kernel::pair::{IntSums, Pair, finish_all};
use std::arch::asm;
use std::arch::x86_64::*;

/// Bytes from which looking up is quicker than POPCNT, by measurement.
const LONG: usize = 2 * WIDTH;

/// Bytes that POPCNT counts.
const WORD: usize = 8;

/// Vectors whose counts, 8 at most, fit into a byte together.
const BATCH: usize = 31;

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn distances<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    if query.len() >= LONG {
        return finish_all::<P, R>(counts::<P, R>(query, rows));
    }
    if query.len() < WORD {
        return count_bytes::<P, R>(query, rows);
    }
    let mut sums = [IntSums::default(); R];
    if R == 1 {
        [sums[0]] = count_words::<P, 1>(query, [rows[0]]);
    } else {
        // Two rows at a time: more would not fit into the registers.
        let mut r = 0;
        while r < R {
            [sums[r], sums[r + 1]] = count_words::<P, 2>(query, [rows[r], rows[r + 1]]);
            r += 2;
        }
    }
    finish_all::<P, R>(sums)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn count_words<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [IntSums; R] {
    let mut sums = [IntSums::default(); R];
    let (words, rest) = query.as_chunks::<WORD>();
    let mut row_words = [words; R];
    for r in 0..R {
        row_words[r] = &rows[r].as_chunks::<WORD>().0[..words.len()];
    }
    for i in 0..words.len() {
        let x = u64::from_le_bytes(words[i]);
        for r in 0..R {
            add_word::<P>(&mut sums[r], x, u64::from_le_bytes(row_words[r][i]));
        }
    }
    if !rest.is_empty() {
        let x = last_word(query, rest.len());
        for r in 0..R {
            add_word::<P>(&mut sums[r], x, last_word(rows[r], rest.len()));
        }
    }
    sums
}

/// Of rows shorter than a word. Never inlined: hardly ever called.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn count_bytes<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let mut sums = [IntSums::default(); R];
    for r in 0..R {
        for (x, y) in query.iter().zip(rows[r]) {
            add_word::<P>(&mut sums[r], *x as u64, *y as u64);
        }
    }
    finish_all::<P, R>(sums)
}

/// The last `count` bytes, less than a word, of a row that has one.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn last_word(row: &[u8], count: usize) -> u64 {
    u64::from_le_bytes(*row.last_chunk().expect("8 bytes or more")) >> (8 * (WORD - count))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_word<P: Pair>(sums: &mut IntSums, x: u64, y: u64) {
    if matches!(P::METRIC, Metric::Hamming) {
        sums.main += ones_of_word(x ^ y);
    } else {
        sums.main += ones_of_word(x & y);
        sums.row_norm += ones_of_word(x | y);
    }
}

/// The number of ones. Not `count_ones`: of that in a loop the compiler makes look-ups of vectors, which short
/// rows do not pay for.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn ones_of_word(word: u64) -> i64 {
    let count;
    // SAFETY: the CPU has the instruction, which changes the register and the flags alone.
    unsafe { asm!("popcnt {0}, {0}", inout(reg) word => count, options(pure, nomem, nostack)) };
    count
}

/// Counts of one row: in bytes, of a batch, or in 64-bit lanes, of all before it.
#[derive(Clone, Copy)]
struct Counts {
    main: __m256i,
    either: __m256i,
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn counts<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [IntSums; R] {
    let zero = Counts { main: _mm256_setzero_si256(), either: _mm256_setzero_si256() };
    let mut all = [zero; R];
    let (whole, rest) = query.as_chunks::<WIDTH>();
    let mut whole_rows = [whole; R];
    for r in 0..R {
        whole_rows[r] = &rows[r].as_chunks::<WIDTH>().0[..whole.len()];
    }
    let mut first = 0;
    while first < whole.len() {
        let end = whole.len().min(first + BATCH);
        let mut batch = [zero; R];
        for i in first..end {
            let x = load_bytes(&whole[i]);
            for r in 0..R {
                add::<P>(&mut batch[r], x, load_bytes(&whole_rows[r][i]));
            }
        }
        empty::<R>(&mut all, batch);
        first = end;
    }
    if !rest.is_empty() {
        let at = query.len() - rest.len();
        let x = load_last(query, at, query.len());
        let mut batch = [zero; R];
        for r in 0..R {
            add::<P>(&mut batch[r], x, load_last(rows[r], at, query.len()));
        }
        empty::<R>(&mut all, batch);
    }
    let mut sums = [IntSums::default(); R];
    for r in 0..R {
        sums[r].main = total(all[r].main);
        sums[r].row_norm = if matches!(P::METRIC, Metric::Jaccard) { total(all[r].either) } else { 0 };
    }
    sums
}

/// Adds one vector to a batch.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add<P: Pair>(batch: &mut Counts, x: __m256i, y: __m256i) {
    if matches!(P::METRIC, Metric::Hamming) {
        batch.main = _mm256_add_epi8(batch.main, ones(_mm256_xor_si256(x, y)));
    } else {
        batch.main = _mm256_add_epi8(batch.main, ones(_mm256_and_si256(x, y)));
        batch.either = _mm256_add_epi8(batch.either, ones(_mm256_or_si256(x, y)));
    }
}

/// Moves the counts of a batch from bytes to 64 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn empty<const R: usize>(all: &mut [Counts; R], batch: [Counts; R]) {
    let zero = _mm256_setzero_si256();
    for r in 0..R {
        all[r].main = _mm256_add_epi64(all[r].main, _mm256_sad_epu8(batch[r].main, zero));
        all[r].either = _mm256_add_epi64(all[r].either, _mm256_sad_epu8(batch[r].either, zero));
    }
}

/// The number of ones in each byte (Mula, Kurz and Lemire, "Faster population counts using AVX2 instructions").
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn ones(bytes: __m256i) -> __m256i {
    let table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let low = _mm256_set1_epi8(0x0f);
    let lower = _mm256_shuffle_epi8(table, _mm256_and_si256(bytes, low));
    let upper = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low));
    _mm256_add_epi8(lower, upper)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn total(lanes: __m256i) -> i64 {
    let two = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    _mm_cvtsi128_si64(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two)))
}
