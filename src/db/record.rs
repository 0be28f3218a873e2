//! What a WAL record says: one batch, whole.
//!
//! Put: count u64, then `count` ids of 8 bytes, then `count` stored rows.
//! Delete: count u64, then `count` ids.
//! Put with records: as a put, then the length of each row's record (u32, 0 = none), then the records
//! (`records`). Metadata: count, ids, lengths, records.
//! All little-endian. A put inserts or replaces, so replaying one needs to know nothing of what was
//! there, but that a put without records leaves the records of rows that it replaces as they are.

use super::error::{ErrorKind, Result, fail};
use super::records::given::Resolved;
use crate::util::memory::collected;

/// Record kind: rows inserted or replaced.
pub const PUT: u32 = 1;
/// Record kind: rows deleted.
pub const DELETE: u32 = 2;
/// Record kind: rows inserted or replaced, and what their records are then.
pub const PUT_RECORDS: u32 = 3;
/// Record kind: what the records of rows are from then on.
pub const META: u32 = 4;

/// A decoded record, borrowed from the log.
pub enum Record<'a> {
    /// Ids (8 bytes each) and their packed rows; their records, if it has any.
    Put { ids: Vec<u64>, rows: &'a [u8], records: Option<Texts<'a>> },
    /// Ids.
    Delete { ids: Vec<u64> },
    /// Ids and their records.
    Meta { ids: Vec<u64>, records: Texts<'a> },
}

/// Records of rows, with the lengths that the log has for them.
pub struct Texts<'a> {
    lens: Vec<u32>,
    bytes: &'a [u8],
}

impl Texts<'_> {
    /// The records.
    pub fn resolved(&self) -> Resolved<'_> {
        Resolved { lens: &self.lens, bytes: self.bytes }
    }

    /// The lengths of `count` records and these; `None` where they are not there or odd.
    fn read(bytes: &[u8], count: usize) -> Result<Option<Texts<'_>>> {
        let Some((lens, bytes)) = count.checked_mul(4).and_then(|len| bytes.split_at_checked(len)) else {
            return Ok(None);
        };
        let lens = lens.chunks_exact(4).map(|len| u32::from_le_bytes(len.try_into().expect("chunks of 4")));
        let texts = Texts { lens: collected(lens)?, bytes };
        Ok(texts.resolved().check().is_ok().then_some(texts))
    }
}

/// Reads a record's payload; its checksum was verified before, so anything
/// odd here is a writer of another kind or a bug, and refused as damage.
pub fn decode(kind: u32, payload: &[u8], row_bytes: usize) -> Result<Record<'_>> {
    let odd = |what: &str| fail(ErrorKind::Corrupt, format!("WAL record of kind {kind}: {what}"));
    let Some((count, rest)) = payload.split_first_chunk::<8>() else { return odd("no row count") };
    let count = usize::try_from(u64::from_le_bytes(*count)).unwrap_or(usize::MAX);
    let Some((ids, rows)) = count.checked_mul(8).and_then(|len| rest.split_at_checked(len)) else {
        return odd("shorter than its ids");
    };
    let ids = collected(ids.chunks_exact(8).map(|id| u64::from_le_bytes(id.try_into().expect("chunks of 8"))))?;
    let row_bytes = count.checked_mul(row_bytes);
    match kind {
        PUT if Some(rows.len()) == row_bytes => Ok(Record::Put { ids, rows, records: None }),
        PUT => odd("rows of the wrong length"),
        DELETE if rows.is_empty() => Ok(Record::Delete { ids }),
        DELETE => odd("bytes after the ids"),
        PUT_RECORDS => {
            let Some((rows, rest)) = row_bytes.and_then(|len| rows.split_at_checked(len)) else {
                return odd("shorter than its rows");
            };
            match Texts::read(rest, count)? {
                Some(records) => Ok(Record::Put { ids, rows, records: Some(records) }),
                None => odd("records that cannot be read"),
            }
        }
        META => match Texts::read(rows, count)? {
            Some(records) => Ok(Record::Meta { ids, records }),
            None => odd("records that cannot be read"),
        },
        _ => fail(ErrorKind::FormatTooNew, format!("WAL record of kind {kind}, which this version does not know")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_lengths_are_read() {
        let put = [&2u64.to_le_bytes()[..], &7u64.to_le_bytes(), &9u64.to_le_bytes(), b"abcd"].concat();
        let Ok(Record::Put { ids, rows, records: None }) = decode(PUT, &put, 2) else { panic!("a put") };
        assert_eq!((ids, rows), (vec![7, 9], &b"abcd"[..]));
        let records = [&put[..], &[0, 0, 0, 0, 4, 0, 0, 0], b"\x01\0k{"].concat();
        let Ok(Record::Put { records: Some(read), .. }) = decode(PUT_RECORDS, &records, 2) else { panic!("records") };
        assert!(read.resolved().iter().eq([&b""[..], b"\x01\0k{"]));
        let meta = [&put[..24], &records[put.len()..]].concat();
        let Ok(Record::Meta { ids, records: read }) = decode(META, &meta, 2) else { panic!("metadata") };
        assert!(ids == [7, 9] && read.resolved().iter().nth(1) == Some(&b"\x01\0k{"[..]));
        for (kind, bytes) in [
            (PUT, &put[..put.len() - 1]),
            (PUT, &put[..20]),
            (PUT, &put[..3]),
            (PUT, &records),
            (DELETE, &put),
            (PUT_RECORDS, &put),
            (PUT_RECORDS, &records[..records.len() - 1]),
            (META, &records),
            (META, &meta[..meta.len() - 1]),
        ] {
            assert_eq!(decode(kind, bytes, 2).err().map(|e| e.kind()), Some(ErrorKind::Corrupt), "{kind} {bytes:?}");
        }
        assert_eq!(decode(7, &put, 2).err().map(|e| e.kind()), Some(ErrorKind::FormatTooNew));
        assert!(decode(PUT, &u64::MAX.to_le_bytes(), 2).is_err());
        assert!(matches!(decode(DELETE, &put[..24], 2), Ok(Record::Delete { ids }) if ids == [7, 9]));
    }
}
