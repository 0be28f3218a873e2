//! After `fork` only the calling thread lives on in the child: the background
//! threads are gone and a lock may be held for ever by one of them. A handle
//! therefore remembers in which process it was made, as a number that a
//! `pthread_atfork` handler changes in the child: comparing it costs one load,
//! asking for the process id in each call costs a system call. The same handler closes the child's
//! copies of the parent's locks, which would outlive the parent in them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed, Ordering::SeqCst};

static EPOCH: AtomicU32 = AtomicU32::new(1);

/// The number of the current process: never 0, changes in a forked child.
#[inline]
pub(super) fn epoch() -> u32 {
    // Changes only while the process has one thread.
    EPOCH.load(Relaxed)
}

/// Makes forks count. Called before a handle is made; false when the system has no
/// memory for the handler.
pub(super) fn watch() -> bool {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    WATCHING.load(SeqCst) || {
        // Two threads at once may both register; the number then changes by two.
        let watching = register();
        WATCHING.fetch_or(watching, SeqCst) | watching
    }
}

#[cfg(unix)]
fn register() -> bool {
    extern "C" fn in_child() {
        EPOCH.fetch_add(1, SeqCst);
        super::handle::forget_free_slots();
        for descriptor in crate::util::inherited::give_up() {
            // SAFETY: the descriptor was open in the parent, whose handles are forgotten here: nothing uses or
            // closes the child's copy but this.
            unsafe { libc::close(descriptor) };
        }
    }
    // SAFETY: the handler touches atomics and closes files, which is allowed between `fork` and
    // `exec`; the C library drops it when this library is unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) == 0 }
}

#[cfg(not(unix))]
fn register() -> bool {
    true
}
