//! Options
//!
//! What a database is opened with. The table can be walked, so that bindings, command
//! lines and documents are made from it.

use super::args::{Sized32, out, text, write_struct};
use super::boundary::{boundary, gone_failure, pin};
use super::error::{Failure, Outcome, no_memory, vdb_error_t};
use super::handle::{Gone, Table};
use super::status::{vdb_status, vdb_status_t};
use super::types::{vdb_option_flag, vdb_option_t, vdb_option_type};
use crate::db::{OPTIONS, OptionType, Options, Result};
use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A set of options. One thread at a time.
pub struct vdb_options {
    _private: (),
}

/// Behind a lock: a caller who breaks the one-thread rule still gets no data race.
pub(super) static OPTION_SETS: Table<Mutex<Options>, 1> = Table::new(2);

/// A copy of the options behind an optional argument.
pub(super) fn options_from(options: *const vdb_options) -> std::result::Result<Options, Failure> {
    match options.is_null() {
        true => Ok(Options::new()),
        false => Ok(pin(&OPTION_SETS, options, "options")?.lock().unwrap_or_else(PoisonError::into_inner).clone()),
    }
}

/// One line of the table of options.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vdb_option_info_t {
    /// Set by the caller to sizeof(vdb_option_info_t).
    pub struct_size: u32,
    /// Number, one of `enum vdb_option`.
    pub id: vdb_option_t,
    /// One of `enum vdb_option_type`.
    pub value_type: u32,
    /// Bits of `enum vdb_option_flag`.
    pub flags: u32,
    /// Name for vdb_options_set_text, e.g. "hnsw.m". Static.
    pub name: *const c_char,
    /// One sentence. Static.
    pub help: *const c_char,
    /// Values of an enum as "l2sq=1 ip=2", NULL for other types. Static.
    pub values: *const c_char,
    /// Value when it is not set; 0 for a text, which is empty then.
    pub default_value: f64,
    /// Smallest value; of a text its length in bytes, as in the next one.
    pub min_value: f64,
    /// Largest value.
    pub max_value: f64,
}

// SAFETY: `repr(C)`, 4 x 4 + 6 x 8 bytes without padding; NULL pointers are valid.
unsafe impl Sized32 for vdb_option_info_t {
    const NAME: &'static str = "vdb_option_info_t";
}

/// Makes a set of options in which nothing is set. Free it with vdb_options_free.
///
/// On failure `*out_options` is NULL. Errors: NULL_ARGUMENT, NO_MEMORY. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_options_new(out_options: *mut *mut vdb_options, error: *mut vdb_error_t) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        let place = unsafe { out(out_options, "out_options") }?;
        *place = ptr::null_mut();
        let token = OPTION_SETS.insert(Mutex::new(Options::new())).map_err(|_| no_memory("a handle", 1024))?;
        *place = ptr::without_provenance_mut(token as usize);
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Frees a set of options. NULL and a set that was freed already do nothing. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_options_free(options: *mut vdb_options) {
    let body = || match OPTION_SETS.take(options.addr() as u64) {
        Ok(_) | Err(Gone::Forked) => Ok(vdb_status::VDB_OK),
        Err(gone) => Err(gone_failure(gone, "options")),
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) };
}

/// Sets a whole number, a switch (0 or 1) or the number of an enum value. It is checked
/// here, not when the database is opened.
///
/// Errors: UNKNOWN_OPTION, OUT_OF_RANGE, INVALID_ARGUMENT (the option is a fraction or a text), CLOSED.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_options_set_u64(
    options: *mut vdb_options,
    option: vdb_option_t,
    value: u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    // SAFETY: R2.
    unsafe { boundary(error, || set(options, |o| o.set_u64(option, value))) }
}

/// Sets a fraction.
///
/// Errors: UNKNOWN_OPTION, OUT_OF_RANGE, INVALID_ARGUMENT (the option is no fraction), CLOSED.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_options_set_f64(
    options: *mut vdb_options,
    option: vdb_option_t,
    value: f64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    // SAFETY: R2.
    unsafe { boundary(error, || set(options, |o| o.set_f64(option, value))) }
}

/// Sets any option by name: ("hnsw.m", "32"), ("schema.metric", "cosine"),
/// ("storage.mmap", "off"), ("schema.columns", "year i64"). For command lines, environments and configuration
/// files, and for options that are texts.
///
/// Errors: UNKNOWN_OPTION (the message has the closest names), OUT_OF_RANGE,
/// INVALID_ARGUMENT (not a number or name of a value; of a text item = the byte where that shows), NULL_ARGUMENT,
/// CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_options_set_text(
    options: *mut vdb_options,
    name: *const c_char,
    value: *const c_char,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3: terminated texts.
        let (name, value) = unsafe { (text(name, "name")?, text(value, "value")?) };
        set(options, |o| o.set_text(name, value))
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

fn set(options: *mut vdb_options, change: impl FnOnce(&mut Options) -> Result<()>) -> Outcome {
    let options = pin(&OPTION_SETS, options, "options")?;
    change(&mut options.lock().unwrap_or_else(PoisonError::into_inner))?;
    Ok(vdb_status::VDB_OK)
}

/// The texts of one option, terminated for C.
struct Texts {
    name: CString,
    help: CString,
    values: Option<CString>,
}

static TEXTS: LazyLock<Vec<Texts>> = LazyLock::new(|| {
    let c = |text: String| CString::new(text).unwrap_or_default();
    let values = |kind| match kind {
        OptionType::Enum(names) => {
            Some(c(names.iter().map(|(name, v)| format!("{name}={v}")).collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    };
    OPTIONS.iter().map(|o| Texts { name: c(o.name.into()), help: c(o.help.into()), values: values(o.kind) }).collect()
});

/// Describes the option at place `index` (0, 1, ...) of the table.
///
/// Returns VDB_DONE past the end. Errors: NULL_ARGUMENT, INVALID_ARGUMENT (struct_size).
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_option_at(
    index: usize,
    info: *mut vdb_option_info_t,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        let (Some(option), Some(texts)) = (OPTIONS.get(index), TEXTS.get(index)) else {
            return Ok(vdb_status::VDB_DONE);
        };
        let value_type = match option.kind {
            OptionType::U64 => vdb_option_type::VDB_OPTION_TYPE_U64,
            OptionType::F64 => vdb_option_type::VDB_OPTION_TYPE_F64,
            OptionType::Enum(_) => vdb_option_type::VDB_OPTION_TYPE_ENUM,
            OptionType::Text => vdb_option_type::VDB_OPTION_TYPE_TEXT,
        };
        let filled = vdb_option_info_t {
            struct_size: 0,
            id: option.id.number(),
            value_type: value_type as u32,
            flags: if option.schema { vdb_option_flag::VDB_OPTION_FLAG_SCHEMA as u32 } else { 0 },
            name: texts.name.as_ptr(),
            help: texts.help.as_ptr(),
            values: texts.values.as_ref().map_or(ptr::null(), |v| v.as_ptr()),
            default_value: option.default.as_f64(),
            min_value: option.min.as_f64(),
            max_value: option.max.as_f64(),
        };
        // SAFETY: R9.
        unsafe { write_struct(info, &filled) }?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}
