//! Vectors of one scalar type, packed as the library takes them.

use half::{bf16, f16};
use vdb::db::Vectors;
use vdb::kernel::Scalar;

/// Packed vectors.
#[derive(Clone)]
pub struct Rows {
    scalar: Scalar,
    dim: usize,
    bytes: Vec<u8>,
}

impl Rows {
    /// Vectors of `dim` components out of packed bytes.
    pub fn new(scalar: Scalar, dim: usize, bytes: Vec<u8>) -> Rows {
        assert!(dim > 0 && bytes.len().is_multiple_of(scalar.row_bytes(dim)));
        Rows { scalar, dim, bytes }
    }

    /// Vectors out of plain values. Floats are rounded; for i8 and u8 the values must be
    /// whole numbers in range; a bit is set where the value is above 0.
    pub fn encode(scalar: Scalar, dim: usize, values: &[f32]) -> Rows {
        let mut bytes = Vec::with_capacity(values.len() / dim * scalar.row_bytes(dim));
        for row in values.chunks(dim) {
            assert_eq!(row.len(), dim);
            match scalar {
                Scalar::F32 => bytes.extend(row.iter().flat_map(|v| v.to_le_bytes())),
                Scalar::F16 => bytes.extend(row.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes())),
                Scalar::Bf16 => bytes.extend(row.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes())),
                Scalar::I8 => bytes.extend(row.iter().map(|v| *v as i8 as u8)),
                Scalar::U8 => bytes.extend(row.iter().map(|v| *v as u8)),
                Scalar::B1 => bytes
                    .extend(row.chunks(8).map(|eight| {
                        eight.iter().enumerate().fold(0u8, |byte, (i, v)| byte | u8::from(*v > 0.0) << i)
                    })),
            }
        }
        Rows::new(scalar, dim, bytes)
    }

    /// The same vectors in another floating type.
    pub fn converted(&self, scalar: Scalar) -> Rows {
        Rows::encode(scalar, self.dim, &self.values())
    }

    pub fn scalar(&self) -> Scalar {
        self.scalar
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn count(&self) -> usize {
        self.bytes.len() / self.scalar.row_bytes(self.dim)
    }

    /// As the library takes them.
    pub fn vectors(&self) -> Vectors<'_> {
        Vectors::new(&self.bytes, self.scalar, self.dim, self.count(), 0).expect("packed rows")
    }

    /// `count` vectors from `start` on.
    pub fn slice(&self, start: usize, count: usize) -> Rows {
        let row = self.scalar.row_bytes(self.dim);
        Rows::new(self.scalar, self.dim, self.bytes[start * row..][..count * row].to_vec())
    }

    /// Every component widened to f32, which holds each of the types exactly.
    pub fn values(&self) -> Vec<f32> {
        let pairs = || self.bytes.as_chunks::<2>().0.iter();
        match self.scalar {
            Scalar::F32 => self.bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Scalar::F16 => pairs().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Scalar::Bf16 => pairs().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            Scalar::I8 => self.bytes.iter().map(|b| f32::from(*b as i8)).collect(),
            Scalar::U8 => self.bytes.iter().map(|b| f32::from(*b)).collect(),
            Scalar::B1 => {
                let bit = |row: &[u8], i: usize| f32::from(row[i / 8] >> (i % 8) & 1);
                let rows = self.bytes.chunks(self.scalar.row_bytes(self.dim));
                rows.flat_map(|row| (0..self.dim).map(move |i| bit(row, i))).collect()
            }
        }
    }
}
