//! Truths remembered for the event at hand.

use std::cell::Cell;

/// What equal literals of several conditions were, each asked once an event.
///
/// The places are reused from event to event; a generation number tells what is of this one. Whoever holds it says
/// [`Memo::begin`] before each event and whenever its record or what is loaded changes.
#[derive(Debug, Default)]
pub struct Memo {
    generation: Cell<u32>,
    places: Box<[Cell<Place>]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    generation: u32,
    truth: Option<bool>,
}

impl Memo {
    /// With so many places, all of them empty.
    pub fn new(places: usize) -> Self {
        Self { generation: Cell::new(1), places: vec![Cell::default(); places].into_boxed_slice() }
    }

    /// Forgets everything.
    pub fn begin(&self) {
        let next = self.generation.get().wrapping_add(1);
        if next == 0 {
            // Once in four billion events: what is left of the last round must not look new.
            self.places.iter().for_each(|place| place.set(Place::default()));
        }
        self.generation.set(next.max(1));
    }

    pub(crate) fn get(&self, place: u32) -> Option<Option<bool>> {
        let place = self.places.get(place as usize)?.get();
        (place.generation == self.generation.get()).then_some(place.truth)
    }

    pub(crate) fn put(&self, place: u32, truth: Option<bool>) {
        if let Some(place) = self.places.get(place as usize) {
            place.set(Place { generation: self.generation.get(), truth });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_event_forgets() {
        let memo = Memo::new(2);
        assert_eq!(memo.get(0), None);
        memo.put(0, Some(true));
        memo.put(1, None);
        assert_eq!((memo.get(0), memo.get(1)), (Some(Some(true)), Some(None)));
        memo.begin();
        assert_eq!((memo.get(0), memo.get(1)), (None, None));
    }

    #[test]
    fn the_generation_wraps_without_remembering() {
        let memo = Memo::new(1);
        memo.put(0, Some(true));
        memo.generation.set(u32::MAX);
        memo.begin();
        assert_eq!(memo.get(0), None);
        assert_eq!(memo.get(7), None);
    }
}
