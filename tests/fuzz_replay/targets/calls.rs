//! Sequences of calls, with crashes of the process and of the power between them, against
//! a map of the rows and brute force.

use super::input::Input;
use super::made::condition;
use super::pair::{DIM, Op, Order, Pair, Put, Row, Setup, UNIVERSE};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Durability, Scalar};

/// Beyond that an input only repeats itself.
const OPS: usize = 40;

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let first = input.byte();
    let scalar = if first & 1 == 1 { Scalar::F32 } else { Scalar::I8 };
    // Vectors alone, or with keys, metadata and what looks at them.
    let op = if first < 128 { vectors } else { everything };
    let chunk_shift = if first & 0xc0 == 0xc0 { 10 } else { 6 };
    let mut pair = Pair::new(SimStorage::new(), Setup { scalar, durability: Durability::Full, chunk_shift });
    for _ in 0..OPS {
        if input.is_empty() {
            break;
        }
        pair.apply(&op(&mut input));
        pair.check();
    }
    pair.finish();
    for last in [Op::Settle, Op::Check, Op::Reopen, Op::Check] {
        pair.apply(&last);
        pair.check();
    }
}

fn vectors(input: &mut Input) -> Op {
    match input.below(8) {
        0 => Op::Insert(rows(input)),
        1 => Op::Upsert(rows(input)),
        2 => Op::Delete(ids(input)),
        3 => Op::Settle,
        4 => Op::Checkpoint,
        5 => Op::Reopen,
        6 => {
            let kinds = [None, Some(CrashKind::Strict), Some(CrashKind::MetadataOnly), Some(CrashKind::Torn)];
            Op::Crash(kinds[input.below(4)], input.byte().into())
        }
        _ => Op::Check,
    }
}

fn everything(input: &mut Input) -> Op {
    match input.below(16) {
        0..4 => records(input),
        4 => Op::Meta(ids(input).into_iter().map(|id| (id, number(input))).collect()),
        5 => Op::DeleteKeys((0..1 + input.below(16)).map(|_| input.byte()).collect()),
        6 => Op::DeleteWhere(condition(input, 2)),
        7 => Op::MetaWhere(condition(input, 2), number(input)),
        8 => Op::Ask(condition(input, 3), input.flag()),
        9 => Op::Snapshot,
        10 => Op::EndSnapshot(input.below(4)),
        11 => Op::Cursor {
            order: match input.below(3) {
                0 => Order::Ids,
                exact => Order::Near { query: vector(input), exact: exact == 1 },
            },
            condition: input.flag().then(|| condition(input, 2)),
            snapshot: input.flag().then(|| input.below(4)),
        },
        12 => Op::Advance { cursor: input.below(4), pages: 1 + input.below(4), cap: 1 + input.below(100) },
        13 => Op::Backup,
        _ => vectors(input),
    }
}

fn number(input: &mut Input) -> Option<u8> {
    Some(input.byte()).filter(|number| *number != 0)
}

/// A run of ids, or the same few again.
fn ids(input: &mut Input) -> Vec<u64> {
    let (first, count, step) = (input.short() as u64, 1 + u64::from(input.byte()), input.below(8) as u64);
    (0..count).map(|i| (first + i * step) % UNIVERSE).collect()
}

fn vector(input: &mut Input) -> [i8; DIM] {
    std::array::from_fn(|_| input.byte() as i8)
}

/// Rows in a few steps of one or two components, so that distances repeat.
fn rows(input: &mut Input) -> Vec<(u64, [i8; DIM])> {
    let ids = ids(input);
    let (mut row, step) = (vector(input), vector(input));
    let next = |id| {
        row = std::array::from_fn(|i| row[i].wrapping_add(step[i]));
        (id, row)
    };
    ids.into_iter().map(next).collect()
}

/// The same with keys and metadata in steps, and ids given or not.
fn records(input: &mut Input) -> Op {
    let (first, steps) = ([input.byte(), input.byte()], [input.byte(), input.byte()]);
    let flags = input.byte();
    let is_set = |bit: u8| flags >> bit & 1 == 1;
    let put = |(i, (id, vector)): (usize, (u64, [i8; DIM]))| {
        let nth = |at: usize| Some(first[at].wrapping_add(steps[at].wrapping_mul(i as u8))).filter(|n| *n != 0);
        Put { id: (!is_set(3)).then_some(id), row: Row { vector, key: nth(0), meta: nth(1) } }
    };
    let rows = rows(input).into_iter().enumerate().map(put).collect();
    Op::Records { rows, keys: is_set(0), meta: is_set(1), replace: is_set(2) }
}
