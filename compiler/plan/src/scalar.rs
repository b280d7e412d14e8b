//! Values of an event as the plan sees them: typed, and borrowed from wherever they are.

use std::net::IpAddr;

use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::literal::Column;

/// A value of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Scalar<'a> {
    /// The event has no such value.
    #[default]
    Missing,
    /// A truth.
    Bool(bool),
    /// Numbers, durations and times; networks' numbers, countries and variants by their codes.
    Int(i64),
    /// A float. Not-a-number is as good as missing.
    Float(f64),
    /// Text, identifiers and fingerprints.
    Text(&'a str),
    /// An address.
    Ip(IpAddr),
}

/// The values of an event, by column. A value is asked for when something depends on it, and once.
pub trait Row {
    /// The value of a column.
    fn value(&self, column: Column) -> Scalar<'_>;
}

impl Row for [Scalar<'_>] {
    fn value(&self, column: Column) -> Scalar<'_> {
        self.get(usize::from(column.0)).copied().unwrap_or_default()
    }
}

impl Row for Vec<Scalar<'_>> {
    fn value(&self, column: Column) -> Scalar<'_> {
        self.as_slice().value(column)
    }
}

impl<'a> Scalar<'a> {
    /// A value of the language; missing for those of types that no plan looks at.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Float(float) => Self::Float(*float),
            Value::Text(text) => Self::Text(text),
            Value::Ip(ip) => Self::Ip(*ip),
            other => int(other).map_or(Self::Missing, Self::Int),
        }
    }
}

/// What stands for a value in a column of integers.
pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) | Value::Duration(int) | Value::Time(int) => Some(*int),
        Value::Asn(number) => Some(i64::from(*number)),
        Value::Country(country) => Some(i64::from(u16::from_be_bytes(country.0))),
        Value::Variant(variant) => Some(i64::from(*variant)),
        _ => None,
    }
}

/// A finite float as an integer of the same order. Both zeros are 0; not-a-number has no place.
pub(crate) fn ordered(float: f64) -> Option<i64> {
    if float.is_nan() {
        return None;
    }
    let bits = (float + 0.0).to_bits().cast_signed();
    Some(if bits < 0 { bits ^ i64::MAX } else { bits })
}

/// The float whose place among integers this is; not-a-number past the last of them.
pub(crate) fn float(ordered: i64) -> f64 {
    f64::from_bits((if ordered < 0 { ordered ^ i64::MAX } else { ordered }).cast_unsigned())
}

/// What kind of scalar the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Scalar::Bool`]
    Bool,
    /// [`Scalar::Int`]
    Int,
    /// [`Scalar::Float`]
    Float,
    /// [`Scalar::Text`]
    Text,
    /// [`Scalar::Ip`]
    Ip,
}

impl Kind {
    /// Of a type; nothing for types that no plan looks at.
    pub fn of(ty: &Type) -> Option<Self> {
        match ty {
            Type::Bool => Some(Self::Bool),
            Type::Int | Type::Duration | Type::Timestamp | Type::Asn | Type::Country | Type::Enum(_) => {
                Some(Self::Int)
            }
            Type::Float | Type::Probability | Type::Rate => Some(Self::Float),
            Type::Text | Type::Id(_) | Type::Fingerprint => Some(Self::Text),
            Type::Ip => Some(Self::Ip),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_integers() {
        let floats =
            [f64::NEG_INFINITY, -2.0, -1.0, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 0.5, 1.0, f64::MAX];
        let ints: Vec<i64> = floats.iter().map(|float| ordered(*float).unwrap()).collect();
        assert!(ints.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ordered(-0.0), ordered(0.0));
        assert_eq!(ordered(f64::NAN), None);
        floats.iter().zip(ints).for_each(|(known, int)| assert_eq!(float(int), *known));
        // Neighbours are neighbours, so an open bound is a closed one beside it.
        assert_eq!(ordered(1.0_f64.next_up()).unwrap(), ordered(1.0).unwrap() + 1);
    }
}
