//! Checks: what is left to ask of the few conditions that get past the slots of their group, one by one.

use std::collections::HashMap;

use crate::axis::{Axis, AxisId, Set};
use crate::clause::{Clause, Part};
use crate::demand::Demand;
use crate::direct::Direct;

/// The most words that the sets of all checks may take: 32 MiB.
const MOST_WORDS: usize = 1 << 22;

/// One thing to ask of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) axis: AxisId,
    /// How far the next clause is: it is asked next where this holds. Where this is the last of its clause, the next thing.
    pub(crate) next: u16,
    pub(crate) what: What,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// The class is in the set whose bits begin at this word.
    Set(u32),
    /// The pattern is found.
    Found(u32),
    /// The pattern is not found.
    Not(u32),
    /// This direct test of the value holds.
    Direct(u32),
}

/// The checks of a plan: a condition has a run of things to ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checks {
    pub(crate) asks: Vec<Ask>,
    /// By set, a bit for each code; past the last code one for what may hold of a missing value.
    pub(crate) bits: Vec<u64>,
    pub(crate) direct: Vec<Direct>,
    known: HashMap<(AxisId, Set), What>,
}

impl Checks {
    /// Adds a clause; false, and no change that matters, where there is no room for it.
    pub(crate) fn add(&mut self, clause: &Clause, axes: &[Axis], demand: &Demand) -> bool {
        let from = self.asks.len();
        for (part, further) in clause.parts.iter().zip((1..=clause.parts.len()).rev()) {
            let what = match part {
                Part::Term(_, term) if term % 2 == 0 => Some(What::Found(term / 2)),
                Part::Term(_, term) => Some(What::Not(term / 2)),
                Part::Set(axis, set) => self.set(*axis, set, axes, demand),
            };
            let (Some(what), Ok(next)) = (what, u16::try_from(further)) else {
                self.asks.truncate(from);
                return false;
            };
            self.asks.push(Ask { axis: part.axis(), next, what });
        }
        true
    }

    /// The direct test that a run of things to ask is, if it is one.
    pub(crate) fn only_direct(&self, from: u32, to: u32) -> Option<&Direct> {
        match self.asks.get(from as usize..to as usize)? {
            [Ask { what: What::Direct(direct), .. }] => self.direct.get(*direct as usize),
            _ => None,
        }
    }

    /// How a set is asked for: each set once.
    fn set(&mut self, axis: AxisId, set: &Set, axes: &[Axis], demand: &Demand) -> Option<What> {
        let key = (axis, set.clone());
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        let of = axes.get(usize::from(axis.0))?;
        let what = match direct(axis, set, of, demand) {
            Some(direct) => {
                self.direct.push(direct);
                What::Direct(self.direct.len() as u32 - 1)
            }
            None => What::Set(self.bits(set, of.codes)?),
        };
        self.known.insert(key, what);
        Some(what)
    }

    /// The bits of a set, by their first word.
    fn bits(&mut self, set: &Set, codes: u32) -> Option<u32> {
        let words = (codes as usize + 1).div_ceil(64);
        let at = self.bits.len();
        if at + words > MOST_WORDS {
            return None;
        }
        self.bits.resize(at + words, 0);
        let bits = self.bits.get_mut(at..)?;
        let mut hold = |code: u32| {
            if let Some(word) = bits.get_mut(code as usize / 64) {
                *word |= 1 << (code % 64);
            }
        };
        set.runs.iter().flat_map(|(first, last)| first..=last).for_each(&mut hold);
        if set.missing {
            hold(0);
        }
        if set.maybe {
            hold(codes);
        }
        Some(at as u32)
    }

    /// Forgets what is needed for adding alone.
    pub(crate) fn finish(&mut self) {
        self.known = HashMap::new();
    }
}

/// The direct test for a set, where it is worth it.
fn direct(axis: AxisId, set: &Set, of: &Axis, demand: &Demand) -> Option<Direct> {
    if demand.is_eager(axis) {
        return None;
    }
    Direct::of(set, of).filter(|direct| direct.is_slight() || demand.is_rare(axis))
}
