//! What a signal says when asked: a number with its interval, or why there is none.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A number of the language: an integer (counts, durations in ms, money in minor units) or an IEEE double, never NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Number {
    /// An exact integer.
    Int(i64),
    /// A finite double.
    Float(f64),
}

/// Which of the two kinds of [`Number`] a record holds; the checker knows it statically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// `i64`.
    Int,
    /// `f64`.
    Float,
}

impl Number {
    /// The number as a double; integers beyond 2^53 are rounded to nearest.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Float(x) => x,
        }
    }

    /// An `i64` that orders like the number among numbers of the same scale; `None` for NaN and infinities. Minus zero is zero.
    pub(crate) fn order_key(self) -> Option<i64> {
        match self {
            Number::Int(n) => Some(n),
            Number::Float(x) if x.is_finite() => {
                let bits = if x == 0.0 { 0 } else { x.to_bits() as i64 };
                // Negative doubles order by falling magnitude: flip all but the sign.
                Some(if bits < 0 { bits ^ i64::MAX } else { bits })
            }
            Number::Float(_) => None,
        }
    }

    /// The inverse of [`Number::order_key`].
    pub(crate) fn from_order_key(key: i64, scale: Scale) -> Number {
        match scale {
            Scale::Int => Number::Int(key),
            Scale::Float => {
                let bits = if key < 0 { key ^ i64::MAX } else { key };
                Number::Float(f64::from_bits(bits as u64))
            }
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.partial_cmp(b),
            _ => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }
}

/// Why a signal is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// A baseline has not seen enough weeks yet.
    Warming,
    /// Fewer events than the `at least` of the signal.
    TooFew {
        /// How many the window holds.
        have: u64,
        /// How many the policy asks for.
        need: u64,
    },
    /// Nothing in the window.
    Empty,
    /// The result leaves the range of its type.
    Overflow,
    /// A division by zero.
    Undefined,
    /// The record was evicted and only its mass is known.
    Evicted,
}

/// The answer of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// No value; a comparison with it is unknown.
    Unknown(Why),
    /// A value with its interval.
    Known {
        /// What comparisons use.
        value: Number,
        /// The least the true value can be.
        lo: Number,
        /// The most the true value can be; absence is `hi == 0`.
        hi: Number,
        /// `lo == value == hi`, and hard.
        exact: bool,
        /// The interval is not hard: a sketch, an economy window, a read past what is held, or mass of evicted records.
        estimated: bool,
    },
}

impl Reading {
    /// A value known exactly.
    #[must_use]
    pub fn certain(value: Number) -> Reading {
        Reading::Known { value, lo: value, hi: value, exact: true, estimated: false }
    }

    /// A value with an interval; `exact` follows from it. Floats outside the range of doubles are unknown.
    pub(crate) fn between(value: Number, lo: Number, hi: Number, estimated: bool) -> Reading {
        if !(value.to_f64().is_finite() && lo.to_f64().is_finite() && hi.to_f64().is_finite()) {
            return Reading::Unknown(Why::Overflow);
        }
        let (lo, hi) = within(value, lo, hi);
        Reading::Known { value, lo, hi, exact: !estimated && lo == value && value == hi, estimated }
    }

    /// The value, when there is one.
    #[must_use]
    pub fn value(&self) -> Option<Number> {
        match self {
            Reading::Known { value, .. } => Some(*value),
            Reading::Unknown(_) => None,
        }
    }

    /// True when the window is certainly empty (`== 0` in a policy), false when it may not be, `None` when unknown.
    #[must_use]
    pub fn is_absent(&self) -> Option<bool> {
        match self {
            Reading::Known { hi, .. } => Some(hi.to_f64() == 0.0),
            Reading::Unknown(_) => None,
        }
    }

    /// The reading of a `count`, `rate` or `sum` whose evicted record had `mass` more in the window: added to value and `hi`, with `lo = 0` and estimated.
    /// A mass of zero changes nothing. Overflow is unknown.
    #[must_use]
    pub fn with_evicted(self, mass: Number) -> Reading {
        if mass.to_f64() == 0.0 {
            return self;
        }
        let Reading::Known { value, hi, .. } = self else { return self };
        let plus = |a: Number| match (a, mass) {
            (Number::Int(a), Number::Int(b)) => a.checked_add(b).map(Number::Int),
            _ => Some(Number::Float(a.to_f64() + mass.to_f64())).filter(|n| n.to_f64().is_finite()),
        };
        let zero = match value {
            Number::Int(_) => Number::Int(0),
            Number::Float(_) => Number::Float(0.0),
        };
        match (plus(value), plus(hi)) {
            (Some(value), Some(hi)) => Reading::Known { value, lo: zero, hi, exact: false, estimated: true },
            _ => Reading::Unknown(Why::Overflow),
        }
    }
}

/// `Err(TooFew)` when `have` is below `need`, `Err(Empty)` when there is nothing at all.
pub(crate) fn enough(have: u64, need: u64) -> Result<(), Why> {
    if have < need {
        Err(Why::TooFew { have, need })
    } else if have == 0 {
        Err(Why::Empty)
    } else {
        Ok(())
    }
}

/// Widens a float interval to its value: both are rounded, each in its own way.
fn within(value: Number, lo: Number, hi: Number) -> (Number, Number) {
    (if value < lo { value } else { lo }, if value > hi { value } else { hi })
}
