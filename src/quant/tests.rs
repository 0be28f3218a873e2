//! What 8-bit codes must do for data of known shape: rank it, or refuse it. `suite` has what is asked
//! of all codes.

use std::sync::LazyLock;

use super::Gate;
use super::Sq8;
use crate::kernel::{Metric, Scalar};

pub(super) const DIM: usize = 48;
pub(super) const ROWS: usize = 700;

/// A repeatable stream of numbers (xorshift64*).
struct Random(u64);

impl Random {
    /// In 0..1.
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Normal, mean 0, deviation 1 (sum of twelve).
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.unit() * limit as f32) as usize
    }
}

/// Rows around `count` normal centres, `deviation` apart from them.
pub(super) fn clusters(rows: usize, count: usize, deviation: f32) -> Vec<f32> {
    let mut random = Random(1);
    let centres: Vec<f32> = (0..count * DIM).map(|_| random.normal()).collect();
    let mut sample = Vec::with_capacity(rows * DIM);
    for _ in 0..rows {
        let centre = random.below(count);
        sample.extend(centres[centre * DIM..][..DIM].iter().map(|x| x + deviation * random.normal()));
    }
    sample
}

/// Adds a constant to the leading dimensions of every row.
pub(super) fn offset(mut sample: Vec<f32>, dims: usize, by: f32) -> Vec<f32> {
    sample.chunks_exact_mut(DIM).for_each(|row| row[..dims].iter_mut().for_each(|x| *x += by));
    sample
}

fn pair(metric: Metric, sample: &[f32]) -> Option<(Metric, Scalar)> {
    let kernel = Sq8::train(metric, DIM, sample, Gate::Measured).unwrap()?.kernel();
    Some((kernel.metric, kernel.scalar))
}

const DOT: Option<(Metric, Scalar)> = Some((Metric::Ip, Scalar::I8));
const CENTRED: Option<(Metric, Scalar)> = Some((Metric::L2sq, Scalar::U8));

#[test]
fn embedding_like_clusters_get_codes_in_every_metric() {
    let sample = clusters(ROWS, 40, 0.6);
    assert_eq!(pair(Metric::L2sq, &sample), CENTRED);
    assert_eq!(pair(Metric::L1, &sample), Some((Metric::L1, Scalar::U8)));
    assert_eq!(pair(Metric::Ip, &sample), DOT);
    assert_eq!(pair(Metric::Cosine, &sample), DOT);
    assert_eq!(pair(Metric::Hamming, &sample), None);
}

#[test]
fn tight_clusters_far_apart_are_refused() {
    let sample = clusters(ROWS, 10, 0.01);
    for metric in [Metric::L2sq, Metric::L1, Metric::Ip, Metric::Cosine] {
        assert_eq!(pair(metric, &sample), None, "{metric:?}");
    }
}

#[test]
fn a_common_offset_is_taken_out() {
    let sample = offset(clusters(ROWS, 40, 0.6), DIM, 30.0);
    assert_eq!(pair(Metric::L2sq, &sample), CENTRED);
    assert_eq!(pair(Metric::L1, &sample), Some((Metric::L1, Scalar::U8)));
    assert_eq!(pair(Metric::Cosine, &offset(clusters(ROWS, 40, 0.6), DIM, 5.0)), CENTRED);
}

#[test]
fn a_few_dimensions_of_large_values_do_not_ruin_cosine() {
    assert_eq!(pair(Metric::Cosine, &offset(clusters(ROWS, 40, 0.6), 2, 20.0)), CENTRED);
}

#[test]
fn samples_that_cannot_be_judged_are_refused() {
    for metric in [Metric::L2sq, Metric::L1, Metric::Ip, Metric::Cosine] {
        assert!(Sq8::train(metric, 2, &clusters(ROWS, 40, 0.6), Gate::Measured).unwrap().is_none(), "two dimensions");
        assert!(Sq8::train(metric, DIM, &[], Gate::Measured).unwrap().is_none(), "no rows");
        assert!(Sq8::train(metric, 2, &clusters(ROWS, 40, 0.6), Gate::Open).unwrap().is_some(), "the caller insists");
        assert!(Sq8::train(metric, 0, &[], Gate::Measured).unwrap().is_none(), "no dimensions");
        assert!(Sq8::train(metric, DIM, &clusters(20, 4, 0.6), Gate::Measured).unwrap().is_none(), "too few rows");
        assert!(Sq8::train(metric, DIM, &vec![0.0; ROWS * DIM], Gate::Measured).unwrap().is_none(), "only zeros");
        assert!(
            Sq8::train(metric, DIM, &vec![0.7; ROWS * DIM], Gate::Measured).unwrap().is_none(),
            "one row, repeated"
        );
        assert!(Sq8::train(metric, DIM, &vec![3e38; ROWS * DIM], Gate::Measured).unwrap().is_none(), "huge");
    }
}

#[test]
fn rows_in_pairs_do_not_fail_the_gate() {
    let half = clusters(ROWS / 2, 40, 0.6);
    assert_eq!(pair(Metric::L2sq, &[half.clone(), half].concat()), CENTRED);
}

/// Trained codes of every space.
static TRAINED: LazyLock<Vec<Sq8>> = LazyLock::new(|| {
    let plain = clusters(ROWS, 40, 0.6);
    let shifted = offset(plain.clone(), DIM, 5.0);
    let samples = [
        (Metric::L2sq, &plain),
        (Metric::L1, &plain),
        (Metric::Ip, &plain),
        (Metric::Cosine, &plain),
        (Metric::Cosine, &shifted),
    ];
    let train = |(metric, sample): (Metric, &Vec<f32>)| {
        Sq8::train(metric, DIM, sample, Gate::Measured).unwrap().expect("this data is easy")
    };
    samples.map(train).to_vec()
});

#[test]
fn rows_decode_to_within_half_a_step() {
    let row = &clusters(ROWS, 40, 0.6)[..DIM];
    // Components reach 5.5 or so; those of unit vectors a seventh of that.
    for (sq8, reach) in TRAINED.iter().zip([5.5, 5.5, 5.5, 0.8]) {
        let mut code = vec![0xee; sq8.code_bytes()];
        sq8.encode_row(row, &mut code);
        let half_step = reach / 127.0 / 2.0;
        let dims = if sq8.kernel().metric == Metric::L1 { DIM as f64 } else { (DIM as f64).sqrt() };
        assert!(sq8.error(row, &code) <= half_step * dims, "{:?}", sq8.kernel());
        assert!(code[DIM..].iter().all(|pad| *pad == 0), "{:?}: padding", sq8.kernel());
    }
}

#[test]
fn a_dot_query_uses_every_step() {
    let sq8 = &TRAINED[2];
    let mut code = vec![0; sq8.code_bytes()];
    let query: Vec<f32> = (0..DIM).map(|i| if i == 5 { -1e-3 } else { 1e-6 * i as f32 }).collect();
    sq8.encode_query(&query, &mut code);
    assert_eq!(code[5] as i8, -127);
    assert_eq!(code[47] as i8, 6);
}

#[test]
fn a_code_stands_for_vectors_of_the_trained_range_only() {
    let sample = clusters(ROWS, 8, 0.3);
    let scaled = |by: f32| sample.chunks_exact(DIM).map(move |row| row.iter().map(|x| x * by).collect::<Vec<f32>>());
    let train = |metric| Sq8::train(metric, DIM, &sample, Gate::Open).unwrap().unwrap();
    for metric in [Metric::L2sq, Metric::L1] {
        let sq8 = train(metric);
        assert!(scaled(1.0).all(|row| sq8.reaches(&row)), "{metric:?}");
        assert!(scaled(10.0).all(|row| !sq8.reaches(&row)), "{metric:?}");
        assert!(!sq8.reaches(&[f32::MAX; DIM]) && !sq8.reaches(&[f32::INFINITY; DIM]));
    }
    // Where only the direction counts nothing is far.
    for metric in [Metric::Ip, Metric::Cosine] {
        assert!(scaled(10.0).all(|row| train(metric).reaches(&row)), "{metric:?}");
    }
}
