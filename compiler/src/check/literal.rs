//! Literals where a type is wanted.
//!
//! Text becomes an address, a range, an identifier, a fingerprint, a country or a time where one is wanted; an
//! integer becomes a `float` or a network's number. A number is never a probability, a duration, a rate or
//! money, except in tests, where numbers take the field's type.

use weir_dsl::ast::LiteralKind;
use weir_dsl::{Applicability, Code, Diagnostic, Span};

use super::Checker;
use super::name::PlaceKind;
use crate::hir::{ExprKind, Rate};
use crate::ids::ExprId;
use crate::literal::{self, Misfit};
use crate::types::Type;
use crate::value::Value;

impl Checker<'_> {
    /// Lowers a literal: of the wanted type where it can be, else of its own.
    pub(super) fn literal(&mut self, literal: &LiteralKind, span: Span, want: Option<&Type>) -> ExprId {
        let natural = literal::natural(literal);
        let ty = match want {
            Some(want) if self.fits(literal, want) => want.clone(),
            _ => natural,
        };
        match value_of(literal, &ty) {
            Ok(value) => self.push(ExprKind::Const(value), ty, span),
            Err(misfit) => {
                self.misfit(literal, span, &ty, &misfit);
                self.error(span)
            }
        }
    }

    /// A literal that must be of a type; nothing after a fault.
    pub(super) fn constant_of(&mut self, literal: &LiteralKind, span: Span, ty: &Type) -> Option<Value> {
        if *ty == Type::Error {
            return None;
        }
        let fits = literal::natural(literal) == *ty || self.fits(literal, ty);
        let value = if fits { value_of(literal, ty) } else { Err(Misfit::Type(literal::kind(literal))) };
        match value {
            Ok(value) => Some(value),
            Err(misfit) => {
                self.misfit(literal, span, ty, &misfit);
                None
            }
        }
    }

    /// Whether a literal is meant as a value of the wanted type.
    fn fits(&self, literal: &LiteralKind, want: &Type) -> bool {
        let in_test = self.place.kind == PlaceKind::Test;
        match (literal, want) {
            (LiteralKind::Int(_), Type::Float | Type::Asn) => true,
            (LiteralKind::Int(_) | LiteralKind::Float(_), Type::Probability) => in_test,
            (LiteralKind::Percent(_), Type::Float) => in_test,
            (
                LiteralKind::Text(_),
                Type::Id(_) | Type::Fingerprint | Type::Ip | Type::Cidr | Type::Country | Type::Timestamp,
            ) => true,
            (LiteralKind::Text(_), Type::Asn) => true,
            _ => false,
        }
    }

    fn misfit(&mut self, literal: &LiteralKind, span: Span, ty: &Type, misfit: &Misfit) {
        let code = match misfit {
            Misfit::Type(_) => Code::TYPE_MISMATCH,
            Misfit::Value(_) => Code::OUT_OF_RANGE,
        };
        let mut diagnostic = Diagnostic::new(code, self.at(span), misfit.title(ty));
        if let Some((help, text, applicability)) = rewritten(literal, ty) {
            diagnostic =
                diagnostic.help(help).fix(format!("write `{text}`"), self.at(span), text, applicability);
        }
        self.report(diagnostic);
    }
}

/// The value of a literal, times included.
fn value_of(literal: &LiteralKind, ty: &Type) -> Result<Value, Misfit> {
    match (literal, ty) {
        (LiteralKind::Text(text), Type::Timestamp) => {
            let at = text.parse::<jiff::Timestamp>().map(|at| Value::Time(at.as_millisecond()));
            at.map_err(|_| Misfit::Value(format!("`{text}` is not a time; write `2026-01-31T12:00:00Z`")))
        }
        _ => literal::value_of(literal, ty),
    }
}

/// How a literal would be written as a value of another type: help, text, and how sure that is.
pub(super) fn rewritten(literal: &LiteralKind, ty: &Type) -> Option<(String, String, Applicability)> {
    let suggested = |text: String| Some((format!("write `{text}`"), text, Applicability::Suggested));
    match (literal, ty) {
        (LiteralKind::Int(text) | LiteralKind::Float(text), Type::Probability) => {
            let share = literal::float(text)?;
            if (0.0..=1.0).contains(&share) && matches!(literal, LiteralKind::Float(_)) {
                let percent = format!("{:.9}", share * 100.0);
                return suggested(format!("{}%", percent.trim_end_matches('0').trim_end_matches('.')));
            }
            (0.0..=100.0).contains(&share).then(|| suggested(format!("{text}%")))?
        }
        (LiteralKind::Percent(text), Type::Float) => suggested(format!("{}", literal::share(text)?)),
        (LiteralKind::Int(text), Type::Duration) => suggested(format!("{text}s")),
        (LiteralKind::Int(text), Type::Rate) => suggested(format!("{text}/s")),
        (LiteralKind::Int(text) | LiteralKind::Float(text), Type::Money) => suggested(format!("USD {text}")),
        (LiteralKind::Text(text), Type::Enum(variants)) if variants.contains(text) => Some((
            format!("variants are written without quotes: `{text}`"),
            text.to_string(),
            Applicability::Automatic,
        )),
        (LiteralKind::Text(text), Type::Int | Type::Float | Type::Bool)
            if literal::float(text).is_some() || matches!(text.as_str(), "true" | "false") =>
        {
            suggested(text.to_string())
        }
        (LiteralKind::Int(text), Type::Text | Type::Id(_)) => suggested(format!("\"{text}\"")),
        _ => None,
    }
}

/// A rate as exact numbers, if the literal is one and is above zero.
pub(super) fn rate_of(literal: &LiteralKind) -> Option<Rate> {
    match literal {
        LiteralKind::Rate(text) => literal::rate(text).filter(|rate| rate.count > 0),
        _ => None,
    }
}
