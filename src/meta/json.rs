//! One JSON object a row: checked once on the way in, then read where it lies.
//!
//! Objects are kept as the bytes they came as. To look a member up, the text is read from the
//! front up to the member; nothing is built, and nothing allocated but for strings with escapes.

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cmp::Ordering;
use std::fmt;

/// Objects and arrays inside one another.
const DEPTH_MAX: usize = 100;

/// Why bytes are not an object that can be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not UTF-8, from this byte on.
    #[error("not UTF-8 at byte {0}")]
    Utf8(usize),
    /// Not JSON.
    #[error("{0}")]
    Syntax(String),
    /// JSON, but of another kind.
    #[error("a row's metadata must be a JSON object: {{...}}")]
    NoObject,
    /// Objects and arrays too deep inside one another.
    #[error("nested deeper than the limit of {DEPTH_MAX}")]
    Depth,
}

/// Checks that `bytes` are one JSON object.
pub fn check_object(bytes: &[u8]) -> Result<(), JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8(error.valid_up_to()))?;
    serde_json::from_str::<Sound>(text).map_err(|error| JsonError::Syntax(error.to_string()))?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(JsonError::NoObject);
    }
    if depth(bytes) > DEPTH_MAX { Err(JsonError::Depth) } else { Ok(()) }
}

/// A value all of which can be read: what is passed over unread may have escapes and numbers that stand for nothing.
struct Sound;

impl<'de> de::Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sound, D::Error> {
        deserializer.deserialize_any(Sound)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Sound;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Sound, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Sound, A::Error> {
        while sequence.next_element::<Sound>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
        while map.next_key_seed(Named(""))?.is_some() {
            map.next_value::<Sound>()?;
        }
        Ok(self)
    }
}

/// How deep the objects and arrays of a valid text lie inside one another.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// A number as JSON writes it: compared by its value, whatever the notation.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Of at most 64 bits.
    Whole(i128),
    /// Any other; never NaN.
    Real(f64),
}

/// The f64 that whole numbers of 64 bits may be equal to: from -2^63 on, below 2^64.
const WHOLE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0;

impl Number {
    /// Exact: no rounding of large whole numbers.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => a.cmp(&b),
            (Number::Real(a), Number::Real(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Number::Whole(a), Number::Real(b)) => compare_mixed(a, b),
            (Number::Real(a), Number::Whole(b)) => compare_mixed(b, a).reverse(),
        }
    }

    /// The whole number of at most 64 bits that it is equal to, whatever its notation.
    pub fn whole(self) -> Option<i128> {
        match self {
            Number::Whole(whole) => Some(whole),
            Number::Real(real) => (real.fract() == 0.0 && WHOLE.contains(&real)).then_some(real as i128),
        }
    }

    /// The nearest f64.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }
}

/// A whole number of at most 65 bits against any f64 but NaN.
fn compare_mixed(whole: i128, real: f64) -> Ordering {
    // Saturates where it does not fit, far beyond any whole number there is.
    let floor = real.floor() as i128;
    whole.cmp(&floor).then(if real.fract() == 0.0 { Ordering::Equal } else { Ordering::Less })
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, without its escapes.
    Text(&'a str),
    /// An array, which equals nothing.
    Array,
    /// An object, which equals nothing.
    Object,
}

/// A step into an object or an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The member of this name; of several the first.
    Member(String),
    /// The element of this number, from 0 on.
    Element(usize),
}

/// Shows `found` what lies at `path` in the object `bytes`; nothing there is [`Scalar::Null`].
pub fn at_path(bytes: &[u8], path: &[Step], found: &mut dyn FnMut(Scalar<'_>)) {
    let mut met = false;
    let mut show = |value: Scalar<'_>| {
        met = true;
        found(value);
    };
    seek(bytes, Seek { path, wanted: Wanted::Value, found: &mut show });
    if !met {
        found(Scalar::Null);
    }
}

/// Shows `found` each element of the array at `path` in the object `bytes`; where there is no array, nothing.
pub fn elements_at_path(bytes: &[u8], path: &[Step], found: &mut dyn FnMut(Scalar<'_>)) {
    seek(bytes, Seek { path, wanted: Wanted::Elements, found });
}

fn seek(bytes: &[u8], seek: Seek<'_, '_>) {
    // An error is how it ends before the end of the text; it was checked before it was stored.
    let _ = seek.deserialize(&mut serde_json::Deserializer::from_slice(bytes));
}

/// On the way to the end of a path.
struct Seek<'p, 'f> {
    path: &'p [Step],
    wanted: Wanted,
    found: &'f mut dyn FnMut(Scalar<'_>),
}

/// What of the end of a path is shown.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Value,
    Elements,
    /// The value, and the reading goes on behind it.
    Element,
}

impl Seek<'_, '_> {
    fn show(self, value: Scalar<'_>) {
        if self.path.is_empty() && self.wanted != Wanted::Elements {
            (self.found)(value);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Ends the reading: nothing behind what was found is of interest.
fn enough<E: de::Error>() -> Result<(), E> {
    Err(E::custom("found"))
}

impl<'de> Visitor<'de> for Seek<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.show(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Whole(value.into())));
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Whole(value.into())));
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.show(Scalar::Number(Number::Real(value)));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.show(Scalar::Text(value));
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.show(Scalar::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        match self.path.split_first() {
            None if self.wanted == Wanted::Elements => {
                let Seek { path, found, .. } = self;
                while sequence.next_element_seed(Seek { path, wanted: Wanted::Element, found: &mut *found })?.is_some()
                {
                }
            }
            None => {
                let goes_on = self.wanted == Wanted::Element;
                self.show(Scalar::Array);
                while goes_on && sequence.next_element::<IgnoredAny>()?.is_some() {}
                return if goes_on { Ok(()) } else { enough() };
            }
            Some((Step::Element(number), path)) => {
                for _ in 0..*number {
                    if sequence.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(());
                    }
                }
                sequence.next_element_seed(Seek { path, ..self })?;
            }
            Some((Step::Member(_), _)) => {}
        }
        enough()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.path.split_first() {
            None => {
                let goes_on = self.wanted == Wanted::Element;
                self.show(Scalar::Object);
                while goes_on && map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return if goes_on { Ok(()) } else { enough() };
            }
            Some((Step::Member(name), path)) => {
                while let Some(is_it) = map.next_key_seed(Named(name))? {
                    if is_it {
                        map.next_value_seed(Seek { path, ..self })?;
                        return enough();
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                return Ok(());
            }
            Some((Step::Element(_), _)) => {}
        }
        enough()
    }
}

/// Whether a key is this name.
struct Named<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }
    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(path: &str) -> Vec<Step> {
        let step = |part: &str| part.parse().map_or_else(|_| Step::Member(part.into()), Step::Element);
        path.split('.').filter(|part| !part.is_empty()).map(step).collect()
    }

    fn found(text: &str, path: &str) -> String {
        let mut result = String::new();
        at_path(text.as_bytes(), &steps(path), &mut |value| result = format!("{value:?}"));
        result
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let text =
            r#" {"a": {"b": [1, {"c": "x\ny"}, 2.5]}, "n": null, "t": true, "a": 9, "big": 18446744073709551615} "#;
        for (path, expected) in [
            ("a.b.0", "Number(Whole(1))"),
            ("a.b.1.c", "Text(\"x\\ny\")"),
            ("a.b.2", "Number(Real(2.5))"),
            ("a.b.3", "Null"),
            ("a.b", "Array"),
            ("a", "Object"),
            ("a.c", "Null"),
            ("t.x", "Null"),
            ("t", "Bool(true)"),
            ("n", "Null"),
            ("nothing", "Null"),
            ("big", "Number(Whole(18446744073709551615))"),
        ] {
            assert_eq!(found(text, path), expected, "{path}");
        }
        let mut all = Vec::new();
        elements_at_path(text.as_bytes(), &steps("a.b"), &mut |value| all.push(format!("{value:?}")));
        assert_eq!(all, ["Number(Whole(1))", "Object", "Number(Real(2.5))"]);
        elements_at_path(text.as_bytes(), &steps("t"), &mut |_| panic!("no array"));
    }

    #[test]
    fn only_objects_are_stored() {
        for good in ["{}", " {\"a\":1}\n", "{\"\":[[]]}", r#"{"a":"\"{[\\"}"#] {
            assert_eq!(check_object(good.as_bytes()), Ok(()), "{good}");
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
            assert!(check_object(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(check_object(b"{\"a\":\"\xff\"}"), Err(JsonError::Utf8(6)));
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(check_object(nested(DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(check_object(nested(DEPTH_MAX + 1).as_bytes()), Err(JsonError::Depth));
        assert!(check_object(nested(1_000_000).as_bytes()).is_err(), "no stack overflow");
    }

    #[test]
    fn numbers_compare_by_value() {
        use Number::{Real, Whole};
        let ascending = [
            Real(f64::NEG_INFINITY),
            Real(-1e300),
            Whole(i64::MIN.into()),
            Real(-1.5),
            Whole(-1),
            Real(0.0),
            Real(0.5),
            Whole(1),
            Whole((1 << 53) + 1),
            Real(9007199254740994.0),
            Whole(u64::MAX.into()),
            Real(1e300),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(a.compare(*b), i.cmp(&j), "{a:?} and {b:?}");
            }
        }
        assert!(Whole(3) == Real(3.0) && Real(-0.0) == Whole(0) && Real(-0.0) == Real(0.0) && Real(0.0) == Real(-0.0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60), path in "[a-c0-2]{1}(\\.[a-c0-2]){0,3}") {
            let _ = check_object(&bytes);
            at_path(&bytes, &steps(&path), &mut |_| {});
            elements_at_path(&bytes, &steps(&path), &mut |_| {});
        }
    }
}
