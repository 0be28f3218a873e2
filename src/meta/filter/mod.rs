//! The filter language: conditions on the members of a row's JSON object.
//!
//! ```text
//! or        = and { "or" and }
//! and       = not { "and" not }
//! not       = "not" not | "(" or ")" | condition
//! condition = path ( "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) value
//!           | path ["not"] "in" ( "(" [ value { "," value } ] ")" | parameter )
//!           | path ["not"] "between" value "and" value
//!           | path ["not"] "contains" value
//!           | path ["not"] "starts" "with" value
//!           | path ["not"] "within" number number number        latitude, longitude, metres
//!           | path "is" ["not"] "null"
//!           | path                                               is true
//! path      = name { "." name | "[" number "]" }
//! name      = letters, digits and "_", no digit first | "`" anything "`"
//! value     = string | number | "true" | "false" | parameter
//! parameter = "$" number, from $1 on
//! ```
//!
//! Strings stand between ' or " and know the escapes of JSON and `\'`. Words of the language are
//! written in any case, names are not.
//!
//! A condition holds or it does not: there is no third answer. Values of different kinds are never
//! equal, and none is less or greater than the other; a member that is missing is like one that is
//! `null`, and equals nothing. `!=` and `not` say the opposite, so both hold for rows without the member.

mod eval;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

pub use eval::{ByRow, Columns};
pub use parse::{Parsed, declarations, path, path_text};

use super::json::{Number, Step};

/// Longest text of a filter, bytes.
pub const TEXT_MAX: usize = 1 << 16;
/// Conditions and brackets inside one another.
pub const DEPTH_MAX: usize = 64;
/// Largest number of a parameter.
pub const PARAMETERS_MAX: usize = 1000;

/// Where and why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Byte of the text.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

/// A filter whose parameters have values.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Every one holds.
    All(Vec<Expression>),
    /// One holds at least.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// A condition on what lies at a path.
    Condition {
        /// Where to look.
        path: Vec<Step>,
        /// What is asked.
        check: Check,
    },
}

/// What is asked about a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Equal to it.
    Equal(Literal),
    /// Less; `or_equal` too.
    Less {
        /// Than this.
        than: Literal,
        /// Whether equal ones are meant as well.
        or_equal: bool,
    },
    /// Greater; `or_equal` too.
    Greater {
        /// Than this.
        than: Literal,
        /// Whether equal ones are meant as well.
        or_equal: bool,
    },
    /// One of these, in the order of [`Literal::order`].
    OneOf(Vec<Literal>),
    /// An array with an element that is equal to it.
    Contains(Literal),
    /// A string that begins so.
    StartsWith(String),
    /// A point no farther away: an object with `lat` and `lon` in degrees.
    Within {
        /// How far away.
        circle: Circle,
        /// Where the latitude lies.
        latitude: Vec<Step>,
        /// Where the longitude lies.
        longitude: Vec<Step>,
    },
    /// Missing or `null`.
    IsNull,
}

/// A value that conditions compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
}

/// A circle on the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// Degrees, -90 to 90.
    pub latitude: f64,
    /// Degrees, -180 to 180.
    pub longitude: f64,
    /// Metres from there.
    pub radius: f64,
}
