//! `sum`: exact, whatever the order of arrival, for integers and floats alike.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

use super::reading::{Number, Reading, Why};
use super::series::{Cell, Series, View};
use super::window::{Landing, Window, WindowKind};

/// What a lane accumulates a sum in: `u64` for integers, `u128` in units of 2^-64 for floats. Both saturate, and then the sum is unknown.
pub trait Mass: Copy + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// What is summed.
    type Term: Copy + Debug + PartialEq + Serialize + DeserializeOwned;

    /// The term as its positive and its negative part; `None` for NaN and infinities.
    fn split(term: Self::Term) -> Option<(Self, Self)>;

    /// Adds, stopping at the largest value.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// The mass in its unit; `None` when saturated or from 2^127 on.
    fn units(self) -> Option<i128>;

    /// A sum of this many units as a number; `None` outside its range.
    fn number(units: i128) -> Option<Number>;

    /// A sum as a number, stopped at the ends of the range.
    fn clamped(units: i128) -> Number;

    /// The size of a unit; a power of two.
    const UNIT: f64;

    /// The term as a number.
    fn term(term: Self::Term) -> Number;
}

impl Mass for u64 {
    type Term = i64;

    fn split(term: i64) -> Option<(u64, u64)> {
        Some(if term < 0 { (0, term.unsigned_abs()) } else { (term.unsigned_abs(), 0) })
    }

    fn plus(self, other: u64) -> u64 {
        self.saturating_add(other)
    }

    fn units(self) -> Option<i128> {
        (self != u64::MAX).then_some(i128::from(self))
    }

    fn number(units: i128) -> Option<Number> {
        i64::try_from(units).ok().map(Number::Int)
    }

    fn clamped(units: i128) -> Number {
        Number::Int(i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX }))
    }

    const UNIT: f64 = 1.0;

    fn term(term: i64) -> Number {
        Number::Int(term)
    }
}

/// 2^-64.
const FLOAT_UNIT: f64 = 1.0 / 18_446_744_073_709_551_616.0;

impl Mass for u128 {
    type Term = f64;

    fn split(term: f64) -> Option<(u128, u128)> {
        if !term.is_finite() {
            return None;
        }
        let units = fixed(term);
        Some(if term < 0.0 { (0, units) } else { (units, 0) })
    }

    fn plus(self, other: u128) -> u128 {
        self.saturating_add(other)
    }

    fn units(self) -> Option<i128> {
        i128::try_from(self).ok()
    }

    fn number(units: i128) -> Option<Number> {
        Some(Self::clamped(units))
    }

    fn clamped(units: i128) -> Number {
        // Rounded once by the conversion; the product only shifts the exponent.
        Number::Float(units as f64 * FLOAT_UNIT)
    }

    const UNIT: f64 = FLOAT_UNIT;

    fn term(term: f64) -> Number {
        Number::Float(term)
    }
}

/// The magnitude of a finite double in units of 2^-64, to nearest, ties to even; saturated from 2^64 on.
fn fixed(x: f64) -> u128 {
    let bits = x.to_bits() & (u64::MAX >> 1);
    let fraction = bits & ((1 << 52) - 1);
    let exponent = (bits >> 52) as i32;
    let (mantissa, shift) = if exponent == 0 {
        (u128::from(fraction), -1074 + 64)
    } else {
        (u128::from(fraction | (1 << 52)), exponent - 1075 + 64)
    };
    if shift >= 0 {
        let shift = shift.unsigned_abs();
        return if shift > mantissa.leading_zeros() { u128::MAX } else { mantissa << shift };
    }
    let down = shift.unsigned_abs();
    if down > 54 {
        return 0;
    }
    let whole = mantissa >> down;
    let rest = mantissa & ((1 << down) - 1);
    let half = 1_u128 << (down - 1);
    whole + u128::from(rest > half || (rest == half && whole & 1 == 1))
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parts<M> {
    pub(crate) positive: M,
    pub(crate) negative: M,
}

impl<M: Mass> Parts<M> {
    pub(crate) fn plus(&self, other: &Parts<M>) -> Parts<M> {
        Parts { positive: self.positive.plus(other.positive), negative: self.negative.plus(other.negative) }
    }

    pub(crate) fn net(&self) -> Option<i128> {
        Some(self.positive.units()? - self.negative.units()?)
    }
}

impl<M: Mass> Cell for Parts<M> {
    type Item = M::Term;

    fn add(&mut self, _: i64, term: M::Term) {
        if let Some((positive, negative)) = M::split(term) {
            *self = self.plus(&Parts { positive, negative });
        }
    }

    fn merge(&mut self, other: &Parts<M>) {
        *self = self.plus(other);
    }
}

/// The sum of a field over a window. Add and read are O(1) without allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sum<M: Mass> {
    series: Series<Parts<M>>,
}

/// `sum` of integers, durations or money.
pub type IntSum = Sum<u64>;
/// `sum` of floats.
pub type FloatSum = Sum<u128>;

/// Positive and negative units of some lanes; `None` when one of them is saturated.
pub(crate) fn totals<'a, M: Mass + 'a>(cells: impl Iterator<Item = &'a Parts<M>>) -> Option<(i128, i128)> {
    let mut sum = (0_i128, 0_i128);
    for cell in cells {
        sum.0 = sum.0.checked_add(cell.positive.units()?)?;
        sum.1 = sum.1.checked_add(cell.negative.units()?)?;
    }
    Some(sum)
}

impl<M: Mass> Sum<M> {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Sum<M> {
        Sum { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Parts<M>>::bytes(kind)
    }

    /// Adds the value of an event at `t`; NaN and infinities are dropped.
    pub fn add(&mut self, w: &Window, t: i64, term: M::Term) -> Landing {
        if M::split(term).is_none() {
            return Landing::Dropped;
        }
        self.series.add(w, t, term)
    }

    /// The sum; 0 when the window is empty, unknown when it overflows.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        self.series.read(w, t, |view| Self::finish(view).unwrap_or(Reading::Unknown(Why::Overflow)))
    }

    fn finish(view: &View<'_, Parts<M>>) -> Option<Reading> {
        let (positive, negative) = totals(view.inner())?;
        let (edge_positive, edge_negative) = totals(view.edge.into_iter())?;
        let inner = positive - negative;
        let value = M::number(inner.checked_add(view.part(edge_positive - edge_negative))?)?;
        if view.collapsed {
            return Some(Reading::between(value, value, value, true));
        }
        let lo = M::clamped(inner.saturating_sub(edge_negative));
        let hi = M::clamped(inner.saturating_add(edge_positive));
        Some(Reading::between(value, lo, hi, view.estimated))
    }

    /// Adds another record of the same window.
    pub fn merge(&mut self, w: &Window, other: &Sum<M>) {
        self.series.merge(w, &other.series);
    }
}
