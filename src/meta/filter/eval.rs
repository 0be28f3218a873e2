//! Whether an expression holds for a row: straight from the bytes of its JSON object; or for many
//! rows at once, by their columns.

use super::{Check, Circle, Expression, Literal};
use crate::meta::column::{Column, copied, mark_within, share_within};
use crate::meta::json::{Scalar, Step};
use crate::meta::read::{Lane, Lanes, Reader};
use crate::util::memory::{AllocError, filled};
use std::cmp::Ordering;
use std::sync::Arc;

/// Mean radius of the earth in metres (IUGG).
const EARTH: f64 = 6_371_008.8;

impl Expression {
    /// Whether it holds for a row with the JSON object `row`; a row without one is like `{}`.
    pub fn holds(&self, row: &[u8]) -> bool {
        ByRow::new(self, &Lanes::new(&self.lanes())).holds(row)
    }

    /// What its conditions look at, in the order in which they are asked: two lanes of a point, else one.
    pub fn lanes(&self) -> Vec<Lane> {
        let mut lanes = Vec::new();
        self.each(&mut |path, check| match check {
            Check::Within { latitude, longitude, .. } => {
                lanes.extend([latitude, longitude].map(|path| check.lane(path)))
            }
            _ => lanes.push(check.lane(path)),
        });
        lanes
    }

    /// Shows `found` each condition.
    fn each<'e>(&'e self, found: &mut dyn FnMut(&'e [Step], &'e Check)) {
        match self {
            Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| part.each(found)),
            Expression::Not(part) => part.each(found),
            Expression::Condition { path, check } => found(path, check),
        }
    }

    /// Whether it holds for a row in whose lanes lies what `seen` says.
    fn holds_for(&self, seen: &mut std::slice::Iter<'_, Seen>) -> bool {
        match self {
            // Every part is asked, so that the next one finds its own lanes.
            Expression::All(parts) => parts.iter().filter(|part| !part.holds_for(seen)).count() == 0,
            Expression::Any(parts) => parts.iter().filter(|part| part.holds_for(seen)).count() > 0,
            Expression::Not(part) => !part.holds_for(seen),
            Expression::Condition { check: Check::Within { circle, .. }, .. } => {
                let mut degrees = || seen.next().and_then(|seen| seen.number);
                matches!((degrees(), degrees()), (Some(latitude), Some(longitude)) if circle.holds_at(latitude, longitude))
            }
            Expression::Condition { .. } => seen.next().is_some_and(|seen| seen.holds),
        }
    }
}

/// Asks an expression about one row after the other. Each row is read once, however many conditions there are.
#[derive(Debug)]
pub struct ByRow<'e> {
    expression: &'e Expression,
    reader: Reader<'e>,
    /// Of each lane: who looks at it, and what is known of it in the row in hand.
    checks: Vec<&'e Check>,
    seen: Vec<Seen>,
}

/// What lies in a lane.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Whether the check holds for it.
    holds: bool,
    /// The coordinate of a point.
    number: Option<f64>,
}

impl<'e> ByRow<'e> {
    /// `lanes` are those of the expression.
    pub fn new(expression: &'e Expression, lanes: &'e Lanes) -> ByRow<'e> {
        let mut checks = Vec::new();
        expression.each(&mut |_, check| {
            checks.extend(std::iter::repeat_n(check, if matches!(check, Check::Within { .. }) { 2 } else { 1 }));
        });
        ByRow { expression, reader: Reader::new(lanes), seen: Vec::with_capacity(checks.len()), checks }
    }

    /// Whether it holds for a row with the JSON object `row`; a row without one is like `{}`.
    pub fn holds(&mut self, row: &[u8]) -> bool {
        let ByRow { expression, reader, checks, seen } = self;
        seen.clear();
        seen.extend(checks.iter().map(|check| Seen { holds: check.holds_for(Scalar::Null), number: None }));
        reader.read(row, &mut |lane, value| match (checks[lane], &mut seen[lane]) {
            (Check::Contains(literal), seen) => seen.holds |= literal.compare(value) == Some(Ordering::Equal),
            (Check::Within { .. }, seen) => {
                seen.number = if let Scalar::Number(number) = value { Some(number.as_f64()) } else { None };
            }
            (check, seen) => seen.holds = check.holds_for(value),
        });
        expression.holds_for(&mut seen.iter())
    }
}

/// Where columns of the same rows come from.
pub trait Columns {
    /// Why there may be none.
    type Error: From<AllocError>;
    /// Number of rows.
    fn rows(&self) -> usize;
    /// The column of `lane`, with as many rows or more.
    fn column(&self, lane: &Lane) -> Result<Arc<Column>, Self::Error>;
    /// The same where it is there already.
    fn known(&self, lane: &Lane) -> Option<Arc<Column>>;
}

impl Expression {
    /// A bit for each row of `columns`, set where it holds.
    pub fn mark<C: Columns>(&self, columns: &C) -> Result<Vec<u64>, C::Error> {
        let rows = columns.rows();
        let mut bits = filled(0u64, rows.div_ceil(64))?;
        match (self, self.decided(columns)) {
            (_, Some(everywhere)) => bits.fill(if everywhere { u64::MAX } else { 0 }),
            (Expression::All(parts), _) => {
                bits.fill(u64::MAX);
                for part in parts {
                    let marked = part.mark(columns)?;
                    bits.iter_mut().zip(marked).for_each(|(word, other)| *word &= other);
                    if bits.iter().all(|&word| word == 0) {
                        break;
                    }
                }
            }
            (Expression::Any(parts), _) => {
                for part in parts {
                    let marked = part.mark(columns)?;
                    bits.iter_mut().zip(marked).for_each(|(word, other)| *word |= other);
                }
            }
            (Expression::Not(part), _) => {
                let marked = part.mark(columns)?;
                bits.iter_mut().zip(marked).for_each(|(word, other)| *word = !other);
            }
            (Expression::Condition { path, check }, _) => check.mark(path, columns, &mut bits)?,
        }
        if !rows.is_multiple_of(64)
            && let Some(last) = bits.last_mut()
        {
            *last &= (1 << (rows % 64)) - 1;
        }
        Ok(bits)
    }

    /// Whether it holds for all rows or for none, as far as the statistics of columns that are there say; `None` where rows
    /// have to be looked at.
    pub fn decided<C: Columns>(&self, columns: &C) -> Option<bool> {
        // One part that is so decides it; without one, all of them must be the other way.
        let of = |parts: &[Expression], decisive: bool| {
            let mut open = false;
            for part in parts {
                match part.decided(columns) {
                    Some(holds) if holds == decisive => return Some(decisive),
                    decided => open |= decided.is_none(),
                }
            }
            (!open).then_some(!decisive)
        };
        match self {
            Expression::All(parts) => of(parts, false),
            Expression::Any(parts) => of(parts, true),
            Expression::Not(part) => part.decided(columns).map(|holds| !holds),
            Expression::Condition { path, check } => check.decided(path, columns),
        }
    }

    /// The share of the rows that it can be expected to hold for, as if its conditions had nothing to do with each other; `None`
    /// where a column is not there.
    pub fn share<C: Columns>(&self, columns: &C) -> Option<f64> {
        match self {
            Expression::All(parts) => parts.iter().map(|part| part.share(columns)).product(),
            Expression::Any(parts) => {
                let others = parts.iter().map(|part| part.share(columns).map(|share| 1.0 - share));
                others.product::<Option<f64>>().map(|none| 1.0 - none)
            }
            Expression::Not(part) => part.share(columns).map(|share| 1.0 - share),
            Expression::Condition { path, check } => check.share(path, columns),
        }
    }
}

impl Check {
    /// The lane that it looks at where that lies at `path`.
    fn lane(&self, path: &[Step]) -> Lane {
        Lane { path: path.to_vec(), elements: matches!(self, Check::Contains(_)) }
    }

    fn mark<C: Columns>(&self, path: &[Step], columns: &C, bits: &mut [u64]) -> Result<(), C::Error> {
        match self {
            Check::Within { circle, latitude, longitude } => {
                let column = |path: &[Step]| columns.column(&self.lane(path));
                mark_within(circle, &*column(latitude)?, &*column(longitude)?, bits);
            }
            Check::Contains(literal) => {
                columns.column(&self.lane(path))?.mark(&Check::Equal(literal.clone()), bits)?;
            }
            _ => columns.column(&self.lane(path))?.mark(self, bits)?,
        }
        Ok(())
    }

    fn decided<C: Columns>(&self, path: &[Step], columns: &C) -> Option<bool> {
        match self {
            Check::Within { .. } => self.share(path, columns).filter(|&share| share == 0.0).map(|_| false),
            _ => columns.known(&self.lane(path))?.stats().decides(self),
        }
    }

    fn share<C: Columns>(&self, path: &[Step], columns: &C) -> Option<f64> {
        match self {
            Check::Within { circle, latitude, longitude } => {
                let known = |path: &[Step]| columns.known(&self.lane(path));
                Some(share_within(circle, known(latitude)?.stats(), known(longitude)?.stats()))
            }
            _ => Some(columns.known(&self.lane(path))?.stats().share(self)),
        }
    }

    /// Of a single value.
    pub(in crate::meta) fn holds_for(&self, value: Scalar<'_>) -> bool {
        // How the value compares with the literal: the other way round than the literal with it.
        let compared = |literal: &Literal| literal.compare(value).map(Ordering::reverse);
        match self {
            Check::Equal(literal) => compared(literal) == Some(Ordering::Equal),
            Check::Less { than, or_equal } => orders(than) && is(compared(than), Ordering::Less, *or_equal),
            Check::Greater { than, or_equal } => orders(than) && is(compared(than), Ordering::Greater, *or_equal),
            Check::OneOf(literals) => one_of(literals, value),
            Check::StartsWith(prefix) => matches!(value, Scalar::Text(text) if text.starts_with(prefix.as_str())),
            Check::IsNull => value == Scalar::Null,
            Check::Contains(_) | Check::Within { .. } => false,
        }
    }
}

fn is(found: Option<Ordering>, wanted: Ordering, or_equal: bool) -> bool {
    found == Some(wanted) || (or_equal && found == Some(Ordering::Equal))
}

/// Neither `true` nor `false` is less than the other.
fn orders(literal: &Literal) -> bool {
    !matches!(literal, Literal::Bool(_))
}

/// Whether `value` is among `literals`, which are in order.
fn one_of(literals: &[Literal], value: Scalar<'_>) -> bool {
    let kind = match value {
        Scalar::Bool(_) => 0,
        Scalar::Number(_) => 1,
        Scalar::Text(_) => 2,
        Scalar::Null | Scalar::Array | Scalar::Object => return false,
    };
    let against =
        |literal: &Literal| literal.kind().cmp(&kind).then_with(|| literal.compare(value).unwrap_or(Ordering::Less));
    literals.binary_search_by(against).is_ok()
}

impl Literal {
    /// The place of its kind among booleans, numbers and strings.
    pub(in crate::meta) fn kind(&self) -> u8 {
        match self {
            Literal::Bool(_) => 0,
            Literal::Number(_) => 1,
            Literal::Text(_) => 2,
        }
    }

    /// A copy in memory that may be refused.
    pub(in crate::meta) fn copied(&self) -> Result<Literal, AllocError> {
        Ok(match self {
            Literal::Text(text) => Literal::Text(copied(text)?),
            other => other.clone(),
        })
    }

    /// The value.
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Literal::Bool(value) => Scalar::Bool(*value),
            Literal::Number(number) => Scalar::Number(*number),
            Literal::Text(text) => Scalar::Text(text),
        }
    }

    /// An order of all literals, by kind first.
    pub fn order(&self, other: &Literal) -> Ordering {
        self.kind().cmp(&other.kind()).then_with(|| self.compare(other.scalar()).unwrap_or(Ordering::Equal))
    }

    /// How it compares with a value; `None` with one of another kind.
    pub fn compare(&self, value: Scalar<'_>) -> Option<Ordering> {
        match (self, value) {
            (Literal::Bool(a), Scalar::Bool(b)) => Some(a.cmp(&b)),
            (Literal::Number(a), Scalar::Number(b)) => Some(a.compare(b)),
            (Literal::Text(a), Scalar::Text(b)) => Some(a.as_str().cmp(b)),
            _ => None,
        }
    }
}

impl Circle {
    /// How many degrees of latitude its edge is away from its middle.
    pub(in crate::meta) fn degrees(&self) -> f64 {
        (self.radius / EARTH).to_degrees()
    }

    /// Whether a point in degrees lies in it: by the haversine formula, on a sphere.
    pub fn holds_at(&self, latitude: f64, longitude: f64) -> bool {
        let (from, to) = (self.latitude.to_radians(), latitude.to_radians());
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let h = half(to - from) + from.cos() * to.cos() * half((longitude - self.longitude).to_radians());
        2.0 * EARTH * h.clamp(0.0, 1.0).sqrt().asin() <= self.radius
    }
}
