//! `min` and `max` of every lane touched.

use super::reading::{Number, Reading, Scale, Why};
use super::series::{Cell, Series};
use super::window::{Landing, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// Smallest and largest order key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Range(Option<(i64, i64)>);

impl Range {
    fn plus(self, other: &Range) -> Range {
        match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Range(Some((a.min(c), b.max(d)))),
            (one, other) => Range(one.or(other)),
        }
    }
}

impl Cell for Range {
    type Item = i64;

    fn add(&mut self, _: i64, key: i64) {
        self.merge(&Range(Some((key, key))));
    }

    fn merge(&mut self, other: &Range) {
        *self = self.clone().plus(other);
    }
}

/// `min` and `max` of a field over a window. Add and read are O(1) without allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    series: Series<Range>,
}

impl Extremes {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Extremes {
        Extremes { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Range>::bytes(kind)
    }

    /// Adds the value of an event at `t`; all values of a record have one scale. NaN and infinities are dropped.
    pub fn add(&mut self, w: &Window, t: i64, x: Number) -> Landing {
        x.order_key().map_or(Landing::Dropped, |key| self.series.add(w, t, key))
    }

    /// The smallest value, unknown when the window is empty.
    #[must_use]
    pub fn min(&self, w: &Window, t: i64, scale: Scale) -> Reading {
        self.read(w, t, scale, |(min, _)| min, |value, inner, edge| (value, inner.unwrap_or(edge)))
    }

    /// The largest value, unknown when the window is empty.
    #[must_use]
    pub fn max(&self, w: &Window, t: i64, scale: Scale) -> Reading {
        self.read(w, t, scale, |(_, max)| max, |value, inner, edge| (inner.unwrap_or(edge), value))
    }

    /// `pick` chooses the end; `interval` makes (lo, hi) of the value, the end of the inner lanes, and the opposite end of the edge.
    fn read(
        &self,
        w: &Window,
        t: i64,
        scale: Scale,
        pick: impl Fn((i64, i64)) -> i64,
        interval: impl Fn(i64, Option<i64>, i64) -> (i64, i64),
    ) -> Reading {
        self.series.read(w, t, |view| {
            let inner = view.inner().fold(Range(None), Range::plus);
            let edge = view.edge.cloned().unwrap_or_default();
            let Some(all) = inner.clone().plus(&edge).0 else { return Reading::Unknown(Why::Empty) };
            let value = pick(all);
            let (lo, hi) = match edge.0 {
                Some((a, b)) if !view.collapsed => {
                    let opposite = if pick((0, 1)) == 0 { b } else { a };
                    interval(value, inner.0.map(&pick), opposite)
                }
                _ => (value, value),
            };
            let number = |key| Number::from_order_key(key, scale);
            Reading::between(number(value), number(lo), number(hi), view.estimated)
        })
    }

    /// Adds another record of the same window.
    pub fn merge(&mut self, w: &Window, other: &Extremes) {
        self.series.merge(w, &other.series);
    }
}
