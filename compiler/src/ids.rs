//! Typed indices and the vectors they index.

use std::fmt;
use std::marker::PhantomData;

/// A newtype over `u32` that indexes one kind of thing.
pub trait Id: Copy {
    /// From a position.
    fn from_index(index: usize) -> Self;
    /// To a position.
    fn index(self) -> usize;
}

/// Declares id newtypes.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub u32);
        impl $crate::ids::Id for $name {
            fn from_index(index: usize) -> Self { Self(index as u32) }
            fn index(self) -> usize { self.0 as usize }
        }
    )*};
}

ids! {
    /// An event of the schema.
    EventId;
    /// A field of the schema: a name with a type, wherever it occurs.
    FieldId;
    /// A list.
    ListId;
    /// A table.
    TableId;
    /// A model.
    ModelId;
    /// A declared tag.
    TagId;
    /// A review queue.
    QueueId;
    /// A decoy.
    DecoyId;
    /// A schedule.
    ScheduleId;
    /// A user-defined client shape.
    FingerprintId;
    /// A pure, inlined function.
    FunctionId;
    /// An expression node.
    ExprId;
    /// A parameter of a policy.
    ParamId;
    /// A named reading of state.
    SignalId;
    /// State kept per key.
    StateId;
    /// A cohort.
    CohortId;
    /// A sequence.
    SequenceId;
    /// A call of a model with its inputs.
    CallId;
    /// A compiled text pattern.
    PatternId;
    /// A fact about an actor that `sparing` asks for.
    FactId;
    /// A policy.
    PolicyId;
    /// A rule.
    RuleId;
}

/// A vector indexed by `I`. Ids are only made by [`IdVec::push`], so a look-up with an id of the same
/// vector succeeds; `get` answers `None` for any other.
#[derive(Clone, PartialEq)]
pub struct IdVec<I, T> {
    items: Vec<T>,
    _id: PhantomData<fn(I)>,
}

impl<I, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), _id: PhantomData }
    }
}

impl<I: Id, T> IdVec<I, T> {
    /// Of items, with room for so many more.
    pub fn with_room(items: impl ExactSizeIterator<Item = T>, more: usize) -> Self {
        let mut all = Vec::with_capacity(items.len() + more);
        all.extend(items);
        Self { items: all, _id: PhantomData }
    }

    /// Adds an item.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::from_index(self.items.len() - 1)
    }

    /// The item of an id, if it is of this vector.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The item of an id, to change it.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.index())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True without items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items, in order of id.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// The items, in order of id.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The items, to change them.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Ids and items, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(index, item)| (I::from_index(index), item))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }
}

/// Looks up an id of this vector.
///
/// # Panics
/// With an id of another vector, which is a defect of the compiler, never of its input.
impl<I: Id, T> std::ops::Index<I> for IdVec<I, T> {
    type Output = T;
    #[expect(clippy::indexing_slicing, reason = "ids are made by `push` alone")]
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> std::ops::IndexMut<I> for IdVec<I, T> {
    #[expect(clippy::indexing_slicing, reason = "ids are made by `push` alone")]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

impl<I, T: serde::Serialize> serde::Serialize for IdVec<I, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, I, T: serde::Deserialize<'de>> serde::Deserialize<'de> for IdVec<I, T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { items: Vec::deserialize(deserializer)?, _id: PhantomData })
    }
}

impl<I, T> IntoIterator for IdVec<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<I, T: fmt::Debug> fmt::Debug for IdVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

impl<I: Id, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Self { items: items.into_iter().collect(), _id: PhantomData }
    }
}
