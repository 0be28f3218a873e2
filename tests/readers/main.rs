//! Handles that only read (`storage.read_only`), beside a writer in the same
//! process and in others (promises P2, P3, P11, P12; tests T13, T14).
//!
//! The writer lives a life in which batch n is a function of n (`model`). So a
//! reader that is at LSN n knows each row it must find, and each it must not,
//! without hearing from the writer.
//!
//! | file | looks at |
//! |---|---|
//! | `steps` | one call of the one side between any two calls of the other, on the simulated disk |
//! | `processes` | a writer that is killed and followed by another, and three readers, as processes |
//! | `files` | what a reader leaves in the directory (nothing), what it makes of a log that ends anywhere |

#[path = "../common/mod.rs"]
mod common;
mod files;
mod model;
#[cfg(unix)]
mod processes;
mod steps;
