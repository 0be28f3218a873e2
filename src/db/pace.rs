//! Backpressure: what writers do while the graph is too far behind them.
//!
//! Rows are written at the speed of memory and disk, and linked more slowly; those in between are
//! scanned by every search. `storage.max_unindexed` says how many of them there may be when a write
//! begins. Nothing else needs a bound: a batch in the commit queue is held by the caller
//! that waits for it, so there are never more of them than threads that write.
//!
//! Must never wait where waiting changes nothing: rows that the next step of graph work leaves for
//! later, and work that has no memory or met damage, hold no writer up.

use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::indexer;
use super::options::WhenBehind;

/// Waits, or fails, as the options say, while more rows than they allow wait for the graph. `keep_going` is asked
/// now and then; false ends the wait.
pub fn hold(core: &Core, keep_going: &dyn Fn() -> bool) -> Result<()> {
    let Some(rows) = behind(core) else { return Ok(()) };
    core.indexer.wake();
    match core.settings.when_behind {
        WhenBehind::Block => wait(core, keep_going),
        WhenBehind::Busy => {
            let limit = core.settings.max_unindexed;
            let message = format!(
                "{rows} rows wait for the graph, more than storage.max_unindexed = {limit}: nothing was written, try \
                 again later"
            );
            fail(ErrorKind::Busy, message)
        }
    }
}

/// As [`hold`], but waits whatever the options say: for a call of many batches, which cannot be
/// made again from the one that was refused.
pub fn wait(core: &Core, keep_going: &dyn Fn() -> bool) -> Result<()> {
    if behind(core).is_none() {
        return Ok(());
    }
    let enough = || match keep_going() {
        true => Ok(behind(core).is_none()),
        false => fail(ErrorKind::Cancelled, "cancelled while rows of before waited for the graph"),
    };
    match core.indexer.until(&enough) {
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
        // Graph work that fails makes searches slower, and no write wrong.
        _ => Ok(()),
    }
}

/// The rows that wait for the graph, where they are more than allowed and the graph is about to take them in.
fn behind(core: &Core) -> Option<u64> {
    if core.settings.max_unindexed == 0 {
        return None;
    }
    let view = core.view.load();
    let rows = view.unindexed();
    let too_many = rows > core.settings.max_unindexed;
    let can_go_on = || core.put_off.may_try(&core.budget) && indexer::extension(core, &view, false).is_some();
    (too_many && can_go_on()).then_some(rows)
}
