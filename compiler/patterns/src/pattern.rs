//! A pattern alone: what it means, and how one is tested by itself.

use std::sync::OnceLock;

/// One test of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The text contains this one, as [`str::contains`].
    Contains(Box<str>),
    /// The text starts with this one.
    StartsWith(Box<str>),
    /// The text ends with this one.
    EndsWith(Box<str>),
    /// `regex::Regex::new(source)?.is_match(text)`. Whoever asks has compiled it before, so it is valid and bounded.
    Regex(Box<str>),
}

/// How much memory a set may take beyond its patterns. What would need more is looked for in a slower way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one automaton; also bounds the time for building it.
    pub automaton: usize,
    /// Bytes of all automata of a set.
    pub total: usize,
}

impl Default for Limits {
    /// 256 KiB an automaton, 16 MiB a set.
    fn default() -> Limits {
        Limits { automaton: 256 << 10, total: 16 << 20 }
    }
}

impl Pattern {
    /// The text that is looked for, or the source of the regular expression.
    pub fn source(&self) -> &str {
        match self {
            Pattern::Contains(text)
            | Pattern::StartsWith(text)
            | Pattern::EndsWith(text)
            | Pattern::Regex(text) => text,
        }
    }
}

/// A pattern that is tested by itself. A regular expression is compiled when it is first asked for.
#[derive(Debug)]
pub(crate) struct Single {
    pattern: Pattern,
    regex: OnceLock<Option<regex::Regex>>,
}

impl Single {
    pub(crate) fn new(pattern: &Pattern) -> Single {
        Single { pattern: pattern.clone(), regex: OnceLock::new() }
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        match &self.pattern {
            Pattern::Contains(part) => text.contains(&**part),
            Pattern::StartsWith(part) => text.starts_with(&**part),
            Pattern::EndsWith(part) => text.ends_with(&**part),
            Pattern::Regex(source) => self
                .regex
                .get_or_init(|| regex::Regex::new(source).ok())
                .as_ref()
                .is_some_and(|regex| regex.is_match(text)),
        }
    }
}
