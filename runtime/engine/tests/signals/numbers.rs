//! Count, rate, share, sum, average, extremes, first and last.

use proptest::prelude::*;
use weir_engine::state::{
    Average, Count, Ends, Extremes, FloatSum, IntAverage, IntSum, Landing, Number, Picked, Reading, Scale,
    Share, Why, Window, WindowKind,
};

use crate::trail::{ALL, LOG, Trail, cases, few, int, known, reads, streams};

fn landed(landing: Landing) -> bool {
    landing == Landing::Held
}

/// A double as a multiple of 2^-64.
fn fixed(x: f64) -> i128 {
    (x * 2_f64.powi(64)).round_ties_even() as i128
}

fn from_fixed(n: i128) -> Number {
    Number::Float(n as f64 / 2_f64.powi(64))
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn count_rate_share((w, events) in streams(ALL), need in 0_u64..4) {
        let (mut count, mut share) = (Count::new(&w), Share::new(&w));
        let mut trail = Trail::new(&w, LOG);
        for (t, value) in events {
            let hit = value > 2;
            let held = trail.add(t, hit);
            prop_assert_eq!(landed(count.add(&w, t)), held);
            prop_assert_eq!(landed(share.add(&w, t, hit)), held);
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let (inner, edge) = (cover.inner(), cover.edge());
                let n = |values: &[bool], hit: bool| values.iter().filter(|v| **v == hit).count() as i128;
                let (n_in, n_edge) = (inner.len() as i128, edge.len() as i128);
                let value = n_in + cover.part(n_edge);
                let (lo, hi) = if cover.collapsed { (value, value) } else { (n_in, n_in + n_edge) };
                prop_assert_eq!(count.read(&w, at), known(int(value), int(lo), int(hi), cover.estimated));
                let rate = |n: i128| Number::Float((n * 1000) as f64 / w.length() as f64);
                prop_assert_eq!(count.rate(&w, at), known(rate(value), rate(lo), rate(hi), cover.estimated));

                let hits = n(&inner, true) + cover.part(n(&edge, true));
                let over = |a: i128, b: i128| Number::Float(if b == 0 { 0.0 } else { a as f64 / b as f64 });
                let (m_in, m_edge, h_in, h_edge) =
                    (n(&inner, false), n(&edge, false), n(&inner, true), n(&edge, true));
                let expected = few(value, need).unwrap_or_else(|| {
                    let share = over(hits, value);
                    if cover.collapsed {
                        known(share, share, share, true)
                    } else {
                        let lo = over(h_in, h_in + m_in + m_edge);
                        known(share, lo, over(h_in + h_edge, h_in + h_edge + m_in), cover.estimated)
                    }
                });
                prop_assert_eq!(share.read(&w, at, need), expected);
            }
        }
    }

    #[test]
    fn sums((w, events) in streams(ALL), scale in prop_oneof![Just(1.0), Just(0.1), Just(1e-12), Just(3e9)], big in prop::bool::weighted(0.1)) {
        let (mut ints, mut floats) = (IntSum::new(&w), FloatSum::new(&w));
        let mut trail = Trail::new(&w, LOG);
        for (t, value) in events {
            let n = if big { value * (i64::MAX / 12) } else { value * 1_000_003 };
            let x = value as f64 * scale;
            let held = trail.add(t, (n, x));
            prop_assert_eq!(landed(ints.add(&w, t, n)), held);
            prop_assert_eq!(landed(floats.add(&w, t, x)), held);
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let (inner, edge) = (cover.inner(), cover.edge());
                let interval = |inner: &[i128], edge: &[i128]| {
                    let sum: i128 = inner.iter().sum();
                    let up: i128 = edge.iter().filter(|n| **n > 0).sum();
                    let down: i128 = edge.iter().filter(|n| **n < 0).sum();
                    let net = up + down;
                    let (whole, rest) = (net.div_euclid(cover.width), net.rem_euclid(cover.width));
                    let value = sum + whole * cover.k + (rest * cover.k).div_euclid(cover.width);
                    if cover.collapsed { (value, value, value) } else { (value, sum + down, sum + up) }
                };
                let wide = |values: &[(i64, f64)]| values.iter().map(|(n, _)| i128::from(*n)).collect::<Vec<_>>();
                let (value, lo, hi) = interval(&wide(&inner), &wide(&edge));
                let clamp = |n: i128| Number::Int(n.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
                // A lane whose positive or negative part is full is an overflow too.
                let full = |values: &[(i128, (i64, f64))]| {
                    let part = |sign: i64| -> i128 {
                        values.iter().map(|(_, (n, _))| i128::from(*n)).filter(|n| n.signum() == i128::from(sign)).sum()
                    };
                    part(1) >= u64::MAX.into() || -part(-1) >= u64::MAX.into()
                };
                let overflows = i64::try_from(value).is_err() || cover.inner.iter().any(|lane| full(lane)) || full(&cover.edge);
                let expected = if overflows {
                    Reading::Unknown(Why::Overflow)
                } else {
                    known(int(value), clamp(lo), clamp(hi), cover.estimated)
                };
                prop_assert_eq!(ints.read(&w, at), expected);

                let wide = |values: &[(i64, f64)]| values.iter().map(|(_, x)| fixed(*x)).collect::<Vec<_>>();
                let (value, lo, hi) = interval(&wide(&inner), &wide(&edge));
                let expected = known(from_fixed(value), from_fixed(lo), from_fixed(hi), cover.estimated);
                prop_assert_eq!(floats.read(&w, at), expected);
            }
        }
    }

    #[test]
    fn averages((w, events) in streams(ALL), need in 0_u64..4) {
        let mut average = IntAverage::new(&w);
        let mut trail = Trail::new(&w, LOG);
        for (t, value) in events {
            prop_assert_eq!(landed(average.add(&w, t, value)), trail.add(t, i128::from(value)));
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let (inner, edge) = (cover.inner(), cover.edge());
                let (n, e) = (inner.len() as i128, edge.len() as i128);
                let have = n + cover.part(e);
                let expected = if have < i128::from(need) {
                    Reading::Unknown(Why::TooFew { have: have as u64, need })
                } else if n + e == 0 {
                    Reading::Unknown(Why::Empty)
                } else {
                    let (sum_in, sum_edge): (i128, i128) = (inner.iter().sum(), edge.iter().sum());
                    let divide = |a: i128, b: i128| a.div_euclid(b) as f64 + a.rem_euclid(b) as f64 / b as f64;
                    let value = if e == 0 {
                        divide(sum_in, n)
                    } else {
                        divide(sum_in * cover.width + sum_edge * cover.k, n * cover.width + e * cover.k)
                    };
                    let (lo, hi) = if cover.collapsed || e == 0 {
                        (value, value)
                    } else {
                        let (a, b) = (*edge.iter().min().unwrap() as f64, *edge.iter().max().unwrap() as f64);
                        if n == 0 {
                            (a, b)
                        } else {
                            let mean = divide(sum_in, n);
                            let (nf, ef, s) = (n as f64, e as f64, sum_in as f64);
                            (mean.min((s + ef * a) / (nf + ef)), mean.max((s + ef * b) / (nf + ef)))
                        }
                    };
                    known(Number::Float(value), Number::Float(lo), Number::Float(hi), cover.estimated)
                };
                prop_assert_eq!(average.read(&w, at, need), expected);
            }
        }
    }

    #[test]
    fn extremes_and_ends((w, events) in streams(ALL), factor in prop_oneof![Just(1.0), Just(-0.37), Just(1e300)]) {
        let (mut ints, mut floats, mut ends) = (Extremes::new(&w), Extremes::new(&w), Ends::new(&w));
        let mut trail = Trail::new(&w, LOG);
        for (arrival, (t, value)) in events.into_iter().enumerate() {
            let x = value as f64 * factor;
            let held = trail.add(t, (value, x, arrival));
            prop_assert_eq!(landed(ints.add(&w, t, Number::Int(value))), held);
            prop_assert_eq!(landed(floats.add(&w, t, Number::Float(x))), held);
            prop_assert_eq!(landed(ends.add(&w, t, arrival as u64)), held);
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let numbers = |pick: fn(&(i64, f64, usize)) -> Number| {
                    let list = |values: Vec<(i64, f64, usize)>| values.iter().map(pick).collect::<Vec<_>>();
                    (list(cover.inner()), list(cover.edge()))
                };
                let least = |v: &[Number]| v.iter().copied().reduce(|a, b| if b < a { b } else { a });
                let most = |v: &[Number]| v.iter().copied().reduce(|a, b| if b > a { b } else { a });
                for (record, scale, (inner, edge)) in [
                    (&ints, Scale::Int, numbers(|v| Number::Int(v.0))),
                    (&floats, Scale::Float, numbers(|v| Number::Float(v.1 + 0.0))),
                ] {
                    let all = [inner.clone(), edge.clone()].concat();
                    let (min, max) = if all.is_empty() {
                        (Reading::Unknown(Why::Empty), Reading::Unknown(Why::Empty))
                    } else {
                        let (lo, hi) = (least(&all).unwrap(), most(&all).unwrap());
                        if cover.collapsed || edge.is_empty() {
                            (known(lo, lo, lo, cover.estimated), known(hi, hi, hi, cover.estimated))
                        } else {
                            let above = least(&inner).or(most(&edge)).unwrap();
                            let below = most(&inner).or(least(&edge)).unwrap();
                            (known(lo, lo, above, cover.estimated), known(hi, below, hi, cover.estimated))
                        }
                    };
                    prop_assert_eq!(record.min(&w, at, scale), min);
                    prop_assert_eq!(record.max(&w, at, scale), max);
                }

                let all: Vec<(i128, (i64, f64, usize))> =
                    cover.inner.iter().flatten().chain(&cover.edge).copied().collect();
                let wide_at = i128::from(at);
                let since = match w.kind() {
                    WindowKind::Tumbling => wide_at.div_euclid(w.length().into()) * i128::from(w.length()) - 1,
                    WindowKind::Economy => wide_at - i128::from(w.length()),
                    _ => wide_at - 7 * i128::from(w.width()),
                };
                let inside = |time: i128| time > since && time <= wide_at;
                let lost = cover.estimated && !cover.collapsed;
                let first = all.iter().min_by_key(|(t, v)| (*t, v.2)).map(|(t, v)| Picked {
                    payload: v.2 as u64,
                    at: *t as i64,
                    certain: inside(*t) && !lost,
                });
                let last = all.iter().max_by_key(|(t, v)| (*t, v.2)).map(|(t, v)| Picked {
                    payload: v.2 as u64,
                    at: *t as i64,
                    certain: inside(*t),
                });
                prop_assert_eq!(ends.first(&w, at), first);
                prop_assert_eq!(ends.last(&w, at), last);
            }
        }
    }
}

/// Any double goes into a sum as its nearest multiple of 2^-64, and comes out again.
#[test]
fn a_float_alone_is_its_own_sum() {
    let w = Window::new(WindowKind::Sliding, 1000).unwrap();
    for x in [0.1, -0.1, 1.0 / 3.0, 1e-5, 123_456_789.123, -9.2e18, 2_f64.powi(-64), 0.0, 5e-324, 1e-300] {
        let mut sum = FloatSum::new(&w);
        sum.add(&w, 0, x);
        assert_eq!(sum.read(&w, 0).value(), Some(from_fixed(fixed(x))), "{x}");
    }
    for x in [9.3e18, -1e300, f64::MAX] {
        let mut sum = FloatSum::new(&w);
        sum.add(&w, 0, x);
        assert_eq!(sum.read(&w, 0), Reading::Unknown(Why::Overflow), "{x}");
    }
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut sum = FloatSum::new(&w);
        assert_eq!(sum.add(&w, 0, x), Landing::Dropped);
        assert_eq!(sum.read(&w, 0).value(), Some(Number::Float(0.0)));
    }
}

/// Ten million tenths, in any order, are a million: each lane is exact, so the sum is rounded once.
#[test]
fn float_sums_do_not_drift() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    let mut sum = FloatSum::new(&w);
    for i in 0..1_000_000_i64 {
        sum.add(&w, i % 6_000, 0.1);
    }
    // The double 0.1 is a little more than a tenth.
    assert_eq!(sum.read(&w, 6_000).value(), Some(Number::Float(100_000.0)));
}

#[test]
fn float_averages_of_equal_values_are_that_value() {
    let w = Window::new(WindowKind::Sliding, 86_400_000).unwrap();
    for x in [0.1, 50.0, -3.75, 1e9 + 0.1, 4e15] {
        let mut average = Average::<u128>::new(&w);
        for i in 0..100_i64 {
            average.add(&w, i * 900_000, x);
        }
        let Some(Number::Float(mean)) = average.read(&w, 99 * 900_000, 0).value() else {
            panic!("unknown for {x}")
        };
        assert!((mean - x).abs() <= x.abs() * 1e-15, "{mean} for {x}");
    }
}

/// Times at the ends of the range neither panic nor overflow.
#[test]
fn extreme_times_are_harmless() {
    for kind in [WindowKind::Sliding, WindowKind::Exact, WindowKind::Economy, WindowKind::Tumbling] {
        for length in [1, 7, 1 << 42] {
            let w = Window::new(kind, length).unwrap();
            let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
            let mut count = Count::new(&w);
            for t in times {
                count.add(&w, t);
                for at in times {
                    assert!(count.read(&w, at).value().is_some());
                }
            }
            assert_eq!(count.add(&w, i64::MIN), Landing::Dropped);
            assert_eq!(count.read(&w, i64::MAX).value().map(|n| n >= Number::Int(1)), Some(true));
        }
    }
    assert!(Window::new(WindowKind::Sliding, 0).is_none());
    assert!(Window::new(WindowKind::Sliding, (1 << 42) + 1).is_none());
}

#[test]
fn evicted_mass_is_added_and_marked() {
    let w = Window::new(WindowKind::Sliding, 7).unwrap();
    let mut count = Count::new(&w);
    count.add(&w, 0);
    let read = count.read(&w, 0);
    assert_eq!(read.with_evicted(Number::Int(0)), read);
    let Reading::Known { value, lo, hi, exact, estimated } = read.with_evicted(Number::Int(40)) else {
        panic!()
    };
    assert_eq!(
        (value, lo, hi, exact, estimated),
        (Number::Int(41), Number::Int(0), Number::Int(41), false, true)
    );
    assert_eq!(read.with_evicted(Number::Int(i64::MAX)), Reading::Unknown(Why::Overflow));
    assert_eq!(read.is_absent(), Some(false));
    assert_eq!(Count::new(&w).read(&w, 0).is_absent(), Some(true));
}

/// An exact window that held more than its log is a sliding one until the lost events have passed.
#[test]
fn a_full_log_falls_back_to_lanes() {
    let w = Window::new(WindowKind::Exact, 70_000).unwrap();
    let mut count = Count::new(&w);
    let mut trail = Trail::new(&w, LOG);
    for t in 0..5_000_i64 {
        count.add(&w, t * 2);
        trail.add(t * 2, ());
    }
    let Reading::Known { value, .. } = count.read(&w, 9_998) else { panic!() };
    assert_eq!(value, Number::Int(5_000));
    let inexact = count.read(&w, 71_000);
    assert!(matches!(inexact, Reading::Known { exact: false, .. }), "{inexact:?}");
    // 5,000 - 4,096 events left: times 0 to 1,806. From 71,807 on the window begins after them.
    assert_eq!(trail.held.len(), 5_000);
    assert_eq!(count.read(&w, 71_806), Reading::certain(Number::Int(4_096)));
    assert!(matches!(count.read(&w, 71_805), Reading::Known { exact: false, .. }));
}
