//! Distances between packed rows of bytes, and conversions between the scalars
//! a row can hold.
//!
//! Every (metric, scalar) pair exists once per instruction set ([`Isa`]) and once
//! as a plain f64 definition ([`reference_distance`]); tests hold the former
//! against the latter. The best set of the CPU is found once; what is handed out
//! are ordinary safe function pointers, so that the hot loops of the callers pay
//! one indirect call and no detection.
//!
//! Rules every version keeps:
//! * rows may start at any address and have any length;
//! * `distance(a, b)` and `distance(b, a)` are the same bits, but for codes, and so are
//!   the values of `scan`;
//! * integer scalars are summed exactly and rounded once, at the end;
//! * all sets give the same bits for integer scalars and for codes;
//! * rows of finite components never give NaN.
//!
//! The split into a small generic core and one file per instruction set follows
//! memchr (<https://github.com/BurntSushi/memchr>, `src/arch`). This module
//! imports nothing of the crate.

#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod codes;
mod convert;
mod dispatch;
mod fastscan;
mod pair;
mod portable;
mod reference;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use codes::{Form, SIGN_PLANES, code_kernel, code_kernel_for};
pub use convert::{first_not_finite, narrow, norm_sq, sum_of_squares, widen};
pub use dispatch::{Isa, isa, kernel, kernel_for};
pub use fastscan::{BlockSumsFn, GROUP_BYTES, LANES, block_sums, block_sums_for};
pub use reference::distance as reference_distance;

/// What "near" means. Smaller is always nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Metric {
    /// Squared Euclidean distance.
    L2sq = 1,
    /// 1 - dot product.
    Ip = 2,
    /// 1 - cosine; 1 when either vector is zero.
    Cosine = 3,
    /// Sum of absolute differences.
    L1 = 4,
    /// Number of differing bits.
    Hamming = 5,
    /// 1 - |a & b| / |a | b|; 0 when both are empty.
    Jaccard = 6,
}

/// How one component of a vector is stored. Rows are little-endian and packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Scalar {
    /// IEEE 754 binary32.
    F32 = 1,
    /// IEEE 754 binary16.
    F16 = 2,
    /// bfloat16: the upper half of a binary32.
    Bf16 = 3,
    /// Signed byte.
    I8 = 4,
    /// One bit, lowest bit of a byte first; bits past the dimension are zero.
    B1 = 5,
    /// Unsigned byte.
    U8 = 6,
}

impl Scalar {
    /// Bytes of a packed row of `dim` components.
    pub const fn row_bytes(self, dim: usize) -> usize {
        match self {
            Scalar::F32 => dim * 4,
            Scalar::F16 | Scalar::Bf16 => dim * 2,
            Scalar::I8 | Scalar::U8 => dim,
            Scalar::B1 => dim.div_ceil(8),
        }
    }

    /// The largest finite component.
    pub const fn largest(self) -> f32 {
        match self {
            Scalar::F32 => f32::MAX,
            Scalar::F16 => half::f16::MAX.to_f32_const(),
            Scalar::Bf16 => half::bf16::MAX.to_f32_const(),
            Scalar::I8 => i8::MAX as f32,
            Scalar::U8 => u8::MAX as f32,
            Scalar::B1 => 1.0,
        }
    }
}

/// Distance of a query and a row, packed and, but for codes, of equal length.
pub type DistanceFn = fn(&[u8], &[u8]) -> f32;

/// Distances of a query to four rows, wherever they lie.
pub type FourFn = fn(&[u8], [&[u8]; 4]) -> [f32; 4];

/// Distances of a query to many rows: `(query, rows, stride, out)`.
pub type ScanFn = fn(&[u8], &[u8], usize, &mut [f32]);

/// The functions for one (metric, scalar) pair, or one form of codes, on one instruction set.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// What the distances mean.
    pub metric: Metric,
    /// What the query holds.
    pub scalar: Scalar,
    /// What the rows hold.
    pub form: Form,
    /// One distance. Panics when the lengths do not match or end inside a component.
    pub distance: DistanceFn,
    /// Four distances at once, for gathered rows: the query is loaded once for several rows,
    /// and four cache misses overlap. Same values, bit for bit, as `distance`.
    pub four: FourFn,
    /// Distances of `query` to `out.len()` rows, `stride` bytes apart:
    /// `(query, rows, stride, out)`. Same values, bit for bit, as `distance`.
    /// Panics when `rows` ends before the last row does.
    pub scan: ScanFn,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernel({:?} {:?} {:?})", self.metric, self.scalar, self.form)
    }
}

/// Asks the CPU to load the cache lines of a row (the first 16: hardware follows
/// longer runs by itself). Nothing is read, so any address is fine.
#[inline(always)]
pub fn prefetch(row: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        const LINES_MAX: usize = 16;
        // SAFETY: SSE is part of x86-64, and a prefetch of any address is a hint that cannot fault.
        let load = |at| unsafe { _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(at).cast()) };
        let end = bytes.min(LINE * LINES_MAX);
        let mut at = 0;
        while at + 4 * LINE <= end {
            (0..4).for_each(|line| load(at + line * LINE));
            at += 4 * LINE;
        }
        while at < end {
            load(at);
            at += LINE;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (row, bytes);
}
