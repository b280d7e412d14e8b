//! Which types an operator joins.
//!
//! | form | types | gives |
//! |---|---|---|
//! | `== !=` | two of one type (no set, list or map) | bool |
//! | `< <= > >=` | two of one ordered type | bool |
//! | `+ -` | int, float, duration, money, rate, probability: two of one type | that type |
//! | `+ -` | timestamp and duration; timestamp − timestamp | timestamp; duration |
//! | `*` | number and number | int, or float if one is |
//! | `*` | number and duration, money or rate; probability and duration or money | the other's type |
//! | `*` | number and probability | probability where one is wanted, else float (`50% * users`) |
//! | `*` | two probabilities | probability |
//! | `/` | number and number (`int / int` too); two of one type | float |
//! | `/` | duration, money, rate or probability by a number | the first's type |
//! | `%` | two numbers; two durations | int, or float if one is; duration |
//! | `??` | two of one type | that type |
//!
//! `int` widens to `float` everywhere; beside `rate` and `probability`, which are kept as floats, an `int`
//! operand is widened too. Beside `duration` and `money` a number keeps its own type, and the result is rounded
//! to the nearest millisecond or minor unit, ties to even. A sum of probabilities may leave 0 to 1 and stays
//! comparable.
//!
//! `x == 0`, `x < 1` and `x <= 0` with a literal and a count-like reading (`count`, `rate`, `distinct`) is
//! absence ([`ExprKind::Absent`]), also behind `??` and a name: `(x ?? 0) == 0` is absence, or true where `x` is
//! unknown.

use weir_dsl::ast::{self, ArithmeticOp, CompareOp, ExprKind as Form};
use weir_dsl::{Code, Diagnostic, Span};

use super::Checker;
use super::expr::as_number;
use super::literal::rewritten;
use super::name::PlaceKind;
use crate::hir::{ExprKind, Measure};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

impl Checker<'_> {
    /// An expression where a type is needed: widened, converted in tests and derive maps, or reported.
    pub(super) fn of_type(&mut self, id: ExprId, ty: &Type) -> ExprId {
        let found = self.ty(id);
        if found == *ty || found == Type::Error || *ty == Type::Error {
            return id;
        }
        let span = self.span(id);
        if let Some(id) = self.widened(id, &found, ty) {
            return id;
        }
        if self.converts(&found, ty) {
            return self.push(ExprKind::Convert(id), ty.clone(), span);
        }
        let mut diagnostic =
            Diagnostic::new(Code::TYPE_MISMATCH, self.at(span), format!("{found} where {ty} is needed"))
                .label(found.to_string());
        if let Type::Enum(variants) = ty
            && let Some(Value::Text(text)) = self.constant(id)
            && variants.iter().any(|variant| **variant == **text)
        {
            let text = text.to_string();
            diagnostic = diagnostic.help("variants are written without quotes").fix(
                format!("write `{text}`"),
                self.at(span),
                text,
                weir_dsl::Applicability::Automatic,
            );
        }
        self.report(diagnostic);
        self.error(span)
    }

    /// Widens what can be: `int` to `float`, and a product with a probability to the probability it is.
    fn widened(&mut self, id: ExprId, found: &Type, ty: &Type) -> Option<ExprId> {
        match (found, ty) {
            (Type::Int, Type::Float) => Some(self.as_float(id)),
            (Type::Float, Type::Probability) => self.as_probability(id).then_some(id),
            _ => None,
        }
    }

    fn as_float(&mut self, id: ExprId) -> ExprId {
        let span = self.span(id);
        match self.kind(id) {
            Some(ExprKind::Const(Value::Int(value))) => {
                let value = Value::Float(*value as f64);
                self.push(ExprKind::Const(value), Type::Float, span)
            }
            _ => self.push(ExprKind::ToFloat(id), Type::Float, span),
        }
    }

    /// Makes `2 * failed_usually` a probability, if it is such a product. The value does not change.
    fn as_probability(&mut self, id: ExprId) -> bool {
        let product = match self.kind(id) {
            Some(ExprKind::Arithmetic(ArithmeticOp::Mul, left, right)) => {
                self.ty(*left) == Type::Probability || self.ty(*right) == Type::Probability
            }
            _ => false,
        };
        if let (true, Some(node)) = (product, self.hir.exprs.get_mut(id)) {
            node.ty = Type::Probability;
        }
        product
    }

    /// Whether tests and derive maps turn values of one type into another.
    fn converts(&self, found: &Type, ty: &Type) -> bool {
        let scalar = matches!(
            ty,
            Type::Int
                | Type::Float
                | Type::Bool
                | Type::Text
                | Type::Ip
                | Type::Cidr
                | Type::Asn
                | Type::Country
                | Type::Id(_)
                | Type::Fingerprint
                | Type::Enum(_)
        );
        match self.place.kind {
            PlaceKind::Derive => found.is_textual() && scalar || *found == Type::Int && ty.is_textual(),
            PlaceKind::Test => {
                *found == Type::Int && matches!(ty, Type::Asn | Type::Text | Type::Id(_) | Type::Fingerprint)
            }
            _ => false,
        }
    }

    /// Brings two operands to one type; false after a report.
    fn unify(&mut self, left: &mut ExprId, right: &mut ExprId) -> bool {
        let (a, b) = (self.ty(*left), self.ty(*right));
        if a == b || a == Type::Error || b == Type::Error {
            return true;
        }
        if let Some(id) = self.widened(*left, &a, &b) {
            *left = id;
            return true;
        }
        if let Some(id) = self.widened(*right, &b, &a) {
            *right = id;
            return true;
        }
        false
    }

    /// Reports operands that do not mix, with the literal as it should have been if one is to blame.
    fn mismatch(&mut self, what: &str, span: Span, sides: [(&ast::Expr, ExprId); 2]) {
        let [(left, a), (right, b)] = sides;
        let (a, b) = (self.ty(a), self.ty(b));
        let mut diagnostic =
            Diagnostic::new(Code::TYPE_MISMATCH, self.at(span), format!("{a} and {b} {what}"))
                .also(self.at(left.span), a.to_string())
                .also(self.at(right.span), b.to_string());
        let fixable = |literal: &ast::Expr, other: &Type| match &literal.kind {
            Form::Literal(kind) => rewritten(kind, other).map(|found| (literal.span, found)),
            _ => None,
        };
        if let Some((span, (help, text, applicability))) = fixable(left, &b).or_else(|| fixable(right, &a)) {
            diagnostic =
                diagnostic.help(help).fix(format!("write `{text}`"), self.at(span), text, applicability);
        } else if matches!((&a, &b), (Type::Ip, Type::Cidr) | (Type::Cidr, Type::Ip)) {
            diagnostic = diagnostic.help("write `ip in [\"203.0.113.0/24\"]`");
        } else if matches!((&a, &b), (Type::Set(_) | Type::List(_), _) | (_, Type::Set(_) | Type::List(_))) {
            diagnostic = diagnostic.help("ask for membership with `in`");
        }
        self.report(diagnostic);
    }

    pub(super) fn compare(
        &mut self,
        op: CompareOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> ExprId {
        let (mut a, mut b) = self.pair(left, right, None);
        if !self.unify(&mut a, &mut b) {
            self.mismatch("do not compare", span, [(left, a), (right, b)]);
            return self.error(span);
        }
        let ty = self.ty(a);
        let ordering = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordering && !ty.is_ordered() {
            let title = format!("{ty} has no order");
            self.fault(Code::TYPE_MISMATCH, span, title, "compare with `==` or `!=`");
            return self.error(span);
        }
        if matches!(ty, Type::Set(_) | Type::List(_) | Type::Map(..)) {
            self.fault(
                Code::TYPE_MISMATCH,
                span,
                format!("{ty} cannot be compared"),
                "ask for membership with `in`",
            );
            return self.error(span);
        }
        if self.ty(b) == Type::Error || ty == Type::Error {
            return self.error(span);
        }
        match self.absence(op, a, b, span).or_else(|| self.absence(flipped(op), b, a, span)) {
            Some(absence) => absence,
            None => self.push(ExprKind::Compare(op, a, b), Type::Bool, span),
        }
    }

    /// `reading op constant` where that is absence.
    fn absence(&mut self, op: CompareOp, reading: ExprId, constant: ExprId, span: Span) -> Option<ExprId> {
        let bound = as_number(self.constant(constant)?)?;
        let is_absence = match op {
            CompareOp::Eq | CompareOp::Le => bound == 0.0,
            CompareOp::Lt => bound > 0.0 && bound <= 1.0,
            _ => false,
        };
        // A rate is no integer: below one a second is not none.
        let whole = op != CompareOp::Lt;
        if !is_absence {
            return None;
        }
        match self.kind(reading)? {
            ExprKind::Signal(signal) if self.is_count_like(*signal, whole) => {
                let signal = *signal;
                Some(self.push(ExprKind::Absent(signal), Type::Bool, span))
            }
            ExprKind::Named(name, inner) => {
                let (name, inner) = (name.clone(), *inner);
                let absence = self.absence(op, inner, constant, span)?;
                Some(self.push(ExprKind::Named(name, absence), Type::Bool, span))
            }
            ExprKind::ToFloat(inner) => self.absence(op, *inner, constant, span),
            ExprKind::Fallback(first, otherwise) => {
                let (first, otherwise) = (*first, as_number(self.constant(*otherwise)?)?);
                let absence = self.absence(op, first, constant, span)?;
                let truth = match op {
                    CompareOp::Eq => otherwise == bound,
                    CompareOp::Le => otherwise <= bound,
                    _ => otherwise < bound,
                };
                let otherwise = self.push(ExprKind::Const(Value::Bool(truth)), Type::Bool, span);
                Some(self.push(ExprKind::Fallback(absence, otherwise), Type::Bool, span))
            }
            _ => None,
        }
    }

    fn is_count_like(&self, signal: SignalId, with_rate: bool) -> bool {
        let state = self.hir.signals.get(signal).and_then(|signal| self.hir.states.get(signal.state));
        state.is_some_and(|state| match state.measure {
            Measure::Count | Measure::Distinct(_) => true,
            Measure::Rate => with_rate,
            _ => false,
        })
    }

    pub(super) fn fallback(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        want: Option<&Type>,
    ) -> ExprId {
        let (mut a, mut b) = self.pair(left, right, want);
        if let Some(want) = want {
            // In derive maps both sides are brought to the field's type.
            if self.place.kind == PlaceKind::Derive {
                a = self.of_type(a, want);
                b = self.of_type(b, want);
            }
        }
        if !self.unify(&mut a, &mut b) {
            self.mismatch("do not stand in for each other", span, [(left, a), (right, b)]);
            return self.error(span);
        }
        let ty = self.ty(a);
        self.push(ExprKind::Fallback(a, b), ty, span)
    }

    pub(super) fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        want: Option<&Type>,
    ) -> ExprId {
        // Only sums have operands of the wanted type for certain.
        let inner = want.filter(|_| matches!(op, ArithmeticOp::Add | ArithmeticOp::Sub));
        let plain = |want: &&Type| {
            matches!(want, Type::Int | Type::Float | Type::Duration | Type::Money | Type::Rate)
        };
        let (mut a, mut b) = match op {
            ArithmeticOp::Mul | ArithmeticOp::Div => (self.expr(left, None), self.expr(right, None)),
            // A time less a `case` of durations: the arms are not asked to be times.
            ArithmeticOp::Add | ArithmeticOp::Sub if is_case_of_its_own(right) && !self.is_flexible(left) => {
                let left = self.expr(left, None);
                let ty = self.ty(left);
                let want = if ty == Type::Timestamp { None } else { Some(&ty) };
                (left, self.expr(right, want))
            }
            _ => self.pair(left, right, inner.filter(plain)),
        };
        let (x, y) = (self.ty(a), self.ty(b));
        if x == Type::Error || y == Type::Error {
            return self.error(span);
        }
        let Some(mut ty) = result(op, &x, &y) else {
            self.mismatch(&format!("do not mix in `{}`", op.sign()), span, [(left, a), (right, b)]);
            return self.error(span);
        };
        if [&x, &y].iter().any(|ty| matches!(ty, Type::Float | Type::Rate | Type::Probability))
            || matches!((op, &x, &y), (ArithmeticOp::Div, Type::Int, _))
        {
            if x == Type::Int {
                a = self.as_float(a);
            }
            if y == Type::Int && !matches!(x, Type::Money | Type::Duration) {
                b = self.as_float(b);
            }
        }
        if ty == Type::Float && want == Some(&Type::Probability) && op == ArithmeticOp::Mul {
            ty = if x == Type::Probability || y == Type::Probability { Type::Probability } else { ty };
        }
        self.push(ExprKind::Arithmetic(op, a, b), ty, span)
    }
}

/// A `case` whose arms have a type without being told: any but text, which may be a time.
fn is_case_of_its_own(expr: &ast::Expr) -> bool {
    match &expr.kind {
        Form::Paren(inner) => is_case_of_its_own(inner),
        Form::Case(_, arms) => {
            !arms.iter().any(|arm| matches!(arm.value.kind, Form::Literal(ast::LiteralKind::Text(_))))
        }
        _ => false,
    }
}

/// The type that an operator gives; nothing where the operands do not mix.
fn result(op: ArithmeticOp, left: &Type, right: &Type) -> Option<Type> {
    use ArithmeticOp::{Add, Div, Mul, Rem, Sub};
    use Type::{Duration, Float, Int, Money, Probability, Rate, Timestamp};
    Some(match (op, left, right) {
        (Add | Sub | Mul | Rem, Int, Int) => Int,
        (_, Int | Float, Int | Float) => Float,
        (Add | Sub | Rem, Duration, Duration) | (Sub, Timestamp, Timestamp) => Duration,
        (Add | Sub, Money, Money) => Money,
        (Add | Sub, Rate, Rate) => Rate,
        (Add | Sub | Mul, Probability, Probability) => Probability,
        (Add | Sub, Timestamp, Duration) | (Add, Duration, Timestamp) => Timestamp,
        (Mul, Int | Float | Probability, Duration) | (Mul, Duration, Int | Float | Probability) => Duration,
        (Mul, Int | Float | Probability, Money) | (Mul, Money, Int | Float | Probability) => Money,
        (Mul, Int | Float, Rate) | (Mul, Rate, Int | Float) => Rate,
        (Mul, Int | Float, Probability) | (Mul, Probability, Int | Float) => Float,
        (Div, Duration, Duration)
        | (Div, Money, Money)
        | (Div, Rate, Rate)
        | (Div, Probability, Probability) => Float,
        (Div, Duration | Money | Rate | Probability, Int | Float) => left.clone(),
        _ => return None,
    })
}

/// The operator with its sides exchanged.
pub(crate) const fn flipped(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Eq,
        CompareOp::Ne => CompareOp::Ne,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}
