//! Databases of every format version so far, kept for ever in `tests/golden`: they are
//! opened, read, checked and written to by the code of today, which also builds the
//! newest ones again, byte for byte but for the choice of links (promises P13, P16; test T16).
//!
//! A directory of `tests/golden` never changes. A new format gets a new one: set
//! [`NEWEST`], then `VDB_BLESS=1 cargo test --test golden_files` makes what is missing.

mod common;

use common::Answer;
use common::refit::{self, Files};
use common::shapes::Rng;
use common::texts::{ids_of, keys_of, metas_of, texts};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use vdb::storage::sim::SimStorage;
use vdb::{
    CheckLevel, Database, Filter, Hits, ID_NONE, Metric, Options, Quant, Records, Scalar, SearchParams, Vectors,
};

const NEWEST: &str = "v3";
const K: usize = 5;
const QUERIES: usize = 8;

/// A database to be kept, and how it is made.
struct Recipe {
    name: &'static str,
    metric: Metric,
    scalar: Scalar,
    dim: usize,
    /// Rows per chunk as a power of two.
    shift: u32,
    /// What is written before graph work may begin: whether a row is deleted before or after
    /// it was linked must not be left to chance.
    first: fn(&Recipe, &Database),
    build: fn(&Recipe, &Database),
}

/// Together: codes, graphs with and without upper levels, deleted rows, a chunk with a
/// hole, a log to replay and one that was closed, all part files, keys and metadata in parts and in the log.
const RECIPES: [Recipe; 4] = [
    Recipe {
        name: "cosine_f32",
        metric: Metric::Cosine,
        scalar: Scalar::F32,
        dim: 12,
        shift: 7,
        first: deleted_early,
        build: with_a_log,
    },
    Recipe {
        name: "l2_u8",
        metric: Metric::L2sq,
        scalar: Scalar::U8,
        dim: 10,
        shift: 6,
        first: nothing,
        build: compacted,
    },
    Recipe {
        name: "hamming_b1",
        metric: Metric::Hamming,
        scalar: Scalar::B1,
        dim: 37,
        shift: 6,
        first: nothing,
        build: small,
    },
    Recipe {
        name: "records_i8",
        metric: Metric::Ip,
        scalar: Scalar::I8,
        dim: 6,
        shift: 6,
        first: with_records,
        build: with_records_in_the_log,
    },
];

impl Recipe {
    fn options(&self) -> Options {
        Options::new()
            .dim(self.dim as u32)
            .metric(self.metric)
            .scalar(self.scalar)
            .quant(Quant::Sq8)
            .m(4)
            .ef_construction(32)
            .graph_min_rows(100)
            .threads(1)
    }

    /// Small whole numbers, whose sums are exact in any order: the same files whatever
    /// the instruction set.
    fn row(&self, seed: u64) -> Vec<u8> {
        let mut rng = Rng(seed);
        let bytes = self.scalar.row_bytes(self.dim);
        match self.scalar {
            Scalar::F32 => (0..self.dim).flat_map(|_| (rng.below(41) as f32 - 20.0).to_le_bytes()).collect(),
            Scalar::B1 => {
                let mut row: Vec<u8> = (0..bytes).map(|_| rng.below(256) as u8).collect();
                row[bytes - 1] &= 0xff >> (bytes * 8 - self.dim);
                row
            }
            _ => (0..bytes).map(|_| rng.below(256) as u8).collect(),
        }
    }

    fn upsert(&self, db: &Database, ids: &[u64], salt: u64) {
        let rows: Vec<u8> = ids.iter().flat_map(|id| self.row(id ^ salt)).collect();
        let rows = Vectors::new(&rows, self.scalar, self.dim, ids.len(), 0).unwrap();
        db.upsert_batch(ids, rows, None).unwrap();
    }

    /// Upserts rows with keys and metadata; returns their ids, also of those that ask for one.
    fn upsert_records(&self, db: &Database, ids: &[u64], records: &[(String, String)], salt: u64) -> Vec<u64> {
        let rows: Vec<u8> = ids.iter().flat_map(|id| self.row(id ^ salt)).collect();
        let rows = Vectors::new(&rows, self.scalar, self.dim, ids.len(), 0).unwrap();
        let (keys, meta): (Vec<&str>, Vec<&str>) = records.iter().map(|(key, meta)| (&key[..], &meta[..])).unzip();
        let records = Records { keys: Some(texts(&keys)), meta: Some(texts(&meta)) };
        let mut ids = ids.to_vec();
        db.upsert_records(&mut ids, rows, &records, None).unwrap();
        ids
    }

    /// The files of this database, made now, with the salt of `like`, which keys are numbered by.
    fn build(&self, like: Option<&Files>) -> Files {
        let mut disk = SimStorage::new();
        let steps = [(self.first, self.options().graph_min_rows(1 << 20)), (self.build, self.options())];
        let open = |disk: &SimStorage, options: &Options| {
            Database::open_on(Some(Box::new(disk.clone())), options, Some(self.shift)).unwrap()
        };
        open(&disk, &steps[0].1).abandon();
        if let Some(manifest) = like.and_then(refit::manifest_of) {
            let mut files = refit::files_on(&disk);
            refit::change_salt(&mut files, manifest.salt);
            disk = refit::disk_of(&files);
        }
        for (step, options) in steps {
            let db = open(&disk, &options);
            step(self, &db);
            // Closing would write another checkpoint.
            db.abandon();
        }
        refit::files_on(&disk)
    }
}

fn ids(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.map(|n| if n % 50 == 7 { u64::MAX - 1 - n } else { n * 7 + 3 }).collect()
}

/// Leaves nothing to do behind.
fn checkpoint(db: &Database) {
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
}

fn nothing(_: &Recipe, _: &Database) {}

fn deleted_early(recipe: &Recipe, db: &Database) {
    recipe.upsert(db, &ids(0..230), 0);
    db.delete_batch(&ids(20..40)).unwrap();
}

fn with_a_log(recipe: &Recipe, db: &Database) {
    checkpoint(db);
    recipe.upsert(db, &ids(225..245), 1);
    db.delete_batch(&ids(100..105)).unwrap();
    recipe.upsert(db, &ids(30..33), 2);
}

fn compacted(recipe: &Recipe, db: &Database) {
    recipe.upsert(db, &ids(0..200), 0);
    db.wait_indexed(None).unwrap();
    db.delete_batch(&ids(70..120)).unwrap();
    checkpoint(db);
    assert!(db.stats().unwrap().compactions > 0, "a hole is part of this recipe");
}

fn small(recipe: &Recipe, db: &Database) {
    recipe.upsert(db, &ids(0..50), 0);
    db.delete_batch(&ids(3..5)).unwrap();
    checkpoint(db);
    recipe.upsert(db, &ids(48..55), 1);
}

/// Ids of rows with records: small ones, so that there are larger ones to be given.
fn numbered(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.map(|n| n * 3 + 1).collect()
}

/// Of every kind: rows with both, with one, with none, and texts that are not ASCII.
fn record(id: u64, version: u64) -> (String, String) {
    let key =
        if id.is_multiple_of(4) { String::new() } else { format!("key {id}/é{}", "+".repeat((id % 70) as usize)) };
    let pad = "y".repeat((id % 11) as usize * 20);
    let meta = match id % 5 {
        0 => String::new(),
        1 => format!("{{\"n\": {id}, \"version\":{version}, \"tags\":[\"a\", {id}], \"at\": {{\"lat\": 1.5}}}}"),
        _ => format!(" {{\"pad\":\"{pad}\",\"n\":{id},\"version\":{version}}}\n"),
    };
    (key, meta)
}

fn records(ids: &[u64], version: u64) -> Vec<(String, String)> {
    ids.iter().map(|&id| record(id, version)).collect()
}

fn with_records(recipe: &Recipe, db: &Database) {
    let ids = numbered(0..150);
    recipe.upsert_records(db, &ids, &records(&ids, 0), 0);
    recipe.upsert(db, &numbered(150..230), 0);
    db.delete_batch(&numbered(20..40)).unwrap();
}

fn update_meta(db: &Database, ids: &[u64], version: u64) {
    let records = records(ids, version);
    let meta: Vec<&str> = records.iter().map(|(_, meta)| &meta[..]).collect();
    assert_eq!(db.update_meta_batch(ids, &texts(&meta)).unwrap(), ids.len() as u64);
}

/// Some of everything in the parts, then some of everything in the log: keys that are taken away, given again and go to
/// other rows, metadata that is changed, vectors that are replaced beneath their records, ids that are given.
fn with_records_in_the_log(recipe: &Recipe, db: &Database) {
    update_meta(db, &numbered(60..90), 1);
    checkpoint(db);
    let key_of = |id: u64| record(id, 0).0;
    let gone = [key_of(298), key_of(301), key_of(303)];
    assert_eq!(db.delete_keys(&texts(&gone)).unwrap(), 2);
    update_meta(db, &numbered(5..10), 2);
    recipe.upsert(db, &numbered(50..55), 2);
    let ids = numbered(225..232);
    recipe.upsert_records(db, &ids, &records(&ids, 3), 3);
    // The key of a row that is gone, for a row that is new; and none any more for one that had one.
    let moved = [(key_of(298), "{\"n\":-1}".into()), Default::default()];
    recipe.upsert_records(db, &[701, 148], &moved, 4);
    let new = [("given".into(), String::new()), (String::new(), "{}".into())];
    let given = recipe.upsert_records(db, &[ID_NONE; 2], &new, 5);
    assert_eq!(given, [702, 703]);
    db.delete_batch(&numbered(0..3)).unwrap();
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every version, with the databases it has.
fn versions() -> Vec<(String, &'static Recipe)> {
    let entries = std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<_> = entries.flat_map(|version| RECIPES.iter().map(move |r| (version.clone(), r))).collect();
    all.retain(|(version, recipe)| golden().join(version).join(recipe.name).is_dir());
    assert!(all.len() >= RECIPES.len());
    all
}

/// A copy that may be written to.
fn copy(version: &str, recipe: &Recipe) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    refit::write_to(&refit::files_in(&golden().join(version).join(recipe.name)), dir.path());
    dir
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Everything the recipes could have put there, by id.
fn rows(recipe: &Recipe, db: &Database) -> BTreeMap<u64, Vec<u8>> {
    let large = ids(0..260).into_iter().filter(|&id| id >= 2000);
    let (ids, bytes) = ((0..2000).chain(large).collect::<Vec<_>>(), recipe.scalar.row_bytes(recipe.dim));
    let (mut vectors, mut found) = (vec![0; ids.len() * bytes], vec![9; ids.len()]);
    db.get_batch(&ids, recipe.scalar, &mut vectors, 0, &mut found).unwrap();
    let rows = ids.into_iter().zip(vectors.chunks(bytes).map(<[u8]>::to_vec)).zip(found);
    let rows: BTreeMap<_, _> = rows.filter(|(_, found)| *found == 1).map(|(row, _)| row).collect();
    assert_eq!(rows.len() as u64, db.count().unwrap());
    rows
}

/// The same in words, and the records of those that have one.
fn rows_in_words(recipe: &Recipe, db: &Database) -> Vec<String> {
    let rows = rows(recipe, db);
    let ids: Vec<u64> = rows.keys().copied().collect();
    let (keys, meta) = (keys_of(db, &ids).unwrap(), metas_of(db, &ids).unwrap());
    let shown = |text: &str| if text.is_empty() { "-".into() } else { hex(text.as_bytes()) };
    let mut lines: Vec<String> = rows.iter().map(|(id, row)| format!("row {id} {}", hex(row))).collect();
    let records = ids.iter().zip(keys.iter().zip(&meta)).filter(|(_, (key, meta))| key.len() + meta.len() > 0);
    lines.extend(records.map(|(id, (key, meta))| format!("record {id} {} {}", shown(key), shown(meta))));
    lines
}

/// Keys lead to their rows, and conditions hold for the rows whose metadata says so.
fn assert_records_are_found(db: &Database, lines: &[String], case: &str) {
    let records: Vec<Vec<&str>> =
        lines.iter().filter(|line| line.starts_with("record")).map(|line| line.split(' ').collect()).collect();
    let text = |hex: &str| {
        let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        String::from_utf8(bytes).unwrap()
    };
    let with_key: Vec<&Vec<&str>> = records.iter().filter(|record| record[2] != "-").collect();
    let keys: Vec<String> = with_key.iter().map(|record| text(record[2])).collect();
    let found = ids_of(db, &keys).unwrap();
    assert!(found.iter().zip(&with_key).all(|(id, record)| id.to_string() == record[1]), "{case}: keys of other rows");
    let newer = records.iter().filter(|record| record[3] != "-" && text(record[3]).contains("\"version\":1")).count();
    assert_eq!(db.count_passing(&Filter::parse("version = 1").unwrap()).unwrap(), newer as u64, "{case}");
}

fn answers(recipe: &Recipe, db: &Database, exact: bool) -> Vec<Answer> {
    let queries: Vec<u8> = (0..QUERIES as u64).flat_map(|query| recipe.row(query << 32)).collect();
    let (mut ids, mut distances, mut counts) = ([0; QUERIES * K], [0.0; QUERIES * K], [0; QUERIES]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let queries = Vectors::new(&queries, recipe.scalar, recipe.dim, QUERIES, 0).unwrap();
    // As broad as the graph: every row is met.
    let params = SearchParams { exact, ef: 300, rerank: 300, ..SearchParams::default() };
    db.search(queries, K, &params, hits).unwrap();
    assert_eq!(counts, [K as u32; QUERIES]);
    ids.chunks(K).zip(distances.chunks(K)).map(|(i, d)| i.iter().copied().zip(d.iter().copied()).collect()).collect()
}

/// Numbers that only depend on what the files hold.
fn stats_in_words(recipe: &Recipe, dir: &Path) -> String {
    let db = Database::open(Some(dir), &recipe.options().read_only(true)).unwrap();
    let s = db.stats().unwrap();
    let (rows, log) = ([s.live, s.deleted, s.unindexed, s.graph_nodes, s.chunks], [s.lsn, s.checkpoint_lsn]);
    format!("stats live, deleted, unindexed, nodes, chunks {rows:?} lsn, checkpoint {log:?}")
}

/// The committed text beside the files.
fn expectation(version: &str, recipe: &Recipe) -> (Vec<String>, Vec<Answer>, String) {
    let text = std::fs::read_to_string(golden().join(version).join(format!("{}.txt", recipe.name))).unwrap();
    let lines = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).map(String::from).collect::<Vec<_>>();
    let hit = |word: &str| {
        let (id, distance) = word.split_once('=').unwrap();
        (id.parse().unwrap(), distance.parse().unwrap())
    };
    let nearest = lines("near ").iter().map(|line| line[5..].split(' ').map(hit).collect()).collect();
    ([lines("row "), lines("record ")].concat(), nearest, lines("stats ").concat())
}

fn write_expectation(recipe: &Recipe, dir: &Path, to: &Path) {
    let stats = stats_in_words(recipe, dir);
    let db = Database::open(Some(dir), &recipe.options()).unwrap();
    let mut lines = rows_in_words(recipe, &db);
    lines.extend(
        answers(recipe, &db, true)
            .iter()
            .map(|near| near.iter().fold("near".to_string(), |line, (id, distance)| format!("{line} {id}={distance}"))),
    );
    std::fs::write(to, format!("{}\n{stats}\n", lines.join("\n"))).unwrap();
}

/// Makes the databases of a new version, and never touches those of an old one.
fn bless() {
    static ONCE: Once = Once::new();
    let place = golden().join(NEWEST);
    ONCE.call_once(|| {
        if std::env::var_os("VDB_BLESS").is_some() && !place.exists() {
            RECIPES.iter().for_each(|recipe| keep(recipe, &place));
        }
    });
}

/// Writes a database and what it answers.
fn keep(recipe: &Recipe, place: &Path) {
    let dir = place.join(recipe.name);
    std::fs::create_dir_all(&dir).unwrap();
    refit::write_to(&recipe.build(None), &dir);
    write_expectation(recipe, copy(NEWEST, recipe).path(), &place.join(format!("{}.txt", recipe.name)));
}

/// As many answers, at the same distances; rows that are equally far may change places.
fn assert_near(found: &[Answer], expected: &[Answer], case: &str) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        for ((id, distance), (due, at)) in found.iter().zip(expected) {
            assert!((distance - at).abs() <= at.abs() * 1e-5 + 1e-6, "{case}: {found:?}, not {expected:?}");
            let tie = expected.iter().filter(|(_, other)| (other - at).abs() <= at.abs() * 1e-5 + 1e-6).count() > 1;
            assert!(id == due || tie, "{case}: {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn every_version_answers_as_on_its_first_day_and_can_be_written_to() {
    bless();
    for (version, recipe) in versions() {
        let case = format!("{version}/{}", recipe.name);
        let (rows_due, near, stats) = expectation(&version, recipe);
        let dir = copy(&version, recipe);
        assert_eq!(stats_in_words(recipe, dir.path()), stats, "{case}");
        for mmap in [false, true] {
            let options = Options::new().create(false).mmap(mmap).verify_on_open(mmap);
            let db = Database::open(Some(dir.path()), &options).unwrap();
            assert!(rows_in_words(recipe, &db) == rows_due, "{case}: other rows");
            assert_records_are_found(&db, &rows_due, &case);
            assert_near(&answers(recipe, &db, true), &near, &format!("{case}, exact"));
            assert_near(&answers(recipe, &db, false), &near, &format!("{case}, graph"));
            let report = db.check(CheckLevel::Recall, None).unwrap();
            assert!(report.is_sound(), "{case}: {:?}", report.problems);
            db.abandon();
        }
        upgraded(recipe, dir.path(), &case);
    }
}

/// Writes, checkpoints and reopens: the files are those of today's version then.
fn upgraded(recipe: &Recipe, dir: &Path, case: &str) {
    let open = || Database::open(Some(dir), &Options::new().create(false)).unwrap();
    let db = open();
    let before = db.count().unwrap();
    recipe.upsert(&db, &ids(200..260), 9);
    db.delete_batch(&ids(0..10)).unwrap();
    recipe.upsert_records(&db, &[1999, 1998], &records(&[1999, 1998], 9), 9);
    checkpoint(&db);
    let expected = rows_in_words(recipe, &db);
    assert!(db.count().unwrap() > before && expected.iter().any(|line| line.starts_with("record 1999 ")), "{case}");
    db.close().unwrap();
    let db = open();
    assert!(rows_in_words(recipe, &db) == expected, "{case}: other rows after writing");
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound(), "{case}: {:?}", report.problems);
}

/// Which nodes are linked may change with any improvement; all else of a graph may not. So
/// the links of `kept` take the place of those in `built`, the checksums up to CURRENT
/// follow, and the files can be compared byte for byte.
fn take_links(built: &mut Files, kept: &Files) {
    let graphs: Vec<String> = built.keys().filter(|name| name.starts_with("graph")).cloned().collect();
    for name in graphs {
        let (bytes, theirs) = (built.get_mut(&name).unwrap(), &kept[&name]);
        let (level_0, above) = (2, 4);
        let sections = [level_0, above].map(|tag| (refit::section(bytes, tag), refit::section(theirs, tag)));
        for (ours, theirs_at) in sections {
            assert_eq!(ours, theirs_at, "{name}: place of the links");
            bytes[ours.clone()].copy_from_slice(&theirs[ours]);
        }
        refit::refit(built, &name);
    }
}

/// Blobs of the manifest that are younger than `kept`; any reader may pass over them.
fn drop_new_blobs(built: &mut Files, kept: &Files) {
    let (mut manifest, theirs) = (refit::manifest_of(built).unwrap(), refit::manifest_of(kept).unwrap());
    manifest.extra.retain(|blob| theirs.extra.iter().any(|known| known.tag == blob.tag));
    refit::put_manifest(built, &manifest);
}

#[test]
fn the_newest_version_is_built_again_byte_for_byte() {
    bless();
    for recipe in &RECIPES {
        let kept = refit::files_in(&golden().join(NEWEST).join(recipe.name));
        // What differs is the salt, the random number of a database, and what `take_links` says.
        let mut built = recipe.build(Some(&kept));
        assert_eq!(built.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>(), "{}", recipe.name);
        let db = Database::open_on(Some(Box::new(refit::disk_of(&built))), &recipe.options(), None).unwrap();
        let report = db.check(CheckLevel::Recall, None).unwrap();
        assert!(report.is_sound(), "{}: {:?}", recipe.name, report.problems);
        db.abandon();
        take_links(&mut built, &kept);
        drop_new_blobs(&mut built, &kept);
        for (name, bytes) in &built {
            assert!(bytes == &kept[name], "{}: {name} has other bytes than it had in {NEWEST}", recipe.name);
        }
    }
}

/// A reader that was written from `docs/file-format.md` alone finds every row.
#[test]
fn a_stranger_with_the_document_reads_every_row() {
    bless();
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format_reader.py");
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 to run tests/format_reader.py with");
        return;
    }
    for (version, recipe) in versions() {
        let dir = golden().join(&version).join(recipe.name);
        let output = Command::new("python3").arg("-I").arg(&reader).arg(dir).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{version}/{}: {said}", recipe.name);
        let read: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect();
        assert!(read == expectation(&version, recipe).0, "{version}/{}: other rows\n{said}", recipe.name);
    }
}
