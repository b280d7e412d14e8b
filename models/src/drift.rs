//! How far values have moved from those that a model was made on.

/// Reference bins of one feature or score: edges in order, and how often values fell between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
    expected: Vec<f64>,
}

impl Bins {
    /// Bins of about as many values each, from values of the past. Missing values (NaN) are a bin of their own.
    ///
    /// Nothing where there are no values. Costs a sort.
    pub fn of(values: &[f64], bins: usize) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let bins = bins.clamp(1, 1_000);
        let mut edges: Vec<f64> =
            (1..bins).filter_map(|nth| sorted.get(nth * sorted.len() / bins).copied()).collect();
        edges.dedup();
        let mut made = Self { expected: vec![0.0; edges.len() + 2], edges };
        made.expected = made.count(values);
        (!values.is_empty()).then_some(made)
    }

    /// How many values fall into each bin, missing ones into the last.
    pub fn count(&self, values: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; self.edges.len() + 2];
        for value in values {
            let bin = if value.is_nan() {
                self.edges.len() + 1
            } else {
                self.edges.partition_point(|edge| edge <= value)
            };
            if let Some(count) = counts.get_mut(bin) {
                *count += 1.0;
            }
        }
        counts
    }

    /// The population stability index of counts against the reference: the sum over bins of `(a - e) · ln(a / e)` for shares `a` and `e`.
    ///
    /// Half a value is added to each bin, so that an empty one does not make it infinite. Under 0.1 is usually taken as
    /// stable, over 0.25 as moved. Nothing where counts are of other bins.
    pub fn psi(&self, counts: &[f64]) -> Option<f64> {
        if counts.len() != self.expected.len() {
            return None;
        }
        let total = |counts: &[f64]| counts.iter().sum::<f64>() + 0.5 * counts.len() as f64;
        let (actual, expected) = (total(counts), total(&self.expected));
        Some(
            counts
                .iter()
                .zip(&self.expected)
                .map(|(count, reference)| {
                    let (a, e) = ((count + 0.5) / actual, (reference + 0.5) / expected);
                    (a - e) * libm::log(a / e)
                })
                .sum(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_have_not_moved_and_others_have() {
        let values: Vec<f64> = (0..1_000).map(f64::from).collect();
        let bins = Bins::of(&values, 10).unwrap();
        assert!(bins.psi(&bins.count(&values)).unwrap() < 1e-9);
        let moved: Vec<f64> = values.iter().map(|value| value + 500.0).collect();
        assert!(bins.psi(&bins.count(&moved)).unwrap() > 1.0);
        let missing = vec![f64::NAN; 1_000];
        assert!(bins.psi(&bins.count(&missing)).unwrap() > 1.0);
    }

    #[test]
    fn one_value_makes_one_bin() {
        let bins = Bins::of(&[3.0; 50], 10).unwrap();
        assert!(bins.psi(&bins.count(&[3.0; 50])).unwrap() < 1e-9);
        assert!(Bins::of(&[], 10).is_none());
        assert!(bins.psi(&[1.0]).is_none());
    }
}
