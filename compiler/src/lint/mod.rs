//! Lints: what compiles, runs, and is probably not what was meant.
//!
//! | module | finds |
//! |---|---|
//! | [`interval`] | conditions never or always true, contradictory bounds |
//! | [`subsume`] | rules implied by another rule of the policy |
//! | [`arm`] | arms of `case` and `decide` that are never reached |
//! | [`negation`] | an optional field under negation without `is known` |
//! | [`band`] | comparisons inside the error band of a sketch |
//! | [`pattern`] | regular expressions without a literal |
//!
//! Lints look at a fragment that has no errors. They report what holds for every value that a parameter may
//! be tuned to, and nothing that depends on the values it has now.

use std::collections::HashSet;

use weir_dsl::{Code, Diagnostic, Span};

use crate::check::each_child;
use crate::hir::{Expr, ExprKind, Hir};
use crate::ids::*;

mod arm;
mod atom;
mod band;
mod interval;
mod negation;
mod pattern;
mod subsume;

pub(crate) use arm::decide;

/// Lints a fragment: its rules, filters and what is counted.
///
/// Cost: linear in the expressions, but for conditions compared with each other: quadratic in the conjuncts of
/// one condition and in the rules of one policy.
pub fn policy(hir: &Hir) -> Vec<Diagnostic> {
    let mut found = Found::default();
    for condition in conditions(hir) {
        interval::condition(hir, &condition, &mut found);
        negation::condition(hir, &condition, &mut found);
    }
    interval::rules(hir, &mut found);
    for id in reachable(hir) {
        if let Some(node) = hir.exprs.get(id) {
            arm::case(hir, node, &mut found);
            band::comparison(hir, node, &mut found);
            pattern::pattern(hir, node, &mut found);
        }
    }
    subsume::rules(hir, &mut found);
    found.diagnostics
}

/// Lints the arms of every `case` of a fragment that has no conditions: a map, or a function.
///
/// Cost: linear in the expressions, quadratic in the arms of one `case`.
pub fn arms(hir: &Hir) -> Vec<Diagnostic> {
    let mut found = Found::default();
    for node in hir.exprs.values() {
        arm::case(hir, node, &mut found);
    }
    found.diagnostics
}

/// Diagnostics, each place and code once.
#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    places: HashSet<(Code, Span)>,
}

impl Found {
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.places.insert((diagnostic.code, diagnostic.primary.span)) {
            self.diagnostics.push(diagnostic);
        }
    }

    fn has(&self, code: Code, span: Span) -> bool {
        self.places.contains(&(code, span))
    }
}

/// A condition, and the events it is judged at; with none only envelope fields are read.
struct Condition {
    expr: ExprId,
    events: Vec<EventId>,
}

/// Every condition of a fragment, each once.
fn conditions(hir: &Hir) -> Vec<Condition> {
    let mut all: Vec<(Option<ExprId>, Vec<EventId>)> = Vec::new();
    for policy in hir.policies.values() {
        all.push((policy.filter, policy.events.clone()));
    }
    for rule in hir.rules.values() {
        let events = hir.policies.get(rule.policy).map(|policy| policy.events.clone());
        all.push((Some(rule.when), events.unwrap_or_default()));
    }
    for state in hir.states.values() {
        all.push((state.filter, vec![state.event]));
        if let crate::hir::Measure::Share(predicate) = state.measure {
            all.push((Some(predicate), vec![state.event]));
        }
    }
    for cohort in hir.cohorts.values() {
        all.push((cohort.filter, vec![cohort.event]));
    }
    for sequence in hir.sequences.values() {
        all.extend(sequence.steps.iter().map(|step| (step.filter, vec![step.event])));
        all.extend(sequence.without.iter().map(|without| (without.filter, vec![without.event])));
        all.extend(sequence.then_no.iter().map(|then_no| (then_no.filter, vec![then_no.event])));
    }
    let mut seen = HashSet::new();
    all.into_iter()
        .filter_map(|(expr, events)| expr.map(|expr| Condition { expr, events }))
        .filter(|condition| seen.insert(condition.expr))
        .collect()
}

/// Every expression that a condition or a reason reaches, each once, in order of id.
fn reachable(hir: &Hir) -> Vec<ExprId> {
    let mut rest: Vec<ExprId> = conditions(hir).into_iter().map(|condition| condition.expr).collect();
    let mut seen: HashSet<ExprId> = rest.iter().copied().collect();
    while let Some(expr) = rest.pop() {
        let Some(node) = hir.exprs.get(expr) else { continue };
        each_child(hir, &node.kind, |child| {
            if seen.insert(child) {
                rest.push(child);
            }
        });
    }
    let mut all: Vec<ExprId> = seen.into_iter().collect();
    all.sort_unstable();
    all
}

/// An expression seen through names and widening, which change no value.
fn bare(hir: &Hir, expr: ExprId) -> Option<(ExprId, &Expr)> {
    let mut id = expr;
    loop {
        let node = hir.exprs.get(id)?;
        match node.kind {
            ExprKind::Named(_, inner) | ExprKind::ToFloat(inner) => id = inner,
            _ => return Some((id, node)),
        }
    }
}
