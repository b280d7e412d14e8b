//! Walking expressions.

use crate::hir::{ExprKind, Hir, Key, KeyPart, Part};
use crate::ids::{ExprId, FieldId};

/// Calls `visit` with every direct operand of a node, from left to right.
pub(crate) fn each_child(hir: &Hir, kind: &ExprKind, mut visit: impl FnMut(ExprId)) {
    match kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Field(_)
        | ExprKind::Fingerprint(_)
        | ExprKind::Signal(_)
        | ExprKind::Absent(_)
        | ExprKind::InCohort(_)
        | ExprKind::CohortValue(..)
        | ExprKind::Holds(_)
        | ExprKind::Captured { .. }
        | ExprKind::Age { .. }
        | ExprKind::Score
        | ExprKind::Now
        | ExprKind::Variable(_)
        | ExprKind::Tagged(..)
        | ExprKind::ScheduleActive(_) => {}
        ExprKind::Call(call) => {
            if let Some(call) = hir.calls.get(*call) {
                call.inputs.iter().copied().for_each(visit);
            }
        }
        ExprKind::And(operands)
        | ExprKind::Or(operands)
        | ExprKind::Builtin(_, operands)
        | ExprKind::Array(operands) => operands.iter().copied().for_each(visit),
        ExprKind::Named(_, inner)
        | ExprKind::Not(inner)
        | ExprKind::Negate(inner)
        | ExprKind::ToFloat(inner)
        | ExprKind::IsKnown(inner)
        | ExprKind::InList(inner, _)
        | ExprKind::Lookup(_, inner)
        | ExprKind::Matches(inner, _)
        | ExprKind::Convert(inner) => visit(*inner),
        ExprKind::Compare(_, left, right)
        | ExprKind::EqIgnoringCase(left, right)
        | ExprKind::Arithmetic(_, left, right)
        | ExprKind::Fallback(left, right)
        | ExprKind::InSet(left, right)
        | ExprKind::TextTest(_, left, right) => {
            visit(*left);
            visit(*right);
        }
        ExprKind::Case(subject, arms) => {
            visit(*subject);
            for (pattern, value) in arms {
                pattern.iter().copied().for_each(&mut visit);
                visit(*value);
            }
        }
        ExprKind::Template(parts) => {
            for part in parts {
                if let Part::Value(value) = part {
                    visit(*value);
                }
            }
        }
    }
}

/// Calls `visit` with every field of the event at hand that a key is made of.
pub(crate) fn each_key_field(hir: &Hir, key: &Key, mut visit: impl FnMut(FieldId)) {
    for part in &key.parts {
        match part {
            KeyPart::Field(field) | KeyPart::Prefix { field, .. } => visit(*field),
            KeyPart::Fingerprint(fingerprint) => {
                if let Some(shape) = hir.declarations.fingerprints.get(*fingerprint) {
                    shape.parts.iter().copied().for_each(&mut visit);
                }
            }
            KeyPart::Cohort(_) | KeyPart::Captured { .. } => {}
        }
    }
}
