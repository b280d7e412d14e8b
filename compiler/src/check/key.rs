//! Keys, and what they are of.
//!
//! | part | kind |
//! |---|---|
//! | `id<campaign>`, a cohort's slice | group |
//! | any other `id<…>` | actor |
//! | `ip`, an address prefix, `cidr`, `asn`, `asn.class`, `country` | place |
//! | `fingerprint`, a declared client shape, `user_agent` | software |
//! | anything else (`bin`, `path` …) | group: many parties share a value |
//!
//! A key in parentheses is an actor when one of its parts is; else a place, else software, else a group.
//! `ip/24` keeps 24 bits of IPv4 and [`DEFAULT_V6`] of IPv6; `ip/24:64` says both.

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, ArithmeticOp, ExprKind as Form, LiteralKind};
use weir_dsl::{Code, Diagnostic, Span};

use super::Checker;
use super::name::{FieldSearch, PlaceKind, head};
use super::walk::each_key_field;
use crate::env::Entity;
use crate::hir::{Key, KeyKind, KeyPart};
use crate::ids::*;
use crate::types::Type;

/// Bits of an IPv6 address that `ip/24` keeps: a household or a small site.
pub const DEFAULT_V6: u8 = 56;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyUse {
    /// State is kept per it.
    State,
    /// An action is put on it: a cohort's slice and captured fields can stand here too.
    Target,
}

impl Checker<'_> {
    /// Lowers a key whose fields are those of the events at hand.
    pub(super) fn key(&mut self, key: &ast::Key, used_as: KeyUse) -> Option<Key> {
        let mut parts = Vec::with_capacity(key.parts.len());
        let mut sound = true;
        for name in &key.parts {
            match self.key_part(name, key, used_as) {
                Some(part) => parts.push(part),
                None => sound = false,
            }
        }
        if !sound || parts.is_empty() {
            return None;
        }
        if parts.len() > PARTS_LIMIT {
            let title = format!("a key of {} parts; at most {PARTS_LIMIT}", parts.len());
            self.fault(Code::BAD_KEY, key.span, title, "");
            return None;
        }
        let kind = self.key_kind(&parts);
        Some(Key { parts, kind, text: key_text(key) })
    }

    fn key_part(&mut self, name: &ast::Name, key: &ast::Key, used_as: KeyUse) -> Option<KeyPart> {
        let text = name.text.as_str();
        if let FieldSearch::None = self.field_in(&self.place.events, text)
            && let Some(part) = self.other_part(name, used_as)
        {
            return part;
        }
        let field = self.field_named(name)?;
        let ty = self.field_type(field);
        if let Some((v4, v6)) = key.prefix {
            if !matches!(ty, Type::Ip | Type::Error) {
                self.fault(
                    Code::BAD_KEY,
                    key.span,
                    format!("only an address has a prefix, and `{text}` is {ty}"),
                    "",
                );
                return None;
            }
            return self.prefix(field, v4, v6, key.span);
        }
        match ty {
            Type::Set(_) | Type::List(_) | Type::Map(..) => {
                self.fault(
                    Code::BAD_KEY,
                    name.span,
                    format!("a key is of single values, and `{text}` is {ty}"),
                    "",
                );
                None
            }
            _ => Some(KeyPart::Field(field)),
        }
    }

    fn prefix(&mut self, field: FieldId, v4: u8, v6: Option<u8>, span: Span) -> Option<KeyPart> {
        let v6 = v6.unwrap_or(DEFAULT_V6);
        if v4 > 32 || v6 > 128 {
            let title = format!("an address has no prefix of {} bits", if v4 > 32 { v4 } else { v6 });
            self.fault(Code::OUT_OF_RANGE, span, title, "IPv4 has 32 bits, IPv6 has 128: `ip/24:56`");
            return None;
        }
        Some(KeyPart::Prefix { field, v4, v6 })
    }

    /// A part that is no field; nothing if the name is nothing else either.
    fn other_part(&mut self, name: &ast::Name, used_as: KeyUse) -> Option<Option<KeyPart>> {
        let text = name.text.as_str();
        if let Some(Entity::Fingerprint(shape)) = self.env.find(self.scope.package, text) {
            self.found(name, Ok(()));
            return Some(Some(KeyPart::Fingerprint(shape)));
        }
        let is_member = self.members.is_cohort(text) || self.members.is_sequence(head(text));
        if !is_member {
            return None;
        }
        if used_as == KeyUse::State {
            let title = format!("`{text}` is no field, and state is kept per field");
            self.fault(Code::BAD_KEY, name.span, title, "");
            return Some(None);
        }
        if self.members.is_cohort(text) {
            return Some(self.cohort_here(text, name.span).map(KeyPart::Cohort));
        }
        let sequence = self.sequence_here(head(text), name.span);
        let Some(sequence) = sequence else { return Some(None) };
        let captured = text.split_once('.').and_then(|(_, rest)| rest.split_once('.'));
        let Some((step, field)) = captured else {
            let title = format!("`{text}` is no key");
            self.fault(Code::BAD_KEY, name.span, title, "name a field that one of the steps captured");
            return Some(None);
        };
        let Some((step, _)) = self.step(sequence, step, name.span) else { return Some(None) };
        let field = self.capture(sequence, step, field, name.span);
        Some(field.map(|field| KeyPart::Captured { sequence, step, field }))
    }

    /// The key that an expression is: `ip`, `(user, shape)` has no such form, `ip/24` reads as a division.
    pub(super) fn key_of(&mut self, expr: &ast::Expr) -> Option<Key> {
        if matches!(self.place.kind, PlaceKind::Body | PlaceKind::Decide | PlaceKind::Test) {
            self.fault(
                Code::WRONG_KIND,
                expr.span,
                "there is no event here whose key could be asked for",
                "",
            );
            return None;
        }
        let name = |text: &SmolStr, span: Span| ast::Name { text: text.clone(), span };
        let key = match &expr.kind {
            Form::Paren(inner) => return self.key_of(inner),
            Form::Name(text) => {
                ast::Key { parts: vec![name(text, expr.span)], prefix: None, span: expr.span }
            }
            Form::Arithmetic(ArithmeticOp::Div, left, right) => match (&left.kind, &right.kind) {
                (Form::Name(text), Form::Literal(LiteralKind::Int(bits))) => {
                    let bits = bits.parse().unwrap_or(u8::MAX);
                    ast::Key {
                        parts: vec![name(text, left.span)],
                        prefix: Some((bits, None)),
                        span: expr.span,
                    }
                }
                _ => return self.no_key(expr.span),
            },
            _ => return self.no_key(expr.span),
        };
        self.key(&key, KeyUse::State)
    }

    fn no_key(&mut self, span: Span) -> Option<Key> {
        self.fault(Code::BAD_KEY, span, "only keys carry tags", "write a field, as in `user is tagged x`");
        None
    }

    /// A key of one field.
    pub(super) fn field_key(&self, field: FieldId) -> Key {
        let parts = vec![KeyPart::Field(field)];
        let kind = self.key_kind(&parts);
        Key { parts, kind, text: self.field_name(field) }
    }

    fn key_kind(&self, parts: &[KeyPart]) -> KeyKind {
        // The order of strength: one actor makes the whole an actor.
        let strength = |kind: &KeyKind| match kind {
            KeyKind::Actor => 0,
            KeyKind::Place => 1,
            KeyKind::Software => 2,
            KeyKind::Group => 3,
        };
        parts.iter().map(|part| self.part_kind(part)).min_by_key(strength).unwrap_or(KeyKind::Group)
    }

    fn part_kind(&self, part: &KeyPart) -> KeyKind {
        let field = match part {
            KeyPart::Field(field) | KeyPart::Captured { field, .. } => *field,
            KeyPart::Prefix { .. } => return KeyKind::Place,
            KeyPart::Fingerprint(_) => return KeyKind::Software,
            KeyPart::Cohort(_) => return KeyKind::Group,
        };
        let name = self.field_name(field);
        match self.field_type(field) {
            Type::Id(of) if of == "campaign" => KeyKind::Group,
            Type::Id(_) => KeyKind::Actor,
            Type::Ip | Type::Cidr | Type::Asn | Type::Country => KeyKind::Place,
            Type::Fingerprint => KeyKind::Software,
            _ if name == "user_agent" => KeyKind::Software,
            _ if name == "asn.class" => KeyKind::Place,
            _ => KeyKind::Group,
        }
    }

    /// Reports a key to act on that names no party: of the few values of an `enum` or `bool`, everybody has one.
    pub(super) fn is_party(&mut self, key: &Key, span: Span) -> bool {
        let says_how = |part: &KeyPart| match part {
            KeyPart::Field(field) | KeyPart::Captured { field, .. } => {
                matches!(self.field_type(*field), Type::Enum(_) | Type::Bool)
            }
            _ => false,
        };
        if key.kind != KeyKind::Group || !key.parts.iter().all(says_how) {
            return true;
        }
        let title = format!("`{}` is no party: everybody has one of its few values", key.text);
        self.fault(Code::BAD_KEY, span, title, "act on who did it: `block session for 30m`");
        false
    }

    /// Reports a key that one of the events at hand cannot have; true when all can.
    pub(super) fn is_readable(&mut self, key: &Key, of: &str, events: &[EventId], span: Span) -> bool {
        let mut missing: Option<(FieldId, EventId)> = None;
        each_key_field(&self.hir, key, |field| {
            let lacks = |event: &&EventId| {
                self.hir.schema.events.get(**event).is_some_and(|event| event.slot(field).is_none())
            };
            if let (None, Some(event)) = (missing, events.iter().find(lacks)) {
                missing = Some((field, *event));
            }
        });
        let Some((field, event)) = missing else { return true };
        let (field, event) = (self.field_name(field), self.event_name(event));
        let title = format!("{of} is kept per `{}`, and `{event}` has no `{field}`", key.text);
        let diagnostic = Diagnostic::new(Code::BAD_KEY, self.at(span), title)
            .label(format!("read at `{event}`"))
            .help(format!("use another key, or write a policy that is not on `{event}`"));
        self.report(diagnostic);
        false
    }
}

/// The most parts of a key.
const PARTS_LIMIT: usize = 8;

/// A key as people write it.
pub(super) fn key_text(key: &ast::Key) -> SmolStr {
    let names: Vec<&str> = key.parts.iter().map(|part| part.text.as_str()).collect();
    let names = names.join(", ");
    match (key.prefix, key.parts.len()) {
        (Some((v4, Some(v6))), _) => format_smolstr!("{names}/{v4}:{v6}"),
        (Some((v4, None)), _) => format_smolstr!("{names}/{v4}"),
        (None, 1) => names.into(),
        (None, _) => format_smolstr!("({names})"),
    }
}
