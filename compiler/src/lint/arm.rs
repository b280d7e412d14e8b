//! Arms that are never reached: of `case`, behind an equal pattern or `_`; of `decide`, where an earlier arm
//! takes every score.

use weir_dsl::{Code, Diagnostic};

use super::{Found, bare};
use crate::hir::{ArithmeticOp, CompareOp, Decide, Expr, ExprKind, Hir};
use crate::ids::*;
use crate::value::Value;

/// Lints one `case`.
pub(super) fn case(hir: &Hir, node: &Expr, found: &mut Found) {
    let ExprKind::Case(_, arms) = &node.kind else { return };
    let mut seen: Vec<&Value> = Vec::new();
    let mut rest = None;
    for (pattern, value) in arms {
        let Some(at) = hir.exprs.get(pattern.unwrap_or(*value)).map(|expr| expr.at) else { continue };
        if let Some(first) = rest {
            let diagnostic = Diagnostic::new(Code::UNREACHABLE, at, "an arm that is never reached")
                .also(first, "everything ends here")
                .help("put `_` last");
            found.report(diagnostic);
            continue;
        }
        match pattern.and_then(|pattern| bare(hir, pattern)).map(|(_, node)| &node.kind) {
            Some(ExprKind::Const(value)) if seen.contains(&value) => {
                let diagnostic = Diagnostic::new(Code::UNREACHABLE, at, "an arm that is never reached")
                    .note("an earlier arm has the same pattern");
                found.report(diagnostic);
            }
            Some(ExprKind::Const(value)) => seen.push(value),
            Some(_) => {}
            None if pattern.is_none() => rest = Some(at),
            None => {}
        }
    }
}

/// Lints thresholds: each arm against every score from 0 to 100.
pub(crate) fn decide(hir: &Hir, decide: &Decide) -> Vec<Diagnostic> {
    let mut taken = [false; 101];
    let mut diagnostics = Vec::new();
    for (verb, condition) in &decide.arms {
        let Some(at) = hir.exprs.get(*condition).map(|expr| expr.at) else { continue };
        let mut reached = false;
        let mut decided = true;
        for (score, taken) in (0_i64..).zip(taken.iter_mut()) {
            match holds(hir, *condition, score) {
                Some(true) => {
                    reached |= !*taken;
                    *taken = true;
                }
                Some(false) => {}
                None => decided = false,
            }
        }
        if decided && !reached {
            let title = format!("`{}` is never reached", verb.word());
            let diagnostic = Diagnostic::new(Code::UNREACHABLE, at, title)
                .note("earlier arms take every score from 0 to 100 for which this one is true")
                .help("put the higher threshold first");
            diagnostics.push(diagnostic);
        }
    }
    diagnostics
}

/// Whether a threshold is true of a score; nothing where it depends on more than constants.
fn holds(hir: &Hir, expr: ExprId, score: i64) -> Option<bool> {
    match &bare(hir, expr)?.1.kind {
        ExprKind::Const(Value::Bool(truth)) => Some(*truth),
        ExprKind::And(operands) => {
            let truths: Option<Vec<bool>> =
                operands.iter().map(|operand| holds(hir, *operand, score)).collect();
            Some(truths?.into_iter().all(|truth| truth))
        }
        ExprKind::Or(operands) => {
            let truths: Option<Vec<bool>> =
                operands.iter().map(|operand| holds(hir, *operand, score)).collect();
            Some(truths?.into_iter().any(|truth| truth))
        }
        ExprKind::Not(inner) => holds(hir, *inner, score).map(|truth| !truth),
        ExprKind::Compare(op, left, right) => {
            let (left, right) = (number(hir, *left, score)?, number(hir, *right, score)?);
            Some(match op {
                CompareOp::Eq => left == right,
                CompareOp::Ne => left != right,
                CompareOp::Lt => left < right,
                CompareOp::Le => left <= right,
                CompareOp::Gt => left > right,
                CompareOp::Ge => left >= right,
            })
        }
        _ => None,
    }
}

fn number(hir: &Hir, expr: ExprId, score: i64) -> Option<f64> {
    match &bare(hir, expr)?.1.kind {
        ExprKind::Score => Some(score as f64),
        ExprKind::Const(Value::Int(value)) => Some(*value as f64),
        ExprKind::Const(Value::Float(value)) => Some(*value),
        ExprKind::Arithmetic(op, left, right) => {
            let (left, right) = (number(hir, *left, score)?, number(hir, *right, score)?);
            match op {
                ArithmeticOp::Add => Some(left + right),
                ArithmeticOp::Sub => Some(left - right),
                ArithmeticOp::Mul => Some(left * right),
                ArithmeticOp::Div | ArithmeticOp::Rem => None,
            }
        }
        _ => None,
    }
}
