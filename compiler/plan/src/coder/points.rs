//! Integers by the sets they are in.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::coder::{OTHER, classify};
use crate::runs::Runs;

/// The classes of the integers that some literal names.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    classes: HashMap<i64, u32, FixedState>,
    count: u32,
}

impl Points {
    /// For sets; returns the classes of each as well.
    pub(crate) fn new(sets: impl Iterator<Item = Vec<i64>>) -> (Self, Vec<Runs>) {
        let (values, literals, count) = classify(sets);
        let classes = values.into_iter().collect();
        (Self { classes, count }, literals.into_iter().map(Runs::of).collect())
    }

    pub(crate) fn classes(&self) -> u32 {
        self.count
    }

    /// The only integer of a class, if it has one only.
    pub(crate) fn only(&self, class: u32) -> Option<i64> {
        let mut of_class = self.classes.iter().filter(|(_, known)| **known == class);
        of_class.next().filter(|_| of_class.next().is_none()).map(|(number, _)| *number)
    }

    /// The class of an integer: one look-up.
    pub(crate) fn class(&self, number: i64) -> u32 {
        self.classes.get(&number).copied().unwrap_or(OTHER)
    }
}
