//! Values at run time. A missing or unknown value is `None` around these, never one of them.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// An ISO 4217 code, three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

/// An ISO 3166 code, two capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Country(pub [u8; 2]);

/// A value of the language.
///
/// Equality is the language's own: floats compare by IEEE rules, so a value that holds NaN would differ
/// from itself; the engines never build one (a NaN result is unknown).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// `int`.
    Int(i64),
    /// `float`, `probability` (0 to 1) and `rate` (per second). Never NaN, never infinite.
    Float(f64),
    /// `bool`.
    Bool(bool),
    /// `string`, `id<T>` and `fingerprint`. Texts of up to 23 bytes, which most are, lie in place.
    Text(SmolStr),
    /// `ip`.
    Ip(IpAddr),
    /// `cidr`.
    Cidr(IpNet),
    /// `asn`.
    Asn(u32),
    /// `country`.
    Country(Country),
    /// `duration`, in milliseconds.
    Duration(i64),
    /// `timestamp`, in milliseconds UTC since 1970.
    Time(i64),
    /// `money`, in minor units.
    Money(i64, Currency),
    /// `enum`: the position of the variant in its type.
    Variant(u16),
    /// `set<T>` (sorted by nothing, searched linearly: they are bounded) and `list<T>`.
    List(#[serde(deserialize_with = "crate::depth::deeper")] Arc<[Value]>),
    /// `map<string, T>`.
    Map(#[serde(deserialize_with = "crate::depth::deeper")] Arc<[(Arc<str>, Value)]>),
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Text(SmolStr::new(text))
    }

    /// A float, or nothing where the result is not a number or not finite.
    pub fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }

    /// Feeds the canonical bytes of a text that is no value yet.
    pub fn canonical_text(text: &str, sink: &mut impl FnMut(&[u8])) {
        bytes(sink, 4, text.as_bytes());
    }

    /// Feeds the canonical bytes of the value to `sink`: a kind byte, then a fixed or length-prefixed
    /// body. Two values have the same bytes if and only if they are equal and of one type. State keys are
    /// hashes of these bytes and of nothing else.
    pub fn canonical(&self, sink: &mut impl FnMut(&[u8])) {
        match self {
            Self::Int(value) => fixed(sink, 1, &value.to_le_bytes()),
            // Minus zero equals zero.
            Self::Float(value) => fixed(sink, 2, &(value + 0.0).to_bits().to_le_bytes()),
            Self::Bool(value) => fixed(sink, 3, &[u8::from(*value)]),
            Self::Text(value) => bytes(sink, 4, value.as_bytes()),
            Self::Ip(IpAddr::V4(value)) => fixed(sink, 5, &value.octets()),
            Self::Ip(IpAddr::V6(value)) => fixed(sink, 6, &value.octets()),
            Self::Cidr(value) => {
                fixed(sink, 7, &[value.prefix_len()]);
                Self::Ip(value.network()).canonical(sink);
            }
            Self::Asn(value) => fixed(sink, 8, &value.to_le_bytes()),
            Self::Country(value) => fixed(sink, 9, &value.0),
            Self::Duration(value) => fixed(sink, 10, &value.to_le_bytes()),
            Self::Time(value) => fixed(sink, 11, &value.to_le_bytes()),
            Self::Money(value, currency) => {
                fixed(sink, 12, &value.to_le_bytes());
                sink(&currency.0);
            }
            Self::Variant(value) => fixed(sink, 13, &value.to_le_bytes()),
            Self::List(values) => {
                fixed(sink, 14, &(values.len() as u32).to_le_bytes());
                for value in values.iter() {
                    value.canonical(sink);
                }
            }
            Self::Map(entries) => {
                fixed(sink, 15, &(entries.len() as u32).to_le_bytes());
                for (key, value) in entries.iter() {
                    bytes(sink, 4, key.as_bytes());
                    value.canonical(sink);
                }
            }
        }
    }
}

impl Value {
    /// The integer that canonical bytes are of, or that stands for their value: an int, duration or time, a network's number, a
    /// country's two letters, the position of a variant.
    pub(crate) fn integer_of_canonical(bytes: &[u8]) -> Option<i64> {
        let (kind, body) = bytes.split_first()?;
        Some(match kind {
            1 | 10 | 11 => i64::from_le_bytes(body.try_into().ok()?),
            8 => i64::from(u32::from_le_bytes(body.try_into().ok()?)),
            9 => i64::from(u16::from_be_bytes(body.try_into().ok()?)),
            13 => i64::from(u16::from_le_bytes(body.try_into().ok()?)),
            _ => return None,
        })
    }
}

fn fixed(sink: &mut impl FnMut(&[u8]), kind: u8, body: &[u8]) {
    sink(&[kind]);
    sink(body);
}

fn bytes(sink: &mut impl FnMut(&[u8]), kind: u8, body: &[u8]) {
    fixed(sink, kind, &(body.len() as u64).to_le_bytes());
    sink(body);
}

impl Currency {
    /// Parses three capital letters.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimal digits the minor unit has, by ISO 4217: 2 unless listed.
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl Country {
    /// Parses two capital letters.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
