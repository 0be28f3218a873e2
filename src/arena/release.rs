//! Giving freed memory back to the system.

/// Hands pages that the allocator keeps after large temporary work back to the
/// operating system. glibc holds on to them: after a million rows were indexed
/// some 110 MB, more than a tenth of the database. Costs milliseconds; does
/// nothing elsewhere.
pub fn release_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    // SAFETY: malloc_trim only looks at memory that was freed, takes the
    // allocator's own locks, and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
