//! The plain exact search, and recall against it.

use super::Answer;
use super::rows::Rows;
use vdb::kernel::Metric;

/// Distance of two vectors as the header defines it, in f64.
pub fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let sum = |term: fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| term(f64::from(*x), f64::from(*y))).sum::<f64>();
    match metric {
        Metric::L2sq => sum(|x, y| (x - y) * (x - y)),
        Metric::L1 => sum(|x, y| (x - y).abs()),
        Metric::Hamming => sum(|x, y| if x == y { 0.0 } else { 1.0 }),
        Metric::Ip => 1.0 - sum(|x, y| x * y),
        Metric::Cosine => match (sum(|x, _| x * x) * sum(|_, y| y * y)).sqrt() {
            0.0 => 1.0,
            norms => 1.0 - sum(|x, y| x * y) / norms,
        },
        Metric::Jaccard => match sum(f64::max) {
            0.0 => 0.0,
            union => 1.0 - sum(f64::min) / union,
        },
    }
}

/// The exact k nearest rows of some queries.
pub struct Truth {
    metric: Metric,
    dim: usize,
    rows: Vec<f32>,
    queries: Vec<f32>,
    /// For each query `(distance, row)`, by distance and then row number.
    nearest: Vec<Vec<(f64, u64)>>,
    k: usize,
}

impl Truth {
    /// Compares every query with every row.
    pub fn compute(metric: Metric, rows: &Rows, queries: &Rows, k: usize) -> Truth {
        let (dim, rows, queries) = (rows.dim(), rows.values(), queries.values());
        let k = k.min(rows.len() / dim);
        let nearest = queries.chunks(dim).map(|q| nearest(metric, &rows, q, dim, k)).collect();
        Truth { metric, dim, rows, queries, nearest, k }
    }

    pub fn k(&self) -> usize {
        self.k
    }

    /// For each query `(distance, row)`, nearest first, equal distances by row number.
    pub fn nearest(&self) -> &[Vec<(f64, u64)>] {
        &self.nearest
    }

    /// Exact distance of a row to a query.
    pub fn distance_to(&self, query: usize, row: u64) -> f64 {
        let (rows, queries) = (&self.rows[row as usize * self.dim..], &self.queries[query * self.dim..]);
        distance(self.metric, &rows[..self.dim], &queries[..self.dim])
    }

    /// Share of the k places that hold a row no farther than the k-th true one (a tie is no
    /// miss). Also checks that each reported distance is the row's distance.
    pub fn recall(&self, answers: &[Answer]) -> f64 {
        assert_eq!(answers.len(), self.nearest.len());
        let mut right = 0;
        for (query, (answer, nearest)) in answers.iter().zip(&self.nearest).enumerate() {
            let limit = nearest[self.k - 1].0;
            let limit = limit + 1e-6 + 1e-5 * limit.abs();
            for &(row, reported) in answer {
                let exact = self.distance_to(query, row);
                let error = (f64::from(reported) - exact).abs();
                assert!(error <= 1e-4 * (1.0 + exact.abs()), "query {query} row {row}: {reported} for {exact}");
                right += usize::from(exact <= limit);
            }
        }
        right as f64 / (self.k * self.nearest.len()) as f64
    }
}

fn nearest(metric: Metric, rows: &[f32], query: &[f32], dim: usize, k: usize) -> Vec<(f64, u64)> {
    let mut all: Vec<_> = rows.chunks(dim).zip(0..).map(|(row, id)| (distance(metric, query, row), id)).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(k);
    all
}
