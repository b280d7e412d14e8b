//! Vectors that copies share: a copy costs a pointer for every few items, and a change copies the few items around it.
//!
//! The tables of a rule set are such vectors. Between a rule set and the next one, which differs from it by an edit, nearly all
//! is shared, and what is not is found by comparing pointers: [`SharedVec::differing`].

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use crate::ids::Id;

/// How many items stand together. Fewer make a change cheaper and a copy dearer.
const CHUNK: usize = 64;

/// A vector indexed by `I` whose copies share their items, as [`IdVec`](crate::ids::IdVec) but for that.
pub struct SharedVec<I, T> {
    /// All but the last hold [`CHUNK`] items, and none is empty.
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
    _id: PhantomData<fn(I)>,
}

impl<I, T> Default for SharedVec<I, T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0, _id: PhantomData }
    }
}

impl<I, T> Clone for SharedVec<I, T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), len: self.len, _id: PhantomData }
    }
}

impl<I: Id, T> SharedVec<I, T> {
    /// The item of an id, if it is of this vector.
    pub fn get(&self, id: I) -> Option<&T> {
        self.at(id.index())
    }

    fn at(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without items.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items, in order of id.
    pub fn values(&self) -> Values<'_, T> {
        Values { chunks: &self.chunks, left: 0..self.len }
    }

    /// Ids and items, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.values().enumerate().map(|(index, item)| (I::from_index(index), item))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.len).map(I::from_index)
    }

    /// Where this vector may differ from another: everywhere else both hold the very same items. Cost: a comparison of pointers
    /// for every few items.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = I> + 'a {
        let is_same = |nth: usize, chunk: &Arc<Vec<T>>| {
            other.chunks.get(nth).is_some_and(|other| Arc::ptr_eq(chunk, other))
        };
        let chunks = self.chunks.iter().enumerate().filter(move |(nth, chunk)| !is_same(*nth, chunk));
        chunks.flat_map(|(nth, chunk)| nth * CHUNK..nth * CHUNK + chunk.len()).map(I::from_index)
    }

    /// Whether an item is the very same in another vector.
    pub fn shares(&self, other: &Self, id: I) -> bool {
        let chunk = |all: &'_ Self| all.chunks.get(id.index() / CHUNK).map(Arc::as_ptr);
        chunk(self).is_some() && chunk(self) == chunk(other)
    }

    /// Whether this vector has the length of another and, wherever it may differ from it, `same` items.
    pub fn is_like(&self, other: &Self, same: impl Fn(&T, &T) -> bool) -> bool {
        self.len == other.len
            && self
                .differing(other)
                .all(|id| matches!((self.get(id), other.get(id)), (Some(one), Some(two)) if same(one, two)))
    }
}

impl<I: Id, T: Clone> SharedVec<I, T> {
    /// Adds an item.
    pub fn push(&mut self, item: T) -> I {
        match self.chunks.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => Arc::make_mut(chunk).push(item),
            None => self.chunks.push(Arc::new(vec![item])),
        }
        self.len += 1;
        I::from_index(self.len - 1)
    }

    /// The item of an id, to change it. Copies what stands around it where that is shared.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        Arc::make_mut(self.chunks.get_mut(id.index() / CHUNK)?).get_mut(id.index() % CHUNK)
    }

    /// The items, to change them. Copies all that is shared.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut())
    }
}

impl<I: Id, T: Clone> Extend<T> for SharedVec<I, T> {
    fn extend<It: IntoIterator<Item = T>>(&mut self, items: It) {
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Arc::new(Vec::with_capacity(items.size_hint().0.clamp(1, CHUNK))));
            }
            let Some(chunk) = self.chunks.last_mut().map(Arc::make_mut) else { return };
            let before = chunk.len();
            chunk.extend(items.by_ref().take(CHUNK - before));
            self.len += chunk.len() - before;
        }
    }
}

/// The items of a [`SharedVec`], in order.
#[derive(Debug)]
pub struct Values<'a, T> {
    chunks: &'a [Arc<Vec<T>>],
    left: Range<usize>,
}

impl<T> Clone for Values<'_, T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks, left: self.left.clone() }
    }
}

impl<'a, T> Values<'a, T> {
    fn at(&self, index: usize) -> Option<&'a T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }
}

impl<'a, T> Iterator for Values<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let index = self.left.next()?;
        self.at(index)
    }

    fn nth(&mut self, n: usize) -> Option<&'a T> {
        let index = self.left.nth(n)?;
        self.at(index)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<T> DoubleEndedIterator for Values<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let index = self.left.next_back()?;
        self.at(index)
    }
}

impl<T> ExactSizeIterator for Values<'_, T> {}

/// Looks up an id of this vector.
///
/// # Panics
/// With an id of another vector, which is a defect of the compiler, never of its input.
impl<I: Id, T> std::ops::Index<I> for SharedVec<I, T> {
    type Output = T;
    #[expect(clippy::indexing_slicing, reason = "ids are made by `push` alone")]
    fn index(&self, id: I) -> &T {
        &self.chunks[id.index() / CHUNK][id.index() % CHUNK]
    }
}

impl<I: Id, T: PartialEq> PartialEq for SharedVec<I, T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_like(other, T::eq)
    }
}

impl<I: Id, T: serde::Serialize> serde::Serialize for SharedVec<I, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

impl<'de, I: Id, T: Clone + serde::Deserialize<'de>> serde::Deserialize<'de> for SharedVec<I, T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl<I, T: Clone> IntoIterator for SharedVec<I, T> {
    type Item = T;
    type IntoIter = std::iter::FlatMap<std::vec::IntoIter<Arc<Vec<T>>>, Vec<T>, fn(Arc<Vec<T>>) -> Vec<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.chunks.into_iter().flat_map(Arc::unwrap_or_clone as fn(Arc<Vec<T>>) -> Vec<T>)
    }
}

impl<I: Id, T: fmt::Debug> fmt::Debug for SharedVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

impl<I: Id, T: Clone> FromIterator<T> for SharedVec<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        let mut all = Self::default();
        all.extend(items);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExprId;

    fn counted(to: usize) -> SharedVec<ExprId, usize> {
        (0..to).collect()
    }

    #[test]
    fn it_is_a_vector() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK] {
            let mut all = counted(length);
            assert_eq!(all.len(), length);
            assert!(all.values().copied().eq(0..length));
            assert!(all.values().rev().copied().eq((0..length).rev()));
            assert!(all.iter().all(|(id, item)| id.index() == *item && all.get(id) == Some(item)));
            assert_eq!(all.get(ExprId::from_index(length)), None);
            assert_eq!(all.push(length), ExprId::from_index(length));
            all.extend(length + 1..length + 100);
            assert!(all.clone().into_iter().eq(0..length + 100));
            assert_eq!(all, counted(length + 100));
        }
    }

    #[test]
    fn a_copy_differs_where_it_was_changed() {
        let before = counted(10 * CHUNK);
        let mut after = before.clone();
        assert_eq!(after.differing(&before).count(), 0);
        if let Some(item) = after.get_mut(ExprId::from_index(3 * CHUNK + 1)) {
            *item = 0;
        }
        after.push(7);
        assert_eq!(before, counted(10 * CHUNK));
        let differing: Vec<usize> = after.differing(&before).map(Id::index).collect();
        assert!(differing.into_iter().eq((3 * CHUNK..4 * CHUNK).chain([10 * CHUNK])));
        assert!(!after.is_like(&before, |_, _| true));
    }
}
