//! Weir's own sets of patterns.

use weir_patterns::{Limits, Pattern, PatternSet, Scratch};

use super::{Search, Searcher};

/// The engine.
pub struct Patterns;

struct Ready {
    set: PatternSet,
    scratch: Scratch,
    found: Vec<u64>,
}

impl Searcher for Patterns {
    fn name(&self) -> &'static str {
        "weir-patterns"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        let literals = literals.iter().map(|literal| Pattern::Contains(literal.as_str().into()));
        let regexes = regexes.iter().map(|regex| Pattern::Regex(regex.as_str().into()));
        let set = PatternSet::new(&literals.chain(regexes).collect::<Vec<_>>(), &Limits::default());
        Ok(Box::new(Ready { scratch: set.scratch(), found: vec![0; set.words()], set }))
    }
}

impl Search for Ready {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        self.set.scan(text, &mut self.scratch, &mut self.found);
        for (at, word) in self.found.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                found(at * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}
