//! Diagnostics as text for people, lines for tools, and JSON.
//!
//! ```text
//!  Vec<Diagnostic> ──sort──▶ human    excerpts, labels, notes, help, the fix as a diff
//!                    │       concise  path:line:column: error[W0101]: title
//!                    └─────▶ json     one versioned document
//! ```
//!
//! Spans are taken as they come: one outside its file, on no character border or longer than the file is
//! drawn at the nearest place that exists. Output is bounded by the number of diagnostics and labels, not
//! by the size of the sources: of a long line only a window around the labels is shown.

mod concise;
mod excerpt;
mod human;
mod json;
mod lines;

pub use concise::concise;
pub use human::human;
pub use json::{VERSION as JSON_VERSION, json, json_value};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Sources;

/// Sorts diagnostics the way they are shown: by file name, place, severity (worst first), code.
pub fn sort(diagnostics: &mut [Diagnostic], sources: &Sources) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.primary.span.start, std::cmp::Reverse(d.severity), d.code);
        sources
            .name(a.primary.file)
            .cmp(sources.name(b.primary.file))
            .then(a.primary.file.cmp(&b.primary.file))
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| a.primary.span.end.cmp(&b.primary.span.end))
            .then_with(|| a.title.cmp(&b.title))
    });
}

/// How many diagnostics there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Counts {
    /// Counts `diagnostics`.
    pub fn of<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>) -> Self {
        let mut counts = Self::default();
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Note => counts.notes += 1,
            }
        }
        counts
    }
}

impl std::fmt::Display for Counts {
    /// `3 errors, 1 warning`; severities without a diagnostic are left out, and `no problems` stands for none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")];
        let mut separator = "";
        for (count, name) in all.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {name}{}", if count == 1 { "" } else { "s" })?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("no problems") } else { Ok(()) }
    }
}

/// The summary line: `3 errors, 1 warning`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    Counts::of(diagnostics).to_string()
}

/// The word of a severity.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// `text` without what could forge a line or steer a terminal: control characters and bidirectional
/// overrides become U+FFFD. Titles quote the author's text, and policies may come from anywhere.
fn plain_line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '\u{FFFD}' } else { c }).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
