//! Comparisons inside the error band of a sketch.
//!
//! `distinct` and quantiles are exact up to [`EXACT`] different values. An equality beyond that asks a sketch
//! for one number; a threshold a little beyond it (up to [`CHEAP`]) would be exact with `exact` at little cost.

use weir_dsl::ast::{Statistic, WindowKind};
use weir_dsl::{Code, Diagnostic};

use super::{Found, bare};
use crate::hir::{CompareOp, Expr, ExprKind, Hir, Measure, State};
use crate::ids::*;
use crate::value::Value;

/// How many different values a sketch keeps exactly.
pub(super) const EXACT: i64 = 64;
/// Up to which threshold keeping all values costs little.
pub(super) const CHEAP: i64 = 128;

/// Lints one comparison.
pub(super) fn comparison(hir: &Hir, node: &Expr, found: &mut Found) {
    let ExprKind::Compare(op, left, right) = &node.kind else { return };
    let sides = [(*left, *right), (*right, *left)];
    let Some((name, state, other)) = sides.into_iter().find_map(|(side, other)| {
        let (_, node) = bare(hir, side)?;
        let ExprKind::Signal(signal) = node.kind else { return None };
        let signal = hir.signals.get(signal)?;
        Some((&signal.name, hir.states.get(signal.state)?, other))
    }) else {
        return;
    };
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let threshold = constant(hir, other);
    let title = match kind(state) {
        Some(Sketch::Distinct) if equality && threshold.is_none_or(|threshold| threshold > EXACT) => {
            format!("`{name}` is estimated here, and hardly ever one number")
        }
        Some(Sketch::Distinct)
            if !equality && threshold.is_some_and(|threshold| (EXACT + 1..=CHEAP).contains(&threshold)) =>
        {
            format!("`{name}` is estimated beyond {EXACT}, within about 5%")
        }
        Some(Sketch::Quantile) if equality => format!("`{name}` is estimated, and hardly ever one number"),
        Some(Sketch::Entropy) if equality => format!("`{name}` is hardly ever one number"),
        _ => return,
    };
    let help = if equality {
        "compare with `>=` or `<=`".to_owned()
    } else {
        format!("end the window with `exact`, or choose a threshold of at most {EXACT}")
    };
    found.report(Diagnostic::new(Code::INSIDE_ERROR, node.at, title).help(help));
}

enum Sketch {
    Distinct,
    Quantile,
    Entropy,
}

fn kind(state: &State) -> Option<Sketch> {
    if state.window.is_some_and(|window| window.kind == WindowKind::Exact) {
        return None;
    }
    match state.measure {
        Measure::Distinct(_) => Some(Sketch::Distinct),
        Measure::Of(Statistic::P1 | Statistic::P5 | Statistic::P50 | Statistic::P95 | Statistic::P99, _) => {
            Some(Sketch::Quantile)
        }
        Measure::Entropy(_) | Measure::CvOfGaps => Some(Sketch::Entropy),
        _ => None,
    }
}

/// A constant, or the least value that a parameter may have.
fn constant(hir: &Hir, expr: ExprId) -> Option<i64> {
    match &bare(hir, expr)?.1.kind {
        ExprKind::Const(Value::Int(value)) => Some(*value),
        ExprKind::Param(param) => match &hir.params.get(*param)?.range {
            Some((Value::Int(low), _)) => Some(*low),
            _ => None,
        },
        _ => None,
    }
}
