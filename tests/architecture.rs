//! The layers of `src`, enforced: `capi -> db -> {index, storage, meta} -> {quant, arena,
//! kernel} -> util`, never upwards, never sideways between index and storage. `unsafe` in four
//! places only. Files small enough to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may import of the crate.
const LAYERS: &[(&str, &[&str])] = &[
    ("util", &[]),
    ("kernel", &[]),
    ("arena", &["util"]),
    ("quant", &["kernel", "util"]),
    ("index", &["arena", "kernel", "quant", "util"]),
    ("storage", &["arena", "util"]),
    ("meta", &["util"]),
    ("db", &["arena", "index", "kernel", "meta", "quant", "storage", "util"]),
    ("capi", &["db", "kernel", "util"]),
];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["kernel", "arena", "storage/mmap.rs", "capi"];

/// Lines of a file.
const LONGEST: usize = 800;

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src can be listed").flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, found),
            path if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            _ => {}
        }
    }
}

/// Path below `src` and code without comments, for each file.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    let code = |text: String| text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let read = |path: &PathBuf| code(fs::read_to_string(path).expect("a source file can be read"));
    let name = |path: &PathBuf| path.strip_prefix(&src).expect("below src").display().to_string().replace('\\', "/");
    found.iter().map(|path| (name(path), read(path))).collect()
}

/// The modules named after `crate::`, in paths and in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next().map(String::from);
    let after = |part: &str| match part.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or("").split(',').filter_map(word).collect::<Vec<_>>(),
        None => word(part).into_iter().collect(),
    };
    code.split("crate::").skip(1).flat_map(after).filter(|w| !w.is_empty()).collect()
}

#[test]
fn imports_point_downwards() {
    for (file, code) in sources() {
        let Some((layer, allowed)) = LAYERS.iter().find(|(layer, _)| file.starts_with(&format!("{layer}/"))) else {
            assert_eq!(file, "lib.rs", "{file} belongs to no layer");
            continue;
        };
        for import in imports(&code) {
            let ok = import == *layer || allowed.contains(&import.as_str());
            assert!(ok, "{file} imports crate::{import}; {layer} may import {allowed:?}");
        }
    }
}

#[test]
fn unsafe_stays_where_it_belongs() {
    for (file, code) in sources() {
        let allowed = UNSAFE.iter().any(|place| file == *place || file.starts_with(&format!("{place}/")));
        let used = code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        assert!(allowed || !used, "{file} uses unsafe");
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    for (file, code) in sources() {
        assert!(code.lines().count() <= LONGEST, "{file} has more than {LONGEST} lines");
    }
}

#[test]
fn the_import_finder_finds_imports() {
    let found =
        imports("use crate::kernel::{self, Scalar};\nuse crate::{db, index::flat};\nlet x = crate::util::bits;");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["db", "index", "kernel", "util"]);
}
