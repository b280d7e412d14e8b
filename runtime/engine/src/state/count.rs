//! `count`, `rate` and `share of p`: integers by lane, interpolated over the edge.

use super::reading::{Number, Reading, enough};
use super::series::{Cell, Series, View};
use super::window::{Landing, Window, WindowKind};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Events(u64);

impl Cell for Events {
    type Item = ();

    fn add(&mut self, _: i64, (): ()) {
        self.0 = self.0.saturating_add(1);
    }

    fn of(events: impl ExactSizeIterator<Item = (i64, ())>) -> Events {
        Events(events.len() as u64)
    }

    fn merge(&mut self, other: &Events) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// Events of a window: `count` and `rate`. Add and read are O(1) without allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    series: Series<Events>,
}

/// A content of lanes as (value, lo, hi).
fn interpolate<C>(view: &View<'_, C>, content: impl Fn(&C) -> u64) -> (i128, i128, i128) {
    let inner: i128 = view.inner().map(|cell| i128::from(content(cell))).sum();
    let edge = view.edge.map_or(0, |cell| i128::from(content(cell)));
    let value = inner + view.part(edge);
    if view.collapsed { (value, value, value) } else { (value, inner, inner + edge) }
}

/// Counts stop at the largest `i64`, which no stream of events reaches.
fn int(n: i128) -> Number {
    Number::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Count {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Count {
        Count { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Events>::bytes(kind)
    }

    /// Counts an event at `t` (ms).
    pub fn add(&mut self, w: &Window, t: i64) -> Landing {
        self.series.add(w, t, ())
    }

    /// The number of events, an integer.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        self.series.read(w, t, |view| {
            let (value, lo, hi) = interpolate(view, |cell| cell.0);
            Reading::between(int(value), int(lo), int(hi), view.estimated)
        })
    }

    /// Events per second over the declared length, a float.
    #[must_use]
    pub fn rate(&self, w: &Window, t: i64) -> Reading {
        let per_second = |n: i128| Number::Float((n * 1_000) as f64 / w.length() as f64);
        self.series.read(w, t, |view| {
            let (value, lo, hi) = interpolate(view, |cell| cell.0);
            Reading::between(per_second(value), per_second(lo), per_second(hi), view.estimated)
        })
    }

    /// Adds another record of the same window.
    pub fn merge(&mut self, w: &Window, other: &Count) {
        self.series.merge(w, &other.series);
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Split {
    hits: u64,
    misses: u64,
}

impl Cell for Split {
    type Item = bool;

    fn add(&mut self, _: i64, hit: bool) {
        let side = if hit { &mut self.hits } else { &mut self.misses };
        *side = side.saturating_add(1);
    }

    fn merge(&mut self, other: &Split) {
        self.hits = self.hits.saturating_add(other.hits);
        self.misses = self.misses.saturating_add(other.misses);
    }
}

/// `share of p`: the part of a window's events for which a predicate holds. Events for which it is unknown are not added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    series: Series<Split>,
}

/// `a / b`, 0 for 0 of 0.
fn ratio(a: i128, b: i128) -> Number {
    Number::Float(if b == 0 { 0.0 } else { a as f64 / b as f64 })
}

impl Share {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Share {
        Share { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Split>::bytes(kind)
    }

    /// Counts an event at `t` for which the predicate is `hit`.
    pub fn add(&mut self, w: &Window, t: i64, hit: bool) -> Landing {
        self.series.add(w, t, hit)
    }

    /// The share, a float in 0..=1; unknown when the window has no event or fewer than `at_least`.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64, at_least: u64) -> Reading {
        self.series.read(w, t, |view| {
            let (hits, hits_in, hits_all) = interpolate(view, |cell| cell.hits);
            let (total, ..) = interpolate(view, |cell| cell.hits.saturating_add(cell.misses));
            if let Err(why) = enough(u64::try_from(total).unwrap_or(u64::MAX), at_least) {
                return Reading::Unknown(why);
            }
            let value = ratio(hits, total);
            if view.collapsed {
                return Reading::between(value, value, value, true);
            }
            let (_, misses_in, misses_all) = interpolate(view, |cell| cell.misses);
            let (lo, hi) = (ratio(hits_in, hits_in + misses_all), ratio(hits_all, hits_all + misses_in));
            Reading::between(value, lo, hi, view.estimated)
        })
    }

    /// Adds another record of the same window.
    pub fn merge(&mut self, w: &Window, other: &Share) {
        self.series.merge(w, &other.series);
    }
}
