//! What an event counts for: state, cohorts, facts and sequences.

use weir_compiler::ids::*;

use crate::engine::Engine;
use crate::reads::Reads;
use crate::record::Record;
use crate::recording::Captured;
use crate::ruleset::{EventPlan, PhasePlan, RuleSet};
use crate::sequence::{Matched, Track};
use crate::timers::Timer;

impl Engine {
    /// Takes the readings that do not include the event.
    pub(crate) fn read_before(&self, _set: &RuleSet, record: &Record, at: i64, signals: &[SignalId]) {
        let view = self.view(record, at, true);
        for signal in signals {
            view.sense(*signal);
        }
    }

    /// Updates everything that the event counts for. All conditions are evaluated before anything is counted.
    pub(crate) fn count(
        &mut self,
        set: &RuleSet,
        record: &Record,
        at: i64,
        phase: &PhasePlan,
        in_flight: u64,
    ) {
        if !phase.filters.is_empty() {
            let view = self.view(record, at, true);
            let walker = view.walker();
            for filter in &phase.filters {
                if self.readings.knows_filter(*filter) {
                    continue;
                }
                let truth = set.filters.get(filter.0).and_then(|expr| walker.truth(*expr, &view));
                self.readings.put_filter(*filter, truth);
            }
        }
        let prepared = self.readings.is_prepared();
        for state in &phase.states {
            if prepared && set.early.get(*state) == Some(&true) {
                continue;
            }
            let Some(plan) = set.states.get(*state) else { continue };
            if !self.readings.is_true(plan.filter) {
                continue;
            }
            let view = self.view(record, at, true);
            let Some(key) = view.state_key(*state) else { continue };
            let Some(sample) = view.sample(*state, key, in_flight) else { continue };
            self.store.count(set, *state, key, at, sample);
            self.readings.put_counted(*state);
        }
        for cohort in &phase.cohorts {
            if set.cohorts.get(*cohort).is_some_and(|plan| self.readings.is_true(plan.filter)) {
                let slices = self.view(record, at, true).slices(*cohort);
                if let Some(cohort) = self.store.cohorts.get_mut(*cohort) {
                    cohort.count(&slices, at);
                }
            }
        }
        for (fact, filter) in &phase.facts {
            if self.readings.is_true(*filter)
                && let Some(key) =
                    set.fact_keys.get(*fact).and_then(|key| self.view(record, at, true).key(*key))
                && let Some(facts) = self.store.facts.get_mut(*fact)
            {
                facts.learn(key, at);
            }
        }
        self.follow(set, record, at, phase);
    }

    /// Advances the sequences that the event is a step or an excluded event of.
    fn follow(&mut self, set: &RuleSet, record: &Record, at: i64, phase: &PhasePlan) {
        for touch in &phase.sequences {
            let mut matched = Matched::default();
            for (step, _) in touch.steps.iter().filter(|(_, filter)| self.readings.is_true(*filter)) {
                matched.steps |= 1_u64.checked_shl(*step as u32).unwrap_or(0);
            }
            for (without, _) in touch.without.iter().filter(|(_, filter)| self.readings.is_true(*filter)) {
                matched.without |= 1_u64.checked_shl(*without as u32).unwrap_or(0);
            }
            matched.then_no = touch.then_no.iter().any(|filter| self.readings.is_true(*filter));
            if matched.is_nothing() {
                continue;
            }
            let id = touch.sequence;
            let key = set.sequence_keys.get(id).and_then(|key| self.view(record, at, true).key(*key));
            let (Some(key), Some(sequence)) = (key, set.hir.sequences.get(id)) else { continue };
            let (Some(tracks), Some(lost)) =
                (self.store.sequences.get_mut(id), self.store.lost_tracks.get_mut(id))
            else {
                continue;
            };
            // Only a first step begins anything.
            if matched.steps & 1 == 0 && tracks.get(key).is_none() {
                continue;
            }
            let track = tracks.entry(key, at, Track::default, |evicted| {
                if !evicted.item.is_empty() {
                    lost.add(evicted.key, 1.0, evicted.at);
                }
            });
            let Some(track) = track else { continue };
            let advanced = track.take(sequence, at, matched, |step| {
                let fields = set.captures.get(id).and_then(|kept| kept.get(step));
                let kept = fields.into_iter().flatten().map(|f| record.get(&set.hir.schema, *f).cloned());
                kept.collect()
            });
            if let Some(held) = advanced.held {
                self.readings.put_held(id, Some(held));
            }
            if let Some((deadline, waiting)) = advanced.waits {
                self.store.timers.arm(Timer { deadline, sequence: id, key, id: waiting });
            }
        }
    }

    /// The readings that the response will need.
    pub(crate) fn keep(&self, _set: &RuleSet, plan: &EventPlan, record: &Record, at: i64) -> Captured {
        if plan.kept_signals.is_empty() && plan.kept_cohorts.is_empty() && plan.kept_sequences.is_empty() {
            return Captured::default();
        }
        let reads = Reads {
            signals: plan.kept_signals.clone().into(),
            cohorts: plan.kept_cohorts.clone().into(),
            sequences: plan.kept_sequences.clone().into(),
            ..Reads::default()
        };
        self.view(record, at, false).capture(&reads)
    }
}
