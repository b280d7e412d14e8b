//! Conditions over literals, with `not` at the literals, made from expressions.
//!
//! What is no test of one field with constants, state and models among them, is opaque here: a plan takes it for possible, and
//! leaves the last word to the engine's evaluator.

use std::sync::Arc;

use ipnet::IpNet;
use weir_compiler::hir::{CompareOp, ExprKind, Hir, TextOp};
use weir_compiler::ids::{ExprId, FieldId};
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::literal::{LiteralId, Literals, Test};
use crate::scalar::{Kind, int, ordered};

/// How deep an expression is looked into; what lies deeper is opaque.
const DEPTH: usize = 200;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// One of them.
    Or(Vec<Condition>),
    /// A literal, or its negation.
    Literal {
        /// Which.
        literal: LiteralId,
        /// Negated.
        not: bool,
    },
    /// Always the same.
    Const(bool),
    /// Only the evaluator knows.
    Opaque,
}

/// What stands on one side of a comparison.
enum Side {
    Field(FieldId, Kind, /* widened to a float */ bool),
    Const(Value),
    Other,
}

/// Makes conditions of a rule set's expressions.
#[derive(Debug)]
pub struct Conditions<'h> {
    hir: &'h Hir,
    /// What they are made of.
    pub literals: Literals,
}

impl<'h> Conditions<'h> {
    /// For the expressions of `hir`.
    pub fn new(hir: &'h Hir) -> Self {
        Self { hir, literals: Literals::default() }
    }

    /// The condition that an expression is. Cost: linear in it.
    pub fn condition(&mut self, expr: ExprId) -> Condition {
        self.lower(expr, false, DEPTH)
    }

    fn lower(&mut self, expr: ExprId, not: bool, depth: usize) -> Condition {
        let Some(depth) = depth.checked_sub(1) else { return Condition::Opaque };
        let hir = self.hir;
        let Some(expr) = hir.exprs.get(expr) else { return Condition::Opaque };
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                let all = matches!(expr.kind, ExprKind::And(_)) != not;
                let operands = operands.iter().map(|operand| self.lower(*operand, not, depth)).collect();
                join(operands, all)
            }
            ExprKind::Not(operand) => self.lower(*operand, !not, depth),
            ExprKind::Named(_, operand) => self.lower(*operand, not, depth),
            ExprKind::Const(Value::Bool(truth)) => Condition::Const(*truth != not),
            ExprKind::Param(param) => match hir.params.get(*param).map(|param| &param.value) {
                Some(Value::Bool(truth)) => Condition::Const(*truth != not),
                _ => Condition::Opaque,
            },
            kind => match self.test(kind) {
                Some((literal, negated)) => Condition::Literal { literal, not: negated != not },
                None => Condition::Opaque,
            },
        }
    }

    /// The literal that an expression is, and whether it is negated.
    fn test(&mut self, kind: &ExprKind) -> Option<(LiteralId, bool)> {
        match kind {
            ExprKind::Field(field) => {
                (self.kind(*field)? == Kind::Bool).then(|| self.literal(*field, Kind::Bool, Test::True))?
            }
            ExprKind::IsKnown(operand) => match self.side(*operand) {
                Side::Field(field, kind, _) => self.literal(field, kind, Test::Known),
                _ => None,
            },
            ExprKind::Compare(op, left, right) => match (self.side(*left), self.side(*right)) {
                (Side::Field(field, kind, widened), Side::Const(value)) => {
                    self.compare(*op, field, kind, widened, &value)
                }
                (Side::Const(value), Side::Field(field, kind, widened)) => {
                    self.compare(flipped(*op), field, kind, widened, &value)
                }
                _ => None,
            },
            ExprKind::InSet(needle, set) => match (self.side(*needle), self.side(*set)) {
                (Side::Field(field, kind, false), Side::Const(Value::List(members))) => {
                    let test = set_of(kind, &members)?;
                    self.literal(field, kind, test)
                }
                _ => None,
            },
            ExprKind::InList(needle, list) => match self.side(*needle) {
                Side::Field(field, kind, false) => {
                    let member = &self.hir.declarations.lists.get(*list)?.member;
                    let fits = match kind {
                        Kind::Ip => *member == Type::Cidr,
                        Kind::Int | Kind::Text => Kind::of(member) == Some(kind),
                        Kind::Bool | Kind::Float => false,
                    };
                    fits.then(|| self.literal(field, kind, Test::List(*list)))?
                }
                _ => None,
            },
            ExprKind::Matches(subject, pattern) => match self.side(*subject) {
                Side::Field(field, Kind::Text, _) => {
                    let regex = self.hir.patterns.get(*pattern)?.regex.as_str();
                    self.literal(field, Kind::Text, Test::Regex(regex.into()))
                }
                _ => None,
            },
            ExprKind::TextTest(op, subject, pattern) => match (self.side(*subject), self.side(*pattern)) {
                (Side::Field(field, Kind::Text, _), Side::Const(Value::Text(pattern))) => {
                    let test = match op {
                        TextOp::Contains => Test::Contains(pattern.as_str().into()),
                        TextOp::StartsWith => Test::StartsWith(pattern.as_str().into()),
                        TextOp::EndsWith => Test::EndsWith(pattern.as_str().into()),
                        TextOp::Glob | TextOp::Regex => return None,
                    };
                    self.literal(field, Kind::Text, test)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn compare(
        &mut self,
        op: CompareOp,
        field: FieldId,
        kind: Kind,
        widened: bool,
        value: &Value,
    ) -> Option<(LiteralId, bool)> {
        let not = op == CompareOp::Ne;
        let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        let test = match (kind, widened, value) {
            (Kind::Bool, _, Value::Bool(truth)) if equality => {
                let (literal, _) = self.literal(field, kind, Test::True)?;
                return Some((literal, *truth == not));
            }
            (Kind::Text | Kind::Ip, _, value) if equality => set_of(kind, std::slice::from_ref(value))?,
            (Kind::Int, false, Value::Float(_)) => return None,
            (Kind::Int, false, value) => {
                let at = int(value)?;
                if equality {
                    Test::Ints([at].into())
                } else {
                    range(op, at).map(|(a, b)| Test::Range(a, b))?
                }
            }
            (Kind::Float, ..) | (Kind::Int, true, _) => {
                let float = match value {
                    Value::Float(float) => *float,
                    Value::Int(int) => *int as f64,
                    _ => return None,
                };
                range(op, ordered(float)?).map(|(a, b)| Test::FloatRange(a, b))?
            }
            _ => return None,
        };
        Some((self.literal(field, kind, test)?.0, not))
    }

    fn literal(&mut self, field: FieldId, kind: Kind, test: Test) -> Option<(LiteralId, bool)> {
        let column = self.literals.column(field, kind)?;
        Some((self.literals.literal(column, test), false))
    }

    fn kind(&self, field: FieldId) -> Option<Kind> {
        Kind::of(&self.hir.schema.fields.get(field)?.ty)
    }

    fn side(&self, expr: ExprId) -> Side {
        let Some(found) = self.hir.exprs.get(expr) else { return Side::Other };
        match &found.kind {
            ExprKind::Field(field) => match self.kind(*field) {
                Some(kind) => Side::Field(*field, kind, false),
                None => Side::Other,
            },
            ExprKind::Named(_, operand) => self.side(*operand),
            ExprKind::ToFloat(operand) => match self.side(*operand) {
                Side::Field(field, Kind::Int, _) => Side::Field(field, Kind::Int, true),
                Side::Const(Value::Int(int)) => Side::Const(Value::Float(int as f64)),
                Side::Const(Value::Float(float)) => Side::Const(Value::Float(float)),
                _ => Side::Other,
            },
            ExprKind::Const(value) => Side::Const(value.clone()),
            ExprKind::Param(param) => match self.hir.params.get(*param) {
                Some(param) => Side::Const(param.value.clone()),
                None => Side::Other,
            },
            ExprKind::Array(members) => {
                let members: Option<Vec<Value>> = members
                    .iter()
                    .map(|member| match self.side(*member) {
                        Side::Const(value) => Some(value),
                        _ => None,
                    })
                    .collect();
                members.map_or(Side::Other, |members| Side::Const(Value::List(members.into())))
            }
            _ => Side::Other,
        }
    }
}

/// Conjunction or disjunction, flattened, without what does not count.
fn join(operands: Vec<Condition>, all: bool) -> Condition {
    let mut flat = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand {
            Condition::Const(truth) if truth == all => {}
            Condition::Const(truth) => return Condition::Const(truth),
            Condition::And(inner) if all => flat.extend(inner),
            Condition::Or(inner) if !all => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match (flat.len(), flat.pop()) {
        (_, None) => Condition::Const(all),
        (1, Some(one)) => one,
        (_, Some(last)) => {
            flat.push(last);
            if all { Condition::And(flat) } else { Condition::Or(flat) }
        }
    }
}

/// The closed range of what compares so with `at`. An empty one is turned around.
fn range(op: CompareOp, at: i64) -> Option<(i64, i64)> {
    let empty = (1, 0);
    Some(match op {
        CompareOp::Eq | CompareOp::Ne => (at, at),
        CompareOp::Lt => at.checked_sub(1).map_or(empty, |high| (i64::MIN, high)),
        CompareOp::Le => (i64::MIN, at),
        CompareOp::Gt => at.checked_add(1).map_or(empty, |low| (low, i64::MAX)),
        CompareOp::Ge => (at, i64::MAX),
    })
}

fn flipped(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}

/// Membership among constants; nothing for kinds whose equality is not that of their scalars.
fn set_of(kind: Kind, members: &[Value]) -> Option<Test> {
    fn sorted<T: Ord>(members: Option<Vec<T>>) -> Option<Arc<[T]>> {
        let mut members = members?;
        members.sort();
        members.dedup();
        Some(members.into())
    }
    match kind {
        Kind::Int => sorted(members.iter().map(int).collect()).map(Test::Ints),
        Kind::Text => {
            let texts = members.iter().map(|member| match member {
                Value::Text(text) => Some(Arc::from(text.as_str())),
                _ => None,
            });
            sorted(texts.collect()).map(Test::Texts)
        }
        Kind::Ip => {
            let networks = members.iter().map(|member| match member {
                Value::Ip(ip) => Some(IpNet::from(*ip)),
                Value::Cidr(range) => Some(range.trunc()),
                _ => None,
            });
            sorted(networks.collect()).map(Test::Networks)
        }
        Kind::Bool | Kind::Float => None,
    }
}
