//! Nanoseconds of a distance: vdb beside SimSIMD, and with `--features numkong` beside NumKong,
//! its successor (<https://github.com/ashvardanian/NumKong>), each through the C function
//! that it offers, which picks the best instructions of the CPU as vdb does.
//!
//! `make bench` runs it. One row against one row, in the first cache, all in turn; `four` is
//! vdb's way of comparing a query with four rows at once, which the others have no call for.
//! A ratio below 1 means that vdb takes less time. That all compute the same is checked first.

#[path = "../../kernel/measure.rs"]
mod measure;
mod peers;

use measure::{DIMS, METRICS, Rows, SCALARS, fastest, four, one};
use peers::{LIBRARIES, Peer, peer};
use std::hint::black_box;
use vdb::kernel::{Kernel, Metric, kernel};

fn main() {
    println!("best of interleaved rounds, ns a row; ratio = vdb / theirs, one row against one row");
    let titles = LIBRARIES.map(|library| format!("{library:>9}  ratio"));
    println!("metric    scalar  dim       one      four  {}", titles.join("  "));
    let mut slower = 0;
    for (metric, scalar) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
        let Some(kernel) = kernel(metric, scalar) else { continue };
        let others: Vec<Peer> = LIBRARIES.iter().filter_map(|library| peer(library, metric, scalar)).collect();
        for dim in if others.is_empty() { &[][..] } else { &DIMS } {
            let (line, ratios) = compare(&kernel, *dim, &others);
            println!("{:<9} {:<6} {dim:>5} {line}", format!("{metric:?}"), format!("{scalar:?}"));
            slower += ratios.iter().filter(|ratio| **ratio > 1.0).count();
        }
    }
    println!("slower than another library: {slower} times");
}

/// The line of a kernel, and vdb's time as a share of each other's.
fn compare(kernel: &Kernel, dim: usize, others: &[Peer]) -> (String, Vec<f64>) {
    let rows = Rows::new(kernel.scalar, dim);
    let query = rows.query();
    let row = rows.rows();
    for other in others {
        let (ours, theirs) = ((kernel.distance)(query, row[1]) as f64, other.distance(query, row[1], dim));
        let bound = if kernel.metric == Metric::Cosine { 1e-3 } else { ours.abs() * 1e-3 };
        assert!((ours - theirs).abs() <= bound, "{kernel:?}, dim {dim}: {ours} here, {theirs} there");
    }
    let (mut one, mut four) = (|| one(kernel, query, &row), || four(kernel, query, &row));
    // The last library again where there is no second.
    let [mut first, mut second] = [0, 1].map(|i| {
        let (other, row) = (&others[i.min(others.len() - 1)], &row);
        move || {
            for row in row {
                black_box(other.call(query, row, dim));
            }
        }
    });
    let times = fastest([&mut one, &mut four, &mut first, &mut second]).map(|time| time / row.len() as f64);
    let ratios: Vec<f64> = times[2..].iter().take(others.len()).map(|theirs| times[0] / theirs).collect();
    let theirs = ratios.iter().zip(&times[2..]).map(|(ratio, time)| format!("{time:>10.1} {ratio:>6.2}"));
    (format!("{:>9.1} {:>9.1}  {}", times[0], times[1], theirs.collect::<Vec<_>>().join("  ")), ratios)
}
