//! Tags on keys, for a time.

use crate::keyhash::KeyHash;
use crate::names::NameHash;
use crate::table::Bounded;
use serde::{Deserialize, Serialize};

/// Which keys carry which tags until when. Bounded by the number of keys; the least recently tagged leave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tags {
    keys: Bounded<Vec<(NameHash, i64)>>,
}

impl Tags {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { keys: Bounded::new(capacity, i64::MAX) }
    }

    /// Tags a key from `at` for `duration` ms; an end that is later already stays.
    pub(crate) fn put(&mut self, key: KeyHash, tag: NameHash, at: i64, duration: i64) {
        let until = at.saturating_add(duration);
        let Some(tags) = self.keys.entry(key, at, Vec::new, |_| ()) else { return };
        tags.retain(|(_, until)| *until > at);
        match tags.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, known)) => *known = until.max(*known),
            None => tags.push((tag, until)),
        }
    }

    /// Whether the key carries the tag at `at`.
    pub(crate) fn has(&self, key: KeyHash, tag: NameHash, at: i64) -> bool {
        self.keys.get(key).is_some_and(|tags| tags.iter().any(|(known, until)| *known == tag && at < *until))
    }

    /// Takes on a bound.
    pub(crate) fn fit(&mut self, capacity: usize) {
        self.keys.fit(capacity, i64::MAX, drop);
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.keys.evictions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_ends_and_is_renewed() {
        let mut tags = Tags::new(4);
        let (key, tag) = (KeyHash(1), NameHash(0));
        tags.put(key, tag, 100, 50);
        assert!(tags.has(key, tag, 149) && !tags.has(key, tag, 150));
        assert!(!tags.has(KeyHash(2), tag, 110) && !tags.has(key, NameHash(1), 110));
        tags.put(key, tag, 120, 50);
        assert!(tags.has(key, tag, 169));
        tags.put(key, tag, 121, 1);
        assert!(tags.has(key, tag, 169), "a shorter tag takes nothing away");
    }

    #[test]
    fn tags_are_bounded() {
        let mut tags = Tags::new(4);
        for key in 0..100 {
            tags.put(KeyHash(key), NameHash(0), key as i64, 1_000);
        }
        assert_eq!(tags.len(), 4);
        assert!(tags.has(KeyHash(99), NameHash(0), 100) && !tags.has(KeyHash(0), NameHash(0), 100));
        assert_eq!(tags.evictions(), 96);
    }
}
