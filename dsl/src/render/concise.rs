//! One line a diagnostic, in the form editors and `grep` know.

use std::fmt::Write;

use super::lines::Index;
use super::{plain_line, word};
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// `path:line:column: error[W0101]: title`, one line each, in the order given.
pub fn concise(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut index = Index::new(sources);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let at = index.lines(diagnostic.primary.file).position(diagnostic.primary.span.start as usize);
        let path = plain_line(sources.name(diagnostic.primary.file));
        let title = plain_line(&diagnostic.title);
        let (severity, code) = (word(diagnostic.severity), diagnostic.code);
        let _ = writeln!(out, "{path}:{}:{}: {severity}[{code}]: {title}", at.line, at.column);
    }
    out
}
