//! `docs/file-format.md`, executed: every field of every file is read from its
//! documented offset and checked with nothing but a CRC, and the bytes are
//! compared with those that format 1.0 had on the day it was fixed.

use std::sync::Arc;
use vdb::arena::FaultCell;
use vdb::storage::checksum::crc;
use vdb::storage::sim::SimStorage;
use vdb::storage::wal::{WalPosition, WalWriter};
use vdb::storage::{Blocks, Extra, Manifest, Part, PartEntry, PartKind, PartRef, PartWriter, Schema, Storage};
use vdb::util::hash::mix;

/// A database with one part of each shape, one log record, two generations.
fn database() -> (SimStorage, PartRef) {
    let disk = SimStorage::new();
    let schema =
        Schema { dim: 3, metric: 2, scalar: 1, quant: 2, m: 16, ef_construction: 200, seed: 42, chunk_shift: 16 };
    let first = Manifest { generation: 1, schema, next_file: 1, wal: 1, salt: 0xabcdef, ..Manifest::default() };
    let mut log = WalWriter::create(&disk, 1, first.salt, 0).unwrap();
    first.write(&disk).unwrap();
    log.append(1, 1, &[b"first ", b"batch"]).unwrap();
    log.sync().unwrap();
    log.append(2, 2, &[b"second"]).unwrap();
    let mut writer = PartWriter::create(&disk, PartKind::Ids, 2, 1, Blocks::Long).unwrap();
    writer.section(1, 8, (0..9000u64).map(u64::to_le_bytes)).unwrap();
    writer.section(2, 4, (0..9000u32).map(u32::to_le_bytes)).unwrap();
    let part = writer.finish().unwrap();
    let parts = vec![PartEntry { position: 5, part }];
    let extra = vec![Extra { tag: 7, bytes: b"blob".to_vec() }];
    let wal_durable = WalPosition { number: 1, offset: 120 };
    Manifest { generation: 2, lsn: 1, next_file: 2, wal_durable, parts, extra, ..first }.write(&disk).unwrap();
    (disk, part)
}

fn file(name: &str) -> Vec<u8> {
    database().0.read(name, 1 << 20).unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// CRC of some numbers and then some bytes.
fn seeded(words: &[u64], bytes: &[u8]) -> u32 {
    let mut all: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    all.extend(bytes);
    crc(&all)
}

/// Checks the header; returns generation, number and the two words.
fn header(bytes: &[u8], magic: &[u8; 8], kind: u32) -> [u64; 4] {
    assert_eq!(&bytes[..8], magic);
    assert_eq!(bytes[8..20], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((u32_at(bytes, 20), u32_at(bytes, 56)), (kind, 0));
    assert_eq!(u32_at(bytes, 60), crc(&bytes[..60]));
    [24, 32, 40, 48].map(|at| u64_at(bytes, at))
}

#[test]
fn current_names_the_manifest() {
    let (current, manifest) = (file("CURRENT"), file("MANIFEST-2"));
    assert_eq!(current.len(), 64);
    assert_eq!(header(&current, b"VDBCURR1", 0), [2, 0, manifest.len() as u64, crc(&manifest).into()]);
}

#[test]
fn the_manifest_is_a_table() {
    let manifest = file("MANIFEST-2");
    let (head, body) = manifest.split_at(64);
    assert_eq!(header(head, b"VDBMANI1", 0), [2, 0, body.len() as u64, crc(body).into()]);
    let part = database().1;
    let mut expected = Vec::new();
    expected.extend(2u64.to_le_bytes());
    expected.extend([3u32, 2, 1, 2, 16, 200].iter().flat_map(|n| n.to_le_bytes()));
    expected.extend(42u64.to_le_bytes());
    expected.extend(16u32.to_le_bytes());
    expected.extend([1u64, 2, 1, 1, 120, 0xabcdef].iter().flat_map(|n| n.to_le_bytes()));
    expected.extend([1u64, 5].iter().flat_map(|n| n.to_le_bytes()));
    expected.extend(3u32.to_le_bytes());
    expected.extend([1u64, 2, part.len].iter().flat_map(|n| n.to_le_bytes()));
    expected.extend(part.crc.to_le_bytes());
    expected.extend(1u64.to_le_bytes());
    expected.extend(7u32.to_le_bytes());
    expected.extend(4u64.to_le_bytes());
    expected.extend(b"blob");
    assert_eq!(body, expected);
}

#[test]
fn a_part_is_sections_and_a_footer() {
    let (bytes, part) = (file("ids-1.vdb"), database().1);
    assert_eq!(header(&bytes, b"VDBPART1", 3), [2, 1, 0, 0]);
    let trailer = &bytes[bytes.len() - 24..];
    let (data_len, sections, blocks) = (u64_at(trailer, 0) as usize, u32_at(trailer, 8), u32_at(trailer, 12));
    assert_eq!((data_len % 4096, sections, blocks), (0, 2, 2));
    assert_eq!((bytes.len(), &trailer[20..]), (data_len + 2 * 24 + 2 * 4 + 24, &b"VEND"[..]));
    let footer = seeded(&[3, 2, 1, u64::MAX], &bytes[data_len..bytes.len() - 8]);
    assert_eq!((u32_at(trailer, 16), part.crc), (footer, footer));
    for (i, block) in bytes[..data_len].chunks(65536).enumerate() {
        assert_eq!(u32_at(&bytes, data_len + 2 * 24 + 4 * i), seeded(&[3, 2, 1, i as u64], block));
    }
    let mut offset = 4096;
    for (i, stride) in [(0, 8), (1, 4)] {
        let entry = &bytes[data_len + i * 24..][..24];
        assert_eq!((u32_at(entry, 0), u32_at(entry, 4)), (i as u32 + 1, stride));
        assert_eq!((u64_at(entry, 8), u64_at(entry, 16)), (offset, 9000));
        assert_eq!(u32_at(&bytes, offset as usize + 1234 * stride as usize), 1234);
        offset = (offset + 9000 * u64::from(stride)).next_multiple_of(4096);
    }
}

#[test]
fn the_log_is_a_row_of_records() {
    let bytes = file("wal-1.log");
    assert_eq!(header(&bytes, b"VDBWLOG1", 0), [0, 1, 0xabcdef, 1]);
    let mut at = 64;
    for (lsn, kind, synced, payload) in [(1, 1, 64, &b"first batch"[..]), (2, 2, 120, b"second")] {
        let record = &bytes[at..];
        assert_eq!((&record[..4], u32_at(record, 4)), (&b"VREC"[..], kind));
        assert_eq!([8, 16, 24].map(|at| u64_at(record, at)), [payload.len() as u64, lsn, synced]);
        assert_eq!(u32_at(record, 32), crc(payload));
        assert_eq!(u32_at(record, 36), seeded(&[0xabcdef, 1, at as u64], &record[..36]));
        let end = (40 + payload.len()).next_multiple_of(8);
        assert_eq!(&record[40..40 + payload.len()], payload);
        assert!(record[40 + payload.len()..end].iter().all(|&b| b == 0));
        at += end;
    }
    assert_eq!(at, bytes.len());
}

/// A changed constant here is a changed format: raise its version, keep the
/// old reader, and add a line instead of changing one.
#[test]
fn the_bytes_of_format_1_0_stay_what_they_are() {
    let names = ["CURRENT", "MANIFEST-2", "ids-1.vdb", "wal-1.log"];
    // Not a CRC: that of bytes which end in their own CRC is always the same.
    let found = names.map(|name| file(name).iter().fold(0, |hash, &byte| mix(hash, byte.into())));
    let fixed = [0x495d_1379_b27a_7ce5, 0x5939_57b6_9fc1_988c, 0x4ea8_00c6_44d8_6bfd, 0xfa8c_d9f3_66c5_b960];
    assert_eq!(found, fixed, "{found:#x?}");
    let (disk, part) = database();
    Part::open(&disk, &part, &Arc::new(FaultCell::default()), true).unwrap();
}
