//! Damaged files, as the disk damages them and as an attacker would (promises P6, P7).

use super::batches::{Batch, DIM, Row, Rows};
use super::child;
use super::model::{self, Told};
use super::refit;
use super::tally::{Dice, Finding, Run, Trouble};
use std::path::{Path, PathBuf};
use vdb::storage::OsStorage;
use vdb::{Database, Durability, ErrorKind};

/// Enough that sections have several checksum blocks.
const UNIVERSE: u64 = 4000;
/// Batches in the log of the sound database.
const LOGGED: u64 = 12;

/// A database with every kind of file, as a killed process leaves it.
struct Sound {
    place: tempfile::TempDir,
    /// After the checkpoint, and after each batch in the log.
    told: Told,
}

impl Sound {
    fn build(run: &Run) -> Sound {
        let place = tempfile::tempdir().expect("a temporary directory can be made");
        let dir = place.path().join("sound");
        let (mut dice, mut rows) = (Dice::new(run.seed), Rows::new());
        let disk = OsStorage::open(&dir, true, true).expect("creates");
        let db = Database::open_on(Some(Box::new(disk)), &model::options(Durability::Full), Some(11)).expect("creates");
        let write = |batch: Batch, rows: &mut Rows| {
            assert!(batch.apply(rows), "it changes something");
            batch.run(&db).expect("a sound disk");
        };
        let new = |dice: &mut Dice, ids: std::ops::Range<u64>| Batch::Records {
            rows: ids.map(|id| (id, model::row(dice, Some(id as u16)))).collect(),
            keys: true,
            meta: true,
        };
        write(new(&mut dice, 0..UNIVERSE - 100), &mut rows);
        write(Batch::Delete((0..300).map(|i| i * 3).collect()), &mut rows);
        db.wait_indexed(None).and_then(|()| db.checkpoint(None)).expect("a sound disk");
        let mut told = Told::from(rows.clone());
        for batch in 0..LOGGED {
            let ids = UNIVERSE - 60 + batch..UNIVERSE - 40 + batch;
            let given = |n: u64| Row { vector: [n as u8; DIM], key: Some((UNIVERSE + n) as u16), meta: Some(n as u8) };
            write(
                match batch % 4 {
                    0 => new(&mut dice, ids),
                    1 => Batch::Keyed { rows: (batch..batch + 9).map(given).collect(), above: UNIVERSE },
                    2 => Batch::Meta(ids.map(|id| (id - 900, Some(batch as u8))).collect()),
                    _ => Batch::Upsert(ids.map(|id| (id, dice.number().to_le_bytes())).collect()),
                },
                &mut rows,
            );
            told.states.push(rows.clone());
        }
        db.abandon();
        Sound { place, told }
    }

    /// A fresh copy and its files.
    fn copy(&self) -> (PathBuf, Vec<PathBuf>) {
        let (from, to) = (self.place.path().join("sound"), self.place.path().join("broken"));
        let _ = std::fs::remove_dir_all(&to);
        std::fs::create_dir(&to).expect("an empty place");
        let mut copies = Vec::new();
        for entry in std::fs::read_dir(from).expect("it was just written").flatten() {
            let copy = to.join(entry.file_name());
            std::fs::copy(entry.path(), &copy).expect("files can be copied");
            copies.extend((entry.file_name() != "LOCK").then_some(copy));
        }
        copies.sort();
        (to, copies)
    }
}

/// Damage of one place, or of more than that.
struct Done {
    what: String,
    /// Hits one record of a log at most.
    small: bool,
}

/// Offsets where the fields are half of the time, anywhere otherwise.
fn somewhere(dice: &mut Dice, len: usize) -> usize {
    match dice.below(4) {
        0 => dice.below(len.min(256)),
        1 => len - 1 - dice.below(len.min(512)),
        _ => dice.below(len),
    }
}

fn damage(dice: &mut Dice, bytes: &mut Vec<u8>) -> Done {
    let at = somewhere(dice, bytes.len());
    let page = at / 4096 * 4096;
    let page_len = 4096.min(bytes.len() - page);
    let (what, small) = match dice.below(6) {
        0 | 1 => {
            bytes[at] ^= 1 << dice.below(8);
            (format!("bit flipped at {at}"), true)
        }
        2 => {
            bytes.truncate(at);
            (format!("cut to {at} bytes"), false)
        }
        3 => {
            bytes[page..page + page_len].fill(0);
            (format!("page at {page} zeroed"), false)
        }
        4 => {
            let from = dice.below(bytes.len()) / 4096 * 4096;
            let len = page_len.min(bytes.len() - from);
            bytes.copy_within(from..from + len, page);
            (format!("page {from} copied over page {page}"), false)
        }
        _ => {
            let (start, value) = (at / 8 * 8, dice.pick(&[u64::MAX, 1 << 62, u64::from(u32::MAX), 1 << 31, 0]));
            let len = 8.min(bytes.len() - start);
            bytes[start..start + len].copy_from_slice(&value.to_le_bytes()[..len]);
            (format!("{value:#x} written at {start}"), true)
        }
    };
    Done { what, small }
}

fn write(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).expect("files can be written");
}

/// Damage is reported, or harms nothing; only a log may end early, as torn ones do.
pub fn damaged_files(run: &Run) {
    let sound = Sound::build(run);
    run.rounds(|dice| {
        let (dir, files) = sound.copy();
        let file = &files[dice.below(files.len())];
        let mut bytes = std::fs::read(file).expect("files can be read");
        let done = damage(dice, &mut bytes);
        write(file, &bytes);
        let named = |e: Finding| e.at(format!("{}: {}", file.file_name().unwrap_or_default().display(), done.what));
        let last = sound.told.states.len() - 1;
        let at_least = match file.extension().is_some_and(|e| e == "log") {
            // A torn last record and a damaged one look the same (docs/file-format.md).
            true if done.small => last - 1,
            true => 0,
            false => last,
        };
        match child::read(&dir, UNIVERSE, "look").map_err(named)? {
            Ok(digest) => match sound.told.place(digest, at_least) {
                Ok(_) => Ok(1),
                Err(e) if e.trouble == Trouble::Half => Err(named(Trouble::Wrong.because("other rows, no error"))),
                Err(e) => Err(named(e)),
            },
            Err((ErrorKind::Corrupt | ErrorKind::FormatTooNew | ErrorKind::NotFound, _)) => Ok(1),
            Err((kind, text)) => Err(named(unexpected(kind, &text))),
        }
    });
}

/// The same with all checksums made to fit: answers may be wrong, but nothing crashes,
/// hangs, or takes memory without bound.
pub fn forged_files(run: &Run) {
    let sound = Sound::build(run);
    run.rounds(|dice| {
        let (dir, names) = sound.copy();
        let file = &names[dice.below(names.len())];
        let name = file.file_name().and_then(|name| name.to_str()).expect("names of the library are text");
        let mut files = refit::files_in(&dir);
        let bytes = files.get_mut(name).expect("it was just copied");
        let mut what = String::new();
        for _ in 0..1 + dice.below(3) {
            if !bytes.is_empty() {
                what += &format!("{}; ", damage(dice, bytes).what);
            }
        }
        refit::refit(&mut files, name);
        refit::write_to(&files, &dir);
        let named = |e: Finding| e.at(format!("{name}: {what}"));
        match child::read(&dir, UNIVERSE, "use").map_err(named)? {
            Err((ErrorKind::NoMemory, text)) => Err(named(unexpected(ErrorKind::NoMemory, &text))),
            _ => Ok(1),
        }
    });
}

fn unexpected(kind: ErrorKind, text: &str) -> Finding {
    let trouble = if kind == ErrorKind::NoMemory { Trouble::Hang } else { Trouble::Wrong };
    trouble.because(format!("reported as {kind:?}: {text}"))
}
