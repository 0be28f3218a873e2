//! One bit a component: the sign of the rotated, centred vector, and two numbers a row that make
//! estimates out of it.
//!
//! With s = the signs (+1 or -1) of r and any vector q, <r, q> is estimated by w <s, q>, where
//! w = |r|^2 / |r|_1. Over random rotations the estimate is unbiased, and its error shrinks with the root of
//! the dimension (RaBitQ, Gao and Long, arXiv 2405.12497). So the squared distance of r and q is about
//! |r|^2 + |q|^2 - 2 w <s, q>. The query is rounded to [`SIGN_PLANES`] bits a component, cut into planes of
//! bits: <s, q> is then a few counts of common bits.
//!
//! L1 distances have no such estimate.

use super::codec::Code;
use super::frame::Frame;
use super::sq8::{Space, largest_magnitude};
use crate::kernel::{Form, Kernel, Metric, SIGN_PLANES, code_kernel};
use crate::util::memory::AllocError;

/// Components whose bits lie in one word.
const WORD: usize = 64;
/// Bytes of a row before its bits: |r|^2 (0 for dot products) and w.
const ROW_HEAD: usize = 8;
/// Bytes of a query before its planes: what is added to all distances, what the sum is multiplied by, the sum of
/// all components in steps, zero.
const QUERY_HEAD: usize = 16;
/// Largest rounded component of a query.
const STEPS: f32 = ((1 << (SIGN_PLANES - 1)) - 1) as f32;
/// By how many deviations a centre may move before rows are encoded again.
const CENTRE_SLACK: f64 = 0.25;

/// A trained 1-bit quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Rabitq {
    frame: Frame,
    /// Root mean square of a placed component.
    deviation: f32,
}

impl Rabitq {
    /// Trains on `sample`, rows of `dim` components back to back. `None` for L1.
    pub(super) fn train(metric: Metric, dim: usize, sample: &[f32]) -> Result<Option<Rabitq>, AllocError> {
        let Some(frame) = Frame::around(metric, dim, sample)? else { return Ok(None) };
        let deviation = frame.spread(sample)?.deviation as f32;
        Ok(Rabitq::new(frame, deviation))
    }

    fn new(frame: Frame, deviation: f32) -> Option<Rabitq> {
        let sound = frame.space != Space::L1 && deviation >= 0.0 && deviation.is_finite();
        sound.then_some(Rabitq { frame, deviation })
    }

    /// The magnitude of what all components stand for.
    fn weight(code: &[u8]) -> f32 {
        code[4..ROW_HEAD].try_into().map_or(0.0, f32::from_le_bytes)
    }

    /// Whether the bit of component `i` is set.
    fn is_positive(code: &[u8], i: usize) -> bool {
        code[ROW_HEAD + i / 8] >> (i % 8) & 1 == 1
    }
}

impl Code for Rabitq {
    const TAG: u8 = 3;

    fn code_bytes(&self) -> usize {
        Form::Signs.row_bytes(self.query_bytes())
    }

    fn query_bytes(&self) -> usize {
        Form::Signs.query_bytes(self.frame.dim())
    }

    fn kernel(&self) -> Kernel {
        code_kernel(Form::Signs, self.frame.space.metric()).expect("the form has the metrics but L1")
    }

    fn is_close_to(&self, other: &Rabitq) -> bool {
        self.frame.is_close_to(&other.frame, CENTRE_SLACK as f32 * self.deviation)
    }

    fn encode_row(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.code_bytes(), "code row of the wrong length");
        self.frame.place_row(v);
        let (head, bits) = out.split_at_mut(ROW_HEAD);
        bits.fill(0);
        let (mut squares, mut sum) = (0.0f64, 0.0f64);
        for (i, x) in v.iter().enumerate() {
            bits[i / 8] |= u8::from(*x >= 0.0) << (i % 8);
            squares += (*x as f64).powi(2);
            sum += x.abs() as f64;
        }
        let weight = if sum > 0.0 { squares / sum } else { 0.0 };
        let base = if self.frame.space == Space::Dot { 0.0 } else { squares };
        head[..4].copy_from_slice(&(base as f32).to_le_bytes());
        head[4..].copy_from_slice(&(weight as f32).to_le_bytes());
    }

    fn encode_query(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.query_bytes(), "query of the wrong length");
        self.frame.place_query(v);
        let step = largest_magnitude(v) / STEPS;
        let per_step = if step > 0.0 { step.recip() } else { 0.0 };
        let per_step = if per_step.is_finite() { per_step } else { 0.0 };
        let (head, planes) = out.split_at_mut(QUERY_HEAD);
        let mut total = 0i32;
        for (block, planes) in v.chunks(WORD).zip(planes.chunks_exact_mut(8 * SIGN_PLANES)) {
            let mut words = [0u64; SIGN_PLANES];
            for (i, x) in block.iter().enumerate() {
                let rounded = (x * per_step).round_ties_even().clamp(-STEPS, STEPS) as i32;
                total += rounded;
                for (plane, word) in words.iter_mut().enumerate() {
                    *word |= ((rounded >> plane & 1) as u64) << i;
                }
            }
            planes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(plane, word)| *plane = word.to_le_bytes());
        }
        let squares: f64 = v.iter().map(|x| (*x as f64).powi(2)).sum();
        let (base, factor) = if self.frame.space == Space::Dot { (1.0, step) } else { (squares as f32, 2.0 * step) };
        for (field, value) in head.as_chunks_mut().0.iter_mut().zip([base.to_bits(), factor.to_bits(), total as u32, 0])
        {
            *field = value.to_le_bytes();
        }
    }

    fn decode(&self, code: &[u8], out: &mut [f32]) {
        let weight = Rabitq::weight(code);
        out.iter_mut().enumerate().for_each(|(i, x)| *x = if Rabitq::is_positive(code, i) { weight } else { -weight });
        self.frame.unplace(out);
    }

    /// Not for dot products: rows are centred, and what the centre adds is not in their codes.
    fn pairs(&self) -> Option<Kernel> {
        code_kernel(Form::SignPairs, self.frame.space.metric())
    }

    fn error(&self, placed: &[f32], code: &[u8]) -> f64 {
        let weight = Rabitq::weight(code);
        let stands_for = |i| if Rabitq::is_positive(code, i) { weight } else { -weight };
        self.frame.error(placed, (0..placed.len()).map(stands_for))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        self.frame.to_bytes(Self::TAG, self.deviation)
    }

    fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Rabitq>, AllocError> {
        let read = Frame::from_bytes(Self::TAG, dim, bytes)?;
        Ok(read.and_then(|(frame, deviation)| Rabitq::new(frame, deviation)))
    }
}
