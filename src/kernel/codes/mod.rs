//! Distances of a query to rows that hold short codes: less than a byte a component.
//!
//! Here query and row are different things. The query is prepared once for many rows and
//! may be long; a row is as short as it can be. So rows cannot be compared with each
//! other, and a kernel says by its [`Form`] how long the rows of a query are.
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

pub(super) use portable::Portable;

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
}

impl Form {
    /// Bytes of the rows for a query of `query` bytes.
    #[inline(always)]
    pub const fn row_bytes(self, query: usize) -> usize {
        match self {
            Form::Alike => query,
            Form::Nibbles => query / 2,
        }
    }

    /// Bytes of a query for vectors of `dim` components, where each takes one byte.
    pub const fn query_bytes(self, dim: usize) -> usize {
        match self {
            Form::Alike => dim,
            Form::Nibbles => dim.next_multiple_of(NIBBLES),
        }
    }

    /// Whether rows can be compared with each other.
    pub fn is_symmetric(self) -> bool {
        self == Form::Alike
    }
}

/// Components whose halves of bytes lie together.
pub(super) const NIBBLES: usize = 64;

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

fn kernel_on<A: Arithmetic>(form: Form, metric: Metric) -> Option<Kernel> {
    const L2SQ: u32 = Metric::L2sq as u32;
    const IP: u32 = Metric::Ip as u32;
    const L1: u32 = Metric::L1 as u32;
    const U8: u32 = Scalar::U8 as u32;
    Some(match (form, metric) {
        (Form::Nibbles, Metric::L2sq) => kernel_of::<Nibbles<A, Of<L2SQ, U8>>>(),
        (Form::Nibbles, Metric::L1) => kernel_of::<Nibbles<A, Of<L1, U8>>>(),
        (Form::Nibbles, Metric::Ip) => kernel_of::<Nibbles<A, Of<IP, { Scalar::I8 as u32 }>>>(),
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
