//! Columns that were declared when a database was created: which type the value at a path has, in
//! every row that has one.
//!
//! A declaration is a promise about what is stored, kept where metadata comes in. Filters go by the values
//! themselves, so that they say the same of a declared path and of any other.

use super::filter::{SyntaxError, TEXT_MAX, declarations, path_text};
use super::json::{JsonError, Number, Scalar, Step};
use super::read::{Lane, Lanes, Reader};
use std::fmt;

/// Columns that can be declared.
pub const COLUMNS_MAX: usize = 256;
/// Characters of a value that a message shows.
const SHOWN: usize = 40;
/// The first and the last millisecond of the years 1 to 9999: what counts in other units is mostly outside.
const TIMES: std::ops::RangeInclusive<i128> = -62_135_596_800_000..=253_402_300_799_999;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Strings.
    Text,
    /// Whole numbers of 64 bits, in any notation.
    Whole,
    /// Numbers.
    Real,
    /// `true` and `false`.
    Bool,
    /// Whole milliseconds since 1970-01-01 UTC.
    Timestamp,
    /// Arrays of strings.
    Texts,
    /// Objects with `lat` and `lon` in degrees.
    Point,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] =
        [Kind::Text, Kind::Whole, Kind::Real, Kind::Bool, Kind::Timestamp, Kind::Texts, Kind::Point];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "string",
            Kind::Whole => "i64",
            Kind::Real => "f64",
            Kind::Bool => "bool",
            Kind::Timestamp => "timestamp",
            Kind::Texts => "string[]",
            Kind::Point => "geo",
        }
    }

    /// What it stands for, where the name does not say so.
    const fn meaning(self) -> &'static str {
        match self {
            Kind::Text | Kind::Bool => "",
            Kind::Whole => " (a whole number from -2^63 to 2^63 - 1)",
            Kind::Real => " (a number)",
            Kind::Timestamp => " (whole milliseconds since 1970-01-01 UTC, within the years 1 to 9999)",
            Kind::Texts => " (an array of strings)",
            Kind::Point => " (an object with lat from -90 to 90 and lon from -180 to 180)",
        }
    }
}

/// One declared column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Where its values lie.
    pub path: Vec<Step>,
    /// What they are.
    pub kind: Kind,
}

/// The declared columns of a database, by the texts of their paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declarations {
    columns: Vec<Declared>,
    /// What is looked at in a row: one lane or more of each column, and what must lie there.
    lanes: Lanes,
    parts: Vec<Part>,
}

/// What must lie in one lane of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// A value of this type: the first lane of column `column`.
    Value { column: usize, kind: Kind },
    /// An element of an array of strings.
    Element,
    /// A coordinate of a point, in degrees from zero.
    Degrees { name: &'static str, most: f64 },
}

impl Declarations {
    /// Reads them as `year i64, author.name string`, in any order.
    pub fn parse(text: &str) -> Result<Declarations, SyntaxError> {
        let mut columns = declarations(text)?;
        columns.sort_by_cached_key(|column| path_text(&column.path));
        let (mut lanes, mut parts) = (Vec::new(), Vec::new());
        for (number, column) in columns.iter().enumerate() {
            column.looks(number, &mut |part, lane| {
                parts.push(part);
                lanes.push(lane);
            });
        }
        let declared = Declarations { columns, lanes: Lanes::new(&lanes), parts };
        // That is what is kept, and read again.
        let plain = declared.to_string().len();
        if plain > TEXT_MAX {
            let message = format!("the columns take {plain} bytes as `name type, name type`, the limit is {TEXT_MAX}");
            return Err(SyntaxError { at: text.len(), message });
        }
        Ok(declared)
    }

    /// Each of them.
    pub fn columns(&self) -> &[Declared] {
        &self.columns
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Checks rows against them.
    pub fn checker(&self) -> Checker<'_> {
        Checker { declarations: self, reader: Reader::new(&self.lanes), seen: vec![Seen::Nothing; self.parts.len()] }
    }
}

/// Checks one row after the other.
#[derive(Debug)]
pub struct Checker<'d> {
    declarations: &'d Declarations,
    reader: Reader<'d>,
    /// What lies in each lane of the row.
    seen: Vec<Seen>,
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// Nothing, or `null`.
    Nothing,
    Fits,
    /// In words.
    Odd(String),
}

impl Checker<'_> {
    /// What is wrong with `meta`, a row's metadata; `None` where it is an object with all types as declared. The text
    /// is read once.
    pub fn complaint(&mut self, meta: &[u8]) -> Result<Option<String>, JsonError> {
        let Checker { declarations: Declarations { columns, parts, .. }, reader, seen } = self;
        seen.fill(Seen::Nothing);
        reader.check(meta, &mut |lane, value| {
            // Of the elements of an array the first that is odd is named.
            if !matches!(seen[lane], Seen::Odd(_)) {
                seen[lane] = parts[lane].look(value);
            }
        })?;
        let (mut owner, mut fits) = (0, false);
        for (part, seen) in parts.iter().zip(seen) {
            if let Part::Value { column, .. } = part {
                (owner, fits) = (*column, *seen == Seen::Fits);
            }
            match (part, seen) {
                (_, Seen::Odd(odd)) => return Ok(Some(columns[owner].complaint(odd))),
                (Part::Degrees { name, .. }, Seen::Nothing) if fits => {
                    return Ok(Some(columns[owner].complaint(&format!("an object without {name}"))));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Part {
    fn look(self, value: Scalar<'_>) -> Seen {
        let fits = match (self, value) {
            (Part::Value { .. } | Part::Degrees { .. }, Scalar::Null) => return Seen::Nothing,
            (Part::Value { kind, .. }, _) => kind.takes(value),
            (Part::Element, _) => Kind::Text.takes(value),
            (Part::Degrees { most, .. }, Scalar::Number(degrees)) => degrees.as_f64().abs() <= most,
            (Part::Degrees { .. }, _) => false,
        };
        match self {
            _ if fits => Seen::Fits,
            Part::Value { .. } => Seen::Odd(shown(value)),
            Part::Element => Seen::Odd(format!("an array with {} in it", shown(value))),
            Part::Degrees { name, .. } => Seen::Odd(format!("an object whose {name} is {}", shown(value))),
        }
    }
}

/// The text that they are read from: equal ones have the same.
impl fmt::Display for Declarations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Declared { path, kind }) in self.columns.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", path_text(path), kind.name())?;
        }
        Ok(())
    }
}

impl Declared {
    /// What filters look at in such a column: two lanes of a point, else one.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        let (first, second) = match self.kind {
            Kind::Point => (self.member("lat"), Some(self.member("lon"))),
            _ => (self.path.clone(), None),
        };
        let elements = self.kind == Kind::Texts;
        [Some(first), second].into_iter().flatten().map(move |path| Lane { path, elements })
    }

    fn member(&self, name: &str) -> Vec<Step> {
        [&self.path[..], &[Step::Member(name.into())]].concat()
    }

    /// Shows `found` each lane that is looked at in a row, and what must lie there; `number` is the place of the column.
    fn looks(&self, number: usize, found: &mut dyn FnMut(Part, Lane)) {
        let path = self.path.clone();
        found(Part::Value { column: number, kind: self.kind }, Lane { path: path.clone(), elements: false });
        match self.kind {
            Kind::Texts => found(Part::Element, Lane { path, elements: true }),
            Kind::Point => {
                for (name, most) in [("lat", 90.0), ("lon", 180.0)] {
                    found(Part::Degrees { name, most }, Lane { path: self.member(name), elements: false });
                }
            }
            _ => {}
        }
    }

    fn complaint(&self, odd: &str) -> String {
        format!("{} is {odd}, but declared {}{}", path_text(&self.path), self.kind.name(), self.kind.meaning())
    }
}

impl Kind {
    /// Whether a value by itself can be of this type.
    fn takes(self, value: Scalar<'_>) -> bool {
        match (self, value) {
            (Kind::Text, Scalar::Text(_)) | (Kind::Bool, Scalar::Bool(_)) | (Kind::Real, Scalar::Number(_)) => true,
            (Kind::Whole, Scalar::Number(number)) => number.whole().is_some_and(|whole| i64::try_from(whole).is_ok()),
            (Kind::Timestamp, Scalar::Number(number)) => number.whole().is_some_and(|whole| TIMES.contains(&whole)),
            (Kind::Texts, Scalar::Array) | (Kind::Point, Scalar::Object) => true,
            _ => false,
        }
    }
}

/// A value as a message shows it.
fn shown(value: Scalar<'_>) -> String {
    match value {
        Scalar::Null => "null".into(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Number(Number::Whole(whole)) => whole.to_string(),
        Scalar::Number(Number::Real(real)) => real.to_string(),
        Scalar::Text(text) => match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{:?}...", &text[..end]),
            None => format!("{text:?}"),
        },
        Scalar::Array => "an array".into(),
        Scalar::Object => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(columns: &str, meta: &str) -> Option<String> {
        Declarations::parse(columns).unwrap().checker().complaint(meta.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        let text = " year i64,tags string[] , `in`.`page-count` f64, a[2].b bool, at timestamp, place geo, a string,größe f64 ";
        let read = Declarations::parse(text).unwrap();
        let plain =
            "`in`.`page-count` f64, a string, a[2].b bool, at timestamp, größe f64, place geo, tags string[], year i64";
        assert_eq!((read.to_string().as_str(), read.columns().len()), (plain, 8));
        assert_eq!(Declarations::parse(plain).unwrap(), read);
        assert_eq!(Declarations::parse(" \n").unwrap(), Declarations::default());
    }

    #[test]
    fn a_text_that_declares_nothing_says_where() {
        for (text, at, part) in [
            ("year", 4, "a type should stand here: string, i64, f64, bool, timestamp, string[] or geo, not the end"),
            ("year int", 5, "not `int`"),
            ("year I64", 5, "not `I64`"),
            ("year i64 genre string", 9, "`,`"),
            ("year i64,", 9, "name of a member"),
            ("year i64[]", 8, "arrays are of strings"),
            ("tags string[", 12, "`]`"),
            ("i64", 3, "a type"),
            ("in string", 0, "backticks"),
            ("a string, `a` i64", 10, "declared before"),
            ("a 'string'", 2, "a type"),
            ("ü ; string", 3, "means nothing"),
        ] {
            let error = Declarations::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
        let many = |count: usize| (0..count).map(|i| format!("a{i} i64")).collect::<Vec<_>>().join(",");
        assert_eq!(Declarations::parse(&many(COLUMNS_MAX)).unwrap().columns().len(), COLUMNS_MAX);
        assert!(Declarations::parse(&many(COLUMNS_MAX + 1)).unwrap_err().message.contains("limit of 256"));
    }

    #[test]
    fn values_of_the_type_are_taken() {
        for (kind, values) in [
            ("string", &["\"\"", "\"1\"", "null"][..]),
            ("i64", &["0", "-9223372036854775808", "9223372036854775807", "7.0", "-0.0", "1e3", "null"]),
            ("f64", &["1", "1.5", "18446744073709551615", "-1e300"]),
            ("bool", &["true", "false", "null"]),
            ("timestamp", &["0", "-62135596800000", "253402300799999", "1.7e12"]),
            ("string[]", &["[]", "[\"a\"]", "[\"a\", \"\"]", "null"]),
            ("geo", &["{\"lat\": 90, \"lon\": -180}", "{\"lon\": 0.5, \"name\": \"x\", \"lat\": -9e1}", "null"]),
        ] {
            for value in values {
                assert_eq!(
                    complaint(&format!("a.b {kind}"), &format!("{{\"a\": {{\"b\": {value}}}}}")),
                    None,
                    "{value}"
                );
            }
            assert_eq!(complaint(&format!("a.b {kind}"), "{\"a\": 3}"), None, "nothing there");
            assert_eq!(complaint(&format!("a.b {kind}"), "{}"), None, "nothing at all");
        }
    }

    #[test]
    fn others_are_named_with_their_path_and_type() {
        for (kind, value, part) in [
            ("string", "1", "a.b is 1, but declared string"),
            ("string", "[\"a\"]", "is an array"),
            ("i64", "\"1999\"", "a.b is \"1999\", but declared i64 (a whole"),
            ("i64", "1.5", "is 1.5"),
            ("i64", "9223372036854775808", "is 9223372036854775808"),
            ("i64", "9.3e18", "9300000000000000000"),
            ("i64", "true", "is true"),
            ("f64", "\"1\"", "declared f64"),
            ("bool", "1", "declared bool"),
            ("bool", "{}", "is an object"),
            ("timestamp", "\"2024-01-01\"", "milliseconds"),
            ("timestamp", "1700000000000000", "is 1700000000000000"),
            ("timestamp", "0.5", "is 0.5"),
            ("string[]", "\"a\"", "is \"a\", but declared string[]"),
            ("string[]", "{\"a\": \"b\"}", "is an object"),
            ("string[]", "[\"a\", null]", "an array with null in it"),
            ("string[]", "[\"a\", [\"b\"], 7]", "an array with an array in it"),
            ("geo", "[52.5, 13.4]", "is an array, but declared geo"),
            ("geo", "{\"lat\": 91, \"lon\": 0}", "an object whose lat is 91"),
            ("geo", "{\"lat\": 1, \"lon\": 180.5}", "whose lon is 180.5"),
            ("geo", "{\"lat\": 1}", "an object without lon"),
            ("geo", "{\"lat\": \"1\", \"lon\": 2}", "whose lat is \"1\""),
        ] {
            let told = complaint(&format!("z i64, a.b {kind}"), &format!("{{\"a\": {{\"b\": {value}}}}}"));
            assert!(told.as_ref().is_some_and(|told| told.contains(part)), "{kind} {value}: {told:?}");
        }
        let long = format!("{{\"a\": \"{}\"}}", "ü".repeat(10_000));
        assert!(complaint("a i64", &long).unwrap().len() < 250);
    }
}
