//! Literals to values of a type.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use weir_dsl::ast::LiteralKind;

use crate::hir::Rate;
use crate::types::Type;
use crate::value::{Country, Currency, Value};

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
            duration(text).map(Value::Duration).ok_or_else(|| value(format!("`{text}` is too long")))
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

/// A duration with its unit (`250ms`, `10m`), in milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    integer(number)?.checked_mul(scale)
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
    let amount = plain(amount.trim());
    let (whole, fraction) = amount.split_once('.').unwrap_or((&amount, ""));
    let digits = currency.digits() as usize;
    if fraction.len() > digits {
        return Err(format!("{code} has {digits} decimal digits, not {}", fraction.len()));
    }
    let minor = format!("{whole}{fraction:0<digits$}");
    let minor = minor.parse().map_err(|_| format!("`{text}` is too large"))?;
    Ok(Value::Money(minor, currency))
}

/// The value of text where a `ty` is needed: how lists, tables and tests write it.
///
/// # Errors
/// As [`value_of`].
pub fn of_text(text: &str, ty: &Type) -> Result<Value, Misfit> {
    let or = |value: Option<Value>, what: &str| {
        value.ok_or_else(|| Misfit::Value(format!("`{text}` is not {what}")))
    };
    match ty {
        Type::Text | Type::Id(_) | Type::Fingerprint | Type::Error => Ok(Value::Text(Arc::from(text))),
        Type::Ip => or(text.parse::<IpAddr>().ok().map(Value::Ip), "an address"),
        Type::Cidr => or(cidr(text).map(Value::Cidr), "a range of addresses"),
        Type::Asn => {
            let digits = text.strip_prefix("AS").unwrap_or(text);
            or(digits.parse().ok().map(Value::Asn), "a network's number")
        }
        Type::Country => or(Country::parse(text).map(Value::Country), "a country: two capital letters"),
        Type::Enum(variants) => {
            let at = variants.iter().position(|variant| variant == text);
            let value = at.and_then(|at| u16::try_from(at).ok()).map(Value::Variant);
            or(value, &format!("one of {}", variants.join(", ")))
        }
        _ => Err(Misfit::Type("text")),
    }
}

/// A range of addresses; a single address is a range of one.
pub fn cidr(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>().ok().map(|range| range.trunc());
    range.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Without the `_` between digits.
fn plain(text: &str) -> String {
    text.replace('_', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(duration("250ms"), Some(250));
        assert_eq!(duration("10m"), Some(600_000));
        assert_eq!(duration("1_0d"), Some(864_000_000));
        assert_eq!(duration("10"), None);
        assert_eq!(duration("10w"), None);
        assert_eq!(duration("9223372036854775807d"), None);
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
        assert_eq!(of_text("DE", &Type::Country), Ok(Value::Country(Country(*b"DE"))));
        assert_eq!(cidr("10.1.2.3/8").map(|range| range.to_string()).as_deref(), Some("10.0.0.0/8"));
        assert_eq!(cidr("10.1.2.3").map(|range| range.to_string()).as_deref(), Some("10.1.2.3/32"));
        let channel = Type::Enum(Arc::from(["web".into(), "api".into()]));
        assert_eq!(of_text("api", &channel), Ok(Value::Variant(1)));
        assert!(of_text("fax", &channel).is_err());
        assert!(of_text("5", &Type::Int).is_err());
    }
}
