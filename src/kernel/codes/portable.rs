//! Distances to codes in plain Rust.

use super::{Arithmetic, HALF_ROW, HALVES, L1, NIBBLES, SIGN_PLANES, SIGN_WORDS, TABLES};
use crate::kernel::pair::{BLOCK, IntSums, Pair, finish_all};
use crate::kernel::{Metric, Scalar};

pub(in crate::kernel) struct Portable;

impl Arithmetic for Portable {
    unsafe fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        finish_all::<P, R>(rows.map(|row| nibbles::<P>(query, row)))
    }

    unsafe fn signs(planes: &[[u8; SIGN_WORDS]], words: &[[u8; 8]]) -> i32 {
        signs(planes, words)
    }

    unsafe fn lookups<const R: usize>(tables: &[[u8; TABLES]], rows: [&[[u8; HALVES]]; R]) -> [u32; R] {
        rows.map(|row| lookups(tables, row))
    }

    unsafe fn nibble_pair<const METRIC: u32>(one: &[[u8; HALF_ROW]], other: &[[u8; HALF_ROW]]) -> u64 {
        nibble_pair::<METRIC>(one, other)
    }

    unsafe fn sign_pair(one: &[[u8; 8]], other: &[[u8; 8]]) -> u32 {
        sign_pair(one, other)
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

/// Also compiled into the AVX2 set, where counting bits is one instruction.
#[inline(always)]
pub(in crate::kernel) fn signs(planes: &[[u8; SIGN_WORDS]], words: &[[u8; 8]]) -> i32 {
    let mut counts = [0; SIGN_PLANES];
    for (planes, word) in planes.iter().zip(words) {
        let word = u64::from_le_bytes(*word);
        for (count, plane) in counts.iter_mut().zip(planes.as_chunks().0) {
            *count += (word & u64::from_le_bytes(*plane)).count_ones() as i32;
        }
    }
    // The highest bit of two's complement counts against the others.
    let (top, others) = counts.split_last().expect("there are planes");
    others.iter().zip(0..).map(|(count, bit)| count << bit).sum::<i32>() - (top << (SIGN_PLANES - 1))
}

/// In steps of a half byte.
fn nibble_pair<const METRIC: u32>(one: &[[u8; HALF_ROW]], other: &[[u8; HALF_ROW]]) -> u64 {
    let term = |x: u8, y: u8| {
        let difference = x.abs_diff(y) as u16;
        if METRIC == L1 { difference } else { difference * difference }
    };
    let pair = |(one, other): (&[u8; HALF_ROW], &[u8; HALF_ROW])| {
        // 64 terms of at most 225 stay within 16 bits.
        let both = |(x, y): (&u8, &u8)| term(x & 15, y & 15) + term(x >> 4, y >> 4);
        one.iter().zip(other).map(both).sum::<u16>() as u64
    };
    one.iter().zip(other).map(pair).sum()
}

/// Also compiled into the AVX2 set, where counting bits is one instruction.
#[inline(always)]
pub(in crate::kernel) fn sign_pair(one: &[[u8; 8]], other: &[[u8; 8]]) -> u32 {
    let differing = |(x, y): (&[u8; 8], &[u8; 8])| (u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y)).count_ones();
    one.iter().zip(other).map(differing).sum()
}

fn lookups(tables: &[[u8; TABLES]], row: &[[u8; HALVES]]) -> u32 {
    let mut sum = 0;
    for (table, halves) in tables.iter().zip(row) {
        let mut group = 0;
        for (i, byte) in halves.iter().enumerate() {
            let (low, high) = ((byte & 15) as usize, (byte >> 4) as usize);
            group += table[low * 2 * HALVES + i] as u32 + table[high * 2 * HALVES + HALVES + i] as u32;
        }
        sum += group;
    }
    sum
}
