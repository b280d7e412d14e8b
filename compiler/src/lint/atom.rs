//! Conditions taken apart: what stands between `and` and `or`, as a subject with a bound.

use crate::canonical;
use crate::check::{each_child, flipped};
use crate::hir::{Builtin, CompareOp, Expr, ExprKind, Hir, Measure};
use crate::ids::*;
use crate::lint::bare;
use crate::types::Type;
use crate::value::Value;

/// A condition without `and` and `or`: `subject op bound`.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    /// What is bounded, as text: equal texts have equal values.
    pub(super) subject: String,
    pub(super) op: CompareOp,
    pub(super) bound: Bound,
    /// The values the subject can have at all.
    pub(super) domain: (f64, f64),
    /// The subject is a whole number.
    pub(super) whole: bool,
    /// Where the condition is written.
    pub(super) expr: ExprId,
}

/// What a subject is compared with.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// As text; equal texts have equal values.
    pub(super) text: String,
    /// The values it can have: one, or a parameter's range. Nothing for what is no constant.
    pub(super) range: Option<(f64, f64)>,
    /// A constant written in place: two with different texts differ.
    pub(super) constant: bool,
    /// Of money.
    pub(super) currency: Option<[u8; 3]>,
}

/// The largest number that doubles hold exactly; beyond it nothing is concluded.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The atom that a condition is, negated or not; nothing for `and`, `or` and what cannot be compared.
pub(super) fn atom(hir: &Hir, expr: ExprId, negated: bool) -> Option<Atom> {
    let (id, node) = bare(hir, expr)?;
    match &node.kind {
        ExprKind::Compare(op, left, right) => {
            let op = if negated { complement(*op) } else { *op };
            comparison(hir, id, op, *left, *right)
        }
        ExprKind::Absent(signal) if !negated => {
            let subject = reading(hir, *signal)?;
            let bound =
                Bound { text: "0".to_owned(), range: Some((0.0, 0.0)), constant: true, currency: None };
            Some(Atom {
                subject,
                op: CompareOp::Le,
                bound,
                domain: (0.0, f64::INFINITY),
                whole: true,
                expr: id,
            })
        }
        ExprKind::Absent(_) | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::Const(_) => {
            None
        }
        // Anything else is true or not.
        _ => {
            let subject = term(hir, id)?;
            let op = if negated { CompareOp::Ne } else { CompareOp::Eq };
            let bound = Bound { text: "true".to_owned(), range: None, constant: true, currency: None };
            Some(Atom {
                subject,
                op,
                bound,
                domain: (f64::NEG_INFINITY, f64::INFINITY),
                whole: false,
                expr: id,
            })
        }
    }
}

fn comparison(hir: &Hir, expr: ExprId, op: CompareOp, left: ExprId, right: ExprId) -> Option<Atom> {
    let (a, b) = (bound(hir, left), bound(hir, right));
    let fixed =
        |bound: &Option<Bound>| bound.as_ref().is_some_and(|bound| bound.range.is_some() || bound.constant);
    let (subject, op, bound) = if fixed(&b) && !fixed(&a) {
        (left, op, b?)
    } else if fixed(&a) && !fixed(&b) {
        (right, flipped(op), a?)
    } else {
        // Two constants, or none: ordered by text, so that `a < b` and `b > a` are one.
        let (a, b) = (a?, b?);
        if a.text <= b.text { (left, op, b) } else { (right, flipped(op), a) }
    };
    let (id, node) = bare(hir, subject)?;
    let text = match &node.kind {
        ExprKind::Signal(signal) => reading(hir, *signal)?,
        _ => term(hir, id)?,
    };
    let (domain, whole) = domain(hir, node);
    Some(Atom { subject: text, op, bound, domain, whole, expr })
}

/// The text of a reading: state, and how it is read.
fn reading(hir: &Hir, signal: SignalId) -> Option<String> {
    let signal = hir.signals.get(signal)?;
    let state = hir.states.get(signal.state)?;
    Some(format!("[{}] {} {:?}", state.identity, signal.before_this, signal.least))
}

/// The text of a value that depends on no parameter.
fn term(hir: &Hir, expr: ExprId) -> Option<String> {
    let mut rest = vec![expr];
    let mut looked = 0_usize;
    while let Some(id) = rest.pop() {
        looked += 1;
        let kind = &hir.exprs.get(id)?.kind;
        if matches!(kind, ExprKind::Param(_)) || looked > 4_096 {
            return None;
        }
        each_child(hir, kind, |child| rest.push(child));
    }
    Some(canonical::expr(hir, expr))
}

fn bound(hir: &Hir, expr: ExprId) -> Option<Bound> {
    let (id, node) = bare(hir, expr)?;
    match &node.kind {
        ExprKind::Const(value) => {
            let (number, currency) = number(value);
            let range = number.filter(|number| number.abs() <= EXACT).map(|number| (number, number));
            // Texts of numbers are made from the double, so that 5 and 5.0 are one.
            let text =
                range.map_or_else(|| format!("{value:?}"), |(number, _)| format!("{number}{currency:?}"));
            Some(Bound { text, range, constant: true, currency })
        }
        ExprKind::Param(param) => {
            let param = hir.params.get(*param)?;
            let ends = param.range.as_ref().map(|(low, high)| (number(low), number(high)));
            let (range, currency) = match ends {
                Some(((Some(low), currency), (Some(high), _)))
                    if low.abs() <= EXACT && high.abs() <= EXACT =>
                {
                    (Some((low, high)), currency)
                }
                _ => (None, None),
            };
            Some(Bound { text: format!("param {}", param.name), range, constant: false, currency })
        }
        ExprKind::Signal(signal) => {
            Some(Bound { text: reading(hir, *signal)?, range: None, constant: false, currency: None })
        }
        _ => Some(Bound { text: term(hir, id)?, range: None, constant: false, currency: None }),
    }
}

/// A constant as a number, with its currency.
pub(super) fn number(value: &Value) -> (Option<f64>, Option<[u8; 3]>) {
    match value {
        Value::Int(value) | Value::Duration(value) | Value::Time(value) => (Some(*value as f64), None),
        Value::Float(value) => (Some(*value), None),
        Value::Money(minor, currency) => (Some(*minor as f64), Some(currency.0)),
        _ => (None, None),
    }
}

/// The values that an expression can have, and whether they are whole.
fn domain(hir: &Hir, node: &Expr) -> ((f64, f64), bool) {
    let any = (f64::NEG_INFINITY, f64::INFINITY);
    let whole = matches!(node.ty, Type::Int | Type::Duration | Type::Timestamp | Type::Money);
    let range = match &node.kind {
        ExprKind::Signal(signal) => reading_domain(hir, *signal),
        ExprKind::Age { sequence, .. } => {
            let horizon = hir.sequences.get(*sequence).filter(|sequence| sequence.then_no.is_none());
            let most = horizon
                .filter(|sequence| sequence.horizon.param.is_none())
                .map(|sequence| sequence.horizon.ms as f64);
            (0.0, most.unwrap_or(f64::INFINITY))
        }
        ExprKind::Score => (0.0, 100.0),
        ExprKind::Builtin(Builtin::Hour, _) => (0.0, 23.0),
        ExprKind::Builtin(Builtin::Weekday, _) => (1.0, 7.0),
        ExprKind::Builtin(
            Builtin::Length | Builtin::LetterEntropy | Builtin::Edits | Builtin::Distance,
            _,
        ) => (0.0, f64::INFINITY),
        ExprKind::CohortValue(..) => (0.0, f64::INFINITY),
        ExprKind::Field(_) if node.ty == Type::Probability => (0.0, 1.0),
        _ => any,
    };
    (range, whole)
}

fn reading_domain(hir: &Hir, signal: SignalId) -> (f64, f64) {
    let any = (f64::NEG_INFINITY, f64::INFINITY);
    let Some(state) = hir.signals.get(signal).and_then(|signal| hir.states.get(signal.state)) else {
        return any;
    };
    match &state.measure {
        Measure::Count
        | Measure::Rate
        | Measure::Concurrent
        | Measure::Distinct(_)
        | Measure::Entropy(_)
        | Measure::Sequential(_)
        | Measure::CvOfGaps
        | Measure::Bucket { .. } => (0.0, f64::INFINITY),
        Measure::Share(_) => (0.0, 1.0),
        Measure::Elapsed => {
            let fixed = state.window.filter(|window| window.span.param.is_none());
            (0.0, fixed.map_or(f64::INFINITY, |window| window.span.ms as f64))
        }
        Measure::Usual { of, floor } => {
            let of = hir.states.get(*of).map(|state| &state.measure);
            let most = if matches!(of, Some(Measure::Share(_))) { 1.0 } else { f64::INFINITY };
            (floor.unwrap_or(0.0), most.max(floor.unwrap_or(0.0)))
        }
        Measure::Top(_) | Measure::Of(..) | Measure::LastSeen | Measure::Gcra { .. } => any,
    }
}

/// The operator of the opposite condition.
pub(super) const fn complement(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}
