//! `top x`: the most frequent value of a field, and its share.
//!
//! Past its bound the table works as space-saving (Metwally, Agrawal, El Abbadi 2005): a newcomer takes over the count of the least frequent value,
//! so a value that makes up more than 1/64 of the events is never lost.

use super::reading::{Number, Reading, Why};
use super::series::{Log, VALUE_LOG};
use super::table::{Counts, Marks, Table};
use super::window::{Landing, Lanes, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// Values counted.
const COUNTERS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Tally {
    payload: u32,
    counts: Counts,
}

impl Marks for Tally {
    fn clear(&mut self, mask: u8) {
        self.counts.clear(mask);
    }

    fn any(&self, mask: u8) -> bool {
        self.counts.any(mask)
    }
}

/// The most frequent value of a field over a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Top {
    lanes: Lanes,
    values: Table<u64, Tally>,
    /// The newest lane in which a value was taken over.
    replaced: Option<i64>,
    log: Option<Box<Log<(u64, u32)>>>,
}

/// What [`Top::read`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopReading {
    /// The hash of the value.
    pub hash: u64,
    /// What the caller gave with it.
    pub payload: u32,
    /// Its share of the events, a float in 0..=1.
    pub share: Reading,
}

/// A value's events in the inner lanes and in the edge.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    hash: u64,
    payload: u32,
    inner: u64,
    edge: u64,
}

impl Top {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Top {
        Top {
            lanes: Lanes::default(),
            values: Table::default(),
            replaced: None,
            log: Log::for_window(w, VALUE_LOG),
        }
    }

    /// Whether a reading may be the value: it is counted, or there is a log.
    #[must_use]
    pub fn holds(&self, hash: u64) -> bool {
        self.log.is_some() || self.values.contains(hash)
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Top>()
            + Table::<u64, Tally>::heap_bytes(COUNTERS)
            + Log::<(u64, u32)>::heap_bytes(kind, VALUE_LOG)
    }

    /// Adds the hash of an event's value at `t`, and what to show for it. Cost: a bisection, a scan of 64 counters when the value is new and the table full.
    pub fn add(&mut self, w: &Window, t: i64, hash: u64, payload: u32) -> Landing {
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        self.values.clear(entry.cleared);
        let mut counts = match self.values.find(hash) {
            Ok(place) => {
                if let Some(tally) = self.values.mark(place) {
                    tally.counts.add(entry.slot);
                }
                None
            }
            Err(_) if self.values.len() < COUNTERS => Some(Counts::default()),
            Err(_) => {
                self.replaced = self.replaced.max(Some(w.lane(t)));
                let least =
                    self.values.iter().enumerate().min_by_key(|(_, (_, tally))| tally.counts.total(u8::MAX));
                let place = least.map_or(0, |(place, _)| place);
                self.values.remove(place).map(|(_, tally)| tally.counts)
            }
        };
        if let Some(mut counts) = counts.take()
            && let Err(place) = self.values.find(hash)
        {
            counts.add(entry.slot);
            self.values.insert(place, hash, Tally { payload, counts });
        }
        if let Some(log) = &mut self.log {
            log.add(w, t, (hash, payload));
        }
        Landing::Held
    }

    /// The most frequent value.
    ///
    /// # Errors
    /// [`Why::Empty`] when the window is.
    pub fn read(&self, w: &Window, t: i64) -> Result<TopReading, Why> {
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let mut values: Vec<(u64, u32)> = events.map(|(_, value)| value).collect();
            // Stable: the payload shown is that of the value's first event.
            values.sort_by_key(|(hash, _)| *hash);
            let candidates = values.chunk_by(|a, b| a.0 == b.0).filter_map(|same| {
                let (hash, payload) = *same.first()?;
                Some(Candidate { hash, payload, inner: same.len() as u64, edge: 0 })
            });
            return choose(candidates, false, false);
        }
        let span = self.lanes.span(w, t);
        let (inner, edge) = (span.inner_mask(), span.edge_mask());
        let candidates = self.values.iter().map(|(hash, tally)| Candidate {
            hash,
            payload: tally.payload,
            inner: tally.counts.total(inner),
            edge: tally.counts.total(edge),
        });
        let replaced = self.replaced.is_some_and(|lane| lane >= span.oldest());
        choose(candidates, span.collapsed, span.estimated || replaced)
    }
}

fn choose(
    candidates: impl Iterator<Item = Candidate>,
    collapsed: bool,
    estimated: bool,
) -> Result<TopReading, Why> {
    let candidates: Vec<Candidate> = candidates.collect();
    let inner: u64 = candidates.iter().map(|c| c.inner).sum();
    let edge: u64 = candidates.iter().map(|c| c.edge).sum();
    // Ascending by hash, and `max_by_key` takes the last of equals: reversed, the smallest hash.
    let top = candidates.iter().rev().max_by_key(|c| c.inner + c.edge).filter(|c| c.inner + c.edge > 0);
    let top = top.ok_or(Why::Empty)?;
    let ratio = |a: u64, b: u64| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    let value = ratio(top.inner + top.edge, inner + edge);
    let (lo, hi) = if collapsed {
        (value, value)
    } else {
        let lo = ratio(top.inner, inner + edge - top.edge);
        let hi = candidates.iter().map(|c| ratio(c.inner + c.edge, inner + c.edge)).fold(value, f64::max);
        (lo.min(value), hi)
    };
    let float = Number::Float;
    let share = Reading::between(float(value), float(lo), float(hi), estimated);
    Ok(TopReading { hash: top.hash, payload: top.payload, share })
}
