//! The hard interval: over events in order, the true value of the effective window always lies in it.

use weir_engine::state::{
    Count, Distinct, Entropy, Extremes, FloatSum, Gaps, IntAverage, IntSum, Number, Percent, Quantile,
    Reading, Scale, Sequential, Share, Spread, Top, Window, WindowKind,
};

use crate::values::{longest_run, mix, shannon};

struct Checker {
    reads: u64,
}

impl Checker {
    /// `slack` is the relative rounding allowed to floats.
    fn holds(&mut self, what: &str, reading: Reading, exact: Option<f64>, slack: f64) {
        let Some(exact) = exact else { return };
        let Reading::Known { value, lo, hi, exact: marked, estimated } = reading else {
            panic!("{what}: unknown where {exact} is true: {reading:?}")
        };
        assert!(!estimated, "{what} is estimated");
        let slack = slack * exact.abs() + slack;
        let (lo, value, hi) = (lo.to_f64(), value.to_f64(), hi.to_f64());
        assert!(lo - slack <= exact && exact <= hi + slack, "{what}: {exact} outside [{lo}, {hi}]");
        assert!(lo <= value && value <= hi, "{what}: value {value} outside [{lo}, {hi}]");
        assert!(!marked || (value - exact).abs() <= slack, "{what}: {value} marked exact for {exact}");
        self.reads += 1;
    }
}

fn stddev(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt()
}

#[test]
fn intervals_hold() {
    let mut checker = Checker { reads: 0 };
    for seed in 0..220_u64 {
        let mut state = mix(seed);
        let mut random = |n: u64| {
            state = mix(state);
            state % n
        };
        let length = match seed % 4 {
            0 => 1 + seed as i64 % 20,
            1 => 1_000,
            2 => 60_000 + seed as i64,
            _ => 86_400_000,
        };
        let w = Window::new(WindowKind::Sliding, length).unwrap();
        let reach = 7 * w.width();
        let (mut count, mut share, mut sum) = (Count::new(&w), Share::new(&w), IntSum::new(&w));
        let (mut floats, mut average, mut spread) = (FloatSum::new(&w), IntAverage::new(&w), Spread::new(&w));
        let (mut extremes, mut gaps) = (Extremes::new(&w), Gaps::new(&w));
        let (mut distinct, mut entropy) = (Distinct::new(&w), Entropy::new(&w));
        let (mut top, mut sequential) = (Top::new(&w), Sequential::new(&w));
        let mut quantile = Quantile::new(&w, Scale::Int);
        let mut events: Vec<(i64, i64, Option<i64>)> = Vec::new();
        let mut t = random(2_000_000) as i64 - 1_000_000;
        for _ in 0..150 {
            // Bursts and silences.
            t += match random(8) {
                0 => random(2 * length as u64) as i64,
                1 | 2 => random(w.width() as u64 + 1) as i64,
                3 | 4 => random(length as u64 / 30 + 1) as i64,
                _ => 0,
            };
            let value = random(40) as i64 - 10;
            let gap = events.last().map(|(before, ..)| t - before).filter(|gap| *gap <= length);
            events.push((t, value, gap));
            let hash = mix(value as u64);
            count.add(&w, t);
            share.add(&w, t, value > 5);
            sum.add(&w, t, value);
            floats.add(&w, t, value as f64 * 0.1);
            average.add(&w, t, value);
            spread.add(&w, t, Number::Int(value));
            extremes.add(&w, t, Number::Int(value));
            gaps.add(&w, t);
            distinct.add(&w, t, hash);
            entropy.add(&w, t, hash);
            top.add(&w, t, hash, 0);
            sequential.add(&w, t, value);
            quantile.add(&w, t, Number::Int(value));

            for at in [t, t + random(length as u64 + 1) as i64] {
                // Later reads see the same events: all are in the past.
                let inside: Vec<&(i64, i64, Option<i64>)> =
                    events.iter().filter(|(e, ..)| *e > at - reach && *e <= at).collect();
                let n = inside.len();
                let mut values: Vec<i64> = inside.iter().map(|e| e.1).collect();
                values.sort_unstable();
                let hashes: Vec<u64> = values.iter().map(|v| mix(*v as u64)).collect();
                let numbers: Vec<f64> = values.iter().map(|v| *v as f64).collect();
                let total: i64 = values.iter().sum();
                let some = |x: f64| (n > 0).then_some(x);
                checker.holds("count", count.read(&w, at), Some(n as f64), 0.0);
                checker.holds("rate", count.rate(&w, at), Some(n as f64 * 1e3 / length as f64), 1e-12);
                checker.holds("sum", sum.read(&w, at), Some(total as f64), 0.0);
                checker.holds("float sum", floats.read(&w, at), Some(total as f64 * 0.1), 1e-12);
                checker.holds(
                    "distinct",
                    distinct.read(&w, at),
                    Some(values.chunk_by(|a, b| a == b).count() as f64),
                    0.0,
                );
                checker.holds("sequential", sequential.read(&w, at), Some(longest_run(&values) as f64), 0.0);
                let hits = values.iter().filter(|v| **v > 5).count() as f64;
                // A share whose edge counts as no whole event is unknown, though events there may be.
                let reading = share.read(&w, at, 0);
                if reading.value().is_some() {
                    checker.holds("share", reading, some(hits / n as f64), 1e-12);
                }
                checker.holds("avg", average.read(&w, at, 0), some(total as f64 / n as f64), 1e-9);
                checker.holds("stddev", spread.read(&w, at, 0), some(stddev(&numbers)), 1e-9);
                checker.holds("min", extremes.min(&w, at, Scale::Int), numbers.first().copied(), 0.0);
                checker.holds("max", extremes.max(&w, at, Scale::Int), numbers.last().copied(), 0.0);
                checker.holds("entropy", entropy.read(&w, at), (n > 0).then(|| shannon(&hashes)), 1e-9);
                let most = values.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0);
                if n > 0 {
                    let share = top.read(&w, at).unwrap().share;
                    checker.holds("top", share, Some(most as f64 / n as f64), 1e-12);
                }
                for percent in [50_u8, 95, 99] {
                    let exact = (n > 0).then(|| numbers[(n * usize::from(percent)).div_ceil(100) - 1]);
                    checker.holds(
                        "quantile",
                        quantile.read(&w, at, Percent::new(percent).unwrap(), 0),
                        exact,
                        0.0,
                    );
                }
                let spans: Vec<f64> = inside.iter().filter_map(|e| e.2).map(|gap| gap as f64).collect();
                let mean = spans.iter().sum::<f64>() / spans.len() as f64;
                let reading = gaps.read(&w, at, 0);
                if !spans.is_empty() && mean > 0.0 && reading.value().is_some() {
                    checker.holds("cv of gaps", reading, Some(stddev(&spans) / mean), 1e-6);
                }
            }
        }
    }
    println!("{} reads", checker.reads);
    assert!(checker.reads >= 500_000, "only {} reads", checker.reads);
}
