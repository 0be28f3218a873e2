//! Parts hold what was written and notice every change to it.

use super::*;
use crate::arena::FaultCell;
use crate::storage::format::{self, Header};
use crate::storage::sim::SimStorage;
use crate::storage::{OsStorage, Result, Storage, StorageError};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;

fn disk() -> (tempfile::TempDir, OsStorage) {
    let dir = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(dir.path(), false, true).unwrap();
    (dir, storage)
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn sections_round_trip_whatever_the_pieces() {
    let (_dir, storage) = disk();
    let (a, b) = (bytes(24 * 1000), bytes(7 * 40_000));
    let mut writer = PartWriter::create(&storage, PartKind::Chunk, 3, 8, Blocks::Long).unwrap();
    writer.section(1, 24, a.chunks(24)).unwrap();
    writer.begin(2, 7).unwrap();
    b.chunks(65_537 * 2).for_each(|piece| writer.push(piece).unwrap());
    writer.begin(9, 64).unwrap();
    let part = writer.finish().unwrap();
    assert_eq!((part.file_name(), part.len), ("chunk-8.vdb".into(), storage.size("chunk-8.vdb").unwrap()));

    let faults = Arc::new(FaultCell::default());
    let opened = Part::open(&storage, &part, &faults, false).unwrap();
    assert_eq!(opened.rows(1, 24).unwrap().unwrap().bytes(), a);
    assert_eq!(opened.rows(2, 7).unwrap().unwrap().row(39_999), &b[7 * 39_999..]);
    assert!(opened.rows(9, 64).unwrap().unwrap().is_empty());
    assert!(opened.rows(3, 8).unwrap().is_none());
    assert!(matches!(opened.rows(1, 25), Err(StorageError::Corrupt { .. })));
    assert_eq!((opened.shape(2), opened.shape(3)), (Some((40_000, 7)), None));
    opened.verify_all().unwrap();
    assert_eq!(faults.get(), None);
}

/// A part with two sections over several blocks, on a simulated disk.
fn part(blocks: Blocks) -> (SimStorage, PartRef) {
    let disk = SimStorage::new();
    let mut writer = PartWriter::create(&disk, PartKind::Graph, 5, 2, blocks).unwrap();
    writer.section(1, 100, bytes(100 * 1500).chunks(70_000)).unwrap();
    writer.section(2, 4, [bytes(4 * 1000)]).unwrap();
    (disk, writer.finish().unwrap())
}

fn open(disk: &SimStorage, part: &PartRef, verify_all: bool) -> Result<Part> {
    Part::open(disk, part, &Arc::new(FaultCell::default()), verify_all)
}

#[test]
fn the_same_rows_make_the_same_file() {
    let ((a, first), (b, second)) = (part(Blocks::Short), part(Blocks::Short));
    assert_eq!(first, second);
    assert!(a.read("graph-2.vdb", 1 << 20).unwrap() == b.read("graph-2.vdb", 1 << 20).unwrap());
}

/// Bytes of the data of [`part`].
const DATA: usize = 4096 + 151_552 + 4096;

/// The blocks of [`part`].
fn count(blocks: Blocks) -> u64 {
    DATA.div_ceil(blocks.bytes()) as u64
}

#[test]
fn the_length_of_blocks_shows_in_their_number_and_in_the_header() {
    for (blocks, other) in [(Blocks::Long, Blocks::Short), (Blocks::Short, Blocks::Long)] {
        let (disk, part) = part(blocks);
        assert_eq!(part.len, DATA as u64 + 2 * 24 + 4 * count(blocks) + 24);
        disk.damage("graph-2.vdb", |bytes| {
            let mut header = Header::decode("graph-2.vdb", format::PART, bytes).unwrap();
            assert_eq!(header.features, blocks.features());
            header.features = other.features();
            bytes[..64].copy_from_slice(&header.encode(format::PART));
        })
        .unwrap();
        let refused = open(&disk, &part, false).unwrap_err();
        assert!(matches!(refused, StorageError::Corrupt { what, .. } if what.contains("other blocks")));
    }
}

#[test]
fn a_damaged_block_is_noticed_at_first_touch_and_named() {
    for blocks in Blocks::ALL {
        let (disk, part) = part(blocks);
        disk.damage("graph-2.vdb", |bytes| bytes[2 * blocks.bytes() + 77] ^= 4).unwrap();
        let faults = Arc::new(FaultCell::default());
        let opened = Part::open(&disk, &part, &faults, false).unwrap();
        let rows = opened.rows(1, 100).unwrap().unwrap();
        let first_in_block = (2 * blocks.bytes() - 4096) / 100;
        rows.row(0);
        rows.row(first_in_block - 1);
        assert_eq!(faults.get(), None);
        rows.row(first_in_block + 1);
        let fault = faults.get().unwrap();
        assert_eq!((fault.block, fault.offset), (2, 2 * blocks.bytes() as u64));
        assert!(matches!(opened.verify_all(), Err(StorageError::Corrupt { block: 2, .. })));
        assert!(matches!(open(&disk, &part, true), Err(StorageError::Corrupt { block: 2, .. })));
    }
}

#[test]
fn a_piece_can_be_verified_before_it_is_touched() {
    for blocks in Blocks::ALL {
        let (disk, part) = part(blocks);
        disk.damage("graph-2.vdb", |bytes| bytes[DATA - 1] ^= 4).unwrap();
        let faults = Arc::new(FaultCell::default());
        let opened = Part::open(&disk, &part, &faults, false).unwrap();
        assert_eq!(opened.bytes(), DATA);
        let last = (count(blocks) - 1) as usize * blocks.bytes();
        opened.verify(0..last);
        opened.verify(last..last);
        opened.verify(DATA..usize::MAX);
        assert_eq!(faults.get(), None);
        opened.verify(last..usize::MAX);
        assert_eq!(faults.get().unwrap().block, count(blocks) - 1);
    }
}

#[test]
fn a_block_in_the_wrong_place_is_damage() {
    for blocks in Blocks::ALL {
        let (disk, part) = part(blocks);
        disk.damage("graph-2.vdb", |bytes| bytes.copy_within(0..blocks.bytes(), blocks.bytes())).unwrap();
        assert!(matches!(open(&disk, &part, true), Err(StorageError::Corrupt { block: 1, .. })));
    }
}

#[test]
fn a_copy_is_the_same_file_and_takes_no_damage_over() {
    for blocks in Blocks::ALL {
        let (disk, part) = part(blocks);
        let all = disk.read("graph-2.vdb", 1 << 20).unwrap();
        let (to, mut heard) = (SimStorage::new(), 0);
        let mut count = |bytes| {
            heard += bytes;
            Ok::<_, StorageError>(())
        };
        copy(disk.open_read("graph-2.vdb").unwrap().as_ref(), &part, &to, &mut count).unwrap();
        assert!(to.read("graph-2.vdb", 1 << 20).unwrap() == all && heard == DATA as u64);
        // The name is its directory's business, the bytes are durable.
        to.sync_dir().unwrap();
        open(&to.crash_image(crate::storage::sim::CrashKind::MetadataOnly, 1), &part, true).unwrap();
        // From memory too, when the name is gone.
        let (opened, to) = (open(&disk, &part, false).unwrap(), SimStorage::new());
        disk.remove("graph-2.vdb").unwrap();
        copy(opened.file(), &part, &to, &mut |_| Ok::<_, StorageError>(())).unwrap();
        assert!(to.read("graph-2.vdb", 1 << 20).unwrap() == all);
        // Every bit is looked at, and so is the length.
        for at in (0..all.len()).step_by(997).chain(all.len() - 60..all.len()) {
            let disk = SimStorage::new();
            disk.create("graph-2.vdb").unwrap().write_all(&[&all]).unwrap();
            disk.damage("graph-2.vdb", |bytes| bytes[at] ^= 0x10).unwrap();
            let from = disk.open_read("graph-2.vdb").unwrap();
            let refused = copy(from.as_ref(), &part, &SimStorage::new(), &mut |_| Ok::<_, StorageError>(()));
            assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "byte {at}");
        }
        // Whoever listens can end it.
        let stop = &mut |_| Err(StorageError::Misuse { what: "enough" });
        assert!(matches!(copy(opened.file(), &part, &SimStorage::new(), stop), Err(StorageError::Misuse { .. })));
        // A file in its place is not overwritten.
        assert!(copy(opened.file(), &part, &to, &mut |_| Ok::<_, StorageError>(())).is_err());
    }
}

#[test]
fn files_of_one_file_system_are_shared_and_others_are_not() {
    let ((_a, from), (_b, to)) = (disk(), disk());
    from.create("graph-2.vdb").unwrap().write_all(&[b"one file"]).unwrap();
    assert!(to.link_from(&from, "graph-2.vdb"));
    assert!(!to.link_from(&from, "graph-2.vdb"), "nothing is replaced");
    assert!(!to.link_from(&from, "graph-3.vdb") && !to.link_from(&from, "../graph-2.vdb"));
    assert!(!to.link_from(&SimStorage::new(), "x") && !SimStorage::new().link_from(&from, "graph-2.vdb"));
    from.remove("graph-2.vdb").unwrap();
    assert_eq!(to.read("graph-2.vdb", 100).unwrap(), b"one file");
}

/// Blocks that `verify` reads, and those it finds damaged.
fn verified(disk: &SimStorage, part: &PartRef) -> Result<(u64, Vec<u64>)> {
    let (mut blocks, mut damaged) = (0, Vec::new());
    verify(disk, part, &mut |bytes, damage| {
        assert!(!bytes.is_empty() && bytes.len() <= Blocks::Long.bytes());
        blocks += 1;
        if let Some(StorageError::Corrupt { block, .. }) = damage {
            damaged.push(block);
        }
        Ok::<_, StorageError>(())
    })
    .map(|()| (blocks, damaged))
}

#[test]
fn verifying_reads_on_past_damage_and_sees_what_opening_does_not() {
    for blocks in Blocks::ALL {
        let (disk, part) = part(blocks);
        assert_eq!(verified(&disk, &part).unwrap(), (count(blocks), vec![]));
        let opened = open(&disk, &part, true).unwrap();
        for at in [blocks.bytes() - 1, 2 * blocks.bytes()] {
            disk.damage("graph-2.vdb", |bytes| bytes[at] ^= 1).unwrap();
        }
        assert_eq!(verified(&disk, &part).unwrap(), (count(blocks), vec![0, 2]));
        opened.verify_all().expect("verified before the damage, and held by the old mapping");
        disk.damage("graph-2.vdb", |bytes| bytes[part.len as usize - 9] ^= 1).unwrap();
        assert!(matches!(verified(&disk, &part), Err(StorageError::Corrupt { .. })), "a checksum of the footer");
        disk.remove("graph-2.vdb").unwrap();
        assert!(matches!(verified(&disk, &part), Err(StorageError::Corrupt { what, .. }) if what.contains("missing")));
    }
}

#[test]
fn whoever_listens_can_end_the_reading() {
    let (disk, part) = part(Blocks::Long);
    let mut calls = 0;
    let ended = verify(&disk, &part, &mut |_, _| {
        calls += 1;
        Err(StorageError::Misuse { what: "enough" })
    });
    assert!(matches!(ended, Err(StorageError::Misuse { what: "enough" })) && calls == 1);
}

#[test]
fn only_the_named_file_is_opened() {
    let (disk, part) = part(Blocks::Long);
    for other in [
        PartRef { number: 3, ..part },
        PartRef { generation: 6, ..part },
        PartRef { kind: PartKind::Ids, ..part },
        PartRef { crc: part.crc ^ 1, ..part },
        PartRef { len: part.len + 1, ..part },
        PartRef { len: 0, ..part },
    ] {
        let copy = disk.after_kill();
        if other.file_name() != part.file_name() {
            assert!(
                matches!(open(&copy, &other, false), Err(StorageError::Corrupt { what, .. }) if what.contains("missing"))
            );
            copy.rename(&part.file_name(), &other.file_name()).unwrap();
        }
        assert!(matches!(open(&copy, &other, false), Err(StorageError::Corrupt { .. })), "{other:?}");
        assert!(matches!(verified(&copy, &other), Err(StorageError::Corrupt { .. })), "{other:?}");
    }
}

#[test]
fn the_writer_refuses_what_a_reader_would() {
    let disk = SimStorage::new();
    let mut writer = PartWriter::create(&disk, PartKind::Chunk, 1, 1, Blocks::Long).unwrap();
    assert!(matches!(writer.push(b"no section"), Err(StorageError::Misuse { .. })));
    assert!(matches!(writer.begin(1, 0), Err(StorageError::Limit { .. })));
    assert!(matches!(writer.begin(1, 1 << 40), Err(StorageError::Limit { .. })));
    writer.section(1, 4, [[0; 6]]).unwrap();
    assert!(matches!(writer.begin(2, 4), Err(StorageError::Misuse { .. })), "half a row");
    writer.push(&[0; 2]).unwrap();
    assert!(matches!(writer.begin(1, 4), Err(StorageError::Misuse { .. })), "a tag twice");
    for tag in 2..=SECTIONS_MAX as u32 {
        writer.begin(tag, 1).unwrap();
    }
    assert!(matches!(writer.begin(0, 1), Err(StorageError::Limit { .. })));
    let part = writer.finish().unwrap();
    assert_eq!(open(&disk, &part, true).unwrap().rows(1, 4).unwrap().unwrap().len(), 2);
    assert!(PartWriter::create(&disk, PartKind::Chunk, 1, 1, Blocks::Long).is_err(), "the name is taken");
}

#[test]
fn a_part_that_lost_bytes_to_a_full_disk_is_never_finished() {
    let disk = SimStorage::new();
    let mut writer = PartWriter::create(&disk, PartKind::Chunk, 1, 1, Blocks::Long).unwrap();
    writer.begin(1, 1).unwrap();
    disk.fail_at(disk.operations().len(), libc::ENOSPC);
    assert!(writer.push(&bytes(3 * Blocks::Long.bytes())).unwrap_err().is_no_space());
    assert!(matches!(writer.finish(), Err(StorageError::Misuse { .. })));
}

/// Changes a part, then makes all its checksums right again, as someone would
/// who wants to break the reader.
fn forge(disk: &SimStorage, part: &PartRef, change: impl FnOnce(&mut Vec<u8>)) -> PartRef {
    let mut forged = *part;
    disk.damage(&part.file_name(), |bytes| {
        change(bytes);
        let trailer = bytes.len() - TRAILER_LEN;
        let data_len = (read_u64(bytes, trailer) as usize).min(trailer);
        forged.crc = footer_crc(part.id(), &bytes[data_len..trailer + 16]);
        bytes[trailer + 16..trailer + 20].copy_from_slice(&forged.crc.to_le_bytes());
        forged.len = bytes.len() as u64;
    })
    .unwrap();
    forged
}

#[test]
fn impossible_sections_are_refused_even_with_correct_checksums() {
    let (disk, part) = part(Blocks::Long);
    let first = part.len as usize - TRAILER_LEN - 3 * 4 - 2 * ENTRY_LEN;
    let cases: [(&str, usize, u64); 7] = [
        ("stride 0", first + 4, 1 << 32),
        ("offset before the data", first + 8, 0),
        ("unaligned", first + 8, 4097),
        ("past the end", first + 16, 1501 * 40),
        ("overflow", first + 16, u64::MAX / 50),
        ("sections overlap", first + ENTRY_LEN + 8, 4096),
        ("a tag twice", first + ENTRY_LEN, 1 | 4 << 32),
    ];
    for (name, at, value) in cases {
        let copy = disk.after_kill();
        let forged = forge(&copy, &part, |bytes| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes()));
        let refused = open(&copy, &forged, false).map(|_| ()).unwrap_err();
        let impossible =
            matches!(&refused, StorageError::Corrupt { what, .. } if what.starts_with("impossible section"));
        assert!(impossible, "{name}: {refused}");
    }
    let same = forge(&disk, &part, |_| ());
    assert_eq!(same, part);
    open(&disk, &same, true).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed(at in any::<Index>(), bit in 0..8u8, cuts in any::<bool>(), short in any::<bool>()) {
        let (disk, part) = part(Blocks::ALL[usize::from(short)]);
        disk.damage("graph-2.vdb", |bytes| {
            let at = at.index(bytes.len());
            if cuts { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        }).unwrap();
        let noticed = open(&disk, &part, true);
        prop_assert!(matches!(noticed, Err(StorageError::Corrupt { .. })), "{:?}", noticed);
        let verified = verified(&disk, &part);
        prop_assert!(!matches!(&verified, Ok((_, damaged)) if damaged.is_empty()), "{:?}", verified);
    }

    /// Numbers of the footer replaced by others, checksums made right.
    #[test]
    fn forged_footers_never_panic(at in any::<Index>(), value in prop_oneof![any::<u64>(), 0..200_000u64, Just(u64::MAX)]) {
        let (disk, part) = part(Blocks::Long);
        let footer = TRAILER_LEN + 3 * 4 + 2 * ENTRY_LEN;
        let forged = forge(&disk, &part, |bytes| {
            let at = bytes.len() - footer + at.index((footer - 8) / 4) * 4;
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        });
        let _ = verified(&disk, &forged);
        if let Ok(opened) = open(&disk, &forged, false) {
            for (tag, stride) in [(1, 100), (2, 4)] {
                if let Ok(Some(rows)) = opened.rows(tag, stride) {
                    prop_assert_eq!(rows.bytes().len(), rows.len() * stride);
                }
            }
            let _ = opened.verify_all();
        }
    }
}
