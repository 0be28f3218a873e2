//! The 64-byte header that every file of a database starts with, and the rules
//! for versions.
//!
//! The layout of these 64 bytes is the one thing that no future format may
//! change: it is how an old library finds out that a file is too new for it.
//! The CRC is checked before the version, so a flipped bit in the version is
//! reported as damage and not as a file from the future.

use super::checksum;
use super::error::{Result, StorageError};

/// Files with a larger major number are refused.
pub const MAJOR: u16 = 1;
/// Grows with additions that old readers may ignore.
pub const MINOR: u16 = 0;
/// Feature bit that a reader of a manifest must understand: codes of less than a byte a component.
pub const SHORT_CODES: u32 = 1;
/// Feature bit that a reader of a part must understand: checksums of blocks of 4 KiB. A
/// manifest that names such a part has it too, so that nobody takes the part for damaged.
pub const SHORT_BLOCKS: u32 = 2;
/// Feature bit that a reader of a manifest must understand: chunks may have no vectors, their codes stand for them.
pub const NO_ORIGINALS: u32 = 4;
/// Feature bit that a reader of a manifest must understand: rows may have records (parts of keys and metadata).
pub const RECORDS: u32 = 8;
/// Feature bit that a reader of a manifest must understand: columns of metadata are declared, and who writes keeps to
/// their types.
pub const COLUMNS: u32 = 16;
/// Blocks of 64 KiB are the unit of checksums in all other parts.
pub const BLOCK_SHIFT: u32 = 16;
/// Bytes per block.
pub const BLOCK: usize = 1 << BLOCK_SHIFT;
/// Bytes of a file header.
pub const HEADER_LEN: usize = 64;

const CRC_AT: usize = 60;

/// First eight bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Magic(pub [u8; 8]);

/// Part files.
pub const PART: Magic = Magic(*b"VDBPART1");
/// Write-ahead log files.
pub const WAL: Magic = Magic(*b"VDBWLOG1");
/// Manifests.
pub const MANIFEST: Magic = Magic(*b"VDBMANI1");
/// The CURRENT file.
pub const CURRENT: Magic = Magic(*b"VDBCURR1");

/// Version of a file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatVersion {
    /// Incompatible changes.
    pub major: u16,
    /// Compatible additions.
    pub minor: u16,
}

impl Default for FormatVersion {
    fn default() -> Self {
        FormatVersion { major: MAJOR, minor: MINOR }
    }
}

/// The facts in a file header. `words` means something else in each kind of
/// file; unused fields are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Header {
    /// Format the file was written in.
    pub version: FormatVersion,
    /// What a reader must understand.
    pub features: u32,
    /// Kind of part.
    pub kind: u32,
    /// Generation of the manifest.
    pub generation: u64,
    /// Number of the file.
    pub number: u64,
    /// Two values that depend on the magic.
    pub words: [u64; 2],
}

impl Header {
    /// The 64 bytes of a file that starts with `magic`.
    pub fn encode(&self, magic: Magic) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0..8].copy_from_slice(&magic.0);
        out[8..10].copy_from_slice(&self.version.major.to_le_bytes());
        out[10..12].copy_from_slice(&self.version.minor.to_le_bytes());
        out[12..16].copy_from_slice(&self.features.to_le_bytes());
        // Bytes 16..20: features that may be ignored, none so far.
        out[20..24].copy_from_slice(&self.kind.to_le_bytes());
        out[24..32].copy_from_slice(&self.generation.to_le_bytes());
        out[32..40].copy_from_slice(&self.number.to_le_bytes());
        out[40..48].copy_from_slice(&self.words[0].to_le_bytes());
        out[48..56].copy_from_slice(&self.words[1].to_le_bytes());
        let crc = checksum::crc(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, the contents of `file`.
    pub fn decode(file: &str, magic: Magic, bytes: &[u8]) -> Result<Header> {
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(StorageError::corrupt(file, bytes.len() as u64, "ends inside its header"));
        };
        if bytes[..8] != magic.0 {
            return Err(StorageError::corrupt(file, 0, "not a file of this kind (magic number differs)"));
        }
        if checksum::crc(&bytes[..CRC_AT]) != read_u32(bytes, CRC_AT) {
            return Err(StorageError::corrupt(file, 0, "checksum of the header differs"));
        }
        let version = FormatVersion { major: read_u32(bytes, 8) as u16, minor: (read_u32(bytes, 8) >> 16) as u16 };
        let features = read_u32(bytes, 12);
        check_version(file, version, features & !known_features(magic))?;
        Ok(Header {
            version,
            features,
            kind: read_u32(bytes, 20),
            generation: read_u64(bytes, 24),
            number: read_u64(bytes, 32),
            words: [read_u64(bytes, 40), read_u64(bytes, 48)],
        })
    }
}

/// Feature bits of a file that this code knows.
fn known_features(magic: Magic) -> u32 {
    match magic {
        MANIFEST => SHORT_CODES | SHORT_BLOCKS | NO_ORIGINALS | RECORDS | COLUMNS,
        PART => SHORT_BLOCKS,
        _ => 0,
    }
}

fn check_version(file: &str, version: FormatVersion, unknown: u32) -> Result<()> {
    if version.major == 0 {
        return Err(StorageError::corrupt(file, 8, "format version 0, which never was"));
    }
    if version.major <= MAJOR && unknown == 0 {
        return Ok(());
    }
    let features = if unknown == 0 { String::new() } else { format!(" with unknown features {unknown:#x}") };
    Err(StorageError::TooNew {
        file: file.into(),
        found: format!("{}.{}{features}", version.major, version.minor),
        supported: format!("{MAJOR}.{MINOR}"),
    })
}

/// The little-endian number at `at`.
///
/// # Panics
/// When `bytes` is shorter: callers cut records to their fixed length first.
pub(super) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("records are cut to their fixed length first"))
}

/// As [`read_u32`], eight bytes.
pub(super) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("records are cut to their fixed length first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { kind: 3, generation: 9, number: 17, words: [1 << 40, 5], ..Header::default() }
    }

    #[test]
    fn round_trip() {
        assert_eq!(Header::decode("f", PART, &header().encode(PART)).unwrap(), header());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_damage() {
        let good = header().encode(WAL);
        for bit in 0..HEADER_LEN * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Header::decode("f", WAL, &bad), Err(StorageError::Corrupt { .. })), "bit {bit}");
        }
        for len in 0..HEADER_LEN {
            assert!(matches!(Header::decode("f", WAL, &good[..len]), Err(StorageError::Corrupt { .. })));
        }
        assert!(matches!(Header::decode("f", PART, &good), Err(StorageError::Corrupt { .. })));
    }

    #[test]
    fn the_future_is_refused_by_name() {
        let refit = |mut bytes: [u8; HEADER_LEN]| {
            let crc = checksum::crc(&bytes[..CRC_AT]);
            bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
            Header::decode("f", PART, &bytes)
        };
        let mut major = header().encode(PART);
        major[8] = MAJOR as u8 + 1;
        assert!(matches!(refit(major), Err(StorageError::TooNew { found, .. }) if found == "2.0"));
        let mut feature = header().encode(PART);
        feature[12] = 4;
        assert!(matches!(refit(feature), Err(StorageError::TooNew { found, .. }) if found.contains("0x4")));
        let short_codes = Header { features: SHORT_CODES | NO_ORIGINALS, ..header() };
        assert_eq!(Header::decode("f", MANIFEST, &short_codes.encode(MANIFEST)).unwrap(), short_codes);
        let in_a_part = Header::decode("f", PART, &short_codes.encode(PART));
        assert!(matches!(in_a_part, Err(StorageError::TooNew { .. })));
        let short_blocks = Header { features: SHORT_BLOCKS, ..header() };
        for (magic, known) in [(MANIFEST, true), (PART, true), (CURRENT, false), (WAL, false)] {
            assert_eq!(Header::decode("f", magic, &short_blocks.encode(magic)).is_ok(), known);
        }
        let mut none = header().encode(PART);
        none[8] = 0;
        assert!(matches!(refit(none), Err(StorageError::Corrupt { .. })));
        let mut may_ignore = header().encode(PART);
        (may_ignore[10], may_ignore[16]) = (7, 1);
        assert_eq!(refit(may_ignore).unwrap().version, FormatVersion { major: 1, minor: 7 });
    }
}
