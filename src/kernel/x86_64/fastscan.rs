//! Block sums on AVX2: two groups at a time, one in each half of a register.

use std::arch::x86_64::*;

use crate::kernel::fastscan::{GROUP_BYTES, GROUPS_IN_16_BITS, LANES, check};

/// Only for CPUs where [`super::has_avx2`] holds.
pub(in crate::kernel) fn block_sums(tables: &[u8], codes: &[u8], sums: &mut [u32; LANES]) {
    check(tables, codes);
    *sums = [0; LANES];
    let bytes = GROUPS_IN_16_BITS * GROUP_BYTES;
    for (tables, codes) in tables.chunks(bytes).zip(codes.chunks(bytes)) {
        // SAFETY: `block_sums_for` hands this out only where the CPU has AVX2.
        unsafe { add(tables, codes, sums) };
    }
}

/// Adds up to [`GROUPS_IN_16_BITS`] groups to `sums`.
#[target_feature(enable = "avx2")]
fn add(tables: &[u8], codes: &[u8], sums: &mut [u32; LANES]) {
    let zero = _mm256_setzero_si256();
    // Of rows 0 to 15 and 16 to 31: whole 16-bit lanes, and the odd bytes alone.
    let (mut both, mut odd) = ([zero; 2], [zero; 2]);
    let (pairs, last) = (tables.as_chunks::<32>(), codes.as_chunks::<32>());
    for (table, code) in pairs.0.iter().zip(last.0) {
        // SAFETY: both arrays have the 32 bytes that are read; no alignment is needed.
        let load = |bytes: &[u8; 32]| unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        look_up(load(table), load(code), &mut both, &mut odd);
    }
    if let (Ok(table), Ok(code)) = (<&[u8; 16]>::try_from(pairs.1), <&[u8; 16]>::try_from(last.1)) {
        // SAFETY: as above, 16 bytes.
        let load = |bytes: &[u8; 16]| unsafe { _mm256_zextsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) };
        // The table of the missing group is all zeros.
        look_up(load(table), load(code), &mut both, &mut odd);
    }
    for half in 0..2 {
        let even = _mm256_sub_epi16(both[half], _mm256_slli_epi16::<8>(odd[half]));
        let fold = |wide| _mm_add_epi16(_mm256_castsi256_si128(wide), _mm256_extracti128_si256::<1>(wide));
        let (even, odd) = (fold(even), fold(odd[half]));
        let rows = [_mm_unpacklo_epi16(even, odd), _mm_unpackhi_epi16(even, odd)];
        for (i, rows) in rows.into_iter().enumerate() {
            let mut eight = [0u16; 8];
            // SAFETY: the array has the 16 bytes that are written; no alignment is needed.
            unsafe { _mm_storeu_si128(eight.as_mut_ptr().cast(), rows) };
            let sums = &mut sums[16 * half + 8 * i..][..8];
            sums.iter_mut().zip(eight).for_each(|(sum, more)| *sum += more as u32);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn look_up(table: __m256i, code: __m256i, both: &mut [__m256i; 2], odd: &mut [__m256i; 2]) {
    let low = _mm256_set1_epi8(15);
    let numbers = [_mm256_and_si256(code, low), _mm256_and_si256(_mm256_srli_epi16::<4>(code), low)];
    for half in 0..2 {
        let found = _mm256_shuffle_epi8(table, numbers[half]);
        both[half] = _mm256_add_epi16(both[half], found);
        odd[half] = _mm256_add_epi16(odd[half], _mm256_srli_epi16::<8>(found));
    }
}
