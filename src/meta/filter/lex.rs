//! Words of a filter text, each with the byte it begins at.

use super::SyntaxError;
use crate::meta::json::Number;

/// A word, a value or a sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a word of the language.
    Word(String),
    /// A name between backticks.
    Name(String),
    Text(String),
    Number(Number),
    Parameter(usize),
    /// One of `= != < <= > >= ( ) [ ] , .`
    Sign(&'static str),
    End,
}

/// Signs, longer ones first, and what they stand for.
const SIGNS: [(&str, &str); 14] = [
    ("==", "="),
    ("!=", "!="),
    ("<>", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("(", "("),
    (")", ")"),
    ("[", "["),
    ("]", "]"),
    (",", ","),
    (".", "."),
];

pub(super) fn error<T>(at: usize, message: impl Into<String>) -> Result<T, SyntaxError> {
    Err(SyntaxError { at, message: message.into() })
}

/// The tokens of `text`, the last of them [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, len) = token(&text[at..], first, at, found.last().map(|(_, token)| token))?;
        found.push((at, token));
        at += len;
    }
    found.push((at, Token::End));
    Ok(found)
}

/// The first token of `rest`, which stands at `at` behind `before`, and its length.
fn token(rest: &str, first: char, at: usize, before: Option<&Token>) -> Result<(Token, usize), SyntaxError> {
    let up_to = |end: fn(char) -> bool| rest[1..].find(end).map_or(rest.len(), |len| len + 1);
    match first {
        '\'' | '"' => string(rest, first, at),
        '`' => match rest[1..].find('`') {
            Some(0) => error(at, "an empty name"),
            Some(len) => Ok((Token::Name(rest[1..=len].into()), len + 2)),
            None => error(at, "a name without its closing `"),
        },
        '$' => {
            let len = up_to(|c| !c.is_ascii_digit());
            match rest[1..len].parse() {
                Ok(number @ 1..=super::PARAMETERS_MAX) => Ok((Token::Parameter(number), len)),
                _ => error(at, format!("parameters are $1 to ${}", super::PARAMETERS_MAX)),
            }
        }
        _ if first.is_alphabetic() || first == '_' => {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            Ok((Token::Word(rest[..len].into()), len))
        }
        _ if first.is_ascii_digit() || first == '-' || first == '+' => number(rest, at, before),
        _ => match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            Some((sign, meaning)) => Ok((Token::Sign(meaning), sign.len())),
            None => error(at, format!("{first:?} means nothing here")),
        },
    }
}

/// A number as JSON has it, or with a `+` before it.
fn number(rest: &str, at: usize, before: Option<&Token>) -> Result<(Token, usize), SyntaxError> {
    // The number of an element ends before the point of a member: `a[1].b`.
    let whole_only = before == Some(&Token::Sign("["));
    let mut len = 1;
    for (i, c) in rest.char_indices().skip(1) {
        let exponent_sign = (c == '-' || c == '+') && rest[..i].ends_with(['e', 'E']);
        if !(c.is_ascii_alphanumeric() || exponent_sign || c == '_' || (c == '.' && !whole_only)) {
            break;
        }
        len = i + 1;
    }
    let text = &rest[..len];
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && let Ok(whole) = digits.parse::<i128>()
        && (i64::MIN.into()..=u64::MAX.into()).contains(&whole)
    {
        return Ok((Token::Number(Number::Whole(whole)), len));
    }
    // "inf" and "nan" never get here: they begin with a letter or a sign before one.
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b"-+.eE".contains(&b));
    match digits.parse::<f64>() {
        Ok(real) if plain && real.is_finite() => Ok((Token::Number(Number::Real(real)), len)),
        _ => error(at, format!("{text:?} is no number")),
    }
}

/// A string between `quote`s.
fn string(rest: &str, quote: char, at: usize) -> Result<(Token, usize), SyntaxError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Text(text), i + 1)),
            '\\' => text.push(escape(&mut chars, at + i)?),
            _ => text.push(c),
        }
    }
    error(at, format!("a string without its closing {quote}"))
}

/// What the escape after the backslash at `at` means.
fn escape(chars: &mut impl Iterator<Item = (usize, char)>, at: usize) -> Result<char, SyntaxError> {
    let unknown =
        || error(at, "escapes are \\\\ \\' \\\" \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits");
    match chars.next().map(|(_, c)| c) {
        Some(c @ ('\\' | '\'' | '"' | '/' | '`')) => Ok(c),
        Some('b') => Ok('\u{8}'),
        Some('f') => Ok('\u{c}'),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('u') => unicode(chars).map_or_else(unknown, Ok),
        _ => unknown(),
    }
}

/// The character of the digits behind `\u`, or of two such escapes that stand for one.
fn unicode(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let high = four_digits(chars)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    let escaped = chars.next()?.1 == '\\' && chars.next()?.1 == 'u';
    let low = if escaped { four_digits(chars)? } else { return None };
    let code = (0xdc00..0xe000).contains(&low).then(|| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
    char::from_u32(code)
}

fn four_digits(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<u32> {
    (0..4).try_fold(0, |code, _| Some(code * 16 + chars.next()?.1.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|(_, token)| token).collect()
    }

    #[test]
    fn each_kind_of_token_is_read() {
        use Token::*;
        let whole = |value| Number(crate::meta::Number::Whole(value));
        assert_eq!(
            words("a.b[3].c >= -1.5e3 and `x y`!=$12"),
            [
                Word("a".into()),
                Sign("."),
                Word("b".into()),
                Sign("["),
                whole(3),
                Sign("]"),
                Sign("."),
                Word("c".into()),
                Sign(">="),
                Number(crate::meta::Number::Real(-1500.0)),
                Word("and".into()),
                Name("x y".into()),
                Sign("!="),
                Parameter(12),
                End
            ]
        );
        assert_eq!(words("'it\\'s' \"\\u00e9\\ud83d\\ude00\\n\""), [Text("it's".into()), Text("é😀\n".into()), End]);
        assert_eq!(words("18446744073709551615 +7 -0"), [whole(u64::MAX.into()), whole(7), whole(0), End]);
        assert_eq!(words("größe"), [Word("größe".into()), End]);
        assert_eq!(words("18446744073709551616"), [Number(crate::meta::Number::Real(18446744073709551616.0)), End]);
    }

    #[test]
    fn errors_name_the_byte() {
        for (text, at) in [
            ("a = 'x", 4),
            ("ü = \"x", 5),
            ("a = `", 4),
            ("a = ``", 4),
            ("a = $0", 4),
            ("a = $1001", 4),
            ("a = $", 4),
            ("a ; b", 2),
            ("a = 1e", 4),
            ("a = 1x", 4),
            ("a = --1", 4),
            ("a = 1.2.3", 4),
            ("a = 1e999", 4),
            ("a = '\\q'", 5),
            ("a = '\\ud800x'", 5),
            ("a = '\\ud800\\u0041'", 5),
            ("a = '\\udc00'", 5),
            ("a = '\\u12'", 5),
            ("a = 0x10", 4),
            ("a ! b", 2),
            ("a = +inf", 4),
        ] {
            assert_eq!(tokens(text).map_err(|error| error.at), Err(at), "{text}");
        }
    }
}
