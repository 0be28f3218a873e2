//! Numbers of rows side by side, where nearly each row has another one: a dictionary of them would take
//! more memory than they do themselves.
//!
//! A number is its distance from the least one in an order of whole numbers: its own, or that of the bits of an f64.
//! What compares with a number then holds for one run of distances, which is found once; rows are asked whether
//! theirs lies in it. Only what comes back exactly is kept so.

use super::codes::mark;
use crate::meta::filter::{Check, Literal};
use crate::meta::json::{Number, Scalar};
use crate::util::memory::{AllocError, collected, filled};
use std::cmp::Ordering;
use std::ops::Range;

/// The distance of a row with nothing, or `null`.
const NULL: u64 = 0;

/// A number, or nothing, for each row.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The place of the least number, whose distance is 1.
    least: i64,
    /// Distance of the largest.
    most: u64,
    reals: bool,
    distances: Distances,
}

#[derive(Debug)]
enum Distances {
    Middle(Vec<u32>),
    Wide(Vec<u64>),
}

impl Numbers {
    /// For `rows` rows, of which `code` tells the place in `values`, or that there is none; `None` where not all of
    /// these come back exactly, or where it takes `limit` bytes or more.
    pub fn pack(
        values: &[Literal],
        rows: usize,
        code: impl Fn(usize) -> Option<usize>,
        limit: usize,
    ) -> Result<Option<Numbers>, AllocError> {
        let mut places = filled(0i64, values.len())?;
        let mut place = |reals: bool| {
            values.iter().zip(&mut places).all(|(value, at)| match place_of(value, reals) {
                Some(place) => {
                    *at = place;
                    true
                }
                None => false,
            })
        };
        let reals = !place(false);
        if reals && !place(true) {
            return Ok(None);
        }
        let (Some(&least), Some(&largest)) = (places.iter().min(), places.iter().max()) else { return Ok(None) };
        let span = largest.wrapping_sub(least) as u64;
        let is_narrow = span < u32::MAX.into();
        // One past the largest distance must be a number too.
        if span >= u64::MAX - 1 || rows * if is_narrow { 4 } else { 8 } >= limit {
            return Ok(None);
        }
        let distance = |row| code(row).map_or(NULL, |code| places[code].wrapping_sub(least) as u64 + 1);
        let distances = match is_narrow {
            true => Distances::Middle(collected((0..rows).map(|row| distance(row) as u32))?),
            false => Distances::Wide(collected((0..rows).map(distance))?),
        };
        Ok(Some(Numbers { least, most: span + 1, reals, distances }))
    }

    pub fn len(&self) -> usize {
        match &self.distances {
            Distances::Middle(distances) => distances.len(),
            Distances::Wide(distances) => distances.len(),
        }
    }

    pub fn bytes(&self) -> usize {
        match &self.distances {
            Distances::Middle(distances) => 4 * distances.capacity(),
            Distances::Wide(distances) => 8 * distances.capacity(),
        }
    }

    /// The number of a row, where it has one.
    pub fn get(&self, row: usize) -> Option<Number> {
        let distance = match &self.distances {
            Distances::Middle(distances) => distances[row].into(),
            Distances::Wide(distances) => distances[row],
        };
        self.number(distance)
    }

    /// What is so far away.
    fn number(&self, distance: u64) -> Option<Number> {
        let place = self.least.wrapping_add(distance.checked_sub(1)? as i64);
        Some(if self.reals { Number::Real(f64::from_bits(flip(place) as u64)) } else { Number::Whole(place.into()) })
    }

    /// Sets the bit of each row of `bits` for whose number `check` holds.
    pub fn mark(&self, check: &Check, bits: &mut [u64]) {
        match self.run(check) {
            Some(run) => {
                let (start, len) = (run.start, run.end.saturating_sub(run.start));
                match &self.distances {
                    Distances::Middle(all) => mark(all, |at| u64::from(at).wrapping_sub(start) < len, bits),
                    Distances::Wide(all) => mark(all, |at| at.wrapping_sub(start) < len, bits),
                }
            }
            None => {
                let holds = |distance| check.holds_for(self.number(distance).map_or(Scalar::Null, Scalar::Number));
                match &self.distances {
                    Distances::Middle(all) => mark(all, |at| holds(at.into()), bits),
                    Distances::Wide(all) => mark(all, holds, bits),
                }
            }
        }
    }

    /// The distances for which `check` holds, where they are one run.
    fn run(&self, check: &Check) -> Option<Range<u64>> {
        let holds = |distance| self.number(distance).is_some_and(|number| check.holds_for(Scalar::Number(number)));
        let end = self.most + 1;
        Some(match check {
            Check::IsNull => NULL..NULL + 1,
            Check::Less { .. } => 1..self.first(|distance| !holds(distance)),
            Check::Greater { .. } => self.first(holds)..end,
            Check::Equal(Literal::Number(wanted)) => {
                let compared = |distance| self.number(distance).map(|number| number.compare(*wanted));
                let first = self.first(|distance| compared(distance).is_none_or(Ordering::is_ge));
                first..self.first(|distance| compared(distance).is_none_or(Ordering::is_gt))
            }
            Check::OneOf(_) => return None,
            Check::Equal(_) | Check::StartsWith(_) | Check::Contains(_) | Check::Within { .. } => 0..0,
        })
    }

    /// The first distance from which on `holds`, one past the last where it never does.
    fn first(&self, holds: impl Fn(u64) -> bool) -> u64 {
        let mut range = 1..self.most + 1;
        while !range.is_empty() {
            let middle = range.start + (range.end - range.start) / 2;
            if holds(middle) { range.end = middle } else { range.start = middle + 1 }
        }
        range.start
    }
}

/// Where a number lies in the order of whole numbers, or of f64; `None` where it would not come back exactly.
fn place_of(value: &Literal, reals: bool) -> Option<i64> {
    let Literal::Number(number) = value else { return None };
    if !reals {
        return number.whole()?.try_into().ok();
    }
    // Zero is the same with either sign.
    let real = number.as_f64() + 0.0;
    (Number::Real(real) == *number).then(|| flip(real.to_bits() as i64))
}

/// Bits of an f64 as a whole number in the order of the f64, and back.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(numbers: &[Option<Number>]) -> Option<Numbers> {
        let values: Vec<Literal> = numbers.iter().flatten().map(|&number| Literal::Number(number)).collect();
        let mut next = 0..;
        let codes: Vec<Option<usize>> = numbers.iter().map(|number| number.map(|_| next.next().unwrap())).collect();
        Numbers::pack(&values, numbers.len(), |row| codes[row], usize::MAX).unwrap()
    }

    #[test]
    fn what_would_not_come_back_is_not_packed() {
        use Number::{Real, Whole};
        assert!(pack(&[]).is_none() && pack(&[None]).is_none());
        assert!(pack(&[Some(Whole(u64::MAX.into())), Some(Whole(1))]).is_none());
        assert!(pack(&[Some(Whole((1 << 53) + 1)), Some(Real(0.5))]).is_none());
        assert!(pack(&[Some(Whole(i64::MIN.into())), Some(Whole(i64::MAX.into()))]).is_none(), "no place for null");
        assert!(pack(&[Some(Whole(i64::MIN.into())), Some(Whole((i64::MAX - 1).into()))]).is_none(), "nor for the end");
        assert!(pack(&[Some(Whole((i64::MIN + 2).into())), Some(Whole(i64::MAX.into()))]).is_some());
        let packed = pack(&[Some(Real(7.0)), Some(Whole(7)), None, Some(Real(-0.0))]).unwrap();
        assert!(!packed.reals && matches!(packed.distances, Distances::Middle(_)));
        assert_eq!((packed.get(0), packed.get(2), packed.get(3)), (Some(Whole(7)), None, Some(Whole(0))));
        let values = [Literal::Number(Whole(1))];
        assert!(Numbers::pack(&values, 8, |_| Some(0), 32).unwrap().is_none(), "no gain");
        assert!(Numbers::pack(&values, 8, |_| Some(0), 33).unwrap().is_some());
        assert!(Numbers::pack(&[Literal::Bool(true)], 8, |_| Some(0), 33).unwrap().is_none());
    }

    fn number() -> impl Strategy<Value = Number> {
        prop_oneof![
            (-3i64..4).prop_map(|n| Number::Whole(n.into())),
            any::<i64>().prop_map(|n| Number::Whole((n / 4).into())),
            (-9i64..9).prop_map(|n| Number::Real(n as f64 / 4.0)),
            any::<f64>().prop_filter("no JSON", |x| x.is_finite()).prop_map(Number::Real),
        ]
    }

    proptest! {
        #[test]
        fn conditions_hold_as_for_each_number(
            numbers in proptest::collection::vec(proptest::option::weighted(0.8, number()), 1..150),
            wanted in number(),
            kind in 0..7,
            or_equal in any::<bool>(),
        ) {
            let Some(packed) = pack(&numbers) else { return Ok(()) };
            let wanted = if kind == 6 { numbers[0].unwrap_or(wanted) } else { wanted };
            let than = Literal::Number(wanted);
            let check = match kind {
                0 => Check::Less { than, or_equal },
                1 => Check::Greater { than, or_equal },
                2 => Check::IsNull,
                3 => Check::OneOf(vec![than]),
                4 => Check::Less { than: Literal::Text("a".into()), or_equal },
                5 => Check::Equal(Literal::Bool(true)),
                _ => Check::Equal(than),
            };
            let mut bits = vec![0u64; numbers.len().div_ceil(64)];
            packed.mark(&check, &mut bits);
            for (row, number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.get(row), *number);
                let holds = check.holds_for(number.map_or(Scalar::Null, Scalar::Number));
                prop_assert_eq!(bits[row / 64] >> (row % 64) & 1 == 1, holds, "{:?} of {:?}", check, number);
            }
        }
    }
}
