//! An event as the engine sees it: values at the slots its schema gives them.
//!
//! A [`Record`] has one slot for each field of its event, in the schema's order; looking a field up is three array accesses, and
//! no name is ever compared. Records are made by a [`RecordBuilder`], which refuses values that are of another type or
//! over their bound and says why, so everything behind it may rely on both. A copy shares its slots until one of the two is
//! changed.
//!
//! ```text
//!  places   │ – 0 2 – – 1 … │   a byte a slot                   of some sixty slots a log fills a dozen: making and dropping
//!  values   │ v v v │           in the order in which they came   a record costs what is in it, not what could be
//! ```
//!
//! The places begin on a line of the cache, and both parts are of sizes that an allocator hands out as they are.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::ids::{EventId, FieldId};
use weir_compiler::schema::{Schema, Slot};
use weir_compiler::types::Type;
use weir_compiler::value::Value;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    event: EventId,
    slots: Arc<Slots>,
}

/// What is known of an event.
#[repr(align(64))]
struct Slots {
    /// By slot, where its value stands; [`MISSING`] without one.
    places: [u8; NEAR],
    values: Vec<Value>,
    /// The values of the slots behind, which few events have: with the slot, in order.
    others: Vec<(u16, Value)>,
}

/// Slots that have a place.
const NEAR: usize = 128;
/// The place of a value that is not there.
const MISSING: u8 = u8::MAX;
/// Values for which a new record has room: with 24 bytes each they fill a block of 256.
const USUAL: usize = 10;

/// A field of an event, looked up once by whoever fills many records of it.
#[derive(Clone, Debug)]
pub struct Place {
    slot: usize,
    ty: Type,
    bound: u32,
}

impl Place {
    /// Where a field of an event stands; nothing where the event has no such field.
    pub fn of(schema: &Schema, event: EventId, field: FieldId) -> Option<Self> {
        let (slot, declared) = (schema.events.get(event)?.slot(field)?, schema.fields.get(field)?);
        Some(Self { slot, ty: declared.ty.clone(), bound: declared.bound })
    }

    /// The type of its values.
    pub fn ty(&self) -> &Type {
        &self.ty
    }
}

impl Clone for Slots {
    /// With room for what is added: a copy is made for that alone.
    fn clone(&self) -> Self {
        let mut values = Vec::with_capacity((self.values.len() + 2).max(USUAL));
        values.extend_from_slice(&self.values);
        Self { places: self.places, values, others: self.others.clone() }
    }
}

impl Slots {
    fn new() -> Self {
        Self { places: [MISSING; NEAR], values: Vec::with_capacity(USUAL), others: Vec::new() }
    }

    fn get(&self, slot: usize) -> Option<&Value> {
        match self.places.get(slot) {
            // What is missing has a place behind every value.
            Some(place) => self.values.get(usize::from(*place)),
            None => {
                let place = self.others.binary_search_by_key(&slot, |(slot, _)| usize::from(*slot)).ok()?;
                self.others.get(place).map(|(_, value)| value)
            }
        }
    }

    fn set(&mut self, slot: usize, value: Value) {
        if let Some(place) = self.places.get_mut(slot) {
            match self.values.get_mut(usize::from(*place)) {
                Some(known) => *known = value,
                None => {
                    // There are no more values than places.
                    *place = self.values.len() as u8;
                    self.values.push(value);
                }
            }
            return;
        }
        match self.others.binary_search_by_key(&slot, |(slot, _)| usize::from(*slot)) {
            Ok(place) => {
                if let Some((_, known)) = self.others.get_mut(place) {
                    *known = value;
                }
            }
            // The schema numbers slots with as many bits.
            Err(place) => self.others.insert(place, (slot as u16, value)),
        }
    }

    fn clear(&mut self, slot: usize) {
        let Some(place) = self.places.get_mut(slot) else {
            self.others.retain(|(known, _)| usize::from(*known) != slot);
            return;
        };
        let cleared = std::mem::replace(place, MISSING);
        if usize::from(cleared) >= self.values.len() {
            return;
        }
        // The last value moves into the gap.
        self.values.swap_remove(usize::from(cleared));
        let moved = self.values.len() as u8;
        if let Some(place) = self.places.iter_mut().find(|place| **place == moved) {
            *place = cleared;
        }
    }

    /// Shows the slots that have a value, in order.
    fn each(&self, mut show: impl FnMut(usize, &Value)) {
        let (groups, _) = self.places.as_chunks::<8>();
        for (at, group) in groups.iter().enumerate() {
            if *group == [MISSING; 8] {
                continue;
            }
            for (place, slot) in group.iter().zip(at * 8..) {
                if let Some(value) = self.values.get(usize::from(*place)) {
                    show(slot, value);
                }
            }
        }
        self.others.iter().for_each(|(slot, value)| show(usize::from(*slot), value));
    }

    /// The slots that have a value, in order.
    fn iter(&self) -> impl Iterator<Item = (usize, &Value)> {
        // Eight at a time: most are missing.
        let (groups, _) = self.places.as_chunks::<8>();
        let some = groups.iter().enumerate().filter(|(_, group)| **group != [MISSING; 8]);
        let near = some.flat_map(|(at, group)| (at * 8..).zip(group));
        let near = near.filter_map(|(slot, place)| Some((slot, self.values.get(usize::from(*place))?)));
        near.chain(self.others.iter().map(|(slot, value)| (usize::from(*slot), value)))
    }
}

impl PartialEq for Slots {
    /// In which order the values came tells nothing.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// The event has no field of that name.
    #[error("the event has no such field")]
    Unknown,
    /// The value is of another type.
    #[error("expected a value of type {expected}")]
    Type {
        /// The field's type.
        expected: Type,
    },
    /// The text is too long, or the list or map has too many members.
    #[error("{length} is more than the {bound} that the schema allows")]
    Bound {
        /// Characters or members.
        length: usize,
        /// The most allowed.
        bound: u32,
    },
}

impl Record {
    /// A record without any value.
    pub fn empty(schema: &Schema, event: EventId) -> Self {
        RecordBuilder::new(schema, event).finish()
    }

    /// The event it is of.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The value of a field; nothing when it is missing or no field of this event.
    pub fn get(&self, schema: &Schema, field: FieldId) -> Option<&Value> {
        self.slots.get(schema.events.get(self.event)?.slot(field)?)
    }

    /// The fields with their values, in the schema's order.
    pub fn fields<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = (Slot, Option<&'a Value>)> {
        let slots = schema.events.get(self.event).map(|event| event.slots.as_slice()).unwrap_or_default();
        slots.iter().enumerate().map(|(at, slot)| (*slot, self.slots.get(at)))
    }

    /// Fields that must be there and are not. Those known only with the response are not asked for.
    pub fn missing<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = FieldId> + 'a {
        self.fields(schema)
            .filter(|(slot, value)| !slot.optional && !slot.response && value.is_none())
            .map(|(slot, _)| slot.field)
    }

    /// Sets a field.
    ///
    /// # Errors
    /// When the event has no such field, or the value is of another type or over its bound. The record stays as
    /// it was.
    pub fn set(&mut self, schema: &Schema, field: FieldId, value: Value) -> Result<(), FieldError> {
        // What is refused copies nothing.
        let slot = slot_for(schema, self.event, field, &value)?;
        Arc::make_mut(&mut self.slots).set(slot, value);
        Ok(())
    }

    /// Sets a field to what stands for its value in a record of a decision, whatever its type.
    pub(crate) fn stand_in(&mut self, schema: &Schema, field: FieldId, value: Value) {
        let slot = schema.events.get(self.event).and_then(|event| event.slot(field));
        if let Some(slot) = slot {
            Arc::make_mut(&mut self.slots).set(slot, value);
        }
    }

    /// Makes a field missing.
    pub fn clear(&mut self, schema: &Schema, field: FieldId) {
        let slot = schema.events.get(self.event).and_then(|event| event.slot(field));
        // Clearing what is missing copies nothing.
        if let Some(slot) = slot.filter(|slot| self.slots.get(*slot).is_some()) {
            Arc::make_mut(&mut self.slots).clear(slot);
        }
    }
}

/// Where `value` goes, if it may.
fn slot_for(schema: &Schema, event: EventId, field: FieldId, value: &Value) -> Result<usize, FieldError> {
    let slot = schema.events.get(event).and_then(|event| event.slot(field));
    let (Some(slot), Some(declared)) = (slot, schema.fields.get(field)) else {
        return Err(FieldError::Unknown);
    };
    check(value, &declared.ty, declared.bound)?;
    Ok(slot)
}

/// Makes a record of one event. Its slots are its own until it is finished, so setting one asks nobody else.
#[derive(Clone, Debug)]
pub struct RecordBuilder<'s> {
    schema: &'s Schema,
    event: EventId,
    slots: Slots,
}

impl<'s> RecordBuilder<'s> {
    /// Begins a record.
    pub fn new(schema: &'s Schema, event: EventId) -> Self {
        Self { schema, event, slots: Slots::new() }
    }

    /// Begins a record with the envelope of another event: it stands at the same slots in all.
    pub fn beside(schema: &'s Schema, event: EventId, other: &Record) -> Self {
        let mut builder = Self::new(schema, event);
        let envelope = other.slots.iter().take_while(|(slot, _)| *slot < schema.envelope);
        envelope.for_each(|(slot, value)| builder.slots.set(slot, value.clone()));
        builder
    }

    /// Begins a record with values of another event: `to` says of each slot there where its value goes, if anywhere.
    pub(crate) fn copied(
        schema: &'s Schema,
        event: EventId,
        other: &Record,
        to: impl Fn(usize) -> Option<usize>,
    ) -> Self {
        let mut builder = Self::new(schema, event);
        other.slots.each(|slot, value| {
            if let Some(to) = to(slot) {
                builder.slots.set(to, value.clone());
            }
        });
        builder
    }

    /// Sets a field.
    ///
    /// # Errors
    /// As [`Record::set`].
    pub fn set(&mut self, field: FieldId, value: Value) -> Result<&mut Self, FieldError> {
        let slot = slot_for(self.schema, self.event, field, &value)?;
        self.slots.set(slot, value);
        Ok(self)
    }

    /// Sets a field of this event that has been looked up. A value of another type or over its bound stays missing.
    pub fn put(&mut self, place: &Place, value: Value) {
        if check(&value, &place.ty, place.bound).is_ok() {
            self.slots.set(place.slot, value);
        }
    }

    /// Sets such a field of text, cut to its bound. Where it is of another type it stays missing.
    pub fn put_text(&mut self, place: &Place, text: &SmolStr) {
        if matches!(place.ty, Type::Text | Type::Id(_) | Type::Fingerprint) {
            let bound = place.bound as usize;
            let text = if text.len() <= bound { text.clone() } else { SmolStr::new(clip(text, bound)) };
            self.slots.set(place.slot, Value::Text(text));
        }
    }

    /// Sets a field by its name or an earlier one. Linear in the fields: readers resolve names once.
    ///
    /// # Errors
    /// As [`Record::set`].
    pub fn set_named(&mut self, name: &str, value: Value) -> Result<&mut Self, FieldError> {
        let field = self.schema.field(self.event, name).ok_or(FieldError::Unknown)?;
        self.set(field, value)
    }

    /// The record.
    pub fn finish(self) -> Record {
        Record { event: self.event, slots: Arc::new(self.slots) }
    }
}

/// At most `bound` characters of `text`: what a client sends is cut, not refused, so that length hides nothing.
pub fn clip(text: &str, bound: usize) -> &str {
    if text.len() <= bound {
        return text;
    }
    text.char_indices().nth(bound).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Whether a model's answer is of the type it declares.
pub(crate) fn conforms(value: &Value, ty: &Type) -> bool {
    check(value, ty, u32::MAX).is_ok()
}

/// Whether `value` is of type `ty` and within `bound` characters or members.
fn check(value: &Value, ty: &Type, bound: u32) -> Result<(), FieldError> {
    let mismatch = || FieldError::Type { expected: ty.clone() };
    let within = |length: usize| {
        if length <= bound as usize { Ok(()) } else { Err(FieldError::Bound { length, bound }) }
    };
    match (value, ty) {
        (Value::Text(text), Type::Text | Type::Id(_) | Type::Fingerprint) => {
            // Bytes are never fewer than characters, so most texts need no counting.
            if text.len() <= bound as usize { Ok(()) } else { within(text.chars().count()) }
        }
        (Value::List(values), Type::List(of) | Type::Set(of)) => {
            within(values.len())?;
            values.iter().try_for_each(|value| check(value, of, bound)).map_err(|error| match error {
                FieldError::Type { .. } => mismatch(),
                error => error,
            })
        }
        (Value::Map(entries), Type::Map(_, of)) => {
            within(entries.len())?;
            entries.iter().try_for_each(|(_, value)| check(value, of, bound))
        }
        (Value::Float(float), Type::Probability) if (0.0..=1.0).contains(float) => Ok(()),
        (Value::Float(float), Type::Float | Type::Rate) if float.is_finite() => Ok(()),
        (Value::Int(_), Type::Int)
        | (Value::Bool(_), Type::Bool)
        | (Value::Ip(_), Type::Ip)
        | (Value::Cidr(_), Type::Cidr)
        | (Value::Asn(_), Type::Asn)
        | (Value::Country(_), Type::Country)
        | (Value::Duration(_), Type::Duration)
        | (Value::Time(_), Type::Timestamp)
        | (Value::Money(..), Type::Money)
        | (Value::Variant(_), Type::Enum(_)) => Ok(()),
        _ => Err(mismatch()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::Fixture;

    proptest! {
        /// A record is an array of what may be known, however it was filled.
        #[test]
        fn slots_are_an_array(
            steps in prop::collection::vec((0_usize..200, prop::option::weighted(0.7, 0_i64..100)), 0..200),
        ) {
            let mut slots = Slots::new();
            let mut array = vec![None; 200];
            for (slot, value) in steps {
                match value {
                    Some(value) => slots.set(slot, Value::Int(value)),
                    None => slots.clear(slot),
                }
                array[slot] = value.map(Value::Int);
                prop_assert_eq!(slots.get(slot), array[slot].as_ref());
            }
            let known = array.iter().enumerate().filter_map(|(slot, value)| Some((slot, value.as_ref()?)));
            prop_assert!(slots.iter().eq(known));
            prop_assert!((0..200).all(|slot| slots.get(slot) == array[slot].as_ref()));
        }
    }

    #[test]
    fn values_of_another_type_are_refused() {
        let fixture = Fixture::new();
        let mut record = RecordBuilder::new(&fixture.schema, fixture.login);
        let error = record.set_named("user", Value::Int(1)).unwrap_err();
        assert_eq!(error, FieldError::Type { expected: Type::Id("user".into()) });
        assert_eq!(error.to_string(), "expected a value of type id<user>");
        assert_eq!(record.set_named("nobody", Value::Int(1)).unwrap_err(), FieldError::Unknown);
    }

    #[test]
    fn bounds_count_characters_and_members() {
        let ty = Type::List(Box::new(Type::Text));
        let list = |n: usize| Value::List(vec![Value::text("é"); n].into());
        assert_eq!(check(&list(3), &ty, 3), Ok(()));
        assert_eq!(check(&list(4), &ty, 3), Err(FieldError::Bound { length: 4, bound: 3 }));
        assert_eq!(check(&Value::text("ééé"), &Type::Text, 3), Ok(()));
        assert_eq!(
            check(&Value::text("éééé"), &Type::Text, 3),
            Err(FieldError::Bound { length: 4, bound: 3 })
        );
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clip("äöü", 2), "äö");
        assert_eq!(clip("abc", 3), "abc");
    }

    #[test]
    fn probabilities_stay_between_0_and_1() {
        assert!(check(&Value::Float(1.0), &Type::Probability, 0).is_ok());
        assert!(check(&Value::Float(1.1), &Type::Probability, 0).is_err());
        assert!(check(&Value::Float(f64::NAN), &Type::Float, 0).is_err());
    }

    #[test]
    fn a_field_of_another_event_is_missing() {
        let fixture = Fixture::new();
        let mut record = Record::empty(&fixture.schema, fixture.login);
        assert_eq!(record.get(&fixture.schema, fixture.field("amount")), None);
        record.set(&fixture.schema, fixture.field("user"), Value::text("ana")).unwrap();
        assert_eq!(record.get(&fixture.schema, fixture.field("user")), Some(&Value::text("ana")));
        record.clear(&fixture.schema, fixture.field("user"));
        assert_eq!(record.get(&fixture.schema, fixture.field("user")), None);
    }
}
