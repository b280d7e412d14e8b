//! Elapsed, novelty, concurrency, and the limiters in exact fractions.

use crate::reading::{Number, Reading, Why};

/// The latest times that are kept, so that a late reading is right too.
const KEPT: usize = 4;

/// Times of something, for `elapsed` and `is new`.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<i64>);

impl Times {
    /// Takes an event.
    pub fn add(&mut self, t: i64) {
        self.0.push(t);
    }

    fn latest(&self, t: i64, length: i64) -> Option<i64> {
        let mut kept = self.0.clone();
        kept.sort_unstable();
        kept.dedup();
        let first = kept.len().saturating_sub(KEPT);
        let inside = |a: &&i64| **a <= t && i128::from(**a) > i128::from(t) - i128::from(length);
        kept[first..].iter().filter(inside).max().copied()
    }

    /// `elapsed`, at `t`.
    pub fn elapsed(&self, t: i64, length: i64) -> Reading {
        match self.latest(t, length) {
            Some(a) => Reading::certain(Number::Int(i128::from(t) - i128::from(a))),
            None => Reading::Unknown(Why::Empty),
        }
    }

    /// `is new`, asked before the event at hand is added.
    pub fn is_new(&self, t: i64, length: i64) -> bool {
        self.latest(t, length).is_none()
    }
}

/// Exchanges begun, and those that have ended.
#[derive(Clone, Debug, Default)]
pub struct Flight(Vec<(u64, i64)>);

impl Flight {
    /// One begins.
    pub fn begin(&mut self, id: u64, t: i64) {
        self.0.push((id, t));
    }

    /// One ends, if it has not.
    pub fn end(&mut self, id: u64) {
        self.0.retain(|(known, _)| *known != id);
    }

    /// `concurrent`, at `t`; up to 1,024 in flight.
    pub fn count(&self, t: i64, length: i64) -> Reading {
        let from = i128::from(t) - i128::from(length);
        let n = self.0.iter().filter(|(_, begun)| *begun <= t && i128::from(*begun) > from).count();
        Reading::certain(Number::Int(n as i128))
    }
}

/// A leaky bucket, which is also what `gcra` admits: `n` events in `per` ms.
#[derive(Clone, Debug)]
pub struct Bucket {
    capacity: i128,
    n: i128,
    per: i128,
    /// In units of 1 / per.
    level: i128,
    now: Option<i128>,
    conforms: bool,
}

impl Bucket {
    /// An empty one.
    pub fn new(capacity: i64, n: i64, per: i64) -> Self {
        Self { capacity: capacity.into(), n: n.into(), per: per.into(), level: 0, now: None, conforms: true }
    }

    fn at(&self, t: i64) -> (i128, i128) {
        let now = self.now.map_or(i128::from(t), |now| now.max(t.into()));
        (now, (self.level - (now - self.now.unwrap_or(now)) * self.n).max(0))
    }

    /// Takes an event; one that is older than the latest arrives with it. True when it fits.
    pub fn add(&mut self, t: i64) -> bool {
        let (now, level) = self.at(t);
        (self.now, self.level) = (Some(now), level);
        self.conforms = level + self.per <= self.capacity * self.per;
        if self.conforms {
            self.level += self.per;
        }
        self.conforms
    }

    /// The level, rounded up to whole events.
    pub fn level(&self, t: i64) -> Reading {
        let (_, level) = self.at(t);
        Reading::certain(Number::Int((level + self.per - 1).div_euclid(self.per)))
    }

    /// Whether an event at `t` would fit.
    pub fn would_fit(&self, t: i64) -> bool {
        let (_, level) = self.at(t);
        level + self.per <= self.capacity * self.per
    }
}
