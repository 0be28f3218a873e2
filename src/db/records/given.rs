//! Texts from a caller: keys and metadata, checked before anything else looks at them.

use super::{RECORD_MAX, Record};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::meta::Declarations;
use crate::meta::declared::Checker;
use crate::util::memory::collected;
use std::borrow::Cow;

/// Longest key in bytes.
pub const KEY_MAX: usize = 512;
/// Longest metadata in bytes that a database can be told to take.
pub const META_MAX: usize = RECORD_MAX - KEY_MAX - 2;

/// What metadata must keep to.
#[derive(Clone, Copy, Debug)]
pub struct MetaRules<'a> {
    /// Bytes of a row.
    pub most: usize,
    /// Types of some values.
    pub columns: &'a Declarations,
}

impl<'a> MetaRules<'a> {
    /// Checks rows against them.
    pub fn checker(self) -> MetaChecker<'a> {
        MetaChecker { most: self.most, checker: self.columns.checker() }
    }
}

/// Checks the metadata of one row after the other.
#[derive(Debug)]
pub struct MetaChecker<'a> {
    most: usize,
    checker: Checker<'a>,
}

impl MetaChecker<'_> {
    /// Refuses what is no metadata. Empty metadata is none at all.
    pub fn check(&mut self, meta: &[u8]) -> Result<()> {
        if meta.is_empty() {
            return Ok(());
        }
        let (len, most) = (meta.len(), self.most);
        if len > most {
            let message = format!("metadata of {len} bytes is above the limit of {most} (storage.max_meta_bytes)");
            return fail(ErrorKind::Limit, message);
        }
        match self.checker.complaint(meta) {
            Ok(None) => Ok(()),
            Ok(Some(odd)) => fail(ErrorKind::InvalidArgument, format!("metadata: {odd} (schema.columns)")),
            Err(odd) => fail(ErrorKind::InvalidArgument, format!("metadata: {odd}")),
        }
    }
}

/// Texts back to back: text i is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Debug)]
pub struct Texts<'a> {
    bytes: Cow<'a, [u8]>,
    offsets: Cow<'a, [u64]>,
}

impl<'a> Texts<'a> {
    /// As many texts as there are `offsets`, less one. These ascend, from any number on, and end within
    /// `bytes`.
    pub fn new(bytes: &'a [u8], offsets: &'a [u64]) -> Result<Texts<'a>> {
        if offsets.is_empty() {
            return fail(ErrorKind::InvalidArgument, "texts have one offset more than there are texts");
        }
        if let Some(at) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            let message = format!("text {at} begins at byte {} and ends at {}", offsets[at], offsets[at + 1]);
            return Err(Error::new(ErrorKind::InvalidArgument, message).at(at as u64));
        }
        let end = offsets[offsets.len() - 1];
        if end > bytes.len() as u64 {
            return fail(ErrorKind::InvalidArgument, format!("texts end at byte {end} of {}", bytes.len()));
        }
        Ok(Texts { bytes: Cow::Borrowed(bytes), offsets: Cow::Borrowed(offsets) })
    }

    /// A copy in memory of its own: of the texts alone, whatever lies before and behind them.
    pub fn to_owned(&self) -> Result<Texts<'static>> {
        let first = self.offsets[0];
        let bytes = &self.bytes[first as usize..(first + self.total()) as usize];
        let offsets = collected(self.offsets.iter().map(|offset| offset - first))?;
        Ok(Texts { bytes: Cow::Owned(collected(bytes.iter().copied())?), offsets: Cow::Owned(offsets) })
    }

    /// The same texts, lent.
    pub fn borrowed(&self) -> Texts<'_> {
        Texts { bytes: Cow::Borrowed(&self.bytes), offsets: Cow::Borrowed(&self.offsets) }
    }

    /// Bytes that a copy takes.
    pub fn size(&self) -> u64 {
        self.total() + 8 * self.offsets.len() as u64
    }

    /// Number of texts.
    pub fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Text `i`; panics past the end.
    pub fn get(&self, i: usize) -> &[u8] {
        &self.bytes[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// Bytes of all texts.
    pub fn total(&self) -> u64 {
        self.offsets[self.offsets.len() - 1] - self.offsets[0]
    }

    /// An error where there are not as many texts as `rows`.
    fn check_count(&self, rows: usize, what: &str) -> Result<()> {
        if self.count() == rows {
            return Ok(());
        }
        fail(ErrorKind::InvalidArgument, format!("{} {what} for {rows} rows", self.count()))
    }
}

/// What the rows of a batch get beside their vectors. `None` leaves what a row has already as it is.
#[derive(Debug, Default)]
pub struct Records<'a> {
    /// The key of each row: UTF-8 of 1 to [`KEY_MAX`] bytes, or empty for none.
    pub keys: Option<Texts<'a>>,
    /// The metadata of each row: a JSON object, or empty for none.
    pub meta: Option<Texts<'a>>,
}

impl Records<'_> {
    /// Checks them for a batch of `rows` rows. The error names the row.
    pub fn check(&self, rows: usize, rules: MetaRules<'_>) -> Result<()> {
        if let Some(keys) = &self.keys {
            keys.check_count(rows, "keys")?;
            (0..rows).try_for_each(|i| check_key(keys.get(i)).map_err(|error| error.at(i as u64)))?;
        }
        let Some(meta) = &self.meta else { return Ok(()) };
        meta.check_count(rows, "metadata texts")?;
        let mut checker = rules.checker();
        (0..rows).try_for_each(|i| checker.check(meta.get(i)).map_err(|error| error.at(i as u64)))
    }

    /// The same, lent.
    pub fn borrowed(&self) -> Records<'_> {
        Records { keys: self.keys.as_ref().map(Texts::borrowed), meta: self.meta.as_ref().map(Texts::borrowed) }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.keys.is_none() && self.meta.is_none()
    }

    /// Bytes of all of it.
    pub fn total(&self) -> u64 {
        [&self.keys, &self.meta].into_iter().flatten().map(Texts::total).sum()
    }

    /// Bytes that a copy takes.
    pub fn size(&self) -> u64 {
        [&self.keys, &self.meta].into_iter().flatten().map(Texts::size).sum()
    }
}

/// Refuses what is no key. An empty one is none at all.
pub fn check_key(key: &[u8]) -> Result<()> {
    if key.len() > KEY_MAX {
        return fail(ErrorKind::Limit, format!("a key of {} bytes is above the limit of {KEY_MAX}", key.len()));
    }
    match std::str::from_utf8(key) {
        Ok(_) => Ok(()),
        Err(odd) => {
            let at = odd.valid_up_to();
            fail(ErrorKind::InvalidArgument, format!("a key is not UTF-8 from its byte {at} on"))
        }
    }
}

/// What a batch says about the records of its rows.
pub enum Given<'a> {
    /// Nothing: rows keep what they have.
    Nothing,
    /// Keys, metadata, or both, of each row.
    Fields(Records<'a>),
    /// The metadata of every row.
    Same(Cow<'a, [u8]>),
    /// All of it, from the log.
    Resolved(Resolved<'a>),
}

impl Given<'_> {
    /// Bytes of all of it.
    pub fn total(&self) -> u64 {
        match self {
            Given::Nothing => 0,
            Given::Fields(records) => records.total(),
            Given::Same(meta) => meta.len() as u64,
            Given::Resolved(records) => records.bytes.len() as u64,
        }
    }

    /// Bytes that a copy takes.
    pub fn size(&self) -> u64 {
        match self {
            Given::Fields(records) => records.size(),
            _ => self.total(),
        }
    }

    /// What the log says of each row; nothing where the batch is not from there.
    pub fn resolved(&self) -> Result<Vec<&[u8]>> {
        match self {
            Given::Resolved(records) => Ok(collected(records.iter())?),
            _ => Ok(Vec::new()),
        }
    }

    /// The key of row `i`, where there are keys and it has one.
    pub fn key(&self, i: usize) -> Option<&[u8]> {
        match self {
            Given::Fields(Records { keys: Some(keys), .. }) => Some(keys.get(i)).filter(|key| !key.is_empty()),
            _ => None,
        }
    }

    /// The record of row `i`, which has `old` now. `resolved` is what the log says.
    pub fn record<'r>(&'r self, i: usize, old: Record<'r>, resolved: &'r [u8]) -> Record<'r> {
        match self {
            Given::Nothing => old,
            Given::Fields(Records { keys, meta }) => Record {
                key: keys.as_ref().map_or(old.key, |keys| keys.get(i)),
                meta: meta.as_ref().map_or(old.meta, |meta| meta.get(i)),
            },
            Given::Same(meta) => Record { meta, ..old },
            Given::Resolved(_) => Record::read(resolved).unwrap_or_default(),
        }
    }

    /// A copy in memory of its own. What comes from the log never waits for anybody.
    pub fn to_owned(&self) -> Result<Given<'static>> {
        Ok(match self {
            Given::Nothing => Given::Nothing,
            Given::Fields(Records { keys, meta }) => {
                let own = |texts: &Option<Texts<'_>>| texts.as_ref().map(Texts::to_owned).transpose();
                Given::Fields(Records { keys: own(keys)?, meta: own(meta)? })
            }
            Given::Same(meta) => Given::Same(Cow::Owned(collected(meta.iter().copied())?)),
            Given::Resolved(_) => return fail(ErrorKind::Internal, "a batch of the log was to wait"),
        })
    }
}

/// A record for each row of a batch as the log has it: what the row is to have, and nothing to be carried over.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// Bytes of each record.
    pub lens: &'a [u32],
    /// The records back to back.
    pub bytes: &'a [u8],
}

impl<'a> Resolved<'a> {
    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.bytes;
        self.lens.iter().map(move |&len| {
            let (record, others) = rest.split_at_checked(len as usize).unwrap_or((rest, &[]));
            rest = others;
            record
        })
    }

    /// Refuses what no writer makes: lengths that do not add up, records that cannot be read.
    pub fn check(&self) -> Result<()> {
        let total: u64 = self.lens.iter().map(|&len| u64::from(len)).sum();
        if total != self.bytes.len() as u64 {
            return fail(ErrorKind::Corrupt, format!("records of {total} bytes in {}", self.bytes.len()));
        }
        let is_odd = |record: &[u8]| {
            record.len() > RECORD_MAX || Record::read(record).is_none_or(|read| check_key(read.key).is_err())
        };
        match self.iter().position(is_odd) {
            Some(at) => fail(ErrorKind::Corrupt, format!("the record of row {at} cannot be read")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_must_lead_through_the_bytes() {
        let texts = Texts::new(b"abcdef", &[1, 1, 4]).unwrap();
        assert_eq!((texts.count(), texts.get(0), texts.get(1), texts.total()), (2, &b""[..], &b"bcd"[..], 3));
        let own = texts.to_owned().unwrap();
        assert_eq!((own.count(), own.get(0), own.get(1), own.bytes.len()), (2, &b""[..], &b"bcd"[..], 3));
        assert_eq!(own.size(), 3 + 3 * 8);
        assert_eq!(Texts::new(b"abc", &[0, 3, 2]).unwrap_err().item(), Some(1));
        for (bytes, offsets) in [(&b"abc"[..], &[][..]), (b"abc", &[0, 4]), (b"", &[1])] {
            assert_eq!(Texts::new(bytes, offsets).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn wrong_texts_are_refused_with_their_row() {
        let columns = Declarations::parse("a i64").unwrap();
        let rules = |most| MetaRules { most, columns: &columns };
        let long = [b'k'; KEY_MAX + 1];
        let refused = |keys: &[u8], offsets: &[u64]| {
            let keys = Some(Texts::new(keys, offsets).unwrap());
            let error = Records { keys, meta: None }.check(offsets.len() - 1, rules(100)).unwrap_err();
            (error.kind(), error.item())
        };
        assert_eq!(refused(&long, &[0, 0, KEY_MAX as u64 + 1]), (ErrorKind::Limit, Some(1)));
        assert_eq!(refused(b"ab\xff", &[0, 1, 3]), (ErrorKind::InvalidArgument, Some(1)));
        let meta = |text: &[u8], max| rules(max).checker().check(text).map_err(|error| error.kind());
        assert_eq!(meta(b"", 0), Ok(()));
        assert_eq!(meta(b"{\"b\": [1, {}], \"a\": null}", 100), Ok(()));
        assert_eq!(meta(b"{\"a\": [1, {}]}", 100), Err(ErrorKind::InvalidArgument));
        assert_eq!(meta(b"[1]", 100), Err(ErrorKind::InvalidArgument));
        assert_eq!(meta(b"{\"a\": 1", 100), Err(ErrorKind::InvalidArgument));
        assert_eq!(meta(b"{\"a\": 1}", 7), Err(ErrorKind::Limit));
        let one = Texts::new(b"{}", &[0, 2]).unwrap();
        let two_rows = Records { keys: None, meta: Some(one) }.check(2, rules(100)).unwrap_err();
        assert_eq!(two_rows.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn odd_records_of_a_log_are_damage() {
        let odd = |lens: &[u32], bytes: &[u8]| Resolved { lens, bytes }.check().map_err(|error| error.kind());
        assert_eq!(odd(&[0, 4, 3], b"\x02\0ab\x01\0c"), Ok(()));
        for (lens, bytes) in
            [(&[4u32][..], &b"\x02\0a"[..]), (&[3], b"\x02\0a"), (&[1], b"a"), (&[4], b"\x02\0\xff\xff")]
        {
            assert_eq!(odd(lens, bytes), Err(ErrorKind::Corrupt));
        }
    }
}
