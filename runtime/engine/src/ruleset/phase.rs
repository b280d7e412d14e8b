//! What happens to an event, phase by phase.

use weir_compiler::hir::Rule;
use weir_compiler::ids::*;

use super::FilterId;
use crate::early::EarlyPlan;
use crate::evidence::Judged;
use crate::keys::KeyId;
use crate::reads::Reads;

/// A key under which an entry may stand that touches an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Key(KeyId),
    /// Any slice that holds the event.
    Slices(CohortId),
}

#[derive(Debug, Default)]
pub(crate) struct EventPlan {
    /// Readings taken before the event counts.
    pub(crate) before: Vec<SignalId>,
    pub(crate) request: PhasePlan,
    pub(crate) response: PhasePlan,
    pub(crate) kept_signals: Vec<SignalId>,
    pub(crate) kept_cohorts: Vec<CohortId>,
    pub(crate) kept_sequences: Vec<SequenceId>,
    pub(crate) targets: Vec<Target>,
    /// What can be done ahead of the event's turn.
    pub(crate) early: EarlyPlan,
    /// Counts of exchanges in flight, which end with the response.
    pub(crate) concurrent: Vec<StateId>,
}

impl EventPlan {
    /// Whether the event touches anything at all.
    pub(crate) fn touches(&self) -> bool {
        !(self.before.is_empty() && self.request.is_empty() && self.response.is_empty())
    }

    /// Whether anything waits for the response.
    pub(crate) fn wants_response(&self) -> bool {
        !self.concurrent.is_empty() || !self.response.is_empty()
    }
}

/// What happens to an event in one phase.
#[derive(Debug, Default)]
pub(crate) struct PhasePlan {
    /// Which plan it is.
    pub(crate) judged: Judged,
    /// Conditions of what counts the event.
    pub(crate) filters: Vec<FilterId>,
    /// Baselines last: they learn the level that the others have reached.
    pub(crate) states: Vec<StateId>,
    pub(crate) cohorts: Vec<CohortId>,
    pub(crate) facts: Vec<(FactId, Option<FilterId>)>,
    pub(crate) sequences: Vec<Touch>,
    /// Rules that exempt, which come first.
    pub(crate) exempting: Vec<RuleId>,
    /// Policies that look at the event, with their other rules.
    pub(crate) policies: Vec<(PolicyId, Vec<RuleId>)>,
    /// What the rules may ask, for explanations.
    pub(crate) asks: Reads,
}

impl PhasePlan {
    /// Nothing is touched.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
            && self.cohorts.is_empty()
            && self.facts.is_empty()
            && self.sequences.is_empty()
            && self.exempting.is_empty()
            && self.policies.is_empty()
    }

    /// Adds a rule, which may ask so much.
    pub(super) fn add_rule(&mut self, id: RuleId, rule: &Rule, reads: &Reads) {
        if rule.exempts {
            self.exempting.push(id);
        } else {
            // The rules of a policy come together.
            match self.policies.iter_mut().rfind(|(policy, _)| *policy == rule.policy) {
                Some((_, rules)) => rules.push(id),
                None => self.policies.push((rule.policy, vec![id])),
            }
        }
        self.asks.join(reads);
    }
}

/// What an event may be to a sequence.
#[derive(Debug)]
pub(crate) struct Touch {
    pub(crate) sequence: SequenceId,
    pub(crate) steps: Vec<(usize, Option<FilterId>)>,
    pub(crate) without: Vec<(usize, Option<FilterId>)>,
    pub(crate) then_no: Vec<Option<FilterId>>,
}
