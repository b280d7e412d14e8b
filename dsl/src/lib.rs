//! The Weir policy language: text to syntax tree and diagnostics, and back.
//!
//! ```text
//!  text ──split──▶ items and members ──parse (pest, per member)──▶ ast::File + Vec<Diagnostic>
//!                                                                       │
//!  text ◀──────────────────────────── format ◀───────────────────────────┘
//! ```
//!
//! [`parse()`] and [`parse_bytes`] read a text once; a [`Parser`] remembers items and members, for editors and
//! whoever reads a file again. The grammar is `src/weir.pest`; [`parse`](mod@parse) says how the parts play together.
//!
//! ```
//! use weir_dsl::{FileId, ast::ItemKind, parse};
//!
//! let text = "package demo\n\ntag shared-address\n\nquue fraud-desk\n";
//! let (file, diagnostics) = parse(FileId(0), text);
//! assert!(matches!(&file.items[0].kind, ItemKind::Tag(name) if name.text == "shared-address"));
//! // The misspelt keyword is reported, and what it begins is in the tree all the same.
//! assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `queue`?"));
//! assert_eq!(file.items.len(), 2);
//! ```
//!
//! **When not to use it.** To know what a policy means, or whether it is right: that is the compiler's work. The
//! tree holds names as written, and a clause that parses may still be nonsense.
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
