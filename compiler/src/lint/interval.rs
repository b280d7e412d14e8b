//! Conditions that are never or always true, by intervals over the bounds of one value.
//!
//! A bound that is a parameter stands for every value of its range: "never" takes the weakest of them,
//! "always" the strongest. "Always" means wherever the value is known.

use weir_dsl::{Code, Diagnostic, FileSpan};

use super::atom::{Atom, atom};
use super::{Condition, Found, bare};
use crate::hir::{CompareOp, ExprKind, Hir};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

/// The most atoms of one condition that are compared with each other.
const ATOMS_LIMIT: usize = 256;

/// Lints a condition and the conditions inside it.
pub(super) fn condition(hir: &Hir, condition: &Condition, found: &mut Found) {
    walk(hir, condition.expr, false, found);
}

/// Lints each rule's condition together with the filter of its policy.
pub(super) fn rules(hir: &Hir, found: &mut Found) {
    for rule in hir.rules.values() {
        let Some(filter) = hir.policies.get(rule.policy).and_then(|policy| policy.filter) else { continue };
        let mut filtered = Vec::new();
        conjuncts(hir, filter, false, &mut filtered);
        let mut own = Vec::new();
        conjuncts(hir, rule.when, false, &mut own);
        if filtered.len() + own.len() > ATOMS_LIMIT {
            continue;
        }
        let pair = filtered.iter().find_map(|a| own.iter().find(|b| excludes(a, b)).map(|b| (a, b)));
        if let (Some((a, b)), Some(when)) = (pair, place(hir, rule.when)) {
            if found.has(Code::CONTRADICTION, when.span) || found.has(Code::NEVER_TRUE, when.span) {
                continue;
            }
            let title = format!("rule `{}` never fires: the policy looks only at other events", rule.name);
            let mut diagnostic =
                Diagnostic::new(Code::CONTRADICTION, place(hir, b.expr).unwrap_or(when), title);
            if let Some(at) = place(hir, a.expr) {
                diagnostic = diagnostic.also(at, "the policy's events");
            }
            found.report(diagnostic.help("change one of the two"));
        }
    }
}

fn walk(hir: &Hir, expr: ExprId, negated: bool, found: &mut Found) {
    let Some((id, node)) = bare(hir, expr) else { return };
    match &node.kind {
        ExprKind::Not(inner) => walk(hir, *inner, !negated, found),
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            let before = found.diagnostics.len();
            for operand in operands {
                walk(hir, *operand, negated, found);
            }
            if found.diagnostics.len() > before {
                return;
            }
            let conjunction = matches!(node.kind, ExprKind::And(_)) != negated;
            let mut atoms = Vec::new();
            if conjunction {
                conjuncts(hir, id, negated, &mut atoms);
            } else {
                // A disjunction is always true when no value makes all its parts false.
                conjuncts(hir, id, !negated, &mut atoms);
            }
            if atoms.len() <= ATOMS_LIMIT {
                together(hir, id, &atoms, conjunction, found);
            }
        }
        // What could not be understood has been reported elsewhere.
        _ if node.ty == Type::Error => {}
        ExprKind::Const(Value::Bool(truth)) => {
            let (code, title) = if *truth != negated {
                (Code::ALWAYS_TRUE, "a condition that is always true")
            } else {
                (Code::NEVER_TRUE, "a condition that is never true")
            };
            found.report(Diagnostic::new(code, node.at, title));
        }
        _ => alone(hir, id, negated, found),
    }
}

/// The atoms that all hold when the condition does. Disjunctions inside say nothing of one value.
pub(super) fn conjuncts(hir: &Hir, expr: ExprId, negated: bool, into: &mut Vec<Atom>) {
    let Some((id, node)) = bare(hir, expr) else { return };
    match &node.kind {
        ExprKind::Not(inner) => conjuncts(hir, *inner, !negated, into),
        ExprKind::And(operands) if !negated => {
            operands.iter().for_each(|operand| conjuncts(hir, *operand, false, into));
        }
        ExprKind::Or(operands) if negated => {
            operands.iter().for_each(|operand| conjuncts(hir, *operand, true, into));
        }
        _ => into.extend(atom(hir, id, negated)),
    }
}

/// One comparison by itself.
fn alone(hir: &Hir, expr: ExprId, negated: bool, found: &mut Found) {
    let Some(atom) = atom(hir, expr, negated) else { return };
    let Some(at) = place(hir, expr) else { return };
    if atom.subject == atom.bound.text {
        let never = matches!(atom.op, CompareOp::Ne | CompareOp::Lt | CompareOp::Gt);
        let (code, word) = if never { (Code::NEVER_TRUE, "never") } else { (Code::ALWAYS_TRUE, "always") };
        found.report(Diagnostic::new(code, at, format!("a value compared with itself: {word} true")));
        return;
    }
    let Some((low, high)) = region(&atom, Strength::Weakest) else { return };
    let title = |word: &str| {
        let (least, most) = atom.domain;
        let range = match (least.is_finite(), most.is_finite()) {
            (true, true) => format!("between {} and {}", shown(hir, expr, least), shown(hir, expr, most)),
            (true, false) => format!("at least {}", shown(hir, expr, least)),
            _ => format!("at most {}", shown(hir, expr, most)),
        };
        format!("this is {word} true: the value is {range}")
    };
    if low > high {
        found.report(Diagnostic::new(Code::NEVER_TRUE, at, title("never")));
        return;
    }
    // An absence asks for nothing that the domain could give away.
    let is_absence = matches!(bare(hir, expr).map(|(_, node)| &node.kind), Some(ExprKind::Absent(_)));
    if is_absence || atom.op == CompareOp::Ne {
        return;
    }
    let bounded = atom.domain.0.is_finite() || atom.domain.1.is_finite();
    if bounded && region(&atom, Strength::Strongest).is_some_and(|region| region == whole_domain(&atom)) {
        let diagnostic = Diagnostic::new(Code::ALWAYS_TRUE, at, title("always"));
        found.report(
            diagnostic.help("where it is not known it is unknown; if that is meant, write `is known`"),
        );
    }
}

/// Bounds of one conjunction, or of the opposite of a disjunction.
fn together(hir: &Hir, expr: ExprId, atoms: &[Atom], conjunction: bool, found: &mut Found) {
    let mut pair = None;
    for (position, a) in atoms.iter().enumerate() {
        if let Some(b) = atoms.iter().skip(position + 1).find(|b| excludes(a, b)) {
            pair = Some((a, b));
            break;
        }
    }
    let (Some((a, b)), Some(at)) = (pair, place(hir, expr)) else { return };
    let first = place(hir, a.expr).unwrap_or(at);
    let second = place(hir, b.expr).unwrap_or(at);
    if conjunction {
        let diagnostic = Diagnostic::new(Code::CONTRADICTION, second, "these two are never true together")
            .also(first, "this excludes it")
            .help("change one of them, or write `or`");
        found.report(diagnostic);
    } else {
        let diagnostic = Diagnostic::new(Code::ALWAYS_TRUE, second, "one of these two is always true")
            .also(first, "where this is false, the other is true")
            .help("change one of them, or write `and`");
        found.report(diagnostic);
    }
}

/// Whether no value makes both true.
pub(super) fn excludes(a: &Atom, b: &Atom) -> bool {
    if a.subject != b.subject {
        return false;
    }
    if a.bound.text == b.bound.text {
        return relations(a.op) & relations(b.op) == 0;
    }
    if a.bound.constant && b.bound.constant && a.op == CompareOp::Eq && b.op == CompareOp::Eq {
        return true;
    }
    if let (Some(one), Some(other)) = (a.bound.currency, b.bound.currency)
        && one != other
    {
        return true;
    }
    let regions = (region(a, Strength::Weakest), region(b, Strength::Weakest));
    let (Some((low, high)), Some((other_low, other_high))) = regions else { return false };
    low.max(other_low) > high.min(other_high)
}

/// Whether the first being true makes the second true, for every value of their parameters.
pub(super) fn implies(a: &Atom, b: &Atom) -> bool {
    if a.subject != b.subject {
        return false;
    }
    if a.bound.text == b.bound.text {
        return relations(a.op) & !relations(b.op) == 0;
    }
    if a.bound.currency != b.bound.currency || b.op == CompareOp::Ne || a.op == CompareOp::Ne {
        return false;
    }
    let regions = (region(a, Strength::Weakest), region(b, Strength::Strongest));
    let (Some((low, high)), Some((other_low, other_high))) = regions else { return false };
    other_low <= low && high <= other_high
}

/// Which of less, equal and greater an operator allows.
const fn relations(op: CompareOp) -> u8 {
    match op {
        CompareOp::Lt => 0b001,
        CompareOp::Eq => 0b010,
        CompareOp::Gt => 0b100,
        CompareOp::Le => 0b011,
        CompareOp::Ge => 0b110,
        CompareOp::Ne => 0b101,
    }
}

/// Which of a parameter's values a bound is taken at.
#[derive(Clone, Copy)]
enum Strength {
    Weakest,
    Strongest,
}

/// The closed interval of values that an atom allows, within the subject's domain. Open ends are closed at
/// the next whole number, or at the next double.
fn region(atom: &Atom, strength: Strength) -> Option<(f64, f64)> {
    let (low, high) = atom.bound.range?;
    let (least, most) = whole_domain(atom);
    let (at_least, at_most) = match strength {
        Strength::Weakest => (low, high),
        Strength::Strongest => (high, low),
    };
    let above = |bound: f64| if atom.whole { bound.floor() + 1.0 } else { bound.next_up() };
    let below = |bound: f64| if atom.whole { bound.ceil() - 1.0 } else { bound.next_down() };
    Some(match atom.op {
        CompareOp::Ge => (least.max(at_least), most),
        CompareOp::Gt => (least.max(above(at_least)), most),
        CompareOp::Le => (least, most.min(at_most)),
        CompareOp::Lt => (least, most.min(below(at_most))),
        CompareOp::Eq => match strength {
            Strength::Weakest => (least.max(low), most.min(high)),
            // Equal to every value of a range: to none.
            Strength::Strongest if low < high => (f64::INFINITY, f64::NEG_INFINITY),
            Strength::Strongest => (least.max(low), most.min(high)),
        },
        CompareOp::Ne => (least, most),
    })
}

fn whole_domain(atom: &Atom) -> (f64, f64) {
    atom.domain
}

fn place(hir: &Hir, expr: ExprId) -> Option<FileSpan> {
    hir.exprs.get(expr).map(|expr| expr.at)
}

/// A bound of a domain as people write it.
fn shown(hir: &Hir, expr: ExprId, value: f64) -> String {
    let operand = match bare(hir, expr).map(|(_, node)| &node.kind) {
        Some(ExprKind::Compare(_, left, _)) => hir.exprs.get(*left).map(|left| left.ty.clone()),
        _ => None,
    };
    match operand {
        Some(Type::Probability) => format!("{}%", value * 100.0),
        Some(ty @ Type::Duration) => crate::show::show(&Value::Duration(value as i64), &ty),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::atom::Bound;
    use super::*;
    use crate::hir::CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};

    fn free(text: &str) -> Bound {
        Bound { text: text.to_owned(), range: None, constant: false, currency: None }
    }

    fn atom(op: CompareOp, low: f64, high: f64, whole: bool) -> Atom {
        let bound = Bound {
            text: format!("{low}..{high}"),
            range: Some((low, high)),
            constant: low == high,
            currency: None,
        };
        let domain = (f64::NEG_INFINITY, f64::INFINITY);
        Atom { subject: "x".into(), op, bound, domain, whole, expr: ExprId(0) }
    }

    const OPS: [CompareOp; 6] = [Eq, Ne, Lt, Le, Gt, Ge];

    fn holds(op: CompareOp, x: i32, bound: i32) -> bool {
        match op {
            Eq => x == bound,
            Ne => x != bound,
            Lt => x < bound,
            Le => x <= bound,
            Gt => x > bound,
            Ge => x >= bound,
        }
    }

    /// Against every whole value: what is said is true, and for bounds written in place nothing is left unsaid
    /// but what `!=` leaves out.
    #[test]
    fn whole_numbers_agree_with_trying_them_all() {
        for (one, other) in OPS.into_iter().flat_map(|one| OPS.map(|other| (one, other))) {
            for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
                let (left, right) =
                    (atom(one, a.into(), a.into(), true), atom(other, b.into(), b.into(), true));
                let both = (-9..9).any(|x| holds(one, x, a) && holds(other, x, b));
                let implied = (-9..9).all(|x| !holds(one, x, a) || holds(other, x, b));
                assert!(!(excludes(&left, &right) && both), "{one:?} {a} {other:?} {b}");
                assert!(!implies(&left, &right) || implied, "{one:?} {a} {other:?} {b}");
                if one != Ne && other != Ne {
                    assert_eq!(excludes(&left, &right), !both, "{one:?} {a} {other:?} {b}");
                    let empty = (-9..9).all(|x| !holds(one, x, a));
                    assert!(empty || implies(&left, &right) == implied, "{one:?} {a} {other:?} {b}");
                }
            }
        }
    }

    /// A parameter's range: what is said holds for every value in it.
    #[test]
    fn ranges_mean_every_value_in_them() {
        for (one, other) in OPS.into_iter().flat_map(|one| OPS.map(|other| (one, other))) {
            for (low, high, b) in [(0, 2, 1), (0, 2, 3), (1, 3, 0), (2, 2, 2), (0, 3, -1)] {
                let mut left = atom(one, low.into(), high.into(), true);
                left.bound.constant = false;
                let right = atom(other, b.into(), b.into(), true);
                for p in low..=high {
                    let both = (-9..9).any(|x| holds(one, x, p) && holds(other, x, b));
                    assert!(!(excludes(&left, &right) && both), "{one:?} {low}..{high} {other:?} {b}");
                    let implied = (-9..9).all(|x| !holds(one, x, p) || holds(other, x, b));
                    assert!(!implies(&left, &right) || implied, "{one:?} {low}..{high} {other:?} {b}");
                    let implied = (-9..9).all(|x| !holds(other, x, b) || holds(one, x, p));
                    assert!(!implies(&right, &left) || implied, "{other:?} {b} {one:?} {low}..{high}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_constant_is_compared_by_its_text() {
        let mut less = atom(Lt, 0.0, 0.0, false);
        less.bound = free("y");
        let mut greater = less.clone();
        greater.op = Gt;
        assert!(excludes(&less, &greater));
        greater.bound = free("z");
        assert!(!excludes(&less, &greater));
    }
}
