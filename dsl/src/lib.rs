//! The Weir policy language: text to syntax tree and diagnostics, and back.
//!
//! ```text
//!  text ──split──▶ items and members ──parse (pest, per member)──▶ ast::File + Vec<Diagnostic>
//!                                                                       │
//!  text ◀──────────────────────────── format ◀───────────────────────────┘
//! ```
//!
//! This crate knows no types, no files and no clock. A broken item never blinds its neighbours: whatever
//! could be parsed is in the tree, whatever could not is a [`Diagnostic`] with a place and a help.

pub mod ast;
pub mod codes;
pub mod diagnostic;
pub mod fix;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod pages;
pub mod parse;
pub mod render;
pub mod source;
pub mod span;

pub use codes::Code;
pub use diagnostic::{Applicability, Diagnostic, Edit, Fix, Label, Severity};
pub use parse::{Parser, parse, parse_bytes};
pub use source::Sources;
pub use span::{FileId, FileSpan, Span, Spanned};
