//! Elapsed, novelty, concurrency, limiters.

use proptest::prelude::*;
use weir_engine::state::{
    Admission, Bucket, Concurrent, Gcra, Landing, Latest, Number, Pace, Reading, Why, Window, WindowKind,
};

use crate::trail::{cases, reads, streams};

const SLIDING: &[WindowKind] = &[WindowKind::Sliding];

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn elapsed_and_new((w, events) in streams(SLIDING)) {
        let mut latest = Latest::new();
        let mut times: Vec<i64> = Vec::new();
        for (t, _) in events {
            let mut kept = times.clone();
            kept.sort_unstable();
            kept.dedup();
            let kept = &kept[kept.len().saturating_sub(4)..];
            let dropped = kept.len() == 4 && t < kept[0];
            prop_assert_eq!(latest.add(t) == Landing::Dropped, dropped);
            times.push(t);
            let mut kept = times.clone();
            kept.sort_unstable();
            kept.dedup();
            let kept = kept[kept.len().saturating_sub(4)..].to_vec();
            for at in reads(&w, t) {
                let found = kept.iter().filter(|a| **a <= at && **a > at - w.length()).max();
                let expected = found.map_or(Reading::Unknown(Why::Empty), |a| Reading::certain(Number::Int(at - a)));
                prop_assert_eq!(latest.elapsed(&w, at), expected);
                prop_assert_eq!(latest.is_new(&w, at), found.is_none());
            }
        }
    }

    #[test]
    fn concurrent((w, events) in streams(SLIDING), ends in prop::collection::vec(any::<prop::sample::Index>(), 0..80)) {
        let mut record = Concurrent::new();
        let mut flight: Vec<(u64, i64)> = Vec::new();
        for (id, (t, value)) in events.into_iter().enumerate() {
            let id = id as u64;
            prop_assert_eq!(record.begin(&w, t, id), Landing::Held);
            flight.push((id, t));
            if value > 0 && let Some(pick) = ends.get(id as usize) {
                let (ended, _) = flight.remove(pick.index(flight.len()));
                record.end(ended);
                record.end(ended);
            }
            for at in reads(&w, t) {
                let n = flight.iter().filter(|(_, b)| *b > at - w.length() && *b <= at).count();
                prop_assert_eq!(record.read(&w, at), Reading::certain(Number::Int(n as i64)));
            }
        }
    }

    /// The bucket against exact fractions, and GCRA against the bucket.
    #[test]
    fn limiters(events in 1_u32..50, per_ms in 1_u32..5_000, capacity in 1_u32..8, start in -1_000_000_i64..1_000_000, steps in prop::collection::vec(-50_i64..3_000, 1..120)) {
        let pace = Pace::new(events, per_ms).unwrap();
        let (mut bucket, mut gcra) = (Bucket::new(), Gcra::new());
        // Level times per_ms, and the latest time.
        let (mut level, mut now, mut t) = (0_i128, i128::from(start + steps[0]), start);
        for step in steps {
            t += step;
            let at = now.max(i128::from(t));
            level = (level - (at - now) * i128::from(events)).max(0);
            now = at;
            let conforms = level + i128::from(per_ms) <= i128::from(capacity) * i128::from(per_ms);
            let peeked = gcra.read(pace, capacity, t);
            let (poured, arrived) = (bucket.add(capacity, pace, t), gcra.add(pace, capacity, t));
            prop_assert_eq!(poured == Admission::Conforms, conforms);
            prop_assert_eq!(arrived, poured);
            prop_assert_eq!(peeked, arrived);
            if conforms {
                level += i128::from(per_ms);
            } else if let Admission::Exceeds { wait } = poured {
                // After the wait, and not a millisecond sooner, another would conform.
                let after = now as i64 + wait;
                prop_assert_eq!(bucket.clone().add(capacity, pace, after), Admission::Conforms);
                let sooner = bucket.clone().add(capacity, pace, after - 1);
                prop_assert_eq!(sooner, Admission::Exceeds { wait: 1 });
            }
            let rounded = (level + i128::from(per_ms) - 1) / i128::from(per_ms);
            prop_assert_eq!(bucket.read(pace, t), Reading::certain(Number::Int(rounded as i64)));
        }
    }
}

#[test]
fn limiters_at_the_ends() {
    assert!(Pace::new(0, 1).is_none() && Pace::new(1, 0).is_none());
    let pace = Pace::new(u32::MAX, u32::MAX).unwrap();
    let (mut bucket, mut gcra) = (Bucket::new(), Gcra::new());
    for t in [i64::MIN, i64::MAX, 0, i64::MAX] {
        assert_eq!(bucket.add(u32::MAX, pace, t), Admission::Conforms);
        assert_eq!(gcra.add(pace, u32::MAX, t), Admission::Conforms);
    }
    assert_eq!(bucket.add(0, pace, 0), Admission::Exceeds { wait: i64::MAX });
    assert_eq!(gcra.add(pace, 0, 0), Admission::Exceeds { wait: i64::MAX });
}

/// More than 1,024 in flight: the value stops, `hi` goes on, and both recover.
#[test]
fn concurrent_is_bounded() {
    let w = Window::new(WindowKind::Sliding, 1_000).unwrap();
    let mut record = Concurrent::new();
    for id in 0..1_024 {
        assert_eq!(record.begin(&w, 10, id), Landing::Held);
    }
    assert_eq!(record.begin(&w, 11, 5_000), Landing::Dropped);
    let Reading::Known { value, hi, estimated, .. } = record.read(&w, 11) else { panic!() };
    assert_eq!((value, hi, estimated), (Number::Int(1_024), Number::Int(1_025), true));
    record.end(3);
    assert_eq!(record.begin(&w, 12, 5_001), Landing::Held);
    // Beginning again moves the time; expiry frees the rest.
    assert_eq!(record.begin(&w, 500, 7), Landing::Held);
    assert_eq!(record.read(&w, 1_011), Reading::certain(Number::Int(2)));
}
