//! Any arguments at the C boundary: sizes of structs, flags, scalar types, counts and
//! strides without sense, NULL and misaligned pointers, handles that never were.
//!
//! What no library can check stays true here as R3 of `include/vdb.h` has it: a pointer
//! that is not NULL leads to as much memory as the other arguments say. Arguments that say
//! more than [`Memory`] has are made smaller, unless they say more than any memory has.

use super::input::Input;
use ::vdb::capi::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// Calls in one input.
const CALLS: usize = 60;
/// Bytes of each buffer; more than the largest struct.
const BYTES: usize = 1 << 15;
/// Address space that a slice can have.
const MOST: u128 = isize::MAX as u128;

/// Caller's memory, one buffer for each kind of argument.
struct Memory {
    buffers: [Vec<u64>; 7],
}

impl Memory {
    fn new() -> Memory {
        Memory { buffers: std::array::from_fn(|_| vec![0x4040_4040_4040_4040; BYTES / 8 + 1]) }
    }

    /// A pointer to `BYTES` bytes: aligned, now and then one byte off, or NULL.
    fn at<T>(&mut self, input: &mut Input, buffer: usize) -> *mut T {
        let start = self.buffers[buffer].as_mut_ptr().cast::<u8>();
        match input.below(16) {
            0 => ptr::null_mut(),
            1 => start.wrapping_add(1).cast(),
            _ => start.cast(),
        }
    }

    /// A struct of the size it says, filled with zeros or bytes of the input.
    fn sized<T>(&mut self, input: &mut Input, buffer: usize, usual: usize) -> *mut T {
        const SIZES: [u32; 12] = [0, 3, 4, 7, 8, 12, 40, 255, 256, 4096, 4097, u32::MAX];
        let size = match input.below(32) {
            odd @ 0..12 => SIZES[odd],
            12..16 => usual as u32 + input.byte() as u32,
            _ => usual as u32,
        };
        let bytes = input.below(64);
        let fields = input.bytes(bytes);
        self.buffers[buffer].fill(0);
        let start = self.buffers[buffer].as_mut_ptr().cast::<u8>();
        let place = self.at::<u8>(input, buffer);
        let place = if place.is_null() { start } else { place };
        // SAFETY: a buffer has `BYTES` bytes after its first two, more than 4 + 64.
        unsafe {
            place.cast::<u32>().write_unaligned(size);
            place.add(4).copy_from_nonoverlapping(fields.as_ptr(), fields.len());
        }
        if input.below(8) == 0 { ptr::null_mut() } else { place.cast() }
    }
}

/// Handles: open ones, closed ones, and such that never were.
struct Handles {
    dbs: [*mut vdb; 2],
    options: [*mut vdb_options; 2],
    tasks: [*mut vdb_task; 2],
    filters: [*mut vdb_filter; 2],
    cursors: [*mut vdb_cursor; 2],
    snapshots: [*mut vdb_snapshot; 2],
}

/// One of `known` most often.
fn handle<H>(input: &mut Input, known: [*mut H; 2]) -> *mut H {
    match input.below(12) {
        0 => ptr::null_mut(),
        1 => ptr::without_provenance_mut(input.number() as usize),
        2 => known[1],
        _ => known[0],
    }
}

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut memory = Memory::new();
    let mut handles = Handles {
        dbs: [ptr::null_mut(); 2],
        options: [ptr::null_mut(); 2],
        tasks: [ptr::null_mut(); 2],
        filters: [ptr::null_mut(); 2],
        cursors: [ptr::null_mut(); 2],
        snapshots: [ptr::null_mut(); 2],
    };
    start(&mut input, &mut handles);
    for _ in 0..CALLS {
        if input.is_empty() {
            break;
        }
        let error = memory.sized::<vdb_error_t>(&mut input, 0, size_of::<vdb_error_t>());
        // SAFETY: see the module; the pointers are to `memory` and to locals.
        let status = unsafe { call(&mut input, &mut memory, &mut handles, error) };
        told(status, error);
    }
    // SAFETY: handles may be anything; NULL is a record nobody wants.
    unsafe {
        for i in 0..2 {
            known(vdb_close(handles.dbs[i], ptr::null_mut()));
            vdb_options_free(handles.options[i]);
            vdb_task_free(handles.tasks[i]);
            vdb_filter_free(handles.filters[i]);
            vdb_cursor_free(handles.cursors[i]);
            vdb_snapshot_free(handles.snapshots[i]);
        }
    }
}

/// A database in memory of a shape that the input chooses, if that is possible.
fn start(input: &mut Input, handles: &mut Handles) {
    // SAFETY: pointers to locals, or NULL where that is allowed.
    unsafe {
        vdb_options_new(&mut handles.options[0], ptr::null_mut());
        let dim = 1 + input.below(40) as u64;
        for (option, value) in [(101, dim), (102, input.below(8) as u64), (103, input.below(8) as u64), (205, 20)] {
            known(vdb_options_set_u64(handles.options[0], option, value, ptr::null_mut()));
        }
        known(vdb_options_set_u64(handles.options[0], 401, 1, ptr::null_mut()));
        known(vdb_options_set_u64(handles.options[0], 407, 1 << 16, ptr::null_mut()));
        known(vdb_open(ptr::null(), handles.options[0], &mut handles.dbs[0], ptr::null_mut()));
        vdb_task_new(&mut handles.tasks[0], ptr::null_mut());
    }
}

/// No status says that the library failed inside, and each has a name.
fn known(status: vdb_status_t) {
    let inside = [vdb_status::VDB_ERR_PANIC as i32, vdb_status::VDB_ERR_INTERNAL as i32];
    assert!(!inside.contains(&status), "status {status}");
    // SAFETY: names are static texts.
    let name = unsafe { CStr::from_ptr(vdb_status_name(status)) };
    assert!(name.to_bytes().starts_with(b"VDB_"), "status {status} is {name:?}");
}

/// The record says what the call returned.
fn told(status: vdb_status_t, error: *const vdb_error_t) {
    known(status);
    if error.is_null() {
        return;
    }
    let bytes = error.cast::<u8>();
    // SAFETY: the record lies in a buffer of `BYTES` bytes.
    unsafe {
        let size = bytes.cast::<u32>().read_unaligned() as usize;
        let whole = size >= size_of::<vdb_error_t>();
        if size >= 8 {
            assert_eq!(bytes.add(4).cast::<i32>().read_unaligned(), status);
        }
        if whole {
            let message = std::slice::from_raw_parts(bytes.add(24), 232);
            let text = CStr::from_bytes_until_nul(message).expect("messages end").to_str().expect("messages are UTF-8");
            assert_eq!(text.is_empty(), status >= 0, "{status}: {text}");
        }
    }
}

/// Rows of a call: what the caller says of them.
struct Shape {
    count: usize,
    dim: usize,
    stride: usize,
    scalar: u32,
    /// Bytes from one row to the next, at most.
    bytes: usize,
}

/// A shape that fits the database at least half of the time.
fn shape(input: &mut Input, db: *mut vdb) -> Shape {
    let (mut dim, mut scalar) = (0, 0);
    // SAFETY: pointers to locals.
    unsafe {
        vdb_option_get_u64(db, 101, &mut dim, ptr::null_mut());
        vdb_option_get_u64(db, 103, &mut scalar, ptr::null_mut());
    }
    let odd = input.byte();
    let mut pick = |bit: u8, usual: u64| if odd >> bit & 5 == 5 { input.number() } else { usual };
    let (dim, scalar, stride) = (pick(0, dim) as usize, pick(1, scalar) as u32, pick(2, 0) as usize);
    let bytes = stride.max(dim.min(1 << 17) * 4).max(8);
    Shape { count: fitting(input.number() as usize, bytes), dim, stride, scalar, bytes }
}

/// `count` rows of so many bytes, if memory has room for them or no memory can have.
fn fitting(count: usize, bytes: usize) -> usize {
    let all = count as u128 * bytes as u128;
    // An id of 8 bytes is the smallest thing there is one of for each row.
    if all > BYTES as u128 && count as u128 * 8 <= MOST {
        count % (BYTES / bytes.clamp(1, BYTES)).max(1)
    } else {
        count
    }
}

unsafe extern "C" fn keep_going(user: *mut c_void, _done: u64, _total: u64) -> c_int {
    user.is_null().into()
}

/// One function with arguments from the input.
unsafe fn call(input: &mut Input, memory: &mut Memory, handles: &mut Handles, error: *mut vdb_error_t) -> vdb_status_t {
    // SAFETY: passed on from the caller.
    unsafe {
        match input.below(5) {
            4 => ask(input, memory, handles, error),
            0 => set_up(input, memory, handles, error),
            1 => write(input, memory, handles, error),
            2 => search(input, memory, handles, error),
            _ => look(input, memory, handles, error),
        }
    }
}

/// Handles and options.
unsafe fn set_up(
    input: &mut Input,
    memory: &mut Memory,
    handles: &mut Handles,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let options = handle(input, handles.options);
    // SAFETY: passed on from the caller.
    unsafe {
        match input.below(14) {
            0 => {
                let into = if input.flag() { ptr::null_mut() } else { &raw mut handles.dbs[1] };
                if !into.is_null() {
                    known(vdb_close(handles.dbs[1], ptr::null_mut()));
                }
                let path = [ptr::null(), c"".as_ptr(), c"/dev/null/\xff".as_ptr()][input.below(3)];
                vdb_open(path, options, into, error)
            }
            1 => vdb_close(handle(input, handles.dbs), error),
            2 => {
                vdb_options_free(handles.options[1]);
                vdb_options_new(&mut handles.options[1], error)
            }
            3..6 => {
                let option = option(input);
                // Threads are the machine's, which is not what is tried here.
                let value = if option == 401 { 1 } else { input.number() };
                vdb_options_set_u64(options, option, value, error)
            }
            6 => vdb_options_set_f64(options, option(input), f64::from_bits(input.number()), error),
            7 => {
                let (name, value) = (text(input, memory, 1), text(input, memory, 2));
                vdb_options_set_text(options, name, value, error)
            }
            8 => {
                let info = memory.sized(input, 1, size_of::<vdb_option_info_t>());
                vdb_option_at(input.number() as usize, info, error)
            }
            9 => {
                vdb_task_free(handles.tasks[1]);
                vdb_task_new(&mut handles.tasks[1], error)
            }
            10 => {
                let (place, ids) = (input.below(2), memory.at::<u64>(input, 1));
                vdb_filter_free(handles.filters[place]);
                let count = fitting(input.number() as usize, 8);
                vdb_filter_ids(ids, count, input.below(2) as c_int, &mut handles.filters[place], error)
            }
            11 => {
                let user = if input.flag() { ptr::null_mut() } else { memory.at(input, 3) };
                let ask = input.flag().then_some(keep_going as unsafe extern "C" fn(*mut c_void, u64, u64) -> c_int);
                vdb_task_on_progress(handle(input, handles.tasks), ask, user, error)
            }
            12 => {
                let place = input.below(2);
                vdb_snapshot_free(handles.snapshots[place]);
                vdb_snapshot_new(handle(input, handles.dbs), &mut handles.snapshots[place], error)
            }
            _ => {
                let task = handle(input, handles.tasks);
                known(vdb_task_progress(task, memory.at(input, 1), memory.at(input, 2)));
                known(if input.flag() { vdb_task_cancel(task) } else { 0 });
                vdb_build_info(memory.at(input, 3), input.short() % BYTES, memory.at(input, 4), error)
            }
        }
    }
}

fn option(input: &mut Input) -> u32 {
    match input.byte() {
        odd @ 128.. => 100 * (u32::from(odd) % 5) + input.below(12) as u32,
        known => {
            [101, 102, 103, 104, 201, 202, 203, 204, 205, 206, 301, 302, 303, 304, 305, 307, 308][known as usize % 17]
        }
    }
}

/// A text of the input, terminated, or NULL.
fn text(input: &mut Input, memory: &mut Memory, buffer: usize) -> *const c_char {
    let len = input.below(40);
    let bytes = input.bytes(len);
    memory.buffers[buffer].fill(0);
    let place = memory.at::<u8>(input, buffer);
    if !place.is_null() {
        // SAFETY: 40 bytes and the zeros after them lie in the buffer.
        unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
    place.cast()
}

unsafe fn write(input: &mut Input, memory: &mut Memory, handles: &Handles, error: *mut vdb_error_t) -> vdb_status_t {
    let (db, task) =
        (handle(input, handles.dbs), if input.below(4) == 0 { handle(input, handles.tasks) } else { ptr::null_mut() });
    let shape = shape(input, db);
    let first = input.number();
    for (i, id) in memory.buffers[1].iter_mut().enumerate() {
        *id = first.wrapping_add(i as u64);
    }
    let value = input.byte();
    memory.buffers[2]
        .iter_mut()
        .enumerate()
        .for_each(|(i, word)| *word = (i as u64).wrapping_mul(u64::from(value) << 20 | 0x0101));
    let (ids, vectors): (*const u64, *const c_void) = (memory.at(input, 1), memory.at(input, 2));
    let Shape { count, dim, stride, scalar, .. } = shape;
    // SAFETY: passed on from the caller.
    unsafe {
        match input.below(8) {
            0..3 => vdb_insert_batch(db, ids, vectors, count, dim, stride, scalar, task, error),
            3..5 => vdb_upsert_batch(db, ids, vectors, count, dim, stride, scalar, task, error),
            5 => vdb_delete_batch(db, ids, fitting(count, 8), memory.at(input, 3), error),
            6 => vdb_wait_indexed(db, task, error),
            _ => match input.below(3) {
                0 => vdb_sync(db, error),
                1 => vdb_checkpoint(db, task, error),
                _ => vdb_refresh(db, error),
            },
        }
    }
}

/// Parameters of a search.
fn params(input: &mut Input, memory: &mut Memory, handles: &Handles) -> *mut vdb_search_params_t {
    let params = memory.sized::<vdb_search_params_t>(input, 5, size_of::<vdb_search_params_t>());
    if !params.is_null() && input.below(4) > 0 {
        let (task, filter) = (handle(input, handles.tasks), handle(input, handles.filters));
        let snapshot = handle(input, handles.snapshots);
        // SAFETY: the struct lies in a buffer of its own.
        unsafe {
            (&raw mut (*params).task).write_unaligned(task);
            (&raw mut (*params).filter).write_unaligned(filter);
            (&raw mut (*params).snapshot).write_unaligned(snapshot);
        }
    }
    params
}

/// Cursors, and the searches that are not of vectors of one database.
unsafe fn ask(input: &mut Input, memory: &mut Memory, handles: &mut Handles, error: *mut vdb_error_t) -> vdb_status_t {
    let db = handle(input, handles.dbs);
    let Shape { dim, bytes, .. } = shape(input, db);
    // A query that memory has no room for is of a length that no database has.
    let dim = if dim > BYTES / 4 { usize::MAX } else { dim };
    let params = params(input, memory, handles);
    // Few enough that all results of all rows have places.
    let (count, k) = (input.below(50), input.below(60));
    let rows: *const u64 = memory.at(input, 1);
    let (ids, distances, counts) = (memory.at(input, 2), memory.at(input, 3), memory.at::<u32>(input, 4));
    let place = input.below(2);
    // SAFETY: passed on from the caller; a query has no more bytes than a row of the shape.
    unsafe {
        match input.below(8) {
            0 => vdb_search_ids(db, rows, count, k, params, ids, distances, counts, error),
            1 => vdb_recommend(db, rows, count, rows, input.below(9), k, params, ids, distances, counts, error),
            2 => {
                let (candidates, lambda) = (input.number() as usize, f32::from_bits(input.number() as u32));
                let query = rows.cast();
                vdb_search_diverse(db, query, dim, k, candidates, lambda, params, ids, distances, counts, error)
            }
            3 => {
                let dbs = [handle(input, handles.dbs).cast_const(), db.cast_const()];
                let (all, sources) = (input.below(3), memory.at(input, 6));
                let (dbs, queries, count) = (dbs.as_ptr(), rows.cast(), fitting(count, bytes));
                vdb_search_many(dbs, all, queries, count, dim, 0, k, params, ids, distances, sources, counts, error)
            }
            4 => {
                vdb_cursor_free(handles.cursors[place]);
                vdb_cursor_search(db, rows.cast(), dim, params, &mut handles.cursors[place], error)
            }
            5 => {
                vdb_cursor_free(handles.cursors[place]);
                let filter = handle(input, handles.filters);
                let cursor = &mut handles.cursors[place];
                match place {
                    0 => vdb_cursor_scan(db, filter, cursor, error),
                    _ => vdb_cursor_scan_at(db, handles.snapshots[1], filter, cursor, error),
                }
            }
            _ => vdb_cursor_next(handle(input, handles.cursors), k, ids, distances, memory.at(input, 4), error),
        }
    }
}

unsafe fn search(input: &mut Input, memory: &mut Memory, handles: &Handles, error: *mut vdb_error_t) -> vdb_status_t {
    let db = handle(input, handles.dbs);
    let mut shape = shape(input, db);
    let params = params(input, memory, handles);
    let mut k = input.number() as usize;
    // More than the limit is refused before anything is touched.
    if k <= VDB_MAX_K as usize {
        let places = BYTES / 8;
        k = if k > places { k % places } else { k };
        shape.count = match places.checked_div(k) {
            Some(most) => fitting(shape.count % (most + 1), shape.bytes),
            None => fitting(shape.count, 8),
        };
    }
    let queries: *const c_void = memory.at(input, 1);
    let (ids, distances, counts) = (memory.at(input, 2), memory.at(input, 3), memory.at(input, 4));
    let Shape { count, dim, stride, .. } = shape;
    if input.below(4) == 0 {
        let cap = k.min(BYTES / 8);
        let (radius, found) = (f32::from_bits(input.number() as u32), memory.at::<usize>(input, 4));
        // SAFETY: passed on from the caller; a query has no more bytes than a row of `shape`.
        return unsafe { vdb_search_range(db, queries, dim, radius, cap, params, ids, distances, found, error) };
    }
    if input.below(4) == 0 {
        let (json, len, cap) = (memory.at(input, 3), memory.at(input, 4), input.short() % BYTES);
        // SAFETY: passed on from the caller; a query has no more bytes than a row of `shape`.
        return unsafe { vdb_explain(db, queries, dim, k, params, json, cap, len, error) };
    }
    let search = if input.flag() { vdb_search } else { vdb_search_exact };
    // SAFETY: passed on from the caller.
    unsafe { search(db, queries, count, dim, stride, k, params, ids, distances, counts, error) }
}

unsafe fn look(input: &mut Input, memory: &mut Memory, handles: &Handles, error: *mut vdb_error_t) -> vdb_status_t {
    let db = handle(input, handles.dbs);
    // SAFETY: passed on from the caller.
    unsafe {
        match input.below(13) {
            0 => {
                let Shape { count, dim, stride, scalar, .. } = shape(input, db);
                let ids: *const u64 = memory.at(input, 1);
                vdb_get_batch(db, ids, count, dim, scalar, memory.at(input, 2), stride, memory.at(input, 3), error)
            }
            1 => vdb_count(db, handle(input, handles.filters), memory.at(input, 1), error),
            2 => vdb_option_get_u64(db, option(input), memory.at(input, 1), error),
            3 => vdb_option_get_f64(db, option(input), memory.at(input, 1), error),
            4 => vdb_stats_get(db, memory.sized(input, 1, size_of::<vdb_stats_t>()), error),
            7 => vdb_cache_clear(db, error),
            6 => vdb_log_read(db, memory.at(input, 1), input.short() % BYTES, memory.at(input, 2), error),
            5 => {
                let call = input.below(16) as u32;
                vdb_latency_get(db, call, memory.sized(input, 1, size_of::<vdb_latency_t>()), error)
            }
            8 => {
                let (snapshot, filter) = (handle(input, handles.snapshots), handle(input, handles.filters));
                vdb_count_at(db, snapshot, filter, memory.at(input, 1), error)
            }
            9 => {
                let Shape { count, dim, stride, scalar, .. } = shape(input, db);
                let (snapshot, ids) = (handle(input, handles.snapshots), memory.at::<u64>(input, 1));
                let (vectors, found) = (memory.at(input, 2), memory.at(input, 3));
                vdb_get_batch_at(db, snapshot, ids, count, dim, scalar, vectors, stride, found, error)
            }
            10 => vdb_columns_get(db, memory.at(input, 1), input.short() % BYTES, memory.at(input, 2), error),
            11 => {
                let number = option(input);
                vdb_option_get_text(db, number, memory.at(input, 1), input.short() % BYTES, memory.at(input, 2), error)
            }
            _ => {
                let level = input.number() as u32;
                let (report, len) = (memory.at(input, 1), memory.at(input, 2));
                vdb_check(db, level, report, input.short() % BYTES, len, handle(input, handles.tasks), error)
            }
        }
    }
}
