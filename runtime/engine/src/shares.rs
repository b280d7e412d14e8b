//! Exact shares for caps: how many actors were seen on an event, and how many were given a verdict.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::keyhash::{KeyHash, KeyMap};

/// Different keys seen in `(t - over, t]`, exactly, up to a bound.
#[derive(Clone, Debug)]
struct Seen {
    last: KeyMap<i64>,
    order: VecDeque<(i64, KeyHash)>,
    over: i64,
    capacity: usize,
}

impl Seen {
    fn touch(&mut self, key: KeyHash, at: i64) {
        let last = self.last.entry(key).or_insert(i64::MIN);
        if *last >= at {
            return;
        }
        *last = at;
        self.order.push_back((at, key));
        // Each key may stand in the queue several times, only the last place counts.
        while self.last.len() > self.capacity || self.order.len() > self.capacity.saturating_mul(8) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((at, key)) = self.order.pop_front()
            && self.last.get(&key) == Some(&at)
        {
            self.last.remove(&key);
        }
    }

    fn expire(&mut self, at: i64) {
        while self.order.front().is_some_and(|(seen, _)| at.saturating_sub(*seen) >= self.over) {
            self.pop();
        }
    }
}

/// Who was seen when, and who was given the verdict when; in order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShareImage {
    seen: Vec<(i64, KeyHash)>,
    given: Vec<(i64, KeyHash)>,
}

/// The counters of one cap on a share.
#[derive(Clone, Debug)]
pub(crate) struct ShareCount {
    seen: Seen,
    given: Seen,
}

impl ShareCount {
    pub(crate) fn new(over: i64, capacity: usize) -> Self {
        let seen = Seen { last: KeyMap::default(), order: VecDeque::new(), over, capacity: capacity.max(1) };
        Self { given: seen.clone(), seen }
    }

    /// What it has counted.
    pub(crate) fn take(&mut self) -> ShareImage {
        ShareImage {
            seen: self.seen.order.iter().copied().collect(),
            given: self.given.order.iter().copied().collect(),
        }
    }

    /// Puts in what an equal cap has counted.
    pub(crate) fn put(&mut self, image: ShareImage) {
        for (counter, order) in [(&mut self.seen, image.seen), (&mut self.given, image.given)] {
            counter.last.clear();
            counter.order.clear();
            for (at, key) in order {
                counter.touch(key, at);
            }
        }
    }

    /// An actor is seen on the event.
    pub(crate) fn see(&mut self, actor: KeyHash, at: i64) {
        self.seen.touch(actor, at);
        self.seen.expire(at);
        self.given.expire(at);
    }

    /// Whether the actor may be given the verdict: one that has it already always may; another may while that keeps
    /// the share, and below `least` actors the cap does not hold.
    pub(crate) fn admits(&self, actor: KeyHash, share: f64, least: i64) -> bool {
        let seen = self.seen.last.len();
        if self.given.last.contains_key(&actor) || (seen as i64) < least {
            return true;
        }
        (self.given.last.len() + 1) as f64 <= share * seen as f64
    }

    /// The actor is given the verdict.
    pub(crate) fn give(&mut self, actor: KeyHash, at: i64) {
        self.given.touch(actor, at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_in_fifty() {
        let mut count = ShareCount::new(600_000, 1_000);
        for actor in 0..90 {
            count.see(KeyHash(actor), actor as i64);
        }
        count.see(KeyHash(1_000), 100);
        assert!(count.admits(KeyHash(1_000), 0.02, 50));
        count.give(KeyHash(1_000), 100);
        count.see(KeyHash(1_001), 101);
        assert!(!count.admits(KeyHash(1_001), 0.02, 50));
        assert!(count.admits(KeyHash(1_000), 0.02, 50), "whoever has it keeps it");
        assert!(count.admits(KeyHash(1_001), 0.02, 93), "too few for the cap to hold");
    }

    proptest! {
        #[test]
        fn counts_exactly(events in prop::collection::vec((0_u128..20, 0_i64..9), 1..150)) {
            let mut count = ShareCount::new(30, 1_000);
            let (mut now, mut log) = (0, Vec::new());
            for (actor, wait) in events {
                now += wait;
                count.see(KeyHash(actor), now);
                log.push((actor, now));
                let inside: std::collections::BTreeSet<_> =
                    log.iter().filter(|(_, at)| *at > now - 30).map(|(actor, _)| actor).collect();
                prop_assert_eq!(count.seen.last.len(), inside.len());
            }
        }

        #[test]
        fn is_bounded(actors in prop::collection::vec(0_u128..50, 1..200)) {
            let mut count = ShareCount::new(1_000_000, 8);
            for (at, actor) in actors.into_iter().enumerate() {
                count.see(KeyHash(actor), at as i64);
                prop_assert!(count.seen.last.len() <= 8 && count.seen.order.len() <= 64);
            }
        }
    }
}
