//! JSON as trees, conditions of the filter language as text, and whether one holds for the other: slowly and by the
//! letter of `docs/filters.md`. Shares nothing with the library but the type of an expression and the circle on the earth.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use std::cmp::Ordering;
use vdb::meta::filter::{Check, Expression, Literal};
use vdb::meta::{Number, Step};

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Whole(i128),
    Real(f64),
    Text(String),
    Array(Vec<Json>),
    /// Names may repeat.
    Object(Vec<(String, Json)>),
}

/// A string as JSON writes it.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c < ' ' => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

impl Json {
    pub fn text(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(value) => value.to_string(),
            Json::Whole(value) => value.to_string(),
            Json::Real(value) => format!("{value:?}"),
            Json::Text(text) => quoted(text),
            Json::Array(items) => format!("[{}]", joined(items.iter().map(Json::text))),
            Json::Object(members) => {
                format!(
                    "{{{}}}",
                    joined(members.iter().map(|(name, value)| format!("{}:{}", quoted(name), value.text())))
                )
            }
        }
    }

    /// What lies at `path`; of several members of one name the first.
    fn at(&self, path: &[Step]) -> &Json {
        path.iter().fold(self, |value, step| {
            let found = match (value, step) {
                (Json::Object(members), Step::Member(name)) => {
                    members.iter().find(|member| member.0 == *name).map(|member| &member.1)
                }
                (Json::Array(items), Step::Element(number)) => items.get(*number),
                _ => None,
            };
            found.unwrap_or(&Json::Null)
        })
    }

    /// Reads one value with nothing behind it; `None` where the text is no JSON, or nested deeper than `depth`.
    pub fn parse(text: &str, depth: usize) -> Option<Json> {
        let mut reader = Reader { rest: text };
        let value = reader.value(depth)?;
        reader.skip_space();
        reader.rest.is_empty().then_some(value)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Json::Whole(value) => Some(*value as f64),
            Json::Real(value) => Some(*value),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `text` where it comes next.
    fn take(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// As [`Reader::take`], behind spaces.
    fn sign(&mut self, sign: &str) -> Option<()> {
        self.skip_space();
        self.take(sign)
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.rest.bytes().next()? {
            b'n' => self.take("null").map(|()| Json::Null),
            b't' => self.take("true").map(|()| Json::Bool(true)),
            b'f' => self.take("false").map(|()| Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => {
                let mut items = Vec::new();
                self.several(("[", "]"), |reader| {
                    items.push(reader.value(depth.checked_sub(1)?)?);
                    Some(())
                })?;
                (depth > 0).then_some(Json::Array(items))
            }
            b'{' => {
                let mut members = Vec::new();
                self.several(("{", "}"), |reader| {
                    reader.skip_space();
                    let name = reader.string()?;
                    reader.sign(":")?;
                    members.push((name, reader.value(depth.checked_sub(1)?)?));
                    Some(())
                })?;
                (depth > 0).then_some(Json::Object(members))
            }
            _ => self.numeral(),
        }
    }

    /// What stands between brackets, with commas between.
    fn several(&mut self, (open, close): (&str, &str), mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(open)?;
        if self.sign(close).is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            match self.sign(",") {
                Some(()) => {}
                None => return self.sign(close),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        const ESCAPES: [(&str, char); 8] = [
            ("\"", '"'),
            ("\\", '\\'),
            ("/", '/'),
            ("b", '\u{8}'),
            ("f", '\u{c}'),
            ("n", '\n'),
            ("r", '\r'),
            ("t", '\t'),
        ];
        if let Some(known) = ESCAPES.iter().find(|(sign, _)| self.rest.starts_with(sign)) {
            self.take(known.0)?;
            return Some(known.1);
        }
        let first = self.unit()?;
        let second = if (0xd800..0xdc00).contains(&first) {
            self.take("\\")?;
            Some(self.unit()?)
        } else {
            None
        };
        char::decode_utf16(std::iter::once(first).chain(second)).next()?.ok()
    }

    /// `u` and four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        self.take("u")?;
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.rest = &self.rest[4..];
        u16::from_str_radix(digits, 16).ok()
    }

    /// Digits from the front: how many.
    fn digits(text: &str) -> usize {
        text.bytes().take_while(u8::is_ascii_digit).count()
    }

    fn numeral(&mut self) -> Option<Json> {
        let text = self.rest;
        let mut len = usize::from(text.starts_with('-'));
        let whole = Self::digits(&text[len..]);
        if whole == 0 || whole > 1 && text[len..].starts_with('0') {
            return None;
        }
        len += whole;
        let before = len;
        if text[len..].starts_with('.') {
            let digits = Self::digits(&text[len + 1..]);
            len += if digits == 0 { return None } else { 1 + digits };
        }
        if text[len..].starts_with(['e', 'E']) {
            let sign = usize::from(text[len + 1..].starts_with(['+', '-']));
            let digits = Self::digits(&text[len + 1 + sign..]);
            len += if digits == 0 { return None } else { 1 + sign + digits };
        }
        self.rest = &text[len..];
        let (text, is_whole) = (&text[..len], len == before && &text[..len] != "-0");
        let fits = |value: &i128| (i64::MIN.into()..=u64::MAX.into()).contains(value);
        match text.parse().ok().filter(|value| is_whole && fits(value)) {
            Some(value) => Some(Json::Whole(value)),
            None => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Json::Real),
        }
    }
}

/// Whole numbers by all their digits, others as the nearest f64.
fn compare_numbers(whole: i128, real: f64) -> Ordering {
    match real.fract() == 0.0 && real.abs() < 1e30 {
        true => whole.cmp(&(real as i128)),
        // Far from all whole numbers of 64 bits, or between two that an f64 holds.
        false => (whole as f64).partial_cmp(&real).unwrap(),
    }
}

/// How a value compares with a literal; `None` where they are of different kinds.
fn compare(value: &Json, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Json::Bool(a), Literal::Bool(b)) => Some(a.cmp(b)),
        (Json::Whole(a), Literal::Number(Number::Whole(b))) => Some(a.cmp(b)),
        (Json::Real(a), Literal::Number(Number::Real(b))) => a.partial_cmp(b),
        (Json::Whole(a), Literal::Number(Number::Real(b))) => Some(compare_numbers(*a, *b)),
        (Json::Real(a), Literal::Number(Number::Whole(b))) => Some(compare_numbers(*b, *a).reverse()),
        (Json::Text(a), Literal::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}

fn equals(value: &Json, literal: &Literal) -> bool {
    compare(value, literal) == Some(Ordering::Equal)
}

/// Whether `expression` holds for a row with this object.
pub fn holds(expression: &Expression, row: &Json) -> bool {
    match expression {
        Expression::All(parts) => parts.iter().all(|part| holds(part, row)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, row)),
        Expression::Not(part) => !holds(part, row),
        Expression::Condition { path, check } => check_holds(check, path, row),
    }
}

fn check_holds(check: &Check, path: &[Step], row: &Json) -> bool {
    let value = row.at(path);
    let is_on_side = |than: &Literal, or_equal: bool, side: Ordering| {
        let found = compare(value, than);
        !matches!(than, Literal::Bool(_)) && (found == Some(side) || or_equal && found == Some(Ordering::Equal))
    };
    match check {
        Check::Equal(literal) => equals(value, literal),
        Check::Less { than, or_equal } => is_on_side(than, *or_equal, Ordering::Less),
        Check::Greater { than, or_equal } => is_on_side(than, *or_equal, Ordering::Greater),
        Check::OneOf(literals) => literals.iter().any(|literal| equals(value, literal)),
        Check::Contains(literal) => {
            matches!(value, Json::Array(items) if items.iter().any(|item| equals(item, literal)))
        }
        Check::StartsWith(prefix) => matches!(value, Json::Text(text) if text.starts_with(prefix.as_str())),
        Check::Within { circle, latitude, longitude } => {
            let point = row.at(latitude).number().zip(row.at(longitude).number());
            point.is_some_and(|(latitude, longitude)| circle.holds_at(latitude, longitude))
        }
        Check::IsNull => *value == Json::Null,
    }
}

/// `expression` as a text, and the values of its parameters as a JSON array: with `bind` all its literals are
/// parameters, otherwise there are none.
pub fn written(expression: &Expression, bind: bool) -> (String, String) {
    let mut writer = Writer { values: bind.then(Vec::new) };
    let text = writer.expression(expression);
    (text, format!("[{}]", writer.values.unwrap_or_default().join(",")))
}

struct Writer {
    values: Option<Vec<String>>,
}

impl Writer {
    fn expression(&mut self, expression: &Expression) -> String {
        match expression {
            Expression::Any(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|part| self.inside(part, matches!(part, Expression::Any(_)))).collect();
                parts.join(" or ")
            }
            Expression::All(parts) => {
                let is_joined = |part: &Expression| matches!(part, Expression::Any(_) | Expression::All(_));
                let parts: Vec<String> = parts.iter().map(|part| self.inside(part, is_joined(part))).collect();
                parts.join(" and ")
            }
            Expression::Not(part) => {
                let is_joined = matches!(**part, Expression::Any(_) | Expression::All(_));
                format!("not {}", self.inside(part, is_joined))
            }
            Expression::Condition { path, check } => self.condition(path, check),
        }
    }

    fn inside(&mut self, part: &Expression, brackets: bool) -> String {
        let text = self.expression(part);
        if brackets { format!("({text})") } else { text }
    }

    fn condition(&mut self, path: &[Step], check: &Check) -> String {
        let equal = |or_equal: bool| if or_equal { "=" } else { "" };
        let asked = match check {
            Check::Equal(literal) => format!("= {}", self.literal(literal)),
            Check::Less { than, or_equal } => format!("<{} {}", equal(*or_equal), self.literal(than)),
            Check::Greater { than, or_equal } => format!(">{} {}", equal(*or_equal), self.literal(than)),
            Check::OneOf(literals) => format!("in {}", self.list(literals)),
            Check::Contains(literal) => format!("contains {}", self.literal(literal)),
            Check::StartsWith(prefix) => format!("starts with {}", self.literal(&Literal::Text(prefix.clone()))),
            Check::Within { circle, .. } => {
                let numbers = [circle.latitude, circle.longitude, circle.radius];
                let numbers = numbers.map(|number| self.literal(&Literal::Number(Number::Real(number))));
                format!("within {}", numbers.join(" "))
            }
            Check::IsNull => "is null".into(),
        };
        format!("{} {asked}", path_text(path))
    }

    /// `text` itself, or the parameter that stands for it.
    fn value(&mut self, text: String) -> String {
        let Some(values) = &mut self.values else { return text };
        // One parameter may stand in several places; there are no more than a thousand.
        let known = values.iter().position(|value| *value == text).unwrap_or(values.len());
        if known == values.len() {
            values.push(text);
        }
        format!("${}", known + 1)
    }

    fn literal(&mut self, literal: &Literal) -> String {
        self.value(literal_text(literal))
    }

    fn list(&mut self, literals: &[Literal]) -> String {
        let texts = joined(literals.iter().map(literal_text));
        if self.values.is_some() { self.value(format!("[{texts}]")) } else { format!("({texts})") }
    }
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Number(Number::Whole(value)) => value.to_string(),
        Literal::Number(Number::Real(value)) => format!("{value:?}"),
        Literal::Text(text) => quoted(text),
    }
}

/// Every name between backticks.
fn path_text(path: &[Step]) -> String {
    let step = |(i, step): (usize, &Step)| match step {
        Step::Member(name) if i == 0 => format!("`{name}`"),
        Step::Member(name) => format!(".`{name}`"),
        Step::Element(number) => format!("[{number}]"),
    };
    path.iter().enumerate().map(step).collect()
}
