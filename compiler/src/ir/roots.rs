//! The expressions that an engine asks for, with what each is there for.

use smol_str::{SmolStr, format_smolstr};

use crate::hir::{CapKind, Hir, Measure, Part};
use crate::ids::*;
use crate::ir::Kind;

/// Calls `with` for each, in the order of the rule set; its label is made when asked for.
pub(super) fn each(hir: &Hir, mut with: impl FnMut(ExprId, Kind, &dyn Fn() -> SmolStr)) {
    for policy in hir.policies.values() {
        let name = || format_smolstr!("{}.{}", policy.package, policy.name);
        if let Some(filter) = policy.filter {
            with(filter, Kind::Truth, &|| format_smolstr!("policy {}", name()));
        }
        for (verb, when) in &policy.decide.arms {
            with(*when, Kind::Truth, &|| format_smolstr!("decide {} {}", verb.word(), name()));
        }
    }
    for rule in hir.rules.values() {
        with(rule.when, Kind::Truth, &|| format_smolstr!("rule {}", rule.full_name));
        for value in values(&rule.because) {
            with(value, Kind::Value, &|| format_smolstr!("because {}", rule.full_name));
        }
    }
    let mut readers: IdVec<StateId, Option<&SmolStr>> = hir.states.values().map(|_| None).collect();
    for signal in hir.signals.values() {
        if let Some(reader) = readers.get_mut(signal.state) {
            reader.get_or_insert(&signal.name);
        }
    }
    for (id, state) in hir.states.iter() {
        let name = || match readers.get(id).copied().flatten() {
            Some(reader) => format_smolstr!("{reader} ({})", id.0),
            None => format_smolstr!("({})", id.0),
        };
        if let Some(filter) = state.filter {
            with(filter, Kind::Truth, &|| format_smolstr!("state {}", name()));
        }
        match &state.measure {
            Measure::Share(predicate) => {
                with(*predicate, Kind::Truth, &|| format_smolstr!("share {}", name()))
            }
            Measure::Distinct(measured) | Measure::Entropy(measured) | Measure::Top(measured) => {
                for expr in measured {
                    with(*expr, Kind::Value, &|| format_smolstr!("measure {}", name()));
                }
            }
            Measure::Sequential(expr) | Measure::Of(_, expr) => {
                with(*expr, Kind::Value, &|| format_smolstr!("measure {}", name()));
            }
            Measure::Count
            | Measure::Rate
            | Measure::Concurrent
            | Measure::CvOfGaps
            | Measure::Elapsed
            | Measure::LastSeen
            | Measure::Usual { .. }
            | Measure::Bucket { .. }
            | Measure::Gcra { .. } => {}
        }
    }
    for cohort in hir.cohorts.values() {
        if let Some(filter) = cohort.filter {
            with(filter, Kind::Truth, &|| format_smolstr!("cohort {}", cohort.name));
        }
    }
    for sequence in hir.sequences.values() {
        let steps = sequence.steps.iter().map(|step| step.filter);
        let without = sequence.without.iter().map(|without| without.filter);
        let then_no = sequence.then_no.iter().map(|then_no| then_no.filter);
        for filter in steps.chain(without).chain(then_no).flatten() {
            with(filter, Kind::Truth, &|| format_smolstr!("sequence {}", sequence.name));
        }
    }
    for fact in hir.facts.values() {
        if let Some(filter) = fact.filter {
            with(filter, Kind::Truth, &|| format_smolstr!("fact {}", fact.key.text));
        }
    }
    for call in hir.calls.values() {
        for input in &call.inputs {
            with(*input, Kind::Value, &|| SmolStr::new_static("call"));
        }
    }
    for cap in &hir.caps {
        if let CapKind::Actions { filter: Some(filter), .. } = &cap.kind {
            with(*filter, Kind::Truth, &|| format_smolstr!("cap {}", cap.package));
        }
        for value in values(&cap.because) {
            with(value, Kind::Value, &|| format_smolstr!("cap {}", cap.package));
        }
    }
    for derive in &hir.derives {
        let event = hir.schema.events.get(derive.event).map(|event| event.name.clone()).unwrap_or_default();
        if let Some(filter) = derive.filter {
            with(filter, Kind::Truth, &|| format_smolstr!("derive {event}"));
        }
        for (field, value, _) in &derive.fields {
            let field = hir.schema.fields.get(*field).map(|field| field.name.clone()).unwrap_or_default();
            with(*value, Kind::Value, &|| format_smolstr!("derive {event}.{field}"));
        }
    }
}

fn values(parts: &[Part]) -> impl Iterator<Item = ExprId> {
    parts.iter().filter_map(|part| match part {
        Part::Value(expr) => Some(*expr),
        Part::Text(_) => None,
    })
}
