//! Distinct, quantiles, entropy, top, sequential: exact up to the number of values that the page promises.

use std::collections::{BTreeMap, BTreeSet};

use crate::reading::{Number, Reading, Why, few};
use crate::window::Cover;

/// Different values up to which `distinct`, quantiles and `top` are exact.
pub const EXACT: usize = 64;

/// `distinct`; nothing past [`EXACT`] values held.
pub fn distinct<V: Ord + Copy>(cover: &Cover<V>) -> Reading {
    let different = |values: Vec<V>| values.into_iter().collect::<BTreeSet<V>>().len() as i128;
    let value = different(cover.all());
    let lo = if cover.collapsed { value } else { different(cover.inner()) };
    Reading::between(Number::Int(value), Number::Int(lo), Number::Int(value), cover.estimated)
}

/// The `percent`-th quantile by nearest rank.
pub fn quantile(cover: &Cover<Number>, percent: usize, need: u64) -> Reading {
    let sorted = |mut values: Vec<Number>| {
        values.sort_by(|a, b| match (a, b) {
            (Number::Int(a), Number::Int(b)) => a.cmp(b),
            (a, b) => a.float().total_cmp(&b.float()),
        });
        values
    };
    let (inner, all) = (sorted(cover.inner()), sorted(cover.all()));
    if let Some(few) = few(all.len() as i128, need) {
        return few;
    }
    let rank = (all.len() * percent).div_ceil(100);
    let value = all[rank - 1];
    if cover.collapsed {
        return Reading::between(value, value, value, true);
    }
    let edge = all.len() - inner.len();
    let lo = if rank > edge { inner[rank - edge - 1] } else { all[0] };
    let hi = if rank <= inner.len() { inner[rank - 1] } else { all[all.len() - 1] };
    Reading::between(value, lo, hi, cover.estimated)
}

fn frequencies<V: Ord + Copy>(values: &[V]) -> BTreeMap<V, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(*value).or_insert(0) += 1;
    }
    counts
}

/// Shannon entropy in bits.
fn shannon<V: Ord + Copy>(values: &[V]) -> f64 {
    let mut counts: Vec<u64> = frequencies(values).into_values().collect();
    counts.sort_unstable();
    let n = values.len() as f64;
    // Equal terms are summed as a product: so the page's sum over ascending counts is one rounding a count.
    let sum = counts
        .chunk_by(|a, b| a == b)
        .fold(0.0, |sum, equal| sum + (equal[0] * equal.len() as u64) as f64 * libm::log2(equal[0] as f64));
    (libm::log2(n) - sum / n).max(0.0)
}

/// `entropy`, up to 256 values.
pub fn entropy<V: Ord + Copy>(cover: &Cover<V>) -> Reading {
    let (inner, all) = (cover.inner(), cover.all());
    if all.is_empty() {
        return Reading::Unknown(Why::Empty);
    }
    let h = shannon(&all);
    let (lo, hi) = if cover.collapsed || cover.edge.is_empty() {
        (h, h)
    } else {
        let lo = if inner.is_empty() { 0.0 } else { shannon(&inner) * inner.len() as f64 / all.len() as f64 };
        (lo, libm::log2(frequencies(&all).len() as f64))
    };
    Reading::between(Number::Float(h), Number::Float(lo), Number::Float(hi), cover.estimated)
}

/// `top`: the values that may be named, which are several only where counts are equal.
pub fn top<V: Ord + Copy>(cover: &Cover<V>) -> Vec<V> {
    let counts = frequencies(&cover.all());
    let most = counts.values().copied().max().unwrap_or(0);
    counts.into_iter().filter(|(_, n)| *n == most).map(|(value, _)| value).collect()
}

/// The longest run of consecutive integers.
pub fn longest_run(values: &[i64]) -> i128 {
    let set: BTreeSet<i128> = values.iter().map(|v| i128::from(*v)).collect();
    let starts = set.iter().filter(|v| !set.contains(&(**v - 1)));
    starts.map(|v| (*v..).take_while(|x| set.contains(x)).count() as i128).max().unwrap_or(0)
}

/// `sequential`, up to 1,024 values.
pub fn sequential(cover: &Cover<i64>) -> Reading {
    let value = longest_run(&cover.all());
    let lo = if cover.collapsed { value } else { longest_run(&cover.inner()) };
    Reading::between(Number::Int(value), Number::Int(lo), Number::Int(value), cover.estimated)
}
