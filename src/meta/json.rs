//! What lies in a row's JSON object: values, the steps of a path to them, and why a text is none.
//!
//! Objects are kept as the bytes they came as. They are checked once on the way in, and then read where they lie (`read`).

use std::cmp::Ordering;

/// Objects and arrays inside one another.
pub(super) const DEPTH_MAX: usize = 100;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
