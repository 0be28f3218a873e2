#![no_main]

#[path = "../../tests/fuzz_replay/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::filters::run(bytes));
