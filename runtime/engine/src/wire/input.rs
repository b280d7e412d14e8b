//! Inputs and outcomes of models as bytes, beside a [`Dictionary`].

use weir_compiler::hir::Hir;
use weir_compiler::ids::{EventId, FieldId, Id, ModelId};
use weir_compiler::schema::Schema;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use super::bytes::{Bytes, Error, put_i64, put_text, put_u64};
use super::dictionary::Dictionary;
use super::value::{Variants, put_value, value};
use crate::input::{Input, Outcome, Seq};
use crate::record::Record;

/// Appends an event. Its fields are those of `schema`, which the dictionary was made of.
///
/// Layout: the event's position; a bit for each of its slots, lowest first, set where there is a value; the values.
pub fn put_record(out: &mut Vec<u8>, schema: &Schema, record: &Record) {
    put_u64(out, record.event().index() as u64);
    let bits = out.len();
    let slots = schema.events.get(record.event()).map_or(0, |event| event.slots.len());
    out.resize(bits + slots.div_ceil(8), 0);
    for (at, (slot, found)) in record.fields(schema).enumerate() {
        let (Some(found), Some(field)) = (found, schema.fields.get(slot.field)) else { continue };
        if let Some(byte) = out.get_mut(bits + at / 8) {
            *byte |= 1 << (at % 8);
        }
        put_value(out, found, &field.ty, Variants::Position);
    }
}

/// Appends an input.
pub fn put_input(out: &mut Vec<u8>, schema: &Schema, input: &Input) {
    let records = |out: &mut Vec<u8>, events: &[Record]| {
        put_u64(out, events.len() as u64);
        events.iter().for_each(|record| put_record(out, schema, record));
    };
    match input {
        Input::Request { at, events } => {
            out.push(1);
            put_i64(out, *at);
            records(out, events);
        }
        Input::Response { request, at, fields, events } => {
            out.push(2);
            put_u64(out, request.0);
            put_i64(out, *at);
            put_u64(out, fields.len() as u64);
            for known in fields {
                put_u64(out, known.len() as u64);
                for (field, found) in known {
                    put_u64(out, field.index() as u64);
                    let ty = schema.fields.get(*field).map_or(&Type::Error, |field| &field.ty);
                    put_value(out, found, ty, Variants::Position);
                }
            }
            records(out, events);
        }
        Input::Tick { at } => {
            out.push(3);
            put_i64(out, *at);
        }
        // Commands are few, and read by name: in JSON they evolve by themselves.
        Input::Command { at, command } => {
            out.push(4);
            put_i64(out, *at);
            put_text(out, &serde_json::to_string(command).unwrap_or_default());
        }
    }
}

/// Appends what came of the calls of one decision, in their order, each with its model.
pub fn put_outcomes<'o>(
    out: &mut Vec<u8>,
    hir: &Hir,
    outcomes: impl ExactSizeIterator<Item = (ModelId, &'o Outcome)>,
) {
    put_u64(out, outcomes.len() as u64);
    for (model, outcome) in outcomes {
        match outcome {
            Outcome::Failed => out.push(0),
            Outcome::Late => out.push(1),
            Outcome::Answer(answer) => {
                out.push(2);
                put_u64(out, model.index() as u64);
                let ty = hir.declarations.models.get(model).map_or(&Type::Error, |model| &model.output);
                put_value(out, answer, ty, Variants::Position);
            }
        }
    }
}

/// What was in the bytes and has no place in the present schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Values of fields that the event no longer has.
    pub fields: u64,
    /// Values that their field no longer takes: of another type, or over its bound.
    pub values: u64,
}

/// Reads what was written beside a dictionary into records of a present schema.
#[derive(Clone, Debug)]
pub struct Decoder<'h> {
    hir: &'h Hir,
    dictionary: Dictionary,
    /// By position: the present event.
    events: Vec<Option<EventId>>,
    /// By position of the event and slot: the present field.
    slots: Vec<Vec<Option<FieldId>>>,
    /// By position: the present field, for fields of responses.
    fields: Vec<Option<FieldId>>,
    dropped: Dropped,
}

impl<'h> Decoder<'h> {
    /// Finds every name of the dictionary in the rule set. Cost: linear in both.
    pub fn new(dictionary: Dictionary, hir: &'h Hir) -> Self {
        let schema = &hir.schema;
        let events: Vec<Option<EventId>> =
            dictionary.events.iter().map(|(name, _)| schema.event(name)).collect();
        let mut fields = vec![None; dictionary.fields.len()];
        let mut slots = Vec::with_capacity(events.len());
        for ((_, known), event) in dictionary.events.iter().zip(&events) {
            let mut found = Vec::with_capacity(known.len());
            for at in known {
                let name = dictionary.fields.get(*at).map(|(name, _)| name.as_str()).unwrap_or_default();
                let field = event.and_then(|event| schema.field(event, name));
                if let Some(place) = fields.get_mut(*at) {
                    *place = place.or(field);
                }
                found.push(field);
            }
            slots.push(found);
        }
        Self { hir, dictionary, events, slots, fields, dropped: Dropped::default() }
    }

    /// What had no place so far.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    fn was(dictionary: &Dictionary, at: usize) -> &Type {
        dictionary.fields.get(at).map_or(&Type::Error, |(_, ty)| ty)
    }

    /// Reads a value as that of a present field, or as nothing where there is none.
    fn field(&self, bytes: &mut Bytes<'_>, at: usize, is: Option<FieldId>) -> Result<Value, Error> {
        let was = Self::was(&self.dictionary, at);
        let is = is.and_then(|field| self.hir.schema.fields.get(field)).map_or(was, |field| &field.ty);
        value(bytes, was, is)
    }

    /// Reads an event.
    ///
    /// # Errors
    /// When the bytes are none of an event, or the schema no longer has it: without it, nothing that follows would be
    /// decided as it was.
    pub fn record(&mut self, bytes: &mut Bytes<'_>) -> Result<Record, Error> {
        let at: usize = bytes.small()?;
        let (Some(event), Some((_, known))) =
            (self.events.get(at).copied().flatten(), self.dictionary.events.get(at))
        else {
            return Err(Error::Damaged("an event that the schema does not have"));
        };
        let bits = bytes.take(known.len().div_ceil(8))?;
        let schema = &self.hir.schema;
        let mut record = Record::empty(schema, event);
        let present = self.slots.get(at).map(Vec::as_slice).unwrap_or_default();
        for (slot, (field, is)) in known.iter().zip(present).enumerate() {
            if bits.get(slot / 8).is_none_or(|byte| byte & (1 << (slot % 8)) == 0) {
                continue;
            }
            let found = self.field(bytes, *field, *is)?;
            match is {
                Some(is) => {
                    if record.set(schema, *is, found).is_err() {
                        self.dropped.values = self.dropped.values.saturating_add(1);
                    }
                }
                None => self.dropped.fields = self.dropped.fields.saturating_add(1),
            }
        }
        Ok(record)
    }

    fn records(&mut self, bytes: &mut Bytes<'_>) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for _ in 0..bytes.count()? {
            records.push(self.record(bytes)?);
        }
        Ok(records)
    }

    /// Reads an input.
    ///
    /// # Errors
    /// When the bytes are none of an input, and as [`Decoder::record`].
    pub fn input(&mut self, bytes: &mut Bytes<'_>) -> Result<Input, Error> {
        Ok(match bytes.byte()? {
            1 => Input::Request { at: bytes.i64()?, events: self.records(bytes)? },
            2 => {
                let (request, at) = (Seq(bytes.u64()?), bytes.i64()?);
                let mut fields = Vec::new();
                for _ in 0..bytes.count()? {
                    let mut known = Vec::new();
                    for _ in 0..bytes.count()? {
                        let at: usize = bytes.small()?;
                        let Some(is) = self.fields.get(at).copied() else {
                            return Err(Error::Damaged("a field that is not in the dictionary"));
                        };
                        let found = self.field(bytes, at, is)?;
                        match is {
                            Some(is) => known.push((is, found)),
                            None => self.dropped.fields = self.dropped.fields.saturating_add(1),
                        }
                    }
                    fields.push(known);
                }
                Input::Response { request, at, fields, events: self.records(bytes)? }
            }
            3 => Input::Tick { at: bytes.i64()? },
            4 => {
                let (at, command) = (bytes.i64()?, bytes.text()?);
                let command = serde_json::from_str(command);
                Input::Command { at, command: command.map_err(|_| Error::Damaged("an unknown command"))? }
            }
            _ => return Err(Error::Damaged("an input of no known kind")),
        })
    }

    /// Reads what came of the calls of one decision.
    ///
    /// # Errors
    /// When the bytes are none of outcomes.
    pub fn outcomes(&mut self, bytes: &mut Bytes<'_>) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::new();
        for _ in 0..bytes.count()? {
            outcomes.push(match bytes.byte()? {
                0 => Outcome::Failed,
                1 => Outcome::Late,
                2 => {
                    let at: usize = bytes.small()?;
                    let Some((name, was)) = self.dictionary.models.get(at) else {
                        return Err(Error::Damaged("a model that is not in the dictionary"));
                    };
                    let models = &self.hir.declarations.models;
                    let is = models.values().find(|model| model.named.name == *name);
                    Outcome::Answer(value(bytes, was, is.map_or(was, |model| &model.output))?)
                }
                _ => return Err(Error::Damaged("an outcome of no known kind")),
            });
        }
        Ok(outcomes)
    }
}
