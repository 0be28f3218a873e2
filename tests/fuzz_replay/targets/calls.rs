//! Sequences of calls, with crashes of the process and of the power between them, against
//! a map of the rows and brute force.

use super::input::Input;
use super::pair::{DIM, Op, Pair, UNIVERSE};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Durability, Scalar};

/// Beyond that an input only repeats itself.
const OPS: usize = 40;

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let scalar = if input.flag() { Scalar::F32 } else { Scalar::I8 };
    let mut pair = Pair::new(SimStorage::new(), scalar, Durability::Full);
    for _ in 0..OPS {
        if input.is_empty() {
            break;
        }
        pair.apply(&op(&mut input));
        pair.check();
    }
    for last in [Op::Settle, Op::Check, Op::Reopen, Op::Check] {
        pair.apply(&last);
        pair.check();
    }
}

fn op(input: &mut Input) -> Op {
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

/// A run of ids, or the same few again.
fn ids(input: &mut Input) -> Vec<u64> {
    let (first, count, step) = (input.short() as u64, 1 + u64::from(input.byte()), input.below(8) as u64);
    (0..count).map(|i| (first + i * step) % UNIVERSE).collect()
}

/// Rows in a few steps of one or two components, so that distances repeat.
fn rows(input: &mut Input) -> Vec<(u64, [i8; DIM])> {
    let ids = ids(input);
    let mut row: [i8; DIM] = std::array::from_fn(|_| input.byte() as i8);
    let step: [i8; DIM] = std::array::from_fn(|_| input.byte() as i8);
    let next = |id| {
        row = std::array::from_fn(|i| row[i].wrapping_add(step[i]));
        (id, row)
    };
    ids.into_iter().map(next).collect()
}
