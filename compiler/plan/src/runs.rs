//! Sets of classes, as ascending closed runs.

/// A set of classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// Of classes in any order.
    pub(crate) fn of(mut classes: Vec<u32>) -> Self {
        classes.sort_unstable();
        let mut runs = Self::default();
        classes.into_iter().for_each(|class| runs.add(class, class));
        runs
    }

    /// Of one run; empty where it ends before it begins.
    pub(crate) fn run(first: u32, last: u32) -> Self {
        if first <= last { Self(vec![(first, last)]) } else { Self::default() }
    }

    /// Adds a run that begins no earlier than the last one.
    fn add(&mut self, first: u32, last: u32) {
        match self.0.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => self.0.push((first, last)),
        }
    }

    /// What is not in it, of the classes 1 to `last`.
    pub(crate) fn complement(&self, last: u32) -> Self {
        let mut next = 1;
        let mut rest = Self::default();
        for (first, end) in &self.0 {
            if next < *first {
                rest.0.push((next, *first - 1));
            }
            next = end.saturating_add(1);
        }
        if next <= last {
            rest.0.push((next, last));
        }
        rest
    }

    /// What is in one of them.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all: Vec<(u32, u32)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut joined = Self::default();
        all.into_iter().for_each(|(first, last)| joined.add(first, last));
        joined
    }

    /// What is in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some((a, b)), Some((c, d))) = (left.peek(), right.peek()) {
            let (first, last) = ((*a).max(*c), (*b).min(*d));
            if first <= last {
                both.add(first, last);
            }
            if b < d {
                left.next();
            } else {
                right.next();
            }
        }
        both
    }

    /// The runs, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Runs {
        fn contains(&self, class: u32) -> bool {
            self.iter().any(|(first, last)| (first..=last).contains(&class))
        }
    }

    fn list(runs: &Runs) -> Vec<u32> {
        (0..=70).filter(|class| runs.contains(*class)).collect()
    }

    proptest! {
        #[test]
        fn they_are_sets(a in prop::collection::vec(1_u32..60, 0..20), b in prop::collection::vec(1_u32..60, 0..20)) {
            let (one, other) = (Runs::of(a.clone()), Runs::of(b.clone()));
            let holds = |classes: &[u32], class: &u32| classes.contains(class);
            let all = || 1..=60_u32;
            prop_assert_eq!(list(&one.union(&other)), all().filter(|c| holds(&a, c) || holds(&b, c)).collect::<Vec<_>>());
            prop_assert_eq!(list(&one.intersection(&other)), all().filter(|c| holds(&a, c) && holds(&b, c)).collect::<Vec<_>>());
            prop_assert_eq!(list(&one.complement(60)), all().filter(|c| !holds(&a, c)).collect::<Vec<_>>());
            }
    }
}
