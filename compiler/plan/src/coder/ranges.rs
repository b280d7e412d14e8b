//! Numbers by the ranges they fall into.

use crate::coder::OTHER;
use crate::runs::Runs;

/// The most distinct small numbers that get a table of their own.
const TABLE: i64 = 256;

/// Cuts of the line of numbers. The class of a number is one more than the cuts at or below it.
#[derive(Clone, Debug)]
pub(crate) struct Ranges {
    /// Ascending: each begins a class.
    cuts: Vec<i64>,
    /// The classes of the numbers from `base` on, where the cuts lie close together.
    table: Vec<u16>,
    base: i64,
}

impl Ranges {
    /// For closed ranges; returns the classes of each as well.
    pub(crate) fn new(ranges: &[(i64, i64)]) -> (Self, Vec<Runs>) {
        let mut cuts: Vec<i64> = Vec::with_capacity(ranges.len() * 2);
        for (low, high) in ranges.iter().filter(|(low, high)| low <= high) {
            cuts.extend((*low != i64::MIN).then_some(*low));
            cuts.extend(high.checked_add(1));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let mut coder = Self { cuts, table: Vec::new(), base: 0 };
        if let (Some(first), Some(last)) = (coder.cuts.first(), coder.cuts.last())
            && last.checked_sub(*first).is_some_and(|span| span < TABLE)
            && coder.cuts.len() < usize::from(u16::MAX)
        {
            // From one below the first cut to the last: all below are of the first class, all above of the last.
            coder.base = first.saturating_sub(1);
            let numbers = coder.base..=*last;
            coder.table = numbers.map(|number| coder.search(number) as u16).collect();
        }
        let runs = ranges.iter().map(|(low, high)| {
            if low > high { Runs::default() } else { Runs::run(coder.class(*low), coder.class(*high)) }
        });
        let runs = runs.collect();
        (coder, runs)
    }

    /// How many classes, the missing one included.
    pub(crate) fn classes(&self) -> u32 {
        self.cuts.len() as u32 + OTHER + 1
    }

    /// The class of a number. Cost: a look-up where the cuts lie close together, else logarithmic in the cuts.
    pub(crate) fn class(&self, number: i64) -> u32 {
        match self.table.len().checked_sub(1) {
            Some(last) => {
                let at = number.saturating_sub(self.base).clamp(0, last as i64);
                self.table.get(at as usize).map_or(OTHER, |class| u32::from(*class))
            }
            None => self.search(number),
        }
    }

    /// The lowest and the highest number of a run of classes.
    pub(crate) fn numbers(&self, (first, last): (u32, u32)) -> (i64, i64) {
        let cut = |class: u32| self.cuts.get(class.checked_sub(OTHER + 1)? as usize).copied();
        let high = cut(last + 1).map_or(i64::MAX, |cut| cut.saturating_sub(1));
        (cut(first).unwrap_or(i64::MIN), high)
    }

    fn search(&self, number: i64) -> u32 {
        self.cuts.partition_point(|cut| *cut <= number) as u32 + OTHER
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![-5_i64..40, Just(i64::MIN), Just(i64::MAX), Just(i64::MAX - 1), any::<i64>()]
    }

    proptest! {
        #[test]
        fn a_class_says_which_ranges_hold(
            ranges in prop::collection::vec((number(), number()), 0..12),
            numbers in prop::collection::vec(number(), 20),
        ) {
            let (coder, runs) = Ranges::new(&ranges);
            for number in numbers {
                let class = coder.class(number);
                prop_assert!(class >= OTHER && class < coder.classes());
                for ((low, high), runs) in ranges.iter().zip(&runs) {
                    let held = runs.iter().any(|(first, last)| (first..=last).contains(&class));
                    prop_assert_eq!(held, (*low..=*high).contains(&number));
                }
            }
        }
    }
}
