//! Whom rules with a harm budget may touch, and what came of it: between decisions and the brake.
//!
//! A known-good actor is *exposed* to a rule at an event that the rule may stop: one that its policy judges, where
//! it acts on the event at hand, or one that an entry of the rule touches; where the rule acts at all, by its mode,
//! its canary and attack mode. Stopped is who was challenged or more, or over the rate of a throttle, by a verdict, an
//! entry, or points in a score that stopped. Of several rules that would have stopped an event each has stopped it.

use std::sync::OnceLock;

use weir_compiler::canonical;
use weir_compiler::hir::{Action, Hir, Key, KeyKind, KeyPart, Mode, Phase, Rule};
use weir_compiler::ids::*;

use crate::brake::Touch;
use crate::decision::{Effect, EffectKind, EventDecision};
use crate::engine::Engine;
use crate::keyhash::KeyHash;
use crate::keys::KeyId;
use crate::names::{NameHash, Names, verdict_text};
use crate::resolve::Sheet;
use crate::ruleset::RuleSet;

/// A rule that may stop an event, and the actor that its budget counts.
#[derive(Clone, Copy, Debug)]
struct Reach {
    rule: RuleId,
    policy: PolicyId,
    /// In shadow, so that only attack mode makes it act.
    shadow: bool,
    actor: KeyId,
    /// Only where the policy's filter is true: no entry of it touches the event.
    judged: bool,
}

/// A known-good actor at an event that a rule may stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposed {
    rule: RuleId,
    actor: KeyHash,
    /// The rule acts on the event, as far as its mode goes; an entry that it has put before may touch it all the same.
    acts: bool,
}

/// Budgets made ready.
#[derive(Debug, Default)]
pub(crate) struct Harms {
    events: IdVec<EventId, Vec<Reach>>,
    /// Of a rule with a budget, the hash of what it says; found when first asked for, for few ever are.
    versions: IdVec<RuleId, Option<OnceLock<NameHash>>>,
    /// The envelope's keys by which people label somebody good.
    pub(crate) session: Option<KeyId>,
    pub(crate) device: Option<KeyId>,
}

impl Harms {
    /// The budgets of a rule set; `add` makes a key ready. `as_enforced`: every rule acts, whatever its mode.
    pub(crate) fn new(hir: &Hir, as_enforced: bool, mut add: impl FnMut(&Key) -> KeyId) -> Self {
        let mut actor = |name: &str| {
            let field = hir.schema.envelope_field(name)?;
            Some(add(&Key { parts: vec![KeyPart::Field(field)], kind: KeyKind::Actor, text: name.into() }))
        };
        let mut harms = Self { session: actor("session"), device: actor("device"), ..Self::default() };
        harms.events = hir.schema.events.values().map(|_| Vec::new()).collect();
        for (id, rule) in hir.rules.iter() {
            let known = rule.harm.as_ref().filter(|_| !rule.exempts);
            let key = known.and_then(|harm| actor(harm.population.trim_end_matches('s')));
            harms.versions.push(key.map(|_| OnceLock::new()));
            let Some(key) = key else { continue };
            for event in hir.schema.events.ids() {
                let Some(reaches) = harms.events.get_mut(event) else { continue };
                let (here, keyed) = (acts_here(hir, rule, event), touches(rule, event));
                if here || keyed {
                    let shadow = rule.mode == Mode::Shadow && !as_enforced;
                    reaches.push(Reach { rule: id, policy: rule.policy, shadow, actor: key, judged: !keyed });
                }
            }
        }
        harms
    }

    /// The same for the rule set that follows `before`, of which some rules have changed; nothing where a rule now reaches other
    /// events, or in another way.
    pub(crate) fn again(
        &self,
        before: &Hir,
        hir: &Hir,
        changed: &[RuleId],
        as_enforced: bool,
    ) -> Option<Self> {
        let reach = |hir: &Hir, rule: &Rule, event: EventId| {
            let shadow = rule.mode == Mode::Shadow && !as_enforced;
            (acts_here(hir, rule, event), touches(rule, event), shadow)
        };
        let mut versions = self.versions.clone();
        for id in changed {
            let (former, rule) = (before.rules.get(*id)?, hir.rules.get(*id)?);
            let population = |rule: &Rule| rule.harm.as_ref().map(|harm| harm.population.clone());
            let is_like = population(former) == population(rule)
                && (rule.harm.is_none()
                    || hir
                        .schema
                        .events
                        .ids()
                        .all(|event| reach(before, former, event) == reach(hir, rule, event)));
            if !is_like {
                return None;
            }
            if let Some(Some(version)) = versions.get_mut(*id) {
                *version = OnceLock::new();
            }
        }
        Some(Self { events: self.events.clone(), versions, session: self.session, device: self.device })
    }

    /// What the brake calls a rule with a budget, and the hash of what it says.
    pub(crate) fn identity(&self, hir: &Hir, names: &Names, rule: RuleId) -> Option<(NameHash, NameHash)> {
        let known = self.versions.get(rule)?.as_ref()?;
        let said = hir.rules.get(rule)?;
        Some((names.rules.get(rule).copied()?, *known.get_or_init(|| version(hir, said))))
    }
}

/// Whether a rule says something of the event at hand itself.
fn acts_here(hir: &Hir, rule: &Rule, event: EventId) -> bool {
    let judged = hir.policies.get(rule.policy).is_some_and(|policy| policy.events.contains(&event));
    let mut actions = rule.then.iter().chain(&rule.if_unknown);
    judged
        && rule.phase == Phase::Request
        && actions.any(|action| match action {
            Action::Score(points) => *points > 0,
            Action::Verdict(verdict) => verdict.on.is_none_or(|on| on == event),
            Action::Hold { .. } => true,
            _ => false,
        })
}

/// Whether an entry of a rule may stand against an event.
fn touches(rule: &Rule, event: EventId) -> bool {
    rule.then.iter().chain(&rule.if_unknown).any(|action| match action {
        Action::Verdict(verdict) => verdict.target.is_some() && verdict.on.is_none_or(|on| on == event),
        _ => false,
    })
}

/// The hash of what a rule says: its condition, its policy's filter and what it does that may harm.
fn version(hir: &Hir, rule: &Rule) -> NameHash {
    let filter = hir.policies.get(rule.policy).and_then(|policy| policy.filter);
    let filter = filter.map(|filter| canonical::linked_expr(hir, filter)).unwrap_or_default();
    let mut text = format!("when {} where {filter}", canonical::linked_expr(hir, rule.when));
    for (actions, unknown) in [(&rule.then, false), (&rule.if_unknown, true)] {
        for action in actions {
            text.push_str("; ");
            text.push_str(&match action {
                Action::Score(points) => format!("score {points} {unknown}"),
                Action::Verdict(verdict) => verdict_text(hir, verdict, unknown),
                Action::Hold { within, otherwise, .. } => {
                    format!("hold {} else {} {unknown}", within.ms, otherwise.word())
                }
                _ => String::new(),
            });
        }
    }
    NameHash::of("version of a rule", &text)
}

impl Engine {
    /// Notes on a sheet which budgets a known-good actor's event counts for.
    pub(crate) fn expose(&self, set: &RuleSet, sheet: &mut Sheet) {
        let Some(reaches) = set.harms.events.get(sheet.event).filter(|reaches| !reaches.is_empty()) else {
            return;
        };
        // Most of what ships is in shadow, and harms nobody.
        let may_act = |reach: &Reach| !reach.shadow || self.control.is_active(set, reach.policy, sheet.at);
        if sheet.entries.is_empty() && !reaches.iter().any(may_act) {
            return;
        }
        let view = self.view(&sheet.record, sheet.at, false);
        let labelled = || {
            let keys = [set.harms.session, set.harms.device].into_iter().flatten();
            keys.filter_map(|key| view.key(key)).any(|key| self.control.truth.is_good(key, sheet.at))
        };
        if !view.spares(&set.hir.good) && !labelled() {
            return;
        }
        let walker = view.walker();
        let mut exposed = Vec::new();
        for reach in reaches {
            let Some(actor) = view.key(reach.actor) else { continue };
            let acts = self.acts(set, &view, reach.rule) == Some(true)
                && (!reach.judged || self.filter_of(set, &walker, &view, reach.policy) == Some(true));
            exposed.push(Exposed { rule: reach.rule, actor, acts });
        }
        sheet.exposed = exposed;
    }

    /// Tells the brake what came of an event that known-good actors were exposed at.
    pub(crate) fn brake(&mut self, set: &RuleSet, exposed: &[Exposed], decision: &mut EventDecision) {
        let mut tipped = false;
        for Exposed { rule, actor, acts } in exposed {
            let Some((name, version)) = set.harms.identity(&set.hir, &set.names, *rule) else { continue };
            let Some(harm) = set.hir.rules.get(*rule).and_then(|rule| rule.harm.as_ref()) else { continue };
            let harmed = decision.stopped && decision.stopped_by.contains(rule);
            if !harmed && !acts {
                continue;
            }
            let touch = Touch { rule: name, version, budget: harm.share, actor: *actor, harmed };
            let found = self.control.brakes.note(&touch, decision.at, self.options.limits.braked);
            if let Some(suspension) = found {
                let kind = EffectKind::Suspended {
                    suspension: Box::new(suspension.clone()),
                    why: suspension.words(&harm.population),
                };
                decision.effects.push(Effect { rule: *rule, kind });
                tipped = true;
            }
        }
        if tipped {
            self.control.bind(set);
        }
    }
}
