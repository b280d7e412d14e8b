//! The texts an analysis session looks at.

use smol_str::SmolStr;
use std::sync::Arc;

use crate::span::{FileId, Span};

/// Names and texts of files, by id. Reading them from disk is somebody else's work.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// A named text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to call it: a path, or `std/ato.weir` for an embedded one.
    pub name: SmolStr,
    /// Its text.
    pub text: Arc<str>,
}

impl Sources {
    /// Adds a file, or replaces the text of the file of that name, which keeps its id.
    pub fn set(&mut self, name: &str, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        if let Some(at) = self.files.iter().position(|file| file.name == name) {
            if let Some(file) = self.files.get_mut(at) {
                file.text = text;
            }
            return FileId(at as u32);
        }
        self.files.push(Source { name: name.into(), text });
        FileId((self.files.len() - 1) as u32)
    }

    /// The file of an id.
    pub fn source(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }

    /// The text of a file, or `""`.
    pub fn text(&self, file: FileId) -> &str {
        self.source(file).map_or("", |source| &source.text)
    }

    /// The name of a file, or `"?"`.
    pub fn name(&self, file: FileId) -> &str {
        self.source(file).map_or("?", |source| &source.name)
    }

    /// The text of a range.
    pub fn snippet(&self, file: FileId, span: Span) -> &str {
        span.text(self.text(file))
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, file: FileId, at: u32) -> (usize, usize) {
        let text = self.text(file);
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let before = text.get(..at).unwrap_or("");
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// All ids, in order of addition.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len() as u32).map(FileId)
    }
}
