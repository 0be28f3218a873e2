//! Metadata and conditions made of the bytes of an input: few names and values, so that conditions meet what they ask for.

use super::input::Input;
use super::plain::Json;
use vdb::meta::filter::{Check, Circle, Expression, Literal};
use vdb::meta::{Number, Step};

const NAMES: [&str; 8] = ["n", "name", "x", "tags", "at", "lat", "lon", "in x\""];
const TEXTS: [&str; 6] = ["", "a", "ab", "b\"\\\n", "é😀", "7"];

fn name(input: &mut Input) -> String {
    NAMES[input.below(NAMES.len())].into()
}

fn whole(input: &mut Input) -> i128 {
    match input.number() {
        // Both signs, and both sides of what an i64 holds.
        value if value > i64::MAX as u64 && input.flag() => i128::from(value as i64),
        value => value.into(),
    }
}

fn real(input: &mut Input) -> f64 {
    const REALS: [f64; 8] = [0.5, -0.0, 1e300, 9007199254740992.0, 18446744073709551616.0, 5e-324, -2.5, 0.1];
    match input.byte() {
        // Any finite one.
        0 => Some(f64::from_bits(input.number())).filter(|value| value.is_finite()).unwrap_or(1.5),
        known @ 1..32 => REALS[usize::from(known) % REALS.len()],
        small => f64::from(small) / 4.0 - 16.0,
    }
}

pub fn json(input: &mut Input, depth: usize) -> Json {
    match input.below(if depth == 0 { 6 } else { 8 }) {
        0 => Json::Null,
        1 => Json::Bool(input.flag()),
        2 | 3 => Json::Whole(whole(input)),
        4 => Json::Real(real(input)),
        5 => Json::Text(TEXTS[input.below(TEXTS.len())].into()),
        6 => Json::Array((0..input.below(5)).map(|_| json(input, depth - 1)).collect()),
        _ => object(input, depth - 1),
    }
}

/// Members by names that may repeat.
pub fn object(input: &mut Input, depth: usize) -> Json {
    Json::Object((0..input.below(6)).map(|_| (name(input), json(input, depth))).collect())
}

fn literal(input: &mut Input) -> Literal {
    match input.below(6) {
        0 => Literal::Bool(input.flag()),
        1 | 2 => Literal::Number(Number::Whole(whole(input))),
        3 => Literal::Number(Number::Real(real(input))),
        _ => Literal::Text(TEXTS[input.below(TEXTS.len())].into()),
    }
}

fn path(input: &mut Input) -> Vec<Step> {
    let mut steps = vec![Step::Member(name(input))];
    for _ in 0..input.below(8).saturating_sub(5) {
        steps.push(if input.flag() { Step::Element(input.below(4)) } else { Step::Member(name(input)) });
    }
    steps
}

pub fn condition(input: &mut Input, depth: usize) -> Expression {
    let several = |input: &mut Input| (0..2 + input.below(2)).map(|_| condition(input, depth - 1)).collect();
    match input.below(if depth == 0 { 5 } else { 8 }) {
        5 => Expression::All(several(input)),
        6 => Expression::Any(several(input)),
        7 => Expression::Not(Box::new(condition(input, depth - 1))),
        _ => {
            let path = path(input);
            let check = check(input, &path);
            Expression::Condition { path, check }
        }
    }
}

fn check(input: &mut Input, path: &[Step]) -> Check {
    match input.below(8) {
        0 => Check::Equal(literal(input)),
        1 => Check::Less { than: literal(input), or_equal: input.flag() },
        2 => Check::Greater { than: literal(input), or_equal: input.flag() },
        3 => {
            let mut literals: Vec<Literal> = (0..input.below(6)).map(|_| literal(input)).collect();
            literals.sort_by(Literal::order);
            Check::OneOf(literals)
        }
        4 => Check::Contains(literal(input)),
        5 => Check::StartsWith(TEXTS[input.below(TEXTS.len())].into()),
        6 => {
            let member = |name: &str| [path, &[Step::Member(name.into())]].concat();
            let mut degrees = |most: f64| (f64::from(input.byte()) / 255.0 - 0.5) * 2.0 * most;
            let (latitude, longitude) = (degrees(90.0), degrees(180.0));
            let circle = Circle { latitude, longitude, radius: f64::from(input.byte()) * 1e5 };
            Check::Within { circle, latitude: member("lat"), longitude: member("lon") }
        }
        _ => Check::IsNull,
    }
}
