//! Count, rate, share, sum, avg, min, max, first, last.

use crate::reading::{Number, Reading, Why, few};
use crate::window::Cover;

/// `count`.
pub fn count<V: Copy>(cover: &Cover<V>) -> Reading {
    let (inner, edge) = (cover.inner().len() as i128, cover.edge.len() as i128);
    let value = inner + cover.part(edge);
    let (lo, hi) = if cover.collapsed { (value, value) } else { (inner, inner + edge) };
    Reading::between(Number::Int(value), Number::Int(lo), Number::Int(hi), cover.estimated)
}

/// `rate`, per second.
pub fn rate<V: Copy>(cover: &Cover<V>, length: i64) -> Reading {
    let per = |n: Number| match n {
        Number::Int(n) => Number::Float((n * 1000) as f64 / length as f64),
        other => other,
    };
    match count(cover) {
        Reading::Known { value, lo, hi, estimated } => {
            Reading::between(per(value), per(lo), per(hi), estimated)
        }
        other => other,
    }
}

/// `share of p`, over events for which `p` is known.
pub fn share(cover: &Cover<bool>, need: u64) -> Reading {
    let n = |values: &[bool], wanted: bool| values.iter().filter(|hit| **hit == wanted).count() as i128;
    let (inner, edge) = (cover.inner(), cover.edge());
    let (hits_in, hits_edge) = (n(&inner, true), n(&edge, true));
    let (misses_in, misses_edge) = (n(&inner, false), n(&edge, false));
    let total = hits_in + misses_in + cover.part(hits_edge + misses_edge);
    let hits = hits_in + cover.part(hits_edge);
    if let Some(few) = few(total, need) {
        return few;
    }
    let over = |a: i128, b: i128| Number::Float(if b == 0 { 0.0 } else { a as f64 / b as f64 });
    let value = over(hits, total);
    if cover.collapsed {
        return Reading::between(value, value, value, true);
    }
    let lo = over(hits_in, hits_in + misses_in + misses_edge);
    let hi = over(hits_in + hits_edge, hits_in + hits_edge + misses_in);
    Reading::between(value, lo, hi, cover.estimated)
}

/// A double in units of 2^-64, to nearest, ties to even; its sign apart.
fn units(x: f64) -> Option<i128> {
    let scaled = x.abs() * 2_f64.powi(32) * 2_f64.powi(32);
    // From 2^127 on a part has left its range.
    (scaled < 2_f64.powi(127)).then(|| scaled.round_ties_even() as i128)
}

fn of_units(n: i128) -> f64 {
    n as f64 * 2_f64.powi(-64)
}

/// `sum` of integers, of milliseconds, of minor units.
pub fn sum_of_ints(cover: &Cover<i64>) -> Reading {
    // Positive and negative parts are kept apart in each lane, and saturate with 64 bits.
    let parts = |values: &[(i128, i64)]| -> Option<(i128, i128)> {
        let up: i128 = values.iter().map(|(_, n)| i128::from(*n).max(0)).sum();
        let down: i128 = values.iter().map(|(_, n)| -i128::from(*n).min(0)).sum();
        (up < u64::MAX.into() && down < u64::MAX.into()).then_some((up, down))
    };
    let inner: Option<Vec<_>> = cover.inner.iter().map(|lane| parts(lane)).collect();
    let (Some(inner), Some((up, down))) = (inner, parts(&cover.edge)) else {
        return Reading::Unknown(Why::Overflow);
    };
    let sum: i128 = inner.iter().map(|(up, down)| up - down).sum();
    let value = sum + cover.part(up - down);
    if i64::try_from(value).is_err() {
        return Reading::Unknown(Why::Overflow);
    }
    let clamp = |n: i128| Number::Int(n.clamp(i64::MIN.into(), i64::MAX.into()));
    let (lo, hi) = if cover.collapsed { (value, value) } else { (sum - down, sum + up) };
    Reading::between(Number::Int(value), clamp(lo), clamp(hi), cover.estimated)
}

/// `sum` of floats.
pub fn sum_of_floats(cover: &Cover<f64>) -> Reading {
    let total = |values: &[f64], negative: bool| -> Option<i128> {
        values
            .iter()
            .filter(|x| (**x < 0.0) == negative)
            .try_fold(0_i128, |sum, x| sum.checked_add(units(*x)?))
    };
    let (inner, edge) = (cover.inner(), cover.edge());
    let parts = [total(&inner, false), total(&inner, true), total(&edge, false), total(&edge, true)];
    let [Some(up_in), Some(down_in), Some(up), Some(down)] = parts else {
        return Reading::Unknown(Why::Overflow);
    };
    let sum = up_in - down_in;
    let (Some(value), lo, hi) =
        (sum.checked_add(cover.part(up - down)), sum.saturating_sub(down), sum.saturating_add(up))
    else {
        return Reading::Unknown(Why::Overflow);
    };
    let number = |n: i128| Number::Float(of_units(n));
    let (lo, hi) = if cover.collapsed { (value, value) } else { (lo, hi) };
    Reading::between(number(value), number(lo), number(hi), cover.estimated)
}

/// `avg` of integers, as a double.
pub fn average_of_ints(cover: &Cover<i64>, need: u64) -> Reading {
    let inner: Vec<i128> = cover.inner().iter().map(|n| i128::from(*n)).collect();
    let edge: Vec<i128> = cover.edge().iter().map(|n| i128::from(*n)).collect();
    let (n, e) = (inner.len() as i128, edge.len() as i128);
    let have = n + cover.part(e);
    if have < i128::from(need) {
        return Reading::Unknown(Why::TooFew { have: have as u64, need });
    }
    if n + e == 0 {
        return Reading::Unknown(Why::Empty);
    }
    if let Reading::Unknown(why) = saturated(cover) {
        return Reading::Unknown(why);
    }
    let (sum_in, sum_edge): (i128, i128) = (inner.iter().sum(), edge.iter().sum());
    let divide = |a: i128, b: i128| a.div_euclid(b) as f64 + a.rem_euclid(b) as f64 / b as f64;
    // Without an edge the weights are equal, and nothing is multiplied.
    let value = match e {
        0 => divide(sum_in, n),
        _ => divide(sum_in * cover.width + sum_edge * cover.k, n * cover.width + e * cover.k),
    };
    let edges: Vec<f64> = edge.iter().map(|n| *n as f64).collect();
    bounds(cover, value, (n as f64, sum_in as f64, divide(sum_in, n.max(1))), &edges)
}

/// A part of a lane that is full makes a sum unknown; the range of the result does not matter here.
fn saturated(cover: &Cover<i64>) -> Reading {
    let full = |values: &[(i128, i64)]| {
        let part = |sign: i128| -> i128 { values.iter().map(|(_, n)| (sign * i128::from(*n)).max(0)).sum() };
        part(1) >= u64::MAX.into() || part(-1) >= u64::MAX.into()
    };
    match cover.inner.iter().any(|lane| full(lane)) || full(&cover.edge) {
        true => Reading::Unknown(Why::Overflow),
        false => Reading::certain(Number::Int(0)),
    }
}

/// The interval of an average: the mean of the inner lanes pulled by the edge's smallest and largest value.
fn bounds<V: Copy>(cover: &Cover<V>, value: f64, (n, sum, mean): (f64, f64, f64), edge: &[f64]) -> Reading {
    let number = Number::Float;
    if cover.collapsed || edge.is_empty() {
        return Reading::between(number(value), number(value), number(value), cover.estimated);
    }
    let a = edge.iter().copied().fold(f64::INFINITY, f64::min);
    let b = edge.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if n == 0.0 {
        return Reading::between(number(value), number(a), number(b), cover.estimated);
    }
    let e = edge.len() as f64;
    let (lo, hi) = (mean.min((sum + e * a) / (n + e)), mean.max((sum + e * b) / (n + e)));
    Reading::between(number(value), number(lo), number(hi), cover.estimated)
}

fn least(values: &[Number]) -> Option<Number> {
    values.iter().copied().reduce(|a, b| if b.is_below(a) { b } else { a })
}

fn most(values: &[Number]) -> Option<Number> {
    values.iter().copied().reduce(|a, b| if a.is_below(b) { b } else { a })
}

/// `min`.
pub fn min(cover: &Cover<Number>) -> Reading {
    let (inner, edge) = (cover.inner(), cover.edge());
    let Some(value) = least(&cover.all()) else { return Reading::Unknown(Why::Empty) };
    if cover.collapsed || edge.is_empty() {
        return Reading::between(value, value, value, cover.estimated);
    }
    let above = least(&inner).or(most(&edge)).unwrap();
    Reading::between(value, value, above, cover.estimated)
}

/// `max`.
pub fn max(cover: &Cover<Number>) -> Reading {
    let (inner, edge) = (cover.inner(), cover.edge());
    let Some(value) = most(&cover.all()) else { return Reading::Unknown(Why::Empty) };
    if cover.collapsed || edge.is_empty() {
        return Reading::between(value, value, value, cover.estimated);
    }
    let below = most(&inner).or(least(&edge)).unwrap();
    Reading::between(value, below, value, cover.estimated)
}

/// `first`: the oldest by time, then arrival.
pub fn first<V: Copy>(cover: &Cover<V>) -> Option<V> {
    ends(cover).first().map(|(_, v)| *v)
}

/// `last`: the newest by time, then arrival.
pub fn last<V: Copy>(cover: &Cover<V>) -> Option<V> {
    ends(cover).last().map(|(_, v)| *v)
}

/// Everything covered, by time; equal times in order of arrival, since lanes keep it.
fn ends<V: Copy>(cover: &Cover<V>) -> Vec<(i128, V)> {
    let mut all: Vec<(i128, V)> = cover.edge.iter().chain(cover.inner.iter().flatten()).copied().collect();
    all.sort_by_key(|(at, _)| *at);
    all
}
