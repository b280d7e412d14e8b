//! Everything that an engine remembers between events.

use weir_compiler::hir::CapKind;
use weir_compiler::ids::*;
use weir_compiler::types::Type;

use crate::cell::{self, Cell, Form, FormKind, Sample};
use crate::cohort::Cohorts;
use crate::enforcement::Enforcement;
use crate::exchange::Exchanges;
use crate::facts::Facts;
use crate::keyhash::KeyHash;
use crate::limits::Options;
use crate::ruleset::{RuleSet, StatePlan};
use crate::sense::{Ask, Sensed, Why};
use crate::sequence::Track;
use crate::shares::ShareCount;
use crate::state;
use crate::state::{Count, Gcra, Number, Reading};
use crate::table::{Bounded, Shadow};
use crate::tags::Tags;
use crate::timers::Timers;

/// One state's records.
#[derive(Debug)]
pub(crate) struct StateTable {
    records: Bounded<Record>,
    shadow: Shadow,
    /// A record that has seen nothing.
    blank: Cell,
    /// A test's `given usual`.
    given: Option<f64>,
}

#[derive(Debug)]
struct Record {
    cell: Cell,
    /// How many events, where the aggregate does not count them and a signal asks.
    events: Option<Box<Count>>,
    /// The shadow held something of this key when the record was made.
    seeded: bool,
}

impl StateTable {
    fn new(plan: &StatePlan) -> Self {
        Self {
            records: Bounded::new(plan.capacity, plan.form.retention),
            shadow: Shadow::new(plan.capacity, plan.form.retention),
            blank: Cell::new(&plan.form),
            given: None,
        }
    }

    /// Adds what an event brings to the record of a key.
    pub(crate) fn add(&mut self, plan: &StatePlan, key: KeyHash, at: i64, sample: Sample) {
        let form = &plan.form;
        let evictions = self.records.evictions() > 0;
        let seeded = evictions && self.records.get(key).is_none() && self.shadow.estimate(key, at) > 0.0;
        let make = || Record {
            cell: Cell::new(form),
            events: plan.counts.then(|| Box::new(Count::new(&form.window))),
            seeded,
        };
        let shadow = &mut self.shadow;
        let record = self.records.entry(key, at, make, |evicted| {
            shadow.add(evicted.key, evicted.item.cell.mass(form, evicted.at), evicted.at);
        });
        if let Some(record) = record {
            record.cell.add(form, at, sample);
            if let Some(events) = &mut record.events {
                events.add(&form.window, at);
            }
        }
    }

    /// An exchange of the key ends.
    fn end(&mut self, key: KeyHash, id: u64) {
        if let Some(record) = self.records.get_mut(key) {
            record.cell.end(id);
        }
    }

    /// What the state says about a key.
    pub(crate) fn read(&self, plan: &StatePlan, key: KeyHash, ask: &Ask<'_>) -> Sensed {
        let form = &plan.form;
        if let (Some(level), FormKind::Usual(form)) = (self.given, &form.kind) {
            return cell::given(level, form, ask.ty);
        }
        let record = self.records.get(key);
        if plan.counts
            && let Some(need) = ask.least.and_then(|least| u64::try_from(least).ok())
        {
            let events = record.and_then(|record| record.events.as_ref());
            let have = events.and_then(|events| events.read(&form.window, ask.at).value());
            let have = have.map_or(0, |have| have.to_f64() as u64);
            if have < need {
                return Sensed::unknown(Why::State(state::Why::TooFew { have, need }));
            }
        }
        let sensed = record.map_or(&self.blank, |record| &record.cell).read(form, ask);
        if self.records.evictions() == 0 || record.is_some_and(|record| !record.seeded) {
            return sensed;
        }
        let mass = self.shadow.estimate(key, ask.at);
        if mass > 0.0 { with_evicted(form, sensed, mass, ask.ty) } else { sensed }
    }

    /// The level a baseline learns.
    fn level(&self, plan: &StatePlan, key: KeyHash, ask: &Ask<'_>) -> Option<Number> {
        self.records.get(key)?.cell.read(&plan.form, ask).reading?.value()
    }
}

/// A reading of a key that has lost a record: estimated where mass can be added, otherwise unknown.
fn with_evicted(form: &Form, sensed: Sensed, mass: f64, ty: &Type) -> Sensed {
    let evicted = || Sensed::unknown(Why::State(state::Why::Evicted));
    if !form.additive() {
        return evicted();
    }
    let mass = match (form.kind, sensed.reading) {
        (FormKind::Rate, _) => Number::Float(mass * 1_000.0 / form.window.length() as f64),
        (_, Some(Reading::Known { value: Number::Float(_), .. })) => Number::Float(mass),
        // Shadows only ever say too much, so does the ceiling.
        _ => Number::Int(mass.ceil() as i64),
    };
    match sensed.reading {
        Some(reading) => Sensed::of(reading.with_evicted(mass), ty, None),
        None => evicted(),
    }
}

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

/// All state of an engine.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) tables: IdVec<StateId, StateTable>,
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
    /// Until when a policy has been switched on.
    pub(crate) active: IdVec<PolicyId, i64>,
}

impl Store {
    pub(crate) fn new(set: &RuleSet, options: &Options) -> Self {
        let limits = &options.limits;
        let hir = &set.hir;
        let horizons: Vec<i64> = hir
            .sequences
            .values()
            .map(|s| {
                s.horizon.ms.saturating_add(s.then_no.as_ref().map_or(0, |no| no.within.ms)).saturating_mul(2)
            })
            .collect();
        Self {
            tables: set.states.values().map(StateTable::new).collect(),
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
            active: hir.policies.values().map(|_| i64::MIN).collect(),
        }
    }

    /// Adds an event to a state, or the level of another state to a baseline.
    pub(crate) fn count(&mut self, set: &RuleSet, state: StateId, key: KeyHash, at: i64, sample: Sample) {
        let (Some(plan), Some(table)) = (set.states.get(state), self.tables.get_mut(state)) else { return };
        table.add(plan, key, at, sample);
    }

    /// The level of the state that a baseline is of, as a sample for it.
    pub(crate) fn level(&self, set: &RuleSet, of: StateId, key: KeyHash, ask: &Ask<'_>) -> Option<Sample> {
        let level = self.tables.get(of)?.level(set.states.get(of)?, key, ask)?;
        Some(Sample::Number(level, ask.currency))
    }

    pub(crate) fn end(&mut self, state: StateId, key: KeyHash, id: u64) {
        if let Some(table) = self.tables.get_mut(state) {
            table.end(key, id);
        }
    }

    /// Sets the level that a baseline answers, for tests.
    pub(crate) fn give_usual(&mut self, state: StateId, level: f64) {
        if let Some(table) = self.tables.get_mut(state) {
            table.given = Some(level);
        }
    }

    pub(crate) fn tallies(&self, unmatched: u64) -> Tallies {
        let tables = self.tables.values().map(|table| (table.records.evictions(), table.records.len()));
        let tracks = self.sequences.values().map(|tracks| (tracks.evictions(), tracks.len()));
        let cohorts = self.cohorts.values().map(|cohort| (cohort.evictions(), cohort.len()));
        let facts = self.facts.values().map(|facts| (facts.evictions(), facts.len()));
        let tags = std::iter::once((self.tags.evictions(), self.tags.len()));
        let bounded = tables.chain(tracks).chain(cohorts).chain(facts).chain(tags);
        let (evicted, held) = bounded.fold((0, 0), |(evicted, held), (e, h)| (evicted + e, held + h as u64));
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
