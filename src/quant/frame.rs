//! Where vectors are moved before short codes are made of them: scaled to unit length, rotated
//! and centred, as far as the metric allows.
//!
//! Short codes spend the same few bits on every component, so what a vector holds is spread
//! evenly first, and what all rows have in common is taken out. For inner products only the rows are
//! centred: <x, q> = <centre, q> + <x - centre, q>, and the first term is the same for all rows.

use super::sq8::{Space, inverse_length, reach};
use super::{Rotation, some_rows};
use crate::kernel::Metric;
use crate::util::memory::{AllocError, collected, filled, make_room, with_room};

/// Bytes of [`Frame::to_bytes`] before the means.
const FIELDS: usize = 8;

/// Root mean squares of placed components.
pub(super) struct Spread {
    /// Of all rows.
    pub deviation: f64,
    /// Of the longest one.
    pub largest: f64,
}

/// The way from stored vectors to what is encoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// Which sum over components stands for the metric.
    pub space: Space,
    /// Vectors are scaled to length 1 first (cosine, whose order squared L2 has for unit vectors).
    unit: bool,
    /// `None` where sums do not survive one (L1).
    rotation: Option<Rotation>,
    /// Mean of each component, rotated.
    pub centre: Vec<f32>,
}

impl Frame {
    /// The frame of `metric` around the mean of `sample`; `None` for metrics of bits, and for a
    /// sample that has no mean.
    pub fn around(metric: Metric, dim: usize, sample: &[f32]) -> Result<Option<Frame>, AllocError> {
        let (space, unit) = match metric {
            Metric::L2sq => (Space::L2, false),
            Metric::Cosine => (Space::L2, true),
            Metric::Ip => (Space::Dot, false),
            Metric::L1 => (Space::L1, false),
            Metric::Hamming | Metric::Jaccard => return Ok(None),
        };
        let rotation = if space == Space::L1 { None } else { Some(Rotation::new(dim)?) };
        let (mut sums, mut count) = (filled(0.0f64, dim)?, 0.0);
        for row in some_rows(dim, sample) {
            let factor = if unit { inverse_length(row) } else { 1.0 };
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += (x * factor) as f64);
            count += 1.0;
        }
        let mut centre: Vec<f32> = collected(sums.iter().map(|sum| (sum / count) as f32))?;
        if let Some(rotation) = &rotation {
            rotation.apply(&mut centre);
        }
        let frame = Frame { space, unit, rotation, centre };
        Ok(Some(frame).filter(|frame| frame.is_finite()))
    }

    /// How far the rows of `sample` lie from the centre.
    pub fn spread(&self, sample: &[f32]) -> Result<Spread, AllocError> {
        let mut placed = filled(0.0, self.dim())?;
        let (mut sum, mut largest, mut count) = (0.0, 0.0f64, 0.0);
        for row in some_rows(self.dim(), sample) {
            placed.copy_from_slice(row);
            self.place_row(&mut placed);
            let square: f64 = placed.iter().map(|x| (*x as f64).powi(2)).sum();
            (sum, largest, count) = (sum + square, largest.max(square), count + 1.0);
        }
        let per_component = |square: f64| (square / self.dim() as f64).sqrt();
        Ok(Spread { deviation: per_component(sum / count), largest: per_component(largest) })
    }

    /// The magnitude within which `share` of all placed components of `sample` are.
    pub fn reach(&self, sample: &[f32], share: f64) -> Result<f64, AllocError> {
        let mut rows = Vec::new();
        for row in some_rows(self.dim(), sample) {
            let at = rows.len();
            make_room(&mut rows, row.len())?;
            rows.extend_from_slice(row);
            self.place_row(&mut rows[at..]);
        }
        Ok(reach(&mut rows, share).into())
    }

    fn is_finite(&self) -> bool {
        self.centre.iter().all(|mean| mean.is_finite())
    }

    /// Components of a vector.
    pub fn dim(&self) -> usize {
        self.centre.len()
    }

    /// Moves a row to where it is encoded.
    pub fn place_row(&self, v: &mut [f32]) {
        self.turn(v);
        v.iter_mut().zip(&self.centre).for_each(|(x, mean)| *x -= mean);
    }

    /// Moves a query to where rows are.
    pub fn place_query(&self, v: &mut [f32]) {
        match self.space {
            Space::Dot => self.turn(v),
            Space::L2 | Space::L1 => self.place_row(v),
        }
    }

    /// Moves what a code stands for back to where rows are stored; of a row that was scaled to unit
    /// length the length is not known.
    pub fn unplace(&self, v: &mut [f32]) {
        v.iter_mut().zip(&self.centre).for_each(|(x, mean)| *x += mean);
        if let Some(rotation) = &self.rotation {
            rotation.undo(v);
        }
    }

    fn turn(&self, v: &mut [f32]) {
        assert_eq!(v.len(), self.dim(), "vector of the wrong dimension");
        if self.unit {
            let factor = inverse_length(v);
            v.iter_mut().for_each(|x| *x *= factor);
        }
        if let Some(rotation) = &self.rotation {
            rotation.apply(v);
        }
    }

    /// Whether the centre of `other` is within `reach` of this one in every component, and all else the same.
    pub fn is_close_to(&self, other: &Frame, reach: f32) -> bool {
        (self.space, self.unit, self.dim()) == (other.space, other.unit, other.dim())
            && self.centre.iter().zip(&other.centre).all(|(a, b)| (a - b).abs() <= reach)
    }

    /// Length of the difference between a placed vector and what its code stands for: the sum of
    /// absolute differences in L1 space, Euclidean otherwise.
    pub fn error(&self, placed: &[f32], stands_for: impl Iterator<Item = f32>) -> f64 {
        let differences = placed.iter().zip(stands_for).map(|(x, y)| (x - y) as f64);
        match self.space {
            Space::L1 => differences.map(f64::abs).sum(),
            Space::L2 | Space::Dot => differences.map(|d| d * d).sum::<f64>().sqrt(),
        }
    }

    /// The bytes of a codec, little-endian: `tag`, space (1 dot, 2 L2, 3 L1), 1 if vectors are scaled
    /// to unit length, 1 if they are rotated, dimension (u32), `parameter` (f32), a rotated mean (f32) per
    /// component.
    pub fn to_bytes(&self, tag: u8, parameter: f32) -> Result<Vec<u8>, AllocError> {
        let mut bytes = with_room(FIELDS + 4 + 4 * self.dim())?;
        bytes.extend([tag, self.space as u8, self.unit as u8, self.rotation.is_some() as u8]);
        bytes.extend((self.dim() as u32).to_le_bytes());
        bytes.extend(parameter.to_le_bytes());
        self.centre.iter().for_each(|mean| bytes.extend(mean.to_le_bytes()));
        Ok(bytes)
    }

    /// Reads [`Frame::to_bytes`] for vectors of `dim` components: the frame and the parameter. `None`
    /// unless every field is sound; the parameter is the caller's to judge.
    pub fn from_bytes(tag: u8, dim: usize, bytes: &[u8]) -> Result<Option<(Frame, f32)>, AllocError> {
        let Some((&[found, space, unit, rotated, d0, d1, d2, d3], rest)) = bytes.split_first_chunk::<FIELDS>() else {
            return Ok(None);
        };
        let Some((parameter, means)) = rest.split_first_chunk() else { return Ok(None) };
        let Some(space) = Space::of(space) else { return Ok(None) };
        let sound = found == tag
            && unit <= u8::from(space == Space::L2)
            && rotated == u8::from(space != Space::L1)
            && u32::try_from(dim).is_ok_and(|dim| dim == u32::from_le_bytes([d0, d1, d2, d3]))
            && dim > 0
            && means.len() == 4 * dim;
        if !sound {
            return Ok(None);
        }
        let rotation = if rotated == 1 { Some(Rotation::new(dim)?) } else { None };
        let centre = collected(means.as_chunks().0.iter().map(|mean| f32::from_le_bytes(*mean)))?;
        let frame = Frame { space, unit: unit == 1, rotation, centre };
        Ok(Some(frame).filter(Frame::is_finite).map(|frame| (frame, f32::from_le_bytes(*parameter))))
    }
}
