//! `stddev` and `cv of gaps`: Welford's moments by lane, folded by Chan's formula.
//!
//! Welford 1962; Chan, Golub, LeVeque 1979. Sums of squares would lose everything when the spread is small beside the mean,
//! which is just what regular robots look like.

use super::reading::{Number, Reading, Why, enough};
use super::series::{Cell, Series, View};
use super::window::{Landing, Window, WindowKind};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    events: u64,
    mean: f64,
    m2: f64,
    min: f64,
    max: f64,
}

impl Cell for Moments {
    type Item = f64;

    fn add(&mut self, _: i64, x: f64) {
        if self.events == 0 {
            (self.min, self.max) = (x, x);
        }
        self.events = self.events.saturating_add(1);
        let d = x - self.mean;
        self.mean += d / self.events as f64;
        self.m2 += d * (x - self.mean);
        self.min = self.min.min(x);
        self.max = self.max.max(x);
    }

    fn merge(&mut self, other: &Moments) {
        if self.events == 0 {
            *self = *other;
        } else if other.events > 0 {
            let mut folded = Folded::of(self, 1.0);
            folded.fold(other, 1.0);
            *self = Moments {
                events: self.events.saturating_add(other.events),
                mean: folded.mean,
                m2: folded.m2,
                min: self.min.min(other.min),
                max: self.max.max(other.max),
            };
        }
    }
}

/// Moments with a weight for a count.
#[derive(Clone, Copy, Debug, Default)]
struct Folded {
    n: f64,
    mean: f64,
    m2: f64,
}

impl Folded {
    fn of(lane: &Moments, weight: f64) -> Folded {
        Folded { n: lane.events as f64 * weight, mean: lane.mean, m2: lane.m2 * weight }
    }

    fn fold(&mut self, lane: &Moments, weight: f64) {
        if lane.events == 0 {
            return;
        }
        let b = Folded::of(lane, weight);
        if self.n == 0.0 {
            *self = b;
            return;
        }
        let n = self.n + b.n;
        let d = b.mean - self.mean;
        self.mean += d * (b.n / n);
        self.m2 = self.m2 + b.m2 + d * d * (self.n * b.n / n);
        self.n = n;
    }
}

/// What a read of moments gives: spread and mean, each with an interval.
#[derive(Clone, Copy, Debug)]
struct Summary {
    stddev: [f64; 3],
    mean: [f64; 3],
    /// The most events the window can hold.
    most: f64,
    estimated: bool,
    collapsed: bool,
}

fn summarise(view: &View<'_, Moments>, at_least: u64) -> Result<Summary, Why> {
    let inner_events: u64 = view.inner().map(|lane| lane.events).fold(0, u64::saturating_add);
    let edge = view.edge.copied().unwrap_or_default();
    let have = i128::from(inner_events) + view.part(i128::from(edge.events));
    let weighed = enough(u64::try_from(have).unwrap_or(u64::MAX), at_least);
    // A thin edge may count as no whole event and still have moments.
    if !(matches!(weighed, Err(Why::Empty)) && edge.events > 0) {
        weighed?;
    }
    let (k, width) = view.weight();
    let mut all = Folded::default();
    all.fold(&edge, k as f64 / width as f64);
    let mut inner = Folded::default();
    for lane in view.inner() {
        all.fold(lane, 1.0);
        inner.fold(lane, 1.0);
    }
    let value = (libm::sqrt(all.m2 / all.n), all.mean);
    let e = edge.events as f64;
    let (a, b) = (edge.min, edge.max);
    let (stddev, mean) = if view.collapsed || edge.events == 0 {
        ([value.0; 3], [value.1; 3])
    } else if inner_events == 0 {
        ([value.0, 0.0, (b - a) / 2.0], [value.1, a, b])
    } else {
        let n = inner.n;
        let j = e.min(n);
        let reach = (a - inner.mean).abs().max((b - inner.mean).abs());
        let within = (inner.m2 / n).max((inner.m2 + e * (b - a) * (b - a) / 4.0) / (n + e));
        let hi = within + j * n / ((n + j) * (n + j)) * (reach * reach);
        let sum = n * inner.mean;
        (
            [value.0, libm::sqrt(inner.m2 / (n + e)), libm::sqrt(hi)],
            [value.1, inner.mean.min((sum + e * a) / (n + e)), inner.mean.max((sum + e * b) / (n + e))],
        )
    };
    Ok(Summary { stddev, mean, most: inner.n + e, estimated: view.estimated, collapsed: view.collapsed })
}

fn reading([value, lo, hi]: [f64; 3], estimated: bool) -> Reading {
    Reading::between(Number::Float(value), Number::Float(lo), Number::Float(hi), estimated)
}

/// `stddev`: the population standard deviation of a field over a window, a float.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    series: Series<Moments>,
}

impl Spread {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Spread {
        Spread { series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        Series::<Moments>::bytes(kind)
    }

    /// Adds the value of an event at `t`; NaN and infinities are dropped.
    pub fn add(&mut self, w: &Window, t: i64, x: Number) -> Landing {
        let x = x.to_f64();
        if x.is_finite() { self.series.add(w, t, x) } else { Landing::Dropped }
    }

    /// The standard deviation; unknown when the window is empty or holds fewer than `at_least` events.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64, at_least: u64) -> Reading {
        self.series.read(w, t, |view| match summarise(view, at_least) {
            Ok(summary) => reading(summary.stddev, summary.estimated),
            Err(why) => Reading::Unknown(why),
        })
    }
}

/// `cv of gaps`: how irregular the times between a key's events are; 0 for a metronome, 1 for a Poisson process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    previous: Option<i64>,
    series: Series<Moments>,
}

impl Gaps {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Gaps {
        Gaps { previous: None, series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Option<i64>>() + Series::<Moments>::bytes(kind)
    }

    /// Notes an event at `t`. One older than the latest makes no gap and is dropped.
    pub fn add(&mut self, w: &Window, t: i64) -> Landing {
        match self.previous {
            Some(previous) if t < previous => return Landing::Dropped,
            Some(previous) => {
                let gap = t.saturating_sub(previous);
                if gap <= w.length() {
                    self.series.add(w, t, gap as f64);
                }
            }
            None => {}
        }
        self.previous = Some(t);
        Landing::Held
    }

    /// Standard deviation over mean of the gaps; unknown without gaps, with fewer than `at_least`, or when all are 0.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64, at_least: u64) -> Reading {
        self.series.read(w, t, |view| match summarise(view, at_least) {
            Ok(summary) => cv(&summary),
            Err(why) => Reading::Unknown(why),
        })
    }
}

fn cv(summary: &Summary) -> Reading {
    let ([sd, sd_lo, sd_hi], [mean, mean_lo, mean_hi]) = (summary.stddev, summary.mean);
    if mean == 0.0 {
        return Reading::Unknown(Why::Undefined);
    }
    let value = sd / mean;
    if summary.collapsed || summary.stddev == [sd; 3] && summary.mean == [mean; 3] {
        return reading([value; 3], summary.estimated);
    }
    // For non-negative numbers cv is at most sqrt(n - 1), whatever the mean.
    let widest = libm::sqrt((summary.most - 1.0).max(0.0));
    let hi = if mean_lo > 0.0 { (sd_hi / mean_lo).min(widest) } else { widest };
    reading([value, sd_lo / mean_hi, hi], summary.estimated)
}
