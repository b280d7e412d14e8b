//! Many inputs at once, on many threads, with the results of one at a time.
//!
//! ```text
//!  inputs ──prepare──▶ jobs by partition ──run──▶ readings by event ──begin──▶ steps
//!          (by event,                    (by partition,              (in order,
//!           in parallel)                  in parallel)                one thread)
//! ```
//!
//! Most of what an event does to state depends on nothing but its own fields and its place in the order: which records it
//! counts for, what it brings to them, and what they say before and after. A state of which all that is true is
//! *early*. The records of a key fall to one partition, so once each partition has its jobs in order, the partitions can be worked
//! through by any number of threads, and each ends up as if the inputs had come singly. The rest, and all decisions, follow in order:
//! they find the readings of early states taken.
//!
//! So the size of a batch and the number of threads change how long it takes, and nothing else.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use weir_compiler::data::Data;
use weir_compiler::hir::Measure;
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Currency;

use crate::cell::Sample;
use crate::engine::Engine;
use crate::input::{Input, Step};
use crate::keyhash::KeyHash;
use crate::keys::KeyId;
use crate::partition::{PARTITIONS, Partition, place};
use crate::readings::Readings;
use crate::record::Record;
use crate::ruleset::{FilterId, RuleSet};
use crate::sense::{Ask, Sensed};
use crate::store::{Standing, Store};
use crate::view::View;

/// Inputs are prepared in groups of so many events: enough to be worth a thread's while.
const GROUP: usize = 64;

/// What is known of an event before its turn.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    keys: Vec<(KeyId, Option<KeyHash>)>,
    filters: Vec<(FilterId, Option<bool>)>,
    signals: Vec<(SignalId, Sensed)>,
    counted: Vec<StateId>,
}

impl Prepared {
    /// Puts everything where it is looked for.
    pub(crate) fn fill(self, readings: &Readings) {
        readings.set_prepared();
        self.keys.into_iter().for_each(|(id, hash)| readings.put_key(id, hash));
        self.filters.into_iter().for_each(|(id, truth)| readings.put_filter(id, truth));
        self.signals.into_iter().for_each(|(id, sensed)| readings.put_signal(id, sensed));
        self.counted.into_iter().for_each(|state| readings.put_counted(state));
    }
}

/// What a partition does for an event.
#[derive(Debug)]
struct Job {
    event: u32,
    key: KeyHash,
    at: i64,
    state: StateId,
    currency: Option<Currency>,
    task: Task,
}

#[derive(Debug)]
enum Task {
    Read(SignalId),
    Add(Sample),
    /// A baseline learns the level of the state it is of.
    Learn(StateId),
}

/// What a partition has found for an event.
#[derive(Debug)]
enum Found {
    Said(SignalId, Sensed),
    Counted(StateId),
}

/// Events, and their jobs with the partition of each.
type Group = (Vec<Prepared>, Vec<(usize, Job)>);

/// An event of a request, by its place among all of the batch.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    record: &'a Record,
    at: i64,
}

impl Engine {
    /// Takes inputs, in order, and answers each as [`Engine::begin`] would, whatever their number. With a pool of threads the
    /// state of different partitions is brought up to date at once; the pool is the caller's, and the engine starts none.
    ///
    /// The steps have the same decisions in the same order as one [`Engine::begin`] an input, as long as those that wait
    /// for models are resumed after the whole batch.
    pub fn batch(&mut self, inputs: Vec<Input>, pool: Option<&ThreadPool>) -> Vec<Step> {
        let Some(pool) = pool.filter(|pool| pool.current_num_threads() > 1) else {
            return inputs.into_iter().map(|input| self.begin(input)).collect();
        };
        let mut steps = Vec::with_capacity(inputs.len());
        let mut ahead: Vec<Input> = Vec::new();
        for input in inputs {
            if self.is_singular(&input) {
                self.work(std::mem::take(&mut ahead), pool, &mut steps);
                steps.push(self.begin(input));
            } else {
                ahead.push(input);
            }
        }
        self.work(ahead, pool, &mut steps);
        steps
    }

    /// Whether what an input counts depends on inputs before it: events that begin at a response have the time of a request
    /// that may have been stopped.
    fn is_singular(&self, input: &Input) -> bool {
        !matches!(input, Input::Request { .. } | Input::Tick { .. })
            && !matches!(input, Input::Response { events, .. } if events.is_empty())
    }

    /// Takes inputs of which none is singular.
    fn work(&mut self, inputs: Vec<Input>, pool: &ThreadPool, steps: &mut Vec<Step>) {
        let set = Arc::clone(&self.set);
        let mut places = Vec::with_capacity(inputs.len());
        for input in &inputs {
            if let Input::Request { at, events } = input {
                places.extend(events.iter().map(|record| Place { record, at: *at }));
            }
        }
        let mut prepared = self.prepare(&set, &places, pool);
        drop(places);
        let mut next = prepared.drain(..);
        for input in inputs {
            let events = if let Input::Request { events, .. } = &input { events.len() } else { 0 };
            let events: Vec<Prepared> = next.by_ref().take(events).collect();
            steps.push(self.begin_prepared(input, events));
        }
    }

    /// Brings early state up to date, and says what each event has found there.
    fn prepare(&mut self, set: &RuleSet, places: &[Place<'_>], pool: &ThreadPool) -> Vec<Prepared> {
        let (store, data) = (&self.store, &*self.data);
        let groups: Vec<Group> = pool.install(|| {
            places
                .par_chunks(GROUP)
                .enumerate()
                .map(|(group, places)| group_of(set, store, data, group * GROUP, places))
                .collect()
        });
        let mut prepared = Vec::with_capacity(places.len());
        let mut jobs: Vec<Vec<Job>> = std::iter::repeat_with(Vec::new).take(PARTITIONS).collect();
        for (events, found) in groups {
            prepared.extend(events);
            for (at, job) in found {
                if let Some(jobs) = jobs.get_mut(at) {
                    jobs.push(job);
                }
            }
        }
        let (partitions, standing) = self.store.split();
        let found: Vec<Vec<(u32, Found)>> = pool.install(|| {
            let work = partitions.par_iter_mut().zip(jobs.into_par_iter());
            work.map(|(partition, jobs)| run(set, &standing, partition, jobs)).collect()
        });
        for (event, found) in found.into_iter().flatten() {
            let Some(prepared): Option<&mut Prepared> = prepared.get_mut(event as usize) else { continue };
            match found {
                Found::Said(signal, sensed) => prepared.signals.push((signal, sensed)),
                Found::Counted(state) => prepared.counted.push(state),
            }
        }
        prepared
    }
}

/// The jobs of some events, `first` the place of the first of them, with the partition of each.
fn group_of(set: &RuleSet, store: &Store, data: &Data, first: usize, places: &[Place<'_>]) -> Group {
    let readings = Readings::new(crate::engine::sizes(set));
    let mut jobs = Vec::with_capacity(places.len() * 8);
    let prepared = places.iter().zip(first..).map(|(place, event)| {
        readings.begin();
        let view = View {
            set,
            store,
            data,
            readings: &readings,
            record: place.record,
            at: place.at,
            counting: true,
        };
        jobs_of(&view, event as u32, &mut jobs)
    });
    (prepared.collect(), jobs)
}

/// The jobs of an event: what is read before it counts, what it counts for, what is read after.
fn jobs_of(view: &View<'_>, event: u32, jobs: &mut Vec<(usize, Job)>) -> Prepared {
    let mut prepared = Prepared::default();
    let set = view.set;
    let Some(plan) = set.events.get(view.record.event()) else { return prepared };
    let mut add = |state: StateId, task: Task| {
        let (Some(key), Some(of)) = (view.state_key(state), set.states.get(state)) else { return };
        let currency = if of.form.money { view.currency(state) } else { None };
        jobs.push((place(key, of.parts), Job { event, key, at: view.at, state, currency, task }));
    };
    let state_of = |signal: SignalId| set.hir.signals.get(signal).map(|signal| signal.state);
    for signal in &plan.early.before {
        state_of(*signal).into_iter().for_each(|state| add(state, Task::Read(*signal)));
    }
    let walker = view.walker();
    for filter in &plan.early.filters {
        let truth = set.filters.get(filter.0).and_then(|expr| walker.truth(*expr, view));
        view.readings.put_filter(*filter, truth);
        prepared.filters.push((*filter, truth));
    }
    for state in &plan.early.states {
        let Some(of) = set.states.get(*state) else { continue };
        if !view.readings.is_true(of.filter) {
            continue;
        }
        match set.hir.states.get(*state).map(|state| &state.measure) {
            Some(Measure::Usual { of, .. }) => add(*state, Task::Learn(*of)),
            Some(_) => {
                let sample = view.state_key(*state).and_then(|key| view.sample(*state, key, 0));
                sample.into_iter().for_each(|sample| add(*state, Task::Add(sample)));
            }
            None => {}
        }
    }
    for signal in &plan.early.after {
        state_of(*signal).into_iter().for_each(|state| add(state, Task::Read(*signal)));
    }
    prepared.keys = view.readings.known_keys();
    prepared
}

/// Does the jobs of a partition, in order.
fn run(
    set: &RuleSet,
    standing: &Standing<'_>,
    partition: &mut Partition,
    jobs: Vec<Job>,
) -> Vec<(u32, Found)> {
    let mut found = Vec::with_capacity(jobs.len());
    let (mut event, mut counted): (u32, Vec<StateId>) = (u32::MAX, Vec::new());
    for Job { event: of, key, at, state, currency, task } in jobs {
        if of != event {
            event = of;
            counted.clear();
        }
        let Some(plan) = set.states.get(state) else { continue };
        let sample = match task {
            Task::Read(id) => {
                let Some(signal) = set.hir.signals.get(id) else { continue };
                let counted = counted.contains(&state);
                let ask = Ask { at, least: signal.least, ty: &signal.ty, currency, counted };
                let sensed = standing.read(plan, state, &ask, || partition.read(plan, state, key, &ask));
                found.push((event, Found::Said(id, sensed)));
                continue;
            }
            Task::Add(sample) => sample,
            Task::Learn(of) => {
                let ty = if currency.is_some() { Type::Money } else { Type::Float };
                let ask = Ask { at, least: None, ty: &ty, currency, counted: true };
                let level = set.states.get(of).and_then(|plan| partition.level(plan, of, key, &ask));
                let Some(level) = level else { continue };
                level
            }
        };
        partition.add(plan, state, key, at, sample);
        counted.push(state);
        found.push((event, Found::Counted(state)));
    }
    found
}
