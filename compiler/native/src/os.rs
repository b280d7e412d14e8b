//! What is asked of the operating system: pages that are written first and executed after.
//!
//! Only here does the crate know a system. Where there is none it knows, or the processor wants more than this to see new
//! instructions, [`available`] says so and nothing is compiled.

#![expect(unsafe_code, reason = "pages are mapped, protected and unmapped by address")]

use std::io;
use std::ptr::NonNull;

/// Why there is no native code here; nothing where there is.
pub(crate) fn available() -> Result<(), &'static str> {
    if cfg!(all(unix, target_arch = "x86_64")) { Ok(()) } else { Err("only Unix on x86-64 is supported") }
}

/// Fresh pages to read and write, zeroed.
#[cfg(unix)]
pub(crate) fn map(bytes: usize) -> io::Result<NonNull<u8>> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    // SAFETY: without an address of ours, the system chooses pages that nobody uses.
    let start = unsafe {
        mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
    }?;
    NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at zero"))
}

/// Makes pages executable, and no longer writable.
///
/// # Safety
///
/// They are pages of [`map`], as many bytes, and nobody writes to them any more.
#[cfg(unix)]
pub(crate) unsafe fn protect(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
    use rustix::mm::{MprotectFlags, mprotect};
    // SAFETY: they are whole pages of ours, as the caller says.
    unsafe { mprotect(start.as_ptr().cast(), bytes, MprotectFlags::READ | MprotectFlags::EXEC) }?;
    Ok(())
}

/// Gives pages back.
///
/// # Safety
///
/// They are pages of [`map`], as many bytes, and nobody uses them any more.
#[cfg(unix)]
pub(crate) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: they are whole pages of ours that nobody uses, as the caller says. There is nothing to do where it fails.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), bytes) };
}

#[cfg(not(unix))]
pub(crate) fn map(_: usize) -> io::Result<NonNull<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes nothing executable.
///
/// # Safety
///
/// None is needed.
#[cfg(not(unix))]
pub(crate) unsafe fn protect(_: NonNull<u8>, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives nothing back.
///
/// # Safety
///
/// None is needed.
#[cfg(not(unix))]
pub(crate) unsafe fn unmap(_: NonNull<u8>, _: usize) {}
