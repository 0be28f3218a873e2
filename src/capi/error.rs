//! The caller's error record: filled in the same call, owned by the caller. No
//! thread-local "last error", which forced Go callers of other libraries to pin
//! goroutines to threads between the failing call and the question why.

use super::status::{vdb_status, vdb_status_t};
use crate::db::{Error, ErrorKind};
use std::ffi::c_char;
use std::mem::{offset_of, size_of};

/// What a call did, in the caller's memory (R2). 256 bytes.
#[repr(C)]
pub struct vdb_error_t {
    /// Set by the caller to sizeof(vdb_error_t), e.g. with VDB_ERROR_INIT.
    pub struct_size: u32,
    /// The status that the call returned.
    pub code: vdb_status_t,
    /// The operating system's error number, or 0.
    pub os_error: i32,
    /// 0 in this version.
    pub reserved: u32,
    /// Row of the batch that is to blame, or UINT64_MAX.
    pub item: u64,
    /// What failed, the value, the limit, what to do: UTF-8, NUL-terminated.
    pub message: [c_char; 232],
}

/// Why a call failed, on its way to the caller's record.
#[derive(Debug)]
pub(super) struct Failure {
    pub status: vdb_status,
    pub message: String,
    pub item: Option<u64>,
    pub os_error: Option<i32>,
}

/// What the body of a call returns: a status of 0 or more, or why not.
pub(super) type Outcome = Result<vdb_status, Failure>;

impl Failure {
    pub fn new(status: vdb_status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into(), item: None, os_error: None }
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure { status: e.kind().into(), message: e.to_string(), item: e.item(), os_error: e.os_error() }
    }
}

/// Shorthand for `Err(Failure::new(..))`.
pub(super) fn refuse<T>(status: vdb_status, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(status, message))
}

/// The smallest record that can hold the status.
const SMALLEST: usize = offset_of!(vdb_error_t, os_error);

/// A caller's record whose size was checked; NULL is a record nobody wants.
pub(super) struct Record {
    at: *mut vdb_error_t,
    size: usize,
}

impl Record {
    /// Checks the size that the caller set.
    ///
    /// # Safety
    /// `at` is NULL or points to as many writable bytes as its first four say.
    pub unsafe fn new(at: *mut vdb_error_t) -> Option<Record> {
        if at.is_null() {
            return Some(Record { at, size: 0 });
        }
        // SAFETY: the caller of this function vouches for the first four bytes.
        let size = unsafe { at.cast::<u32>().read_unaligned() } as usize;
        (size >= SMALLEST).then_some(Record { at, size: size.min(size_of::<vdb_error_t>()) })
    }

    /// Fills the record and returns the number for the caller.
    pub fn fill(&self, outcome: Outcome) -> vdb_status_t {
        if self.at.is_null() {
            return match outcome {
                Ok(status) => status.number(),
                Err(failure) => failure.status.number(),
            };
        }
        let mut filled =
            vdb_error_t { struct_size: 0, code: 0, os_error: 0, reserved: 0, item: u64::MAX, message: [0; 232] };
        match outcome {
            Ok(status) => filled.code = status.number(),
            Err(failure) => {
                filled.code = failure.status.number();
                filled.os_error = failure.os_error.unwrap_or(0);
                filled.item = failure.item.unwrap_or(u64::MAX);
                put_text(&mut filled.message, &failure.message);
            }
        }
        // `struct_size` stays the caller's; a short record gets the fields it has room for.
        let skip = offset_of!(vdb_error_t, code);
        let from = (&raw const filled).cast::<u8>();
        // SAFETY: `skip < size <= size_of::<vdb_error_t>()`, and `new` was promised
        // `size` writable bytes at `at`, which cannot overlap a local.
        unsafe { from.add(skip).copy_to_nonoverlapping(self.at.cast::<u8>().add(skip), self.size - skip) };
        // A short record may end inside the text: it is still terminated.
        let text = offset_of!(vdb_error_t, message);
        if self.size > text {
            // SAFETY: as above; the last byte of the record.
            unsafe { self.at.cast::<u8>().add(self.size - 1).write(0) };
        }
        filled.code
    }
}

/// Copies as much text as fits, cut between characters, always terminated.
fn put_text(to: &mut [c_char; 232], text: &str) {
    let mut end = text.len().min(to.len() - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (to, byte) in to.iter_mut().zip(text.as_bytes()[..end].iter().copied()) {
        // A NUL inside (a path cannot hold one, an option text can) would end the message early.
        *to = if byte == 0 { b'?' } else { byte } as c_char;
    }
}

/// A failure for memory the ABI itself needs.
pub(super) fn no_memory(what: &str, bytes: usize) -> Failure {
    Error::new(ErrorKind::NoMemory, format!("no memory for {what} ({bytes} bytes)")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn record(size: u32) -> vdb_error_t {
        vdb_error_t { struct_size: size, code: 77, os_error: 77, reserved: 77, item: 77, message: [77; 232] }
    }

    fn failure(message: String) -> Outcome {
        Err(Failure { status: vdb_status::VDB_ERR_IO, message, item: Some(3), os_error: Some(5) })
    }

    #[test]
    fn a_full_record_is_filled_and_reset() {
        let mut e = record(256);
        // SAFETY: `e` is a whole record.
        let r = unsafe { Record::new(&mut e) }.unwrap();
        assert_eq!(r.fill(failure("disk\0gone".into())), -40);
        // SAFETY: the text is terminated.
        let text = unsafe { CStr::from_ptr(e.message.as_ptr()) };
        assert_eq!((e.struct_size, e.code, e.os_error, e.item, text), (256, -40, 5, 3, c"disk?gone"));
        // SAFETY: as above.
        let r = unsafe { Record::new(&mut e) }.unwrap();
        assert_eq!(r.fill(Ok(vdb_status::VDB_PARTIAL)), 2);
        assert_eq!((e.code, e.os_error, e.reserved, e.item, e.message[0]), (2, 0, 0, u64::MAX, 0));
    }

    #[test]
    fn long_text_is_cut_between_characters_and_terminated() {
        for fill in 225..240 {
            let mut e = record(256);
            // SAFETY: `e` is a whole record.
            unsafe { Record::new(&mut e) }.unwrap().fill(failure(format!("{}\u{20ac}uro", "x".repeat(fill))));
            // SAFETY: the text is terminated.
            let text = unsafe { CStr::from_ptr(e.message.as_ptr()) };
            assert!(text.to_str().is_ok_and(|t| t.len() <= 231 && t.len() >= fill.min(229)));
        }
    }

    #[test]
    fn a_short_record_is_not_written_past_its_end() {
        for size in [8, 12, 24, 25, 100, 255] {
            let mut e = record(size);
            // SAFETY: `e` has at least `size` bytes.
            unsafe { Record::new(&mut e) }.unwrap().fill(failure("y".repeat(300)));
            // SAFETY: `e` is a whole record; reading its bytes.
            let bytes = unsafe { std::slice::from_raw_parts((&raw const e).cast::<u8>(), 256) };
            assert_eq!(e.code, -40);
            assert!(bytes[size as usize..].iter().all(|&b| b == 77 || b == 0), "size {size}");
            assert!(size < 25 || bytes[size as usize - 1] == 0, "size {size} is not terminated");
        }
        for size in [0, 4, 7] {
            let mut e = record(size);
            // SAFETY: `e` is longer than it says.
            assert!(unsafe { Record::new(&mut e) }.is_none(), "size {size}");
        }
    }

    #[test]
    fn the_record_has_the_published_layout() {
        assert_eq!(size_of::<vdb_error_t>(), 256);
        assert_eq!((offset_of!(vdb_error_t, item), offset_of!(vdb_error_t, message)), (16, 24));
    }
}
