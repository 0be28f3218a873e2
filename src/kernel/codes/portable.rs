//! Distances to codes in plain Rust.

use super::{Arithmetic, NIBBLES};
use crate::kernel::pair::{BLOCK, IntSums, Pair, finish_all};
use crate::kernel::{Metric, Scalar};

pub(in crate::kernel) struct Portable;

impl Arithmetic for Portable {
    unsafe fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        finish_all::<P, R>(rows.map(|row| nibbles::<P>(query, row)))
    }
}

fn nibbles<P: Pair>(query: &[u8], row: &[u8]) -> IntSums {
    let mut sums = IntSums::default();
    for (query, row) in query.chunks(BLOCK).zip(row.chunks(BLOCK / 2)) {
        let mut sum = 0;
        for (x, y) in query.as_chunks::<NIBBLES>().0.iter().zip(row.as_chunks::<{ NIBBLES / 2 }>().0) {
            let (low, high) = x.split_at(NIBBLES / 2);
            sum += low.iter().zip(y).map(|(x, y)| term::<P>(*x, y << 4 | 8)).sum::<i32>();
            sum += high.iter().zip(y).map(|(x, y)| term::<P>(*x, y & 0xf0 | 8)).sum::<i32>();
        }
        sums.main += sum as i64;
    }
    sums
}

/// What a byte of the query and one of a row add to the sum.
#[inline(always)]
fn term<P: Pair>(x: u8, y: u8) -> i32 {
    let difference = x as i32 - y as i32;
    match (P::METRIC, P::SCALAR) {
        (_, Scalar::I8) => x as i8 as i32 * (y as i32 - 128),
        (Metric::L1, _) => difference.abs(),
        _ => difference * difference,
    }
}
