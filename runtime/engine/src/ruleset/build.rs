//! What of a rule set an event touches, on its way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::hir::{Action, CapKind, Hir, Key, KeyPart, Measure, Phase, Rule, Verdict};
use weir_compiler::ids::*;

use super::{EventPlan, FilterId, PhasePlan, StatePlan, Target, Touch};
use crate::early;
use crate::evidence::Judged;
use crate::keyhash::KeyHasher;
use crate::keys::{KeyId, Keys};
use crate::reads::{Reads, structure};

/// What is being built.
pub(super) struct Build<'a> {
    pub(super) keys: Keys,
    pub(super) filters: Vec<ExprId>,
    pub(super) known: HashMap<String, FilterId>,
    /// Conditions that have been looked up before.
    pub(super) places: HashMap<ExprId, FilterId>,
    /// All that a rule may ask.
    pub(super) reads: IdVec<RuleId, Arc<Reads>>,
    /// The rules that look at an event, in order.
    pub(super) looking: IdVec<EventId, Vec<RuleId>>,
    /// Where entries of rules may stand, each once, with the event that they are about if it is one alone.
    pub(super) targets: Vec<(Option<EventId>, Target)>,
    pub(super) hasher: &'a KeyHasher,
}

impl Build<'_> {
    pub(super) fn key(&mut self, hir: &Hir, key: &Key) -> KeyId {
        self.keys.add(hir, self.hasher, key)
    }

    pub(super) fn filter(&mut self, hir: &Hir, filter: Option<ExprId>) -> Option<FilterId> {
        let filter = filter?;
        if let Some(known) = self.places.get(&filter) {
            return Some(*known);
        }
        let next = FilterId(self.filters.len());
        let id = *self.known.entry(structure(hir, filter)).or_insert(next);
        if id == next {
            self.filters.push(filter);
        }
        self.places.insert(filter, id);
        Some(id)
    }

    /// Goes through the rules once for all events.
    pub(super) fn look(&mut self, hir: &Hir) {
        let mut known = HashSet::new();
        for (id, rule) in hir.rules.iter() {
            for event in hir.policies.get(rule.policy).into_iter().flat_map(|policy| &policy.events) {
                if let Some(rules) = self.looking.get_mut(*event).filter(|rules| rules.last() != Some(&id)) {
                    rules.push(id);
                }
            }
            for (verdict, key) in keyed(rule) {
                let target = match key.parts.as_slice() {
                    [KeyPart::Cohort(cohort)] => Target::Slices(*cohort),
                    _ => Target::Key(self.key(hir, &met_under(key))),
                };
                if known.insert((verdict.on, target)) {
                    self.targets.push((verdict.on, target));
                }
            }
        }
    }

    /// Rules of the timer phase that ask for a sequence, and look at its last step's event.
    pub(super) fn deadline(&self, hir: &Hir, id: SequenceId) -> PhasePlan {
        let mut plan = PhasePlan { judged: Judged::Deadline(id), ..PhasePlan::default() };
        let last = hir.sequences.get(id).and_then(|sequence| sequence.steps.last()).map(|step| step.event);
        for rule_id in last.and_then(|event| self.looking.get(event)).into_iter().flatten() {
            let (Some(rule), Some(reads)) = (hir.rules.get(*rule_id), self.reads.get(*rule_id)) else {
                continue;
            };
            if rule.phase == Phase::Timer && Reads::of(hir, rule.when).sequences.contains(&id) {
                plan.add_rule(*rule_id, rule, reads);
            }
        }
        plan
    }

    /// The fields kept of each step: those the checker names, and of a last step with terminal absence all that
    /// its rules need, because at the deadline they stand for the event.
    pub(super) fn captures(&self, hir: &Hir) -> IdVec<SequenceId, Vec<Vec<FieldId>>> {
        hir.sequences
            .iter()
            .map(|(id, sequence)| {
                let mut kept: Vec<Vec<FieldId>> =
                    sequence.steps.iter().map(|step| step.captures.clone()).collect();
                if let (Some(last), true) = (kept.last_mut(), sequence.then_no.is_some()) {
                    let mut asks = self.deadline(hir, id).asks;
                    let (signals, cohorts) = (asks.signals.to_vec(), asks.cohorts.to_vec());
                    for signal in signals {
                        let state = hir.signals.get(signal).and_then(|signal| hir.states.get(signal.state));
                        if let Some(key) = state.and_then(|state| state.key.as_ref()) {
                            asks.key(hir, key);
                        }
                    }
                    for cohort in cohorts {
                        for part in hir.cohorts.get(cohort).into_iter().flat_map(|cohort| &cohort.by) {
                            let text = SmolStr::default();
                            let kind = weir_compiler::hir::KeyKind::Group;
                            asks.key(hir, &Key { parts: vec![part.clone()], kind, text });
                        }
                    }
                    for field in asks.fields.iter() {
                        if !last.contains(field) {
                            last.push(*field);
                        }
                    }
                }
                kept
            })
            .collect()
    }

    /// The plans of all events, with what of them can be done ahead of their turn.
    pub(super) fn events(
        &mut self,
        hir: &Hir,
        early: &IdVec<StateId, bool>,
        states: &IdVec<StateId, StatePlan>,
    ) -> IdVec<EventId, EventPlan> {
        let mut events: IdVec<EventId, EventPlan> =
            hir.schema.events.ids().map(|id| self.event(hir, id)).collect();
        for event in events.values_mut() {
            event.early = early::plan(hir, early, states, event);
        }
        events
    }

    fn event(&mut self, hir: &Hir, id: EventId) -> EventPlan {
        let mut plan = EventPlan { request: self.phase(hir, id, Phase::Request), ..EventPlan::default() };
        plan.response = self.phase(hir, id, Phase::Response);
        plan.concurrent = hir
            .states
            .iter()
            .filter(|(_, state)| state.event == id && state.measure == Measure::Concurrent)
            .map(|(id, _)| id)
            .collect();

        let (now, later) = (self.phase_reads(hir, &plan.request), self.phase_reads(hir, &plan.response));
        let mut caps = Reads::default();
        for cap in &hir.caps {
            if let CapKind::Actions { filter: Some(filter), .. } = &cap.kind {
                caps.expr(hir, *filter);
            }
            caps.parts(hir, &cap.because);
        }
        let mut all = now;
        all.join(&later);
        all.join(&caps);
        let before = |id: &SignalId| hir.signals.get(*id).is_some_and(|signal| signal.before_this);
        plan.before = all.signals.iter().copied().filter(|id| before(id)).collect();
        plan.before.sort_unstable_by_key(|id| id.index());
        let early =
            |id: &SignalId| before(id) || hir.signals.get(*id).is_some_and(|s| s.phase == Phase::Request);
        plan.kept_signals = later.signals.iter().copied().filter(early).collect();
        plan.kept_cohorts = later
            .cohorts
            .iter()
            .copied()
            .filter(|id| hir.cohorts.get(*id).is_some_and(|cohort| cohort.phase == Phase::Request))
            .collect();
        plan.kept_sequences = later
            .sequences
            .iter()
            .copied()
            .filter(|id| hir.sequences.get(*id).is_some_and(|sequence| sequence.phase == Phase::Request))
            .collect();
        plan.request.asks.join(&caps);

        let about = self.targets.iter().filter(|(on, _)| on.is_none_or(|on| on == id));
        for (_, target) in about {
            if !plan.targets.contains(target) {
                plan.targets.push(*target);
            }
        }
        plan
    }

    /// Everything that is asked in a phase: by rules, and by the conditions and values of what counts.
    fn phase_reads(&self, hir: &Hir, phase: &PhasePlan) -> Reads {
        let mut reads = phase.asks.clone();
        for filter in &phase.filters {
            if let Some(expr) = self.filters.get(filter.0) {
                reads.expr(hir, *expr);
            }
        }
        for state in &phase.states {
            reads.state(hir, *state);
        }
        reads
    }

    fn phase(&mut self, hir: &Hir, event: EventId, phase: Phase) -> PhasePlan {
        let judged = if phase == Phase::Request { Judged::Request } else { Judged::Response };
        let mut plan = PhasePlan { judged, ..PhasePlan::default() };
        let mut filters = Vec::new();
        for (id, state) in hir.states.iter() {
            // An exchange in flight begins with its request.
            let at = if state.measure == Measure::Concurrent { Phase::Request } else { state.phase };
            if state.event == event && at == phase {
                plan.states.push(id);
                filters.push(self.filter(hir, state.filter));
            }
        }
        plan.states.sort_by_key(|id| {
            let usual =
                hir.states.get(*id).is_some_and(|state| matches!(state.measure, Measure::Usual { .. }));
            (usual, id.index())
        });
        for (id, cohort) in hir.cohorts.iter() {
            if cohort.event == event && cohort.phase == phase {
                plan.cohorts.push(id);
                filters.push(self.filter(hir, cohort.filter));
            }
        }
        for (id, fact) in hir.facts.iter() {
            if fact.event == event && fact.phase == phase {
                let filter = self.filter(hir, fact.filter);
                plan.facts.push((id, filter));
                filters.push(filter);
            }
        }
        for (id, sequence) in hir.sequences.iter() {
            let mut touch =
                Touch { sequence: id, steps: Vec::new(), without: Vec::new(), then_no: Vec::new() };
            for (at, step) in sequence.steps.iter().enumerate() {
                if step.event == event && step.phase == phase {
                    touch.steps.push((at, self.filter(hir, step.filter)));
                }
            }
            for (at, without) in sequence.without.iter().enumerate() {
                if without.event == event && without.phase == phase {
                    touch.without.push((at, self.filter(hir, without.filter)));
                }
            }
            if let Some(then_no) = &sequence.then_no
                && then_no.event == event
                && then_no.phase == phase
            {
                touch.then_no.push(self.filter(hir, then_no.filter));
            }
            let touched = touch.steps.iter().chain(&touch.without).map(|(_, filter)| *filter);
            filters.extend(touched.chain(touch.then_no.iter().copied()));
            if !(touch.steps.is_empty() && touch.without.is_empty() && touch.then_no.is_empty()) {
                plan.sequences.push(touch);
            }
        }
        let mut known = HashSet::new();
        for filter in filters.into_iter().flatten() {
            if known.insert(filter) {
                plan.filters.push(filter);
            }
        }
        for id in self.looking.get(event).into_iter().flatten() {
            let (Some(rule), Some(reads)) = (hir.rules.get(*id), self.reads.get(*id)) else { continue };
            if rule.phase == phase {
                plan.add_rule(*id, rule, reads);
            }
        }
        plan
    }
}

/// All that a rule may ask: condition, policy, text, actions and thresholds. `condition` is what its condition and its policy's
/// filter ask.
pub(super) fn rule_reads(hir: &Hir, rule: &Rule, condition: &Reads) -> Reads {
    let mut reads = condition.clone();
    for (_, when) in hir.policies.get(rule.policy).into_iter().flat_map(|policy| &policy.decide.arms) {
        reads.expr(hir, *when);
    }
    reads.parts(hir, &rule.because);
    reads.actions(hir, &rule.then);
    reads.actions(hir, &rule.if_unknown);
    reads
}

/// The verdicts on keys that a rule may give.
pub(super) fn keyed(rule: &Rule) -> impl Iterator<Item = (&Verdict, &Key)> {
    rule.then.iter().chain(&rule.if_unknown).filter_map(|action| match action {
        Action::Verdict(verdict) => verdict.target.as_ref().map(|key| (verdict, key)),
        _ => None,
    })
}

/// The key by which an event finds entries put under `key`: a captured field is looked for under its own.
pub(super) fn met_under(key: &Key) -> Key {
    let part = |part: &KeyPart| match part {
        KeyPart::Captured { field, .. } => KeyPart::Field(*field),
        part => part.clone(),
    };
    Key { parts: key.parts.iter().map(part).collect(), ..key.clone() }
}

/// Keys that a rule's actions are about.
pub(crate) fn rule_keys(rule: &Rule) -> impl Iterator<Item = &Key> {
    rule.then.iter().chain(&rule.if_unknown).filter_map(|action| match action {
        Action::Verdict(verdict) => verdict.target.as_ref(),
        Action::Tag { key, .. } | Action::Revoke(key) | Action::LockPassword(key) => Some(key),
        _ => None,
    })
}
