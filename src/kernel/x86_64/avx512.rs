//! Distances on AVX-512: 64 bytes a step, masked loads at the end of a row.
//!
//! Floats widen to f32 and keep four accumulators to hide the latency of FMA.
//! Bytes go through VPDPBUSD, which multiplies unsigned by signed: one side is
//! shifted by 128 (a flip of the top bit) and the shift is taken out of the sum
//! afterwards. bfloat16 widens by a shift, as the bf16 dot product rounds.
//!
//! Loops over rows are written out: a closure given to `map` or `from_fn` is not inlined
//! through the boundary of target features, and then the sums travel through memory.

use std::arch::x86_64::*;
use std::ops::Range;

use crate::kernel::dispatch::Arithmetic;
use crate::kernel::pair::{BLOCK, FloatSums, IntSums, Pair, finish_all};
use crate::kernel::{Metric, Scalar};

/// Exists on CPUs where [`super::has_avx512`] holds.
pub(in crate::kernel) struct Avx512;

impl Arithmetic for Avx512 {
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { rows::<P, 1>(query, [row])[0] }
    }

    unsafe fn four<P: Pair>(query: &[u8], four: [&[u8]; 4]) -> [f32; 4] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { rows::<P, 4>(query, four) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn rows<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    // The compiler drops the bounds checks of the loops behind this.
    assert!(rows.iter().all(|row| row.len() == query.len()));
    match P::SCALAR {
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 => float::<P, R>(query, rows),
        Scalar::I8 | Scalar::U8 => int::<P, R>(query, rows),
        Scalar::B1 => bits::<P, R>(query, rows),
    }
}

/// f32 components in a vector.
const LANES: usize = 16;

/// Accumulators of a float sum.
const UNROLL: usize = 4;

#[derive(Clone, Copy)]
struct FloatLanes {
    main: [__m512; UNROLL],
    norm: [__m512; UNROLL],
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn float<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let zero = [_mm512_setzero_ps(); UNROLL];
    let mut lanes = [FloatLanes { main: zero, norm: zero }; R];
    let mut query_norm = zero;
    // Two sums per row: half the accumulators each, or they spill.
    let unroll = if P::NORMS { UNROLL / 2 } else { UNROLL };
    let width = LANES * P::BYTES;
    let mut at = 0;
    while at + unroll * width <= query.len() {
        for k in 0..unroll {
            let x = load::<P>(&query[at + k * width..][..width]);
            add_own::<P>(&mut query_norm, k, x);
            for r in 0..R {
                add_term::<P>(&mut lanes[r], k, x, load::<P>(&rows[r][at + k * width..][..width]));
            }
        }
        at += unroll * width;
    }
    while at < query.len() {
        let end = query.len().min(at + width);
        let x = load_part::<P>(&query[at..end]);
        add_own::<P>(&mut query_norm, 0, x);
        for r in 0..R {
            add_term::<P>(&mut lanes[r], 0, x, load_part::<P>(&rows[r][at..end]));
        }
        at = end;
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_term<P: Pair>(lanes: &mut FloatLanes, k: usize, x: __m512, y: __m512) {
    let main = lanes.main[k];
    lanes.main[k] = match P::METRIC {
        Metric::L2sq => {
            let difference = _mm512_sub_ps(x, y);
            _mm512_fmadd_ps(difference, difference, main)
        }
        Metric::L1 => _mm512_add_ps(main, _mm512_abs_ps(_mm512_sub_ps(x, y))),
        _ => _mm512_fmadd_ps(x, y, main),
    };
    add_own::<P>(&mut lanes.norm, k, y);
}

/// Adds to the squared length of a row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_own<P: Pair>(norm: &mut [__m512; UNROLL], k: usize, x: __m512) {
    if P::NORMS {
        norm[k] = _mm512_fmadd_ps(x, x, norm[k]);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn total(lanes: [__m512; UNROLL]) -> f32 {
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(lanes[0], lanes[1]), _mm512_add_ps(lanes[2], lanes[3])))
}

/// 16 components.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn load<P: Pair>(bytes: &[u8]) -> __m512 {
    assert!(bytes.len() >= LANES * P::BYTES);
    let from = bytes.as_ptr();
    // SAFETY: the assertion covers the 64 (f32) or 32 bytes that are read; no alignment is needed.
    unsafe {
        match P::SCALAR {
            Scalar::F32 => _mm512_loadu_ps(from.cast()),
            _ => widen::<P>(_mm256_loadu_si256(from.cast())),
        }
    }
}

/// At most 16 components, zeros behind them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn load_part<P: Pair>(bytes: &[u8]) -> __m512 {
    let count = bytes.len() / P::BYTES;
    let mask = if count >= LANES { u16::MAX } else { (1 << count) - 1 };
    // SAFETY: the mask lets only whole components of `bytes` through; masked-out bytes are not read.
    unsafe {
        match P::SCALAR {
            Scalar::F32 => _mm512_maskz_loadu_ps(mask, bytes.as_ptr().cast()),
            _ => widen::<P>(_mm256_maskz_loadu_epi16(mask, bytes.as_ptr().cast())),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn widen<P: Pair>(halves: __m256i) -> __m512 {
    match P::SCALAR {
        Scalar::F16 => _mm512_cvtph_ps(halves),
        _ => _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves))),
    }
}

/// Bytes in a vector.
const WIDTH: usize = 64;

/// Accumulators of an integer sum.
const INT_UNROLL: usize = 2;

/// Running sums of one row (or of the query): `main` and `norm` as they come out of the
/// biased products, `plain` the sum of the components to take the bias out with.
#[derive(Clone, Copy)]
struct IntLanes {
    main: [__m512i; INT_UNROLL],
    norm: __m512i,
    plain: [__m512i; INT_UNROLL],
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn int_block<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R], range: Range<usize>, sums: &mut [IntSums; R]) {
    let zero = [_mm512_setzero_si512(); INT_UNROLL];
    let mut own = IntLanes { main: zero, norm: zero[0], plain: zero };
    let mut lanes = [own; R];
    let mut at = range.start;
    while at + INT_UNROLL * WIDTH <= range.end {
        for k in 0..INT_UNROLL {
            let x = load_bytes(&query[at..at + WIDTH]);
            add_query::<P>(&mut own, k, x);
            for r in 0..R {
                add_row::<P>(&mut lanes[r], k, x, load_bytes(&rows[r][at..at + WIDTH]));
            }
            at += WIDTH;
        }
    }
    while at < range.end {
        let end = range.end.min(at + WIDTH);
        let x = load_bytes_part(&query[at..end]);
        add_query::<P>(&mut own, 0, x);
        for r in 0..R {
            add_row::<P>(&mut lanes[r], 0, x, load_bytes_part(&rows[r][at..end]));
        }
        at = end;
    }
    // What the flipped bits added to a product is 128 times the plain sum of the signed side.
    let bias = if matches!(P::SCALAR, Scalar::I8) { -128 } else { 128 };
    let own_bias = bias * total_int(own.plain);
    for r in 0..R {
        let main = total_int(lanes[r].main);
        sums[r].main += match P::METRIC {
            Metric::L2sq => main + 128 * total_int(lanes[r].plain),
            Metric::L1 => main,
            _ => main + own_bias,
        };
        if P::NORMS {
            sums[r].query_norm += total_int([own.norm, zero[0]]) + own_bias;
            sums[r].row_norm += total_int([lanes[r].norm, zero[0]]) + bias * total_int(lanes[r].plain);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_query<P: Pair>(own: &mut IntLanes, k: usize, x: __m512i) {
    if matches!(P::METRIC, Metric::Ip | Metric::Cosine) {
        own.plain[k] = add_plain::<P>(own.plain[k], x);
    }
    if P::NORMS {
        own.norm = add_product::<P>(own.norm, x, x);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_row<P: Pair>(lanes: &mut IntLanes, k: usize, x: __m512i, y: __m512i) {
    match P::METRIC {
        Metric::L2sq => {
            let difference = absolute_difference::<P>(x, y);
            lanes.main[k] = _mm512_dpbusd_epi32(lanes.main[k], difference, flip(difference));
            lanes.plain[k] = _mm512_dpbusd_epi32(lanes.plain[k], difference, _mm512_set1_epi8(1));
        }
        Metric::L1 => {
            let sums = _mm512_sad_epu8(absolute_difference::<P>(x, y), _mm512_setzero_si512());
            lanes.main[k] = _mm512_add_epi32(lanes.main[k], sums);
        }
        _ => lanes.main[k] = add_product::<P>(lanes.main[k], x, y),
    }
    if P::NORMS {
        lanes.norm = add_product::<P>(lanes.norm, y, y);
        lanes.plain[k] = add_plain::<P>(lanes.plain[k], y);
    }
}

/// `sum + x * y`, biased by 128 times the sum of `x`: up for signed, down for unsigned bytes.
/// A masked-out `x` is zero on the side that is not flipped and adds nothing.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_product<P: Pair>(sum: __m512i, x: __m512i, y: __m512i) -> __m512i {
    match P::SCALAR {
        Scalar::I8 => _mm512_dpbusd_epi32(sum, flip(y), x),
        _ => _mm512_dpbusd_epi32(sum, x, flip(y)),
    }
}

/// `sum + x`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn add_plain<P: Pair>(sum: __m512i, x: __m512i) -> __m512i {
    let one = _mm512_set1_epi8(1);
    match P::SCALAR {
        Scalar::I8 => _mm512_dpbusd_epi32(sum, one, x),
        _ => _mm512_dpbusd_epi32(sum, x, one),
    }
}

/// Moves signed bytes to unsigned ones, 128 higher, and unsigned to signed, 128 lower.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn flip(bytes: __m512i) -> __m512i {
    _mm512_xor_si512(bytes, _mm512_set1_epi8(i8::MIN))
}

/// |x - y|, 0 to 255.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn absolute_difference<P: Pair>(x: __m512i, y: __m512i) -> __m512i {
    match P::SCALAR {
        Scalar::I8 => _mm512_sub_epi8(_mm512_max_epi8(x, y), _mm512_min_epi8(x, y)),
        _ => _mm512_sub_epi8(_mm512_max_epu8(x, y), _mm512_min_epu8(x, y)),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn total_int(lanes: [__m512i; INT_UNROLL]) -> i64 {
    _mm512_reduce_add_epi32(_mm512_add_epi32(lanes[0], lanes[1])) as i64
}

/// 64 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn load_bytes(bytes: &[u8]) -> __m512i {
    assert!(bytes.len() >= WIDTH);
    // SAFETY: the assertion covers the 64 bytes that are read; no alignment is needed.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// At most 64 bytes, zeros behind them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn load_bytes_part(bytes: &[u8]) -> __m512i {
    let mask = if bytes.len() >= WIDTH { u64::MAX } else { (1 << bytes.len()) - 1 };
    // SAFETY: the mask lets only the bytes of the slice through; masked-out bytes are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")]
fn bits<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
    let hamming = matches!(P::METRIC, Metric::Hamming);
    let mut main = [_mm512_setzero_si512(); R];
    let mut either = main;
    let mut at = 0;
    while at < query.len() {
        let end = query.len().min(at + WIDTH);
        let x = load_bytes_part(&query[at..end]);
        for r in 0..R {
            let y = load_bytes_part(&rows[r][at..end]);
            let chosen = if hamming { _mm512_xor_si512(x, y) } else { _mm512_and_si512(x, y) };
            main[r] = _mm512_add_epi64(main[r], _mm512_popcnt_epi64(chosen));
            if !hamming {
                either[r] = _mm512_add_epi64(either[r], _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
            }
        }
        at = end;
    }
    let mut sums = [IntSums::default(); R];
    for r in 0..R {
        sums[r].main = _mm512_reduce_add_epi64(main[r]);
        sums[r].row_norm = _mm512_reduce_add_epi64(either[r]);
    }
    finish_all::<P, R>(sums)
}
