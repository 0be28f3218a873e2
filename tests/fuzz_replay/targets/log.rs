//! Any bytes as log files: replayed, resumed, written to and replayed again, which must
//! find the same records and then the new one.

use super::input::Input;
use super::refit::{self, Files};
use vdb::storage::format::{self, HEADER_LEN, Header};
use vdb::storage::sim::SimStorage;
use vdb::storage::wal::{self, Replayed, WalPosition, WalStart, WalWriter};
use vdb::storage::{FileName, StorageError};

const SALT: u64 = 0x5eed;
const FILES: u64 = 3;

/// LSN, kind and payload.
type Record = (u64, u32, Vec<u8>);

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (fit, lsn) = (input.flag(), input.byte().into());
    let durable = WalPosition { number: input.byte().into(), offset: input.short() as u64 };
    let from = WalPosition { number: 1, offset: HEADER_LEN as u64 };
    let start = WalStart { from, salt: SALT, lsn, durable, tip: None };
    let mut files = Files::new();
    for number in 1..=FILES {
        let len = input.short();
        let mut file = input.bytes(len).to_vec();
        if fit {
            dress(&mut file, number);
        }
        if number == 1 || !file.is_empty() {
            files.insert(FileName::Wal(number).to_string(), file);
        }
    }
    let disk = refit::disk_of(&files);
    if let Ok((records, found)) = replay(&disk, &start) {
        go_on(&disk, &start, records, &found);
    }
}

/// Gives `file` a header of its own and fitting checksums, if it is long enough for that.
fn dress(file: &mut [u8], number: u64) {
    let Some(head) = file.first_chunk_mut::<HEADER_LEN>() else { return };
    let first_lsn = u64::from_le_bytes(std::array::from_fn(|i| head[48 + i]));
    *head = Header { number, words: [SALT, first_lsn], ..Header::default() }.encode(format::WAL);
    refit::log(file, SALT, number);
}

fn replay(disk: &SimStorage, start: &WalStart) -> Result<(Vec<Record>, Replayed), StorageError> {
    let mut records = Vec::new();
    let found = wal::replay(disk, start, |record| {
        records.push((record.lsn, record.kind, record.payload.to_vec()));
        Ok::<_, StorageError>(())
    })?;
    assert_eq!(found.records, records.len() as u64);
    assert!(records.is_sorted_by(|a, b| b.0 == a.0 + 1) && records.iter().all(|record| record.0 > start.lsn));
    assert_eq!(found.last_lsn, records.last().map_or(start.lsn, |last| last.0));
    Ok((records, found))
}

fn go_on(disk: &SimStorage, start: &WalStart, mut records: Vec<Record>, found: &Replayed) {
    let mut log = WalWriter::resume(disk, start, found).expect("a sound disk");
    assert_eq!((log.last_lsn(), log.position()), (found.last_lsn, found.end));
    for kind in [1, 2] {
        let lsn = log.last_lsn() + 1;
        log.append(lsn, kind, &[b"one", b" more"]).expect("a sound disk");
        records.push((lsn, kind, b"one more".to_vec()));
        if kind == 1 {
            log.rotate(disk).expect("a sound disk");
        }
    }
    log.sync().expect("a sound disk");
    let (again, end) = replay(disk, start).expect("what was resumed can be replayed");
    assert!(again == records, "{} records, then {}", records.len(), again.len());
    assert_eq!((end.torn_bytes, end.end), (0, log.position()));
}
