//! CPU time, so that whoever else runs on the machine is not counted.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread so far, in nanoseconds.
pub fn thread() -> f64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// CPU time of all threads so far, in nanoseconds: a compiler may use several.
pub fn process() -> f64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn nanoseconds(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
