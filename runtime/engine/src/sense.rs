//! What a signal says when it is read: a value of its type, or why there is none.

use serde::{Deserialize, Serialize};
use weir_compiler::types::Type;
use weir_compiler::value::{Currency, Value};

use crate::state;
use crate::state::{Number, Reading};

/// What a reading is asked with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) at: i64,
    pub(crate) least: Option<i64>,
    pub(crate) ty: &'a Type,
    pub(crate) currency: Option<Currency>,
    pub(crate) counted: bool,
}

/// Why a reading, or what depends on it, is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Why {
    /// Nothing supplies its event.
    Unmapped,
    /// The signal is new: it has counted for less than its window.
    Warming,
    /// A part of its key is missing.
    KeyMissing,
    /// Several currencies, or more than are kept.
    Currencies,
    /// The aggregate says why.
    State(state::Why),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unmapped => f.write_str("nothing supplies its event"),
            Self::Warming => f.write_str("it is new, and has counted for less than its window"),
            Self::KeyMissing => f.write_str("a part of its key is missing"),
            Self::Currencies => f.write_str("there are several currencies"),
            Self::State(state::Why::Warming) => f.write_str("the baseline is still warming"),
            Self::State(state::Why::TooFew { have, need }) => {
                write!(f, "{have} events are fewer than {need}")
            }
            Self::State(state::Why::Empty) => f.write_str("nothing has happened in the window"),
            Self::State(state::Why::Overflow) => f.write_str("the result leaves its range"),
            Self::State(state::Why::Undefined) => f.write_str("the result is not defined"),
            Self::State(state::Why::Evicted) => f.write_str("its record was evicted"),
        }
    }
}

/// What a signal said, kept for the decision and for its explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensed {
    /// The value; `None` is unknown.
    pub value: Option<Value>,
    /// The number behind it with its interval, where it is one.
    pub reading: Option<Reading>,
    /// Nothing inside the window for certain; `None` where that is unknown or makes no sense.
    pub absent: Option<bool>,
    /// Why it is unknown.
    pub why: Option<Why>,
}

impl Sensed {
    pub(crate) fn unknown(why: Why) -> Self {
        Self { value: None, reading: None, absent: None, why: Some(why) }
    }

    pub(crate) fn known(value: Value) -> Self {
        Self { value: Some(value), reading: None, absent: None, why: None }
    }

    /// The reading of a state that has counted for less than its window: that nothing has happened is not known then,
    /// and neither is a value that says so.
    pub(crate) fn warming(self) -> Self {
        match self {
            Self { value: None, why: Some(Why::State(state::Why::Empty)), .. } => Self::unknown(Why::Warming),
            sensed if sensed.absent == Some(true) => Self { absent: None, ..sensed },
            sensed => sensed,
        }
    }

    /// A number as a value of the signal's type.
    pub(crate) fn of(reading: Reading, ty: &Type, currency: Option<Currency>) -> Self {
        let value = match reading {
            Reading::Unknown(why) => return Self::unknown(Why::State(why)),
            Reading::Known { value, .. } => value,
        };
        let whole = || match value {
            Number::Int(n) => Some(n),
            // To the nearest unit, ties to even; out of range is unknown.
            Number::Float(x) => Some(x.round_ties_even())
                .filter(|x| *x >= -9_223_372_036_854_775_808.0 && *x < 9_223_372_036_854_775_808.0)
                .map(|x| x as i64),
        };
        let value = match (ty, currency, value) {
            (Type::Money, Some(currency), _) => whole().map(|minor| Value::Money(minor, currency)),
            (Type::Duration, ..) => whole().map(Value::Duration),
            (Type::Timestamp, ..) => whole().map(Value::Time),
            (Type::Float | Type::Probability | Type::Rate, _, number) => Value::float(number.to_f64()),
            (_, _, Number::Int(n)) => Some(Value::Int(n)),
            (_, _, Number::Float(x)) => Value::float(x),
        };
        match value {
            Some(value) => {
                Self { value: Some(value), reading: Some(reading), absent: reading.is_absent(), why: None }
            }
            None => Self::unknown(Why::State(state::Why::Overflow)),
        }
    }

    /// When something was last seen, and whether it is new: not seen within the window.
    pub(crate) fn seen(last: Option<i64>) -> Self {
        let why = if last.is_none() { Some(Why::State(state::Why::Empty)) } else { None };
        Self { value: last.map(Value::Time), reading: None, absent: Some(last.is_none()), why }
    }
}
