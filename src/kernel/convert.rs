//! Rows to f32 and back, and the checks made on every row that is stored.
//!
//! Values go through small blocks on the stack: fixed-size loops that the compiler
//! vectorises, around the `half` crate, which knows the conversion instructions
//! of each CPU. Nothing here depends on alignment.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::Scalar;

/// Components converted at a time. 256 squares of bytes still sum exactly in f32.
const BLOCK: usize = 256;

/// Writes the components of a row as f32, bits as 0 and 1.
///
/// Panics when `row` is not the packed length of `out.len()` components.
pub fn widen(scalar: Scalar, row: &[u8], out: &mut [f32]) {
    assert_eq!(row.len(), scalar.row_bytes(out.len()), "row and output of different length");
    for (bytes, out) in row.chunks(scalar.row_bytes(BLOCK)).zip(out.chunks_mut(BLOCK)) {
        match scalar {
            Scalar::F32 => each(bytes, out, f32::from_le_bytes),
            Scalar::Bf16 => each(bytes, out, |half| f32::from_bits((u16::from_le_bytes(half) as u32) << 16)),
            Scalar::I8 => each(bytes, out, |[byte]| byte as i8 as f32),
            Scalar::U8 => each(bytes, out, |[byte]| byte as f32),
            Scalar::F16 => {
                let mut halves = [f16::ZERO; BLOCK];
                let halves = &mut halves[..out.len()];
                each(bytes, halves, f16::from_le_bytes);
                halves.convert_to_f32_slice(out);
            }
            Scalar::B1 => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = (bytes[i / 8] >> (i % 8) & 1) as f32;
                }
            }
        }
    }
}

/// Converts each `N` bytes.
#[inline(always)]
fn each<T, const N: usize>(bytes: &[u8], out: &mut [T], convert: impl Fn([u8; N]) -> T) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *out = convert(*bytes);
    }
}

/// Writes f32 values as a row, rounding to the nearest float (ties to even). `Err` is the
/// index of a value the scalar cannot hold: one that is not finite or would not be after rounding
/// and, for bytes and bits, one that is no integer or out of range. `out` is then undefined.
///
/// Panics when `out` is not the packed length of `values.len()` components.
pub fn narrow(scalar: Scalar, values: &[f32], out: &mut [u8]) -> Result<(), usize> {
    assert_eq!(out.len(), scalar.row_bytes(values.len()), "values and row of different length");
    let blocks = values.chunks(BLOCK).zip(out.chunks_mut(scalar.row_bytes(BLOCK)));
    for (i, (values, out)) in blocks.enumerate() {
        let refused = match scalar {
            Scalar::F32 => {
                each_value(values, out, f32::to_le_bytes);
                first_not_finite(scalar, out)
            }
            Scalar::F16 => {
                let mut halves = [f16::ZERO; BLOCK];
                let halves = &mut halves[..values.len()];
                halves.convert_from_f32_slice(values);
                each_value(halves, out, f16::to_le_bytes);
                first_not_finite(scalar, out)
            }
            Scalar::Bf16 => {
                each_value(values, out, |x| round_to_bf16(x).to_le_bytes());
                first_not_finite(scalar, out)
            }
            Scalar::I8 => {
                each_value(values, out, |x| [x as i8 as u8]);
                values.iter().zip(&*out).position(|(x, byte)| *byte as i8 as f32 != *x)
            }
            Scalar::U8 => {
                each_value(values, out, |x| [x as u8]);
                values.iter().zip(&*out).position(|(x, byte)| *byte as f32 != *x)
            }
            Scalar::B1 => {
                for (byte, values) in out.iter_mut().zip(values.chunks(8)) {
                    *byte = values.iter().enumerate().fold(0, |byte, (bit, x)| byte | u8::from(*x != 0.0) << bit);
                }
                values.iter().position(|x| *x != 0.0 && *x != 1.0)
            }
        };
        if let Some(refused) = refused {
            return Err(i * BLOCK + refused);
        }
    }
    Ok(())
}

/// Converts each value to `N` bytes.
#[inline(always)]
fn each_value<T: Copy, const N: usize>(values: &[T], out: &mut [u8], convert: impl Fn(T) -> [u8; N]) {
    for (out, value) in out.as_chunks_mut().0.iter_mut().zip(values) {
        *out = convert(*value);
    }
}

/// The upper half of the bits, rounded to nearest, ties to even. What is not finite stays so.
#[inline(always)]
fn round_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    ((if x.is_finite() { rounded } else { bits }) >> 16) as u16 | if x.is_nan() { 0x40 } else { 0 }
}

/// Index of the first component that is infinite or not a number. Only floats can be.
pub fn first_not_finite(scalar: Scalar, row: &[u8]) -> Option<usize> {
    match scalar {
        Scalar::F32 => first_all_ones(row, |bytes| u32::from_le_bytes(bytes) & 0x7f80_0000 == 0x7f80_0000),
        Scalar::F16 => first_all_ones(row, |bytes| u16::from_le_bytes(bytes) & 0x7c00 == 0x7c00),
        Scalar::Bf16 => first_all_ones(row, |bytes| u16::from_le_bytes(bytes) & 0x7f80 == 0x7f80),
        Scalar::I8 | Scalar::U8 | Scalar::B1 => None,
    }
}

/// Index of the first component whose exponent is all ones. Whole blocks are tested without
/// a branch; rows almost never have one.
#[inline(always)]
fn first_all_ones<const N: usize>(row: &[u8], all_ones: impl Fn([u8; N]) -> bool) -> Option<usize> {
    let components = row.as_chunks().0;
    for (i, block) in components.chunks(BLOCK).enumerate() {
        if block.iter().fold(false, |found, bytes| found | all_ones(*bytes)) {
            return Some(i * BLOCK + block.iter().position(|bytes| all_ones(*bytes))?);
        }
    }
    None
}

/// Squared Euclidean length of a row; exact for bytes and bits.
pub fn norm_sq(scalar: Scalar, row: &[u8]) -> f64 {
    match scalar {
        Scalar::B1 => return row.iter().map(|byte| byte.count_ones() as f64).sum(),
        // As they are: short rows take longer to be brought into a block than to be added up.
        Scalar::F32 => {
            let blocks = row.as_chunks().0.chunks(BLOCK);
            return blocks.map(|block| squares(block, f32::from_le_bytes)).sum();
        }
        _ => {}
    }
    let mut values = [0.0; BLOCK];
    let blocks = row.chunks(scalar.row_bytes(BLOCK)).map(|bytes| {
        let values = &mut values[..bytes.len() / scalar.row_bytes(1)];
        widen(scalar, bytes, values);
        sum_of_squares(values)
    });
    blocks.sum()
}

/// Sum of squares in 16 independent f32 sums, again in f64 where those lose squares or overflow.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    squares(values, |x| x)
}

/// The same of what `value` makes of each item.
#[inline(always)]
fn squares<T: Copy>(items: &[T], value: impl Fn(T) -> f32) -> f64 {
    let (groups, rest) = items.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for group in groups {
        for (sum, x) in sums.iter_mut().zip(group) {
            *sum += value(*x) * value(*x);
        }
    }
    let groups = if groups.is_empty() { 0.0 } else { sums.iter().sum::<f32>() };
    let fast = groups + rest.iter().map(|x| value(*x) * value(*x)).sum::<f32>();
    let exactly = |x: &T| f64::from(value(*x)) * f64::from(value(*x));
    if (1e-30..1e30).contains(&fast) { fast as f64 } else { items.iter().map(exactly).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLOATS: [Scalar; 3] = [Scalar::F32, Scalar::F16, Scalar::Bf16];

    fn narrowed(scalar: Scalar, values: &[f32]) -> Result<Vec<u8>, usize> {
        let mut row = vec![0xaa; scalar.row_bytes(values.len())];
        narrow(scalar, values, &mut row).map(|()| row)
    }

    fn widened(scalar: Scalar, dim: usize, row: &[u8]) -> Vec<f32> {
        let mut values = vec![f32::NAN; dim];
        widen(scalar, row, &mut values);
        values
    }

    /// What `narrow` followed by `widen` makes of one value.
    fn rounded(scalar: Scalar, x: f32) -> Option<f32> {
        let finite = |y: f32| y.is_finite().then_some(y);
        match scalar {
            Scalar::F32 => finite(x),
            Scalar::F16 => finite(f16::from_f32_const(x).to_f32_const()),
            Scalar::Bf16 => finite(half::bf16::from_f32(x).to_f32()),
            Scalar::I8 => (-128..=127).map(|i| i as f32).find(|i| *i == x),
            Scalar::U8 => (0..=255).map(|i| i as f32).find(|i| *i == x),
            Scalar::B1 => [0.0, 1.0].into_iter().find(|bit| *bit == x),
        }
    }

    const ALL: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::U8, Scalar::B1];

    fn check(values: &[f32]) {
        for scalar in ALL {
            let expected: Vec<Option<f32>> = values.iter().map(|x| rounded(scalar, *x)).collect();
            match expected.iter().position(Option::is_none) {
                Some(refused) => assert_eq!(narrowed(scalar, values), Err(refused), "{scalar:?}"),
                None => {
                    let row = narrowed(scalar, values).expect("every value can be held");
                    let back: Vec<Option<f32>> = widened(scalar, values.len(), &row).into_iter().map(Some).collect();
                    assert_eq!(back, expected, "{scalar:?}");
                    assert_eq!(first_not_finite(scalar, &row), None, "{scalar:?}");
                }
            }
        }
    }

    #[test]
    fn edges_round_or_are_refused() {
        let edges = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.5,
            127.0,
            128.0,
            -128.0,
            -129.0,
            255.0,
            256.0,
            65_504.0,
            65_519.0,
            65_520.0,
            1e-8,
            5.96e-8,
            6.1e-5,
            1e-40,
            1.003_906_2,
            1.011_718_8,
            3.38e38,
            3.395e38,
            f32::MAX,
            f32::MIN,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::from_bits(0x7f80_0001),
            f32::from_bits(u32::MAX),
        ];
        for x in edges {
            check(&[x]);
            check(&[0.0, 1.0, x, 1.0]);
        }
    }

    #[test]
    fn refusals_name_the_first_index_in_any_block() {
        for at in [0, 15, 255, 256, 300, 511, 512, 599] {
            let mut values = vec![1.0; 600];
            values[at] = f32::NAN;
            values[599] = f32::INFINITY;
            for scalar in ALL {
                assert_eq!(narrowed(scalar, &values), Err(at), "{scalar:?}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_found_in_stored_rows() {
        for scalar in FLOATS {
            for at in [0, 7, 255, 256, 599] {
                for bad in [[0x80, 0x7f], [0xc1, 0xff]] {
                    let mut row = vec![0; scalar.row_bytes(600)];
                    let end = (at + 1) * scalar.row_bytes(1);
                    row[end - 2..end].copy_from_slice(&bad);
                    assert_eq!(first_not_finite(scalar, &row), Some(at), "{scalar:?}");
                }
            }
        }
        assert_eq!(first_not_finite(Scalar::I8, &[0xff; 8]), None);
    }

    #[test]
    fn every_half_widens_exactly() {
        for bits in 0..=u16::MAX {
            let [wide] = widened(Scalar::F16, 1, &bits.to_le_bytes())[..] else { unreachable!("one component") };
            let expected = f16::from_bits(bits).to_f32_const();
            assert!(wide == expected || wide.is_nan() && expected.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn norms_are_exact_for_bytes_and_close_for_floats() {
        assert_eq!(norm_sq(Scalar::I8, &[0x80; 65_536]), 65_536.0 * 16_384.0);
        assert_eq!(norm_sq(Scalar::U8, &[255; 65_537]), 65_537.0 * 65_025.0);
        assert_eq!(norm_sq(Scalar::B1, &[0xf1, 0x80]), 6.0);
        for (x, dim) in [(0.3f32, 1000), (1e30, 300), (1e-38, 300), (0.0, 5)] {
            let row = narrowed(Scalar::F32, &vec![x; dim]).expect("finite");
            let exact = dim as f64 * x as f64 * x as f64;
            assert!((norm_sq(Scalar::F32, &row) - exact).abs() <= 1e-6 * exact, "{x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn values_round_like_the_plain_conversion(values in proptest::collection::vec(-70_000f32..70_000.0, 0..600)) {
            check(&values);
        }

        #[test]
        fn integers_and_bits_survive(values in proptest::collection::vec(0u8..=1, 0..600), shift in -128i32..=254) {
            check(&values.iter().map(|x| (*x as i32 + shift) as f32).collect::<Vec<_>>());
            check(&values.iter().map(|x| *x as f32).collect::<Vec<_>>());
        }

        #[test]
        fn any_bits_round_or_are_refused(bits in proptest::collection::vec(any::<u32>(), 1..4)) {
            check(&bits.into_iter().map(f32::from_bits).collect::<Vec<_>>());
        }
    }
}
