//! What may be left on a disk after a power cut.

use super::{Change, Disk, FileState};
use crate::util::hash::mix;
use std::collections::BTreeMap;

/// How a power cut treats what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// All of it is gone.
    Strict,
    /// The first so many changes of names and of file lengths are there, the
    /// data behind them is zeros, or its beginning and then zeros.
    MetadataOnly,
    /// Any subset of the changes of names; every sector of un-synced data is
    /// new, old, zero or rubbish, each by itself.
    Torn,
}

impl CrashKind {
    /// All kinds.
    pub const ALL: [CrashKind; 3] = [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn];
}

const SECTOR: usize = 512;

/// A sequence of random numbers that depends on the seed alone.
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    /// A number below `sides`.
    fn throw(&mut self, sides: usize) -> usize {
        self.thrown += 1;
        (mix(self.thrown, self.seed) % sides.max(1) as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.throw(2) == 0
    }
}

/// The disk that a process finds after the power came back.
pub(super) fn after_power_cut(disk: &Disk, kind: CrashKind, seed: u64) -> Disk {
    let dice = &mut Dice { seed, thrown: 0 };
    let names = surviving_names(disk, kind, dice);
    let survive = |state| {
        let bytes = surviving_bytes(state, kind, dice);
        FileState { current: bytes.clone(), durable: bytes, ..FileState::default() }
    };
    let files = disk.files.iter().map(survive).collect();
    Disk { files, durable_names: names.clone(), names, ..Disk::default() }
}

fn surviving_names(disk: &Disk, kind: CrashKind, dice: &mut Dice) -> BTreeMap<String, usize> {
    let mut names = disk.durable_names.clone();
    let changes = &disk.pending_names;
    let prefix = match kind {
        CrashKind::Strict => 0,
        // All of them half of the time, else the first few.
        _ if dice.coin() => changes.len(),
        _ => dice.throw(changes.len() + 1),
    };
    let any_subset = kind == CrashKind::Torn && dice.coin();
    for (i, change) in changes.iter().enumerate() {
        if if any_subset { dice.coin() } else { i < prefix } {
            change.apply(&mut names);
        }
    }
    names
}

fn surviving_bytes(state: &FileState, kind: CrashKind, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = state.durable.clone();
    let changes = &state.pending;
    match kind {
        CrashKind::Strict => {}
        CrashKind::MetadataOnly => {
            let survivors = if dice.coin() { changes.len() } else { dice.throw(changes.len() + 1) };
            changes[..survivors].iter().for_each(|change| metadata_only(change, &mut bytes, dice));
        }
        CrashKind::Torn => changes.iter().for_each(|change| torn(change, &mut bytes, dice)),
    }
    bytes
}

/// The length of `change` and the beginning of its data.
fn metadata_only(change: &Change, bytes: &mut Vec<u8>, dice: &mut Dice) {
    let Change::Write { offset, bytes: new } = change else { return change.apply(bytes) };
    let mut partial = new.clone();
    let kept = if dice.coin() { 0 } else { dice.throw(new.len() + 1) };
    partial[kept..].fill(0);
    Change::Write { offset: *offset, bytes: partial }.apply(bytes);
}

/// Each sector of `change` by itself.
fn torn(change: &Change, bytes: &mut Vec<u8>, dice: &mut Dice) {
    let Change::Write { offset, bytes: new } = change else {
        return if dice.coin() {
            change.apply(bytes)
        };
    };
    if dice.throw(4) == 0 {
        return change.apply(bytes);
    }
    let mut start = 0;
    while start < new.len() {
        let end = new.len().min(start + SECTOR - (offset + start) % SECTOR);
        let sector = match dice.throw(5) {
            0 => vec![0; end - start],
            1 => (start..end).map(|_| dice.throw(256) as u8).collect(),
            2 => Vec::new(),
            _ => new[start..end].to_vec(),
        };
        if !sector.is_empty() {
            Change::Write { offset: offset + start, bytes: sector }.apply(bytes);
        }
        start = end;
    }
}
