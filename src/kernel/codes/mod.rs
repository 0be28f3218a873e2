//! Distances of a query to rows that hold short codes: less than a byte a component.
//!
//! Here query and row are different things. The query is prepared once for many rows and
//! may be long; a row is as short as it can be. So these kernels cannot compare rows with each
//! other, and a kernel says by its [`Form`] how long the rows of a query are. For two rows there are
//! kernels of their own, less exact and slower: a build has to do with them where there are only codes.
//!
//! There is a portable version and one for AVX2, which also serves CPUs with AVX-512; on ARM the
//! portable one is compiled with NEON, which is part of the target. All give the same bits.

mod portable;
#[cfg(test)]
mod tests;

use super::dispatch::{BATCH, Comparison, Isa, isa, kernel_of};
use super::pair::{Of, Pair};
use super::{Kernel, Metric, Scalar};
use std::marker::PhantomData;

use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(super) use portable::{sign_pair, signs};

/// What the rows of a kernel hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Rows like the query. Only these can be compared with each other.
    Alike,
    /// Half a byte a component: the upper half of a byte like one of the query's, whose lower
    /// half counts as 8. Of each 64 components the first 32 are in the lower halves of 32
    /// bytes, the others in the upper halves. The bytes of the query are u8, or for dot
    /// products i8 (a row's then less 128); their number is a multiple of 64.
    Nibbles,
    /// A bit a component, set where it counts as +1 and not as -1. A row is two numbers, base and weight (f32), and
    /// words of 64 components. A query is two numbers, base and factor (f32), the sum of its components (i32),
    /// 4 bytes of no meaning, and for each word [`SIGN_PLANES`] words: its components, small whole numbers in two's
    /// complement, lowest bits first. The distance is both bases less weight * factor * (sum of
    /// the components, each with the sign of its bit).
    Signs,
    /// Half a byte a subspace, which looks up a byte in the query. Of each 32 subspaces the first 16 are in the lower
    /// halves of 16 bytes, the others in the upper halves. A query is two numbers, a step and a base
    /// (f32), and for each 32 subspaces 16 times 32 bytes: what each adds where its half byte is 0, 1, .. 15. The
    /// distance is the base and the sum of steps.
    Lookups,
    /// Two rows of [`Form::Nibbles`].
    NibblePairs,
    /// Two rows of [`Form::Signs`], whose bits stand for the weight or its negative: the squared distance of what they
    /// stand for. Bits behind the components count as well; they are equal.
    SignPairs,
}

impl Form {
    /// Bytes of the rows for a query of `query` bytes.
    #[inline(always)]
    pub const fn row_bytes(self, query: usize) -> usize {
        match self {
            Form::Alike | Form::NibblePairs | Form::SignPairs => query,
            Form::Nibbles => query / 2,
            Form::Signs => ROW_HEAD + query.saturating_sub(SIGNS_HEAD) / SIGN_PLANES,
            Form::Lookups => query.saturating_sub(LOOKUPS_HEAD) / 32,
        }
    }

    /// Bytes of a query of `parts` components, or subspaces for [`Form::Lookups`]; alike ones are bytes.
    pub const fn query_bytes(self, parts: usize) -> usize {
        match self {
            Form::Alike => parts,
            Form::NibblePairs => Form::Nibbles.row_bytes(Form::Nibbles.query_bytes(parts)),
            Form::SignPairs => Form::Signs.row_bytes(Form::Signs.query_bytes(parts)),
            Form::Nibbles => parts.next_multiple_of(NIBBLES),
            Form::Signs => SIGNS_HEAD + parts.div_ceil(64) * SIGN_WORDS,
            Form::Lookups => LOOKUPS_HEAD + parts.div_ceil(32) * TABLES,
        }
    }

    /// Whether rows can be compared with each other.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Form::Alike | Form::NibblePairs | Form::SignPairs)
    }

    /// Whether distances are rough estimates: they order rows of one neighbourhood only so so, and may be
    /// below zero.
    pub fn is_rough(self) -> bool {
        matches!(self, Form::Signs | Form::Lookups)
    }
}

/// Components whose halves of bytes lie together.
pub(super) const NIBBLES: usize = 64;

/// Bits of a query's component where rows have one. Four are enough (RaBitQ, section 3.3.2): the error they add
/// is a thirtieth of the one that the row's bit makes.
pub const SIGN_PLANES: usize = 4;
/// Bytes of the planes that stand beside one word of a row.
pub(super) const SIGN_WORDS: usize = 8 * SIGN_PLANES;
const SIGNS_HEAD: usize = 16;
const ROW_HEAD: usize = 8;

/// Bytes of the tables of 32 subspaces, and of the half bytes that look up in them.
pub(super) const TABLES: usize = 16 * 32;
pub(super) const HALVES: usize = 16;
const LOOKUPS_HEAD: usize = 8;
/// Bytes of the halves of [`NIBBLES`] components.
pub(super) const HALF_ROW: usize = NIBBLES / 2;

/// Kernel for codes on the best instruction set; `None` when the metric has no meaning for them.
pub fn code_kernel(form: Form, metric: Metric) -> Option<Kernel> {
    code_kernel_for(isa(), form, metric)
}

/// Kernel for codes on a given instruction set, for tests and benches. `None` also when this
/// CPU lacks the set.
pub fn code_kernel_for(isa: Isa, form: Form, metric: Metric) -> Option<Kernel> {
    if !isa.available() {
        return None;
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => kernel_on::<super::x86_64::Avx2>(form, metric),
        _ => kernel_on::<Portable>(form, metric),
    }
}

const L2SQ: u32 = Metric::L2sq as u32;
const IP: u32 = Metric::Ip as u32;
const L1: u32 = Metric::L1 as u32;

fn kernel_on<A: Arithmetic>(form: Form, metric: Metric) -> Option<Kernel> {
    const U8: u32 = Scalar::U8 as u32;
    Some(match (form, metric) {
        (Form::Nibbles, Metric::L2sq) => kernel_of::<Nibbles<A, Of<L2SQ, U8>>>(),
        (Form::Nibbles, Metric::L1) => kernel_of::<Nibbles<A, Of<L1, U8>>>(),
        (Form::Nibbles, Metric::Ip) => kernel_of::<Nibbles<A, Of<IP, { Scalar::I8 as u32 }>>>(),
        (Form::Signs, Metric::L2sq) => kernel_of::<Signs<A, L2SQ>>(),
        (Form::Signs, Metric::Ip) => kernel_of::<Signs<A, IP>>(),
        (Form::NibblePairs, Metric::L2sq) => kernel_of::<NibblePairs<A, L2SQ>>(),
        (Form::NibblePairs, Metric::L1) => kernel_of::<NibblePairs<A, L1>>(),
        (Form::SignPairs, Metric::L2sq) => kernel_of::<SignPairs<A>>(),
        (Form::Lookups, Metric::L2sq) => kernel_of::<Lookups<A, L2SQ>>(),
        (Form::Lookups, Metric::L1) => kernel_of::<Lookups<A, L1>>(),
        (Form::Lookups, Metric::Ip) => kernel_of::<Lookups<A, IP>>(),
        _ => return None,
    })
}

/// The distances to codes on one instruction set. Lengths are as the form asks.
pub(super) trait Arithmetic {
    /// Distances to rows of [`Form::Nibbles`].
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn nibbles<P: Pair, const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R];

    /// The sum of the query's components, each with the sign of the row's bit, for the words of a row and their planes.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn signs(planes: &[[u8; SIGN_WORDS]], words: &[[u8; 8]]) -> i32;

    /// The sums that rows look up in tables.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn lookups<const R: usize>(tables: &[[u8; TABLES]], rows: [&[[u8; HALVES]]; R]) -> [u32; R];

    /// The distance of the half bytes of two rows.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn nibble_pair<const METRIC: u32>(one: &[[u8; HALF_ROW]], other: &[[u8; HALF_ROW]]) -> u64;

    /// Number of bits in which two rows differ.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn sign_pair(one: &[[u8; 8]], other: &[[u8; 8]]) -> u32;
}

struct Nibbles<A, P>(PhantomData<(A, P)>);

impl<A: Arithmetic, P: Pair> Comparison for Nibbles<A, P> {
    const METRIC: Metric = P::METRIC;
    const SCALAR: Scalar = P::SCALAR;
    const FORM: Form = Form::Nibbles;

    fn is_whole(bytes: usize) -> bool {
        bytes.is_multiple_of(NIBBLES)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { A::nibbles::<P, 1>(query, [row])[0] }
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { A::nibbles::<P, BATCH>(query, rows) }
    }
}

struct Signs<A, const METRIC: u32>(PhantomData<A>);

impl<A: Arithmetic, const METRIC: u32> Signs<A, METRIC> {
    /// # Safety
    /// As of [`Comparison::one`].
    #[inline(always)]
    unsafe fn distances<const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        let (planes, total) = (query[SIGNS_HEAD..].as_chunks().0, number(query, 8) as i32);
        let (base, factor) = (f32::from_bits(number(query, 0)), f32::from_bits(number(query, 4)));
        let mut distances = [0.0; R];
        for (distance, row) in distances.iter_mut().zip(rows) {
            // SAFETY: the caller vouches for the CPU.
            let set = unsafe { A::signs(planes, row[ROW_HEAD..].as_chunks().0) };
            let (row_base, weight) = (f32::from_bits(number(row, 0)), f32::from_bits(number(row, 4)));
            *distance = row_base + (base - weight * (factor * (2 * set - total) as f32));
        }
        distances
    }
}

impl<A: Arithmetic, const METRIC: u32> Comparison for Signs<A, METRIC> {
    const METRIC: Metric = metric(METRIC);
    const SCALAR: Scalar = Scalar::B1;
    const FORM: Form = Form::Signs;

    fn is_whole(bytes: usize) -> bool {
        bytes >= SIGNS_HEAD && (bytes - SIGNS_HEAD).is_multiple_of(SIGN_WORDS)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { Self::distances(query, [row])[0] }
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { Self::distances(query, rows) }
    }
}

struct Lookups<A, const METRIC: u32>(PhantomData<A>);

impl<A: Arithmetic, const METRIC: u32> Lookups<A, METRIC> {
    /// # Safety
    /// As of [`Comparison::one`].
    #[inline(always)]
    unsafe fn distances<const R: usize>(query: &[u8], rows: [&[u8]; R]) -> [f32; R] {
        let (step, base) = (f32::from_bits(number(query, 0)), f32::from_bits(number(query, 4)));
        let tables = query[LOOKUPS_HEAD..].as_chunks().0;
        // SAFETY: the caller vouches for the CPU.
        let sums = unsafe { A::lookups(tables, rows.map(|row| row.as_chunks().0)) };
        sums.map(|sum| base + step * sum as f32)
    }
}

impl<A: Arithmetic, const METRIC: u32> Comparison for Lookups<A, METRIC> {
    const METRIC: Metric = metric(METRIC);
    const SCALAR: Scalar = Scalar::U8;
    const FORM: Form = Form::Lookups;

    fn is_whole(bytes: usize) -> bool {
        bytes >= LOOKUPS_HEAD && (bytes - LOOKUPS_HEAD).is_multiple_of(TABLES)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { Self::distances(query, [row])[0] }
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU.
        unsafe { Self::distances(query, rows) }
    }
}

struct NibblePairs<A, const METRIC: u32>(PhantomData<A>);

impl<A: Arithmetic, const METRIC: u32> Comparison for NibblePairs<A, METRIC> {
    const METRIC: Metric = metric(METRIC);
    const SCALAR: Scalar = Scalar::U8;
    const FORM: Form = Form::NibblePairs;

    fn is_whole(bytes: usize) -> bool {
        bytes.is_multiple_of(HALF_ROW)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU.
        unsafe { A::nibble_pair::<METRIC>(query.as_chunks().0, row.as_chunks().0) as f32 }
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU.
        rows.map(|row| unsafe { Self::one(query, row) })
    }
}

struct SignPairs<A>(PhantomData<A>);

impl<A: Arithmetic> Comparison for SignPairs<A> {
    const METRIC: Metric = Metric::L2sq;
    const SCALAR: Scalar = Scalar::B1;
    const FORM: Form = Form::SignPairs;

    fn is_whole(bytes: usize) -> bool {
        bytes >= ROW_HEAD && (bytes - ROW_HEAD).is_multiple_of(8)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        let (one, other) = (query[ROW_HEAD..].as_chunks().0, row[ROW_HEAD..].as_chunks().0);
        // SAFETY: the caller vouches for the CPU.
        let differing = unsafe { A::sign_pair(one, other) };
        let (x, y) = (f32::from_bits(number(query, 4)), f32::from_bits(number(row, 4)));
        let equal = 64 * one.len() as u32 - differing;
        (x - y) * (x - y) * equal as f32 + (x + y) * (x + y) * differing as f32
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU.
        rows.map(|row| unsafe { Self::one(query, row) })
    }
}

/// The metric of a kernel that only says what its distances mean.
const fn metric(number: u32) -> Metric {
    match number {
        IP => Metric::Ip,
        L1 => Metric::L1,
        _ => Metric::L2sq,
    }
}

/// The four bytes at `at` of a head.
#[inline(always)]
fn number(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*head[at..].first_chunk().expect("lengths were checked"))
}
