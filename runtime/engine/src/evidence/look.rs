//! One look at an event, as a record keeps it: what was there, and what was asked and answered.

use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::canonical;
use weir_compiler::data::{Data, ListData, ScheduleData, TableData};
use weir_compiler::hir::{ExprKind, Hir, Named, Phase};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_compiler::walk::Walker;

use super::beside::{json, of_json};
use super::index::Index;
use super::notes::{Judged, Notes, Put};
use crate::cases::queue_name;
use crate::cohort::Surplus;
use crate::decision::{Effect, EffectKind, EventDecision, Fate};
use crate::keyhash::KeyHash;
use crate::names::{NameHash, Origin, Place};
use crate::privacy;
use crate::record::Record;
use crate::recording::{Captured, Look, Recorded};
use crate::resolve::Sheet;
use crate::ruleset::RuleSet;
use crate::sense::{Sensed, Why};
use crate::sequence::{Held, Mark};
use crate::state::{self, Number, Reading};
use crate::wire::{Bytes, Error, Variants, put_bytes, put_i64, put_text, put_u64, put_value, value};

/// An entry that the event met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) origin: Origin,
    pub(super) hash: KeyHash,
    pub(super) until: i64,
    pub(super) shadow: bool,
    pub(super) fate: Fate,
}

/// A look, read from a record.
#[derive(Debug)]
pub(super) struct LookRecord {
    pub(super) event: EventId,
    pub(super) phase: Phase,
    pub(super) look: Look,
    pub(super) notes: Notes,
    pub(super) inherited: Vec<SmolStr>,
    pub(super) exemptions: Vec<RuleId>,
    pub(super) spared: Vec<(RuleId, u16, bool)>,
    pub(super) keys: Vec<(RuleId, SmolStr, Option<KeyHash>)>,
    pub(super) caps: Vec<bool>,
    pub(super) exceeded: Vec<bool>,
    pub(super) entries: Vec<Met>,
    pub(super) panic: bool,
    pub(super) full: Vec<QueueId>,
    pub(super) standing: Vec<String>,
    /// Something in it is not as it was: it is asked what would have been.
    pub(super) changed: bool,
    /// Done once the verdict was found.
    pub(super) after: Vec<Effect>,
}

pub(super) fn put_hash(out: &mut Vec<u8>, hash: NameHash) {
    out.extend_from_slice(&hash.0.to_le_bytes());
}

pub(super) fn put_key(out: &mut Vec<u8>, key: KeyHash) {
    out.extend_from_slice(&key.0.to_le_bytes());
}

pub(super) fn put_option<T>(out: &mut Vec<u8>, item: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
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

pub(super) const fn phase_byte(phase: Phase) -> u8 {
    match phase {
        Phase::Request => 0,
        Phase::Response => 1,
        Phase::Timer => 2,
    }
}

pub(super) const fn fate_byte(fate: Fate) -> u8 {
    match fate {
        Fate::Applied => 0,
        Fate::Within => 1,
        Fate::Spared => 2,
        Fate::Lifted => 3,
    }
}

/// The name of a rule; what is not of the rule set has none.
pub(super) fn rule_hash(set: &RuleSet, rule: RuleId) -> NameHash {
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
pub(super) fn put_look(out: &mut Vec<u8>, set: &RuleSet, decision: &EventDecision) -> Option<()> {
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

pub(super) fn call_name(hir: &Hir, id: CallId) -> Option<NameHash> {
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

fn output(hir: &Hir, call: CallId) -> &Type {
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

/// What stands for what was loaded: nothing is looked up in it, but it tells what was not there.
fn stand_in(hir: &Hir, unloaded: &[(u8, &str)]) -> Data {
    let full = |named: &Named| format!("{}.{}", named.package, named.name);
    let there =
        |kind: u8, named: &Named| unloaded.is_empty() || !unloaded.contains(&(kind, full(named).as_str()));
    let mut data = Data::default();
    for (id, list) in hir.declarations.lists.iter().filter(|(_, list)| there(0, &list.named)) {
        data.set_list(id, Arc::new(ListData::empty(&list.member)));
    }
    for (id, _) in hir.declarations.tables.iter().filter(|(_, table)| there(1, &table.named)) {
        data.set_table(id, Arc::new(TableData::default()));
    }
    for (id, _) in hir.declarations.schedules.iter().filter(|(_, schedule)| there(2, &schedule.named)) {
        data.set_schedule(id, Arc::new(ScheduleData::default()));
    }
    data
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

const DAMAGED: Error = Error::Damaged("a look at an event");

/// Reads looks beside their rule set.
pub(super) struct Reader<'a> {
    pub(super) set: &'a RuleSet,
    pub(super) index: &'a Index,
}

fn hash(bytes: &mut Bytes<'_>) -> Result<NameHash, Error> {
    bytes.array().map(|raw| NameHash(u64::from_le_bytes(raw)))
}

fn key(bytes: &mut Bytes<'_>) -> Result<KeyHash, Error> {
    bytes.array().map(|raw| KeyHash(u128::from_le_bytes(raw)))
}

fn origin(bytes: &mut Bytes<'_>) -> Result<Origin, Error> {
    Ok(Origin { rule: hash(bytes)?, action: hash(bytes)? })
}

fn float(bytes: &mut Bytes<'_>) -> Result<f64, Error> {
    let x = f64::from_bits(u64::from_le_bytes(bytes.array()?));
    if x.is_finite() { Ok(x) } else { Err(DAMAGED) }
}

fn option<'b, T>(
    bytes: &mut Bytes<'b>,
    read: impl FnOnce(&mut Bytes<'b>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    if bytes.truth()? { read(bytes).map(Some) } else { Ok(None) }
}

fn truth(bytes: &mut Bytes<'_>) -> Result<Option<bool>, Error> {
    match bytes.byte()? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        2 => Ok(None),
        _ => Err(DAMAGED),
    }
}

fn list<'b, T>(
    bytes: &mut Bytes<'b>,
    mut read: impl FnMut(&mut Bytes<'b>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    for _ in 0..bytes.count()? {
        items.push(read(bytes)?);
    }
    Ok(items)
}

/// The lowest `bits` bits, and none besides.
fn bits(bytes: &mut Bytes<'_>, bits: u8) -> Result<u8, Error> {
    let byte = bytes.byte()?;
    if byte < 1 << bits { Ok(byte) } else { Err(DAMAGED) }
}

impl Reader<'_> {
    fn rule(&self, bytes: &mut Bytes<'_>) -> Result<RuleId, Error> {
        let name = hash(bytes)?;
        self.index.rules.get(&name).copied().ok_or(Error::Damaged("a rule that the rule set does not have"))
    }

    fn queue(&self, bytes: &mut Bytes<'_>) -> Result<QueueId, Error> {
        let name = bytes.text()?;
        let mut queues = self.set.hir.declarations.queues.ids();
        queues.find(|id| queue_name(self.set, *id) == name).ok_or(DAMAGED)
    }

    fn place(&self, origin: Origin) -> Result<Place, Error> {
        let place = self.set.names.place(origin);
        place.ok_or(Error::Damaged("an action that the rule set does not have"))
    }

    /// Reads a look.
    pub(super) fn look(&self, bytes: &mut Bytes<'_>) -> Result<LookRecord, Error> {
        let hir = &self.set.hir;
        let schema = &hir.schema;
        let name = bytes.text()?;
        let event = schema.events.iter().find(|(_, event)| event.name == name).map(|(id, _)| id);
        let event = event.ok_or(Error::Damaged("an event that the schema does not have"))?;
        let at = bytes.i64()?;
        let phase = match bytes.byte()? {
            0 => Phase::Request,
            1 => Phase::Response,
            2 => Phase::Timer,
            _ => return Err(DAMAGED),
        };
        let judged = match bytes.byte()? {
            0 => Judged::Request,
            1 => Judged::Response,
            2 => {
                let name = hash(bytes)?;
                let known = self.set.names.sequences.iter().find(|(_, known)| **known == name);
                Judged::Deadline(known.ok_or(Error::Damaged("a sequence that the rule set does not have"))?.0)
            }
            _ => return Err(DAMAGED),
        };
        let record = self.fields(bytes, event)?;
        let inherited = list(bytes, |bytes| bytes.text().map(SmolStr::new))?;
        let exemptions = list(bytes, |bytes| self.rule(bytes))?;
        let off = list(bytes, |bytes| self.rule(bytes))?;
        let acts = list(bytes, |bytes| Ok((self.rule(bytes)?, truth(bytes)?)))?;
        let open = list(bytes, |bytes| self.rule(bytes))?;
        let spared = list(bytes, |bytes| {
            let place = self.place(origin(bytes)?)?;
            Ok((place.rule, place.action, place.unknown))
        })?;
        let keys =
            list(bytes, |bytes| Ok((self.rule(bytes)?, SmolStr::new(bytes.text()?), option(bytes, key)?)))?;
        let puts = list(bytes, |bytes| {
            let (origin, byte) = (origin(bytes)?, bits(bytes, 2)?);
            Ok(Put { origin, fresh: byte & 1 != 0, stops: byte & 2 != 0 })
        })?;
        let refused = list(bytes, |bytes| {
            let name = hash(bytes)?;
            let known = self.set.names.decoys.iter().find(|(_, known)| **known == name);
            Ok(known.ok_or(DAMAGED)?.0)
        })?;
        let met_caps = bytes.truth()?;
        let caps = list(bytes, |bytes| Ok((hash(bytes)?, bits(bytes, 2)?)))?;
        if !caps.iter().map(|(name, _)| name).eq(&self.set.names.caps) {
            return Err(Error::Damaged("caps that the rule set does not have"));
        }
        let entries = list(bytes, |bytes| {
            let (origin, hash, until, byte) = (origin(bytes)?, key(bytes)?, bytes.i64()?, bits(bytes, 3)?);
            let fate = match byte & 3 {
                0 => Fate::Applied,
                1 => Fate::Within,
                2 => Fate::Spared,
                _ => Fate::Lifted,
            };
            Ok(Met { origin, hash, until, shadow: byte & 4 != 0, fate })
        })?;
        let panic = bytes.truth()?;
        let full = list(bytes, |bytes| self.queue(bytes))?;
        let standing = list(bytes, |bytes| bytes.text().map(str::to_owned))?;
        let after = list(bytes, |bytes| {
            let rule = self.rule(bytes)?;
            let kind = match bytes.byte()? {
                0 => {
                    let (case, queue) = (bytes.u64()?, self.queue(bytes)?);
                    EffectKind::Held { case, queue, until: bytes.i64()? }
                }
                1 => {
                    let suspension = of_json(bytes.bytes()?)?;
                    EffectKind::Suspended { suspension, why: bytes.text()?.to_owned() }
                }
                _ => return Err(DAMAGED),
            };
            Ok(Effect { rule, kind })
        })?;
        let captured = self.captured(bytes)?;
        let settled = self.settled(bytes, event, phase, judged)?;
        let unloaded = list(bytes, |bytes| Ok((bytes.byte()?, bytes.text()?)))?;
        let data = match unloaded.is_empty() {
            true => Arc::clone(self.index.loaded.get_or_init(|| Arc::new(stand_in(hir, &[])))),
            false => Arc::new(stand_in(hir, &unloaded)),
        };
        Ok(LookRecord {
            event,
            phase,
            look: Look { record: Arc::new(record), at, captured, settled: Some(settled), assumed: None },
            notes: Notes {
                set: None,
                data,
                judged,
                inherited: inherited.len(),
                off,
                acts,
                open,
                puts,
                refused,
            },
            inherited,
            exemptions,
            spared,
            keys,
            caps: if met_caps { caps.iter().map(|(_, byte)| byte & 1 != 0).collect() } else { Vec::new() },
            exceeded: caps.iter().map(|(_, byte)| byte & 2 != 0).collect(),
            entries,
            panic,
            full,
            standing,
            changed: false,
            after,
        })
    }

    fn fields(&self, bytes: &mut Bytes<'_>, event: EventId) -> Result<Record, Error> {
        let schema = &self.set.hir.schema;
        let mut record = Record::empty(schema, event);
        for _ in 0..bytes.count()? {
            let name = bytes.text()?;
            let known = schema.field(event, name).and_then(|id| Some((id, schema.fields.get(id)?)));
            let (id, field) = known.ok_or(Error::Damaged("a field that the event does not have"))?;
            let found = value(bytes, &field.ty, &field.ty)?;
            if field.personal {
                record.stand_in(schema, id, found);
            } else if record.set(schema, id, found).is_err() {
                return Err(Error::Damaged("a value that its field does not take"));
            }
        }
        Ok(record)
    }

    fn captured(&self, bytes: &mut Bytes<'_>) -> Result<Captured, Error> {
        let (hir, index) = (&self.set.hir, self.index);
        let mut captured = Captured::default();
        for _ in 0..bytes.count()? {
            let ids = index.signals.get(&hash(bytes)?).ok_or(DAMAGED)?;
            let ty =
                ids.first().and_then(|id| hir.signals.get(*id)).map_or(&Type::Error, |signal| &signal.ty);
            let sensed = sensed(bytes, ty)?;
            captured.signals.extend(ids.iter().map(|id| (*id, sensed.clone())));
        }
        for _ in 0..bytes.count()? {
            let ids = index.cohorts.get(&hash(bytes)?).ok_or(DAMAGED)?;
            let surplus = option(bytes, |bytes| option(bytes, surplus))?;
            let name = option(bytes, |bytes| value(bytes, &Type::Text, &Type::Text))?;
            captured.cohorts.extend(ids.iter().map(|id| (*id, surplus)));
            captured.names.extend(ids.iter().map(|id| (*id, name.clone())));
        }
        for _ in 0..bytes.count()? {
            let ids = index.sequences.get(&hash(bytes)?).ok_or(DAMAGED)?;
            let first = ids.first().copied().ok_or(DAMAGED)?;
            let held =
                option(bytes, |bytes| Ok(option(bytes, |bytes| self.held(bytes, first))?.map(Arc::new)))?;
            captured.sequences.extend(ids.iter().map(|id| (*id, held.clone())));
        }
        for _ in 0..bytes.count()? {
            let ids = index.calls.get(&hash(bytes)?).ok_or(DAMAGED)?;
            let ty = ids.first().map_or(&Type::Error, |id| output(hir, *id));
            let answer = option(bytes, |bytes| value(bytes, ty, ty))?;
            captured.answers.extend(ids.iter().map(|id| (*id, answer.clone())));
        }
        Ok(captured)
    }

    fn held(&self, bytes: &mut Bytes<'_>, id: SequenceId) -> Result<Held, Error> {
        let steps = self.set.captures.get(id).map(Vec::as_slice).unwrap_or_default();
        let mut steps = steps.iter();
        let marks = list(bytes, |bytes| {
            let at = bytes.i64()?;
            let mut fields = steps.next().ok_or(DAMAGED)?.iter();
            let captures = list(bytes, |bytes| {
                let field = fields.next().and_then(|field| self.set.hir.schema.fields.get(*field));
                let ty = field.map_or(&Type::Error, |field| &field.ty);
                option(bytes, |bytes| value(bytes, ty, ty))
            })?;
            Ok(Mark { at, captures: captures.into() })
        })?;
        Ok(Held { marks })
    }

    /// What expressions were: all that the look needs, and in order.
    fn settled(
        &self,
        bytes: &mut Bytes<'_>,
        event: EventId,
        phase: Phase,
        judged: Judged,
    ) -> Result<Vec<(NameHash, Option<Value>)>, Error> {
        let hir = &self.set.hir;
        let needed = self.index.needed(self.set, event, phase, judged);
        let mut needed = needed.iter();
        let settled = list(bytes, |bytes| {
            let name = hash(bytes)?;
            let (known, id) = needed.next().ok_or(DAMAGED)?;
            if *known != name {
                return Err(Error::Damaged("it does not say what a condition was"));
            }
            let ty = hir.exprs.get(*id).map_or(&Type::Error, |expr| &expr.ty);
            Ok((name, option(bytes, |bytes| value(bytes, ty, ty))?))
        })?;
        match needed.next() {
            None => Ok(settled),
            Some(_) => Err(Error::Damaged("it does not say what a condition was")),
        }
    }
}

fn surplus(bytes: &mut Bytes<'_>) -> Result<Surplus, Error> {
    Ok(Surplus {
        fixed: bytes.byte()?,
        key: key(bytes)?,
        count: bytes.i64()?,
        usual: float(bytes)?,
        lift: float(bytes)?,
    })
}

fn sensed(bytes: &mut Bytes<'_>, ty: &Type) -> Result<Sensed, Error> {
    Ok(Sensed {
        value: option(bytes, |bytes| value(bytes, ty, ty))?,
        reading: option(bytes, |bytes| {
            Ok(if bytes.truth()? {
                let (value, lo, hi) = (number(bytes)?, number(bytes)?, number(bytes)?);
                let byte = bits(bytes, 2)?;
                Reading::Known { value, lo, hi, exact: byte & 1 != 0, estimated: byte & 2 != 0 }
            } else {
                Reading::Unknown(why(bytes)?)
            })
        })?,
        absent: truth(bytes)?,
        why: option(bytes, |bytes| {
            Ok(match bytes.byte()? {
                0 => Why::Unmapped,
                1 => Why::KeyMissing,
                2 => Why::Currencies,
                3 => Why::State(why(bytes)?),
                4 => Why::Warming,
                _ => return Err(DAMAGED),
            })
        })?,
    })
}

fn number(bytes: &mut Bytes<'_>) -> Result<Number, Error> {
    Ok(if bytes.truth()? { Number::Float(float(bytes)?) } else { Number::Int(bytes.i64()?) })
}

fn why(bytes: &mut Bytes<'_>) -> Result<state::Why, Error> {
    Ok(match bytes.byte()? {
        0 => state::Why::Warming,
        1 => state::Why::TooFew { have: bytes.u64()?, need: bytes.u64()? },
        2 => state::Why::Empty,
        3 => state::Why::Overflow,
        4 => state::Why::Undefined,
        5 => state::Why::Evicted,
        _ => return Err(DAMAGED),
    })
}

/// The personal fields of a look in clear, for whoever seals them: names with values as people read them.
pub(super) fn put_clear(out: &mut Vec<u8>, set: &RuleSet, decision: &EventDecision) {
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

/// Reads what [`put_clear`] has written.
pub(super) fn clear(bytes: &mut Bytes<'_>) -> Result<Vec<(SmolStr, String)>, Error> {
    list(bytes, |bytes| Ok((SmolStr::new(bytes.text()?), bytes.text()?.to_owned())))
}
