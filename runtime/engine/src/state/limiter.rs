//! `bucket(capacity, leak)` and `gcra(rate, burst)`: limiters in rational arithmetic, without a rounding.

use super::reading::{Number, Reading};
use serde::{Deserialize, Serialize};

/// A rate: so many events in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pace {
    events: u32,
    per_ms: u32,
}

impl Pace {
    /// `events` in `per_ms` milliseconds, both above 0.
    #[must_use]
    pub const fn new(events: u32, per_ms: u32) -> Option<Pace> {
        if events == 0 || per_ms == 0 { None } else { Some(Pace { events, per_ms }) }
    }
}

/// Whether an event is within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is, and counts.
    Conforms,
    /// It is not, and does not count; one would conform after so many milliseconds.
    Exceeds {
        /// `i64::MAX` when never.
        wait: i64,
    },
}

/// Milliseconds in which `units` pass at so many units a millisecond, rounded up.
fn wait(units: i128, per_ms: u32) -> i64 {
    let per_ms = i128::from(per_ms);
    i64::try_from((units + per_ms - 1).div_euclid(per_ms)).unwrap_or(i64::MAX)
}

/// A leaky bucket used as a meter. Its level is kept in units of `1 / per_ms` event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    level: u64,
    at: Option<i64>,
}

impl Bucket {
    /// An empty bucket.
    #[must_use]
    pub fn new() -> Bucket {
        Bucket::default()
    }

    /// Bytes of a record.
    #[must_use]
    pub const fn bytes() -> usize {
        size_of::<Bucket>()
    }

    /// The level at `t` in units, and the time it holds for.
    fn leaked(&self, leak: Pace, t: i64) -> (u64, i64) {
        let Some(at) = self.at else { return (0, t) };
        let now = t.max(at);
        // At most 2^64 ms times 2^32 events fits 127 bits.
        let gone = (i128::from(now) - i128::from(at)) * i128::from(leak.events);
        (self.level.saturating_sub(u64::try_from(gone).unwrap_or(u64::MAX)), now)
    }

    /// Pours an event in at `t`; one that would rise above `capacity` spills and is not added.
    pub fn add(&mut self, capacity: u32, leak: Pace, t: i64) -> Admission {
        let (level, now) = self.leaked(leak, t);
        (self.level, self.at) = (level, Some(now));
        let drop = u64::from(leak.per_ms);
        let room = u64::from(capacity) * drop;
        match level.checked_add(drop) {
            Some(risen) if risen <= room => {
                self.level = risen;
                Admission::Conforms
            }
            _ if capacity == 0 => Admission::Exceeds { wait: i64::MAX },
            _ => {
                let over = i128::from(level) + i128::from(drop) - i128::from(room);
                Admission::Exceeds { wait: wait(over, leak.events) }
            }
        }
    }

    /// The level at `t` in events, rounded up; an integer.
    #[must_use]
    pub fn read(&self, leak: Pace, t: i64) -> Reading {
        let (level, _) = self.leaked(leak, t);
        let events = level.div_ceil(u64::from(leak.per_ms));
        Reading::certain(Number::Int(i64::try_from(events).unwrap_or(i64::MAX)))
    }
}

/// The generic cell rate algorithm (ITU-T I.371): a theoretical arrival time, in units of `1 / events` ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gcra {
    arrival: Option<i128>,
    at: i64,
}

impl Gcra {
    /// A record that has seen nothing.
    #[must_use]
    pub fn new() -> Gcra {
        Gcra::default()
    }

    /// Bytes of a record.
    #[must_use]
    pub const fn bytes() -> usize {
        size_of::<Gcra>()
    }

    /// An event at `t`; `burst` of them may come at once. Only those that conform count.
    pub fn add(&mut self, rate: Pace, burst: u32, t: i64) -> Admission {
        let now = if self.arrival.is_some() { t.max(self.at) } else { t };
        let admission = self.read(rate, burst, now);
        let units = i128::from(now) * i128::from(rate.events);
        let due = self.arrival.map_or(units, |arrival| arrival.max(units));
        self.at = now;
        self.arrival = Some(match admission {
            Admission::Conforms => due + i128::from(rate.per_ms),
            Admission::Exceeds { .. } => due,
        });
        admission
    }

    /// What an event at `t` would meet.
    #[must_use]
    pub fn read(&self, rate: Pace, burst: u32, t: i64) -> Admission {
        let Some(tolerance) = burst.checked_sub(1) else { return Admission::Exceeds { wait: i64::MAX } };
        let tolerance = i128::from(tolerance) * i128::from(rate.per_ms);
        let now = if self.arrival.is_some() { t.max(self.at) } else { t };
        let units = i128::from(now) * i128::from(rate.events);
        let early = self.arrival.map_or(0, |arrival| (arrival - units).max(0));
        if early <= tolerance {
            Admission::Conforms
        } else {
            Admission::Exceeds { wait: wait(early - tolerance, rate.events) }
        }
    }
}
