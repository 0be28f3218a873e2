//! Distances on AVX2 with FMA and F16C: 32 bytes a step. The end of a row is read
//! as its last 32 bytes, less those already counted.
//!
//! Floats widen to f32 and keep four accumulators to hide the latency of FMA.
//! Bytes widen to 16 bits, even and odd ones apart, for the exact VPMADDWD. Only the
//! signed dot product, which the graph walk lives on, takes the shorter way
//! over VPMADDUBSW, which is wrong for one value (see [`add_signed_product`]). Bits take
//! the portable loop, compiled with POPCNT.
//!
//! As on AVX-512, loops over rows are written out.

use std::arch::x86_64::*;
use std::ops::Range;

use crate::kernel::dispatch::Arithmetic;
use crate::kernel::pair::{BLOCK, FloatSums, IntSums, Pair, finish_all, padded};
use crate::kernel::{Metric, Scalar, portable};

/// Exists on CPUs where [`super::has_avx2`] holds.
pub(in crate::kernel) struct Avx2;

impl Arithmetic for Avx2 {
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { rows::<P, 1>(query, [row])[0] }
    }

    unsafe fn four<P: Pair>(query: &[u8], four: [&[u8]; 4]) -> [f32; 4] {
        if matches!(P::SCALAR, Scalar::I8 | Scalar::U8) && !P::NORMS {
            // SAFETY: the caller vouches for the CPU.
            return unsafe { rows::<P, 4>(query, four) };
        }
        // Two at a time: all accumulators of four rows do not fit into 16 registers.
        let [a, b, c, d] = four;
        // SAFETY: as above.
        let ([a, b], [c, d]) = unsafe { (rows::<P, 2>(query, [a, b]), rows::<P, 2>(query, [c, d])) };
        [a, b, c, d]
    }
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn rows<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    // The compiler drops the bounds checks of the loops behind this.
    assert!(rows.iter().all(|row| row.len() == query.len()));
    match P::SCALAR {
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float::<P, R>(query, rows),
        Scalar::I8 | Scalar::U8 => int::<P, R>(query, rows),
        Scalar::B1 => {
            let mut distances = [0.0; R];
            for r in 0..R {
                // Compiled here, counting bits is one instruction.
                distances[r] = portable::bits::<P>(query, rows[r]);
            }
            distances
        }
    }
}

/// f32 components in a vector.
const LANES: usize = 8;

/// Accumulators of a float sum.
const UNROLL: usize = 4;

#[derive(Clone, Copy)]
struct FloatLanes {
    main: [__m256; UNROLL],
    norm: [__m256; UNROLL],
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn float<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let zero = [_mm256_setzero_ps(); UNROLL];
    let mut lanes = [FloatLanes { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    // Two sums per row: half the accumulators each, or they spill.
    let unroll = if P::NORMS { UNROLL / 2 } else { UNROLL };
    let width = LANES * P::BYTES;
    let mut at = 0;
    while at + unroll * width <= query.len() {
        for k in 0..unroll {
            let x = load::<P>(&query[at..at + width]);
            add_own::<P>(&mut query_norm, k, x);
            for r in 0..R {
                add_term::<P>(&mut lanes[r], k, x, load::<P>(&rows[r][at..at + width]));
            }
            at += width;
        }
    }
    while at + width <= query.len() {
        let x = load::<P>(&query[at..at + width]);
        add_own::<P>(&mut query_norm, 0, x);
        for r in 0..R {
            add_term::<P>(&mut lanes[r], 0, x, load::<P>(&rows[r][at..at + width]));
        }
        at += width;
    }
    if at < query.len() {
        let x = load_last_floats::<P>(query, at);
        add_own::<P>(&mut query_norm, 0, x);
        for r in 0..R {
            add_term::<P>(&mut lanes[r], 0, x, load_last_floats::<P>(rows[r], at));
        }
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
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_term<P: Pair>(lanes: &mut FloatLanes, k: usize, x: __m256, y: __m256) {
    let main = lanes.main[k];
    lanes.main[k] = match P::METRIC {
        Metric::L2sq => {
            let difference = _mm256_sub_ps(x, y);
            _mm256_fmadd_ps(difference, difference, main)
        }
        Metric::L1 => _mm256_add_ps(main, _mm256_andnot_ps(_mm256_set1_ps(-0.0), _mm256_sub_ps(x, y))),
        _ => _mm256_fmadd_ps(x, y, main),
    };
    add_own::<P>(&mut lanes.norm, k, y);
}

/// Adds to the squared length of a row.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_own<P: Pair>(norm: &mut [__m256; UNROLL], k: usize, x: __m256) {
    if P::NORMS {
        norm[k] = _mm256_fmadd_ps(x, x, norm[k]);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn total(lanes: [__m256; UNROLL]) -> f32 {
    let eight = _mm256_add_ps(_mm256_add_ps(lanes[0], lanes[1]), _mm256_add_ps(lanes[2], lanes[3]));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// 8 components.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load<P: Pair>(bytes: &[u8]) -> __m256 {
    assert!(bytes.len() >= LANES * P::BYTES);
    let from = bytes.as_ptr();
    // SAFETY: the assertion covers the 32 (f32) or 16 bytes that are read; no alignment is needed.
    unsafe {
        match P::SCALAR {
            Scalar::F32 => _mm256_loadu_ps(from.cast()),
            Scalar::F16 => _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
            _ => {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
            }
        }
    }
}

/// The components from byte `at` to the end, less than 8, zeros in place of those missing.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load_last_floats<P: Pair>(row: &[u8], at: usize) -> __m256 {
    let width = LANES * P::BYTES;
    if row.len() >= width {
        // The last whole vector, without the components that were there before.
        let keep = _mm256_castsi256_ps(last_bytes((row.len() - at) / P::BYTES * 4));
        _mm256_and_ps(keep, load::<P>(&row[row.len() - width..]))
    } else {
        load::<P>(&padded::<32>(&row[at..]))
    }
}

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

/// Bytes in a vector.
const WIDTH: usize = 32;

/// Running sums of one row, in 32-bit lanes.
#[derive(Clone, Copy)]
pub(super) struct IntLanes {
    pub(super) main: __m256i,
    norm: __m256i,
}

/// What is kept of the query.
#[derive(Clone, Copy)]
struct OfQuery {
    norm: __m256i,
    lowest: __m256i,
}

impl IntLanes {
    /// Nothing added yet.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c,popcnt")]
    pub(super) fn zero() -> IntLanes {
        IntLanes { main: _mm256_setzero_si256(), norm: _mm256_setzero_si256() }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn int<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let mut sums = [IntSums::default(); R];
    let signed_dot = matches!((P::METRIC, P::SCALAR), (Metric::Ip, Scalar::I8));
    let mut start = 0;
    while start < query.len() {
        let range = start..query.len().min(start + BLOCK);
        if !(signed_dot && int_block::<P, R, true>(query, rows, range.clone(), &mut sums)) {
            int_block::<P, R, false>(query, rows, range.clone(), &mut sums);
        }
        start = range.end;
    }
    finish_all::<P, R>(sums)
}

/// Adds a range of at most [`BLOCK`] bytes. `SHORT` takes [`add_signed_product`], and returns false, with
/// nothing added, where that would be wrong.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn int_block<P: Pair, const R: usize, const SHORT: bool>(
    query: &[u8],
    rows: [&[u8]; R],
    range: Range<usize>,
    sums: &mut [IntSums; R],
) -> bool {
    let zero = _mm256_setzero_si256();
    let mut of_query = OfQuery { norm: zero, lowest: zero };
    let mut lanes = [IntLanes::zero(); R];
    // Vectors of equal count, so that the loop has no checks.
    let (whole, _) = query[range.clone()].as_chunks::<WIDTH>();
    let mut whole_rows = [whole; R];
    for r in 0..R {
        whole_rows[r] = &rows[r][range.clone()].as_chunks::<WIDTH>().0[..whole.len()];
    }
    for (i, x) in whole.iter().enumerate() {
        let x = load_bytes(x);
        add_query::<P, SHORT>(&mut of_query, x);
        for r in 0..R {
            add_row::<P, SHORT>(&mut lanes[r], x, load_bytes(&whole_rows[r][i]));
        }
    }
    let at = range.start + whole.len() * WIDTH;
    if at < range.end {
        let x = load_last(query, at, range.end);
        add_query::<P, SHORT>(&mut of_query, x);
        for r in 0..R {
            add_row::<P, SHORT>(&mut lanes[r], x, load_last(rows[r], at, range.end));
        }
    }
    let minimum = _mm256_cmpeq_epi8(of_query.lowest, _mm256_set1_epi8(i8::MIN));
    if SHORT && _mm256_movemask_epi8(minimum) != 0 {
        return false;
    }
    let mut main = [zero; R];
    for r in 0..R {
        main[r] = lanes[r].main;
    }
    let main = totals(main);
    for r in 0..R {
        sums[r].main += main[r] as i64;
        if P::NORMS {
            sums[r].query_norm += totals([of_query.norm])[0] as i64;
            sums[r].row_norm += totals([lanes[r].norm])[0] as i64;
        }
    }
    true
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_query<P: Pair, const SHORT: bool>(of_query: &mut OfQuery, x: __m256i) {
    if SHORT {
        of_query.lowest = _mm256_min_epi8(of_query.lowest, x);
    }
    if P::NORMS {
        of_query.norm = add_product::<P>(of_query.norm, x, x);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn add_row<P: Pair, const SHORT: bool>(lanes: &mut IntLanes, x: __m256i, y: __m256i) {
    let zero = _mm256_setzero_si256();
    lanes.main = match P::METRIC {
        Metric::L2sq => {
            let difference = absolute_difference::<P>(x, y);
            let (low, high) = (_mm256_unpacklo_epi8(difference, zero), _mm256_unpackhi_epi8(difference, zero));
            let squares = _mm256_add_epi32(_mm256_madd_epi16(low, low), _mm256_madd_epi16(high, high));
            _mm256_add_epi32(lanes.main, squares)
        }
        Metric::L1 => _mm256_add_epi32(lanes.main, _mm256_sad_epu8(absolute_difference::<P>(x, y), zero)),
        _ if SHORT => add_signed_product(lanes.main, x, y),
        _ => add_product::<P>(lanes.main, x, y),
    };
    if P::NORMS {
        lanes.norm = add_product::<P>(lanes.norm, y, y);
    }
}

/// `sum + x * y`, exact for all bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_product<P: Pair>(sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
    let ((x_even, x_odd), (y_even, y_odd)) = (split::<P>(x), split::<P>(y));
    let products = _mm256_add_epi32(_mm256_madd_epi16(x_even, y_even), _mm256_madd_epi16(x_odd, y_odd));
    _mm256_add_epi32(sum, products)
}

/// `sum + x * y` for signed bytes, as |y| * (x with the sign of y): four instructions instead of ten. An x of
/// -128 has no positive counterpart and comes out wrong for negative y. A y of -128 is
/// harmless, as its magnitude is read unsigned.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_signed_product(sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
    // Pairs stay within 2 * 128 * 127: no saturation.
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(y), _mm256_sign_epi8(x, y));
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// The bytes at even and at odd places, widened to 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn split<P: Pair>(bytes: __m256i) -> (__m256i, __m256i) {
    match P::SCALAR {
        Scalar::I8 => (_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)), _mm256_srai_epi16::<8>(bytes)),
        _ => (_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16::<8>(bytes)),
    }
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

/// Sums of the 32-bit lanes of vectors, each within one [`BLOCK`].
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn totals<const R: usize>(lanes: [__m256i; R]) -> [i32; R] {
    let mut sums = [0; R];
    // Four at a time are folded side by side.
    let (fours, rest) = lanes.as_chunks::<4>();
    for (i, &[a, b, c, d]) in fours.iter().enumerate() {
        let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        let four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
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

/// 32 bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn load_bytes(bytes: &[u8; WIDTH]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; no alignment is needed.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The first 32 bytes of a longer slice.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn load_first(bytes: &[u8]) -> __m256i {
    load_bytes(bytes.first_chunk().expect("32 bytes or more"))
}

/// The bytes from `at` to `end`, less than 32, zeros in place of those missing.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load_last(row: &[u8], at: usize, end: usize) -> __m256i {
    if end >= WIDTH {
        // The last whole vector, without the bytes that were there before.
        _mm256_and_si256(last_bytes(end - at), load_first(&row[end - WIDTH..]))
    } else {
        load_bytes(&padded::<WIDTH>(&row[at..end]))
    }
}
