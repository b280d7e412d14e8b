//! When something last happened, and how much is going on: `elapsed`, `is new`, `concurrent`.

use super::reading::{Number, Reading, Why};
use super::window::{Landing, Window};
use serde::{Deserialize, Serialize};

/// Times kept by [`Latest`].
const TIMES: usize = 4;

/// The latest times of an event: `elapsed from A to B` (of the A) and `x is new` (of a key and value together).
///
/// Four are kept, so that a read somewhat in the past is right too. Reads and adds are O(1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    /// Descending.
    times: [Option<i64>; TIMES],
}

impl Latest {
    /// An empty record.
    #[must_use]
    pub fn new() -> Latest {
        Latest::default()
    }

    /// Bytes of a record.
    #[must_use]
    pub const fn bytes() -> usize {
        size_of::<Latest>()
    }

    /// Notes an event at `t`; one older than the four latest is dropped.
    pub fn add(&mut self, t: i64) -> Landing {
        let mut carried = Some(t);
        for time in &mut self.times {
            if *time == carried {
                return Landing::Held;
            }
            // `None` is less than any time.
            if *time < carried {
                std::mem::swap(time, &mut carried);
            }
            if carried.is_none() {
                return Landing::Held;
            }
        }
        if carried == Some(t) { Landing::Dropped } else { Landing::Held }
    }

    /// The latest event in `(t - W, t]`.
    fn latest(&self, w: &Window, t: i64) -> Option<i64> {
        let at = self.times.iter().flatten().copied().find(|at| *at <= t)?;
        (at > t.saturating_sub(w.length())).then_some(at)
    }

    /// Milliseconds since the latest event of the window, an integer; unknown without one.
    #[must_use]
    pub fn elapsed(&self, w: &Window, t: i64) -> Reading {
        match self.latest(w, t) {
            Some(at) => Reading::certain(Number::Int(t.saturating_sub(at))),
            None => Reading::Unknown(Why::Empty),
        }
    }

    /// True when nothing happened in the horizon. Ask before adding the current event.
    #[must_use]
    pub fn is_new(&self, horizon: &Window, t: i64) -> bool {
        self.latest(horizon, t).is_none()
    }
}

/// Most entries of [`Concurrent`].
const IN_FLIGHT: usize = 1_024;

/// `concurrent`: what has begun and not ended, each for at most `W`.
///
/// A begin is O(1) until the bound, an end a scan of the entries in flight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Concurrent {
    /// Id and time of each begin.
    begun: Vec<(u64, i64)>,
    /// Begins past the bound, and the time of the latest of them.
    apart: u64,
    apart_at: i64,
}

impl Concurrent {
    /// An empty record.
    #[must_use]
    pub fn new() -> Concurrent {
        Concurrent::default()
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes() -> usize {
        size_of::<Concurrent>() + IN_FLIGHT * size_of::<(u64, i64)>()
    }

    /// Something begins. An id already in flight begins anew. Past 1,024 in flight it is counted apart, and the call says so.
    pub fn begin(&mut self, w: &Window, t: i64, id: u64) -> Landing {
        if let Some(entry) = self.begun.iter_mut().find(|(held, _)| *held == id) {
            entry.1 = entry.1.max(t);
            return Landing::Held;
        }
        if self.begun.len() >= IN_FLIGHT {
            let past = t.saturating_sub(w.length());
            self.begun.retain(|(_, at)| *at > past);
        }
        if self.begun.len() < IN_FLIGHT {
            self.begun.push((id, t));
            return Landing::Held;
        }
        if self.apart_at <= t.saturating_sub(w.length()) {
            self.apart = 0;
        }
        self.apart_at = if self.apart == 0 { t } else { self.apart_at.max(t) };
        self.apart = self.apart.saturating_add(1);
        Landing::Dropped
    }

    /// Something ends; an unknown id changes nothing.
    pub fn end(&mut self, id: u64) {
        if let Some(place) = self.begun.iter().position(|(held, _)| *held == id) {
            self.begun.swap_remove(place);
        }
    }

    /// How many are in flight at `t`, an integer.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        let past = t.saturating_sub(w.length());
        let value = self.begun.iter().filter(|(_, at)| *at > past && *at <= t).count() as i64;
        if self.apart == 0 || self.apart_at <= past {
            return Reading::certain(Number::Int(value));
        }
        let hi = value.saturating_add(i64::try_from(self.apart).unwrap_or(i64::MAX));
        Reading::between(Number::Int(value), Number::Int(value), Number::Int(hi), true)
    }
}
