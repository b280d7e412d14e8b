//! Whom an action spares, and the facts that are kept to know them.

use std::rc::Rc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, CompareOp, SparedHow};
use weir_dsl::{Code, Diagnostic, Span};

use super::Checker;
use super::name::FieldSearch;
use crate::hir::{self, ExprKind, Fact, KeyKind, Phase, Spared};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

/// A challenge that was passed, and an event that speaks for a session, count for a day.
const DAY: i64 = 86_400_000;
/// Events at which `user` is what somebody says, and proves nothing.
const CLAIMED: [&str; 3] = ["login", "password.reset", "signup"];

impl Checker<'_> {
    /// Lowers one of `sparing`; nothing after a fault.
    pub(super) fn spared(
        &mut self,
        spared: &ast::Spared,
        on_key: bool,
        on: Option<EventId>,
    ) -> Option<Spared> {
        let who = spared.who.text.as_str();
        let field = self.actor(&spared.who)?;
        match &spared.how {
            SparedHow::Passed => {
                if who != "sessions" {
                    let title = format!("a challenge is passed by a session, not by {who}");
                    self.fault(Code::BAD_ACTION, spared.span, title, "write `sessions that passed`");
                    return None;
                }
                let fact = self.outcome_fact("challenge.result", "passed", field, false, spared.span)?;
                Some(Spared::Fact { fact, age: hir::Span { ms: DAY, param: None } })
            }
            SparedHow::Known(window) => {
                let age = self.window(window);
                if !matches!(who, "devices" | "users" | "sessions") {
                    let title = format!("known are devices, users and sessions, by their logins, not {who}");
                    self.fault(Code::BAD_ACTION, spared.span, title, "write `devices known 30d`");
                    return None;
                }
                if who == "users" && !self.user_is_proven(on_key, on, spared.span) {
                    return None;
                }
                let fact = self.outcome_fact("login", "success", field, true, spared.span)?;
                Some(Spared::Fact { fact, age: age? })
            }
            SparedHow::With(event) => {
                let id = self.event(event)?;
                if who != "sessions" {
                    let title = format!("`with {}` is asked of sessions, not of {who}", event.text);
                    self.fault(
                        Code::BAD_ACTION,
                        spared.span,
                        title,
                        &format!("write `sessions with {}`", event.text),
                    );
                    return None;
                }
                let key = self.field_key(field);
                if !self.is_readable(&key, "it", &[id], event.span) {
                    return None;
                }
                let phase = self.event_phase(&[id]);
                let fact = self.fact(Fact { event: id, filter: None, key, first: false, phase });
                Some(Spared::Fact { fact, age: hir::Span { ms: DAY, param: None } })
            }
            SparedHow::Tagged(tag) => {
                let result = self.env.tag(self.scope, tag);
                let tag = self.found(tag, result)?;
                Some(Spared::Tagged(self.field_key(field), tag))
            }
            SparedHow::In(list) => {
                let result = self.env.list(self.scope, list);
                let id = self.found(list, result)?;
                let member =
                    self.hir.declarations.lists.get(id).map_or(Type::Error, |list| list.member.clone());
                let ty = self.field_type(field);
                if !self.belongs(&ty, &member) {
                    let title = format!("{who} are {ty}, and `{}` is a set of {member}", list.text);
                    self.fault(Code::TYPE_MISMATCH, spared.span, title, "");
                    return None;
                }
                Some(Spared::InList(field, id))
            }
        }
    }

    /// The field of the plural of an actor: `sessions`, `devices`, `operators`.
    fn actor(&mut self, who: &ast::Name) -> Option<FieldId> {
        let singular = singular(&who.text);
        let events = Rc::clone(&self.place.events);
        let mut found = match self.field_in(&events, &singular) {
            FieldSearch::Found(field) => Some(field),
            _ => None,
        };
        if found.is_none() {
            // `operators`: the field of that type, the proven one before the claimed one.
            let wanted = Type::Id(singular.clone());
            let names = self.field_names(&events);
            let mut candidates = names.iter().filter_map(|name| match self.field_in(&events, name) {
                FieldSearch::Found(field) if self.field_type(field) == wanted => Some((name, field)),
                _ => None,
            });
            let proven = format!(".{singular}");
            found = candidates
                .clone()
                .find(|(name, _)| name.ends_with(&proven))
                .or_else(|| candidates.next())
                .map(|(_, field)| field);
        }
        let key = found.map(|field| (field, self.field_key(field)));
        match key {
            Some((field, key)) if key.kind == KeyKind::Actor => Some(field),
            _ => {
                let title = format!("`{}` are no actors of this event", who.text);
                self.fault(Code::BAD_ACTION, who.span, title, "spare sessions, devices, users, tokens …");
                None
            }
        }
    }

    /// Whether `user` is proven wherever the action can stop somebody.
    fn user_is_proven(&mut self, on_key: bool, on: Option<EventId>, span: Span) -> bool {
        let claimed = |checker: &Self, event: EventId| CLAIMED.contains(&checker.event_name(event).as_str());
        let event = match on {
            Some(on) => claimed(self, on).then(|| self.event_name(on)),
            // Without a scope an action on a key touches every event, logins too.
            None if on_key => Some(SmolStr::new_static("login")),
            None => {
                let events = Rc::clone(&self.place.events);
                events.iter().find(|event| claimed(self, **event)).map(|event| self.event_name(*event))
            }
        };
        let Some(event) = event else { return true };
        let diagnostic = Diagnostic::new(
            Code::CLAIMED_USER,
            self.at(span),
            format!("at `{event}` a user is only claimed"),
        )
        .note("attackers name real users, so sparing them spares the attack")
        .help("spare `devices known 30d`, or name with `on` an event that follows a login");
        self.report(diagnostic);
        false
    }

    /// A fact: an event with an outcome.
    fn outcome_fact(
        &mut self,
        event: &str,
        outcome: &str,
        field: FieldId,
        first: bool,
        span: Span,
    ) -> Option<FactId> {
        let schema = std::sync::Arc::clone(&self.hir.schema);
        let found = schema.event(event).and_then(|id| {
            let outcomes = schema.field(id, "outcome")?;
            let Type::Enum(variants) = &schema.fields.get(outcomes)?.ty else { return None };
            let at = variants.iter().position(|variant| variant == outcome)?;
            let has_actor = schema.events.get(id)?.slot(field).is_some();
            has_actor.then_some((id, outcomes, u16::try_from(at).ok()?))
        });
        let Some((id, outcomes, variant)) = found else {
            let title = format!(
                "nobody can be known by `{event}`: there is no such event with an outcome `{outcome}`"
            );
            let help = format!("declare `event {event} {{ outcome: enum {{ {outcome}, … }} }}`");
            self.fault(Code::UNKNOWN_NAME, span, title, &help);
            return None;
        };
        let ty = self.field_type(outcomes);
        let left = self.push(ExprKind::Field(outcomes), ty.clone(), span);
        let right = self.push(ExprKind::Const(Value::Variant(variant)), ty, span);
        let filter = self.push(ExprKind::Compare(CompareOp::Eq, left, right), Type::Bool, span);
        let phase: Phase = self.phase(filter, &[id]);
        let key = self.field_key(field);
        Some(self.fact(Fact { event: id, filter: Some(filter), key, first, phase }))
    }

    /// Adds a fact; equal ones become one when fragments are linked.
    fn fact(&mut self, fact: Fact) -> FactId {
        self.hir.facts.push(fact)
    }
}

/// `sessions` → `session`, `addresses` → `address`, `parties` → `party`.
fn singular(plural: &str) -> SmolStr {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format_smolstr!("{stem}y");
    }
    if let Some(stem) = plural.strip_suffix("sses") {
        return format_smolstr!("{stem}ss");
    }
    plural.strip_suffix('s').unwrap_or(plural).into()
}

/// Makes the key of a population of actors: `sessions`, as in budgets and caps.
impl Checker<'_> {
    pub(super) fn population_key(&mut self, who: &ast::Name) -> Option<hir::Key> {
        let field = self.actor(who)?;
        Some(self.field_key(field))
    }
}
