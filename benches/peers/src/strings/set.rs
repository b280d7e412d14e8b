//! `regex`'s set: all patterns at once, or the regular expressions alone with an automaton for the literals.

use regex::RegexSet;

use super::aho::Literals;
use super::{Search, Searcher};

/// All patterns in one set.
pub struct Set;

/// Literals in an automaton, regular expressions in a set.
pub struct Both;

/// The most memory its automaton may take: enough that it is never thrown away.
const ROOM: usize = 64 << 20;

impl Searcher for Set {
    fn name(&self) -> &'static str {
        "regex-set"
    }

    fn package(&self) -> Option<&'static str> {
        Some("regex")
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        let literals = literals.iter().map(|literal| regex::escape(literal));
        let set =
            regex::RegexSetBuilder::new(literals.chain(regexes.iter().cloned())).dfa_size_limit(ROOM).build();
        Ok(Box::new(set.map_err(|error| error.to_string())?))
    }
}

impl Search for RegexSet {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        self.matches(text).iter().for_each(found);
    }
}

impl Searcher for Both {
    fn name(&self) -> &'static str {
        "aho-corasick+regex-set"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        if regexes.is_empty() || literals.is_empty() {
            return Err("it is for literals with regular expressions".to_owned());
        }
        let set = regex::RegexSetBuilder::new(regexes).dfa_size_limit(ROOM).build();
        Ok(Box::new((Literals::new(literals)?, set.map_err(|error| error.to_string())?, literals.len())))
    }
}

impl Search for (Literals, RegexSet, usize) {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        self.0.search(text, found);
        self.1.matches(text).iter().for_each(|regex| found(self.2 + regex));
    }
}
