//! Recommendation: rows like some rows and unlike others, which are given by id.
//!
//! The examples are put together into one point, and the rows nearest to it are the answer: the mean of the positive
//! ones, moved away from the mean of the negative ones (Rocchio's relevance feedback, 1971; the `average_vector` of
//! Qdrant, with the same weights). One search answers it, whatever the number of examples.
//!
//! The point is a query like any other, of the type that rows are stored as: what that cannot hold is rounded.

use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::input::Shape;
use super::latency::Call;
use super::reader::{slot_of, stored_row, write_hits};
use super::single::{Single, check_places};
use super::types::{Outcome, SearchParams};
use super::view::{Decoded, View};
use crate::arena::Lease;
use crate::kernel::{self, Metric, Scalar};
use crate::util::memory;

/// Positive and negative examples.
type Examples<'a> = (&'a [u64], &'a [u64]);

/// See [`super::Database::recommend`].
pub fn search(
    core: &Core,
    (positive, negative): Examples<'_>,
    params: &SearchParams,
    ids: &mut [u64],
    distances: &mut [f32],
) -> Result<(Outcome, usize)> {
    if positive.is_empty() {
        return fail(ErrorKind::InvalidArgument, "there is no positive example: one row to be like is needed");
    }
    check_places(ids, distances)?;
    let mut single = Single::new(core, Call::Recommend, params)?;
    let examples = positive.len().saturating_add(negative.len());
    let lease = Lease::new(&core.search_budget);
    core.cover_search(&lease, 4 * examples as u64 + 28 * core.shape.dim as u64)?;
    let mut slots = memory::with_room(examples)?;
    for (&id, i) in positive.iter().chain(negative).zip(0..) {
        slots.push(slot_of(&single.view, id).map_err(|e| e.at(i))?);
    }
    let (liked, disliked) = slots.split_at(positive.len());
    point(core, &single.view, (liked, disliked), &mut single.scratch.query)?;
    slots.sort_unstable();
    slots.dedup();
    // The examples may be the nearest rows of all.
    let k = if ids.is_empty() { 0 } else { ids.len().saturating_add(slots.len()) };
    let (complete, plan) = single.search(k)?;
    let is_other = |slot: u32| slots.binary_search(&slot).is_err();
    let count = write_hits(&mut single.scratch.best, is_other, ids, distances) as usize;
    Ok((single.end(complete, &plan, 0)?, count))
}

/// The point between rows that are liked and rows that are not, as a stored row.
fn point(core: &Core, view: &View, (liked, disliked): (&[u32], &[u32]), out: &mut Vec<u8>) -> Result<()> {
    let shape = &core.shape;
    let mut sum = memory::filled(0.0, shape.dim)?;
    // Twice the mean of the ones and minus that of the others.
    let weight = if disliked.is_empty() { 1.0 } else { 2.0 };
    add(core, view, liked, weight, &mut sum)?;
    add(core, view, disliked, -1.0, &mut sum)?;
    store(shape, &sum, out)?;
    shape.check(out).map_err(|e| e.about("the examples make a point that cannot be looked for"))
}

/// Adds the mean of the rows of `slots` times `weight`.
fn add(core: &Core, view: &View, slots: &[u32], weight: f64, sum: &mut [f64]) -> Result<()> {
    let shape = &core.shape;
    let mut wide = memory::filled(0.0, shape.dim)?;
    let mut decoded = Decoded::default();
    for &slot in slots {
        let row = stored_row(core, view, slot, &mut decoded)?;
        kernel::widen(shape.scalar, row, &mut wide);
        // Under cosine the length of a row means nothing.
        let length = if shape.metric == Metric::Cosine { kernel::norm_sq(shape.scalar, row).sqrt() } else { 1.0 };
        let weight = weight / slots.len() as f64 / if length > 0.0 { length } else { 1.0 };
        sum.iter_mut().zip(&wide).for_each(|(sum, &x)| *sum += weight * f64::from(x));
    }
    Ok(())
}

/// Writes `point` as rows are stored, rounded to what they can hold.
fn store(shape: &Shape, point: &[f64], out: &mut Vec<u8>) -> Result<()> {
    let (low, high) = range(shape.scalar);
    // Bytes hold no point of length 1, and under cosine any length will do: the one that they hold most exactly.
    let is_whole = matches!(shape.scalar, Scalar::I8 | Scalar::U8);
    let largest = point.iter().map(|x| if low < 0.0 { x.abs() } else { *x }).fold(0.0, f64::max);
    let scale = if shape.metric == Metric::Cosine && is_whole && largest > 0.0 { high / largest } else { 1.0 };
    let held = |x: f64| match shape.scalar {
        Scalar::B1 => f64::from(x > 0.5),
        Scalar::I8 | Scalar::U8 => (x * scale).round().clamp(low, high),
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 => x.clamp(low, high),
    };
    let wide = memory::collected(point.iter().map(|&x| held(x) as f32))?;
    memory::resize(out, shape.row_bytes(), 0)?;
    let narrowed = kernel::narrow(shape.scalar, &wide, out);
    debug_assert!(narrowed.is_ok(), "within the limits of the type");
    Ok(())
}

/// The least and the largest component.
fn range(scalar: Scalar) -> (f64, f64) {
    let high = f64::from(scalar.largest());
    match scalar {
        Scalar::U8 | Scalar::B1 => (0.0, high),
        Scalar::I8 => (-128.0, high),
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 => (-high, high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(metric: Metric, scalar: Scalar, point: &[f64]) -> Vec<f32> {
        let (mut out, mut wide) = (Vec::new(), vec![0.0; point.len()]);
        store(&Shape { dim: point.len(), metric, scalar }, point, &mut out).unwrap();
        kernel::widen(scalar, &out, &mut wide);
        wide
    }

    #[test]
    fn a_point_is_rounded_to_what_its_type_holds() {
        use Metric::*;
        use Scalar::*;
        assert_eq!(stored(L2sq, I8, &[1.4, -1.6, 300.0, -300.0]), [1.0, -2.0, 127.0, -128.0]);
        assert_eq!(stored(L2sq, U8, &[1.4, -1.6, 300.0, 254.6]), [1.0, 0.0, 255.0, 255.0]);
        assert_eq!(stored(Hamming, B1, &[0.0, 0.5, 0.6, 1.0, 2.0, -1.0]), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        assert_eq!(stored(Cosine, I8, &[0.25, -0.5, 0.0]), [64.0, -127.0, 0.0]);
        assert_eq!(stored(Cosine, U8, &[0.25, -0.9, 0.5]), [128.0, 0.0, 255.0]);
        assert_eq!(stored(Cosine, I8, &[0.0, 0.0]), [0.0, 0.0]);
        assert_eq!(stored(Ip, F16, &[1e9, -1e9, 0.5]), [65504.0, -65504.0, 0.5]);
        assert_eq!(stored(Ip, F32, &[1e60, 0.1]), [f32::MAX, 0.1]);
        assert!(stored(L1, Bf16, &[1e60]).iter().all(|x| x.is_finite()));
    }
}
