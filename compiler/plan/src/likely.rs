//! How often literals hold: counted over a sample of events, or guessed without one.
//!
//! It changes the order of work and nothing else.

use crate::axis::{Axis, Coder, Set};
use crate::clause::{Clause, Part};
use crate::coder::{MISSING, OTHER};
use crate::scalar::Scalar;

/// How much a guess weighs against the events of a sample.
const PRIOR: f32 = 4.0;
/// How often a pattern is found, without a sample.
const FOUND: f32 = 0.05;

/// How often each code of each axis occurs.
#[derive(Clone, Debug)]
pub(crate) struct Likely {
    axes: Vec<Codes>,
}

#[derive(Clone, Debug)]
enum Codes {
    /// By class, the share of events of this or a lower class.
    Classes(Vec<f32>),
    /// By pattern, the share of events in which it is found.
    Patterns(Vec<f32>),
}

impl Likely {
    /// From a sample, which may be empty. Cost: codes every row.
    pub(crate) fn new(axes: &[Axis], sample: &[Vec<Scalar<'_>>]) -> Self {
        let of = |axis: &Axis| match &axis.coder {
            Coder::Patterns(patterns) => {
                let mut found = vec![FOUND * PRIOR; patterns.len()];
                let mut scratch = patterns.scratch();
                let mut words = vec![0_u64; patterns.words()];
                for row in sample {
                    let Some(Scalar::Text(text)) = row.get(usize::from(axis.column.0)) else { continue };
                    patterns.scan(text, &mut scratch, &mut words);
                    for (at, count) in found.iter_mut().enumerate() {
                        let word = words.get(at / 64).copied().unwrap_or_default();
                        *count += f32::from(word >> (at % 64) & 1 == 1);
                    }
                }
                let total = PRIOR + sample.len() as f32;
                Codes::Patterns(found.into_iter().map(|count| count / total).collect())
            }
            _ => {
                let mut counts = guess(axis);
                for row in sample {
                    let value = row.get(usize::from(axis.column.0)).copied().unwrap_or_default();
                    if let Some(count) = counts.get_mut(axis.class(value) as usize) {
                        *count += 1.0;
                    }
                }
                let total: f32 = counts.iter().sum::<f32>().max(f32::MIN_POSITIVE);
                let mut sum = 0.0;
                let upto = counts.into_iter().map(|count| {
                    sum += count / total;
                    sum
                });
                Codes::Classes(upto.collect())
            }
        };
        Self { axes: axes.iter().map(of).collect() }
    }

    /// How often a clause holds, taking its parts to be independent.
    pub(crate) fn clause(&self, clause: &Clause) -> f32 {
        let fails: f32 = clause.parts.iter().map(|part| 1.0 - self.part(part)).product();
        1.0 - fails
    }

    fn part(&self, part: &Part) -> f32 {
        match (part, self.axes.get(usize::from(part.axis().0))) {
            (Part::Set(_, set), Some(Codes::Classes(upto))) => self.set(set, upto),
            (Part::Term(_, term), Some(Codes::Patterns(found))) => {
                let found = found.get(*term as usize / 2).copied().unwrap_or(FOUND);
                if term % 2 == 0 { found } else { 1.0 - found }
            }
            _ => 1.0,
        }
    }

    fn set(&self, set: &Set, upto: &[f32]) -> f32 {
        let upto = |class: u32| upto.get(class as usize).copied().unwrap_or(1.0);
        let known: f32 =
            set.runs.iter().map(|(first, last)| upto(last) - first.checked_sub(1).map_or(0.0, upto)).sum();
        known + if set.missing { upto(MISSING) } else { 0.0 }
    }
}

/// Where nothing is known, the values that nobody names are half of all on axes of names, and all classes of an axis
/// alike otherwise.
fn guess(axis: &Axis) -> Vec<f32> {
    let count = axis.codes as usize;
    let mut counts = vec![0.0; count];
    let named = matches!(axis.coder, Coder::Points(_) | Coder::Symbols(_) | Coder::Networks(_));
    if matches!(axis.coder, Coder::Single(_)) {
        return vec![0.0, (1.0 - FOUND) * PRIOR, FOUND * PRIOR];
    }
    let known = count.saturating_sub(1).max(1) as f32;
    for (class, count) in counts.iter_mut().enumerate().skip(1) {
        *count = match (named, class == OTHER as usize) {
            (true, true) if known > 1.0 => PRIOR / 2.0,
            (true, false) => PRIOR / 2.0 / (known - 1.0),
            _ => PRIOR / known,
        };
    }
    counts
}
