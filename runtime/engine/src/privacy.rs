//! Personal values leave the engine as keyed hashes: in reasons, matches and explanations alike.

use weir_compiler::hir::{Builtin, CohortValue, ExprKind, Hir, KeyPart, Measure, Statistic};
use weir_compiler::ids::{CohortId, ExprId, FieldId, SignalId};
use weir_compiler::show::show;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::keyhash::{KeyHasher, append};
use crate::reads::children;

/// Values as one tenant's keyed hash, `#` and twelve digits: equal values have equal ones, and nobody without the
/// secret can tell which.
pub(crate) fn pseudonym(hasher: &KeyHasher, values: &[Value]) -> String {
    if let (true, [Value::Text(known)]) = (hasher.recalled, values) {
        return known.to_string();
    }
    // Room for an address and a long user agent, whose pseudonym every line of a log asks.
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&hasher.pseudonyms.to_le_bytes());
    values.iter().for_each(|value| append(&mut bytes, value));
    let hash = hasher.key(&bytes).0;
    let mut text = String::with_capacity(13);
    text.push('#');
    // The top 48 bits, a digit for each four; by hand, as formatting costs more than the hash.
    text.extend((20..32).rev().filter_map(|digit| char::from_digit((hash >> (4 * digit)) as u32 & 15, 16)));
    text
}

/// A value for people, a personal one as its pseudonym.
pub(crate) fn shown(hasher: &KeyHasher, value: &Value, ty: &Type, personal: bool) -> String {
    if personal { pseudonym(hasher, std::slice::from_ref(value)) } else { show(value, ty) }
}

/// Whether the value of an expression is, or is made of, a personal one. What a condition on one is, how long one is
/// and what hour it was tell of somebody nothing that a decision does not.
pub(crate) fn is_personal(hir: &Hir, id: ExprId) -> bool {
    let Some(expr) = hir.exprs.get(id) else { return false };
    match &expr.kind {
        ExprKind::Field(field) | ExprKind::Captured { field, .. } => is_personal_field(hir, *field),
        ExprKind::Signal(signal) => is_personal_signal(hir, *signal),
        ExprKind::CohortValue(cohort, CohortValue::Name) => is_personal_cohort(hir, *cohort),
        ExprKind::Builtin(Builtin::Length | Builtin::Hour | Builtin::Weekday, _) => false,
        _ if expr.ty == Type::Bool => false,
        kind => children(kind).into_iter().any(|child| is_personal(hir, child)),
    }
}

/// Whether the name of a cohort's slice shows a personal value.
pub(crate) fn is_personal_cohort(hir: &Hir, cohort: CohortId) -> bool {
    hir.cohorts.get(cohort).into_iter().flat_map(|cohort| &cohort.by).any(|part| match part {
        KeyPart::Field(field) | KeyPart::Prefix { field, .. } => is_personal_field(hir, *field),
        _ => false,
    })
}

pub(crate) fn is_personal_field(hir: &Hir, field: FieldId) -> bool {
    hir.schema.fields.get(field).is_some_and(|field| field.personal)
}

/// Readings that hand out a value they have seen.
pub(crate) fn is_personal_signal(hir: &Hir, signal: SignalId) -> bool {
    let state = hir.signals.get(signal).and_then(|signal| hir.states.get(signal.state));
    match state.map(|state| &state.measure) {
        Some(Measure::Of(Statistic::First | Statistic::Last | Statistic::Min | Statistic::Max, of)) => {
            is_personal(hir, *of)
        }
        Some(Measure::Top(of)) => of.iter().any(|of| is_personal(hir, *of)),
        _ => false,
    }
}
