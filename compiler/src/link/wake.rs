//! What nothing supplies, and the rules that cannot fire for it.

use std::collections::BTreeSet;
use std::ops::Range;

use smol_str::{SmolStr, format_smolstr};

use crate::hir::*;
use crate::ids::*;
use crate::value::Value;

/// Marks signals, sequences and cohorts over events outside `supplied`, and rules that only such could wake.
pub(super) fn mark(hir: &mut Hir, supplied: &BTreeSet<EventId>) {
    let missing = |event: EventId| !supplied.contains(&event);
    let states: Vec<EventId> = hir.states.values().map(|state| state.event).collect();
    for signal in hir.signals.values_mut() {
        signal.unmapped = states.get(signal.state.index()).copied().filter(|event| missing(*event));
    }
    for sequence in hir.sequences.values_mut() {
        let steps = sequence.steps.iter().map(|step| step.event);
        let excluded = sequence.without.iter().map(|without| without.event);
        // The absence of what nobody reports proves nothing.
        let absent = sequence.then_no.iter().map(|then_no| then_no.event);
        sequence.unmapped = steps.chain(excluded).chain(absent).find(|event| missing(*event));
    }
    for cohort in hir.cohorts.values_mut() {
        cohort.unmapped = missing(cohort.event);
    }
    mark_rules(hir, supplied, 0..hir.rules.len(), 0..hir.exprs.len());
}

/// Marks some rules, which are made of some expressions and no others.
pub(super) fn mark_rules(
    hir: &mut Hir,
    supplied: &BTreeSet<EventId>,
    rules: Range<usize>,
    exprs: Range<usize>,
) {
    let free = Outcome::of_some(hir, exprs.clone(), true);
    let bound = Outcome::of_some(hir, exprs, false);
    let missing = |event: EventId| !supplied.contains(&event);
    let mut reasons: Vec<Option<SmolStr>> = Vec::with_capacity(rules.len());
    for rule in rules.clone().filter_map(|rule| hir.rules.get(RuleId::from_index(rule))) {
        let events = hir.policies.get(rule.policy).map(|policy| policy.events.as_slice()).unwrap_or_default();
        if !events.is_empty() && events.iter().all(|event| missing(*event)) && rule.phase != Phase::Timer {
            reasons.push(Some(nothing_supplies(hir, events.iter().copied())));
            continue;
        }
        let of = |at: &Outcome<'_>| (at.get(rule.when), at.filter(rule));
        let fires = |(when, filter): (Outcomes, Outcomes)| when & filter & TRUE != 0;
        let (free, bound) = (of(&free), of(&bound));
        let acts_unknown = !rule.if_unknown.is_empty() && (bound.0 | bound.1) & UNKNOWN != 0;
        let asleep = fires(free) && !fires(bound) && !acts_unknown;
        reasons.push(
            asleep.then(|| {
                nothing_supplies(hir, needed(hir, rule).into_iter().filter(|event| missing(*event)))
            }),
        );
    }
    for (rule, reason) in rules.zip(reasons) {
        let rule = RuleId::from_index(rule);
        // What is as it was stays shared.
        if hir.rules.get(rule).is_some_and(|rule| rule.inactive != reason)
            && let Some(rule) = hir.rules.get_mut(rule)
        {
            rule.inactive = reason;
        }
    }
}

fn nothing_supplies(hir: &Hir, events: impl IntoIterator<Item = EventId>) -> SmolStr {
    let unique: BTreeSet<EventId> = events.into_iter().collect();
    let names: Vec<String> = unique
        .into_iter()
        .filter_map(|event| hir.schema.events.get(event))
        .map(|event| format!("`{}`", event.name))
        .collect();
    match names.as_slice() {
        [] => SmolStr::new_static("nothing supplies what it needs"),
        [one] => format_smolstr!("nothing supplies {one}"),
        [first @ .., last] => format_smolstr!("nothing supplies {} or {last}", first.join(", ")),
    }
}

/// The outcomes an expression can have: any of the three below.
type Outcomes = u8;
/// True; of values other than truth values, known.
const TRUE: Outcomes = 1;
/// False; of values other than truth values, known.
const FALSE: Outcomes = 2;
/// Unknown.
const UNKNOWN: Outcomes = 4;
const KNOWN: Outcomes = TRUE | FALSE;
const ANY: Outcomes = KNOWN | UNKNOWN;

/// Finds outcomes, never too few: children stand before their parents, so one pass suffices.
struct Outcome<'a> {
    hir: &'a Hir,
    /// As if everything were supplied.
    free: bool,
    /// The first expression that is looked at.
    first: usize,
    at: Vec<Outcomes>,
}

impl<'a> Outcome<'a> {
    fn of_some(hir: &'a Hir, exprs: Range<usize>, free: bool) -> Self {
        let mut found = Outcome { hir, free, first: exprs.start, at: Vec::with_capacity(exprs.len()) };
        for node in exprs.filter_map(|at| hir.exprs.get(ExprId::from_index(at))) {
            let outcomes = found.of(&node.kind);
            found.at.push(outcomes);
        }
        found
    }

    fn get(&self, id: ExprId) -> Outcomes {
        let at = id.index().checked_sub(self.first).and_then(|at| self.at.get(at));
        at.copied().unwrap_or(ANY)
    }

    /// Of a rule's policy's filter.
    fn filter(&self, rule: &Rule) -> Outcomes {
        let filter = self.hir.policies.get(rule.policy).and_then(|policy| policy.filter);
        filter.map_or(TRUE, |filter| self.get(filter))
    }

    /// Unknown when an operand cannot be known.
    fn strict(&self, operands: &[ExprId]) -> Outcomes {
        if operands.iter().any(|id| self.get(*id) & KNOWN == 0) { UNKNOWN } else { ANY }
    }

    fn asleep(&self, asleep: bool) -> Outcomes {
        if asleep && !self.free { UNKNOWN } else { ANY }
    }

    fn signal(&self, id: SignalId) -> Outcomes {
        self.asleep(self.hir.signals.get(id).is_some_and(|signal| signal.unmapped.is_some()))
    }

    fn cohort(&self, id: CohortId) -> Outcomes {
        self.asleep(self.hir.cohorts.get(id).is_some_and(|cohort| cohort.unmapped))
    }

    fn sequence(&self, id: SequenceId) -> Outcomes {
        self.asleep(self.hir.sequences.get(id).is_some_and(|sequence| sequence.unmapped.is_some()))
    }

    fn of(&self, kind: &ExprKind) -> Outcomes {
        match kind {
            ExprKind::Const(Value::Bool(true)) => TRUE,
            ExprKind::Const(Value::Bool(false)) => FALSE,
            ExprKind::Const(_)
            | ExprKind::Param(_)
            | ExprKind::Score
            | ExprKind::Now
            | ExprKind::Variable(_)
            | ExprKind::Template(_) => KNOWN,
            ExprKind::Field(_)
            | ExprKind::Fingerprint(_)
            | ExprKind::Tagged(..)
            | ExprKind::ScheduleActive(_) => ANY,
            ExprKind::Signal(signal) | ExprKind::Absent(signal) => self.signal(*signal),
            ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => self.cohort(*cohort),
            ExprKind::Holds(sequence)
            | ExprKind::Captured { sequence, step: _, field: _ }
            | ExprKind::Age { sequence, step: _ } => self.sequence(*sequence),
            ExprKind::Call(call) => self.hir.calls.get(*call).map_or(ANY, |call| self.strict(&call.inputs)),
            ExprKind::Named(_, inner) => self.get(*inner),
            ExprKind::And(operands) => junction(operands.iter().map(|id| self.get(*id)), TRUE, FALSE),
            ExprKind::Or(operands) => junction(operands.iter().map(|id| self.get(*id)), FALSE, TRUE),
            ExprKind::Not(inner) => {
                let inner = self.get(*inner);
                let swap = |from, to| if inner & from != 0 { to } else { 0 };
                swap(TRUE, FALSE) | swap(FALSE, TRUE) | (inner & UNKNOWN)
            }
            ExprKind::Compare(_, left, right)
            | ExprKind::EqIgnoringCase(left, right)
            | ExprKind::Arithmetic(_, left, right)
            | ExprKind::InSet(left, right)
            | ExprKind::TextTest(_, left, right) => self.strict(&[*left, *right]),
            ExprKind::Negate(inner)
            | ExprKind::ToFloat(inner)
            | ExprKind::InList(inner, _)
            | ExprKind::Lookup(_, inner)
            | ExprKind::Matches(inner, _)
            | ExprKind::Convert(inner) => self.strict(&[*inner]),
            ExprKind::Builtin(_, operands) | ExprKind::Array(operands) => self.strict(operands),
            ExprKind::Fallback(first, second) => {
                let first = self.get(*first);
                let second = if first & UNKNOWN != 0 { self.get(*second) } else { 0 };
                (first & KNOWN) | second
            }
            ExprKind::IsKnown(inner) => {
                let inner = self.get(*inner);
                let when = |holds: bool, outcome| if holds { outcome } else { 0 };
                when(inner & KNOWN != 0, TRUE) | when(inner & UNKNOWN != 0, FALSE)
            }
            ExprKind::Case(subject, arms) => {
                if self.get(*subject) & KNOWN == 0 {
                    return UNKNOWN;
                }
                arms.iter().fold(UNKNOWN, |all, (_, value)| all | self.get(*value))
            }
        }
    }
}

/// Kleene's `and` (`all` true, `any` false) or `or` (the other way round).
fn junction(operands: impl Iterator<Item = Outcomes>, all: Outcomes, any: Outcomes) -> Outcomes {
    let (mut every, mut some) = (all, 0);
    for operand in operands {
        every &= operand;
        some |= operand & (any | UNKNOWN);
    }
    every | some
}

/// The events of all state that a rule's condition asks.
fn needed(hir: &Hir, rule: &Rule) -> BTreeSet<EventId> {
    let mut events = BTreeSet::new();
    let mut seen: BTreeSet<ExprId> = BTreeSet::new();
    let filter = hir.policies.get(rule.policy).and_then(|policy| policy.filter);
    let mut left: Vec<ExprId> = filter.into_iter().chain([rule.when]).collect();
    while let Some(id) = left.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = hir.exprs.get(id) else { continue };
        let mut node = node.clone();
        let mut needs = Needs { hir, events: &mut events, left: &mut left };
        crate::visit::expr(&mut node, &mut needs);
    }
    events
}

struct Needs<'a> {
    hir: &'a Hir,
    events: &'a mut BTreeSet<EventId>,
    left: &'a mut Vec<ExprId>,
}

impl crate::visit::Visitor for Needs<'_> {
    fn expr(&mut self, id: &mut ExprId) {
        self.left.push(*id);
    }
    fn signal(&mut self, id: &mut SignalId) {
        let state = self.hir.signals.get(*id).and_then(|signal| self.hir.states.get(signal.state));
        self.events.extend(state.map(|state| state.event));
    }
    fn cohort(&mut self, id: &mut CohortId) {
        self.events.extend(self.hir.cohorts.get(*id).map(|cohort| cohort.event));
    }
    fn sequence(&mut self, id: &mut SequenceId) {
        if let Some(sequence) = self.hir.sequences.get(*id) {
            self.events.extend(sequence.steps.iter().map(|step| step.event));
            self.events.extend(sequence.without.iter().map(|without| without.event));
            self.events.extend(sequence.then_no.iter().map(|then_no| then_no.event));
        }
    }
    fn call(&mut self, id: &mut CallId) {
        if let Some(call) = self.hir.calls.get(*id) {
            self.left.extend(&call.inputs);
        }
    }
}
