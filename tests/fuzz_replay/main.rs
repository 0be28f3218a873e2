//! The inputs in `fuzz/corpus`, found by the fuzzer or written as the first of their kind,
//! through the targets that it runs: whatever was found once stays found (promises P7, P14,
//! P15; test T9). `make fuzz` looks for more.

mod targets;

use std::path::Path;
use std::time::Instant;

fn replay(name: &str) {
    let (_, run) = targets::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{name} has {} inputs", files.len());
    let started = Instant::now();
    for file in &files {
        // Names the input that a panic, a crash or a hang belongs to.
        println!("{}", file.display());
        run(&std::fs::read(file).unwrap());
    }
    println!("{name}: {} inputs in {:?}", files.len(), started.elapsed());
}

#[test]
fn any_bytes_as_the_files_of_a_database() {
    replay("store");
}

#[test]
fn any_bytes_as_a_log() {
    replay("log");
}

#[test]
fn any_bytes_before_every_parser() {
    replay("parsers");
}

#[test]
fn calls_in_any_order_agree_with_a_map() {
    replay("calls");
}

#[test]
fn any_bytes_as_files_to_be_imported() {
    replay("exchange");
}

#[test]
fn any_arguments_at_the_c_boundary() {
    replay("abi");
}

#[test]
fn any_bytes_as_filters_their_values_and_metadata() {
    replay("filters");
}

#[test]
fn every_target_has_a_program_for_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in targets::ALL {
        let program = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("targets::{name}::run")), "fuzz_targets/{name}.rs runs another target");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
    }
}
