//! Diagnostics as one JSON document.
//!
//! `version` rises when a field changes its meaning or goes; a new field does not raise it.

use serde::Serialize;

use super::lines::{Index, Position};
use super::{Counts, sort};
use crate::codes::Code;
use crate::diagnostic::{Applicability, Diagnostic, Severity};
use crate::source::Sources;
use crate::span::{FileId, Span};

/// The version of the document.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    diagnostics: Vec<Entry<'a>>,
    counts: Counts,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: Code,
    severity: Severity,
    title: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    label: &'a str,
    labels: Vec<Label<'a>>,
    notes: &'a [String],
    help: Option<&'a str>,
    fix: Option<Fix<'a>>,
    page: String,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    span: Bytes,
    start: Position,
    end: Position,
}

/// Byte offsets, half open, clamped to the file.
#[derive(Serialize)]
struct Bytes {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct Label<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    applicability: Applicability,
    edits: Vec<Label<'a>>,
}

/// The document as text, indented, with a line break at its end. Diagnostics are sorted.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = serde_json::to_string_pretty(&json_value(diagnostics, sources)).unwrap_or_default();
    text.push('\n');
    text
}

/// The document as a value, for a command that embeds it in a larger one.
pub fn json_value(diagnostics: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    let mut sorted = diagnostics.to_vec();
    sort(&mut sorted, sources);
    let mut index = Index::new(sources);
    let entries = sorted.iter().map(|diagnostic| entry(diagnostic, sources, &mut index)).collect();
    let document = Document { version: VERSION, diagnostics: entries, counts: Counts::of(&sorted) };
    // Nothing in the document can fail to serialise: its keys are strings and its numbers integers.
    serde_json::to_value(document).unwrap_or_default()
}

fn entry<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources, index: &mut Index<'a>) -> Entry<'a> {
    let mut place = |file: FileId, span: Span| {
        let lines = index.lines(file);
        let (start, end) = lines.clamp(span);
        Place {
            file: sources.name(file),
            span: Bytes { start, end },
            start: lines.position(start),
            end: lines.position(end),
        }
    };
    Entry {
        code: diagnostic.code,
        severity: diagnostic.severity,
        title: &diagnostic.title,
        place: place(diagnostic.primary.file, diagnostic.primary.span),
        label: &diagnostic.primary.text,
        labels: diagnostic
            .secondary
            .iter()
            .map(|label| Label { place: place(label.file, label.span), text: &label.text })
            .collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        fix: diagnostic.fix.as_ref().map(|fix| Fix {
            title: &fix.title,
            applicability: fix.applicability,
            edits: fix
                .edits
                .iter()
                .map(|edit| Label { place: place(edit.file, edit.span), text: &edit.text })
                .collect(),
        }),
        page: diagnostic.code.page(),
    }
}
