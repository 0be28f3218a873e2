//! Half a byte a component: the upper half of an [`Sq8`](super::Sq8) code, read as the middle of its
//! sixteen values.
//!
//! Vectors are rotated and centred first ([`Frame`]), which makes components nearly normal: then sixteen
//! steps over 5.2 deviations are about the best there is (Max, "Quantizing for minimum distortion", 1960, has
//! 5.36), and what lies beyond is clamped. A query keeps whole bytes on the same scale, or in dot space on its own,
//! so only the rows lose.

use super::codec::Code;
use super::frame::Frame;
use super::sq8::{STEPS, Space, is_sound_scale, largest_magnitude, round_to_byte};
use crate::kernel::{Form, Kernel, Metric, code_kernel};
use crate::util::memory::AllocError;

/// Bytes of a row that hold the halves of 64 components.
const HALF: usize = 32;
/// The byte that stands for the centre.
const MIDDLE: f32 = 128.0;
/// Deviations that the steps cover.
const DEVIATIONS: f64 = 5.2;
/// What a vector that cannot be rotated has in their place: this share of its components. Of a normal
/// distribution it is as much.
const SHARE: f64 = 0.99;
/// Parts of a half byte's step by which a centre may move before rows are encoded again.
const CENTRE_SLACK: f32 = 8.0;

/// A trained 4-bit quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Sq4 {
    frame: Frame,
    /// Value of one step of a byte; of a half byte, a sixteenth.
    scale: f32,
}

impl Sq4 {
    /// Trains on `sample`, rows of `dim` components back to back. `None` for data without any spread.
    pub(super) fn train(metric: Metric, dim: usize, sample: &[f32]) -> Result<Option<Sq4>, AllocError> {
        let Some(frame) = Frame::around(metric, dim, sample)? else { return Ok(None) };
        let half = match frame.space {
            Space::L1 => frame.reach(sample, SHARE)?,
            Space::L2 => DEVIATIONS / 2.0 * frame.spread(sample)?.deviation,
            // Answers are rows of large norm: theirs is the deviation that counts.
            Space::Dot => DEVIATIONS / 2.0 * frame.spread(sample)?.largest,
        };
        let scale = half as f32 / MIDDLE;
        Ok(is_sound_scale(scale).then_some(Sq4 { frame, scale }))
    }

    /// What component `i` of a code stands for.
    fn component(&self, code: &[u8], i: usize) -> f32 {
        let byte = code[i / (2 * HALF) * HALF + i % HALF];
        let half = if i % (2 * HALF) < HALF { byte & 15 } else { byte >> 4 };
        (half as f32 * 16.0 + 8.0 - MIDDLE) * self.scale
    }

    /// The byte of a placed component.
    #[inline(always)]
    fn byte(&self, x: f32) -> u8 {
        round_to_byte((x / self.scale + MIDDLE).clamp(0.0, 255.0))
    }
}

impl Code for Sq4 {
    const TAG: u8 = 2;

    fn code_bytes(&self) -> usize {
        Form::Nibbles.row_bytes(self.query_bytes())
    }

    fn query_bytes(&self) -> usize {
        Form::Nibbles.query_bytes(self.frame.dim())
    }

    fn kernel(&self) -> Kernel {
        code_kernel(Form::Nibbles, self.frame.space.metric()).expect("the form has the metric of every space")
    }

    fn is_close_to(&self, other: &Sq4) -> bool {
        (0.8..=1.25).contains(&(other.scale / self.scale))
            && self.frame.is_close_to(&other.frame, CENTRE_SLACK * self.scale)
    }

    fn encode_row(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.code_bytes(), "code row of the wrong length");
        self.frame.place_row(v);
        for (block, out) in v.chunks(2 * HALF).zip(out.as_chunks_mut::<HALF>().0) {
            let (low, high) = block.split_at(block.len().min(HALF));
            out.fill(0);
            out.iter_mut().zip(low).for_each(|(half, x)| *half = self.byte(*x) >> 4);
            out.iter_mut().zip(high).for_each(|(half, x)| *half |= self.byte(*x) & 0xf0);
        }
    }

    fn encode_query(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.query_bytes(), "query of the wrong length");
        self.frame.place_query(v);
        let (bytes, pad) = out.split_at_mut(v.len());
        if self.frame.space == Space::Dot {
            let factor = STEPS / largest_magnitude(v);
            let factor = if factor.is_finite() { factor } else { 0.0 };
            bytes.iter_mut().zip(v).for_each(|(byte, x)| *byte = round_to_byte((*x * factor).clamp(-STEPS, STEPS)));
            pad.fill(0);
        } else {
            bytes.iter_mut().zip(v).for_each(|(byte, x)| *byte = self.byte(*x));
            // What the halves of a row's padding stand for.
            pad.fill(8);
        }
    }

    fn decode(&self, code: &[u8], out: &mut [f32]) {
        out.iter_mut().enumerate().for_each(|(i, x)| *x = self.component(code, i));
        self.frame.unplace(out);
    }

    /// Not for dot products: rows are centred, and what the centre adds is not in their codes.
    fn pairs(&self) -> Option<Kernel> {
        code_kernel(Form::NibblePairs, self.frame.space.metric())
    }

    fn error(&self, placed: &[f32], code: &[u8]) -> f64 {
        self.frame.error(placed, (0..placed.len()).map(|i| self.component(code, i)))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        self.frame.to_bytes(Self::TAG, self.scale)
    }

    fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Sq4>, AllocError> {
        let read = Frame::from_bytes(Self::TAG, dim, bytes)?;
        Ok(read.filter(|(_, scale)| is_sound_scale(*scale)).map(|(frame, scale)| Sq4 { frame, scale }))
    }
}
