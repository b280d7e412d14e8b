//! `aho-corasick` as a DFA, with overlapping matches: without them, a literal inside another would be missed.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{Search, Searcher};

/// The engine.
pub struct Automaton;

/// Literals, ready, with a mark for those that were found.
pub struct Literals {
    automaton: AhoCorasick,
    seen: Vec<u32>,
    text: u32,
}

impl Searcher for Automaton {
    fn name(&self) -> &'static str {
        "aho-corasick"
    }

    fn package(&self) -> Option<&'static str> {
        Some("aho-corasick")
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        if !regexes.is_empty() {
            return Err("it takes literals alone".to_owned());
        }
        Ok(Box::new(Literals::new(literals)?))
    }
}

impl Literals {
    /// An automaton of literals.
    pub fn new(literals: &[String]) -> Result<Self, String> {
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(literals);
        Ok(Self {
            automaton: automaton.map_err(|error| error.to_string())?,
            seen: vec![0; literals.len()],
            text: 0,
        })
    }
}

impl Search for Literals {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        self.text = self.text.wrapping_add(1);
        for hit in self.automaton.find_overlapping_iter(text) {
            let pattern = hit.pattern().as_usize();
            if let Some(seen) = self.seen.get_mut(pattern).filter(|seen| **seen != self.text) {
                *seen = self.text;
                found(pattern);
            }
        }
    }
}
