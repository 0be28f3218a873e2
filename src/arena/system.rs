//! The system: how much memory there is, giving back what was freed, and giving way.

/// Bytes of memory that the process may use: of the machine, or of its container (cgroup v2) if that has less. As good
/// as endless where the system does not say.
pub fn system_memory() -> u64 {
    machine_memory().min(container_memory().unwrap_or(u64::MAX))
}

/// The limit of the control group, `None` where there is none.
fn container_memory() -> Option<u64> {
    if cfg!(not(target_os = "linux")) || cfg!(miri) {
        return None;
    }
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let limit = |path: &str| std::fs::read_to_string(format!("/sys/fs/cgroup{path}/memory.max")).ok();
    // Within a container of its own its path may name what only the host sees.
    let limit = limit(path).or_else(|| limit(""))?;
    limit.trim().parse().ok()
}

fn machine_memory() -> u64 {
    #[cfg(all(unix, not(miri)))]
    {
        // SAFETY: sysconf reads a number of the system and takes no pointers.
        let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        if pages > 0 && size > 0 {
            return (pages as u64).saturating_mul(size as u64);
        }
    }
    u64::MAX
}

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

/// Has the system run the calling thread, and those that it starts, a tenth as often as others that want
/// the core. Does nothing elsewhere: there it would be said of the whole process.
pub fn run_behind_others() {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: a call that takes no pointers; on Linux it is about the calling thread alone.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}
