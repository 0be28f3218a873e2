//! Every kernel of codes this CPU can run, against its definition.

use crate::kernel::{Form, Isa, Kernel, Metric, SIGN_PLANES, code_kernel_for};

/// Bytes that depend on the seed alone (xorshift64*).
fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// All kernels of codes that run here.
fn kernels() -> Vec<(Isa, Kernel)> {
    let forms = [Form::Nibbles, Form::Signs, Form::Lookups, Form::NibblePairs, Form::SignPairs];
    let forms = forms.into_iter().flat_map(|form| [Metric::L2sq, Metric::L1, Metric::Ip].map(|metric| (form, metric)));
    let of = |isa| forms.clone().filter_map(move |(form, metric)| Some((isa, code_kernel_for(isa, form, metric)?)));
    Isa::ALL.into_iter().flat_map(of).collect()
}

/// A row as its query would be, in the plainest way.
fn widened(row: &[u8]) -> Vec<i64> {
    let component = |i: usize| {
        let byte = row[i / 64 * 32 + i % 32];
        let half = if i % 64 < 32 { byte & 15 } else { byte >> 4 };
        half as i64 * 16 + 8
    };
    (0..2 * row.len()).map(component).collect()
}

fn float(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn reference(kernel: &Kernel, query: &[u8], row: &[u8]) -> f32 {
    match kernel.form {
        Form::Signs => of_signs(query, row),
        Form::Lookups => of_lookups(query, row),
        Form::NibblePairs => of_nibble_pairs(kernel, query, row),
        Form::SignPairs => of_sign_pairs(query, row),
        _ => of_nibbles(kernel, query, row),
    }
}

fn of_signs(query: &[u8], row: &[u8]) -> f32 {
    let bit = |bytes: &[u8], i: usize| (bytes[i / 8] >> (i % 8) & 1) as i32;
    let component = |i: usize| {
        let planes = &query[16 + i / 64 * 8 * SIGN_PLANES..];
        let bits: i32 = (0..SIGN_PLANES).map(|plane| bit(planes, 64 * plane + i % 64) << plane).sum();
        if bits >> (SIGN_PLANES - 1) == 1 { bits - (1 << SIGN_PLANES) } else { bits }
    };
    let set: i32 = (0..(row.len() - 8) * 8).map(|i| bit(&row[8..], i) * component(i)).sum();
    let total = i32::from_le_bytes(query[8..12].try_into().unwrap());
    float(row, 0) + (float(query, 0) - float(row, 4) * (float(query, 4) * (2 * set - total) as f32))
}

fn of_lookups(query: &[u8], row: &[u8]) -> f32 {
    let looked_up = |i: usize| {
        let byte = row[i / 32 * 16 + i % 16];
        let half = if i % 32 < 16 { byte & 15 } else { byte >> 4 };
        query[8 + i / 32 * 512 + half as usize * 32 + i % 32] as u32
    };
    float(query, 4) + float(query, 0) * (0..2 * row.len()).map(looked_up).sum::<u32>() as f32
}

fn of_nibble_pairs(kernel: &Kernel, one: &[u8], other: &[u8]) -> f32 {
    let differences = widened(one).into_iter().zip(widened(other)).map(|(x, y)| (x - y).abs() / 16);
    differences.map(|d| if kernel.metric == Metric::L1 { d } else { d * d }).sum::<i64>() as f32
}

fn of_sign_pairs(one: &[u8], other: &[u8]) -> f32 {
    let bit = |row: &[u8], i: usize| row[8 + i / 8] >> (i % 8) & 1;
    let bits = (one.len() - 8) * 8;
    let differing = (0..bits).filter(|&i| bit(one, i) != bit(other, i)).count();
    let (x, y) = (float(one, 4), float(other, 4));
    (x - y) * (x - y) * (bits - differing) as f32 + (x + y) * (x + y) * differing as f32
}

fn of_nibbles(kernel: &Kernel, query: &[u8], row: &[u8]) -> f32 {
    let row = widened(row);
    let pairs = || query.iter().zip(&row);
    let sum: i64 = match kernel.metric {
        Metric::Ip => 1 - pairs().map(|(x, y)| *x as i8 as i64 * (y - 128)).sum::<i64>(),
        Metric::L1 => pairs().map(|(x, y)| (*x as i64 - y).abs()).sum(),
        _ => pairs().map(|(x, y)| (*x as i64 - y).pow(2)).sum(),
    };
    sum as f32
}

/// A query for `kernel` and rows for it, hostile where `fill` says so.
fn query_and_rows(kernel: &Kernel, units: usize, rows: usize, fill: Option<u8>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let length = kernel.form.query_bytes(64 * units);
    let row_bytes = kernel.form.row_bytes(length);
    let (mut query, mut rows) = match fill {
        Some(byte) => (vec![byte; length], vec![vec![!byte; row_bytes]; rows]),
        None => (bytes(length, 1), (0..rows).map(|i| bytes(row_bytes, 2 + i as u64)).collect()),
    };
    // What a form has in front of its codes: tame numbers.
    let head = [1.5f32.to_le_bytes(), 0.25f32.to_le_bytes(), (-37i32).to_le_bytes()].concat();
    let (of_query, of_rows) = match kernel.form {
        Form::Signs => (12, 8),
        Form::Lookups => (8, 0),
        Form::SignPairs => (8, 8),
        _ => (0, 0),
    };
    query[..of_query].copy_from_slice(&head[..of_query]);
    rows.iter_mut().for_each(|row| row[..of_rows].copy_from_slice(&head[..of_rows]));
    (query, rows)
}

#[test]
fn kernels_are_their_definition() {
    for (isa, kernel) in kernels() {
        for (units, fill) in
            [(0, None), (1, None), (2, None), (7, None), (300, None), (1024, Some(0)), (1024, Some(255))]
        {
            for fill in [fill, fill.map(|_| 128)] {
                let (query, rows) = query_and_rows(&kernel, units, 3, fill);
                for row in &rows {
                    let (got, due) = ((kernel.distance)(&query, row), reference(&kernel, &query, row));
                    assert_eq!(
                        got.to_bits(),
                        due.to_bits(),
                        "{isa:?} {kernel:?}, {units} units, {fill:?}: {got} {due}"
                    );
                }
            }
        }
    }
}

#[test]
fn scan_and_four_give_the_bits_of_distance() {
    for (isa, kernel) in kernels() {
        for (units, count) in [(1, 1), (2, 4), (3, 13), (6, 30)] {
            let (query, rows) = query_and_rows(&kernel, units, count, None);
            let (row_bytes, stride) = (rows[0].len(), rows[0].len() + 3);
            let mut table = vec![0; stride * (count - 1) + row_bytes];
            rows.iter().enumerate().for_each(|(i, row)| table[i * stride..][..row_bytes].copy_from_slice(row));
            let mut out = vec![f32::NAN; count];
            (kernel.scan)(&query, &table, stride, &mut out);
            let one_by_one: Vec<f32> = rows.iter().map(|row| (kernel.distance)(&query, row)).collect();
            assert_eq!(out, one_by_one, "{isa:?} {kernel:?}");
            if let Some(first) = out.first_chunk() {
                let four = (kernel.four)(&query, std::array::from_fn(|i| &rows[i][..]));
                assert_eq!(&four, first, "{isa:?} {kernel:?}");
            }
        }
    }
}

#[test]
fn broken_lengths_panic() {
    for (isa, kernel) in kernels() {
        let query = kernel.form.query_bytes(64);
        let row = kernel.form.row_bytes(query);
        let panics = |query: usize, row: usize| {
            std::panic::catch_unwind(|| (kernel.distance)(&vec![0; query], &vec![0; row])).is_err()
        };
        assert!(!panics(query, row), "{isa:?} {kernel:?}");
        let short = kernel.form.row_bytes(query - 2);
        assert!(panics(query, row + 1) && panics(query, row - 1), "{isa:?} {kernel:?}");
        assert!(panics(query - 2, short) && panics(4, kernel.form.row_bytes(4)), "{isa:?} {kernel:?}");
    }
}

#[test]
fn metrics_without_meaning_for_a_form_have_no_kernel() {
    for metric in [Metric::Cosine, Metric::Hamming, Metric::Jaccard] {
        for form in [Form::Nibbles, Form::Signs, Form::Lookups, Form::NibblePairs, Form::SignPairs] {
            assert!(code_kernel_for(Isa::Portable, form, metric).is_none());
        }
    }
    for (form, metric) in [(Form::Signs, Metric::L1), (Form::SignPairs, Metric::L1), (Form::NibblePairs, Metric::Ip)] {
        assert!(code_kernel_for(Isa::Portable, form, metric).is_none());
    }
}
