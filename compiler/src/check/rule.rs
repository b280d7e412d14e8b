//! Rules: condition, actions, reason, and when all of that can be decided.

use std::collections::HashSet;
use std::rc::Rc;

use weir_dsl::{Code, Diagnostic, FileSpan, ast};

use super::Checker;
use super::walk::{each_child, each_key_field};
use crate::hir::{Action, ExprKind, Key, Part, Phase, Rule};
use crate::ids::*;

/// What an action needs to know of its rule.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The events judged.
    pub(super) events: Rc<[EventId]>,
    /// When the rule is decided.
    pub(super) phase: Phase,
    /// What makes it so late.
    pub(super) why_late: Option<(FileSpan, String)>,
}

impl<'a> Checker<'a> {
    /// Lowers a rule into the fragment.
    pub(super) fn rule(&mut self, policy: PolicyId, member: &'a ast::Member, rule: &'a ast::Rule) {
        let when = self.condition(&rule.when);
        let mut then: Vec<(&ast::Action, Action)> = Vec::with_capacity(rule.then.len());
        for action in &rule.then {
            if let Some(lowered) = self.action(action) {
                then.push((action, lowered));
            }
        }
        let mut if_unknown: Vec<(&ast::Action, Action)> = Vec::with_capacity(rule.if_unknown.len());
        for action in &rule.if_unknown {
            if let Some(lowered) = self.action(action) {
                if_unknown.push((action, lowered));
            }
        }
        let because = match &rule.because {
            Some(because) => self.parts(&because.parts),
            None => {
                let title = format!("rule `{}` does not say why", rule.name.text);
                self.fault(
                    Code::NO_BECAUSE,
                    rule.name.span,
                    title,
                    "add `because \"…\"`: people read it when the rule has fired",
                );
                Vec::new()
            }
        };
        let events = Rc::clone(&self.place.events);
        let frame =
            self.frame(policy, when, then.iter().chain(&if_unknown).map(|(_, action)| action), &events);
        if frame.phase == Phase::Timer {
            self.keep_for_rule(
                policy,
                when,
                then.iter().chain(&if_unknown).map(|(_, action)| action),
                &because,
                rule,
            );
        }
        for (syntax, action) in then.iter().chain(&if_unknown) {
            self.check_phase(syntax, action, &frame);
        }
        let exempts = then.iter().any(|(_, action)| matches!(action, Action::Exempt(_)));
        if exempts || if_unknown.iter().any(|(_, action)| matches!(action, Action::Exempt(_))) {
            self.check_exemption(policy, rule, when, &then, &if_unknown);
        }
        let mode = match &rule.mode {
            Some(mode) => self.mode(mode),
            None => match self.hir.policies.get(policy) {
                Some(policy) => policy.mode.clone(),
                None => return,
            },
        };
        let harm = match &rule.harm {
            Some(harm) => self.harm(harm),
            None => self.hir.policies.get(policy).and_then(|policy| policy.harm.clone()),
        };
        let full_name = self.full_name(policy, &rule.name.text);
        let at = self.at(rule.name.span);
        let id = self.hir.rules.push(Rule {
            name: rule.name.text.clone(),
            full_name,
            policy,
            when,
            phase: frame.phase,
            then: then.into_iter().map(|(_, action)| action).collect(),
            if_unknown: if_unknown.into_iter().map(|(_, action)| action).collect(),
            because,
            mode,
            harm,
            exempts,
            inactive: None,
            at,
            doc: member.doc.clone().unwrap_or_default(),
        });
        if let Some(policy) = self.hir.policies.get_mut(policy) {
            policy.rules.push(id);
        }
    }

    /// When a rule can be decided: when its condition, the policy's filter and its keys are known.
    fn frame<'b>(
        &self,
        policy: PolicyId,
        when: ExprId,
        actions: impl Iterator<Item = &'b Action>,
        events: &Rc<[EventId]>,
    ) -> Frame {
        let filter = self.hir.policies.get(policy).and_then(|policy| policy.filter);
        let mut phase = self.event_phase(events);
        for expr in [Some(when), filter].into_iter().flatten() {
            phase = phase.max(self.phase(expr, events));
        }
        for key in actions.filter_map(key_of) {
            phase = phase.max(self.key_phase(key, events));
        }
        let why_late =
            [Some(when), filter].into_iter().flatten().find_map(|expr| self.why_late(expr, events));
        Frame { events: Rc::clone(events), phase, why_late }
    }

    /// The first thing in an expression that is not known at the request.
    fn why_late(&self, expr: ExprId, events: &[EventId]) -> Option<(FileSpan, String)> {
        let mut seen = HashSet::new();
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            if !seen.insert(expr) {
                continue;
            }
            let Some(node) = self.hir.exprs.get(expr) else { continue };
            let text = match &node.kind {
                ExprKind::Field(field) if self.field_phase(*field, events) > Phase::Request => {
                    Some(format!("`{}` is known only with the response", self.field_name(*field)))
                }
                ExprKind::Signal(signal) | ExprKind::Absent(signal)
                    if self.phase(expr, events) > Phase::Request =>
                {
                    let name =
                        self.hir.signals.get(*signal).map(|signal| signal.name.clone()).unwrap_or_default();
                    Some(format!("`{name}` counts this event, with what its response says"))
                }
                ExprKind::Holds(sequence) if self.phase(expr, events) > Phase::Request => {
                    let sequence = self.hir.sequences.get(*sequence)?;
                    Some(match sequence.phase {
                        Phase::Timer => {
                            format!("`{}` is complete only when its deadline has passed", sequence.name)
                        }
                        _ => format!("`{}` is complete only with the response", sequence.name),
                    })
                }
                ExprKind::InCohort(_) if self.phase(expr, events) > Phase::Request => {
                    Some("the cohort counts what the response says".to_owned())
                }
                _ => None,
            };
            if let Some(text) = text {
                return Some((node.at, text));
            }
            let first = rest.len();
            each_child(&self.hir, &node.kind, |child| rest.push(child));
            // Popped from the end: what stands first in the text is looked at first.
            if let Some(added) = rest.get_mut(first..) {
                added.reverse();
            }
        }
        None
    }

    /// A rule at a deadline has no event: the last step of its sequence keeps what it reads.
    fn keep_for_rule<'b>(
        &mut self,
        policy: PolicyId,
        when: ExprId,
        actions: impl Iterator<Item = &'b Action>,
        because: &[Part],
        rule: &ast::Rule,
    ) {
        let filter = self.hir.policies.get(policy).and_then(|policy| policy.filter);
        let reasons = because.iter().filter_map(|part| match part {
            Part::Value(value) => Some(*value),
            Part::Text(_) => None,
        });
        let mut fields: Vec<FieldId> = Vec::new();
        let mut timers: Vec<SequenceId> = Vec::new();
        let mut seen = HashSet::new();
        let mut rest: Vec<ExprId> = [Some(when), filter].into_iter().flatten().chain(reasons).collect();
        while let Some(expr) = rest.pop() {
            if !seen.insert(expr) {
                continue;
            }
            let Some(kind) = self.kind(expr) else { continue };
            match kind {
                ExprKind::Field(field) => fields.push(*field),
                ExprKind::Fingerprint(shape) => {
                    let shape = self.hir.declarations.fingerprints.get(*shape);
                    fields.extend(shape.into_iter().flat_map(|shape| shape.parts.iter().copied()));
                }
                ExprKind::Tagged(key, _) => each_key_field(&self.hir, key, |field| fields.push(field)),
                ExprKind::Signal(signal) | ExprKind::Absent(signal) => {
                    let state =
                        self.hir.signals.get(*signal).and_then(|signal| self.hir.states.get(signal.state));
                    if let Some(key) = state.and_then(|state| state.key.as_ref()) {
                        each_key_field(&self.hir, key, |field| fields.push(field));
                    }
                }
                ExprKind::Holds(sequence) if !timers.contains(sequence) => {
                    let of = self.hir.sequences.get(*sequence);
                    if of.is_some_and(|sequence| sequence.phase == Phase::Timer) {
                        timers.push(*sequence);
                    }
                }
                _ => {}
            }
            each_child(&self.hir, kind, |child| rest.push(child));
        }
        for key in actions.filter_map(key_of) {
            each_key_field(&self.hir, key, |field| fields.push(field));
        }
        match timers.as_slice() {
            [] => {
                let title = "a rule at a deadline asks for the sequence itself";
                self.fault(Code::BAD_SEQUENCE, rule.when.span, title, "name the sequence in the condition");
            }
            [timer] => self.keep_for_deadline(*timer, &fields.into(), rule.when.span),
            _ => {
                let title = "two sequences with deadlines in one rule";
                self.fault(Code::BAD_SEQUENCE, rule.when.span, title, "write a rule for each");
            }
        }
    }

    /// Exempting needs the right to it, a condition without state, and a rule of its own.
    fn check_exemption(
        &mut self,
        policy: PolicyId,
        rule: &ast::Rule,
        when: ExprId,
        then: &[(&ast::Action, Action)],
        if_unknown: &[(&ast::Action, Action)],
    ) {
        for (syntax, action) in then {
            if !matches!(action, Action::Exempt(_)) {
                let title = "a rule that exempts does nothing else";
                self.fault(Code::BAD_ACTION, syntax.span, title, "write a second rule for it");
            }
        }
        for (syntax, action) in if_unknown {
            if matches!(action, Action::Exempt(_)) {
                let title = "what is not known exempts nobody";
                self.fault(Code::BAD_ACTION, syntax.span, title, "exempt under a condition that is true");
            }
        }
        let filter = self.hir.policies.get(policy).and_then(|policy| policy.filter);
        let stateful = [Some(when), filter].into_iter().flatten().find_map(|expr| self.state_in(expr));
        if let Some((at, what)) = stateful {
            let title = format!("rule `{}` exempts, and its condition depends on {what}", rule.name.text);
            let diagnostic = Diagnostic::new(Code::CONDITIONAL_EXEMPTION, at, title)
                .note("exemptions come before everything and hold in every mode, so they depend on the event alone")
                .help("use fields, lists, tables and schedules");
            self.report(diagnostic);
        }
    }

    /// The first thing in an expression that depends on more than the event at hand.
    fn state_in(&self, expr: ExprId) -> Option<(FileSpan, &'static str)> {
        let mut seen = HashSet::new();
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            if !seen.insert(expr) {
                continue;
            }
            let Some(node) = self.hir.exprs.get(expr) else { continue };
            let what = match node.kind {
                ExprKind::Signal(_) | ExprKind::Absent(_) => "a signal",
                ExprKind::InCohort(_) | ExprKind::CohortValue(..) => "a cohort",
                ExprKind::Holds(_) | ExprKind::Captured { .. } | ExprKind::Age { .. } => "a sequence",
                ExprKind::Tagged(..) => "a tag",
                ExprKind::Call(_) => "a model",
                _ => "",
            };
            if !what.is_empty() {
                return Some((node.at, what));
            }
            each_child(&self.hir, &node.kind, |child| rest.push(child));
        }
        None
    }
}

/// The key that an action is put on.
fn key_of(action: &Action) -> Option<&Key> {
    match action {
        Action::Verdict(verdict) => verdict.target.as_ref(),
        Action::Tag { key, .. } | Action::Revoke(key) | Action::LockPassword(key) => Some(key),
        Action::Score(_)
        | Action::Exempt(_)
        | Action::Hold { .. }
        | Action::Aside(..)
        | Action::Activate { .. }
        | Action::Mask(_) => None,
    }
}
