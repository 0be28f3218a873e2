//! Library

use super::args::{out, put_text, write};
use super::boundary::boundary;
use super::error::vdb_error_t;
use super::status::{self, vdb_status_t};
use std::ffi::{CStr, c_char};

/// Number of the binary interface, the N of libvdb.so.N: it changes when a program built
/// against another header could break. Compare it with vdb_abi_version() after loading.
pub const VDB_ABI_VERSION: u32 = 1;

/// Version of the library, e.g. "0.1.0". Static. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn vdb_version_string() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a package version holds no NUL"),
    };
    VERSION.as_ptr()
}

/// Version of the library as major << 16 | minor << 8 | patch, like VDB_VERSION_NUMBER.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn vdb_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        match u32::from_str_radix(text, 10) {
            Ok(n) => n,
            Err(_) => panic!("a package version is made of numbers"),
        }
    }
    const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
    const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
    const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));
    MAJOR << 16 | MINOR << 8 | PATCH
}

/// VDB_ABI_VERSION of the library that was loaded. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn vdb_abi_version() -> u32 {
    VDB_ABI_VERSION
}

/// Name of a status, e.g. "VDB_ERR_CORRUPT"; "unknown status" for any other number.
/// Static. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn vdb_status_name(status: vdb_status_t) -> *const c_char {
    status::name(status).as_ptr()
}

/// Facts about this build as JSON: version, ABI, target, and the instruction set of the
/// distance kernels that this processor gets.
///
/// Writes a terminated text into `buf`, which has `cap` bytes, and its length without the
/// terminator to `*len`. With cap = 0 (`buf` may be NULL) it only writes the length.
///
/// Errors: BUFFER_TOO_SMALL (`*len` is written, `buf` is not), NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_build_info(
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        let (buf, len) = unsafe { (write(buf.cast::<u8>(), cap, "buf")?, out(len, "len")?) };
        put_text(&build_info(), buf, len, "buf")
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

fn build_info() -> String {
    use std::env::consts::{ARCH, OS};
    let version = env!("CARGO_PKG_VERSION");
    let kernels = format!("{:?}", crate::kernel::isa()).to_lowercase();
    format!(r#"{{"version":"{version}","abi":{VDB_ABI_VERSION},"arch":"{ARCH}","os":"{OS}","kernels":"{kernels}"}}"#)
}
