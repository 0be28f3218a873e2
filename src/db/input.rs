//! Vectors from a caller: checked, and brought into the stored scalar type.
//! Nothing gets past this module that a distance could not be computed on.

use super::error::{Error, ErrorKind, Result, fail};
use super::records::given::{Given, MetaRules};
use super::types::{ID_NONE, Vectors};
use crate::arena::{Budget, RowsMut};
use crate::kernel::{self, Metric, Scalar};
use crate::util::memory;

/// Bytes of the largest batch, as it goes into the log.
const BATCH_BYTES: u64 = crate::storage::wal::PAYLOAD_MAX - 8;
/// Squared lengths above this could overflow f32 in a distance of two rows.
const MAX_NORM_SQ: f64 = f32::MAX as f64 / 4.0;
/// Squared lengths below this lose their direction to f32 underflow.
const MIN_NORM_SQ: f64 = f32::MIN_POSITIVE as f64;

/// What every row of a database looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Components of a vector.
    pub dim: usize,
    /// What "near" means.
    pub metric: Metric,
    /// Type of a stored component.
    pub scalar: Scalar,
}

impl Shape {
    /// Bytes of a stored row.
    pub fn row_bytes(&self) -> usize {
        self.scalar.row_bytes(self.dim)
    }

    /// Checks the dimension of `vectors` and that its scalar type can be stored here.
    pub fn accepts(&self, vectors: &Vectors<'_>) -> Result<()> {
        if vectors.dim() != self.dim {
            let message = format!("vectors of {} components, the database has {}", vectors.dim(), self.dim);
            return fail(ErrorKind::Dimension, message);
        }
        if (vectors.scalar() == Scalar::B1) != (self.scalar == Scalar::B1) {
            let message = format!(
                "{:?} vectors do not fit a database of {:?} vectors: bits and numbers are not converted",
                vectors.scalar(),
                self.scalar
            );
            return fail(ErrorKind::Mismatch, message);
        }
        Ok(())
    }

    /// Writes `row` of type `from` to `out` as it is stored. `out` holds a stored
    /// row, `wide` is scratch space.
    pub fn store(&self, from: Scalar, row: &[u8], wide: &mut Vec<f32>, out: &mut [u8]) -> Result<()> {
        if from == self.scalar {
            out.copy_from_slice(row);
            mask_padding(self, out);
            return Ok(());
        }
        convert(from, row, self.scalar, self.dim, wide, out)
    }

    /// Refuses rows that have no usable distance: NaN, infinity, a length that
    /// overflows, no direction under cosine.
    pub fn check(&self, row: &[u8]) -> Result<()> {
        if self.scalar == Scalar::B1 {
            return Ok(());
        }
        let norm_sq = kernel::norm_sq(self.scalar, row);
        if self.metric == Metric::Cosine && norm_sq < MIN_NORM_SQ {
            let message = match norm_sq == 0.0 {
                true => "the zero vector has no direction, so no cosine distance".to_string(),
                false => format!("squared length {norm_sq:.3e} is below {MIN_NORM_SQ:.3e}; scale the vectors up"),
            };
            return fail(ErrorKind::NotFinite, message);
        }
        if norm_sq <= MAX_NORM_SQ {
            return Ok(());
        }
        match kernel::first_not_finite(self.scalar, row) {
            Some(at) => fail(ErrorKind::NotFinite, format!("component {at} is NaN or infinite")),
            None => fail(
                ErrorKind::OutOfRange,
                format!("squared length {norm_sq:.3e} is above {MAX_NORM_SQ:.3e}; scale the vectors down"),
            ),
        }
    }
}

/// Rewrites a numeric row of type `from` as type `to`.
pub fn convert(from: Scalar, row: &[u8], to: Scalar, dim: usize, wide: &mut Vec<f32>, out: &mut [u8]) -> Result<()> {
    memory::resize(wide, dim, 0.0)?;
    kernel::widen(from, row, wide);
    kernel::narrow(to, wide, out).map_err(|at| {
        let kind = if wide[at].is_finite() { ErrorKind::OutOfRange } else { ErrorKind::NotFinite };
        Error::new(kind, format!("component {at} = {} cannot be stored as {to:?}", wide[at]))
    })
}

/// Clears the bits past the dimension, so that they never count as different.
fn mask_padding(shape: &Shape, row: &mut [u8]) {
    if shape.scalar == Scalar::B1
        && !shape.dim.is_multiple_of(8)
        && let Some(last) = row.last_mut()
    {
        *last &= (1 << (shape.dim % 8)) - 1;
    }
}

/// The rows of one batch as they will be stored.
pub enum Stored<'a> {
    /// The caller's memory holds them already.
    Borrowed(Vectors<'a>),
    /// Converted or copied, packed.
    Owned(RowsMut),
}

impl<'a> Stored<'a> {
    /// `count` rows as they are stored, back to back in `bytes`.
    pub fn packed_rows(bytes: &'a [u8], shape: &Shape, count: usize) -> Result<Stored<'a>> {
        Ok(Stored::Borrowed(Vectors::new(bytes, shape.scalar, shape.dim, count, 0)?))
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        match self {
            Stored::Borrowed(vectors) => vectors.count(),
            Stored::Owned(rows) => rows.len(),
        }
    }

    /// Row `i`; panics past the end.
    pub fn row(&self, i: usize) -> &[u8] {
        match self {
            Stored::Borrowed(vectors) => vectors.row(i),
            Stored::Owned(rows) => rows.row(i),
        }
    }

    /// All rows back to back, if they lie so.
    pub fn packed(&self) -> Option<&[u8]> {
        match self {
            Stored::Borrowed(vectors) => vectors.packed(),
            Stored::Owned(rows) => Some(rows.bytes()),
        }
    }

    /// A copy of the rows in memory taken from `budget`.
    pub fn to_owned(&self, row_bytes: usize, budget: &Budget) -> Result<Stored<'static>> {
        let mut rows = RowsMut::zeroed(self.count(), row_bytes, budget)?;
        for i in 0..self.count() {
            rows.row_mut(i).copy_from_slice(self.row(i));
        }
        Ok(Stored::Owned(rows))
    }
}

/// Checks a batch and brings it into the stored form, with memory from `budget`
/// where it must be converted. The error names the row.
///
/// [`ID_NONE`] is an id only where `records` may say which row is meant.
pub fn prepare<'a>(
    shape: &Shape,
    ids: &[u64],
    vectors: Vectors<'a>,
    records: &Given<'_>,
    rules: MetaRules<'_>,
    budget: &Budget,
) -> Result<Stored<'a>> {
    if ids.len() != vectors.count() {
        return fail(ErrorKind::InvalidArgument, format!("{} ids for {} vectors", ids.len(), vectors.count()));
    }
    // Before the first of them is looked at: a count this large is a mistake.
    check_size(ids.len() as u64, records.total(), vectors.row_bytes() as u64 + 8)?;
    match records {
        Given::Fields(records) => records.check(ids.len(), rules)?,
        _ => check_ids(ids)?,
    }
    if ids.is_empty() {
        return Ok(Stored::Borrowed(vectors));
    }
    shape.accepts(&vectors)?;
    let as_is = vectors.scalar() == shape.scalar && (shape.scalar != Scalar::B1 || shape.dim.is_multiple_of(8));
    let stored = if as_is { Stored::Borrowed(vectors) } else { converted(shape, &vectors, budget)? };
    for i in 0..stored.count() {
        shape.check(stored.row(i)).map_err(|e| e.at(i as u64))?;
    }
    Ok(stored)
}

/// Refuses a batch of `count` rows that take `row` bytes each, and texts of `texts` bytes, that the log has no room for.
pub fn check_size(count: u64, texts: u64, row: u64) -> Result<()> {
    // A record has its length beside it, and a key has its own.
    let each = if texts == 0 { row } else { row + 6 };
    let bytes = each.saturating_mul(count).saturating_add(texts);
    if bytes > BATCH_BYTES {
        return fail(
            ErrorKind::Limit,
            format!("a batch of {bytes} bytes is above the limit of {BATCH_BYTES}: write it in several"),
        );
    }
    Ok(())
}

fn converted(shape: &Shape, vectors: &Vectors<'_>, budget: &Budget) -> Result<Stored<'static>> {
    let mut rows = RowsMut::zeroed(vectors.count(), shape.row_bytes(), budget)?;
    let mut wide = Vec::new();
    for i in 0..vectors.count() {
        shape.store(vectors.scalar(), vectors.row(i), &mut wide, rows.row_mut(i)).map_err(|e| e.at(i as u64))?;
    }
    Ok(Stored::Owned(rows))
}

/// Refuses the one id that marks "no row".
pub fn check_ids(ids: &[u64]) -> Result<()> {
    match ids.iter().position(|&id| id == ID_NONE) {
        None => Ok(()),
        Some(i) => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("id {ID_NONE} (VDB_ID_NONE) cannot be stored"))
                .at(i as u64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Settings;

    fn shape(metric: Metric, scalar: Scalar, dim: usize) -> Shape {
        Shape { dim, metric, scalar }
    }

    fn refusal(shape: Shape, values: &[f32]) -> (ErrorKind, Option<u64>) {
        let vectors = Vectors::f32(values, shape.dim).unwrap();
        let ids: Vec<u64> = (0..vectors.count() as u64).collect();
        let error =
            prepare(&shape, &ids, vectors, &Given::Nothing, Settings::default().meta_rules(), &Budget::default())
                .err()
                .expect("refused");
        (error.kind(), error.item())
    }

    #[test]
    fn bad_values_are_refused_with_their_row() {
        let l2 = shape(Metric::L2sq, Scalar::F32, 2);
        assert_eq!(refusal(l2, &[0., 0., 1., f32::NAN]), (ErrorKind::NotFinite, Some(1)));
        assert_eq!(refusal(l2, &[f32::INFINITY, 0.]), (ErrorKind::NotFinite, Some(0)));
        assert_eq!(refusal(l2, &[1., 1., 1e20, 0.]), (ErrorKind::OutOfRange, Some(1)));
        let cosine = shape(Metric::Cosine, Scalar::F32, 2);
        assert_eq!(refusal(cosine, &[1., 0., 0., 0.]), (ErrorKind::NotFinite, Some(1)));
        assert_eq!(refusal(cosine, &[1e-30, 0.]), (ErrorKind::NotFinite, Some(0)));
        assert_eq!(refusal(shape(Metric::L2sq, Scalar::U8, 2), &[1., 2., 3., 2.5]), (ErrorKind::OutOfRange, Some(1)));
        assert_eq!(refusal(shape(Metric::L2sq, Scalar::F16, 2), &[1e6, 0.]), (ErrorKind::OutOfRange, Some(0)));
    }

    #[test]
    fn dimension_and_kind_must_fit() {
        let l2 = shape(Metric::L2sq, Scalar::F32, 3);
        let two = Vectors::f32(&[1., 2.], 2).unwrap();
        assert_eq!(
            prepare(&l2, &[1], two, &Given::Nothing, Settings::default().meta_rules(), &Budget::default())
                .err()
                .unwrap()
                .kind(),
            ErrorKind::Dimension
        );
        let bits = Vectors::new(&[7], Scalar::B1, 3, 1, 0).unwrap();
        assert_eq!(
            prepare(&l2, &[1], bits, &Given::Nothing, Settings::default().meta_rules(), &Budget::default())
                .err()
                .unwrap()
                .kind(),
            ErrorKind::Mismatch
        );
        let three = Vectors::f32(&[1., 2., 3.], 3).unwrap();
        assert_eq!(
            prepare(&l2, &[ID_NONE], three, &Given::Nothing, Settings::default().meta_rules(), &Budget::default())
                .err()
                .unwrap()
                .item(),
            Some(0)
        );
        assert_eq!(
            prepare(&l2, &[1, 2], three, &Given::Nothing, Settings::default().meta_rules(), &Budget::default())
                .err()
                .unwrap()
                .kind(),
            ErrorKind::InvalidArgument
        );
    }

    #[test]
    fn exact_conversions_are_made_and_padding_is_cleared() {
        let stored = prepare(
            &shape(Metric::L2sq, Scalar::U8, 2),
            &[5],
            Vectors::f32(&[0., 255.], 2).unwrap(),
            &Given::Nothing,
            Settings::default().meta_rules(),
            &Budget::default(),
        )
        .unwrap();
        assert_eq!(stored.row(0), &[0, 255]);
        let bits = Vectors::new(&[0xff], Scalar::B1, 3, 1, 0).unwrap();
        let stored = prepare(
            &shape(Metric::Hamming, Scalar::B1, 3),
            &[5],
            bits,
            &Given::Nothing,
            Settings::default().meta_rules(),
            &Budget::default(),
        )
        .unwrap();
        assert_eq!(stored.row(0), &[0b111]);
    }
}
