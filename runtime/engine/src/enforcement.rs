//! The enforcement table: keys that a rule has put under a verdict for a time.
//!
//! An entry names the rule and the action that made it, so that an exemption lifts it and a decision can say
//! whence it comes. A later firing renews it: its end moves on, its bucket stays. Shadow rules have a table
//! of their own, which stops nobody.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::keyhash::{KeyHash, KeyMap};
use crate::names::Origin;
use crate::state::{Admission, Gcra, Pace};

/// A key under a verdict.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    /// It ends here; the instant itself is free.
    pub(crate) until: i64,
    duration: i64,
    bucket: Option<Throttle>,
}

/// The entries of a table.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnforcementImage {
    entries: Vec<(KeyHash, Vec<Entry>)>,
    dropped: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Throttle {
    gcra: Gcra,
    rate: Pace,
    burst: u32,
}

/// Entries by key, bounded in number: past it the one that ends first leaves.
#[derive(Clone, Debug)]
pub(crate) struct Enforcement {
    keys: KeyMap<Vec<Entry>>,
    /// Every entry by its end.
    ends: BTreeSet<(i64, KeyHash, Origin)>,
    capacity: usize,
    dropped: u64,
}

impl Enforcement {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { keys: KeyMap::default(), ends: BTreeSet::new(), capacity: capacity.max(1), dropped: 0 }
    }

    /// Takes out every entry, by key and in the order in which they were put.
    pub(crate) fn take(&mut self) -> EnforcementImage {
        self.ends.clear();
        let mut entries: Vec<(KeyHash, Vec<Entry>)> = self.keys.drain().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        EnforcementImage { entries, dropped: self.dropped }
    }

    /// Puts in what another table held; past the bound the entries that end first leave.
    pub(crate) fn put_all(&mut self, image: EnforcementImage) {
        self.dropped = image.dropped;
        for (key, entries) in image.entries {
            self.ends.extend(entries.iter().map(|entry| (entry.until, key, entry.origin)));
            self.keys.insert(key, entries);
        }
        while self.ends.len() > self.capacity {
            let Some((until, key, origin)) = self.ends.first().copied() else { return };
            self.remove(until, key, origin);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Entries that left before their end for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Removes what has ended by `at`.
    pub(crate) fn expire(&mut self, at: i64) {
        while let Some((until, key, origin)) = self.ends.first().copied() {
            if until > at {
                return;
            }
            self.remove(until, key, origin);
        }
    }

    fn remove(&mut self, until: i64, key: KeyHash, origin: Origin) {
        self.ends.remove(&(until, key, origin));
        if let Some(entries) = self.keys.get_mut(&key) {
            entries.retain(|entry| entry.origin != origin);
            if entries.is_empty() {
                self.keys.remove(&key);
            }
        }
    }

    /// Puts a key under a verdict from `at` for `duration` ms, or renews the entry. True when it is new.
    pub(crate) fn put(
        &mut self,
        key: KeyHash,
        origin: Origin,
        at: i64,
        duration: i64,
        throttle: Option<(Pace, u32)>,
    ) -> bool {
        let until = at.saturating_add(duration);
        if let Some(entry) = self.keys.get_mut(&key).and_then(|e| e.iter_mut().find(|e| e.origin == origin)) {
            if entry.until > at {
                Self::extend(&mut self.ends, key, entry, until);
                return false;
            }
            let ended = entry.until;
            self.remove(ended, key, origin);
        }
        while self.ends.len() >= self.capacity {
            let Some((until, key, origin)) = self.ends.first().copied() else { break };
            self.remove(until, key, origin);
            self.dropped = self.dropped.saturating_add(u64::from(until > at));
        }
        let bucket = throttle.map(|(rate, burst)| Throttle { gcra: Gcra::new(), rate, burst });
        self.ends.insert((until, key, origin));
        self.keys.entry(key).or_default().push(Entry { origin, until, duration, bucket });
        true
    }

    fn extend(ends: &mut BTreeSet<(i64, KeyHash, Origin)>, key: KeyHash, entry: &mut Entry, until: i64) {
        if until > entry.until {
            ends.remove(&(entry.until, key, entry.origin));
            entry.until = until;
            ends.insert((until, key, entry.origin));
        }
    }

    /// The entries of a key that hold at `at`, in the order in which they were put.
    pub(crate) fn of(&self, key: KeyHash, at: i64) -> impl Iterator<Item = &Entry> {
        self.keys.get(&key).into_iter().flatten().filter(move |entry| at < entry.until)
    }

    /// An event at `at` meets an entry. False when the entry is a throttle and the event is within its rate.
    /// `renew`: the end moves on when the entry stops the event.
    pub(crate) fn meet(&mut self, key: KeyHash, origin: Origin, at: i64, renew: bool) -> bool {
        let found = self.keys.get_mut(&key).and_then(|e| e.iter_mut().find(|entry| entry.origin == origin));
        let Some(entry) = found else { return false };
        let stops = match &mut entry.bucket {
            None => true,
            Some(throttle) => throttle.gcra.add(throttle.rate, throttle.burst, at) != Admission::Conforms,
        };
        if stops && renew {
            let until = at.saturating_add(entry.duration);
            Self::extend(&mut self.ends, key, entry, until);
        }
        stops
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::NameHash;

    fn origin(rule: u64) -> Origin {
        Origin { rule: NameHash(rule), action: NameHash(0) }
    }

    const ANA: KeyHash = KeyHash(7);

    #[test]
    fn an_entry_holds_until_its_end() {
        let mut table = Enforcement::new(10);
        assert!(table.put(ANA, origin(0), 100, 50, None));
        assert_eq!(table.of(ANA, 149).count(), 1);
        assert_eq!(table.of(ANA, 150).count(), 0);
        assert_eq!(table.of(KeyHash(8), 149).count(), 0);
        table.expire(149);
        assert_eq!(table.len(), 1);
        table.expire(150);
        assert!(table.is_empty() && table.keys.is_empty());
    }

    #[test]
    fn a_later_firing_moves_the_end_and_keeps_the_bucket() {
        let rate = Pace::new(1, 1_000).unwrap();
        let mut table = Enforcement::new(10);
        assert!(table.put(ANA, origin(0), 0, 1_000, Some((rate, 1))));
        assert!(!table.meet(ANA, origin(0), 0, false), "the first is within the rate");
        assert!(table.meet(ANA, origin(0), 1, false), "the second is over it");
        assert!(!table.put(ANA, origin(0), 500, 1_000, Some((rate, 1))));
        assert!(table.meet(ANA, origin(0), 501, false), "renewing does not refill");
        assert_eq!(table.of(ANA, 1_499).count(), 1);
        assert!(!table.meet(ANA, origin(0), 1_001, false));
    }

    #[test]
    fn renewing_counts_from_the_last_attempt() {
        let mut table = Enforcement::new(10);
        table.put(ANA, origin(0), 0, 100, None);
        table.put(ANA, origin(1), 0, 100, None);
        assert!(table.meet(ANA, origin(0), 90, true) && table.meet(ANA, origin(1), 90, false));
        let left: Vec<_> = table.of(ANA, 150).map(|entry| entry.origin).collect();
        assert_eq!(left, [origin(0)]);
    }

    #[test]
    fn an_event_within_the_rate_renews_nothing() {
        let mut table = Enforcement::new(10);
        table.put(ANA, origin(0), 0, 100, Some((Pace::new(1, 10).unwrap(), 1)));
        assert!(!table.meet(ANA, origin(0), 50, true));
        assert_eq!(table.of(ANA, 100).count(), 0);
        assert!(table.meet(ANA, origin(0), 51, true));
        assert_eq!(table.of(ANA, 150).count(), 1);
    }

    proptest! {
        #[test]
        fn bounded_and_consistent(puts in prop::collection::vec((0_u128..9, 0_u64..3, 0_i64..30, 1_i64..60), 1..120)) {
            let mut table = Enforcement::new(4);
            let mut now = 0;
            for (key, rule, wait, duration) in puts {
                now += wait / 4;
                table.expire(now);
                table.put(KeyHash(key), origin(rule), now, duration, None);
                prop_assert!(table.len() <= 4);
                prop_assert_eq!(table.keys.values().map(Vec::len).sum::<usize>(), table.ends.len());
                for (until, key, origin) in &table.ends {
                    prop_assert!(table.keys[key].iter().any(|e| e.origin == *origin && e.until == *until));
                }
                prop_assert_eq!(table.of(KeyHash(key), now).filter(|e| e.origin == origin(rule)).count(), 1);
            }
        }
    }
}
