//! The only place that knows bincode. It encodes small structured records
//! (the manifest) and nothing else: bulk data and headers have fixed layouts.
//!
//! Fixed-width integers, little-endian, size-limited, trailing bytes refused,
//! so that the bytes are a plain table (`docs/file-format.md`) that needs no
//! bincode to read. Most damaged records still decode: check the CRC first.

use crate::util::memory::{AllocError, make_room, with_room};
use bincode::Options;
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// A record that does not encode or decode within its limit.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Not the bytes of such a record, or more of them than are allowed.
    #[error("{0}")]
    Odd(String),
    /// No memory for the bytes.
    #[error(transparent)]
    Memory(#[from] AllocError),
}

fn options(max: u64) -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian().with_limit(max).reject_trailing_bytes()
}

/// The bytes of `value`, at most `max` of them.
pub fn encode<T: Serialize>(value: &T, max: u64) -> Result<Vec<u8>, CodecError> {
    let odd = |e: bincode::Error| CodecError::Odd(e.to_string());
    let size = options(max).serialized_size(value).map_err(odd)?;
    // Room for all of it first: growing on the way could end the process.
    let mut bytes = with_room(size as usize)?;
    options(max).serialize_into(&mut bytes, value).map_err(odd)?;
    Ok(bytes)
}

/// The value whose bytes are exactly `bytes`; never reads or allocates beyond `max`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: u64) -> Result<T, CodecError> {
    options(max).deserialize(bytes).map_err(|e| match e.as_ref() {
        bincode::ErrorKind::Custom(what) if what == NO_MEMORY => {
            AllocError::System { bytes: bytes.len() as u64 }.into()
        }
        _ => CodecError::Odd(e.to_string()),
    })
}

/// What [`vec`] says to [`decode`], through an error type that is not ours.
const NO_MEMORY: &str = "no memory for a list";

/// A list of a record, for `#[serde(deserialize_with)]`: where its memory
/// cannot be had that is an error; serde's own would end the process.
pub fn vec<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = from.next_element()? {
                make_room(&mut items, 1).map_err(|_| A::Error::custom(NO_MEMORY))?;
                items.push(item);
            }
            Ok(items)
        }
    }

    from.deserialize_seq(List(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_fixed_width_little_endian() {
        let bytes = encode(&(1u32, vec![2u64, 3]), 100).unwrap();
        let mut expected = vec![1, 0, 0, 0];
        expected.extend([2u64, 2, 3].iter().flat_map(|n| n.to_le_bytes()));
        assert_eq!(bytes, expected);
        assert_eq!(decode::<(u32, Vec<u64>)>(&bytes, 100).unwrap(), (1, vec![2, 3]));
    }

    #[test]
    fn trailing_bytes_and_overlong_records_are_refused() {
        assert!(decode::<u32>(&[0; 5], 100).is_err());
        assert!(decode::<u32>(&[0; 3], 100).is_err());
        assert!(encode(&[0u64; 4], 31).is_err());
        let claims_too_much = u64::MAX.to_le_bytes();
        assert!(decode::<Vec<u8>>(&claims_too_much, 100).is_err());
        assert!(decode::<Vec<(u32, Vec<u8>)>>(&claims_too_much, 100).is_err());
    }
}
