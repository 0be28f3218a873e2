//! Finds the instruction set of the CPU, once, and wraps its arithmetic into the
//! safe functions of a [`Kernel`].

use std::marker::PhantomData;
use std::sync::OnceLock;

use super::pair::{Pair, Visitor, visit};
use super::{Form, Kernel, Metric, Scalar, portable, prefetch};

/// An instruction set the distances are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust: runs everywhere.
    Portable,
    /// x86-64 with AVX2, FMA, F16C and POPCNT.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL, DQ, VNNI and VPOPCNTDQ.
    Avx512,
    /// 64-bit ARM.
    Neon,
}

impl Isa {
    /// All of them, slowest first.
    pub const ALL: [Isa; 4] = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon];

    /// Whether this CPU has it.
    pub fn available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::x86_64::has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::x86_64::has_avx512(),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => super::aarch64::has_neon(),
            _ => false,
        }
    }
}

/// The best instruction set of this CPU.
pub fn isa() -> Isa {
    static BEST: OnceLock<Isa> = OnceLock::new();
    *BEST.get_or_init(|| Isa::ALL.into_iter().rev().find(|isa| isa.available()).unwrap_or(Isa::Portable))
}

/// Kernel for a pair on the best instruction set; `None` when the metric has no
/// meaning for the scalar (Hamming and Jaccard take bits, the others numbers).
pub fn kernel(metric: Metric, scalar: Scalar) -> Option<Kernel> {
    kernel_for(isa(), metric, scalar)
}

/// Kernel for a pair on a given instruction set, for tests and benches. `None` also
/// when this CPU lacks the set.
pub fn kernel_for(isa: Isa, metric: Metric, scalar: Scalar) -> Option<Kernel> {
    if !isa.available() {
        return None;
    }
    match isa {
        Isa::Portable => visit(Table(portable::Portable), metric, scalar),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => visit(Table(super::x86_64::Avx2), metric, scalar),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => visit(Table(super::x86_64::Avx512), metric, scalar),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => visit(Table(super::aarch64::Neon), metric, scalar),
        _ => None,
    }
}

/// Rows handled together by [`Arithmetic::four`].
pub(super) const BATCH: usize = 4;

/// How far ahead `scan` prefetches, in rows.
const AHEAD: usize = 2 * BATCH;

/// The distances of one instruction set. Slices are of equal length, a whole number of components.
pub(super) trait Arithmetic {
    /// One distance.
    ///
    /// # Safety
    /// The CPU has the instruction set, and the slices are of equal length.
    unsafe fn one<P: Pair>(query: &[u8], row: &[u8]) -> f32;

    /// Four distances, with the loads and conversions of the query shared. The same bits as `one`.
    ///
    /// # Safety
    /// The CPU has the instruction set, and all slices are of equal length.
    unsafe fn four<P: Pair>(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH];
}

/// A way to compare a query with rows on one instruction set.
pub(super) trait Comparison {
    const METRIC: Metric;
    const SCALAR: Scalar;
    const FORM: Form;

    /// Whether a query may have `bytes` bytes.
    fn is_whole(bytes: usize) -> bool;

    /// One distance.
    ///
    /// # Safety
    /// The CPU has the instruction set, the query is whole, the row as long as it asks for.
    unsafe fn one(query: &[u8], row: &[u8]) -> f32;

    /// Four distances; the same bits as `one`.
    ///
    /// # Safety
    /// As of `one`, for each row.
    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH];
}

/// Rows like the query.
struct Alike<A, P>(PhantomData<(A, P)>);

impl<A: Arithmetic, P: Pair> Comparison for Alike<A, P> {
    const METRIC: Metric = P::METRIC;
    const SCALAR: Scalar = P::SCALAR;
    const FORM: Form = Form::Alike;

    fn is_whole(bytes: usize) -> bool {
        bytes.is_multiple_of(P::BYTES)
    }

    unsafe fn one(query: &[u8], row: &[u8]) -> f32 {
        // SAFETY: the caller vouches for the CPU and the lengths.
        unsafe { A::one::<P>(query, row) }
    }

    unsafe fn four(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
        // SAFETY: the caller vouches for the CPU and the lengths.
        unsafe { A::four::<P>(query, rows) }
    }
}

/// Makes the kernel of a pair; exists only for sets the CPU has.
struct Table<A>(A);

impl<A: Arithmetic> Visitor for Table<A> {
    type Output = Kernel;

    fn pair<P: Pair>(self) -> Kernel {
        kernel_of::<Alike<A, P>>()
    }
}

/// The safe functions of a comparison. Only for sets the CPU has.
pub(super) fn kernel_of<C: Comparison>() -> Kernel {
    let (metric, scalar, form) = (C::METRIC, C::SCALAR, C::FORM);
    Kernel { metric, scalar, form, distance: distance::<C>, four: four::<C>, scan: scan::<C> }
}

fn distance<C: Comparison>(query: &[u8], row: &[u8]) -> f32 {
    let fits = row.len() == C::FORM.row_bytes(query.len()) && C::is_whole(query.len());
    assert!(fits, "rows of different or broken length");
    // SAFETY: only `kernel_of` hands this function out, and only after `Isa::available`; the lengths were checked.
    unsafe { C::one(query, row) }
}

fn four<C: Comparison>(query: &[u8], rows: [&[u8]; BATCH]) -> [f32; BATCH] {
    let len = C::FORM.row_bytes(query.len());
    let equal = rows.iter().all(|row| row.len() == len);
    assert!(equal && C::is_whole(query.len()), "rows of different or broken length");
    // SAFETY: as in `distance`.
    unsafe { C::four(query, rows) }
}

fn scan<C: Comparison>(query: &[u8], rows: &[u8], stride: usize, out: &mut [f32]) {
    let len = C::FORM.row_bytes(query.len());
    assert!(C::is_whole(query.len()), "the query ends inside a component");
    let row = |i: usize| &rows[i * stride..][..len];
    let (batches, rest) = out.as_chunks_mut::<BATCH>();
    let whole = batches.len() * BATCH;
    for (batch, out) in batches.iter_mut().enumerate() {
        let first = batch * BATCH;
        for i in first + AHEAD..(first + AHEAD + BATCH).min(whole) {
            prefetch(rows.as_ptr().wrapping_add(i * stride), len);
        }
        let four = [row(first), row(first + 1), row(first + 2), row(first + 3)];
        // SAFETY: as in `distance`.
        *out = unsafe { C::four(query, four) };
    }
    for (i, out) in rest.iter_mut().enumerate() {
        // SAFETY: as in `distance`.
        *out = unsafe { C::one(query, row(whole + i)) };
    }
}
