//! The one reader of rows' JSON: given a set of paths, it shows in one pass over the text what lies at each of them.
//!
//! The paths are kept as a tree, through which the reader goes as it goes through the text; so a row is read once however
//! many paths are asked for. It reads up to where the last of them leads, or all of it where the text is to be checked on
//! the way. Nothing is built, and nothing allocated a row but for strings with escapes.

use super::json::{DEPTH_MAX, JsonError, Number, Scalar, Step};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// Where it lies.
    pub path: Vec<Step>,
    /// Whether it is each element of an array that lies there.
    pub elements: bool,
}

/// The lanes that a reader looks at, as a tree of their steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes(Vec<Node>);

/// Of a value that no path leads to, and of the whole text.
const NOWHERE: usize = 0;
const ROOT: usize = 1;

/// A place in the text that paths lead to or through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// The lanes that are shown what lies here, and those that are shown its elements, by their numbers.
    values: Vec<usize>,
    elements: Vec<usize>,
    /// The nodes one step farther on, in order.
    members: Vec<(String, usize)>,
    items: Vec<(usize, usize)>,
    /// Lanes that end here or farther on.
    lanes: usize,
}

impl Node {
    fn member(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    fn item(&self, number: usize) -> Result<usize, usize> {
        self.items.binary_search_by_key(&number, |&(known, _)| known)
    }
}

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes(vec![Node::default(), Node::default()])
    }
}

impl Lanes {
    /// Some lanes; they have the numbers 0, 1 and so on.
    pub fn new<'l>(lanes: impl IntoIterator<Item = &'l Lane>) -> Lanes {
        let mut tree = Lanes::default();
        for (number, lane) in lanes.into_iter().enumerate() {
            let mut at = ROOT;
            tree.0[at].lanes += 1;
            for step in &lane.path {
                at = tree.step(at, step);
                tree.0[at].lanes += 1;
            }
            let node = &mut tree.0[at];
            if lane.elements { &mut node.elements } else { &mut node.values }.push(number);
        }
        tree
    }

    /// The node that a step leads to, a new one where there was none.
    fn step(&mut self, from: usize, step: &Step) -> usize {
        let new = self.0.len();
        let node = &mut self.0[from];
        let found = match step {
            Step::Member(name) => match node.member(name) {
                Ok(place) => node.members[place].1,
                Err(place) => {
                    node.members.insert(place, (name.clone(), new));
                    new
                }
            },
            Step::Element(number) => match node.item(*number) {
                Ok(place) => node.items[place].1,
                Err(place) => {
                    node.items.insert(place, (*number, new));
                    new
                }
            },
        };
        if found == new {
            self.0.push(Node::default());
        }
        found
    }
}

/// Reads one row after the other.
#[derive(Debug)]
pub struct Reader<'l> {
    lanes: &'l Lanes,
    /// The nodes that were met in the row: of several members of one name the first counts.
    met: Vec<bool>,
}

impl<'l> Reader<'l> {
    /// Looks at `lanes`.
    pub fn new(lanes: &'l Lanes) -> Reader<'l> {
        Reader { lanes, met: vec![false; lanes.0.len()] }
    }

    /// Shows `found` what lies in each lane of the object `bytes`, with the number of the lane; of one where nothing lies,
    /// nothing.
    pub fn read(&mut self, bytes: &[u8], found: &mut dyn FnMut(usize, Scalar<'_>)) {
        let mut reading = self.begin(false, found);
        // An error is how it ends before the end of the text; it was checked before it was stored.
        let _ = reading.root().deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    }

    /// The same, and checks that `bytes` are one JSON object. What is shown of others stands for nothing.
    pub fn check(&mut self, bytes: &[u8], found: &mut dyn FnMut(usize, Scalar<'_>)) -> Result<(), JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8(error.valid_up_to()))?;
        let mut reading = self.begin(true, found);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = reading.root().deserialize(&mut deserializer).and_then(|()| deserializer.end());
        read.map_err(|error| JsonError::Syntax(error.to_string()))?;
        if !text.trim_ascii_start().starts_with('{') {
            return Err(JsonError::NoObject);
        }
        if reading.deepest > DEPTH_MAX { Err(JsonError::Depth) } else { Ok(()) }
    }

    fn begin<'r>(&'r mut self, whole: bool, found: &'r mut dyn FnMut(usize, Scalar<'_>)) -> Reading<'r> {
        self.met.fill(false);
        let nodes = &self.lanes.0[..];
        Reading { nodes, met: &mut self.met, found, whole, left: nodes[ROOT].lanes, depth: 0, deepest: 0 }
    }
}

/// One row on the way.
struct Reading<'r> {
    nodes: &'r [Node],
    met: &'r mut [bool],
    found: &'r mut dyn FnMut(usize, Scalar<'_>),
    /// Whether every value must be one: what is passed over unread may have escapes and numbers that stand for nothing.
    whole: bool,
    /// Lanes of which nothing is known yet.
    left: usize,
    depth: usize,
    deepest: usize,
}

impl<'r> Reading<'r> {
    fn root(&mut self) -> At<'_, 'r> {
        At { reading: self, node: ROOT, of: NOWHERE }
    }

    /// Into an object or an array.
    fn enter(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Ends the reading where nothing behind what was found is of interest.
    fn go_on<E: de::Error>(&self) -> Result<(), E> {
        if self.left == 0 && !self.whole { Err(E::custom("found")) } else { Ok(()) }
    }

    /// The node of member `name` of the object at `node`.
    fn member(&mut self, node: usize, name: &str) -> usize {
        let node = &self.nodes[node];
        let Ok(place) = node.member(name) else { return NOWHERE };
        let member = node.members[place].1;
        if std::mem::replace(&mut self.met[member], true) { NOWHERE } else { member }
    }

    /// The node of element `number` of the array at `node`.
    fn item(&self, node: usize, number: usize) -> usize {
        let node = &self.nodes[node];
        node.item(number).map_or(NOWHERE, |place| node.items[place].1)
    }
}

/// The reading of one value.
struct At<'a, 'r> {
    reading: &'a mut Reading<'r>,
    node: usize,
    /// The node of the array that it is an element of.
    of: usize,
}

impl At<'_, '_> {
    /// Shows the value to those who look at it.
    fn show<E: de::Error>(&mut self, value: Scalar<'_>) -> Result<(), E> {
        let Reading { nodes, found, left, .. } = &mut *self.reading;
        let (node, of) = (&nodes[self.node], &nodes[self.of]);
        node.values.iter().chain(&of.elements).for_each(|&lane| found(lane, value));
        *left -= node.values.len();
        self.reading.go_on()
    }
}

/// Of the next value in an object or an array.
impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node == NOWHERE && self.of == NOWHERE && !self.reading.whole {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        let At { reading, node, of } = self;
        // Whatever lies here, all is known then of what paths through here lead to.
        let left = reading.left - reading.nodes[node].lanes;
        deserializer.deserialize_any(At { reading: &mut *reading, node, of })?;
        reading.left = left;
        reading.go_on()
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(mut self, value: bool) -> Result<(), E> {
        self.show(Scalar::Bool(value))
    }

    fn visit_i64<E: de::Error>(mut self, value: i64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Whole(value.into())))
    }

    fn visit_u64<E: de::Error>(mut self, value: u64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Whole(value.into())))
    }

    fn visit_f64<E: de::Error>(mut self, value: f64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Real(value)))
    }

    fn visit_str<E: de::Error>(mut self, value: &str) -> Result<(), E> {
        self.show(Scalar::Text(value))
    }

    fn visit_unit<E: de::Error>(mut self) -> Result<(), E> {
        self.show(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        self.show(Scalar::Array)?;
        let At { reading, node, .. } = self;
        reading.enter();
        let of = if reading.nodes[node].elements.is_empty() { NOWHERE } else { node };
        for number in 0.. {
            let node = reading.item(node, number);
            if sequence.next_element_seed(At { reading: &mut *reading, node, of })?.is_none() {
                break;
            }
        }
        reading.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.show(Scalar::Object)?;
        let At { reading, node, .. } = self;
        reading.enter();
        while let Some(node) = map.next_key_seed(Key { reading: &mut *reading, node })? {
            map.next_value_seed(At { reading: &mut *reading, node, of: NOWHERE })?;
        }
        reading.depth -= 1;
        Ok(())
    }
}

/// The name of the next member, and the node that it leads to from `node`.
struct Key<'a, 'r> {
    reading: &'a mut Reading<'r>,
    node: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        Ok(self.reading.member(self.node, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lane(path: &str, elements: bool) -> Lane {
        let step = |part: &str| part.parse().map_or_else(|_| Step::Member(part.into()), Step::Element);
        Lane { path: path.split('.').filter(|part| !part.is_empty()).map(step).collect(), elements }
    }

    /// What the reader shows of each lane, in words.
    fn shown(text: &str, lanes: &[Lane]) -> Vec<Vec<String>> {
        let lanes = Lanes::new(lanes);
        let mut shown = vec![Vec::new(); lanes.0[ROOT].lanes];
        Reader::new(&lanes).read(text.as_bytes(), &mut |lane, value| shown[lane].push(format!("{value:?}")));
        shown
    }

    fn check(bytes: &[u8]) -> Result<(), JsonError> {
        Reader::new(&Lanes::default()).check(bytes, &mut |_, _| panic!("no lane"))
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let text =
            r#" {"a": {"b": [1, {"c": "x\ny"}, 2.5]}, "n": null, "t": true, "a": 9, "big": 18446744073709551615} "#;
        let expected = [
            ("a.b.0", "Number(Whole(1))"),
            ("a.b.1.c", "Text(\"x\\ny\")"),
            ("a.b.2", "Number(Real(2.5))"),
            ("a.b.3", ""),
            ("a.b", "Array"),
            ("a", "Object"),
            ("a.c", ""),
            ("t.x", ""),
            ("t", "Bool(true)"),
            ("n", "Null"),
            ("nothing", ""),
            ("big", "Number(Whole(18446744073709551615))"),
        ];
        for (path, value) in expected {
            assert_eq!(shown(text, &[lane(path, false)])[0].join(" "), value, "{path}");
        }
        let all = shown(text, &expected.map(|(path, _)| lane(path, false)));
        assert_eq!(all.iter().map(|values| values.join(" ")).collect::<Vec<_>>(), expected.map(|(_, value)| value));
        let elements = ["a.b", "t", "a"].map(|path| lane(path, true));
        assert_eq!(shown(text, &elements), [vec!["Number(Whole(1))", "Object", "Number(Real(2.5))"], vec![], vec![]]);
    }

    #[test]
    fn reading_ends_where_the_last_path_leads() {
        let broken = r#"{"a": 1, "b": {"c": 2, "d": [3, 4]}, what is this"#;
        let lanes = [lane("b.d", true), lane("a", false), lane("b.c", false)];
        assert_eq!(
            shown(broken, &lanes),
            [vec!["Number(Whole(3))", "Number(Whole(4))"], vec!["Number(Whole(1))"], vec!["Number(Whole(2))"]]
        );
        let lanes = Lanes::new(&lanes);
        assert!(matches!(Reader::new(&lanes).check(broken.as_bytes(), &mut |_, _| {}), Err(JsonError::Syntax(_))));
        for cut in [r#"{"a": 1, "x""#, r#"{"a": {what"#, r#"{"a": [what"#] {
            assert_eq!(shown(cut, &[lane("a", false)])[0].len(), 1, "{cut}");
        }
    }

    #[test]
    fn only_objects_are_stored() {
        for good in ["{}", " {\"a\":1}\n", "{\"\":[[]]}", r#"{"a":"\"{[\\"}"#] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            "[]",
            "1",
            "{",
            "{}{}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":1,}",
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":[1e999]}"#,
            "{\"a\":-}",
            "{'a':1}",
            "null",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(check(b"{\"a\":\"\xff\"}"), Err(JsonError::Utf8(6)));
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(check(nested(DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(check(nested(DEPTH_MAX + 1).as_bytes()), Err(JsonError::Depth));
        let beside = format!("{{\"a\":[{}]}}", vec!["[{}]"; 2 * DEPTH_MAX].join(","));
        assert_eq!(check(beside.as_bytes()), Ok(()), "one beside the other");
        assert!(check(nested(1_000_000).as_bytes()).is_err(), "no stack overflow");
    }

    /// A value as it is written, with names that may come twice.
    #[derive(Clone, Debug)]
    enum Plain {
        Leaf(&'static str),
        Array(Vec<Plain>),
        Object(Vec<(&'static str, Plain)>),
    }

    impl Plain {
        fn text(&self) -> String {
            match self {
                Plain::Leaf(text) => (*text).into(),
                Plain::Array(items) => format!("[{}]", items.iter().map(Plain::text).collect::<Vec<_>>().join(", ")),
                Plain::Object(members) => {
                    let member = |(name, value): &(&str, Plain)| format!("\"{name}\": {}", value.text());
                    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
                }
            }
        }

        fn shown(&self) -> String {
            let mut shown = String::new();
            let lanes = Lanes::new([&lane("a", false)]);
            let text = format!("{{\"a\": {}}}", self.text());
            Reader::new(&lanes).read(text.as_bytes(), &mut |_, value| shown = format!("{value:?}"));
            shown
        }

        /// One step after the other.
        fn at(&self, path: &[Step]) -> Option<&Plain> {
            path.iter().try_fold(self, |at, step| match (at, step) {
                (Plain::Object(members), Step::Member(name)) => {
                    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
                }
                (Plain::Array(items), Step::Element(number)) => items.get(*number),
                _ => None,
            })
        }

        fn lane(&self, lane: &Lane) -> Vec<String> {
            match (self.at(&lane.path), lane.elements) {
                (Some(Plain::Array(items)), true) => items.iter().map(Plain::shown).collect(),
                (Some(value), false) => vec![value.shown()],
                _ => Vec::new(),
            }
        }
    }

    fn plain() -> impl Strategy<Value = Plain> {
        let leaves = vec!["null", "true", "7", "-1", "0.5", "\"x\"", "\"\\\"{\\u0041[\"", "1e300"];
        let leaf = prop::sample::select(leaves).prop_map(Plain::Leaf);
        leaf.prop_recursive(4, 24, 4, |inner| {
            let member = (prop::sample::select(vec!["a", "b", "c"]), inner.clone());
            prop_oneof![
                2 => proptest::collection::vec(inner, 0..4).prop_map(Plain::Array),
                3 => proptest::collection::vec(member, 0..5).prop_map(Plain::Object),
            ]
        })
    }

    fn lanes() -> impl Strategy<Value = Vec<Lane>> {
        let lane = ("[abc](\\.[abc012]){0,3}", any::<bool>()).prop_map(|(path, elements)| lane(&path, elements));
        proptest::collection::vec(lane, 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// All lanes in one pass, each by itself, and step by step through the value that the text was written from.
        #[test]
        fn many_lanes_are_read_like_one(
            members in proptest::collection::vec((prop::sample::select(vec!["a", "b", "c"]), plain()), 0..5),
            lanes in lanes(),
        ) {
            let row = Plain::Object(members);
            let text = row.text();
            let expected: Vec<Vec<String>> = lanes.iter().map(|lane| row.lane(lane)).collect();
            prop_assert_eq!(&shown(&text, &lanes), &expected, "{}", text);
            let alone: Vec<Vec<String>> = lanes.iter().flat_map(|lane| shown(&text, std::slice::from_ref(lane))).collect();
            prop_assert_eq!(&alone, &expected, "{}", text);
            let tree = Lanes::new(&lanes);
            let mut reader = Reader::new(&tree);
            for _ in 0..2 {
                let mut checked = vec![Vec::new(); lanes.len()];
                let sound = reader.check(text.as_bytes(), &mut |lane, value| checked[lane].push(format!("{value:?}")));
                prop_assert_eq!((sound, &checked), (Ok(()), &expected), "{}", text);
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60), lanes in lanes()) {
            let _ = check(&bytes);
            let lanes = Lanes::new(&lanes);
            Reader::new(&lanes).read(&bytes, &mut |_, _| {});
            let _ = Reader::new(&lanes).check(&bytes, &mut |_, _| {});
        }
    }
}
