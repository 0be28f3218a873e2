//! (metric, scalar) pairs as types, so that one generic loop per instruction set
//! becomes a separate, branch-free function for each pair; and the last step that
//! turns the sums of such a loop into a distance.

use super::{Metric, Scalar, reference};

/// One (metric, scalar) pair. Branches on the constants vanish in the compiled code.
pub(super) trait Pair {
    const METRIC: Metric;
    const SCALAR: Scalar;
    /// Bytes of one component; 1 for bits, which are only handled by the byte.
    const BYTES: usize = Self::SCALAR.row_bytes(1);
    /// Cosine needs the two norms besides the dot product.
    const NORMS: bool = matches!(Self::METRIC, Metric::Cosine);
}

/// Names a pair as a type: `Of<{ Metric::Ip as u32 }, { Scalar::I8 as u32 }>`.
pub(super) struct Of<const METRIC: u32, const SCALAR: u32>;

/// Implements [`Pair`] for the listed pairs and defines `visit`, which finds the type at run time.
macro_rules! pairs {
    ($($metric:ident: $($scalar:ident)*;)*) => {
        $($(impl Pair for Of<{ Metric::$metric as u32 }, { Scalar::$scalar as u32 }> {
            const METRIC: Metric = Metric::$metric;
            const SCALAR: Scalar = Scalar::$scalar;
        })*)*

        /// Calls the visitor with the type of a pair; `None` when the metric has no
        /// meaning for the scalar.
        pub(super) fn visit<V: Visitor>(visitor: V, metric: Metric, scalar: Scalar) -> Option<V::Output> {
            match (metric, scalar) {
                $($((Metric::$metric, Scalar::$scalar) => {
                    Some(visitor.pair::<Of<{ Metric::$metric as u32 }, { Scalar::$scalar as u32 }>>())
                })*)*
                _ => None,
            }
        }
    };
}

pairs! {
    L2sq: F32 F16 Bf16 I8 U8;
    Ip: F32 F16 Bf16 I8 U8;
    Cosine: F32 F16 Bf16 I8 U8;
    L1: F32 F16 Bf16 I8 U8;
    Hamming: B1;
    Jaccard: B1;
}

/// Something to do with a pair whose type is only known at run time.
pub(super) trait Visitor {
    type Output;
    fn pair<P: Pair>(self) -> Self::Output;
}

/// Sums over a pair of float rows.
#[derive(Clone, Copy)]
pub(super) struct FloatSums {
    /// What the metric adds up: products, squares or absolute differences.
    pub main: f32,
    /// |query|^2 and |row|^2, where [`Pair::NORMS`].
    pub query_norm: f32,
    pub row_norm: f32,
}

impl FloatSums {
    /// Squares below the smallest normal f32 are lost; this far above it they do not matter.
    pub const NORM_MIN: f32 = 1e-30;

    /// The distance. Sums that left the range of f32 on the way (huge or denormal
    /// components) are computed again, slowly, in f64: no finite row gives NaN.
    #[inline(always)]
    pub fn finish<P: Pair>(self, query: &[u8], row: &[u8]) -> f32 {
        let distance = match P::METRIC {
            Metric::Ip => 1.0 - self.main,
            Metric::Cosine if self.query_norm < Self::NORM_MIN || self.row_norm < Self::NORM_MIN => f32::NAN,
            Metric::Cosine => cosine(self.main as f64, self.query_norm as f64 * self.row_norm as f64),
            _ => self.main,
        };
        if distance.is_finite() { distance } else { in_f64::<P>(query, row) }
    }
}

#[cold]
#[inline(never)]
fn in_f64<P: Pair>(query: &[u8], row: &[u8]) -> f32 {
    reference::distance(P::METRIC, P::SCALAR, query, row) as f32
}

/// Bytes an instruction set may sum in 32-bit lanes before it must empty them
/// into [`IntSums`]: 16,384 products of 255 * 255 stay below 2^31.
pub(super) const BLOCK: usize = 16_384;

/// Exact sums over a pair of integer or bit rows.
#[derive(Clone, Copy, Default)]
pub(super) struct IntSums {
    /// What the metric adds up: products, squares, absolute differences,
    /// differing bits (Hamming) or common bits (Jaccard).
    pub main: i64,
    /// |query|^2 where [`Pair::NORMS`].
    pub query_norm: i64,
    /// |row|^2 where [`Pair::NORMS`]; bits in either row for Jaccard.
    pub row_norm: i64,
}

impl IntSums {
    /// The distance, rounded once.
    #[inline(always)]
    pub fn finish<P: Pair>(self) -> f32 {
        match P::METRIC {
            Metric::Ip => (1 - self.main) as f32,
            Metric::Cosine if self.query_norm == 0 || self.row_norm == 0 => 1.0,
            Metric::Cosine => cosine(self.main as f64, self.query_norm as f64 * self.row_norm as f64),
            Metric::Jaccard if self.row_norm == 0 => 0.0,
            Metric::Jaccard => (1.0 - self.main as f64 / self.row_norm as f64) as f32,
            _ => self.main as f32,
        }
    }
}

/// The distances of several rows.
#[inline(always)]
pub(super) fn finish_all<P: Pair, const R: usize>(sums: [IntSums; R]) -> [f32; R] {
    let mut distances = [0.0; R];
    for (distance, sums) in distances.iter_mut().zip(sums) {
        *distance = sums.finish::<P>();
    }
    distances
}

/// 1 - dot / sqrt(norms), where `norms` is the product of the two squared norms.
#[inline(always)]
fn cosine(dot: f64, norms: f64) -> f32 {
    (1.0 - dot / norms.sqrt()) as f32
}

/// The bytes at hand, `N` at most, zeros behind them: the end of a row for sets without masked
/// loads. Zeros on both sides add nothing to any sum.
#[inline(always)]
pub(super) fn padded<const N: usize>(rest: &[u8]) -> [u8; N] {
    const { assert!(N <= 64) };
    let mut block = [0; N];
    let place = &mut block[..rest.len()];
    let copied = both_ends::<32>(rest, place)
        || both_ends::<16>(rest, place)
        || both_ends::<8>(rest, place)
        || both_ends::<4>(rest, place);
    if !copied {
        place.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    }
    block
}

/// Copies the first and the last `L` bytes, which may overlap: all of `L` to `2 * L`, in two moves instead of a call.
/// False where there are fewer.
#[inline(always)]
fn both_ends<const L: usize>(from: &[u8], to: &mut [u8]) -> bool {
    let (Some(first), Some(last)) = (from.first_chunk::<L>(), from.last_chunk::<L>()) else { return false };
    let (Some(place), true) = (to.first_chunk_mut::<L>(), from.len() <= 2 * L) else { return false };
    *place = *first;
    if let Some(place) = to.last_chunk_mut::<L>() {
        *place = *last;
    }
    true
}
