//! Personal values leave the engine as keyed hashes: in reasons, matches and explanations alike.

use std::net::IpAddr;

use smol_str::SmolStr;
use weir_compiler::hir::{Builtin, CohortValue, ExprKind, Hir, KeyPart, Measure, Statistic};
use weir_compiler::ids::{CohortId, ExprId, FieldId, SignalId};
use weir_compiler::show::show;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::keyhash::{KeyHash, KeyHasher, append, append_text};
use crate::reads::children;

/// Values as one tenant's keyed hash, `#` and twelve digits: equal values have equal ones, and nobody without the
/// secret can tell which.
pub(crate) fn pseudonym(hasher: &KeyHasher, values: &[Value]) -> String {
    if let (true, [Value::Text(known)]) = (hasher.recalled, values) {
        return known.to_string();
    }
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&hasher.pseudonyms.to_le_bytes());
    values.iter().for_each(|value| append(&mut bytes, value));
    digits(hasher.key(&bytes)).to_string()
}

/// The pseudonym of a client: that of its address and its user agent together. `bytes` is scratch space.
pub(crate) fn client(hasher: &KeyHasher, ip: IpAddr, agent: &str, bytes: &mut Vec<u8>) -> SmolStr {
    bytes.clear();
    bytes.extend_from_slice(&hasher.pseudonyms.to_le_bytes());
    append(bytes, &Value::Ip(ip));
    append_text(bytes, agent);
    digits(hasher.key(bytes))
}

/// `#` and the top 48 bits, a digit for each four; by hand, as formatting costs more than the hash.
fn digits(hash: KeyHash) -> SmolStr {
    let mut text = [b'#'; 13];
    for (digit, place) in text.iter_mut().skip(1).enumerate() {
        let nibble = (hash.0 >> (124 - 4 * digit)) as u8 & 15;
        *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    }
    std::str::from_utf8(&text).map(SmolStr::new).unwrap_or_default()
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
