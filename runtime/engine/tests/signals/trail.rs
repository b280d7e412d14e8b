//! The raw events of a key and the windows over them, straight from the reference; and the streams that drive the tests.

use proptest::prelude::*;
use weir_engine::state::{Number, Reading, Why, Window, WindowKind};

/// The tests' configuration: failures are printed with their input, not saved.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) const LOG: usize = 4_096;
pub(crate) const VALUE_LOG: usize = 1_024;

/// All events that were not dropped, in order of arrival.
pub(crate) struct Trail<V> {
    pub(crate) kind: WindowKind,
    pub(crate) length: i128,
    pub(crate) held: Vec<(i128, V)>,
    newest: Option<i128>,
    log: Vec<(i128, V)>,
    gone: i128,
    bound: usize,
}

/// What a read covers.
#[derive(Debug)]
pub(crate) struct Cover<V> {
    /// By lane, oldest first, each in order of arrival.
    pub(crate) inner: Vec<Vec<(i128, V)>>,
    pub(crate) edge: Vec<(i128, V)>,
    pub(crate) k: i128,
    pub(crate) width: i128,
    pub(crate) estimated: bool,
    pub(crate) collapsed: bool,
}

impl<V: Copy> Cover<V> {
    pub(crate) fn inner(&self) -> Vec<V> {
        self.inner.iter().flatten().map(|(_, v)| *v).collect()
    }

    pub(crate) fn edge(&self) -> Vec<V> {
        self.edge.iter().map(|(_, v)| *v).collect()
    }

    pub(crate) fn all(&self) -> Vec<V> {
        [self.edge(), self.inner()].concat()
    }

    pub(crate) fn part(&self, n: i128) -> i128 {
        (n * self.k).div_euclid(self.width)
    }
}

impl<V: Copy> Trail<V> {
    pub(crate) fn new(w: &Window, bound: usize) -> Trail<V> {
        Trail {
            kind: w.kind(),
            length: i128::from(w.length()),
            held: Vec::new(),
            newest: None,
            log: Vec::new(),
            gone: i128::MIN,
            bound,
        }
    }

    pub(crate) fn width(&self) -> i128 {
        match self.kind {
            WindowKind::Sliding | WindowKind::Exact => (self.length + 6) / 7,
            _ => self.length,
        }
    }

    fn lanes_held(&self) -> i128 {
        if matches!(self.kind, WindowKind::Sliding | WindowKind::Exact) { 8 } else { 2 }
    }

    pub(crate) fn lane(&self, t: i128) -> i128 {
        t.div_euclid(self.width())
    }

    /// True when the event counts.
    pub(crate) fn add(&mut self, t: i64, v: V) -> bool {
        let t = i128::from(t);
        let lane = self.lane(t);
        if self.newest.is_some_and(|newest| lane <= newest - self.lanes_held()) {
            return false;
        }
        self.newest = self.newest.max(Some(lane));
        self.held.push((t, v));
        if self.kind == WindowKind::Exact {
            self.log.push((t, v));
            self.log.sort_by_key(|(t, _)| *t);
            let newest = self.log.last().unwrap().0;
            let mut excess = self.log.len().saturating_sub(self.bound);
            let (length, gone) = (self.length, &mut self.gone);
            self.log.retain(|(t, _)| {
                let leaves = excess > 0 || *t <= newest - length || *t <= *gone;
                if leaves {
                    *gone = (*gone).max(*t);
                    excess = excess.saturating_sub(1);
                }
                !leaves
            });
        }
        true
    }

    /// What a read at `t` takes of the lanes, or of the log of an exact window.
    pub(crate) fn cover(&self, t: i64) -> Cover<V> {
        let t = i128::from(t);
        let width = self.width();
        if self.kind == WindowKind::Exact && self.gone <= t - self.length {
            let within =
                self.log.iter().filter(|(at, _)| *at > t - self.length && *at <= t).copied().collect();
            return Cover {
                inner: vec![within],
                edge: vec![],
                k: 1,
                width: 1,
                estimated: false,
                collapsed: false,
            };
        }
        let c = self.lane(t);
        let (first, edge) = match self.kind {
            WindowKind::Sliding | WindowKind::Exact => (c - 6, Some(c - 7)),
            WindowKind::Economy => (c, Some(c - 1)),
            WindowKind::Tumbling => (c, None),
        };
        let oldest_held = self.newest.map_or(i128::MAX, |newest| newest - self.lanes_held() + 1);
        let of = |lane: i128| -> Vec<(i128, V)> {
            let held = lane >= oldest_held;
            self.held.iter().filter(|(at, _)| held && self.lane(*at) == lane).copied().collect()
        };
        let collapsed = self.kind == WindowKind::Economy;
        let needed = edge.unwrap_or(first);
        let lost = self.newest.is_some() && needed < oldest_held;
        Cover {
            inner: (first..=c).map(of).collect(),
            edge: edge.map(of).unwrap_or_default(),
            k: width - t.rem_euclid(width),
            width,
            estimated: collapsed || lost,
            collapsed,
        }
    }
}

/// A reading to compare with: floats by their bits.
pub(crate) fn known(value: Number, lo: Number, hi: Number, estimated: bool) -> Reading {
    let lo = if value < lo { value } else { lo };
    let hi = if value > hi { value } else { hi };
    Reading::Known { value, lo, hi, exact: !estimated && lo == value && hi == value, estimated }
}

pub(crate) fn int(n: i128) -> Number {
    Number::Int(i64::try_from(n).unwrap())
}

pub(crate) fn few(have: i128, need: u64) -> Option<Reading> {
    if have < i128::from(need) {
        Some(Reading::Unknown(Why::TooFew { have: have as u64, need }))
    } else if have == 0 {
        Some(Reading::Unknown(Why::Empty))
    } else {
        None
    }
}

/// A window, and events as (time, small value) in order of arrival: clustered at lane and window boundaries, some late, some simultaneous.
pub(crate) fn streams(kinds: &'static [WindowKind]) -> impl Strategy<Value = (Window, Vec<(i64, i64)>)> {
    let lengths =
        prop_oneof![1_i64..=20, Just(1_000), 1_i64..100_000, Just(86_400_000), Just(90 * 86_400_000)];
    let starts = prop_oneof![-50_i64..50, -1_000_000_000_i64..1_000_000_000, Just(1_700_000_000_000)];
    let steps = prop::collection::vec((0_u8..16, 0_i64..1_000_000, -9_i64..9), 1..80);
    (prop::sample::select(kinds), lengths, starts, steps).prop_map(|(kind, length, start, steps)| {
        let w = Window::new(kind, length).unwrap();
        let width = w.width();
        let mut now = start;
        let events = steps
            .into_iter()
            .map(|(step, r, value)| {
                let (ahead, late) = match step {
                    0 | 1 => (0, 0),
                    2 => (1, 0),
                    3 => (width, 0),
                    4 => ((width - 1).max(0), 0),
                    5 => (width + 1, 0),
                    6 => (width - now.rem_euclid(width), 0),
                    7 => (length, 0),
                    8 => (r % (2 * length), 0),
                    9 => (0, r % (width + 1)),
                    10 => (0, r % (length + 1)),
                    11 => (0, 7 * width + r % 3 - 1),
                    12 => (if r % 5 == 0 { 9 * width + r } else { 3 }, 0),
                    _ => (r % (width + 1), 0),
                };
                now += ahead;
                (now - late, value)
            })
            .collect();
        (w, events)
    })
}

pub(crate) const ALL: &[WindowKind] =
    &[WindowKind::Sliding, WindowKind::Exact, WindowKind::Economy, WindowKind::Tumbling];

/// Times to read at after an event at `t`: then, a little before and after, at lane and window boundaries.
pub(crate) fn reads(w: &Window, t: i64) -> [i64; 8] {
    let next = t - t.rem_euclid(w.width()) + w.width();
    [t, t + 1, t - 1, next - 1, next, t + w.length(), t + 7 * w.width() - 1, t - w.width()]
}
