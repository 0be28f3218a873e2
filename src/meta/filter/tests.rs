//! The language as its documentation has it, and against a plain evaluator over built values.

use super::*;
use crate::meta::column::Column;
use crate::meta::{Lane, Lanes};
use crate::util::memory::AllocError;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

fn holds(text: &str, row: &Value) -> bool {
    Parsed::new(text).unwrap().bind(None).unwrap().holds(row.to_string().as_bytes())
}

fn row() -> Value {
    json!({
        "name": "Grüße", "n": 3, "x": 2.5, "yes": true, "no": false, "nothing": null, "tags": ["a", "b", 7, null],
        "deep": {"er": [{"k": "v"}]}, "a.b": 1, "and": 2, "at": {"lat": 52.52, "lon": 13.405}, "big": 9007199254740993u64,
    })
}

#[test]
fn conditions_hold_as_documented() {
    let row = row();
    for text in [
        "name = 'Grüße'",
        "name = \"Gr\\u00fc\\u00dfe\"",
        "name != 'x'",
        "n = 3",
        "n = 3.0",
        "n == 3",
        "n <> 4",
        "n < 3.5",
        "n <= 3",
        "n > -1",
        "n >= 3",
        "x = 2.5",
        "x = 25e-1",
        "yes",
        "yes = true",
        "not no",
        "no = false",
        "no != true",
        "nothing is null",
        "missing is null",
        "n is not null",
        "missing != 1",
        "not missing = 1",
        "missing not in (1)",
        "n in (1, 2, 3)",
        "name in ('x', 'Grüße', 4, true)",
        "n not in ()",
        "yes in (true)",
        "n between 3 and 4",
        "n not between 4 and 9",
        "name between 'A' and 'H'",
        "tags contains 'a'",
        "tags contains 7",
        "tags not contains 'c'",
        "name not contains 'G'",
        "name starts with 'Gr'",
        "name starts with ''",
        "n not starts with '3'",
        "deep.er[0].k = 'v'",
        "deep.er[1].k is null",
        "deep is not null",
        "deep != 1",
        "`a.b` = 1",
        "`and` = 2",
        "AND_ is null",
        "n = 3 AND x = 2.5 Or no",
        "no and no or yes",
        "no and (no or yes) or n = 3",
        "not (no or no)",
        "at within 52.5 13.4 3000",
        "not at within 52.5 13.4 100",
        "at not within 48.1 11.6 400e3",
        "at within 48.1 11.6 600e3",
        "big = 9007199254740993",
        "big != 9007199254740992",
        "big > 9007199254740992.0",
        "not not yes",
        "n\n=\t3",
        "at.lat > 52",
        "tags[1] = 'b'",
        "tags is not null",
        "tags != 'a'",
    ] {
        assert!(holds(text, &row), "{text}");
    }
    for text in [
        "name = 'grüße'",
        "n = '3'",
        "n < '4'",
        "n = true",
        "yes = 1",
        "yes < true",
        "yes >= false",
        "yes <= true",
        "name > 3",
        "no",
        "nothing",
        "missing",
        "nothing = 0",
        "missing < 1",
        "missing not between 1 and 2 and n = 4",
        "n in ()",
        "n in ('3')",
        "nothing in (0)",
        "tags = 'a'",
        "tags contains 8",
        "tags starts with 'a'",
        "name contains 'G'",
        "missing contains 1",
        "deep = 'x'",
        "n between 4 and 3",
        "n within 1 1 1",
        "yes and no",
        "name starts with 'r'",
        "big = 9007199254740992",
    ] {
        assert!(!holds(text, &row), "{text}");
    }
    assert!(!holds("n = 1", &json!({})) && holds("n is null", &json!({})));
    assert!(!Parsed::new("n = 1").unwrap().bind(None).unwrap().holds(b""), "no object is like an empty one");
}

#[test]
fn errors_name_the_byte_and_what_to_write() {
    for (text, at, part) in [
        ("", 0, "name of a member"),
        ("n = ", 4, "the end"),
        ("n = null", 4, "is null"),
        ("n != null", 5, "is not null"),
        ("n 3", 2, "`and`, `or`, the end or, after a path, a comparison"),
        ("(n = 1", 6, "`)`"),
        ("n = 1)", 5, "`)`"),
        ("n in 3", 5, "`(`"),
        ("n in (1 2)", 8, "`,`"),
        ("n in (1,)", 8, "a string, a number"),
        ("n between 1 or 2", 12, "`and`"),
        ("n is 3", 5, "`null`"),
        ("n not = 3", 6, "`in`"),
        ("n not is null", 6, "`in`"),
        ("a[b] = 1", 2, "element"),
        ("a[-1] = 1", 2, "element"),
        ("a[1 = 1", 4, "`]`"),
        ("a. = 1", 3, "name of a member"),
        ("in = 1", 0, "backticks"),
        ("n starts 'x'", 9, "`with`"),
        ("n starts with 3", 14, "string"),
        ("n within 91 0 1", 9, "latitude"),
        ("n within 0 181 1", 11, "longitude"),
        ("n within 0 0 -1", 13, "radius"),
        ("n = 'x", 4, "closing"),
        ("3 = n", 0, "name of a member"),
        ("n = 1 and", 9, "the end"),
        ("tags contains null_", 14, "a string, a number"),
    ] {
        let error = Parsed::new(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
    let deep = |depth: usize| format!("{}n{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Parsed::new(&deep(DEPTH_MAX)).is_ok());
    assert!(Parsed::new(&deep(DEPTH_MAX + 1)).unwrap_err().message.contains("limit of 64"));
    assert!(Parsed::new(&"not ".repeat(10_000)).unwrap_err().message.contains("limit"));
    assert!(Parsed::new(&" ".repeat(TEXT_MAX + 1)).unwrap_err().message.contains("limit"));
}

#[test]
fn parameters_take_values() {
    let parsed =
        Parsed::new("n = $1 and (name starts with $2 or tags contains $2) and n in $3 and at within $4 $5 $6").unwrap();
    assert_eq!(parsed.parameters(), 6);
    let values = br#"[3, "Gr", [1, 3, "x"], 52.5, 13.4, 5000]"#;
    assert!(parsed.bind(Some(values)).unwrap().holds(row().to_string().as_bytes()));
    for (values, at, part) in [
        (&b"[1]"[..], 0, "1 values for 6"),
        (b"[3, 4, [1], 1, 1, 1]", 29, "string"),
        (b"[[3], \"x\", [1], 1, 1, 1]", 4, "single value"),
        (b"[3, \"x\", 1, 1, 1, 1]", 62, "a list"),
        (b"[3, \"x\", [[1]], 1, 1, 1]", 62, "single values"),
        (b"[3, \"x\", [1], 100, 1, 1]", 79, "latitude"),
        (b"{}", 0, "JSON array"),
        (b"[null]", 0, "a value is a string, a number, true or false"),
    ] {
        let error = parsed.bind(Some(values)).unwrap_err();
        assert_eq!(
            (error.at, error.message.contains(part)),
            (at, true),
            "{}: {error}",
            String::from_utf8_lossy(values)
        );
    }
    assert!(parsed.bind(None).unwrap_err().message.contains("0 values for 6"));
    assert!(Parsed::new("n = 1").unwrap().bind(Some(b"[1]")).unwrap_err().message.contains("1 values for 0"));
}

#[test]
fn circles_are_right_at_the_poles_and_the_date_line() {
    let circle = |latitude, longitude, radius| Circle { latitude, longitude, radius };
    assert!(circle(89.9, 0.0, 25_000.0).holds_at(89.9, 180.0) && !circle(89.9, 0.0, 20_000.0).holds_at(89.9, 180.0));
    assert!(
        circle(0.0, 179.95, 12_000.0).holds_at(0.0, -179.95) && !circle(0.0, 179.95, 11_000.0).holds_at(0.0, -179.95)
    );
    // Half the way round.
    assert!(
        circle(0.0, 0.0, 20_015_200.0).holds_at(0.0, 180.0) && !circle(0.0, 0.0, 20_015_000.0).holds_at(0.0, 180.0)
    );
    assert!(circle(10.0, 20.0, 0.0).holds_at(10.0, 20.0));
    // Berlin to Munich: 504 km.
    assert!(
        circle(52.52, 13.405, 505e3).holds_at(48.137, 11.575) && !circle(52.52, 13.405, 503e3).holds_at(48.137, 11.575)
    );
}

type Holds = dyn Fn(&Value) -> bool;

/// A condition as text and as a function of a built value.
#[derive(Clone)]
struct Plain {
    text: String,
    holds: Rc<Holds>,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn plain(text: String, holds: impl Fn(&Value) -> bool + 'static) -> Plain {
    Plain { text, holds: Rc::new(holds) }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) if a == b => Some(Ordering::Equal),
        _ => None,
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3i64..4).prop_map(Value::from),
        (-3i64..4).prop_map(|n| Value::from(n as f64 / 2.0)),
        // Few of these are written with the digits of a nearby one.
        prop::sample::select(vec![0.1, 449.49106478873813, 1.7976931348623157e308, 5e-324, -123456789.12345679])
            .prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[ab']{0,2}".prop_map(Value::from),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![5 => value(), 1 => Just(Value::Null)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn condition() -> impl Strategy<Value = Plain> {
    let path = proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c"), Just("[0]"), Just("[1]")], 0..3);
    ("[abc]", path, 0usize..11, proptest::collection::vec(value(), 2..4)).prop_map(|(first, path, kind, values)| {
        let mut text = first.clone();
        let mut pointer = format!("/{first}");
        for step in path {
            let element = step.starts_with('[');
            text += &if element { step.to_string() } else { format!(".{step}") };
            pointer += &format!("/{}", step.trim_matches(['[', ']']));
        }
        // Numbers lead to elements of arrays only.
        let get = move |row: &Value| -> Value {
            let mut at = row.clone();
            for part in pointer.split('/').skip(1) {
                at = match (&at, part.parse::<usize>()) {
                    (Value::Array(items), Ok(i)) => items.get(i).cloned().unwrap_or_default(),
                    (Value::Object(members), Err(_)) => members.get(part).cloned().unwrap_or_default(),
                    _ => Value::Null,
                };
            }
            at
        };
        let literal = |v: &Value| v.to_string();
        let (a, b) = (values[0].clone(), values[1].clone());
        let boolean = a.is_boolean();
        let (sign, test): (String, Box<Holds>) = match kind {
            0 => (format!("= {}", literal(&a)), Box::new(move |v| compare(v, &a) == Some(Ordering::Equal))),
            1 => (format!("!= {}", literal(&a)), Box::new(move |v| compare(v, &a) != Some(Ordering::Equal))),
            2 => (format!("< {}", literal(&a)), Box::new(move |v| compare(v, &a) == Some(Ordering::Less))),
            3 => (
                format!(">= {}", literal(&a)),
                Box::new(move |v| !boolean && compare(v, &a).is_some_and(Ordering::is_ge)),
            ),
            4 => (
                format!("in ({})", values.iter().map(literal).collect::<Vec<_>>().join(",")),
                Box::new(move |v| values.iter().any(|x| compare(v, x) == Some(Ordering::Equal))),
            ),
            5 => (
                format!("between {} and {}", literal(&a), literal(&b)),
                Box::new(move |v| {
                    !a.is_boolean()
                        && !b.is_boolean()
                        && compare(v, &a).is_some_and(Ordering::is_ge)
                        && compare(v, &b).is_some_and(Ordering::is_le)
                }),
            ),
            6 => ("is null".into(), Box::new(Value::is_null)),
            7 => ("is not null".into(), Box::new(|v| !v.is_null())),
            8 => (
                format!("contains {}", literal(&a)),
                Box::new(move |v| {
                    v.as_array().is_some_and(|all| all.iter().any(|x| compare(x, &a) == Some(Ordering::Equal)))
                }),
            ),
            9 => ("starts with 'a'".into(), Box::new(|v| v.as_str().is_some_and(|s| s.starts_with('a')))),
            _ => (String::new(), Box::new(|v| *v == Value::Bool(true))),
        };
        plain(format!("{text} {sign}"), move |row| test(&get(row)))
    })
}

fn expression() -> impl Strategy<Value = Plain> {
    condition().prop_recursive(4, 16, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        let joined = |word: &'static str| {
            move |parts: &Vec<Plain>| parts.iter().map(|p| format!("({})", p.text)).collect::<Vec<_>>().join(word)
        };
        let (and, or) = (joined(" and "), joined(" OR "));
        prop_oneof![
            several.clone().prop_map(move |parts| plain(and(&parts), move |row| parts.iter().all(|p| (p.holds)(row)))),
            several.prop_map(move |parts| plain(or(&parts), move |row| parts.iter().any(|p| (p.holds)(row)))),
            inner.prop_map(|part| plain(format!("not ({})", part.text), move |row| !(part.holds)(row))),
        ]
    })
}

/// Columns of some rows, made when they are asked for; of more rows where that must not matter.
struct Rows<'a>(&'a [Value]);

impl Columns for Rows<'_> {
    type Error = AllocError;

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn column(&self, lane: &Lane) -> Result<Arc<Column>, AllocError> {
        let texts: Vec<String> = self.0.iter().chain(&self.0[..1]).map(Value::to_string).collect();
        let rows = texts.iter().map(|text| text.as_bytes());
        Ok(Arc::new(Column::read(&[(lane, None)], rows, &mut |_| Ok(()))?.remove(0)))
    }

    fn known(&self, lane: &Lane) -> Option<Arc<Column>> {
        self.column(lane).ok()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn agrees_with_a_plain_evaluator(
        plain in expression(),
        rows in proptest::collection::vec(proptest::collection::btree_map("[abc]", any_value(), 0..4), 1..6),
    ) {
        let rows: Vec<Value> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
        for row in &rows {
            prop_assert_eq!(holds(&plain.text, row), (plain.holds)(row), "{} of {}", plain.text, row);
        }
        let expression = Parsed::new(&plain.text).unwrap().bind(None).unwrap();
        let lanes = Lanes::new(&expression.lanes());
        let mut by_row = ByRow::new(&expression, &lanes);
        for row in &rows {
            prop_assert_eq!(by_row.holds(row.to_string().as_bytes()), (plain.holds)(row), "{} of {}", plain.text, row);
        }
        let marked = expression.mark(&Rows(&rows)).unwrap();
        let all = rows.iter().enumerate().map(|(i, row)| ((plain.holds)(row) as u64) << i).sum::<u64>();
        prop_assert_eq!(marked, [all], "{} by columns", plain.text);
    }

    #[test]
    fn any_text_is_read_without_harm(text in "[ -~é]{0,40}|([a-c]|and|or|not|in|=|<|\\(|\\)|'|\\$1|1|\\.|\\[|\\]| ){0,25}") {
        match Parsed::new(&text) {
            Ok(parsed) => {
                let values = format!("[{}]", vec!["1"; parsed.parameters()].join(","));
                if let Ok(expression) = parsed.bind(Some(values.as_bytes())) {
                    expression.holds(b"{\"a\":1}");
                }
            }
            Err(error) => prop_assert!(text.is_char_boundary(error.at) && !error.message.is_empty()),
        }
    }
}
