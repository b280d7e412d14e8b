//! Merging: commutative, associative, and the same as one record that saw everything.

use std::fmt::Debug;

use proptest::prelude::*;
use weir_engine::state::{
    Count, Distinct, Extremes, FloatSum, IntAverage, IntSum, Number, Percent, Quantile, Reading, Scale,
    Share, Window, WindowKind,
};

use crate::trail::{cases, reads, streams};
use crate::values::mix;

const MERGED: &[WindowKind] =
    &[WindowKind::Sliding, WindowKind::Economy, WindowKind::Tumbling, WindowKind::Exact];

/// An aggregate as the tests see it.
struct Kind<R> {
    new: fn(&Window) -> R,
    add: fn(&mut R, &Window, i64, i64),
    merge: fn(&mut R, &Window, &R),
    read: fn(&R, &Window, i64) -> Vec<Reading>,
}

impl<R: Clone + Debug> Kind<R> {
    fn check(&self, w: &Window, parts: &[Vec<(i64, i64)>; 3]) -> Result<(), TestCaseError> {
        let [a, b, c] = parts.clone().map(|events| {
            let mut record = (self.new)(w);
            events.iter().for_each(|(t, v)| (self.add)(&mut record, w, *t, *v));
            record
        });
        let merged = |a: &R, b: &R| {
            let mut sum = a.clone();
            (self.merge)(&mut sum, w, b);
            sum
        };
        // One record that sees all of them in order of time drops nothing that counts at the end.
        let mut all = parts.concat();
        all.sort_by_key(|(t, _)| *t);
        let mut whole = (self.new)(w);
        all.iter().for_each(|(t, v)| (self.add)(&mut whole, w, *t, *v));
        let newest = all.last().map_or(0, |(t, _)| *t);
        for at in reads(w, newest).into_iter().filter(|at| *at >= newest) {
            let expected = (self.read)(&whole, w, at);
            prop_assert_eq!((self.read)(&merged(&merged(&a, &b), &c), w, at), expected.clone());
            prop_assert_eq!((self.read)(&merged(&a, &merged(&b, &c)), w, at), expected.clone());
            prop_assert_eq!((self.read)(&merged(&merged(&c, &b), &a), w, at), expected.clone());
            prop_assert_eq!((self.read)(&merged(&b, &merged(&a, &c)), w, at), expected);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn merging((w, events) in streams(MERGED), deal in prop::collection::vec(0_usize..3, 80), many in any::<bool>()) {
        // In order of time, so that no part drops what another would have kept.
        let mut events = events;
        events.sort_by_key(|(t, _)| *t);
        let mut parts: [Vec<(i64, i64)>; 3] = Default::default();
        for ((t, v), part) in events.into_iter().zip(deal) {
            for copy in 0..if many { 12 } else { 1 } {
                parts[part].push((t, v + 100 * copy));
            }
        }
        let distinct = Kind {
            new: Distinct::new,
            add: |r, w, t, v| { r.add(w, t, mix(v as u64)); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t)],
        };
        if !many {
            distinct.check(&w, &parts)?;
            Kind {
                new: |w| Quantile::new(w, Scale::Int),
                add: |r, w, t, v| { r.add(w, t, Number::Int(v)); },
                merge: |r, w, o| r.merge(w, o),
                read: |r, w, t| [1, 50, 99].map(|p| r.read(w, t, Percent::new(p).unwrap(), 0)).to_vec(),
            }.check(&w, &parts)?;
        }
        Kind {
            new: Count::new,
            add: |r, w, t, _| { r.add(w, t); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t), r.rate(w, t)],
        }.check(&w, &parts)?;
        Kind {
            new: Share::new,
            add: |r, w, t, v| { r.add(w, t, v > 2); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t, 3)],
        }.check(&w, &parts)?;
        Kind {
            new: IntSum::new,
            add: |r, w, t, v| { r.add(w, t, v % 12 * (i64::MAX / 20)); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t)],
        }.check(&w, &parts)?;
        Kind {
            new: FloatSum::new,
            add: |r, w, t, v| { r.add(w, t, v as f64 / 7.0); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t)],
        }.check(&w, &parts)?;
        Kind {
            new: IntAverage::new,
            add: |r, w, t, v| { r.add(w, t, v); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t, 2)],
        }.check(&w, &parts)?;
        Kind {
            new: Extremes::new,
            add: |r, w, t, v| { r.add(w, t, Number::Int(v)); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.min(w, t, Scale::Int), r.max(w, t, Scale::Int)],
        }.check(&w, &parts)?;
    }

    /// Sketches merge to what one sketch of everything would be.
    #[test]
    fn merging_sketches(seed in any::<u64>(), sizes in prop::array::uniform3(70_u64..400)) {
        let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
        let parts: Vec<Vec<(i64, i64)>> = sizes.iter().enumerate().map(|(part, n)| {
            (0..*n).map(|i| {
                let x = mix(seed ^ (i << 8) ^ part as u64);
                ((x % 7_000) as i64, 1 + (x >> 40) as i64)
            }).collect()
        }).collect();
        let mut sorted = parts.clone();
        sorted.iter_mut().for_each(|part| part.sort_unstable());
        let parts: [Vec<(i64, i64)>; 3] = sorted.try_into().unwrap();
        Kind {
            new: Distinct::new,
            add: |r, w, t, v| { r.add(w, t, mix(v as u64)); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| vec![r.read(w, t)],
        }.check(&w, &parts)?;
        Kind {
            new: |w| Quantile::new(w, Scale::Int),
            add: |r, w, t, v| { r.add(w, t, Number::Int(1 << 20 | v & 0xfffff)); },
            merge: |r, w, o| r.merge(w, o),
            read: |r, w, t| [1, 50, 99].map(|p| r.read(w, t, Percent::new(p).unwrap(), 0)).to_vec(),
        }.check(&w, &parts)?;
    }
}
