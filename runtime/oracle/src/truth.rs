//! The second opinion on intervals: the true value over the effective window, straight from the events.
//!
//! No lanes, no interpolation: what is in `(t - reach, t]` counts and nothing else. A reading whose interval is hard must hold
//! this value, up to the rounding of floats.

use std::collections::BTreeSet;

use crate::reading::{Number, Reading};

/// The true value of an aggregate over some events; nothing where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the language's word")]
pub enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    Distinct,
    Sequential,
    /// Nearest rank.
    Quantile(usize),
    /// Of values other than zero.
    Share,
}

/// The true value.
pub fn value(aggregate: Aggregate, values: &[Number]) -> Option<f64> {
    let floats: Vec<f64> = values.iter().map(|number| number.float()).collect();
    let n = floats.len() as f64;
    let some = |x: f64| (!floats.is_empty()).then_some(x);
    let mean = floats.iter().sum::<f64>() / n;
    match aggregate {
        Aggregate::Count => Some(n),
        Aggregate::Sum => Some(floats.iter().sum()),
        Aggregate::Avg => some(mean),
        Aggregate::Min => floats.iter().copied().reduce(f64::min),
        Aggregate::Max => floats.iter().copied().reduce(f64::max),
        Aggregate::Stddev => some((floats.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt()),
        Aggregate::Distinct => {
            Some(floats.iter().map(|x| (x + 0.0).to_bits()).collect::<BTreeSet<u64>>().len() as f64)
        }
        Aggregate::Sequential => {
            let ints: Vec<i64> = floats.iter().map(|x| *x as i64).collect();
            Some(crate::values::longest_run(&ints) as f64)
        }
        Aggregate::Quantile(percent) => {
            let mut sorted = floats.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.get((sorted.len() * percent).div_ceil(100).wrapping_sub(1)).copied()
        }
        Aggregate::Share => some(floats.iter().filter(|x| **x != 0.0).count() as f64 / n),
    }
}

/// Whether an interval holds the true value. One that is not hard promises nothing, and no interval none.
pub fn holds(reading: Reading, truth: Option<f64>, slack: f64) -> bool {
    match (reading, truth) {
        (Reading::Known { lo, hi, estimated: false, .. }, Some(truth)) => {
            let slack = slack * truth.abs().max(1.0);
            lo.float() - slack <= truth && truth <= hi.float() + slack
        }
        _ => true,
    }
}
