//! Waiting for what other threads do in their own time.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};
use vdb::Task;

/// Longer than anything takes on a slow machine that is busy with other things: who waits so long waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something is so; `what` says what, where it never is.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Cancels `task` after some time, so that a call that waits without an end fails and does not hang. Before
/// [`eventually`] gives up.
pub fn cancel_later(task: &Task) {
    let task = task.clone();
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE / 2);
        task.cancel();
    });
}
