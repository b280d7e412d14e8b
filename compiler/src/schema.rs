//! Events, their fields and where each field stands in a record.
//!
//! A [`FieldId`] is a name with a type, wherever it occurs: `sku: id<sku>` of `cart.add` and of `checkout`
//! is one field, so a policy over both reads it without asking which event it has. Each event knows at
//! which slot of its records a field stands; envelope fields come first, at the same slot in all.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::ids::{EventId, FieldId, Id, IdVec};
use crate::types::Type;

/// All events of a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The fields, envelope first.
    pub fields: IdVec<FieldId, Field>,
    /// How many of them every event carries.
    pub envelope: usize,
    /// The events.
    pub events: IdVec<EventId, Event>,
}

/// A field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Longest text, most items; the type's default unless declared.
    pub bound: u32,
    /// Must not be stored in clear.
    pub personal: bool,
    /// Its names in earlier schemas.
    pub aliases: Vec<SmolStr>,
}

/// An event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub name: SmolStr,
    /// The package that declares it.
    pub package: SmolStr,
    /// Its names in earlier schemas.
    pub aliases: Vec<SmolStr>,
    /// What stands at each slot: all envelope fields, then its own.
    pub slots: Vec<Slot>,
    /// The slot of each field of the schema; [`Event::ABSENT`] where it has none.
    pub slot_of: Vec<u16>,
    /// Where it is declared.
    pub at: FileSpan,
    /// Its documentation.
    pub doc: SmolStr,
}

/// A slot of an event's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The field.
    pub field: FieldId,
    /// It can be missing.
    pub optional: bool,
    /// It is known only with the response.
    pub response: bool,
}

impl Event {
    /// Marks a field that the event does not have.
    pub const ABSENT: u16 = u16::MAX;

    /// Where `field` stands in records of this event.
    pub fn slot(&self, field: FieldId) -> Option<usize> {
        match self.slot_of.get(field.index()) {
            None | Some(&Self::ABSENT) => None,
            Some(&slot) => Some(usize::from(slot)),
        }
    }

    /// What stands at the slot of `field`.
    pub fn slot_info(&self, field: FieldId) -> Option<Slot> {
        self.slots.get(self.slot(field)?).copied()
    }
}

impl Schema {
    /// The event of a name, by earlier names too.
    pub fn event(&self, name: &str) -> Option<EventId> {
        let by_name = self.events.iter().find(|(_, event)| event.name == name);
        let by_alias = || self.events.iter().find(|(_, event)| event.aliases.iter().any(|old| old == name));
        by_name.or_else(by_alias).map(|(id, _)| id)
    }

    /// The field of a name in an event, by earlier names too.
    pub fn field(&self, event: EventId, name: &str) -> Option<FieldId> {
        let slots = &self.events.get(event)?.slots;
        let named = |slot: &&Slot| self.fields.get(slot.field).is_some_and(|field| field.name == name);
        let once = |slot: &&Slot| {
            self.fields.get(slot.field).is_some_and(|field| field.aliases.iter().any(|old| old == name))
        };
        slots.iter().find(named).or_else(|| slots.iter().find(once)).map(|slot| slot.field)
    }

    /// The envelope field of a name.
    pub fn envelope_field(&self, name: &str) -> Option<FieldId> {
        self.fields.iter().take(self.envelope).find(|(_, field)| field.name == name).map(|(id, _)| id)
    }
}
