//! From leaves to scores and classes, in the order and precision of ONNX Runtime.
//!
//! Sums are `f32` in the order of the trees, from zero; base values come after them. What the specification leaves open (one base value for two
//! classes, two classes where all weights are for one) is what ONNX Runtime's `tree_ensemble_aggregator.h` does, whose behaviour converters count on.

use super::Real;
use super::packed::{Leaves, Packed, Row};
use super::plain::Plain;

/// How the values of leaves become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    /// Their sum.
    Sum,
    /// Their sum over the number of trees.
    Average,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// What is done to scores at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Post {
    /// Nothing.
    None,
    /// The logistic function of each.
    Logistic,
    /// Softmax.
    Softmax,
    /// Softmax over what is not zero.
    SoftmaxZero,
    /// The inverse of the normal distribution, approximately.
    Probit,
}

impl Post {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "NONE" => Self::None,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX" => Self::Softmax,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => Self::Probit,
            _ => return None,
        })
    }

    /// Changes scores in place.
    pub(crate) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => softmax(scores),
            Self::SoftmaxZero => softmax_zero(scores),
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }
}

/// Trees in one of the two layouts.
#[derive(Clone, Debug)]
pub(crate) enum Trees {
    Packed(Packed),
    Plain(Plain<f32>),
    /// For input of `f64`.
    Double(Plain<f64>),
}

/// An ensemble and what becomes of its sums.
#[derive(Clone, Debug)]
pub(crate) struct Ensemble {
    pub(crate) trees: Trees,
    pub(crate) count: usize,
    pub(crate) targets: usize,
    pub(crate) aggregate: Aggregate,
    pub(crate) base: Vec<f64>,
    pub(crate) post: Post,
    /// For classifiers.
    pub(crate) class: Option<Class>,
}

/// What makes an ensemble a classifier.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// The value of each label: a number, or a symbol.
    pub(crate) labels: Vec<i64>,
    /// Two labels, all weights for one.
    pub(crate) is_binary: bool,
    pub(crate) all_positive: bool,
}

/// Sums in the making: one for each target, with whether a leaf has given anything.
pub(crate) struct Totals<'a, T> {
    pub(crate) sums: &'a mut [T],
    pub(crate) seen: &'a mut [i64],
}

impl<T: Real> Totals<'_, T> {
    #[inline]
    fn add(&mut self, aggregate: Aggregate, target: u32, value: T) {
        let (Some(sum), Some(seen)) =
            (self.sums.get_mut(target as usize), self.seen.get_mut(target as usize))
        else {
            return;
        };
        match aggregate {
            Aggregate::Sum | Aggregate::Average => *sum += value,
            Aggregate::Min if *seen == 0 || value < *sum => *sum = value,
            Aggregate::Max if *seen == 0 || value > *sum => *sum = value,
            Aggregate::Min | Aggregate::Max => {}
        }
        *seen = 1;
    }

    fn clear(&mut self) {
        self.sums.fill(T::ZERO);
        self.seen.fill(0);
    }
}

impl Ensemble {
    /// Sums a row of `f32`.
    pub(crate) fn totals(&self, input: &[f32], row: &mut Row, totals: &mut Totals<'_, f32>) {
        totals.clear();
        match &self.trees {
            Trees::Packed(packed) => match &packed.leaves {
                Leaves::One(target) if matches!(self.aggregate, Aggregate::Sum | Aggregate::Average) => {
                    let mut sum = 0.0_f32;
                    packed.walk(input, row, |value| sum += value);
                    totals.add(Aggregate::Sum, *target, sum);
                }
                Leaves::One(target) => {
                    packed.walk(input, row, |value| totals.add(self.aggregate, *target, value));
                }
                Leaves::OfTree(targets) => {
                    let mut targets = targets.iter();
                    packed.walk(input, row, |value| {
                        if let Some(target) = targets.next() {
                            totals.add(self.aggregate, *target, value);
                        }
                    });
                }
                Leaves::Votes { starts, votes } => packed.walk(input, row, |value| {
                    let leaf = value.to_bits() as usize;
                    if let (Some(from), Some(to)) = (starts.get(leaf), starts.get(leaf + 1)) {
                        let votes = votes.get(*from as usize..*to as usize).unwrap_or(&[]);
                        votes.iter().for_each(|vote| totals.add(self.aggregate, vote.target, vote.weight));
                    }
                }),
            },
            Trees::Plain(plain) => plain_totals(plain, self.aggregate, input, totals),
            Trees::Double(_) => {}
        }
    }

    /// Sums a row of `f64`.
    pub(crate) fn totals_double(&self, input: &[f64], totals: &mut Totals<'_, f64>) {
        totals.clear();
        if let Trees::Double(plain) = &self.trees {
            plain_totals(plain, self.aggregate, input, totals);
        }
    }

    /// Scores of a regressor, into `out`, which has a place for each target.
    pub(crate) fn regress<T: Real + std::ops::Add<Output = T> + std::ops::Div<Output = T>>(
        &self,
        totals: &mut Totals<'_, T>,
        out: &mut [f32],
    ) {
        let scale = T::of(self.count as f64);
        // One base value counts for one target alone.
        let base = (self.base.len() == self.targets).then_some(&self.base);
        let seen = totals.seen.iter().map(|seen| *seen != 0);
        for ((at, (sum, out)), seen) in totals.sums.iter_mut().zip(out.iter_mut()).enumerate().zip(seen) {
            // Of several targets, one that no leaf gives anything is 0, whatever its base value.
            if !seen && self.targets > 1 {
                *out = 0.0;
                continue;
            }
            if self.aggregate == Aggregate::Average {
                *sum = *sum / scale;
            }
            let base = base.and_then(|base| base.get(at)).map_or(T::ZERO, |base| T::of(*base));
            *out = (*sum + base).double() as f32;
        }
        if self.targets > 1 || self.post == Post::Probit {
            self.post.apply(out);
        }
    }

    /// Scores of a classifier into `out`, which has a place for each class; answers the label's value.
    pub(crate) fn classify<T: Real + std::ops::Add<Output = T> + std::ops::Neg<Output = T>>(
        &self,
        class: &Class,
        totals: &mut Totals<'_, T>,
        out: &mut [f32],
    ) -> i64 {
        let base = |at: usize| self.base.get(at).map(|base| T::of(*base));
        let label = |at: usize| class.labels.get(at).copied().unwrap_or(0);
        if self.targets > 2 {
            for ((at, sum), seen) in totals.sums.iter_mut().enumerate().zip(totals.seen.iter_mut()) {
                if let Some(base) = base(at) {
                    *sum = if *seen == 0 { base } else { *sum + base };
                    *seen = 1;
                }
            }
            let mut best: Option<(usize, T)> = None;
            for (at, (sum, _)) in
                totals.sums.iter().zip(&*totals.seen).enumerate().filter(|(_, (_, seen))| **seen != 0)
            {
                if best.is_none_or(|(_, most)| *sum > most) {
                    best = Some((at, *sum));
                }
            }
            out.iter_mut().zip(totals.sums.iter()).for_each(|(out, sum)| *out = sum.double() as f32);
            self.post.apply(out);
            return label(best.map_or(0, |(at, _)| at));
        }
        let first = totals.sums.first().copied().unwrap_or(T::ZERO);
        let second = totals.sums.get(1).copied().unwrap_or(T::ZERO);
        let has_second = totals.seen.get(1).is_some_and(|seen| *seen != 0);
        let (first, second, scores) = match (self.targets, self.base.len()) {
            (1, 1..) => (first + base(0).unwrap_or(T::ZERO), second, 1),
            (1, _) => (first, second, 1),
            // As ONNX Runtime has it: the second sum gives way to the first with the second base value.
            (_, 2) if has_second => {
                let positive = base(1).unwrap_or(T::ZERO) + first;
                let has_first = totals.seen.first().is_some_and(|seen| *seen != 0);
                (if has_first { -positive } else { T::ZERO }, positive, 2)
            }
            (_, 2) => (first + base(0).unwrap_or(T::ZERO), second, 2),
            (_, 1) => (first + base(0).unwrap_or(T::ZERO), second, if has_second { 2 } else { 1 }),
            _ => (first, second, if has_second { 2 } else { 1 }),
        };
        let positive = if scores == 2 && has_second { second } else { first };
        let is_positive = if class.is_binary && class.all_positive {
            positive.double() > 0.5
        } else {
            positive.double() > 0.0
        };
        let labelled = if class.is_binary { label(usize::from(is_positive)) } else { i64::from(is_positive) };
        let [first, second] = [first, second].map(|score| score.double() as f32);
        match out {
            [only] => *only = if self.post == Post::Probit { probit(first) } else { first },
            [zero, one, ..] if scores == 2 => {
                let mut pair = [first, second];
                self.post.apply(&mut pair);
                [*zero, *one] = pair;
            }
            [zero, one, ..] => [*zero, *one] = self.spread(class, first),
            [] => {}
        }
        labelled
    }

    /// Two scores of one.
    fn spread(&self, class: &Class, score: f32) -> [f32; 2] {
        match (class.is_binary && class.all_positive, self.post) {
            (_, Post::Probit) => [probit(score), 0.0],
            (_, Post::Logistic) => [logistic(-score), logistic(score)],
            (true, _) => [1.0 - score, score],
            (false, _) if class.is_binary => [-score, score],
            (false, _) => [score, -score],
        }
    }
}

fn plain_totals<T: Real>(plain: &Plain<T>, aggregate: Aggregate, input: &[T], totals: &mut Totals<'_, T>) {
    for root in &plain.roots {
        if let Some(leaf) = plain.leaf(*root, input) {
            plain.votes(leaf).iter().for_each(|vote| totals.add(aggregate, vote.target, vote.weight));
        }
    }
}

/// The logistic function, stable at both ends.
pub(crate) fn logistic(x: f32) -> f32 {
    let v = 1.0 / (1.0 + libm::expf(-x.abs()));
    if x < 0.0 { 1.0 - v } else { v }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().fold(f32::MIN, |most, score| if *score > most { *score } else { most });
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = libm::expf(*score - most);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn softmax_zero(scores: &mut [f32]) {
    let most = scores.iter().fold(f32::MIN, |most, score| if *score > most { *score } else { most });
    let scale = libm::expf(-most);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if *score > 1e-7 || *score < -1e-7 {
            *score = libm::expf(*score - most);
            sum += *score;
        } else {
            *score *= scale;
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// After Giles' and Winitzki's approximation of the inverse error function.
fn probit(x: f32) -> f32 {
    let y = 2.0 * x - 1.0;
    let sign = if y < 0.0 { -1.0 } else { 1.0 };
    let log = libm::logf((1.0 - y) * (1.0 + y));
    #[expect(clippy::approx_constant, reason = "the digits that ONNX Runtime has")]
    let pi = 3.14159_f32;
    let v = 2.0 / (pi * 0.147) + 0.5 * log;
    let v2 = 1.0 / 0.147 * log;
    std::f32::consts::SQRT_2 * sign * (-v + (v * v - v2).sqrt()).sqrt()
}
