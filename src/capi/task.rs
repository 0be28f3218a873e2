//! Tasks
//!
//! Cancel a long call and watch its progress from another thread, without a callback. One
//! task serves one call after the other; once cancelled it stays cancelled.

use super::args::out;
use super::boundary::{boundary, gone_failure, pin, refuse_inside_callback};
use super::error::{Failure, no_memory, vdb_error_t};
use super::handle::{Gone, Table};
use super::status::{vdb_status, vdb_status_t};
use crate::db::{KeepGoing, Task};
use std::ffi::{c_int, c_void};
use std::ptr;

/// A task. Any thread may cancel it and read its progress.
pub struct vdb_task {
    _private: (),
}

pub(super) static TASKS: Table<Task, 1> = Table::new(3);

/// The task behind an optional argument. A call keeps its own reference, so that
/// freeing the handle meanwhile is harmless.
pub(super) fn task_from(task: *const vdb_task) -> Result<Option<Task>, Failure> {
    match task.is_null() {
        true => Ok(None),
        false => Ok(Some(pin(&TASKS, task, "task")?.clone())),
    }
}

/// Makes a task. Free it with vdb_task_free.
///
/// On failure `*out_task` is NULL. Errors: NULL_ARGUMENT, NO_MEMORY. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_task_new(out_task: *mut *mut vdb_task, error: *mut vdb_error_t) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        let place = unsafe { out(out_task, "out_task") }?;
        *place = ptr::null_mut();
        let token = TASKS.insert(Task::new()).map_err(|_| no_memory("a handle", 1024))?;
        *place = ptr::without_provenance_mut(token as usize);
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Frees a task. A call that uses it goes on. NULL and a task that was freed already do
/// nothing. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_task_free(task: *mut vdb_task) {
    let body = || match TASKS.take(task.addr() as u64) {
        Ok(_) | Err(Gone::Forked) => Ok(vdb_status::VDB_OK),
        Err(gone) => Err(gone_failure(gone, "task")),
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) };
}

/// Asks the call that uses the task to stop soon: a write or a job then changes nothing and
/// returns VDB_ERR_CANCELLED, a search returns VDB_PARTIAL. A call that is past its last
/// step ends as if it had not been asked. Any thread.
///
/// Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_task_cancel(task: *mut vdb_task) -> vdb_status_t {
    let body = || {
        pin(&TASKS, task, "task")?.cancel();
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) }
}

/// Units done and in total of the call that uses the task; 0 and 0 before it starts.
/// Any thread.
///
/// Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_task_progress(task: *const vdb_task, done: *mut u64, total: *mut u64) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        let (done, total) = unsafe { (out(done, "done")?, out(total, "total")?) };
        (*done, *total) = pin(&TASKS, task, "task")?.progress();
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) }
}

/// What a progress function needs, on its way to the thread that makes the long call.
struct Callback {
    keep_going: unsafe extern "C" fn(*mut c_void, u64, u64) -> c_int,
    user: *mut c_void,
}

// SAFETY: `user` is only handed back to the caller's function, on the thread on which the
// caller makes the long call; that both fit is the caller's promise (vdb_task_on_progress).
unsafe impl Send for Callback {}

impl Callback {
    fn ask(&self, done: u64, total: u64) -> bool {
        // SAFETY: a function of this type, from the caller, with the caller's own argument.
        unsafe { (self.keep_going)(self.user, done, total) != 0 }
    }
}

/// Sets a function that a long call asks at each step; returning 0 cancels. NULL removes it.
/// A write has two steps, before and after, and more while it waits for the graph
/// (VDB_OPT_MAX_UNINDEXED); a search asks nothing.
///
/// It runs only on the thread that makes the long call. It must not throw or jump out,
/// and of this library it may only call vdb_task_cancel and vdb_task_progress (others
/// return VDB_ERR_BUSY).
///
/// `user` lives until the function is replaced or removed by another call of this one, which waits while the function
/// runs. vdb_task_free does not remove it: a call that uses the task goes on asking.
///
/// Errors: CLOSED, FORKED, BUSY, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_task_on_progress(
    task: *mut vdb_task,
    keep_going: Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> c_int>,
    user: *mut c_void,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        refuse_inside_callback()?;
        let task = pin(&TASKS, task, "task")?;
        task.on_progress(keep_going.map(|keep_going| {
            let callback = Callback { keep_going, user };
            Box::new(move |done, total| callback.ask(done, total)) as KeepGoing
        }));
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}
