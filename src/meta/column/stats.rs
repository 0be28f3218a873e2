//! What is known of a column at a glance: how many values of each kind there are, how many of these differ, and
//! between which two they lie. That often decides a condition without a look at any row, and
//! says roughly for how many it will hold.

use super::{COMPOUND, FIRST, NULL};
use crate::meta::filter::{Check, Circle, Literal};
use crate::util::memory::AllocError;
use std::cmp::Ordering;

/// The share of strings that an undecided beginning or order is taken to hold for.
const UNDECIDED: f64 = 1.0 / 3.0;
/// Degrees that the edge of a circle may be off by, as its distances are rounded.
const MARGIN: f64 = 1e-6;

/// Values of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// How many there are.
    pub count: usize,
    /// How many of these differ.
    pub distinct: usize,
    /// The least and the largest.
    pub range: Option<(Literal, Literal)>,
}

/// Statistics of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Rows.
    pub rows: usize,
    /// Missing or `null`; of elements, rows without any.
    pub nulls: usize,
    /// Objects and arrays.
    pub compounds: usize,
    /// The booleans, the numbers and the strings, of rows or of all elements.
    pub kinds: [Values; 3],
}

impl Stats {
    /// Of `values`, and of how many rows (or elements) have each code.
    pub(super) fn new(values: &[Literal], counts: &[usize], rows: usize) -> Result<Stats, AllocError> {
        let of = |code: u32| counts.get(code as usize).copied().unwrap_or(0);
        let mut kinds: [Values; 3] = Default::default();
        let mut ends: [Option<(&Literal, &Literal)>; 3] = [None; 3];
        for (value, &count) in values.iter().zip(&counts[FIRST as usize..]) {
            let at = value.kind() as usize;
            kinds[at].count += count;
            kinds[at].distinct += 1;
            let (least, largest) = ends[at].get_or_insert((value, value));
            *least = if value.order(least) == Ordering::Less { value } else { *least };
            *largest = if value.order(largest) == Ordering::Greater { value } else { *largest };
        }
        for (kind, ends) in kinds.iter_mut().zip(ends) {
            let copied = |(least, largest): (&Literal, &Literal)| Ok((least.copied()?, largest.copied()?));
            kind.range = ends.map(copied).transpose()?;
        }
        Ok(Stats { rows, nulls: of(NULL), compounds: of(COMPOUND), kinds })
    }

    /// The same for the elements of arrays, which `empty` rows have none of.
    pub(super) fn of_elements(self, empty: usize) -> Stats {
        Stats { nulls: empty, ..self }
    }

    /// Bytes of the values.
    pub(super) fn bytes(&self) -> usize {
        let text = |value: &Literal| if let Literal::Text(text) = value { text.capacity() } else { 0 };
        self.kinds.iter().filter_map(|kind| kind.range.as_ref()).map(|(least, most)| text(least) + text(most)).sum()
    }

    /// Takes in those of another chunk. How many of the values of both differ is not known: as many as in one at least.
    pub fn add(&mut self, other: &Stats) -> Result<(), AllocError> {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.compounds += other.compounds;
        for (values, more) in self.kinds.iter_mut().zip(&other.kinds) {
            values.count += more.count;
            values.distinct = values.distinct.max(more.distinct);
            let Some((least, largest)) = &more.range else { continue };
            let Some((min, max)) = &mut values.range else {
                values.range = Some((least.copied()?, largest.copied()?));
                continue;
            };
            if least.order(min) == Ordering::Less {
                *min = least.copied()?;
            }
            if largest.order(max) == Ordering::Greater {
                *max = largest.copied()?;
            }
        }
        Ok(())
    }

    /// Whether `check`, which is no circle, holds for all rows or for none; `None` where they have to be looked at.
    pub fn decides(&self, check: &Check) -> Option<bool> {
        if self.rows == 0 {
            return Some(false);
        }
        if *check == Check::IsNull {
            return if self.nulls == 0 { Some(false) } else { (self.nulls == self.rows).then_some(true) };
        }
        if let Check::Contains(literal) = check {
            // That an element is there does not say in which rows.
            return self.decides_value(&Check::Equal(literal.clone())).filter(|holds| !holds);
        }
        self.decides_value(check)
    }

    fn decides_value(&self, check: &Check) -> Option<bool> {
        let at = |literal: &Literal| literal.kind() as usize;
        let of = match check {
            Check::Equal(literal) => at(literal),
            Check::Less { than, .. } | Check::Greater { than, .. } => at(than),
            Check::StartsWith(_) => 2,
            Check::OneOf(literals) => {
                let found = literals.iter().any(|one| self.kinds[at(one)].may_have(one));
                return (!found).then_some(false);
            }
            Check::Contains(_) | Check::Within { .. } | Check::IsNull => return None,
        };
        let values = &self.kinds[of];
        let Some((least, largest)) = &values.range else { return Some(false) };
        let (at_least, at_largest) = (check.holds_for(least.scalar()), check.holds_for(largest.scalar()));
        // What holds for both ends of an order holds in between.
        if at_least && at_largest && values.count == self.rows {
            return Some(true);
        }
        let nowhere = match check {
            Check::Equal(literal) => !values.may_have(literal),
            Check::Less { .. } => !at_least,
            Check::Greater { .. } => !at_largest,
            Check::StartsWith(prefix) => values.no_string_begins(prefix),
            _ => false,
        };
        nowhere.then_some(false)
    }

    /// The share of the rows that `check`, which is no circle, can be expected to hold for.
    pub fn share(&self, check: &Check) -> f64 {
        if let Some(all) = self.decides(check) {
            return all as u8 as f64;
        }
        let equal = |literal: &Literal| {
            let values = &self.kinds[literal.kind() as usize];
            if values.may_have(literal) { values.count as f64 / values.distinct.max(1) as f64 } else { 0.0 }
        };
        let rows = match check {
            Check::IsNull => self.nulls as f64,
            Check::Equal(literal) | Check::Contains(literal) => equal(literal),
            Check::OneOf(literals) => literals.iter().map(equal).sum(),
            Check::Less { than, .. } => self.kinds[than.kind() as usize].below(than),
            Check::Greater { than, .. } => {
                let values = &self.kinds[than.kind() as usize];
                values.count as f64 - values.below(than)
            }
            Check::StartsWith(_) => self.kinds[2].count as f64 * UNDECIDED,
            Check::Within { .. } => 0.0,
        };
        (rows / self.rows.max(1) as f64).clamp(0.0, 1.0)
    }

    /// The least and the largest number, where there are any.
    fn numbers(&self) -> Option<(f64, f64)> {
        match self.kinds[1].range.as_ref()? {
            (Literal::Number(least), Literal::Number(largest)) => Some((least.as_f64(), largest.as_f64())),
            _ => None,
        }
    }
}

impl Values {
    fn may_have(&self, literal: &Literal) -> bool {
        self.range.as_ref().is_some_and(|(least, largest)| {
            literal.order(least) != Ordering::Less && literal.order(largest) != Ordering::Greater
        })
    }

    /// Of strings: whether none can begin with `prefix`, as all are less, or all greater than those that do.
    fn no_string_begins(&self, prefix: &str) -> bool {
        match &self.range {
            Some((Literal::Text(least), Literal::Text(largest))) => {
                largest.as_str() < prefix || (least.as_str() > prefix && !least.starts_with(prefix))
            }
            _ => true,
        }
    }

    /// How many can be expected below a value that lies between the least and the largest.
    fn below(&self, than: &Literal) -> f64 {
        let share = match (&self.range, than) {
            (Some((Literal::Number(least), Literal::Number(largest))), Literal::Number(than)) => {
                let (least, largest) = (least.as_f64(), largest.as_f64());
                let share = (than.as_f64() / 2.0 - least / 2.0) / (largest / 2.0 - least / 2.0);
                if share.is_finite() { share.clamp(0.0, 1.0) } else { UNDECIDED }
            }
            _ => UNDECIDED,
        };
        self.count as f64 * share
    }
}

/// The share of the rows that can be expected within `circle`, where latitudes and longitudes have these statistics;
/// 0 where none can be.
pub fn share_within(circle: &Circle, latitudes: &Stats, longitudes: &Stats) -> f64 {
    let (Some((south, north)), Some((west, east))) = (latitudes.numbers(), longitudes.numbers()) else { return 0.0 };
    let reach = circle.degrees() + MARGIN;
    let covered = |from: f64, to: f64, middle: f64, reach: f64| {
        let common = (to.min(middle + reach) - from.max(middle - reach)).max(0.0);
        if to > from { common / (to - from) } else { 1.0 }
    };
    // Degrees beyond the poles would come round again.
    let is_earth = south >= -90.0 && north <= 90.0;
    if is_earth && (south > circle.latitude + reach || north < circle.latitude - reach) {
        return 0.0;
    }
    // Meridians draw together towards the poles.
    let wide = (reach / circle.latitude.to_radians().cos().max(1e-9)).min(360.0);
    let share = covered(south, north, circle.latitude, reach) * covered(west, east, circle.longitude, wide);
    let there = latitudes.kinds[1].count as f64 / latitudes.rows.max(1) as f64;
    // Of a square about a circle; never nothing, as only latitudes are certain.
    (there * share * std::f64::consts::FRAC_PI_4).clamp(f64::MIN_POSITIVE, 1.0)
}
