//! Standard deviation, and how uneven gaps are.

use crate::reading::{Number, Reading, Why};
use crate::window::{Cover, Kind, LOG, Trail};

/// Moments: how many, their mean, and the sum of squares about it.
#[derive(Clone, Copy, Debug)]
struct Moments {
    n: f64,
    mean: f64,
    m2: f64,
}

fn welford(values: &[(i128, f64)]) -> Moments {
    let mut m = Moments { n: 0.0, mean: 0.0, m2: 0.0 };
    for (_, x) in values {
        m.n += 1.0;
        let d = x - m.mean;
        m.mean += d / m.n;
        m.m2 += d * (x - m.mean);
    }
    m
}

fn chan(lanes: impl IntoIterator<Item = Moments>) -> Moments {
    let mut lanes = lanes.into_iter().filter(|m| m.n > 0.0);
    let Some(first) = lanes.next() else { return Moments { n: 0.0, mean: 0.0, m2: 0.0 } };
    lanes.fold(first, |a, b| {
        let n = a.n + b.n;
        let d = b.mean - a.mean;
        Moments { n, mean: a.mean + d * (b.n / n), m2: a.m2 + b.m2 + d * d * (a.n * b.n / n) }
    })
}

/// (value, lo, hi) of the standard deviation and of the mean, and the most events there can be.
struct Spread {
    deviation: [f64; 3],
    mean: [f64; 3],
    most: f64,
}

fn spread(cover: &Cover<f64>, need: u64) -> Result<Spread, Why> {
    let (n, e) = (cover.inner().len() as i128, cover.edge.len() as i128);
    let have = n + cover.part(e);
    if have < i128::from(need) {
        return Err(Why::TooFew { have: have as u64, need });
    }
    if n + e == 0 {
        return Err(Why::Empty);
    }
    let inner = chan(cover.inner.iter().map(|lane| welford(lane)));
    let edge = welford(&cover.edge);
    let weight = cover.k as f64 / cover.width as f64;
    let weighted = Moments { n: edge.n * weight, mean: edge.mean, m2: edge.m2 * weight };
    let all = chan(std::iter::once(weighted).chain(cover.inner.iter().map(|lane| welford(lane))));
    let (sd, mean) = ((all.m2 / all.n).sqrt(), all.mean);
    let most = inner.n + e as f64;
    if cover.collapsed || e == 0 {
        return Ok(Spread { deviation: [sd; 3], mean: [mean; 3], most });
    }
    let a = cover.edge().iter().copied().fold(f64::INFINITY, f64::min);
    let b = cover.edge().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if n == 0 {
        return Ok(Spread { deviation: [sd, 0.0, (b - a) / 2.0], mean: [mean, a, b], most });
    }
    let (n, e) = (n as f64, e as f64);
    let j = e.min(n);
    let q = j * n / ((n + j) * (n + j));
    let d = (a - inner.mean).abs().max((b - inner.mean).abs());
    let within = (inner.m2 / n).max((inner.m2 + e * (b - a) * (b - a) / 4.0) / (n + e));
    let sum = n * inner.mean;
    Ok(Spread {
        deviation: [sd, (inner.m2 / (n + e)).sqrt(), (within + q * (d * d)).sqrt()],
        mean: [mean, inner.mean.min((sum + e * a) / (n + e)), inner.mean.max((sum + e * b) / (n + e))],
        most,
    })
}

fn floats([value, lo, hi]: [f64; 3], estimated: bool) -> Reading {
    Reading::between(Number::Float(value), Number::Float(lo), Number::Float(hi), estimated)
}

/// `stddev`, the population's.
pub fn deviation(cover: &Cover<f64>, need: u64) -> Reading {
    match spread(cover, need) {
        Ok(spread) => floats(spread.deviation, cover.estimated),
        Err(why) => Reading::Unknown(why),
    }
}

/// The gaps between the events of a key.
#[derive(Clone, Debug)]
pub struct Gaps {
    trail: Trail<f64>,
    length: i64,
    previous: Option<i64>,
}

impl Gaps {
    /// No event yet.
    pub fn new(kind: Kind, length: i64) -> Self {
        Self { trail: Trail::new(kind, length, LOG), length, previous: None }
    }

    /// Takes an event. One that is older than the one before makes no gap and does not become the one before.
    pub fn add(&mut self, t: i64) {
        if self.previous.is_some_and(|previous| t < previous) {
            return;
        }
        let gap = self.previous.map(|previous| i128::from(t) - i128::from(previous));
        if let Some(gap) = gap.filter(|gap| *gap <= i128::from(self.length)) {
            self.trail.add(t, gap as f64);
        }
        self.previous = Some(t);
    }

    /// `cv of gaps`.
    pub fn variation(&self, t: i64, need: u64) -> Reading {
        let cover = self.trail.cover(t);
        let spread = match spread(&cover, need) {
            Ok(spread) => spread,
            Err(why) => return Reading::Unknown(why),
        };
        let (sd, mean) = (spread.deviation, spread.mean);
        if mean[0] == 0.0 {
            return Reading::Unknown(Why::Undefined);
        }
        let certain = sd == [sd[0]; 3] && mean == [mean[0]; 3];
        if cover.collapsed || certain {
            return floats([sd[0] / mean[0]; 3], cover.estimated);
        }
        let widest = (spread.most - 1.0).max(0.0).sqrt();
        let hi = if mean[1] > 0.0 { (sd[2] / mean[1]).min(widest) } else { widest };
        floats([sd[0] / mean[0], sd[1] / mean[2], hi], cover.estimated)
    }
}
