//! CPU time, which other work on the machine changes less than the time of day.

use std::time::Duration;

/// CPU time of this process so far, user and system.
pub fn cpu_time() -> Duration {
    // SAFETY: zeros are a valid rusage, and the call writes no more than one.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        used
    };
    let time = |t: libc::timeval| Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64);
    time(used.ru_utime) + time(used.ru_stime)
}
