//! Every distance, per instruction set, beside what the core allows.
//!
//! `cargo bench --bench kernel [-- WORD..]` prints one line per kernel whose line contains
//! every WORD. Query and rows lie in the first cache, so this shows arithmetic, not memory:
//! nanoseconds a row and gigabytes of rows a second, for one row at a time and for four; then
//! which share that is of the rate at which the core loads (the query is read for
//! each call), and, on AVX2, of what its ports allow ([`limits`]): `limit` without and `call` with the time of a call
//! that does nothing. What short rows stay below the latter is for the last additions of each.

mod limits;
mod measure;

use limits::{Core, Limit};
use measure::{DIMS, METRICS, Rows, SCALARS, fastest, four, one};
use vdb::kernel::{Isa, Kernel, kernel_for};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let core = Core::measured();
    let (Core { clock, loads, calls: [one, four] }, header) = (core, "ns   GB/s  loads  call  limit");
    println!("{clock:.2} GHz; loads {loads:.0} GB/s from the first cache; empty calls {one:.1} and {four:.1} ns a row");
    println!("{:<28}{:>40}{:>49}", "", format!("one row:  {header}"), format!("four rows:  {header}"));
    for (metric, scalar) in METRICS.into_iter().flat_map(|metric| SCALARS.map(|scalar| (metric, scalar))) {
        for (isa, dim) in Isa::ALL.into_iter().flat_map(|isa| DIMS.map(|dim| (isa, dim))) {
            let [metric_name, scalar_name, isa_name] =
                [format!("{metric:?}"), format!("{scalar:?}"), format!("{isa:?}")];
            let name = format!("{metric_name:<9} {scalar_name:<8} {isa_name:<9}{dim:>5}");
            if let Some(kernel) = kernel_for(isa, metric, scalar)
                && wanted.iter().all(|word| name.contains(word))
            {
                report(&name, &kernel, isa, dim, core);
            }
        }
    }
}

fn report(name: &str, kernel: &Kernel, isa: Isa, dim: usize, core: Core) {
    let rows = Rows::new(kernel.scalar, dim);
    let query = rows.query();
    let row = rows.rows();
    let (mut one, mut four) = (|| one(kernel, query, &row), || four(kernel, query, &row));
    let times = fastest([&mut one, &mut four]).map(|time| time / row.len() as f64);
    let bytes = rows.bytes as f64;
    let figures = [(1, times[0], core.calls[0]), (4, times[1], core.calls[1])].map(|(rows, time, call)| {
        let rate = bytes / time;
        let loaded = 100.0 * rate * (1.0 + 1.0 / rows as f64) / core.loads;
        let limit = match isa {
            Isa::Avx2 => {
                let limit = Limit::of(kernel.metric, kernel.scalar, rows, bytes, core);
                let [with_call, alone] = [limit.time + call, limit.time].map(|least| 100.0 * least / time);
                format!("{with_call:>4.0} %{alone:>5.0} % of {:<18}", limit.by)
            }
            _ => String::new(),
        };
        format!("{time:>9.1} {rate:>6.1} {loaded:>4.0} %{limit}")
    });
    println!("{name} {}{}", figures[0], figures[1]);
}
