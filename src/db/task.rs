//! Tasks: cancel a long call and watch its progress, from any thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Asked on the thread that makes the long call: `(done, total)`; false cancels it.
pub type KeepGoing = Box<dyn FnMut(u64, u64) -> bool + Send>;

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    on_progress: Mutex<Option<KeepGoing>>,
}

/// A handle on one long call (or several, one after the other). Clones share
/// their state. A cancelled task stays cancelled.
#[derive(Clone, Default)]
pub struct Task {
    state: Arc<State>,
}

impl Task {
    /// A task that is neither cancelled nor started.
    pub fn new() -> Task {
        Task::default()
    }

    /// Asks the call to stop soon.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Relaxed);
    }

    /// Whether [`Task::cancel`] was called, or the progress function said stop.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.load(Relaxed)
    }

    /// Units done and in total (0, 0 before the call starts).
    pub fn progress(&self) -> (u64, u64) {
        (self.state.done.load(Relaxed), self.state.total.load(Relaxed))
    }

    /// Sets (or clears) the function asked at each step. It must not call back
    /// into the database.
    pub fn on_progress(&self, keep_going: Option<KeepGoing>) {
        *self.state.on_progress.lock().unwrap_or_else(PoisonError::into_inner) = keep_going;
    }

    /// Reports that all is done. Too late to cancel: what the progress function
    /// answers does not matter any more.
    pub(crate) fn finished(&self, total: u64) {
        self.tell(total, total);
    }

    /// Reports progress; returns whether to go on.
    pub(crate) fn step(&self, done: u64, total: u64) -> bool {
        if !self.tell(done, total) {
            self.cancel();
        }
        !self.is_cancelled()
    }

    /// Notes how far the call is; returns what the progress function says.
    fn tell(&self, done: u64, total: u64) -> bool {
        self.state.total.store(total, Relaxed);
        self.state.done.store(done, Relaxed);
        let mut on_progress = self.state.on_progress.lock().unwrap_or_else(PoisonError::into_inner);
        on_progress.as_mut().is_none_or(|keep_going| keep_going(done, total))
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Task({:?}, cancelled: {})", self.progress(), self.is_cancelled())
    }
}

#[cfg(test)]
mod tests {
    use super::Task;

    #[test]
    fn a_progress_function_can_cancel_and_all_clones_see_it() {
        let task = Task::new();
        let other = task.clone();
        task.on_progress(Some(Box::new(|done, total| done < total / 2)));
        assert!(task.step(1, 10));
        assert!(!task.step(5, 10));
        assert!(other.is_cancelled());
        assert_eq!(other.progress(), (5, 10));
        task.on_progress(None);
        assert!(!task.step(6, 10), "a cancelled task stays cancelled");
        let late = Task::new();
        late.on_progress(Some(Box::new(|_, _| false)));
        late.finished(10);
        assert_eq!((late.is_cancelled(), late.progress()), (false, (10, 10)), "too late to cancel");
    }

    #[test]
    fn who_cancels_while_a_call_ends_stops_the_next_one() {
        let (task, another) = (Task::new(), Task::new());
        let canceller = task.clone();
        task.on_progress(Some(Box::new(move |done, total| {
            // Another thread may do this at any moment.
            if done == total {
                canceller.cancel();
            }
            true
        })));
        assert!(task.step(1, 10));
        task.finished(10);
        assert!(task.is_cancelled() && !task.step(1, 10), "what was asked for was forgotten");
        another.cancel();
        another.finished(10);
        assert!(another.is_cancelled());
    }
}
