//! Remembers parsed items and members by their text, so that an edit costs about the edited member.

use std::collections::HashMap;

use crate::ast::{File, Item, Member, Name};
use crate::diagnostic::Diagnostic;
use crate::parse;
use crate::parse::shift::Shift;
use crate::span::FileId;

/// Parses files and remembers their items and members by text, whichever file they stood in.
///
/// Answers exactly what [`parse::parse`] answers. A repeated text costs a copy of its nodes. The memory held
/// is bounded: pieces of at most [`Parser::CAPACITY`] bytes of text in each of two generations, of which the
/// older is dropped when the younger is full. Trees take some ten times the room of their text.
#[derive(Default)]
pub struct Parser {
    cache: Cache,
}

impl Parser {
    /// Bytes of source text remembered in one generation.
    pub const CAPACITY: usize = 8 << 20;

    /// A parser that remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a text; see [`parse::parse`].
    pub fn parse(&mut self, file: FileId, text: &str) -> (File, Vec<Diagnostic>) {
        parse::run(file, text, Some(&mut self.cache))
    }
}

/// What is remembered.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) items: Shelf<Item>,
    pub(crate) members: Shelf<Member>,
}

/// What a piece of text gave, with spans relative to its start.
#[derive(Clone)]
pub(crate) struct Parsed<N> {
    pub(crate) nodes: Vec<N>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) broken: Vec<Name>,
}

impl<N: Shift> Shift for Parsed<N> {
    fn shift(&mut self, delta: i64) {
        self.nodes.shift(delta);
        self.diagnostics.shift(delta);
        self.broken.shift(delta);
    }
}

/// Pieces of one kind, in two generations.
pub(crate) struct Shelf<N> {
    young: HashMap<Box<str>, Parsed<N>>,
    old: HashMap<Box<str>, Parsed<N>>,
    /// Bytes of text in `young`.
    bytes: usize,
}

impl<N> Default for Shelf<N> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), bytes: 0 }
    }
}

impl<N: Shift + Clone> Shelf<N> {
    /// A copy of what an equal text gave, moved to `start` of `file`.
    pub(crate) fn take(&mut self, text: &str, file: FileId, start: u32) -> Option<Parsed<N>> {
        if let Some((text, parsed)) = self.old.remove_entry(text) {
            self.insert(text, parsed);
        }
        let mut parsed = self.young.get(text)?.clone();
        parsed.shift(i64::from(start));
        for diagnostic in &mut parsed.diagnostics {
            let edits = diagnostic.fix.iter_mut().flat_map(|fix| &mut fix.edits).map(|edit| &mut edit.file);
            let labels = diagnostic.secondary.iter_mut().map(|label| &mut label.file);
            for place in edits.chain(labels).chain([&mut diagnostic.primary.file]) {
                *place = file;
            }
        }
        Some(parsed)
    }

    /// Remembers what a text at `start` gave.
    pub(crate) fn put(&mut self, text: &str, mut parsed: Parsed<N>, start: u32) {
        parsed.shift(-i64::from(start));
        self.insert(text.into(), parsed);
    }

    fn insert(&mut self, text: Box<str>, parsed: Parsed<N>) {
        if self.bytes + text.len() > Parser::CAPACITY {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += text.len();
        self.young.insert(text, parsed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_parsed_once_is_copied_to_its_new_place() {
        let mut parser = Parser::new();
        let (before, _) = parser.parse(FileId(1), "package a\n\ntag x\ntag y");
        let (after, diagnostics) = parser.parse(FileId(2), "package a\n# moved\ntag new\ntag y");
        assert_eq!(diagnostics, []);
        assert_eq!(before.items[1].kind, {
            let mut moved = after.items[1].kind.clone();
            moved.shift(-9);
            moved
        });
        assert_eq!(parser.cache.items.young.len(), 3);
    }

    #[test]
    fn the_old_generation_is_dropped() {
        let mut shelf = Shelf::<Item>::default();
        let parsed = || Parsed { nodes: Vec::new(), diagnostics: Vec::new(), broken: Vec::new() };
        let text = |at: usize| format!("{at:01000}");
        let most = Parser::CAPACITY / 1_000;
        for at in 0..=most {
            shelf.put(&text(at), parsed(), 0);
        }
        assert_eq!((shelf.young.len(), shelf.old.len()), (1, most));
        assert!(shelf.take(&text(0), FileId(0), 0).is_some(), "still in the old generation");
        for at in most + 1..3 * most {
            shelf.put(&text(at), parsed(), 0);
        }
        assert!(shelf.young.len() + shelf.old.len() <= 2 * most);
        assert!(shelf.take(&text(1), FileId(0), 0).is_none());
    }
}
