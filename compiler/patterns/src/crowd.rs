//! Patterns that are left to `regex-automata`'s own engines, all expressions at once: they take linear time and a bounded cache, whatever the
//! expressions are.

use std::sync::OnceLock;

use regex_automata::meta::{Config, Regex};
use regex_automata::{Input, MatchKind, PatternSet as Matched};

use crate::pattern::{Pattern, Single};

/// Patterns that fit into no automaton, by their ids.
#[derive(Debug)]
pub(crate) struct Crowd {
    ids: Box<[u32]>,
    /// The expressions among them with their ids, compiled when they are first asked for; nothing if they are too large together.
    together: OnceLock<Option<(Regex, Box<[u32]>)>>,
}

/// Bytes of the expressions compiled together, and of the cache of states that are met; as `regex` has them.
const COMPILED: usize = 10 << 20;
const CACHE: usize = 2 << 20;

impl Crowd {
    pub(crate) fn new(ids: Box<[u32]>) -> Crowd {
        Crowd { ids, together: OnceLock::new() }
    }

    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Calls `put` for each pattern that holds. `matched` is kept from one text to the next.
    pub(crate) fn ask(
        &self,
        singles: &[Single],
        text: &str,
        matched: &mut Option<Matched>,
        mut put: impl FnMut(u32),
    ) {
        let single = |id: u32| singles.get(id as usize).filter(|single| single.holds(text));
        let together = self.together.get_or_init(|| Crowd::compile(&self.ids, singles));
        let Some((regex, expressions)) = together else {
            self.ids.iter().filter(|id| single(**id).is_some()).for_each(|id| put(*id));
            return;
        };
        let matched = match matched {
            Some(matched) if matched.capacity() == expressions.len() => matched,
            _ => matched.insert(Matched::new(expressions.len())),
        };
        matched.clear();
        regex.which_overlapping_matches(&Input::new(text), matched);
        for index in matched.iter() {
            if let Some(id) = expressions.get(index.as_usize()) {
                put(*id);
            }
        }
        for id in self.ids.iter().filter(|id| expressions.binary_search(id).is_err()) {
            if single(*id).is_some() {
                put(*id);
            }
        }
    }

    fn compile(ids: &[u32], singles: &[Single]) -> Option<(Regex, Box<[u32]>)> {
        let source = |id: &u32| match singles.get(*id as usize)?.pattern() {
            Pattern::Regex(source) => Some((*id, &**source)),
            _ => None,
        };
        let mut expressions: Vec<(u32, &str)> = ids.iter().filter_map(source).collect();
        if expressions.len() < 2 {
            return None;
        }
        expressions.sort_unstable();
        expressions.dedup();
        let sources: Vec<&str> = expressions.iter().map(|(_, source)| *source).collect();
        let config = Config::new()
            .match_kind(MatchKind::All)
            .nfa_size_limit(Some(COMPILED))
            .hybrid_cache_capacity(CACHE);
        let regex = Regex::builder().configure(config).build_many(&sources).ok()?;
        Some((regex, expressions.iter().map(|(id, _)| *id).collect()))
    }
}
