//! Random operations against a map and brute force: whatever the order of
//! inserts, upserts, deletes, background work, checkpoints and reopening, the
//! database holds exactly the rows of the model (promises P2 - P4, P14).

#[path = "common/pair.rs"]
mod pair;
#[path = "common/texts.rs"]
mod texts;

use pair::{DIM, Op, Pair, Place, Put, Row, UNIVERSE};
use proptest::prelude::*;
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

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => records(),
        3 => proptest::collection::vec((0..UNIVERSE, any::<Option<u8>>()), 1..60).prop_map(Op::Meta),
        1 => proptest::collection::vec(any::<u8>(), 1..20).prop_map(Op::DeleteKeys),
        1 => (0u8..80).prop_map(Op::DeleteBelow),
        1 => (any::<u8>(), any::<Option<u8>>()).prop_map(|(n, meta)| Op::MetaBelow(n, meta)),
        4 => rows().prop_map(Op::Insert),
        4 => rows().prop_map(Op::Upsert),
        4 => proptest::collection::vec(0..UNIVERSE, 1..150).prop_map(Op::Delete),
        2 => Just(Op::Settle),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Reopen),
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

fn run(ops: &[Op], scalar: Scalar) {
    let mut pair = Pair::new(Directory(tempfile::tempdir().unwrap()), scalar, Durability::Process);
    for op in ops {
        pair.apply(op);
        pair.check();
    }
    pair.apply(&Op::Settle);
    pair.check();
    pair.apply(&Op::Reopen);
    pair.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::I8);
    }

    #[test]
    fn floats_on_codes_agree_with_a_map_and_brute_force(ops in proptest::collection::vec(op(), 1..60)) {
        run(&ops, Scalar::F32);
    }
}
