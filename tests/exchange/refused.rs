//! Imports that end early: files with something wrong in them, of any kind, what is no file, and who stops one.

use super::{FORMATS, Place, common_header, contents, kind, memory, options};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use vdb::storage::ReadFile;
use vdb::{Database, Error, ErrorKind, Scalar, Task, Vectors};

/// Bytes as a file.
struct Memory(Vec<u8>);

impl ReadFile for Memory {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> vdb::storage::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> vdb::storage::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

fn import(db: &Database, format: &str, bytes: &[u8], ids: Option<&[u8]>) -> Result<u64, Error> {
    let ids = ids.map(|ids| Memory(ids.to_vec()));
    db.import_from(format, &Memory(bytes.to_vec()), ids.as_ref().map(|ids| ids as &dyn ReadFile))
}

#[test]
fn a_file_with_anything_wrong_in_it_changes_nothing_and_says_where() {
    let db = memory(Scalar::F32, 2);
    db.insert_batch(&[1], Vectors::f32(&[5., 5.], 2).unwrap(), None).unwrap();
    let refused = |format: &str, bytes: &[u8], ids: Option<&[u8]>, expected: ErrorKind, place: &str| {
        let error = import(&db, format, bytes, ids).expect_err("refused");
        assert!(error.kind() == expected && error.message().contains(place), "{format}: {:?} {error}", error.kind());
        assert!(contents(&db) == [(1, [5.0f32; 2].map(f32::to_le_bytes).concat())]);
    };
    let f = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let n = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let vecs =
        |rows: &[&[f32]]| rows.iter().flat_map(|row| [n(&[row.len() as u32]), f(row)].concat()).collect::<Vec<u8>>();
    use ErrorKind::*;
    // A count that the file does not have bytes for, whatever it is.
    refused(
        "fbin",
        &[n(&[2, 2]), f(&[1., 2., 3.])].concat(),
        None,
        InvalidArgument,
        "20 bytes long; 2 vectors of it take 24",
    );
    refused("fbin", &n(&[u32::MAX, 2]), None, InvalidArgument, "take 34359738368");
    refused("fbin", &n(&[1, 3]), None, Dimension, "vectors of 3 components, the database has 2");
    refused("fbin", &n(&[0, u32::MAX]), None, Dimension, "vectors of 4294967295");
    refused("fbin", &n(&[1]), None, InvalidArgument, "ends at byte 4");
    refused("fbin", b"", None, InvalidArgument, "ends at byte 0");
    refused(
        "fbin",
        &[n(&[2, 2]), f(&[1., 2., 3., f32::NAN])].concat(),
        None,
        NotFinite,
        "row 1 (byte 16): component 1",
    );
    refused("fbin", &[n(&[1, 2]), f(&[1e30, 0.])].concat(), None, OutOfRange, "row 0 (byte 8)");
    refused("fvecs", &vecs(&[&[1., 2., 3.]]), None, Dimension, "vectors of 3");
    refused("fvecs", &[vecs(&[&[1., 2.]]), vec![2]].concat(), None, InvalidArgument, "13 bytes long");
    refused(
        "fvecs",
        &[vecs(&[&[1., 2.]]), n(&[7, 0, 0])].concat(),
        None,
        InvalidArgument,
        "row 1 (byte 12): 7 components",
    );
    refused("fvecs", &n(&[u32::MAX]), None, Dimension, "vectors of 4294967295");
    refused("ivecs", &n(&[2, 16777217, 0]), None, OutOfRange, "row 0 (byte 0): component 0 = 16777217");
    refused("npy", b"", None, InvalidArgument, "byte 0: not an .npy file");
    refused("npy", &[common_header("<f4", "(3,)"), f(&[1.; 3])].concat(), None, Dimension, "1 dimensions");
    refused("npy", &[common_header("<f4", "(1, 3)"), f(&[1.; 3])].concat(), None, Dimension, "vectors of 3");
    refused("npy", &[common_header("<f4", "(2, 2)"), f(&[1.; 3])].concat(), None, InvalidArgument, "2 vectors of it");
    refused("npy", &common_header("<f4", "(9223372036854775807, 2)"), None, InvalidArgument, "more than there can be");
    refused("npy", &[common_header(">f4", "(1, 2)"), f(&[1.; 2])].concat(), None, Unsupported, "type '>f4'");
    refused(
        "npy",
        &[common_header("<f8", "(1, 2)"), [1e300f64, 0.].map(f64::to_le_bytes).concat()].concat(),
        None,
        OutOfRange,
        "row 0",
    );
    let two = [n(&[2, 2]), f(&[1.; 4])].concat();
    let ids = |descr: &str, shape: &str, ids: &[u64]| {
        [common_header(descr, shape), ids.iter().flat_map(|id| id.to_le_bytes()).collect()].concat()
    };
    refused("fbin", &two, Some(&ids("<u8", "(3,)", &[1, 2, 3])), InvalidArgument, "2 vectors want as many ids");
    refused("fbin", &two, Some(&ids("<u8", "(2,)", &[1])), InvalidArgument, "are not 2 ids");
    refused("fbin", &two, Some(&ids("<u8", "(2, 1)", &[1, 2])), InvalidArgument, "ids: an array of shape [2, 1]");
    refused("fbin", &two, Some(&ids("<f8", "(2,)", &[1, 2])), Unsupported, "type <u8");
    refused(
        "fbin",
        &two,
        Some(&ids("<u8", "(2,)", &[1, u64::MAX])),
        InvalidArgument,
        "row 1 (byte 16): id 18446744073709551615",
    );
    refused("fbin", &two, Some(&ids("<i8", "(2,)", &[1, -2i64 as u64])), InvalidArgument, "row 1: the id -2 is below");
    refused("fbin", &two, Some(b"rubbish"), InvalidArgument, "ids, byte 0");
    let line = "{\"id\":3,\"vector\":[1,2]}\n";
    let after = |bad: &str| [line, "\n", line, bad].concat().into_bytes();
    refused("jsonl", &after("{\"id\":4,\"vector\":[1]}"), None, Dimension, "file, line 4: a vector of 1 components");
    refused("jsonl", &after("[4, null, [1, 2], null]"), None, InvalidArgument, "line 4: not a JSON object");
    refused("jsonl", &after("{\"id\":4,\"vector\":[1,x]}"), None, InvalidArgument, "line 4: column");
    refused("jsonl", &after("{\"id\":4,\"vector\":[1,2],\"tag\":5}\n"), None, InvalidArgument, "unknown field `tag`");
    refused("jsonl", &after("{\"id\":4,\"vector\":[1,1e999]}\n"), None, NotFinite, "line 4: component 1");
    refused("jsonl", &after("{\"id\":4,\"vector\":[1,1e30]}\n"), None, OutOfRange, "line 4: squared length");
    refused("jsonl", &after("{\"id\":18446744073709551615,\"vector\":[1,2]}\n"), None, InvalidArgument, "line 4: id");
    refused("jsonl", &after("{\"id\":18446744073709551616,\"vector\":[1,2]}\n"), None, InvalidArgument, "line 4");
    refused("jsonl", &after("\u{feff}{}"), None, InvalidArgument, "line 4");
    refused("jsonl", &[b"{\"id\":4,\"vector\":[1,2]}\n\xff\xfe".to_vec()].concat(), None, InvalidArgument, "line 2");
    refused("jsonl", &vec![b'['; 33 << 20], None, Limit, "line 1: longer than 33554432 bytes");
    refused("jsonl", &after("{\"key\":\"\\ud800\",\"vector\":[1,2]}"), None, InvalidArgument, "line 4: column");
    refused("jsonl", &after("{\"meta\":[1],\"vector\":[1,2]}"), None, InvalidArgument, "line 4: metadata");
    refused("jsonl", &after("{\"meta\":{\"a\":1e999},\"vector\":[1,2]}"), None, InvalidArgument, "line 4: metadata");
    let long = "k".repeat(600);
    refused("jsonl", &after(&format!("{{\"key\":\"{long}\",\"vector\":[1,2]}}")), None, Limit, "line 4: a key of 600");
    // Far behind the first batch.
    let mut many = [n(&[40_000, 2]), f(&[1.; 80_000])].concat();
    let end = many.len();
    many[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    refused("fbin", &many, None, NotFinite, "row 39999 (byte 320000): component 1");
    refused("jsonl", &[line.repeat(40_000), "{}".into()].concat().into_bytes(), None, InvalidArgument, "line 40001");
    refused("csv", b"", None, Unsupported, "'csv' is no format");
    // Nothing at all is no mistake.
    for (format, bytes) in [
        ("fvecs", vec![]),
        ("jsonl", vec![]),
        ("jsonl", b"\n \n".to_vec()),
        ("fbin", n(&[0, 2])),
        ("npy", common_header("<f4", "(0, 2)")),
    ] {
        assert_eq!(import(&db, format, &bytes, None).unwrap(), 0, "{format}");
    }
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let place = Place::new();
    let db = memory(Scalar::F32, 2);
    assert_eq!(kind(db.import(&place.at("x.npy"), None, None)), ErrorKind::NotFound);
    fs::create_dir(place.at("dir.npy")).unwrap();
    assert!(db.import(&place.at("dir.npy"), None, None).is_err());
    let pipe = std::process::Command::new("mkfifo").arg(place.at("pipe.npy")).status();
    if pipe.is_ok_and(|status| status.success()) {
        assert!(db.import(&place.at("pipe.npy"), None, None).is_err());
    }
    fs::write(place.at("x.npy"), [common_header("<f4", "(0, 2)")].concat()).unwrap();
    fs::create_dir(place.at("x.ids.npy")).unwrap();
    assert!(db.import(&place.at("x.npy"), None, None).is_err(), "ids that cannot be read are not passed over");
}

#[test]
fn an_import_that_is_stopped_says_how_far_it_came() {
    let db = memory(Scalar::F32, 2);
    let path = Place::new();
    let many: String = (0..50_000).map(|i| format!("{{\"id\":{i},\"vector\":[1,{i}]}}\n")).collect();
    fs::write(path.at("x.jsonl"), many).unwrap();
    let size = fs::metadata(path.at("x.jsonl")).unwrap().len();
    // In the first reading: nothing is there.
    let task = Task::new();
    task.on_progress(Some(Box::new(move |done, total| done < size / 2 && total == 2 * size)));
    let error = db.import(&path.at("x.jsonl"), None, Some(&task)).unwrap_err();
    assert_eq!((error.kind(), error.item(), db.count().unwrap()), (ErrorKind::Cancelled, None, 0));
    // In the second: whole batches, and their number.
    let task = Task::new();
    task.on_progress(Some(Box::new(move |done, _| done < size + size * 3 / 4)));
    let error = db.import(&path.at("x.jsonl"), None, Some(&task)).unwrap_err();
    let there = db.count().unwrap();
    assert!((1..50_000).contains(&there), "{there}");
    assert_eq!((error.kind(), error.item()), (ErrorKind::Cancelled, Some(there)));
    assert!(error.message().starts_with(&format!("{there} rows of")), "{error}");
    db.import(&path.at("x.jsonl"), None, None).unwrap();
    assert_eq!(db.count().unwrap(), 50_000);
    // Where memory ends in the middle.
    let small = Database::open(None, &options(Scalar::F32, 2).max_memory(16 << 20)).unwrap();
    let many: Vec<u8> = (0..3_000_000u32).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let file = [1_500_000u32.to_le_bytes().to_vec(), 2u32.to_le_bytes().to_vec(), many].concat();
    let error = import(&small, "fbin", &file, None).unwrap_err();
    let there = small.count().unwrap();
    assert_eq!((error.kind(), error.item()), (ErrorKind::Limit, Some(there)));
    assert!(there > 0);
}

fn spoiled(path: &Path, at: usize, with: &[u8], cut: usize) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let at = at % (bytes.len() + 1);
    let end = bytes.len().min(at + with.len());
    bytes.splice(at..end, with.iter().copied());
    bytes.truncate(bytes.len().saturating_sub(cut));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever becomes of a file, it is read or refused; what is read are rows, and no more than it has bytes for.
    #[test]
    fn spoiled_files_do_no_harm(
        format in 0usize..8, at in any::<usize>(), with in proptest::collection::vec(any::<u8>(), 0..9), cut in 0usize..20,
        of_ids in any::<bool>(),
    ) {
        let place = Place::new();
        let db = memory(Scalar::U8, 5);
        let values: Vec<u8> = (0..60).map(|i| i * 2).collect();
        db.insert_batch(&(0..12).collect::<Vec<_>>(), Vectors::u8(&values, 5).unwrap(), None).unwrap();
        let path = place.at(&format!("x.{}", FORMATS[format]));
        db.export(&path, None, None, None).unwrap();
        let ids = place.at(if FORMATS[format] == "npy" { "x.ids.npy".into() } else { format!("x.{}.ids.npy", FORMATS[format]) }.as_str());
        let has_ids = ids.exists();
        let (file, ids) = match of_ids && has_ids {
            true => (fs::read(&path).unwrap(), Some(spoiled(&ids, at, &with, cut))),
            false => (spoiled(&path, at, &with, cut), has_ids.then(|| fs::read(&ids).unwrap())),
        };
        let copy = memory(Scalar::U8, 5);
        match import(&copy, FORMATS[format], &file, ids.as_deref()) {
            Ok(rows) => prop_assert!(rows >= copy.count().unwrap() && rows <= file.len() as u64),
            Err(error) => {
                prop_assert!(copy.count().unwrap() == 0, "{error}");
                prop_assert!(![ErrorKind::Internal, ErrorKind::NoMemory, ErrorKind::Corrupt].contains(&error.kind()), "{error}");
            }
        }
    }
}
