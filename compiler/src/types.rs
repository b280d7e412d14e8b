//! The types of the language.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A type. They do not mix, but for `int` widening to `float` and an `ip` being found in a `cidr`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// 64-bit signed.
    Int,
    /// IEEE double.
    Float,
    /// Truth value.
    Bool,
    /// Bounded text.
    Text,
    /// An address.
    Ip,
    /// A range of addresses.
    Cidr,
    /// A network's number.
    Asn,
    /// ISO 3166.
    Country,
    /// Milliseconds.
    Duration,
    /// Milliseconds UTC.
    Timestamp,
    /// Minor units with a currency.
    Money,
    /// Per second.
    Rate,
    /// 0 to 1; written in percent.
    Probability,
    /// An opaque identifier of something, `id<user>`.
    Id(SmolStr),
    /// What software looks like on the wire.
    Fingerprint,
    /// One of these, or a variant nobody knows yet.
    Enum(Arc<[SmolStr]>),
    /// Membership only.
    Set(#[serde(deserialize_with = "crate::depth::deeper")] Box<Type>),
    /// In order.
    List(#[serde(deserialize_with = "crate::depth::deeper")] Box<Type>),
    /// By key.
    Map(
        #[serde(deserialize_with = "crate::depth::deeper")] Box<Type>,
        #[serde(deserialize_with = "crate::depth::deeper")] Box<Type>,
    ),
    /// A glob; as the member of a `set<pattern>` only.
    Pattern,
    /// What follows from an error already reported; mixes with everything.
    Error,
}

impl Type {
    /// True for types with an order: `<` and `min` make sense.
    pub fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::Float
                | Self::Duration
                | Self::Timestamp
                | Self::Money
                | Self::Rate
                | Self::Probability
                | Self::Error
        )
    }

    /// True for plain numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Error)
    }

    /// True for values kept as text.
    pub fn is_textual(&self) -> bool {
        matches!(self, Self::Text | Self::Id(_) | Self::Fingerprint | Self::Error)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Text => "string",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Asn => "asn",
            Self::Country => "country",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Money => "money",
            Self::Rate => "rate",
            Self::Probability => "probability",
            Self::Fingerprint => "fingerprint",
            Self::Pattern => "pattern",
            Self::Error => "?",
            Self::Id(of) => return write!(f, "id<{of}>"),
            Self::Enum(variants) => return write!(f, "enum {{ {} }}", variants.join(", ")),
            Self::Set(of) => return write!(f, "set<{of}>"),
            Self::List(of) => return write!(f, "list<{of}>"),
            Self::Map(key, value) => return write!(f, "map<{key}, {value}>"),
        };
        f.write_str(word)
    }
}
