//! Conditions as clauses: a conjunction of disjunctions, each part of which looks at one axis.
//!
//! Literals of one clause on one axis are one part, for a set of classes holds any of them; clauses that are one part on the
//! same axis are one clause. So most conditions become a few sets of classes, whatever they were written with.

use crate::axis::{Axis, AxisId, Place, Set};
use crate::condition::Condition;
use crate::literal::LiteralId;

/// The most clauses of a condition, and the most literals of a clause. What would need more is left to the evaluator.
const MOST_CLAUSES: usize = 64;
const MOST_LITERALS: usize = 256;

/// A part of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The value's class is in the set.
    Set(AxisId, Set),
    /// A pattern of the axis is found, or not: twice its number, and one more for not.
    Term(AxisId, u32),
}

impl Part {
    pub(crate) fn axis(&self) -> AxisId {
        match self {
            Self::Set(axis, _) | Self::Term(axis, _) => *axis,
        }
    }

    /// Parts that ask alike stand beside each other in this order.
    pub(crate) fn order(&self) -> (AxisId, u32, u32) {
        match self {
            Self::Set(axis, set) => {
                let (first, last) = set.runs.iter().next().unwrap_or((0, 0));
                (*axis, first, last)
            }
            Self::Term(axis, term) => (*axis, *term, *term),
        }
    }
}

/// One of its parts holds. Ascending by axis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Clause {
    pub(crate) parts: Vec<Part>,
}

/// A condition in normal form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Normal {
    /// All of them hold where the condition does.
    pub(crate) clauses: Vec<Clause>,
    /// The condition holds where all of them do.
    pub(crate) exact: bool,
    /// It never holds.
    pub(crate) never: bool,
}

type Literal = (LiteralId, bool);

/// Disjunctions of literals; those that hold something opaque are left out and make the form inexact.
struct Product {
    clauses: Vec<Vec<Literal>>,
    exact: bool,
}

/// Brings a condition to normal form. Cost: linear, but for disjunctions of conjunctions, which multiply out up to a bound.
pub(crate) fn normal(condition: &Condition, axes: &[Axis], places: &[Place]) -> Normal {
    let product = product(condition);
    let mut normal = Normal { clauses: Vec::new(), exact: product.exact, never: false };
    for literals in product.clauses {
        match clause(&literals, axes, places) {
            None => normal.exact = false,
            Some(clause) if clause.parts.is_empty() => normal.never = true,
            Some(clause) => normal.clauses.push(clause),
        }
    }
    normal.clauses = merged(normal.clauses);
    normal
}

fn product(condition: &Condition) -> Product {
    match condition {
        Condition::Const(true) => Product { clauses: Vec::new(), exact: true },
        Condition::Const(false) => Product { clauses: vec![Vec::new()], exact: true },
        Condition::Opaque => Product { clauses: Vec::new(), exact: false },
        Condition::Literal { literal, not } => Product { clauses: vec![vec![(*literal, *not)]], exact: true },
        Condition::And(operands) => {
            let mut all = Product { clauses: Vec::new(), exact: true };
            for operand in operands {
                let product = product(operand);
                all.clauses.extend(product.clauses);
                all.exact &= product.exact;
            }
            all
        }
        Condition::Or(operands) => {
            let mut any = Product { clauses: vec![Vec::new()], exact: true };
            for operand in operands {
                let next = product(operand);
                any.exact &= next.exact;
                if any.clauses.len().saturating_mul(next.clauses.len()) > MOST_CLAUSES {
                    // Nothing is known of it here but that it may hold.
                    return Product { clauses: Vec::new(), exact: false };
                }
                let pairs =
                    any.clauses.iter().flat_map(|left| next.clauses.iter().map(move |right| (left, right)));
                any.clauses =
                    pairs.map(|(left, right)| left.iter().chain(right).copied().collect()).collect();
            }
            any
        }
    }
}

/// A clause of literals; nothing where one of them has no place, or they are too many.
fn clause(literals: &[Literal], axes: &[Axis], places: &[Place]) -> Option<Clause> {
    if literals.len() > MOST_LITERALS {
        return None;
    }
    let mut parts: Vec<Part> = Vec::with_capacity(literals.len());
    for (literal, not) in literals {
        match places.get(literal.0 as usize)? {
            Place::Nowhere => return None,
            Place::Pattern(axis, pattern) => {
                let part = Part::Term(*axis, pattern * 2 + u32::from(*not));
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            Place::Set(axis, set) => {
                let set = if *not { set.negated(axes.get(usize::from(axis.0))?) } else { set.clone() };
                let same = parts.iter_mut().find_map(|part| match part {
                    Part::Set(known, set) if known == axis => Some(set),
                    _ => None,
                });
                match same {
                    Some(known) => *known = known.union(&set),
                    None => parts.push(Part::Set(*axis, set)),
                }
            }
        }
    }
    parts.sort_by_key(|part| match part {
        Part::Set(axis, _) => (*axis, 0),
        Part::Term(axis, term) => (*axis, *term + 1),
    });
    Some(Clause { parts })
}

/// Clauses that are one set on the same axis, as one.
fn merged(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut merged: Vec<Clause> = Vec::with_capacity(clauses.len());
    for clause in clauses {
        if let [Part::Set(axis, set)] = clause.parts.as_slice() {
            let same = merged.iter_mut().find_map(|known| match known.parts.as_mut_slice() {
                [Part::Set(of, known)] if of == axis => Some(known),
                _ => None,
            });
            if let Some(known) = same {
                *known = known.intersection(set);
                continue;
            }
        }
        if !merged.contains(&clause) {
            merged.push(clause);
        }
    }
    merged
}
