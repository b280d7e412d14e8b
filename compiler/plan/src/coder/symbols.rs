//! Texts by the sets they are in.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::coder::{OTHER, classify};
use crate::runs::Runs;

/// Up to so many texts are compared one by one.
const FEW: usize = 3;

/// How many bits there are for each text.
const FOLDS: usize = 16;

/// The classes of the texts that some literal names. The table is made from rules and lists and never grows, so a
/// text that was chosen to collide costs a comparison and no more.
#[derive(Clone, Debug)]
pub(crate) struct Symbols {
    /// All of them, where comparing with each costs less than a look-up.
    few: Vec<(Arc<str>, u32)>,
    classes: HashMap<Arc<str>, u32, FixedState>,
    /// Which lengths occur; the last bit is for all from 63 on. Most texts that nobody names end here.
    lengths: u64,
    /// A bit for each text by its [fold](fold): most others of the same length end here, before they are hashed.
    folds: Vec<u64>,
    /// The class of the empty text, which is asked for often.
    empty: u32,
    count: u32,
}

impl Symbols {
    /// For sets; returns the classes of each as well.
    pub(crate) fn new(sets: impl Iterator<Item = Vec<Arc<str>>>) -> (Self, Vec<Runs>) {
        let (values, literals, count) = classify(sets);
        let lengths = values.iter().fold(0, |lengths, (text, _)| lengths | bit(text));
        let mut folds = vec![0_u64; (values.len() * FOLDS).div_ceil(64).next_power_of_two()];
        for (text, _) in &values {
            let fold = fold(text) as usize % (folds.len() * 64);
            folds.get_mut(fold / 64).into_iter().for_each(|word| *word |= 1 << (fold % 64));
        }
        let few = if values.len() <= FEW { values.clone() } else { Vec::new() };
        let classes: HashMap<Arc<str>, u32, FixedState> = values.into_iter().collect();
        let empty = classes.get("").copied().unwrap_or(OTHER);
        (Self { few, classes, lengths, folds, empty, count }, literals.into_iter().map(Runs::of).collect())
    }

    pub(crate) fn classes(&self) -> u32 {
        self.count
    }

    /// The only text of a class, if it has one only.
    pub(crate) fn only(&self, class: u32) -> Option<Arc<str>> {
        let mut of_class = self.classes.iter().filter(|(_, known)| **known == class);
        of_class.next().filter(|_| of_class.next().is_none()).map(|(text, _)| Arc::clone(text))
    }

    /// The class of a text: at most one look-up.
    pub(crate) fn class(&self, text: &str) -> u32 {
        if text.is_empty() {
            return self.empty;
        }
        if self.lengths & bit(text) == 0 {
            return OTHER;
        }
        if !self.few.is_empty() {
            let known = self.few.iter().find(|(known, _)| **known == *text);
            return known.map_or(OTHER, |(_, class)| *class);
        }
        let fold = fold(text) as usize & (self.folds.len() * 64 - 1);
        if self.folds.get(fold / 64).is_some_and(|word| word >> (fold % 64) & 1 == 0) {
            return OTHER;
        }
        self.classes.get(text).copied().unwrap_or(OTHER)
    }
}

/// Sixty-four bits of a text, from its ends and its length: cheaper than a hash, and equal for texts that are alike there.
fn fold(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (first, last) = match bytes.first_chunk() {
        Some(first) => (word(Some(first)), word(bytes.last_chunk())),
        None => (bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    };
    // The multiplier of Fibonacci hashing; its high bits are the ones that are mixed.
    let mixed = (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 32
}

fn bit(text: &str) -> u64 {
    1 << text.len().min(63)
}
