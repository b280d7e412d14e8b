//! Texts by the sets they are in.
//!
//! A table with linear probing, found by the [fold](fold) of a text: its ends and its length. That costs a fraction of a hash of
//! all of it, and most texts that nobody names find an empty place. Where the texts of a rule set are too much alike for it, a
//! table of hashes stands in.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::coder::{MISSING, OTHER, classify};
use crate::runs::Runs;

/// Up to so many texts are compared one by one.
const FEW: usize = 3;
/// How many places there are for each text, at least.
const PLACES: usize = 4;
/// The most places that are looked at for a text.
const MOST_PROBES: usize = 16;

/// The classes of the texts that some literal names. The table is made from rules and lists and never grows, so a
/// text that was chosen to collide costs a bounded number of comparisons and no more.
#[derive(Clone, Debug)]
pub(crate) struct Symbols {
    texts: Vec<(Arc<str>, u32)>,
    found: Found,
    /// Which lengths occur; the last bit is for all from 63 on. Most texts that nobody names end here.
    lengths: u64,
    /// The class of the empty text, which is asked for often.
    empty: u32,
    count: u32,
}

/// How a text is found among them.
#[derive(Clone, Debug)]
enum Found {
    /// By comparing with each.
    Few,
    /// By its fold. As many places as a power of two, at least one of them empty in any run of [`MOST_PROBES`].
    Folds(Vec<Place>),
    /// By a hash.
    Hashes(HashMap<Arc<str>, u32, FixedState>),
}

/// A place of the table; empty where the class is [`MISSING`].
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    fold: u64,
    text: u32,
    class: u32,
}

impl Symbols {
    /// For sets; returns the classes of each as well.
    pub(crate) fn new(sets: impl Iterator<Item = Vec<Arc<str>>>) -> (Self, Vec<Runs>) {
        let (texts, literals, count) = classify(sets);
        let lengths = texts.iter().fold(0, |lengths, (text, _)| lengths | bit(text));
        let empty = texts.iter().find(|(text, _)| text.is_empty()).map_or(OTHER, |(_, class)| *class);
        let found = if texts.len() <= FEW {
            Found::Few
        } else {
            folds(&texts).map_or_else(|| Found::Hashes(texts.iter().cloned().collect()), Found::Folds)
        };
        (Self { texts, found, lengths, empty, count }, literals.into_iter().map(Runs::of).collect())
    }

    pub(crate) fn classes(&self) -> u32 {
        self.count
    }

    /// The only text of a class, if it has one only.
    pub(crate) fn only(&self, class: u32) -> Option<Arc<str>> {
        let mut of_class = self.texts.iter().filter(|(_, known)| *known == class);
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
        match &self.found {
            Found::Few => {
                let known = self.texts.iter().find(|(known, _)| **known == *text);
                known.map_or(OTHER, |(_, class)| *class)
            }
            Found::Folds(places) => self.by_fold(places, text),
            Found::Hashes(classes) => classes.get(text).copied().unwrap_or(OTHER),
        }
    }

    #[inline]
    fn by_fold(&self, places: &[Place], text: &str) -> u32 {
        let fold = fold(text);
        let mask = places.len() - 1;
        let mut at = fold as usize & mask;
        while let Some(place) = places.get(at).filter(|place| place.class != MISSING) {
            let same = |known: &(Arc<str>, u32)| *known.0 == *text;
            if place.fold == fold && self.texts.get(place.text as usize).is_some_and(same) {
                return place.class;
            }
            at = (at + 1) & mask;
        }
        OTHER
    }
}

/// The table of texts; nothing where some would be too far from their places.
fn folds(texts: &[(Arc<str>, u32)]) -> Option<Vec<Place>> {
    let mut places = vec![Place::default(); (texts.len() * PLACES).next_power_of_two()];
    let mask = places.len() - 1;
    for ((text, class), number) in texts.iter().zip(0..) {
        let fold = fold(text);
        let free = (0..MOST_PROBES)
            .map(|further| (fold as usize + further) & mask)
            .find(|at| places.get(*at).is_some_and(|place| place.class == MISSING))?;
        *places.get_mut(free)? = Place { fold, text: number, class: *class };
    }
    // No run of taken places is longer than what a text that nobody names may be made to walk.
    let taken = |at: &usize| places.get(*at & mask).is_some_and(|place| place.class != MISSING);
    let runs_on = (0..places.len()).any(|from| (from..=from + MOST_PROBES).all(|at| taken(&at)));
    (!runs_on).then_some(places)
}

/// Sixty-four bits of a text, from its ends and its length: equal for texts that are alike there.
#[inline]
fn fold(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
            }
            _ => (bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        },
    };
    // The multiplier of Fibonacci hashing; its high bits are the ones that are mixed.
    (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

fn bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_class_says_which_sets_hold(
            sets in prop::collection::vec(prop::collection::vec("[ab]{0,18}", 0..40), 0..6),
            others in prop::collection::vec("[ab]{0,18}", 20),
            alike in any::<bool>(),
        ) {
            // Texts that are alike at their ends and of one length all have one fold.
            let dress = |text: &String| -> Arc<str> {
                if alike { format!("12345678{text:_<20}12345678").into() } else { text.as_str().into() }
            };
            let sets: Vec<Vec<Arc<str>>> = sets.iter().map(|set| set.iter().map(dress).collect()).collect();
            let (coder, runs) = Symbols::new(sets.iter().cloned());
            for text in others.iter().map(dress).chain(sets.iter().flatten().cloned()) {
                let class = coder.class(&text);
                prop_assert!(class >= OTHER && class < coder.classes());
                for (set, runs) in sets.iter().zip(&runs) {
                    let held = runs.iter().any(|(first, last)| (first..=last).contains(&class));
                    prop_assert_eq!(held, set.contains(&text));
                }
            }
        }
    }
}
