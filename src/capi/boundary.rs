//! What every function has around its body: panics are caught and kept quiet, the
//! error record is checked first and filled last, handles become references.
//!
//! Unwinding into C is undefined behaviour or an abort of the host program; several C
//! interfaces of Rust libraries risk it. Here a panic is `VDB_ERR_PANIC`, and the
//! database it happened in refuses writes until it is opened again, because what the
//! panic interrupted may be half done in memory. The files are not touched any more:
//! the next open recovers from them as after a kill.

use super::error::{Failure, Outcome, Record, no_memory, refuse, vdb_error_t};
use super::handle::{Gone, Pin, Table};
use super::open::{DATABASES, vdb};
use super::status::{vdb_status, vdb_status_t};
use crate::db::Database;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Once};

thread_local! {
    /// Calls of this library on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether one of them works on a database.
    static IN_DATABASE: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic on this thread happened.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Threads of the library have names that begin so; their panics are quiet too, since
/// they are caught and handed to the call that waits for them.
const OWN_THREADS: &str = "vdb";

/// Runs the body of a C function and reports its outcome.
///
/// # Safety
/// `error` is NULL or a record as R2 describes it.
pub(super) unsafe fn boundary(error: *mut vdb_error_t, body: impl FnOnce() -> Outcome) -> vdb_status_t {
    // SAFETY: passed on from the caller.
    let Some(record) = (unsafe { Record::new(error) }) else {
        return vdb_status::VDB_ERR_INVALID_ARGUMENT.number();
    };
    record.fill(caught(body))
}

/// The outcome of `body`, a panic included.
fn caught(body: impl FnOnce() -> Outcome) -> Outcome {
    quiet_panics();
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(body));
    DEPTH.set(DEPTH.get() - 1);
    result.unwrap_or_else(|payload| refuse(vdb_status::VDB_ERR_PANIC, describe(payload)))
}

/// The text of a panic and where it happened. The payload is leaked: dropping it
/// could panic again.
fn describe(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_string(),
    };
    std::mem::forget(payload);
    let at = PANICKED_AT.take();
    let at = if at.is_empty() { "another thread" } else { &at };
    format!("internal failure at {at}: {text}; close the database and open it again")
}

/// Puts a hook before the process's own, once, that keeps panics of this library
/// from printing. All others reach the hook that was there.
fn quiet_panics() {
    static INSTALLED: Once = Once::new();
    // Replacing the hook is forbidden while this thread panics (a host's `Drop` may call us then).
    if INSTALLED.is_completed() || std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.get() > 0 {
                let at = info.location().map_or_else(String::new, |l| format!("{}:{}", l.file(), l.line()));
                PANICKED_AT.set(at);
            } else if !std::thread::current().name().is_some_and(|n| n.starts_with(OWN_THREADS)) {
                before(info);
            }
        }));
    });
}

/// An open database and whether a panic went through it, which its cursors know too.
pub(super) struct OpenDatabase {
    pub database: Database,
    pub poisoned: Arc<AtomicBool>,
}

/// What a call wants of a database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Runs `body` on the database behind a handle.
///
/// # Safety
/// As for [`boundary`].
pub(super) unsafe fn on_database(
    db: *const vdb,
    access: Access,
    error: *mut vdb_error_t,
    body: impl FnOnce(&Database) -> Outcome,
) -> vdb_status_t {
    // SAFETY: passed on from the caller.
    unsafe { boundary(error, || on_open(db, access, |open| body(&open.database))) }
}

/// The same inside [`boundary`], for a body that makes something which outlives the call.
pub(super) fn on_open(db: *const vdb, access: Access, body: impl FnOnce(&OpenDatabase) -> Outcome) -> Outcome {
    refuse_inside_callback()?;
    let open = pin(&DATABASES, db, "db")?;
    if access == Access::Write && open.poisoned.load(SeqCst) {
        return refuse(vdb_status::VDB_ERR_POISONED, POISONED);
    }
    watched(&open.poisoned, || body(&open))
}

/// The same, for a body that reads, on the databases behind some handles. Of a handle that cannot be used the failure names
/// the place.
pub(super) fn on_databases(dbs: &[*const vdb], body: impl FnOnce(&[&Database]) -> Outcome) -> Outcome {
    refuse_inside_callback()?;
    let mut open = Vec::new();
    open.try_reserve_exact(dbs.len()).map_err(|_| no_memory("handles", 16 * dbs.len()))?;
    for (&db, place) in dbs.iter().zip(0..) {
        let pinned = pin(&DATABASES, db, &format!("dbs[{place}]"));
        open.push(pinned.map_err(|failure| Failure { item: Some(place), ..failure })?);
    }
    let mut databases = Vec::new();
    databases.try_reserve_exact(open.len()).map_err(|_| no_memory("handles", 8 * open.len()))?;
    databases.extend(open.iter().map(|open| &open.database));
    let nothing = AtomicBool::new(false);
    let outcome = catch_unwind(AssertUnwindSafe(|| watched(&nothing, || body(&databases))));
    outcome.unwrap_or_else(|panic| {
        // Whose it was is not known.
        open.iter().for_each(|open| open.poisoned.store(true, SeqCst));
        resume_unwind(panic)
    })
}

/// Runs a long call that works on no open database. As in one that does, its
/// progress function may not call the library.
///
/// # Safety
/// As for [`boundary`].
pub(super) unsafe fn without_database(error: *mut vdb_error_t, body: impl FnOnce() -> Outcome) -> vdb_status_t {
    let guarded = || {
        refuse_inside_callback()?;
        watched(&AtomicBool::new(false), body)
    };
    // SAFETY: passed on from the caller.
    unsafe { boundary(error, guarded) }
}

pub(super) const POISONED: &str =
    "an earlier call failed inside the library, so writes are refused; close the database and open it again";

/// The outcome of `body`; a panic marks the database it works on as `poisoned`.
pub(super) fn watched(poisoned: &AtomicBool, body: impl FnOnce() -> Outcome) -> Outcome {
    let watch = Watch::new(poisoned);
    let outcome = body();
    watch.passed();
    outcome
}

/// Marks the database when it is dropped by a panic, and the thread as out of it.
struct Watch<'a> {
    poisoned: &'a AtomicBool,
    passed: bool,
}

impl<'a> Watch<'a> {
    fn new(poisoned: &'a AtomicBool) -> Watch<'a> {
        IN_DATABASE.set(true);
        Watch { poisoned, passed: false }
    }

    fn passed(mut self) {
        self.passed = true;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        IN_DATABASE.set(false);
        if !self.passed {
            self.poisoned.store(true, SeqCst);
        }
    }
}

/// Refuses a call that a progress function makes: it would wait for the call it is in.
pub(super) fn refuse_inside_callback() -> Result<(), Failure> {
    match IN_DATABASE.get() {
        false => Ok(()),
        true => refuse(vdb_status::VDB_ERR_BUSY, "a progress function cannot call this function"),
    }
}

/// The value behind a handle. Handles are tokens: nothing is read through `handle`.
pub(super) fn pin<H, T: Send + Sync, const GROUPS: usize>(
    table: &'static Table<T, GROUPS>,
    handle: *const H,
    name: &str,
) -> Result<Pin<T>, Failure> {
    if handle.is_null() {
        return refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, format!("{name} is NULL"));
    }
    table.pin(handle.addr() as u64).map_err(|gone| gone_failure(gone, name))
}

/// The failure for a handle that cannot be used.
pub(super) fn gone_failure(gone: Gone, name: &str) -> Failure {
    match gone {
        Gone::Closed => {
            Failure::new(vdb_status::VDB_ERR_CLOSED, format!("{name} is no open handle: closed already, or never one"))
        }
        Gone::Forked => Failure::new(
            vdb_status::VDB_ERR_FORKED,
            format!("{name} was made by the parent process; make one in this process"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// The hook is the process's, so tests that look at it take turns.
    static HOOK: Mutex<()> = Mutex::new(());

    #[test]
    fn a_panic_is_a_status_with_text_and_place() {
        let failure = caught(|| panic!("row {} is odd", 3)).unwrap_err();
        assert_eq!(failure.status, vdb_status::VDB_ERR_PANIC);
        assert!(failure.message.contains("boundary.rs:"), "{}", failure.message);
        assert!(failure.message.contains("row 3 is odd"), "{}", failure.message);
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_harmless() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let failure = caught(|| std::panic::panic_any(Bomb)).unwrap_err();
        assert!(failure.message.contains("no message"), "{}", failure.message);
    }

    #[test]
    fn only_our_panics_are_quiet() {
        static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let _turn = HOOK.lock().unwrap_or_else(|e| e.into_inner());
        // In a process of its own the host's hook is there first; here ours may be. A
        // thread's name decides for both, so the host's is put behind ours by hand.
        quiet_panics();
        let ours = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let name = std::thread::current().name().unwrap_or("").to_string();
            if DEPTH.get() > 0 || name.starts_with(OWN_THREADS) {
                ours(info);
            } else if name.starts_with("host") {
                SEEN.lock().unwrap_or_else(|e| e.into_inner()).push(name);
            } else {
                ours(info);
            }
        }));
        let run = |name: &str, body: fn()| {
            let _ = std::thread::Builder::new().name(name.into()).spawn(body).unwrap().join();
        };
        run("host-1", || panic!("the host's own"));
        run("vdb-index", || panic!("a background thread of the library"));
        run("host-2", || assert!(caught(|| panic!("inside a call")).is_err()));
        assert_eq!(*SEEN.lock().unwrap(), ["host-1"]);
    }

    #[test]
    fn a_panic_poisons_and_a_return_does_not() {
        let poisoned = AtomicBool::new(false);
        Watch::new(&poisoned).passed();
        assert!(!poisoned.load(SeqCst) && !IN_DATABASE.get());
        let outcome = caught(|| {
            let watch = Watch::new(&poisoned);
            assert!(refuse_inside_callback().is_err());
            if !poisoned.load(SeqCst) {
                panic!("halfway");
            }
            watch.passed();
            Ok(vdb_status::VDB_OK)
        });
        assert!(outcome.is_err() && poisoned.load(SeqCst) && !IN_DATABASE.get());
    }
}
