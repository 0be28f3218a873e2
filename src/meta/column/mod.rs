//! One path of many rows, read out of their JSON once: the distinct values that lie there, and
//! a short number for each row that says which it has; or, of numbers that hardly ever come twice, the numbers
//! themselves (`numbers`).
//!
//! So a condition is asked about each distinct value once, and about rows only by looking up their
//! numbers, without reading any JSON again. A column is derived: it may be dropped and made again at
//! any time, and never goes to disk.

mod codes;
mod numbers;
mod stats;

pub use stats::{Stats, Values, share_within};

use super::filter::{Check, Circle, Literal};
use super::json::{Number, Scalar};
use super::read::{Lane, Lanes, Reader};
use crate::util::memory::{AllocError, collected, make_room, with_room};
use codes::Codes;
use numbers::Numbers;
use std::collections::HashMap;

/// The number of a row with nothing, or `null`, at the path.
const NULL: u32 = 0;
/// The number of a row with an object or an array there.
const COMPOUND: u32 = 1;
/// The number of the first value.
const FIRST: u32 = 2;

/// One path of the first rows of a chunk.
#[derive(Debug)]
pub struct Column {
    data: Data,
    stats: Stats,
    bytes: usize,
}

#[derive(Debug)]
enum Data {
    Coded(Coded),
    Numbers(Numbers),
}

/// Values with their numbers.
#[derive(Debug)]
struct Coded {
    /// Distinct values in the order in which they came.
    values: Vec<Literal>,
    codes: Codes,
    /// Where elements are looked at: one past the last code of each row.
    ends: Option<Vec<u32>>,
}

/// A value as a key: numbers that are equal are one, whatever their notation. Of whole numbers and bytes, whose
/// comparison memory checkers can follow.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Bool(bool),
    Whole(i128),
    /// The bits of an f64 that is equal to no whole number.
    Real(u64),
    Text(String),
}

impl Key {
    fn of(value: Literal) -> Key {
        match value {
            Literal::Bool(value) => Key::Bool(value),
            Literal::Number(number) => number.whole().map_or(Key::Real(number.as_f64().to_bits()), Key::Whole),
            Literal::Text(text) => Key::Text(text),
        }
    }

    fn value(self) -> Literal {
        match self {
            Key::Bool(value) => Literal::Bool(value),
            Key::Whole(whole) => Literal::Number(Number::Whole(whole)),
            Key::Real(bits) => Literal::Number(Number::Real(f64::from_bits(bits))),
            Key::Text(text) => Literal::Text(text),
        }
    }
}

impl Column {
    /// The columns of `rows`, the JSON objects of rows from the first on, which are read once for all of `lanes`. Beside each
    /// lane may stand the column of some of the first rows, which `rows` then leaves out: as many for each lane. `cover` is
    /// asked for so many bytes in all as they grow, and may refuse them: rows may have long texts, no two of them alike.
    pub fn read<'a>(
        lanes: &[(&Lane, Option<&Column>)],
        rows: impl Iterator<Item = &'a [u8]>,
        cover: &mut dyn FnMut(usize) -> Result<(), AllocError>,
    ) -> Result<Vec<Column>, AllocError> {
        let mut covered = lanes.iter().filter_map(|(_, before)| *before).map(Column::bytes).sum();
        cover(covered)?;
        let mut making = with_room(lanes.len())?;
        for (lane, before) in lanes {
            making.push(Making::begin(lane, *before)?);
        }
        let tree = Lanes::new(lanes.iter().map(|(lane, _)| *lane));
        let mut reader = Reader::new(&tree);
        for row in rows {
            let taken = making.iter().map(Making::bytes).sum::<usize>();
            if taken > covered {
                // Seldom, however many rows there are.
                covered = taken + taken / 4;
                cover(covered)?;
            }
            let mut failed = None;
            reader.read(row, &mut |lane, value| failed = failed.or(making[lane].push(value).err()));
            failed.map_or(Ok(()), Err)?;
            making.iter_mut().try_for_each(Making::end_row)?;
        }
        let mut columns = with_room(making.len())?;
        for making in making {
            columns.push(making.end()?);
        }
        cover(columns.iter().map(Column::bytes).sum())?;
        Ok(columns)
    }

    /// With its statistics, and in the form that takes less memory.
    fn of(coded: Coded) -> Result<Column, AllocError> {
        let Coded { values, codes, ends } = &coded;
        let counts = codes.counts(values.len() + FIRST as usize)?;
        let stats = Stats::new(values, &counts, coded.rows())?;
        let stats = match ends {
            None => stats,
            Some(ends) => {
                let before = [0].iter().chain(ends);
                stats.of_elements(ends.iter().zip(before).filter(|(end, before)| end == before).count())
            }
        };
        let bytes = coded.bytes();
        let packed = match stats.compounds {
            0 if ends.is_none() => {
                let code = |row| codes.get(row).checked_sub(FIRST).map(|code| code as usize);
                Numbers::pack(values, codes.len(), code, bytes)?
            }
            _ => None,
        };
        let bytes = size_of::<Column>() + stats.bytes() + packed.as_ref().map_or(bytes, Numbers::bytes);
        Ok(Column { data: packed.map_or(Data::Coded(coded), Data::Numbers), stats, bytes })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        match &self.data {
            Data::Coded(coded) => coded.rows(),
            Data::Numbers(numbers) => numbers.len(),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is known of its values.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Shows `found` its distinct values; numbers that lie side by side once for each row.
    pub fn each_value(&self, found: &mut dyn FnMut(Scalar<'_>)) {
        match &self.data {
            Data::Coded(coded) => coded.values.iter().for_each(|value| found(value.scalar())),
            Data::Numbers(numbers) => {
                (0..numbers.len()).filter_map(|row| numbers.get(row)).for_each(|number| found(Scalar::Number(number)));
            }
        }
    }

    /// Sets the bit of each row for whose value `check` holds, as far as `bits` reaches. There may be more rows.
    pub fn mark(&self, check: &Check, bits: &mut [u64]) -> Result<(), AllocError> {
        match &self.data {
            Data::Coded(coded) => coded.mark(check, bits),
            Data::Numbers(numbers) => {
                numbers.mark(check, bits);
                Ok(())
            }
        }
    }

    /// The number in row `row`, where there is one.
    fn number(&self, row: usize) -> Option<f64> {
        match &self.data {
            Data::Numbers(numbers) => numbers.get(row).map(Number::as_f64),
            Data::Coded(coded) => match coded.values.get(coded.codes.get(row).checked_sub(FIRST)? as usize)? {
                Literal::Number(number) => Some(number.as_f64()),
                _ => None,
            },
        }
    }
}

/// A column that is read.
struct Making {
    known: Known,
    codes: Codes,
    /// As those of [`Coded`].
    ends: Option<Vec<u32>>,
    rows: usize,
}

impl Making {
    /// With the rows of `before`.
    fn begin(lane: &Lane, before: Option<&Column>) -> Result<Making, AllocError> {
        let (mut known, mut codes, mut ends) = (Known::default(), Codes::new(), lane.elements.then(Vec::new));
        match before.map(|before| &before.data) {
            None => {}
            Some(Data::Numbers(numbers)) => {
                for row in 0..numbers.len() {
                    codes.push(known.code_of(numbers.get(row).map_or(Scalar::Null, Scalar::Number))?)?;
                }
            }
            Some(Data::Coded(coded)) => {
                for value in &coded.values {
                    known.insert(Key::of(value.copied()?))?;
                }
                codes = coded.codes.copied()?;
                ends = coded.ends.as_ref().map(|ends| collected(ends.iter().copied())).transpose()?;
            }
        }
        Ok(Making { known, codes, ends, rows: before.map_or(0, Column::rows) })
    }

    fn bytes(&self) -> usize {
        self.known.bytes + self.codes.bytes() + bytes_of(&self.ends)
    }

    /// Takes a value of the row in hand.
    fn push(&mut self, value: Scalar<'_>) -> Result<(), AllocError> {
        self.codes.push(self.known.code_of(value)?)
    }

    /// Goes on to the next row.
    fn end_row(&mut self) -> Result<(), AllocError> {
        self.rows += 1;
        match &mut self.ends {
            Some(ends) => {
                make_room(ends, 1)?;
                ends.push(self.codes.len() as u32);
            }
            None if self.codes.len() < self.rows => self.codes.push(NULL)?,
            None => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Column, AllocError> {
        let mut values = collected(self.known.codes)?;
        values.sort_unstable_by_key(|&(_, code)| code);
        let values = collected(values.into_iter().map(|(key, _)| key.value()))?;
        Column::of(Coded { values, codes: self.codes, ends: self.ends })
    }
}

impl Coded {
    fn rows(&self) -> usize {
        self.ends.as_ref().map_or(self.codes.len(), Vec::len)
    }

    fn bytes(&self) -> usize {
        let text = |value: &Literal| if let Literal::Text(text) = value { text.capacity() } else { 0 };
        let dictionary: usize = self.values.iter().map(|value| size_of::<Literal>() + text(value)).sum();
        dictionary + self.codes.bytes() + bytes_of(&self.ends)
    }

    fn mark(&self, check: &Check, bits: &mut [u64]) -> Result<(), AllocError> {
        let scalars = [Scalar::Null, Scalar::Object].into_iter().chain(self.values.iter().map(Literal::scalar));
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
}

fn bytes_of(ends: &Option<Vec<u32>>) -> usize {
    ends.as_ref().map_or(0, |ends| 4 * ends.capacity())
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
        let key = Key::of(match value {
            Scalar::Null => return Ok(NULL),
            Scalar::Array | Scalar::Object => return Ok(COMPOUND),
            Scalar::Bool(value) => Literal::Bool(value),
            Scalar::Number(number) => Literal::Number(number),
            Scalar::Text(text) => Literal::Text(copied(text)?),
        });
        match self.codes.get(&key) {
            Some(&code) => Ok(code),
            None => self.insert(key),
        }
    }

    /// Gives a new value its number.
    fn insert(&mut self, key: Key) -> Result<u32, AllocError> {
        // A table of them is up to twice as large as what is in it.
        let text = if let Key::Text(text) = &key { text.capacity() } else { 0 };
        self.bytes += 2 * size_of::<(Key, u32)>() + text;
        let bytes = self.bytes as u64;
        self.codes.try_reserve(1).map_err(|_| AllocError::System { bytes })?;
        let code = FIRST + self.codes.len() as u32;
        self.codes.insert(key, code);
        Ok(code)
    }
}

/// A copy of a text in memory that may be refused.
pub fn copied(text: &str) -> Result<String, AllocError> {
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
    use crate::meta::Step;

    fn lane(name: &str, elements: bool) -> Lane {
        Lane { path: vec![Step::Member(name.into())], elements }
    }

    fn column(lane: &Lane, rows: &[String]) -> Column {
        continued(lane, None, rows)
    }

    fn continued(lane: &Lane, before: Option<&Column>, rows: &[String]) -> Column {
        let rows = rows.iter().map(|row| row.as_bytes());
        Column::read(&[(lane, before)], rows, &mut |_| Ok(())).unwrap().remove(0)
    }

    #[test]
    fn numbers_of_rows_grow_wider_as_values_do() {
        for count in [3usize, 300, 70_000] {
            let rows: Vec<String> = (0..count + 2).map(|i| format!("{{\"a\": \"v{}\"}}", i % count)).collect();
            let column = column(&lane("a", false), &rows);
            assert_eq!((column.stats.kinds[2].distinct, column.rows()), (count, count + 2));
            let mut bits = vec![0u64; column.rows().div_ceil(64)];
            column.mark(&Check::Equal(Literal::Text("v1".into())), &mut bits).unwrap();
            let set: Vec<usize> = (0..column.rows()).filter(|row| bits[row / 64] >> (row % 64) & 1 == 1).collect();
            assert_eq!(set, [1, count + 1]);
        }
    }

    #[test]
    fn numbers_lie_side_by_side_where_that_takes_less() {
        for (distinct, packed) in [(5usize, false), (40, false), (200, true), (1000, true)] {
            let rows: Vec<String> = (0..1000).map(|i| format!("{{\"a\": {}}}", i % distinct)).collect();
            let whole = column(&lane("a", false), &rows);
            assert_eq!(matches!(whole.data, Data::Numbers(_)), packed, "{distinct}");
            // Whatever form it had before.
            for first in [3, 500, 999] {
                let before = column(&lane("a", false), &rows[..first]);
                let rest = continued(&lane("a", false), Some(&before), &rows[first..]);
                assert_eq!((&rest.stats, rest.rows()), (&whole.stats, 1000));
                assert!((0..1000).all(|row| rest.number(row) == Some((row % distinct) as f64)), "{distinct} {first}");
            }
        }
        let mixed = ["1", "2", "\"x\""].map(|value| format!("{{\"a\": {value}}}"));
        assert!(matches!(column(&lane("a", false), &mixed).data, Data::Coded(_)));
    }

    #[test]
    fn a_column_goes_on_where_it_ended() {
        let rows: Vec<String> =
            (0..200).map(|i| format!("{{\"a\": [{}, \"x{}\"], \"b\": {}}}", i % 7, i % 5, i % 3)).collect();
        for lane in [lane("a", true), lane("b", false), lane("c", false)] {
            let whole = column(&lane, &rows);
            let first = column(&lane, &rows[..77]);
            let rest = continued(&lane, Some(&first), &rows[77..]);
            assert_eq!((whole.rows(), &whole.stats), (rest.rows(), &rest.stats));
            let [whole, rest] = [whole, rest].map(|column| match column.data {
                Data::Coded(coded) => coded,
                Data::Numbers(_) => panic!("few values are not packed"),
            });
            assert_eq!((&whole.values, &whole.ends), (&rest.values, &rest.ends));
            assert!((0..whole.codes.len()).all(|i| whole.codes.get(i) == rest.codes.get(i)));
        }
    }

    #[test]
    fn columns_that_are_read_together_are_as_each_by_itself() {
        let row = |i: usize| format!("{{\"a\": [{}, \"x{}\"], \"b\": {}, \"d\": \"{i}\"}}", i % 7, i % 5, i % 3);
        let rows: Vec<String> = (0..300).map(|i| if i % 11 == 0 { String::new() } else { row(i) }).collect();
        let lanes = [lane("d", false), lane("a", true), lane("a", false), lane("b", false), lane("c", false)];
        let alone: Vec<Column> = lanes.iter().map(|lane| column(lane, &rows)).collect();
        let first: Vec<Column> = lanes.iter().map(|lane| column(lane, &rows[..99])).collect();
        let read = |before: Option<&[Column]>, rows: &[String]| {
            let begun: Vec<_> =
                lanes.iter().enumerate().map(|(i, lane)| (lane, before.map(|before| &before[i]))).collect();
            Column::read(&begun, rows.iter().map(|row| row.as_bytes()), &mut |_| Ok(())).unwrap()
        };
        for together in [read(None, &rows), read(Some(&first), &rows[99..])] {
            for (together, alone) in together.iter().zip(&alone) {
                assert_eq!((together.rows(), &together.stats), (300, &alone.stats));
                for value in ["x1", "1", "17"] {
                    let marks = [together, alone].map(|column| {
                        let mut bits = [0; 5];
                        let number = value.parse().map(|whole| Literal::Number(Number::Whole(whole)));
                        for literal in [Some(Literal::Text(value.into())), number.ok()].into_iter().flatten() {
                            column.mark(&Check::Equal(literal), &mut bits).unwrap();
                        }
                        bits
                    });
                    assert_eq!(marks[0], marks[1], "{value}");
                }
            }
        }
    }

    #[test]
    fn a_column_asks_for_what_it_takes() {
        let rows: Vec<String> = (0..2000).map(|i| format!("{{\"a\": \"{i}{}\"}}", "x".repeat(1000))).collect();
        let read = |most: usize| {
            let mut asked = 0;
            let columns =
                Column::read(&[(&lane("a", false), None)], rows.iter().map(|row| row.as_bytes()), &mut |bytes| {
                    asked = asked.max(bytes);
                    let (bytes, max) = (bytes as u64, most as u64);
                    if bytes > max { Err(AllocError::OverBudget { bytes, used: 0, max }) } else { Ok(()) }
                });
            (columns.map(|columns| columns[0].bytes()), asked)
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
        assert_eq!(column.stats.kinds[1].distinct, 2);
    }
}
