//! What a name in an expression means.
//!
//! In order: the parameters of the function being inlined and the variables of a test; where an `enum` or a
//! `country` is wanted, its values; fields of the event at hand, dots included; the policy's own names, with a
//! property behind a dot (`surplus.lift`, `drain.swap.age`, `drain.entry.session`); `now` and `score`; the
//! package's client shapes. Lists, tables, schedules and models are no values: each has its own form.
//!
//! In a policy on several events a field may be missing from some: it is unknown there. A field with
//! different types in two of them is an error.

use std::rc::Rc;

use smol_str::SmolStr;
use weir_dsl::{Applicability, Code, Diagnostic, Span, ast};

use super::Checker;
use super::policy::Local;
use crate::env::Entity;
use crate::hir::{CohortValue, ExprKind};
use crate::ids::*;
use crate::suggest;
use crate::types::Type;
use crate::value::{Country, Value};

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// What kind of place it is.
    pub(super) kind: PlaceKind,
    /// The event at hand is one of these; with none only the envelope can be read.
    pub(super) events: Rc<[EventId]>,
    /// Parameters of an inlined function, or variables of a test.
    pub(super) locals: Rc<[(SmolStr, ExprId)]>,
}

/// The kinds of place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PlaceKind {
    /// A condition or text of a rule, or the filter of a policy.
    #[default]
    Rule,
    /// A `where` that decides what is counted.
    Filter,
    /// A threshold of a `decide`.
    Decide,
    /// A field or the filter of a `derive` map.
    Derive,
    /// The body of a function.
    Body,
    /// A value in a test.
    Test,
    /// The filter of a cap.
    Cap,
}

impl Place {
    pub(super) fn new(kind: PlaceKind, events: &[EventId]) -> Self {
        Self { kind, events: events.into(), locals: Rc::from([]) }
    }
}

/// What looking for a field gave.
pub(super) enum FieldSearch {
    Found(FieldId),
    /// Two events have it with different types.
    Torn {
        first: (EventId, FieldId),
        second: (EventId, FieldId),
    },
    None,
}

impl<'a> Checker<'a> {
    /// Runs `body` with expressions standing elsewhere.
    pub(super) fn at_place<T>(&mut self, place: Place, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.place, place);
        let result = body(self);
        self.place = before;
        result
    }

    /// Looks a field up in the events at hand.
    pub(super) fn field_in(&self, events: &[EventId], name: &str) -> FieldSearch {
        let schema = &self.hir.schema;
        if events.is_empty() {
            return schema.envelope_field(name).map_or(FieldSearch::None, FieldSearch::Found);
        }
        let mut found: Option<(EventId, FieldId)> = None;
        for &event in events {
            let Some(field) = schema.field(event, name) else { continue };
            match found {
                Some((other, known)) if known != field => {
                    return FieldSearch::Torn { first: (other, known), second: (event, field) };
                }
                Some(_) => {}
                None => found = Some((event, field)),
            }
        }
        found.map_or(FieldSearch::None, |(_, field)| FieldSearch::Found(field))
    }

    /// Looks a field up in the events at hand, and reports one with two types.
    pub(super) fn field(&mut self, name: &str, span: Span) -> Option<FieldId> {
        match self.field_in(&Rc::clone(&self.place.events), name) {
            FieldSearch::Found(field) => Some(field),
            FieldSearch::None => None,
            FieldSearch::Torn { first, second } => {
                self.torn_field(name, span, first, second);
                Some(first.1)
            }
        }
    }

    fn torn_field(&mut self, name: &str, span: Span, first: (EventId, FieldId), second: (EventId, FieldId)) {
        let title = format!("`{name}` has two types here");
        let note = |(event, field): (EventId, FieldId)| {
            format!("`{}` of `{}` is {}", name, self.event_name(event), self.field_type(field))
        };
        let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, self.at(span), title)
            .note(note(first))
            .note(note(second))
            .help("write a policy for each of the events, or give the fields one type");
        self.report(diagnostic);
    }

    /// Whether a name means a value here, so that it needs no expected type.
    pub(super) fn is_value_name(&self, text: &str) -> bool {
        if self.place.locals.iter().any(|(name, _)| name == text) {
            return true;
        }
        if self.reads_events() && !matches!(self.field_in(&self.place.events, text), FieldSearch::None) {
            return true;
        }
        if self.sees_members() && self.members.find(head(text)).is_some() {
            return true;
        }
        matches!(text, "now" | "score")
            || matches!(self.env.find(self.scope.package, text), Some(Entity::Fingerprint(_)))
    }

    /// The name is declared or imported, and a fault in that has been reported. Of `surplus.lift` the name is
    /// what stands before the dot.
    pub(super) fn is_faulty(&self, text: &str) -> bool {
        [text, head(text)]
            .iter()
            .any(|name| self.members.is_faulty(name) || self.env.is_faulty_import(self.scope.package, name))
    }

    fn reads_events(&self) -> bool {
        !matches!(self.place.kind, PlaceKind::Body | PlaceKind::Test | PlaceKind::Decide)
    }

    fn sees_members(&self) -> bool {
        matches!(self.place.kind, PlaceKind::Rule | PlaceKind::Filter | PlaceKind::Decide)
    }

    /// Lowers a name.
    pub(super) fn name(&mut self, text: &str, span: Span, want: Option<&Type>) -> ExprId {
        if let Some(local) = self.place.locals.iter().find(|(name, _)| name == text) {
            return local.1;
        }
        if let Some(value) = want.and_then(|want| literal_of(text, want)) {
            return self.variant_or_value(text, span, value, want.cloned().unwrap_or(Type::Error));
        }
        if let Some(value) = self.value_name(text, span) {
            return value;
        }
        self.unknown_name(text, span, want)
    }

    /// A name that is a value of the wanted type; it must not be a field or parameter of that type too.
    fn variant_or_value(&mut self, text: &str, span: Span, value: Value, want: Type) -> ExprId {
        let other = match self.field_in(&self.place.events, text) {
            FieldSearch::Found(field) if self.reads_events() => Some(self.field_type(field)),
            _ => match self.members.find(text) {
                Some(Local::Param(param)) if self.sees_members() => {
                    self.hir.params.get(param).map(|param| param.ty.clone())
                }
                _ => None,
            },
        };
        if other.as_ref() == Some(&want) {
            let title = format!("`{text}` is a value of {want} and a name of one");
            self.fault(Code::AMBIGUOUS_NAME, span, title, "give the field or parameter another name");
        }
        self.push(ExprKind::Const(value), want, span)
    }

    /// Whether a name is a value of the type of a field: `declined == outcome` beside a signal `declined`.
    pub(super) fn is_variant_of(&self, text: &str, other: &str) -> bool {
        let FieldSearch::Found(field) = self.field_in(&self.place.events, other) else { return false };
        self.reads_events() && literal_of(text, &self.field_type(field)).is_some()
    }

    /// A field, a name of the policy or a built-in one; nothing if it is none of them.
    fn value_name(&mut self, text: &str, span: Span) -> Option<ExprId> {
        let member = if self.sees_members() { self.members.find(head(text)) } else { None };
        if self.reads_events()
            && let Some(field) = self.field(text, span)
        {
            if let (Some(member), true) = (member, head(text) == text) {
                let title = format!("`{text}` is a field and {} of this policy", member.kind());
                let diagnostic = Diagnostic::new(Code::AMBIGUOUS_NAME, self.at(span), title)
                    .also(
                        self.at(self.members.declared(text).unwrap_or(span)),
                        format!("{} is declared here", member.kind()),
                    )
                    .help("give it another name; fields cannot be hidden");
                self.report(diagnostic);
            }
            let ty = self.field_type(field);
            return Some(self.push(ExprKind::Field(field), ty, span));
        }
        if let Some(member) = member {
            return Some(self.member(member, text, span));
        }
        match text {
            "now" if self.place.kind != PlaceKind::Body => {
                return Some(self.push(ExprKind::Now, Type::Timestamp, span));
            }
            "score" if self.place.kind == PlaceKind::Decide => {
                return Some(self.push(ExprKind::Score, Type::Int, span));
            }
            _ => {}
        }
        let name = ast::Name { text: text.into(), span };
        if let (true, Some(Entity::Fingerprint(shape))) =
            (self.reads_events(), self.env.find(self.scope.package, text))
        {
            self.found(&name, Ok(()));
            return Some(self.push(ExprKind::Fingerprint(shape), Type::Fingerprint, span));
        }
        None
    }

    /// A name of the policy, with what stands behind its first dot.
    fn member(&mut self, member: Local<'a>, text: &str, span: Span) -> ExprId {
        let property = text.split_once('.').map(|(_, rest)| rest);
        match (member, property) {
            (Local::Param(param), None) => {
                self.members.note_read(text);
                let ty = self.hir.params.get(param).map_or(Type::Error, |param| param.ty.clone());
                self.push(ExprKind::Param(param), ty, span)
            }
            (Local::Signal(source), None) => self.signal_name(source, text, span),
            (Local::Cohort(_), property) => self.cohort_value(text, property, span),
            (Local::Sequence(_), property) => self.sequence_value(text, property, span),
            (Local::Param(_) | Local::Signal(_), Some(property)) => {
                let title = format!("`{}` is {} and has no `{property}`", head(text), member.kind());
                self.fault(Code::UNKNOWN_NAME, span, title, "only cohorts and sequences have properties");
                self.error(span)
            }
        }
    }

    fn cohort_value(&mut self, text: &str, property: Option<&str>, span: Span) -> ExprId {
        let Some(cohort) = self.cohort_here(head(text), span) else { return self.error(span) };
        let (value, ty) = match property {
            None => (CohortValue::Name, Type::Text),
            Some("lift") => (CohortValue::Lift, Type::Float),
            Some("count") => (CohortValue::Count, Type::Int),
            Some("usual") => (CohortValue::Usual, Type::Float),
            Some(other) => {
                let title = format!("a cohort has no `{other}`");
                self.fault(Code::UNKNOWN_NAME, span, title, "a cohort has `lift`, `count` and `usual`");
                return self.error(span);
            }
        };
        self.push(ExprKind::CohortValue(cohort, value), ty, span)
    }

    fn sequence_value(&mut self, text: &str, property: Option<&str>, span: Span) -> ExprId {
        let Some(sequence) = self.sequence_here(head(text), span) else { return self.error(span) };
        let Some(property) = property else {
            return self.push(ExprKind::Holds(sequence), Type::Bool, span);
        };
        let (step, field) = property.split_once('.').unwrap_or((property, ""));
        let Some((step, _)) = self.step(sequence, step, span) else { return self.error(span) };
        match field {
            "" => {
                let title = format!("`{text}` is a step and no value");
                self.fault(Code::UNKNOWN_NAME, span, title, "read its `age` or one of its fields");
                self.error(span)
            }
            "age" => self.push(ExprKind::Age { sequence, step }, Type::Duration, span),
            field => match self.capture(sequence, step, field, span) {
                Some(field) => {
                    let ty = self.field_type(field);
                    self.push(ExprKind::Captured { sequence, step, field }, ty, span)
                }
                None => self.error(span),
            },
        }
    }

    /// Reports a name that means no value here.
    fn unknown_name(&mut self, text: &str, span: Span, want: Option<&Type>) -> ExprId {
        let name = ast::Name { text: text.into(), span };
        if let Some(entity) = self.env.find(self.scope.package, text) {
            self.found(&name, Ok(()));
            let help = match entity {
                Entity::List(_) => format!("write `x in {text}`"),
                Entity::Table(_) => format!("write `{text}[key]`"),
                Entity::Schedule(_) => format!("write `{text} is active`"),
                Entity::Model(_) | Entity::Function(_) => format!("write `{text}(…)` with its arguments"),
                Entity::Tag(_) => format!("write `user is tagged {text}`"),
                Entity::Event(_) => "name a field of the event".to_owned(),
                Entity::Queue(_) | Entity::Decoy(_) | Entity::Fingerprint(_) | Entity::Policy(_) => {
                    "name a field, a signal or a parameter".to_owned()
                }
            };
            self.fault(Code::WRONG_KIND, span, format!("`{text}` is {}, not a value", entity.kind()), &help);
            return self.error(span);
        }
        if let Some(Type::Enum(variants)) = want {
            self.unknown_variant(text, span, variants);
            return self.error(span);
        }
        if !self.is_faulty(text) {
            let mut local = self.local_names();
            local.retain(|local| local != text);
            let mut diagnostic = self.env.unknown(self.scope, &name, local.iter().map(SmolStr::as_str));
            if want == Some(&Type::Country) {
                diagnostic = diagnostic.note("a country is written with two capital letters, as `DE`");
            }
            self.report(diagnostic);
        }
        self.error(span)
    }

    pub(super) fn unknown_variant(&mut self, text: &str, span: Span, variants: &[SmolStr]) {
        let title = format!("no variant `{text}`");
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_VARIANT, self.at(span), title);
        diagnostic = match suggest::nearest(text, variants.iter().map(SmolStr::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                self.at(span),
                near,
                Applicability::Suggested,
            ),
            None => diagnostic.help(format!("it is one of {}", shortened(variants))),
        };
        self.report(diagnostic);
    }

    /// Names that would have been values here, for suggestions.
    fn local_names(&self) -> Vec<SmolStr> {
        let mut names: Vec<SmolStr> = self.place.locals.iter().map(|(name, _)| name.clone()).collect();
        if self.reads_events() {
            names.extend(self.field_names(&self.place.events));
        }
        if self.sees_members() {
            names.extend(self.members.names().cloned());
        }
        names
    }

    /// Names of the fields of events, for suggestions.
    pub(super) fn field_names(&self, events: &[EventId]) -> Vec<SmolStr> {
        let schema = &self.hir.schema;
        if events.is_empty() {
            return schema.fields.values().take(schema.envelope).map(|field| field.name.clone()).collect();
        }
        let events = events.iter().filter_map(|event| schema.events.get(*event));
        events.flat_map(|event| event.slots.iter()).map(|slot| self.field_name(slot.field)).collect()
    }

    /// The field of a name where nothing but a field can stand.
    pub(super) fn field_named(&mut self, name: &ast::Name) -> Option<FieldId> {
        let found = self.field(&name.text, name.span);
        if found.is_none() && !self.is_faulty(&name.text) {
            let events = Rc::clone(&self.place.events);
            let whose = match *events {
                [] => "every event".to_owned(),
                [event] => format!("`{}`", self.event_name(event)),
                _ => "these events".to_owned(),
            };
            let title = format!("{whose} has no field `{}`", name.text);
            let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(name.span), title);
            let names = self.field_names(&events);
            if let Some(near) = suggest::nearest(&name.text, names.iter().map(SmolStr::as_str)) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(
                    format!("write `{near}`"),
                    self.at(name.span),
                    near,
                    Applicability::Suggested,
                );
            }
            self.report(diagnostic);
        }
        found
    }
}

/// What stands before the first dot.
pub(super) fn head(text: &str) -> &str {
    text.split('.').next().unwrap_or(text)
}

/// The value that a bare name is where a type is wanted.
fn literal_of(text: &str, want: &Type) -> Option<Value> {
    match want {
        Type::Enum(variants) => {
            let at = variants.iter().position(|variant| variant == text)?;
            u16::try_from(at).ok().map(Value::Variant)
        }
        Type::Country => Country::parse(text).map(Value::Country),
        _ => None,
    }
}

/// Up to eight names.
fn shortened(names: &[SmolStr]) -> String {
    let mut text = names.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 8 {
        text.push_str(&format!(" and {} more", names.len() - 8));
    }
    text
}
