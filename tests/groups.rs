//! Searches for groups beside their plain definition: all rows nearest first, dealt out by the value that they have.

use vdb::{Database, ErrorKind, Filter, Hits, ID_NONE, Options, Outcome, Records, SearchParams, Task, Texts, Vectors};

const DIM: usize = 3;
const ROWS: u64 = 3000;

/// Row i lies at (i * 37 % 3001, 0, 0): all distances differ, and neighbours have far ids.
fn vector(id: u64) -> [f32; DIM] {
    [(id * 37 % 3001) as f32, 0.0, 0.0]
}

/// Many rows of "a" near the beginning, few of "rare"; numbers in two notations; some rows without a value.
fn value(id: u64) -> Option<&'static str> {
    match (vector(id)[0] as u64, id % 9) {
        (0..500, _) => Some("\"a\""),
        (2990.., _) => Some("\"rare\""),
        (_, 0) => None,
        (_, 1) => Some("{\"deep\": 1}"),
        (_, 2) => Some("7"),
        (_, 3) => Some("7.0"),
        (_, 4) => Some("true"),
        _ => Some("\"b\""),
    }
}

/// Values that are equal have one name.
fn name(id: u64) -> Option<&'static str> {
    value(id).map(|value| if value == "7.0" { "7" } else { value }).filter(|value| !value.starts_with('{'))
}

fn database(options: Options) -> Database {
    let db = Database::open(None, &options.dim(DIM as u32)).unwrap();
    let mut ids: Vec<u64> = (0..ROWS).collect();
    let vectors: Vec<f32> = ids.iter().flat_map(|&id| vector(id)).collect();
    let meta: Vec<String> = ids
        .iter()
        .map(|&id| value(id).map_or(String::new(), |value| format!("{{\"in\": {{\"g\": {value}}}, \"n\": {id}}}")))
        .collect();
    let offsets: Vec<u64> = std::iter::once(0)
        .chain(meta.iter().scan(0, |end, text| {
            *end += text.len() as u64;
            Some(*end)
        }))
        .collect();
    let bytes = meta.concat();
    let records = Records { keys: None, meta: Some(Texts::new(bytes.as_bytes(), &offsets).unwrap()) };
    db.insert_records(&mut ids, Vectors::f32(&vectors, DIM).unwrap(), &records, None).unwrap();
    db.wait_indexed(None).unwrap();
    db
}

/// The groups as they are defined.
fn plain(query: f32, groups: usize, per_group: usize, passes: impl Fn(u64) -> bool) -> Vec<Vec<u64>> {
    let mut rows: Vec<(f32, u64)> =
        (0..ROWS).filter(|&id| passes(id)).map(|id| ((vector(id)[0] - query).powi(2), id)).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut found: Vec<(&str, Vec<u64>)> = Vec::new();
    for (name, id) in rows.into_iter().filter_map(|(_, id)| Some((name(id)?, id))) {
        match found.iter().position(|group| group.0 == name) {
            Some(at) if found[at].1.len() < per_group => found[at].1.push(id),
            None if found.len() < groups => found.push((name, vec![id])),
            _ => {}
        }
    }
    found.into_iter().map(|group| group.1).collect()
}

fn search(
    db: &Database,
    (path, query): (&str, f32),
    (groups, per_group): (usize, usize),
    params: &SearchParams,
) -> vdb::Result<(Outcome, Vec<Vec<u64>>)> {
    let places = groups * per_group;
    let (mut ids, mut distances, mut counts) = (vec![5; places], vec![5.0; places], vec![5; groups]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let query = [query, 0.0, 0.0];
    let (outcome, count) = db.search_groups(Vectors::f32(&query, DIM)?, path, per_group, params, hits)?;
    let mut found = Vec::new();
    for (group, &rows) in counts.iter().enumerate() {
        let (from, end) = (group * per_group, group * per_group + rows as usize);
        assert!(ids[end..from + per_group].iter().all(|&id| id == ID_NONE));
        assert!(distances[end..from + per_group].iter().all(|d| *d == f32::INFINITY));
        assert!(distances[from..end].is_sorted() && (group < count) == (end > from));
        found.extend((group < count).then(|| ids[from..end].to_vec()));
    }
    Ok((outcome, found))
}

#[test]
fn groups_are_those_of_the_definition() {
    let exact = SearchParams { exact: true, ..SearchParams::default() };
    for db in [database(Options::new()), database(Options::new().graph_min_rows(1_000_000))] {
        for query in [0.0, 490.0, 1500.0, 3000.0] {
            for (groups, per_group) in [(1, 1), (2, 3), (4, 40), (9, 2), (3, 0), (0, 3)] {
                let found = search(&db, ("`in`.g", query), (groups, per_group), &exact).unwrap();
                let expected = if per_group == 0 { Vec::new() } else { plain(query, groups, per_group, |_| true) };
                assert_eq!(found, (Outcome::Complete, expected), "{query} {groups} {per_group}");
            }
            let filter = Some(Filter::parse("n < 2000 and not `in`.g = 'a'").unwrap());
            let params = SearchParams { filter, ..exact.clone() };
            let found = search(&db, ("`in`.g", query), (3, 4), &params).unwrap().1;
            assert_eq!(found, plain(query, 3, 4, |id| value(id).is_some() && id < 2000 && name(id) != Some("\"a\"")));
        }
        // A walk finds nearly the same: here all rows of a line are easily found.
        let walked = search(&db, ("`in`.g", 1500.0), (3, 2), &SearchParams::default()).unwrap().1;
        assert_eq!(walked, plain(1500.0, 3, 2, |_| true));
    }
}

#[test]
fn what_is_no_path_is_refused_and_a_cancelled_search_is_partial() {
    let db = database(Options::new());
    let params = SearchParams::default();
    for (path, at) in [("", 0), ("`in`.", 5), ("`in`.g = 1", 7), ("and", 0)] {
        let error = search(&db, (path, 0.0), (2, 2), &params).unwrap_err();
        assert_eq!((error.kind(), error.item()), (ErrorKind::FilterSyntax, Some(at)), "{path}: {error}");
    }
    assert_eq!(search(&db, ("nowhere", 0.0), (2, 2), &params).unwrap(), (Outcome::Complete, Vec::new()));
    let task = Task::new();
    task.cancel();
    let params = SearchParams { task: Some(task), ..params };
    assert_eq!(search(&db, ("`in`.g", 0.0), (2, 2), &params).unwrap().0, Outcome::Partial);
}

/// Filters that say the same are asked once, whoever made them, and what they look at is kept within its bounds.
#[test]
fn columns_are_kept_within_their_bounds_and_answers_are_the_same() {
    for bytes in [0, 20_000, 256 << 20] {
        let db = database(Options::new().column_bytes(bytes));
        for round in 0..3 {
            for text in ["`in`.g = 7", "`in`.g = 'b' or n < 100", "n between 5 and 900", "`in`.g is null"] {
                let passing = db.count_passing(&Filter::parse(text).unwrap()).unwrap();
                let expected = (0..ROWS)
                    .filter(|&id| match text {
                        "`in`.g = 7" => name(id) == Some("7"),
                        "`in`.g = 'b' or n < 100" => name(id) == Some("\"b\"") || (value(id).is_some() && id < 100),
                        "n between 5 and 900" => value(id).is_some() && (5..=900).contains(&id),
                        _ => value(id).is_none(),
                    })
                    .count();
                assert_eq!(passing, expected as u64, "{text}, {bytes} bytes, round {round}");
            }
            let kept = db.stats().unwrap().bytes_columns;
            assert!(kept <= bytes && (kept > 0) == (bytes > 0), "{kept} of {bytes}");
        }
    }
}

/// Names are let go when a search goes farther, and so is what was taken for them.
#[test]
fn a_search_that_goes_farther_takes_memory_for_its_groups_once() {
    let db = Database::open(None, &Options::new().dim(DIM as u32).max_memory(64 << 20)).unwrap();
    let mut ids: Vec<u64> = (0..ROWS).collect();
    let vectors: Vec<f32> = ids.iter().flat_map(|&id| [id as f32, 0.0, 0.0]).collect();
    let meta: Vec<String> = ids
        .iter()
        .map(|id| if *id < 9 { format!("{{\"g\": \"{id}{}\"}}", "x".repeat(400_000)) } else { String::new() })
        .collect();
    let ends = meta.iter().scan(0, |end, text| {
        *end += text.len() as u64;
        Some(*end)
    });
    let (bytes, offsets) = (meta.concat(), [0].into_iter().chain(ends).collect::<Vec<u64>>());
    let records = Records { keys: None, meta: Some(Texts::new(bytes.as_bytes(), &offsets).unwrap()) };
    db.insert_records(&mut ids, Vectors::f32(&vectors, DIM).unwrap(), &records, None).unwrap();
    let (outcome, found) = search(&db, ("g", 0.0), (10, 1), &SearchParams::default()).unwrap();
    assert_eq!((outcome, found), (Outcome::Complete, (0..9).map(|id| vec![id]).collect()));
}
