//! Values with the lanes that saw them: what every aggregate of values is built on.
//!
//! ```text
//!   keys   [ v0 < v1 < v2 < … ]     sorted, found by bisection
//!   marks  [ m0 , m1 , m2 , … ]     per value: lanes as bits, or a count a lane
//! ```
//!
//! A value that no held lane saw any more is forgotten, so the table's size is bounded by what the window holds, and by the bound its owner sets.

use serde::{Deserialize, Serialize};
/// What a value keeps of each lane, by slot.
pub(crate) trait Marks {
    /// Forgets the slots in `mask`.
    fn clear(&mut self, mask: u8);

    /// True when one of the slots in `mask` saw the value.
    fn any(&self, mask: u8) -> bool;
}

impl Marks for u8 {
    fn clear(&mut self, mask: u8) {
        *self &= !mask;
    }

    fn any(&self, mask: u8) -> bool {
        self & mask != 0
    }
}

/// How often each slot saw a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counts([u32; 8]);

impl Counts {
    pub(crate) fn add(&mut self, slot: usize) {
        if let Some(n) = self.0.get_mut(slot) {
            *n = n.saturating_add(1);
        }
    }

    /// Adds another value's counts.
    pub(crate) fn plus(&mut self, other: &Counts) {
        for (n, m) in self.0.iter_mut().zip(other.0) {
            *n = n.saturating_add(m);
        }
    }

    /// Adds what slot `from` of another record's value holds to slot `to`.
    pub(crate) fn plus_slot(&mut self, to: usize, other: &Counts, from: usize) {
        if let (Some(n), Some(m)) = (self.0.get_mut(to), other.0.get(from)) {
            *n = n.saturating_add(*m);
        }
    }

    /// Events in the slots of `mask`.
    pub(crate) fn total(&self, mask: u8) -> u64 {
        // Without branches: a read does this for every value of the table.
        self.0.iter().enumerate().map(|(slot, n)| u64::from(*n) * u64::from(mask >> slot & 1)).sum()
    }
}

impl Marks for Counts {
    fn clear(&mut self, mask: u8) {
        for (slot, n) in self.0.iter_mut().enumerate() {
            if mask & (1 << slot) != 0 {
                *n = 0;
            }
        }
    }

    fn any(&self, mask: u8) -> bool {
        self.total(mask) > 0
    }
}

/// Values in ascending order with their marks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table<K, M> {
    keys: Vec<K>,
    marks: Vec<M>,
}

impl<K, M> Default for Table<K, M> {
    fn default() -> Table<K, M> {
        Table { keys: Vec::new(), marks: Vec::new() }
    }
}

impl<K: Copy + Ord, M: Marks> Table<K, M> {
    /// Heap bytes of a table of `entries` values: vectors grow by doubling, so twice that at most.
    pub(crate) const fn heap_bytes(entries: usize) -> usize {
        entries.next_power_of_two() * (size_of::<K>() + size_of::<M>())
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The place of a value, or where it would go.
    pub(crate) fn find(&self, key: K) -> Result<usize, usize> {
        self.keys.binary_search(&key)
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.find(key).is_ok()
    }

    pub(crate) fn mark(&mut self, place: usize) -> Option<&mut M> {
        self.marks.get_mut(place)
    }

    /// Puts a value at the place [`Table::find`] gave.
    pub(crate) fn insert(&mut self, place: usize, key: K, mark: M) {
        if place <= self.keys.len() {
            self.keys.insert(place, key);
            self.marks.insert(place, mark);
        }
    }

    /// Takes out the value at `place`.
    pub(crate) fn remove(&mut self, place: usize) -> Option<(K, M)> {
        (place < self.keys.len()).then(|| (self.keys.remove(place), self.marks.remove(place)))
    }

    /// Forgets slots, and the values only they saw.
    pub(crate) fn clear(&mut self, mask: u8) {
        if mask == 0 || self.keys.is_empty() {
            return;
        }
        for mark in &mut self.marks {
            mark.clear(mask);
        }
        let mut live = self.marks.iter();
        self.keys.retain(|_| live.next().is_some_and(|mark| mark.any(u8::MAX)));
        self.marks.retain(|mark| mark.any(u8::MAX));
    }

    /// Values and marks in ascending order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &M)> {
        self.keys.iter().copied().zip(&self.marks)
    }
}
