//! A decision as bytes: the form in which two are compared.
//!
//! Everything that a decision says is in it, by name and in the decision's own order; personal values are their
//! pseudonyms. Two decisions are the same if and only if their bytes are.

use weir_compiler::hir::{Aside, Verb};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use super::beside::{Beside, json};
use super::look::{fate_byte, phase_byte, put_hash, put_key, put_option, rule_hash};
use crate::cases::queue_name;
use crate::decision::{Acting, Decision, Effect, EffectKind, EventDecision, Match, Ruling, Source};
use crate::names::NameHash;
use crate::privacy;
use crate::ruleset::RuleSet;
use crate::wire::{Variants, put_bytes, put_i64, put_text, put_u64, put_value};

/// The bytes of a decision.
pub(crate) fn bytes(set: &RuleSet, decision: &Decision) -> Vec<u8> {
    let mut out = Writer { set, out: Vec::with_capacity(512) };
    out.decision(decision);
    out.out
}

struct Writer<'a> {
    set: &'a RuleSet,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) {
        put_u64(&mut self.out, items.len() as u64);
        items.iter().for_each(|item| put(self, item));
    }

    fn rule(&mut self, rule: RuleId) {
        put_hash(&mut self.out, rule_hash(self.set, rule));
    }

    fn verb(&mut self, verb: Verb) {
        put_text(&mut self.out, verb.word());
    }

    fn truth(&mut self, truth: bool) {
        self.out.push(u8::from(truth));
    }

    fn decision(&mut self, decision: &Decision) {
        let Decision { seq, at, phase, verdict, shadow, score, shadow_score, stopped, .. } = decision;
        put_u64(&mut self.out, seq.0);
        put_i64(&mut self.out, *at);
        self.out.push(phase_byte(*phase));
        self.ruling(verdict);
        self.verb(*shadow);
        put_i64(&mut self.out, i64::from(*score));
        put_i64(&mut self.out, i64::from(*shadow_score));
        self.truth(*stopped);
        self.list(&decision.events, Self::event);
        self.list(&decision.deadlines, Self::event);
        put_bytes(&mut self.out, &Beside::of(decision).bytes());
    }

    fn event(&mut self, decision: &EventDecision) {
        let EventDecision { event, at, phase, verdict, shadow, score, shadow_score, stopped, .. } = decision;
        let name = self.set.hir.schema.events.get(*event).map_or("?", |event| &event.name);
        put_text(&mut self.out, name);
        put_i64(&mut self.out, *at);
        self.out.push(phase_byte(*phase));
        self.ruling(verdict);
        self.verb(*shadow);
        put_i64(&mut self.out, i64::from(*score));
        put_i64(&mut self.out, i64::from(*shadow_score));
        self.truth(*stopped);
        self.list(&decision.matches, Self::found);
        self.list(&decision.unknown, |out, rule| out.rule(*rule));
        self.list(&decision.exemptions, |out, rule| out.rule(*rule));
        self.list(&decision.entries, |out, hit| {
            out.rule(hit.rule);
            put_text(&mut out.out, &hit.key);
            put_key(&mut out.out, hit.hash);
            out.verb(hit.verb);
            put_i64(&mut out.out, hit.until);
            out.out.push(fate_byte(hit.fate) | u8::from(hit.shadow) << 2);
        });
        self.list(&decision.caps, |out, hit| {
            let name = out.set.names.caps.get(hit.cap).copied().unwrap_or(NameHash(0));
            put_hash(&mut out.out, name);
            out.verb(hit.from);
            out.verb(hit.to);
        });
        self.list(&decision.effects, Self::effect);
        self.list(&decision.stopped_by, |out, rule| out.rule(*rule));
    }

    fn ruling(&mut self, ruling: &Ruling) {
        let Ruling { verb, status, decoy, place, by, hold, source } = ruling;
        self.verb(*verb);
        put_option(&mut self.out, *status, |out, status| put_u64(out, u64::from(status)));
        let decoys = &self.set.names.decoys;
        put_option(&mut self.out, decoy.and_then(|decoy| decoys.get(decoy)), |out, name| {
            put_hash(out, *name)
        });
        put_option(&mut self.out, place.as_ref(), |out, place| put_text(out, place));
        put_option(&mut self.out, *by, put_i64);
        self.truth(hold.is_some());
        if let Some((queue, ms, verb, status)) = hold {
            self.queue(*queue);
            put_i64(&mut self.out, *ms);
            self.verb(*verb);
            put_option(&mut self.out, *status, |out, status| put_u64(out, u64::from(status)));
        }
        match source {
            Source::Nothing => self.out.push(0),
            Source::Rule(rule) => self.tagged(1, *rule),
            Source::Unknown(rule) => self.tagged(2, *rule),
            Source::Entry(rule) => self.tagged(3, *rule),
            Source::Score(policy) => {
                self.out.push(4);
                let policy = self.set.hir.policies.get(*policy);
                let name = policy.map_or("?".to_owned(), |p| format!("{}.{}", p.package, p.name));
                put_text(&mut self.out, &name);
            }
        }
    }

    fn tagged(&mut self, kind: u8, rule: RuleId) {
        self.out.push(kind);
        self.rule(rule);
    }

    fn queue(&mut self, queue: QueueId) {
        put_text(&mut self.out, &queue_name(self.set, queue));
    }

    fn found(&mut self, found: &Match) {
        let Match { rule, acting, unknown, action, because, values, keys } = found;
        self.rule(*rule);
        self.out.push(match acting {
            Acting::Live => 0,
            Acting::Shadow => 1,
            Acting::Lifted => 2,
        });
        self.truth(*unknown);
        put_option(&mut self.out, *action, |out, verb| put_text(out, verb.word()));
        put_text(&mut self.out, because);
        self.list(values, |out, shown| {
            put_text(&mut out.out, &shown.name);
            out.truth(shown.personal);
            let hasher = &out.set.hasher;
            put_option(&mut out.out, shown.value.as_ref(), |out, value| {
                if shown.personal {
                    let hash = Value::text(&privacy::pseudonym(hasher, std::slice::from_ref(value)));
                    put_value(out, &hash, &Type::Text, Variants::Name);
                } else {
                    put_value(out, value, &shown.ty, Variants::Name);
                }
            });
        });
        self.list(keys, |out, (text, hash)| {
            put_text(&mut out.out, text);
            put_option(&mut out.out, *hash, put_key);
        });
    }

    fn effect(&mut self, effect: &Effect) {
        self.rule(effect.rule);
        match &effect.kind {
            EffectKind::Entry { key, verb, until, fresh, shadow } => {
                self.out.push(0);
                put_key(&mut self.out, *key);
                self.verb(*verb);
                put_i64(&mut self.out, *until);
                self.truth(*fresh);
                self.truth(*shadow);
            }
            EffectKind::Tagged { key, tag, until } => {
                self.out.push(1);
                put_key(&mut self.out, *key);
                put_hash(&mut self.out, self.set.names.tag(*tag).unwrap_or(NameHash(0)));
                put_i64(&mut self.out, *until);
            }
            EffectKind::Told(aside, queue) => {
                self.out.push(2);
                self.out.push(match aside {
                    Aside::Alert => 0,
                    Aside::Notify => 1,
                    Aside::Ticket => 2,
                });
                self.queue(*queue);
            }
            EffectKind::Revoked(key) => {
                self.out.push(3);
                put_key(&mut self.out, *key);
            }
            EffectKind::PasswordLocked(key) => {
                self.out.push(4);
                put_key(&mut self.out, *key);
            }
            EffectKind::Activated(target, until) => {
                self.out.push(5);
                put_text(&mut self.out, target);
                put_i64(&mut self.out, *until);
            }
            EffectKind::Masked(field) => {
                self.out.push(6);
                let name = self.set.hir.schema.fields.get(*field).map_or("?", |field| &field.name);
                put_text(&mut self.out, name);
            }
            EffectKind::Held { case, queue, until } => {
                self.out.push(7);
                put_u64(&mut self.out, *case);
                self.queue(*queue);
                put_i64(&mut self.out, *until);
            }
            EffectKind::QueueFull(queue) => {
                self.out.push(8);
                self.queue(*queue);
            }
            EffectKind::Suspended { suspension, why } => {
                self.out.push(9);
                put_bytes(&mut self.out, &json(&**suspension));
                put_text(&mut self.out, why);
            }
        }
    }
}
