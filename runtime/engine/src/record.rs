//! An event as the engine sees it: values at the slots its schema gives them.
//!
//! A [`Record`] has one slot for each field of its event, in the schema's order; looking a field up is two
//! array accesses and no name is ever compared. Records are made by a [`RecordBuilder`], which refuses values
//! that are of another type or over their bound and says why, so everything behind it may rely on both.
//! A copy shares its slots until one of the two is changed.

use std::sync::Arc;

use weir_compiler::ids::{EventId, FieldId};
use weir_compiler::schema::{Schema, Slot};
use weir_compiler::types::Type;
use weir_compiler::value::Value;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    event: EventId,
    /// Behind a vector, so that a record that has been filled is not copied to be shared.
    slots: Arc<Vec<Option<Value>>>,
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
        let slots = schema.events.get(event).map_or(0, |event| event.slots.len());
        Self { event, slots: Arc::new(vec![None; slots]) }
    }

    /// A record with what `fill` says of each slot, which must fit it.
    pub(crate) fn filled(schema: &Schema, event: EventId, fill: impl FnMut(&Slot) -> Option<Value>) -> Self {
        let slots = schema.events.get(event).map(|event| event.slots.as_slice()).unwrap_or_default();
        Self { event, slots: Arc::new(slots.iter().map(fill).collect()) }
    }

    /// The event it is of.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The value of a field; nothing when it is missing or no field of this event.
    pub fn get(&self, schema: &Schema, field: FieldId) -> Option<&Value> {
        let slot = schema.events.get(self.event)?.slot(field)?;
        self.slots.get(slot)?.as_ref()
    }

    /// The fields with their values, in the schema's order.
    pub fn fields<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = (Slot, Option<&'a Value>)> {
        let slots = schema.events.get(self.event).map(|event| event.slots.as_slice()).unwrap_or_default();
        slots.iter().zip(self.slots.iter()).map(|(slot, value)| (*slot, value.as_ref()))
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
        let place = Arc::make_mut(&mut self.slots).get_mut(slot).ok_or(FieldError::Unknown)?;
        *place = Some(value);
        Ok(())
    }

    /// Sets a field to what stands for its value in a record of a decision, whatever its type.
    pub(crate) fn stand_in(&mut self, schema: &Schema, field: FieldId, value: Value) {
        let slot = schema.events.get(self.event).and_then(|event| event.slot(field));
        if let Some(place) = slot.and_then(|slot| Arc::make_mut(&mut self.slots).get_mut(slot)) {
            *place = Some(value);
        }
    }

    /// Makes a field missing.
    pub fn clear(&mut self, schema: &Schema, field: FieldId) {
        let slot = schema.events.get(self.event).and_then(|event| event.slot(field));
        // Clearing what is missing copies nothing.
        if let Some(slot) = slot.filter(|slot| matches!(self.slots.get(*slot), Some(Some(_))))
            && let Some(place) = Arc::make_mut(&mut self.slots).get_mut(slot)
        {
            *place = None;
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
    slots: Vec<Option<Value>>,
}

impl<'s> RecordBuilder<'s> {
    /// Begins a record.
    pub fn new(schema: &'s Schema, event: EventId) -> Self {
        let count = schema.events.get(event).map_or(0, |event| event.slots.len());
        let mut slots = Vec::with_capacity(count);
        slots.resize_with(count, || None);
        Self { schema, event, slots }
    }

    /// Begins a record with the envelope of another event: it stands at the same slots in all.
    pub fn beside(schema: &'s Schema, event: EventId, other: &Record) -> Self {
        let mut builder = Self::new(schema, event);
        let envelope = other.slots.iter().take(schema.envelope);
        builder.slots.iter_mut().zip(envelope).for_each(|(place, value)| place.clone_from(value));
        builder
    }

    /// Sets a field.
    ///
    /// # Errors
    /// As [`Record::set`].
    pub fn set(&mut self, field: FieldId, value: Value) -> Result<&mut Self, FieldError> {
        let slot = slot_for(self.schema, self.event, field, &value)?;
        *self.slots.get_mut(slot).ok_or(FieldError::Unknown)? = Some(value);
        Ok(self)
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

/// Whether a value is of its field's type and within its bound.
pub(crate) fn fits(schema: &Schema, field: FieldId, value: &Value) -> bool {
    schema.fields.get(field).is_some_and(|field| check(value, &field.ty, field.bound).is_ok())
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
    use super::*;
    use crate::fixture::Fixture;

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
