//! `avg`: an exact sum over an exact count, both interpolated.

use super::reading::{Number, Reading, Why, enough};
use super::series::{Cell, Series, View};
use super::sum::{Mass, Parts, totals};
use super::window::{Landing, Window, WindowKind};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Totals<M> {
    events: u64,
    parts: Parts<M>,
    /// Smallest and largest value; meaningless without events.
    range: (f64, f64),
}

impl<M: Mass> Totals<M> {
    fn plus(&self, other: &Totals<M>) -> Totals<M> {
        let range = match (self.events, other.events) {
            (0, _) => other.range,
            (_, 0) => self.range,
            _ => (self.range.0.min(other.range.0), self.range.1.max(other.range.1)),
        };
        Totals {
            events: self.events.saturating_add(other.events),
            parts: self.parts.plus(&other.parts),
            range,
        }
    }
}

impl<M: Mass> Cell for Totals<M> {
    type Item = M::Term;

    fn add(&mut self, _: i64, term: M::Term) {
        if let Some((positive, negative)) = M::split(term) {
            let x = M::term(term).to_f64() + 0.0;
            *self = self.plus(&Totals { events: 1, parts: Parts { positive, negative }, range: (x, x) });
        }
    }

    fn merge(&mut self, other: &Totals<M>) {
        *self = self.plus(other);
    }
}

/// The mean of a field over a window, a float. Add and read are O(1) without allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Average<M: Mass> {
    series: Series<Totals<M>>,
}

/// `avg` of integers, durations or money.
pub type IntAverage = Average<u64>;
/// `avg` of floats.
pub type FloatAverage = Average<u128>;

/// `numerator / denominator`, the whole part exactly: a mean of equal integers is that integer.
fn divide(numerator: i128, denominator: i128) -> f64 {
    let whole = numerator.div_euclid(denominator);
    whole as f64 + numerator.rem_euclid(denominator) as f64 / denominator as f64
}

impl<M: Mass> Average<M> {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Average<M> {
        Average { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Totals<M>>::bytes(kind)
    }

    /// Adds the value of an event at `t`; NaN and infinities are dropped.
    pub fn add(&mut self, w: &Window, t: i64, term: M::Term) -> Landing {
        if M::split(term).is_none() {
            return Landing::Dropped;
        }
        self.series.add(w, t, term)
    }

    /// The mean; unknown when the window is empty or holds fewer than `at_least` events.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64, at_least: u64) -> Reading {
        self.series.read(w, t, |view| Self::finish(view, at_least).unwrap_or_else(Reading::Unknown))
    }

    fn finish(view: &View<'_, Totals<M>>, at_least: u64) -> Result<Reading, Why> {
        let inner = view.inner().fold(Totals::<M>::default(), |sum, cell| sum.plus(cell));
        // Lanes saturate each by itself: what they hold together may be more than one of them could.
        let net_in = totals(view.inner().map(|cell| &cell.parts)).map(|(up, down)| up - down);
        let edge = view.edge.cloned().unwrap_or_default();
        let have = i128::from(inner.events) + view.part(i128::from(edge.events));
        let weighed = enough(u64::try_from(have).unwrap_or(u64::MAX), at_least);
        // A thin edge may count as no whole event and still have a mean.
        if !matches!(weighed, Err(Why::Empty)) {
            weighed?;
        }
        let value = mean::<M>((inner.events, net_in), Some((edge.events, edge.parts.net())), view.weight())?;
        let float = Number::Float;
        if view.collapsed || edge.events == 0 {
            return Ok(Reading::between(float(value), float(value), float(value), view.estimated));
        }
        if inner.events == 0 {
            return Ok(Reading::between(
                float(value),
                float(edge.range.0),
                float(edge.range.1),
                view.estimated,
            ));
        }
        let mean_in = mean::<M>((inner.events, net_in), None, view.weight())?;
        let sum_in = net_in.ok_or(Why::Overflow)? as f64 * M::UNIT;
        let (n, e) = (inner.events as f64, edge.events as f64);
        let lo = mean_in.min((sum_in + e * edge.range.0) / (n + e));
        let hi = mean_in.max((sum_in + e * edge.range.1) / (n + e));
        Ok(Reading::between(float(value), float(lo), float(hi), view.estimated))
    }

    /// Adds another record of the same window.
    pub fn merge(&mut self, w: &Window, other: &Average<M>) {
        self.series.merge(w, &other.series);
    }
}

/// The mean of so many events with so much in units of `M`, those of the edge weighed.
fn mean<M: Mass>(
    inner: (u64, Option<i128>),
    edge: Option<(u64, Option<i128>)>,
    (k, width): (i64, i64),
) -> Result<f64, Why> {
    let (n, sum_in) = (inner.0, inner.1.ok_or(Why::Overflow)?);
    let Some((e, sum_edge)) = edge.filter(|(events, _)| *events > 0) else {
        return if n == 0 { Err(Why::Empty) } else { Ok(divide(sum_in, i128::from(n)) * M::UNIT) };
    };
    let sum_edge = sum_edge.ok_or(Why::Overflow)?;
    let (k, width) = (i128::from(k), i128::from(width));
    let events = i128::from(n) * width + i128::from(e) * k;
    let weigh = |a: i128, b: i128| a.checked_mul(width)?.checked_add(b.checked_mul(k)?);
    match weigh(sum_in, sum_edge) {
        Some(sum) => Ok(divide(sum, events) * M::UNIT),
        None => {
            // Too wide for 127 bits: drop the 32 lowest bits of each sum, which only floats have to spare.
            let sum = weigh(sum_in >> 32, sum_edge >> 32).ok_or(Why::Overflow)?;
            Ok(divide(sum, events) * M::UNIT * 4_294_967_296.0)
        }
    }
}
