//! The layout of expressions.

use super::layout::bracketed;
use super::sheet::{Group, LINE, Sheet, Style};
use crate::ast::{Expr, ExprKind, LiteralKind, State};
use crate::span::Span;

/// Lays out expressions without recursion, for they nest as deep as the author likes.
#[derive(Debug)]
pub(super) struct Expressions<'a, 't, 's> {
    sheet: &'a mut Sheet<'t, 's>,
}

impl<'a, 't, 's> Expressions<'a, 't, 's> {
    pub(super) fn new(sheet: &'a mut Sheet<'t, 's>) -> Self {
        Self { sheet }
    }

    /// Lays out an expression; a chain at its top breaks when its line exceeds `limit`.
    pub(super) fn lay_out(&mut self, expr: &Expr, limit: usize) {
        let mut rest: Vec<(&Expr, usize)> = vec![(expr, limit)];
        while let Some((expr, limit)) = rest.pop() {
            let mut inner = |expr| rest.push((expr, LINE));
            match &expr.kind {
                ExprKind::Literal(literal) => self.sign(literal, expr.span),
                ExprKind::Name(_) | ExprKind::Template(_) => {}
                ExprKind::Call(name, arguments) => {
                    let open = self.sheet.tokens.behind(name.span);
                    self.sheet.tighten(open);
                    let group = bracketed(self.sheet, open, arguments.iter().map(|one| one.span), false);
                    self.sheet.group(group);
                    arguments.iter().for_each(inner);
                }
                ExprKind::Index(base, key) => {
                    let open = self.sheet.tokens.behind(base.span);
                    self.sheet.tighten(open);
                    inner(base);
                    inner(key);
                }
                ExprKind::Array(values) => {
                    let open = self.sheet.tokens.first(expr.span);
                    let group = bracketed(self.sheet, open, values.iter().map(|one| one.span), true);
                    self.sheet.group(group);
                    values.iter().for_each(inner);
                }
                ExprKind::Case(subject, arms) => {
                    let last = self.sheet.tokens.last(expr.span);
                    if let Some(open) = self.sheet.tokens.partner(last) {
                        let group = bracketed(self.sheet, open, arms.iter().map(|arm| arm.span), true);
                        self.sheet.group(group);
                    }
                    inner(subject);
                    for arm in arms {
                        arm.pattern.iter().for_each(&mut inner);
                        inner(&arm.value);
                    }
                }
                ExprKind::Negate(operand) => {
                    let at = self.sheet.tokens.first(operand.span);
                    self.sheet.tighten(at);
                    inner(operand);
                }
                ExprKind::And(operands) | ExprKind::Or(operands) => {
                    self.chain(operands, expr.span, limit);
                    operands.iter().for_each(inner);
                }
                ExprKind::Paren(operand) | ExprKind::Not(operand) => inner(operand),
                ExprKind::Is(operand, state, _) => {
                    if let State::New(key, _) = state {
                        super::clauses::tighten_key(key, self.sheet);
                    }
                    inner(operand);
                }
                ExprKind::Compare(_, left, right)
                | ExprKind::EqIgnoringCase(left, right)
                | ExprKind::Arithmetic(_, left, right)
                | ExprKind::Fallback(left, right)
                | ExprKind::In { needle: left, haystack: right, .. }
                | ExprKind::TextTest { subject: left, pattern: right, .. } => {
                    inner(left);
                    inner(right);
                }
            }
        }
    }

    /// A number that carries its sign.
    fn sign(&mut self, literal: &LiteralKind, span: Span) {
        let first = self.sheet.tokens.first(span);
        if !matches!(literal, LiteralKind::Text(_)) && self.sheet.tokens.text(first) == "-" {
            self.sheet.tighten(first + 1);
        }
    }

    /// `a and b and c`: on one line, or an operand a line with the word before it.
    fn chain(&mut self, operands: &[Expr], span: Span, limit: usize) {
        let tokens = self.sheet.tokens;
        let mut group = Group::new(tokens.first(span), tokens.last(span), limit, Style::Chain);
        group
            .breaks
            .extend(operands.iter().skip(1).map(|operand| (tokens.first(operand.span).saturating_sub(1), 0)));
        self.sheet.group(group);
    }
}
