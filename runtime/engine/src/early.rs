//! Which states are *early*: brought up to date ahead of an event's turn, as `batch` does.
//!
//! A state is early when what an event brings to it depends on nothing but the event's own fields and what is loaded, and when nobody
//! reads it but rules that look at a request. Read by a condition of what counts, at a deadline or by a baseline that is not
//! early itself, it must wait for its turn.

use std::collections::HashSet;

use weir_compiler::hir::{Hir, KeyPart, Measure, Phase};
use weir_compiler::ids::*;

use crate::reads::{Once, Reads};
use crate::ruleset::{EventPlan, FilterId, PhasePlan, StatePlan};

/// What of an event's plan can be done ahead of its turn.
#[derive(Debug, Default)]
pub(crate) struct EarlyPlan {
    /// Signals read before the event counts.
    pub(crate) before: Vec<SignalId>,
    /// Conditions of the states.
    pub(crate) filters: Vec<FilterId>,
    /// States, baselines last.
    pub(crate) states: Vec<StateId>,
    /// Signals read after it has counted.
    pub(crate) after: Vec<SignalId>,
}

/// Which states of a rule set are early. `deadlines` are the plans of terminal absences.
pub(crate) fn states<'a>(hir: &Hir, deadlines: impl Iterator<Item = &'a PhasePlan>) -> IdVec<StateId, bool> {
    let mut early: IdVec<StateId, bool> = hir.states.ids().map(|id| stands_alone(hir, id)).collect();

    let mut waiting = Reads::default();
    for id in hir.states.ids() {
        waiting.state(hir, id);
    }
    let cohorts = hir.cohorts.values().map(|cohort| cohort.filter);
    let facts = hir.facts.values().map(|fact| fact.filter);
    let steps = hir.sequences.values().flat_map(|sequence| {
        let steps = sequence.steps.iter().map(|step| step.filter);
        let without = sequence.without.iter().map(|without| without.filter);
        steps.chain(without).chain(sequence.then_no.iter().map(|no| no.filter))
    });
    for filter in cohorts.chain(facts).chain(steps).flatten() {
        waiting.expr(hir, filter);
    }
    for plan in deadlines {
        waiting.join(&plan.asks);
    }
    for signal in waiting.signals.iter() {
        let state = hir.signals.get(*signal).map(|signal| signal.state);
        if let Some(early) = state.and_then(|state| early.get_mut(state)) {
            *early = false;
        }
    }
    // A baseline and what it is of go together. Baselines are of states that are none, so once each way is enough.
    let pairs: Vec<(StateId, StateId)> = hir
        .states
        .iter()
        .filter_map(|(id, state)| match state.measure {
            Measure::Usual { of, .. } => Some((id, of)),
            _ => None,
        })
        .collect();
    for _ in 0..2 {
        for (usual, of) in &pairs {
            let both = early.get(*usual) == Some(&true) && early.get(*of) == Some(&true);
            for id in [usual, of] {
                if let Some(early) = early.get_mut(*id) {
                    *early &= both;
                }
            }
        }
    }
    early
}

/// Whether what an event brings to a state depends on the event alone.
fn stands_alone(hir: &Hir, id: StateId) -> bool {
    let Some(state) = hir.states.get(id) else { return false };
    let mut reads = Reads::default();
    reads.state(hir, id);
    let Reads { fields: _, signals, cohorts, sequences, calls, tags, world: _ } = &reads;
    let of_record = |part: &KeyPart| !matches!(part, KeyPart::Cohort(_) | KeyPart::Captured { .. });
    state.phase == Phase::Request
        && state.measure != Measure::Concurrent
        && state.key.iter().flat_map(|key| &key.parts).all(of_record)
        && signals.is_empty()
        && cohorts.is_empty()
        && sequences.is_empty()
        && calls.is_empty()
        && tags.is_empty()
}

/// What of an event's plan is about early states.
pub(crate) fn plan(
    hir: &Hir,
    early: &IdVec<StateId, bool>,
    states: &IdVec<StateId, StatePlan>,
    event: &EventPlan,
) -> EarlyPlan {
    let is_early = |id: StateId| early.get(id) == Some(&true);
    let read = |before_this: bool| {
        move |id: &SignalId| {
            hir.signals.get(*id).is_some_and(|signal| {
                signal.before_this == before_this && signal.unmapped.is_none() && is_early(signal.state)
            })
        }
    };
    let mut plan = EarlyPlan {
        before: event.before.iter().copied().filter(read(true)).collect(),
        states: event.request.states.iter().copied().filter(|id| is_early(*id)).collect(),
        ..EarlyPlan::default()
    };
    let mut known = HashSet::new();
    for filter in plan.states.iter().filter_map(|id| states.get(*id)?.filter) {
        if known.insert(filter) {
            plan.filters.push(filter);
        }
    }
    let mut after = Once::default();
    for signal in event.request.asks.signals.iter().chain(&event.kept_signals).filter(|id| read(false)(id)) {
        after.add(*signal);
    }
    plan.after = after.to_vec();
    plan
}
