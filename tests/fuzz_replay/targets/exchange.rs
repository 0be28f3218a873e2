//! Any bytes as a file to be imported, and as that of its ids. What is accepted are rows: they go out again,
//! come back, and are the same.

use super::input::Input;
use vdb::storage::ReadFile;
use vdb::{Database, Error, ErrorKind, Metric, Options, Scalar};

const FORMATS: [&str; 8] = ["npy", "jsonl", "fvecs", "ivecs", "bvecs", "fbin", "u8bin", "i8bin"];
const SCALARS: [Scalar; 6] = [Scalar::F32, Scalar::F16, Scalar::Bf16, Scalar::I8, Scalar::U8, Scalar::B1];

/// Bytes as a file.
struct Memory<'a>(&'a [u8]);

impl ReadFile for Memory<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> vdb::storage::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> vdb::storage::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (format, scalar) = (FORMATS[input.below(8)], SCALARS[input.below(6)]);
    let dim = 1 + input.below(12);
    let metric = if scalar == Scalar::B1 { Metric::Jaccard } else { Metric::L2sq };
    let options = Options::new().dim(dim as u32).scalar(scalar).metric(metric).threads(1);
    let ids = (input.below(3) == 0).then(|| {
        let header = input.flag();
        let len = input.short();
        [if header { npy(&mut input, "<u8", None) } else { Vec::new() }, input.bytes(len).to_vec()].concat()
    });
    // Most bytes are no array: a header that fits leads behind it.
    let head = match input.below(4) {
        0 if format == "npy" => npy(&mut input, "<f4", Some(dim)),
        1 if format == "npy" => npy(&mut input, "|u1", Some(dim)),
        2 if format.ends_with("bin") => [(input.byte() as u32).to_le_bytes(), (dim as u32).to_le_bytes()].concat(),
        3 if format.ends_with("vecs") => (dim as u32).to_le_bytes().to_vec(),
        _ => Vec::new(),
    };
    let file = [&head, input.rest()].concat();
    let db = Database::open(None, &options).expect("in memory");
    let ids = ids.as_deref().map(Memory);
    let imported = db.import_from(format, &Memory(&file), ids.as_ref().map(|ids| ids as &dyn ReadFile));
    // Two rows with one key are only found when they are written.
    let key_twice = imported.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
    let Some(rows) = allowed(imported) else {
        assert!(key_twice || db.count().unwrap() == 0, "a file with anything wrong in it changes nothing");
        return;
    };
    assert!(rows <= file.len() as u64 && db.count().unwrap() <= rows);
    again(&db, &options, dim);
}

/// A header of an array of as many rows as the input says.
fn npy(input: &mut Input, descr: &str, columns: Option<usize>) -> Vec<u8> {
    let rows = input.byte();
    let shape = columns.map_or(format!("({rows},)"), |columns| format!("({rows}, {columns})"));
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".to_vec(), (text.len() as u16).to_le_bytes().to_vec(), text.into_bytes()].concat()
}

/// What came in goes out and comes back.
fn again(db: &Database, options: &Options, dim: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, second) = (dir.path().join("a.jsonl"), dir.path().join("b.jsonl"));
    db.export(&first, None, None, None).expect("every row has a line");
    let copy = Database::open(None, options).expect("in memory");
    assert_eq!(copy.import(&first, None, None).expect("its own lines"), db.count().unwrap());
    copy.export(&second, None, None, None).expect("every row has a line");
    let read = |path| std::fs::read(path).expect("just written");
    assert!(read(&first) == read(&second), "{dim} components changed on the way");
}

fn allowed<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let inside = [ErrorKind::Internal, ErrorKind::NoMemory, ErrorKind::Corrupt, ErrorKind::Io];
    assert!(!inside.contains(&error.kind()), "{:?} {error}", error.kind());
    None
}
