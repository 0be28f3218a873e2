//! Reads `.npy` arrays: little-endian, C order, one or two dimensions.

use super::rows::Rows;
use std::path::Path;
use vdb::kernel::Scalar;

/// An array as stored.
pub struct Npy {
    /// Component type as NumPy names it, without the byte order: `f4`, `u1`, `i4`.
    pub descr: String,
    pub rows: usize,
    pub cols: usize,
    pub bytes: Vec<u8>,
}

impl Npy {
    /// Reads the file; panics with its path when it is not such an array.
    pub fn read(path: &Path) -> Npy {
        let file = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Npy::parse(&file).unwrap_or_else(|| panic!("{}: not a little-endian .npy array", path.display()))
    }

    /// The array in the bytes of a file; `None` when header and length disagree.
    pub fn parse(file: &[u8]) -> Option<Npy> {
        let rest = file.strip_prefix(b"\x93NUMPY\x01\x00")?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (header, bytes) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        let header = std::str::from_utf8(header).ok()?;
        let after = |key: &str| Some(header.split_once(key)?.1.trim_start_matches([':', ' ']));
        let descr = after("'descr'")?.strip_prefix('\'')?.split_once('\'')?.0;
        let descr = descr.strip_prefix(['<', '|'])?;
        let shape = after("'shape'")?.strip_prefix('(')?.split_once(')')?.0;
        let mut shape = shape.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| s.parse::<usize>().ok());
        let (rows, cols) = (shape.next()??, shape.next().unwrap_or(Some(1))?);
        let item: usize = descr.get(1..)?.parse().ok()?;
        let whole = after("'fortran_order'")?.starts_with("False") && shape.next().is_none();
        let fits = rows.checked_mul(cols)?.checked_mul(item)? == bytes.len();
        (whole && fits).then(|| Npy { descr: descr.to_owned(), rows, cols, bytes: bytes.to_vec() })
    }

    /// As vectors to index or to ask for.
    pub fn into_rows(self) -> Rows {
        let scalar = match self.descr.as_str() {
            "f4" => Scalar::F32,
            "f2" => Scalar::F16,
            "i1" => Scalar::I8,
            "u1" => Scalar::U8,
            other => panic!("vectors of {other}"),
        };
        Rows::new(scalar, self.cols, self.bytes)
    }

    /// As 32-bit numbers, row by row.
    pub fn into_i32(self) -> Vec<i32> {
        assert_eq!(self.descr, "i4");
        self.bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect()
    }
}
