//! Scalar codes: one byte a component, one scale for all of them, so that a sum
//! over codes is a multiple of the sum over components and keeps its order.
//!
//! * Dot space (inner product, and cosine after normalising): signed codes x / scale.
//! * Centred space (L2, L1, and cosine where the vectors share an offset): unsigned codes
//!   (x - mean) / scale + 128, with the mean of each dimension. The offset cancels in
//!   every difference and would only cost resolution. For unit vectors
//!   |a - b|^2 = 2 - 2 cos, so squared L2 orders like cosine.
//!
//! Codes are rounded to the nearest step and clamped. See "Quantisers" in Faiss
//! (<https://github.com/facebookresearch/faiss/wiki>) for the family; a single scale
//! for all dimensions is what allows plain integer arithmetic here.

use super::Gate;
use super::codec::Code;
use crate::kernel::{Kernel, Metric, Scalar, kernel, sum_of_squares};
use crate::util::memory::{AllocError, collected, with_room};

/// Code rows are padded with zeros to whole vectors of 32 bytes.
const ALIGN: usize = 32;

/// Largest magnitude of a code around its centre. -128 stays unused: signed dot
/// products are faster without it.
pub(super) const STEPS: f32 = 127.0;

/// The code of the mean in centred space.
const MIDDLE: f32 = 128.0;

/// Steps by which a mean may move before rows are encoded again.
const CENTRE_SLACK: f32 = 8.0;

/// Bytes of [`Sq8::to_bytes`] before the means.
const FIELDS: usize = 12;

/// Which sum over codes stands for the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Space {
    Dot = 1,
    L2 = 2,
    L1 = 3,
}

impl Space {
    /// The space with this number.
    pub fn of(number: u8) -> Option<Space> {
        [Space::Dot, Space::L2, Space::L1].into_iter().find(|known| *known as u8 == number)
    }

    /// The metric of its kernels.
    pub fn metric(self) -> Metric {
        match self {
            Space::Dot => Metric::Ip,
            Space::L2 => Metric::L2sq,
            Space::L1 => Metric::L1,
        }
    }
}

/// A trained scalar quantiser: encodes vectors of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Sq8 {
    dim: usize,
    space: Space,
    /// Vectors are scaled to length 1 before anything else (cosine).
    unit: bool,
    /// Value of one code step; normal, and so is its inverse.
    scale: f32,
    /// Mean of each dimension; empty in dot space.
    centre: Vec<f32>,
}

impl Sq8 {
    /// Trains on `sample`, rows of `dim` components back to back (at most 16,384 are
    /// worth giving). `None` when 8-bit codes would not rank this data well enough,
    /// or when there are too few rows to tell, unless the gate is open; the graph
    /// then walks on the stored vectors. Also `None` for data without any spread.
    /// Training takes some [`Sq8::training_bytes`] beside the sample.
    pub fn train(metric: Metric, dim: usize, sample: &[f32], gate: Gate) -> Result<Option<Sq8>, AllocError> {
        super::train::train(metric, dim, sample, gate)
    }

    /// Upper bound of the memory that training on `components` takes beside them.
    pub fn training_bytes(components: usize) -> u64 {
        super::train::working_bytes(components)
    }

    /// `None` if the scale is no normal number, as when all values are equal or beyond any sensible size.
    pub(super) fn new(dim: usize, space: Space, unit: bool, scale: f32, centre: Vec<f32>) -> Option<Sq8> {
        is_sound_scale(scale).then_some(Sq8 { dim, space, unit, scale, centre })
    }

    /// Whether `other`, trained on more rows, would hardly change a code: the same space, a range
    /// within a quarter, a centre within a few steps. Then new codes are not worth encoding all rows again.
    pub fn is_close_to(&self, other: &Sq8) -> bool {
        let ratio = other.scale / self.scale;
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= CENTRE_SLACK * self.scale;
        (self.dim, self.space, self.unit) == (other.dim, other.space, other.unit)
            && (0.8..=1.25).contains(&ratio)
            && self.centre.iter().zip(&other.centre).all(near)
    }

    /// Bytes of a code row: the dimension rounded up to 32.
    pub fn code_bytes(&self) -> usize {
        self.dim.next_multiple_of(ALIGN)
    }

    /// The distance between code rows. Its values order like the metric; their unit is the code step.
    pub fn kernel(&self) -> Kernel {
        let scalar = if self.space == Space::Dot { Scalar::I8 } else { Scalar::U8 };
        kernel(self.space.metric(), scalar).expect("the pair is in the kernel table")
    }

    /// Encodes a vector as it is stored. `out` is [`Sq8::code_bytes`] long.
    pub fn encode_row(&self, v: &[f32], out: &mut [u8]) {
        match self.space {
            Space::Dot => self.encode_dot(v, self.length_factor(v) / self.scale, out),
            Space::L2 | Space::L1 => self.encode_centred(v, out),
        }
    }

    /// Encodes a query. In dot space it gets a scale of its own, which uses all code steps and does not
    /// change the order of its answers; elsewhere it is encoded like a row.
    pub fn encode_query(&self, v: &[f32], out: &mut [u8]) {
        if self.space != Space::Dot {
            return self.encode_row(v, out);
        }
        let factor = STEPS / largest_magnitude(v);
        self.encode_dot(v, if factor.is_finite() { factor } else { 0.0 }, out);
    }

    /// Whether the code of `v` stands for about `v`. A vector far beyond those that the codes were trained for is
    /// cut off at their range, and so is a point elsewhere, with other neighbours.
    pub fn reaches(&self, v: &[f32]) -> bool {
        if self.space == Space::Dot {
            return true;
        }
        let (factor, per_step) = (self.length_factor(v), self.scale.recip());
        let cut_off = v.iter().zip(&self.centre).map(|(x, mean)| {
            let steps = (x * factor - mean) * per_step;
            steps - steps.clamp(-MIDDLE, 255.0 - MIDDLE)
        });
        // Rounding costs a twelfth of a squared step a component.
        cut_off.map(|steps| steps * steps).sum::<f32>() <= CUT_OFF_MOST * CUT_OFF_MOST / 12.0 * self.dim as f32
    }

    fn encode_dot(&self, v: &[f32], factor: f32, out: &mut [u8]) {
        let (codes, pad) = self.split_row(v, out);
        for (code, x) in codes.iter_mut().zip(v) {
            *code = round_to_byte((x * factor).clamp(-STEPS, STEPS));
        }
        pad.fill(0);
    }

    fn encode_centred(&self, v: &[f32], out: &mut [u8]) {
        let (codes, pad) = self.split_row(v, out);
        let (factor, per_step) = (self.length_factor(v), self.scale.recip());
        for ((code, x), mean) in codes.iter_mut().zip(v).zip(&self.centre) {
            *code = round_to_byte(((x * factor - mean) * per_step + MIDDLE).clamp(0.0, 255.0));
        }
        pad.fill(0);
    }

    /// The component bytes and the padding of a code row.
    fn split_row<'a>(&self, v: &[f32], out: &'a mut [u8]) -> (&'a mut [u8], &'a mut [u8]) {
        assert!(v.len() == self.dim && out.len() == self.code_bytes(), "vector or code row of the wrong length");
        out.split_at_mut(self.dim)
    }

    /// What a vector is multiplied by before it is encoded.
    fn length_factor(&self, v: &[f32]) -> f32 {
        if self.unit { inverse_length(v) } else { 1.0 }
    }

    /// What component `i` of a code stands for.
    #[inline(always)]
    fn component(&self, code: &[u8], i: usize) -> f32 {
        match self.space {
            Space::Dot => code[i] as i8 as f32 * self.scale,
            Space::L2 | Space::L1 => (code[i] as f32 - MIDDLE) * self.scale + self.centre[i],
        }
    }

    /// Length of the difference between a vector and what its code stands for: the sum of absolute
    /// differences in L1 space, Euclidean otherwise.
    pub(super) fn error(&self, v: &[f32], code: &[u8]) -> f64 {
        self.placed_error(v, self.length_factor(v), code)
    }

    /// As [`Sq8::error`], of a vector that is yet to be multiplied by `factor`.
    fn placed_error(&self, v: &[f32], factor: f32, code: &[u8]) -> f64 {
        let stands_for = (0..v.len()).map(|i| self.component(code, i));
        let differences = v.iter().zip(stands_for).map(|(x, stands_for)| (x * factor - stands_for) as f64);
        match self.space {
            Space::L1 => differences.map(f64::abs).sum(),
            Space::L2 | Space::Dot => differences.map(|d| d * d).sum::<f64>().sqrt(),
        }
    }

    /// The quantiser as bytes, little-endian: tag 1, space (1 dot, 2 L2, 3 L1), 1 if vectors are
    /// scaled to unit length, 0, dimension (u32), scale (f32), and outside dot space a mean
    /// (f32) per dimension.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        let mut bytes = with_room(FIELDS + 4 * self.centre.len())?;
        bytes.extend([Self::TAG, self.space as u8, self.unit as u8, 0]);
        bytes.extend((self.dim as u32).to_le_bytes());
        bytes.extend(self.scale.to_le_bytes());
        self.centre.iter().for_each(|mean| bytes.extend(mean.to_le_bytes()));
        Ok(bytes)
    }

    /// Reads [`Sq8::to_bytes`] for vectors of `dim` components; `None` unless every field is sound.
    pub fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Sq8>, AllocError> {
        let Some((fields, means)) = bytes.split_first_chunk() else { return Ok(None) };
        let (means, rest) = means.as_chunks();
        let centre = collected(means.iter().map(|mean| f32::from_le_bytes(*mean)))?;
        Ok(Sq8::from_fields(dim, fields, centre).filter(|_| rest.is_empty()))
    }

    /// A quantiser with these means; `None` unless the fields before them are sound.
    fn from_fields(dim: usize, fields: &[u8; FIELDS], centre: Vec<f32>) -> Option<Sq8> {
        let (&[tag, space, unit, reserved], rest) = fields.split_first_chunk()?;
        let (stored_dim, scale) = rest.split_first_chunk()?;
        let scale: [u8; 4] = scale.try_into().ok()?;
        let space = Space::of(space)?;
        let sound = tag == Self::TAG
            && reserved == 0
            && unit <= u8::from(space != Space::L1)
            && u32::try_from(dim).ok()? == u32::from_le_bytes(*stored_dim)
            && centre.len() == if space == Space::Dot { 0 } else { dim }
            && centre.iter().all(|mean| mean.is_finite());
        if !sound {
            return None;
        }
        Sq8::new(dim, space, unit == 1, f32::from_le_bytes(scale), centre)
    }
}

impl Code for Sq8 {
    const TAG: u8 = 1;

    fn code_bytes(&self) -> usize {
        Sq8::code_bytes(self)
    }

    fn query_bytes(&self) -> usize {
        Sq8::code_bytes(self)
    }

    fn kernel(&self) -> Kernel {
        Sq8::kernel(self)
    }

    fn is_close_to(&self, other: &Sq8) -> bool {
        Sq8::is_close_to(self, other)
    }

    fn encode_row(&self, v: &mut [f32], out: &mut [u8]) {
        Sq8::encode_row(self, v, out);
        let factor = self.length_factor(v);
        v.iter_mut().for_each(|x| *x *= factor);
    }

    fn encode_query(&self, v: &mut [f32], out: &mut [u8]) {
        Sq8::encode_query(self, v, out);
    }

    fn reaches(&self, query: &[f32]) -> bool {
        Sq8::reaches(self, query)
    }

    fn decode(&self, code: &[u8], out: &mut [f32]) {
        out.iter_mut().enumerate().for_each(|(i, x)| *x = self.component(code, i));
    }

    fn pairs(&self) -> Option<Kernel> {
        Some(Sq8::kernel(self))
    }

    fn error(&self, placed: &[f32], code: &[u8]) -> f64 {
        self.placed_error(placed, 1.0, code)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        Sq8::to_bytes(self)
    }

    fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Sq8>, AllocError> {
        Sq8::from_bytes(dim, bytes)
    }
}

/// How much may be cut off a vector that its code still stands for, in errors of a code by rounding.
const CUT_OFF_MOST: f32 = 4.0;

/// The sign bit of an f32.
const SIGN: u32 = 1 << 31;

/// Largest magnitude of a component, of finite ones.
pub(super) fn largest_magnitude(v: &[f32]) -> f32 {
    // The bits of positive floats order like the floats, and integers vectorise.
    f32::from_bits(v.iter().fold(0, |largest, x| (x.to_bits() & !SIGN).max(largest)))
}

/// Whether codes can be that many units apart: neither the step nor its inverse leaves the normal numbers.
pub(super) fn is_sound_scale(scale: f32) -> bool {
    scale > 0.0 && scale.is_normal() && scale.recip().is_normal()
}

/// The magnitude within which `share` of some differences, not none, are.
pub(super) fn reach(differences: &mut [f32], share: f64) -> f32 {
    differences.iter_mut().for_each(|x| *x = x.abs());
    let place = ((differences.len() - 1) as f64 * share) as usize;
    *differences.select_nth_unstable_by(place, f32::total_cmp).1
}

/// Rounds -128..=255 to the nearest integer, ties to even, and keeps its low byte. Adding 1.5 * 2^23 leaves
/// the integer in the low bits of the float: no conversion instruction, and it vectorises everywhere.
#[inline(always)]
pub(super) fn round_to_byte(x: f32) -> u8 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT).to_bits() as u8
}

/// 1 / |v|, 0 for the zero vector.
pub(super) fn inverse_length(v: &[f32]) -> f32 {
    let squares = sum_of_squares(v);
    if squares > 0.0 { squares.sqrt().recip() as f32 } else { 0.0 }
}
