//! Fragments into one rule set: equal parts become one, references are renumbered.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::{Linked, Members, Reading};
use crate::env::Env;
use crate::hir::{Hir, Span, TextOp};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::visit::{self, Visitor};
use crate::{budget, canonical};

/// A rule set in the making.
pub(super) struct Linker {
    linked: Linked,
    known: Known,
}

/// What may be merged, by what it is.
#[derive(Default)]
pub(super) struct Known {
    pub(super) states: HashMap<Arc<str>, StateId>,
    pub(super) cohorts: HashMap<String, CohortId>,
    pub(super) calls: HashMap<String, CallId>,
    pub(super) facts: HashMap<String, FactId>,
    pub(super) patterns: HashMap<(TextOp, SmolStr), PatternId>,
}

/// What tells apart the parts of a fragment that may be merged.
pub(super) struct Texts {
    pub(super) states: Vec<Arc<str>>,
    pub(super) cohorts: Vec<String>,
    pub(super) calls: Vec<String>,
    pub(super) facts: Vec<String>,
    pub(super) patterns: Vec<(TextOp, SmolStr)>,
}

impl Texts {
    /// Of a fragment whose parameters have their values, and lengths of time theirs.
    pub(super) fn of(fragment: &Hir) -> Self {
        let patterns = fragment.patterns.values();
        Self {
            states: fragment.states.ids().map(|id| Arc::from(canonical::state(fragment, id))).collect(),
            cohorts: fragment.cohorts.ids().map(|id| canonical::cohort(fragment, id)).collect(),
            calls: fragment.calls.values().map(|call| canonical::call(fragment, call)).collect(),
            facts: fragment.facts.values().map(|fact| canonical::fact(fragment, fact)).collect(),
            patterns: patterns.map(|pattern| (pattern.op, pattern.source.clone())).collect(),
        }
    }
}

/// New ids of a fragment's parts: added to where nothing merges, looked up where something may.
#[derive(Clone, Debug, Default)]
pub(super) struct Renumber {
    pub(super) exprs: u32,
    pub(super) params: u32,
    pub(super) policies: u32,
    pub(super) rules: u32,
    pub(super) signals: Vec<SignalId>,
    pub(super) sequences: Vec<SequenceId>,
    pub(super) states: Vec<StateId>,
    pub(super) cohorts: Vec<CohortId>,
    pub(super) calls: Vec<CallId>,
    pub(super) facts: Vec<FactId>,
    pub(super) patterns: Vec<PatternId>,
}

/// The parts that have come with a fragment, of those that may be merged.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    pub(super) states: Vec<StateId>,
    pub(super) cohorts: Vec<CohortId>,
    pub(super) calls: Vec<CallId>,
    pub(super) facts: Vec<FactId>,
}

/// A reference that the fragment does not hold stays out of range of the rule set too.
fn mapped<I: Id>(map: &[I], id: &mut I) {
    *id = map.get(id.index()).copied().unwrap_or_else(|| I::from_index(u32::MAX as usize));
}

impl Visitor for Renumber {
    fn expr(&mut self, id: &mut ExprId) {
        id.0 = id.0.saturating_add(self.exprs);
    }
    fn pattern(&mut self, id: &mut PatternId) {
        mapped(&self.patterns, id);
    }
    fn param(&mut self, id: &mut ParamId) {
        id.0 = id.0.saturating_add(self.params);
    }
    fn signal(&mut self, id: &mut SignalId) {
        mapped(&self.signals, id);
    }
    fn state(&mut self, id: &mut StateId) {
        mapped(&self.states, id);
    }
    fn cohort(&mut self, id: &mut CohortId) {
        mapped(&self.cohorts, id);
    }
    fn sequence(&mut self, id: &mut SequenceId) {
        mapped(&self.sequences, id);
    }
    fn call(&mut self, id: &mut CallId) {
        mapped(&self.calls, id);
    }
    fn fact(&mut self, id: &mut FactId) {
        mapped(&self.facts, id);
    }
    fn policy(&mut self, id: &mut PolicyId) {
        id.0 = id.0.saturating_add(self.policies);
    }
    fn rule(&mut self, id: &mut RuleId) {
        id.0 = id.0.saturating_add(self.rules);
    }
}

/// Copies the values of parameters into the lengths of time that are parameters.
struct Resolve<'a>(&'a Hir);

/// Gives the lengths of time of a fragment that are parameters their values.
pub(super) fn resolve(fragment: &mut Hir) {
    let params = Hir { params: fragment.params.clone(), ..Hir::default() };
    visit::hir(fragment, &mut Resolve(&params));
}

impl Visitor for Resolve<'_> {
    fn span(&mut self, span: &mut Span) {
        span.ms = canonical::resolved(self.0, *span);
    }
}

/// The id of each of `texts`: a known one, or the next.
fn merge<K: std::hash::Hash + Eq, I: Id>(
    known: &mut HashMap<K, I>,
    next: usize,
    texts: Vec<K>,
) -> (Vec<I>, Vec<bool>) {
    let mut next = next;
    let mut fresh = Vec::with_capacity(texts.len());
    let ids = texts.into_iter().map(|text| {
        let before = known.len();
        let id = *known.entry(text).or_insert_with(|| I::from_index(next));
        let new = known.len() > before;
        next += usize::from(new);
        fresh.push(new);
        id
    });
    let ids = ids.collect();
    (ids, fresh)
}

/// The ids of so many further items.
fn behind<I: Id, T>(items: &SharedVec<I, T>, count: usize) -> Vec<I> {
    (items.len()..items.len() + count).map(I::from_index).collect()
}

/// The ids that are wanted.
fn only<I: Id>(ids: &[I], wanted: &[bool]) -> Vec<I> {
    ids.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(id, _)| *id).collect()
}

fn append<I: Id, T: Clone>(into: &mut SharedVec<I, T>, from: SharedVec<I, T>) {
    into.extend(from);
}

fn append_fresh<I: Id, T: Clone>(into: &mut SharedVec<I, T>, from: SharedVec<I, T>, fresh: &[bool]) {
    into.extend(from.into_iter().zip(fresh).filter(|(_, fresh)| **fresh).map(|(item, _)| item));
}

impl Linker {
    pub(super) fn new(env: &Env) -> Self {
        let linked = Linked { hir: super::empty(env), ..Linked::default() };
        Self { linked, known: Known::default() }
    }

    /// Adds a fragment whose parameters have their values. Says where its parts stand, and which have come with it.
    pub(super) fn add(&mut self, mut fragment: Hir) -> (Renumber, Fresh) {
        resolve(&mut fragment);
        let into = &self.linked.hir;
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let texts = Texts::of(&fragment);
        for (state, text) in fragment.states.values_mut().zip(&texts.states) {
            state.identity = Arc::clone(text);
        }
        let bytes: Vec<u32> =
            fragment.states.values().map(|state| budget::bytes_per_key(&fragment, state)).collect();
        for (state, bytes) in fragment.states.values_mut().zip(bytes) {
            state.bytes_per_key = bytes;
        }
        let known = &mut self.known;
        let (states, fresh_states) = merge(&mut known.states, into.states.len(), texts.states);
        let (cohorts, fresh_cohorts) = merge(&mut known.cohorts, into.cohorts.len(), texts.cohorts);
        let (calls, fresh_calls) = merge(&mut known.calls, into.calls.len(), texts.calls);
        let (facts, fresh_facts) = merge(&mut known.facts, into.facts.len(), texts.facts);
        let (patterns, fresh_patterns) = merge(&mut known.patterns, into.patterns.len(), texts.patterns);

        let mut renumber = Renumber {
            exprs: length(into.exprs.len()),
            params: length(into.params.len()),
            policies: length(into.policies.len()),
            rules: length(into.rules.len()),
            signals: behind(&into.signals, fragment.signals.len()),
            sequences: behind(&into.sequences, fragment.sequences.len()),
            states,
            cohorts,
            calls,
            facts,
            patterns,
        };
        visit::hir(&mut fragment, &mut renumber);
        self.note(&fragment, &renumber);

        let into = &mut self.linked.hir;
        let Hir {
            schema: _,
            declarations: _,
            exprs,
            patterns,
            params,
            signals,
            states,
            cohorts,
            sequences,
            calls,
            facts,
            // Made when everything is linked.
            good: _,
            policies,
            rules,
            caps,
            derives,
        } = fragment;
        append(&mut into.exprs, exprs);
        append_fresh(&mut into.patterns, patterns, &fresh_patterns);
        append(&mut into.params, params);
        append(&mut into.signals, signals);
        append_fresh(&mut into.states, states, &fresh_states);
        append_fresh(&mut into.cohorts, cohorts, &fresh_cohorts);
        append(&mut into.sequences, sequences);
        append_fresh(&mut into.calls, calls, &fresh_calls);
        append_fresh(&mut into.facts, facts, &fresh_facts);
        append(&mut into.policies, policies);
        append(&mut into.rules, rules);
        into.caps.extend(caps);
        into.derives.extend(derives);
        let fresh = Fresh {
            states: only(&renumber.states, &fresh_states),
            cohorts: only(&renumber.cohorts, &fresh_cohorts),
            calls: only(&renumber.calls, &fresh_calls),
            facts: only(&renumber.facts, &fresh_facts),
        };
        (renumber, fresh)
    }

    /// Notes names and state of a renumbered fragment. A fragment holds one policy or none.
    fn note(&mut self, fragment: &Hir, ids: &Renumber) {
        let mut members = Members {
            states: ids.states.clone(),
            cohorts: ids.cohorts.clone(),
            sequences: ids.sequences.clone(),
            facts: ids.facts.clone(),
        };
        let Some(policy) = fragment.policies.values().next() else {
            let others = &mut self.linked.others;
            others.states.append(&mut members.states);
            others.cohorts.append(&mut members.cohorts);
            others.sequences.append(&mut members.sequences);
            others.facts.append(&mut members.facts);
            tidy(others);
            return;
        };
        tidy(&mut members);
        let full = |name: &str| format_smolstr!("{}.{}.{name}", policy.package, policy.name);
        let names = Arc::make_mut(&mut self.linked.names);
        for (signal, id) in fragment.signals.values().zip(&ids.signals) {
            names.entry(full(&signal.name)).or_insert(Reading::Signal(*id));
        }
        for (cohort, id) in fragment.cohorts.values().zip(&ids.cohorts) {
            names.insert(full(&cohort.name), Reading::Cohort(*id));
        }
        for (sequence, id) in fragment.sequences.values().zip(&ids.sequences) {
            names.insert(full(&sequence.name), Reading::Sequence(*id));
        }
        for _ in fragment.policies.values() {
            self.linked.members.push(members.clone());
        }
    }

    pub(super) fn finish(self) -> (Linked, Known) {
        (self.linked, self.known)
    }
}

fn tidy(members: &mut Members) {
    let Members { states, cohorts, sequences, facts } = members;
    states.sort();
    states.dedup();
    cohorts.sort();
    cohorts.dedup();
    sequences.sort();
    sequences.dedup();
    facts.sort();
    facts.dedup();
}
