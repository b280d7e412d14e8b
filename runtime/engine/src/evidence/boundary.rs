//! Which expressions a record has to say the value of.
//!
//! A record keeps no personal value, no list and no table. What depends on them cannot be worked out again from the
//! fields and readings in it; so it says what these expressions were:
//!
//! - what is made of a personal value and is personal itself: its pseudonym;
//! - the smallest expression around it that is not: a truth value or a number;
//! - what asks something loaded, a client shape or a tag.
//!
//! They are called by the hash of their canonical text, so that two conditions that are written alike are one.

use weir_compiler::canonical;
use weir_compiler::hir::{ExprKind, Hir, Part, Phase, Rule};
use weir_compiler::ids::*;
use weir_compiler::shared::SharedVec;
use weir_compiler::types::Type;

use super::notes::Judged;
use crate::names::NameHash;
use crate::privacy::is_personal;
use crate::reads::children;

/// The names of those expressions.
#[derive(Debug)]
pub(crate) struct Boundaries {
    names: SharedVec<ExprId, Option<NameHash>>,
}

/// The name of an expression whose value a record says.
fn boundary(hir: &Hir, id: ExprId) -> Option<NameHash> {
    is_boundary(hir, id).then(|| NameHash::of("expr", &canonical::expr(hir, id)))
}

/// The name of a condition.
fn condition(hir: &Hir, id: ExprId) -> Option<NameHash> {
    let is_condition = hir.exprs.get(id).is_some_and(|expr| expr.ty == Type::Bool);
    is_condition.then(|| NameHash::of("expr", &canonical::expr(hir, id)))
}

impl Boundaries {
    /// Of a rule set. Cost: its size, with the canonical text of each of these expressions.
    pub(crate) fn new(hir: &Hir) -> Self {
        Self { names: hir.exprs.ids().map(|id| boundary(hir, id)).collect() }
    }

    /// The names of all conditions of a rule set instead.
    pub(crate) fn conditions(hir: &Hir) -> Self {
        Self { names: hir.exprs.ids().map(|id| condition(hir, id)).collect() }
    }

    /// The same names for the rule set that follows `before`, of which some expressions have changed.
    pub(crate) fn again(&self, hir: &Hir, before: &Hir) -> Self {
        self.changed(hir, before, boundary)
    }

    /// The names of its conditions.
    pub(crate) fn conditions_again(&self, hir: &Hir, before: &Hir) -> Self {
        self.changed(hir, before, condition)
    }

    fn changed(&self, hir: &Hir, before: &Hir, name: fn(&Hir, ExprId) -> Option<NameHash>) -> Self {
        let mut names = self.names.clone();
        for id in hir.exprs.differing(&before.exprs) {
            match names.get_mut(id) {
                Some(known) => *known = name(hir, id),
                None => drop(names.push(name(hir, id))),
            }
        }
        Self { names }
    }

    /// What a record calls an expression; nothing when it is worked out again.
    pub(crate) fn name(&self, id: ExprId) -> Option<NameHash> {
        self.names.get(id).copied().flatten()
    }

    /// The expressions that a look at an event needs, in order of their names, each name once.
    pub(crate) fn of_look(
        &self,
        hir: &Hir,
        event: EventId,
        phase: Phase,
        judged: Judged,
    ) -> Vec<(NameHash, ExprId)> {
        let mut found = Vec::new();
        let mut seen: IdVec<ExprId, bool> = hir.exprs.ids().map(|_| false).collect();
        let mut open: Vec<ExprId> = Vec::new();
        for (_, rule) in hir.rules.iter().filter(|(_, rule)| looks(hir, rule, event, phase, judged)) {
            open.push(rule.when);
            open.extend(rule.because.iter().filter_map(|part| match part {
                Part::Value(value) => Some(*value),
                Part::Text(_) => None,
            }));
            if let Some(policy) = hir.policies.get(rule.policy) {
                open.extend(policy.filter);
                open.extend(policy.decide.arms.iter().map(|(_, when)| *when));
            }
            while let Some(id) = open.pop() {
                match seen.get_mut(id) {
                    Some(seen) if !*seen => *seen = true,
                    _ => continue,
                }
                found.extend(self.name(id).map(|name| (name, id)));
                let Some(expr) = hir.exprs.get(id) else { continue };
                open.extend(children(&expr.kind));
                if let ExprKind::Call(call) = &expr.kind {
                    open.extend(hir.calls.get(*call).into_iter().flat_map(|call| &call.inputs));
                }
            }
        }
        found.sort();
        found.dedup_by_key(|(name, _)| *name);
        found
    }
}

/// Whether a rule is judged, or explained, at a look at an event.
pub(crate) fn looks(hir: &Hir, rule: &Rule, event: EventId, phase: Phase, judged: Judged) -> bool {
    let of_event = hir.policies.get(rule.policy).is_some_and(|policy| policy.events.contains(&event));
    // An event that begins at the response is judged by what is of the request's phase too.
    of_event && (rule.phase == phase || judged == Judged::Request && rule.phase == Phase::Request)
}

fn is_boundary(hir: &Hir, id: ExprId) -> bool {
    let Some(expr) = hir.exprs.get(id) else { return false };
    match &expr.kind {
        ExprKind::InList(..)
        | ExprKind::Lookup(..)
        | ExprKind::ScheduleActive(_)
        | ExprKind::Tagged(..)
        | ExprKind::Fingerprint(_) => true,
        // An inlined name is what it stands for.
        kind => is_personal(hir, id) || children(kind).into_iter().any(|child| is_personal(hir, child)),
    }
}
