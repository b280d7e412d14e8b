//! A small schema for the tests of this crate, built by hand.

use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::ids::{EventId, FieldId, IdVec};
use weir_compiler::schema::{Event, Field, Schema, Slot};
use weir_compiler::types::Type;
use weir_dsl::{FileId, FileSpan, Span};

/// No place.
pub(crate) fn nowhere() -> FileSpan {
    FileSpan { file: FileId(0), span: Span::default() }
}

/// `login` and `transfer` over an envelope of a time and five keys.
#[allow(dead_code, reason = "not every test needs every part")]
pub(crate) struct Fixture {
    pub(crate) schema: Arc<Schema>,
    pub(crate) login: EventId,
    pub(crate) transfer: EventId,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let mut fields = IdVec::default();
        let mut field = |name: &str, ty: Type| {
            let name = SmolStr::new(name);
            fields.push(Field { name, ty, bound: 256, personal: false, aliases: Vec::new() })
        };
        let id = |of: &str| Type::Id(of.into());
        let outcome = Type::Enum(["success".into(), "failure".into()].into());
        let envelope = [
            field("at", Type::Timestamp),
            field("user", id("user")),
            field("session", id("session")),
            field("device", id("device")),
            field("ip", Type::Ip),
            field("shape", Type::Fingerprint),
        ];
        let own = [field("outcome", outcome), field("amount", Type::Money), field("serial", Type::Int)];
        let count = fields.len();
        let mut events = IdVec::default();
        let mut event = |name: &str, own: &[(FieldId, bool)]| {
            let request = |field: &FieldId| Slot { field: *field, optional: true, response: false };
            let mut slots: Vec<Slot> = envelope.iter().map(request).collect();
            slots.extend(own.iter().map(|(field, response)| Slot {
                field: *field,
                optional: true,
                response: *response,
            }));
            let mut slot_of = vec![Event::ABSENT; count];
            for (at, slot) in slots.iter().enumerate() {
                slot_of[slot.field.0 as usize] = at as u16;
            }
            events.push(Event {
                name: name.into(),
                package: "t.events".into(),
                aliases: Vec::new(),
                slots,
                slot_of,
                at: nowhere(),
                doc: SmolStr::default(),
            })
        };
        let login = event("login", &[(own[0], true), (own[2], false)]);
        let transfer = event("transfer", &[(own[1], false)]);
        let schema = Arc::new(Schema { fields, envelope: envelope.len(), events });
        Self { schema, login, transfer }
    }

    pub(crate) fn field(&self, name: &str) -> FieldId {
        self.schema.fields.iter().find(|(_, field)| field.name == name).unwrap().0
    }
}
