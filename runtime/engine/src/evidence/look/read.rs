//! A look, read: total, and bounded by the bytes there are.

use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::data::{Data, ListData, ScheduleData, TableData};
use weir_compiler::hir::{Hir, Named, Phase};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use super::write::output;
use super::{LookRecord, Met};
use crate::cases::queue_name;
use crate::cohort::Surplus;
use crate::decision::{Effect, EffectKind, Fate};
use crate::evidence::beside::of_json;
use crate::evidence::index::Index;
use crate::evidence::notes::{Judged, Notes, Put};
use crate::keyhash::KeyHash;
use crate::names::{NameHash, Origin, Place};
use crate::record::Record;
use crate::recording::{Captured, Look};
use crate::ruleset::RuleSet;
use crate::sense::{Sensed, Why};
use crate::sequence::{Held, Mark};
use crate::state::{self, Number, Reading};
use crate::wire::{Bytes, Error, value};

const DAMAGED: Error = Error::Damaged("a look at an event");

/// Reads looks beside their rule set.
pub(in crate::evidence) struct Reader<'a> {
    pub(in crate::evidence) set: &'a RuleSet,
    pub(in crate::evidence) index: &'a Index,
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
    pub(in crate::evidence) fn look(&self, bytes: &mut Bytes<'_>) -> Result<LookRecord, Error> {
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
            look: Look { record, at, captured, settled: Some(settled), assumed: None },
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

/// Reads what [`super::put_clear`] has written.
pub(in crate::evidence) fn clear(bytes: &mut Bytes<'_>) -> Result<Vec<(SmolStr, String)>, Error> {
    list(bytes, |bytes| Ok((SmolStr::new(bytes.text()?), bytes.text()?.to_owned())))
}
