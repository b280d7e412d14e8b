//! `p1`, `p5`, `p50`, `p95`, `p99`: nearest rank, exact for few values, then bins of bounded relative error.
//!
//! The bins are DDSketch's with its log-linear mapping (Masson, Rim, Lee, VLDB 2019): sign, exponent and six fraction bits of the double, so that no
//! logarithm is taken and every processor agrees.

use super::reading::{Number, Reading, Scale, Why, enough};
use super::series::{Log, VALUE_LOG};
use super::table::{Counts, Table};
use super::window::{Entry, Landing, Lanes, Span, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// Different values kept exactly.
const EXACT: usize = 64;
/// Bins of a sketch.
const BINS: usize = 512;
/// Fraction bits of a double that a bin ignores.
const IGNORED_BITS: u32 = 52 - 6;

/// A percentage from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Percent(u8);

impl Percent {
    /// `None` outside 1..=100.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Percent> {
        if percent >= 1 && percent <= 100 { Some(Percent(percent)) } else { None }
    }

    /// `ceil(p * n / 100)`.
    fn rank(self, n: u64) -> u64 {
        let rank = (u128::from(self.0) * u128::from(n)).div_ceil(100);
        u64::try_from(rank).unwrap_or(u64::MAX)
    }
}

/// Quantiles of a field over a window: exact to 64 different values, then within 1/128.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    lanes: Lanes,
    /// Order keys while exact, bins after.
    values: Table<i64, Counts>,
    binned: bool,
    scale: Scale,
    log: Option<Box<Log<i64>>>,
}

/// The bin of a number: 0 for zero, else signed, ascending with the value.
fn bin(x: Number) -> i64 {
    let x = x.to_f64();
    if x == 0.0 {
        return 0;
    }
    let magnitude = (x.abs().to_bits() >> IGNORED_BITS) as i64 + 1;
    if x < 0.0 { -magnitude } else { magnitude }
}

/// The middle of a bin.
fn middle(bin: i64, scale: Scale) -> Number {
    let Some(magnitude) = bin.unsigned_abs().checked_sub(1) else {
        return match scale {
            Scale::Int => Number::Int(0),
            Scale::Float => Number::Float(0.0),
        };
    };
    let from = f64::from_bits(magnitude << IGNORED_BITS);
    let to = f64::from_bits((magnitude + 1) << IGNORED_BITS).min(f64::MAX);
    match scale {
        Scale::Int => {
            let (first, last) = (from.ceil() as i128, to.ceil() as i128 - 1);
            let middle = (first + last).div_euclid(2);
            let signed = if bin < 0 { -middle } else { middle };
            Number::Int(i64::try_from(signed).unwrap_or(if bin < 0 { i64::MIN } else { i64::MAX }))
        }
        Scale::Float => {
            let middle = from + (to - from) / 2.0;
            Number::Float(if bin < 0 { -middle } else { middle })
        }
    }
}

impl Quantile {
    /// Different values up to which the answer is exact.
    pub const EXACT: usize = EXACT;

    /// An empty record of values of one scale.
    #[must_use]
    pub fn new(w: &Window, scale: Scale) -> Quantile {
        Quantile {
            lanes: Lanes::default(),
            values: Table::default(),
            binned: false,
            scale,
            log: Log::for_window(w, VALUE_LOG),
        }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Quantile>()
            + Table::<i64, Counts>::heap_bytes(BINS)
            + Log::<i64>::heap_bytes(kind, VALUE_LOG)
    }

    /// Adds the value of an event at `t`, of the record's scale; NaN and infinities are dropped. Cost: a bisection.
    pub fn add(&mut self, w: &Window, t: i64, x: Number) -> Landing {
        let Some(key) = x.order_key() else { return Landing::Dropped };
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        self.clear(entry);
        let mut one = Counts::default();
        one.add(entry.slot);
        self.put(key, &one);
        if let Some(log) = &mut self.log {
            log.add(w, t, key);
        }
        Landing::Held
    }

    fn clear(&mut self, entry: Entry) {
        self.values.clear(entry.cleared);
        self.binned &= !self.values.is_empty();
    }

    /// Counts a value given by its order key.
    fn put(&mut self, key: i64, counts: &Counts) {
        if !self.binned && self.values.len() >= EXACT && !self.values.contains(key) {
            self.turn_to_bins();
        }
        let key = if self.binned { bin(Number::from_order_key(key, self.scale)) } else { key };
        self.count(key, counts);
    }

    /// Counts a key of the current form. When a new bin comes to a full sketch, the two lowest become one.
    fn count(&mut self, key: i64, counts: &Counts) {
        match self.values.find(key) {
            Ok(place) => {
                if let Some(held) = self.values.mark(place) {
                    held.plus(counts);
                }
            }
            Err(place) if self.values.len() < BINS => self.values.insert(place, key, *counts),
            Err(_) => {
                let Some((lowest, mut held)) = self.values.remove(0) else { return };
                if key < lowest {
                    held.plus(counts);
                    self.values.insert(0, lowest, held);
                    return;
                }
                let (Ok(place) | Err(place)) = self.values.find(key);
                self.values.insert(place, key, *counts);
                if let Some(next) = self.values.mark(0) {
                    next.plus(&held);
                }
            }
        }
    }

    fn turn_to_bins(&mut self) {
        let exact = std::mem::take(&mut self.values);
        for (key, counts) in exact.iter() {
            self.count(bin(Number::from_order_key(key, self.scale)), counts);
        }
        self.binned = true;
    }

    fn number(&self, key: i64) -> Number {
        if self.binned { middle(key, self.scale) } else { Number::from_order_key(key, self.scale) }
    }

    /// The quantile; unknown when the window is empty or holds fewer than `at_least` values.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64, percent: Percent, at_least: u64) -> Reading {
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let mut keys: Vec<i64> = events.map(|(_, key)| key).collect();
            let n = keys.len() as u64;
            if let Err(why) = enough(n, at_least) {
                return Reading::Unknown(why);
            }
            keys.sort_unstable();
            let at = usize::try_from(percent.rank(n) - 1).unwrap_or(usize::MAX);
            return match keys.get(at) {
                Some(key) => Reading::certain(Number::from_order_key(*key, self.scale)),
                None => Reading::Unknown(Why::Empty),
            };
        }
        self.read_lanes(&self.lanes.span(w, t), percent, at_least).unwrap_or_else(Reading::Unknown)
    }

    fn read_lanes(&self, span: &Span, percent: Percent, at_least: u64) -> Result<Reading, Why> {
        let (inner_mask, all_mask) = (span.inner_mask(), span.all_mask());
        let (inner, all) = self.values.iter().fold((0, 0), |(inner, all), (_, counts)| {
            (inner + counts.total(inner_mask), all + counts.total(all_mask))
        });
        enough(all, at_least)?;
        let value = self.ranked(all_mask, percent.rank(all)).ok_or(Why::Empty)?;
        let (lo, hi) = if span.collapsed || inner == all {
            (value, value)
        } else {
            let rank = percent.rank(all);
            let lo = rank.checked_sub(all - inner).filter(|rank| *rank >= 1);
            let lo = lo.and_then(|rank| self.ranked(inner_mask, rank)).or_else(|| self.ranked(all_mask, 1));
            let hi = self.ranked(inner_mask, rank).or_else(|| self.ranked(all_mask, all));
            (lo.ok_or(Why::Empty)?, hi.ok_or(Why::Empty)?)
        };
        Ok(Reading::between(
            self.number(value),
            self.number(lo),
            self.number(hi),
            span.estimated || self.binned,
        ))
    }

    /// The `rank`-th smallest value of some lanes, from 1.
    fn ranked(&self, mask: u8, rank: u64) -> Option<i64> {
        let mut below = 0;
        self.values
            .iter()
            .find(|(_, counts)| {
                below += counts.total(mask);
                below >= rank
            })
            .map(|(key, _)| key)
    }

    /// Adds another record of the same window and scale.
    pub fn merge(&mut self, w: &Window, other: &Quantile) {
        let slots = w.slots();
        if let Some(newest) = other.lanes.newest()
            && let Some(entry) = self.lanes.enter_lane(newest, slots)
        {
            self.clear(entry);
        }
        if other.binned && !self.binned {
            self.turn_to_bins();
        }
        for (lane, from) in other.lanes.held(slots) {
            let Some(entry) = self.lanes.enter_lane(lane, slots) else { continue };
            for (key, theirs) in other.values.iter().filter(|(_, counts)| counts.total(1 << from) > 0) {
                let mut counts = Counts::default();
                counts.plus_slot(entry.slot, theirs, from);
                if other.binned {
                    self.count(key, &counts);
                } else {
                    self.put(key, &counts);
                }
            }
        }
        self.binned &= !self.values.is_empty();
        if let (Some(log), Some(other)) = (&mut self.log, &other.log) {
            log.merge(w, other);
        }
    }
}
