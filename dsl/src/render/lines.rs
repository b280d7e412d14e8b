//! Lines of a text, found once and asked many times.

use std::collections::HashMap;

use crate::source::Sources;
use crate::span::{FileId, Span};

/// The starts of a text's lines. Building costs one pass, a look-up a binary search.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

/// Line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The nearest character border at or before `at` that lies in the text.
    pub(super) fn floor(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }

    /// The bytes of a span that exist, on character borders.
    pub(super) fn clamp(&self, span: Span) -> (usize, usize) {
        let start = self.floor(span.start as usize);
        let end = self.text.ceil_char_boundary((span.end as usize).min(self.text.len()));
        (start, end.max(start))
    }

    /// The line of a byte, from 0.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The bytes of a line, without its line break.
    pub(super) fn range(&self, line: usize) -> (usize, usize) {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let carriage =
            end > start && self.text.as_bytes().get(end - 1) == Some(&b'\r') && end < self.text.len();
        (start, if carriage { end - 1 } else { end })
    }

    pub(super) fn position(&self, at: usize) -> Position {
        let at = self.floor(at);
        let line = self.line(at);
        let (start, _) = self.range(line);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        Position { line: line + 1, column }
    }
}

/// The lines of every file asked for.
#[derive(Debug)]
pub(super) struct Index<'a> {
    sources: &'a Sources,
    files: HashMap<FileId, Lines<'a>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, files: HashMap::new() }
    }

    pub(super) fn lines(&mut self, file: FileId) -> &Lines<'a> {
        self.files.entry(file).or_insert_with(|| Lines::new(self.sources.text(file)))
    }
}
