//! What would have been: a look at an event with one thing changed, run again.
//!
//! The change is made where it can be: the value of a field or of a reading; else the condition is taken to be the other,
//! wherever it is written. Then filters, conditions, scores, caps and resolution run as for a record. What state
//! would have answered otherwise is not known: readings that would have counted another event, and an entry that was
//! never put. Whatever cannot be run on what is recorded has no answer.

use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{CompareOp, ExprKind, Verb};
use weir_compiler::ids::*;
use weir_compiler::value::Value;

use super::look::{LookRecord, Met};
use super::reexecute;
use crate::decision::EventDecision;
use crate::privacy;
use crate::recording::{Look, Recorded};
use crate::resolve::Sheet;
use crate::ruleset::{CapPlan, RuleSet};
use crate::sense::Sensed;
use crate::state::{Number, Reading};

/// The verdict on an event, had a condition been `truth`; nothing when that cannot be told.
pub(crate) fn verdict(
    set: &RuleSet,
    decision: &EventDecision,
    sheet: &Sheet,
    condition: ExprId,
    truth: bool,
) -> Option<Verb> {
    let (look, notes) = (sheet.look.as_ref()?, sheet.notes.as_deref()?);
    let walker = Evaluator::new(&set.hir, &notes.data, None);
    let mut changed = changed(set, &walker, look, condition, truth).unwrap_or_else(|| look.clone());
    let is = |look: &Look| walker.truth(condition, &Recorded { set, look }) == Some(truth);
    if !is(&changed) {
        changed = Look { assumed: Some((set.conditions().name(condition)?, truth)), ..look.clone() };
    }
    if !is(&changed) {
        return None;
    }
    // Caps were asked before, and are not asked again: a change must leave them alone.
    for cap in set.caps.iter() {
        let CapPlan::Actions { filter: Some(filter), .. } = cap else { continue };
        let asked = |look: &Look| walker.truth(*filter, &Recorded { set, look });
        if asked(look) != asked(&changed) {
            return None;
        }
    }
    let packages = sheet.exempted.iter().take(notes.inherited);
    let record = LookRecord {
        event: sheet.event,
        phase: sheet.phase,
        look: changed,
        notes: notes.clone(),
        inherited: packages.filter_map(|id| set.packages.get(usize::from(id.0)).cloned()).collect(),
        exemptions: sheet.exemptions.clone(),
        spared: sheet.spared.clone(),
        keys: decision
            .matches
            .iter()
            .flat_map(|found| found.keys.iter().map(|(text, hash)| (found.rule, text.clone(), *hash)))
            .collect(),
        caps: sheet.caps.clone(),
        exceeded: sheet.exceeded.clone(),
        entries: sheet
            .met
            .iter()
            .zip(&decision.entries)
            .map(|((hash, origin), hit)| Met {
                origin: *origin,
                hash: *hash,
                until: hit.until,
                shadow: hit.shadow,
                fate: hit.fate,
            })
            .collect(),
        panic: sheet.panic,
        full: sheet.full.clone(),
        standing: Vec::new(),
        changed: true,
        after: Vec::new(),
    };
    reexecute::look(set, record).ok().map(|decision| decision.verdict.verb)
}

/// The look with the field or reading of a comparison changed, so that it is `truth`.
fn changed(
    set: &RuleSet,
    walker: &Evaluator<'_>,
    look: &Look,
    condition: ExprId,
    truth: bool,
) -> Option<Look> {
    let hir = &set.hir;
    let ExprKind::Compare(op, left, right) = hir.exprs.get(condition)?.kind else { return None };
    if privacy::is_personal(hir, left) {
        return None;
    }
    let other = walker.value(right, &Recorded { set, look })?.into_owned();
    let wanted = beyond(&other, if truth { op } else { negated(op)? })?;
    let mut changed = look.clone();
    match hir.exprs.get(left)?.kind {
        ExprKind::Field(field) => changed.record.stand_in(&hir.schema, field, wanted),
        ExprKind::Signal(signal) => {
            let name = set.names.signals.get(signal);
            for (id, sensed) in &mut changed.captured.signals {
                if set.names.signals.get(*id) == name {
                    *sensed = certain(&wanted);
                }
            }
        }
        _ => return None,
    }
    Some(changed)
}

fn certain(value: &Value) -> Sensed {
    let number = match value {
        Value::Int(n) | Value::Duration(n) | Value::Time(n) | Value::Money(n, _) => Some(Number::Int(*n)),
        Value::Float(x) => Some(Number::Float(*x)),
        _ => None,
    };
    let reading = number.map(Reading::certain);
    Sensed {
        absent: reading.and_then(|reading| reading.is_absent()),
        reading,
        ..Sensed::known(value.clone())
    }
}

const fn negated(op: CompareOp) -> Option<CompareOp> {
    Some(match op {
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Eq => return None,
    })
}

/// The nearest value that compares so with `other`.
fn beyond(other: &Value, op: CompareOp) -> Option<Value> {
    let step = match op {
        CompareOp::Ge | CompareOp::Le | CompareOp::Eq => return Some(other.clone()),
        CompareOp::Gt => 1,
        CompareOp::Lt => -1,
        CompareOp::Ne => return None,
    };
    Some(match other {
        Value::Int(n) => Value::Int(n.checked_add(step)?),
        Value::Duration(n) => Value::Duration(n.checked_add(step)?),
        Value::Time(n) => Value::Time(n.checked_add(step)?),
        Value::Money(n, currency) => Value::Money(n.checked_add(step)?, *currency),
        Value::Float(x) => Value::float(if step > 0 { x.next_up() } else { x.next_down() })?,
        _ => return None,
    })
}
