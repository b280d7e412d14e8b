//! Time order restored within a horizon.
//!
//! Servers write a line when an exchange ends, some with the time it began, and several workers share a file:
//! logs are nearly, not wholly, in time order. The buffer holds each item until nothing that may still come,
//! no more than the horizon behind the newest time seen, can belong before it.
//!
//! # Guarantees
//!
//! - Every item pushed is released exactly once.
//! - Items not flagged late are released in order of (time, sequence).
//! - When no item is more than the horizon behind an earlier one and no budget is exceeded, none is late: the
//!   whole output is in order.
//! - An item is late when it is further behind than the horizon, or when the budget forced something newer out
//!   before it. It is released at once, in the place where it came.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Limits of a reorder buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReorderLimits {
    /// How far behind the newest time an item may come and still find its place, in milliseconds.
    pub horizon_ms: i64,
    /// Most items held.
    pub max_items: usize,
    /// Most bytes held, by the weights given.
    pub max_bytes: usize,
}

impl Default for ReorderLimits {
    /// 60 s, 500,000 items, 256 MiB. A combined line weighs some 560 bytes, so either budget binds at about
    /// 480,000 lines: a minute at 8,000 lines/s. A busier log keeps a shorter horizon (30 s at 16,000 lines/s)
    /// rather than take more memory; what that makes late is flagged and counted. A fast replay of a quiet log
    /// never comes near: what counts is lines per minute of log time.
    fn default() -> Self {
        ReorderLimits { horizon_ms: 60_000, max_items: 500_000, max_bytes: 256 << 20 }
    }
}

/// An item on its way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Released<T> {
    /// The item.
    pub item: T,
    /// Whether it came too late to be put in its place.
    pub late: bool,
}

/// Counts of a reorder buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReorderStats {
    /// Items that came too late to be placed.
    pub late: u64,
    /// Items released before the horizon because a budget was full.
    pub forced: u64,
}

/// Holds items until their place in time is certain.
#[derive(Debug)]
pub struct Reorder<T> {
    limits: ReorderLimits,
    /// (time, sequence, slot), least first. Items stand aside in slots: moving them through the heap would cost
    /// more than the compare.
    heap: BinaryHeap<Reverse<(i64, u64, usize)>>,
    slots: Vec<Option<(T, usize)>>,
    free: Vec<usize>,
    held_bytes: usize,
    newest: i64,
    /// The greatest (time, sequence) released in order.
    released: (i64, u64),
    overdue: VecDeque<T>,
    finished: bool,
    stats: ReorderStats,
}

impl<T> Reorder<T> {
    /// An empty buffer.
    pub fn new(limits: ReorderLimits) -> Self {
        Reorder {
            limits,
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            held_bytes: 0,
            newest: i64::MIN,
            released: (i64::MIN, 0),
            overdue: VecDeque::new(),
            finished: false,
            stats: ReorderStats::default(),
        }
    }

    /// Takes an item at `ts_ms`; `seq` grows from one push to the next; `bytes` counts against the budget.
    /// Cost: constant for an item in order, logarithmic otherwise.
    pub fn push(&mut self, ts_ms: i64, seq: u64, bytes: usize, item: T) {
        if ts_ms < self.watermark() || (ts_ms, seq) < self.released {
            self.stats.late += 1;
            self.overdue.push_back(item);
            return;
        }
        self.newest = self.newest.max(ts_ms);
        self.held_bytes += bytes;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some((item, bytes));
        }
        self.heap.push(Reverse((ts_ms, seq, slot)));
    }

    /// Says that nothing more will come: everything held may go.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Releases the next item whose place is certain. Call until `None` after every push.
    pub fn pop(&mut self) -> Option<Released<T>> {
        if let Some(item) = self.overdue.pop_front() {
            return Some(Released { item, late: true });
        }
        let &Reverse((ts_ms, seq, slot)) = self.heap.peek()?;
        let certain = self.finished || ts_ms <= self.watermark();
        let full = self.heap.len() > self.limits.max_items || self.held_bytes > self.limits.max_bytes;
        if !certain && !full {
            return None;
        }
        if !certain {
            self.stats.forced += 1;
        }
        self.heap.pop();
        self.free.push(slot);
        self.released = (ts_ms, seq);
        let (item, bytes) = self.slots.get_mut(slot)?.take()?;
        self.held_bytes -= bytes;
        Some(Released { item, late: false })
    }

    /// Items held.
    pub fn len(&self) -> usize {
        self.heap.len() + self.overdue.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts so far.
    pub fn stats(&self) -> ReorderStats {
        self.stats
    }

    /// The time before which nothing can be placed any more.
    fn watermark(&self) -> i64 {
        self.newest.saturating_sub(self.limits.horizon_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(times: &[i64], limits: ReorderLimits) -> (Vec<(i64, u64, bool)>, ReorderStats) {
        let mut buffer = Reorder::new(limits);
        let mut out = Vec::new();
        for (seq, &ts) in times.iter().enumerate() {
            let seq = seq as u64;
            buffer.push(ts, seq, 10, (ts, seq));
            out.extend(std::iter::from_fn(|| buffer.pop()).map(|r| (r.item.0, r.item.1, r.late)));
            assert!(buffer.len() <= limits.max_items && buffer.held_bytes <= limits.max_bytes);
        }
        buffer.finish();
        out.extend(std::iter::from_fn(|| buffer.pop()).map(|r| (r.item.0, r.item.1, r.late)));
        assert!(buffer.is_empty() && buffer.held_bytes == 0);
        (out, buffer.stats())
    }

    fn limits(horizon_ms: i64, max_items: usize, max_bytes: usize) -> ReorderLimits {
        ReorderLimits { horizon_ms, max_items, max_bytes }
    }

    #[test]
    fn late_items_keep_the_place_where_they_came() {
        let (out, stats) = run(&[100, 200, 95, 189, 190, 300], limits(10, 100, 10_000));
        assert_eq!(
            out,
            [
                (100, 0, false),
                (95, 2, true),
                (189, 3, true),
                (190, 4, false),
                (200, 1, false),
                (300, 5, false)
            ]
        );
        assert_eq!(stats, ReorderStats { late: 2, forced: 0 });
    }

    #[test]
    fn budgets_force_the_oldest_out() {
        for bounds in [limits(1000, 2, 10_000), limits(1000, 100, 29)] {
            let (out, stats) = run(&[10, 20, 30, 5, 25], bounds);
            assert_eq!(out, [(10, 0, false), (5, 3, true), (20, 1, false), (25, 4, false), (30, 2, false)]);
            assert_eq!(stats, ReorderStats { late: 1, forced: 2 });
        }
    }

    proptest! {
        #[test]
        fn nothing_lost_and_the_punctual_sorted(
            times in proptest::collection::vec(0..200_i64, 0..200),
            horizon in 0..100_i64,
            max_items in 1..50_usize,
            max_bytes in 10..500_usize,
        ) {
            let (out, stats) = run(&times, limits(horizon, max_items, max_bytes));
            let punctual: Vec<_> = out.iter().filter(|o| !o.2).collect();
            prop_assert!(punctual.is_sorted());
            prop_assert_eq!(out.len() - punctual.len(), stats.late as usize);
            let mut seqs: Vec<_> = out.iter().map(|o| o.1).collect();
            seqs.sort_unstable();
            prop_assert_eq!(seqs, (0..times.len() as u64).collect::<Vec<_>>());
        }

        #[test]
        fn within_the_horizon_all_is_sorted(steps in proptest::collection::vec((0..5_i64, 0..=60_i64), 0..300)) {
            let mut clock = 0;
            let times: Vec<_> = steps.iter().map(|(step, behind)| { clock += step; clock - behind }).collect();
            let (out, stats) = run(&times, limits(60, 10_000, 1_000_000));
            prop_assert_eq!(stats, ReorderStats::default());
            prop_assert!(out.is_sorted());
        }
    }
}
