//! Export and import: what goes out in any format is what other programs expect there, what comes in
//! is what the file says, and a file with anything wrong in it changes nothing (promise P19).

#[path = "../common/mod.rs"]
mod common;
mod refused;

use common::npy::Npy;
use common::place::Place;
use common::rows::Rows;
use common::shapes::Shape;
use std::fs;
use vdb::{
    Database, Error, ErrorKind, Filter, Metric, Options, Originals, Quant, Records, Scalar, Task, TextBuffer, Texts,
    Vectors,
};

const DIM: usize = 19;
const COUNT: usize = 700;
const SCALARS: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::U8, Scalar::B1];
const FORMATS: [&str; 8] = ["npy", "jsonl", "fvecs", "ivecs", "bvecs", "fbin", "u8bin", "i8bin"];

fn options(scalar: Scalar, dim: usize) -> Options {
    let metric = if scalar == Scalar::B1 { Metric::Hamming } else { Metric::L2sq };
    Options::new().dim(dim as u32).scalar(scalar).metric(metric).threads(1)
}

fn memory(scalar: Scalar, dim: usize) -> Database {
    Database::open(None, &options(scalar, dim)).unwrap()
}

/// Rows that the types have in common where `whole`, else any.
fn rows(scalar: Scalar, whole: bool) -> Rows {
    if whole {
        let value = |i: usize| (vdb::util::hash::mix(i as u64, 1) % 120) as f32;
        return Rows::encode(scalar, DIM, &(0..COUNT * DIM).map(value).collect::<Vec<_>>());
    }
    Shape::Clusters.rows(scalar, DIM, COUNT, 0).0
}

/// Ids that are neither in the order of the rows nor without gaps.
fn ids() -> Vec<u64> {
    (0..COUNT as u64).map(|i| (i * 577 % COUNT as u64) * 3 + 5).collect()
}

fn filled(scalar: Scalar, whole: bool) -> Database {
    let db = memory(scalar, DIM);
    db.insert_batch(&ids(), rows(scalar, whole).vectors(), None).unwrap();
    db
}

/// All rows as they are stored, by id.
fn contents(db: &Database) -> Vec<(u64, Vec<u8>)> {
    let (scalar, dim) = (db.settings().scalar, db.settings().dim as usize);
    let ids: Vec<u64> = (0..4 * COUNT as u64).collect();
    let size = scalar.row_bytes(dim);
    let (mut out, mut found) = (vec![0; ids.len() * size], vec![0; ids.len()]);
    db.get_batch(&ids, scalar, &mut out, 0, &mut found).unwrap();
    let there = ids.iter().zip(out.chunks(size)).filter(|(id, _)| found[**id as usize] == 1);
    let rows: Vec<_> = there.map(|(&id, row)| (id, row.to_vec())).collect();
    assert_eq!(rows.len() as u64, db.count().unwrap());
    rows
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.expect_err("refused").kind()
}

#[test]
fn every_format_brings_back_what_it_can_carry() {
    for scalar in SCALARS {
        for format in FORMATS {
            let place = Place::new();
            let path = place.at(&format!("rows.{format}"));
            let exact = ["npy", "jsonl"].contains(&format);
            let db = filled(scalar, !exact);
            let exported = db.export(&path, None, None, None);
            if scalar == Scalar::B1 && !exact {
                assert_eq!(kind(exported), ErrorKind::Unsupported, "{format}");
                assert!(place.names().is_empty());
                continue;
            }
            assert_eq!(exported.unwrap(), COUNT as u64, "{scalar:?} {format}");
            let copy = memory(scalar, DIM);
            assert_eq!(copy.import(&path, Some(format), None).unwrap(), COUNT as u64);
            assert!(contents(&copy) == contents(&db), "{scalar:?} {format}");
            // Once more changes nothing: rows with ids take their own places.
            copy.import(&path, None, None).unwrap();
            assert!(contents(&copy) == contents(&db));
        }
    }
}

#[test]
fn numpy_reads_vectors_and_ids() {
    let place = Place::new();
    for (scalar, descr) in SCALARS.into_iter().zip(["f4", "f2", "f4", "i1", "u1", "u1"]) {
        let db = filled(scalar, false);
        let path = place.at(&format!("{scalar:?}.npy"));
        db.export(&path, Some("npy"), None, None).unwrap();
        let (vectors, ids) = (Npy::read(&path), Npy::read(&place.at(&format!("{scalar:?}.ids.npy"))));
        let columns = if scalar == Scalar::B1 { DIM.div_ceil(8) } else { DIM };
        assert_eq!((vectors.descr.as_str(), vectors.rows, vectors.cols), (descr, COUNT, columns));
        assert_eq!((ids.descr.as_str(), ids.rows, ids.cols), ("u8", COUNT, 1));
        let written = contents(&db);
        assert!(ids.bytes.chunks(8).eq(written.iter().map(|(id, _)| id.to_le_bytes())));
        let expected: Vec<u8> = match scalar {
            Scalar::Bf16 => {
                let all: Vec<u8> = written.iter().flat_map(|(_, row)| row.clone()).collect();
                Rows::new(scalar, DIM, all).values().iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            _ => written.iter().flat_map(|(_, row)| row.clone()).collect(),
        };
        assert!(vectors.bytes == expected, "{scalar:?}");
    }
}

#[test]
fn the_formats_of_data_sets_have_their_bytes_in_place() {
    let place = Place::new();
    let db = memory(Scalar::U8, 3);
    db.insert_batch(&[9, 4], Vectors::u8(&[1, 2, 3, 250, 0, 7], 3).unwrap(), None).unwrap();
    let text = |format: &str| {
        let path = place.at(&format!("x.{format}"));
        db.export(&path, Some(format), None, None).unwrap();
        fs::read(path).unwrap()
    };
    let floats = |values: [f32; 3]| values.map(f32::to_le_bytes).concat();
    let wholes = |values: [i32; 3]| values.map(i32::to_le_bytes).concat();
    let three = 3u32.to_le_bytes().to_vec();
    let first_two = [2u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
    assert_eq!(
        text("fvecs"),
        [three.clone(), floats([250., 0., 7.]), three.clone(), floats([1., 2., 3.])].concat(),
        "in the order of ids"
    );
    assert_eq!(text("ivecs"), [three.clone(), wholes([250, 0, 7]), three.clone(), wholes([1, 2, 3])].concat());
    assert_eq!(text("bvecs"), [three.clone(), vec![250, 0, 7], three.clone(), vec![1, 2, 3]].concat());
    assert_eq!(text("fbin"), [first_two.clone(), floats([250., 0., 7.]), floats([1., 2., 3.])].concat());
    assert_eq!(text("u8bin"), [first_two, vec![250, 0, 7, 1, 2, 3]].concat());
    assert_eq!(text("jsonl"), b"{\"id\":4,\"vector\":[250,0,7]}\n{\"id\":9,\"vector\":[1,2,3]}\n");
    let ids = Npy::read(&place.at("x.u8bin.ids.npy"));
    assert_eq!(ids.bytes, [4u64.to_le_bytes(), 9u64.to_le_bytes()].concat());
    let error = db.export(&place.at("y.i8bin"), None, None, None).unwrap_err();
    assert_eq!((error.kind(), error.item()), (ErrorKind::OutOfRange, Some(0)));
    assert!(error.message().starts_with("the row of id 4: component 0 = 250"), "{error}");
    assert!(!place.names().iter().any(|name| name.starts_with('y')), "{:?}", place.names());
}

#[test]
fn rows_without_ids_get_new_ones_in_order() {
    let place = Place::new();
    let db = filled(Scalar::F32, false);
    for format in ["npy", "fvecs", "fbin"] {
        let path = place.at(&format!("x.{format}"));
        db.export(&path, None, None, None).unwrap();
        let ids = if format == "npy" { place.at("x.ids.npy") } else { place.at(&format!("x.{format}.ids.npy")) };
        fs::remove_file(ids).unwrap();
        let copy = memory(Scalar::F32, DIM);
        // In an empty database a row's id is its number, as ground truth has it.
        copy.import(&path, None, None).unwrap();
        let rows = contents(&db).into_iter().map(|(_, row)| row);
        assert!(contents(&copy).into_iter().eq((0u64..).zip(rows.clone())));
        copy.import(&path, None, None).unwrap();
        let twice = (0u64..).zip(rows.clone().chain(rows));
        assert!(contents(&copy).into_iter().eq(twice), "behind those that were there");
    }
    // Lines may have both.
    fs::write(place.at("mixed.jsonl"), "{\"vector\":[1]}\n\n{\"id\":7,\"vector\":[2]}\r\n{\"vector\":[3]}").unwrap();
    let one = memory(Scalar::F32, 1);
    assert_eq!(one.import(&place.at("mixed.jsonl"), None, None).unwrap(), 3);
    let ids: Vec<u64> = contents(&one).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [7, 8, 9]);
    // Above the largest there is nothing.
    one.insert_batch(&[u64::MAX - 1], Vectors::f32(&[1.0], 1).unwrap(), None).unwrap();
    assert_eq!(kind(one.import(&place.at("mixed.jsonl"), None, None)), ErrorKind::Limit);
    fs::write(place.at("one.fvecs"), [1u32.to_le_bytes(), 1f32.to_le_bytes()].concat()).unwrap();
    assert_eq!(kind(one.import(&place.at("one.fvecs"), None, None)), ErrorKind::Limit);
    // Alone, lines without ids are numbered as records are.
    fs::write(place.at("open.jsonl"), "{\"vector\":[1]}\n{\"id\":null,\"vector\":[2]}\n").unwrap();
    let one = memory(Scalar::F32, 1);
    one.import(&place.at("open.jsonl"), None, None).unwrap();
    assert_eq!(contents(&one).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn many_batches_come_in_as_they_stand() {
    let place = Place::new();
    const MANY: u64 = 40_000;
    let text: String = (0..MANY).map(|i| format!("{{\"id\":{},\"vector\":[{},0.5]}}\n", i ^ 1, i % 1000)).collect();
    fs::write(place.at("x.jsonl"), text).unwrap();
    let db = memory(Scalar::F32, 2);
    let task = Task::new();
    assert_eq!(db.import(&place.at("x.jsonl"), None, Some(&task)).unwrap(), MANY);
    let size = fs::metadata(place.at("x.jsonl")).unwrap().len();
    assert_eq!(task.progress(), (2 * size, 2 * size));
    assert_eq!(db.count().unwrap(), MANY);
    let (mut out, mut found) = ([0; 8], [0]);
    db.get_batch(&[31_337], Scalar::F32, &mut out, 0, &mut found).unwrap();
    assert_eq!(out, [336.0f32.to_le_bytes(), 0.5f32.to_le_bytes()].concat()[..]);
    // Out and in again through each way there is.
    for format in ["npy", "fbin", "fvecs"] {
        let path = place.at(&format!("x.{format}"));
        db.export(&path, None, None, None).unwrap();
        let copy = memory(Scalar::F32, 2);
        assert_eq!(copy.import(&path, None, None).unwrap(), MANY);
        copy.get_batch(&[31_337], Scalar::F32, &mut out, 0, &mut found).unwrap();
        assert_eq!((out, found), ([336.0f32.to_le_bytes(), 0.5f32.to_le_bytes()].concat().try_into().unwrap(), [1]));
    }
}

/// Key and metadata of each row.
fn records_of(db: &Database, ids: &[u64]) -> Vec<(String, String)> {
    let read = |keys: bool| {
        let (mut bytes, mut offsets) = (vec![0; 1 << 16], vec![0; ids.len() + 1]);
        let out = &mut TextBuffer { bytes: &mut bytes, offsets: &mut offsets };
        if keys { db.keys_of_ids(ids, out) } else { db.meta_batch(ids, out) }.unwrap();
        let text = |pair: &[u64]| String::from_utf8(bytes[pair[0] as usize..pair[1] as usize].to_vec()).unwrap();
        offsets.windows(2).map(text).collect::<Vec<_>>()
    };
    read(true).into_iter().zip(read(false)).collect()
}

#[test]
fn keys_and_metadata_go_out_and_come_in_with_lines() {
    let place = Place::new();
    let db = memory(Scalar::F32, 2);
    let keys = ["a\"b\\", "", "\u{e9}\n\u{1}", "plain"];
    let meta = ["{\"n\": 1}", "{\"t\":\"x\\ny\",\n  \"deep\":[{}]}", "", "{\"n\":2}"];
    let ends = |texts: &[&str]| {
        let mut ends = vec![0];
        texts.iter().for_each(|text| ends.push(ends[ends.len() - 1] + text.len() as u64));
        ends
    };
    let (all_keys, all_meta, key_ends, meta_ends) = (keys.concat(), meta.concat(), ends(&keys), ends(&meta));
    let records = Records {
        keys: Some(Texts::new(all_keys.as_bytes(), &key_ends).unwrap()),
        meta: Some(Texts::new(all_meta.as_bytes(), &meta_ends).unwrap()),
    };
    let mut ids = [4, 3, 2, 1];
    db.insert_records(&mut ids, Vectors::f32(&[0., 1., 2., 3., 4., 5., 6., 7.], 2).unwrap(), &records, None).unwrap();
    let path = place.at("x.jsonl");
    db.export(&path, None, None, None).unwrap();
    let lines = fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().nth(3).unwrap(), r#"{"id":4,"key":"a\"b\\","vector":[0.0,1.0],"meta":{"n": 1}}"#);
    let copy = memory(Scalar::F32, 2);
    copy.import(&path, None, None).unwrap();
    let mut expected = records_of(&db, &ids);
    assert_eq!(expected[0].0, keys[0]);
    // A line break between members is a space now.
    expected[1].1 = expected[1].1.replace('\n', " ");
    assert_eq!(records_of(&copy, &ids), expected);
    assert!(contents(&copy) == contents(&db));
    // Conditions on metadata say what goes out.
    let filter = Filter::parse("n >= 1").unwrap();
    assert_eq!(db.export(&place.at("some.jsonl"), None, Some(&filter), None).unwrap(), 2);
    // A line is all of its row; a key alone says which row is meant.
    fs::write(
        place.at("y.jsonl"),
        "{\"key\":\"plain\",\"vector\":[9,9]}\n{\"id\":4,\"vector\":[8,8]}\n{\"key\":\"new\",\"vector\":[7,7]}\n",
    )
    .unwrap();
    copy.import(&place.at("y.jsonl"), None, None).unwrap();
    let now = records_of(&copy, &[1, 4, 5]);
    assert_eq!(now, [("plain".into(), String::new()), (String::new(), String::new()), ("new".into(), String::new())]);
    assert_eq!(copy.count().unwrap(), 5);
    // An array says nothing about keys and metadata, so they stay.
    db.export(&place.at("x.npy"), None, None, None).unwrap();
    db.import(&place.at("x.npy"), None, None).unwrap();
    assert_eq!(records_of(&db, &[1])[0].0, "plain");
    // What only the other rows can tell is found while it is written.
    fs::write(place.at("z.jsonl"), "{\"id\":77,\"key\":\"plain\",\"vector\":[1,1]}\n").unwrap();
    let error = db.import(&place.at("z.jsonl"), None, None).unwrap_err();
    assert_eq!((error.kind(), error.item()), (ErrorKind::AlreadyExists, Some(0)));
    assert!(error.message().contains("line 1"), "{error}");
}

#[test]
fn a_filter_says_which_rows_go_out() {
    let place = Place::new();
    let db = filled(Scalar::I8, false);
    let some: Vec<u64> = ids().into_iter().filter(|id| id % 5 == 0).collect();
    for (name, allow) in [("in", true), ("out", false)] {
        let path = place.at(&format!("{name}.jsonl"));
        let filter = Filter::ids(&some, allow).unwrap();
        let count = db.export(&path, None, Some(&filter), None).unwrap();
        assert_eq!(count, db.count_passing(&filter).unwrap());
        let copy = memory(Scalar::I8, DIM);
        copy.import(&path, None, None).unwrap();
        let mut expected = contents(&db);
        expected.retain(|(id, _)| some.contains(id) == allow);
        assert!(contents(&copy) == expected);
    }
}

#[test]
fn what_stands_for_vectors_that_were_given_up_goes_out() {
    let place = Place::new();
    let options = options(Scalar::F32, DIM).quant(Quant::Sq8).originals(Originals::Drop).graph_min_rows(100);
    let db = Database::open_on(None, &options, Some(6)).unwrap();
    db.insert_batch(&ids(), rows(Scalar::F32, false).vectors(), None).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().decoded > 0);
    db.export(&place.at("x.npy"), None, None, None).unwrap();
    let copy = memory(Scalar::F32, DIM);
    copy.import(&place.at("x.npy"), None, None).unwrap();
    assert!(contents(&copy) == contents(&db));
}

#[test]
fn types_are_converted_where_nothing_is_lost() {
    let place = Place::new();
    let db = filled(Scalar::U8, true);
    for format in ["npy", "jsonl", "fvecs", "ivecs", "bvecs", "fbin", "u8bin", "i8bin"] {
        let path = place.at(&format!("x.{format}"));
        db.export(&path, None, None, None).unwrap();
        for scalar in [Scalar::F32, Scalar::F16, Scalar::I8, Scalar::U8] {
            let copy = memory(scalar, DIM);
            copy.import(&path, None, None).unwrap();
            let (mut out, mut found) = (vec![0; COUNT * DIM], vec![0; COUNT]);
            copy.get_batch(&ids(), Scalar::U8, &mut out, 0, &mut found).unwrap();
            assert!(out == rows(Scalar::U8, true).vectors().packed().unwrap(), "{format} {scalar:?}");
        }
        assert_eq!(
            kind(memory(Scalar::B1, DIM).import(&path, None, None)),
            if format == "jsonl" {
                ErrorKind::OutOfRange
            } else if format == "npy" {
                ErrorKind::Dimension
            } else {
                ErrorKind::Mismatch
            }
        );
    }
    // Doubles, as numpy makes them when nobody says otherwise.
    let header = common_header("<f8", "(2, 1)");
    fs::write(place.at("d.npy"), [header, [0.1f64, 3.0].map(f64::to_le_bytes).concat()].concat()).unwrap();
    let one = memory(Scalar::F32, 1);
    one.import(&place.at("d.npy"), None, None).unwrap();
    assert_eq!(contents(&one)[0].1, 0.1f32.to_le_bytes());
}

/// The header of an array, made apart from the library.
fn common_header(descr: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".to_vec(), (text.len() as u16).to_le_bytes().to_vec(), text.into_bytes()].concat()
}

#[test]
fn nothing_is_overwritten_and_no_half_is_left() {
    let place = Place::new();
    let db = filled(Scalar::F32, false);
    for (there, wanted) in [("a.npy", "a.npy"), ("b.ids.npy", "b.npy"), ("c.npy.unfinished", "c.npy")] {
        fs::write(place.at(there), "mine").unwrap();
        let before = place.names();
        let error = db.export(&place.at(wanted), None, None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.message().contains(there), "{error}");
        assert_eq!((place.names(), fs::read(place.at(there)).unwrap()), (before, b"mine".to_vec()));
    }
    assert_eq!(kind(db.export(&place.at("no/x.npy"), None, None, None)), ErrorKind::NotFound);
    assert_eq!(kind(db.export(&place.at("x"), None, None, None)), ErrorKind::Unsupported);
    assert_eq!(kind(db.export(&place.at("x.npy"), Some("csv"), None, None)), ErrorKind::Unsupported);
    let before = place.names();
    for format in ["npy", "jsonl"] {
        let task = Task::new();
        task.cancel();
        assert_eq!(kind(db.export(&place.at("x"), Some(format), None, Some(&task))), ErrorKind::Cancelled);
        let filter = Filter::ids(&ids(), true).unwrap();
        assert_eq!(kind(db.export(&place.at("x"), Some(format), Some(&filter), Some(&task))), ErrorKind::Cancelled);
    }
    assert_eq!(place.names(), before);
    let task = Task::new();
    db.export(&place.at("x.npy"), None, None, Some(&task)).unwrap();
    assert_eq!(task.progress(), (COUNT as u64, COUNT as u64));
}

#[test]
fn who_only_reads_exports_and_does_not_import() {
    let place = Place::new();
    let writer = Database::open(Some(&place.at("db")), &options(Scalar::F32, DIM)).unwrap();
    writer.insert_batch(&ids(), rows(Scalar::F32, false).vectors(), None).unwrap();
    let reader = Database::open(Some(&place.at("db")), &Options::new().read_only(true)).unwrap();
    reader.export(&place.at("x.npy"), None, None, None).unwrap();
    assert_eq!(kind(reader.import(&place.at("x.npy"), None, None)), ErrorKind::ReadOnly);
    let copy = memory(Scalar::F32, DIM);
    copy.import(&place.at("x.npy"), None, None).unwrap();
    assert!(contents(&copy) == contents(&writer));
}
