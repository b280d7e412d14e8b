//! What a reading is.

/// A number: an integer, or a double.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Exact.
    Int(i128),
    /// A double.
    Float(f64),
}

impl Number {
    /// As a double.
    pub fn float(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    /// True where the number comes before another of its kind.
    pub fn is_below(self, other: Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a < b,
            (a, b) => a.float() < b.float(),
        }
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the page's word")]
pub enum Why {
    Empty,
    TooFew { have: u64, need: u64 },
    Warming,
    Overflow,
    Undefined,
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Nothing, and why.
    Unknown(Why),
    /// A value with an interval.
    Known {
        /// The value.
        value: Number,
        /// The lower end.
        lo: Number,
        /// The upper end.
        hi: Number,
        /// The interval is not hard.
        estimated: bool,
    },
}

impl Reading {
    /// A value that is its own interval.
    pub fn certain(value: Number) -> Self {
        Self::Known { value, lo: value, hi: value, estimated: false }
    }

    /// A value with its interval, which holds it whatever the rounding.
    pub fn between(value: Number, lo: Number, hi: Number, estimated: bool) -> Self {
        if ![value, lo, hi].iter().all(|number| number.float().is_finite()) {
            return Self::Unknown(Why::Overflow);
        }
        let lo = if value.is_below(lo) { value } else { lo };
        let hi = if hi.is_below(value) { value } else { hi };
        Self::Known { value, lo, hi, estimated }
    }

    /// The value.
    pub fn value(self) -> Option<Number> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// Too few for an `at least`, or none at all.
pub fn few(have: i128, need: u64) -> Option<Reading> {
    if have < i128::from(need) {
        Some(Reading::Unknown(Why::TooFew { have: have as u64, need }))
    } else if have == 0 {
        Some(Reading::Unknown(Why::Empty))
    } else {
        None
    }
}
