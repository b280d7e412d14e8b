//! Deadlines on the watermark.

use std::collections::BTreeSet;

use weir_compiler::ids::{Id, SequenceId};

use crate::keyhash::KeyHash;

/// A match that waits for a terminal absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) deadline: i64,
    pub(crate) sequence: SequenceId,
    pub(crate) key: KeyHash,
    /// Which of the key's waiting matches.
    pub(crate) id: u32,
}

/// Timers in order of deadline, then sequence, then key, then arrival. Bounded: past the bound the one with the
/// latest deadline is dropped and counted.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    due: BTreeSet<(i64, usize, KeyHash, u32)>,
    capacity: usize,
    dropped: u64,
}

impl Timers {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { due: BTreeSet::new(), capacity: capacity.max(1), dropped: 0 }
    }

    pub(crate) fn arm(&mut self, timer: Timer) {
        self.due.insert((timer.deadline, timer.sequence.index(), timer.key, timer.id));
        if self.due.len() > self.capacity {
            self.due.pop_last();
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// The next timer whose deadline the watermark has passed: an event at the deadline itself would still
    /// have been in time.
    pub(crate) fn pop(&mut self, watermark: i64) -> Option<Timer> {
        let (deadline, ..) = *self.due.first()?;
        if deadline >= watermark {
            return None;
        }
        let (deadline, sequence, key, id) = self.due.pop_first()?;
        Some(Timer { deadline, sequence: SequenceId::from_index(sequence), key, id })
    }

    /// Takes out all timers, in order.
    pub(crate) fn take(&mut self) -> Vec<Timer> {
        let due = std::mem::take(&mut self.due).into_iter();
        due.map(|(deadline, sequence, key, id)| Timer {
            deadline,
            sequence: SequenceId::from_index(sequence),
            key,
            id,
        })
        .collect()
    }

    /// Sets how many have been dropped before.
    pub(crate) fn set_dropped(&mut self, dropped: u64) {
        self.dropped = dropped;
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(deadline: i64, sequence: u32, key: u128) -> Timer {
        Timer { deadline, sequence: SequenceId(sequence), key: KeyHash(key), id: 0 }
    }

    #[test]
    fn they_fire_in_order_when_the_watermark_has_passed() {
        let mut timers = Timers::new(10);
        for armed in [timer(20, 0, 1), timer(10, 1, 5), timer(10, 0, 9), timer(10, 0, 2), timer(30, 0, 0)] {
            timers.arm(armed);
        }
        assert_eq!(timers.pop(10), None);
        let fired: Vec<_> = std::iter::from_fn(|| timers.pop(21)).collect();
        assert_eq!(fired, [timer(10, 0, 2), timer(10, 0, 9), timer(10, 1, 5), timer(20, 0, 1)]);
        assert_eq!(timers.len(), 1);
    }

    #[test]
    fn the_farthest_is_dropped_past_the_bound() {
        let mut timers = Timers::new(2);
        for deadline in [5, 9, 7] {
            timers.arm(timer(deadline, 0, 0));
        }
        assert_eq!(timers.dropped(), 1);
        let fired: Vec<_> = std::iter::from_fn(|| timers.pop(i64::MAX)).map(|timer| timer.deadline).collect();
        assert_eq!(fired, [5, 7]);
    }
}
