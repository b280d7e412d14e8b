//! Patterns found in texts that come again: most events bring one of a few hundred user agents.
//!
//! A small direct-mapped cache from a text to the patterns in it. It is asked only while it answers often enough, so texts that
//! never come again (paths with ids, or an attacker's) cost one failed look in some dozens. What is found is the same with and
//! without it.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// Shorter texts are searched as fast as they are looked up; longer ones would take too much room.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=256;
/// How many texts are kept.
const PLACES: usize = 256;
/// After so many questions it is seen whether one in `WORTH` was answered; if not, so many questions are not asked.
const TRIAL: u32 = 256;
const WORTH: u32 = 4;
const REST: u32 = 8_192;

/// Texts with the patterns found in them.
#[derive(Debug)]
pub(crate) struct Memo {
    places: Vec<Place>,
    words: Vec<u64>,
    width: usize,
    asked: u32,
    answered: u32,
    resting: u32,
}

#[derive(Clone, Debug, Default)]
struct Place {
    text: Vec<u8>,
}

impl Memo {
    /// For patterns whose bits take `width` words.
    pub(crate) fn new(width: usize) -> Self {
        Self { places: Vec::new(), words: Vec::new(), width, asked: 0, answered: 0, resting: 0 }
    }

    /// Fills `found` with the patterns in a text: those remembered of it, or what `search` finds.
    pub(crate) fn find(&mut self, text: &str, found: &mut [u64], search: impl FnOnce(&mut [u64])) {
        if !LENGTHS.contains(&text.len()) || found.len() != self.width {
            return search(found);
        }
        if self.resting > 0 {
            self.resting -= 1;
            return search(found);
        }
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES];
            self.words = vec![0; PLACES * self.width];
        }
        let at = FixedState::default().hash_one(text.as_bytes()) as usize % PLACES;
        let (Some(place), Some(words)) =
            (self.places.get_mut(at), self.words.get_mut(at * self.width..(at + 1) * self.width))
        else {
            return search(found);
        };
        self.asked += 1;
        if place.text == text.as_bytes() {
            self.answered += 1;
            found.copy_from_slice(words);
        } else {
            search(found);
            place.text.clear();
            place.text.extend_from_slice(text.as_bytes());
            words.copy_from_slice(found);
        }
        if self.asked == TRIAL {
            if self.answered < TRIAL / WORTH {
                self.resting = REST;
            }
            (self.asked, self.answered) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_what_a_search_would() {
        let mut memo = Memo::new(1);
        let (mut searched, mut found) = (0, [0]);
        // First texts that come again, then ones that never do, then the first again.
        let texts = (0..4_000).map(|n| n % 50).chain(10_000..30_000).chain((0..4_000).map(|n| n % 50));
        for n in texts {
            let text = format!("a text of more than 24 bytes, number {n}");
            memo.find(&text, &mut found, |found| {
                searched += 1;
                found[0] = n;
            });
            assert_eq!(found, [n]);
        }
        // Some of the fifty share a place, and the last of them are searched while it rests.
        assert!((20_000..27_000).contains(&searched), "{searched}");
    }
}
