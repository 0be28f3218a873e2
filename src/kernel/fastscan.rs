//! Sums over 32 rows of one-bit codes at a time, by table lookups in registers: "fast scan"
//! (Andre, Kermarrec, Le Scouarnec, VLDB 2015; its use on bits: Gao and Long, arXiv 2405.12497).
//!
//! Four bits of a row are one of sixteen numbers; a query has a table of sixteen bytes for each such
//! group. What a row sums up to is the sum of its groups' entries. One byte shuffle looks up a group
//! in sixteen or thirty-two rows at once. Sums are exact integers on every instruction set.

use std::sync::OnceLock;

use super::{Isa, isa};

/// Rows of a block.
pub const LANES: usize = 32;
/// Bytes of a group: of its codes in a block as of its table.
pub const GROUP_BYTES: usize = 16;

/// `(tables, codes, sums)`: both of [`GROUP_BYTES`] a group. Byte j of a group's codes has the
/// numbers of row j (low half) and of row j + 16 (high half).
pub type BlockSumsFn = fn(&[u8], &[u8], &mut [u32; LANES]);

/// Groups that are summed up in 16 bits: 257 times 255 just fits.
pub(super) const GROUPS_IN_16_BITS: usize = 256;

/// Sums of a block on the best instruction set of this CPU. Panics where the lengths differ or end
/// inside a group.
pub fn block_sums() -> BlockSumsFn {
    static BEST: OnceLock<BlockSumsFn> = OnceLock::new();
    *BEST.get_or_init(|| block_sums_for(isa()).unwrap_or(portable))
}

/// The same on a given instruction set, for tests and benches; `None` where this CPU lacks it.
pub fn block_sums_for(isa: Isa) -> Option<BlockSumsFn> {
    if !isa.available() {
        return None;
    }
    match isa {
        // Wider registers would need blocks of more rows.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => Some(super::x86_64::block_sums),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => Some(super::aarch64::block_sums),
        _ => Some(portable),
    }
}

/// What every version starts with.
pub(super) fn check(tables: &[u8], codes: &[u8]) {
    assert!(tables.len() == codes.len() && codes.len().is_multiple_of(GROUP_BYTES), "tables and codes of other shapes");
}

fn portable(tables: &[u8], codes: &[u8], sums: &mut [u32; LANES]) {
    check(tables, codes);
    *sums = [0; LANES];
    for (table, codes) in tables.as_chunks::<GROUP_BYTES>().0.iter().zip(codes.as_chunks::<GROUP_BYTES>().0) {
        for (row, code) in codes.iter().enumerate() {
            sums[row] += table[(code & 15) as usize] as u32;
            sums[row + LANES / 2] += table[(code >> 4) as usize] as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_sums_like_the_definition() {
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        for groups in [0, 1, 2, 3, 8, 97, 255, 256, 257, 512, 1025] {
            let codes: Vec<u8> = (0..groups * GROUP_BYTES).map(|_| byte()).collect();
            let random: Vec<u8> = (0..groups * GROUP_BYTES).map(|_| byte()).collect();
            for tables in [random, vec![255; groups * GROUP_BYTES]] {
                let mut expected = [0; LANES];
                for row in 0..LANES {
                    for group in 0..groups {
                        let both = codes[group * GROUP_BYTES + row % 16];
                        let number = if row < 16 { both % 16 } else { both / 16 };
                        expected[row] += tables[group * GROUP_BYTES + number as usize] as u32;
                    }
                }
                for isa in Isa::ALL {
                    let Some(sums_of) = block_sums_for(isa) else { continue };
                    let mut sums = [9; LANES];
                    sums_of(&tables, &codes, &mut sums);
                    assert_eq!(sums, expected, "{isa:?}, {groups} groups");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "other shapes")]
    fn tables_that_do_not_fit_are_refused() {
        block_sums()(&[0; 32], &[0; 16], &mut [0; LANES]);
    }
}
