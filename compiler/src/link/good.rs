//! Who is known to be good: the facts that harm budgets count by.
//!
//! A budget is of *known-good* actors: a session that passed a challenge within a day, or a device whose first
//! successful login is a week old or more. Both are the facts that `sparing sessions that passed` and
//! `sparing devices known 7d` keep, so a rule set that spares them keeps them once. `user` is no such fact: on a
//! login it is only what somebody says, and whoever attacks would name real users to trip the brake of every rule
//! that stops them.

use crate::canonical;
use crate::hir::{CompareOp, Expr, ExprKind, Fact, Hir, Key, KeyKind, KeyPart, Phase, Span, Spared};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

/// A challenge that was passed counts for a day, as in `sparing`.
const PASSED: i64 = 86_400_000;
/// How long a device must have been known.
const KNOWN: i64 = 7 * 86_400_000;

/// Adds the facts to a rule set that has a budget. What the schema has no event for is left out.
/// Answers those that nothing else keeps.
pub(super) fn add(hir: &mut Hir) -> Vec<FactId> {
    if hir.rules.values().all(|rule| rule.harm.is_none()) {
        return Vec::new();
    }
    let before = hir.facts.len();
    let passed = outcome(hir, "challenge.result", "passed", "session", false);
    let known = outcome(hir, "login", "success", "device", true);
    let spared =
        |fact: Option<FactId>, ms| fact.map(|fact| Spared::Fact { fact, age: Span { ms, param: None } });
    hir.good = [spared(passed, PASSED), spared(known, KNOWN)].into_iter().flatten().collect();
    hir.facts.ids().skip(before).collect()
}

/// The fact that an event of an actor had an outcome.
fn outcome(hir: &mut Hir, event: &str, variant: &str, actor: &str, first: bool) -> Option<FactId> {
    let schema = std::sync::Arc::clone(&hir.schema);
    let event = schema.event(event)?;
    let (field, outcome) = (schema.field(event, actor)?, schema.field(event, "outcome")?);
    let ty = schema.fields.get(outcome)?.ty.clone();
    let Type::Enum(variants) = &ty else { return None };
    let variant = u16::try_from(variants.iter().position(|known| known == variant)?).ok()?;
    let late = schema.events.get(event)?.slot_info(outcome)?.response;
    let at = schema.events.get(event)?.at;
    let mut push = |kind, ty| hir.exprs.push(Expr { kind, ty, at });
    let left = push(ExprKind::Field(outcome), ty.clone());
    let right = push(ExprKind::Const(Value::Variant(variant)), ty.clone());
    let filter = push(ExprKind::Compare(CompareOp::Eq, left, right), Type::Bool);
    let key = Key { parts: vec![KeyPart::Field(field)], kind: KeyKind::Actor, text: actor.into() };
    let phase = if late { Phase::Response } else { Phase::Request };
    let fact = Fact { event, filter: Some(filter), key, first, phase };
    let text = canonical::fact(hir, &fact);
    let same = hir.facts.iter().find(|(_, known)| canonical::fact(hir, known) == text).map(|(id, _)| id);
    Some(match same {
        Some(same) => same,
        None => hir.facts.push(fact),
    })
}
