//! The header of NumPy's arrays: a magic, a length, and a Python dictionary of three entries
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use crate::db::error::{Error, ErrorKind, Result};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The first entry of an array lies at a multiple of this.
const ALIGN: usize = 64;
/// Bytes of the longest header that is read: of three entries none needs more.
pub const LONGEST: usize = 4096;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of an entry, as NumPy spells it: `<f4`.
    pub descr: String,
    /// Lengths of the dimensions.
    pub shape: Vec<u64>,
    /// Bytes before the first entry.
    pub len: usize,
}

/// The header of an array in C order; `shape` as in Python: `(3, 4)`.
pub fn encode(descr: &str, shape: &str) -> Vec<u8> {
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let before = MAGIC.len() + 4;
    let len = (before + text.len() + 1).next_multiple_of(ALIGN);
    text.extend(std::iter::repeat_n(' ', len - before - text.len() - 1));
    text.push('\n');
    let mut bytes = [MAGIC, &[1, 0]].concat();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// Reads the header at the beginning of `bytes`: the first [`LONGEST`] of the file, or all of it.
pub fn decode(bytes: &[u8]) -> Result<Header> {
    let bad = |at: usize, what: &str| Error::new(ErrorKind::InvalidArgument, format!("byte {at}: {what}"));
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(bad(0, "not an .npy file")) };
    let (start, len) = match *rest {
        [1, _, a, b, ..] => (10, u16::from_le_bytes([a, b]) as usize),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err(bad(6, "a version of .npy that is not known, or a file that is cut short")),
    };
    let Some(text) = bytes.get(start..).and_then(|rest| rest.get(..len)) else {
        return Err(bad(
            8,
            &format!("a header of {len} bytes: the file is cut short, or it is no array of plain numbers"),
        ));
    };
    let mut words = Words { text, at: 0 };
    let parsed = words.dictionary();
    let (descr, shape) = parsed.map_err(|what| bad(start + words.at, what))?;
    Ok(Header { descr, shape, len: start + len })
}

/// A reader of the few things that a header may hold.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

type Parsed<T> = std::result::Result<T, &'static str>;

impl Words<'_> {
    fn dictionary(&mut self) -> Parsed<(String, Vec<u64>)> {
        let (mut descr, mut shape, mut order) = (None, None, None);
        self.expect(b'{')?;
        while !self.take(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            match key.as_str() {
                "descr" => descr = Some(self.string().map_err(|_| "an array of records: save one of plain numbers")?),
                "fortran_order" => order = Some(self.truth()?),
                "shape" => shape = Some(self.tuple()?),
                _ => return Err("an entry that is not known"),
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        if self.peek().is_some() {
            return Err("more behind the dictionary");
        }
        match (descr, shape, order) {
            (Some(_), Some(_), Some(true)) => Err("in Fortran order: save numpy.ascontiguousarray of it"),
            (Some(descr), Some(shape), Some(false)) => Ok((descr, shape)),
            _ => Err("an entry is missing"),
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += is_there as usize;
        is_there
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.take(byte) { Ok(()) } else { Err("not a dictionary as NumPy writes it") }
    }

    fn string(&mut self) -> Parsed<String> {
        let quote = self.peek().filter(|byte| [b'\'', b'"'].contains(byte)).ok_or("a text in quotes is missing")?;
        let rest = &self.text[self.at + 1..];
        let end = rest.iter().position(|&byte| byte == quote).ok_or("a text without its end")?;
        self.at += end + 2;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    fn truth(&mut self) -> Parsed<bool> {
        self.peek();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("neither True nor False")
    }

    fn tuple(&mut self) -> Parsed<Vec<u64>> {
        let mut numbers = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            self.peek();
            let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&self.text[self.at..self.at + digits]).ok().and_then(|n| n.parse().ok());
            numbers.push(number.ok_or("a shape that is no list of numbers")?);
            self.at += digits;
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_round_trip_and_are_those_of_numpy() {
        let bytes = encode("<f4", "(3, 4)");
        assert_eq!(bytes.len() % ALIGN, 0);
        // As numpy.save writes it.
        assert!(
            bytes.starts_with(b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } ")
        );
        assert!(bytes.ends_with(b" \n"));
        let read = Header { descr: "<f4".into(), shape: vec![3, 4], len: bytes.len() };
        assert_eq!(decode(&bytes).unwrap(), read);
        assert_eq!(decode(&encode("<u8", "(7,)")).unwrap().shape, [7]);
        assert_eq!(decode(&encode("<u8", "()")).unwrap().shape, [0u64; 0]);
        let second =
            [MAGIC, b"\x02\x00\x3a\x00\x00\x00{\"shape\": (1,2), \"descr\":\"|u1\", \"fortran_order\" : False}   \n"]
                .concat();
        assert_eq!(decode(&second).unwrap().shape, [1, 2]);
    }

    #[test]
    fn what_is_no_plain_array_is_refused_with_the_place() {
        let with = |text: &str| {
            let mut bytes = [MAGIC, &[1, 0]].concat();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            decode(&bytes).unwrap_err().message().to_string()
        };
        assert!(with("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }").contains("ascontiguousarray"));
        assert!(
            with("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }")
                .starts_with("byte 20: an array of records")
        );
        for text in [
            "",
            "{",
            "{}",
            "{'descr'}",
            "{'descr': '<f4}",
            "{'descr': '<f4', 'fortran_order': Maybe}",
            "{'a': 'b'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'shape': (1,)}",
        ] {
            assert!(with(text).starts_with("byte "), "{text}");
        }
        for bytes in [
            &b""[..],
            b"\x93NUMP",
            b"\x93NUMPY",
            b"\x93NUMPY\x01\x00\xff",
            b"\x93NUMPY\x09\x00\x01\x00 ",
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        ] {
            assert!(decode(bytes).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(text in "[{}()',:0-9a-zA-Z<| \"]{0,80}", cut in 0usize..90) {
            let mut bytes = [MAGIC, &[1, 0]].concat();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            let _ = decode(&bytes);
            let _ = decode(&bytes[..cut.min(bytes.len())]);
        }
    }
}
