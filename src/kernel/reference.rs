//! The plain definition of every distance, in f64: what the fast versions are tested against.

use super::{Metric, Scalar};

/// Component `i` of a packed row, widened.
fn component(scalar: Scalar, row: &[u8], i: usize) -> f64 {
    let two = || u16::from_le_bytes([row[2 * i], row[2 * i + 1]]);
    match scalar {
        Scalar::F32 => f32::from_le_bytes([row[4 * i], row[4 * i + 1], row[4 * i + 2], row[4 * i + 3]]) as f64,
        Scalar::F16 => half::f16::from_bits(two()).to_f64(),
        Scalar::Bf16 => half::bf16::from_bits(two()).to_f64(),
        Scalar::I8 => row[i] as i8 as f64,
        Scalar::U8 => row[i] as f64,
        Scalar::B1 => (row[i / 8] >> (i % 8) & 1) as f64,
    }
}

/// Distance between two packed rows of equal length.
pub fn distance(metric: Metric, scalar: Scalar, a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len(), "rows of different length");
    let dim = match scalar {
        Scalar::F32 => a.len() / 4,
        Scalar::F16 | Scalar::Bf16 => a.len() / 2,
        Scalar::I8 | Scalar::U8 => a.len(),
        Scalar::B1 => a.len() * 8,
    };
    let pairs = || (0..dim).map(|i| (component(scalar, a, i), component(scalar, b, i)));
    let dot = || pairs().map(|(x, y)| x * y).sum::<f64>();
    match metric {
        Metric::L2sq => pairs().map(|(x, y)| (x - y) * (x - y)).sum(),
        Metric::L1 | Metric::Hamming => pairs().map(|(x, y)| (x - y).abs()).sum(),
        Metric::Ip => 1.0 - dot(),
        Metric::Cosine => {
            let norms = pairs().map(|(x, _)| x * x).sum::<f64>() * pairs().map(|(_, y)| y * y).sum::<f64>();
            if norms == 0.0 { 1.0 } else { 1.0 - dot() / norms.sqrt() }
        }
        Metric::Jaccard => {
            let union = pairs().map(|(x, y)| x.max(y)).sum::<f64>();
            if union == 0.0 { 0.0 } else { 1.0 - dot() / union }
        }
    }
}
