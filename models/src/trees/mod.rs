//! Ensembles of decision trees: read from the file ([`read`]), walked as the file has them ([`plain`]), or packed to be walked without branches
//! ([`packed`]), and their sums made into scores and classes ([`score`]).

pub(crate) mod packed;
pub(crate) mod plain;
pub(crate) mod read;
pub(crate) mod score;

/// What thresholds and weights are: `f32`, or `f64` where the model's input is.
pub(crate) trait Real: Copy + PartialOrd + PartialEq + std::fmt::Debug + std::ops::AddAssign {
    const ZERO: Self;
    fn is_nan(self) -> bool;
    fn of(value: f64) -> Self;
    fn double(self) -> f64;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    fn is_nan(self) -> bool {
        self.is_nan()
    }
    fn of(value: f64) -> Self {
        value as Self
    }
    fn double(self) -> f64 {
        self.into()
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    fn is_nan(self) -> bool {
        self.is_nan()
    }
    fn of(value: f64) -> Self {
        value
    }
    fn double(self) -> f64 {
        self
    }
}
