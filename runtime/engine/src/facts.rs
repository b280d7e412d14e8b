//! Facts about actors that `sparing` asks for: when something first, or last, happened to them.

use serde::{Deserialize, Serialize};
use weir_compiler::hir::Fact;

use crate::keyhash::KeyHash;
use crate::table::Bounded;

/// The times of one fact, by actor. Bounded; who is forgotten is not spared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    times: Bounded<i64>,
    first: bool,
}

impl Facts {
    pub(crate) fn new(fact: &Fact, capacity: usize) -> Self {
        Self { times: Bounded::new(capacity, i64::MAX), first: fact.first }
    }

    /// The fact is seen at `at`.
    pub(crate) fn learn(&mut self, key: KeyHash, at: i64) {
        let first = self.first;
        if let Some(time) = self.times.entry(key, at, || at, |_| ()) {
            *time = if first { at.min(*time) } else { at.max(*time) };
        }
    }

    /// Whether it is known at `at`: the first time at least `age` ms ago, or the last at most.
    pub(crate) fn holds(&self, key: KeyHash, at: i64, age: i64) -> bool {
        let Some(time) = self.times.get(key) else { return false };
        let passed = at.saturating_sub(*time);
        if self.first { passed >= age } else { passed <= age }
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Self {
        let times = std::mem::replace(&mut self.times, Bounded::new(1, i64::MAX));
        Self { times, first: self.first }
    }

    /// Takes on a bound.
    pub(crate) fn fit(&mut self, capacity: usize) {
        self.times.fit(capacity, i64::MAX, drop);
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.times.evictions()
    }
}

#[cfg(test)]
mod tests {
    use weir_compiler::hir::{Key, KeyKind, KeyPart, Phase};
    use weir_compiler::ids::{EventId, FieldId};

    use super::*;

    fn facts(first: bool) -> Facts {
        let key =
            Key { parts: vec![KeyPart::Field(FieldId(0))], kind: KeyKind::Actor, text: "device".into() };
        Facts::new(&Fact { event: EventId(0), filter: None, key, first, phase: Phase::Response }, 2)
    }

    #[test]
    fn known_means_long_ago() {
        let mut known = facts(true);
        known.learn(KeyHash(1), 100);
        known.learn(KeyHash(1), 900);
        assert!(!known.holds(KeyHash(1), 599, 500) && known.holds(KeyHash(1), 600, 500));
        assert!(!known.holds(KeyHash(2), 600, 500));
    }

    #[test]
    fn passed_means_lately() {
        let mut passed = facts(false);
        passed.learn(KeyHash(1), 100);
        passed.learn(KeyHash(1), 900);
        assert!(passed.holds(KeyHash(1), 1_400, 500) && !passed.holds(KeyHash(1), 1_401, 500));
    }

    #[test]
    fn the_forgotten_are_not_spared() {
        let mut known = facts(true);
        for key in 0..5 {
            known.learn(KeyHash(key), 0);
        }
        assert_eq!(known.len(), 2);
        assert!(!known.holds(KeyHash(0), 1_000, 10) && known.holds(KeyHash(4), 1_000, 10));
    }
}
