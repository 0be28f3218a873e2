//! Nanoseconds a row and gigabytes a second of every distance, per instruction set.
//!
//! `cargo bench --bench kernel [-- WORD..]` prints one line per kernel whose line contains
//! every WORD. The rows fit into the L2 cache, so this shows arithmetic, not memory. `walk`
//! visits them out of order through `distance`, as a graph walk does; `scan` reads them in order.

use std::hint::black_box;
use std::time::{Duration, Instant};

use vdb::kernel::{Isa, Kernel, Metric, Scalar, kernel_for};

const METRICS: [Metric; 6] = [Metric::L2sq, Metric::Ip, Metric::Cosine, Metric::L1, Metric::Hamming, Metric::Jaccard];
const SCALARS: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::U8, Scalar::B1];
const DIMS: [usize; 3] = [128, 384, 1536];
const CACHED_BYTES: usize = 256 << 10;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(4);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    println!("metric    scalar   isa        dim    walk ns     GB/s    scan ns     GB/s");
    for (metric, scalar) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
        for (dim, isa) in DIMS.into_iter().flat_map(|dim| Isa::ALL.map(|isa| (dim, isa))) {
            let [metric_name, scalar_name, isa_name] =
                [format!("{metric:?}"), format!("{scalar:?}"), format!("{isa:?}")];
            let name = format!("{metric_name:<9} {scalar_name:<8} {isa_name:<9}{dim:>5}");
            if let Some(kernel) = kernel_for(isa, metric, scalar)
                && wanted.iter().all(|word| name.contains(word))
            {
                report(&name, &kernel, scalar.row_bytes(dim));
            }
        }
    }
}

fn report(name: &str, kernel: &Kernel, bytes: usize) {
    let count = CACHED_BYTES / bytes;
    let rows = rows(kernel.scalar, count * bytes);
    let query = rows[..bytes].to_vec();
    let order: Vec<usize> = (0..count).map(|i| i * 7919 % count).collect();
    let mut out = vec![0.0; count];
    let walk = fastest(|| {
        for (out, &i) in out.iter_mut().zip(&order) {
            *out = (kernel.distance)(&query, &rows[i * bytes..][..bytes]);
        }
        black_box(&mut out);
    }) / count as f64;
    let scan = fastest(|| {
        (kernel.scan)(&query, &rows, bytes, &mut out);
        black_box(&mut out);
    }) / count as f64;
    let rate = |nanoseconds: f64| bytes as f64 / nanoseconds;
    println!("{name} {walk:>10.1}{:>9.1} {scan:>10.1}{:>9.1}", rate(walk), rate(scan));
}

/// Floats from 0.5 to 0.99; signed bytes without -128, like the codes of the graph walk; any other bytes.
fn rows(scalar: Scalar, bytes: usize) -> Vec<u8> {
    let component = |i: usize| i.wrapping_mul(0x9e37_79b9) >> 8;
    let float = |i: usize| 0.5 + (component(i) % 1000) as f32 / 2048.0;
    match scalar {
        Scalar::F32 => (0..bytes / 4).flat_map(|i| float(i).to_le_bytes()).collect(),
        Scalar::F16 => (0..bytes / 2).flat_map(|i| half::f16::from_f32(float(i)).to_le_bytes()).collect(),
        Scalar::Bf16 => (0..bytes / 2).flat_map(|i| half::bf16::from_f32(float(i)).to_le_bytes()).collect(),
        Scalar::I8 => (0..bytes).map(|i| ((component(i) % 255) as u8).wrapping_sub(127)).collect(),
        Scalar::U8 | Scalar::B1 => (0..bytes).map(|i| component(i) as u8).collect(),
    }
}

/// Nanoseconds of one call: the best round, as other work on the machine only ever slows one down.
fn fastest(mut work: impl FnMut()) -> f64 {
    work();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            work();
            calls += 1;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / calls as f64);
    }
    best
}
