//! Float rows. All scalars widen to f32 and keep four accumulators, which hide the latency of
//! FMA as long as each waits for two loads. bfloat16 is split into its odd and even components, one
//! cheap instruction each, which then live in vectors of their own.

use super::last_bytes;
use crate::kernel::pair::{FloatSums, Pair};
use crate::kernel::{Metric, Scalar};
use std::arch::asm;
use std::arch::x86_64::*;

/// f32 components in a vector.
const LANES: usize = 8;

/// Accumulators of a sum.
const UNROLL: usize = 4;

/// Vectors that a load makes, the first of two where [`halves`] says one.
type Loaded = [__m256; 2];

/// Accumulators of one sum.
type Sum = [__m256; UNROLL];

/// The sums of a row, folded into one vector each.
#[derive(Clone, Copy)]
struct Sums {
    main: __m256,
    norm: __m256,
}

/// The accumulators of a row.
#[derive(Clone, Copy)]
struct Lanes {
    main: Sum,
    norm: Sum,
}

/// Vectors that a load makes.
const fn halves<P: Pair>() -> usize {
    if matches!(P::SCALAR, Scalar::Bf16) { 2 } else { 1 }
}

/// Bytes of a load.
const fn step<P: Pair>() -> usize {
    LANES * P::BYTES * halves::<P>()
}

/// The loop takes `TURN` bytes at a time: as many loads as fill the accumulators.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) fn distances<P: Pair, const R: usize, const TURN: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    assert!(TURN * halves::<P>() == UNROLL * step::<P>());
    let zero = _mm256_setzero_ps();
    let mut sums = [Sums { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    // Three sums of two vectors a load would not fit into 16 registers, nor all of four rows.
    let apart = P::NORMS && (R > 1 || halves::<P>() > 1);
    if R == 1 && !apart {
        ([sums[0]], query_norm) = add_up::<P, 1, TURN, true>(query, [rows[0]]);
    } else if apart {
        // The query's own sum first, for all rows.
        query_norm = norm::<P, TURN>(query);
        for r in 0..R {
            ([sums[r]], _) = add_up::<P, 1, TURN, false>(query, [rows[r]]);
        }
    } else {
        // Two at a time, for the same reason.
        let mut r = 0;
        while r < R {
            ([sums[r], sums[r + 1]], _) = add_up::<P, 2, TURN, false>(query, [rows[r], rows[r + 1]]);
            r += 2;
        }
    }
    let mut distances = [0.0; R];
    if R == 1 {
        let [main, row_norm, query_norm, _] = array(totals([sums[0].main, sums[0].norm, query_norm, zero]));
        distances[0] = FloatSums { main, query_norm, row_norm }.finish::<P>(query, rows[0]);
    }
    let [query_norm, ..] = array(totals([query_norm; 4]));
    let four_rows = rows.as_chunks::<4>().0;
    for (i, distances) in distances.as_chunks_mut().0.iter_mut().enumerate() {
        let [a, b, c, d] = sums.as_chunks::<4>().0[i];
        let main = totals([a.main, b.main, c.main, d.main]);
        let norm = totals([a.norm, b.norm, c.norm, d.norm]);
        let four = finish_four::<P>(main, norm, query_norm);
        let magnitudes = _mm_andnot_ps(_mm_set1_ps(-0.0), four);
        let finite = _mm_movemask_ps(_mm_cmplt_ps(magnitudes, _mm_set1_ps(f32::INFINITY))) == 0b1111;
        *distances = if finite {
            array(four)
        } else {
            finish_each::<P>(query, &four_rows[i], array(main), array(norm), query_norm)
        };
    }
    distances
}

/// Never inlined: hardly ever called.
#[cold]
#[inline(never)]
fn finish_each<P: Pair>(query: &[u8], rows: &[&[u8]; 4], main: [f32; 4], norm: [f32; 4], query_norm: f32) -> [f32; 4] {
    std::array::from_fn(|r| FloatSums { main: main[r], query_norm, row_norm: norm[r] }.finish::<P>(query, rows[r]))
}

/// The sums of rows, in lanes yet, and the squared length of the query if `QUERY`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_up<P: Pair, const R: usize, const TURN: usize, const QUERY: bool>(
    query: &[u8],
    rows: [&[u8]; R],
) -> ([Sums; R], __m256) {
    let zero = [_mm256_setzero_ps(); UNROLL];
    let mut lanes = [Lanes { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    let step = step::<P>();
    // Turns of equal count, so that the loop has no checks.
    let (whole, _) = query.as_chunks::<TURN>();
    let mut whole_rows = [whole; R];
    for r in 0..R {
        whole_rows[r] = &rows[r].as_chunks::<TURN>().0[..whole.len()];
    }
    for i in 0..whole.len() {
        for k in 0..TURN / step {
            let x = load::<P>(&whole[i][k * step..][..step]);
            add_query::<P, QUERY>(&mut query_norm, k, x);
            for r in 0..R {
                add_row::<P>(&mut lanes[r], k, x, load::<P>(&whole_rows[r][i][k * step..][..step]));
            }
        }
    }
    let mut at = whole.len() * TURN;
    while at + step <= query.len() {
        let x = load::<P>(&query[at..at + step]);
        add_query::<P, QUERY>(&mut query_norm, 0, x);
        for r in 0..R {
            add_row::<P>(&mut lanes[r], 0, x, load::<P>(&rows[r][at..at + step]));
        }
        at += step;
    }
    if at < query.len() {
        let x = load_last::<P>(query, at);
        add_query::<P, QUERY>(&mut query_norm, 0, x);
        for r in 0..R {
            add_row::<P>(&mut lanes[r], 0, x, load_last::<P>(rows[r], at));
        }
    }
    let mut sums = [Sums { main: zero[0], norm: zero[0] }; R];
    for r in 0..R {
        sums[r] = Sums { main: fold(lanes[r].main), norm: fold(lanes[r].norm) };
    }
    (sums, fold(query_norm))
}

/// The squared length of a row, in lanes: the same bits as that of [`add_up`].
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn norm<P: Pair, const TURN: usize>(row: &[u8]) -> __m256 {
    let mut norm = [_mm256_setzero_ps(); UNROLL];
    let step = step::<P>();
    let (whole, _) = row.as_chunks::<TURN>();
    for turn in whole {
        for k in 0..TURN / step {
            add_query::<P, true>(&mut norm, k, load::<P>(&turn[k * step..][..step]));
        }
    }
    let mut at = whole.len() * TURN;
    while at + step <= row.len() {
        add_query::<P, true>(&mut norm, 0, load::<P>(&row[at..at + step]));
        at += step;
    }
    if at < row.len() {
        add_query::<P, true>(&mut norm, 0, load_last::<P>(row, at));
    }
    fold(norm)
}

/// Adds the `k`th load of a turn.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_row<P: Pair>(lanes: &mut Lanes, k: usize, x: Loaded, y: Loaded) {
    for half in 0..halves::<P>() {
        let (at, x, y) = (k * halves::<P>() + half, x[half], y[half]);
        lanes.main[at] = add_term::<P>(lanes.main[at], x, y);
        if P::NORMS {
            lanes.norm[at] = _mm256_fmadd_ps(y, y, lanes.norm[at]);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_query<P: Pair, const QUERY: bool>(norm: &mut Sum, k: usize, x: Loaded) {
    if P::NORMS && QUERY {
        for (half, x) in x.iter().enumerate().take(halves::<P>()) {
            let at = k * halves::<P>() + half;
            norm[at] = _mm256_fmadd_ps(*x, *x, norm[at]);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn add_term<P: Pair>(sum: __m256, x: __m256, y: __m256) -> __m256 {
    match P::METRIC {
        Metric::L2sq => {
            let difference = difference::<P>(x, y);
            _mm256_fmadd_ps(difference, difference, sum)
        }
        Metric::L1 => _mm256_fmadd_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0), difference::<P>(x, y)), one(), sum),
        _ => _mm256_fmadd_ps(x, y, sum),
    }
}

/// `x - y`. Where additions and conversions would wait for the same two ports, by FMA, which has
/// others on AMD and rounds alike.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn difference<P: Pair>(x: __m256, y: __m256) -> __m256 {
    if matches!(P::SCALAR, Scalar::F16) { _mm256_fmsub_ps(x, one(), y) } else { _mm256_sub_ps(x, y) }
}

/// Ones that the compiler does not know to be such: of FMA by known ones it makes additions, for other ports.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn one() -> __m256 {
    let mut one = _mm256_set1_ps(1.0);
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(ymm_reg) one, options(pure, nomem, nostack, preserves_flags)) };
    one
}

/// The accumulators of a sum in one.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn fold(lanes: Sum) -> __m256 {
    _mm256_add_ps(_mm256_add_ps(lanes[0], lanes[1]), _mm256_add_ps(lanes[2], lanes[3]))
}

/// The totals of four sums, side by side: of each the halves, then pairs, then the two that are left.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn totals([a, b, c, d]: [__m256; 4]) -> __m128 {
    let ab = _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
    let cd = _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(c, d), _mm256_permute2f128_ps::<0x31>(c, d));
    let (ab, cd) = (_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    let lower = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
    let twos = _mm256_add_ps(lower, _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)));
    // a, c | b, d in the even lanes.
    let ones = _mm256_add_ps(twos, _mm256_movehdup_ps(twos));
    let (ac, bd) = (_mm256_castps256_ps128(ones), _mm256_extractf128_ps::<1>(ones));
    _mm_blend_ps::<0b1010>(ac, _mm_moveldup_ps(bd))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn array(four: __m128) -> [f32; 4] {
    let mut array = [0.0; 4];
    // SAFETY: the array has the 16 bytes that are written; no alignment is needed.
    unsafe { _mm_storeu_ps(array.as_mut_ptr(), four) };
    array
}

/// What [`FloatSums::finish`] makes of the sums of four rows, side by side; not finite where that
/// computes the distance again.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn finish_four<P: Pair>(main: __m128, norm: __m128, query_norm: f32) -> __m128 {
    match P::METRIC {
        Metric::Ip => _mm_sub_ps(_mm_set1_ps(1.0), main),
        Metric::Cosine => {
            let norms = _mm256_mul_pd(_mm256_cvtps_pd(norm), _mm256_set1_pd(query_norm as f64));
            let cosines = _mm256_div_pd(_mm256_cvtps_pd(main), _mm256_sqrt_pd(norms));
            let distances = _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_set1_pd(1.0), cosines));
            let smaller = _mm_min_ps(norm, _mm_set1_ps(query_norm));
            let small = _mm_cmplt_ps(smaller, _mm_set1_ps(FloatSums::NORM_MIN));
            _mm_or_ps(distances, _mm_and_ps(small, _mm_set1_ps(f32::NAN)))
        }
        _ => main,
    }
}

/// The components of [`step`] bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load<P: Pair>(bytes: &[u8]) -> Loaded {
    assert!(bytes.len() >= step::<P>());
    let from = bytes.as_ptr();
    // SAFETY: the assertion covers the 32 (f32, bf16) or 16 (f16) bytes that are read; no alignment is needed.
    unsafe {
        match P::SCALAR {
            Scalar::F32 => [_mm256_loadu_ps(from.cast()), _mm256_setzero_ps()],
            Scalar::F16 => [_mm256_cvtph_ps(_mm_loadu_si128(from.cast())), _mm256_setzero_ps()],
            _ => split(_mm256_loadu_si256(from.cast())),
        }
    }
}

/// The components from byte `at` to the end, less than a load makes of a row that is long enough for one;
/// zeros in place of those before them.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn load_last<P: Pair>(row: &[u8], at: usize) -> Loaded {
    match P::SCALAR {
        Scalar::Bf16 => split(super::load_last(row, at, row.len())),
        _ => {
            let keep = _mm256_castsi256_ps(last_bytes((row.len() - at) / P::BYTES * 4));
            [_mm256_and_ps(keep, load::<P>(&row[row.len() - step::<P>()..])[0]), _mm256_setzero_ps()]
        }
    }
}

/// The even and the odd ones of 16 bfloat16 components.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn split(pairs: __m256i) -> Loaded {
    let upper = _mm256_set1_epi32(0xffff_0000u32 as i32);
    [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)), _mm256_castsi256_ps(_mm256_and_si256(pairs, upper))]
}
