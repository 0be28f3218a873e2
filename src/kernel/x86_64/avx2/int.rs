//! Rows of bytes, summed exactly in 32-bit lanes. Bytes widen to 16 bits for VPMADDWD; of unsigned ones, VPMADDUBSW
//! makes some of the differences on the way. Only the signed dot product, which the graph walk lives on, takes the shorter
//! way over products by VPMADDUBSW, which is wrong for one value (see [`signed_products`]).

use super::{WIDTH, load_bytes, load_last};
use crate::kernel::pair::{BLOCK, IntSums, Pair, finish_all};
use crate::kernel::{Metric, Scalar};
use std::arch::x86_64::*;
use std::ops::Range;

/// What one load takes.
type Bytes = [u8; WIDTH];

/// Running sums of rows, in 32-bit lanes.
struct Lanes<const R: usize> {
    main: [__m256i; R],
    /// The rows' and the query's own, where [`Pair::NORMS`].
    norm: [__m256i; R],
    query_norm: __m256i,
    /// The least of the query's bytes in each place.
    lowest: __m256i,
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn distances<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let mut sums = [IntSums::default(); R];
    let mut start = 0;
    while start < query.len() {
        let range = start..query.len().min(start + BLOCK);
        let lanes = add_up::<P, R>(query, rows, range.clone());
        if R == 4 && range.len() == query.len() {
            return finish_block::<P, R>(lanes);
        }
        let (main, norm, [query_norm]) = (totals(lanes.main), totals(lanes.norm), totals([lanes.query_norm]));
        for r in 0..R {
            sums[r].main += main[r] as i64;
            if P::NORMS {
                sums[r].row_norm += norm[r] as i64;
                sums[r].query_norm += query_norm as i64;
            }
        }
        start = range.end;
    }
    finish_all::<P, R>(sums)
}

/// What [`finish_all`] makes of the sums of four rows of one block, side by side.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn finish_block<P: Pair, const R: usize>(lanes: Lanes<R>) -> [f32; R] {
    let mut distances = [0.0; R];
    for (i, four) in distances.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let main = totals_of_four(lanes.main.as_chunks().0[i]);
        let distances = match P::METRIC {
            Metric::Ip => _mm_cvtepi32_ps(_mm_sub_epi32(_mm_set1_epi32(1), main)),
            Metric::Cosine => {
                let norm = totals_of_four(lanes.norm.as_chunks().0[i]);
                let query_norm = totals_of_four([lanes.query_norm; 4]);
                let norms = _mm256_mul_pd(_mm256_cvtepi32_pd(norm), _mm256_cvtepi32_pd(query_norm));
                let cosines = _mm256_div_pd(_mm256_cvtepi32_pd(main), _mm256_sqrt_pd(norms));
                // Of no length, no cosine.
                let known = _mm256_cmp_pd::<_CMP_NEQ_OQ>(norms, _mm256_setzero_pd());
                _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_set1_pd(1.0), _mm256_and_pd(known, cosines)))
            }
            _ => _mm_cvtepi32_ps(main),
        };
        // SAFETY: the array has the 16 bytes that are written; no alignment is needed.
        unsafe { _mm_storeu_ps(four.as_mut_ptr(), distances) };
    }
    distances
}

/// The sums of a range of at most [`BLOCK`] bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_up<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R], range: Range<usize>) -> Lanes<R> {
    if matches!((P::METRIC, P::SCALAR), (Metric::Ip, Scalar::I8)) {
        let lanes = add_block::<P, R, true>(query, rows, range.clone());
        let minimum = _mm256_cmpeq_epi8(lanes.lowest, _mm256_set1_epi8(i8::MIN));
        if _mm256_movemask_epi8(minimum) == 0 {
            return lanes;
        }
    }
    add_block::<P, R, false>(query, rows, range)
}

/// `SHORT` takes [`signed_products`], and is wrong where they are.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_block<P: Pair, const R: usize, const SHORT: bool>(
    query: &[u8],
    rows: [&[u8]; R],
    range: Range<usize>,
) -> Lanes<R> {
    let zero = _mm256_setzero_si256();
    let mut lanes = Lanes { main: [zero; R], norm: [zero; R], query_norm: zero, lowest: zero };
    // Vectors of equal count, so that the loop has no checks.
    let (whole, _) = query[range.clone()].as_chunks::<WIDTH>();
    let mut whole_rows = [whole; R];
    for r in 0..R {
        whole_rows[r] = &rows[r][range.clone()].as_chunks::<WIDTH>().0[..whole.len()];
    }
    for i in 0..whole.len() {
        let mut ys = [&whole[i]; R];
        for r in 0..R {
            ys[r] = &whole_rows[r][i];
        }
        add::<P, R, SHORT>(&mut lanes, &whole[i], ys);
    }
    let at = range.start + whole.len() * WIDTH;
    if at < range.end {
        let x = last(query, at, range.end);
        let mut copies = [x; R];
        for r in 0..R {
            copies[r] = last(rows[r], at, range.end);
        }
        add::<P, R, SHORT>(&mut lanes, &x, copies.each_ref());
    }
    lanes
}

/// Adds one load of every row.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add<P: Pair, const R: usize, const SHORT: bool>(lanes: &mut Lanes<R>, x: &Bytes, ys: [&Bytes; R]) {
    match P::METRIC {
        Metric::L2sq => {
            let x = load_bytes(x);
            for (r, y) in ys.iter().enumerate() {
                lanes.main[r] = _mm256_add_epi32(lanes.main[r], squares::<P, R>(x, load_bytes(y)));
            }
        }
        Metric::L1 => {
            let x = unsigned::<P>(x);
            for (r, y) in ys.iter().enumerate() {
                lanes.main[r] = _mm256_add_epi32(lanes.main[r], _mm256_sad_epu8(x, unsigned::<P>(y)));
            }
        }
        _ if SHORT => {
            let x = load_bytes(x);
            lanes.lowest = _mm256_min_epi8(lanes.lowest, x);
            for (r, y) in ys.iter().enumerate() {
                lanes.main[r] = _mm256_add_epi32(lanes.main[r], signed_products(x, load_bytes(y)));
            }
        }
        _ => {
            let x = widen::<P>(x);
            if P::NORMS {
                lanes.query_norm = _mm256_add_epi32(lanes.query_norm, products(x, x));
            }
            for (r, y) in ys.iter().enumerate() {
                let y = widen::<P>(y);
                lanes.main[r] = _mm256_add_epi32(lanes.main[r], products(x, y));
                if P::NORMS {
                    lanes.norm[r] = _mm256_add_epi32(lanes.norm[r], products(y, y));
                }
            }
        }
    }
}

/// Sums of four of (x - y)^2.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(in crate::kernel::x86_64) fn squares<P: Pair, const R: usize>(x: __m256i, y: __m256i) -> __m256i {
    let (low, high) = match P::SCALAR {
        // Quicker for several rows alone, by measurement.
        Scalar::U8 if R > 1 => {
            // 1 for the byte of x, -1 for that of y beside it.
            let signs = _mm256_set1_epi16(i16::from_le_bytes([1, 0xff]));
            let (low, high) = (_mm256_unpacklo_epi8(x, y), _mm256_unpackhi_epi8(x, y));
            (_mm256_maddubs_epi16(low, signs), _mm256_maddubs_epi16(high, signs))
        }
        _ => {
            let (zero, difference) = (_mm256_setzero_si256(), absolute_difference::<P>(x, y));
            (_mm256_unpacklo_epi8(difference, zero), _mm256_unpackhi_epi8(difference, zero))
        }
    };
    products((low, high), (low, high))
}

/// |x - y|, 0 to 255.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn absolute_difference<P: Pair>(x: __m256i, y: __m256i) -> __m256i {
    match P::SCALAR {
        Scalar::I8 => _mm256_sub_epi8(_mm256_max_epi8(x, y), _mm256_min_epi8(x, y)),
        _ => _mm256_sub_epi8(_mm256_max_epu8(x, y), _mm256_min_epu8(x, y)),
    }
}

/// Signed bytes moved up by 128, where differences stay the same; unsigned ones as they are.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn unsigned<P: Pair>(bytes: &Bytes) -> __m256i {
    let bytes = load_bytes(bytes);
    if matches!(P::SCALAR, Scalar::I8) { _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN)) } else { bytes }
}

/// Sums of four of x * y, exact for all bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn products(x: (__m256i, __m256i), y: (__m256i, __m256i)) -> __m256i {
    _mm256_add_epi32(_mm256_madd_epi16(x.0, y.0), _mm256_madd_epi16(x.1, y.1))
}

/// Sums of four of x * y of signed bytes, as |y| * (x with the sign of y): three instructions instead of seven. An
/// x of -128 has no positive counterpart and comes out wrong for negative y. A y of -128 is
/// harmless, as its magnitude is read unsigned.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(in crate::kernel::x86_64) fn signed_products(x: __m256i, y: __m256i) -> __m256i {
    // Pairs stay within 2 * 128 * 127: no saturation.
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(y), _mm256_sign_epi8(x, y));
    _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
}

/// The bytes in 16 bits: of signed ones the first and the second 16, which widen on their way from memory; of
/// unsigned ones the even and the odd.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn widen<P: Pair>(bytes: &Bytes) -> (__m256i, __m256i) {
    match P::SCALAR {
        Scalar::I8 => {
            let from = bytes.as_ptr();
            // SAFETY: twice 16 bytes are read of an array of 32; no alignment is needed.
            let halves = unsafe { (_mm_loadu_si128(from.cast()), _mm_loadu_si128(from.add(WIDTH / 2).cast())) };
            (_mm256_cvtepi8_epi16(halves.0), _mm256_cvtepi8_epi16(halves.1))
        }
        _ => {
            let bytes = load_bytes(bytes);
            (_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16::<8>(bytes))
        }
    }
}

/// Sums of the 32-bit lanes of vectors, each within one [`BLOCK`].
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(in crate::kernel::x86_64) fn totals<const R: usize>(lanes: [__m256i; R]) -> [i32; R] {
    let mut sums = [0; R];
    // Four at a time are folded side by side.
    let (fours, rest) = lanes.as_chunks::<4>();
    for (i, four) in fours.iter().enumerate() {
        let four = totals_of_four(*four);
        sums[4 * i] = _mm_cvtsi128_si32(four);
        sums[4 * i + 1] = _mm_extract_epi32::<1>(four);
        sums[4 * i + 2] = _mm_extract_epi32::<2>(four);
        sums[4 * i + 3] = _mm_extract_epi32::<3>(four);
    }
    for (i, &one) in rest.iter().enumerate() {
        let four = _mm_add_epi32(_mm256_castsi256_si128(one), _mm256_extracti128_si256::<1>(one));
        let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
        sums[4 * fours.len() + i] = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)));
    }
    sums
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn totals_of_four([a, b, c, d]: [__m256i; 4]) -> __m128i {
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs))
}

/// The bytes from `at` to `end`, less than 32; zeros in place of those before them.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn last(row: &[u8], at: usize, end: usize) -> Bytes {
    let mut bytes = [0; WIDTH];
    // SAFETY: the array has the 32 bytes that are written; no alignment is needed.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), load_last(row, at, end)) };
    bytes
}
