//! Random operations against a map and brute force: whatever the order of
//! inserts, upserts, deletes, changes of metadata, background work, checkpoints and reopening, the
//! database holds exactly the rows of the model, conditions on metadata hold for the rows that a plain evaluator
//! says, and snapshots, cursors and backups show the rows of their moment (promises P2 - P4, P14, P17).

#[path = "common/pair/mod.rs"]
mod pair;
#[path = "common/plain.rs"]
mod plain;
#[path = "common/texts.rs"]
mod texts;

use pair::{DIM, Op, Order, Pair, Place, Put, Row, Setup, UNIVERSE};
use proptest::prelude::*;
use proptest::sample::select;
use vdb::meta::filter::{Check, Circle, Expression, Literal};
use vdb::meta::{Number, Step};
use vdb::storage::sim::CrashKind;
use vdb::storage::{OsStorage, Storage};
use vdb::{Durability, Scalar};

fn rows() -> impl Strategy<Value = Vec<(u64, [i8; DIM])>> {
    proptest::collection::vec((0..UNIVERSE, any::<[i8; DIM]>()), 1..120)
}

fn records() -> impl Strategy<Value = Op> {
    let row = (any::<[i8; DIM]>(), any::<Option<u8>>(), any::<Option<u8>>());
    let put = (proptest::option::weighted(0.5, 0..UNIVERSE), row)
        .prop_map(|(id, (vector, key, meta))| Put { id, row: Row { vector, key, meta } });
    let rows = proptest::collection::vec(put, 1..40);
    (rows, any::<bool>(), any::<bool>(), proptest::bool::weighted(0.8))
        .prop_map(|(rows, keys, meta, replace)| Op::Records { rows, keys, meta, replace })
}

/// Values as the metadata of the model has them, of every kind.
fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        4 => (-2i128..260).prop_map(|n| Literal::Number(Number::Whole(n))),
        2 => (-90i32..260).prop_map(|n| Literal::Number(Number::Real(f64::from(n) / 4.0))),
        1 => any::<bool>().prop_map(Literal::Bool),
        3 => select(vec!["", "a", "ab", "b", "b\"\\\n", "é", "x"]).prop_map(|text| Literal::Text(text.into())),
    ]
}

/// Paths that lead to a value in all rows, in some, and in none.
fn path() -> impl Strategy<Value = Vec<Step>> {
    let names = vec!["n", "n", "n", "even", "pad", "name", "x", "tags", "tags[0]", "tags[2]", "at", "at.lat", "none"];
    select(names).prop_map(|text| vdb::meta::filter::path(text).unwrap())
}

fn check(path: &[Step], kind: usize, literals: Vec<Literal>, or_equal: bool, degrees: (f64, f64)) -> Check {
    let than = literals[0].clone();
    match kind {
        0 | 1 => Check::Less { than, or_equal },
        2 | 3 => Check::Greater { than, or_equal },
        4 => Check::OneOf(literals),
        5 => Check::Contains(than),
        6 => Check::StartsWith(if or_equal { "a".into() } else { "xxxxxxxxxx".into() }),
        7 => {
            let member = |name: &str| [path, &[Step::Member(name.into())]].concat();
            let circle = Circle { latitude: degrees.0, longitude: degrees.1, radius: 5e6 };
            Check::Within { circle, latitude: member("lat"), longitude: member("lon") }
        }
        8 => Check::IsNull,
        _ => Check::Equal(than),
    }
}

fn condition() -> impl Strategy<Value = Expression> {
    let literals = proptest::collection::vec(literal(), 1..5);
    let degrees = (-90.0..90.0f64, -180.0..180.0f64);
    let one =
        (path(), 0usize..11, literals, any::<bool>(), degrees).prop_map(|(path, kind, literals, equal, degrees)| {
            // The only objects there are.
            let path = if kind == 7 { vec![Step::Member("at".into())] } else { path };
            let check = check(&path, kind, literals, equal, degrees);
            Expression::Condition { path, check }
        });
    one.prop_recursive(3, 8, 3, |inner| {
        let several = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(Expression::All),
            several().prop_map(Expression::Any),
            inner.clone().prop_map(|part| Expression::Not(Box::new(part))),
        ]
    })
}

/// What stays while other things happen, and ends some time.
fn kept() -> impl Strategy<Value = Op> {
    let order = prop_oneof![
        1 => Just(Order::Ids),
        2 => (any::<[i8; DIM]>(), any::<bool>()).prop_map(|(query, exact)| Order::Near { query, exact }),
    ];
    let cursor = (order, proptest::option::of(condition()), proptest::option::of(0usize..4))
        .prop_map(|(order, condition, snapshot)| Op::Cursor { order, condition, snapshot });
    prop_oneof![
        3 => Just(Op::Snapshot),
        1 => (0usize..4).prop_map(Op::EndSnapshot),
        3 => cursor,
        5 => (0usize..4, 1usize..4, 1usize..80).prop_map(|(cursor, pages, cap)| Op::Advance { cursor, pages, cap }),
        3 => (condition(), any::<bool>()).prop_map(|(condition, bind)| Op::Ask(condition, bind)),
        1 => Just(Op::Backup),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => records(),
        3 => proptest::collection::vec((0..UNIVERSE, any::<Option<u8>>()), 1..60).prop_map(Op::Meta),
        1 => proptest::collection::vec(any::<u8>(), 1..20).prop_map(Op::DeleteKeys),
        1 => condition().prop_map(Op::DeleteWhere),
        1 => (condition(), any::<Option<u8>>()).prop_map(|(condition, meta)| Op::MetaWhere(condition, meta)),
        4 => rows().prop_map(Op::Insert),
        4 => rows().prop_map(Op::Upsert),
        4 => proptest::collection::vec(0..UNIVERSE, 1..150).prop_map(Op::Delete),
        2 => Just(Op::Settle),
        1 => Just(Op::Checkpoint),
        1 => Just(Op::Reopen),
        10 => kept(),
    ]
}

/// Real files.
struct Directory(tempfile::TempDir);

impl Place for Directory {
    fn storage(&self) -> Box<dyn Storage> {
        Box::new(OsStorage::open(self.0.path().join("db"), true, true).unwrap())
    }

    fn crash(&mut self, kind: Option<CrashKind>, _seed: u64) {
        assert_eq!(kind, None, "real files survive only the death of their process");
    }
}

/// Begins with `filled` rows that have metadata.
fn run(ops: &[Op], scalar: Scalar, chunk_shift: u32, filled: u64) {
    let setup = Setup { scalar, durability: Durability::Process, chunk_shift };
    let mut pair = Pair::new(Directory(tempfile::tempdir().unwrap()), setup);
    let row = |id: u64| Row { vector: [id as i8, (id / 3) as i8, 7, -1], key: None, meta: Some((id * 7) as u8) };
    let rows = (0..filled).map(|id| Put { id: Some(id), row: row(id) }).collect();
    pair.apply(&Op::Records { rows, keys: false, meta: true, replace: false });
    pair.check();
    assert_eq!(pair.has_columns(), filled > 512);
    for op in ops {
        pair.apply(op);
        pair.check();
    }
    pair.apply(&Op::Settle);
    pair.check();
    pair.finish();
    pair.apply(&Op::Reopen);
    pair.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::I8, 6, 0);
    }

    #[test]
    fn floats_on_codes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::F32, 6, 0);
    }

    /// Conditions are asked by columns in chunks with as many rows as these.
    #[test]
    fn columns_agree_with_a_plain_evaluator(ops in proptest::collection::vec(op(), 1..40)) {
        run(&ops, Scalar::I8, 10, 560);
    }
}
