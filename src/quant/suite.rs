//! What is asked of all codes alike, whatever they are.

use std::sync::LazyLock;

use super::tests::{DIM, ROWS, clusters, offset};
use super::{Codec, Gate, Kind};
use crate::kernel::{Metric, Scalar, kernel};

/// A kind of codes, and what it is held to.
struct Held {
    kind: Kind,
    /// Largest error of a row, as a share of its distance from the middle of all.
    error: f64,
    /// Of so many rows named by code, the ten nearest are nearly all among them.
    named: usize,
}

const HELD: [Held; 4] = [
    Held { kind: Kind::Sq8, error: 0.02, named: 12 },
    Held { kind: Kind::Sq4, error: 0.2, named: 20 },
    Held { kind: Kind::Pq { subspaces: 24 }, error: 0.8, named: 60 },
    Held { kind: Kind::Rabitq, error: 0.95, named: 100 },
];

const METRICS: [Metric; 4] = [Metric::L2sq, Metric::L1, Metric::Ip, Metric::Cosine];

/// Rows whose middle is not the origin.
static SAMPLE: LazyLock<Vec<f32>> = LazyLock::new(|| offset(clusters(ROWS, 40, 0.6), DIM, 0.5));

/// Codes of every kind for every metric they have.
fn trained() -> impl Iterator<Item = (&'static Held, Metric, Codec)> {
    HELD.iter().flat_map(|held| METRICS.map(|metric| (held, metric))).filter_map(|(held, metric)| {
        let codec = Codec::train(held.kind, metric, DIM, &SAMPLE, Gate::Open).unwrap()?;
        Some((held, metric, codec))
    })
}

fn row(i: usize) -> &'static [f32] {
    &SAMPLE[i * DIM..][..DIM]
}

fn code(codec: &Codec, v: &[f32]) -> Vec<u8> {
    let mut out = vec![0; codec.code_bytes()];
    codec.encode_row(&mut v.to_vec(), &mut out);
    out
}

fn query(codec: &Codec, v: &[f32]) -> Vec<u8> {
    let mut out = vec![0; codec.query_bytes()];
    codec.encode_query(&mut v.to_vec(), &mut out);
    out
}

#[test]
fn every_kind_serves_every_metric_of_numbers() {
    let pairs = || HELD.iter().flat_map(|held| METRICS.map(|metric| (held.kind, metric)));
    assert_eq!(trained().count(), pairs().filter(|&(kind, metric)| Codec::serves(kind, metric)).count());
    assert!(pairs().all(|(kind, metric)| Codec::serves(kind, metric) || (kind, metric) == (Kind::Rabitq, Metric::L1)));
    for held in &HELD {
        for metric in [Metric::Hamming, Metric::Jaccard] {
            assert_eq!(Codec::train(held.kind, metric, DIM, &SAMPLE, Gate::Open).unwrap(), None, "{:?}", held.kind);
        }
        assert_eq!(Codec::train(held.kind, Metric::L2sq, DIM, &[], Gate::Open).unwrap(), None, "no rows");
    }
}

#[test]
fn codes_are_as_long_as_the_kernel_wants_them_in_any_dimension() {
    for held in &HELD {
        for dim in [1, 2, 3, 7, 31, 32, 33, 48, 63, 64, 65, 100, 129] {
            for metric in METRICS {
                let sample = &SAMPLE[..SAMPLE.len() / dim * dim];
                let Some(codec) = Codec::train(held.kind, metric, dim, sample, Gate::Open).unwrap() else { continue };
                assert_eq!(codec.kernel().form.row_bytes(codec.query_bytes()), codec.code_bytes());
                let distance = (codec.kernel().distance)(&query(&codec, &sample[..dim]), &code(&codec, &sample[..dim]));
                assert!(distance.is_finite(), "{codec:?}");
            }
        }
    }
}

#[test]
fn distances_order_like_the_metric() {
    for (held, metric, codec) in trained() {
        let exact = kernel(metric, Scalar::F32).unwrap();
        let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let codes: Vec<_> = (0..ROWS).map(|i| code(&codec, row(i))).collect();
        let mut found = 0;
        for probe in (0..ROWS).step_by(17) {
            let (stored, short) = (bytes(row(probe)), query(&codec, row(probe)));
            let nearest = |distance: &dyn Fn(usize) -> f32, count: usize| {
                let mut order: Vec<usize> = (0..ROWS).filter(|i| *i != probe).collect();
                order.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
                order.truncate(count);
                order
            };
            let due = nearest(&|i| (exact.distance)(&stored, &bytes(row(i))), 10);
            let named = nearest(&|i| (codec.kernel().distance)(&short, &codes[i]), held.named);
            found += due.iter().filter(|i| named.contains(i)).count();
        }
        let share = found as f64 / (10 * ROWS.div_ceil(17)) as f64;
        assert!(share >= 0.97, "{:?} {metric:?}: {share} of the nearest among {}", held.kind, held.named);
    }
}

#[test]
fn the_error_is_the_distance_to_what_a_code_stands_for() {
    for (held, metric, codec) in trained() {
        let spread = |v: &[f32]| match metric {
            Metric::L1 => v.iter().map(|x| x.abs() as f64).sum(),
            _ => v.iter().map(|x| (*x as f64).powi(2)).sum::<f64>().sqrt(),
        };
        for i in (0..ROWS).step_by(31) {
            let mut placed = row(i).to_vec();
            let mut out = vec![0; codec.code_bytes()];
            codec.encode_row(&mut placed, &mut out);
            let error = codec.error(&placed, &out);
            assert!(error > 0.0 && error <= held.error * spread(&placed), "{:?} {metric:?}: {error}", held.kind);
            // Away from the code by a known step: the triangle inequality, in both directions.
            let mut moved = placed.clone();
            moved[5] += 3.0;
            let after = codec.error(&moved, &out);
            assert!(after <= error + 3.0 + 1e-5 && after >= 3.0 - error - 1e-5, "{:?} {metric:?}", held.kind);
        }
    }
}

/// How far apart two vectors are where rows are encoded.
fn apart(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let differences = a.iter().zip(b).map(|(x, y)| (x - y) as f64);
    if metric == Metric::L1 { differences.map(f64::abs).sum() } else { differences.map(|d| d * d).sum::<f64>().sqrt() }
}

fn decoded(codec: &Codec, code: &[u8]) -> Vec<f32> {
    let mut out = vec![f32::NAN; DIM];
    codec.decode(code, &mut out);
    out
}

#[test]
fn a_decoded_row_is_off_by_the_error() {
    for (held, metric, codec) in trained() {
        for i in (0..ROWS).step_by(31) {
            let length = if metric == Metric::Cosine { apart(metric, row(i), &[0.0; DIM]) as f32 } else { 1.0 };
            let stored: Vec<f32> = row(i).iter().map(|x| x / length).collect();
            let mut placed = row(i).to_vec();
            let mut code = vec![0; codec.code_bytes()];
            codec.encode_row(&mut placed, &mut code);
            let (off, error) = (apart(metric, &stored, &decoded(&codec, &code)), codec.error(&placed, &code));
            let slack = 1e-5 * apart(metric, &stored, &[0.0; DIM]);
            assert!((off - error).abs() <= slack, "{:?} {metric:?}: {off} {error}", held.kind);
        }
    }
}

#[test]
fn pairs_of_codes_order_like_what_they_stand_for() {
    for (held, metric, codec) in trained() {
        let centred_dot = metric == Metric::Ip && held.kind != Kind::Sq8;
        let Some(pairs) = codec.pairs() else {
            assert!(centred_dot || matches!(held.kind, Kind::Pq { .. }), "{:?} {metric:?}", held.kind);
            continue;
        };
        assert!(!centred_dot && pairs.form.is_symmetric(), "{:?} {metric:?}", held.kind);
        let exact = kernel(metric, Scalar::F32).unwrap();
        let codes: Vec<_> = (0..ROWS).map(|i| code(&codec, row(i))).collect();
        let bytes = |code: &Vec<u8>| decoded(&codec, code).iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let rows: Vec<_> = codes.iter().map(bytes).collect();
        let mut found = 0;
        for probe in (0..ROWS).step_by(17) {
            let nearest = |distance: &dyn Fn(usize) -> f32, count: usize| {
                let mut order: Vec<usize> = (0..ROWS).filter(|i| *i != probe).collect();
                order.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
                order.truncate(count);
                order
            };
            let due = nearest(&|i| (exact.distance)(&rows[probe], &rows[i]), 10);
            let named = nearest(&|i| (pairs.distance)(&codes[probe], &codes[i]), 12);
            found += due.iter().filter(|i| named.contains(i)).count();
        }
        let share = found as f64 / (10 * ROWS.div_ceil(17)) as f64;
        assert!(share >= 0.9, "{:?} {metric:?}: {share} of the nearest among 12", held.kind);
    }
}

#[test]
fn any_finite_vector_has_a_code_and_a_finite_distance() {
    for (held, metric, codec) in trained() {
        // What has no length in f32 is refused before it gets here.
        let tiny = if metric == Metric::Cosine { 1e-15 } else { 1e-40 };
        let vectors: Vec<Vec<f32>> = [0.0, 1e15, -1e15, tiny].map(|x| vec![x; DIM]).to_vec();
        for v in &vectors {
            let short = query(&codec, v);
            for row in &vectors {
                let distance = (codec.kernel().distance)(&short, &code(&codec, row));
                assert!(distance.is_finite(), "{:?} {metric:?}: {} {}", held.kind, v[0], row[0]);
            }
        }
    }
}

#[test]
fn every_byte_of_a_code_is_written() {
    for (held, metric, codec) in trained() {
        let (mut row_code, mut query_code) = (vec![0xee; codec.code_bytes()], vec![0xee; codec.query_bytes()]);
        codec.encode_row(&mut row(3).to_vec(), &mut row_code);
        codec.encode_query(&mut row(3).to_vec(), &mut query_code);
        assert_eq!(row_code, code(&codec, row(3)), "{:?} {metric:?}", held.kind);
        assert_eq!(query_code, query(&codec, row(3)), "{:?} {metric:?}", held.kind);
    }
}

#[test]
fn codes_of_more_rows_of_the_same_kind_are_close_and_others_are_not() {
    for (held, metric, codec) in trained().filter(|(held, ..)| matches!(held.kind, Kind::Sq8 | Kind::Sq4)) {
        let most = Codec::train(held.kind, metric, DIM, &SAMPLE[..DIM * 600], Gate::Open).unwrap().unwrap();
        assert!(most.is_close_to(&codec), "{:?} {metric:?}", held.kind);
        let other = |x: &f32| if metric == Metric::Cosine { x + 5.0 } else { x * 3.0 };
        let other: Vec<f32> = SAMPLE.iter().map(other).collect();
        let other = Codec::train(held.kind, metric, DIM, &other, Gate::Open).unwrap().unwrap();
        assert!(!codec.is_close_to(&other), "{:?} {metric:?}", held.kind);
    }
    let of = |kind| Codec::train(kind, Metric::L2sq, DIM, &SAMPLE, Gate::Open).unwrap().unwrap();
    assert!(!of(Kind::Sq8).is_close_to(&of(Kind::Sq4)));
}

#[test]
fn bytes_round_trip() {
    for (held, metric, codec) in trained() {
        let bytes = codec.to_bytes().unwrap();
        let read = Codec::from_bytes(DIM, &bytes).unwrap();
        assert_eq!(read.as_ref(), Some(&codec), "{:?} {metric:?}", held.kind);
        assert_eq!(bytes[4..8], (DIM as u32).to_le_bytes());
    }
}

#[test]
fn unsound_bytes_are_refused() {
    for (held, metric, codec) in trained() {
        let good = codec.to_bytes().unwrap();
        let refused = |bytes: &[u8]| Codec::from_bytes(DIM, bytes).unwrap().is_none();
        let case = format!("{:?} {metric:?}", held.kind);
        assert!((0..good.len()).all(|length| refused(&good[..length])), "{case}");
        assert!(refused(&[&good[..], &[0; 4]].concat()), "{case}");
        assert_eq!(Codec::from_bytes(DIM + 1, &good).unwrap(), None, "{case}");
        for (at, value) in [(0, 0), (0, 99), (1, 0), (1, 4), (2, 2), (3, 2), (4, 1), (7, 1)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert!(refused(&bad), "{case}: byte {at} = {value}");
        }
        for number in [f32::NAN, f32::INFINITY] {
            for at in [8, good.len() - 4] {
                let mut bad = good.clone();
                bad[at..at + 4].copy_from_slice(&number.to_le_bytes());
                assert!(refused(&bad), "{case}: {number} at {at}");
            }
        }
    }
}

#[test]
fn scales_that_are_no_scales_are_refused() {
    for (held, metric, codec) in trained().filter(|(held, ..)| matches!(held.kind, Kind::Sq8 | Kind::Sq4)) {
        for scale in [0.0, -1.0, 1e-40, 3e38] {
            let mut bad = codec.to_bytes().unwrap();
            bad[8..12].copy_from_slice(&f32::to_le_bytes(scale));
            assert_eq!(Codec::from_bytes(DIM, &bad).unwrap(), None, "{:?} {metric:?}: {scale}", held.kind);
        }
    }
}

/// Any byte changed: refused, or read as it is, and then it encodes without a panic.
#[test]
fn changed_bytes_are_refused_or_read_as_they_are() {
    for (_, _, codec) in trained() {
        let good = codec.to_bytes().unwrap();
        for at in 0..good.len() {
            for flip in [1, 0x40, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                let Some(read) = Codec::from_bytes(DIM, &bytes).unwrap() else { continue };
                assert_eq!(read.to_bytes().unwrap(), bytes);
                code(&read, row(1));
                query(&read, row(1));
            }
        }
    }
}
