//! JSON lines: an object for each row, `{"id":7,"key":"a","vector":[0.5,1.0],"meta":{"n":1}}`.
//!
//! Numbers are written as short as they can be to come back the same, and read as what they say,
//! without a detour over longer floats that would round twice. Metadata is written as it is kept, but for
//! line breaks between its members, which become spaces.

use super::arrays::Named;
use super::{Batch, Place};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::input::Shape;
use crate::db::records::Record;
use crate::db::types::ID_NONE;
use crate::kernel::{self, Scalar};
use crate::util::memory::{make_room, resize};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Write;

/// Bytes of the longest line.
pub const LINE_MAX: usize = 32 << 20;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// A row as a line has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    vector: &'a RawValue,
    meta: Option<&'a RawValue>,
}

/// Appends the line of a stored row of `shape` to `out`. `wide` is scratch space.
pub fn write(
    id: u64,
    shape: &Shape,
    row: &[u8],
    record: Record<'_>,
    wide: &mut Vec<f32>,
    out: &mut Vec<u8>,
) -> Result<()> {
    resize(wide, shape.dim, 0.0)?;
    kernel::widen(shape.scalar, row, wide);
    // No number and no byte of a key takes more; and writing to a vector cannot fail.
    make_room(out, 64 + 24 * shape.dim + 6 * record.key.len() + record.meta.len())?;
    let whole = matches!(shape.scalar, Scalar::I8 | Scalar::U8 | Scalar::B1);
    let _ = write!(out, "{{\"id\":{id}");
    if !record.key.is_empty() {
        let _ = write!(out, ",\"key\":");
        let _ = serde_json::to_writer(&mut *out, &String::from_utf8_lossy(record.key));
    }
    let _ = write!(out, ",\"vector\":[");
    for (i, value) in wide.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = if whole { write!(out, "{comma}{value}") } else { write!(out, "{comma}{value:?}") };
    }
    out.push(b']');
    if !record.meta.is_empty() {
        let _ = write!(out, ",\"meta\":");
        // In JSON a line break is only ever space between two words.
        out.extend(record.meta.iter().map(|&byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }));
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// The rows of a file of lines.
pub struct Lines<'a> {
    from: Named<'a>,
    shape: Shape,
    /// Bytes of the file that were read into `buffer`.
    read: u64,
    buffer: Vec<u8>,
    /// Where the next line begins in `buffer`.
    at: usize,
    /// Lines and rows so far.
    line: u64,
    rows: u64,
    /// Rows that are passed over: those with an id, or those without.
    skip: Option<Skip>,
    vector: Vec<f32>,
    row: Vec<u8>,
}

/// Which rows are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    WithId,
    WithoutId,
}

impl<'a> Lines<'a> {
    /// Reads `from`, vectors for a database of `shape`, but for the rows that are to be passed over.
    pub fn open(from: Named<'a>, shape: &Shape, skip: Option<Skip>) -> Lines<'a> {
        let (shape, buffer, vector, row) = (*shape, Vec::new(), Vec::new(), Vec::new());
        Lines { from, shape, read: 0, buffer, at: 0, line: 0, rows: 0, skip, vector, row }
    }

    /// Bytes that were read.
    pub fn position(&self) -> u64 {
        self.read - (self.buffer.len() - self.at) as u64
    }

    /// The next rows; none at the end.
    pub fn next(&mut self, batch: &mut Batch) -> Result<()> {
        batch.reset(self.rows, Place::default());
        while !batch.is_full() {
            let Some(line) = self.next_line()? else { return Ok(()) };
            if !self.buffer[line.clone()].iter().all(u8::is_ascii_whitespace) {
                self.put(line, batch).map_err(|e| self.blame(e))?;
            }
        }
        Ok(())
    }

    /// Parses a line of the buffer and appends its row.
    fn put(&mut self, line: std::ops::Range<usize>, batch: &mut Batch) -> Result<()> {
        let parsed = parse_line(&self.buffer[line], self.shape.dim, &mut self.vector)?;
        let kind = if parsed.id.is_some() { Skip::WithId } else { Skip::WithoutId };
        if self.skip == Some(kind) {
            return Ok(());
        }
        if parsed.id == Some(ID_NONE) {
            return fail(ErrorKind::InvalidArgument, format!("id {ID_NONE} (VDB_ID_NONE) cannot be stored"));
        }
        // Bits are numbers here; elsewhere the database converts.
        let bits = self.shape.scalar == Scalar::B1;
        let scalar = if bits { Scalar::B1 } else { Scalar::F32 };
        resize(&mut self.row, scalar.row_bytes(self.shape.dim), 0)?;
        if let Err(at) = kernel::narrow(scalar, &self.vector, &mut self.row) {
            let kind = if self.vector[at].is_finite() { ErrorKind::OutOfRange } else { ErrorKind::NotFinite };
            let what = if bits { "neither 0 nor 1" } else { "too large" };
            return fail(kind, format!("component {at} = {} is {what}", self.vector[at]));
        }
        make_room(&mut batch.ids, 1)?;
        batch.ids.push(parsed.id.unwrap_or(ID_NONE));
        batch.keys.push(parsed.key.as_deref().unwrap_or_default().as_bytes())?;
        batch.meta.push(parsed.meta.map_or(&[], |meta| meta.get().as_bytes()))?;
        if let Place::Lines(lines) = &mut batch.place {
            make_room(lines, 1)?;
            lines.push(self.line);
        }
        self.rows += 1;
        batch.push(scalar, &self.row)
    }

    /// Where the next line lies in the buffer; `None` at the end.
    fn next_line(&mut self) -> Result<Option<std::ops::Range<usize>>> {
        let mut searched = self.at;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.at..searched + end;
                (self.at, self.line) = (line.end + 1, self.line + 1);
                return Ok(Some(line));
            }
            let unread = self.buffer.len() - self.at;
            if unread > LINE_MAX {
                self.line += 1;
                return Err(self.blame(Error::new(ErrorKind::Limit, format!("longer than {LINE_MAX} bytes"))));
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            resize(&mut self.buffer, unread + PIECE, 0)?;
            let got = self.from.file.read_at(self.read, &mut self.buffer[unread..])?;
            self.buffer.truncate(unread + got);
            self.read += got as u64;
            searched = unread;
            if got == 0 {
                let line = 0..unread;
                (self.at, self.line) = (unread, self.line + 1);
                return Ok((unread > 0).then_some(line));
            }
        }
    }

    fn blame(&self, error: Error) -> Error {
        let message = format!("{}, line {}: {}", self.from.name, self.line, error.message());
        Error::new(error.kind(), message).at(self.rows)
    }
}

/// A line; its vector goes into `vector`.
fn parse_line<'a>(text: &'a [u8], dim: usize, vector: &mut Vec<f32>) -> Result<Line<'a>> {
    // The reader would take an array for the members in their order.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return fail(ErrorKind::InvalidArgument, "not a JSON object");
    }
    let line: Line<'_> = serde_json::from_slice(text)
        .map_err(|e| Error::new(ErrorKind::InvalidArgument, format!("column {}: {}", e.column(), said(&e))))?;
    vector.clear();
    let list = line.vector.get().trim();
    let Some(list) = list.strip_prefix('[').and_then(|list| list.strip_suffix(']')) else {
        return fail(ErrorKind::InvalidArgument, "\"vector\" is not an array");
    };
    let numbers = list.split(',').filter(|_| !list.trim().is_empty());
    let count = numbers.clone().count();
    if count != dim {
        return fail(ErrorKind::Dimension, format!("a vector of {count} components, the database has {dim}"));
    }
    make_room(vector, count)?;
    for (at, number) in numbers.enumerate() {
        let number = number.trim();
        // It is JSON: what begins like a number is one, and not a word that Rust takes for one.
        let plain = number.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let Some(value) = number.parse().ok().filter(|_| plain) else {
            return fail(ErrorKind::InvalidArgument, format!("component {at} is not a number"));
        };
        vector.push(value);
    }
    Ok(line)
}

/// What a parser says, without its place in a text of one line.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, dim: usize) -> Result<(Option<u64>, Vec<f32>)> {
        let mut vector = Vec::new();
        let line = parse_line(text.as_bytes(), dim, &mut vector)?;
        Ok((line.id, vector))
    }

    #[test]
    fn a_line_is_an_id_and_a_vector() {
        assert_eq!(parse(r#"{"id":7,"vector":[1,-2.5e1]}"#, 2).unwrap(), (Some(7), vec![1.0, -25.0]));
        assert_eq!(parse(r#" { "vector" : [ 1 , 2 ] } "#, 2).unwrap(), (None, vec![1.0, 2.0]));
        assert_eq!(parse(r#"{"id":null,"vector":[3]}"#, 1).unwrap(), (None, vec![3.0]));
        assert_eq!(parse(r#"{"id":18446744073709551614,"vector":[3]}"#, 1).unwrap().0, Some(u64::MAX - 1));
        for (text, kind) in [
            (r#"{"id":7}"#, ErrorKind::InvalidArgument),
            (r#"{"id":-7,"vector":[1]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":1.5,"vector":[1]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[1],"x":1}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[1],"key":1}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[1],"key":"\ud800"}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[1],"id":8}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[1]} x"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":1}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":{}}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":["1"]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[null]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[NaN]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[+1]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[[1]]}"#, ErrorKind::InvalidArgument),
            (r#"{"id":7,"vector":[]}"#, ErrorKind::Dimension),
            (r#"{"id":7,"vector":[1,2]}"#, ErrorKind::Dimension),
            ("[1]", ErrorKind::InvalidArgument),
            ("", ErrorKind::InvalidArgument),
        ] {
            let error = parse(text, 1).unwrap_err();
            assert_eq!(error.kind(), kind, "{text}: {error}");
            assert!(!error.message().contains("line"), "{error}");
        }
    }

    #[test]
    fn keys_and_metadata_come_back_on_one_line() {
        let shape = Shape { dim: 1, metric: crate::kernel::Metric::L2sq, scalar: Scalar::U8 };
        let record = Record { key: "a\"\\\n\u{7}é".as_bytes(), meta: b"{\n \"b\":\r\n [\"c\\n\"]}" };
        let (mut wide, mut out, mut vector) = (Vec::new(), Vec::new(), Vec::new());
        write(7, &shape, &[9], record, &mut wide, &mut out).unwrap();
        assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let line = parse_line(&out, 1, &mut vector).unwrap();
        assert_eq!((line.id, line.key.as_deref(), &vector[..]), (Some(7), Some("a\"\\\n\u{7}é"), &[9.0][..]));
        assert_eq!(line.meta.unwrap().get(), "{  \"b\":   [\"c\\n\"]}");
        let line = parse_line(br#"{"vector":[9],"key":null,"meta":null}"#, 1, &mut vector).unwrap();
        assert!(line.key.is_none() && line.meta.is_none());
    }

    proptest! {
        #[test]
        fn floats_come_back_the_same(bits in proptest::collection::vec(any::<u32>(), 1..20), id in any::<u64>()) {
            let values: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|v| v.is_finite()).collect();
            prop_assume!(!values.is_empty());
            let shape = Shape { dim: values.len(), metric: crate::kernel::Metric::L2sq, scalar: Scalar::F32 };
            let (mut wide, mut out) = (Vec::new(), Vec::new());
            write(id, &shape, bytemuck::cast_slice(&values), Record::default(), &mut wide, &mut out).unwrap();
            let (read_id, read) = parse(std::str::from_utf8(&out).unwrap(), values.len()).unwrap();
            prop_assert_eq!(read_id, Some(id));
            prop_assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        }

        #[test]
        fn any_text_is_read_without_harm(text in r#"[\[\]{}":,0-9a-eidvctor .\-]{0,60}"#) {
            let _ = parse(&text, 2);
        }
    }
}
