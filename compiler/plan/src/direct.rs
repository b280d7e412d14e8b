//! Direct tests: a set of classes asked of the value itself, where that costs less than finding the value's class.
//!
//! A class pays when many conditions ask about one value. Where few do, comparing is all there is to it: the ends of a range,
//! or one text. What is asked is read back from the coder, so a direct test says what its set says.

use std::fmt;

use crate::axis::{Axis, Coder, Set};
use crate::coder::single::Single;
use crate::literal::Column;
use crate::scalar::{Scalar, float, ordered};

/// A test of a value.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    pub(crate) column: Column,
    /// What it says of a missing value, and what it may say.
    pub(crate) missing: bool,
    pub(crate) maybe: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// An integer is `low` or up to `span` more; or, where `not`, none of these.
    Int { low: i64, span: u64, not: bool },
    /// The same of a float, in its order among integers.
    Float { low: i64, span: u64, not: bool },
    /// A truth is this.
    Truth(bool),
    /// A text is this one; or, where `not`, another.
    Text { text: Box<str>, not: bool },
    /// A pattern is found in a text; or, where `not`, is not.
    Pattern { pattern: Single, not: bool },
}

impl Direct {
    /// The test for a set of an axis, if there is a simple one.
    pub(crate) fn of(set: &Set, axis: &Axis) -> Option<Self> {
        let last = axis.codes.checked_sub(1)?;
        let runs: Vec<(u32, u32)> = set.runs.iter().collect();
        let test = match &axis.coder {
            Coder::Ranges(ranges) | Coder::Floats(ranges) => {
                let (run, not) = match runs.as_slice() {
                    [run] => (*run, false),
                    // All but one run.
                    [(1, before), (after, end)] if *end == last => ((before + 1, after - 1), true),
                    _ => return None,
                };
                let (low, high) = ranges.numbers(run);
                let span = low.abs_diff(high);
                match axis.coder {
                    Coder::Floats(_) => Test::Float { low, span, not },
                    _ => Test::Int { low, span, not },
                }
            }
            Coder::Points(points) => {
                let named = |run: (u32, u32)| (run.0 == run.1).then(|| points.only(run.0)).flatten();
                let (number, not) = only(&runs, last, named)?;
                Test::Int { low: number, span: 0, not }
            }
            Coder::Symbols(symbols) => {
                let named = |run: (u32, u32)| (run.0 == run.1).then(|| symbols.only(run.0)).flatten();
                let (text, not) = only(&runs, last, named)?;
                Test::Text { text: (*text).into(), not }
            }
            Coder::Truth => match runs.as_slice() {
                [(1, 1)] => Test::Truth(false),
                [(2, 2)] => Test::Truth(true),
                _ => return None,
            },
            Coder::Single(pattern) => match runs.as_slice() {
                [(2, 2)] => Test::Pattern { pattern: pattern.clone(), not: false },
                [(1, 1)] => Test::Pattern { pattern: pattern.clone(), not: true },
                _ => return None,
            },
            Coder::Presence | Coder::Networks(_) | Coder::Patterns(_) => return None,
        };
        Some(Self { column: axis.column, missing: set.missing, maybe: set.maybe, test })
    }

    /// Comparing takes a moment, so that there is no number of such tests at which a class pays.
    pub(crate) fn is_slight(&self) -> bool {
        match &self.test {
            Test::Int { .. } | Test::Float { .. } | Test::Truth(_) => true,
            Test::Pattern { pattern, .. } => pattern.is_slight(),
            Test::Text { .. } => false,
        }
    }

    /// Whether it holds of a value; nothing where the value is missing, or of another kind.
    // As a call it made ten rules cost a seventh more.
    #[inline(always)]
    pub(crate) fn holds(&self, value: Scalar<'_>) -> Option<bool> {
        match (&self.test, value) {
            (Test::Int { low, span, not }, Scalar::Int(int)) => Some(within(int, *low, *span) != *not),
            (Test::Float { low, span, not }, Scalar::Float(float)) => {
                ordered(float).map(|float| within(float, *low, *span) != *not)
            }
            (Test::Float { low, span, not }, Scalar::Int(int)) => {
                ordered(int as f64).map(|float| within(float, *low, *span) != *not)
            }
            (Test::Truth(wanted), Scalar::Bool(truth)) => Some(truth == *wanted),
            (Test::Text { text, not }, Scalar::Text(found)) => Some((**text == *found) != *not),
            (Test::Pattern { pattern, not }, Scalar::Text(text)) => Some(pattern.is_found(text) != *not),
            _ => None,
        }
    }
}

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |not: &bool| if *not { "not " } else { "" };
        match &self.test {
            Test::Int { low, span: 0, not: other } => write!(f, "{}is {low}", not(other)),
            Test::Int { low, span, not: other } => {
                write!(f, "{}from {low} to {}", not(other), low.saturating_add_unsigned(*span))
            }
            Test::Float { low, span, not: other } => {
                let high = float(low.saturating_add_unsigned(*span));
                write!(f, "{}from {} to {high}", not(other), float(*low))
            }
            Test::Truth(truth) => write!(f, "is {truth}"),
            Test::Text { text, not: other } => write!(f, "{}is {text:?}", not(other)),
            Test::Pattern { pattern, not: other } => write!(f, "{}{pattern}", not(other)),
        }
    }
}

/// The one value that runs are about, or all but which they are about.
fn only<T>(runs: &[(u32, u32)], last: u32, named: impl Fn((u32, u32)) -> Option<T>) -> Option<(T, bool)> {
    match runs {
        [(1, before)] if before + 1 == last => Some((named((last, last))?, true)),
        [run] => Some((named(*run)?, false)),
        [(1, before), (after, end)] if *end == last => Some((named((before + 1, after - 1))?, true)),
        _ => None,
    }
}

/// Whether a number is `low` or up to `span` more.
fn within(number: i64, low: i64, span: u64) -> bool {
    number >= low && number.abs_diff(low) <= span
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::coder::points::Points;
    use crate::coder::ranges::Ranges;
    use crate::coder::symbols::Symbols;
    use crate::runs::Runs;

    fn agrees(coder: Coder, codes: u32, values: &[Scalar<'_>]) -> Result<usize, TestCaseError> {
        let axis = Axis { column: Column(0), coder, codes };
        let mut made = 0;
        for bits in 0..1_u64 << codes.min(8) {
            let classes = (1..codes).filter(|class| bits >> class & 1 == 1).collect();
            let set = Set { runs: Runs::of(classes), missing: false, maybe: true };
            let Some(direct) = Direct::of(&set, &axis) else { continue };
            made += 1;
            for value in values {
                let class = axis.class(*value);
                let held = set.runs.iter().any(|(first, last)| (first..=last).contains(&class));
                prop_assert_eq!(
                    direct.holds(*value),
                    (class != 0).then_some(held),
                    "{:?} {:?}",
                    &direct,
                    value
                );
            }
        }
        Ok(made)
    }

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![-5_i64..40, Just(i64::MIN), Just(i64::MAX), any::<i64>()]
    }

    proptest! {
        #[test]
        fn of_a_number_it_says_what_the_class_says(
            ranges in prop::collection::vec((number(), number()), 1..4),
            numbers in prop::collection::vec(number(), 20),
        ) {
            let (coder, _) = Ranges::new(&ranges);
            let codes = coder.classes();
            let ints: Vec<_> = numbers.iter().map(|number| Scalar::Int(*number)).collect();
            agrees(Coder::Ranges(coder.clone()), codes, &ints)?;
            let floats = numbers.iter().map(|number| Scalar::Float(*number as f64 / 3.0));
            agrees(Coder::Floats(coder), codes, &floats.chain(ints).chain([Scalar::Float(f64::NAN)]).collect::<Vec<_>>())?;
        }

        #[test]
        fn of_a_name_it_says_what_the_class_says(
            sets in prop::collection::vec(prop::collection::vec(0_i64..6, 1..4), 1..4),
        ) {
            let (coder, _) = Points::new(sets.iter().cloned());
            let codes = coder.classes();
            let points: Vec<_> = (0..7).map(Scalar::Int).collect();
            agrees(Coder::Points(coder), codes, &points)?;
            let names: Vec<String> = (0..7).map(|n| "x".repeat(n)).collect();
            let texts = |set: &Vec<i64>| set.iter().map(|n| Arc::from(names[*n as usize].as_str())).collect();
            let (coder, _) = Symbols::new(sets.iter().map(texts));
            let codes = coder.classes();
            agrees(Coder::Symbols(coder), codes, &names.iter().map(|name| Scalar::Text(name)).collect::<Vec<_>>())?;
        }
    }

    #[test]
    fn a_truth_is_asked_directly() {
        assert_eq!(
            agrees(Coder::Truth, 3, &[Scalar::Bool(true), Scalar::Bool(false), Scalar::Missing]).unwrap(),
            4
        );
    }
}
