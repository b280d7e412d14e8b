//! Bounded tables: the narrow boundary between the engine and where records of state live.
//!
//! A [`Bounded`] table holds at most so many keys. Records that hold nothing any more are dropped from the
//! old end as new ones come; past the bound the least recently updated record leaves and its mass goes to a
//! [`Shadow`], a count-min sketch that only ever says too much. So a key without a record and without a shadow
//! has truly nothing, and a flood of fresh keys cannot make another key's count too low.

use crate::keyhash::{KeyHash, KeyMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NONE: u32 = u32::MAX;

/// A map of bounded size in order of last update.
/// Written as its records from the oldest to the newest: places are not stored.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<T> {
    index: KeyMap<u32>,
    nodes: Vec<Node<T>>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    capacity: usize,
    /// How long after its last update a record still holds something, in ms.
    retention: i64,
    evicted: u64,
}

#[derive(Clone, Debug)]
struct Node<T> {
    key: KeyHash,
    /// The latest update.
    at: i64,
    newer: u32,
    older: u32,
    item: Option<T>,
}

/// A record that had to leave while it still held something.
#[derive(Debug)]
pub(crate) struct Evicted<T> {
    pub(crate) key: KeyHash,
    pub(crate) item: T,
    pub(crate) at: i64,
}

impl<T> Bounded<T> {
    /// A table of at most `capacity` keys whose records hold nothing `retention` ms after their last update.
    pub(crate) fn new(capacity: usize, retention: i64) -> Self {
        Self {
            index: KeyMap::default(),
            nodes: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            capacity: capacity.clamp(1, (NONE - 1) as usize),
            retention,
            evicted: 0,
        }
    }

    /// How long after its last update a record still holds something, in ms.
    pub(crate) fn retention(&self) -> i64 {
        self.retention
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evicted
    }

    /// Counts records that were evicted elsewhere.
    pub(crate) fn count_evicted(&mut self, evicted: u64) {
        self.evicted = self.evicted.saturating_add(evicted);
    }

    /// The record of a key. Does not count as use.
    pub(crate) fn get(&self, key: KeyHash) -> Option<&T> {
        self.nodes.get(*self.index.get(&key)? as usize)?.item.as_ref()
    }

    /// The record of a key, to change it without counting as use.
    pub(crate) fn get_mut(&mut self, key: KeyHash) -> Option<&mut T> {
        self.nodes.get_mut(*self.index.get(&key)? as usize)?.item.as_mut()
    }

    /// The record of a key, made when there is none; this is a use, at `at`. A record that had to leave for it
    /// is handed to `evict`. Constant time; allocates only while the table grows.
    pub(crate) fn entry(
        &mut self,
        key: KeyHash,
        at: i64,
        make: impl FnOnce() -> T,
        evict: impl FnOnce(Evicted<T>),
    ) -> Option<&mut T> {
        let place = match self.index.get(&key) {
            Some(place) => {
                let place = *place;
                if self.newest != place {
                    self.unlink(place);
                    self.link_newest(place);
                }
                place
            }
            None => {
                self.drop_stale(at);
                if self.index.len() >= self.capacity
                    && let Some(evicted) = self.pop_oldest()
                {
                    self.evicted = self.evicted.saturating_add(1);
                    evict(evicted);
                }
                self.append(key, at, make())
            }
        };
        let node = self.nodes.get_mut(place as usize)?;
        node.at = node.at.max(at);
        node.item.as_mut()
    }

    /// Adds a record that the table does not have, as the most recently updated one. Its place.
    fn append(&mut self, key: KeyHash, at: i64, item: T) -> u32 {
        let node = Node { key, at, newer: NONE, older: NONE, item: Some(item) };
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(slot) = self.nodes.get_mut(place as usize) {
                    *slot = node;
                }
                place
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        self.index.insert(key, place);
        self.link_newest(place);
        place
    }

    /// The records from the least recently updated on: key, latest update, item.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyHash, i64, &T)> {
        let mut place = self.oldest;
        std::iter::from_fn(move || {
            let node = self.nodes.get(place as usize)?;
            place = node.newer;
            Some((node.key, node.at, node.item.as_ref()?))
        })
    }

    /// Takes on other bounds, handing what does not fit to `evict`.
    pub(crate) fn fit(&mut self, capacity: usize, retention: i64, mut evict: impl FnMut(Evicted<T>)) {
        self.capacity = capacity.clamp(1, (NONE - 1) as usize);
        self.retention = retention;
        while self.index.len() > self.capacity {
            let Some(evicted) = self.pop_oldest() else { return };
            self.evicted = self.evicted.saturating_add(1);
            evict(evicted);
        }
    }

    /// Takes out all records, from the least recently updated on.
    pub(crate) fn into_records(mut self) -> impl Iterator<Item = Evicted<T>> {
        std::iter::from_fn(move || self.pop_oldest())
    }

    /// Takes out a record.
    pub(crate) fn remove(&mut self, key: KeyHash) -> Option<T> {
        let place = self.index.remove(&key)?;
        self.unlink(place);
        self.free.push(place);
        self.nodes.get_mut(place as usize)?.item.take()
    }

    /// Up to two records from the old end that hold nothing at `at` make room: more than can come.
    fn drop_stale(&mut self, at: i64) {
        for _ in 0..2 {
            match self.nodes.get(self.oldest as usize) {
                Some(node) if at.saturating_sub(node.at) >= self.retention => {
                    self.pop_oldest();
                }
                _ => return,
            }
        }
    }

    fn pop_oldest(&mut self) -> Option<Evicted<T>> {
        let node = self.nodes.get(self.oldest as usize)?;
        let (key, at) = (node.key, node.at);
        self.remove(key).map(|item| Evicted { key, item, at })
    }

    fn unlink(&mut self, place: u32) {
        let Some(node) = self.nodes.get(place as usize) else { return };
        let (newer, older) = (node.newer, node.older);
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, place: u32) {
        let before = self.newest;
        if let Some(node) = self.nodes.get_mut(place as usize) {
            (node.newer, node.older) = (NONE, before);
        }
        match self.nodes.get_mut(before as usize) {
            Some(node) => node.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }
}

/// A [`Bounded`] table as it is written.
#[derive(Serialize, Deserialize)]
struct Image<R> {
    records: R,
    evicted: u64,
}

impl<T: Serialize> Serialize for Bounded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let records: Vec<(KeyHash, i64, &T)> = self.iter().collect();
        Image { records, evicted: self.evicted }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    /// A table of just the capacity it needs; [`Bounded::fit`] gives it its bounds.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let image = Image::<Vec<(KeyHash, i64, T)>>::deserialize(deserializer)?;
        let mut table = Self::new(image.records.len(), i64::MAX);
        // Nothing is looked at for its age: times may lie further apart than any retention.
        for (key, at, item) in image.records {
            if !table.index.contains_key(&key) {
                table.append(key, at, item);
            }
        }
        table.evicted = image.evicted;
        Ok(table)
    }
}

/// What evicted records held: a count-min sketch (Cormode and Muthukrishnan 2005) of mass, each cell of which
/// forgets when nothing has come for as long as a record holds something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shadow {
    cells: Vec<Mass>,
    width: usize,
    retention: i64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Mass {
    amount: f64,
    /// The latest update of the records in it.
    at: i64,
}

const ROWS: usize = 4;

impl Shadow {
    /// Beside a table of `capacity` keys. Allocates at the first eviction: 16 bytes a key of capacity.
    pub(crate) fn new(capacity: usize, retention: i64) -> Self {
        Self { cells: Vec::new(), width: (capacity / ROWS).next_power_of_two().clamp(64, 1 << 16), retention }
    }

    /// Takes on other bounds. Of another width, what it holds cannot be told by key any more: the most that any cell
    /// holds then stands in every cell, which is still never too little.
    pub(crate) fn fit(&mut self, capacity: usize, retention: i64) {
        let fresh = Self::new(capacity, retention);
        if self.width == fresh.width {
            self.retention = retention;
        } else {
            let (most, at) = self.most();
            *self = fresh;
            self.spread(most, at);
        }
    }

    /// Nothing was ever evicted.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Mass that may belong to any key.
    pub(crate) fn spread(&mut self, amount: f64, at: i64) {
        if amount > 0.0 {
            self.cells.resize(self.width * ROWS, Mass::default());
            for cell in &mut self.cells {
                *cell = Mass { amount: cell.amount + amount, at: cell.at.max(at) };
            }
        }
    }

    /// The most that any cell holds, and the latest update of any.
    pub(crate) fn most(&self) -> (f64, i64) {
        self.cells.iter().fold((0.0, i64::MIN), |(most, at), cell| (most.max(cell.amount), at.max(cell.at)))
    }

    /// Adds what a record held that was last updated at `at`.
    pub(crate) fn add(&mut self, key: KeyHash, amount: f64, at: i64) {
        if self.cells.is_empty() {
            self.cells = vec![Mass::default(); self.width * ROWS];
        }
        for place in Self::places(self.width, key) {
            if let Some(cell) = self.cells.get_mut(place) {
                if at.saturating_sub(cell.at) >= self.retention {
                    cell.amount = 0.0;
                }
                cell.amount += amount;
                cell.at = cell.at.max(at);
            }
        }
    }

    /// At least what evicted records of this key still hold at `at`; 0 when they hold nothing for certain.
    pub(crate) fn estimate(&self, key: KeyHash, at: i64) -> f64 {
        if self.cells.is_empty() {
            return 0.0;
        }
        let held = |place: usize| match self.cells.get(place) {
            Some(cell) if at.saturating_sub(cell.at) < self.retention => cell.amount,
            _ => 0.0,
        };
        Self::places(self.width, key).map(held).fold(f64::INFINITY, f64::min)
    }

    /// A cell in each row; each row takes other bits of the hash.
    fn places(width: usize, key: KeyHash) -> impl Iterator<Item = usize> {
        (0..ROWS).map(move |row| row * width + ((key.0 >> (row * 32)) as usize & (width - 1)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn add(table: &mut Bounded<u32>, key: u128, at: i64) -> Option<(u128, u32)> {
        let mut left = None;
        let count = table.entry(KeyHash(key), at, || 0, |e| left = Some((e.key.0, e.item)));
        *count.unwrap() += 1;
        left
    }

    #[test]
    fn the_least_recently_updated_leaves() {
        let mut table = Bounded::new(2, 1_000);
        assert_eq!(add(&mut table, 1, 0), None);
        assert_eq!(add(&mut table, 2, 1), None);
        assert_eq!(add(&mut table, 1, 2), None);
        assert_eq!(add(&mut table, 3, 3), Some((2, 1)));
        assert_eq!(table.get(KeyHash(1)), Some(&2));
        assert_eq!(table.len(), 2);
    }

    /// A table is read as it was written, though its times lie further apart than an `i64` counts.
    #[test]
    fn times_from_end_to_end_survive_writing() {
        let mut table = Bounded::new(8, 1_000);
        for (key, at) in [(1, i64::MIN), (2, i64::MIN + 5)] {
            add(&mut table, key, at);
        }
        // Neither is stale yet when the next one comes: what is used last comes last.
        table.retention = i64::MAX;
        table.append(KeyHash(3), i64::MAX, 7);
        let bytes = postcard::to_allocvec(&table).unwrap();
        let read: Bounded<u32> = postcard::from_bytes(&bytes).unwrap();
        let records =
            |table: &Bounded<u32>| table.iter().map(|(key, at, n)| (key.0, at, *n)).collect::<Vec<_>>();
        assert_eq!(records(&read), records(&table));
        assert_eq!(read.len(), 3);
    }

    #[test]
    fn what_holds_nothing_leaves_without_a_trace() {
        let mut table = Bounded::new(2, 10);
        add(&mut table, 1, 0);
        add(&mut table, 2, 1);
        assert_eq!(add(&mut table, 3, 11), None);
        assert_eq!(table.len(), 1);
        assert_eq!(table.evictions(), 0);
    }

    proptest! {
        /// Against a plain map with a clock for order of use.
        #[test]
        fn agrees_with_a_plain_model(steps in prop::collection::vec((0_u128..12, 0_i64..40, any::<bool>()), 1..200)) {
            let mut table = Bounded::new(5, 50);
            let mut model: BTreeMap<u128, (usize, i64, u32)> = BTreeMap::new();
            let mut now = 0;
            for (clock, (key, wait, remove)) in steps.into_iter().enumerate() {
                now += wait / 8;
                if remove {
                    prop_assert_eq!(table.remove(KeyHash(key)), model.remove(&key).map(|(_, _, n)| n));
                    continue;
                }
                let left = add(&mut table, key, now);
                let mut expected = None;
                if !model.contains_key(&key) {
                    for _ in 0..2 {
                        let oldest = model.iter().min_by_key(|(_, (used, ..))| *used).map(|(k, v)| (*k, *v));
                        match oldest {
                            Some((old, (_, at, _))) if now - at >= 50 => { model.remove(&old); }
                            _ => break,
                        }
                    }
                    if model.len() >= 5 {
                        let (old, (_, _, n)) = model.iter().min_by_key(|(_, (used, ..))| *used).map(|(k, v)| (*k, *v)).unwrap();
                        model.remove(&old);
                        expected = Some((old, n));
                    }
                }
                let entry = model.entry(key).or_insert((0, now, 0));
                *entry = (clock, now, entry.2 + 1);
                prop_assert_eq!(left, expected);
                prop_assert_eq!(table.len(), model.len());
                for (key, (_, _, n)) in &model {
                    prop_assert_eq!(table.get(KeyHash(*key)), Some(n));
                }
            }
        }

        /// The shadow never says too little.
        #[test]
        fn a_shadow_is_an_upper_bound(adds in prop::collection::vec((0_u64..50, 1_u32..9), 1..200)) {
            let mut shadow = Shadow::new(16, 100);
            let mut truth: BTreeMap<u64, f64> = BTreeMap::new();
            let spread = |key: u64| KeyHash(u128::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            for (key, amount) in adds {
                shadow.add(spread(key), f64::from(amount), 5);
                *truth.entry(key).or_default() += f64::from(amount);
            }
            for (key, amount) in truth {
                prop_assert!(shadow.estimate(spread(key), 50) >= amount);
                prop_assert_eq!(shadow.estimate(spread(key), 105), 0.0);
            }
        }
    }
}
