//! What all codes have in common, and one type for whichever a database has.

use super::{Gate, Pq, Rabitq, Sq4, Sq8};
use crate::kernel::{Kernel, Metric};
use crate::util::memory::AllocError;

/// A trained quantiser of vectors of one dimension.
pub(super) trait Code: Sized {
    /// First byte of [`Code::to_bytes`].
    const TAG: u8;

    /// Bytes of a code row.
    fn code_bytes(&self) -> usize;

    /// Bytes of a query.
    fn query_bytes(&self) -> usize;

    /// The distance between a query and a code row. Its values order like the metric.
    fn kernel(&self) -> Kernel;

    /// Whether `other`, trained on more rows, would hardly change a code: then new codes are not
    /// worth encoding all rows again.
    fn is_close_to(&self, other: &Self) -> bool;

    /// Encodes a vector as it is stored. `v` is left as [`Code::error`] wants it; `out` is
    /// [`Code::code_bytes`] long.
    fn encode_row(&self, v: &mut [f32], out: &mut [u8]);

    /// Encodes a query, changing `v`. `out` is [`Code::query_bytes`] long.
    fn encode_query(&self, v: &mut [f32], out: &mut [u8]);

    /// See [`Codec::reaches`].
    fn reaches(&self, _query: &[f32]) -> bool {
        true
    }

    /// Writes the vector that a code row stands for: a stored one (of about unit length under cosine) but
    /// for the error.
    fn decode(&self, code: &[u8], out: &mut [f32]);

    /// The distance between two code rows, where it can be told without the quantiser. Its values order
    /// like the metric.
    fn pairs(&self) -> Option<Kernel>;

    /// Length of the difference between a row and what its code stands for, in the space that is
    /// encoded (unit vectors under cosine): the sum of absolute differences for L1, else Euclidean.
    /// `placed` is what [`Code::encode_row`] left of the row.
    fn error(&self, placed: &[f32], code: &[u8]) -> f64;

    /// The quantiser as bytes, little-endian.
    fn to_bytes(&self) -> Result<Vec<u8>, AllocError>;

    /// Reads [`Code::to_bytes`] for vectors of `dim` components; `None` unless every field is sound.
    fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Self>, AllocError>;
}

/// Which codes to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A byte a component.
    Sq8,
    /// Half a byte a component.
    Sq4,
    /// Half a byte a subspace.
    Pq {
        /// Their number; 0 for one for each four components.
        subspaces: usize,
    },
    /// A bit a component; not for L1.
    Rabitq,
}

/// The quantiser of a database.
#[derive(Clone, Debug, PartialEq)]
pub enum Codec {
    /// A byte a component.
    Sq8(Sq8),
    /// Half a byte a component.
    Sq4(Sq4),
    /// Half a byte a subspace.
    Pq(Pq),
    /// A bit a component.
    Rabitq(Rabitq),
}

/// Calls the quantiser, whichever it is.
macro_rules! of {
    ($codec:expr, $code:ident => $call:expr) => {
        match $codec {
            Codec::Sq8($code) => $call,
            Codec::Sq4($code) => $call,
            Codec::Pq($code) => $call,
            Codec::Rabitq($code) => $call,
        }
    };
}

impl Codec {
    /// Trains on `sample`, rows of `dim` components back to back (at most 16,384 are worth
    /// giving). `None` where no such codes can be made of this data; for [`Kind::Sq8`] also when the gate
    /// is not open and they would not rank it well enough, see [`Sq8::train`]. Takes some
    /// [`Codec::training_bytes`] beside the sample.
    pub fn train(
        kind: Kind,
        metric: Metric,
        dim: usize,
        sample: &[f32],
        gate: Gate,
    ) -> Result<Option<Codec>, AllocError> {
        if sample.is_empty() {
            return Ok(None);
        }
        Ok(match kind {
            Kind::Sq8 => Sq8::train(metric, dim, sample, gate)?.map(Codec::Sq8),
            Kind::Sq4 => Sq4::train(metric, dim, sample)?.map(Codec::Sq4),
            Kind::Pq { subspaces } => Pq::train(metric, dim, subspaces, sample)?.map(Codec::Pq),
            Kind::Rabitq => Rabitq::train(metric, dim, sample)?.map(Codec::Rabitq),
        })
    }

    /// Upper bound of the memory that training on `components` takes beside them.
    pub fn training_bytes(components: usize) -> u64 {
        Sq8::training_bytes(components)
    }

    /// Whether it makes codes of such a kind for such a metric.
    pub fn serves(kind: Kind, metric: Metric) -> bool {
        match metric {
            Metric::L2sq | Metric::Ip | Metric::Cosine => true,
            Metric::L1 => kind != Kind::Rabitq,
            Metric::Hamming | Metric::Jaccard => false,
        }
    }

    /// Bytes of a code row.
    pub fn code_bytes(&self) -> usize {
        of!(self, code => code.code_bytes())
    }

    /// Bytes of a query.
    pub fn query_bytes(&self) -> usize {
        of!(self, code => code.query_bytes())
    }

    /// The distance between a query and a code row. Its values order like the metric.
    pub fn kernel(&self) -> Kernel {
        of!(self, code => code.kernel())
    }

    /// Whether `other`, trained on more rows, would hardly change a code.
    pub fn is_close_to(&self, other: &Codec) -> bool {
        match (self, other) {
            (Codec::Sq8(a), Codec::Sq8(b)) => a.is_close_to(b),
            (Codec::Sq4(a), Codec::Sq4(b)) => a.is_close_to(b),
            (Codec::Pq(a), Codec::Pq(b)) => a.is_close_to(b),
            (Codec::Rabitq(a), Codec::Rabitq(b)) => a.is_close_to(b),
            _ => false,
        }
    }

    /// Encodes a vector as it is stored. `v` is left as [`Codec::error`] wants it; `out` is
    /// [`Codec::code_bytes`] long.
    pub fn encode_row(&self, v: &mut [f32], out: &mut [u8]) {
        of!(self, code => Code::encode_row(code, v, out));
    }

    /// Encodes a query, changing `v`. `out` is [`Codec::query_bytes`] long.
    pub fn encode_query(&self, v: &mut [f32], out: &mut [u8]) {
        of!(self, code => Code::encode_query(code, v, out));
    }

    /// Whether the code of `query` stands for about the same point: those of a byte a component are made for
    /// vectors like the ones they were trained on. `query` is not changed by [`Codec::encode_query`] yet, but for
    /// [`Kind::Sq8`] that changes nothing.
    pub fn reaches(&self, query: &[f32]) -> bool {
        of!(self, code => Code::reaches(code, query))
    }

    /// Writes the vector that a code row stands for: a stored one (of about unit length under cosine) but
    /// for the error. `code` is [`Codec::code_bytes`] long, `out` has as many components as a vector.
    pub fn decode(&self, code: &[u8], out: &mut [f32]) {
        of!(self, quantiser => Code::decode(quantiser, code, out));
    }

    /// The distance between two code rows, where it can be told without the quantiser. Its values order
    /// like the metric.
    pub fn pairs(&self) -> Option<Kernel> {
        of!(self, code => Code::pairs(code))
    }

    /// Length of the difference between a row and what its code stands for, in the space that is
    /// encoded (unit vectors under cosine): the sum of absolute differences for L1, else Euclidean.
    /// `placed` is what [`Codec::encode_row`] left of the row.
    pub fn error(&self, placed: &[f32], code: &[u8]) -> f64 {
        of!(self, quantiser => Code::error(quantiser, placed, code))
    }

    /// The quantiser as bytes; `docs/file-format.md` has the layout.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        of!(self, code => Code::to_bytes(code))
    }

    /// Reads [`Codec::to_bytes`] for vectors of `dim` components; `None` unless every field is sound.
    pub fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Codec>, AllocError> {
        Ok(match bytes.first() {
            Some(&<Sq8 as Code>::TAG) => <Sq8 as Code>::from_bytes(dim, bytes)?.map(Codec::Sq8),
            Some(&Sq4::TAG) => Sq4::from_bytes(dim, bytes)?.map(Codec::Sq4),
            Some(&Pq::TAG) => Pq::from_bytes(dim, bytes)?.map(Codec::Pq),
            Some(&Rabitq::TAG) => Rabitq::from_bytes(dim, bytes)?.map(Codec::Rabitq),
            _ => None,
        })
    }
}
