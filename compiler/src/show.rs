//! Values as people read them: in reasons, explanations and test reports.

use crate::civil;
use crate::convert::UNDECLARED;
use crate::types::Type;
use crate::value::Value;

/// What stands where a value is unknown.
pub const NOT_KNOWN: &str = "not known";

/// A value of type `ty`, for people: `96%`, `3h`, `USD 9000`, `success`.
pub fn show(value: &Value, ty: &Type) -> String {
    match (value, ty) {
        (Value::Int(value), _) => value.to_string(),
        (Value::Float(value), Type::Probability) => format!("{}%", short(value * 100.0)),
        (Value::Float(value), Type::Rate) => format!("{}/s", short(*value)),
        (Value::Float(value), _) => short(*value),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Text(value), _) => value.to_string(),
        (Value::Ip(value), _) => value.to_string(),
        (Value::Cidr(value), _) => value.to_string(),
        (Value::Asn(value), _) => format!("AS{value}"),
        (Value::Country(value), _) => value.as_str().to_owned(),
        (Value::Duration(value), _) => duration(*value),
        (Value::Time(value), _) => civil::format(*value),
        (Value::Money(minor, currency), _) => {
            let scale = 10_u64.pow(currency.digits());
            let sign = if *minor < 0 { "-" } else { "" };
            let (whole, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
            match (rest, currency.digits() as usize) {
                (0, _) => format!("{} {sign}{whole}", currency.as_str()),
                (rest, digits) => format!("{} {sign}{whole}.{rest:0digits$}", currency.as_str()),
            }
        }
        (Value::Variant(UNDECLARED), _) => "another".to_owned(),
        (Value::Variant(at), Type::Enum(variants)) => {
            variants.get(usize::from(*at)).map_or_else(|| format!("#{at}"), ToString::to_string)
        }
        (Value::Variant(at), _) => format!("#{at}"),
        (Value::List(values), ty) => {
            let of = match ty {
                Type::List(of) | Type::Set(of) => of,
                ty => ty,
            };
            let shown: Vec<String> = values.iter().map(|value| show(value, of)).collect();
            format!("[{}]", shown.join(", "))
        }
        (Value::Map(entries), ty) => {
            let of = if let Type::Map(_, of) = ty { of } else { ty };
            let shown: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}: {}", show(value, of))).collect();
            format!("{{{}}}", shown.join(", "))
        }
    }
}

/// At most three digits after the point, none of them a trailing zero.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        "0" if value != 0.0 => format!("{value:.1e}"),
        text => text.to_owned(),
    }
}

/// The two largest units that are not zero: `3h`, `1d 4h`, `2s 500ms`.
pub fn duration(ms: i64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = ms.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
        if parts.len() == 2 || (!parts.is_empty() && count == 0) {
            break;
        }
    }
    if parts.is_empty() {
        parts.push("0ms".to_owned());
    }
    format!("{}{}", if ms < 0 { "-" } else { "" }, parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Currency;

    #[test]
    fn values_read_like_the_language() {
        let usd = Currency(*b"USD");
        for (value, ty, want) in [
            (Value::Float(0.9), Type::Probability, "90%"),
            (Value::Float(2.0 / 3.0), Type::Probability, "66.667%"),
            (Value::Float(0.000_01), Type::Float, "1.0e-5"),
            (Value::Duration(10_800_000), Type::Duration, "3h"),
            (Value::Duration(5_400_000), Type::Duration, "1h 30m"),
            (Value::Duration(86_400_001), Type::Duration, "1d"),
            (Value::Duration(0), Type::Duration, "0ms"),
            (Value::Money(900_000, usd), Type::Money, "USD 9000"),
            (Value::Money(-5, usd), Type::Money, "USD -0.05"),
        ] {
            assert_eq!(show(&value, &ty), want);
        }
    }
}
