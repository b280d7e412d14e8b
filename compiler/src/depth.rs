//! A bound on how deep what is read may be nested: what comes from a disk must not exhaust the stack.

use std::cell::Cell;

use serde::{Deserialize, Deserializer, de};

/// Deeper than any type or value that the checker makes.
const MOST: u32 = 128;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Reads what is a level further in.
///
/// # Errors
/// When it is too deep, and as reading it.
pub(crate) fn deeper<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    let depth = DEPTH.get();
    if depth >= MOST {
        return Err(de::Error::custom("nested too deeply"));
    }
    DEPTH.set(depth + 1);
    let read = T::deserialize(from);
    DEPTH.set(depth);
    read
}
