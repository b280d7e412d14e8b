//! Envelope and events to a [`Schema`].

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;
use weir_dsl::{Code, Diagnostic, FileId, FileSpan, ast};

use super::build::{Seen, at, duplicate};
use super::types::resolve_type;
use crate::ids::*;
use crate::schema::{Event, Field, Schema, Slot};
use crate::types::Type;

/// The most events of a project.
pub(super) const EVENTS_LIMIT: usize = 2_048;
/// The most fields of a project; one of several events with one type counts once.
pub(super) const FIELDS_LIMIT: usize = 16_384;

/// Collects events and fields.
#[derive(Default)]
pub(super) struct SchemaBuilder {
    schema: Schema,
    ids: HashMap<(SmolStr, Type), FieldId>,
    /// Envelope slots and where each was declared.
    envelope: Vec<Slot>,
    /// Names and aliases of the envelope.
    envelope_names: Seen,
    /// Names and aliases of events.
    event_names: Seen,
    /// Where aliases stand.
    aliases: HashSet<FileSpan>,
    /// The first place beyond a limit.
    beyond: Option<FileSpan>,
}

impl SchemaBuilder {
    /// Adds envelope fields; all must be added before the first event.
    pub(super) fn envelope(
        &mut self,
        file: FileId,
        fields: &[ast::Field],
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut names = std::mem::take(&mut self.envelope_names);
        for field in fields {
            if let Some(slot) = self.field(file, field, &mut names, None, diagnostics) {
                self.envelope.push(slot);
            }
        }
        self.envelope_names = names;
        self.schema.envelope = self.schema.fields.len();
    }

    /// Adds an event. A name that is taken is reported and adds nothing.
    pub(super) fn event(
        &mut self,
        package: &SmolStr,
        file: FileId,
        event: &ast::Event,
        doc: SmolStr,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut names = Seen::new();
        let mut slots = self.envelope.clone();
        for field in &event.fields {
            slots.extend(self.field(
                file,
                field,
                &mut names,
                Some(&self.envelope_names.clone()),
                diagnostics,
            ));
        }
        let place = at(file, &event.name);
        if event.name.text == super::EXCHANGE {
            let title = format!("`{}` is built in", super::EXCHANGE);
            diagnostics.push(Diagnostic::new(Code::DUPLICATE_NAME, place, title));
            return;
        }
        if let Some(first) = self.event_names.get(&event.name.text) {
            let diagnostic = self.taken(&event.name.text, place, *first);
            diagnostics
                .push(diagnostic.note("the name of an event is the same in all packages: records carry it"));
            return;
        }
        if self.schema.events.len() >= EVENTS_LIMIT {
            self.beyond.get_or_insert(place);
            return;
        }
        self.event_names.insert(event.name.text.clone(), place);
        let mut aliases = Vec::new();
        for alias in &event.aliases {
            self.aliases.insert(at(file, alias));
            if let Some(first) = self.event_names.get(&alias.text) {
                diagnostics.push(self.taken(&alias.text, at(file, alias), *first));
            } else {
                self.event_names.insert(alias.text.clone(), at(file, alias));
                aliases.push(alias.text.clone());
            }
        }
        self.schema.events.push(Event {
            name: event.name.text.clone(),
            package: package.clone(),
            aliases,
            slots,
            slot_of: Vec::new(),
            at: place,
            doc,
        });
    }

    /// The diagnostic for a name that has been taken: with an alias among the two, records would have two meanings.
    fn taken(&self, name: &str, place: FileSpan, first: FileSpan) -> Diagnostic {
        if !self.aliases.contains(&place) && !self.aliases.contains(&first) {
            return duplicate(name, place, first);
        }
        let title = format!("`{name}` means two things, one of them by an alias");
        Diagnostic::new(Code::BAD_SCHEMA, place, title)
            .also(first, "the other is here")
            .note("a record that carries it would have two meanings")
    }

    /// The slot of a field; nothing when its name is taken.
    fn field(
        &mut self,
        file: FileId,
        field: &ast::Field,
        names: &mut Seen,
        envelope: Option<&Seen>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Slot> {
        let resolved = resolve_type(&field.ty, file, diagnostics);
        let place = at(file, &field.name);
        if let Some(first) = envelope.and_then(|envelope| envelope.get(&field.name.text)) {
            let diagnostic = self.taken(&field.name.text, place, *first);
            diagnostics.push(diagnostic.note("the envelope gives this field to every event"));
            return None;
        }
        if let Some(first) = names.get(&field.name.text) {
            diagnostics.push(self.taken(&field.name.text, place, *first));
            return None;
        }
        if self.schema.fields.len() >= FIELDS_LIMIT {
            self.beyond.get_or_insert(place);
            return None;
        }
        names.insert(field.name.text.clone(), place);
        let mut aliases = Vec::new();
        for alias in &field.aliases {
            self.aliases.insert(at(file, alias));
            let taken =
                names.get(&alias.text).or_else(|| envelope.and_then(|envelope| envelope.get(&alias.text)));
            if let Some(first) = taken {
                diagnostics.push(self.taken(&alias.text, at(file, alias), *first));
            } else {
                names.insert(alias.text.clone(), at(file, alias));
                aliases.push(alias.text.clone());
            }
        }
        let id = self.shared(field, resolved.ty, resolved.bound, aliases);
        Some(Slot { field: id, optional: resolved.optional, response: field.response })
    }

    /// The field of a name and type; what its declarations say adds up.
    fn shared(&mut self, field: &ast::Field, ty: Type, bound: u32, aliases: Vec<SmolStr>) -> FieldId {
        let key = (field.name.text.clone(), ty);
        if let Some(&id) = self.ids.get(&key) {
            if let Some(known) = self.schema.fields.get_mut(id) {
                known.bound = known.bound.max(bound);
                known.personal |= field.personal;
                known.aliases.extend(aliases);
                known.aliases.sort();
                known.aliases.dedup();
            }
            return id;
        }
        let (name, ty) = key.clone();
        let id = self.schema.fields.push(Field { name, ty, bound, personal: field.personal, aliases });
        self.ids.insert(key, id);
        id
    }

    /// The schema, slots found.
    pub(super) fn finish(mut self, diagnostics: &mut Vec<Diagnostic>) -> Schema {
        if let Some(place) = self.beyond {
            let title = format!("more than {EVENTS_LIMIT} events or {FIELDS_LIMIT} different fields");
            diagnostics.push(
                Diagnostic::new(Code::UNBOUNDED, place, title).label("this and what follows is left out"),
            );
        }
        let fields = self.schema.fields.len();
        let ids: Vec<EventId> = self.schema.events.ids().collect();
        for id in ids {
            let Some(event) = self.schema.events.get_mut(id) else { continue };
            event.slot_of = vec![Event::ABSENT; fields];
            for (slot, what) in event.slots.iter().enumerate() {
                // At most FIELDS_LIMIT slots: each is a field of its own.
                if let (Some(entry), Ok(slot)) =
                    (event.slot_of.get_mut(what.field.index()), u16::try_from(slot))
                {
                    *entry = slot;
                }
            }
        }
        self.schema
    }
}
