//! Every distance, per instruction set, beside what the core allows.
//!
//! `cargo bench --bench kernel [-- WORD..]` prints one line per kernel whose line contains
//! every WORD. Query and rows lie in the first cache, so this shows arithmetic, not memory:
//! nanoseconds a row and gigabytes of rows a second, for one row at a time and for four; then
//! which share that is of the rate at which the core loads (the query is read for
//! each call), and, on AVX2, of the limit of the ports ([`limits`]). Short rows stay below both for
//! the call and the last additions of each.

mod limits;
mod measure;

use limits::{Limit, load_bytes, load_rate};
use measure::{DIMS, METRICS, Rows, SCALARS, fastest, four, one};
use vdb::kernel::{Isa, Kernel, kernel_for};

/// Bytes of a row in a step of [`Limit`].
const STEP: f64 = 32.0;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let loads = load_rate();
    // Two loads a cycle, on all cores that have AVX2.
    let clock = loads / (2.0 * load_bytes());
    println!("loads {loads:.0} GB/s from the first cache, which makes {clock:.2} GHz at two loads a cycle");
    println!("{:<32}{:>34}{:>36}", "", "one row:  ns   GB/s  loads  limit", "four rows:  ns   GB/s  loads  limit");
    for (metric, scalar) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
        for (isa, dim) in Isa::ALL.into_iter().flat_map(|isa| DIMS.map(|dim| (isa, dim))) {
            let [metric_name, scalar_name, isa_name] =
                [format!("{metric:?}"), format!("{scalar:?}"), format!("{isa:?}")];
            let name = format!("{metric_name:<9} {scalar_name:<8} {isa_name:<9}{dim:>5}");
            if let Some(kernel) = kernel_for(isa, metric, scalar)
                && wanted.iter().all(|word| name.contains(word))
            {
                report(&name, &kernel, isa, dim, [loads, clock]);
            }
        }
    }
}

fn report(name: &str, kernel: &Kernel, isa: Isa, dim: usize, [loads, clock]: [f64; 2]) {
    let rows = Rows::new(kernel.scalar, dim);
    let query = rows.query();
    let row = rows.rows();
    let (mut one, mut four) = (|| one(kernel, query, &row), || four(kernel, query, &row));
    let times = fastest([&mut one, &mut four]).map(|time| time / row.len() as f64);
    let bytes = rows.bytes as f64;
    let figures = [(1, times[0]), (4, times[1])].map(|(rows, time)| {
        let rate = bytes / time;
        let loaded = 100.0 * rate * (1.0 + 1.0 / rows as f64) / loads;
        let limit = match isa {
            Isa::Avx2 => {
                let Limit { cycles, by } = Limit::of(kernel.metric, kernel.scalar, rows);
                format!("{:>5.0} % of {by:<17}", 100.0 * cycles * bytes / STEP / clock / time)
            }
            _ => String::new(),
        };
        format!("{time:>9.1} {rate:>6.1} {loaded:>4.0} %{limit}")
    });
    println!("{name} {}{}", figures[0], figures[1]);
}
