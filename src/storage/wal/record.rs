//! The frame of one record: 40 bytes of header, the payload, zeros to the next
//! multiple of 8.
//!
//! The header has a checksum of its own, so that a length is never used and a
//! later record is never believed before it is known to be what was written,
//! and so that looking for later records costs one pass over the bytes.

use super::{LogId, PAYLOAD_MAX};
use crate::storage::checksum;
use crate::storage::format::{read_u32, read_u64};

pub(super) const RECORD_HEADER_LEN: usize = 40;
/// Records start at multiples of this.
pub(super) const ALIGN: u64 = 8;

const MAGIC: u32 = u32::from_le_bytes(*b"VREC");
const CRC_AT: usize = 36;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub kind: u32,
    pub payload_len: u64,
    pub lsn: u64,
    /// Length up to which the file was durable when the record was made.
    pub synced_upto: u64,
    pub payload_crc: u32,
}

impl RecordHeader {
    pub fn encode(&self, log: LogId, position: u64) -> [u8; RECORD_HEADER_LEN] {
        let mut out = [0; RECORD_HEADER_LEN];
        out[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&self.kind.to_le_bytes());
        out[8..16].copy_from_slice(&self.payload_len.to_le_bytes());
        out[16..24].copy_from_slice(&self.lsn.to_le_bytes());
        out[24..32].copy_from_slice(&self.synced_upto.to_le_bytes());
        out[32..36].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = header_crc(log, position, &out);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header written at `position` of this log file, `None` if `bytes` is not that.
    pub fn decode(bytes: &[u8], log: LogId, position: u64) -> Option<RecordHeader> {
        let bytes = bytes.first_chunk::<RECORD_HEADER_LEN>()?;
        if read_u32(bytes, 0) != MAGIC || read_u32(bytes, CRC_AT) != header_crc(log, position, bytes) {
            return None;
        }
        let header = RecordHeader {
            kind: read_u32(bytes, 4),
            payload_len: read_u64(bytes, 8),
            lsn: read_u64(bytes, 16),
            synced_upto: read_u64(bytes, 24),
            payload_crc: read_u32(bytes, 32),
        };
        (header.payload_len <= PAYLOAD_MAX).then_some(header)
    }

    /// Bytes of the whole frame.
    pub fn frame_len(&self) -> u64 {
        (RECORD_HEADER_LEN as u64 + self.payload_len).next_multiple_of(ALIGN)
    }

    /// The payload in `frame`, `None` if it or the padding is not what was written.
    pub fn payload<'a>(&self, frame: &'a [u8]) -> Option<&'a [u8]> {
        let end = RECORD_HEADER_LEN.checked_add(usize::try_from(self.payload_len).ok()?)?;
        let (payload, padding) = (frame.get(RECORD_HEADER_LEN..end)?, frame.get(end..)?);
        (checksum::crc(payload) == self.payload_crc && padding.iter().all(|&b| b == 0)).then_some(payload)
    }
}

fn header_crc(log: LogId, position: u64, header: &[u8; RECORD_HEADER_LEN]) -> u32 {
    checksum::extend(checksum::seed(&[log.salt, log.number, position]), &header[..CRC_AT])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId { salt: 11, number: 3 };

    fn header(payload: &[u8]) -> RecordHeader {
        let payload_len = payload.len() as u64;
        RecordHeader { kind: 2, payload_len, lsn: 9, synced_upto: 64, payload_crc: checksum::crc(payload) }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let header = header(b"payload");
        let good = header.encode(LOG, 128);
        assert_eq!(RecordHeader::decode(&good, LOG, 128), Some(header));
        for bit in 0..RECORD_HEADER_LEN * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(&bad, LOG, 128), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_is_valid_only_where_it_was_written() {
        let good = header(b"").encode(LOG, 128);
        assert_eq!(RecordHeader::decode(&good, LOG, 136), None);
        assert_eq!(RecordHeader::decode(&good, LogId { salt: 12, ..LOG }, 128), None);
        assert_eq!(RecordHeader::decode(&good, LogId { number: 4, ..LOG }, 128), None);
        assert_eq!(RecordHeader::decode(&good[..39], LOG, 128), None);
    }

    #[test]
    fn payload_and_padding_are_checked() {
        let header = header(b"payload");
        let mut frame = header.encode(LOG, 0).to_vec();
        frame.extend(b"payload\0");
        assert_eq!(header.frame_len(), frame.len() as u64);
        assert_eq!(header.payload(&frame), Some(&b"payload"[..]));
        for at in RECORD_HEADER_LEN..frame.len() {
            let mut bad = frame.clone();
            bad[at] ^= 0x20;
            assert_eq!(header.payload(&bad), None);
        }
    }
}
