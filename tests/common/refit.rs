//! Makes the checksums of a changed file fit again, all the way up to CURRENT: what an
//! attacker would do. Works on the files of a database in memory, knows the layouts of
//! `docs/file-format.md`, and takes the checksums from the library.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use vdb::storage::checksum::{self, FileId};
use vdb::storage::format::HEADER_LEN;
use vdb::storage::manifest::MANIFEST_MAX;
use vdb::storage::sim::SimStorage;
use vdb::storage::{Blocks, FileName, Manifest, Storage, codec};

/// The files of a database by name, without the lock.
pub type Files = BTreeMap<String, Vec<u8>>;

const TRAILER: usize = 24;
/// Bytes of an entry in the section table of a part.
const SECTION: usize = 24;
/// Bytes of a log record before its payload.
const RECORD: usize = 40;

/// The files in a directory.
pub fn files_in(dir: &Path) -> Files {
    let entries = std::fs::read_dir(dir).expect("the directory can be listed").map(|e| e.expect("an entry").path());
    let named = entries.map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path));
    let files = named.filter(|(name, _)| name != "LOCK");
    files.map(|(name, path)| (name, std::fs::read(path).expect("a file can be read"))).collect()
}

/// Writes files into a directory that is there.
pub fn write_to(files: &Files, dir: &Path) {
    for (name, bytes) in files {
        std::fs::write(dir.join(name), bytes).expect("a file can be written");
    }
}

/// The files on a simulated disk, durable.
pub fn disk_of(files: &Files) -> SimStorage {
    let disk = SimStorage::new();
    for (name, bytes) in files {
        let mut file = disk.create(name).expect("names differ");
        file.write_all(&[bytes]).expect("a sound disk");
        file.sync().expect("a sound disk");
    }
    disk.sync_dir().expect("a sound disk");
    disk
}

/// The files on a simulated disk.
pub fn files_on(disk: &SimStorage) -> Files {
    let names = disk.list().expect("a sound disk").into_iter();
    names.map(|name| (name.clone(), disk.read(&name, u64::MAX).expect("a sound disk"))).collect()
}

/// The live manifest, as far as its payload can be read: checksums do not matter.
pub fn manifest_of(files: &Files) -> Option<Manifest> {
    let payload = files.get(&manifest_name(files)?)?.get(HEADER_LEN..)?;
    codec::decode(payload, MANIFEST_MAX).ok()
}

/// The name of the manifest that CURRENT gives.
pub fn manifest_name(files: &Files) -> Option<String> {
    let current = files.get("CURRENT").filter(|bytes| bytes.len() >= HEADER_LEN)?;
    Some(FileName::Manifest(number(current, 24)).to_string())
}

/// Lets the checksums of `changed` fit, and those of the files that name it.
pub fn refit(files: &mut Files, changed: &str) {
    let Some(bytes) = files.get_mut(changed) else { return };
    header(bytes);
    let manifest = manifest_of(files);
    match (FileName::parse(changed), manifest) {
        (Some(FileName::Manifest(_)), _) => manifest_words(files, changed),
        (Some(FileName::Wal(number)), Some(manifest)) => {
            files.entry(changed.into()).and_modify(|bytes| log(bytes, manifest.salt, number));
        }
        (Some(FileName::Part(kind, number)), Some(mut manifest)) => {
            let Some(entry) = manifest.parts.iter_mut().find(|e| (e.part.kind, e.part.number) == (kind, number)) else {
                return;
            };
            let part = &mut entry.part;
            let id = FileId { kind: kind.into(), generation: part.generation, number };
            files.entry(changed.into()).and_modify(|bytes| {
                part.len = bytes.len() as u64;
                part.crc = blocks(bytes, id).unwrap_or(part.crc);
            });
            put_manifest(files, &manifest);
        }
        _ => {}
    }
}

/// Puts another manifest in the place of the live one, under the same name.
pub fn put_manifest(files: &mut Files, manifest: &Manifest) {
    let Some(name) = manifest_name(files) else { return };
    let Some(bytes) = files.get_mut(&name).filter(|bytes| bytes.len() >= HEADER_LEN) else { return };
    bytes.truncate(HEADER_LEN);
    bytes.extend(codec::encode(manifest, MANIFEST_MAX).expect("a small manifest"));
    manifest_words(files, &name);
}

/// The same database with another salt: what differs between two that were made alike.
pub fn change_salt(files: &mut Files, salt: u64) {
    let manifest = manifest_of(files).expect("a sound database");
    put_manifest(files, &Manifest { salt, ..manifest });
    let logs: Vec<String> = files.keys().filter(|name| name.ends_with(".log")).cloned().collect();
    for name in logs {
        files.entry(name.clone()).and_modify(|bytes| bytes[40..48].copy_from_slice(&salt.to_le_bytes()));
        refit(files, &name);
    }
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

fn words(bytes: &mut [u8], words: [u64; 2]) {
    bytes[40..48].copy_from_slice(&words[0].to_le_bytes());
    bytes[48..56].copy_from_slice(&words[1].to_le_bytes());
    header(bytes);
}

/// Length and checksum of a manifest in its header, and in CURRENT where that names it.
fn manifest_words(files: &mut Files, name: &str) {
    let Some(bytes) = files.get_mut(name).filter(|bytes| bytes.len() >= HEADER_LEN) else { return };
    let (len, crc) = ((bytes.len() - HEADER_LEN) as u64, checksum::crc(&bytes[HEADER_LEN..]));
    words(bytes, [len, crc.into()]);
    let whole = [bytes.len() as u64, checksum::crc(bytes).into()];
    if manifest_name(files).as_deref() == Some(name) {
        files.entry("CURRENT".into()).and_modify(|current| words(current, whole));
    }
}

/// Where the rows of section `tag` lie in a sound part.
pub fn section(bytes: &[u8], tag: u32) -> Range<usize> {
    let trailer = bytes.len() - TRAILER;
    let (table, count) = (number(bytes, trailer) as usize, number(bytes, trailer + 8) as u32 as usize);
    let mut entries = (0..count).map(|i| table + i * SECTION);
    let at = entries.find(|&at| number(bytes, at) as u32 == tag).expect("a part with this section");
    let (stride, offset, rows) = (number(bytes, at) >> 32, number(bytes, at + 8), number(bytes, at + 16));
    offset as usize..(offset + rows * stride) as usize
}

/// Blocks and footer of a part, as far as its trailer makes sense; returns the footer CRC.
fn blocks(bytes: &mut [u8], id: FileId) -> Option<u32> {
    let trailer = bytes.len().checked_sub(TRAILER)?;
    let data_len = usize::try_from(number(bytes, trailer)).ok().filter(|&len| len <= trailer)?;
    let count = (number(bytes, trailer + 8) >> 32) as usize;
    if let Some(crcs) = count.checked_mul(4).and_then(|len| trailer.checked_sub(len)).filter(|&at| at >= data_len) {
        // The number of blocks tells how long they are; where it fits neither, long ones.
        let short = count == data_len.div_ceil(Blocks::Short.bytes());
        let len = if short { Blocks::Short } else { Blocks::Long }.bytes();
        for block in 0..count.min(data_len.div_ceil(len)) {
            let crc = id.block_crc(block as u64, &bytes[block * len..data_len.min((block + 1) * len)]);
            put(bytes, crcs + block * 4, crc);
        }
    }
    let crc = id.block_crc(u64::MAX, &bytes[data_len..trailer + 16]);
    put(bytes, trailer + 16, crc);
    Some(crc)
}

/// All records of a log that can still be found one after the other.
pub fn log(bytes: &mut [u8], salt: u64, file: u64) {
    let mut at = HEADER_LEN;
    while at + RECORD <= bytes.len() {
        let payload = usize::try_from(number(bytes, at + 8)).ok().and_then(|len| (at + RECORD).checked_add(len));
        let whole = payload.filter(|&end| end <= bytes.len());
        if let Some(end) = whole {
            let crc = checksum::crc(&bytes[at + RECORD..end]);
            put(bytes, at + 32, crc);
        }
        let crc = checksum::extend(checksum::seed(&[salt, file, at as u64]), &bytes[at..at + 36]);
        put(bytes, at + 36, crc);
        let Some(end) = whole else { return };
        at = end.next_multiple_of(8);
    }
}
