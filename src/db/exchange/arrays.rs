//! Reading vectors that lie one after the other, all alike: arrays of NumPy and the formats of
//! data sets. Whether the file has as many bytes as it says is known before the first row is read.

use super::format::{Element, Format};
use super::npy;
use super::{BATCH_BYTES, BATCH_ROWS, Batch, Place};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::input::Shape;
use crate::kernel::Scalar;
use crate::storage::ReadFile;
use crate::util::memory::resize;

/// An open file, and what errors call it.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    pub file: &'a dyn ReadFile,
    pub name: &'a str,
}

impl Named<'_> {
    /// An error about the file as a whole.
    pub fn refuse<T>(&self, kind: ErrorKind, what: impl std::fmt::Display) -> Result<T> {
        fail(kind, format!("{}: {what}", self.name))
    }

    /// Fills `bytes` from `offset` on.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let got = self.file.read_at(offset, bytes)?;
        if got < bytes.len() {
            return self.refuse(ErrorKind::InvalidArgument, format!("ends at byte {}", offset + got as u64));
        }
        Ok(())
    }
}

/// Where the rows lie in a file.
struct Layout {
    offset: u64,
    /// Bytes of what stands before each row.
    prefix: usize,
    element: Element,
    row_bytes: usize,
    count: u64,
}

impl Layout {
    fn stride(&self) -> u64 {
        (self.prefix + self.row_bytes) as u64
    }

    /// Looks at the beginning of the file and at its size.
    fn of(from: &Named<'_>, format: Format, shape: &Shape) -> Result<Layout> {
        let size = from.file.size()?;
        let layout = match format {
            Format::Npy => Layout::npy(from, size, shape)?,
            Format::Vecs(element) => {
                let dim = if size == 0 { shape.dim as u64 } else { numbers::<1>(from)?[0].into() };
                let layout = Layout::new(from, shape, (4, 0), element, dim, 0)?;
                Layout { offset: 0, prefix: 4, count: size / (layout.row_bytes as u64 + 4), ..layout }
            }
            Format::Bin(element) => {
                let [count, dim] = numbers(from)?;
                Layout::new(from, shape, (0, 8), element, dim.into(), count.into())?
            }
            Format::Lines => return fail(ErrorKind::Internal, "lines are no array"),
        };
        let expected = layout.count.checked_mul(layout.stride()).and_then(|bytes| bytes.checked_add(layout.offset));
        if expected != Some(size) {
            let expected = expected.map_or("more than there can be".into(), |bytes| bytes.to_string());
            let what = format!("{size} bytes long; {} vectors of it take {expected}", layout.count);
            return from.refuse(ErrorKind::InvalidArgument, what);
        }
        Ok(layout)
    }

    fn npy(from: &Named<'_>, size: u64, shape: &Shape) -> Result<Layout> {
        let header = npy_header(from, size)?;
        let bits = shape.scalar == Scalar::B1;
        let element = match header.descr.as_str() {
            "|u1" | "<u1" if bits => Element::Of(Scalar::B1),
            "|u1" | "<u1" => Element::Of(Scalar::U8),
            "|i1" | "<i1" => Element::Of(Scalar::I8),
            "<f2" => Element::Of(Scalar::F16),
            "<f4" => Element::Of(Scalar::F32),
            "<f8" => Element::F64,
            "<i4" => Element::I32,
            other => {
                let other: String = other.chars().take(20).collect();
                let what = format!("entries of type '{other}'; known are <f4, <f8, <f2, <i4, |i1 and |u1: use astype");
                return from.refuse(ErrorKind::Unsupported, what);
            }
        };
        let [count, columns] = header.shape[..] else {
            let what = format!("{} dimensions; vectors are the rows of two", header.shape.len());
            return from.refuse(ErrorKind::Dimension, what);
        };
        // A byte has eight bits: as many columns as the vectors have bytes.
        let bytes = shape.dim.div_ceil(8) as u64;
        if element == Element::Of(Scalar::B1) && columns != bytes {
            let what = format!("rows of {columns} bytes; vectors of {} bits have {bytes}", shape.dim);
            return from.refuse(ErrorKind::Dimension, what);
        }
        let dim = if element == Element::Of(Scalar::B1) { shape.dim as u64 } else { columns };
        Layout::new(from, shape, (0, header.len as u64), element, dim, count)
    }

    fn new(
        from: &Named<'_>,
        shape: &Shape,
        (prefix, offset): (usize, u64),
        element: Element,
        dim: u64,
        count: u64,
    ) -> Result<Layout> {
        if (element == Element::Of(Scalar::B1)) != (shape.scalar == Scalar::B1) {
            return from.refuse(ErrorKind::Mismatch, "vectors of numbers, the database has vectors of bits");
        }
        if dim != shape.dim as u64 {
            let what = format!("vectors of {dim} components, the database has {}", shape.dim);
            return from.refuse(ErrorKind::Dimension, what);
        }
        Ok(Layout { offset, prefix, element, row_bytes: element.row_bytes(shape.dim), count })
    }
}

/// The first numbers of a file.
fn numbers<const N: usize>(from: &Named<'_>) -> Result<[u32; N]> {
    let mut found = [0; N];
    for (i, number) in found.iter_mut().enumerate() {
        let mut bytes = [0; 4];
        from.read(4 * i as u64, &mut bytes)?;
        *number = u32::from_le_bytes(bytes);
    }
    Ok(found)
}

fn npy_header(from: &Named<'_>, size: u64) -> Result<npy::Header> {
    let mut bytes = Vec::new();
    resize(&mut bytes, size.min(npy::LONGEST as u64) as usize, 0)?;
    from.read(0, &mut bytes)?;
    npy::decode(&bytes).map_err(|e| Error::new(e.kind(), format!("{}, {}", from.name, e.message())))
}

/// Rows of a file, and their ids of another.
pub struct Arrays<'a> {
    from: Named<'a>,
    layout: Layout,
    ids: Option<(Named<'a>, (u64, bool))>,
    /// Rows that were read.
    done: u64,
    raw: Vec<u8>,
    row: Vec<u8>,
}

impl<'a> Arrays<'a> {
    /// Reads `from`, vectors for a database of `shape`, and their ids from `ids`.
    pub fn open(from: Named<'a>, ids: Option<Named<'a>>, format: Format, shape: &Shape) -> Result<Arrays<'a>> {
        let layout = Layout::of(&from, format, shape)?;
        let ids = ids.map(|ids| Ok::<_, Error>((ids, ids_offset(&ids, layout.count)?))).transpose()?;
        let mut row = Vec::new();
        resize(&mut row, layout.element.scalar().row_bytes(shape.dim), 0)?;
        Ok(Arrays { from, layout, ids, done: 0, raw: Vec::new(), row })
    }

    /// Bytes that were read.
    pub fn position(&self) -> u64 {
        self.layout.offset + self.done * self.layout.stride()
    }

    /// The next rows; none at the end.
    pub fn next(&mut self, batch: &mut Batch) -> Result<()> {
        let layout = &self.layout;
        let stride = layout.stride();
        batch.reset(self.done, Place::Bytes { offset: layout.offset, stride });
        let most = (BATCH_BYTES / stride as usize).clamp(1, BATCH_ROWS) as u64;
        let count = most.min(layout.count - self.done) as usize;
        resize(&mut self.raw, count * stride as usize, 0)?;
        self.from.read(self.position(), &mut self.raw)?;
        for (i, raw) in self.raw.chunks_exact(stride as usize).enumerate() {
            let (prefix, row) = raw.split_at(self.layout.prefix);
            let read = check_prefix(prefix, self.layout.element, row.len())
                .and_then(|()| self.layout.element.read(row, &mut self.row));
            read.map_err(|e| batch.blame(self.from.name, e.at(i as u64)))?;
            batch.push(self.layout.element.scalar(), &self.row)?;
        }
        if let Some((ids, (offset, signed))) = &self.ids {
            resize(&mut self.raw, 8 * count, 0)?;
            ids.read(offset + 8 * self.done, &mut self.raw)?;
            resize(&mut batch.ids, count, 0)?;
            for ((id, bytes), row) in batch.ids.iter_mut().zip(self.raw.as_chunks::<8>().0).zip(self.done..) {
                *id = u64::from_le_bytes(*bytes);
                if *signed && *id > i64::MAX as u64 {
                    let what = format!("row {row}: the id {} is below zero", *id as i64);
                    return ids.refuse(ErrorKind::InvalidArgument, what);
                }
            }
        }
        self.done += count as u64;
        Ok(())
    }
}

/// What stands before a row must be its number of components, as before the first.
fn check_prefix(prefix: &[u8], element: Element, row_bytes: usize) -> Result<()> {
    let Ok(bytes) = prefix.try_into() else { return Ok(()) };
    let dim = u32::from_le_bytes(bytes);
    if element.row_bytes(dim as usize) == row_bytes {
        return Ok(());
    }
    fail(ErrorKind::InvalidArgument, format!("{dim} components, where the vectors before it have others"))
}

/// Where the `count` ids begin in their file, and whether they are signed.
fn ids_offset(ids: &Named<'_>, count: u64) -> Result<(u64, bool)> {
    let size = ids.file.size()?;
    let header = npy_header(ids, size)?;
    // Ids of numpy.arange are signed.
    if !["<u8", "<i8"].contains(&header.descr.as_str()) {
        return ids.refuse(ErrorKind::Unsupported, "ids are an array of type <u8");
    }
    if header.shape != [count] {
        let what = format!("an array of shape {:?} where {count} vectors want as many ids", header.shape);
        return ids.refuse(ErrorKind::InvalidArgument, what);
    }
    let offset = header.len as u64;
    if count.checked_mul(8).and_then(|bytes| bytes.checked_add(offset)) != Some(size) {
        return ids.refuse(ErrorKind::InvalidArgument, format!("{size} bytes are not {count} ids"));
    }
    Ok((offset, header.descr == "<i8"))
}
