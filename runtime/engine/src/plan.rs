//! What a rule would do, worked out before any rule acts.

use std::borrow::Cow;

use smol_str::SmolStr;
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{Action, ExprKind, Key, KeyPart, Phase, Spared, To, Verb, Verdict};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_compiler::walk::World;

use crate::cell::pace;
use crate::decision::{Acting, EffectKind, Match, Ruling, Shown, Source};
use crate::keyhash::KeyHash;
use crate::names::{Origin, Place};
use crate::privacy;
use crate::ruleset::{PackageId, RuleSet};
use crate::state::Pace;
use crate::view::View;

/// What a rule does when it fires, worked out with the event at hand and not yet done.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rule: RuleId,
    pub(crate) unknown: bool,
    pub(crate) live: bool,
    pub(crate) points: i32,
    pub(crate) exempts: Vec<PackageId>,
    /// On the event alone.
    pub(crate) verdicts: Vec<Ruling>,
    pub(crate) entries: Vec<PlannedEntry>,
    /// With the key's hash where there is one.
    pub(crate) effects: Vec<EffectKind>,
    pub(crate) keys: Vec<(SmolStr, Option<KeyHash>)>,
    pub(crate) action: Option<Verb>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlannedEntry {
    pub(crate) key: Key,
    pub(crate) hash: Option<KeyHash>,
    pub(crate) origin: Origin,
    pub(crate) duration: i64,
    pub(crate) throttle: Option<(Pace, u32)>,
    pub(crate) renewing: bool,
    pub(crate) ruling: Ruling,
    /// It touches the event at hand, which is not spared.
    pub(crate) here: bool,
}

/// A rule that waits for a model.
#[derive(Clone, Debug)]
pub(crate) struct OpenRule {
    pub(crate) rule: RuleId,
    pub(crate) then: Plan,
    pub(crate) if_unknown: Plan,
}

/// The action of a rule at a place, if it is a verdict.
pub(crate) fn verdict_of(set: &RuleSet, place: Place) -> Option<&Verdict> {
    let rule = set.hir.rules.get(place.rule)?;
    let actions = if place.unknown { &rule.if_unknown } else { &rule.then };
    match actions.get(usize::from(place.action))? {
        Action::Verdict(verdict) => Some(verdict),
        _ => None,
    }
}

/// A verdict as it would be given.
pub(crate) fn ruling(verdict: &Verdict, source: Source) -> Ruling {
    Ruling {
        verb: verdict.verb,
        status: verdict.status,
        decoy: verdict.decoy,
        place: match &verdict.to {
            Some(To::Place(place)) => Some(place.clone()),
            _ => None,
        },
        by: verdict.by.map(|by| by.ms),
        hold: None,
        source,
    }
}

/// Whether a rule depends on a model that can be asked: without its answer the condition is open, and one of its calls has
/// all its inputs.
pub(crate) fn asks(set: &RuleSet, walker: &Evaluator<'_>, view: &View<'_>, rule: RuleId) -> bool {
    let Some(plan) = set.rules.get(rule).filter(|plan| !plan.calls.is_empty()) else { return false };
    let when = set.hir.rules.get(rule).map(|rule| rule.when);
    when.is_some_and(|when| without_models(set, walker, view, when).is_none())
        && plan.calls.iter().any(|call| view.inputs(*call).is_some())
}

/// The truth of a condition as far as it does not depend on models. `is known` and `??` see that an answer is absent, so
/// evaluating them without one would not do.
fn without_models(set: &RuleSet, walker: &Evaluator<'_>, world: &impl World, id: ExprId) -> Option<bool> {
    if set.models.get(id) != Some(&true) {
        return walker.truth(id, world);
    }
    match &set.hir.exprs.get(id)?.kind {
        ExprKind::And(operands) => {
            let mut known = true;
            for operand in operands {
                match without_models(set, walker, world, *operand) {
                    Some(false) => return Some(false),
                    truth => known &= truth.is_some(),
                }
            }
            known.then_some(true)
        }
        ExprKind::Or(operands) => {
            let mut known = true;
            for operand in operands {
                match without_models(set, walker, world, *operand) {
                    Some(true) => return Some(true),
                    truth => known &= truth.is_some(),
                }
            }
            known.then_some(false)
        }
        ExprKind::Not(operand) => without_models(set, walker, world, *operand).map(|truth| !truth),
        ExprKind::Named(_, operand) => without_models(set, walker, world, *operand),
        _ => None,
    }
}

impl Plan {
    pub(crate) fn new(rule: RuleId, unknown: bool, live: bool) -> Self {
        Self {
            rule,
            unknown,
            live,
            points: 0,
            exempts: Vec::new(),
            verdicts: Vec::new(),
            entries: Vec::new(),
            effects: Vec::new(),
            keys: Vec::new(),
            action: None,
        }
    }

    fn key(&mut self, means: &impl Means, key: &Key) -> Option<KeyHash> {
        let hash = means.hash(self.rule, key);
        if !self.keys.iter().any(|(text, _)| *text == key.text) {
            self.keys.push((key.text.clone(), hash));
        }
        hash
    }
}

/// What planning asks beside the rule set: state, or the record of a decision.
pub(crate) trait Means {
    /// The event's time.
    fn at(&self) -> i64;
    /// The hash of a key of the event; nothing when a part is missing.
    fn hash(&self, rule: RuleId, key: &Key) -> Option<KeyHash>;
    /// Whether an action spares the event.
    fn spares(&self, place: Place, sparing: &[Spared]) -> bool;
    /// The bucket of a throttle.
    fn bucket(&self, verdict: &Verdict) -> Option<(Pace, u32)>;
}

impl Means for View<'_> {
    fn at(&self) -> i64 {
        self.at
    }

    fn hash(&self, _: RuleId, key: &Key) -> Option<KeyHash> {
        self.set.keys.find(key).and_then(|id| self.key(id))
    }

    fn spares(&self, _: Place, sparing: &[Spared]) -> bool {
        View::spares(self, sparing)
    }

    fn bucket(&self, verdict: &Verdict) -> Option<(Pace, u32)> {
        throttle(self.set, self, verdict)
    }
}

/// Works out what a rule would do, with the event at hand.
pub(crate) fn plan_of(
    set: &RuleSet,
    means: &impl Means,
    event: EventId,
    id: RuleId,
    unknown: bool,
    live: bool,
) -> Plan {
    let mut plan = Plan::new(id, unknown, live);
    let Some(rule) = set.hir.rules.get(id) else { return plan };
    let source = if unknown { Source::Unknown(id) } else { Source::Rule(id) };
    let here = rule.phase == Phase::Request;
    let until = |duration: i64| means.at().saturating_add(duration);
    let actions = if unknown { &rule.if_unknown } else { &rule.then };
    for (place, action) in actions.iter().enumerate() {
        match action {
            Action::Score(points) => plan.points = plan.points.saturating_add(*points),
            Action::Exempt(_) => {
                plan.exempts = set.rules.get(id).map(|plan| plan.exempts.clone()).unwrap_or_default()
            }
            Action::Verdict(verdict) => {
                plan.action = plan.action.max(Some(verdict.verb));
                let place = Place { rule: id, action: place as u16, unknown };
                let touches =
                    here && verdict.on.is_none_or(|on| on == event) && !means.spares(place, &verdict.sparing);
                let origin = set.names.origin(id, place.action, unknown);
                match (&verdict.target, verdict.duration, origin) {
                    (Some(key), Some(duration), Some(origin)) => {
                        let hash = plan.key(means, key);
                        plan.entries.push(PlannedEntry {
                            key: key.clone(),
                            hash,
                            origin,
                            duration: duration.ms,
                            throttle: means.bucket(verdict),
                            renewing: verdict.renewing,
                            ruling: ruling(verdict, source),
                            here: touches,
                        });
                    }
                    _ if touches => plan.verdicts.push(ruling(verdict, source)),
                    _ => {}
                }
            }
            Action::Hold { queue, within, otherwise, status } => {
                plan.action = plan.action.max(Some(Verb::Hold));
                if here {
                    let hold = Some((*queue, within.ms, *otherwise, *status));
                    plan.verdicts.push(Ruling { hold, ..Ruling::plain(Verb::Hold, source) });
                }
            }
            Action::Tag { key, tag, duration } => {
                if let Some(key) = plan.key(means, key) {
                    plan.effects.push(EffectKind::Tagged { key, tag: *tag, until: until(duration.ms) });
                }
            }
            Action::Aside(aside, queue) => plan.effects.push(EffectKind::Told(*aside, *queue)),
            Action::Revoke(key) => {
                let key = plan.key(means, key);
                plan.effects.extend(key.map(EffectKind::Revoked));
            }
            Action::LockPassword(key) => {
                let key = plan.key(means, key);
                plan.effects.extend(key.map(EffectKind::PasswordLocked));
            }
            Action::Activate { target, duration } => {
                plan.effects.push(EffectKind::Activated(target.clone(), until(duration.ms)));
            }
            Action::Mask(field) => plan.effects.push(EffectKind::Masked(*field)),
        }
    }
    plan
}

/// The bucket of a throttle: as many at once as its rate says, then one whenever one has leaked away.
fn throttle(set: &RuleSet, view: &View<'_>, verdict: &Verdict) -> Option<(Pace, u32)> {
    if verdict.verb != Verb::Throttle {
        return None;
    }
    let (count, per) = match &verdict.to {
        Some(To::Rate(rate)) => (rate.count, rate.per),
        Some(To::Usual) => {
            let cohort = verdict.target.as_ref()?.parts.iter().find_map(|part| match part {
                KeyPart::Cohort(cohort) => Some(*cohort),
                _ => None,
            })?;
            let usual = view.surplus(cohort)??.usual;
            (
                usual.round().clamp(1.0, f64::from(u32::MAX)) as u64,
                set.hir.cohorts.get(cohort)?.window.span.ms,
            )
        }
        _ => return None,
    };
    Some((pace(count, per)?, u32::try_from(count).unwrap_or(u32::MAX)))
}

/// The record of a firing: why, with which values.
pub(crate) fn matched(set: &RuleSet, walker: &Evaluator<'_>, world: &impl World, plan: &Plan) -> Match {
    let mut values = Vec::new();
    let mut because = String::new();
    if let (Some(rule), Some(reads)) = (set.hir.rules.get(plan.rule), set.rules.get(plan.rule)) {
        let hidden = |id| !set.reveal && privacy::is_personal(&set.hir, id);
        because = walker
            .text(&rule.because, world, |id, value, ty| privacy::shown(&set.hasher, value, ty, hidden(id)));
        let reads = &reads.condition;
        for id in &reads.signals {
            if let Some(signal) = set.hir.signals.get(*id) {
                let personal = privacy::is_personal_signal(&set.hir, *id);
                values.push(shown(&signal.name, world.signal(*id), &signal.ty, personal));
            }
        }
        for id in &reads.fields {
            if let Some(field) = set.hir.schema.fields.get(*id) {
                let value = world.field(*id).map(Cow::into_owned);
                values.push(shown(&field.name, value, &field.ty, field.personal));
            }
        }
        for id in &reads.calls {
            let call = set.hir.calls.get(*id);
            if let Some(model) = call.and_then(|call| set.hir.declarations.models.get(call.model)) {
                values.push(shown(&model.named.name, world.call(*id), &model.output, false));
            }
        }
    }
    Match {
        rule: plan.rule,
        acting: if plan.live { Acting::Live } else { Acting::Shadow },
        unknown: plan.unknown,
        action: plan.action,
        because,
        values,
        keys: plan.keys.clone(),
    }
}

fn shown(name: &SmolStr, value: Option<Value>, ty: &Type, personal: bool) -> Shown {
    Shown { name: name.clone(), value, ty: ty.clone(), personal }
}
