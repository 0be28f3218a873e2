//! Float rows. All scalars widen to f32 and keep four accumulators, which hide the latency of
//! FMA as long as each waits for two loads. bfloat16 is split into its odd and even components, one
//! cheap instruction each, which then live in vectors of their own.

use super::last_bytes;
use crate::kernel::pair::{FloatSums, Pair};
use crate::kernel::{Metric, Scalar};
use std::arch::x86_64::*;

/// f32 components in a vector.
const LANES: usize = 8;

/// Accumulators of a sum.
const UNROLL: usize = 4;

/// Vectors that a load makes, the first of two where [`halves`] says one.
type Loaded = [__m256; 2];

/// Accumulators of one sum.
type Sum = [__m256; UNROLL];

/// The sums of a row.
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
    let mut distances = [0.0; R];
    // Three sums of two vectors a load would not fit into 16 registers, nor all of four rows.
    let apart = P::NORMS && (R > 1 || halves::<P>() > 1);
    if R == 1 && !apart {
        distances[0] = sums::<P, 1, TURN, true>(query, [rows[0]])[0].finish::<P>(query, rows[0]);
    } else if apart {
        // The query's own sum first, for all rows.
        let query_norm = norm::<P, TURN>(query);
        for r in 0..R {
            let [sums] = sums::<P, 1, TURN, false>(query, [rows[r]]);
            distances[r] = FloatSums { query_norm, ..sums }.finish::<P>(query, rows[r]);
        }
    } else {
        // Two at a time, for the same reason.
        for r in (0..R).step_by(2) {
            let pair = sums::<P, 2, TURN, false>(query, [rows[r], rows[r + 1]]);
            distances[r] = pair[0].finish::<P>(query, rows[r]);
            distances[r + 1] = pair[1].finish::<P>(query, rows[r + 1]);
        }
    }
    distances
}

/// The sums of rows; `query_norm` is left out without `QUERY`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn sums<P: Pair, const R: usize, const TURN: usize, const QUERY: bool>(
    query: &[u8],
    rows: [&[u8]; R],
) -> [FloatSums; R] {
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
    for (i, turn) in whole.iter().enumerate() {
        for k in 0..TURN / step {
            let x = load::<P>(&turn[k * step..][..step]);
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
    let query_norm = if P::NORMS && QUERY { total(query_norm) } else { 0.0 };
    let mut sums = [FloatSums { main: 0.0, query_norm, row_norm: 0.0 }; R];
    for r in 0..R {
        sums[r].main = total(lanes[r].main);
        sums[r].row_norm = if P::NORMS { total(lanes[r].norm) } else { 0.0 };
    }
    sums
}

/// The squared length of a row: the same bits as `query_norm` of [`sums`].
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn norm<P: Pair, const TURN: usize>(row: &[u8]) -> f32 {
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
    total(norm)
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
    let one = _mm256_set1_ps(1.0);
    match P::METRIC {
        Metric::L2sq => {
            let difference = difference::<P>(x, y);
            _mm256_fmadd_ps(difference, difference, sum)
        }
        Metric::L1 => _mm256_fmadd_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0), difference::<P>(x, y)), one, sum),
        _ => _mm256_fmadd_ps(x, y, sum),
    }
}

/// `x - y`. Where additions and conversions would wait for the same two ports, by FMA, which has
/// others on AMD and rounds alike.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn difference<P: Pair>(x: __m256, y: __m256) -> __m256 {
    if matches!(P::SCALAR, Scalar::F16) { _mm256_fmsub_ps(x, _mm256_set1_ps(1.0), y) } else { _mm256_sub_ps(x, y) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
fn total(lanes: Sum) -> f32 {
    let eight = _mm256_add_ps(_mm256_add_ps(lanes[0], lanes[1]), _mm256_add_ps(lanes[2], lanes[3]));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
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
