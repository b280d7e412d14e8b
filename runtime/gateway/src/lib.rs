//! Log readers: access logs and NDJSON, streaming, compressed or not, in time order.
//!
//! A [`Reader`] takes files or the standard input and yields what their lines say, knowing nothing of policies,
//! schemas or the engine. Whoever calls it maps [`Parsed`] onto event records.
//!
//! ```text
//!  file, stdin        first bytes tell         lines up to a limit       first lines tell
//! ┌───────────┐      ┌───────────────┐        ┌────────────────┐       ┌────────────────────┐
//! │  Input    │─────▶│ gzip xz zstd  │───────▶│  next_line     │──────▶│ combined           │
//! │ (counted) │      │ or as it is   │        │                │       │ nginx-json  ndjson │
//! └───────────┘      └───────┬───────┘        └───────┬────────┘       └───┬────────────┬───┘
//!       │                    │ cut, corrupt           │ too long           │ not a      │ Parsed
//!       ▼                    ▼                        ▼                    ▼ record     ▼
//!    Progress          Item::Failed                 Item::Reject ◀─────────┘     ┌────────────┐
//!                                                     │                          │  Reorder   │
//!                                                     ▼                          │ 60 s, in   │
//!                                                  RejectStats                   │ (ts, seq)  │
//!                                                                                └─────┬──────┘
//!                                                                                      ▼
//!                                                                                Item::Record
//! ```
//!
//! # Promises
//!
//! - **Untrusted bytes never panic and never grow memory.** A line longer than the limit is skipped without
//!   being held; a JSON line has limits on depth and values while it is parsed; a decompressor's window is
//!   capped before it is allocated; the reorder buffer has a budget in items and bytes. A log ten times as long
//!   takes the same memory.
//! - **Every line is accounted for**: a record, a [`Reject`] with a reason and a sample, or blank. Lines keep
//!   their 0-based number over all inputs (`seq`), whatever order they come out in.
//! - **Trouble in one input is one [`InputError`]** with the file and the offset; the lines before it and the
//!   inputs after it are read.
//! - **Text has one spelling** whichever server wrote it: escapes undone, valid UTF-8, control characters and
//!   bytes that are not UTF-8 as `\xNN`. Paths are otherwise as sent.
//!
//! # When not to use it
//!
//! To follow a growing file (`tail -F` into the standard input does that), to merge inputs that overlap in
//! time (they are read in turn, and what is more than the horizon behind comes out late), or for formats with
//! columns of their own such as load balancers'.

mod access_json;
mod client;
mod combined;
mod decode;
mod exchange;
mod find;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod line;
mod parser;
mod quotes;
mod reader;
mod reject;
mod reorder;
mod request;
mod source;
mod text;
mod time;
mod typed;
mod usual;
mod value;

pub use combined::{parse as parse_combined, print as print_combined};
pub use decode::Compression;
pub use exchange::{HttpExchange, Parsed, TypedEvent};
pub use format::{Format, FormatChoice, UnknownFormat};
pub use json::{Decoder, Raw};
pub use line::DEFAULT_MAX_LINE;
pub use parser::Parser;
pub use reader::{InputFacts, Item, Progress, Reader, ReaderOptions, Record};
pub use reject::{Reject, RejectReason, RejectStats, RejectTally, SAMPLE_BYTES, SAMPLES_PER_REASON};
pub use reorder::{Released, Reorder, ReorderLimits, ReorderStats};
pub use source::{Input, InputError};
pub use time::{EARLIEST_MS, LATEST_MS};
pub use usual::UsualLine;
pub use value::{Fields, MAX_DEPTH, MAX_VALUES, Value};
