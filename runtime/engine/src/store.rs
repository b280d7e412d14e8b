//! Everything that an engine remembers between events.

use weir_compiler::hir::{CapKind, Sequence};
use weir_compiler::ids::*;

use crate::cell::Sample;
use crate::cohort::Cohorts;
use crate::enforcement::Enforcement;
use crate::exchange::Exchanges;
use crate::facts::Facts;
use crate::keyhash::KeyHash;
use crate::limits::Options;
use crate::partition::{PARTITIONS, Partition, given, place};
use crate::ruleset::{RuleSet, StatePlan};
use crate::sense::{Ask, Sensed};
use crate::sequence::Track;
use crate::shares::ShareCount;
use crate::state::Gcra;
use crate::table::{Bounded, Shadow};
use crate::tags::Tags;
use crate::timers::Timers;

/// What left or was refused for want of room. None of these is an error; all of them are worth a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Records of state, sequences, cohorts, facts and tags that were evicted while they still held something.
    pub evicted: u64,
    /// Enforcement entries that left before their end.
    pub entries_dropped: u64,
    /// Requests that were dropped before their response came.
    pub exchanges_dropped: u64,
    /// Responses without a request that waits for one.
    pub responses_unmatched: u64,
    /// Waiting matches that were dropped.
    pub timers_dropped: u64,
    /// Records, entries, tags and the like that are held.
    pub held: u64,
}

/// Whether a state that has counted since `born` may still have missed something of its window at `at`.
fn warms(plan: &StatePlan, born: i64, at: i64) -> bool {
    // Lanes are a seventh of the window wide, and the oldest one reaches back further than it by as much.
    let length = plan.form.window.length();
    let reach =
        if length > 1 { length.saturating_add(length / 7).saturating_add(1) } else { plan.form.retention };
    at.saturating_sub(born) < reach
}

/// What bears on a reading beside the record of its key.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    given: &'a IdVec<StateId, Option<f64>>,
    born: &'a IdVec<StateId, Option<i64>>,
}

impl Standing<'_> {
    /// What a state says, `said` what its records do.
    pub(crate) fn read(
        &self,
        plan: &StatePlan,
        state: StateId,
        ask: &Ask<'_>,
        said: impl FnOnce() -> Sensed,
    ) -> Sensed {
        if let Some(Some(level)) = self.given.get(state)
            && let Some(sensed) = given(plan, *level, ask)
        {
            return sensed;
        }
        match self.born.get(state) {
            Some(Some(born)) if warms(plan, *born, ask.at) => said().warming(),
            _ => said(),
        }
    }
}

/// All state of an engine.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) partitions: Vec<Partition>,
    /// Levels of baselines that a test has given.
    given: IdVec<StateId, Option<f64>>,
    /// Since when a state counts, where that is not from the beginning: its readings are warming for a window's length.
    pub(crate) born: IdVec<StateId, Option<i64>>,
    pub(crate) sequences: IdVec<SequenceId, Bounded<Track>>,
    /// Sequence keys that were evicted.
    pub(crate) lost_tracks: IdVec<SequenceId, Shadow>,
    pub(crate) cohorts: IdVec<CohortId, Cohorts>,
    pub(crate) facts: IdVec<FactId, Facts>,
    pub(crate) tags: Tags,
    pub(crate) live: Enforcement,
    pub(crate) shadow: Enforcement,
    pub(crate) decoys: IdVec<DecoyId, Gcra>,
    /// By position of the cap; `None` for caps that count nothing.
    pub(crate) shares: Vec<Option<ShareCount>>,
    pub(crate) exchanges: Exchanges,
    pub(crate) timers: Timers,
}

impl Store {
    pub(crate) fn new(set: &RuleSet, options: &Options) -> Self {
        let limits = &options.limits;
        let hir = &set.hir;
        let horizons: Vec<i64> = hir.sequences.values().map(Self::horizon).collect();
        Self {
            partitions: std::iter::repeat_with(Partition::default).take(PARTITIONS).collect(),
            given: set.states.values().map(|_| None).collect(),
            // With room for states that the next rule set may bring.
            born: IdVec::with_room(set.states.values().map(|_| None), 64),
            sequences: horizons.iter().map(|horizon| Bounded::new(limits.keys, *horizon)).collect(),
            lost_tracks: horizons.iter().map(|horizon| Shadow::new(limits.keys, *horizon)).collect(),
            cohorts: hir.cohorts.values().map(|cohort| Cohorts::new(cohort, limits.keys)).collect(),
            facts: hir.facts.values().map(|fact| Facts::new(fact, limits.keys)).collect(),
            tags: Tags::new(limits.tagged),
            live: Enforcement::new(limits.entries),
            shadow: Enforcement::new(limits.entries),
            decoys: hir.declarations.decoys.values().map(|_| Gcra::new()).collect(),
            shares: hir
                .caps
                .iter()
                .map(|cap| match &cap.kind {
                    CapKind::Share { over, .. } => Some(ShareCount::new(over.ms, limits.actors)),
                    CapKind::Actions { .. } => None,
                })
                .collect(),
            exchanges: Exchanges::new(limits.exchanges),
            timers: Timers::new(limits.timers),
        }
    }

    /// How long the tracks of a sequence hold something, in ms.
    pub(crate) fn horizon(sequence: &Sequence) -> i64 {
        let after = sequence.then_no.as_ref().map_or(0, |no| no.within.ms);
        sequence.horizon.ms.saturating_add(after).saturating_mul(2)
    }

    /// Adds an event to a state, or the level of another state to a baseline.
    pub(crate) fn count(&mut self, set: &RuleSet, state: StateId, key: KeyHash, at: i64, sample: Sample) {
        let Some(plan) = set.states.get(state) else { return };
        if let Some(partition) = self.partitions.get_mut(place(key, plan.parts)) {
            partition.add(plan, state, key, at, sample);
        }
    }

    /// What a state says about a key.
    pub(crate) fn read(&self, set: &RuleSet, state: StateId, key: KeyHash, ask: &Ask<'_>) -> Option<Sensed> {
        let plan = set.states.get(state)?;
        let partition = self.partitions.get(place(key, plan.parts))?;
        let standing = Standing { given: &self.given, born: &self.born };
        Some(standing.read(plan, state, ask, || partition.read(plan, state, key, ask)))
    }

    /// The partitions, to be worked on at once, and what bears on all of them.
    pub(crate) fn split(&mut self) -> (&mut [Partition], Standing<'_>) {
        (&mut self.partitions, Standing { given: &self.given, born: &self.born })
    }

    /// The level of the state that a baseline is of, as a sample for it.
    pub(crate) fn level(&self, set: &RuleSet, of: StateId, key: KeyHash, ask: &Ask<'_>) -> Option<Sample> {
        let plan = set.states.get(of)?;
        self.partitions.get(place(key, plan.parts))?.level(plan, of, key, ask)
    }

    pub(crate) fn end(&mut self, set: &RuleSet, state: StateId, key: KeyHash, id: u64) {
        let Some(plan) = set.states.get(state) else { return };
        if let Some(partition) = self.partitions.get_mut(place(key, plan.parts)) {
            partition.end(state, key, id);
        }
    }

    /// Sets the level that a baseline answers, for tests.
    pub(crate) fn give_usual(&mut self, state: StateId, level: f64) {
        if let Some(given) = self.given.get_mut(state) {
            *given = Some(level);
        }
    }

    pub(crate) fn tallies(&self, unmatched: u64) -> Tallies {
        let states = self.partitions.iter().map(Partition::tally).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let tracks = self.sequences.values().map(|tracks| (tracks.evictions(), tracks.len()));
        let cohorts = self.cohorts.values().map(|cohort| (cohort.evictions(), cohort.len()));
        let facts = self.facts.values().map(|facts| (facts.evictions(), facts.len()));
        let tags = std::iter::once((self.tags.evictions(), self.tags.len()));
        let bounded = tracks.chain(cohorts).chain(facts).chain(tags);
        let (evicted, held) = bounded.fold(states, |(evicted, held), (e, h)| (evicted + e, held + h as u64));
        let others = self.live.len() + self.shadow.len() + self.exchanges.len() + self.timers.len();
        Tallies {
            evicted,
            entries_dropped: self.live.dropped() + self.shadow.dropped(),
            exchanges_dropped: self.exchanges.dropped(),
            responses_unmatched: unmatched,
            timers_dropped: self.timers.dropped(),
            held: held + others as u64,
        }
    }
}
