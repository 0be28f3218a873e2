//! Raw arguments become slices and references here, after the checks that C leaves
//! to luck: NULL, alignment, lengths whose bytes overflow, sizes of structs.

use super::error::{Failure, Outcome, refuse};
use super::status::vdb_status;
use super::types::vdb_scalar_t;
use crate::db::{Vectors, scalar_from};
use crate::kernel::Scalar;
use std::ffi::{CStr, c_char};
use std::mem::size_of;
use std::slice;

/// A struct larger than this is a `struct_size` that was never set.
const LARGEST_STRUCT: usize = 4096;

/// Refuses NULL and, for `count` elements, more bytes than an address space has.
fn check<T>(at: *const T, count: usize, name: &str) -> Result<(), Failure> {
    if at.is_null() {
        return refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, format!("{name} is NULL"));
    }
    if !at.is_aligned() {
        let need = align_of::<T>();
        return refuse(vdb_status::VDB_ERR_INVALID_ARGUMENT, format!("{name} is not aligned to {need} bytes"));
    }
    match count.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("{name}: {count} elements overflow the address space")),
    }
}

/// `count` elements to read; none of them needs no pointer.
///
/// # Safety
/// If `at` is not NULL, `count` elements can be read there during the call (R3).
pub(super) unsafe fn read<'a, T: Copy>(at: *const T, count: usize, name: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    check(at, count, name)?;
    // SAFETY: `check` passed; the caller vouches for the memory.
    Ok(unsafe { slice::from_raw_parts(at, count) })
}

/// `count` elements to write; none of them needs no pointer.
///
/// # Safety
/// If `at` is not NULL, `count` elements can be written there during the call and
/// overlap no other argument (R3). They are integers or floats: any bytes are a value.
pub(super) unsafe fn write<'a, T: Copy>(at: *mut T, count: usize, name: &str) -> Result<&'a mut [T], Failure> {
    if count == 0 {
        return Ok(&mut []);
    }
    check(at, count, name)?;
    // SAFETY: `check` passed; the caller vouches for the memory.
    Ok(unsafe { slice::from_raw_parts_mut(at, count) })
}

/// One place to write a result to.
///
/// # Safety
/// As for [`write`].
pub(super) unsafe fn out<'a, T: Copy>(at: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    check(at, 1, name)?;
    // SAFETY: `check` passed; the caller vouches for the memory.
    Ok(unsafe { &mut *at })
}

/// Copies `text` and a terminator into `buf` and its length into `len`. An empty `buf`
/// only asks for the length, and one that is too small is left alone.
pub(super) fn put_text(text: &str, buf: &mut [u8], len: &mut usize, name: &str) -> Outcome {
    *len = text.len();
    let (cap, need) = (buf.len(), text.len() + 1);
    if cap == 0 {
        return Ok(vdb_status::VDB_OK);
    }
    let Some(to) = buf.get_mut(..need) else {
        let message = format!("{name} has {cap} bytes, {need} are needed");
        return refuse(vdb_status::VDB_ERR_BUFFER_TOO_SMALL, message);
    };
    to[..text.len()].copy_from_slice(text.as_bytes());
    to[text.len()] = 0;
    Ok(vdb_status::VDB_OK)
}

/// A NUL-terminated UTF-8 text.
///
/// # Safety
/// If `at` is not NULL, it points to a terminated text.
pub(super) unsafe fn text<'a>(at: *const c_char, name: &str) -> Result<&'a str, Failure> {
    check(at, 1, name)?;
    // SAFETY: not NULL; the caller vouches for the terminator.
    match unsafe { CStr::from_ptr(at) }.to_str() {
        Ok(text) => Ok(text),
        Err(e) => {
            refuse(vdb_status::VDB_ERR_INVALID_ARGUMENT, format!("{name} is not UTF-8 at byte {}", e.valid_up_to()))
        }
    }
}

/// Number of bytes from the first to the last of `count` rows.
fn span(count: usize, stride: usize, row_bytes: usize, name: &str) -> Result<usize, Failure> {
    let bytes = match count.checked_sub(1) {
        None => Some(0),
        Some(last) => last.checked_mul(stride).and_then(|b| b.checked_add(row_bytes)),
    };
    bytes.map_or_else(
        || {
            let message = format!("{name}: {count} rows at stride {stride} overflow the address space");
            refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, message)
        },
        Ok,
    )
}

/// Rows of vectors in caller memory: how they are laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub scalar: Scalar,
    pub count: usize,
    pub dim: usize,
    pub stride: usize,
    bytes: usize,
}

impl Layout {
    /// Checks the numbers of a call against the dimension of the database.
    /// With no rows, `dim` and `stride` may be anything.
    pub fn new(
        scalar: vdb_scalar_t,
        count: usize,
        (dim, database_dim): (usize, u32),
        stride: usize,
        name: &str,
    ) -> Result<Layout, Failure> {
        let Some(scalar) = scalar_from(scalar.into()) else {
            return refuse(vdb_status::VDB_ERR_UNSUPPORTED, format!("scalar type {scalar} is not known"));
        };
        let (dim, stride) = if count == 0 { (database_dim as usize, 0) } else { (dim, stride) };
        if dim != database_dim as usize {
            return refuse(
                vdb_status::VDB_ERR_DIMENSION,
                format!("{name} of {dim} components, but the database has {database_dim}"),
            );
        }
        let row_bytes = scalar.row_bytes(dim);
        let stride = if stride == 0 { row_bytes } else { stride };
        if stride < row_bytes {
            return refuse(
                vdb_status::VDB_ERR_INVALID_ARGUMENT,
                format!("stride {stride} is smaller than a row of {row_bytes} bytes; 0 means packed"),
            );
        }
        let bytes = span(count, stride, row_bytes, name)?;
        Ok(Layout { scalar, count, dim, stride, bytes })
    }

    /// The rows at `at`.
    ///
    /// # Safety
    /// As for [`read`], for the bytes of the layout.
    pub unsafe fn vectors<'a>(&self, at: *const u8, name: &str) -> Result<Vectors<'a>, Failure> {
        // SAFETY: passed on from the caller.
        let bytes = unsafe { read(at, self.bytes, name) }?;
        Ok(Vectors::new(bytes, self.scalar, self.dim, self.count, self.stride)?)
    }

    /// The bytes from the first to the last row at `at`, to write.
    ///
    /// # Safety
    /// As for [`write`], for the bytes of the layout.
    pub unsafe fn bytes_mut<'a>(&self, at: *mut u8, name: &str) -> Result<&'a mut [u8], Failure> {
        // SAFETY: passed on from the caller.
        unsafe { write(at, self.bytes, name) }
    }
}

/// A struct that begins with its size and grows at the end (R9).
///
/// # Safety
/// `repr(C)`, first field `struct_size: u32`, no padding, and zero bytes are a valid
/// value, as are any others.
pub(super) unsafe trait Sized32: Copy {
    /// Name for messages.
    const NAME: &'static str;
}

/// The size the caller's struct says it has.
unsafe fn said_size<T: Sized32>(at: *const T) -> Result<usize, Failure> {
    check(at, 1, T::NAME)?;
    // SAFETY: not NULL and aligned; the caller vouches for the first four bytes.
    let size = unsafe { at.cast::<u32>().read() } as usize;
    if !(size_of::<u32>()..=LARGEST_STRUCT).contains(&size) {
        return refuse(
            vdb_status::VDB_ERR_INVALID_ARGUMENT,
            format!("{}: struct_size is {size}; set it to sizeof({0})", T::NAME),
        );
    }
    Ok(size)
}

/// Reads a caller's struct of any version: what it lacks is zero, what it has more
/// must be zero.
///
/// # Safety
/// If `at` is not NULL, as many bytes can be read there as its first four say.
pub(super) unsafe fn read_struct<T: Sized32>(at: *const T) -> Result<T, Failure> {
    // SAFETY: passed on from the caller.
    let size = unsafe { said_size(at) }?;
    // SAFETY: `size` bytes can be read; they are plain bytes.
    let bytes = unsafe { slice::from_raw_parts(at.cast::<u8>(), size) };
    let (known, newer) = bytes.split_at(size.min(size_of::<T>()));
    if newer.iter().any(|&b| b != 0) {
        return refuse(
            vdb_status::VDB_ERR_UNSUPPORTED,
            format!("{} sets a field that this version does not know", T::NAME),
        );
    }
    // SAFETY: zero bytes are a valid `T`, and so is any prefix of a caller's (`Sized32`).
    unsafe {
        let mut value: T = std::mem::zeroed();
        (&raw mut value).cast::<u8>().copy_from_nonoverlapping(known.as_ptr(), known.len());
        Ok(value)
    }
}

/// Writes a struct into a caller's of any version: what the caller's has more is zeroed.
///
/// # Safety
/// If `at` is not NULL, as many bytes can be written there as its first four say.
pub(super) unsafe fn write_struct<T: Sized32>(at: *mut T, value: &T) -> Result<(), Failure> {
    // SAFETY: passed on from the caller.
    let size = unsafe { said_size(at) }?;
    let skip = size_of::<u32>();
    let known = size.min(size_of::<T>());
    // SAFETY: `skip <= known <= size` bytes can be written, and `value` has `known`
    // initialised bytes (`Sized32`: no padding).
    unsafe {
        let (to, from) = (at.cast::<u8>(), (&raw const *value).cast::<u8>());
        to.add(skip).copy_from_nonoverlapping(from.add(skip), known - skip);
        to.add(known).write_bytes(0, size - known);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Two {
        struct_size: u32,
        a: u32,
        b: u64,
    }

    // SAFETY: `repr(C)`, 4 + 4 + 8 bytes without padding, integers.
    unsafe impl Sized32 for Two {
        const NAME: &'static str = "two";
    }

    fn status<T>(result: Result<T, Failure>) -> vdb_status {
        result.err().map_or(vdb_status::VDB_OK, |f| f.status)
    }

    /// Caller memory, aligned as the struct is.
    #[repr(C, align(8))]
    struct Words([u32; 8]);

    #[test]
    fn structs_of_older_and_newer_callers() {
        let read_as = |size| {
            let words = Words([size, 7, 9, 0, 0, 0, 5, 0]);
            // SAFETY: `words` holds 32 bytes, and no size above that is read.
            unsafe { read_struct((&raw const words).cast::<Two>()) }
        };
        let whole = Two { struct_size: 16, a: 7, b: 9 };
        assert_eq!(read_as(16).ok(), Some(whole));
        assert_eq!(read_as(8).ok(), Some(Two { struct_size: 8, b: 0, ..whole }));
        assert_eq!(read_as(24).ok(), Some(Two { struct_size: 24, ..whole }), "longer, rest zero");
        assert_eq!(status(read_as(28)), vdb_status::VDB_ERR_UNSUPPORTED);
        for bad in [0, 3, 4097, u32::MAX] {
            assert_eq!(status(read_as(bad)), vdb_status::VDB_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: NULL is allowed.
        assert_eq!(status(unsafe { read_struct::<Two>(std::ptr::null()) }), vdb_status::VDB_ERR_NULL_ARGUMENT);
    }

    #[test]
    fn written_structs_stay_inside_the_callers() {
        let value = Two { struct_size: 0, a: 1, b: 2 };
        for (size, expected) in [(8, [8, 1, 77, 77, 77, 77]), (16, [16, 1, 2, 0, 77, 77]), (20, [20, 1, 2, 0, 0, 77])] {
            let mut words = Words([77; 8]);
            words.0[0] = size;
            // SAFETY: `words` holds 32 bytes.
            unsafe { write_struct((&raw mut words).cast::<Two>(), &value) }.unwrap();
            assert_eq!(words.0[..6], expected);
        }
    }

    #[test]
    fn layouts_are_checked_before_a_pointer_is_used() {
        let f32s = 1;
        let new = |count, dim, stride| Layout::new(f32s, count, (dim, 4), stride, "vectors");
        assert_eq!(new(3, 4, 0).map(|l| (l.stride, l.bytes)).ok(), Some((16, 48)));
        assert_eq!(new(3, 4, 20).map(|l| l.bytes).ok(), Some(56), "the last row needs no padding");
        assert_eq!(new(0, 9, 1).map(|l| l.bytes).ok(), Some(0));
        assert_eq!(status(new(1, 5, 0)), vdb_status::VDB_ERR_DIMENSION);
        assert_eq!(status(new(1, 4, 15)), vdb_status::VDB_ERR_INVALID_ARGUMENT);
        assert_eq!(status(new(usize::MAX, 4, 0)), vdb_status::VDB_ERR_OUT_OF_RANGE);
        assert_eq!(status(new(3, 4, usize::MAX)), vdb_status::VDB_ERR_OUT_OF_RANGE);
        assert_eq!(status(Layout::new(77, 1, (4, 4), 0, "vectors")), vdb_status::VDB_ERR_UNSUPPORTED);
    }

    #[test]
    fn pointers_are_checked() {
        let words = [0u64; 2];
        let odd = words.as_ptr().cast::<u8>().wrapping_add(1).cast::<u64>();
        // SAFETY: each pointer is refused before it is used, or `words` itself.
        unsafe {
            assert_eq!(status(read::<u64>(std::ptr::null(), 1, "ids")), vdb_status::VDB_ERR_NULL_ARGUMENT);
            assert_eq!(status(read(odd, 1, "ids")), vdb_status::VDB_ERR_INVALID_ARGUMENT);
            assert_eq!(status(read(words.as_ptr(), usize::MAX / 8, "ids")), vdb_status::VDB_ERR_OUT_OF_RANGE);
            assert_eq!(read::<u64>(std::ptr::null(), 0, "ids").ok(), Some(&[][..]));
            assert_eq!(read(words.as_ptr(), 2, "ids").ok(), Some(&words[..]));
            let bad = [0x66u8, 0xff, 0];
            assert_eq!(status(text(bad.as_ptr().cast(), "name")), vdb_status::VDB_ERR_INVALID_ARGUMENT);
        }
    }
}
