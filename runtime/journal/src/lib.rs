//! What an engine was given, on disk: enough to bring it to the same state again.
//!
//! ```text
//!  Writer ──entries──▶ block ──sealed──▶ segment file ──▶ Segment ──entries──▶ Engine
//! ```
//!
//! An engine's state and decisions are a function of its inputs, in their order; so a journal of them is a journal of
//! everything. Personal values are in the inputs: no byte of them is on disk in clear. The format and how it evolves are
//! in `docs/reference/journal.md`.

mod cipher;
mod entry;
mod head;
mod read;
pub mod seal;
mod sealed;
mod write;

pub use entry::{Contents, Entry};
pub use head::{Head, MAGIC, VERSION};
pub use read::{End, Entries, Segment, number, segments};
pub use sealed::{open_file, seal_file};
pub use write::{Mode, Writer};

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or folder.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It is something else, of a later version, or damaged.
    #[error("{0}")]
    Bytes(#[from] weir_engine::wire::Error),
    /// It was written with another secret, or its head is not as it was written.
    #[error("it is sealed with another secret, or its head is damaged")]
    Secret,
    /// There are no random numbers to begin a segment with.
    #[error("there are no random numbers: {0}")]
    Random(String),
}
