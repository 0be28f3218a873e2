//! Makes the checksums of a changed file fit again, all the way up to CURRENT: what an
//! attacker would do. Knows the layouts of `docs/file-format.md`; takes the checksums
//! from the library.

use std::path::Path;
use vdb::storage::checksum::{self, FileId};
use vdb::storage::format::{self, BLOCK, HEADER_LEN, Header};
use vdb::storage::manifest::MANIFEST_MAX;
use vdb::storage::{FileName, Manifest, OsStorage, codec};

const TRAILER: usize = 24;

/// Writes `bytes` as `file` of the database in `dir`, with fitting checksums.
pub fn refit(dir: &Path, file: &Path, mut bytes: Vec<u8>) {
    let manifest = OsStorage::open(dir, false, false).ok().and_then(|disk| Manifest::load(&disk).ok().flatten());
    let manifest = manifest.expect("the copy was sound");
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    header(&mut bytes);
    match FileName::parse(name) {
        Some(FileName::Manifest(generation)) => {
            manifest_words(&mut bytes);
            current(dir, generation, &bytes);
        }
        Some(FileName::Wal(number)) => log(&mut bytes, manifest.salt, number),
        Some(FileName::Part(kind, number)) => {
            let mut changed = manifest.clone();
            let named = changed.parts.iter_mut().find(|e| e.part.kind == kind && e.part.number == number);
            let part = &mut named.expect("a sound copy has no other parts").part;
            let id = FileId { kind: kind.into(), generation: part.generation, number };
            part.len = bytes.len() as u64;
            part.crc = blocks(&mut bytes, id).unwrap_or(part.crc);
            whole_manifest(dir, &changed);
        }
        _ => {}
    }
    std::fs::write(file, bytes).expect("files can be written");
}

fn put(bytes: &mut [u8], at: usize, crc: u32) {
    bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn header(bytes: &mut [u8]) {
    if bytes.len() >= HEADER_LEN {
        let crc = checksum::crc(&bytes[..HEADER_LEN - 4]);
        put(bytes, HEADER_LEN - 4, crc);
    }
}

fn manifest_words(bytes: &mut [u8]) {
    if bytes.len() >= HEADER_LEN {
        let (len, crc) = ((bytes.len() - HEADER_LEN) as u64, checksum::crc(&bytes[HEADER_LEN..]));
        bytes[40..48].copy_from_slice(&len.to_le_bytes());
        bytes[48..56].copy_from_slice(&u64::from(crc).to_le_bytes());
        header(bytes);
    }
}

fn whole_manifest(dir: &Path, manifest: &Manifest) {
    let mut bytes = Header { generation: manifest.generation, ..Header::default() }.encode(format::MANIFEST).to_vec();
    bytes.extend(codec::encode(manifest, MANIFEST_MAX).expect("a small manifest"));
    manifest_words(&mut bytes);
    let name = FileName::Manifest(manifest.generation).to_string();
    std::fs::write(dir.join(name), &bytes).expect("files can be written");
    current(dir, manifest.generation, &bytes);
}

fn current(dir: &Path, generation: u64, manifest: &[u8]) {
    let words = [manifest.len() as u64, checksum::crc(manifest).into()];
    let bytes = Header { generation, words, ..Header::default() }.encode(format::CURRENT);
    std::fs::write(dir.join("CURRENT"), bytes).expect("files can be written");
}

/// Blocks and footer of a part, as far as its trailer makes sense; returns the footer CRC.
fn blocks(bytes: &mut [u8], id: FileId) -> Option<u32> {
    let trailer = bytes.len().checked_sub(TRAILER)?;
    let data_len = usize::try_from(number(bytes, trailer)).ok().filter(|&len| len <= trailer)?;
    let count = (number(bytes, trailer + 8) >> 32) as usize;
    if let Some(crcs) = count.checked_mul(4).and_then(|len| trailer.checked_sub(len)).filter(|&at| at >= data_len) {
        for block in 0..count.min(data_len.div_ceil(BLOCK)) {
            let crc = id.block_crc(block as u64, &bytes[block * BLOCK..data_len.min((block + 1) * BLOCK)]);
            put(bytes, crcs + block * 4, crc);
        }
    }
    let crc = id.block_crc(u64::MAX, &bytes[data_len..trailer + 16]);
    put(bytes, trailer + 16, crc);
    Some(crc)
}

/// All records of a log that can still be found one after the other.
fn log(bytes: &mut [u8], salt: u64, file: u64) {
    let mut at = HEADER_LEN;
    while at + 40 <= bytes.len() {
        let payload = usize::try_from(number(bytes, at + 8)).ok().and_then(|len| (at + 40).checked_add(len));
        let whole = payload.filter(|&end| end <= bytes.len());
        if let Some(end) = whole {
            let crc = checksum::crc(&bytes[at + 40..end]);
            put(bytes, at + 32, crc);
        }
        let crc = checksum::extend(checksum::seed(&[salt, file, at as u64]), &bytes[at..at + 36]);
        put(bytes, at + 36, crc);
        let Some(end) = whole else { return };
        at = end.next_multiple_of(8);
    }
}
