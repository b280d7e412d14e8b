//! Where everything that an engine remembers stands in the next rule set.
//!
//! State is called by the hash of what it keeps ([`crate::names`]), and stands in its tables by position. What is at which
//! position in the rule set that runs and in the one that follows is known before the change, so it is worked out beside the
//! stream, and the change itself moves whole tables. Nearly every edit leaves every position as it was: then nothing is
//! moved one by one at all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use weir_compiler::ids::*;
use weir_compiler::schema::Schema;

use crate::exchange::{Exchange, Waiting};
use crate::image::{Carried, relaid};
use crate::limits::Options;
use crate::partition;
use crate::recording::Captured;
use crate::ruleset::{PackageId, RuleSet};
use crate::store::Store;
use crate::timers::Timer;

/// Positions of one kind of thing.
#[derive(Debug)]
enum Places {
    /// All are where they were.
    Same,
    /// So are the first so many, and all behind them are new.
    Grown(usize),
    Moved {
        /// By the next position, the running one; nothing for what is new.
        from: Vec<Option<usize>>,
        /// By the running position, the next one; nothing for what is dropped.
        to: Vec<Option<usize>>,
    },
}

/// Where everything goes.
#[derive(Debug)]
pub(crate) struct Moves {
    states: Places,
    /// States that go on under other bounds, by their next ids, with the number of their partitions so far.
    bounds: Vec<(StateId, usize)>,
    sequences: Places,
    /// Sequences that go on with another horizon, by their next ids, with that horizon.
    horizons: Vec<(SequenceId, i64)>,
    cohorts: Places,
    facts: Places,
    decoys: Places,
    caps: Places,
    signals: Places,
    packages: Places,
    /// Records of events have the same slots.
    same_slots: bool,
    carried: Carried,
}

impl Places {
    /// Pairs what has the same name. Of several that share one, the first is the first again.
    fn new<N: Copy + Eq + Hash>(old: &[N], new: &[N]) -> Self {
        if let Some(fresh) = new.strip_prefix(old) {
            return if fresh.is_empty() { Self::Same } else { Self::Grown(old.len()) };
        }
        let mut known: HashMap<N, Vec<usize>> = HashMap::new();
        for (at, name) in old.iter().enumerate().rev() {
            known.entry(*name).or_default().push(at);
        }
        let from: Vec<Option<usize>> =
            new.iter().map(|name| known.get_mut(name).and_then(Vec::pop)).collect();
        let mut to = vec![None; old.len()];
        for (next, former) in from.iter().enumerate() {
            if let Some(place) = former.and_then(|former| to.get_mut(former)) {
                *place = Some(next);
            }
        }
        Self::Moved { from, to }
    }

    /// How many there are, that go on, that are new and that are dropped, of so many in the next rule set.
    fn count(&self, next: usize) -> Carried {
        match self {
            Self::Same => Carried { kept: next, ..Carried::default() },
            Self::Grown(kept) => Carried { kept: *kept, fresh: next - kept, dropped: 0 },
            Self::Moved { from, to } => {
                let kept = from.iter().flatten().count();
                Carried { kept, fresh: from.len() - kept, dropped: to.len() - kept }
            }
        }
    }

    /// Where it stood, by where it stands.
    fn from<I: Id>(&self, id: I) -> Option<I> {
        match self {
            Self::Same => Some(id),
            Self::Grown(kept) => (id.index() < *kept).then_some(id),
            Self::Moved { from, .. } => from.get(id.index()).copied().flatten().map(I::from_index),
        }
    }

    /// Where it will stand, by where it stands.
    fn to<I: Id>(&self, id: I) -> Option<I> {
        self.to_index(id.index()).map(I::from_index)
    }

    fn to_index(&self, at: usize) -> Option<usize> {
        match self {
            Self::Same | Self::Grown(_) => Some(at),
            Self::Moved { to, .. } => to.get(at).copied().flatten(),
        }
    }

    /// Whether everything that goes on is where it was.
    fn stay(&self) -> bool {
        !matches!(self, Self::Moved { .. })
    }

    /// Exchanges what goes on for what stands in its place.
    fn carry<I: Id, T>(&self, old: &mut IdVec<I, T>, new: &mut IdVec<I, T>) {
        match self {
            Self::Same => std::mem::swap(old, new),
            Self::Grown(_) | Self::Moved { .. } => self.each(old, new, std::mem::swap),
        }
    }

    /// Does something to each that goes on.
    fn each<I: Id, T>(&self, old: &mut IdVec<I, T>, new: &mut IdVec<I, T>, act: impl Fn(&mut T, &mut T)) {
        for id in new.ids() {
            let former = self.from(id).and_then(|former| old.get_mut(former));
            if let (Some(former), Some(next)) = (former, new.get_mut(id)) {
                act(former, next);
            }
        }
    }
}

impl Moves {
    /// From one rule set to another, both made with the same options. Cost: linear in both.
    pub(crate) fn new(old: &RuleSet, new: &RuleSet) -> Self {
        fn places<I: Id, N: Copy + Eq + Hash>(old: &IdVec<I, N>, new: &IdVec<I, N>) -> Places {
            Places::new(old.as_slice(), new.as_slice())
        }
        let (former, names) = (&old.names, &new.names);
        let states = places(&former.states, &names.states);
        let sequences = places(&former.sequences, &names.sequences);
        let cohorts = places(&former.cohorts, &names.cohorts);
        let facts = places(&former.facts, &names.facts);
        let packages: [Vec<&str>; 2] =
            [old, new].map(|set| set.packages.iter().map(|p| p.as_str()).collect());
        let [packages_before, packages_after] = packages;

        let pairs =
            new.states.iter().filter_map(|(id, next)| Some((id, old.states.get(states.from(id)?)?, next)));
        let bounds = pairs
            .filter(|(_, former, next)| {
                let bounds =
                    |plan: &crate::ruleset::StatePlan| (plan.capacity, plan.parts, plan.form.retention);
                bounds(former) != bounds(next)
            })
            .map(|(id, former, _)| (id, former.parts))
            .collect();
        let horizons = new
            .hir
            .sequences
            .iter()
            .filter_map(|(id, next)| {
                let former = Store::horizon(old.hir.sequences.get(sequences.from(id)?)?);
                let next = Store::horizon(next);
                (former != next).then_some((id, next))
            })
            .collect();
        let counts = [
            states.count(names.states.len()),
            sequences.count(names.sequences.len()),
            cohorts.count(names.cohorts.len()),
            facts.count(names.facts.len()),
        ];
        let carried = counts.into_iter().fold(Carried::default(), |all, one| Carried {
            kept: all.kept + one.kept,
            fresh: all.fresh + one.fresh,
            dropped: all.dropped + one.dropped,
        });
        Self {
            states,
            bounds,
            sequences,
            horizons,
            cohorts,
            facts,
            decoys: places(&former.decoys, &names.decoys),
            caps: Places::new(&former.caps, &names.caps),
            signals: places(&former.signals, &names.signals),
            packages: Places::new(&packages_before, &packages_after),
            same_slots: has_same_slots(&old.hir.schema, &new.hir.schema),
            carried,
        }
    }

    /// Moves what goes on from the store of the running rule set into a fresh one of the next; what is dropped stays. What is
    /// new is warming from `now` on, if there is a now.
    ///
    /// Cost: constant where no position and no bound changes and nothing is new but states and signals, but for a few words a
    /// cohort; otherwise linear in the tables
    /// and, where events or readings have other positions, in the requests in flight. No record is copied.
    pub(crate) fn carry(
        &self,
        (old_set, old): (&RuleSet, &mut Store),
        (new_set, new): (&RuleSet, &mut Store),
        options: &Options,
        now: Option<i64>,
    ) -> Carried {
        self.carry_states(old, (new_set, new), now);
        let keys = options.limits.keys;
        self.sequences.carry(&mut old.sequences, &mut new.sequences);
        self.sequences.carry(&mut old.lost_tracks, &mut new.lost_tracks);
        for (id, horizon) in &self.horizons {
            if let (Some(tracks), Some(lost)) = (new.sequences.get_mut(*id), new.lost_tracks.get_mut(*id)) {
                tracks.fit(keys, *horizon, |evicted| lost.add(evicted.key, 1.0, evicted.at));
                lost.fit(keys, *horizon);
            }
        }
        self.cohorts.each(&mut old.cohorts, &mut new.cohorts, |former, next| next.adopt(former));
        self.facts.carry(&mut old.facts, &mut new.facts);
        self.decoys.carry(&mut old.decoys, &mut new.decoys);
        match &self.caps {
            Places::Same => std::mem::swap(&mut old.shares, &mut new.shares),
            Places::Grown(_) => {
                old.shares.iter_mut().zip(&mut new.shares).for_each(|(old, new)| std::mem::swap(old, new));
            }
            Places::Moved { from, .. } => {
                for (share, former) in new.shares.iter_mut().zip(from) {
                    if let Some(former) = former.and_then(|former| old.shares.get_mut(former)) {
                        std::mem::swap(share, former);
                    }
                }
            }
        }
        std::mem::swap(&mut old.tags, &mut new.tags);
        std::mem::swap(&mut old.live, &mut new.live);
        std::mem::swap(&mut old.shadow, &mut new.shadow);
        self.carry_timers(old, new);
        self.carry_exchanges((old_set, old), (new_set, new));
        self.carried
    }

    fn carry_states(&self, old: &mut Store, (set, new): (&RuleSet, &mut Store), now: Option<i64>) {
        match &self.states {
            Places::Same => {
                std::mem::swap(&mut old.partitions, &mut new.partitions);
                std::mem::swap(&mut old.born, &mut new.born);
            }
            Places::Grown(kept) => {
                // A partition makes room for a state with its first record.
                std::mem::swap(&mut old.partitions, &mut new.partitions);
                std::mem::swap(&mut old.born, &mut new.born);
                for _ in *kept..set.states.len() {
                    new.born.push(now);
                }
            }
            Places::Moved { from, .. } => {
                for (former, next) in old.partitions.iter_mut().zip(&mut new.partitions) {
                    next.adopt(former, from);
                }
                for id in new.born.ids() {
                    let born = match self.states.from(id) {
                        Some(former) => old.born.get(former).copied().flatten(),
                        None => now,
                    };
                    if let Some(place) = new.born.get_mut(id) {
                        *place = born;
                    }
                }
            }
        }
        for (id, parts) in &self.bounds {
            if let Some(plan) = set.states.get(*id) {
                let image = partition::take(&mut new.partitions, *parts, *id);
                partition::put(&mut new.partitions, plan, *id, image);
            }
        }
    }

    fn carry_timers(&self, old: &mut Store, new: &mut Store) {
        if self.sequences.stay() {
            std::mem::swap(&mut old.timers, &mut new.timers);
            return;
        }
        new.timers.set_dropped(old.timers.dropped());
        for timer in old.timers.take() {
            if let Some(sequence) = self.sequences.to(timer.sequence) {
                new.timers.arm(Timer { sequence, ..timer });
            }
        }
    }

    fn carry_exchanges(
        &self,
        (old_set, old): (&RuleSet, &mut Store),
        (new_set, new): (&RuleSet, &mut Store),
    ) {
        let places = [&self.signals, &self.cohorts, &self.sequences, &self.packages];
        if self.same_slots && places.into_iter().all(Places::stay) {
            std::mem::swap(&mut old.exchanges, &mut new.exchanges);
            return;
        }
        new.exchanges.set_dropped(old.exchanges.dropped());
        for (seq, Exchange { at, events, exempted }) in old.exchanges.take() {
            let events: Vec<Waiting> =
                events.into_iter().filter_map(|waiting| self.moved(old_set, new_set, waiting)).collect();
            if events.is_empty() {
                continue;
            }
            let package =
                |id: PackageId| self.packages.to_index(usize::from(id.0)).map(|at| PackageId(at as u16));
            let exempted = exempted.into_iter().filter_map(package).collect();
            // There is room for as many as there were.
            let _ = new.exchanges.open(seq, Exchange { at, events, exempted });
        }
    }

    /// An event in flight in terms of the next rule set; nothing when that has no such event.
    fn moved(&self, old: &RuleSet, new: &RuleSet, waiting: Waiting) -> Option<Waiting> {
        let Waiting { nth, record, kept } = waiting;
        let record =
            if self.same_slots { record } else { relaid(&record, &old.hir.schema, &new.hir.schema)? };
        let Captured { signals, cohorts, names, sequences, tags: _, answers: _ } = kept;
        fn moved<I: Id, T>(places: &Places, items: Vec<(I, T)>) -> Vec<(I, T)> {
            items.into_iter().filter_map(|(id, item)| Some((places.to(id)?, item))).collect()
        }
        let kept = Captured {
            signals: moved(&self.signals, signals),
            cohorts: moved(&self.cohorts, cohorts),
            names: moved(&self.cohorts, names),
            sequences: moved(&self.sequences, sequences),
            ..Captured::default()
        };
        Some(Waiting { nth, record, kept })
    }
}

/// Whether records made for one schema are records of the other.
fn has_same_slots(old: &Arc<Schema>, new: &Arc<Schema>) -> bool {
    if Arc::ptr_eq(old, new) {
        return true;
    }
    let fields = || old.fields.values().zip(new.fields.values());
    let events = || old.events.values().zip(new.events.values());
    (old.fields.len(), old.events.len(), old.envelope) == (new.fields.len(), new.events.len(), new.envelope)
        && fields().all(|(a, b)| (&a.name, &a.ty, a.bound) == (&b.name, &b.ty, b.bound))
        && events().all(|(a, b)| (&a.name, &a.slots, &a.slot_of) == (&b.name, &b.slots, &b.slot_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_paired_in_order() {
        let Places::Moved { from, to } = Places::new(&["a", "b", "a", "c"], &["x", "a", "c", "a", "a"])
        else {
            panic!("they differ");
        };
        assert_eq!(from, [None, Some(0), Some(3), Some(2), None]);
        assert_eq!(to, [Some(1), None, Some(3), Some(2)]);
        assert!(matches!(Places::new(&[1, 2], &[1, 2]), Places::Same));
        let grown = Places::new(&["a", "b"], &["a", "b", "a"]);
        assert!(matches!(grown, Places::Grown(2)) && grown.stay());
        assert_eq!(grown.count(3), Carried { kept: 2, fresh: 1, dropped: 0 });
        assert!(!Places::new(&["a", "b"], &["b", "a", "c"]).stay());
        let count = Places::new(&[1, 2, 3], &[3, 4]).count(2);
        assert_eq!(count, Carried { kept: 1, fresh: 1, dropped: 2 });
    }
}
