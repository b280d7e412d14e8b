//! Whether records written under one schema can be read under the next.
//!
//! Compatible: a new event, a new optional field, a new variant, a larger bound, a name changed with an
//! `alias`. Everything else would misread or lose what is recorded.

use weir_dsl::{Code, Diagnostic, FileSpan, Span};

use crate::schema::{Event, Field, Schema, Slot};
use crate::types::Type;

/// What keeps records of `old` from being read under `new`, in order of the old schema. Places are those of
/// the new one: of the event, or of the first file of its package when the event is gone.
pub fn evolve(old: &Schema, new: &Schema) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    envelope(old, new, &mut found);
    for (_, before) in old.events.iter() {
        match new.event(&before.name).and_then(|id| new.events.get(id)) {
            Some(after) => event(old, before, new, after, &mut found),
            None => {
                let title = format!("event `{}` is gone", before.name);
                let package = new.events.values().find(|event| event.package == before.package);
                let file =
                    package.or(new.events.values().next()).map(|event| event.at.file).unwrap_or_default();
                let at = FileSpan { file, span: Span::at(0) };
                found.push(fault(at, title).help(format!(
                    "declare it again; if it has a new name, write `event new_name alias {} {{ … }}`",
                    before.name
                )));
            }
        }
    }
    found
}

fn fault(at: FileSpan, title: String) -> Diagnostic {
    Diagnostic::new(Code::BAD_SCHEMA, at, title)
        .note("recorded events could not be read as they were written")
}

/// The envelope is every event's: it is compared once, at the first event.
fn envelope(old: &Schema, new: &Schema, found: &mut Vec<Diagnostic>) {
    let (Some(before), Some(after)) = (old.events.values().next(), new.events.values().next()) else {
        return;
    };
    let at = FileSpan { file: after.at.file, span: Span::at(0) };
    let slots =
        |event: &Event, envelope: usize| event.slots.iter().take(envelope).copied().collect::<Vec<Slot>>();
    let (was, is) = (slots(before, old.envelope), slots(after, new.envelope));
    fields("the envelope", at, (old, &was), (new, &is), found);
}

fn event(old: &Schema, before: &Event, new: &Schema, after: &Event, found: &mut Vec<Diagnostic>) {
    let own =
        |event: &Event, envelope: usize| event.slots.iter().skip(envelope).copied().collect::<Vec<Slot>>();
    let (was, is) = (own(before, old.envelope), own(after, new.envelope));
    fields(&format!("`{}`", after.name), after.at, (old, &was), (new, &is), found);
}

fn fields(
    whose: &str,
    at: FileSpan,
    old: (&Schema, &[Slot]),
    new: (&Schema, &[Slot]),
    found: &mut Vec<Diagnostic>,
) {
    let of = |schema: &Schema, slot: &Slot| schema.fields.get(slot.field).cloned();
    let is: Vec<(Field, Slot)> = new.1.iter().filter_map(|slot| Some((of(new.0, slot)?, *slot))).collect();
    let mut kept: Vec<bool> = vec![false; is.len()];
    for slot in old.1 {
        let Some(before) = of(old.0, slot) else { continue };
        let named = is.iter().position(|(field, _)| field.name == before.name);
        let position =
            named.or_else(|| is.iter().position(|(field, _)| field.aliases.contains(&before.name)));
        let Some((after, now)) = position.and_then(|position| is.get(position)) else {
            let title = format!("field `{}` of {whose} is gone", before.name);
            found.push(fault(at, title).help(format!(
                "declare it again; if it has a new name, write `new_name: {} alias {}`",
                before.ty, before.name
            )));
            continue;
        };
        if let Some(entry) = position.and_then(|position| kept.get_mut(position)) {
            *entry = true;
        }
        field(whose, at, (&before, slot), (after, now), found);
    }
    for ((field, slot), kept) in is.iter().zip(kept) {
        if !kept && !slot.optional {
            let title = format!("new field `{}` of {whose} is required", field.name);
            found.push(fault(at, title).help(format!("make it optional: `{}: {}?`", field.name, field.ty)));
        }
    }
}

fn field(whose: &str, at: FileSpan, old: (&Field, &Slot), new: (&Field, &Slot), found: &mut Vec<Diagnostic>) {
    let ((before, was), (after, is)) = (old, new);
    let name = &after.name;
    match change(&before.ty, &after.ty) {
        Change::None => (),
        Change::Variants(gone) => {
            let title = format!("field `{name}` of {whose} has lost {}", gone.join(", "));
            found.push(fault(at, title).help("keep old variants: records hold them"));
        }
        Change::Type => {
            let title = format!("field `{name}` of {whose} was `{}` and is `{}`", before.ty, after.ty);
            found.push(fault(at, title).help("give the new type a field of its own, and make that optional"));
        }
    }
    if was.optional && !is.optional {
        let title = format!("field `{name}` of {whose} was optional and is required");
        found.push(fault(at, title).help(format!("write `{name}: {}?`", after.ty)));
    }
    if before.personal && !after.personal {
        let title = format!("field `{name}` of {whose} is no longer personal");
        found.push(
            fault(at, title).help("records hold its hash alone: give the clear value a field of its own"),
        );
    }
    if after.bound < before.bound {
        let title = format!("the bound of `{name}` of {whose} was {} and is {}", before.bound, after.bound);
        found.push(fault(at, title));
    }
}

enum Change {
    None,
    Variants(Vec<String>),
    Type,
}

fn change(old: &Type, new: &Type) -> Change {
    match (old, new) {
        (Type::Enum(old), Type::Enum(new)) => {
            let gone =
                old.iter().filter(|variant| !new.contains(variant)).map(|variant| format!("`{variant}`"));
            let gone: Vec<String> = gone.collect();
            if gone.is_empty() { Change::None } else { Change::Variants(gone) }
        }
        (Type::List(old), Type::List(new)) | (Type::Set(old), Type::Set(new)) => change(old, new),
        (Type::Map(old_key, old), Type::Map(new_key, new)) => match change(old_key, new_key) {
            Change::None => change(old, new),
            other => other,
        },
        (old, new) if old == new => Change::None,
        _ => Change::Type,
    }
}
