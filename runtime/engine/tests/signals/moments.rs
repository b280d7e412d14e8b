//! Standard deviation and the regularity of gaps.

use proptest::prelude::*;
use weir_engine::state::{Gaps, Landing, Number, Reading, Spread, Why};

use crate::trail::{ALL, Cover, LOG, Trail, cases, known, reads, streams};

#[derive(Clone, Copy, Debug)]
struct M {
    n: f64,
    mean: f64,
    m2: f64,
}

fn welford(values: &[(i128, f64)]) -> M {
    let mut m = M { n: 0.0, mean: 0.0, m2: 0.0 };
    for (_, x) in values {
        m.n += 1.0;
        let d = x - m.mean;
        m.mean += d / m.n;
        m.m2 += d * (x - m.mean);
    }
    m
}

fn chan(lanes: &[M]) -> M {
    let mut lanes = lanes.iter().filter(|m| m.n > 0.0);
    let Some(first) = lanes.next() else { return M { n: 0.0, mean: 0.0, m2: 0.0 } };
    lanes.fold(*first, |a, b| {
        let n = a.n + b.n;
        let d = b.mean - a.mean;
        M { n, mean: a.mean + d * (b.n / n), m2: a.m2 + b.m2 + d * d * (a.n * b.n / n) }
    })
}

/// stddev and mean as (value, lo, hi), or why not.
fn moments(cover: &Cover<f64>, need: u64) -> Result<([f64; 3], [f64; 3], f64), Why> {
    let (n, e) = (cover.inner().len() as i128, cover.edge.len() as i128);
    let have = n + cover.part(e);
    if have < i128::from(need) {
        return Err(Why::TooFew { have: have as u64, need });
    }
    if n + e == 0 {
        return Err(Why::Empty);
    }
    let lanes: Vec<M> = cover.inner.iter().map(|lane| welford(lane)).collect();
    let edge = welford(&cover.edge);
    let f = cover.k as f64 / cover.width as f64;
    let weighted = M { n: edge.n * f, mean: edge.mean, m2: edge.m2 * f };
    let all = chan(&[&[weighted], &lanes[..]].concat());
    let inner = chan(&lanes);
    let (sd, mean) = ((all.m2 / all.n).sqrt(), all.mean);
    let most = inner.n + e as f64;
    if cover.collapsed || e == 0 {
        return Ok(([sd; 3], [mean; 3], most));
    }
    let a = cover.edge().iter().copied().fold(f64::INFINITY, f64::min);
    let b = cover.edge().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if n == 0 {
        return Ok(([sd, 0.0, (b - a) / 2.0], [mean, a, b], most));
    }
    let (n, e) = (n as f64, e as f64);
    let j = e.min(n);
    let q = j * n / ((n + j) * (n + j));
    let d = (a - inner.mean).abs().max((b - inner.mean).abs());
    let hi = ((inner.m2 / n).max((inner.m2 + e * (b - a) * (b - a) / 4.0) / (n + e)) + q * (d * d)).sqrt();
    let s = n * inner.mean;
    let means = [mean, inner.mean.min((s + e * a) / (n + e)), inner.mean.max((s + e * b) / (n + e))];
    Ok(([sd, (inner.m2 / (n + e)).sqrt(), hi], means, most))
}

fn floats([value, lo, hi]: [f64; 3], estimated: bool) -> Reading {
    known(Number::Float(value), Number::Float(lo), Number::Float(hi), estimated)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn stddev((w, events) in streams(ALL), need in 0_u64..4, offset in prop_oneof![Just(0.0), Just(1e9)]) {
        let mut spread = Spread::new(&w);
        let mut trail = Trail::new(&w, LOG);
        for (t, value) in events {
            let x = value as f64 * 0.7 + offset;
            prop_assert_eq!(spread.add(&w, t, Number::Float(x)) == Landing::Held, trail.add(t, x));
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let expected = match moments(&cover, need) {
                    Ok((stddev, ..)) => floats(stddev, cover.estimated),
                    Err(why) => Reading::Unknown(why),
                };
                prop_assert_eq!(spread.read(&w, at, need), expected);
            }
        }
    }

    #[test]
    fn cv_of_gaps((w, events) in streams(ALL), need in 0_u64..4) {
        let mut gaps = Gaps::new(&w);
        let mut trail = Trail::new(&w, LOG);
        let mut previous: Option<i64> = None;
        for (t, _) in events {
            let late = previous.is_some_and(|previous| t < previous);
            prop_assert_eq!(gaps.add(&w, t) == Landing::Dropped, late);
            if !late {
                if let Some(gap) = previous.map(|previous| t - previous)
                    && gap <= w.length()
                {
                    trail.add(t, gap as f64);
                }
                previous = Some(t);
            }
            for at in reads(&w, t) {
                let cover = trail.cover(at);
                let expected = match moments(&cover, need) {
                    Err(why) => Reading::Unknown(why),
                    Ok((_, mean, _)) if mean[0] == 0.0 => Reading::Unknown(Why::Undefined),
                    Ok((sd, mean, _)) if cover.collapsed || (sd == [sd[0]; 3] && mean == [mean[0]; 3]) => {
                        floats([sd[0] / mean[0]; 3], cover.estimated)
                    }
                    Ok((sd, mean, most)) => {
                        let widest = (most - 1.0).max(0.0).sqrt();
                        let hi = if mean[1] > 0.0 { (sd[2] / mean[1]).min(widest) } else { widest };
                        floats([sd[0] / mean[0], sd[1] / mean[2], hi], cover.estimated)
                    }
                };
                prop_assert_eq!(gaps.read(&w, at, need), expected);
            }
        }
    }
}
