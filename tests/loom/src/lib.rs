//! Files of the library, compiled with loom's twins of `util::sync` in its place.

/// `src/util`, as far as those files use it.
pub mod util {
    /// What `src/util/sync.rs` takes from the standard library.
    pub mod sync {
        pub use loom::cell::UnsafeCell;
        pub use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
        pub use loom::sync::{Condvar, Mutex, MutexGuard};
        pub use loom::{hint, thread};

        pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
            mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }
}

/// `src/arena`, as far as those files name it.
pub mod arena {
    /// Why memory could not be had.
    #[derive(Debug)]
    pub enum AllocError {
        System { bytes: u64 },
        OverBudget { bytes: u64, used: u64, max: u64 },
    }

    impl std::fmt::Display for AllocError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{self:?}")
        }
    }
}

#[path = "../../../src/capi"]
pub mod capi {
    pub mod slot;
}

#[path = "../../../src/db"]
pub mod db {
    pub mod background;
    /// The models provoke few of the engine's errors.
    #[allow(dead_code)]
    pub mod error;
    pub mod queue;
}

/// Runs `model` in every interleaving, each with at most `preemptions` switches away
/// from a thread that could have gone on; `None` = any number.
pub fn all_interleavings(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}
