//! Every kernel this CPU can run, against the f64 definition.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const METRICS: [Metric; 6] = [Metric::L2sq, Metric::Ip, Metric::Cosine, Metric::L1, Metric::Hamming, Metric::Jaccard];
const SCALARS: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::B1, Scalar::U8];

/// All kernels that run here; says which sets could not be tried.
static KERNELS: LazyLock<Vec<(Isa, Kernel)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for isa in Isa::ALL {
        if !isa.available() {
            eprintln!("skipped: no {isa:?} on this CPU");
            continue;
        }
        let pairs = METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar)));
        all.extend(pairs.filter_map(|(metric, scalar)| Some((isa, kernel_for(isa, metric, scalar)?))));
    }
    all
});

/// A repeatable stream of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// In -1..1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// Kinds of rows, from tame to hostile.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// Components around zero.
    Unit,
    /// The largest and smallest values of the scalar, at random.
    Extreme,
    /// Floats: denormals only. Integers: zeros and ones.
    Tiny,
    /// Floats whose squares are about the smallest f32 that is not denormal. Integers: zeros and ones.
    Faint,
}

fn row(scalar: Scalar, dim: usize, fill: Fill, random: &mut Random) -> Vec<u8> {
    let mut row = Vec::new();
    for _ in 0..if scalar == Scalar::B1 { dim.div_ceil(8) } else { dim } {
        let (bits, value) = (random.next(), random.unit());
        let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
        let real = match fill {
            Fill::Unit => value,
            Fill::Extreme => sign * if scalar == Scalar::F16 { 60_000.0 } else { 1e30 },
            Fill::Tiny => value * if scalar == Scalar::F16 { 3e-5 } else { 1e-40 },
            Fill::Faint => value * if scalar == Scalar::F16 { 3e-5 } else { 1e-19 },
        };
        let byte = match fill {
            Fill::Unit => bits as u8,
            Fill::Extreme => [0, 255, 128, 127][bits as usize % 4],
            Fill::Tiny | Fill::Faint => bits as u8 & 1,
        };
        match scalar {
            Scalar::F32 => row.extend(real.to_le_bytes()),
            Scalar::F16 => row.extend(half::f16::from_f32(real).to_le_bytes()),
            Scalar::Bf16 => row.extend(half::bf16::from_f32(real).to_le_bytes()),
            Scalar::I8 | Scalar::U8 | Scalar::B1 => row.push(byte),
        }
    }
    row
}

/// Size of the terms that were added up: what a rounding error is relative to.
fn magnitude(metric: Metric, scalar: Scalar, a: &[u8], b: &[u8]) -> f64 {
    let zero = vec![0; a.len()];
    let norm = |row: &[u8]| reference_distance(Metric::L2sq, scalar, row, &zero).sqrt();
    match metric {
        Metric::Ip => 1.0 + norm(a) * norm(b),
        Metric::Cosine => 1.0,
        _ => reference_distance(metric, scalar, a, b),
    }
}

/// Every kernel of the pair against the definition.
fn check(metric: Metric, scalar: Scalar, a: &[u8], b: &[u8]) {
    let exact = reference_distance(metric, scalar, a, b) as f32;
    let float = matches!(scalar, Scalar::F32 | Scalar::F16 | Scalar::Bf16);
    // No set has fewer than 16 lanes, and each addition rounds once.
    let additions = 16 + a.len() / scalar.row_bytes(1) / 16;
    let relative = if float { additions as f64 * f32::EPSILON as f64 / 2.0 } else { 0.0 };
    let bound = relative * magnitude(metric, scalar, a, b) + if float { f32::MIN_POSITIVE as f64 } else { 0.0 };
    for (isa, kernel) in KERNELS.iter().filter(|(_, kernel)| (kernel.metric, kernel.scalar) == (metric, scalar)) {
        let got = (kernel.distance)(a, b);
        let context = || format!("{isa:?} {kernel:?}, {} bytes: {got} instead of {exact}", a.len());
        assert_eq!(got.to_bits(), (kernel.distance)(b, a).to_bits(), "asymmetric: {}", context());
        assert!(got == exact || (got as f64 - exact as f64).abs() <= bound, "{}", context());
    }
}

/// The pairs that have kernels.
fn pairs() -> impl Iterator<Item = (Metric, Scalar)> {
    KERNELS.iter().filter(|(isa, _)| *isa == Isa::Portable).map(|(_, kernel)| (kernel.metric, kernel.scalar))
}

/// A copy of `row` that starts at an odd address.
fn unaligned(row: &[u8]) -> (Vec<u8>, usize) {
    let mut copy = vec![0xff; row.len() + 65];
    let start = copy.as_ptr().align_offset(64) + 1;
    copy[start..start + row.len()].copy_from_slice(row);
    (copy, start)
}

fn check_all(dim: usize, fill: Fill, seed: u64) {
    let mut random = Random(seed);
    for (metric, scalar) in pairs() {
        let (a, b) = (row(scalar, dim, fill, &mut random), row(scalar, dim, fill, &mut random));
        let (copy, start) = unaligned(&b);
        check(metric, scalar, &a, &copy[start..start + b.len()]);
    }
}

#[test]
fn all_short_lengths_match_the_reference() {
    for dim in 0..300 {
        check_all(dim, Fill::Unit, dim as u64);
    }
    let mut random = Random(5);
    for bytes in 0..300 {
        let rows = [(); 2].map(|()| row(Scalar::B1, 8 * bytes, Fill::Unit, &mut random));
        for metric in [Metric::Hamming, Metric::Jaccard] {
            check(metric, Scalar::B1, &rows[0], &rows[1]);
        }
    }
}

#[test]
fn long_rows_match_the_reference() {
    for fill in [Fill::Unit, Fill::Extreme] {
        check_all(1536, fill, 1);
        check_all(16_385, fill, 2);
    }
    check_all(65_536, Fill::Extreme, 3);
}

#[test]
fn integer_sums_do_not_overflow_on_the_largest_rows() {
    for (metric, scalar) in pairs() {
        let (low, high) = match scalar {
            Scalar::I8 => (0x80, 0x7f),
            Scalar::U8 | Scalar::B1 => (0, 255),
            _ => continue,
        };
        let (lows, highs) = (vec![low; 65_536], vec![high; 65_536]);
        check(metric, scalar, &lows, &highs);
        check(metric, scalar, &lows, &lows);
        check(metric, scalar, &highs, &highs);
    }
}

#[test]
fn equal_rows_are_at_distance_zero() {
    let mut random = Random(11);
    for (metric, scalar) in pairs().filter(|(metric, _)| *metric != Metric::Ip) {
        for dim in [1, 31, 384] {
            let a = row(scalar, dim, Fill::Unit, &mut random);
            check(metric, scalar, &a, &a);
            let kernel = kernel(metric, scalar).expect("listed pairs have kernels");
            assert!((kernel.distance)(&a, &a).abs() < 1e-6, "{kernel:?}, dim {dim}");
        }
    }
}

#[test]
fn zero_rows_have_the_documented_distances() {
    for (isa, kernel) in KERNELS.iter() {
        let zero = vec![0; kernel.scalar.row_bytes(40)];
        let expected = match kernel.metric {
            Metric::Ip | Metric::Cosine => 1.0,
            _ => 0.0,
        };
        assert_eq!((kernel.distance)(&zero, &zero), expected, "{isa:?} {kernel:?}");
    }
}

#[test]
fn scan_and_four_give_the_bits_of_distance() {
    let mut random = Random(7);
    for (isa, kernel) in KERNELS.iter() {
        for (dim, count) in [(1, 1), (3, 7), (64, 4), (100, 13), (384, 30), (1000, 9), (16_385, 5)] {
            // The query among them in its turn: zeros and huge rows make several ways to finish.
            for fill in [Fill::Unit, Fill::Extreme, Fill::Tiny, Fill::Faint] {
                let query = row(kernel.scalar, dim, if count % 2 == 0 { Fill::Unit } else { fill }, &mut random);
                let stride = query.len() + 3;
                let mut rows = vec![0; stride * (count - 1) + query.len()];
                for i in 0..count {
                    // Every fifth row stays zero.
                    if i % 5 != 3 {
                        let fill = if i % 2 == 0 { fill } else { Fill::Unit };
                        rows[i * stride..][..query.len()].copy_from_slice(&row(kernel.scalar, dim, fill, &mut random));
                    }
                }
                same_bits_for_several(*isa, kernel, &query, &rows, count);
            }
        }
    }
}

/// `scan` and `four` against `distance`, for `count` rows.
fn same_bits_for_several(isa: Isa, kernel: &Kernel, query: &[u8], rows: &[u8], count: usize) {
    let stride = query.len() + 3;
    let (row, dim) = (|i: usize| &rows[i * stride..][..query.len()], query.len() / kernel.scalar.row_bytes(1));
    let mut out = vec![f32::NAN; count];
    (kernel.scan)(query, rows, stride, &mut out);
    for (i, got) in out.iter().enumerate() {
        let one = (kernel.distance)(query, row(i));
        assert_eq!(got.to_bits(), one.to_bits(), "{isa:?} {kernel:?}, dim {dim}, row {i}");
    }
    if let Some(first) = out.first_chunk() {
        let four = (kernel.four)(query, std::array::from_fn(row));
        assert_eq!(four.map(f32::to_bits), first.map(f32::to_bits), "{isa:?} {kernel:?}, dim {dim}");
    }
}

#[test]
fn scan_of_no_rows_touches_nothing() {
    for (_, kernel) in KERNELS.iter() {
        (kernel.scan)(&[0; 8], &[], 8, &mut []);
    }
}

#[test]
fn broken_lengths_panic() {
    for (isa, kernel) in KERNELS.iter() {
        let panics =
            |a: usize, b: usize| std::panic::catch_unwind(|| (kernel.distance)(&vec![0; a], &vec![0; b])).is_err();
        assert!(panics(8, 4) && panics(4, 8), "{isa:?} {kernel:?}");
        assert_eq!(panics(7, 7), kernel.scalar.row_bytes(1) > 1, "{isa:?} {kernel:?}");
        let four = std::panic::catch_unwind(|| (kernel.four)(&[0; 8], [&[0; 8], &[0; 8], &[0; 8], &[0; 4]]));
        assert!(four.is_err(), "{isa:?} {kernel:?}");
        let short = std::panic::catch_unwind(|| (kernel.scan)(&[0; 8], &[0; 15], 8, &mut [0.0; 2]));
        assert!(short.is_err(), "{isa:?} {kernel:?}");
    }
}

#[test]
fn metrics_only_take_the_scalars_they_mean_something_for() {
    for metric in METRICS {
        for scalar in SCALARS {
            let of_bits = matches!(metric, Metric::Hamming | Metric::Jaccard);
            assert_eq!(kernel(metric, scalar).is_some(), of_bits == (scalar == Scalar::B1), "{metric:?} {scalar:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_rows_match_the_reference(dim in 1usize..600, extreme: bool, seed: u64) {
        check_all(dim, if extreme { Fill::Extreme } else { Fill::Tiny }, seed);
    }
}
