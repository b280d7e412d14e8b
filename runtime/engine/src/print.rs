//! Conditions as people read them, for explanations.

use weir_compiler::hir::{CohortValue, ExprKind, Hir, TextOp};
use weir_compiler::ids::*;
use weir_compiler::show::show;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

/// How deep an expression is printed; below, it is `…`.
const DEPTH: usize = 12;

/// An expression in the language's own words, with parameters by name.
pub(crate) fn expr(hir: &Hir, id: ExprId) -> String {
    print(hir, id, DEPTH)
}

fn print(hir: &Hir, id: ExprId, depth: usize) -> String {
    let (Some(node), Some(deeper)) = (hir.exprs.get(id), depth.checked_sub(1)) else {
        return "…".to_owned();
    };
    let of = |id: &ExprId| {
        let text = print(hir, *id, deeper);
        let nested = hir.exprs.get(*id).is_some_and(|e| {
            matches!(
                e.kind,
                ExprKind::And(_)
                    | ExprKind::Or(_)
                    | ExprKind::Compare(..)
                    | ExprKind::Arithmetic(..)
                    | ExprKind::Fallback(..)
                    | ExprKind::Not(_)
            )
        });
        if nested { format!("({text})") } else { text }
    };
    let joined = |ids: &[ExprId], with: &str, bare: bool| {
        let each = |id: &ExprId| if bare { print(hir, *id, deeper) } else { of(id) };
        ids.iter().map(each).collect::<Vec<_>>().join(with)
    };
    match &node.kind {
        ExprKind::Const(value) => constant(value, &node.ty),
        ExprKind::Param(param) => hir.params.get(*param).map_or("?".into(), |param| param.name.to_string()),
        ExprKind::Field(field) => field_name(hir, *field),
        ExprKind::Fingerprint(shape) => {
            let shape = hir.declarations.fingerprints.get(*shape);
            shape.map_or("?".into(), |shape| shape.named.name.to_string())
        }
        ExprKind::Signal(signal) => signal_name(hir, *signal),
        ExprKind::Absent(signal) => format!("{} == 0", signal_name(hir, *signal)),
        ExprKind::Named(name, _) => name.to_string(),
        ExprKind::InCohort(cohort) => format!("event in {}", cohort_name(hir, *cohort)),
        ExprKind::CohortValue(cohort, value) => match value {
            CohortValue::Name => cohort_name(hir, *cohort),
            CohortValue::Lift => format!("{}.lift", cohort_name(hir, *cohort)),
            CohortValue::Count => format!("{}.count", cohort_name(hir, *cohort)),
            CohortValue::Usual => format!("{}.usual", cohort_name(hir, *cohort)),
        },
        ExprKind::Holds(sequence) => sequence_name(hir, *sequence, None),
        ExprKind::Captured { sequence, step, field } => {
            format!("{}.{}", sequence_name(hir, *sequence, Some(*step)), field_name(hir, *field))
        }
        ExprKind::Age { sequence, step } => format!("{}.age", sequence_name(hir, *sequence, Some(*step))),
        ExprKind::Call(call) => {
            let call = hir.calls.get(*call);
            let model = call.and_then(|call| hir.declarations.models.get(call.model));
            let inputs = call.map(|call| joined(&call.inputs, ", ", true)).unwrap_or_default();
            format!("{}({inputs})", model.map_or("?", |model| &model.named.name))
        }
        ExprKind::Score => "score".to_owned(),
        ExprKind::Now => "now".to_owned(),
        ExprKind::Variable(depth) => format!("#{depth}"),
        ExprKind::And(operands) => joined(operands, " and ", false),
        ExprKind::Or(operands) => joined(operands, " or ", false),
        ExprKind::Not(operand) => format!("not {}", of(operand)),
        ExprKind::Compare(op, a, b) => format!("{} {} {}", of(a), op.sign(), of(b)),
        ExprKind::EqIgnoringCase(a, b) => format!("{} == {} ignoring case", of(a), of(b)),
        ExprKind::Arithmetic(op, a, b) => format!("{} {} {}", of(a), op.sign(), of(b)),
        ExprKind::Negate(operand) => format!("-{}", of(operand)),
        ExprKind::ToFloat(operand) | ExprKind::Convert(operand) => print(hir, *operand, deeper),
        ExprKind::Fallback(a, b) => format!("{} ?? {}", of(a), of(b)),
        ExprKind::IsKnown(operand) => format!("{} is known", of(operand)),
        ExprKind::InList(needle, list) => {
            let list = hir.declarations.lists.get(*list).map_or("?", |list| &list.named.name);
            format!("{} in {list}", of(needle))
        }
        ExprKind::InSet(needle, set) => format!("{} in {}", of(needle), of(set)),
        ExprKind::Lookup(table, key) => {
            let table = hir.declarations.tables.get(*table).map_or("?", |table| &table.named.name);
            format!("{table}[{}]", print(hir, *key, deeper))
        }
        ExprKind::Matches(subject, pattern) => {
            let pattern = hir.patterns.get(*pattern);
            let (op, source) =
                pattern.map_or((TextOp::Glob, "?"), |pattern| (pattern.op, pattern.source.as_str()));
            let word = if op == TextOp::Regex { "matches regex" } else { "matches" };
            format!("{} {word} {source:?}", of(subject))
        }
        ExprKind::TextTest(op, subject, pattern) => {
            let word = match op {
                TextOp::Contains => "contains",
                TextOp::StartsWith => "starts with",
                TextOp::EndsWith => "ends with",
                TextOp::Glob | TextOp::Regex => "matches",
            };
            format!("{} {word} {}", of(subject), of(pattern))
        }
        ExprKind::Tagged(key, tag) => {
            let tag = hir.declarations.tags.get(*tag).map_or("?", |tag| &tag.name);
            format!("{} is tagged {tag}", key.text)
        }
        ExprKind::ScheduleActive(schedule) => {
            let schedule = hir.declarations.schedules.get(*schedule).map_or("?", |s| &s.named.name);
            format!("{schedule} is active")
        }
        ExprKind::Case(subject, arms) => {
            let arm = |(pattern, value): &(Option<ExprId>, ExprId)| {
                let pattern = pattern.as_ref().map_or("_".to_owned(), of);
                format!("{pattern} => {}", of(value))
            };
            let arms: Vec<String> = arms.iter().map(arm).collect();
            format!("case {} {{ {} }}", of(subject), arms.join(", "))
        }
        ExprKind::Builtin(builtin, arguments) => {
            format!("{}({})", builtin.name(), joined(arguments, ", ", true))
        }
        ExprKind::Array(members) => format!("[{}]", joined(members, ", ", true)),
        ExprKind::Template(_) => "text".to_owned(),
    }
}

fn constant(value: &Value, ty: &Type) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        value => show(value, ty),
    }
}

pub(crate) fn field_name(hir: &Hir, field: FieldId) -> String {
    hir.schema.fields.get(field).map_or("?".into(), |field| field.name.to_string())
}

pub(crate) fn signal_name(hir: &Hir, signal: SignalId) -> String {
    hir.signals.get(signal).map_or("?".into(), |signal| signal.name.to_string())
}

fn cohort_name(hir: &Hir, cohort: CohortId) -> String {
    hir.cohorts.get(cohort).map_or("?".into(), |cohort| cohort.name.to_string())
}

fn sequence_name(hir: &Hir, sequence: SequenceId, step: Option<u16>) -> String {
    let Some(sequence) = hir.sequences.get(sequence) else { return "?".into() };
    match step.map(|step| sequence.steps.get(usize::from(step))) {
        None => sequence.name.to_string(),
        Some(step) => format!("{}.{}", sequence.name, step.map_or("?", |step| &step.name)),
    }
}
