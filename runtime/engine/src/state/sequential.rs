//! `sequential x`: the longest run of consecutive integers among a field's values.

use super::reading::{Number, Reading};
use super::series::{Log, VALUE_LOG};
use super::table::{Marks, Table};
use super::window::{Landing, Lanes, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// Different values kept.
const BOUND: usize = 1_024;

/// The lanes that saw a value, and when it last came, in arrivals of this record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    lanes: u8,
    arrival: u32,
}

impl Marks for Seen {
    fn clear(&mut self, mask: u8) {
        self.lanes.clear(mask);
    }

    fn any(&self, mask: u8) -> bool {
        self.lanes.any(mask)
    }
}

/// The longest run of consecutive values over a window: order of arrival and repetition do not matter.
///
/// Add is a bisection and a shift of at most 1,024 entries; past the bound, a scan. A read is one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    lanes: Lanes,
    values: Table<i64, Seen>,
    arrivals: u32,
    /// The newest lane that lost a value to the bound.
    lost: Option<i64>,
    log: Option<Box<Log<i64>>>,
}

impl Sequential {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Sequential {
        Sequential {
            lanes: Lanes::default(),
            values: Table::default(),
            arrivals: 0,
            lost: None,
            log: Log::for_window(w, VALUE_LOG),
        }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Sequential>()
            + Table::<i64, Seen>::heap_bytes(BOUND)
            + Log::<i64>::heap_bytes(kind, VALUE_LOG)
    }

    /// Adds an event's value at `t`.
    pub fn add(&mut self, w: &Window, t: i64, value: i64) -> Landing {
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        self.values.clear(entry.cleared);
        self.arrivals = self.arrivals.saturating_add(1);
        let place = match self.values.find(value) {
            Ok(place) => place,
            Err(_) => {
                if self.values.len() >= BOUND {
                    self.evict(value);
                    self.lost = self.lost.max(Some(w.lane(t)));
                }
                let (Ok(place) | Err(place)) = self.values.find(value);
                self.values.insert(place, value, Seen { lanes: 0, arrival: 0 });
                place
            }
        };
        if let Some(seen) = self.values.mark(place) {
            seen.lanes |= 1 << entry.slot;
            seen.arrival = self.arrivals;
        }
        if let Some(log) = &mut self.log {
            log.add(w, t, value);
        }
        Landing::Held
    }

    /// Takes out the least useful value to make room for `coming`: without a neighbour, seen longest ago, smallest. One pass.
    fn evict(&mut self, coming: i64) {
        let follows = |a: i64, b: i64| a.checked_add(1) == Some(b);
        let mut values = self.values.iter().enumerate().peekable();
        let mut previous = None;
        let mut worst: Option<((bool, u32), usize)> = None;
        while let Some((place, (value, seen))) = values.next() {
            let next = values.peek().map(|(_, (next, _))| *next);
            let neighbour = previous.is_some_and(|previous| follows(previous, value))
                || next.is_some_and(|next| follows(value, next))
                || follows(value, coming)
                || follows(coming, value);
            let rank = (neighbour, seen.arrival);
            if worst.is_none_or(|(least, _)| rank < least) {
                worst = Some((rank, place));
            }
            previous = Some(value);
        }
        drop(values);
        if let Some((_, place)) = worst {
            self.values.remove(place);
        }
    }

    /// The length of the longest run, an integer; 0 when the window is empty.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let mut values: Vec<i64> = events.map(|(_, value)| value).collect();
            values.sort_unstable();
            values.dedup();
            return Reading::certain(Number::Int(longest(values.into_iter())));
        }
        let span = self.lanes.span(w, t);
        let run =
            |mask: u8| longest(self.values.iter().filter(|(_, seen)| seen.any(mask)).map(|(value, _)| value));
        let value = run(span.all_mask());
        let lo = if span.collapsed { value } else { run(span.inner_mask()) };
        let lost = self.lost.is_some_and(|lane| lane >= span.oldest());
        let int = Number::Int;
        Reading::between(int(value), int(lo), int(value), span.estimated || lost)
    }
}

/// The longest run in ascending different values.
fn longest(values: impl Iterator<Item = i64>) -> i64 {
    let (mut best, mut run, mut previous) = (0, 0, None);
    for value in values {
        run = if previous.is_some_and(|p: i64| p.checked_add(1) == Some(value)) { run + 1 } else { 1 };
        best = best.max(run);
        previous = Some(value);
    }
    best
}
