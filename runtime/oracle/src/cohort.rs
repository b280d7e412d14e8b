//! Slices of traffic in surplus, while their baselines warm: the floor, where there is one, is then every level.

use std::collections::BTreeMap;

use crate::numbers::count;
use crate::reading::Number;
use crate::window::{Kind, LOG, Trail};

/// A slice: for each dimension the value that it fixes, or none.
pub type Slice = Vec<Option<usize>>;

/// A slice in surplus.
#[derive(Clone, Debug, PartialEq)]
pub struct Surplus {
    /// Which.
    pub slice: Slice,
    /// Its events.
    pub count: i128,
    /// How much more it grew than the rest.
    pub lift: f64,
}

/// A cohort, and every slice that ever had an event.
#[derive(Clone, Debug)]
pub struct Cohort {
    kind: Kind,
    length: i64,
    floor: Option<f64>,
    lift: f64,
    least: i128,
    all: Trail<()>,
    slices: BTreeMap<Slice, Trail<()>>,
}

/// The slices that hold an event, without the one that fixes nothing.
fn slices(values: &[Option<usize>]) -> Vec<Slice> {
    let choices = 1_usize << values.len();
    let slice = |choice: usize| -> Slice {
        values.iter().enumerate().map(|(at, value)| value.filter(|_| choice & (1 << at) != 0)).collect()
    };
    let mut slices: Vec<Slice> = (1..choices).map(slice).collect();
    slices.retain(|slice| slice.iter().any(Option::is_some));
    slices.sort();
    slices.dedup();
    slices
}

impl Cohort {
    /// No event yet.
    pub fn new(kind: Kind, length: i64, floor: Option<f64>, lift: f64, least: i64) -> Self {
        let all = Trail::new(kind, length, LOG);
        Self { kind, length, floor, lift, least: least.into(), all, slices: BTreeMap::new() }
    }

    /// Counts an event in each of its slices.
    pub fn add(&mut self, t: i64, values: &[Option<usize>]) {
        let held = slices(values);
        if held.is_empty() {
            return;
        }
        self.all.add(t, ());
        let (kind, length) = (self.kind, self.length);
        for slice in held {
            self.slices.entry(slice).or_insert_with(|| Trail::new(kind, length, LOG)).add(t, ());
        }
    }

    /// The slice in surplus that holds an event, `Some(None)` for none, and nothing where that is unknown.
    pub fn surplus(&self, t: i64, values: &[Option<usize>]) -> Option<Option<Surplus>> {
        let number = |trail: &Trail<()>| match count(&trail.cover(t)).value() {
            Some(Number::Int(n)) => n,
            _ => 0,
        };
        let held = slices(values);
        if held.is_empty() {
            return None;
        }
        let all = number(&self.all);
        let mut found: Vec<Surplus> = Vec::new();
        let mut unknown = false;
        for slice in held {
            let n = self.slices.get(&slice).map_or(0, number);
            if n < self.least {
                continue;
            }
            let Some(usual) = self.floor else {
                unknown = true;
                continue;
            };
            let lift = (n as f64 / usual) / ((all - n) as f64 / usual).max(1.0);
            if lift >= self.lift {
                found.push(Surplus { slice, count: n, lift });
            }
        }
        let fixed = |surplus: &Surplus| surplus.slice.iter().filter(|value| value.is_some()).count();
        // The first in order of dimensions fixes the first of them.
        let order = |surplus: &Surplus| surplus.slice.iter().map(Option::is_none).collect::<Vec<bool>>();
        found.sort_by(|a, b| {
            fixed(b).cmp(&fixed(a)).then(b.lift.total_cmp(&a.lift)).then_with(|| order(a).cmp(&order(b)))
        });
        match found.into_iter().next() {
            Some(first) => Some(Some(first)),
            None if unknown => None,
            None => Some(None),
        }
    }
}
