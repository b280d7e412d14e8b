//! `first` and `last`: the value of the earliest or latest event of every lane touched.

use super::series::{Cell, Series};
use super::window::{Landing, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// An event: its time, the order of its arrival in this record, and the caller's value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    t: i64,
    arrival: u64,
    payload: u64,
}

impl Mark {
    fn before(&self, other: &Mark) -> bool {
        (self.t, self.arrival) < (other.t, other.arrival)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pair(Option<(Mark, Mark)>);

impl Pair {
    fn plus(self, other: &Pair) -> Pair {
        match (self.0, other.0) {
            (Some((first, last)), Some((f, l))) => {
                Pair(Some((if f.before(&first) { f } else { first }, if last.before(&l) { l } else { last })))
            }
            (one, other) => Pair(one.or(other)),
        }
    }
}

impl Cell for Pair {
    type Item = (u64, u64);

    fn add(&mut self, t: i64, (arrival, payload): (u64, u64)) {
        let mark = Mark { t, arrival, payload };
        self.merge(&Pair(Some((mark, mark))));
    }

    fn merge(&mut self, other: &Pair) {
        *self = self.clone().plus(other);
    }
}

/// What `first` or `last` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The value, as the caller gave it.
    pub payload: u64,
    /// The time of its event.
    pub at: i64,
    /// False when the event may lie outside the window, or an event that has passed may be the true one.
    pub certain: bool,
}

/// `first` and `last` of a field over a window. The value is an opaque 64-bit payload: a number's bits, a symbol, a hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    arrivals: u64,
    series: Series<Pair>,
}

impl Ends {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Ends {
        Ends { arrivals: 0, series: Series::new(w) }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<u64>() + Series::<Pair>::bytes(kind)
    }

    /// Adds the value of an event at `t`.
    pub fn add(&mut self, w: &Window, t: i64, payload: u64) -> Landing {
        let landing = self.series.add(w, t, (self.arrivals, payload));
        if landing == Landing::Held {
            self.arrivals = self.arrivals.saturating_add(1);
        }
        landing
    }

    /// Whether a reading may be the value: a lane begins or ends with it, or there is a log.
    #[must_use]
    pub fn holds(&self, payload: u64) -> bool {
        let is_of = |(first, last): (Mark, Mark)| first.payload == payload || last.payload == payload;
        self.series.has_log() || self.series.cells().any(|pair| pair.0.is_some_and(is_of))
    }

    /// The earliest event's value; `None` when the window is empty.
    #[must_use]
    pub fn first(&self, w: &Window, t: i64) -> Option<Picked> {
        self.read(w, t, |(first, _)| first, true)
    }

    /// The latest event's value; `None` when the window is empty.
    #[must_use]
    pub fn last(&self, w: &Window, t: i64) -> Option<Picked> {
        self.read(w, t, |(_, last)| last, false)
    }

    fn read(&self, w: &Window, t: i64, pick: fn((Mark, Mark)) -> Mark, needs_all: bool) -> Option<Picked> {
        let since = match w.kind() {
            WindowKind::Tumbling => w.lane(t).saturating_mul(w.width()).saturating_sub(1),
            _ => t.saturating_sub(w.reach()),
        };
        self.series.read(w, t, |view| {
            let inner = view.inner().fold(Pair(None), Pair::plus);
            let mark = pick(inner.plus(&view.edge.cloned().unwrap_or_default()).0?);
            let lost = view.estimated && !view.collapsed;
            let certain = mark.t > since && mark.t <= t && !(needs_all && lost);
            Some(Picked { payload: mark.payload, at: mark.t, certain })
        })
    }
}
