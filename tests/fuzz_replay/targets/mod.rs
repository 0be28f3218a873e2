//! What the fuzzer runs, one file a target: `fuzz/fuzz_targets` gives these functions to
//! libFuzzer, the test beside this directory feeds them the inputs kept in `fuzz/corpus`.
//!
//! A target takes any bytes and panics on a finding. It reads no clock and no random
//! numbers, so that an input does the same wherever it runs.

// The fuzzer's programs use one target each.
#![allow(dead_code)]

#[path = "../../common/exercise.rs"]
mod exercise;
#[path = "../../common/pair/mod.rs"]
mod pair;
#[path = "../../common/plain.rs"]
mod plain;
#[path = "../../common/refit.rs"]
mod refit;
#[path = "../../common/texts.rs"]
mod texts;

pub mod abi;
pub mod calls;
pub mod exchange;
pub mod filters;
mod input;
pub mod log;
mod made;
pub mod parsers;
pub mod store;

type Target = fn(&[u8]);

/// Name and function of every target.
pub const ALL: [(&str, Target); 7] = [
    ("store", store::run),
    ("log", log::run),
    ("parsers", parsers::run),
    ("calls", calls::run),
    ("exchange", exchange::run),
    ("abi", abi::run),
    ("filters", filters::run),
];
