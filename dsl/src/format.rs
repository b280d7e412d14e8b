//! The formatter: one layout, no options.
//!
//! ```text
//!  text ──scan──▶ tokens + comments ─┐
//!    └───parse──▶ ast::File ─lay out─▶ Sheet (lines, groups, columns) ──print──▶ text
//! ```
//!
//! The printed tokens are the source's own, so names, numbers, strings and parentheses keep their spelling
//! and the tree cannot change; only commas that mean nothing come and go (between fields of a record, and
//! before a closing bracket). The tree says where lines begin and what stands in columns. Comments belong to
//! the gap before a token and are printed there: behind the line they stood behind, or on a line of their own.
//!
//! Layout depends on tokens, comments and empty lines, never on where the author broke lines; that makes it
//! idempotent.

mod clauses;
mod expressions;
mod layout;
mod print;
mod sheet;
mod tokens;

use crate::ast::File;
use crate::diagnostic::{Diagnostic, Severity};
use crate::span::FileId;

/// The canonical text of a text.
///
/// # Errors
/// The parser's diagnostics, with [`FileId`] 0, when the text has errors: half-read text is not touched.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (file, diagnostics) = crate::parse(FileId::default(), text);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    Ok(format_file(&file, text))
}

/// The canonical text of a file, from its tree and the text the tree was parsed from.
///
/// Linear in the text but for the look-up of tokens, which is logarithmic. The tree must be whole: items
/// that could not be parsed are printed as they can be, without layout of their own.
pub fn format_file(file: &File, text: &str) -> String {
    let tokens = tokens::Tokens::scan(text);
    let commas = layout::loose_commas(file, &tokens);
    let tokens = tokens.without(&commas);
    let mut sheet = sheet::Sheet::new(&tokens);
    layout::lay_out(file, &mut sheet);
    print::print(sheet, text.len() + text.len() / 8)
}
