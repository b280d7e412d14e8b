//! Literals to values of a type.

use weir_dsl::ast::LiteralKind;

use crate::convert;
use crate::hir::Rate;
use crate::types::Type;
use crate::value::{Currency, Value};

/// Why a literal is not of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is of another type: what it is, with an article.
    Type(&'static str),
    /// It is of the right form and cannot be a value: why.
    Value(String),
}

impl Misfit {
    /// What to say of it where a `wanted` is needed.
    pub fn title(&self, wanted: &Type) -> String {
        match self {
            Self::Type(found) => format!("{found} where `{wanted}` is needed"),
            Self::Value(why) => why.clone(),
        }
    }
}

/// The value of a literal where a `ty` is needed.
///
/// Text becomes whatever the type is kept or written as: `"203.0.113.7"` an address, `"DE"` a country,
/// `"u1"` an identifier, `"web"` a variant. `int` widens to `float`; a percentage is a `probability` or a
/// `float`.
///
/// # Errors
/// When the literal is of another type, or out of the type's range.
pub fn value_of(literal: &LiteralKind, ty: &Type) -> Result<Value, Misfit> {
    let value = |what: String| Misfit::Value(what);
    match (literal, ty) {
        (LiteralKind::Int(text), Type::Int) => {
            integer(text).map(Value::Int).ok_or_else(|| value(format!("`{text}` does not fit into 64 bits")))
        }
        (LiteralKind::Int(text), Type::Asn) => {
            let number = integer(text).and_then(|number| u32::try_from(number).ok());
            number.map(Value::Asn).ok_or_else(|| value(format!("`{text}` is not a network's number")))
        }
        (LiteralKind::Int(text) | LiteralKind::Float(text), Type::Float) => {
            float(text).and_then(Value::float).ok_or_else(|| value(format!("`{text}` is too large")))
        }
        (LiteralKind::Int(text) | LiteralKind::Float(text), Type::Probability) => {
            let share = float(text).filter(|share| (0.0..=1.0).contains(share));
            share
                .map(Value::Float)
                .ok_or_else(|| value(format!("`{text}` is not a probability; write `90%`")))
        }
        (LiteralKind::Percent(text), Type::Probability | Type::Float) => {
            let share = share(text).ok_or_else(|| value(format!("`{text}%` is too large")))?;
            if *ty == Type::Probability && share > 1.0 {
                return Err(value(format!("`{text}%` is more than 100%")));
            }
            Ok(Value::Float(share))
        }
        (LiteralKind::Duration(text), Type::Duration) => {
            convert::duration(text).map(Value::Duration).ok_or_else(|| value(format!("`{text}` is too long")))
        }
        (LiteralKind::Rate(text), Type::Rate) => {
            let rate = rate(text).ok_or_else(|| value(format!("`{text}` is too fast")))?;
            Value::float(rate.count as f64 * 1000.0 / rate.per as f64)
                .ok_or_else(|| value(format!("`{text}` is too fast")))
        }
        (LiteralKind::Money(text), Type::Money) => money(text).map_err(value),
        (LiteralKind::Bool(truth), Type::Bool) => Ok(Value::Bool(*truth)),
        (LiteralKind::Text(text), _) => of_text(text, ty),
        (other, _) => Err(Misfit::Type(kind(other))),
    }
}

/// What a literal is, with an article.
pub const fn kind(literal: &LiteralKind) -> &'static str {
    match literal {
        LiteralKind::Int(_) => "an integer",
        LiteralKind::Float(_) => "a decimal number",
        LiteralKind::Percent(_) => "a percentage",
        LiteralKind::Duration(_) => "a duration",
        LiteralKind::Rate(_) => "a rate",
        LiteralKind::Money(_) => "an amount of money",
        LiteralKind::Text(_) => "text",
        LiteralKind::Bool(_) => "a truth value",
    }
}

/// The type a literal has where nothing is asked of it.
pub const fn natural(literal: &LiteralKind) -> Type {
    match literal {
        LiteralKind::Int(_) => Type::Int,
        LiteralKind::Float(_) => Type::Float,
        LiteralKind::Percent(_) => Type::Probability,
        LiteralKind::Duration(_) => Type::Duration,
        LiteralKind::Rate(_) => Type::Rate,
        LiteralKind::Money(_) => Type::Money,
        LiteralKind::Text(_) => Type::Text,
        LiteralKind::Bool(_) => Type::Bool,
    }
}

/// An integer, `_` between digits allowed.
pub fn integer(text: &str) -> Option<i64> {
    plain(text).parse().ok()
}

/// A decimal number, `_` between digits allowed. Finite.
pub fn float(text: &str) -> Option<f64> {
    plain(text).parse().ok().filter(|value: &f64| value.is_finite())
}

/// A percentage without its sign as a share: `90` is 0.9, `0.1` is the double nearest to 0.001.
pub fn share(text: &str) -> Option<f64> {
    // Moving the point in the text and not by division keeps the double nearest to what was written.
    float(&format!("{}e-2", plain(text)))
}

/// A rate with its unit (`20/s`, `1_000/min`), exactly.
pub fn rate(text: &str) -> Option<Rate> {
    let (number, unit) = text.split_once('/')?;
    let per = match unit {
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Rate { count: u64::try_from(integer(number)?).ok()?, per })
}

/// An amount (`USD 5`, `JPY 1_000`, `EUR 0.99`) in minor units.
///
/// # Errors
/// Why it is none, in a sentence.
pub fn money(text: &str) -> Result<Value, String> {
    let (code, amount) =
        text.split_once(' ').ok_or_else(|| format!("`{text}` is not an amount; write `USD 5`"))?;
    let currency = Currency::parse(code).ok_or_else(|| format!("`{code}` is not a currency"))?;
    let fraction = amount.split_once('.').map_or(0, |(_, fraction)| plain(fraction).len());
    let digits = currency.digits();
    if fraction > digits as usize {
        return Err(format!("{code} has {digits} decimal digits, not {fraction}"));
    }
    convert::money(text).ok_or_else(|| format!("`{text}` is too large"))
}

/// The value of text where a `ty` is needed: how lists, tables and tests write it.
///
/// # Errors
/// As [`value_of`].
pub fn of_text(text: &str, ty: &Type) -> Result<Value, Misfit> {
    let what = match ty {
        Type::Text | Type::Id(_) | Type::Fingerprint | Type::Pattern | Type::Error => {
            return Ok(Value::text(text));
        }
        Type::Enum(variants) => {
            let at = variants.iter().position(|variant| variant == text);
            let value = at.and_then(|at| u16::try_from(at).ok()).map(Value::Variant);
            return value
                .ok_or_else(|| Misfit::Value(format!("`{text}` is not one of {}", variants.join(", "))));
        }
        Type::Ip => "an address",
        Type::Cidr => "a range of addresses",
        Type::Asn => "a network's number",
        Type::Country => "a country: two capital letters",
        Type::Timestamp => "a time: write `2026-03-01T12:00:00Z`",
        _ => return Err(Misfit::Type("text")),
    };
    convert::from_text(text, ty).ok_or_else(|| Misfit::Value(format!("`{text}` is not {what}")))
}

/// Without the `_` between digits.
fn plain(text: &str) -> String {
    text.replace('_', "")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn units() {
        assert_eq!(rate("1_000/min"), Some(Rate { count: 1000, per: 60_000 }));
        assert_eq!(rate("5/fortnight"), None);
        assert_eq!(share("0.1"), Some(0.001));
        assert_eq!(share("90"), Some(0.9));
    }

    #[test]
    fn money_knows_its_currency() {
        let dollars = |minor| Ok(Value::Money(minor, Currency(*b"USD")));
        assert_eq!(money("USD 5"), dollars(500));
        assert_eq!(money("USD 5.5"), dollars(550));
        assert_eq!(money("USD 1_000.01"), dollars(100_001));
        assert_eq!(money("JPY 5"), Ok(Value::Money(5, Currency(*b"JPY"))));
        assert_eq!(money("KWD 0.001"), Ok(Value::Money(1, Currency(*b"KWD"))));
        assert!(money("JPY 5.5").is_err());
        assert!(money("USD 0.001").is_err());
        assert!(money("USD 99999999999999999999").is_err());
        assert!(money("USD").is_err());
    }

    #[test]
    fn literals_fit_their_type_and_no_other() {
        let int = LiteralKind::Int("5".into());
        assert_eq!(value_of(&int, &Type::Int), Ok(Value::Int(5)));
        assert_eq!(value_of(&int, &Type::Float), Ok(Value::Float(5.0)));
        assert_eq!(value_of(&int, &Type::Asn), Ok(Value::Asn(5)));
        assert!(matches!(value_of(&int, &Type::Probability), Err(Misfit::Value(_))));
        assert_eq!(value_of(&int, &Type::Duration), Err(Misfit::Type("an integer")));
        let percent = LiteralKind::Percent("150".into());
        assert_eq!(value_of(&percent, &Type::Float), Ok(Value::Float(1.5)));
        assert!(matches!(value_of(&percent, &Type::Probability), Err(Misfit::Value(_))));
        let large = LiteralKind::Int("9223372036854775808".into());
        assert!(matches!(value_of(&large, &Type::Int), Err(Misfit::Value(_))));
    }

    #[test]
    fn text_becomes_what_is_written_in_it() {
        assert_eq!(of_text("203.0.113.7", &Type::Ip), Ok(Value::Ip([203, 0, 113, 7].into())));
        assert_eq!(of_text("AS64500", &Type::Asn), Ok(Value::Asn(64500)));
        assert!(matches!(of_text("2026-03-01T12:00:00Z", &Type::Timestamp), Ok(Value::Time(_))));
        assert_eq!(of_text("DE", &Type::Country), Ok(Value::Country(crate::value::Country(*b"DE"))));
        let channel = Type::Enum(Arc::from(["web".into(), "api".into()]));
        assert_eq!(of_text("api", &channel), Ok(Value::Variant(1)));
        assert!(of_text("fax", &channel).is_err());
        assert!(of_text("5", &Type::Int).is_err());
    }
}
