//! Every kind of codes in a database: searches find what they should, through growth, deletes and
//! reopening; the error bound in the files holds; what does not know the codes refuses the files.

mod common;

use common::exact::Truth;
use common::refit;
use common::shapes::Shape;
use std::path::Path;
use std::process::Command;
use vdb::db::{Database, Options, SearchParams};
use vdb::kernel::{Metric, Scalar, widen};
use vdb::quant::Codec;
use vdb::storage::format::SHORT_BLOCKS;
use vdb::storage::sim::SimStorage;
use vdb::{CheckLevel, ErrorKind, Quant, repair};

const DIM: usize = 48;
const KINDS: [Quant; 4] = [Quant::Sq8, Quant::Sq4, Quant::Pq, Quant::Rabitq];

fn options(quant: Quant, metric: Metric) -> Options {
    Options::new().dim(DIM as u32).metric(metric).quant(quant).graph_min_rows(256).threads(1)
}

fn open(disk: &SimStorage, options: &Options) -> Database {
    Database::open_on(Some(Box::new(disk.clone())), options, Some(9)).unwrap()
}

fn blob(disk: &SimStorage, tag: u32) -> Option<Vec<u8>> {
    let manifest = refit::manifest_of(&refit::files_on(disk)).unwrap();
    manifest.extra.into_iter().find(|extra| extra.tag == tag).map(|extra| extra.bytes)
}

#[test]
fn every_kind_searches_grows_deletes_and_reopens() {
    let pairs = KINDS.into_iter().flat_map(|quant| [Metric::L2sq, Metric::Cosine, Metric::Ip].map(|m| (quant, m)));
    // Dot products of bytes are not centred: what these rows have in common takes the resolution.
    for (quant, metric) in pairs.filter(|pair| *pair != (Quant::Sq8, Metric::Ip)) {
        let (rows, queries) = Shape::Offset.rows(Scalar::F32, DIM, 3000, 40);
        let disk = SimStorage::new();
        let ids: Vec<u64> = (0..3000).collect();
        let db = open(&disk, &options(quant, metric));
        db.insert_batch(&ids[..1500], rows.slice(0, 1500).vectors(), None).unwrap();
        db.wait_indexed(None).unwrap();
        db.checkpoint(None).unwrap();
        db.close().unwrap();
        let db = open(&disk, &Options::new());
        db.insert_batch(&ids[1500..], rows.slice(1500, 1500).vectors(), None).unwrap();
        db.delete_batch(&ids[..600]).unwrap();
        db.wait_indexed(None).unwrap();
        let stats = db.stats().unwrap();
        assert_eq!((stats.live, stats.unindexed, stats.graph_unreachable), (2400, 0, 0), "{quant:?} {metric:?}");
        let report = db.check(CheckLevel::Recall, None).unwrap();
        assert!(report.is_sound(), "{quant:?} {metric:?}: {:?}", report.problems);
        let live = rows.slice(600, 2400);
        let truth = Truth::compute(metric, &live, &queries, 10);
        let params = SearchParams { ef: 200, ..SearchParams::default() };
        let answers: Vec<_> = common::search(&db, &queries, 10, &params)
            .into_iter()
            .map(|answer| answer.into_iter().map(|(id, distance)| (id - 600, distance)).collect())
            .collect();
        let recall = truth.recall(&answers);
        // A neighbourhood in these rows is noise in all directions, of which the shortest codes keep little.
        let floor = if matches!(quant, Quant::Pq | Quant::Rabitq) { 0.8 } else { 0.97 };
        assert!(recall >= floor, "{quant:?} {metric:?}: {recall}");
    }
}

/// The bound is that of every row encoded so far: after a checkpoint, a reopening, and more rows.
#[test]
fn the_error_of_every_code_is_within_the_bound_in_the_files() {
    for (quant, metric) in KINDS.into_iter().flat_map(|quant| [Metric::L2sq, Metric::Cosine].map(|m| (quant, m))) {
        let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 1200, 1);
        let disk = SimStorage::new();
        let ids: Vec<u64> = (0..1200).collect();
        let mut last = 0.0;
        for (step, batch) in ids.chunks(600).enumerate() {
            let db = open(&disk, &options(quant, metric));
            db.insert_batch(batch, rows.slice(600 * step, 600).vectors(), None).unwrap();
            db.wait_indexed(None).unwrap();
            db.close().unwrap();
            let bound = f64::from_le_bytes(blob(&disk, 4).expect("a bound").try_into().unwrap());
            let codec = Codec::from_bytes(DIM, &blob(&disk, 1).expect("a codec")).unwrap().unwrap();
            let mut wide = vec![0.0; DIM];
            let mut code = vec![0; codec.code_bytes()];
            let mut errors = (0..600 * (step + 1)).map(|i| {
                widen(Scalar::F32, rows.slice(i, 1).vectors().row(0), &mut wide);
                codec.encode_row(&mut wide, &mut code);
                codec.error(&wide, &code)
            });
            let largest = errors.by_ref().fold(0.0, f64::max);
            assert!(largest > 0.0 && largest <= bound, "{quant:?} {metric:?}: {largest} beyond {bound}");
            assert!(bound >= last, "{quant:?} {metric:?}: a bound never falls while its codec stays");
            last = bound;
        }
    }
}

/// Databases that earlier readers understand look to them as they did; others say what they need.
#[test]
fn manifests_say_which_readers_understand_the_codes() {
    const MUST_UNDERSTAND_AT: usize = 12;
    for quant in KINDS {
        let disk = SimStorage::new();
        let db = open(&disk, &options(quant, Metric::L2sq));
        let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 400, 1);
        db.insert_batch(&(0..400).collect::<Vec<u64>>(), rows.vectors(), None).unwrap();
        db.wait_indexed(None).unwrap();
        db.checkpoint(None).unwrap();
        db.close().unwrap();
        let files = refit::files_on(&disk);
        // Codes and graph are written in short blocks.
        let due = SHORT_BLOCKS | u32::from(!matches!(quant, Quant::None | Quant::Sq8));
        for (name, bytes) in &files {
            let due = match name.split('-').next() {
                Some("MANIFEST") => due,
                Some("codes" | "graph") => SHORT_BLOCKS,
                Some("chunk") if quant == Quant::None => SHORT_BLOCKS,
                _ => 0,
            };
            assert_eq!(bytes[MUST_UNDERSTAND_AT..][..4], due.to_le_bytes(), "{quant:?}: {name}");
        }
    }
}

/// The document says what a code stands for: a reader written from it finds each within its bound.
#[test]
fn a_stranger_with_the_document_understands_every_code() {
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format_reader.py");
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 to run tests/format_reader.py with");
        return;
    }
    for (quant, metric) in
        KINDS.into_iter().flat_map(|quant| [Metric::L2sq, Metric::Cosine, Metric::Ip].map(|m| (quant, m)))
    {
        let (rows, _) = Shape::Offset.rows(Scalar::F32, DIM, 400, 1);
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(Some(dir.path()), &options(quant, metric)).unwrap();
        common::fill(&db, &rows);
        db.close().unwrap();
        let read = || Command::new("python3").arg("-I").arg(&reader).arg(dir.path()).output().unwrap();
        let output = read();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{quant:?} {metric:?}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 400, "{quant:?} {metric:?}");
    }
}

#[test]
fn another_kind_than_the_database_was_created_with_is_refused() {
    let disk = SimStorage::new();
    open(&disk, &options(Quant::Sq4, Metric::L2sq)).close().unwrap();
    let error = Database::open_on(Some(Box::new(disk)), &options(Quant::Sq8, Metric::L2sq), None).expect_err("sq8");
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(error.to_string().contains("sq4"), "{error}");
}

/// Vectors of bytes and bits are walked as they are.
#[test]
fn bytes_and_bits_have_no_codes() {
    for quant in KINDS {
        for (metric, scalar) in [(Metric::L2sq, Scalar::U8), (Metric::Hamming, Scalar::B1)] {
            let (rows, queries) = Shape::Clusters.rows(scalar, DIM, 600, 20);
            let db = Database::open(None, &options(quant, metric).scalar(scalar)).unwrap();
            common::fill(&db, &rows);
            assert_eq!(db.stats().unwrap().bytes_codes, 0, "{quant:?} {scalar:?}");
            let truth = Truth::compute(metric, &rows, &queries, 10);
            assert!(common::recall(&db, &queries, &truth, 50) > 0.95, "{quant:?} {scalar:?}");
        }
    }
}

/// A repaired database has the codes it had, whatever became of the files that hold them.
#[test]
fn repair_keeps_the_kind_of_codes() {
    for quant in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let (broken, mended) = (dir.path().join("broken"), dir.path().join("mended"));
        let asked = options(quant, Metric::L2sq).pq_subspaces(if quant == Quant::Pq { 20 } else { 0 });
        let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 400, 1);
        let db = Database::open(Some(&broken), &asked).unwrap();
        common::fill(&db, &rows);
        db.close().unwrap();
        let lost = |name: &str| name.starts_with("codes-") || name.starts_with("graph-");
        let names = std::fs::read_dir(&broken).unwrap().map(|entry| entry.unwrap());
        let lost: Vec<_> = names.filter(|entry| lost(&entry.file_name().to_string_lossy())).collect();
        assert!(lost.len() >= 2, "{quant:?}");
        lost.iter().for_each(|entry| std::fs::remove_file(entry.path()).unwrap());
        repair(&broken, &mended, &Options::new(), None).unwrap();
        let db = Database::open(Some(&mended), &Options::new().graph_min_rows(256)).unwrap();
        assert_eq!((db.settings().quant, db.settings().pq_subspaces), (quant, asked.settings().pq_subspaces));
        db.wait_indexed(None).unwrap();
        let stats = db.stats().unwrap();
        assert!(stats.live == 400 && stats.graph_nodes == 400 && stats.bytes_codes > 0, "{quant:?}: {stats:?}");
    }
}

#[test]
fn one_bit_codes_refuse_l1() {
    let error = Database::open(None, &options(Quant::Rabitq, Metric::L1)).expect_err("no estimate");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn subspaces_are_part_of_the_schema() {
    let disk = SimStorage::new();
    let (rows, _) = Shape::Clusters.rows(Scalar::F32, DIM, 400, 1);
    let db = open(&disk, &options(Quant::Pq, Metric::L2sq).pq_subspaces(40));
    db.insert_batch(&(0..300).collect::<Vec<u64>>(), rows.slice(0, 300).vectors(), None).unwrap();
    db.close().unwrap();
    // Before and after the codec is trained, and over a checkpoint.
    for more in [300..350, 350..400] {
        let db = open(&disk, &Options::new().create(false).graph_min_rows(256));
        assert_eq!(db.settings().pq_subspaces, 40);
        let ids: Vec<u64> = more.clone().collect();
        db.insert_batch(&ids, rows.slice(more.start as usize, 50).vectors(), None).unwrap();
        db.wait_indexed(None).unwrap();
        // Two groups of 32 subspaces, half a byte each.
        assert_eq!(db.stats().unwrap().bytes_codes, 32 * more.end);
        db.close().unwrap();
    }
    let refused = |options: &Options, disk: SimStorage| {
        let error = Database::open_on(Some(Box::new(disk)), options, None).expect_err("refused");
        assert!(error.to_string().contains("schema.pq_subspaces"), "{error}");
        error.kind()
    };
    let again = Options::new().pq_subspaces(39);
    assert_eq!(refused(&again, disk), ErrorKind::Mismatch);
    let beyond = options(Quant::Pq, Metric::L2sq).pq_subspaces(DIM as u32 + 1);
    assert_eq!(refused(&beyond, SimStorage::new()), ErrorKind::OutOfRange);
    let useless = options(Quant::Sq4, Metric::L2sq).pq_subspaces(8);
    assert_eq!(refused(&useless, SimStorage::new()), ErrorKind::InvalidArgument);
}
