//! `derive` maps: business events from a request with its response.
//!
//! The exchange has the fields of `http.request` and those of `http.response`. Text becomes the type of the
//! field it fills. A field that is known at the request cannot be filled from the response.

use std::collections::HashSet;

use smol_str::SmolStr;
use weir_dsl::{Applicability, Code, Diagnostic, ast};

use super::Checker;
use super::name::{Place, PlaceKind};
use super::walk::each_child;
use crate::env::EXCHANGE;
use crate::hir::{Derive, ExprKind, Phase};
use crate::ids::*;
use crate::suggest;

impl<'a> Checker<'a> {
    /// Lowers a map into the fragment.
    pub(super) fn derive(&mut self, item: &'a ast::Item, derive: &'a ast::Derive) {
        if derive.source.text != EXCHANGE {
            let title = format!("nothing is derived from `{}`", derive.source.text);
            let diagnostic = Diagnostic::new(Code::WRONG_KIND, self.at(derive.source.span), title)
                .help(format!("derive from `{EXCHANGE}`, a request with its response"))
                .fix(
                    format!("write `{EXCHANGE}`"),
                    self.at(derive.source.span),
                    EXCHANGE,
                    Applicability::Suggested,
                );
            self.report(diagnostic);
            return;
        }
        let event = self.event(&derive.event);
        let schema = std::sync::Arc::clone(&self.hir.schema);
        let Some(request) = schema.event("http.request") else {
            let title = "there is no `http.request` to derive from";
            self.fault(
                Code::UNKNOWN_NAME,
                derive.source.span,
                title,
                "declare `event http.request`, as the standard library does",
            );
            return;
        };
        let exchange: Vec<EventId> =
            [Some(request), schema.event("http.response")].into_iter().flatten().collect();
        self.place = Place::new(PlaceKind::Derive, &exchange);
        let filter = derive.filter.as_ref().map(|filter| self.condition(filter));
        let Some(event) = event else { return };
        let mut fields: Vec<(FieldId, ExprId, Phase)> = Vec::with_capacity(derive.fields.len());
        for assignment in &derive.fields {
            if let Some(filled) = self.filled(event, request, assignment) {
                if fields.iter().any(|(field, ..)| *field == filled.0) {
                    let title = format!("`{}` is filled twice", assignment.name.text);
                    self.fault(Code::DUPLICATE_NAME, assignment.name.span, title, "");
                    continue;
                }
                fields.push(filled);
            }
        }
        self.check_filled(event, request, &fields, derive);
        let filter_phase = filter.map_or(Phase::Request, |filter| self.exchange_phase(filter, request));
        if filter_phase == Phase::Response {
            // The whole event is then known only with the response; its request fields are filled as well.
            for (.., phase) in &mut fields {
                *phase = Phase::Response;
            }
        }
        let package: SmolStr = self.scope.package.into();
        self.hir.derives.push(Derive { event, filter, fields, package, at: self.at(item.span) });
    }

    fn filled(
        &mut self,
        event: EventId,
        request: EventId,
        assignment: &ast::Assignment,
    ) -> Option<(FieldId, ExprId, Phase)> {
        let schema = std::sync::Arc::clone(&self.hir.schema);
        let Some(field) = schema.field(event, &assignment.name.text) else {
            self.no_field(event, &assignment.name);
            return None;
        };
        let ty = self.field_type(field);
        let value = self.expr_of(&assignment.value, &ty);
        let late = schema
            .events
            .get(event)
            .and_then(|event| event.slot_info(field))
            .is_some_and(|slot| slot.response);
        let phase = self.exchange_phase(value, request);
        if phase == Phase::Response && !late {
            let name = &assignment.name.text;
            let title = format!("`{name}` is a field of the request, filled from the response");
            let diagnostic = Diagnostic::new(Code::RESPONSE_PHASE, self.at(assignment.value.span), title)
                .help(format!("mark it in the event: `{name}: {ty} response`"));
            self.report(diagnostic);
        }
        Some((field, value, if late { Phase::Response } else { Phase::Request }))
    }

    /// Reports a field that an event does not have.
    pub(super) fn no_field(&mut self, event: EventId, name: &ast::Name) {
        let title = format!("`{}` has no field `{}`", self.event_name(event), name.text);
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(name.span), title);
        let names = self.field_names(&[event]);
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

    /// Every required field is filled, or comes with the request.
    fn check_filled(
        &mut self,
        event: EventId,
        request: EventId,
        fields: &[(FieldId, ExprId, Phase)],
        derive: &ast::Derive,
    ) {
        let schema = std::sync::Arc::clone(&self.hir.schema);
        let (Some(made), Some(source)) = (schema.events.get(event), schema.events.get(request)) else {
            return;
        };
        let missing: Vec<SmolStr> = made
            .slots
            .iter()
            .filter(|slot| !slot.optional && source.slot(slot.field).is_none())
            .filter(|slot| !fields.iter().any(|(field, ..)| *field == slot.field))
            .map(|slot| self.field_name(slot.field))
            .collect();
        if missing.is_empty() {
            return;
        }
        let list = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let title = format!("{list} of `{}` must be filled", derive.event.text);
        self.fault(
            Code::BAD_ARGUMENTS,
            derive.event.span,
            title,
            "fill them, or make them optional in the event: `T?`",
        );
    }

    /// When an expression over the exchange is known.
    fn exchange_phase(&self, expr: ExprId, request: EventId) -> Phase {
        let mut seen = HashSet::new();
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            let Some(kind) = self.kind(expr) else { continue };
            if let ExprKind::Field(field) = kind {
                let slot = self.hir.schema.events.get(request).and_then(|event| event.slot_info(*field));
                if slot.is_none_or(|slot| slot.response) {
                    return Phase::Response;
                }
            }
            each_child(&self.hir, kind, |child| {
                if seen.insert(child) {
                    rest.push(child);
                }
            });
        }
        Phase::Request
    }
}
