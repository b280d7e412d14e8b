//! How right a rule was, with the interval that its number of labels allows.

/// A share of labelled decisions with its Wilson score interval (Wilson 1927) at 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Bad among bad and good, 0 to 1.
    pub share: f64,
    /// The interval's ends.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Precision {
    /// Of so many labelled bad and good; nothing without a label.
    pub fn of(bad: u64, good: u64) -> Option<Self> {
        let n = bad.checked_add(good).filter(|n| *n > 0)? as f64;
        let share = bad as f64 / n;
        let square = Z * Z;
        let middle = share + square / (2.0 * n);
        let reach = Z * libm::sqrt(share * (1.0 - share) / n + square / (4.0 * n * n));
        let whole = 1.0 + square / n;
        let (low, high) = ((middle - reach) / whole, (middle + reach) / whole);
        Some(Self { share, low: low.clamp(0.0, share), high: high.clamp(share, 1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // From the tables of Newcombe (1998), method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (bad, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = Precision::of(bad, of - bad).unwrap();
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        }
        assert_eq!(Precision::of(0, 0), None);
        assert_eq!(Precision::of(5, 0).unwrap().high, 1.0);
    }
}
