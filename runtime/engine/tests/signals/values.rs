//! Distinct, quantiles, entropy, top and sequential.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weir_engine::state::{
    Distinct, Entropy, Landing, Number, Percent, Quantile, Reading, Scale, Sequential, Top, TopReading, Why,
    Window, WindowKind,
};

use crate::trail::{ALL, Trail, VALUE_LOG, cases, few, int, known, reads, streams};

/// A well-mixed 64-bit number (splitmix64), as a keyed hash would be.
pub(crate) fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn frequencies<T: Ord + Copy>(values: &[T]) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(*value).or_insert(0) += 1;
    }
    counts
}

pub(crate) fn shannon(values: &[u64]) -> f64 {
    let mut by_count: BTreeMap<u64, u64> = BTreeMap::new();
    for count in frequencies(values).values() {
        *by_count.entry(*count).or_insert(0) += 1;
    }
    let n = values.len() as f64;
    let sum: f64 = by_count.iter().fold(0.0, |sum, (c, m)| sum + (c * m) as f64 * libm::log2(*c as f64));
    (libm::log2(n) - sum / n).max(0.0)
}

pub(crate) fn longest_run(values: &[i64]) -> i64 {
    let set: BTreeSet<i64> = values.iter().copied().collect();
    set.iter()
        .filter(|v| !set.contains(&(**v - 1)))
        .map(|v| (*v..).take_while(|x| set.contains(x)).count() as i64)
        .max()
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn distinct_entropy_top_sequential((w, events) in streams(ALL)) {
        let (mut distinct, mut entropy) = (Distinct::new(&w), Entropy::new(&w));
        let (mut top, mut sequential) = (Top::new(&w), Sequential::new(&w));
        let mut trail = Trail::new(&w, VALUE_LOG);
        for (t, value) in events {
            let hash = mix(value as u64);
            let held = trail.add(t, (value, hash));
            prop_assert_eq!(distinct.add(&w, t, hash) == Landing::Held, held);
            prop_assert_eq!(entropy.add(&w, t, hash) == Landing::Held, held);
            prop_assert_eq!(top.add(&w, t, hash, value as u32) == Landing::Held, held);
            prop_assert_eq!(sequential.add(&w, t, value) == Landing::Held, held);
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let hashes = |values: Vec<(i64, u64)>| values.iter().map(|v| v.1).collect::<Vec<_>>();
                let (inner, edge, all) = (hashes(cover.inner()), hashes(cover.edge()), hashes(cover.all()));
                let different = |v: &[u64]| frequencies(v).len() as i128;

                let value = different(&all);
                let lo = if cover.collapsed { value } else { different(&inner) };
                prop_assert_eq!(distinct.read(&w, at), known(int(value), int(lo), int(value), cover.estimated));

                let expected = if all.is_empty() {
                    Reading::Unknown(Why::Empty)
                } else {
                    let h = shannon(&all);
                    let (lo, hi) = if cover.collapsed || edge.is_empty() {
                        (h, h)
                    } else {
                        let lo = if inner.is_empty() { 0.0 } else { shannon(&inner) * inner.len() as f64 / all.len() as f64 };
                        (lo, libm::log2(value as f64))
                    };
                    known(Number::Float(h), Number::Float(lo), Number::Float(hi), cover.estimated)
                };
                prop_assert_eq!(entropy.read(&w, at), expected);

                let counts = frequencies(&all);
                let expected = counts.iter().map(|(hash, n)| (*n, std::cmp::Reverse(*hash))).max().map(|(n, hash)| {
                    let of = |values: &[u64], hash: u64| values.iter().filter(|v| **v == hash).count() as f64;
                    let over = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
                    let share = n as f64 / all.len() as f64;
                    let (lo, hi) = if cover.collapsed {
                        (share, share)
                    } else {
                        let (i, e) = (of(&inner, hash.0), of(&edge, hash.0));
                        let hi = counts.keys().map(|v| {
                            let (i, e) = (of(&inner, *v), of(&edge, *v));
                            over(i + e, inner.len() as f64 + e)
                        }).fold(share, f64::max);
                        (over(i, all.len() as f64 - e).min(share), hi)
                    };
                    let payload = (-9_i64..9).find(|v| mix(*v as u64) == hash.0).unwrap() as u32;
                    let share = known(Number::Float(share), Number::Float(lo), Number::Float(hi), cover.estimated);
                    TopReading { hash: hash.0, payload, share }
                });
                prop_assert_eq!(top.read(&w, at), expected.ok_or(Why::Empty));

                let numbers = |values: Vec<(i64, u64)>| values.iter().map(|v| v.0).collect::<Vec<_>>();
                let value = longest_run(&numbers(cover.all()));
                let lo = if cover.collapsed { value } else { longest_run(&numbers(cover.inner())) };
                prop_assert_eq!(
                    sequential.read(&w, at),
                    known(Number::Int(value), Number::Int(lo), Number::Int(value), cover.estimated)
                );
            }
        }
    }

    #[test]
    fn quantiles((w, events) in streams(ALL), percent in 1_u8..=100, need in 0_u64..4, float in any::<bool>()) {
        let p = Percent::new(percent).unwrap();
        let scale = if float { Scale::Float } else { Scale::Int };
        let number = |v: i64| if float { Number::Float(v as f64 * 0.3) } else { Number::Int(v) };
        let mut quantile = Quantile::new(&w, scale);
        let mut trail = Trail::new(&w, VALUE_LOG);
        for (t, value) in events {
            prop_assert_eq!(quantile.add(&w, t, number(value)) == Landing::Held, trail.add(t, value));
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let (mut inner, mut all) = (cover.inner(), cover.all());
                inner.sort_unstable();
                all.sort_unstable();
                let rank = (all.len() * usize::from(percent)).div_ceil(100);
                let expected = few(all.len() as i128, need).unwrap_or_else(|| {
                    let value = all[rank - 1];
                    let (lo, hi) = if cover.collapsed {
                        (value, value)
                    } else {
                        let edge = all.len() - inner.len();
                        let lo = if rank > edge { inner[rank - edge - 1] } else { all[0] };
                        let hi = if rank <= inner.len() { inner[rank - 1] } else { all[all.len() - 1] };
                        (lo, hi)
                    };
                    known(number(value), number(lo), number(hi), cover.estimated)
                });
                prop_assert_eq!(quantile.read(&w, at, p, need), expected);
            }
        }
    }

    /// The sketch keeps its bound, for ints and floats, whatever the distribution.
    #[test]
    fn quantile_error(seed in any::<u64>(), spread in 1_u32..15, percent in 1_u8..=100, float in any::<bool>(), negative in any::<bool>()) {
        let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
        let mut quantile = Quantile::new(&w, if float { Scale::Float } else { Scale::Int });
        let octaves = if negative { spread.min(3) } else { spread.min(7) };
        let mut values: Vec<f64> = (0..3_000_u64).map(|i| {
            let u = mix(seed ^ i) as f64 / 2_f64.powi(64);
            let x = 1000.0 * (u * f64::from(octaves)).exp2();
            let x = if float { x } else { x.floor() };
            if negative && mix(seed.wrapping_add(i)) & 1 == 0 { -x } else { x }
        }).collect();
        for (i, x) in values.iter().enumerate() {
            let n = if float { Number::Float(*x) } else { Number::Int(*x as i64) };
            quantile.add(&w, i as i64, n);
        }
        values.sort_by(f64::total_cmp);
        let exact = values[(values.len() * usize::from(percent)).div_ceil(100) - 1];
        let read = quantile.read(&w, 3_000, Percent::new(percent).unwrap(), 0);
        let Reading::Known { value, estimated, .. } = read else { panic!("{read:?}") };
        prop_assert!(estimated);
        prop_assert!((value.to_f64() - exact).abs() <= exact.abs() / 128.0, "{} for {exact}", value.to_f64());
    }
}

/// Past its bins the sketch gives up the lowest values, never the highest, and keeps its size.
#[test]
fn quantiles_of_a_wide_range_keep_the_upper_end() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    let mut quantile = Quantile::new(&w, Scale::Int);
    let mut values: Vec<i64> =
        (0..5_000_u64).map(|i| (mix(i) >> (mix(i ^ 77) % 60)) as i64 & i64::MAX).collect();
    for v in &values {
        quantile.add(&w, 0, Number::Int(*v));
    }
    values.sort_unstable();
    for percent in [95_u8, 99, 100] {
        let exact = values[(5_000 * usize::from(percent)).div_ceil(100) - 1] as f64;
        let value = quantile.read(&w, 0, Percent::new(percent).unwrap(), 0).value().unwrap().to_f64();
        assert!((value - exact).abs() <= exact / 128.0 * 1.000_001, "p{percent}: {value} for {exact}");
    }
    for v in [i64::MIN, i64::MAX, 0, -1] {
        quantile.add(&w, 0, Number::Int(v));
    }
    assert!(quantile.read(&w, 0, Percent::new(1).unwrap(), 0).value().is_some());
    let mut floats = Quantile::new(&w, Scale::Float);
    for i in 0..100 {
        floats.add(&w, 0, Number::Float(f64::MAX / f64::from(i + 1)));
        floats.add(&w, 0, Number::Float(f64::from_bits(i as u64)));
    }
    assert!(floats.read(&w, 0, Percent::new(100).unwrap(), 0).value().unwrap().to_f64() > f64::MAX * 0.99);
    assert_eq!(floats.add(&w, 0, Number::Float(f64::NAN)), Landing::Dropped);
}

/// Exact up to 64 values, an estimate from 65 on, exact again when the lanes have passed.
#[test]
fn distinct_turns_to_a_sketch_and_back() {
    let w = Window::new(WindowKind::Sliding, 700).unwrap();
    let mut distinct = Distinct::new(&w);
    for i in 0..64 {
        distinct.add(&w, i as i64, mix(i));
    }
    assert_eq!(distinct.read(&w, 63), Reading::certain(Number::Int(64)));
    distinct.add(&w, 64, mix(64));
    assert!(matches!(distinct.read(&w, 64), Reading::Known { estimated: true, .. }));
    distinct.add(&w, 64 + 800, mix(1));
    assert_eq!(distinct.read(&w, 864), Reading::certain(Number::Int(1)));
}

/// RMSE over 400 seeds at several sizes, lanes spread: at most 5 %, and nearly unbiased.
#[test]
fn distinct_error() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    for n in [65_u64, 100, 300, 1_000, 3_000, 10_000, 100_000] {
        let seeds = if n > 9_999 { 150 } else { 400 };
        let (mut squares, mut bias) = (0.0, 0.0);
        for seed in 0..seeds {
            let mut distinct = Distinct::new(&w);
            for i in 0..n {
                distinct.add(&w, (i * 7_000 / n) as i64, mix(mix(seed) ^ i));
            }
            let error = distinct.read(&w, 6_999).value().unwrap().to_f64() / n as f64 - 1.0;
            squares += error * error;
            bias += error;
        }
        let (rmse, bias) = ((squares / seeds as f64).sqrt(), bias / seeds as f64);
        println!("distinct {n}: RMSE {:.2} %, bias {:+.2} %", rmse * 100.0, bias * 100.0);
        assert!(rmse <= 0.05, "RMSE {rmse} at {n}");
        assert!(bias.abs() <= 0.01, "bias {bias} at {n}");
    }
}

/// Past 256 values the entropy is a lower bound, and its interval still holds.
#[test]
fn entropy_past_its_bound() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    for n in [256_u64, 257, 1_000, 20_000] {
        let mut entropy = Entropy::new(&w);
        let values: Vec<u64> = (0..n).map(mix).collect();
        for v in &values {
            entropy.add(&w, 0, *v);
        }
        let Reading::Known { value, lo, hi, estimated, .. } = entropy.read(&w, 0) else { panic!() };
        let exact = Number::Float(shannon(&values));
        assert_eq!(estimated, n > 256);
        assert!(lo <= exact && exact <= hi && value <= exact, "{n}");
        if n == 256 {
            assert_eq!(value, Number::Float(8.0));
        }
    }
}

/// A value above 1/64 of the events is found among any number of others.
#[test]
fn top_finds_the_heavy_one() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    for seed in 0..20 {
        let mut top = Top::new(&w);
        for i in 0..20_000_u64 {
            let heavy = mix(i ^ mix(seed)) % 100 < 5;
            let (hash, payload) = if heavy { (42, 1) } else { (mix(i ^ mix(seed + 100)), 0) };
            top.add(&w, (i / 3) as i64, hash, payload);
        }
        let found = top.read(&w, 6_667).unwrap();
        assert_eq!((found.hash, found.payload), (42, 1));
        let Reading::Known { value, estimated, .. } = found.share else { panic!() };
        assert!(estimated);
        assert!((value.to_f64() - 0.05).abs() < 0.05, "{value:?}");
    }
}

/// A crowd of unrelated values cannot push a run out, before it or among it, upwards or downwards.
#[test]
fn a_crowd_does_not_hide_a_run() {
    let w = Window::new(WindowKind::Sliding, 7_000).unwrap();
    for upwards in [true, false] {
        for noise in [1_i64, -1] {
            let mut sequential = Sequential::new(&w);
            let random = |i: u64| noise * (((mix(i) >> 8) as i64) | 1 << 40);
            for i in 0..3_000 {
                sequential.add(&w, 0, random(i));
            }
            for i in 0..200_i64 {
                sequential.add(&w, 1, if upwards { i } else { 1_000 - i });
                for j in 0..5 {
                    sequential.add(&w, 1, random(10_000 + i as u64 * 5 + j));
                }
            }
            let read = sequential.read(&w, 1);
            let Reading::Known { value, estimated, .. } = read else { panic!() };
            assert!(estimated && value >= Number::Int(200), "{read:?}");
        }
    }
    let mut sequential = Sequential::new(&w);
    for v in [i64::MAX, i64::MIN, i64::MAX - 1] {
        sequential.add(&w, 0, v);
    }
    assert_eq!(sequential.read(&w, 0).value(), Some(Number::Int(2)));
}
