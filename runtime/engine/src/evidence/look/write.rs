//! A look, written.

use smol_str::SmolStr;
use weir_compiler::canonical;
use weir_compiler::data::Data;
use weir_compiler::hir::{ExprKind, Hir, Named, Phase};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_compiler::walk::Walker;

use crate::cases::queue_name;
use crate::cohort::Surplus;
use crate::decision::{Effect, EffectKind, EventDecision, Fate};
use crate::evidence::beside::json;
use crate::evidence::notes::{Judged, Notes};
use crate::keyhash::KeyHash;
use crate::names::{NameHash, Origin};
use crate::privacy;
use crate::record::Record;
use crate::recording::{Captured, Look, Recorded};
use crate::resolve::Sheet;
use crate::ruleset::RuleSet;
use crate::sense::{Sensed, Why};
use crate::sequence::Held;
use crate::state::{self, Number, Reading};
use crate::wire::{Variants, put_bytes, put_i64, put_text, put_u64, put_value};

pub(in crate::evidence) fn put_hash(out: &mut Vec<u8>, hash: NameHash) {
    out.extend_from_slice(&hash.0.to_le_bytes());
}

pub(in crate::evidence) fn put_key(out: &mut Vec<u8>, key: KeyHash) {
    out.extend_from_slice(&key.0.to_le_bytes());
}

pub(in crate::evidence) fn put_option<T>(
    out: &mut Vec<u8>,
    item: Option<T>,
    put: impl FnOnce(&mut Vec<u8>, T),
) {
    out.push(u8::from(item.is_some()));
    if let Some(item) = item {
        put(out, item);
    }
}

fn put_truth(out: &mut Vec<u8>, truth: Option<bool>) {
    out.push(truth.map_or(2, u8::from));
}

fn put_list<T>(out: &mut Vec<u8>, items: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    put_u64(out, items.len() as u64);
    items.iter().for_each(|item| put(out, item));
}

pub(in crate::evidence) const fn phase_byte(phase: Phase) -> u8 {
    match phase {
        Phase::Request => 0,
        Phase::Response => 1,
        Phase::Timer => 2,
    }
}

pub(in crate::evidence) const fn fate_byte(fate: Fate) -> u8 {
    match fate {
        Fate::Applied => 0,
        Fate::Within => 1,
        Fate::Spared => 2,
        Fate::Lifted => 3,
    }
}

/// The name of a rule; what is not of the rule set has none.
pub(in crate::evidence) fn rule_hash(set: &RuleSet, rule: RuleId) -> NameHash {
    set.names.rules.get(rule).copied().unwrap_or(NameHash(0))
}

/// A value as the record keeps it: a personal one as its pseudonym.
fn kept(set: &RuleSet, value: &Value, personal: bool) -> Value {
    if personal {
        Value::text(&privacy::pseudonym(&set.hasher, std::slice::from_ref(value)))
    } else {
        value.clone()
    }
}

/// Appends the look behind a decision over an event; nothing when it was not recorded.
pub(in crate::evidence) fn put_look(
    out: &mut Vec<u8>,
    set: &RuleSet,
    decision: &EventDecision,
) -> Option<()> {
    let sheet = decision.sheet.as_deref()?;
    let (look, notes) = (sheet.look.as_ref()?, sheet.notes.as_deref()?);
    let hir = &set.hir;
    put_text(out, &hir.schema.events.get(sheet.event)?.name);
    put_i64(out, sheet.at);
    out.push(phase_byte(sheet.phase));
    match notes.judged {
        Judged::Request => out.push(0),
        Judged::Response => out.push(1),
        Judged::Deadline(sequence) => {
            out.push(2);
            put_hash(out, *set.names.sequences.get(sequence)?);
        }
    }
    put_fields(out, set, &look.record);

    let inherited: Vec<SmolStr> = sheet
        .exempted
        .iter()
        .take(notes.inherited)
        .filter_map(|package| set.policies.iter().find(|(_, plan)| plan.package == *package))
        .filter_map(|(policy, _)| hir.policies.get(policy).map(|policy| policy.package.clone()))
        .collect();
    put_list(out, &inherited, |out, name| put_text(out, name));
    put_list(out, &sheet.exemptions, |out, rule| put_hash(out, rule_hash(set, *rule)));
    put_list(out, &notes.off, |out, rule| put_hash(out, rule_hash(set, *rule)));
    put_list(out, &notes.acts, |out, (rule, acts)| {
        put_hash(out, rule_hash(set, *rule));
        put_truth(out, *acts);
    });
    put_list(out, &notes.open, |out, rule| put_hash(out, rule_hash(set, *rule)));
    let spared: Vec<Origin> = sheet
        .spared
        .iter()
        .filter_map(|(rule, action, unknown)| set.names.origin(*rule, *action, *unknown))
        .collect();
    put_list(out, &spared, |out, origin| put_origin(out, *origin));
    let keys: Vec<_> = decision
        .matches
        .iter()
        .flat_map(|found| found.keys.iter().map(|(text, hash)| (found.rule, text, *hash)))
        .collect();
    put_list(out, &keys, |out, (rule, text, hash)| {
        put_hash(out, rule_hash(set, *rule));
        put_text(out, text);
        put_option(out, *hash, put_key);
    });
    put_list(out, &notes.puts, |out, put| {
        put_origin(out, put.origin);
        out.push(u8::from(put.fresh) | u8::from(put.stops) << 1);
    });
    put_list(out, &notes.refused, |out, decoy| {
        put_hash(out, set.names.decoys.get(*decoy).copied().unwrap_or(NameHash(0)));
    });
    out.push(u8::from(!sheet.caps.is_empty()));
    put_list(out, &set.names.caps.iter().enumerate().collect::<Vec<_>>(), |out, (at, name)| {
        put_hash(out, **name);
        let is = |items: &[bool]| u8::from(items.get(*at) == Some(&true));
        out.push(is(&sheet.caps) | is(&sheet.exceeded) << 1);
    });
    let entries: Vec<_> = sheet.met.iter().zip(&decision.entries).collect();
    put_list(out, &entries, |out, ((hash, origin), hit)| {
        put_origin(out, *origin);
        put_key(out, *hash);
        put_i64(out, hit.until);
        out.push(fate_byte(hit.fate) | u8::from(hit.shadow) << 2);
    });
    put_over(out, set, sheet, decision);
    put_captured(out, set, &look.captured);
    put_settled(out, set, sheet, look, notes);
    Some(())
}

/// What stood over the rules: a panic, queues without room, and what the brake and the queues did afterwards.
fn put_over(out: &mut Vec<u8>, set: &RuleSet, sheet: &Sheet, decision: &EventDecision) {
    out.push(u8::from(sheet.panic));
    put_list(out, &sheet.full, |out, queue| put_text(out, &queue_name(set, *queue)));
    put_list(out, &sheet.standing, |out, text| put_text(out, text));
    let after: Vec<&Effect> = decision
        .effects
        .iter()
        .filter(|effect| matches!(effect.kind, EffectKind::Held { .. } | EffectKind::Suspended { .. }))
        .collect();
    put_list(out, &after, |out, effect| {
        put_hash(out, rule_hash(set, effect.rule));
        match &effect.kind {
            EffectKind::Held { case, queue, until } => {
                out.push(0);
                put_u64(out, *case);
                put_text(out, &queue_name(set, *queue));
                put_i64(out, *until);
            }
            EffectKind::Suspended { suspension, why } => {
                out.push(1);
                put_bytes(out, &json(&**suspension));
                put_text(out, why);
            }
            _ => out.push(2),
        }
    });
}

fn put_origin(out: &mut Vec<u8>, origin: Origin) {
    put_hash(out, origin.rule);
    put_hash(out, origin.action);
}

fn put_fields(out: &mut Vec<u8>, set: &RuleSet, record: &Record) {
    let schema = &set.hir.schema;
    let known: Vec<_> = record
        .fields(schema)
        .filter_map(|(slot, value)| Some((schema.fields.get(slot.field)?, value?)))
        .collect();
    put_list(out, &known, |out, (field, value)| {
        put_text(out, &field.name);
        put_value(out, &kept(set, value, field.personal), &field.ty, Variants::Name);
    });
}

/// Each reading once, under the name of what it reads.
fn once<I: Copy, T>(items: &[(I, T)], name: impl Fn(I) -> Option<NameHash>) -> Vec<(NameHash, I, &T)> {
    let mut found: Vec<(NameHash, I, &T)> =
        items.iter().filter_map(|(id, item)| Some((name(*id)?, *id, item))).collect();
    found.sort_by_key(|(name, ..)| *name);
    found.dedup_by_key(|(name, ..)| *name);
    found
}

pub(in crate::evidence) fn call_name(hir: &Hir, id: CallId) -> Option<NameHash> {
    Some(NameHash::of("call", &canonical::call(hir, hir.calls.get(id)?)))
}

fn put_captured(out: &mut Vec<u8>, set: &RuleSet, captured: &Captured) {
    let (hir, names) = (&set.hir, &set.names);
    let signals = once(&captured.signals, |id| names.signals.get(id).copied());
    put_list(out, &signals, |out, (name, id, sensed)| {
        put_hash(out, *name);
        let ty = hir.signals.get(*id).map_or(&Type::Error, |signal| &signal.ty);
        put_sensed(out, set, sensed, ty, privacy::is_personal_signal(hir, *id));
    });
    let cohorts = once(&captured.cohorts, |id| names.cohorts.get(id).copied());
    put_list(out, &cohorts, |out, (name, id, surplus)| {
        put_hash(out, *name);
        put_option(out, **surplus, |out, surplus| put_option(out, surplus, put_surplus));
        let called = captured.names.iter().find(|(known, _)| known == id).and_then(|(_, name)| name.as_ref());
        let personal = privacy::is_personal_cohort(hir, *id);
        put_option(out, called, |out, called| {
            put_value(out, &kept(set, called, personal), &Type::Text, Variants::Name);
        });
    });
    let sequences = once(&captured.sequences, |id| names.sequences.get(id).copied());
    put_list(out, &sequences, |out, (name, id, held)| {
        put_hash(out, *name);
        put_option(out, held.as_ref(), |out, held| {
            put_option(out, held.as_deref(), |out, held| put_held(out, set, *id, held));
        });
    });
    let answers = once(&captured.answers, |id| call_name(hir, id));
    put_list(out, &answers, |out, (name, id, answer)| {
        put_hash(out, *name);
        let ty = output(hir, *id);
        put_option(out, answer.as_ref(), |out, answer| put_value(out, answer, ty, Variants::Name));
    });
}

pub(super) fn output(hir: &Hir, call: CallId) -> &Type {
    let model = hir.calls.get(call).and_then(|call| hir.declarations.models.get(call.model));
    model.map_or(&Type::Error, |model| &model.output)
}

fn put_surplus(out: &mut Vec<u8>, surplus: Surplus) {
    out.push(surplus.fixed);
    put_key(out, surplus.key);
    put_i64(out, surplus.count);
    out.extend_from_slice(&surplus.usual.to_bits().to_le_bytes());
    out.extend_from_slice(&surplus.lift.to_bits().to_le_bytes());
}

fn put_held(out: &mut Vec<u8>, set: &RuleSet, id: SequenceId, held: &Held) {
    let steps = set.captures.get(id);
    let marks: Vec<_> = held.marks.iter().enumerate().collect();
    put_list(out, &marks, |out, (step, mark)| {
        put_i64(out, mark.at);
        let fields = steps.and_then(|steps| steps.get(*step)).map(Vec::as_slice).unwrap_or_default();
        let kept_fields: Vec<_> = fields.iter().zip(mark.captures.iter()).collect();
        put_list(out, &kept_fields, |out, (field, found)| {
            put_option(out, found.as_ref(), |out, found| {
                let Some(field) = set.hir.schema.fields.get(**field) else { return out.push(0) };
                put_value(out, &kept(set, found, field.personal), &field.ty, Variants::Name);
            });
        });
    });
}

fn put_sensed(out: &mut Vec<u8>, set: &RuleSet, sensed: &Sensed, ty: &Type, personal: bool) {
    put_option(out, sensed.value.as_ref(), |out, value| {
        put_value(out, &kept(set, value, personal), ty, Variants::Name);
    });
    // The number behind a personal value would tell it.
    put_option(out, sensed.reading.filter(|_| !personal), |out, reading| match reading {
        Reading::Unknown(why) => {
            out.push(0);
            put_why(out, why);
        }
        Reading::Known { value, lo, hi, exact, estimated } => {
            out.push(1);
            [value, lo, hi].into_iter().for_each(|number| put_number(out, number));
            out.push(u8::from(exact) | u8::from(estimated) << 1);
        }
    });
    put_truth(out, sensed.absent);
    put_option(out, sensed.why.as_ref(), |out, why| match why {
        Why::Unmapped => out.push(0),
        Why::KeyMissing => out.push(1),
        Why::Currencies => out.push(2),
        Why::State(why) => {
            out.push(3);
            put_why(out, *why);
        }
        Why::Warming => out.push(4),
    });
}

fn put_number(out: &mut Vec<u8>, number: Number) {
    match number {
        Number::Int(n) => {
            out.push(0);
            put_i64(out, n);
        }
        Number::Float(x) => {
            out.push(1);
            out.extend_from_slice(&x.to_bits().to_le_bytes());
        }
    }
}

fn put_why(out: &mut Vec<u8>, why: state::Why) {
    match why {
        state::Why::Warming => out.push(0),
        state::Why::TooFew { have, need } => {
            out.push(1);
            put_u64(out, have);
            put_u64(out, need);
        }
        state::Why::Empty => out.push(2),
        state::Why::Overflow => out.push(3),
        state::Why::Undefined => out.push(4),
        state::Why::Evicted => out.push(5),
    }
}

/// What is asked of what is loaded, and was not.
fn unloaded(hir: &Hir, data: &Data) -> Vec<(u8, String)> {
    let full = |named: &Named| format!("{}.{}", named.package, named.name);
    let mut found = Vec::new();
    for expr in hir.exprs.values() {
        found.extend(match &expr.kind {
            ExprKind::InList(_, id) if data.list(*id).is_none() => {
                hir.declarations.lists.get(*id).map(|list| (0, full(&list.named)))
            }
            ExprKind::Lookup(id, _) if data.table(*id).is_none() => {
                hir.declarations.tables.get(*id).map(|table| (1, full(&table.named)))
            }
            ExprKind::ScheduleActive(id) if data.schedule(*id).is_none() => {
                hir.declarations.schedules.get(*id).map(|schedule| (2, full(&schedule.named)))
            }
            _ => None,
        });
    }
    found.sort();
    found.dedup();
    found
}

fn put_settled(out: &mut Vec<u8>, set: &RuleSet, sheet: &Sheet, look: &Look, notes: &Notes) {
    let hir = &set.hir;
    let (world, walker) = (Recorded { set, look }, Walker::new(hir, &notes.data));
    let asked = set.boundaries().of_look(hir, sheet.event, sheet.phase, notes.judged);
    put_list(out, &asked, |out, (name, id)| {
        put_hash(out, *name);
        let ty = hir.exprs.get(*id).map_or(&Type::Error, |expr| &expr.ty);
        put_option(out, walker.value(*id, &world), |out, found| {
            put_value(out, &kept(set, &found, privacy::is_personal(hir, *id)), ty, Variants::Name);
        });
    });
    put_list(out, &unloaded(hir, &notes.data), |out, (kind, name)| {
        out.push(*kind);
        put_text(out, name);
    });
}

/// The personal fields of a look in clear, for whoever seals them: names with values as people read them.
pub(in crate::evidence) fn put_clear(out: &mut Vec<u8>, set: &RuleSet, decision: &EventDecision) {
    let schema = &set.hir.schema;
    let record = decision.sheet.as_deref().map(|sheet| &sheet.record);
    let personal: Vec<(&str, String)> = record
        .into_iter()
        .flat_map(|record| record.fields(schema))
        .filter_map(|(slot, value)| Some((schema.fields.get(slot.field)?, value?)))
        .filter(|(field, _)| field.personal)
        .map(|(field, value)| (field.name.as_str(), weir_compiler::show::show(value, &field.ty)))
        .collect();
    put_list(out, &personal, |out, (name, text)| {
        put_text(out, name);
        put_text(out, text);
    });
}
