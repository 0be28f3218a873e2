//! Options: limits, names, defaults, and the way into the settings.

use super::*;
use crate::db::ErrorKind;

#[test]
fn the_table_is_ordered_complete_and_its_defaults_are_valid() {
    assert!(OPTIONS.windows(2).all(|w| w[0].id.number() < w[1].id.number()));
    for number in 0..1000 {
        let listed = OPTIONS.iter().any(|o| o.id.number() == number);
        assert_eq!(OptionId::from_number(number).is_some(), listed, "{number}");
    }
    for o in OPTIONS {
        assert!(o.id == OptionId::Dim || o.check(o.default.clone()).is_ok(), "{}", o.name);
        assert!(o.help.ends_with('.') && o.name.contains('.'), "{}", o.name);
    }
}

#[test]
fn defaults_are_what_the_documents_promise() {
    let s = Settings::default();
    assert_eq!((s.dim, s.metric, s.scalar, s.quant), (0, Metric::L2sq, Scalar::F32, Quant::Auto));
    assert_eq!((s.m, s.ef_construction, s.ef_search, s.seed), (16, 200, 64, 42));
    assert_eq!((s.graph_min_rows, s.consolidate_ratio, s.compact_ratio), (2000, 0.1, 0.3));
    assert_eq!((s.create, s.read_only, s.mmap, s.verify_on_open), (true, false, true, false));
    assert_eq!((s.durability, s.wal_limit_bytes, s.threads), (Durability::Full, 256 << 20, 0));
    assert_eq!(s.cache_bytes, 0);
    assert_eq!((s.max_memory, s.slow_query_us, s.log_bytes, s.log_level), (0, 0, 64 << 10, LogLevel::Info));
}

#[test]
fn all_three_ways_to_set_arrive_in_the_settings() {
    let mut o = Options::new().dim(384).metric(Metric::Cosine).create(false);
    o.set_text("schema.scalar", "bf16").unwrap();
    o.set_text("hnsw.m", "32").unwrap();
    o.set_text("storage.mmap", "off").unwrap();
    o.set_text("storage.compact_ratio", "0.5").unwrap();
    o.set_u64(OptionId::Durability.number(), 2).unwrap();
    o.set_f64(OptionId::ConsolidateRatio.number(), 0.25).unwrap();
    o.validate().unwrap();
    let s = o.settings();
    assert_eq!((s.dim, s.metric, s.create, s.scalar), (384, Metric::Cosine, false, Scalar::Bf16));
    assert_eq!((s.m, s.mmap, s.durability), (32, false, Durability::Process));
    assert_eq!((s.compact_ratio, s.consolidate_ratio), (0.5, 0.25));
    assert!(o.is_set(OptionId::Dim) && !o.is_set(OptionId::EfSearch));
    for info in OPTIONS {
        assert_eq!(s.get(info.id), o.get(info.id), "{}", info.name);
    }
}

#[test]
fn a_profile_stands_for_two_numbers_unless_they_are_set() {
    let numbers = |o: &Options| (o.settings().m, o.settings().ef_construction);
    for (name, expected) in [("default", (16, 200)), ("fast", (16, 64)), ("quality", (24, 400))] {
        let mut o = Options::new();
        o.set_text("hnsw.profile", name).unwrap();
        assert_eq!(numbers(&o), expected, "{name}");
        assert_eq!(o.settings().get(OptionId::Profile), o.get(OptionId::Profile), "{name}");
        assert!(o.is_set(OptionId::M) && o.is_set(OptionId::EfConstruction) && !o.is_set(OptionId::EfSearch));
        // In whatever order, what is set by itself counts.
        assert_eq!(numbers(&o.m(40)), (40, expected.1), "{name}");
    }
    let o = Options::new().ef_construction(100).profile(Profile::Quality);
    assert_eq!(numbers(&o), (24, 100));
    assert_eq!(o.settings().get(OptionId::Profile), Value::U64(Profile::Default as u64), "the numbers of none");
}

#[test]
fn limits_hold_on_both_ends_and_a_refused_value_changes_nothing() {
    for info in OPTIONS.iter().filter(|o| o.kind == OptionType::U64) {
        let mut o = Options::new();
        let (&Value::U64(min), &Value::U64(max)) = (&info.min, &info.max) else { unreachable!() };
        o.set_u64(info.id.number(), min).unwrap();
        o.set_u64(info.id.number(), max).unwrap();
        let below = min.checked_sub(1);
        for bad in below.into_iter().chain(max.checked_add(1)) {
            let e = o.set_u64(info.id.number(), bad).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::OutOfRange);
            assert!(e.message().contains(info.name) && e.message().contains(&bad.to_string()), "{e}");
            assert_eq!(o.get(info.id), info.max, "{}", info.name);
        }
    }
    let mut o = Options::new();
    let number = OptionId::CompactRatio.number();
    for bad in [0.049, 1.01, f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(o.set_f64(number, bad).unwrap_err().kind(), ErrorKind::OutOfRange, "{bad}");
    }
    assert_eq!(Options::new().dim(0).validate().unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn limits_in_bytes_are_none_or_large_enough_to_work_with() {
    let least = [(OptionId::MaxMemory, 16 << 20), (OptionId::CacheBytes, 64 << 10), (OptionId::LogBytes, 1 << 10)];
    for (id, least) in least {
        let mut o = Options::new();
        for bad in [1, least - 1] {
            assert_eq!(o.set_u64(id.number(), bad).unwrap_err().kind(), ErrorKind::OutOfRange, "{bad}");
        }
        for good in [0, least] {
            o.set_u64(id.number(), good).unwrap();
            assert_eq!(o.settings().get(id), Value::U64(good));
        }
    }
}

#[test]
fn errors_name_the_option_and_the_way_out() {
    let mut o = Options::new();
    let e = o.set_text("hnsw.ef_serch", "1").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::UnknownOption);
    assert!(e.message().contains("did you mean 'hnsw.ef_search'"), "{e}");
    assert_eq!(o.set_u64(999, 1).unwrap_err().kind(), ErrorKind::UnknownOption);
    assert_eq!(o.set_u64(OptionId::Metric.number(), 7).unwrap_err().kind(), ErrorKind::OutOfRange);
    let e = o.set_text("schema.metric", "cosin").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidArgument);
    assert!(e.message().contains("cosine (3)"), "{e}");
    assert_eq!(o.set_text("hnsw.m", "-3").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(o.set_f64(OptionId::M.number(), 3.0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(o.set_u64(OptionId::CompactRatio.number(), 1).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let e = o.set_text(&"x".repeat(100_000), "1").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::UnknownOption);
    assert!(e.message().len() < 400, "a caller's text is cut");
    assert_eq!(o, Options::new());
}

#[test]
fn a_text_is_checked_when_it_is_set_and_read_back_in_its_plain_form() {
    let mut o = Options::new();
    assert_eq!(o.get(OptionId::Columns), Value::Text("".into()));
    o.set_text("schema.columns", "year  i64,`tags` string[]").unwrap();
    assert_eq!(o.get(OptionId::Columns), Value::Text("tags string[], year i64".into()));
    assert_eq!(o.settings().get(OptionId::Columns), o.get(OptionId::Columns));
    assert_eq!(Options::new().columns("year i64, tags string[]"), o, "the order does not matter");
    let e = o.set_text("schema.columns", "year i64, tags text").unwrap_err();
    assert_eq!((e.kind(), e.item()), (ErrorKind::InvalidArgument, Some(15)));
    assert!(e.message().starts_with("schema.columns: a type should stand here"), "{e}");
    assert!(e.to_string().ends_with("(byte 15)"), "{e}");
    assert_eq!(o.set_u64(OptionId::Columns.number(), 1).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(o.set_f64(OptionId::Columns.number(), 1.0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(Options::new().columns("year").validate().unwrap_err().item(), Some(4));
}
