//! The code arena: memory that is written while it is made, executable from then on, and never both.
//!
//! Each blob has pages of its own, so that each is freed by itself, when its last user drops it.

#![expect(unsafe_code, reason = "code is copied to pages of the operating system, which are freed by hand")]

use std::io;
use std::ptr::NonNull;

use crate::os;

/// The size of a page; a system with larger ones rounds up by itself.
const PAGE: usize = 4_096;

/// Code that can be executed.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the pages are only read and executed from when they are made until they are dropped, which any thread may do.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Copies code to pages of its own and makes them executable. Cost: three calls of the system.
    pub(crate) fn new(code: &[u8]) -> io::Result<Self> {
        os::available().map_err(io::Error::other)?;
        let bytes = code.len().max(1).checked_next_multiple_of(PAGE).ok_or(io::ErrorKind::OutOfMemory)?;
        // Dropped where anything below fails.
        let mapping = Self { start: os::map(bytes)?, bytes };
        // SAFETY: the pages are ours alone, writable, and at least as long as the code.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), mapping.start.as_ptr(), code.len()) };
        // SAFETY: they were mapped above with this length, and are not written to after this.
        unsafe { os::protect(mapping.start, bytes) }?;
        Ok(mapping)
    }

    /// Where the code begins.
    pub(crate) fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// How many bytes of pages it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: they were mapped with this length; who runs the code borrows the mapping, so nobody does now.
        unsafe { os::unmap(self.start, self.bytes) };
    }
}
