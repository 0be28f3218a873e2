//! From tokens to an [`Expression`], by recursive descent.
//!
//! A text is parsed twice where it has parameters: once to see that it is a filter, and again
//! for each set of values, which then stand where the parameters are. So values are checked by
//! the same rules as what is written out, and an [`Expression`] knows of none.

use super::lex::{Token, error, tokens};
use super::{Check, Circle, DEPTH_MAX, Expression, Literal, SyntaxError, TEXT_MAX};
use crate::meta::declared::{COLUMNS_MAX, Declared, Kind};
use crate::meta::json::{Number, Step};
use serde::Deserialize;

/// A text that is a filter, once its parameters have values.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    tokens: Vec<(usize, Token)>,
    parameters: usize,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a value is a string, a number, true or false, and for `in` a list of these")]
enum Value {
    Bool(bool),
    Whole(i64),
    Large(u64),
    Real(f64),
    Text(String),
    List(Vec<Value>),
}

impl Parsed {
    /// Reads a text.
    pub fn new(text: &str) -> Result<Parsed, SyntaxError> {
        if text.len() > TEXT_MAX {
            return error(TEXT_MAX, format!("the text has {} bytes, the limit is {TEXT_MAX}", text.len()));
        }
        let tokens = tokens(text)?;
        let number = |token: &(usize, Token)| if let Token::Parameter(number) = token.1 { number } else { 0 };
        let parameters = tokens.iter().map(number).max().unwrap_or(0);
        let parsed = Parsed { tokens, parameters };
        parsed.expression(None)?;
        Ok(parsed)
    }

    /// The largest number of a parameter; 0 = there is none.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// The filter with `values`, a JSON array with a value for each parameter: strings, numbers, `true`,
    /// `false`, and for `in` arrays of these. `None` is for texts without parameters.
    pub fn bind(&self, values: Option<&[u8]>) -> Result<Expression, SyntaxError> {
        let values: Vec<Value> = match values {
            None => Vec::new(),
            Some(values) => match serde_json::from_slice(values) {
                Ok(values) => values,
                Err(problem) => {
                    return error(0, format!("the parameters need a JSON array of values: {problem}"));
                }
            },
        };
        if values.len() != self.parameters {
            return error(0, format!("{} values for {} parameters", values.len(), self.parameters));
        }
        self.expression(Some(&values))
    }

    /// With the values of the parameters, or without to see whether all the rest is right.
    fn expression(&self, values: Option<&[Value]>) -> Result<Expression, SyntaxError> {
        let mut parser = Parser { rest: &self.tokens, values, depth: 0 };
        let expression = parser.any()?;
        match parser.next() {
            (_, Token::End) => Ok(expression),
            (at, token) => {
                let wanted = "`and`, `or`, the end or, after a path, a comparison (=, <, in, starts with ...)";
                error(at, format!("{wanted} should stand here, not {token}"))
            }
        }
    }
}

/// Reads a path, as it stands in a condition.
pub fn path(text: &str) -> Result<Vec<Step>, SyntaxError> {
    if text.len() > TEXT_MAX {
        return error(TEXT_MAX, format!("the text has {} bytes, the limit is {TEXT_MAX}", text.len()));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens, values: None, depth: 0 };
    let path = parser.path()?;
    match parser.next() {
        (_, Token::End) => Ok(path),
        (at, token) => error(at, format!("the path should end here, not {token}")),
    }
}

/// Reads columns that are declared: paths, each with the name of a type behind it.
pub fn declarations(text: &str) -> Result<Vec<Declared>, SyntaxError> {
    if text.len() > TEXT_MAX {
        return error(TEXT_MAX, format!("the text has {} bytes, the limit is {TEXT_MAX}", text.len()));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens, values: None, depth: 0 };
    let mut columns: Vec<Declared> = Vec::new();
    while !columns.is_empty() || *parser.peek() != Token::End {
        let at = parser.at();
        let path = parser.path()?;
        if columns.iter().any(|column| column.path == path) {
            return error(at, format!("{} is declared before", path_text(&path)));
        }
        columns.push(Declared { path, kind: parser.kind()? });
        if columns.len() > COLUMNS_MAX {
            return error(at, format!("more columns than the limit of {COLUMNS_MAX}"));
        }
        if *parser.peek() == Token::End {
            break;
        }
        parser.need_sign(",")?;
    }
    Ok(columns)
}

/// A path as it is written.
pub fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for (i, step) in path.iter().enumerate() {
        match step {
            Step::Element(number) => text += &format!("[{number}]"),
            Step::Member(name) => {
                let dot = if i == 0 { "" } else { "." };
                let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
                let is_plain = starts && name.chars().all(|c| c.is_alphanumeric() || c == '_') && !is_word(name);
                text += &if is_plain { format!("{dot}{name}") } else { format!("{dot}`{name}`") };
            }
        }
    }
    text
}

/// Whether it means something in the language.
fn is_word(name: &str) -> bool {
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

struct Parser<'a> {
    rest: &'a [(usize, Token)],
    /// `None` = unknown.
    values: Option<&'a [Value]>,
    depth: usize,
}

/// The words that mean something; a name that is one of them stands between backticks.
const WORDS: [&str; 13] =
    ["and", "or", "not", "in", "between", "contains", "starts", "with", "within", "is", "null", "true", "false"];

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token {
        self.rest.first().map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.rest.first().map_or(0, |&(at, _)| at)
    }

    /// Takes the next token; the end stays.
    fn next(&mut self) -> (usize, &'a Token) {
        let found = (self.at(), self.peek());
        if *found.1 != Token::End {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn next_is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Takes the next token if it is this word.
    fn word(&mut self, word: &str) -> bool {
        let found = self.next_is_word(word);
        if found {
            self.next();
        }
        found
    }

    /// Takes the next token if it is this sign.
    fn sign(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.next();
        }
        found
    }

    fn need_sign(&mut self, sign: &'static str) -> Result<(), SyntaxError> {
        if self.sign(sign) { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    fn need_word(&mut self, word: &str) -> Result<(), SyntaxError> {
        if self.word(word) { Ok(()) } else { self.expected(&format!("`{word}`")) }
    }

    fn expected<T>(&self, what: &str) -> Result<T, SyntaxError> {
        error(self.at(), format!("{what} should stand here, not {}", self.peek()))
    }

    fn any(&mut self) -> Result<Expression, SyntaxError> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, SyntaxError> {
        let mut parts = vec![self.not()?];
        while self.word("and") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn not(&mut self) -> Result<Expression, SyntaxError> {
        // What is not within any brackets is one deep.
        self.depth += 1;
        if self.depth > DEPTH_MAX + 1 {
            return error(self.at(), format!("nested deeper than the limit of {DEPTH_MAX}"));
        }
        let expression = if self.word("not") {
            Expression::Not(Box::new(self.not()?))
        } else if self.sign("(") {
            let inside = self.any()?;
            self.need_sign(")")?;
            inside
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn condition(&mut self) -> Result<Expression, SyntaxError> {
        let path = self.path()?;
        let negated = self.word("not");
        let (check, negated) = match self.peek() {
            Token::Sign(sign @ ("=" | "!=" | "<" | "<=" | ">" | ">=")) if !negated => {
                self.next();
                let than = self.literal()?;
                match *sign {
                    "=" => (Check::Equal(than), false),
                    "!=" => (Check::Equal(than), true),
                    "<" | "<=" => (Check::Less { than, or_equal: *sign == "<=" }, false),
                    _ => (Check::Greater { than, or_equal: *sign == ">=" }, false),
                }
            }
            Token::Word(_) if self.word("in") => (Check::OneOf(self.list()?), negated),
            Token::Word(_) if self.word("between") => return self.between(path, negated),
            Token::Word(_) if self.word("contains") => (Check::Contains(self.literal()?), negated),
            Token::Word(_) if self.word("starts") => {
                self.need_word("with")?;
                (Check::StartsWith(self.text()?), negated)
            }
            Token::Word(_) if self.word("within") => (self.within(&path)?, negated),
            Token::Word(_) if !negated && self.word("is") => {
                let negated = self.word("not");
                self.need_word("null")?;
                (Check::IsNull, negated)
            }
            _ if negated => return self.expected("`in`, `between`, `contains`, `starts with` or `within`"),
            _ => (Check::Equal(Literal::Bool(true)), false),
        };
        Ok(negated_if(negated, Expression::Condition { path, check }))
    }

    fn between(&mut self, path: Vec<Step>, negated: bool) -> Result<Expression, SyntaxError> {
        let low = self.literal()?;
        self.need_word("and")?;
        let high = self.literal()?;
        let from = Check::Greater { than: low, or_equal: true };
        let to = Check::Less { than: high, or_equal: true };
        let both = [from, to].map(|check| Expression::Condition { path: path.clone(), check });
        Ok(negated_if(negated, Expression::All(both.into())))
    }

    fn path(&mut self) -> Result<Vec<Step>, SyntaxError> {
        let mut steps = vec![Step::Member(self.name()?)];
        loop {
            if self.sign(".") {
                steps.push(Step::Member(self.name()?));
            } else if self.sign("[") {
                match *self.peek() {
                    Token::Number(Number::Whole(number @ 0..=0xffff_ffff)) => {
                        steps.push(Step::Element(number as usize))
                    }
                    _ => return self.expected("the number of an element, from 0 on,"),
                }
                self.next();
                self.need_sign("]")?;
            } else {
                return Ok(steps);
            }
        }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            Token::Word(word) if is_word(word) => error(
                self.at(),
                format!("{word:?} is a word of the language; as a name write `{word}` with its backticks"),
            ),
            Token::Word(name) | Token::Name(name) => {
                self.next();
                Ok(name.clone())
            }
            _ => self.expected("the name of a member"),
        }
    }

    /// The type of a column.
    fn kind(&mut self) -> Result<Kind, SyntaxError> {
        let kinds = Kind::ALL.into_iter();
        let named = |name: &str| kinds.clone().filter(|&kind| kind != Kind::Texts).find(|kind| kind.name() == name);
        let found = if let Token::Word(word) = self.peek() { named(word) } else { None };
        let Some(kind) = found else {
            let names: Vec<_> = kinds.map(Kind::name).collect();
            let [others @ .., last] = &names[..] else { unreachable!("there are types") };
            let message = format!("a type should stand here: {} or {last}, not {}", others.join(", "), self.peek());
            return error(self.at(), message);
        };
        self.next();
        match self.peek() {
            Token::Sign("[") if kind == Kind::Text => {
                self.next();
                self.need_sign("]").map(|()| Kind::Texts)
            }
            Token::Sign("[") => error(self.at(), "arrays are of strings alone: string[]"),
            _ => Ok(kind),
        }
    }

    /// The value of a parameter, `None` while it is unknown.
    fn parameter(&self, number: usize) -> Option<&'a Value> {
        self.values?.get(number - 1)
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        if self.next_is_word("null") {
            return error(self.at(), "nothing compares with null: write `is null` or `is not null`");
        }
        let literal = match self.peek() {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Number(number) => Literal::Number(*number),
            Token::Word(_) if self.next_is_word("true") => Literal::Bool(true),
            Token::Word(_) if self.next_is_word("false") => Literal::Bool(false),
            Token::Parameter(number) => match self.parameter(*number) {
                Some(value) => value.literal().map_or_else(|| self.wrong(*number, "a single value"), Ok)?,
                None => Literal::Bool(false),
            },
            _ => return self.expected("a string, a number, true, false or a parameter"),
        };
        self.next();
        Ok(literal)
    }

    fn wrong<T>(&self, parameter: usize, needed: &str) -> Result<T, SyntaxError> {
        error(self.at(), format!("the value of ${parameter} should be {needed}"))
    }

    fn list(&mut self) -> Result<Vec<Literal>, SyntaxError> {
        let mut literals = Vec::new();
        if let Token::Parameter(number) = self.peek() {
            match self.parameter(*number) {
                Some(Value::List(values)) => {
                    let all: Option<Vec<Literal>> = values.iter().map(Value::literal).collect();
                    literals = all.map_or_else(|| self.wrong(*number, "a list of single values"), Ok)?;
                }
                Some(_) => return self.wrong(*number, "a list"),
                None => {}
            }
            self.next();
        } else {
            self.need_sign("(")?;
            while !self.sign(")") {
                if !literals.is_empty() {
                    self.need_sign(",")?;
                }
                literals.push(self.literal()?);
            }
        }
        literals.sort_by(Literal::order);
        Ok(literals)
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        let (at, unknown) = (self.at(), matches!(self.peek(), Token::Parameter(_)) && self.values.is_none());
        match self.literal()? {
            Literal::Text(text) => Ok(text),
            _ if unknown => Ok(String::new()),
            _ => error(at, "a string should stand here"),
        }
    }

    /// A number within some limits.
    fn number(&mut self, what: &str, limits: std::ops::RangeInclusive<f64>) -> Result<f64, SyntaxError> {
        let (at, unknown) = (self.at(), matches!(self.peek(), Token::Parameter(_)) && self.values.is_none());
        match self.literal()? {
            Literal::Number(number) if limits.contains(&number.as_f64()) => Ok(number.as_f64()),
            _ if unknown => Ok(0.0),
            _ => error(at, format!("{what} is a number from {} to {}", limits.start(), limits.end())),
        }
    }

    /// The rest of a condition on the point at `path`.
    fn within(&mut self, path: &[Step]) -> Result<Check, SyntaxError> {
        let member = |name: &str| [path, &[Step::Member(name.into())]].concat();
        let circle = Circle {
            latitude: self.number("a latitude", -90.0..=90.0)?,
            longitude: self.number("a longitude", -180.0..=180.0)?,
            radius: self.number("a radius in metres", 0.0..=f64::MAX)?,
        };
        Ok(Check::Within { circle, latitude: member("lat"), longitude: member("lon") })
    }
}

fn negated_if(negated: bool, expression: Expression) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}

impl Value {
    /// As a value to compare with; `None` for a list.
    fn literal(&self) -> Option<Literal> {
        Some(match self {
            Value::Bool(value) => Literal::Bool(*value),
            Value::Whole(value) => Literal::Number(Number::Whole((*value).into())),
            Value::Large(value) => Literal::Number(Number::Whole((*value).into())),
            Value::Real(value) => Literal::Number(Number::Real(*value)),
            Value::Text(value) => Literal::Text(value.clone()),
            Value::List(_) => return None,
        })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::Name(_) => write!(f, "a name"),
            Token::Text(_) => write!(f, "a string"),
            Token::Number(_) => write!(f, "a number"),
            Token::Parameter(number) => write!(f, "${number}"),
            Token::Sign(sign) => write!(f, "`{sign}`"),
            Token::End => write!(f, "the end"),
        }
    }
}
