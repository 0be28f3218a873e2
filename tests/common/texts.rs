//! Texts as the library takes and gives them, and the keys and metadata that tests write, by number.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use vdb::{Database, Result, TextBuffer, Texts};

/// Texts back to back, and where each begins.
pub fn joined<T: AsRef<str>>(texts: &[T]) -> (Vec<u8>, Vec<u64>) {
    let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
    for text in texts {
        bytes.extend_from_slice(text.as_ref().as_bytes());
        offsets.push(bytes.len() as u64);
    }
    (bytes, offsets)
}

/// The same, as the library takes them.
pub fn texts<T: AsRef<str>>(texts: &[T]) -> Texts<'static> {
    let (bytes, offsets) = joined(texts);
    Texts::new(&bytes, &offsets).and_then(|texts| texts.to_owned()).expect("offsets that ascend")
}

/// As many texts as `of` gives: asked for their lengths first, and then for all.
pub fn taken(count: usize, of: impl Fn(&mut TextBuffer<'_>) -> Result<()>) -> Result<Vec<String>> {
    let (mut bytes, mut offsets) = (Vec::new(), vec![7; count + 1]);
    of(&mut TextBuffer { bytes: &mut bytes, offsets: &mut offsets })?;
    bytes.resize(offsets[count] as usize, 0);
    of(&mut TextBuffer { bytes: &mut bytes, offsets: &mut offsets })?;
    let text = |i: usize| bytes[offsets[i] as usize..offsets[i + 1] as usize].to_vec();
    Ok((0..count).map(|i| String::from_utf8(text(i)).expect("texts are UTF-8")).collect())
}

/// The key of each row, empty for none.
pub fn keys_of(db: &Database, ids: &[u64]) -> Result<Vec<String>> {
    taken(ids.len(), |out| db.keys_of_ids(ids, out))
}

/// The metadata of each row, empty for none.
pub fn metas_of(db: &Database, ids: &[u64]) -> Result<Vec<String>> {
    taken(ids.len(), |out| db.meta_batch(ids, out))
}

/// The id of the row with each key, `ID_NONE` where there is none.
pub fn ids_of<T: AsRef<str>>(db: &Database, keys: &[T]) -> Result<Vec<u64>> {
    let mut ids = vec![0; keys.len()];
    db.ids_of_keys(&texts(keys), &mut ids)?;
    Ok(ids)
}

/// Key number `n`.
pub fn key(n: u16) -> String {
    format!("key {n}{}", "~".repeat(n as usize % 40))
}

/// Metadata number `n`, which filters find as `n`.
pub fn meta(n: u8) -> String {
    format!("{{\"n\": {n}, \"even\":{}, \"pad\":\"{}\"}}", n.is_multiple_of(2), "x".repeat(n as usize))
}

/// The number of a key; `None` for a text that is none of them.
pub fn number_of_key(text: &str) -> Option<u16> {
    let n = text.strip_prefix("key ")?.trim_end_matches('~').parse().ok()?;
    (key(n) == text).then_some(n)
}

/// The number of metadata; `None` for a text that is none of them.
pub fn number_of_meta(text: &str) -> Option<u8> {
    let n = text.strip_prefix("{\"n\": ")?.split(',').next()?.parse().ok()?;
    (meta(n) == text).then_some(n)
}
