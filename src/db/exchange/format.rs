//! Which formats there are, and how each lays out its rows.

use super::plain;
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::input::{Shape, convert};
use crate::kernel::{self, Scalar};
use crate::util::memory::resize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array of NumPy: one row for each vector.
    Npy,
    /// Each vector behind its number of components, an i32 (TEXMEX: fvecs, ivecs, bvecs).
    Vecs(Element),
    /// The numbers of vectors and of components, a u32 each, and the vectors (big-ann-benchmarks: fbin, u8bin, i8bin).
    Bin(Element),
    /// A JSON object in each line.
    Lines,
}

/// What a component is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// As the database knows it; bits are packed, the lowest first.
    Of(Scalar),
    /// Whole numbers of 32 bits.
    I32,
    /// Floats of 64 bits, which are only read.
    F64,
}

const NAMES: &[(&str, Format)] = &[
    ("npy", Format::Npy),
    ("jsonl", Format::Lines),
    ("fvecs", Format::Vecs(Element::Of(Scalar::F32))),
    ("ivecs", Format::Vecs(Element::I32)),
    ("bvecs", Format::Vecs(Element::Of(Scalar::U8))),
    ("fbin", Format::Bin(Element::Of(Scalar::F32))),
    ("u8bin", Format::Bin(Element::Of(Scalar::U8))),
    ("i8bin", Format::Bin(Element::Of(Scalar::I8))),
];

impl Format {
    /// The format of that name; without one, the one that the name of the file ends in.
    pub fn of(name: Option<&str>, path: &Path) -> Result<Format> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let name = name.unwrap_or(if extension == "ndjson" { "jsonl" } else { extension });
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|&(_, format)| format).ok_or_else(|| {
            let all = NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let name: String = name.chars().take(40).collect();
            Error::new(ErrorKind::Unsupported, format!("'{name}' is no format of files; known are {all}"))
        })
    }

    /// Where the ids lie, for formats that have no place for them: beside the file `path`, under its name (but for
    /// `.npy`) and `.ids.npy`.
    pub fn ids_path(self, path: &Path) -> Option<PathBuf> {
        let stem = if path.extension().is_some_and(|e| e == "npy") { path.file_stem() } else { path.file_name() };
        let mut name = OsString::from(stem.filter(|_| self != Format::Lines)?);
        name.push(".ids.npy");
        Some(path.with_file_name(name))
    }

    /// What the components of rows of `shape` are in it.
    pub fn element(self, shape: &Shape) -> Result<Element> {
        match self {
            Format::Npy | Format::Lines => Ok(Element::Of(plain(shape))),
            Format::Vecs(_) | Format::Bin(_) if shape.scalar == Scalar::B1 => {
                fail(ErrorKind::Unsupported, "vectors of bits have no place in this format: use npy or jsonl")
            }
            Format::Vecs(element) | Format::Bin(element) => Ok(element),
        }
    }
}

impl Element {
    /// Bytes of a row of `dim` components.
    pub fn row_bytes(self, dim: usize) -> usize {
        match self {
            Element::Of(scalar) => scalar.row_bytes(dim),
            Element::I32 => 4 * dim,
            Element::F64 => 8 * dim,
        }
    }

    /// The type in which rows of it are handed to the database.
    pub fn scalar(self) -> Scalar {
        match self {
            Element::Of(scalar) => scalar,
            Element::I32 | Element::F64 => Scalar::F32,
        }
    }

    /// Writes a stored row of `shape` to `out` as the file has it. `wide` is scratch space.
    pub fn write(self, shape: &Shape, row: &[u8], wide: &mut Vec<f32>, out: &mut [u8]) -> Result<()> {
        match self {
            Element::Of(scalar) if scalar == shape.scalar => out.copy_from_slice(row),
            Element::Of(scalar) => convert(shape.scalar, row, scalar, shape.dim, wide, out)?,
            Element::I32 => {
                resize(wide, shape.dim, 0.0)?;
                kernel::widen(shape.scalar, row, wide);
                for (at, (&value, place)) in wide.iter().zip(out.as_chunks_mut::<4>().0).enumerate() {
                    let whole = value as i32;
                    if whole as f32 != value || whole == i32::MAX {
                        let message =
                            format!("component {at} = {value} is no whole number of 32 bits: use another format");
                        return fail(ErrorKind::OutOfRange, message);
                    }
                    *place = whole.to_le_bytes();
                }
            }
            Element::F64 => return fail(ErrorKind::Internal, "floats of 64 bits are not written"),
        }
        Ok(())
    }

    /// Writes a row of the file to `out`, as [`Element::scalar`].
    pub fn read(self, row: &[u8], out: &mut [u8]) -> Result<()> {
        let places = out.as_chunks_mut::<4>().0;
        match self {
            Element::Of(_) => out.copy_from_slice(row),
            Element::I32 => {
                for (at, (bytes, place)) in row.as_chunks::<4>().0.iter().zip(places).enumerate() {
                    let whole = i32::from_le_bytes(*bytes);
                    if whole as f32 as i64 != i64::from(whole) {
                        return fail(
                            ErrorKind::OutOfRange,
                            format!("component {at} = {whole} is not exact as a float"),
                        );
                    }
                    *place = (whole as f32).to_le_bytes();
                }
            }
            Element::F64 => {
                for (at, (bytes, place)) in row.as_chunks::<8>().0.iter().zip(places).enumerate() {
                    let value = f64::from_le_bytes(*bytes);
                    if value.is_finite() && !(value as f32).is_finite() {
                        let message = format!("component {at} = {value:e} is too large for a float of 32 bits");
                        return fail(ErrorKind::OutOfRange, message);
                    }
                    *place = (value as f32).to_le_bytes();
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Metric;

    #[test]
    fn formats_go_by_name_and_by_the_end_of_the_path() {
        let of = |name, path: &str| Format::of(name, Path::new(path));
        assert_eq!(of(None, "a/b.npy").unwrap(), Format::Npy);
        assert_eq!(of(None, "b.ndjson").unwrap(), Format::Lines);
        assert_eq!(of(Some("fbin"), "b.npy").unwrap(), Format::Bin(Element::Of(Scalar::F32)));
        for (name, path) in [(None, "b"), (Some("csv"), "b.npy"), (Some(""), "b.npy"), (Some("NPY"), "b.npy")] {
            assert_eq!(of(name, path).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        let ids = |format: Format, path: &str| format.ids_path(Path::new(path)).map(|p| p.display().to_string());
        assert_eq!(ids(Format::Npy, "a/b.npy").as_deref(), Some("a/b.ids.npy"));
        assert_eq!(ids(Format::Npy, "a/b").as_deref(), Some("a/b.ids.npy"));
        assert_eq!(ids(Format::Vecs(Element::I32), "a/b.ivecs").as_deref(), Some("a/b.ivecs.ids.npy"));
        assert_eq!(ids(Format::Lines, "a/b.jsonl"), None);
    }

    #[test]
    fn whole_numbers_and_doubles_are_exact_or_refused() {
        let shape = Shape { dim: 2, metric: Metric::L2sq, scalar: Scalar::F32 };
        let row = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
        let write = |values| {
            let (mut wide, mut out) = (Vec::new(), [0; 8]);
            Element::I32.write(&shape, &row(values), &mut wide, &mut out).map(|()| out)
        };
        assert_eq!(
            write([-5.0, 2147483520.0]).unwrap(),
            [(-5i32).to_le_bytes(), 2147483520i32.to_le_bytes()].concat()[..]
        );
        for bad in [[0.5, 0.0], [0.0, 2147483648.0], [-4e9, 0.0]] {
            assert_eq!(write(bad).unwrap_err().kind(), ErrorKind::OutOfRange);
        }
        let mut out = [0; 8];
        Element::I32.read(&[16777216i32, -7].map(i32::to_le_bytes).concat(), &mut out).unwrap();
        assert_eq!(out[..], row([16777216.0, -7.0])[..]);
        assert!(Element::I32.read(&[16777217i32, 0].map(i32::to_le_bytes).concat(), &mut out).is_err());
        Element::F64.read(&[0.1f64, -1e-300].map(f64::to_le_bytes).concat(), &mut out).unwrap();
        assert_eq!(out[..], row([0.1, -0.0])[..]);
        assert!(Element::F64.read(&[1e39f64, 0.0].map(f64::to_le_bytes).concat(), &mut out).is_err());
    }
}
