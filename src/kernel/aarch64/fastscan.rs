//! Block sums on NEON: a group at a time.

use std::arch::aarch64::*;

use crate::kernel::fastscan::{GROUP_BYTES, GROUPS_IN_16_BITS, LANES, check};

/// Only for CPUs where [`super::has_neon`] holds.
pub(in crate::kernel) fn block_sums(tables: &[u8], codes: &[u8], sums: &mut [u32; LANES]) {
    check(tables, codes);
    *sums = [0; LANES];
    let bytes = GROUPS_IN_16_BITS * GROUP_BYTES;
    for (tables, codes) in tables.chunks(bytes).zip(codes.chunks(bytes)) {
        // SAFETY: `block_sums_for` hands this out only where the CPU has NEON.
        unsafe { add(tables, codes, sums) };
    }
}

/// Adds up to [`GROUPS_IN_16_BITS`] groups to `sums`.
#[target_feature(enable = "neon")]
fn add(tables: &[u8], codes: &[u8], sums: &mut [u32; LANES]) {
    // Rows 0 to 7, 8 to 15, 16 to 23, 24 to 31.
    let mut rows = [vdupq_n_u16(0); 4];
    let groups = tables.as_chunks::<GROUP_BYTES>().0.iter().zip(codes.as_chunks::<GROUP_BYTES>().0);
    for (table, code) in groups {
        // SAFETY: both arrays have the 16 bytes that are read; no alignment is needed.
        let load = |bytes: &[u8; 16]| unsafe { vld1q_u8(bytes.as_ptr()) };
        let (table, code) = (load(table), load(code));
        let numbers = [vandq_u8(code, vdupq_n_u8(15)), vshrq_n_u8::<4>(code)];
        for half in 0..2 {
            let found = vqtbl1q_u8(table, numbers[half]);
            rows[2 * half] = vaddw_u8(rows[2 * half], vget_low_u8(found));
            rows[2 * half + 1] = vaddw_high_u8(rows[2 * half + 1], found);
        }
    }
    for (rows, sums) in rows.into_iter().zip(sums.as_chunks_mut::<8>().0) {
        let mut eight = [0u16; 8];
        // SAFETY: the array has the 16 bytes that are written; no alignment is needed.
        unsafe { vst1q_u16(eight.as_mut_ptr(), rows) };
        sums.iter_mut().zip(eight).for_each(|(sum, more)| *sum += more as u32);
    }
}
