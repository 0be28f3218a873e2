//! Any bytes as the files of a database: it is opened, searched, read, checked, written
//! to, checkpointed and opened again.
//!
//! An input names one of the databases in `tests/golden` and edits its files, down to
//! replacing them as a whole; half of the time all checksums are made to fit afterwards,
//! so that what lies behind them is reached.

use super::exercise;
use super::input::Input;
use super::refit::{self, Files};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use vdb::{CheckLevel, Options};

/// Beyond that an input only repeats itself.
const EDITS: usize = 40;
/// Longest file an edit makes.
const LONGEST: usize = 1 << 17;
const PAGE: usize = 4096;

static BASES: LazyLock<Vec<Files>> = LazyLock::new(|| {
    let golden = golden();
    let names = ["cosine_f32", "l2_u8", "hamming_b1"];
    let mut bases: Vec<Files> = names.map(|name| refit::files_in(&golden.join(name))).into();
    bases.push(Files::new());
    bases
});

/// The databases of format 1, seen from the crate or from its fuzzer.
fn golden() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut places = above.map(|dir| dir.join("tests/golden/v1"));
    places.find(|place| place.is_dir()).expect("the databases are in the repository")
}

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (base, how) = (input.below(BASES.len()), input.byte());
    let mut files = BASES[base].clone();
    let mut changed = BTreeSet::new();
    for _ in 0..EDITS {
        if input.is_empty() {
            break;
        }
        changed.extend(edit(&mut input, &mut files));
    }
    if how & 1 == 1 {
        // In this order, which is that of the alphabet backwards: logs, parts, manifest, CURRENT.
        changed.iter().rev().for_each(|name| refit::refit(&mut files, name));
    }
    let options = Options::new()
        .read_only(how & 2 != 0)
        .verify_on_open(how & 4 != 0)
        .create(how & 8 != 0)
        .graph_min_rows(64)
        .threads(1);
    let disk = refit::disk_of(&files);
    let level = if how & 32 != 0 { CheckLevel::Recall } else { CheckLevel::Structure };
    // What it wrote is opened again now and then: that takes as long as the first time.
    if exercise::live(&disk, &options, level, how & 16 != 0) && how & 64 != 0 {
        exercise::live(&disk, &options, level, false);
    }
}

/// One edit; the name of the file it changed.
fn edit(input: &mut Input, files: &mut Files) -> Option<String> {
    let (what, file) = (input.below(9), input.byte());
    if what == 8 {
        return add(input, files);
    }
    let name = files.keys().nth(usize::from(file) % files.len().max(1))?.clone();
    let bytes = files.get_mut(&name)?;
    match what {
        0 => {
            let (at, new) = (place(input, bytes.len()), input.byte());
            overwrite(bytes, at, input.bytes(new.into()));
        }
        1 => {
            let (at, width, value) = (place(input, bytes.len()), input.below(4), input.number());
            overwrite(bytes, at, &value.to_le_bytes()[..1 << width]);
        }
        2 => {
            let (at, len, value) = (place(input, bytes.len()), input.short(), input.byte());
            let end = bytes.len().min(at + len);
            bytes[at.min(end)..end].fill(value);
        }
        3 => bytes.truncate(place(input, bytes.len())),
        4 => {
            let more = input.byte();
            bytes.extend(input.bytes(more.into()));
        }
        5 => {
            let (from, to) = (input.byte() as usize * PAGE, input.byte() as usize * PAGE);
            let len = PAGE.min(bytes.len().saturating_sub(from.max(to)));
            if len > 0 {
                bytes.copy_within(from..from + len, to);
            }
        }
        6 => {
            let len = input.short();
            *bytes = input.bytes(len).to_vec();
        }
        _ => {
            files.remove(&name);
        }
    }
    Some(name)
}

/// Another file: a copy under another name, or bytes of the input.
fn add(input: &mut Input, files: &mut Files) -> Option<String> {
    const KINDS: [&str; 6] = ["chunk", "codes", "graph", "ids", "tombstones", "wal"];
    let (kind, number) = (input.below(KINDS.len() + 3), input.number());
    let name = match kind {
        0..5 => format!("{}-{number}.vdb", KINDS[kind]),
        5 => format!("wal-{number}.log"),
        6 => format!("MANIFEST-{number}"),
        7 => "CURRENT".into(),
        _ => "CURRENT.tmp".into(),
    };
    let (like, len) = (input.byte(), input.short());
    let copied = files.values().nth(like.into()).cloned();
    files.insert(name.clone(), copied.unwrap_or_else(|| input.bytes(len).to_vec()));
    Some(name)
}

/// An offset in a file: in a page at the front, where sections begin, or near the end.
fn place(input: &mut Input, len: usize) -> usize {
    let (page, at) = (input.byte() as usize, input.short());
    let at = if page < 128 { page % 32 * PAGE + at % PAGE } else { len.saturating_sub(at % 512) };
    at.min(len)
}

fn overwrite(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let end = at + new.len();
    if end <= LONGEST {
        bytes.resize(bytes.len().max(end), 0);
        bytes[at..end].copy_from_slice(new);
    }
}
