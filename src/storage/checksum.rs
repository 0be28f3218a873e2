//! CRC32C with context mixed in.
//!
//! A plain CRC passes when an intact block turns up in the wrong place: a
//! duplicated page, a page of an older file, a lost write. So every checksum
//! on disk starts from the identity of its place (file number, generation,
//! block; or salt, log number, position) and only then takes in the bytes.

/// CRC32C (Castagnoli) of `bytes`, hardware-assisted where there is help.
pub fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Continues `crc` with `bytes`.
pub fn extend(crc: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc, bytes)
}

/// A checksum that has taken in `words` (little-endian) and nothing else.
pub fn seed(words: &[u64]) -> u32 {
    words.iter().fold(0, |crc, word| extend(crc, &word.to_le_bytes()))
}

/// What makes a part file different from every other one of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Kind of part, as in the header.
    pub kind: u32,
    /// Generation of the manifest the file was written for.
    pub generation: u64,
    /// File number.
    pub number: u64,
}

impl FileId {
    /// Start value for the checksum of block `block`.
    pub fn block_seed(&self, block: u64) -> u32 {
        seed(&[u64::from(self.kind), self.generation, self.number, block])
    }

    /// Checksum of block `block` with contents `bytes`.
    pub fn block_crc(&self, block: u64, bytes: &[u8]) -> u32 {
        extend(self.block_seed(block), bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value_and_pieces() {
        // RFC 3720, appendix B.4: 32 bytes of zeros.
        assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
        assert_eq!(extend(crc(b"1234"), b"56789"), crc(b"123456789"));
        assert_eq!(crc(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn the_same_bytes_elsewhere_have_another_checksum() {
        let id = FileId { kind: 1, generation: 2, number: 3 };
        let here = id.block_crc(4, b"bytes");
        assert_ne!(here, id.block_crc(5, b"bytes"));
        assert_ne!(here, FileId { kind: 2, ..id }.block_crc(4, b"bytes"));
        assert_ne!(here, FileId { generation: 3, ..id }.block_crc(4, b"bytes"));
        assert_ne!(here, FileId { number: 4, ..id }.block_crc(4, b"bytes"));
    }
}
