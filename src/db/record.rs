//! What a WAL record says: one batch, whole.
//!
//! Put: count u64, then `count` ids of 8 bytes, then `count` stored rows.
//! Delete: count u64, then `count` ids. All little-endian. A put inserts or
//! replaces, so replaying one needs to know nothing of what was there.

use super::error::{ErrorKind, Result, fail};
use crate::util::memory::collected;

/// Record kind: rows inserted or replaced.
pub const PUT: u32 = 1;
/// Record kind: rows deleted.
pub const DELETE: u32 = 2;

/// A decoded record, borrowed from the log.
pub enum Record<'a> {
    /// Ids (8 bytes each) and their packed rows.
    Put { ids: Vec<u64>, rows: &'a [u8] },
    /// Ids.
    Delete { ids: Vec<u64> },
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
    match kind {
        PUT if Some(rows.len()) == count.checked_mul(row_bytes) => Ok(Record::Put { ids, rows }),
        PUT => odd("rows of the wrong length"),
        DELETE if rows.is_empty() => Ok(Record::Delete { ids }),
        DELETE => odd("bytes after the ids"),
        _ => odd("unknown kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_lengths_are_read() {
        let put = [&2u64.to_le_bytes()[..], &7u64.to_le_bytes(), &9u64.to_le_bytes(), b"abcd"].concat();
        let Ok(Record::Put { ids, rows }) = decode(PUT, &put, 2) else { panic!("a put") };
        assert_eq!((ids, rows), (vec![7, 9], &b"abcd"[..]));
        for (kind, bytes) in
            [(PUT, &put[..put.len() - 1]), (PUT, &put[..20]), (PUT, &put[..3]), (DELETE, &put), (7, &put)]
        {
            assert_eq!(decode(kind, bytes, 2).err().map(|e| e.kind()), Some(ErrorKind::Corrupt));
        }
        assert!(decode(PUT, &u64::MAX.to_le_bytes(), 2).is_err());
        assert!(matches!(decode(DELETE, &put[..24], 2), Ok(Record::Delete { ids }) if ids == [7, 9]));
    }
}
