//! Any bytes where one parser expects its own: headers, CURRENT and manifests, parts,
//! graphs, quantisers, file names, option texts. What is accepted is used, and comes back
//! the same when it is written again.

use super::input::Input;
use super::refit::{self, Files};
use std::sync::Arc;
use vdb::Options;
use vdb::arena::{Budget, FaultCell, Rows, RowsMut};
use vdb::index::Graph;
use vdb::quant::Codec;
use vdb::storage::checksum::crc;
use vdb::storage::format::{self, HEADER_LEN, Header};
use vdb::storage::sim::SimStorage;
use vdb::storage::{FileName, Manifest, Part, PartEntry, PartKind, PartRef, codec, part};

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(7) {
        0 => header(input.rest()),
        1 => manifest(&mut input),
        2 => part(&mut input),
        3 => graph(&mut input),
        4 => quantiser(&mut input),
        5 => name(input.rest()),
        _ => options(&mut input),
    }
}

/// Also with a fitting checksum, and with each magic.
fn header(bytes: &[u8]) {
    let mut fitted = bytes.to_vec();
    if let Some(head) = fitted.first_chunk_mut::<HEADER_LEN>() {
        let crc = crc(&head[..HEADER_LEN - 4]);
        head[HEADER_LEN - 4..].copy_from_slice(&crc.to_le_bytes());
    }
    for magic in [format::PART, format::WAL, format::MANIFEST, format::CURRENT] {
        let _ = Header::decode("file", magic, bytes);
        if let Ok(header) = Header::decode("file", magic, &fitted) {
            assert_eq!(Header::decode("file", magic, &header.encode(magic)).expect("its own"), header);
        }
    }
}

/// A manifest under a CURRENT that names it.
fn manifest(input: &mut Input) {
    let generation = input.number();
    let payload = input.rest();
    let mut files = Files::new();
    let head = Header { generation, ..Header::default() };
    files.insert("CURRENT".into(), head.encode(format::CURRENT).to_vec());
    let name = FileName::Manifest(generation).to_string();
    files.insert(name.clone(), [&head.encode(format::MANIFEST)[..], payload].concat());
    refit::refit(&mut files, &name);
    let disk = refit::disk_of(&files);
    let Ok(Some(read)) = Manifest::load(&disk) else { return };
    let bytes = codec::encode(&read, payload.len() as u64).expect("as long as it was");
    assert!(bytes == payload, "one manifest has one encoding");
    let _ = (read.wal_start(), read.obsolete_files(&disk), read.remove_obsolete(&disk));
    if let Some(generation) = read.generation.checked_add(1) {
        let next = Manifest { generation, format: Default::default(), ..read };
        if next.write(&disk).is_ok() {
            assert_eq!(Manifest::load(&disk).expect("just written"), Some(next));
        }
    }
}

/// A part of one section per piece, or any bytes with fitting checksums.
fn part(input: &mut Input) {
    let kind = PartKind::try_from(input.below(6) as u32).unwrap_or(PartKind::Chunk);
    let named = PartRef { kind, number: 1, generation: 2, len: 0, crc: 0 };
    let mut files = Files::new();
    let head = Header { kind: kind.into(), number: 1, generation: 2, ..Header::default() };
    // Data at the front of a page, the footer as it is.
    let (data, pad) = (input.byte(), input.below(3) * 4096);
    let mut bytes = head.encode(format::PART).to_vec();
    bytes.resize(if data > 0 { 4096 } else { HEADER_LEN }, 0);
    bytes.extend(input.bytes(data.into()));
    bytes.resize(bytes.len().max(pad), 0);
    bytes.extend(input.rest());
    files.insert(named.file_name(), bytes);
    let manifest = Manifest {
        generation: 2,
        next_file: 2,
        parts: vec![PartEntry { position: 0, part: named }],
        ..Manifest::default()
    };
    let head = Header { generation: 2, ..Header::default() };
    files.insert("CURRENT".into(), head.encode(format::CURRENT).to_vec());
    files.insert("MANIFEST-2".into(), head.encode(format::MANIFEST).to_vec());
    refit::put_manifest(&mut files, &manifest);
    refit::refit(&mut files, &named.file_name());
    let named = refit::manifest_of(&files).expect("just written").parts[0].part;
    open(&refit::disk_of(&files), &named);
}

fn open(disk: &SimStorage, named: &PartRef) {
    let faults = Arc::<FaultCell>::default();
    let _ = part::verify(disk, named, &mut |_, _| Ok::<_, vdb::storage::StorageError>(()));
    for verify in [false, true] {
        let Ok(part) = Part::open(disk, named, &faults, verify) else { continue };
        for tag in 0..8 {
            let Some((rows, stride)) = part.shape(tag) else { continue };
            let section = part.rows(tag, stride as usize).expect("its own stride").expect("its own tag");
            assert_eq!((section.len() as u64, section.bytes().len() as u64), (rows, rows * u64::from(stride)));
            assert!(part.rows(tag, stride as usize + 1).is_err());
        }
    }
}

/// A header of small numbers, and arrays of the lengths it asks for.
fn graph(input: &mut Input) {
    let m = 2 + input.below(6) as u32;
    let (slots, ordinals) = (input.below(64) as u32, input.below(16) as u32);
    let upper = input.below(24) as u32;
    let raw = input.flag();
    let fields = [1, m, 16, 42, 0, slots, input.byte().into(), input.byte().into(), input.byte().into()];
    let mut header: Vec<u8> = fields.iter().chain(&[ordinals, upper]).flat_map(|f| f.to_le_bytes()).collect();
    if raw {
        header = input.bytes(44).to_vec();
    }
    let bytes = input.rest();
    let mut lens = [(1u32, slots), (2, slots), (3, ordinals), (4, upper)].into_iter();
    let mut get = |tag: u32, stride: usize| {
        let (_, len) = lens.find(|(known, _)| *known == tag)?;
        rows(len as usize, stride, bytes.get(tag as usize * 7..).unwrap_or_default())
    };
    let Ok(graph) = Graph::from_sections(&header, &mut get) else { return };
    assert!(graph.header() == header, "one graph has one header");
    let _ = graph.check();
    let _ = graph.renumber(graph.len(), &Some);
    (0..graph.len() + 2).for_each(|slot| {
        graph.contains(slot);
    });
}

/// `len` rows filled with `bytes` over and over.
fn rows(len: usize, stride: usize, bytes: &[u8]) -> Option<Rows> {
    let mut rows = RowsMut::zeroed(len, stride, &Budget::default()).ok()?;
    rows.bytes_mut().iter_mut().zip(bytes.iter().cycle()).for_each(|(to, from)| *to = *from);
    Some(rows.freeze())
}

fn quantiser(input: &mut Input) {
    let dim = input.short();
    let bytes = input.rest();
    let Ok(Some(codec)) = Codec::from_bytes(dim, bytes) else { return };
    assert!(codec.to_bytes().unwrap() == bytes, "one quantiser has one encoding");
    for value in [0.0, 1.0, f32::MAX, f32::MIN_POSITIVE] {
        let (mut code, mut query) = (vec![0; codec.code_bytes()], vec![0; codec.query_bytes()]);
        let mut row = vec![value; dim];
        codec.encode_row(&mut row, &mut code);
        codec.error(&row, &code);
        codec.encode_query(&mut vec![-value; dim], &mut query);
        (codec.kernel().distance)(&query, &code);
    }
}

fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = FileName::parse(&text) {
        assert_eq!(name.to_string(), text);
    }
}

fn options(input: &mut Input) {
    let len = input.below(40);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let mut options = Options::new();
    let (name, value) = (text(input.bytes(len)), input.below(30));
    let _ = options.set_text(&name, &text(input.bytes(value)));
    let _ = options.set_u64(input.short() as u32, input.number());
    let _ = options.set_f64(input.short() as u32, f64::from_bits(input.number()));
    options.validate().expect("what was set passed its check");
    options.settings();
}
