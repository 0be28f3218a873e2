//! One path of many rows, read out of their JSON once: the distinct values that lie there, and
//! a short number for each row that says which it has.
//!
//! So a condition is asked about each distinct value once, and about rows only by looking up their
//! numbers, without reading any JSON again. A column is derived: it may be dropped and made again at
//! any time, and never goes to disk.

use super::filter::{Check, Circle, Literal};
use super::json::{Scalar, Step, at_path, elements_at_path};
use crate::util::memory::{AllocError, collected, make_room};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// The number of a row with nothing, or `null`, at the path.
const NULL: u32 = 0;
/// The number of a row with an object or an array there.
const COMPOUND: u32 = 1;
/// The number of the first value.
const FIRST: u32 = 2;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// Where it lies.
    pub path: Vec<Step>,
    /// Whether it is each element of an array that lies there.
    pub elements: bool,
}

/// Numbers as narrow as they can be.
#[derive(Clone, Debug)]
enum Codes {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Codes {
    fn len(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Middle(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.capacity(),
            Codes::Middle(codes) => 2 * codes.capacity(),
            Codes::Wide(codes) => 4 * codes.capacity(),
        }
    }

    fn get(&self, i: usize) -> u32 {
        match self {
            Codes::Narrow(codes) => codes[i].into(),
            Codes::Middle(codes) => codes[i].into(),
            Codes::Wide(codes) => codes[i],
        }
    }

    fn push(&mut self, code: u32) -> Result<(), AllocError> {
        *self = match std::mem::replace(self, Codes::Narrow(Vec::new())) {
            Codes::Narrow(codes) if code > u8::MAX.into() => {
                Codes::Middle(collected(codes.into_iter().map(u16::from))?)
            }
            codes => codes,
        };
        *self = match std::mem::replace(self, Codes::Narrow(Vec::new())) {
            Codes::Middle(codes) if code > u16::MAX.into() => Codes::Wide(collected(codes.into_iter().map(u32::from))?),
            codes => codes,
        };
        match self {
            Codes::Narrow(codes) => make_room(codes, 1).map(|()| codes.push(code as u8)),
            Codes::Middle(codes) => make_room(codes, 1).map(|()| codes.push(code as u16)),
            Codes::Wide(codes) => make_room(codes, 1).map(|()| codes.push(code)),
        }
    }

    /// Sets the bit of each row of `bits` whose code `holds`.
    fn mark(&self, holds: &[bool], bits: &mut [u64]) {
        match self {
            Codes::Narrow(codes) => mark(codes, holds, bits),
            Codes::Middle(codes) => mark(codes, holds, bits),
            Codes::Wide(codes) => mark(codes, holds, bits),
        }
    }
}

fn mark<T: Copy + Into<u32>>(codes: &[T], holds: &[bool], bits: &mut [u64]) {
    for (word, codes) in bits.iter_mut().zip(codes.chunks(64)) {
        for (bit, &code) in codes.iter().enumerate() {
            *word |= (holds[code.into() as usize] as u64) << bit;
        }
    }
}

/// One path of the first rows of a chunk.
#[derive(Clone, Debug)]
pub struct Column {
    /// Distinct values in the order in which they came.
    values: Vec<Literal>,
    codes: Codes,
    /// Where elements are looked at: one past the last code of each row.
    ends: Option<Vec<u32>>,
    bytes: usize,
}

/// A literal as a key: numbers that are equal are one, whatever their notation.
#[derive(PartialEq)]
struct Key(Literal);

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Literal::Bool(value) => value.hash(state),
            // Equal ones have one nearest f64, whatever their notation.
            Literal::Number(number) => (number.as_f64() + 0.0).to_bits().hash(state),
            Literal::Text(text) => text.hash(state),
        }
    }
}

impl Column {
    /// The column of `rows`, the JSON objects of rows from the first on; `before` is the column of some of the first of
    /// them, which `rows` then leaves out. `cover` is asked for so many bytes in all as it grows, and may refuse them: rows
    /// may have long texts, no two of them alike.
    pub fn read<'a>(
        lane: &Lane,
        before: Option<&Column>,
        rows: impl Iterator<Item = &'a [u8]>,
        cover: &mut dyn FnMut(usize) -> Result<(), AllocError>,
    ) -> Result<Column, AllocError> {
        let mut covered = before.map_or(0, Column::bytes);
        cover(covered)?;
        let ends = lane.elements.then(Vec::new);
        let empty = Column { values: Vec::new(), codes: Codes::Narrow(Vec::new()), ends, bytes: 0 };
        let mut column = before.cloned().unwrap_or(empty);
        let mut known = Known::default();
        for value in column.values.drain(..) {
            known.insert(Key(value))?;
        }
        for row in rows {
            let taken = known.bytes + column.codes.bytes() + column.ends.as_ref().map_or(0, |ends| 4 * ends.capacity());
            if taken > covered {
                // Seldom, however many rows there are.
                covered = taken + taken / 4;
                cover(covered)?;
            }
            let mut failed = None;
            let codes = &mut column.codes;
            let mut push = |value: Scalar<'_>| {
                let pushed = known.code_of(value).and_then(|code| codes.push(code));
                failed = failed.or(pushed.err());
            };
            match &mut column.ends {
                None => at_path(row, &lane.path, &mut push),
                Some(ends) => {
                    elements_at_path(row, &lane.path, &mut push);
                    make_room(ends, 1)?;
                    ends.push(codes.len() as u32);
                }
            }
            failed.map_or(Ok(()), Err)?;
        }
        let mut values = collected(known.codes)?;
        values.sort_unstable_by_key(|&(_, code)| code);
        column.values = collected(values.into_iter().map(|(key, _)| key.0))?;
        let text = |value: &Literal| if let Literal::Text(text) = value { text.capacity() } else { 0 };
        let dictionary: usize = column.values.iter().map(|value| size_of::<Literal>() + text(value)).sum();
        let ends = column.ends.as_ref().map_or(0, |ends| 4 * ends.capacity());
        column.bytes = size_of::<Column>() + dictionary + column.codes.bytes() + ends;
        cover(column.bytes)?;
        Ok(column)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ends.as_ref().map_or(self.codes.len(), Vec::len)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets the bit of each row for whose value `check` holds, as far as `bits` reaches. There may be more rows.
    pub fn mark(&self, check: &Check, bits: &mut [u64]) -> Result<(), AllocError> {
        let scalars = [Scalar::Null, Scalar::Compound].into_iter().chain(self.values.iter().map(Literal::scalar));
        let holds = collected(scalars.map(|value| check.holds_for(value)))?;
        let Some(ends) = &self.ends else {
            self.codes.mark(&holds, bits);
            return Ok(());
        };
        let mut from = 0;
        for (row, &end) in ends.iter().take(64 * bits.len()).enumerate() {
            if (from..end).any(|i| holds[self.codes.get(i as usize) as usize]) {
                bits[row / 64] |= 1 << (row % 64);
            }
            from = end;
        }
        Ok(())
    }

    /// The number in row `row`, where there is one.
    fn number(&self, row: usize) -> Option<f64> {
        match self.values.get(self.codes.get(row).checked_sub(FIRST)? as usize)? {
            Literal::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }
}

/// The distinct values so far, by their numbers.
#[derive(Default)]
struct Known {
    codes: HashMap<Key, u32>,
    /// Bytes that they take, about.
    bytes: usize,
}

impl Known {
    /// The number of a value, a new one where it was not met before.
    fn code_of(&mut self, value: Scalar<'_>) -> Result<u32, AllocError> {
        let key = Key(match value {
            Scalar::Null => return Ok(NULL),
            Scalar::Compound => return Ok(COMPOUND),
            Scalar::Bool(value) => Literal::Bool(value),
            Scalar::Number(number) => Literal::Number(number),
            Scalar::Text(text) => Literal::Text(owned(text)?),
        });
        match self.codes.get(&key) {
            Some(&code) => Ok(code),
            None => self.insert(key),
        }
    }

    /// Gives a new value its number.
    fn insert(&mut self, key: Key) -> Result<u32, AllocError> {
        // A table of them is up to twice as large as what is in it.
        let text = if let Literal::Text(text) = &key.0 { text.capacity() } else { 0 };
        self.bytes += 2 * size_of::<(Key, u32)>() + text;
        let bytes = self.bytes as u64;
        self.codes.try_reserve(1).map_err(|_| AllocError::System { bytes })?;
        let code = FIRST + self.codes.len() as u32;
        self.codes.insert(key, code);
        Ok(code)
    }
}

fn owned(text: &str) -> Result<String, AllocError> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| AllocError::System { bytes: text.len() as u64 })?;
    copy.push_str(text);
    Ok(copy)
}

/// Sets the bit of each row whose latitude and longitude lie in `circle`.
pub fn mark_within(circle: &Circle, latitude: &Column, longitude: &Column, bits: &mut [u64]) {
    for row in 0..latitude.rows().min(longitude.rows()).min(64 * bits.len()) {
        let point = latitude.number(row).zip(longitude.number(row));
        if point.is_some_and(|(latitude, longitude)| circle.holds_at(latitude, longitude)) {
            bits[row / 64] |= 1 << (row % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::json::Number;

    fn lane(name: &str, elements: bool) -> Lane {
        Lane { path: vec![Step::Member(name.into())], elements }
    }

    fn column(lane: &Lane, rows: &[String]) -> Column {
        Column::read(lane, None, rows.iter().map(|row| row.as_bytes()), &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn numbers_of_rows_grow_wider_as_values_do() {
        for count in [3usize, 300, 70_000] {
            let rows: Vec<String> = (0..count + 2).map(|i| format!("{{\"a\": {}}}", i % count)).collect();
            let column = column(&lane("a", false), &rows);
            assert_eq!((column.values.len(), column.rows()), (count, count + 2));
            let mut bits = vec![0u64; column.rows().div_ceil(64)];
            column.mark(&Check::Equal(Literal::Number(Number::Whole(1))), &mut bits).unwrap();
            let set: Vec<usize> = (0..column.rows()).filter(|row| bits[row / 64] >> (row % 64) & 1 == 1).collect();
            assert_eq!(set, [1, count + 1]);
        }
    }

    #[test]
    fn a_column_goes_on_where_it_ended() {
        let rows: Vec<String> =
            (0..200).map(|i| format!("{{\"a\": [{}, \"x{}\"], \"b\": {}}}", i % 7, i % 5, i % 3)).collect();
        for lane in [lane("a", true), lane("b", false), lane("c", false)] {
            let whole = column(&lane, &rows);
            let first = column(&lane, &rows[..77]);
            let rest = rows[77..].iter().map(|row| row.as_bytes());
            let rest = Column::read(&lane, Some(&first), rest, &mut |_| Ok(())).unwrap();
            assert_eq!((whole.rows(), &whole.values, &whole.ends), (rest.rows(), &rest.values, &rest.ends));
            assert!((0..whole.codes.len()).all(|i| whole.codes.get(i) == rest.codes.get(i)));
        }
    }

    #[test]
    fn a_column_asks_for_what_it_takes() {
        let rows: Vec<String> = (0..2000).map(|i| format!("{{\"a\": \"{i}{}\"}}", "x".repeat(1000))).collect();
        let read = |most: usize| {
            let mut asked = 0;
            let column = Column::read(&lane("a", false), None, rows.iter().map(|row| row.as_bytes()), &mut |bytes| {
                asked = asked.max(bytes);
                let (bytes, max) = (bytes as u64, most as u64);
                if bytes > max { Err(AllocError::OverBudget { bytes, used: 0, max }) } else { Ok(()) }
            });
            (column.map(|column| column.bytes()), asked)
        };
        let (taken, asked) = read(usize::MAX);
        assert!(taken.is_ok_and(|taken| taken > 2_000_000 && taken <= asked), "{taken:?} of {asked}");
        let (refused, asked) = read(100_000);
        assert!(refused.is_err() && asked < 150_000, "{refused:?} after {asked}");
    }

    #[test]
    fn equal_numbers_are_one_value_whatever_their_notation() {
        let rows: Vec<String> = ["1", "1.0", "1e0", "0", "-0.0"].map(|n| format!("{{\"a\": {n}}}")).to_vec();
        let column = column(&lane("a", false), &rows);
        assert_eq!(column.values.len(), 2);
    }
}
