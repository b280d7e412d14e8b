//! Text and numbers turned into values of a type: log fields, list files, test records, `derive` maps.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::civil;
use crate::types::Type;
use crate::value::{Country, Currency, Value};

/// The variant of a value that its enum does not declare: known, and equal to none of the declared ones.
pub const UNDECLARED: u16 = u16::MAX;

/// Reads `text` as a value of type `ty`; nothing when it is not one. Cost: linear in the text.
pub fn from_text(text: &str, ty: &Type) -> Option<Value> {
    match ty {
        Type::Text | Type::Id(_) | Type::Fingerprint | Type::Pattern => Some(Value::text(text)),
        Type::Int => text.replace('_', "").parse().ok().map(Value::Int),
        Type::Float | Type::Rate => text.parse().ok().and_then(Value::float),
        Type::Probability => {
            let value = match text.strip_suffix('%') {
                Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
                None => text.parse::<f64>().ok()?,
            };
            (0.0..=1.0).contains(&value).then_some(Value::Float(value))
        }
        Type::Bool => match text {
            "true" | "1" | "yes" => Some(Value::Bool(true)),
            "false" | "0" | "no" => Some(Value::Bool(false)),
            _ => None,
        },
        Type::Ip => text.parse::<IpAddr>().ok().map(|ip| Value::Ip(ip.to_canonical())),
        Type::Cidr => cidr(text).map(Value::Cidr),
        Type::Asn => text.strip_prefix("AS").unwrap_or(text).parse().ok().map(Value::Asn),
        Type::Country => Country::parse(text).map(Value::Country),
        Type::Duration => duration(text).map(Value::Duration),
        Type::Timestamp => civil::parse(text).map(Value::Time),
        Type::Money => money(text),
        Type::Enum(variants) => {
            let at = variants.iter().position(|variant| variant == text);
            Some(Value::Variant(at.map_or(UNDECLARED, |at| at as u16)))
        }
        Type::Set(_) | Type::List(_) | Type::Map(..) | Type::Error => None,
    }
}

/// Turns a value into one of type `ty`, where that loses nothing: numbers take the type asked for, text is
/// read, lists are converted member by member.
pub fn convert(value: &Value, ty: &Type) -> Option<Value> {
    match (value, ty) {
        (_, Type::Error) => None,
        (Value::Text(text), ty) => from_text(text, ty),
        (Value::Int(_), Type::Int) | (Value::Float(_), Type::Float | Type::Rate) => Some(value.clone()),
        (Value::Int(int), Type::Float | Type::Rate) => Some(Value::Float(*int as f64)),
        (Value::Int(int), Type::Asn) => u32::try_from(*int).ok().map(Value::Asn),
        (Value::Int(int), Type::Duration) => Some(Value::Duration(*int)),
        (Value::Int(int), Type::Timestamp) => Some(Value::Time(*int)),
        (Value::Int(int), Type::Text | Type::Id(_) | Type::Fingerprint) => {
            Some(Value::text(&int.to_string()))
        }
        (Value::Int(int), Type::Bool) => match int {
            0 => Some(Value::Bool(false)),
            1 => Some(Value::Bool(true)),
            _ => None,
        },
        (Value::Int(0), Type::Probability) => Some(Value::Float(0.0)),
        (Value::Int(1), Type::Probability) => Some(Value::Float(1.0)),
        (Value::Float(float), Type::Probability) => (0.0..=1.0).contains(float).then(|| value.clone()),
        (Value::Float(float), Type::Int) => {
            let whole = *float as i64;
            // The round trip holds exactly for whole numbers inside the range.
            (whole as f64 == *float && whole != i64::MAX).then_some(Value::Int(whole))
        }
        (Value::Bool(_), Type::Bool)
        | (Value::Ip(_), Type::Ip)
        | (Value::Cidr(_), Type::Cidr)
        | (Value::Asn(_), Type::Asn)
        | (Value::Country(_), Type::Country)
        | (Value::Duration(_), Type::Duration)
        | (Value::Time(_), Type::Timestamp)
        | (Value::Money(..), Type::Money)
        | (Value::Variant(_), Type::Enum(_))
        | (Value::Map(_), Type::Map(..)) => Some(value.clone()),
        (Value::List(values), Type::Set(of) | Type::List(of)) => values
            .iter()
            .map(|value| convert(value, of))
            .collect::<Option<Vec<_>>>()
            .map(|v| Value::List(v.into())),
        _ => None,
    }
}

/// An address range; a plain address is a range of one.
pub fn cidr(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(net) => Some(net.trunc()),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

/// `10m` and the like, in milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: i64 = match text.get(digits.len()..)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    digits.replace('_', "").parse::<i64>().ok()?.checked_mul(unit)
}

/// `USD 5`, `USD 12.50`: at most as many decimals as the currency has.
pub fn money(text: &str) -> Option<Value> {
    let (code, amount) = text.split_once(' ')?;
    let currency = Currency::parse(code)?;
    let amount = amount.trim().replace('_', "");
    let (negative, amount) = match amount.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, amount.as_str()),
    };
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = currency.digits();
    if decimals.len() > digits as usize || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(digits)?;
    let missing = 10_i64.checked_pow(digits - decimals.len() as u32)?;
    let decimals: i64 = if decimals.is_empty() { 0 } else { decimals.parse().ok()? };
    let minor = whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(decimals.checked_mul(missing)?)?;
    Some(Value::Money(if negative { -minor } else { minor }, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_minor_units() {
        let usd = Currency(*b"USD");
        assert_eq!(money("USD 5"), Some(Value::Money(500, usd)));
        assert_eq!(money("USD 1_000.5"), Some(Value::Money(100_050, usd)));
        assert_eq!(money("JPY 5"), Some(Value::Money(5, Currency(*b"JPY"))));
        for bad in ["USD 5.001", "JPY 5.0", "usd 5", "USD", "USD .5", "USD 99999999999999999999"] {
            assert_eq!(money(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_undeclared_variant_is_known() {
        let ty = Type::Enum(["GET".into(), "POST".into()].into());
        assert_eq!(from_text("POST", &ty), Some(Value::Variant(1)));
        assert_eq!(from_text("BREW", &ty), Some(Value::Variant(UNDECLARED)));
    }

    #[test]
    fn numbers_take_the_type_asked_for() {
        assert_eq!(convert(&Value::Int(64_501), &Type::Asn), Some(Value::Asn(64_501)));
        assert_eq!(convert(&Value::Int(-1), &Type::Asn), None);
        assert_eq!(convert(&Value::Float(1.5), &Type::Int), None);
        assert_eq!(convert(&Value::Float(2.0), &Type::Int), Some(Value::Int(2)));
    }
}
