//! What the names in a record mean in its rule set.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use weir_compiler::data::Data;
use weir_compiler::hir::Phase;
use weir_compiler::ids::*;

use super::look::call_name;
use super::notes::Judged;
use crate::names::NameHash;
use crate::ruleset::RuleSet;

type Needed = Arc<[(NameHash, ExprId)]>;
/// Which looks need the same.
type Kind = (EventId, Phase, Judged);

/// Ids by name.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) rules: HashMap<NameHash, RuleId>,
    pub(super) signals: HashMap<NameHash, Vec<SignalId>>,
    pub(super) cohorts: HashMap<NameHash, Vec<CohortId>>,
    pub(super) sequences: HashMap<NameHash, Vec<SequenceId>>,
    pub(super) calls: HashMap<NameHash, Vec<CallId>>,
    /// Stands for what was loaded, where all was.
    pub(super) loaded: OnceLock<Arc<Data>>,
    needed: Mutex<Vec<(Kind, Needed)>>,
}

fn by_name<I: Id, N: Eq + Hash>(names: impl Iterator<Item = (I, N)>) -> HashMap<N, Vec<I>> {
    let mut found: HashMap<N, Vec<I>> = HashMap::new();
    for (id, name) in names {
        found.entry(name).or_default().push(id);
    }
    found
}

impl Index {
    pub(super) fn new(set: &RuleSet) -> Self {
        let names = &set.names;
        let calls = set.hir.calls.ids().filter_map(|id| Some((id, call_name(&set.hir, id)?)));
        Self {
            rules: names.rules.iter().map(|(id, name)| (*name, id)).collect(),
            signals: by_name(names.signals.iter().map(|(id, name)| (id, *name))),
            cohorts: by_name(names.cohorts.iter().map(|(id, name)| (id, *name))),
            sequences: by_name(names.sequences.iter().map(|(id, name)| (id, *name))),
            calls: by_name(calls),
            loaded: OnceLock::new(),
            needed: Mutex::default(),
        }
    }

    /// The expressions that a record of a look must say the value of; found once.
    pub(super) fn needed(&self, set: &RuleSet, event: EventId, phase: Phase, judged: Judged) -> Needed {
        let which = (event, phase, judged);
        // What is kept is whole at any time.
        let mut known = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, needed)) = known.iter().find(|(known, _)| *known == which) {
            return Arc::clone(needed);
        }
        let needed: Needed = set.boundaries().of_look(&set.hir, event, phase, judged).into();
        known.push((which, Arc::clone(&needed)));
        needed
    }
}
