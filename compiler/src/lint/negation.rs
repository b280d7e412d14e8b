//! An optional field under `not`, `!=` or `not in`: where it is missing the condition is unknown, not true.
//!
//! A field is guarded by `is known` or a plain test of it beside it in an `and`, by `is missing` beside it in an `or`, and by `??`.

use std::collections::HashSet;
use std::rc::Rc;

use weir_dsl::{Applicability, Code, Diagnostic, FileSpan, Span};

use super::{Condition, Found};
use crate::check::each_child;
use crate::hir::{CompareOp, ExprKind, Hir};
use crate::ids::*;

/// Lints a condition.
pub(super) fn condition(hir: &Hir, condition: &Condition, found: &mut Found) {
    let mut walk = Walk { hir, events: &condition.events, inside_not: false, found };
    walk.expr(condition.expr, false, &Rc::new(HashSet::new()));
}

struct Walk<'a> {
    hir: &'a Hir,
    events: &'a [EventId],
    /// Inside a `not` that stands before what it negates: there a further `and` would be negated too.
    inside_not: bool,
    found: &'a mut Found,
}

impl Walk<'_> {
    fn expr(&mut self, expr: ExprId, negated: bool, known: &Rc<HashSet<FieldId>>) {
        let Some(node) = self.hir.exprs.get(expr) else { return };
        match &node.kind {
            ExprKind::Named(_, inner) => self.expr(*inner, negated, known),
            ExprKind::Not(inner) => {
                // `x not in y` has one place with what it negates; `not (…)` is wider.
                let wider = self.hir.exprs.get(*inner).is_some_and(|inner| inner.at != node.at);
                let before = self.inside_not;
                self.inside_not |= wider;
                self.expr(*inner, !negated, known);
                self.inside_not = before;
            }
            ExprKind::And(operands) => self.joined(operands, negated, negated, known),
            ExprKind::Or(operands) => self.joined(operands, !negated, negated, known),
            ExprKind::IsKnown(_) => {}
            ExprKind::Compare(op, ..) => {
                let is_negative = match op {
                    CompareOp::Ne => !negated,
                    _ => negated,
                };
                if is_negative {
                    self.leaf(expr, node.at, known);
                }
            }
            _ if negated => self.leaf(expr, node.at, known),
            _ => {}
        }
    }

    /// Operands of a conjunction, or of a disjunction: what one of them asks about being known holds for the others.
    fn joined(
        &mut self,
        operands: &[ExprId],
        disjunction: bool,
        negated: bool,
        known: &Rc<HashSet<FieldId>>,
    ) {
        let mut inner: HashSet<FieldId> = (**known).clone();
        let before = inner.len();
        for operand in operands {
            if let Some(asked) = self.guard(*operand, disjunction != negated) {
                self.needed(asked, &mut inner);
            } else if !disjunction && !negated {
                self.tested(*operand, &mut inner);
            }
        }
        let inner = if inner.len() == before { Rc::clone(known) } else { Rc::new(inner) };
        for operand in operands {
            self.expr(*operand, negated, &inner);
        }
    }

    /// The expression whose presence an operand asks for (`is known`), or whose absence (`is missing`).
    fn guard(&self, expr: ExprId, missing: bool) -> Option<ExprId> {
        let mut missing = missing;
        let mut expr = expr;
        loop {
            match &self.hir.exprs.get(expr)?.kind {
                ExprKind::Named(_, inner) => expr = *inner,
                ExprKind::Not(inner) => {
                    missing = !missing;
                    expr = *inner;
                }
                ExprKind::IsKnown(inner) if !missing => return Some(*inner),
                _ => return None,
            }
        }
    }

    /// The fields that an operand of a conjunction tests and that are there when it is true, as in `x > 5 and …`.
    fn tested(&self, expr: ExprId, into: &mut HashSet<FieldId>) {
        match self.hir.exprs.get(expr).map(|node| &node.kind) {
            Some(ExprKind::Named(_, inner)) => self.tested(*inner, into),
            Some(ExprKind::Compare(op, left, right)) if *op != CompareOp::Ne => {
                self.needed(*left, into);
                self.needed(*right, into);
            }
            Some(
                ExprKind::Matches(subject, _) | ExprKind::InList(subject, _) | ExprKind::InSet(subject, _),
            ) => {
                self.needed(*subject, into);
            }
            Some(ExprKind::TextTest(_, left, right) | ExprKind::EqIgnoringCase(left, right)) => {
                self.needed(*left, into);
                self.needed(*right, into);
            }
            _ => {}
        }
    }

    /// The fields without which an expression is unknown: a value that is known, as `address(host(url))`, has been made of some.
    fn needed(&self, expr: ExprId, into: &mut HashSet<FieldId>) {
        let mut rest = vec![expr];
        let mut looked = 0_usize;
        while let Some(id) = rest.pop() {
            looked += 1;
            if looked > 4_096 {
                return;
            }
            match self.hir.exprs.get(id).map(|node| &node.kind) {
                Some(ExprKind::Field(field)) => {
                    into.insert(*field);
                }
                Some(
                    ExprKind::Named(_, inner)
                    | ExprKind::ToFloat(inner)
                    | ExprKind::Negate(inner)
                    | ExprKind::Lookup(_, inner),
                ) => rest.push(*inner),
                Some(ExprKind::Arithmetic(_, left, right)) => rest.extend([*left, *right]),
                Some(ExprKind::Builtin(_, arguments)) => rest.extend(arguments),
                _ => {}
            }
        }
    }

    /// Looks for optional fields read by a negated comparison.
    fn leaf(&mut self, expr: ExprId, at: FileSpan, known: &HashSet<FieldId>) {
        let mut rest = vec![expr];
        let mut looked = 0_usize;
        while let Some(id) = rest.pop() {
            looked += 1;
            if looked > 4_096 {
                return;
            }
            let Some(node) = self.hir.exprs.get(id) else { continue };
            match &node.kind {
                ExprKind::Field(field) if self.is_optional(*field) && !known.contains(field) => {
                    self.report(*field, node.at, at);
                    return;
                }
                // Absence is seen to.
                ExprKind::Fallback(..) | ExprKind::IsKnown(_) => {}
                kind => each_child(self.hir, kind, |child| rest.push(child)),
            }
        }
    }

    fn is_optional(&self, field: FieldId) -> bool {
        let schema = &self.hir.schema;
        self.events.iter().any(|event| {
            let slot = schema.events.get(*event).and_then(|event| event.slot_info(field));
            slot.is_none_or(|slot| slot.optional)
        })
    }

    fn report(&mut self, field: FieldId, field_at: FileSpan, at: FileSpan) {
        let name = self.hir.schema.fields.get(field).map(|field| field.name.clone()).unwrap_or_default();
        let title = format!("`{name}` can be missing, and then this is unknown, not true");
        let mut diagnostic = Diagnostic::new(Code::NEGATED_OPTIONAL, at, title)
            .help(format!("write `{name} is known and …` if that is meant, or `{name} is missing or …`"));
        if field_at != at {
            diagnostic = diagnostic.also(field_at, "optional");
        }
        if !self.inside_not && at.file == field_at.file {
            let start = FileSpan { file: at.file, span: Span::at(at.span.start) };
            diagnostic = diagnostic.fix(
                format!("ask for `{name}` first"),
                start,
                format!("{name} is known and "),
                Applicability::Suggested,
            );
        }
        self.found.report(diagnostic);
    }
}
