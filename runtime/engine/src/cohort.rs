//! Which slice of an event's traffic has a surplus over its usual level.
//!
//! A slice fixes some of the cohort's dimensions to values and leaves the others free. This implementation is
//! exact and simple: every slice of every event is counted, 2^d − 1 of them for d known dimensions.

use serde::{Deserialize, Serialize};
use weir_compiler::hir::Cohort;

use crate::cell;
use crate::keyhash::KeyHash;
use crate::state::{Count, Number, Reading, Scale, Usual, UsualForm, Window};
use crate::table::Bounded;

/// The dimensions that are looked at; 255 slices an event. Dimensions past it stay free.
pub(crate) const DIMENSIONS: usize = 8;

/// A slice that holds an event: the dimensions it fixes, as bits, and its key.
pub(crate) type SliceKey = (u8, KeyHash);

/// A slice in surplus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surplus {
    /// The dimensions that it fixes, as bits by position.
    pub fixed: u8,
    /// Its key, for actions.
    pub key: KeyHash,
    /// Events inside the window.
    pub count: i64,
    /// Its usual level.
    pub usual: f64,
    /// How many times its usual level, relative to the rest.
    pub lift: f64,
}

/// The slice in surplus that holds an event, or none; `None` when that is unknown.
pub(crate) type InSurplus = Option<Option<Surplus>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slice {
    count: Count,
    usual: Usual,
}

/// What a cohort has learnt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CohortImage {
    slices: Bounded<Slice>,
    all: Option<Slice>,
}

/// The slices of one cohort.
#[derive(Clone, Debug)]
pub(crate) struct Cohorts {
    window: Option<Window>,
    floor: Option<f64>,
    lift: f64,
    least: i64,
    slices: Bounded<Slice>,
    all: Option<Slice>,
    /// A test's `given usual(cohort)`: the level of every slice and of the rest.
    given: Option<f64>,
}

const YEAR: i64 = 366 * 86_400_000;

impl Cohorts {
    pub(crate) fn new(cohort: &Cohort, capacity: usize) -> Self {
        Self {
            window: cell::window(cohort.window),
            floor: cohort.floor,
            lift: cohort.lift,
            least: cohort.least,
            // A baseline is worth keeping for as long as it can be used.
            slices: Bounded::new(capacity, 2 * YEAR),
            all: None,
            given: None,
        }
    }

    /// Takes out what it has learnt: the slices, and all of its traffic.
    pub(crate) fn take(&mut self) -> CohortImage {
        let fresh = Bounded::new(1, 2 * YEAR);
        CohortImage { slices: std::mem::replace(&mut self.slices, fresh), all: self.all.take() }
    }

    /// Puts in what an equal cohort has learnt, under a bound of `capacity` slices.
    pub(crate) fn put(&mut self, mut image: CohortImage, capacity: usize) {
        image.slices.fit(capacity, 2 * YEAR, drop);
        (self.slices, self.all) = (image.slices, image.all);
    }

    /// Takes over what an equal cohort has learnt.
    pub(crate) fn adopt(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.slices, &mut other.slices);
        std::mem::swap(&mut self.all, &mut other.all);
    }

    pub(crate) fn give_usual(&mut self, level: f64) {
        self.given = Some(level);
    }

    /// Counts an event at `at` in each of its slices.
    pub(crate) fn count(&mut self, keys: &[SliceKey], at: i64) {
        let Some(window) = self.window else { return };
        if keys.is_empty() {
            return;
        }
        let form = self.form();
        let fresh = || Slice { count: Count::new(&window), usual: Usual::new() };
        let add = |slice: &mut Slice| {
            slice.count.add(&window, at);
            if let Some(level) = slice.count.read(&window, at).value() {
                slice.usual.observe(&form, at, level);
            }
        };
        add(self.all.get_or_insert_with(fresh));
        for (_, key) in keys {
            if let Some(slice) = self.slices.entry(*key, at, fresh, |_| ()) {
                add(slice);
            }
        }
    }

    fn form(&self) -> UsualForm {
        UsualForm { floor: self.floor.map(|floor| Number::Int(floor.ceil() as i64)), scale: Scale::Int }
    }

    /// The baseline, at least the floor; nothing while it is warming without one.
    fn usual(&self, slice: &Slice, at: i64) -> Option<f64> {
        let learnt = || slice.usual.read(&self.form(), at).value().map(Number::to_f64);
        self.given.or_else(learnt).map(|level| self.floored(level))
    }

    fn floored(&self, level: f64) -> f64 {
        self.floor.map_or(level, |floor| level.max(floor))
    }

    fn level(&self, window: &Window, slice: &Slice, at: i64) -> i64 {
        match slice.count.read(window, at) {
            Reading::Known { value: Number::Int(count), .. } => count,
            _ => 0,
        }
    }

    /// Of the slices that hold an event, the one in surplus that fixes most dimensions, then has the highest lift,
    /// then comes first in order of dimensions; none when each is known to be in none.
    ///
    /// Unknown when no slice is in surplus, and one has enough events and no level to compare them with.
    pub(crate) fn surplus(&self, keys: &[SliceKey], at: i64) -> InSurplus {
        let window = self.window?;
        let Some(all) = &self.all else { return Some(None) };
        let total = self.level(&window, all, at);
        let usual_of_all = self.usual(all, at);
        let mut best: Option<Surplus> = None;
        let mut unknown = false;
        for (fixed, key) in keys {
            let Some(slice) = self.slices.get(*key) else { continue };
            let count = self.level(&window, slice, at);
            if count < self.least {
                continue;
            }
            let (Some(usual), Some(usual_of_all)) = (self.usual(slice, at), usual_of_all) else {
                unknown = true;
                continue;
            };
            let rest = self.floored(self.given.unwrap_or(usual_of_all - usual));
            let growth = count as f64 / usual;
            // Of a rest that is nothing, now and usually, the growth is no number, and `max` takes the other.
            let lift = growth / ((total - count) as f64 / rest).max(1.0);
            // A level of zero is none to compare with.
            if !lift.is_finite() {
                unknown = true;
                continue;
            }
            if lift < self.lift {
                continue;
            }
            let found = Surplus { fixed: *fixed, key: *key, count, usual, lift };
            let rank = |s: &Surplus| (s.fixed.count_ones(), s.lift, s.fixed.reverse_bits());
            if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                best = Some(found);
            }
        }
        (best.is_some() || !unknown).then_some(best)
    }

    pub(crate) fn len(&self) -> usize {
        self.slices.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.slices.evictions()
    }
}

#[cfg(test)]
mod tests {
    use weir_compiler::hir::{Phase, Span, Window as HirWindow, WindowKind};
    use weir_compiler::ids::EventId;

    use super::*;

    fn cohorts(floor: f64, lift: f64, least: i64, capacity: usize) -> Cohorts {
        with_floor(Some(floor), lift, least, capacity)
    }

    fn with_floor(floor: Option<f64>, lift: f64, least: i64, capacity: usize) -> Cohorts {
        let cohort = Cohort {
            name: "surplus".into(),
            event: EventId(0),
            filter: None,
            by: Vec::new(),
            dimensions: Vec::new(),
            window: HirWindow { span: Span { ms: 300_000, param: None }, kind: WindowKind::Sliding },
            floor,
            lift,
            least,
            phase: Phase::Request,
            at: crate::fixture::nowhere(),
            unmapped: false,
        };
        Cohorts::new(&cohort, capacity)
    }

    /// Slices of two known dimensions `a` and `b`.
    fn keys(a: u128, b: u128) -> Vec<SliceKey> {
        vec![
            (0b01, KeyHash(1 << 64 | a)),
            (0b10, KeyHash(2 << 64 | b)),
            (0b11, KeyHash(3 << 64 | a << 32 | b)),
        ]
    }

    #[test]
    fn the_most_specific_slice_is_named() {
        let mut cohorts = cohorts(50.0, 8.0, 500, 1_000);
        for at in 0..499 {
            cohorts.count(&keys(1, 1), at * 100);
        }
        assert_eq!(cohorts.surplus(&keys(1, 1), 49_800), Some(None));
        cohorts.count(&keys(1, 1), 49_900);
        let surplus = cohorts.surplus(&keys(1, 1), 49_900).flatten().unwrap();
        assert_eq!((surplus.fixed, surplus.count, surplus.usual, surplus.lift), (0b11, 500, 50.0, 10.0));
        assert_eq!(cohorts.surplus(&keys(2, 2), 49_900), Some(None));
    }

    #[test]
    fn a_free_dimension_that_varies_is_left_out() {
        let mut cohorts = cohorts(50.0, 8.0, 500, 10_000);
        for at in 0..600 {
            cohorts.count(&keys(1, at as u128), at * 100);
        }
        assert_eq!(cohorts.surplus(&keys(1, 599), 59_900).flatten().unwrap().fixed, 0b01);
    }

    #[test]
    fn growth_that_lifts_everyone_is_no_surplus() {
        let mut cohorts = cohorts(50.0, 8.0, 500, 1_000);
        for at in 0..1_200 {
            cohorts.count(&keys(at as u128 % 2, at as u128 % 2), at * 100);
        }
        // Each half grew 12 times, and so did the other.
        assert_eq!(cohorts.surplus(&keys(0, 0), 119_900), Some(None));
    }

    #[test]
    fn a_busy_slice_at_twice_its_usual_is_no_surplus() {
        let mut cohorts = cohorts(50.0, 8.0, 500, 1_000);
        cohorts.give_usual(300.0);
        for at in 0..600 {
            cohorts.count(&keys(1, 1), at * 100);
        }
        assert_eq!(cohorts.surplus(&keys(1, 1), 59_900), Some(None));
    }

    #[test]
    fn without_a_floor_a_slice_without_history_is_unknown() {
        let mut cohorts = with_floor(None, 8.0, 500, 1_000);
        for at in 0..499 {
            cohorts.count(&keys(1, 1), at * 100);
        }
        // Too few events to be in surplus, whatever is usual.
        assert_eq!(cohorts.surplus(&keys(1, 1), 49_800), Some(None));
        cohorts.count(&keys(1, 1), 49_900);
        assert_eq!(cohorts.surplus(&keys(1, 1), 49_900), None);
        cohorts.give_usual(50.0);
        assert_eq!(cohorts.surplus(&keys(1, 1), 49_900).flatten().unwrap().lift, 10.0);
        cohorts.give_usual(0.0);
        assert_eq!(cohorts.surplus(&keys(1, 1), 49_900), None);
    }

    #[test]
    fn slices_are_bounded() {
        let mut cohorts = cohorts(50.0, 8.0, 500, 16);
        for at in 0..1_000 {
            cohorts.count(&keys(at as u128, at as u128), at);
        }
        assert_eq!(cohorts.len(), 16);
        assert!(cohorts.evictions() > 0);
    }
}
