//! What names and types the bytes beside it stand for.
//!
//! A dictionary is written once, before the records that need it: every event with its fields, every field with its
//! type, every model with what it answers. Inside the records a field is its position in the dictionary. Whoever
//! reads them, with whatever schema, finds event, field and variant again by name, or by an earlier name that the
//! present schema remembers.

use smol_str::SmolStr;
use weir_compiler::hir::Hir;
use weir_compiler::ids::Id;
use weir_compiler::types::Type;

use super::bytes::{Bytes, Error, put_text, put_u64};
use super::value::{put_type, ty};

/// Names and types.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dictionary {
    /// Fields with their types.
    pub fields: Vec<(SmolStr, Type)>,
    /// Events with their fields, by position in `fields`, in the order of the records' slots.
    pub events: Vec<(SmolStr, Vec<usize>)>,
    /// Models with the types of their answers.
    pub models: Vec<(SmolStr, Type)>,
}

impl Dictionary {
    /// Of a rule set: positions are those of its schema.
    pub fn of(hir: &Hir) -> Self {
        let fields = hir.schema.fields.values().map(|field| (field.name.clone(), field.ty.clone()));
        let events =
            hir.schema.events.values().map(|event| {
                (event.name.clone(), event.slots.iter().map(|slot| slot.field.index()).collect())
            });
        let models = hir.declarations.models.values();
        Self {
            fields: fields.collect(),
            events: events.collect(),
            models: models.map(|model| (model.named.name.clone(), model.output.clone())).collect(),
        }
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let named = |out: &mut Vec<u8>, items: &[(SmolStr, Type)]| {
            put_u64(out, items.len() as u64);
            for (name, ty) in items {
                put_text(out, name);
                put_type(out, ty);
            }
        };
        named(out, &self.fields);
        put_u64(out, self.events.len() as u64);
        for (name, fields) in &self.events {
            put_text(out, name);
            put_u64(out, fields.len() as u64);
            fields.iter().for_each(|field| put_u64(out, *field as u64));
        }
        named(out, &self.models);
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the bytes are none of a dictionary.
    pub fn read(bytes: &mut Bytes<'_>) -> Result<Self, Error> {
        let fields = named(bytes)?;
        let mut events = Vec::new();
        for _ in 0..bytes.count()? {
            let name = SmolStr::new(bytes.text()?);
            let mut slots = Vec::new();
            for _ in 0..bytes.count()? {
                let field: usize = bytes.small()?;
                if field >= fields.len() {
                    return Err(Error::Damaged("a field that is not in the dictionary"));
                }
                slots.push(field);
            }
            events.push((name, slots));
        }
        Ok(Self { fields, events, models: named(bytes)? })
    }
}

fn named(bytes: &mut Bytes<'_>) -> Result<Vec<(SmolStr, Type)>, Error> {
    let mut items = Vec::new();
    for _ in 0..bytes.count()? {
        let name = SmolStr::new(bytes.text()?);
        items.push((name, ty(bytes)?));
    }
    Ok(items)
}
