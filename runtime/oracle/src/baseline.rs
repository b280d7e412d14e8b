//! `usual`: the baseline of a level for the hour of the week.

use std::collections::BTreeMap;

use crate::reading::{Number, Reading, Why};

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 168;
/// A record that saw nothing for so many hours begins anew.
const FORGOTTEN: i64 = 53 * WEEK;
/// Two weeks of samples.
const LEARNING: i64 = 2 * WEEK;

/// The levels that a signal showed.
#[derive(Clone, Debug)]
pub struct Baseline {
    floor: Option<f64>,
    whole: bool,
    seen: Vec<(i64, f64)>,
    newest: Option<i64>,
}

impl Baseline {
    /// No level yet; `whole` for a signal of integers.
    pub fn new(floor: Option<f64>, whole: bool) -> Self {
        Self { floor, whole, seen: Vec::new(), newest: None }
    }

    /// Takes a level. One of an hour already closed is dropped.
    pub fn add(&mut self, t: i64, level: f64) {
        let hour = t.div_euclid(HOUR);
        if self.newest.is_none_or(|newest| hour >= newest) {
            self.newest = Some(hour);
            self.seen.push((hour, level));
        }
    }

    fn number(&self, x: f64) -> Number {
        if self.whole { Number::Int(x.ceil() as i128) } else { Number::Float(x) }
    }

    fn warming(&self) -> Reading {
        match self.floor {
            Some(floor) => Reading::certain(self.number(floor)),
            None => Reading::Unknown(Why::Warming),
        }
    }

    /// `usual`, at `t`.
    pub fn read(&self, t: i64) -> Reading {
        let hour = t.div_euclid(HOUR);
        let least = self.floor.filter(|floor| *floor > 0.0).unwrap_or(1.0);
        let begin = (1..self.seen.len()).rfind(|at| self.seen[*at].0 - self.seen[*at - 1].0 >= FORGOTTEN);
        let seen = &self.seen[begin.unwrap_or(0)..];
        let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return self.warming() };
        if hour - last.0 >= FORGOTTEN {
            return self.warming();
        }
        let mut highest: BTreeMap<i64, f64> = BTreeMap::new();
        for (hour, level) in seen {
            let top = highest.entry(*hour).or_insert(0.0);
            *top = top.max(*level);
        }
        // The hour of the first event is incomplete, that of the reading has no part in it.
        let (from, until) = (first.0 + 1, hour.max(last.0));
        if until - from < LEARNING {
            return self.warming();
        }
        let of = |hour: i64| (hour - 4 * 24).rem_euclid(WEEK) as usize;
        let mut cells = [0.0_f32; WEEK as usize];
        for h in from..until {
            let sample = highest.get(&h).copied().unwrap_or(0.0);
            let cell = &mut cells[of(h)];
            let held = f64::from(*cell);
            *cell = match (h - from) / WEEK {
                0 => sample as f32,
                1 => ((held + sample) / 2.0) as f32,
                _ => (held + (sample.min(2.0 * held.max(least)) - held) / 4.0) as f32,
            };
            if h - from == LEARNING - 1 {
                let mut levels: Vec<f64> = cells.iter().map(|cell| f64::from(*cell)).collect();
                levels.sort_by(f64::total_cmp);
                let m = levels[..147].iter().fold(0.0, |sum, level| sum + level) / 147.0;
                for cell in &mut cells {
                    *cell = f64::from(*cell).min(4.0 * m.max(least)) as f32;
                }
            }
        }
        let level = f64::from(cells[of(hour)]);
        let floor = self.floor.unwrap_or(f64::NEG_INFINITY);
        Reading::certain(self.number(if self.whole { level.ceil() } else { level }.max(floor)))
    }
}
